//! Regions of an image that hold more of its importance than of its area.

use std::ops::Range;

/// Cells along each side of the grid that regions are made of, at most.
const CELLS: usize = 16;

/// A region that has less than this beyond its share of the area is not worth a test.
const LEAST_EXCESS: f64 = 0.05;

/// A rectangle of pixels, rows and columns, and what it holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Region {
    /// Rows of pixels.
    pub rows: Range<usize>,
    /// Columns of pixels.
    pub columns: Range<usize>,
    /// Its share of the map.
    pub share: f64,
    /// Its share of the pixels.
    pub area: f64,
}

/// Up to `most` rectangles without a common pixel, one after the other that with the largest excess of share over area (the
/// largest sum of a submatrix, among rectangles of a grid of at most 16 × 16 cells). `map` is
/// `height × width`, row-major, and not negative; one that is 0 throughout has no regions.
///
/// # Panics
/// When the map has another size (a mistake of the caller, which no data can cause).
pub fn dense_regions(map: &[f32], height: usize, width: usize, most: usize) -> Vec<Region> {
    assert_eq!(map.len(), height * width, "a value for each pixel");
    let total: f64 = map.iter().map(|v| f64::from(*v)).sum();
    if total <= 0.0 || !total.is_finite() {
        return Vec::new();
    }
    let (rows, columns) = (edges(height), edges(width));
    let pixels = (height * width) as f64;
    let mut found: Vec<Region> = Vec::new();
    while found.len() < most {
        let excess = |row: usize, column: usize| -> f64 {
            let of = |pixels: &[usize], at: usize| pixels[at]..pixels[at + 1];
            let (y, x) = (of(&rows, row), of(&columns, column));
            if found
                .iter()
                .any(|region| region.rows.contains(&y.start) && region.columns.contains(&x.start))
            {
                // Taken: no rectangle may go over it.
                return f64::NEG_INFINITY;
            }
            let sum: f64 = y
                .clone()
                .flat_map(|row| x.clone().map(move |column| row * width + column))
                .map(|at| f64::from(map[at]))
                .sum();
            sum / total - (y.len() * x.len()) as f64 / pixels
        };
        let cells: Vec<Vec<f64>> = (0..rows.len() - 1)
            .map(|row| (0..columns.len() - 1).map(|column| excess(row, column)).collect())
            .collect();
        let Some((best, [top, bottom, left, right])) = largest(&cells) else { break };
        if best < LEAST_EXCESS {
            break;
        }
        let (y, x) = (rows[top]..rows[bottom], columns[left]..columns[right]);
        let area = (y.len() * x.len()) as f64 / pixels;
        found.push(Region { rows: y, columns: x, share: best + area, area });
    }
    found
}

/// Where cells begin, and the end.
fn edges(length: usize) -> Vec<usize> {
    let cells = length.min(CELLS);
    (0..=cells).map(|cell| cell * length / cells.max(1)).collect()
}

/// The submatrix with the largest sum, and its bounds: all pairs of rows, and along them the best run of
/// columns (Kadane). The first of several.
fn largest(cells: &[Vec<f64>]) -> Option<(f64, [usize; 4])> {
    let width = cells.first()?.len();
    let mut best: Option<(f64, [usize; 4])> = None;
    for top in 0..cells.len() {
        let mut sums = vec![0.0; width];
        for (bottom, row) in cells.iter().enumerate().skip(top) {
            sums.iter_mut().zip(row).for_each(|(sum, cell)| *sum += cell);
            let (mut run, mut left) = (0.0, 0);
            for (column, sum) in sums.iter().enumerate() {
                if run <= 0.0 {
                    (run, left) = (0.0, column);
                }
                run += sum;
                if best.as_ref().is_none_or(|(value, _)| run > *value) {
                    best = Some((run, [top, bottom + 1, left, column + 1]));
                }
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_bright_rectangle_is_found_and_then_another() {
        let mut map = vec![0.01f32; 28 * 28];
        for (rows, columns, value) in [(0..7, 14..28, 1.0), (21..28, 0..7, 0.5)] {
            for row in rows {
                map[row * 28..][..28][columns.clone()].fill(value);
            }
        }
        let found = dense_regions(&map, 28, 28, 3);
        let bounds: Vec<_> = found.iter().map(|r| (r.rows.clone(), r.columns.clone())).collect();
        assert_eq!(bounds, [(0..7, 14..28), (21..28, 0..7)]);
        assert!((found[0].area - 0.125).abs() < 1e-12 && found[0].share > 0.7, "{found:?}");
    }

    #[test]
    fn an_even_map_and_one_of_nothing_have_no_regions() {
        assert!(dense_regions(&[1.0; 64], 8, 8, 3).is_empty());
        assert!(dense_regions(&[0.0; 64], 8, 8, 3).is_empty());
    }

    proptest! {
        #[test]
        fn shares_are_sums_of_the_map_and_regions_do_not_meet(
            map in prop::collection::vec(0.0f32..1.0, 20 * 9),
        ) {
            let found = dense_regions(&map, 20, 9, 4);
            let total: f64 = map.iter().map(|v| f64::from(*v)).sum();
            let mut times = vec![0; map.len()];
            for region in &found {
                let mut sum = 0.0;
                for row in region.rows.clone() {
                    for column in region.columns.clone() {
                        sum += f64::from(map[row * 9 + column]);
                        times[row * 9 + column] += 1;
                    }
                }
                prop_assert!((region.share - sum / total).abs() < 1e-9);
                prop_assert!(region.share > region.area);
            }
            prop_assert!(times.iter().all(|n| *n <= 1));
        }
    }
}
