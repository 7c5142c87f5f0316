//! Keep, patch or retrain: the rule on plain figures. Its thresholds are named, never written out.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use collegium_plan::reuse::{
    Decided, EFFECTIVE_ROWS, FAR, Figures, MOST_REST, MOST_TOTAL, NOISE, Unit, budget, certified,
    effect, standard_error, verdict,
};
use collegium_records::{Candidate, Effect, Verdict};
use proptest::prelude::*;

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * b.abs().max(1.0)
}

#[test]
fn the_bound_is_the_one_computed_by_hand() {
    // d = 0.1, 0, 0.2, 0.1: its mean is 0.1, the loss 2, the ratio 0.05.
    let before = [1.0, 2.0, 3.0, 2.0];
    let after = [1.1, 2.0, 3.2, 2.1];
    let effect = effect(&before, &after, Unit::Row, 0.95);
    assert!(near(effect.loss, 2.1) && near(effect.increase, 0.1));
    // Residuals d − 0.05 l₀: 0.05, −0.1, 0.05, 0; their squares add up to 0.015.
    let error = (0.015f64 / 3.0).sqrt() / 2.0;
    assert!((effect.bound - (0.1 + 1.644_853_627 * error)).abs() < 1e-8, "{effect:?}");
    // (0.4)² / 0.06.
    assert!(near(effect.effective_rows.expect("rows differ"), 0.16 / 0.06));
}

#[test]
fn a_loss_that_rises_in_proportion_has_a_bound_without_noise() {
    let before: Vec<f64> = (1..=100).map(f64::from).collect();
    let after: Vec<f64> = before.iter().map(|loss| loss * 1.25).collect();
    let effect = effect(&before, &after, Unit::Row, 0.99);
    assert!(near(effect.bound, effect.increase), "{effect:?}");
}

#[test]
fn no_difference_is_certified_whatever_the_budget() {
    let losses = [0.3, 0.7, 0.1];
    let same = effect(&losses, &losses, Unit::Row, 0.95);
    assert_eq!((same.increase, same.bound, same.effective_rows), (0.0, 0.0, None));
    assert!(certified(&same, 0.01) && certified(&same, 0.0));
}

#[test]
fn too_few_rows_that_speak_certify_nothing() {
    // One row of many differs, and far less than the budget: it may be the first of its kind.
    let before = vec![1.0; 1000];
    let mut after = before.clone();
    after[0] += 1e-6;
    let one = effect(&before, &after, Unit::Row, 0.95);
    assert!(near(one.effective_rows.expect("a row differs"), 1.0));
    assert!(one.bound < 0.1 && !certified(&one, 0.1));
    // The same from all of them is certified, and just as many as are asked for will do.
    let after: Vec<f64> = before.iter().map(|loss| loss + 1e-6).collect();
    assert!(certified(&effect(&before, &after, Unit::Row, 0.95), 0.1));
    let many = |rows: f64| Effect {
        loss: 1.0,
        increase: 0.0,
        bound: 0.0,
        effective_rows: Some(rows),
        groups: None,
    };
    assert!(certified(&many(EFFECTIVE_ROWS), 0.1));
    assert!(!certified(&many(EFFECTIVE_ROWS - 0.01), 0.1));
}

#[test]
fn a_bound_above_the_budget_is_not_certified() {
    let at =
        |bound| Effect { loss: 1.0, increase: 0.0, bound, effective_rows: Some(1e3), groups: None };
    assert!(certified(&at(0.1), 0.1));
    assert!(!certified(&at(0.1 + 1e-9), 0.1));
}

#[test]
fn a_budget_is_a_share_of_loss_or_skill_whichever_is_less() {
    assert!(near(budget(0.02, 0.2, 1.0), 0.004), "the loss is less");
    assert!(near(budget(0.02, 0.9, 1.0), 0.002), "the skill is less");
    assert_eq!(budget(0.02, 1.0, 1.0), 0.0, "no skill");
    assert!(budget(0.02, 1.1, 1.0) < 0.0, "worse than a constant");
}

#[test]
fn a_standard_error_is_the_one_computed_by_hand() {
    // Differences 1, 3: mean 2, variance 2.
    assert!(near(standard_error(&[2.0, 5.0], &[1.0, 2.0], Unit::Row), 1.0));
    assert_eq!(standard_error(&[1.0], &[0.5], Unit::Row), f64::INFINITY, "one row says nothing");
}

const BUDGET: f64 = 0.01;

/// What is measured of an expert with an anchor's loss of 1, that was deployed with `increase`.
fn measured(bound: f64, losses: &[(Candidate, f64)]) -> BTreeMap<Candidate, Effect> {
    let effect = |loss: f64| Effect {
        loss,
        increase: loss - 1.0,
        bound,
        effective_rows: Some(10.0 * EFFECTIVE_ROWS),
        groups: None,
    };
    losses.iter().map(|(candidate, loss)| (*candidate, effect(*loss))).collect()
}

fn decided(
    budget: f64,
    bound: f64,
    losses: &[(Candidate, f64)],
    retrained: f64,
    error: f64,
) -> Decided {
    let effects = measured(bound, losses);
    let errors = effects.keys().map(|candidate| (*candidate, error)).collect();
    verdict(&Figures { budget, effects: &effects, retrained, errors: &errors })
}

fn is(verdict: Verdict, candidate: Candidate) -> Decided {
    Decided { verdict, candidate }
}

use Candidate::{Deployed, Shim, ShimRefit};

#[test]
fn without_skill_there_is_nothing_to_keep() {
    for budget in [0.0, -0.1] {
        let decided = decided(budget, 0.0, &[(Deployed, 1.0)], 1.0, 0.0);
        assert_eq!(decided, is(Verdict::Retrain, Deployed));
    }
}

#[test]
fn a_certified_expert_is_kept_while_retraining_gains_little() {
    let at = |gain: f64| {
        decided(BUDGET, BUDGET, &[(Deployed, 1.0), (Shim, 1.1)], 1.0 - gain * BUDGET, 0.0)
    };
    assert_eq!(at(MOST_TOTAL - 1e-6), is(Verdict::Keep, Deployed));
    assert_eq!(at(MOST_TOTAL + 1e-6), is(Verdict::Retrain, Deployed));
}

#[test]
fn the_best_candidate_is_deployed_while_retraining_would_gain_next_to_nothing_over_it() {
    // Not certified as it is: only what retraining would leave decides.
    let at = |gain: f64| {
        let losses = [(Deployed, 1.5), (Shim, 1.02), (ShimRefit, 1.01)];
        decided(BUDGET, 0.6, &losses, 1.01 - gain * BUDGET, 0.0)
    };
    assert_eq!(at(MOST_REST - 1e-6), is(Verdict::Patch, ShimRefit));
    assert_eq!(at(MOST_REST + 1e-6), is(Verdict::Retrain, ShimRefit));
    assert_eq!(at(-5.0), is(Verdict::Patch, ShimRefit), "retraining would even lose");
    // With a bound so wide that nothing is sure of the harm.
    let alone = |gain: f64| decided(BUDGET, 2.0, &[(Deployed, 1.5)], 1.5 - gain * BUDGET, 0.0);
    assert_eq!(alone(MOST_REST - 1e-6), is(Verdict::Keep, Deployed), "upstream is to blame");
    assert_eq!(alone(MOST_REST + 1e-6), is(Verdict::Retrain, Deployed));
}

#[test]
fn an_expert_that_is_surely_far_from_home_is_trained_whatever_the_estimate_says() {
    let at = |budgets: f64| {
        let losses = [(Deployed, 2.0), (ShimRefit, 1.0 + budgets * BUDGET)];
        decided(BUDGET, FAR * BUDGET, &losses, 2.0, 0.0)
    };
    assert_eq!(at(FAR - 1e-3), is(Verdict::Patch, ShimRefit));
    assert_eq!(at(FAR + 1e-3), is(Verdict::Retrain, ShimRefit));
}

#[test]
fn a_gain_within_its_own_noise_is_no_reason_to_train() {
    let at = |gain: f64, error: f64| {
        decided(BUDGET, BUDGET, &[(Deployed, 1.0)], 1.0 - (MOST_TOTAL + gain) * BUDGET, error)
    };
    let enough = 0.5 * BUDGET / NOISE;
    assert_eq!(at(0.5, enough * 1.001), is(Verdict::Keep, Deployed));
    assert_eq!(at(0.5, enough * 0.999), is(Verdict::Retrain, Deployed));
    assert_eq!(at(0.5, 0.0), is(Verdict::Retrain, Deployed));
    // Noise excuses no more than a budget.
    assert_eq!(at(1.5, 100.0 * BUDGET), is(Verdict::Retrain, Deployed));
}

#[test]
fn noise_is_no_excuse_for_an_expert_that_surely_suffers() {
    let losses = [(Deployed, 1.5), (ShimRefit, 1.01)];
    let retrained = 1.01 - (MOST_REST + 0.5) * BUDGET;
    let at = |bound: f64| decided(BUDGET, bound, &losses, retrained, BUDGET / NOISE);
    assert_eq!(at(2.0), is(Verdict::Patch, ShimRefit), "it may be chance");
    assert_eq!(at(0.6), is(Verdict::Retrain, ShimRefit), "it is not");
}

/// Losses of rows before and after, of the same length.
fn losses() -> impl Strategy<Value = (Vec<f64>, Vec<f64>)> {
    prop::collection::vec((0.001f64..5.0, 0.001f64..5.0), 2..200)
        .prop_map(|rows| rows.into_iter().unzip())
}

/// Rows that are the same over and over are as many observations as there are groups: the bound is that of one
/// row a group, with the quantile that is given.
#[test]
fn rows_of_a_group_count_once() {
    let (before, after) = ([1.0, 2.0, 3.0, 2.0], [1.1, 2.0, 3.2, 2.1]);
    let five = |losses: &[f64]| -> Vec<f64> { losses.iter().flat_map(|l| [*l; 5]).collect() };
    let codes: Vec<u32> = (0..4).flat_map(|group| [group; 5]).collect();
    let unit = Unit::Group { codes: &codes, count: 4, reach: 1.644_853_627 };
    let (alone, grouped) = (
        effect(&before, &after, Unit::Row, 0.95),
        effect(&five(&before), &five(&after), unit, 0.95),
    );
    assert!((alone.bound - grouped.bound).abs() < 1e-8 && near(alone.loss, grouped.loss));
    assert!(near(grouped.effective_rows.unwrap(), alone.effective_rows.unwrap()));
    assert_eq!((alone.groups, grouped.groups), (None, Some(4)));
    let errors = [
        standard_error(&before, &after, Unit::Row),
        standard_error(&five(&before), &five(&after), unit),
    ];
    assert!(near(errors[0], errors[1]), "{errors:?}");
    // One group tells nothing of others.
    let one = Unit::Group { codes: &[0; 4], count: 1, reach: 6.3 };
    let alone = effect(&before, &after, one, 0.95);
    assert!(alone.bound.is_infinite() && !certified(&alone, 10.0));
}

/// A thousand small experts whose loss rises by just the budget, on rows that share their luck by groups: how many
/// are certified nevertheless.
#[test]
fn of_experts_that_lose_just_the_budget_few_are_certified() {
    let mut state = 9_u64;
    let mut uniform = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / (1_u64 << 24) as f64
    };
    let (groups, members, budget) = (40_usize, 20_usize, 0.01);
    let codes: Vec<u32> = (0..groups * members).map(|row| (row / members) as u32).collect();
    // Student's 95 % point of 39 degrees of freedom.
    let unit = Unit::Group { codes: &codes, count: groups, reach: 1.684_875 };
    let (mut by_groups, mut by_rows) = (0, 0);
    for _ in 0..1_000 {
        let luck: Vec<f64> = (0..groups).map(|_| 0.1 * (uniform() - 0.5)).collect();
        let before: Vec<f64> = codes.iter().map(|_| uniform()).collect();
        let moved = |(loss, group): (&f64, &u32)| {
            loss + budget + luck[*group as usize] + 0.1 * (uniform() - 0.5)
        };
        let after: Vec<f64> = before.iter().zip(&codes).map(moved).collect();
        by_groups += usize::from(certified(&effect(&before, &after, unit, 0.95), budget));
        by_rows += usize::from(certified(&effect(&before, &after, Unit::Row, 0.95), budget));
    }
    assert!(by_groups <= 70 && by_rows >= 150, "by groups {by_groups}, by rows {by_rows}");
}

proptest! {
    #[test]
    fn a_bound_grows_with_confidence_and_is_the_mean_at_one_half((before, after) in losses()) {
        let bound = |confidence| effect(&before, &after, Unit::Row, confidence).bound;
        let increase = effect(&before, &after, Unit::Row, 0.5).increase;
        prop_assert!((bound(0.5) - increase).abs() < 1e-6);
        prop_assert!(increase <= bound(0.9) + 1e-9);
        prop_assert!(bound(0.9) <= bound(0.95) && bound(0.95) <= bound(0.999));
    }

    #[test]
    fn an_effect_is_the_difference_of_the_mean_losses((before, after) in losses()) {
        let effect = effect(&before, &after, Unit::Row, 0.95);
        let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
        prop_assert!((effect.increase - (mean(&after) - mean(&before))).abs() < 1e-9);
        let rows = effect.effective_rows.unwrap_or(1.0);
        prop_assert!((1.0 - 1e-9..=before.len() as f64 + 1e-9).contains(&rows), "{}", rows);
    }

    #[test]
    fn the_order_of_rows_does_not_matter((before, after) in losses()) {
        let there = effect(&before, &after, Unit::Row, 0.95);
        let turned = |losses: &[f64]| losses.iter().rev().copied().collect::<Vec<_>>();
        let back = effect(&turned(&before), &turned(&after), Unit::Row, 0.95);
        prop_assert!((there.bound - back.bound).abs() < 1e-9);
    }

    #[test]
    fn a_larger_budget_never_turns_a_certificate_down((before, after) in losses(), budget in 0.0f64..3.0, more in 0.0f64..3.0) {
        let effect = effect(&before, &after, Unit::Row, 0.95);
        prop_assert!(!certified(&effect, budget) || certified(&effect, budget + more));
    }

    #[test]
    fn a_budget_scales_with_tolerance_and_never_exceeds_its_share(
        tolerance in 0.001f64..1.0, loss in 0.0f64..5.0, constant in 0.0f64..5.0,
    ) {
        let whole = budget(tolerance, loss, constant);
        prop_assert!((2.0 * budget(tolerance / 2.0, loss, constant) - whole).abs() < 1e-9);
        prop_assert!(whole <= tolerance * loss + 1e-12 && whole <= tolerance * (constant - loss) + 1e-12);
        prop_assert_eq!(whole > 0.0, loss > 0.0 && loss < constant);
    }

    #[test]
    fn more_to_gain_never_turns_retraining_into_anything_else(
        deployed in 0.5f64..2.0, shim in 0.5f64..2.0, refit in 0.5f64..2.0,
        bound in -0.1f64..0.1, retrained in 0.0f64..2.0, less in 0.0f64..1.0, error in 0.0f64..0.02,
    ) {
        let losses = [(Deployed, deployed), (Shim, shim), (ShimRefit, refit)];
        let now = decided(BUDGET, bound, &losses, retrained, error);
        let then = decided(BUDGET, bound, &losses, retrained - less, error);
        if now.verdict == Verdict::Retrain {
            prop_assert_eq!(then.verdict, Verdict::Retrain);
        }
        // What is deployed agrees with what is said of it.
        match now.verdict {
            Verdict::Keep => prop_assert_eq!(now.candidate, Deployed),
            Verdict::Patch => {
                prop_assert_ne!(now.candidate, Deployed);
                let effects = measured(bound, &losses);
                let best = effects.values().map(|e| e.loss).fold(f64::INFINITY, f64::min);
                prop_assert_eq!(effects[&now.candidate].loss, best);
            }
            Verdict::Retrain => {}
        }
    }
}
