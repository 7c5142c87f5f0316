//! Decisions, tested with plain values.

mod common;

use std::collections::BTreeSet;

use collegium_manifest::{Baseline, ColumnType, Task};
use collegium_plan::{
    Dag, Known, Part, TargetFacts, TaskError, View, decide, demand, explain, fit_recipe,
    resolve_task,
};
use collegium_records::{Action, FitName, Reason};
use common::{experts, fit_inputs};

fn names(parts: &[Part]) -> Vec<String> {
    parts.iter().map(ToString::to_string).collect()
}

#[test]
fn experts_come_level_by_level_and_in_the_order_of_the_file() {
    let pipeline = experts(&[
        ("top", "\"left.logit\", \"right.logit\"", ""),
        ("right", "\"d.a\"", ""),
        ("left", "\"right.logit\"", ""),
        ("alone", "\"d.b\"", ""),
    ]);
    let dag = Dag::new(&pipeline).expect("there is no cycle");
    assert_eq!(dag.order(), [1, 3, 2, 0]);
    assert_eq!(dag.upstream(0), [1, 2]);
    assert_eq!(dag.downstream(1), [0, 2]);
    assert_eq!(dag.with_ancestors(&[2]), BTreeSet::from([1, 2]));
}

#[test]
fn an_expert_owes_folds_only_to_consumers_that_are_wanted() {
    let pipeline = experts(&[
        ("a", "\"d.x\"", ""),
        ("b", "\"a.logit\"", ""),
        ("c", "\"a.logit\"", "folds = 3"),
        ("e", "\"a.logit\"", "upstream = \"in-sample\""),
        ("f", "\"a.logit\"", "upstream = \"held-out\"\nfolds = 4"),
    ]);
    let owed = |wanted: &[usize]| {
        let parts = demand(&pipeline, 0, &wanted.iter().copied().collect());
        names(&parts.into_iter().filter(|p| !matches!(p, Part::Baseline(_))).collect::<Vec<_>>())
    };
    assert_eq!(owed(&[0]), ["full"]);
    assert_eq!(owed(&[0, 1]), ["full", "fold 1/5", "fold 2/5", "fold 3/5", "fold 4/5", "fold 5/5"]);
    assert_eq!(owed(&[0, 2]), ["full", "fold 1/3", "fold 2/3", "fold 3/3"]);
    assert_eq!(owed(&[0, 3]), ["full"]);
    assert_eq!(owed(&[0, 4]), ["full", "held-out"]);
}

#[test]
fn two_consumers_with_the_same_folds_share_them() {
    let pipeline =
        experts(&[("a", "\"d.x\"", ""), ("b", "\"a.logit\"", ""), ("c", "\"a.logit\"", "")]);
    let parts = demand(&pipeline, 0, &BTreeSet::from([0, 1, 2]));
    let folds = parts.iter().filter(|part| matches!(part, Part::Fold { .. })).count();
    assert_eq!(folds, 5);
    assert!(parts.contains(&Part::Fold { view: View::OutOfFold { folds: 5 }, fold: 4 }));
}

#[test]
fn the_single_network_is_a_baseline_for_experts_with_upstreams_only() {
    let mut pipeline = experts(&[("a", "\"d.x\"", ""), ("b", "\"a.logit\"", "")]);
    pipeline.evaluate.baselines = vec![Baseline::Majority, Baseline::Linear, Baseline::Single];
    let has_single = |index| {
        demand(&pipeline, index, &BTreeSet::from([0, 1]))
            .contains(&Part::Baseline(Baseline::Single))
    };
    assert!(!has_single(0));
    assert!(has_single(1));
}

fn facts(kind: ColumnType, binary: bool, integer: bool, levels: &[&str]) -> TargetFacts {
    let levels = levels.iter().map(|level| (*level).to_owned()).collect();
    TargetFacts { kind, binary, integer, levels }
}

#[test]
fn the_targets_type_decides_the_task_unless_the_file_must_say() {
    let number = facts(ColumnType::Number, false, false, &[]);
    let zero_one = facts(ColumnType::Number, true, true, &[]);
    let integer = facts(ColumnType::Number, false, true, &["1", "2", "3"]);
    let text = facts(ColumnType::Category, false, false, &["a", "b"]);
    let time = facts(ColumnType::Time, false, false, &[]);
    let classes = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
    assert_eq!(resolve_task(None, &number), Ok((Task::Regression, vec![])));
    assert_eq!(resolve_task(None, &zero_one), Ok((Task::Classification, classes(&["0", "1"]))));
    assert_eq!(resolve_task(None, &integer), Err(TaskError::Ambiguous));
    assert_eq!(
        resolve_task(Some(Task::Classification), &integer),
        Ok((Task::Classification, classes(&["1", "2", "3"])))
    );
    assert_eq!(resolve_task(Some(Task::Regression), &zero_one), Ok((Task::Regression, vec![])));
    assert_eq!(resolve_task(None, &text), Ok((Task::Classification, classes(&["a", "b"]))));
    assert_eq!(resolve_task(Some(Task::Regression), &text), Err(TaskError::TextRegression));
    assert_eq!(
        resolve_task(Some(Task::Classification), &number),
        Err(TaskError::NumberClassification)
    );
    assert_eq!(resolve_task(None, &time), Err(TaskError::Time));
    let image = facts(ColumnType::Image, false, false, &[]);
    for task in [None, Some(Task::Classification), Some(Task::Regression)] {
        assert_eq!(resolve_task(task, &image), Err(TaskError::Image));
    }
    let one = facts(ColumnType::Category, false, false, &["a"]);
    assert_eq!(resolve_task(None, &one), Err(TaskError::OneClass(classes(&["a"]))));
}

#[test]
fn a_node_whose_fits_are_all_at_hand_is_cached() {
    let pipeline = experts(&[("a", "\"d.x\"", "")]);
    let recipe = fit_recipe(&pipeline.experts[0], &fit_inputs("1", &["d.x"]));
    let decision = decide(&Known { after: Some(&recipe), ..Known::default() });
    assert_eq!(decision.action, Action::Cached);
    assert!(decision.reasons.is_empty());
}

#[test]
fn reasons_name_the_ingredients_that_changed() {
    let before = experts(&[("a", "\"d.x\", \"d.z\"", "")]);
    let after = experts(&[("a", "\"d.x\"", "train = { learning_rate = 0.003 }")]);
    let before = fit_recipe(&before.experts[0], &fit_inputs("1", &["d.x", "d.z"]));
    let after = fit_recipe(&after.experts[0], &fit_inputs("2", &["d.x"]));
    assert_eq!(
        Reason::list(&explain(Some(&before), &after, &[FitName::Full])),
        "input d.x changed; input d.z removed; target changed; train.learning_rate 0.01 → 0.003"
    );
    assert_eq!(explain(None, &after, &[]), [Reason::NeverFitted]);
    let gone = explain(Some(&after), &after, &[FitName::Linear]);
    assert_eq!(gone, [Reason::NotInStore(vec![FitName::Linear])]);
    assert_eq!(Reason::list(&gone), "not in the store: baseline linear");
}

#[test]
fn a_consumer_of_a_moving_upstream_may_train_unless_it_changed_itself() {
    let pipeline = experts(&[("a", "\"d.x\"", ""), ("b", "\"a.logit\", \"d.z\"", "")]);
    let expert = &pipeline.experts[1];
    let before = fit_recipe(expert, &fit_inputs("1", &["a.logit", "d.z"]));
    let own = fit_recipe(expert, &fit_inputs("1", &["d.z"]));
    let moving = || vec!["a".to_owned()];
    let known =
        Known { before: Some(&before), own: Some(&own), moving: moving(), ..Known::default() };
    let decision = decide(&known);
    assert_eq!(decision.action, Action::MayTrain);
    assert_eq!(decision.reasons, [Reason::Upstreams(moving())]);
    assert_eq!(Reason::list(&decision.reasons), "upstream a decides");

    let changed = fit_recipe(expert, &fit_inputs("2", &["d.z"]));
    let known =
        Known { before: Some(&before), own: Some(&changed), moving: moving(), ..Known::default() };
    assert_eq!(decide(&known).action, Action::Train);

    let known = Known { own: Some(&own), moving: moving(), ..Known::default() };
    assert_eq!(decide(&known).action, Action::Train, "never fitted is certain");
}
