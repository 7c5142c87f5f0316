//! Experts that stand on a model whatever their recipe says: `frozen`, `pin` and `source`.

use crate::project::{Project, all, node, standing, with_folds};

/// The small project with one expert frozen after its first run.
fn frozen(expert: &str) -> Project {
    let project = Project::ready();
    project.to_expert(expert, "frozen = true");
    project
}

fn nothing() -> Vec<String> {
    Vec::new()
}

fn halve(cell: &str) -> String {
    (cell.parse::<f64>().unwrap() * 0.5).to_string()
}

#[test]
fn a_frozen_expert_is_not_refitted_for_its_own_settings_or_its_columns() {
    let project = frozen("kind");
    let before = project.lock();
    assert_eq!(project.fitted(), nothing());
    project.edit_pipeline(
        "target = \"rows.kind\"\nmodel  = { type = \"mlp\", hidden = [8] }\ntrain  = { epochs = 4,",
        "target = \"rows.kind\"\nmodel  = { type = \"mlp\", hidden = [8] }\ntrain  = { epochs = 5,",
    );
    assert_eq!(project.fitted(), nothing());
    project.map_column("c", halve);
    // It answers otherwise on other inputs, and its consumer is trained on those answers.
    let report = project.run(&[]);
    assert_eq!(crate::project::fitted(&report), ["final: full"]);
    assert_eq!(node(&report, "kind")["outcome"], "frozen");
    let after = project.lock();
    let (one, other) = (&before.node["expert.kind"], &after.node["expert.kind"]);
    assert_eq!(one.realisation, other.realisation);
    assert_ne!(one.hands["logit"], other.hands["logit"]);
    assert_ne!(one.hands["logit out-of-fold 5"], other.hands["logit out-of-fold 5"]);
    project.collegium(&["status", "--check"]).ok();
}

#[test]
fn a_frozen_expert_is_not_refitted_for_its_upstream() {
    let project = frozen("final");
    project.to_expert("size", "seed = 99");
    let report = project.run(&[]);
    assert_eq!(crate::project::fitted(&report), with_folds("size"));
    assert_eq!(node(&report, "final")["outcome"], "frozen");
    project.collegium(&["status", "--check"]).ok();
    let status = project.collegium(&["status", "--json"]).ok().json();
    assert_eq!(node(&status, "final")["state"], "frozen");
    project.collegium(&["plan", "--exit-code"]).ok();
}

#[test]
fn the_first_run_of_a_frozen_expert_trains_it_with_its_folds() {
    let project = Project::new();
    project.to_expert("kind", "frozen = true");
    let cold = all(&[with_folds("kind"), with_folds("size"), vec!["final: full".to_owned()]]);
    let report = project.run(&[]);
    assert_eq!(crate::project::fitted(&report), cold);
    assert_eq!(node(&report, "kind")["outcome"], "trained");
    let lock = project.read("pipelines/small.lock");
    project.to_expert("kind", "seed = 99");
    let report = project.run(&[]);
    assert_eq!(crate::project::fitted(&report), nothing());
    assert_eq!(node(&report, "kind")["outcome"], "frozen");
    assert_eq!(project.read("pipelines/small.lock"), lock, "the first run said all of it");
    project.collegium(&["status", "--check"]).ok();
}

#[test]
fn a_frozen_model_that_is_lost_is_fitted_again_while_its_recipe_is_the_same() {
    let project = frozen("kind");
    let block = project.lock().node["expert.kind"].clone();
    project.lose(&block.realisation);
    assert_eq!(project.fitted(), ["kind: full"]);
    assert_eq!(project.lock().node["expert.kind"].realisation, block.realisation);
}

#[test]
fn a_frozen_model_that_is_lost_is_not_replaced_by_another() {
    let project = frozen("kind");
    let lock = project.read("pipelines/small.lock");
    project.lose(&project.lock().node["expert.kind"].realisation);
    project.to_expert("kind", "seed = 99");
    let said = project.collegium(&["run"]);
    assert_eq!(said.code, 4, "{}\n{}", said.out, said.err);
    assert!(said.out.contains("is not in the store, and what it was trained on"), "{}", said.out);
    assert!(said.out.contains("remove `frozen`"), "{}", said.out);
    assert_eq!(project.read("pipelines/small.lock"), lock);
}

#[test]
fn other_inputs_of_a_frozen_expert_are_refused_with_both_signatures() {
    let project = frozen("kind");
    project.edit_pipeline("\"rows.b\", \"rows.c\"]", "\"rows.b\", \"rows.unread\"]");
    project.refuses(
        3,
        &[
            "small.toml:",
            "frozen = true",
            "the frozen model has another signature than `kind` declares",
            "- input rows.c: number",
            "+ input rows.unread: category",
        ],
    );
}

/// Two realisations of `kind` in the store: the one that the lock stood on first, and its successor.
fn refitted() -> (Project, collegium_records::LockedNode) {
    let project = Project::ready();
    let first = project.lock().node["expert.kind"].clone();
    project.to_expert("kind", "seed = 99");
    project.run(&[]);
    assert_ne!(project.lock().node["expert.kind"].realisation, first.realisation);
    (project, first)
}

#[test]
fn a_pin_brings_back_an_earlier_model_with_its_folds() {
    let (project, first) = refitted();
    let pin = &first.realisation.to_string()[..12];
    project.to_expert("kind", &format!("pin = \"{pin}\""));
    let report = project.run(&[]);
    assert_eq!(crate::project::fitted(&report), nothing(), "the consumer's first fit is at hand");
    assert_eq!(node(&report, "kind")["outcome"], "frozen");
    let lock = project.lock();
    let block = &lock.node["expert.kind"];
    assert_eq!(block.realisation, first.realisation);
    assert_eq!((&block.parts, &block.hands), (&first.parts, &first.hands));
    project.collegium(&["status", "--check"]).ok();
    // It stays whatever becomes of the recipe.
    project.edit_pipeline("seed = 99", "seed = 100");
    assert_eq!(project.fitted(), nothing());
}

#[test]
fn a_pin_that_no_model_has_is_refused() {
    let (project, _) = refitted();
    project.to_expert("kind", "pin = \"00000000\"");
    project.refuses(
        3,
        &["small.toml:", "no model in the store begins with `00000000`", "unknown model"],
    );
}

#[test]
fn a_pin_that_two_models_have_is_refused_with_both() {
    let (project, first) = refitted();
    let pin = &first.realisation.to_string()[..6];
    // Another model under a made-up name that begins alike.
    let store = collegium_store::Store::open(project.root()).unwrap();
    let twin = store.realisation_file(&first.recipe, &first.realisation);
    let name = format!("{pin}{}", "0".repeat(58));
    std::fs::copy(&twin, twin.with_file_name(format!("{name}.json"))).unwrap();
    project.to_expert("kind", &format!("pin = \"{pin}\""));
    project.refuses(
        3,
        &[
            &format!("2 models begin with `{pin}`"),
            "write more digits",
            &name,
            &first.realisation.to_string(),
        ],
    );
}

#[test]
fn a_pin_to_another_experts_model_is_refused_with_both_signatures() {
    let (project, _) = refitted();
    let size = project.lock().node["expert.size"].realisation.to_string();
    project.to_expert("kind", &format!("pin = \"{}\"", &size[..12]));
    project.refuses(
        3,
        &[
            "the pinned model has another signature than `kind` declares",
            "- input rows.a: number",
            "+ input rows.c: number",
            "- task: regression",
            "+ task: classification",
            "+ class true",
        ],
    );
}

const OTHER: &str = r#"[pipeline]
name = "other"
seed = 4

[data.rows]
path = "data/rows.csv"

[expert.kind]
source = "small.toml"
inputs = ["rows.b", "rows.c"]
target = "rows.kind"

[expert.size]
source = "small.toml"
expert = "size"
inputs = ["rows.a", "rows.b"]
target = "rows.size"

[evaluate]
baselines = []
"#;

/// The small project, and a second pipeline that takes its models from it.
fn two() -> Project {
    let project = Project::ready();
    project.write("pipelines/other.toml", OTHER);
    project
}

const RUN_OTHER: [&str; 4] = ["run", "--json", "--quiet", "pipelines/other.toml"];

#[test]
fn a_second_pipeline_stands_on_the_models_of_the_first_and_fits_nothing() {
    let project = two();
    let report = project.collegium(&RUN_OTHER).ok().json();
    assert_eq!(crate::project::fitted(&report), nothing());
    assert_eq!(node(&report, "kind")["outcome"], "frozen");
    let theirs = project.lock();
    let ours = collegium_store::read_lock(&project.path("pipelines/other.lock")).unwrap();
    for name in ["expert.kind", "expert.size"] {
        assert_eq!(standing(&ours.node[name]), standing(&theirs.node[name]));
    }
    project.collegium(&["status", "--check", "pipelines/other.toml"]).ok();
    let predict = ["predict", "-i", "pipelines/data/rows.csv", "-o"];
    let predict = |pipeline: &str, to: &str| {
        project.collegium(&[&predict[..], &[to, pipeline, "kind"]].concat()).ok();
        project.read(to)
    };
    let (one, other) =
        (predict("pipelines/small.toml", "a.csv"), predict("pipelines/other.toml", "b.csv"));
    assert_eq!(one, other);
}

#[test]
fn a_refit_of_the_first_pipeline_moves_the_second() {
    let project = two();
    project.collegium(&RUN_OTHER).ok();
    project.to_expert("kind", "seed = 99");
    project.collegium(&["run", "--quiet", "pipelines/small.toml"]).ok();
    let report = project.collegium(&RUN_OTHER).ok().json();
    assert_eq!(crate::project::fitted(&report), nothing());
    let now = project.lock().node["expert.kind"].realisation.to_string();
    assert_eq!(node(&report, "kind")["realisation"], now.as_str());
}

#[test]
fn a_consumer_below_a_model_of_another_pipeline_is_trained_on_its_answers() {
    let project = two();
    project.edit(
        "pipelines/other.toml",
        "[evaluate]",
        "[expert.last]\ninputs = [\"kind.logit\", \"size.value\", \"rows.d\"]\n\
         target = \"rows.final\"\ntrain = { epochs = 2, batch = 32 }\n\n[evaluate]",
    );
    let report = project.collegium(&RUN_OTHER).ok().json();
    assert_eq!(crate::project::fitted(&report), ["last: full"]);
    project.collegium(&["status", "--check", "pipelines/other.toml"]).ok();
    assert_eq!(crate::project::fitted(&project.collegium(&RUN_OTHER).ok().json()), nothing());
}

#[test]
fn a_model_of_another_project_is_fetched_from_its_store() {
    let (first, second) = (Project::ready(), Project::empty());
    let source = format!("source = \"{}\"", first.path("pipelines/small.toml").display());
    second.write("pipelines/other.toml", OTHER.replace("source = \"small.toml\"", &source));
    second.write("pipelines/data/rows.csv", first.read("pipelines/data/rows.csv"));
    let refused = second.collegium(&["run", "--quiet"]);
    refused.fails(3, &["lies outside of the project", "collegium trust", "--allow-read"]);
    let allowed = first.root().display().to_string();
    let run = ["run", "--json", "--quiet", "--allow-read", &allowed];
    let report = second.collegium(&run).ok().json();
    assert_eq!(crate::project::fitted(&report), nothing());
    // From then on it has its own copy.
    std::fs::remove_dir_all(first.path(".collegium")).unwrap();
    second.collegium(&run).ok();
}

/// Running the second pipeline must fail as the data or the pipeline is wrong, and say this.
#[track_caller]
fn other_fails(project: &Project, needles: &[&str]) {
    project.collegium(&["run", "pipelines/other.toml"]).fails(3, needles);
    assert!(!project.path("pipelines/other.lock").exists());
}

#[test]
fn a_source_that_was_never_run_is_refused_with_the_way_out() {
    let project = Project::new();
    project.write("pipelines/other.toml", OTHER);
    other_fails(
        &project,
        &[
            "other.toml:",
            "small.lock does not stand on a model of expert.kind",
            "never fitted there",
            "run it first: `collegium run pipelines/small.toml`",
        ],
    );
}

#[test]
fn a_source_that_is_not_there_is_refused() {
    let project = Project::new();
    project.write("pipelines/other.toml", OTHER.replace("small.toml", "smal.toml"));
    other_fails(&project, &["there is no pipeline pipelines/smal.toml", "no such file"]);
}

#[test]
fn a_source_with_other_inputs_is_refused_with_both_signatures() {
    let project = two();
    project.edit("pipelines/other.toml", "\"rows.b\", \"rows.c\"]", "\"rows.b\", \"rows.d\"]");
    other_fails(
        &project,
        &[
            "small.toml expert.kind has another signature than `kind` declares",
            "- input rows.c: number",
            "+ input rows.d: number",
        ],
    );
}

#[test]
fn a_lock_with_models_of_all_three_kinds_holds_together_without_a_store() {
    let (project, first) = refitted();
    project.write("pipelines/other.toml", OTHER);
    project.edit("pipelines/other.toml", "source = \"small.toml\"\nexpert = \"size\"\n", "");
    project.edit(
        "pipelines/other.toml",
        "[evaluate]",
        &format!(
            "[expert.pinned]\npin = \"{}\"\ninputs = [\"rows.b\", \"rows.c\"]\ntarget = \"rows.kind\"\n\
             \n[expert.last]\ninputs = [\"pinned.logit\", \"kind.logit\", \"size.value\"]\n\
             target = \"rows.final\"\ntrain = {{ epochs = 2, batch = 32 }}\n\n[evaluate]",
            &first.realisation.to_string()[..12]
        ),
    );
    project.collegium(&RUN_OTHER).ok();
    project.edit("pipelines/other.toml", "[expert.size]\n", "[expert.size]\nfrozen = true\n");
    project.collegium(&RUN_OTHER).ok();
    std::fs::remove_dir_all(project.path(".collegium")).unwrap();
    let said = project.collegium(&["status", "--check", "pipelines/other.toml"]).ok();
    assert!(said.out.contains("1 fitted, 3 held"), "{}", said.out);
}

#[test]
fn settings_that_a_held_model_was_not_trained_with_are_told_with_the_ways_out() {
    let project = frozen("kind");
    let quiet = |said: &crate::project::Said| {
        let text = format!("{}{}", said.out, said.err);
        assert!(!text.contains("settings in the file"), "{text}");
    };
    quiet(&project.collegium(&["run"]).ok());
    quiet(&project.collegium(&["status"]).ok());
    project.to_expert("kind", "seed = 99");
    project.edit_pipeline(
        "target = \"rows.kind\"\nmodel  = { type = \"mlp\", hidden = [8] }\ntrain  = { epochs = 4,",
        "target = \"rows.kind\"\nmodel  = { type = \"mlp\", hidden = [9] }\ntrain  = { epochs = 5,",
    );
    let told = "the settings in the file are not those that the held model was trained with: \
                model.hidden ([8], in the file [9]), seed (3, in the file 99), train.epochs (4, in the file 5)";
    let way_out = "remove `frozen` to train by the file, or take the change back";
    for command in ["check", "plan", "status", "run", "run"] {
        let said = project.collegium(&[command]).ok();
        let text =
            format!("{}{}", said.out, said.err).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(told) && text.contains(way_out), "{command}: {text}");
    }
    let status = project.collegium(&["status", "--json"]).ok().json();
    assert!(node(&status, "kind")["reasons"][0].as_str().unwrap().starts_with(told), "{status}");
    let check = project.collegium(&["check", "--json"]).ok().json();
    let kinds: Vec<&str> =
        check["findings"].as_array().unwrap().iter().map(|f| f["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "held-settings").count(), 1, "{kinds:?}");
    // Nothing is fitted for it.
    assert_eq!(project.fitted(), nothing());
}

#[test]
fn another_target_of_a_held_model_is_told() {
    let project = frozen("kind");
    project.edit_pipeline("target = \"rows.kind\"", "target = \"rows.final\"");
    let said = project.collegium(&["run"]).ok();
    let told = "the target has other values than the held model was trained on, on the same rows";
    assert!(said.out.contains(told), "{}", said.out);
}
