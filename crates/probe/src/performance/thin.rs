//! Polyline simplification of long curves.

use std::{cmp::Ordering, collections::BinaryHeap};

/// Points that are kept at most.
pub(super) const MOST_POINTS: usize = 200;

/// Distance that a dropped point may have from the lines: less than a pixel of a figure 400 pixels
/// wide, in a unit square.
pub(super) const TOLERANCE: f64 = 0.002;

/// The points themselves if there are at most 200, else those that the line needs.
///
/// Douglas and Peucker (1973) divide a line at its farthest point and go on with both halves. Here
/// the half with the farthest point of all comes first, so that a line that would need more points
/// than there may be gets the ones that matter most. It ends when no dropped point is farther than
/// [`TOLERANCE`] from the line between its neighbours, or when [`MOST_POINTS`] are kept.
pub(super) fn thin(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    if points.len() <= MOST_POINTS {
        return points.to_vec();
    }
    let mut kept = vec![0, points.len() - 1];
    let mut spans = BinaryHeap::from([Span::new(points, 0, points.len() - 1)]);
    while kept.len() < MOST_POINTS
        && let Some(Span { distance, from, at, to }) = spans.pop()
        && distance > TOLERANCE
    {
        kept.push(at);
        spans.extend([Span::new(points, from, at), Span::new(points, at, to)]);
    }
    kept.sort_unstable();
    kept.into_iter().map(|index| points[index]).collect()
}

/// A stretch between two kept points, and its point farthest from the line between them.
struct Span {
    distance: f64,
    from: usize,
    at: usize,
    to: usize,
}

impl Span {
    fn new(points: &[[f64; 2]], from: usize, to: usize) -> Self {
        let mut span = Self { distance: 0.0, from, at: from, to };
        for at in from + 1..to {
            let distance = distance(points[at], points[from], points[to]);
            if distance > span.distance {
                (span.distance, span.at) = (distance, at);
            }
        }
        span
    }
}

/// The longest distance first; of equal ones the first stretch.
impl Ord for Span {
    fn cmp(&self, other: &Self) -> Ordering {
        self.distance.total_cmp(&other.distance).then(other.from.cmp(&self.from))
    }
}

impl PartialOrd for Span {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Span {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Span {}

/// From a point to the segment between two others.
fn distance([x, y]: [f64; 2], [x0, y0]: [f64; 2], [x1, y1]: [f64; 2]) -> f64 {
    let (dx, dy) = (x1 - x0, y1 - y0);
    let square = dx * dx + dy * dy;
    let along = if square > 0.0 { ((x - x0) * dx + (y - y0) * dy) / square } else { 0.0 };
    let along = along.clamp(0.0, 1.0);
    (x - x0 - along * dx).hypot(y - y0 - along * dy)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The farthest that a dropped point lies from the line that is left.
    fn deviation(points: &[[f64; 2]], kept: &[[f64; 2]]) -> f64 {
        points
            .iter()
            .map(|&p| {
                kept.windows(2).map(|ends| distance(p, ends[0], ends[1])).fold(f64::MAX, f64::min)
            })
            .fold(0.0, f64::max)
    }

    #[test]
    fn a_short_line_is_left_alone() {
        let points: Vec<[f64; 2]> = (0..MOST_POINTS).map(|i| [i as f64, 0.0]).collect();
        assert_eq!(thin(&points), points);
    }

    #[test]
    fn a_straight_line_needs_its_ends_alone() {
        let points: Vec<[f64; 2]> = (0..=4096).map(|i| [f64::from(i) / 4096.0; 2]).collect();
        assert_eq!(thin(&points), [[0.0, 0.0], [1.0, 1.0]]);
    }

    #[test]
    fn a_quarter_circle_needs_few_points_and_loses_none_by_more_than_the_tolerance() {
        let points: Vec<[f64; 2]> = (0..=5000)
            .map(|i| (f64::from(i) / 5000.0 * std::f64::consts::FRAC_PI_2).sin_cos().into())
            .collect();
        let kept = thin(&points);
        // A chord over the angle a departs from the arc by a²/8: 13 chords at the least.
        assert!((14..=30).contains(&kept.len()), "{}", kept.len());
        assert!(deviation(&points, &kept) <= TOLERANCE);
    }

    #[test]
    fn a_line_that_needs_too_many_points_gets_the_ones_that_matter_most() {
        // 1000 teeth of height .01 and one of height 1.
        let points: Vec<[f64; 2]> = (0..=2000)
            .map(|i| [f64::from(i) / 2000.0, if i == 777 { 1.0 } else { f64::from(i % 2) * 0.01 }])
            .collect();
        let kept = thin(&points);
        assert_eq!(kept.len(), MOST_POINTS);
        assert!(kept.contains(&points[777]));
        assert!(deviation(&points, &kept) <= 0.01 + 1e-12);
    }

    proptest! {
        #[test]
        fn no_dropped_point_is_far_from_the_line(
            steps in prop::collection::vec((0.0_f64..1.0, -1.0_f64..1.0), 201..900),
            scale in 0.0_f64..0.02,
        ) {
            let mut at = [0.0, 0.0];
            let points: Vec<[f64; 2]> = steps
                .iter()
                .map(|&(dx, dy)| {
                    at = [at[0] + dx / steps.len() as f64, at[1] + dy * scale];
                    at
                })
                .collect();
            let kept = thin(&points);
            prop_assert!(kept.len() <= MOST_POINTS);
            prop_assert_eq!(kept.first(), points.first());
            prop_assert_eq!(kept.last(), points.last());
            if kept.len() < MOST_POINTS {
                prop_assert!(deviation(&points, &kept) <= TOLERANCE);
            }
        }
    }
}
