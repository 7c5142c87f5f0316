//! What a search for settings says.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test that cannot go on has failed")]

use collegium_digest::{Digest, stream};
use collegium_probe::{explained, rechosen};
use proptest::prelude::*;

#[test]
fn a_setting_explains_all_nothing_or_what_one_way_analysis_says() {
    assert_eq!(explained(&[0, 0, 1, 1], &[1.0, 1.0, 2.0, 2.0]), Some(1.0));
    assert_eq!(explained(&[0, 1, 0, 1], &[1.0, 1.0, 2.0, 2.0]), Some(0.0), "not below 0");
    assert_eq!(explained(&[0, 0, 0], &[1.0, 2.0, 3.0]), None, "one level");
    assert_eq!(explained(&[0, 1, 2], &[1.0, 2.0, 3.0]), None, "a level for each");
    assert_eq!(explained(&[0, 0, 1], &[1.0, 1.0, 1.0]), None, "equal scores");
    // SST 17.5, SSB 13.5, MSW 1: (13.5 − 1) / 17.5
    let share = explained(&[0, 0, 0, 1, 1, 1], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
    assert!((share - 12.5 / 17.5).abs() < 1e-12, "{share}");
}

/// Models that are all alike: whichever is chosen, its loss elsewhere is 1.
fn alike(models: usize, rows: usize) -> Vec<Vec<f64>> {
    let mut random = stream(&Digest::of(b"losses"), "of models that are alike");
    (0..models).map(|_| (0..rows).map(|_| 2.0 * random.random::<f64>()).collect()).collect()
}

#[test]
fn the_least_of_many_equal_models_is_too_good_and_the_correction_knows_it() {
    let losses = alike(20, 300);
    let rows: Vec<u32> = (0..300).collect();
    let views: Vec<&[f64]> = losses.iter().map(Vec::as_slice).collect();
    let means = losses.iter().map(|losses| losses.iter().sum::<f64>() / 300.0);
    let least = means.fold(f64::INFINITY, f64::min);
    let again = rechosen(&views, &rows, 300, 400, &Digest::of(b"key")).unwrap();
    assert!(least < 0.96, "{least}");
    assert!(again.corrected > least + 0.02, "{again:?} against {least}");
    assert_eq!(again, rechosen(&views, &rows, 300, 400, &Digest::of(b"key")).unwrap());
}

proptest! {
    #[test]
    fn one_model_is_measured_and_not_chosen(rows in 3_usize..40, seed in any::<u64>()) {
        let losses = [vec![1.5; rows]];
        let units: Vec<u32> = (0..rows as u32).collect();
        let key = Digest::of(&seed.to_le_bytes());
        let again = rechosen(&[&losses[0]], &units, rows, 50, &key).unwrap();
        prop_assert!((again.corrected - 1.5).abs() < 1e-12 && again.better == 0.0);
    }

    #[test]
    fn a_group_is_drawn_whole(groups in 2_usize..10, seed in any::<u64>()) {
        // Within a group one of two models is perfect; they are as good in all.
        let units: Vec<u32> = (0..groups as u32 * 4).map(|row| row / 4).collect();
        let a: Vec<f64> = units.iter().map(|unit| f64::from(unit % 2)).collect();
        let b: Vec<f64> = a.iter().map(|loss| 1.0 - loss).collect();
        let again = rechosen(&[&a, &b], &units, groups, 60, &Digest::of(&seed.to_le_bytes()));
        prop_assert!(again.is_none_or(|again| (0.0..=1.0).contains(&again.corrected)));
    }
}
