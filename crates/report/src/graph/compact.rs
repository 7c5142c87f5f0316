//! Compaction of the layout: connected components of a graph are moved together.

/// Space between two parts.
const PART_GAP: f64 = 40.0;

/// Takes needless space out between parts: `parts[i]` is the part of item i, which reaches from
/// `low` to `high`. Returns how far each part moves up. Parts that lie beside each other stay so.
pub(super) fn lifts(parts: &[usize], reach: &[(f64, f64)]) -> Vec<f64> {
    let count = parts.iter().map(|part| part + 1).max().unwrap_or(0);
    let mut spans = vec![(f64::MAX, f64::MIN); count];
    for (part, (low, high)) in parts.iter().zip(reach) {
        spans[*part] = (spans[*part].0.min(*low), spans[*part].1.max(*high));
    }
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|a, b| spans[*a].0.total_cmp(&spans[*b].0));
    let mut lifts = vec![0.0; count];
    let (mut lift, mut bottom) = (0.0, f64::MAX);
    for part in order {
        let (low, high) = spans[part];
        if bottom < f64::MAX {
            lift += (low - bottom - PART_GAP).max(0.0);
            bottom = bottom.max(high);
        } else {
            bottom = high;
        }
        lifts[part] = lift;
    }
    lifts
}

/// The part that each of `count` items belongs to: items that links join are of one part.
pub(super) fn parts(count: usize, links: impl Iterator<Item = (usize, usize)>) -> Vec<usize> {
    let mut root: Vec<usize> = (0..count).collect();
    fn find(root: &mut [usize], mut item: usize) -> usize {
        while root[item] != item {
            root[item] = root[root[item]];
            item = root[item];
        }
        item
    }
    for (one, other) in links {
        let (one, other) = (find(&mut root, one), find(&mut root, other));
        root[one.max(other)] = one.min(other);
    }
    (0..count).map(|item| find(&mut root, item)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_links_join_is_one_part() {
        assert_eq!(parts(6, [(4, 1), (1, 3), (5, 5)].into_iter()), [0, 1, 2, 1, 1, 5]);
    }

    #[test]
    fn only_needless_space_between_parts_is_taken_out() {
        let reach = [(0.0, 50.0), (60.0, 90.0), (300.0, 340.0), (320.0, 360.0)];
        assert_eq!(lifts(&[0, 1, 2, 3], &reach), [0.0, 0.0, 170.0, 170.0]);
    }
}
