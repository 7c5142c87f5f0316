//! Keep, patch or retrain: which fits a retrained upstream really causes, and on what evidence.

use collegium_records::FitName;
use serde_json::Value;

use crate::project::{Project, first_try, rows, with_folds};

/// The small project with more rows, longer training, and `reuse` on the expert at the end.
fn project() -> Project {
    let project = Project::empty();
    let text = first_try().replace("epochs = 4, batch = 32", "epochs = 40, batch = 64").replace(
        "inputs = [\"size.value\"",
        "reuse = { tolerance = 0.05 }\ninputs = [\"size.value\"",
    );
    project.write("pipelines/small.toml", text);
    project.write("pipelines/data/rows.csv", rows(6000));
    project
}

fn ready() -> Project {
    static READY: std::sync::OnceLock<crate::project::Files> = std::sync::OnceLock::new();
    let files = READY.get_or_init(|| {
        let project = project();
        project.collegium(&["run", "--quiet"]).ok();
        project.files("")
    });
    let project = Project::empty();
    project.restore(files);
    project
}

/// The same with the upstreams read in-sample: then they have no folds, and are done when they are
/// run by themselves.
fn in_sample() -> Project {
    let project = project();
    project.edit_pipeline(
        "inputs = [\"size.value\"",
        "upstream = \"in-sample\"\ninputs = [\"size.value\"",
    );
    run(&project, &[]);
    project
}

/// Adds a line to `[expert.size]`.
fn to_size(project: &Project, line: &str) {
    let target = "target = \"rows.size\"\n";
    project.edit_pipeline(target, &format!("{target}{line}\n"));
}

fn run(project: &Project, args: &[&str]) -> Value {
    let all: Vec<&str> = ["run", "--json", "--quiet"].iter().chain(args).copied().collect();
    project.collegium(&all).ok().json()
}

fn node<'a>(report: &'a Value, name: &str) -> &'a Value {
    let nodes = report["nodes"].as_array().unwrap();
    nodes.iter().find(|n| n["name"] == format!("expert.{name}")).unwrap()
}

fn fitted(report: &Value) -> Vec<String> {
    crate::project::fitted(report)
}

fn lock(project: &Project) -> collegium_records::Lock {
    collegium_store::read_lock(&project.path("pipelines/small.lock")).unwrap()
}

#[test]
fn a_consumer_is_kept_when_its_upstream_comes_out_much_the_same() {
    let project = ready();
    to_size(&project, "seed = 99");
    let report = run(&project, &[]);
    assert_eq!(fitted(&report), with_folds("size"));
    let last = node(&report, "final");
    assert_eq!(last["outcome"], "kept", "{last}");
    let certificate = &last["certificate"];
    assert_eq!(certificate["certified"], true, "{certificate}");
    assert!(certificate["bound"].as_f64() <= certificate["budget"].as_f64());
    // The model is the anchor's; what it hands over is made from the new inputs.
    let lock = lock(&project);
    let block = &lock.node["expert.final"];
    assert_eq!(block.realisation, block.certificate.as_ref().unwrap().anchor.realisation);
    project.collegium(&["status", "--check"]).ok();
    let second = run(&project, &[]);
    assert_eq!(fitted(&second), Vec::<String>::new());
    assert_eq!(node(&second, "final")["outcome"], "cached");
}

#[test]
fn plan_says_what_a_run_then_does_and_is_content_afterwards() {
    let project = in_sample();
    to_size(&project, "seed = 99");
    // With the upstream done, the consumer can be judged before anything runs.
    run(&project, &["size"]);
    let plan = project.collegium(&["plan", "--json", "--exit-code"]);
    assert_eq!(plan.code, 5);
    let plan = plan.json();
    let last = node(&plan, "final");
    assert_eq!(last["action"], "keep", "{last}");
    assert_eq!(last["fits"], serde_json::json!([]));
    assert!(last["advice"].as_str().unwrap().contains("retraining gains at most"), "{last}");
    let report = run(&project, &[]);
    assert_eq!(fitted(&report), Vec::<String>::new());
    assert_eq!(node(&report, "final")["outcome"], "kept");
    project.collegium(&["plan", "--exit-code"]).ok();
}

#[test]
fn a_negated_output_is_undone_by_a_patch_and_predicted_with_like_any_model() {
    let project = ready();
    project.map_column("size", |cell| (-cell.parse::<f64>().unwrap()).to_string());
    let report = run(&project, &[]);
    assert_eq!(fitted(&report), with_folds("size"));
    let last = node(&report, "final");
    assert_eq!(last["outcome"], "patched", "{last}");
    let lock = lock(&project);
    let block = &lock.node["expert.final"];
    let certificate = block.certificate.as_ref().unwrap();
    assert_ne!(block.realisation, certificate.anchor.realisation);
    project.collegium(&["status", "--check"]).ok();
    // Prediction gives the stored outputs, bit by bit.
    project.collegium(&["predict", "-i", "pipelines/data/rows.csv", "-o", "p.parquet"]).ok();
    let store = collegium_store::Store::open(project.root()).unwrap();
    let bytes = store.get(&block.hands["probability"]).unwrap().unwrap();
    let stored = collegium_table::Matrix::from_bytes(&bytes).unwrap();
    project.collegium(&["predict", "final", "-i", "pipelines/data/rows.csv", "-o", "p.csv"]).ok();
    let text = project.read("p.csv");
    let predicted: Vec<f32> = text
        .lines()
        .skip(1)
        .map(|line| line.split(',').next().unwrap().parse::<f64>().unwrap() as f32)
        .collect();
    assert_eq!(predicted, stored.data);
    assert_eq!(fitted(&run(&project, &[])), Vec::<String>::new());
}

#[test]
fn a_lost_column_has_the_consumer_retrained_or_says_that_upstream_is_worse() {
    let project = ready();
    project.edit_pipeline("inputs = [\"rows.a\", \"rows.b\"]", "inputs = [\"rows.b\"]");
    let report = run(&project, &[]);
    let last = node(&report, "final");
    match last["outcome"].as_str().unwrap() {
        "trained" => assert!(fitted(&report).contains(&"final: full".to_owned())),
        other => assert!(last["certificate"]["upstream_worse"] == true, "{other}: {last}"),
    }
}

#[test]
fn an_upstream_that_speaks_of_something_else_has_the_consumer_judged_and_not_kept() {
    let project = ready();
    // What `size` said is now about `d`, which the consumer has already.
    project.edit_pipeline(
        "inputs = [\"rows.a\", \"rows.b\"]\ntarget = \"rows.size\"",
        "inputs = [\"rows.d\"]\ntarget = \"rows.d2\"",
    );
    project.to_data("derive = { d2 = \"d * 0.5 + 0.01\" }");
    let report = run(&project, &[]);
    let last = node(&report, "final");
    assert_ne!(last["outcome"], "kept", "{last}");
}

#[test]
fn patches_are_made_from_the_anchor_and_never_from_a_patch() {
    let project = ready();
    let anchor = lock(&project).node["expert.final"].realisation;
    for factor in ["-1.0", "0.01", "-7.0"] {
        let text = crate::project::rows(6000);
        project.write("pipelines/data/rows.csv", text);
        let factor: f64 = factor.parse().unwrap();
        project.map_column("size", |cell| (factor * cell.parse::<f64>().unwrap()).to_string());
        let report = run(&project, &[]);
        assert_eq!(node(&report, "final")["outcome"], "patched", "{factor}");
        let lock = lock(&project);
        assert_eq!(
            lock.node["expert.final"].certificate.as_ref().unwrap().anchor.realisation,
            anchor
        );
    }
}

#[test]
fn exact_ignores_every_certificate() {
    let project = ready();
    to_size(&project, "seed = 99");
    assert_eq!(node(&run(&project, &[]), "final")["outcome"], "kept");
    let plan = project.collegium(&["plan", "--json", "--exact"]).ok().json();
    assert_eq!(node(&plan, "final")["action"], "train");
    let report = run(&project, &["--exact"]);
    assert_eq!(fitted(&report), ["final: full"]);
    assert!(lock(&project).node["expert.final"].certificate.is_none());
    // Once it is there, the exact fit goes before any certificate.
    assert_eq!(fitted(&run(&project, &[])), Vec::<String>::new());
    assert!(lock(&project).node["expert.final"].certificate.is_none());
}

#[test]
fn without_reuse_a_moved_upstream_has_its_consumer_trained_and_advice_is_given_all_the_same() {
    let project = in_sample();
    project.edit_pipeline("reuse = { tolerance = 0.05 }\n", "");
    to_size(&project, "seed = 99");
    run(&project, &["size"]);
    let plan = project.collegium(&["plan", "--json"]).ok().json();
    let last = node(&plan, "final");
    assert_eq!(last["action"], "train");
    assert!(last["advice"].is_string(), "{last}");
    let why = project.collegium(&["why", "final", "--json"]).ok().json();
    assert!(why["advice"].is_string() && why["judgement"].is_object(), "{why}");
    assert_eq!(fitted(&run(&project, &[])), ["final: full"]);
    // And afterwards: what was expected, and what it gave.
    let why = project.collegium(&["why", "final", "--json"]).ok().json();
    assert!(why["advice"].as_str().unwrap().contains("retraining gained"), "{why}");
    let audit = project.collegium(&["audit", "--json", "--quiet"]).ok().json();
    assert!(node(&audit, "final")["advice"].as_str().unwrap().contains("retraining gained"));
}

#[test]
fn taking_a_change_back_takes_the_certificate_back_and_fits_nothing() {
    let project = ready();
    let before = project.read("pipelines/small.lock");
    to_size(&project, "seed = 99");
    assert_eq!(node(&run(&project, &[]), "final")["outcome"], "kept");
    project.edit_pipeline("seed = 99\n", "");
    assert_eq!(fitted(&run(&project, &[])), Vec::<String>::new());
    assert_eq!(project.read("pipelines/small.lock"), before);
}

#[test]
fn a_certificate_lapses_with_its_tolerance_and_is_judged_anew() {
    let project = ready();
    to_size(&project, "seed = 99");
    run(&project, &[]);
    project.edit_pipeline("tolerance = 0.05", "tolerance = 0.06");
    let check = project.collegium(&["status", "--check"]);
    assert_eq!(check.code, 5);
    assert!(check.out.contains("tolerance of 0.05"), "{}", check.out);
    let report = run(&project, &[]);
    assert_eq!(node(&report, "final")["certificate"]["tolerance"], 0.06);
    // So strict that nothing may be lost: it is trained, does better than before, or stands because
    // training would not help.
    project.edit_pipeline("tolerance = 0.06", "tolerance = 0.000001");
    let report = run(&project, &[]);
    let last = node(&report, "final");
    let certificate = &last["certificate"];
    let better = certificate["bound"].as_f64() <= certificate["budget"].as_f64();
    let stands = certificate["certified"] == false || better;
    assert!(last["outcome"] == "trained" || stands, "{last}");
}

#[test]
fn a_certificate_lapses_when_the_experts_own_rows_or_settings_change() {
    let project = ready();
    to_size(&project, "seed = 99");
    run(&project, &[]);
    project
        .edit_pipeline("target = \"rows.final\"", "where = \"c < 0.4\"\ntarget = \"rows.final\"");
    let report = run(&project, &[]);
    assert_eq!(fitted(&report), ["final: full"]);
    let reasons = node(&report, "final")["reasons"].to_string();
    assert!(reasons.contains("not judged"), "{reasons}");
    assert!(lock(&project).node["expert.final"].certificate.is_none());
}

#[test]
fn a_lost_anchor_is_retrained_and_said() {
    let project = ready();
    let read = lock(&project).node["expert.final"].reads["size.value"];
    let hex = read.view.to_string();
    to_size(&project, "seed = 99");
    std::fs::remove_file(project.path(&format!(".collegium/objects/{}/{}", &hex[..2], &hex[2..])))
        .unwrap();
    let report = run(&project, &[]);
    assert!(fitted(&report).contains(&"final: full".to_owned()));
    let reasons = node(&report, "final")["reasons"].to_string();
    assert!(reasons.contains("no longer in the store"), "{reasons}");
}

/// The project with a third level: `verdict`, fed by `final`, which then has folds.
fn deep() -> Project {
    let project = project();
    project.edit_pipeline(
        "[evaluate]",
        "[expert.verdict]\nreuse = { tolerance = 0.05 }\ninputs = [\"final.logit\", \"rows.c\"]\n\
         target = \"rows.kind\"\nmodel  = { type = \"mlp\", hidden = [8] }\n\
         train  = { epochs = 40, batch = 64, learning_rate = 0.01 }\n\n[evaluate]",
    );
    project
}

#[test]
fn what_a_kept_expert_hands_over_is_what_its_own_consumer_is_judged_on() {
    let project = deep();
    run(&project, &[]);
    to_size(&project, "seed = 99");
    let report = run(&project, &[]);
    assert_eq!(fitted(&report), with_folds("size"));
    for name in ["final", "verdict"] {
        let outcome = node(&report, name)["outcome"].as_str().unwrap();
        assert!(["kept", "patched"].contains(&outcome), "{name}: {}", node(&report, name));
    }
    let ends = report["end_to_end"].as_array().unwrap();
    assert_eq!(ends.len(), 1);
    assert_eq!((&ends[0]["node"], &ends[0]["within"]), (&"expert.verdict".into(), &true.into()));
    let lock = lock(&project);
    let verdict = lock.node["expert.verdict"].certificate.as_ref().unwrap();
    assert_ne!(
        verdict.anchor_reads["final.logit"].deployed, lock.node["expert.final"].hands["logit"],
        "it was judged on other outputs than its anchor saw"
    );
    project.collegium(&["status", "--check"]).ok();
}

#[test]
fn a_patched_expert_has_patched_folds_for_its_consumers() {
    let project = deep();
    run(&project, &[]);
    project.map_column("size", |cell| (-cell.parse::<f64>().unwrap()).to_string());
    let report = run(&project, &[]);
    assert_eq!(fitted(&report), with_folds("size"));
    assert_eq!(node(&report, "final")["outcome"], "patched");
    let lock = lock(&project);
    let block = &lock.node["expert.final"];
    let anchors = &block.certificate.as_ref().unwrap().anchor_parts;
    for fold in 1..=5 {
        let name = FitName::Fold { fold, of: 5 };
        assert_ne!(block.parts[&name].realisation, anchors[&name].realisation, "{name}");
    }
}

#[test]
fn one_job_and_four_judge_alike() {
    let locks: Vec<String> = ["1", "4"]
        .iter()
        .map(|jobs| {
            let project = deep();
            run(&project, &["--jobs", jobs]);
            to_size(&project, "seed = 99");
            run(&project, &["--jobs", jobs]);
            project.read("pipelines/small.lock")
        })
        .collect();
    assert_eq!(locks[0], locks[1]);
}

#[test]
fn a_forced_expert_is_trained_whatever_its_certificate_says() {
    let project = ready();
    to_size(&project, "seed = 99");
    run(&project, &[]);
    let report = run(&project, &["--force", "final"]);
    assert_eq!(fitted(&report), ["final: full"]);
    assert!(lock(&project).node["expert.final"].certificate.is_none());
}

#[test]
fn drift_weighted_by_the_agop_predicts_small_changes_of_the_output_and_says_what_it_is() {
    let project = ready();
    to_size(&project, "seed = 99");
    run(&project, &[]);
    let why = project.collegium(&["why", "final", "--json"]).ok().json();
    let change = &why["output_change"];
    let (predicted, measured) =
        (change["predicted"].as_f64().unwrap(), change["measured"].as_f64().unwrap());
    assert!(measured > 0.0 && (predicted / measured - 1.0).abs() < 0.25, "{change}");
    let text = project.collegium(&["why", "final"]).ok().out;
    assert!(text.contains("an explanation, not a proof"), "{text}");
}

#[test]
fn gradients_row_by_row_are_right_to_three_per_cent_while_inputs_move_little() {
    let project = ready();
    // A little more training of what is there: the least that can change.
    to_size(&project, "warm_start = true");
    project.edit_pipeline(
        "epochs = 40, batch = 64, learning_rate = 0.01",
        "epochs = 1, batch = 64, learning_rate = 0.00001",
    );
    run(&project, &[]);
    let why = project.collegium(&["why", "final", "--json"]).ok().json();
    let change = &why["output_change"];
    let value = |name: &str| change[name].as_f64().unwrap();
    assert!((value("first_order") / value("measured") - 1.0).abs() < 0.03, "{change}");
    // And when they move far, they are not: a negated input.
    project.map_column("size", |cell| (-cell.parse::<f64>().unwrap()).to_string());
    project.edit_pipeline("epochs = 1,", "epochs = 40,");
    project.edit_pipeline("learning_rate = 0.00001", "learning_rate = 0.01");
    run(&project, &[]);
    let why = project.collegium(&["why", "final", "--json"]).ok().json();
    let change = &why["output_change"];
    let value = |name: &str| change[name].as_f64().unwrap();
    assert!((value("first_order") / value("measured") - 1.0).abs() > 0.03, "{change}");
}

#[test]
fn baselines_of_an_expert_that_stands_follow_the_columns_of_its_ancestors() {
    let project = project();
    project.edit_pipeline("baselines = []", "baselines = [\"majority\", \"linear\", \"single\"]");
    // A column of no use, so that the expert at the end can stand without it.
    project.edit_pipeline(
        "inputs = [\"rows.a\", \"rows.b\"]",
        "inputs = [\"rows.a\", \"rows.b\", \"rows.id\"]",
    );
    run(&project, &[]);
    project.edit_pipeline(", \"rows.id\"]", "]");
    let report = run(&project, &[]);
    let last = node(&report, "final");
    assert!(["kept", "patched"].contains(&last["outcome"].as_str().unwrap()), "{last}");
    // The one network on all raw columns reads other columns now; the others may stand.
    let fits = last["fitted"].to_string();
    assert!(fits.contains("baseline single") && !fits.contains("full"), "{fits}");
    project.collegium(&["audit", "--quiet"]).ok();
    assert_eq!(fitted(&run(&project, &[])), Vec::<String>::new());
}
