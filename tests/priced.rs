//! The fits of an audit are counted and priced before they are paid for.

use std::{collections::BTreeSet, fs};

use serde_json::Value;

use crate::project::Project;

/// The fits in a project's store that no run made: their recipes, with how many of them are on permuted labels.
fn fits(project: &Project) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for shard in fs::read_dir(project.path(".collegium/recipes")).unwrap() {
        for file in fs::read_dir(shard.unwrap().path()).unwrap() {
            let file = file.unwrap().path();
            let recipe: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
            if recipe["kind"] == "fit" {
                let permuted = recipe["ingredients"].get("target.permuted").is_some();
                let mark = if permuted { "permuted" } else { "plain" };
                found.insert(format!("{mark} {}", file.display()));
            }
        }
    }
    found
}

fn of_kind(price: &Value, kind: &str) -> u64 {
    let nodes = price["nodes"].as_array().unwrap();
    nodes.iter().filter(|one| one["kind"] == kind).map(|one| one["fits"].as_u64().unwrap()).sum()
}

fn learned(settings: &str) -> Project {
    let project = Project::new();
    project.edit_pipeline("epochs = 4", "epochs = 40");
    project.edit_pipeline("bootstrap = 5", &format!("bootstrap = 5\n{settings}"));
    project
}

/// Adds a gate over two experts of one target.
fn gated(settings: &str) -> Project {
    let project = learned(settings);
    let more = "[expert.other]\ninputs = [\"rows.c\", \"rows.d\"]\ntarget = \"rows.kind\"\n\
                model = { hidden = [4] }\ntrain = { epochs = 6, batch = 32 }\n\n\
                [gate.both]\nexperts = [\"kind\", \"other\"]\ntarget = \"rows.kind\"\n\
                inputs = [\"rows.b\"]\ntrain = { epochs = 3, batch = 64 }\n\n[evaluate]";
    project.edit_pipeline("[evaluate]", more);
    project
}

#[test]
fn a_plan_with_audit_counts_what_the_audit_then_fits_and_nothing_that_is_there() {
    let project = learned("seeds = 2\npermuted = 1");
    // Three experts, three refits each; nothing like them is recorded yet.
    let before = project.collegium(&["plan", "--audit", "--json"]).ok().json();
    let price = &before["audit"];
    assert_eq!((&price["fits"], &price["at_most"]), (&9.into(), &true.into()), "{price}");
    assert_eq!([of_kind(price, "seeds"), of_kind(price, "permuted")], [6, 3]);
    assert!(price["seconds"].is_null(), "{price}");

    project.collegium(&["run", "-q"]).ok();
    let price = project.collegium(&["plan", "--audit", "--json"]).ok().json()["audit"].clone();
    assert_eq!((&price["fits"], &price["at_most"]), (&9.into(), &false.into()), "{price}");
    let words = project.collegium(&["plan", "--audit"]).ok().out;
    assert!(words.contains("audit: 9 fits (other seeds: 6, permuted labels: 3), "), "{words}");
    assert_eq!(project.collegium(&["audit", "-n", "--json"]).ok().json(), price);
    assert_eq!(project.collegium(&["run", "--audit", "-n"]).ok().out, words);

    let made = fits(&project);
    let audit = project.collegium(&["audit", "--json"]).ok();
    assert!(
        audit.err.contains("audit: 9 fits (other seeds: 6, permuted labels: 3)"),
        "{}",
        audit.err
    );
    assert_eq!(audit.json()["price"], price);
    let all = fits(&project);
    let new: Vec<&String> = all.difference(&made).collect();
    let permuted = new.iter().filter(|fit| fit.starts_with("permuted")).count();
    assert_eq!((new.len(), permuted), (9, 3), "{new:#?}");

    let again = project.collegium(&["plan", "--audit"]).ok().out;
    assert!(again.ends_with("audit: nothing to fit\n"), "{again}");
    let run = project.collegium(&["run", "--audit", "--json"]).ok();
    assert_eq!(run.json()["audit"]["fits"], 0);
    assert!(!run.err.contains("audit:"), "{}", run.err);
    // One more seed is one more fit of each.
    project.edit_pipeline("seeds = 2", "seeds = 3");
    assert_eq!(project.collegium(&["audit", "-n", "--json"]).ok().json()["fits"], 3);
}

#[test]
fn a_refit_is_priced_by_the_fit_that_it_repeats() {
    let project = learned("seeds = 2");
    project.collegium(&["run", "-q"]).ok();
    let lock = project.lock();
    let price = project.collegium(&["audit", "-n", "--json"]).ok().json();
    let mut sum = 0.0;
    for one in price["nodes"].as_array().unwrap() {
        let fit = project.fit(&crate::project::standing(&lock.node[one["node"].as_str().unwrap()]));
        let expected = one["seconds"]["expected"].as_f64().unwrap();
        // Patience ends a fit where it ended before.
        assert!(
            (expected - 2.0 * fit.cost.cpu_seconds).abs() <= 1e-9 * expected,
            "{one} {:?}",
            fit.cost
        );
        sum += expected;
    }
    let all = price["seconds"]["expected"].as_f64().unwrap();
    assert!((all - sum).abs() <= 1e-9 * sum, "{price}");
}

#[test]
fn controls_of_a_gate_are_counted_with_all_that_another_seed_fits_again() {
    let project = gated("seeds = 1");
    let before = project.collegium(&["plan", "--audit", "--json"]).ok().json()["audit"].clone();
    assert_eq!(before["at_most"], true);
    project.collegium(&["run", "-q"]).ok();
    let price = project.collegium(&["audit", "-n", "--json"]).ok().json();
    let made = fits(&project);
    project.collegium(&["audit", "-q"]).ok();
    let new = fits(&project).difference(&made).count() as u64;
    assert_eq!(price["fits"], new, "{price}");
    // With the folds of both experts for the gate of another seed.
    assert!(of_kind(&price, "seeds") > 2 * 6 && of_kind(&price, "controls") >= 8, "{price}");
    assert!(before["fits"].as_u64().unwrap() >= new, "{before}");
    assert_eq!(project.collegium(&["audit", "-n"]).ok().out, "audit: nothing to fit\n");
}

#[test]
fn a_model_in_which_nothing_is_drawn_is_not_fitted_again_for_other_seeds() {
    let project = learned("seeds = 3");
    project.edit_pipeline(
        "model  = { type = \"mlp\", hidden = [8] }\ntrain  = { epochs = 40, batch = 32, learning_rate = 0.01 }\n\n\
         [expert.kind]",
        "model  = { type = \"linear\" }\n\n[expert.kind]",
    );
    project.collegium(&["run", "-q"]).ok();
    let made = fits(&project);
    assert_eq!(project.collegium(&["audit", "size", "-n", "--json"]).ok().json()["fits"], 0);
    project.collegium(&["audit", "size", "-q"]).ok();
    assert_eq!(fits(&project), made);
}

#[test]
fn the_price_of_an_audit_of_what_is_not_up_to_date_is_asked_of_a_plan() {
    Project::new().collegium(&["audit", "-n"]).fails(2, &["not up to date: expert.size"]);
}
