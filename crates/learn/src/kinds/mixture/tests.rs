use collegium_digest::Digest;
use collegium_manifest::spec::{Balance, BalanceBy, Mixture, Mlp, Train};
use collegium_table::Matrix;

use super::{FittedMixture, MixtureJob, fit_mixture};
use crate::{
    Head, Target, TrainError, TrainingSet,
    kinds::gate::tests::{regimes, watch},
};

fn mixture() -> Mixture {
    let linear = Mlp { hidden: vec![], ..Mlp::default() };
    Mixture {
        experts: 4,
        shared: 0,
        expert: linear.clone(),
        gate: linear,
        temperature: 1.0,
        top_k: None,
        noise: 0.0,
        balance: Balance { by: BalanceBy::None, weight: 0.0 },
        z_loss: 0.0,
        capacity_factor: None,
        restarts: 3,
        warm_start: Vec::new(),
    }
}

fn grown(spec: &Mixture) -> Result<(FittedMixture, f64), TrainError> {
    let (all, y, _) = regimes(800, 1);
    let (all_valid, y_valid, _) = regimes(300, 2);
    let own = |all: &Matrix| {
        let data = (0..all.rows).flat_map(|row| all.row(row)[4..].to_vec()).collect();
        Matrix { rows: all.rows, width: 2, data }
    };
    let (x, x_valid) = (own(&all), own(&all_valid));
    let train = Train {
        epochs: 120,
        learning_rate: 0.03.into(),
        batch: collegium_manifest::Batch::Rows(64),
        patience: 0,
        ..Train::default()
    };
    let head = Head::Regression { mean: 0.0, deviation: 1.0 };
    let job = MixtureJob {
        lesson: TrainingSet {
            train: &train,
            class_weights: None,
            x: &x,
            y: Target::Values(&y),
            x_valid: &x_valid,
            y_valid: Target::Values(&y_valid),
            head,
            key: Digest::of(b"key"),
        },
        spec,
        start: Vec::new(),
    };
    let grown = watch(|watch| fit_mixture(&job, watch))?;
    let raw = grown.combination.raw(&grown.network, &x_valid, &head);
    let errors = raw.data.iter().zip(&y_valid).map(|(f, y)| f64::from(f - y).powi(2));
    Ok((grown, errors.sum::<f64>() / 300.0))
}

#[test]
fn a_mixture_of_lines_learns_what_no_line_can_and_keeps_the_best_restart() {
    let (first, error) = grown(&mixture()).unwrap();
    assert_eq!(first.restarts.len(), 3);
    let least = first.restarts.iter().copied().fold(f64::INFINITY, f64::min);
    assert!((error - least).abs() < 1e-4, "{error} {least}");
    assert!(error < 0.3, "{error}");
    assert_eq!(grown(&mixture()).unwrap().0, FittedMixture { ..first }, "the same bits again");
}

#[test]
fn every_option_of_a_mixture_trains_and_stays_finite() {
    let base = Mixture { restarts: 1, ..mixture() };
    let options = [
        Mixture { top_k: Some(1), noise: 0.5, ..base.clone() },
        Mixture { top_k: Some(2), shared: 1, z_loss: 1e-3, ..base.clone() },
        Mixture { top_k: Some(1), capacity_factor: Some(1.0), ..base.clone() },
        Mixture { top_k: Some(1), capacity_factor: Some(0.1), ..base.clone() },
        Mixture {
            top_k: Some(1),
            balance: Balance { by: BalanceBy::Bias, weight: 0.01 },
            ..base.clone()
        },
        Mixture { balance: Balance { by: BalanceBy::Switch, weight: 0.1 }, ..base },
    ];
    for spec in options {
        let (grown, error) = grown(&spec).unwrap();
        assert!(
            error < 6.0 && grown.epochs.iter().all(|e| e.train.is_finite()),
            "{spec:?}: {error}"
        );
        let experts = (spec.experts + spec.shared) as usize;
        assert_eq!(grown.combination.len(), experts);
    }
}
