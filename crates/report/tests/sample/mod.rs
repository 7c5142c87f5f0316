//! A report as a pipeline on flights could give it: simulated predictions, really measured.

use std::collections::BTreeMap;

use collegium_digest::Digest;
use collegium_records::*;

mod draw;
mod experts;
mod flights;
mod held_out;
mod inside;
mod look;
mod measures;
mod slips;
mod strokes;

use experts::ROWS;

/// A flights-like pipeline: four experts that learned something, one that did not, and a reader of
/// handwritten digits.
pub fn report() -> AuditReport {
    // Simulated once per process: the bootstraps take a while.
    static MADE: std::sync::OnceLock<AuditReport> = std::sync::OnceLock::new();
    MADE.get_or_init(made).clone()
}

fn made() -> AuditReport {
    let mut nodes = flights::nodes();
    nodes.push(slips::slip_digit());
    nodes.iter_mut().for_each(compare);
    nodes.iter_mut().for_each(use_inputs);
    let mut edges = Vec::new();
    for node in &nodes {
        let mut sources: BTreeMap<String, (Vec<String>, f64)> = BTreeMap::new();
        for input in &node.inputs {
            let source = input.split('.').next().unwrap();
            let from = if ["flights", "slips"].contains(&source) {
                format!("data.{source}")
            } else {
                format!("expert.{source}")
            };
            let entry = sources.entry(from).or_default();
            entry.0.push(input.clone());
            let found = node.agop.iter().flat_map(|a| &a.importance).find(|i| i.input == *input);
            entry.1 += found.map_or(0.0, |i| i.share);
        }
        for (from, (inputs, share)) in sources {
            let fed = (!from.starts_with("data.")).then(|| "out-of-fold".to_owned());
            edges.push(Edge {
                fed,
                from,
                to: node.name.clone(),
                inputs,
                share: node.agop.as_ref().map(|_| share),
            });
        }
    }
    AuditReport {
        format_version: FORMAT_VERSION,
        pipeline: "flights".into(),
        created: "2026-02-03T12:34:56Z".into(),
        versions: Versions {
            tool: "0.1.0".into(),
            lock: Some(Digest::of(b"flights.lock")),
            commit: Some("0123456789abcdef0123456789abcdef01234567".into()),
        },
        requirements: vec![
            requirement("airborne test r2 >= 0.95", 0.987, true),
            requirement("arrival test auc >= 0.80", 0.783, false),
        ],
        data: vec![flights(), slips()],
        nodes,
        edges,
        price: None,
    }
}

fn slips() -> DataSummary {
    DataSummary {
        name: "slips".into(),
        rows: ["train", "valid", "test"].map(str::to_owned).into_iter().zip(slips::ROWS).collect(),
        columns: 6,
        files: vec!["data/slips.parquet".into()],
        total: slips::ROWS.iter().sum(),
        split: "by column `side`: training `train`, validation `valid`, test `test`".into(),
        by: Vec::new(),
        table: Some(Digest::of(b"slips")),
    }
}

fn flights() -> DataSummary {
    DataSummary {
        name: "flights".into(),
        rows: ["train", "valid", "test"].map(str::to_owned).into_iter().zip(ROWS).collect(),
        columns: 17,
        files: ["flights", "planes", "weather"].map(|name| format!("data/{name}.parquet")).into(),
        total: 327_346,
        split: "at random: 70 % training, 15 % validation, 15 % test; rows with equal `date` are on one side"
            .into(),
        by: vec!["date".into()],
        table: Some(Digest::of(b"flights")),
    }
}

/// Paired differences that follow from the metrics: half as wide as the expert's own intervals.
pub fn compare(node: &mut NodeAudit) {
    let Some(ours) = node.metrics.get("test") else { return };
    let one = |theirs: &SplitMeasures| {
        let shared = ours.metrics.iter().filter_map(|(name, after)| {
            let before = *theirs.metrics.get(name)?;
            let difference = after - before;
            let half = |i: &Interval| (i.high - i.low) / 4.0;
            let interval = ours
                .intervals
                .get(name)
                .map(|i| Interval { low: difference - half(i), high: difference + half(i) });
            Some((name.clone(), MetricDiff { before, after: *after, difference, interval }))
        });
        shared.collect()
    };
    let all = node.baselines.iter();
    node.against =
        all.filter_map(|(name, by)| Some((name.clone(), one(by.get("test")?)))).collect();
}

fn requirement(text: &str, value: f64, met: bool) -> RequirementOutcome {
    RequirementOutcome {
        text: text.into(),
        value: Some(value),
        not_measured: None,
        interval: None,
        reaches: None,
        met,
    }
}

/// Effects that go with the sensitivities, but for the last input above noise, which has none.
pub fn use_inputs(node: &mut NodeAudit) {
    let Some(agop) = &node.agop else { return };
    let metric = node.skill.metric.clone();
    let told: Vec<bool> = agop.importance.iter().map(|one| one.above_noise).collect();
    let idle = told.iter().filter(|told| **told).count().saturating_sub(1).max(1);
    let each = agop.importance.iter().enumerate().map(|(at, one)| {
        let used = one.above_noise && at != idle;
        let cost = if used { 0.05 * one.share } else { 0.0002 };
        let half = if used { 0.01 * one.share } else { 0.0004 };
        InputUse {
            inputs: vec![one.input.clone()],
            reading: match (used, one.above_noise) {
                (true, _) => Reading::Used,
                (_, true) => Reading::SensitivityOnly,
                _ => Reading::NoEffect,
            },
            share: Some(one.share),
            effect: Some(Conditional {
                metric: metric.clone(),
                cost,
                interval: Interval { low: cost - half, high: cost + half },
                chance: if used { 1e-9 } else { 0.3 },
                alike: true,
                determined: false,
                direction: [Some(0.91), Some(-0.83), Some(0.12), None][at % 4],
            }),
        }
    });
    node.uses = each.collect();
}
