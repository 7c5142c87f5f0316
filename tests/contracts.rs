//! The shapes of the JSON documents. A line that goes away breaks somebody's program.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{evaluate::plain, project::Project};

/// Every path of a document with the type found there; items of a list share one path, and so do
/// the values of maps whose keys are data.
fn shape(document: &Value) -> String {
    fn walk(value: &Value, path: &str, found: &mut BTreeSet<String>) {
        match value {
            Value::Null => {
                found.insert(format!("{path}: null"));
            }
            Value::Bool(_) => {
                found.insert(format!("{path}: boolean"));
            }
            Value::Number(_) => {
                found.insert(format!("{path}: number"));
            }
            Value::String(_) => {
                found.insert(format!("{path}: string"));
            }
            Value::Array(items) => {
                for item in items {
                    walk(item, &format!("{path}[]"), found);
                }
            }
            Value::Object(fields) => {
                for (name, item) in fields {
                    walk(item, &format!("{path}.{name}"), found);
                }
            }
        }
    }
    let mut found = BTreeSet::new();
    walk(document, "", &mut found);
    found.into_iter().collect::<Vec<_>>().join("\n")
}

/// Lines that must be in a shape.
fn holds(document: &Value, lines: &[&str]) {
    let shape = shape(document);
    let known: BTreeSet<&str> = shape.lines().collect();
    for line in lines {
        assert!(known.contains(line), "{line:?} is not in:\n{shape}");
    }
}

#[test]
fn the_documents_of_plan_run_why_and_status_keep_their_fields() {
    let project = Project::new();
    holds(
        &project.collegium(&["plan", "--json"]).ok().json(),
        &[
            ".format_version: number",
            ".pipeline: string",
            ".nodes[].name: string",
            ".nodes[].action: string",
            ".nodes[].reasons[]: string",
            ".nodes[].fits[]: string",
            ".nodes[].seconds: null",
            ".nodes[].peak_bytes: number",
        ],
    );
    holds(
        &project.collegium(&["run", "--json"]).ok().json(),
        &[
            ".format_version: number",
            ".pipeline: string",
            ".seconds: number",
            ".peak_bytes: number",
            ".interrupted: boolean",
            ".nodes[].name: string",
            ".nodes[].outcome: string",
            ".nodes[].fits: number",
            ".nodes[].fitted[]: string",
            ".nodes[].reasons[]: string",
            ".nodes[].recipe: string",
            ".nodes[].realisation: string",
            ".nodes[].seconds: number",
            ".nodes[].peak_bytes: number",
            ".nodes[].metrics.train.auc: number",
            ".nodes[].metrics.valid.log_loss: number",
            ".nodes[].metrics.test.rmse: number",
        ],
    );
    project.map_column("d", |cell| format!("{cell}1"));
    project.edit_pipeline("hidden = [8]", "hidden = [7]");
    holds(
        &project.collegium(&["plan", "--json"]).ok().json(),
        &[
            ".nodes[].seconds.min: number",
            ".nodes[].seconds.expected: number",
            ".nodes[].seconds.max: number",
            ".seconds.expected: number",
        ],
    );
    holds(
        &project.collegium(&["why", "size", "--json"]).ok().json(),
        &[
            ".format_version: number",
            ".node: string",
            ".summary: string",
            ".changes[].ingredient: string",
            ".changes[].before: string",
            ".changes[].after: string",
        ],
    );
    holds(
        &project.collegium(&["status", "--json"]).ok().json(),
        &[".nodes[].name: string", ".nodes[].state: string", ".nodes[].realisation: string"],
    );
}

#[test]
fn the_document_of_audit_keeps_its_fields() {
    let project = Project::new();
    project.edit_pipeline("baselines = []", "baselines = [\"majority\", \"linear\", \"single\"]");
    project.collegium(&["run", "--quiet"]).ok();
    holds(
        &project.collegium(&["audit", "--json", "--quiet"]).ok().json(),
        &[
            ".format_version: number",
            ".nodes[].task: string",
            ".nodes[].metrics.test.metrics.auc: number",
            ".nodes[].metrics.test.intervals.auc.low: number",
            ".nodes[].baselines.linear.test.metrics.r2: number",
            ".nodes[].baselines.single.test.metrics.auc: number",
            ".nodes[].confusion.counts[][]: number",
            ".nodes[].reliability.bins[].observed: number",
            ".nodes[].skill.metric: string",
            ".nodes[].skill.value: number",
            ".nodes[].skill.baseline: number",
            ".nodes[].skill.beats_baseline: boolean",
            ".nodes[].agop.output: string",
            ".nodes[].agop.rows: number",
            ".nodes[].agop.importance[].input: string",
            ".nodes[].agop.importance[].share: number",
            ".nodes[].agop.importance[].low: number",
            ".nodes[].agop.importance[].high: number",
            ".nodes[].agop.upstream[].input: string",
            ".nodes[].agop.eigenvalues[]: number",
            ".nodes[].agop.effective_rank: number",
            ".nodes[].agop.noise_floor.split_half_cosine: number",
            ".nodes[].findings[].text: string",
            ".nodes[].findings[].level: string",
            ".nodes[].findings[].topic: string",
            ".nodes[].findings[].detail: string",
            ".nodes[].findings[].next: string",
            ".nodes[].uses[].inputs[]: string",
            ".nodes[].uses[].reading: string",
            ".nodes[].uses[].share: number",
            ".nodes[].uses[].effect.cost: number",
            ".nodes[].uses[].effect.direction: number",
            ".versions.tool: string",
            ".versions.lock: string",
            ".data[].total: number",
            ".data[].split: string",
            ".data[].table: string",
            ".edges[].from: string",
            ".edges[].share: number",
            ".price.fits: number",
            ".price.at_most: boolean",
        ],
    );
}

#[test]
fn the_document_of_evaluate_keeps_its_fields() {
    let project = Project::new();
    project.edit_pipeline(
        "baselines = []",
        "baselines = []\nrequire = [\"expert.size test r2 >= -9\"]",
    );
    project.collegium(&["run", "--quiet"]).ok();
    project.write("new.csv", plain(7, 300));
    let shared = [
        ".format_version: number",
        ".pipeline: string",
        ".created: string",
        ".input: string",
        ".data: string",
        ".rows: number",
        ".training_rows: number",
        ".findings[].level: string",
        ".findings[].text: string",
        ".nodes[].name: string",
        ".nodes[].task: string",
        ".nodes[].target: string",
        ".nodes[].classes[]: string",
        ".nodes[].columns[]: string",
        ".nodes[].upstream[]: string",
        ".nodes[].end: boolean",
        ".nodes[].rows.admitted: number",
        ".nodes[].rows.without_target: number",
        ".nodes[].rows.unknown_class: number",
        ".nodes[].rows.measured: number",
        ".nodes[].new.rows: number",
        ".nodes[].new.metrics.auc: number",
        ".nodes[].new.intervals.auc.low: number",
        ".nodes[].test.metrics.rmse: number",
        ".nodes[].test.intervals.rmse.high: number",
        ".nodes[].changes.auc.before: number",
        ".nodes[].changes.auc.after: number",
        ".nodes[].changes.auc.difference: number",
        ".nodes[].changes.auc.interval.low: number",
        ".nodes[].changes.auc.p_value: number",
        ".nodes[].verdict: string",
        ".nodes[].reliability_new.bins[].observed: number",
        ".nodes[].reliability_test.ece: number",
        ".nodes[].performance.classes[].recall.value: number",
        ".nodes[].performance.residuals.bias: number",
        ".nodes[].performance.slices.tested: number",
        ".nodes[].target_shift.psi: number",
        ".inputs[].column: string",
        ".inputs[].kind: string",
        ".inputs[].psi: number",
        ".inputs[].psi_by_chance: number",
        ".inputs[].values.test: string",
        ".inputs[].values.statistic: number",
        ".inputs[].values.p_value: number",
        ".inputs[].values.by: string",
        ".inputs[].p_value: number",
        ".inputs[].adjusted: number",
        ".inputs[].moved: boolean",
        ".inputs[].missing_rows: number",
        ".inputs[].unseen_rows: number",
        ".inputs[].outside: number",
        ".inputs[].bins[].label: string",
        ".inputs[].bins[].training: number",
        ".inputs[].bins[].new: number",
        ".inputs[].histogram.edges[]: number",
        ".requirements[].text: string",
        ".requirements[].value: number",
        ".requirements[].met: boolean",
    ];
    let evaluate = ["evaluate", "-i", "new.csv", "--json", "--quiet"];
    holds(&project.collegium(&evaluate).ok().json(), &shared);
}

#[test]
fn errors_are_a_document_too() {
    let project = Project::new();
    project.edit_pipeline("rows.kind", "rows.knid");
    let said = project.collegium(&["check", "--json"]);
    assert_eq!(said.code, 3);
    holds(
        &said.json(),
        &[
            ".exit_code: number",
            ".diagnostics[].code: string",
            ".diagnostics[].message: string",
            ".diagnostics[].file: string",
            ".diagnostics[].line: number",
            ".diagnostics[].column: number",
            ".diagnostics[].help: string",
        ],
    );
}

#[test]
fn shares_of_importance_sum_to_one_and_come_sorted() {
    let project = Project::new();
    project.collegium(&["run", "--quiet"]).ok();
    let audit = project.collegium(&["audit", "--json", "--quiet"]).ok().json();
    let mut seen = 0;
    for node in audit["nodes"].as_array().unwrap() {
        let Some(importance) = node["agop"]["importance"].as_array() else { continue };
        let shares: Vec<f64> = importance.iter().map(|i| i["share"].as_f64().unwrap()).collect();
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{shares:?}");
        assert!(shares.windows(2).all(|pair| pair[0] >= pair[1]), "{shares:?}");
        seen += 1;
    }
    assert!(seen > 0, "no expert of the small project has skill");
}

#[test]
fn the_documents_of_a_search_keep_their_fields() {
    let project = Project::new();
    project.to_expert("kind", "tune = { trials = 3 }");
    holds(
        &project.collegium(&["plan", "--json"]).ok().json(),
        &[".nodes[].search.trials: number", ".nodes[].search.fits: number"],
    );
    holds(
        &project.run(&[]),
        &[
            ".searches[].node: string",
            ".searches[].fits: number",
            ".searches[].cpu_seconds: number",
            ".searches[].trials: number",
            ".searches[].untuned: number",
            ".searches[].loss: number",
            ".searches[].values.model.activation: string",
        ],
    );
    let search = [
        ".nodes[].search.space: string",
        ".nodes[].search.scored_on: string",
        ".nodes[].search.rows: number",
        ".nodes[].search.metric: string",
        ".nodes[].search.chosen: number",
        ".nodes[].search.trials[].values.model.dropout: string",
        ".nodes[].search.trials[].fits[].epochs: number",
        ".nodes[].search.trials[].fits[].loss: number",
        ".nodes[].search.trials[].fits[].recipes[]: string",
        ".nodes[].search.optimism.chosen: number",
        ".nodes[].search.optimism.corrected: number",
        ".nodes[].search.optimism.untuned: number",
        ".nodes[].search.optimism.better: number",
        ".nodes[].search.optimism.settings: number",
        ".nodes[].search.optimism.resamples: number",
    ];
    let tuned = project.collegium(&["tune", "--json", "--quiet"]).ok().json();
    holds(&tuned, &search);
    holds(
        &tuned,
        &[
            ".format_version: number",
            ".pipeline: string",
            ".nodes[].name: string",
            ".nodes[].searched: boolean",
            ".nodes[].written: boolean",
            ".nodes[].values.model.dropout: string",
        ],
    );
    holds(&project.collegium(&["audit", "kind", "--json", "--quiet"]).ok().json(), &search);
}
