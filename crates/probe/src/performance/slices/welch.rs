//! Welch's t-test: is the mean loss of some rows larger than that of the others?

use super::super::student::upper_tail;

/// A sample's size, mean, and sum of squared deviations from it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moments {
    pub(super) rows: f64,
    pub(super) mean: f64,
    squares: f64,
}

impl Moments {
    /// In two passes, in the order of `values`.
    pub(super) fn of(values: impl Iterator<Item = f64> + Clone) -> Self {
        let (rows, sum) = values.clone().fold((0.0, 0.0), |(n, sum), v| (n + 1.0, sum + v));
        let mean = sum / rows;
        Self { rows, mean, squares: values.map(|v| (v - mean).powi(2)).sum() }
    }

    /// Variance of the mean.
    fn error(&self) -> f64 {
        self.squares / (self.rows - 1.0) / self.rows
    }
}

/// One-sided p-value of Welch's test (1947): how often samples of equal means, but variances of
/// their own, differ by as much in favour of the first. Both have two or more values.
pub(super) fn larger(first: &Moments, second: &Moments) -> f64 {
    let (a, b) = (first.error(), second.error());
    let difference = first.mean - second.mean;
    if a + b <= 0.0 {
        // Neither varies: there is no chance in it.
        return if difference > 0.0 { 0.0 } else { 1.0 };
    }
    let freedom = (a + b).powi(2) / (a * a / (first.rows - 1.0) + b * b / (second.rows - 1.0));
    upper_tail(difference / (a + b).sqrt(), freedom)
}

/// The same where rows come in groups, whose deviations from the two means are summed before they are
/// squared (a cluster-robust variance). A group may have rows in both samples. With each row its own
/// group the variances are Welch's. The degrees of freedom are those of the sample with fewer groups,
/// which is cautious.
pub(super) fn larger_by_groups(
    first: &Moments,
    second: &Moments,
    values: &[f64],
    inside: &[bool],
    groups: &[u32],
) -> f64 {
    let count = groups.iter().max().map_or(0, |last| *last as usize + 1);
    let mut sums = vec![[None::<f64>; 2]; count];
    for ((value, inside), group) in values.iter().zip(inside).zip(groups) {
        let own = if *inside { first } else { second };
        let sum = &mut sums[*group as usize][usize::from(!inside)];
        *sum = Some(sum.unwrap_or_default() + (value - own.mean) / own.rows);
    }
    let with = |side: usize| sums.iter().filter(|sum| sum[side].is_some()).count() as f64;
    let (n, m) = (with(0), with(1));
    if n < 2.0 || m < 2.0 {
        return 1.0;
    }
    let (a, b) = ((n / (n - 1.0)).sqrt(), (m / (m - 1.0)).sqrt());
    let variance: f64 = sums
        .iter()
        .map(|[x, y]| (a * x.unwrap_or_default() - b * y.unwrap_or_default()).powi(2))
        .sum();
    let difference = first.mean - second.mean;
    if variance <= 0.0 {
        return if difference > 0.0 { 0.0 } else { 1.0 };
    }
    upper_tail(difference / variance.sqrt(), n.min(m) - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(values: &[f64]) -> Moments {
        Moments::of(values.iter().copied())
    }

    #[test]
    fn the_test_agrees_with_scipy() {
        let a = moments(&[3.1, 2.2, 5.9, 4.4, 8.0, 7.1]);
        let b = moments(&[1.0, 2.0, 1.5, 2.5, 0.5, 3.0, 2.2]);
        // scipy.stats.ttest_ind(a, b, equal_var=False, alternative="greater")
        assert!((larger(&a, &b) - 0.007276450416572393).abs() < 1e-12);
        assert!((larger(&b, &a) - (1.0 - 0.007276450416572393)).abs() < 1e-12);
    }

    #[test]
    fn rows_that_are_each_a_group_vary_as_in_welchs_test() {
        let values = [3.1, 2.2, 5.9, 4.4, 8.0, 7.1, 1.0, 2.0, 1.5, 2.5, 0.5, 3.0, 2.2];
        let inside: Vec<bool> = (0..13).map(|row| row < 6).collect();
        let (a, b) = (moments(&values[..6]), moments(&values[6..]));
        let each: Vec<u32> = (0..13).collect();
        let t = (a.mean - b.mean) / (a.error() + b.error()).sqrt();
        let found = larger_by_groups(&a, &b, &values, &inside, &each);
        assert!((found - upper_tail(t, 5.0)).abs() < 1e-12);
        // Each row twice, in one group, is no more evidence than once.
        let doubled = [values, values].concat();
        let inside = [inside.clone(), inside].concat();
        let groups = [each.clone(), each.clone()].concat();
        let (a, b) = (
            moments(&[&values[..6], &values[..6]].concat()),
            moments(&[&values[6..], &values[6..]].concat()),
        );
        let again = larger_by_groups(&a, &b, &doubled, &inside, &groups);
        assert!((found - again).abs() < 1e-12 && larger(&a, &b) < 0.1 * found);
        // Nor is anything told from one group.
        let one: Vec<u32> = (0..26).map(|row| u32::from(row % 13 >= 6)).collect();
        assert_eq!(larger_by_groups(&a, &b, &doubled, &inside, &one), 1.0);
    }

    #[test]
    fn what_does_not_vary_is_certain() {
        let (a, b) = (moments(&[1.0, 1.0]), moments(&[0.0, 0.0, 0.0]));
        assert_eq!((larger(&a, &b), larger(&b, &a), larger(&a, &a)), (0.0, 1.0, 1.0));
    }
}
