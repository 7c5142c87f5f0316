//! Model cards.

#![allow(clippy::unwrap_used, unreachable_pub)]

use collegium_report::card;

mod sample;

#[test]
fn a_card_of_a_classifier_with_limitations() {
    let report = sample::report();
    insta::assert_snapshot!("slip_digit", card(&report, &report.nodes[5]));
}

#[test]
fn a_card_of_an_expert_that_is_fed_by_others() {
    let report = sample::report();
    insta::assert_snapshot!("arrival", card(&report, &report.nodes[4]));
}

#[test]
fn a_card_of_a_regression() {
    let report = sample::report();
    insta::assert_snapshot!("airborne", card(&report, &report.nodes[0]));
}

#[test]
fn an_expert_that_learned_nothing_is_not_recommended() {
    let report = sample::report();
    let card = card(&report, &report.nodes[3]);
    assert!(card.contains("- It learned nothing: its test log loss"), "{card}");
    assert!(card.contains("of a constant prediction. Do not use it."), "{card}");
    assert!(card.contains("## What it uses\n\nWithheld: On held-out rows"), "{card}");
    assert!(card.contains("finds fewer than half of the rows of: yes (0 %)"), "{card}");
}

#[test]
fn the_metadata_is_one_block_and_each_metric_has_a_value() {
    let mut report = sample::report();
    report.pipeline = "a: \"b\"\n---\n# c".into();
    report.nodes[1].metrics.get_mut("test").unwrap().metrics.insert("auc".into(), f64::NAN);
    for node in &report.nodes {
        let card = card(&report, node);
        let mut blocks = card.split("\n---\n");
        let front = blocks.next().unwrap();
        assert!(front.starts_with("---\nlibrary_name: collegium\n"));
        assert!(front.contains("pipeline: \"a: \\\"b\\\"\\u000a---\\u000a# c\"\n"));
        assert!(blocks.next().is_some() && blocks.next().is_none(), "{card}");
        assert_eq!(front.matches("- type: \"").count(), front.matches("\n      value: ").count());
    }
    let card = card(&report, &report.nodes[1]);
    assert!(!card.contains("type: \"auc\"") && card.contains("type: \"log_loss\""));
}

#[test]
fn nothing_in_a_record_is_taken_for_markup() {
    let mut report = sample::report();
    let evil = "x`|y\n# <script>";
    let node = &mut report.nodes[1];
    node.name = format!("expert.{evil}");
    (node.target, node.model, node.filter) = (evil.into(), evil.into(), Some(evil.into()));
    node.inputs = vec![evil.into()];
    node.classes = vec![evil.into(), evil.into()];
    node.performance.classes[0].class = evil.into();
    node.uses[0].inputs = vec![evil.into()];
    let card = card(&report, &report.nodes[1]);
    let body = card.split("\n---\n").nth(1).unwrap();
    let headings: Vec<&str> = body.lines().filter(|line| line.starts_with("# ")).collect();
    assert_eq!(headings, ["# x\\`\\|y \\# \\<script\\>"]);
    // In tables every bar that is not a border is escaped.
    let rows: Vec<&str> = body.lines().filter(|line| line.starts_with("| ``x`")).collect();
    assert!(!rows.is_empty());
    assert!(rows.iter().all(|row| row.contains("x`\\|y")), "{rows:?}");
}

#[test]
fn the_same_record_gives_the_same_card() {
    let report = sample::report();
    assert_eq!(card(&report, &report.nodes[2]), card(&sample::report(), &report.nodes[2]));
}
