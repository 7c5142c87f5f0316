//! Cut points of numeric columns, and how they are printed.

/// Bins of a numeric column at most: no finer than the smallest leaf needs.
pub(super) const BINS: usize = 64;

/// Ascending cuts between the known values of `rows`: between any two neighbours where there are at
/// most [`BINS`] different ones, else near the quantiles. A cut has as few digits as its neighbours
/// allow, and may for that end move by a quarter of a bin.
pub(super) fn cuts(values: &[f64], rows: &[u32]) -> Vec<f64> {
    let mut sorted: Vec<f64> =
        rows.iter().map(|&row| values[row as usize]).filter(|x| x.is_finite()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let mut distinct: Vec<f64> = Vec::with_capacity(BINS + 1);
    for &x in &sorted {
        if distinct.len() > BINS {
            break;
        }
        if distinct.last() != Some(&x) {
            distinct.push(x);
        }
    }
    if distinct.len() <= BINS {
        return distinct.windows(2).map(|pair| round_within(pair[0], pair[1])).collect();
    }
    let slack = sorted.len() / (4 * BINS);
    let mut cuts: Vec<f64> = Vec::with_capacity(BINS - 1);
    for quantile in 1..BINS {
        let at = quantile * sorted.len() / BINS;
        let low = sorted[at - slack];
        // In a run of equal values the cut is above it.
        let high =
            sorted[(at + slack).max(sorted.partition_point(|x| *x <= low)).min(sorted.len() - 1)];
        let cut = round_within(low, high);
        if low < high && cuts.last().is_none_or(|last| *last < cut) {
            cuts.push(cut);
        }
    }
    cuts
}

/// A number in [low, high) with as few digits as any: its middle or `low`, rounded; 0 if it is there.
fn round_within(low: f64, high: f64) -> f64 {
    if low <= 0.0 && 0.0 < high {
        return 0.0;
    }
    let middle = low / 2.0 + high / 2.0;
    (0..16)
        .flat_map(|digits| [middle, low].map(|x| format!("{x:.digits$e}").parse::<f64>()))
        .flatten()
        .find(|rounded| (low..high).contains(rounded))
        .unwrap_or(low)
}

/// A bound in full: cuts have few digits.
pub(super) fn number(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e9).contains(&size) {
        format!("{value:e}")
    } else {
        value.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cuts_have_few_digits() {
        assert_eq!(round_within(19.0, 20.0), 19.0);
        assert_eq!(round_within(19.3, 20.0), 19.6);
        assert_eq!(round_within(0.1234, 0.1301), 0.13);
        assert_eq!(round_within(-3.7, 12.0), 0.0);
        assert_eq!(round_within(1234.0, 5678.0), 3000.0);
        assert_eq!(round_within(-0.052, -0.05), -0.051);
        let next = 1.0_f64.next_up();
        assert_eq!(round_within(1.0, next), 1.0);
        assert_eq!(round_within(f64::MAX / 2.0, f64::MAX), 1e308);
    }

    #[test]
    fn bounds_are_printed_as_they_are() {
        let texts = [0.0, -2.5, 19.5, 1e9, 120_000.0, 0.003, 3e-7].map(number);
        assert_eq!(texts, ["0", "-2.5", "19.5", "1e9", "120000", "0.003", "3e-7"]);
    }

    proptest! {
        #[test]
        fn a_cut_parts_its_neighbours(a in prop::num::f64::NORMAL, b in prop::num::f64::NORMAL) {
            let (low, high) = (a.min(b), a.max(b));
            if low < high {
                let cut = round_within(low, high);
                prop_assert!(low <= cut && cut < high, "{low} {cut} {high}");
            }
        }
    }
}
