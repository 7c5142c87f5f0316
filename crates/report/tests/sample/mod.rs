//! A report as a pipeline on flights could give it: simulated predictions, really measured.

use std::collections::BTreeMap;

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
            edges.push(Edge {
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
        data: vec![flights(), slips()],
        nodes,
        edges,
    }
}

fn slips() -> DataSummary {
    DataSummary {
        name: "slips".into(),
        rows: ["train", "valid", "test"].map(str::to_owned).into_iter().zip(slips::ROWS).collect(),
        columns: 6,
        files: vec!["data/slips.parquet".into()],
    }
}

fn flights() -> DataSummary {
    DataSummary {
        name: "flights".into(),
        rows: ["train", "valid", "test"].map(str::to_owned).into_iter().zip(ROWS).collect(),
        columns: 17,
        files: ["flights", "planes", "weather"].map(|name| format!("data/{name}.parquet")).into(),
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
