//! Rungs of a search: how many settings are trained for how long.

/// One of this many settings goes on to the next rung, and is trained for so many times the epochs.
const KEEP: u32 = 3;

/// Fewer epochs than this say little about more: on small tables searches whose first rung had 4 epochs of 36 left the preset
/// as it was twice as often as those that began with 11 of 35.
const LEAST_EPOCHS: u32 = 10;

/// Settings that are trained for the same share of their epochs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rung {
    /// How many. The untuned settings go on to every rung, beside these where they are not among them.
    pub trials: u32,
    /// Their epochs are divided by this; 1 in the last rung.
    pub divisor: u32,
}

/// The rungs of a search over so many settings, the untuned ones of which have so many epochs; the last has whole fits.
pub fn rungs(trials: u32, epochs: u32) -> Vec<Rung> {
    let mut divisor: u32 = match trials {
        0..=2 => 1,
        3..=8 => KEEP,
        _ => KEEP * KEEP,
    };
    while divisor > 1 && epochs / divisor < LEAST_EPOCHS {
        divisor /= KEEP;
    }
    let mut found = vec![Rung { trials, divisor }];
    while divisor > 1 {
        divisor /= KEEP;
        let before = found[found.len() - 1].trials;
        found.push(Rung { trials: before.div_ceil(KEEP), divisor });
    }
    found
}

/// The epochs of a setting in a rung.
pub fn epochs_at(epochs: u32, rung: Rung) -> u32 {
    (epochs / rung.divisor).max(1)
}

/// The trials that go on: so many of the least losses, and the untuned settings (trial 0) beside them; ascending. A trial
/// without a loss failed.
pub fn survivors(scores: &[(u32, Option<f64>)], keep: u32) -> Vec<u32> {
    let mut ranked: Vec<(f64, u32)> =
        scores.iter().filter_map(|&(trial, loss)| Some((loss?, trial))).collect();
    ranked.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut kept: Vec<u32> = ranked.iter().take(keep as usize).map(|&(_, trial)| trial).collect();
    if ranked.iter().any(|&(_, trial)| trial == 0) && !kept.contains(&0) {
        kept.push(0);
    }
    kept.sort_unstable();
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_third_goes_on_and_is_trained_three_times_as_long() {
        let of = |trials, epochs| -> Vec<(u32, u32)> {
            rungs(trials, epochs).into_iter().map(|one| (one.trials, one.divisor)).collect()
        };
        assert_eq!(of(30, 90), [(30, 9), (10, 3), (4, 1)]);
        assert_eq!(of(30, 50), [(30, 3), (10, 1)], "five epochs say little");
        assert_eq!(of(8, 90), [(8, 3), (3, 1)]);
        assert_eq!(of(2, 50), [(2, 1)]);
        assert_eq!(of(30, 12), [(30, 1)]);
    }

    #[test]
    fn the_untuned_settings_go_on_and_what_failed_does_not() {
        let scores =
            [(0, Some(9.0)), (1, None), (2, Some(1.0)), (3, Some(f64::NAN)), (4, Some(1.0))];
        assert_eq!(survivors(&scores, 2), [0, 2, 4]);
        assert_eq!(survivors(&scores, 1), [0, 2], "of equals the first");
        assert_eq!(survivors(&[(0, None), (1, Some(1.0))], 1), [1]);
        assert!(survivors(&[(0, None)], 1).is_empty());
    }
}
