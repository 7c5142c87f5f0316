//! Is the mean loss of some rows larger than that of the others?

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
    fn what_does_not_vary_is_certain() {
        let (a, b) = (moments(&[1.0, 1.0]), moments(&[0.0, 0.0, 0.0]));
        assert_eq!((larger(&a, &b), larger(&b, &a), larger(&a, &a)), (0.0, 1.0, 1.0));
    }
}
