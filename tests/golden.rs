//! Frozen results. If one moves, numerics or meaning changed: raise `ENGINE_EPOCH`, then freeze the
//! new ones with `UPDATE_GOLDEN=1 cargo test -p collegium-cli --test collegium golden`.
//!
//! Results are compared to a thousandth, not by their bits: processors of another class multiply
//! matrices in another order.

use collegium_records::ENGINE_EPOCH;
use serde_json::Value;

use crate::project::Project;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden.txt");

/// Every metric of every expert on every side, one to a line.
fn results() -> Vec<(String, f64)> {
    let project = Project::new();
    let report = project.collegium(&["run", "--json", "--quiet"]).ok().json();
    let mut found = Vec::new();
    for node in report["nodes"].as_array().unwrap() {
        for (side, metrics) in node["metrics"].as_object().unwrap() {
            for (metric, value) in metrics.as_object().unwrap() {
                let name = format!("{} {side} {metric}", node["name"].as_str().unwrap());
                found.push((name, Value::as_f64(value).unwrap()));
            }
        }
    }
    found
}

#[test]
fn results_are_frozen_for_this_epoch() {
    let found = results();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let mut text = format!("epoch {ENGINE_EPOCH}\n");
        for (name, value) in &found {
            text.push_str(&format!("{name} {value:.6}\n"));
        }
        std::fs::write(FILE, text).unwrap();
    }
    let frozen = std::fs::read_to_string(FILE).unwrap();
    let mut lines = frozen.lines();
    assert_eq!(lines.next(), Some(format!("epoch {ENGINE_EPOCH}").as_str()), "freeze the new ones");
    let mut count = 0;
    for (line, (name, value)) in lines.zip(&found) {
        let (known, before) = line.rsplit_once(' ').unwrap();
        let before: f64 = before.parse().unwrap();
        assert_eq!(known, name);
        let moved = (value - before).abs();
        assert!(moved <= 1e-3 * before.abs().max(0.1), "{name}: {before} → {value}");
        count += 1;
    }
    assert_eq!(count, found.len());
    assert!(count >= 20, "{count} results");
}
