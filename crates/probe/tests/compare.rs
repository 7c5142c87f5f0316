//! Comparisons of looks whose answer is known.

mod network;

use collegium_digest::{Digest, stream};
use collegium_probe::{
    Look, agreement, agreement_of_pairs, align, compare, cosine, spearman, spectral_gap, subspaces,
};
use collegium_records::{Agreement, Between, Changed, Comparison, Importance};
use insta::assert_snapshot;
use nalgebra::DMatrix;
use network::worlds::{LINES, Setting, verdicts};
use proptest::{prelude::ProptestConfig, prop_assert, proptest};
use rand::RngExt as _;

/// Orthonormal columns.
fn basis(rows: usize, columns: usize, name: &str) -> DMatrix<f64> {
    let mut random = stream(&Digest::of(name.as_bytes()), "matrix");
    DMatrix::from_fn(rows, columns, |_, _| random.random::<f64>() * 2.0 - 1.0).qr().q()
}

/// The first `columns` axes of `rows`, turned by an angle towards the ones after them.
fn turned(rows: usize, columns: usize, angle: f64) -> DMatrix<f64> {
    DMatrix::from_fn(rows, columns, |i, j| {
        if i == j {
            angle.cos()
        } else if i == j + columns {
            angle.sin()
        } else {
            0.0
        }
    })
}

fn near(found: f64, expected: f64) -> bool {
    (found - expected).abs() < 1e-12
}

#[test]
fn importances_are_compared_by_angle_and_by_rank() {
    assert!(near(cosine(&[1.0, 1.0], &[1.0, 0.0]).expect("defined"), 0.5_f64.sqrt()));
    assert_eq!(cosine(&[0.0, 0.0], &[1.0, 0.0]), None);
    assert_eq!(cosine(&[f64::NAN, 0.0], &[1.0, 0.0]), None);
    // scipy.stats.spearmanr([1, 2, 2, 3], [1, 3, 2, 4])
    let found = spearman(&[1., 2., 2., 3.], &[1., 3., 2., 4.]).expect("defined");
    assert!(near(found, 0.948_683_298_050_513_8));
    let found = spearman(&[0.7, 0.2, 0.1], &[0.01, 0.09, 0.9]).expect("defined");
    assert!(near(found, -1.0));
    assert_eq!(spearman(&[0.5, 0.5], &[0.1, 0.9]), None);
    assert_eq!(spearman(&[1.0], &[1.0]), None);
}

#[test]
fn an_input_that_one_expert_is_not_given_has_no_share_in_it() {
    let list = |of: &[(&str, f64)]| -> Vec<Importance> {
        of.iter()
            .map(|&(input, share)| Importance {
                input: input.to_owned(),
                share,
                low: share,
                high: share,
                above_noise: true,
                seeds: None,
                agreement: None,
            })
            .collect()
    };
    let (a, b) = align(&list(&[("x", 0.7), ("y", 0.3)]), &list(&[("z", 0.6), ("x", 0.4)]));
    assert_eq!((a, b), (vec![0.7, 0.3, 0.0], vec![0.4, 0.0, 0.6]));
}

#[test]
fn the_gap_is_where_the_spectrum_falls_within_what_matters() {
    for (eigenvalues, expected) in [
        (&[5.0, 4.0, 0.5, 0.4, 0.3][..], 2),
        // A fall among the first, before half of the trace is seen, is not one.
        (&[4.0, 1.5, 1.4, 1.3, 1.2, 0.1], 5),
        // All in one direction; nothing after it.
        (&[1.0], 1),
        (&[1.0, 0.0, 0.0], 1),
        // Beyond 99 % the ratios are of roundings.
        (&[0.6, 0.3, 0.0999, 1e-9, 1e-18], 3),
        (&[0.97, 0.02, 0.005, 1e-9, 1e-17], 1),
        (&[1.0; 30], 10),
        (&[1.0; 4], 4),
        // A spectrum of nothing, or of rounding below 0.
        (&[], 1),
        (&[0.0, 0.0], 1),
        (&[1.0, -1e-17], 1),
    ] {
        assert_eq!(spectral_gap(eigenvalues), expected, "{eigenvalues:?}");
    }
}

#[test]
fn a_space_is_compared_and_not_its_basis() {
    let a = basis(9, 3, "a");
    let mixed = &a * basis(3, 3, "inside");
    let found = subspaces(&a, &mixed).expect("three directions");
    assert!(near(found.overlap, 1.0) && found.angles.iter().all(|a| *a < 1e-12), "{found:?}");
    let axes = DMatrix::identity(6, 6);
    let found = subspaces(&axes.columns(0, 2).into(), &axes.columns(3, 2).into());
    let found = found.expect("two directions");
    assert_eq!((found.overlap, found.angles), (0.0, vec![90.0, 90.0]));
    // One direction in common.
    let found = subspaces(&axes.columns(0, 2).into(), &axes.columns(1, 2).into());
    let found = found.expect("two directions");
    assert_eq!((found.overlap, found.angles), (0.5, vec![0.0, 90.0]));
}

#[test]
fn angles_are_exact_from_the_smallest_to_the_largest() {
    for degrees in [1e-9_f64, 1e-4, 0.1, 30.0, 44.999, 45.001, 60.0, 89.9] {
        let found = subspaces(&turned(8, 3, 0.0), &turned(8, 3, degrees.to_radians()));
        let found = found.expect("three directions");
        for angle in found.angles {
            assert!((angle / degrees - 1.0).abs() < 1e-9, "{angle} {degrees}");
        }
        assert!(near(found.overlap, degrees.to_radians().cos().powi(2)));
    }
}

#[test]
fn a_direction_is_compared_with_the_whole_of_a_larger_space() {
    let (plane, line) =
        (turned(4, 2, 0.0), DMatrix::from_column_slice(4, 1, &[0.6, 0.0, 0.8, 0.0]));
    for found in [subspaces(&plane, &line), subspaces(&line, &plane)] {
        let found = found.expect("a direction");
        assert!(near(found.overlap, 0.36) && near(found.angles[0].to_radians().cos(), 0.6));
    }
    assert_eq!(subspaces(&plane, &DMatrix::zeros(4, 0)), None);
    assert_eq!(subspaces(&plane, &(&plane * f64::NAN)), None);
}

#[test]
fn random_spaces_overlap_by_their_share_of_the_dimensions() {
    let overlaps: Vec<f64> = (0..200)
        .map(|i| subspaces(&basis(12, 3, &format!("a{i}")), &basis(12, 3, &format!("b{i}"))))
        .map(|found| found.expect("three directions").overlap)
        .collect();
    let mean = overlaps.iter().sum::<f64>() / 200.0;
    assert!((mean - 0.25).abs() < 0.03, "{mean}");
}

fn look(shares: &[f64], basis: DMatrix<f64>) -> Look {
    Look { shares: shares.to_vec(), basis, skilled: true }
}

#[test]
fn an_agreement_is_the_least_of_its_pairs() {
    let looks = [
        look(&[0.6, 0.3, 0.1], turned(6, 2, 0.0)),
        look(&[0.5, 0.3, 0.2], turned(6, 2, 0.1)),
        look(&[0.3, 0.6, 0.1], turned(6, 2, 0.3)),
    ];
    let found = agreement(&looks, 2).expect("three looks");
    assert_eq!(found.of, 3);
    assert!(near(found.cosine, cosine(&looks[0].shares, &looks[2].shares).expect("defined")));
    assert!(near(found.spearman, 0.5) && near(found.overlap, 0.3_f64.cos().powi(2)));
    // Halves of different divisions are not compared with each other.
    let pairs = [(looks[0].clone(), looks[1].clone()), (looks[1].clone(), looks[2].clone())];
    let found = agreement_of_pairs(&pairs, 2).expect("two pairs");
    assert_eq!(found.of, 4);
    assert!(near(found.overlap, 0.2_f64.cos().powi(2)));
    assert_eq!(agreement(&looks[..1], 2), None);
    assert_eq!(agreement_of_pairs(&[], 2), None);
    assert_eq!(agreement(&[looks[0].clone(), look(&[0.0; 3], turned(6, 2, 0.0))], 2), None);
}

#[test]
fn a_single_input_is_ranked_as_it_must_be() {
    let looks = [look(&[1.0], turned(6, 2, 0.0)), look(&[1.0], turned(6, 2, 0.1))];
    let found = agreement(&looks, 2).expect("two looks");
    assert_eq!((found.cosine, found.spearman), (1.0, 1.0));
    assert!(near(found.overlap, 0.1_f64.cos().powi(2)));
}

fn line(of: u32, cosine: f64, overlap: f64) -> Agreement {
    Agreement { of, cosine, spearman: 0.9, overlap }
}

/// Importances and directions this far (1 − cosine, 1 − overlap) from each other.
fn compared(importances: f64, directions: f64, seeds: Option<Agreement>) -> Comparison {
    let apart = (1.0 - importances).acos();
    let a = look(&[1.0, 0.0], turned(6, 2, 0.0));
    let b = look(&[apart.cos(), apart.sin()], turned(6, 2, directions.sqrt().asin()));
    compare(Between::Versions, "one against another", &a, &b, 2, line(10, 0.999, 0.99), seeds)
        .expect("they look")
}

#[test]
fn what_halves_do_is_no_change() {
    let found = compared(0.0012, 0.012, None);
    assert_eq!((found.changed, found.k), (Changed::No, 2));
    assert_snapshot!(found.reason, @"the two are no farther apart than halves of the rows: importances agree to a cosine of 0.9988 and the first 2 directions to an overlap of 0.9880; halves of the rows to 0.9990 and 0.9900 at least");
    // Also where seeds happen to agree better than halves do.
    assert_eq!(compared(0.0012, 0.012, Some(line(3, 0.9999, 0.9999))).changed, Changed::No);
    // And where halves of a linear function agree to the last digit.
    let a = look(&[1.0, 0.01], turned(6, 2, 0.0));
    let b = look(&[1.0, 0.02], turned(6, 2, 0.005));
    let exact = compare(Between::Versions, "halves", &a, &b, 2, line(2, 1.0, 1.0), None)
        .expect("they look");
    assert_eq!(exact.changed, Changed::No);
}

#[test]
fn what_is_beyond_halves_wants_seeds() {
    let found = compared(0.1, 0.012, None);
    assert_eq!(found.changed, Changed::CannotTell);
    assert_snapshot!(found.reason, @"the two are farther apart than halves of the rows, and there are no seeds to compare with: importances agree to a cosine of 0.9000 and the first 2 directions to an overlap of 0.9880; halves of the rows to 0.9990 and 0.9900 at least");
}

#[test]
fn what_seeds_do_is_no_change() {
    let found = compared(0.04, 0.1, Some(line(3, 0.95, 0.85)));
    assert_eq!(found.changed, Changed::No);
    assert_snapshot!(found.reason, @"the two are no farther apart than seeds of one version: importances agree to a cosine of 0.9600 and the first 2 directions to an overlap of 0.9000; halves of the rows to 0.9990 and 0.9900 at least, 3 seeds to 0.9500 and 0.8500");
}

#[test]
fn well_beyond_seeds_is_a_change() {
    let seeds = Some(line(3, 0.95, 0.85));
    let found = compared(0.11, 0.31, seeds);
    assert_eq!(found.changed, Changed::Yes);
    assert_snapshot!(found.reason, @"importances and directions are well beyond what seeds of one version do: importances agree to a cosine of 0.8900 and the first 2 directions to an overlap of 0.6900; halves of the rows to 0.9990 and 0.9900 at least, 3 seeds to 0.9500 and 0.8500");
    // Of either.
    let found = compared(0.04, 0.31, seeds);
    assert_eq!(found.changed, Changed::Yes);
    assert_snapshot!(found.reason, @"directions are well beyond what seeds of one version do: importances agree to a cosine of 0.9600 and the first 2 directions to an overlap of 0.6900; halves of the rows to 0.9990 and 0.9900 at least, 3 seeds to 0.9500 and 0.8500");
    let found = compared(0.11, 0.1, seeds);
    assert_eq!(found.changed, Changed::Yes);
    assert_snapshot!(found.reason, @"importances are well beyond what seeds of one version do: importances agree to a cosine of 0.8900 and the first 2 directions to an overlap of 0.9000; halves of the rows to 0.9990 and 0.9900 at least, 3 seeds to 0.9500 and 0.8500");
}

#[test]
fn a_little_beyond_seeds_is_not_told() {
    let found = compared(0.09, 0.1, Some(line(3, 0.95, 0.85)));
    assert_eq!(found.changed, Changed::CannotTell);
    assert_snapshot!(found.reason, @"the two are farther apart than seeds of one version, and not by enough to tell: importances agree to a cosine of 0.9100 and the first 2 directions to an overlap of 0.9000; halves of the rows to 0.9990 and 0.9900 at least, 3 seeds to 0.9500 and 0.8500");
    // Ten times as far as seeds that agree nearly perfectly is little all the same.
    assert_eq!(compared(0.015, 0.0, Some(line(3, 0.9985, 0.999))).changed, Changed::CannotTell);
    assert_eq!(compared(0.0, 0.045, Some(line(3, 0.9985, 0.999))).changed, Changed::CannotTell);
}

#[test]
fn seeds_that_agree_on_nothing_prove_nothing() {
    let seeds = Some(line(3, 0.4, 0.3));
    let found = compared(0.5, 0.5, seeds);
    assert_eq!(found.changed, Changed::CannotTell);
    assert_snapshot!(found.reason, @"seeds of one version are so far apart that no change could show: importances agree to a cosine of 0.5000 and the first 2 directions to an overlap of 0.5000; halves of the rows to 0.9990 and 0.9900 at least, 3 seeds to 0.4000 and 0.3000");
    // One measure is enough to see by.
    assert_eq!(compared(0.04, 0.5, Some(line(3, 0.95, 0.3))).changed, Changed::No);
    assert_eq!(compared(0.2, 0.5, Some(line(3, 0.95, 0.3))).changed, Changed::Yes);
}

#[test]
fn an_expert_without_skill_looks_at_nothing_that_could_change() {
    let a = look(&[1.0, 0.0], turned(4, 1, 0.0));
    let b = Look { skilled: false, ..a.clone() };
    let [found, other] = [(&a, &b), (&b, &a)].map(|(a, b)| {
        compare(Between::Versions, "a against b", a, b, 1, line(2, 0.9, 0.9), None)
            .expect("they look")
    });
    assert_eq!(found, other);
    assert_eq!(found.changed, Changed::CannotTell);
    assert_snapshot!(found.reason, @"the importances of an expert that does not beat a constant are those of its initial weights: importances agree to a cosine of 1.0000 and the first direction to an overlap of 1.0000; halves of the rows to 0.9000 and 0.9000 at least");
    let nothing = look(&[0.0, 0.0], turned(4, 1, 0.0));
    assert_eq!(
        compare(Between::Versions, "a against b", &a, &nothing, 1, line(2, 0.9, 0.9), None),
        None
    );
}

#[test]
fn trained_networks_are_told_apart_when_they_learned_different_things() {
    let (mut counts, worlds) = ([[[0_u32; 3]; 4]; 8], 6);
    for world in 0..worlds {
        for (case, looks, changed) in verdicts(Setting { inputs: 8, rows: 1000, epochs: 30 }, world)
        {
            let line = LINES.iter().position(|l| *l == looks).expect("one of them");
            counts[case][line][changed as usize] += 1;
        }
    }
    let [yes, no] = [Changed::Yes, Changed::No].map(|c| c as usize);
    let worlds = u32::try_from(worlds).expect("few");
    for (line, &looks) in LINES.iter().enumerate() {
        let of = |case: usize, said: usize| counts[case][line][said];
        // The same network: at most one in six is not recognised, none is called changed.
        assert!(
            of(0, yes) + of(1, yes) == 0 && of(0, no) + of(1, no) >= 2 * worlds - 2,
            "{counts:?}"
        );
        if looks == 0 {
            assert!((0..8).all(|case| of(case, yes) == 0), "{counts:?}");
            assert!((4..7).all(|case| of(case, no) == 0), "{counts:?}");
        } else {
            assert!(of(2, yes) <= 2 && of(2, no) >= worlds / 2, "{counts:?}");
            assert!(of(5, yes) + of(6, yes) >= 2 * worlds - 2, "{counts:?}");
            assert!(of(4, no) <= 2 && of(5, no) + of(6, no) == 0, "{counts:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_rotation_of_both_moves_no_angle(
        rows in 4_usize..12, k in 1_usize..4, seed in 0_u32..1000,
    ) {
        let (a, b) = (basis(rows, k, &format!("a{seed}")), basis(rows, k, &format!("b{seed}")));
        let turn = basis(rows, rows, &format!("turn{seed}"));
        let plain = subspaces(&a, &b).expect("directions");
        for other in [subspaces(&(&turn * &a), &(&turn * &b)), subspaces(&b, &a)] {
            let other = other.expect("directions");
            prop_assert!((plain.overlap - other.overlap).abs() < 1e-12);
            for (x, y) in plain.angles.iter().zip(&other.angles) {
                prop_assert!((x - y).abs() < 1e-6, "{x} {y}");
            }
        }
        prop_assert!(plain.angles.is_sorted());
        let squares: f64 = plain.angles.iter().map(|a| a.to_radians().cos().powi(2)).sum();
        prop_assert!((squares / k as f64 - plain.overlap).abs() < 1e-12);
    }

    #[test]
    fn ranks_see_only_the_order(values in proptest::collection::vec(0.0_f64..1.0, 3..8)) {
        let other: Vec<f64> = values.iter().rev().copied().collect();
        let cubed = |values: &[f64]| values.iter().map(|v| v.powi(3) + 1.0).collect::<Vec<f64>>();
        let plain = spearman(&values, &other);
        let moved = spearman(&cubed(&values), &other);
        match (plain, moved) {
            (Some(plain), Some(moved)) => prop_assert!((plain - moved).abs() < 1e-12),
            (plain, moved) => prop_assert!(plain == moved),
        }
    }
}
