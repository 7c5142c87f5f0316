//! Histogram of losses by the bins of one column, for the splits of a tree node.

use super::bins::Binned;

/// Levels with fewer rows than this in a node have no mean to go by.
const RARE: f64 = 20.0;

/// Rows and sum of losses in a bin.
pub(super) type Bin = (f64, f64);

/// A column's bins in a node, and the orders of them whose beginnings are the splits to try.
pub(super) struct Histogram {
    /// All of the column's; rare levels are together in one of them, and the others are empty.
    pub(super) bins: Vec<Bin>,
    /// Occupied bins. Numbers ascend, with missing values behind and before them. Categories, missing
    /// ones being one more, ascend by mean loss: one of these splits is then the best of all
    /// 2^(L−1) − 1 (Fisher 1958; Breiman et al. 1984).
    pub(super) orders: Vec<Vec<usize>>,
    category: bool,
    /// The bin of the rare levels, if there are any.
    rare: Option<usize>,
}

impl Histogram {
    /// `rows` are validation rows.
    pub(super) fn new(column: &Binned, losses: &[f64], rows: &[u32]) -> Self {
        let mut bins = vec![(0.0, 0.0); column.bins()];
        for &row in rows {
            let (count, sum) = &mut bins[column.valid[row as usize] as usize];
            *count += 1.0;
            *sum += losses[row as usize];
        }
        let category = column.is_category();
        let rare = if category { pool(&mut bins[..column.known]) } else { None };
        let mut order: Vec<usize> = (0..bins.len()).filter(|&bin| bins[bin].0 > 0.0).collect();
        let mut orders = Vec::new();
        if category {
            let mean = |bin: usize| bins[bin].1 / bins[bin].0;
            order.sort_by(|&a, &b| mean(a).total_cmp(&mean(b)));
        } else if bins[column.known].0 > 0.0 {
            let mut before = order.clone();
            before.rotate_right(1);
            orders.push(before);
        }
        orders.insert(0, order);
        Self { bins, orders, category, rare }
    }

    /// Splits to try.
    pub(super) fn splits(&self) -> usize {
        self.orders.iter().map(|order| order.len().saturating_sub(1)).sum()
    }

    /// Of a category: levels whose means are sorted.
    pub(super) fn levels(&self) -> Option<f64> {
        self.category.then(|| self.orders[0].len() as f64)
    }

    /// Is a bin on the left, where the first `length` of `order` are? Bins that are empty here take
    /// the side of the occupied one below (numbers), of the rare levels, or else of most rows.
    pub(super) fn left(&self, order: &[usize], length: usize) -> Vec<bool> {
        let mut left = vec![false; self.bins.len()];
        for &bin in &order[..length] {
            left[bin] = true;
        }
        let count = |part: &[usize]| part.iter().map(|&bin| self.bins[bin].0).sum::<f64>();
        let most = count(&order[..length]) > count(&order[length..]);
        let known = self.bins.len() - 1;
        let first = (0..known).find(|&bin| self.bins[bin].0 > 0.0);
        let reference = if self.category { self.rare } else { first };
        let mut side = reference.map_or(most, |bin| left[bin]);
        for (left, bin) in left.iter_mut().zip(&self.bins[..known]) {
            if bin.0 == 0.0 {
                *left = side;
            } else if !self.category {
                side = *left;
            }
        }
        if self.bins[known].0 == 0.0 {
            left[known] = most;
        }
        left
    }
}

/// Puts all rare levels into the bin of the first of them.
fn pool(levels: &mut [Bin]) -> Option<usize> {
    let rare = |bin: &Bin| 0.0 < bin.0 && bin.0 < RARE;
    let first = levels.iter().position(rare)?;
    let mut all = (0.0, 0.0);
    for level in levels.iter_mut().filter(|level| rare(level)) {
        let (count, sum) = std::mem::take(level);
        all = (all.0 + count, all.1 + sum);
    }
    levels[first] = all;
    Some(first)
}

#[cfg(test)]
mod tests {
    use super::{
        super::{SliceFeature, SliceValues},
        *,
    };

    #[test]
    fn numbers_ascend_with_missing_values_on_either_side() {
        let values = [3.0, 1.0, f64::NAN, 2.0, 1.0];
        let feature = SliceFeature { name: "x", values: SliceValues::Number(&values) };
        let column = Binned::new(&feature, &[0, 1, 2, 3, 4], &[]);
        let all = Histogram::new(&column, &[1.0, 2.0, 4.0, 8.0, 16.0], &[0, 1, 2, 3, 4]);
        assert_eq!(all.bins, [(2.0, 18.0), (1.0, 8.0), (1.0, 1.0), (1.0, 4.0)]);
        assert_eq!(all.orders, [[0, 1, 2, 3], [3, 0, 1, 2]]);
        assert_eq!((all.splits(), all.levels()), (6, None));
        assert_eq!(all.left(&all.orders[1], 1), [false, false, false, true]);
        assert_eq!(all.left(&all.orders[1], 2), [true, false, false, true]);
        // Without 2 and missing values: what lies between goes with the lower side, missing values
        // with most rows.
        let some = Histogram::new(&column, &[1.0; 5], &[0, 1, 4]);
        assert_eq!(some.orders, [[0, 2]]);
        assert_eq!(some.left(&some.orders[0], 1), [true, true, false, true]);
    }

    #[test]
    fn levels_ascend_by_mean_and_rare_ones_stay_together() {
        let names: Vec<String> = ["a", "b", "c", "d", "e"].map(str::to_owned).into();
        // a and b often, c and d rarely, e never, one missing.
        let codes: Vec<u32> = (0..50).map(|row| row % 2).chain([2, 3, 2, 9]).collect();
        let losses: Vec<f64> =
            codes.iter().map(|code| [5.0, 1.0, 2.0, 4.0][*code as usize % 4]).collect();
        let values = SliceValues::Category { codes: &codes, levels: &names };
        let feature = SliceFeature { name: "x", values };
        let rows: Vec<u32> = (0..54).collect();
        let column = Binned::new(&feature, &rows, &[]);
        let found = Histogram::new(&column, &losses, &rows);
        assert_eq!(found.bins[2..], [(3.0, 8.0), (0.0, 0.0), (0.0, 0.0), (1.0, 1.0)]);
        assert_eq!(found.orders, [[1, 5, 2, 0]]);
        assert_eq!(found.levels(), Some(4.0));
        assert_eq!(found.left(&found.orders[0], 3), [false, true, true, true, true, true]);
        assert_eq!(found.left(&found.orders[0], 2), [false, true, false, false, false, true]);
    }
}
