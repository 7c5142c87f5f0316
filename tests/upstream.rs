//! What a consumer sees of its upstreams, who is trained on which rows, and what counts how much.

use std::collections::BTreeMap;

use collegium_digest::Digest;
use collegium_records::{Applied, Fit, Recipe};
use collegium_store::{Store, read_lock};
use collegium_table::Matrix;
use serde_json::Value;

use crate::project::{Project, with_folds};

/// Everything that the store holds under recipes of one kind, by recipe.
fn of_kind<T: serde::de::DeserializeOwned>(project: &Project, kind: &str) -> Vec<(Recipe, T)> {
    let store = Store::open(project.root()).unwrap();
    let mut found = Vec::new();
    for name in project.files(".collegium/recipes").into_keys() {
        let stem = std::path::Path::new(&name).file_stem().unwrap().to_str().unwrap().to_owned();
        let digest: Digest = stem.parse().unwrap();
        let recipe = store.recipe(&digest).unwrap().unwrap();
        if recipe.kind == kind {
            let realised: BTreeMap<Digest, T> = store.realisations(&digest).unwrap();
            found.extend(realised.into_values().map(|record| (recipe.clone(), record)));
        }
    }
    found
}

fn matrix(project: &Project, object: &Digest) -> Matrix {
    let store = Store::open(project.root()).unwrap();
    Matrix::from_bytes(&store.get(object).unwrap().unwrap()).unwrap()
}

/// The full fit of an expert, as the lock has it.
fn full_fit(project: &Project, expert: &str) -> Fit {
    let store = Store::open(project.root()).unwrap();
    let lock = read_lock(&project.path("pipelines/small.lock")).unwrap();
    let node = &lock.node[&format!("expert.{expert}")];
    store.realisations::<Fit>(&node.recipe).unwrap().remove(&node.realisation).unwrap()
}

fn node(report: &Value, name: &str) -> Value {
    let nodes = report["nodes"].as_array().unwrap();
    nodes.iter().find(|node| node["name"] == format!("expert.{name}")).unwrap().clone()
}

#[test]
fn out_of_fold_outputs_differ_from_the_deployed_ones_on_training_rows_alone() {
    let project = Project::ready();
    let lock = read_lock(&project.path("pipelines/small.lock")).unwrap();
    let deployed = lock.node["expert.kind"].outputs;
    let store = Store::open(project.root()).unwrap();
    let full: Applied = store.realisations(&deployed).unwrap().into_values().next().unwrap();
    let full = matrix(&project, &full.outputs["logit"]);
    let views: Vec<(Recipe, Applied)> = of_kind(&project, "view");
    let (_, view) = views.iter().find(|(_, view)| view.outputs.contains_key("logit")).unwrap();
    let view = matrix(&project, &view.outputs["logit"]);
    assert_eq!((full.rows, full.width), (view.rows, view.width));
    let moved = (0..full.rows).filter(|&row| full.row(row) != view.row(row)).count() as u64;
    let trained = full_fit(&project, "kind").rows;
    assert!(moved <= trained, "{moved} rows differ, {trained} are training rows");
    assert!(moved * 10 >= trained * 9, "fold models answer otherwise than the full one: {moved}");
}

#[test]
fn in_sample_feeding_asks_for_no_folds() {
    let project = Project::new();
    project.edit_pipeline("[expert.final]", "[expert.final]\nupstream = \"in-sample\"");
    assert_eq!(project.fitted(), ["final: full", "kind: full", "size: full"]);
}

#[test]
fn held_out_feeding_trains_the_consumer_on_a_share_of_the_rows() {
    let project = Project::new();
    project.edit_pipeline("[expert.final]", "[expert.final]\nupstream = \"held-out\"\nfolds = 4");
    assert_eq!(
        project.fitted(),
        ["final: full", "kind: full", "kind: held-out", "size: full", "size: held-out"]
    );
    let (all, share) = (full_fit(&project, "kind").rows, full_fit(&project, "final").rows);
    // A fold is a hash of each row: a quarter, but for chance (here at most four deviations).
    let spread = 4.0 * (all as f64 * 0.25 * 0.75).sqrt();
    assert!((share as f64 - all as f64 / 4.0).abs() < spread, "{share} of {all} rows");
    let fits: Vec<(Recipe, Fit)> = of_kind(&project, "fit");
    let without = fits.iter().filter(|(_, fit)| fit.rows == all - share).count();
    assert_eq!(without, 2, "each upstream was fitted once without the rows held out");
    assert_eq!(project.fitted(), Vec::<String>::new());
}

#[test]
fn two_consumers_share_one_set_of_folds() {
    let project = Project::new();
    let text = project
        .read("pipelines/small.toml")
        .replace("[evaluate]", "[expert.twin]\nextends = \"expert.final\"\nseed = 9\n\n[evaluate]");
    project.write("pipelines/small.toml", text);
    let fits = project.fitted();
    assert_eq!(fits.iter().filter(|fit| fit.starts_with("kind")).count(), 6, "{fits:?}");
    assert!(with_folds("kind").iter().all(|fold| fits.contains(fold)));
}

#[test]
fn an_embedding_can_be_read_in_sample() {
    let project = Project::new();
    project.edit_pipeline("[expert.final]", "[expert.final]\nupstream = \"in-sample\"");
    project.edit_pipeline("\"kind.logit\"", "\"kind.embedding\"");
    let report = project.collegium(&["run", "--json", "--quiet"]).ok().json();
    assert_eq!(node(&report, "final")["outcome"], "trained");
    let audit = project.collegium(&["audit", "--json", "--quiet"]).ok().json();
    assert!(node(&audit, "final")["metrics"]["test"]["metrics"]["auc"].is_number());
}

#[test]
fn a_specialist_is_trained_and_measured_on_its_rows_and_answers_on_all() {
    let project = Project::new();
    let text = project.read("pipelines/small.toml").replace(
        "[evaluate]",
        "[expert.reds]\nextends = \"expert.kind\"\nwhere = \"rows.unread = 'red'\"\n\n[evaluate]",
    );
    project.write("pipelines/small.toml", text);
    project.collegium(&["run", "--quiet"]).ok();
    let (all, reds) = (full_fit(&project, "kind").rows, full_fit(&project, "reds").rows);
    assert!(reds > 0 && reds < all, "{reds} of {all} rows");
    let audit = project.collegium(&["audit", "--json", "--quiet"]).ok().json();
    assert_eq!(node(&audit, "reds")["metrics"]["train"]["rows"], reds);
    let out = project.path("out.csv");
    let to = out.to_str().unwrap();
    project.collegium(&["predict", "reds", "-i", "pipelines/data/rows.csv", "-o", to]).ok();
    assert_eq!(std::fs::read_to_string(out).unwrap().lines().count(), 601);
}

/// Gives `kind` class weights.
fn weigh(project: &Project, weights: &str) {
    let before = "target = \"rows.kind\"\nmodel  = { type = \"mlp\", hidden = [8] }\ntrain  = {";
    project.edit_pipeline(before, &format!("{before} class_weights = {weights},"));
}

#[test]
fn class_weights_move_the_answers_and_unknown_classes_are_named() {
    let project = Project::ready();
    let before = full_fit(&project, "kind").model;
    weigh(&project, "\"balanced\"");
    project.collegium(&["run", "--quiet", "kind"]).ok();
    assert_ne!(full_fit(&project, "kind").model, before);

    let project = Project::new();
    weigh(&project, "{ yess = 2.0 }");
    project
        .collegium(&["check"])
        .fails(3, &["small.toml:", "`yess`, which is no class", "false, true"]);
    let project = Project::new();
    project.edit_pipeline(
        "hidden = [8] }\ntrain  = { epochs = 4,",
        "hidden = [8] }\ntrain  = { class_weights = \"balanced\", epochs = 4,",
    );
    project.collegium(&["check"]).fails(3, &["`size` is a regression", "remove `class_weights`"]);
}

#[test]
fn why_says_how_far_a_changed_column_moved() {
    let project = Project::ready();
    project.map_column("d", |cell| (cell.parse::<f64>().unwrap() + 1.0).to_string());
    let why = project.collegium(&["why", "final", "--json"]).ok().json();
    let change = &why["changes"][0];
    assert_eq!(change["ingredient"], "inputs.rows.d");
    // d is uniform on ±½, so its deviation is 1/√12 and a shift of 1 is 3.46 of them.
    let drift = change["drift"].as_f64().unwrap();
    assert!((drift - 12f64.sqrt()).abs() < 0.2, "{drift}");
}

#[test]
fn a_requirement_that_its_expert_can_never_meet_is_an_error() {
    let project = Project::new();
    project.edit_pipeline(
        "baselines = []",
        "baselines = []\nrequire = [\"expert.size test auc >= 0.5\"]",
    );
    project
        .collegium(&["check"])
        .fails(3, &["small.toml:", "`size` is a regression", "rmse, mae, r2"]);
}

#[test]
fn why_counts_the_rows_that_came() {
    let project = Project::ready();
    let before = full_fit(&project, "size").rows;
    project.write("pipelines/data/rows.csv", crate::project::rows(700));
    let why = project.collegium(&["why", "size", "--json"]).ok().json();
    let summary = why["summary"].as_str().unwrap().to_owned();
    project.run(&[]);
    let came = full_fit(&project, "size").rows - before;
    assert_eq!(summary, format!("will be fitted: training rows: +{came}"));
}
