//! The page of an evaluation: what must be on it, and what must never be.

#![allow(clippy::unwrap_used, unreachable_pub)]

use std::collections::BTreeMap;

use collegium_records::{
    ColumnShift, EvaluationReport, Finding, Interval, Level, LevelRows, MetricChange,
    NodeEvaluation, NodeRows, Performance, Quality, Reliability, ReliabilityBin,
    RequirementOutcome, ShiftBin, ShiftHistogram, SplitMeasures, Topic, TwoSample, WeakSlice,
    WeakSlices,
};
use collegium_report::evaluation;

mod reading;

use reading::{attributes, sound, text};

fn measures(auc: f64) -> SplitMeasures {
    let interval = Interval { low: auc - 0.02, high: auc + 0.02 };
    SplitMeasures {
        rows: 900,
        seen: 0,
        groups: None,
        blocks: None,
        seeds: None,
        metrics: BTreeMap::from([("auc".to_owned(), auc), ("log_loss".to_owned(), 0.4)]),
        intervals: BTreeMap::from([("auc".to_owned(), interval)]),
    }
}

fn reliability(ece: f64) -> Reliability {
    let bin = |at: f64| ReliabilityBin { predicted: at, observed: at + ece, rows: 300 };
    Reliability { ece, bins: [0.1, 0.5, 0.8].map(bin).to_vec() }
}

fn node(name: &str, upstream: &[&str], verdict: Quality) -> NodeEvaluation {
    let change = MetricChange {
        before: 0.8,
        after: 0.7,
        difference: -0.1,
        interval: Some(Interval { low: -0.14, high: -0.06 }),
        p_value: Some(1e-20),
    };
    NodeEvaluation {
        name: name.to_owned(),
        task: "classification".to_owned(),
        target: "flights.late".to_owned(),
        filter: None,
        classes: ["false", "true"].map(str::to_owned).to_vec(),
        columns: vec!["flights.visib".to_owned()],
        upstream: upstream.iter().map(|name| (*name).to_owned()).collect(),
        end: false,
        rows: NodeRows {
            admitted: 1000,
            without_target: 90,
            unknown_class: 10,
            seen: None,
            measured: 900,
        },
        unknown_classes: vec![LevelRows { level: "maybe".to_owned(), rows: 10 }],
        unmeasured: None,
        new: measures(0.7),
        test: measures(0.8),
        test_withheld: None,
        changes: BTreeMap::from([("auc".to_owned(), change)]),
        verdict,
        metric: (verdict == Quality::Worse).then(|| "auc".to_owned()),
        reliability_test: Some(reliability(0.01)),
        reliability_new: Some(reliability(0.15)),
        performance: Performance {
            slices: Some(WeakSlices {
                loss: "log_loss".to_owned(),
                rows: 900,
                overall: 0.4,
                tested: 3,
                slices: vec![WeakSlice {
                    conditions: vec!["flights.visib <= 3".to_owned()],
                    rows: 120,
                    loss: 0.9,
                    elsewhere: 0.3,
                    p_value: 1e-6,
                    adjusted: 3e-6,
                }],
            }),
            ..Performance::default()
        },
        target_shift: Some(levels("flights.late", false)),
        moved: vec!["flights.visib".to_owned()],
    }
}

fn numbers(column: &str) -> ColumnShift {
    ColumnShift {
        column: column.to_owned(),
        kind: "number".to_owned(),
        psi: 0.41,
        psi_by_chance: 0.012,
        values: Some(TwoSample {
            test: "kolmogorov-smirnov".to_owned(),
            statistic: 0.3,
            p_value: 1e-30,
            by: "asymptotic".to_owned(),
        }),
        missing: None,
        p_value: 1e-30,
        adjusted: 2e-30,
        moved: true,
        missing_rows: 7,
        unseen_rows: 0,
        unseen: vec![],
        outside: Some(0.031),
        bins: vec![ShiftBin { label: "<= 3".to_owned(), training: 500, new: 800 }],
        histogram: Some(ShiftHistogram {
            edges: vec![0.0, 2.0, 4.0, 6.0],
            training: vec![100, 300, 600],
            new: vec![500, 300, 100],
        }),
    }
}

fn levels(column: &str, moved: bool) -> ColumnShift {
    let mut shift = numbers(column);
    shift.kind = "category".to_owned();
    shift.histogram = None;
    shift.outside = None;
    shift.moved = moved;
    shift.unseen_rows = 12;
    shift.unseen = vec![LevelRows { level: "<b>XYZ</b>".to_owned(), rows: 12 }];
    shift.bins = (0..40)
        .map(|at| ShiftBin { label: format!("L{at}"), training: 50 - at, new: at })
        .chain([ShiftBin { label: "unseen".to_owned(), training: 0, new: 12 }])
        .collect();
    shift
}

fn report() -> EvaluationReport {
    let mut unmeasured = node("expert.weather", &[], Quality::Unknown);
    unmeasured.unmeasured = Some("the rows have no column `storm`".to_owned());
    unmeasured.new = SplitMeasures::default();
    EvaluationReport {
        format_version: 1,
        pipeline: "flights".to_owned(),
        created: "2026-05-01T10:00:00Z".to_owned(),
        input: "may.csv".to_owned(),
        data: "data.flights".to_owned(),
        rows: 1000,
        training_rows: 20_000,
        seen: 0,
        sampled: Some(100_000),
        findings: vec![Finding::new(
            Level::Warning,
            Topic::Other,
            "quality is lost first at expert.departure: AUC 0.800 → 0.700",
        )],
        nodes: vec![
            unmeasured,
            node("expert.departure", &["expert.weather"], Quality::Worse),
            node("gate.arrival", &["expert.departure"], Quality::Same),
        ],
        inputs: vec![numbers("flights.visib"), levels("flights.carrier", true)],
        requirements: vec![RequirementOutcome {
            text: "gate.arrival test auc >= 0.7".to_owned(),
            value: None,
            not_measured: None,
            interval: None,
            reaches: None,
            met: false,
        }],
        notes: vec!["columns that nothing reads: `unread`".to_owned()],
    }
}

#[test]
fn the_page_is_sound_and_needs_nothing_but_itself() {
    let page = evaluation(&report());
    sound(&page);
    assert_eq!(page, evaluation(&report()));
    let page = page.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
    for outside in
        ["http", "<script", "<link", "url(", "@import", "javascript:", " onclick", "<b>XYZ"]
    {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn what_was_found_stands_at_the_head_and_every_node_has_a_section() {
    let report = report();
    let page = evaluation(&report);
    let words = text(&page);
    let at =
        |needle: &str| words.find(needle).unwrap_or_else(|| panic!("{needle} is not on the page"));
    assert!(at("Quality is lost first at expert.departure") < at("Experts Expert"));
    assert!(at("Experts Expert") < at("2 of 2 inputs moved against"));
    for node in &report.nodes {
        assert!(attributes(&page, "id").contains(&node.name.as_str()), "{}", node.name);
    }
    at("Not measured: the rows have no column");
    at("gate.arrival test auc >= 0.7");
    at("900 of 1,000 rows measured: 90 have no target, 10 have a class that it does not know.");
    at("12 rows of levels that training never saw: <b>XYZ</b> (12).");
    at("3.1 % of the values lie outside the training range.");
    at("look at 100,000 rows, drawn evenly");
}

#[test]
fn both_sides_are_in_every_picture() {
    let page = evaluation(&report());
    assert!(page.contains("Reliability curve on these rows and on test rows"));
    assert!(page.contains("flights.visib: training rows and new rows"));
    let words = text(&page);
    assert!(words.contains("Expected calibration error 0.150 (test rows: 0.010"), "{words}");
}

#[test]
fn numbers_that_are_none_and_empty_reports_do_no_harm() {
    let mut report = report();
    let shift = &mut report.inputs[0];
    shift.psi = f64::NAN;
    shift.adjusted = f64::NAN;
    shift.histogram.as_mut().unwrap().edges[3] = f64::INFINITY;
    report.nodes[1].new.metrics.insert("auc".to_owned(), f64::NAN);
    report.nodes[1].reliability_new.as_mut().unwrap().bins[0].observed = f64::NAN;
    sound(&evaluation(&report));
    report.nodes.clear();
    report.inputs.clear();
    report.findings.clear();
    sound(&evaluation(&report));
}
