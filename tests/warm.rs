//! Warm starts: fits that begin from the model before them, and say so.

use collegium_records::{Fit, Ingredient};

use crate::project::{Project, all, standing, with_folds};

/// The small project, not yet run, whose `kind` starts warm.
fn project(warm: &str) -> Project {
    let project = Project::new();
    project.to_expert("kind", &format!("warm_start = {warm}"));
    project
}

fn ready(warm: &str) -> Project {
    let project = project(warm);
    project.run(&[]);
    project
}

/// The full fit of `kind` that the lock stands on.
fn kind(project: &Project) -> Fit {
    project.fit(&standing(&project.lock().node["expert.kind"]))
}

/// Sets the learning rate of `kind`.
fn rate(project: &Project, rate: &str) {
    let text = project.read("pipelines/small.toml");
    let at = text.find("[expert.kind]").unwrap();
    let from = at + text[at..].find("learning_rate = ").unwrap();
    let to = from + text[from..].find(" }").unwrap();
    let changed = format!("{}learning_rate = {rate}{}", &text[..from], &text[to..]);
    project.write("pipelines/small.toml", changed);
}

fn kind_and_final() -> Vec<String> {
    all(&[with_folds("kind"), vec!["final: full".to_owned()]])
}

#[test]
fn the_fit_after_a_change_starts_from_the_one_before_and_says_so() {
    let project = ready("true");
    let first = kind(&project);
    assert_eq!((first.parent, first.generation), (None, 0));
    rate(&project, "0.02");
    assert_eq!(project.fitted(), kind_and_final());
    let second = kind(&project);
    assert_eq!((second.parent, second.generation), (Some(first.model), 1));
    let recipe = project.recipe(&project.lock().node["expert.kind"].recipe);
    assert_eq!(recipe.ingredients["warm_start.parent"], Ingredient::Digest(first.model));
    // It goes on where the first one stopped.
    assert!(second.epochs[0].train < first.epochs[0].train);
}

#[test]
fn a_warm_fit_is_another_than_a_cold_one() {
    let (warm, cold) = (ready("true"), ready("false"));
    assert_eq!(kind(&warm).model, kind(&cold).model, "the first fit has nothing to start from");
    rate(&warm, "0.02");
    rate(&cold, "0.02");
    warm.run(&[]);
    cold.run(&[]);
    assert_ne!(kind(&warm).model, kind(&cold).model);
}

#[test]
fn a_second_run_trains_no_further() {
    let project = ready("true");
    rate(&project, "0.02");
    project.run(&[]);
    let lock = project.read("pipelines/small.lock");
    for _ in 0..2 {
        assert_eq!(project.fitted(), Vec::<String>::new());
        // Nor one that takes the long way.
        project.edit_pipeline("seed = 3", "seed = 3 #");
    }
    assert_eq!(project.read("pipelines/small.lock"), lock);
    project.collegium(&["plan", "--exit-code"]).ok();
}

#[test]
fn folds_start_from_their_own_folds() {
    let project = ready("true");
    let before = project.lock().node["expert.kind"].clone();
    rate(&project, "0.02");
    project.run(&[]);
    let after = project.lock().node["expert.kind"].clone();
    assert_eq!(after.parts.len(), 5);
    for (name, part) in &after.parts {
        assert_eq!(project.fit(part).parent, Some(before.parts[name].realisation), "{name}");
    }
}

#[test]
fn every_third_fit_is_cold_if_only_two_in_a_row_may_be_warm() {
    let project = ready("{ cold_every = 2 }");
    let mut generations = vec![kind(&project).generation];
    for to in ["0.02", "0.03", "0.04", "0.05"] {
        rate(&project, to);
        project.run(&[]);
        let fit = kind(&project);
        assert_eq!(fit.parent.is_some(), fit.generation > 0);
        generations.push(fit.generation);
    }
    assert_eq!(generations, [0, 1, 2, 0, 1]);
}

#[test]
fn changed_rows_start_warm_too() {
    let project = ready("true");
    let first = kind(&project);
    project.map_column("c", |cell| (cell.parse::<f64>().unwrap() * 0.5).to_string());
    assert_eq!(project.fitted(), kind_and_final());
    assert_eq!(kind(&project).parent, Some(first.model));
}

#[test]
fn appended_rows_keep_their_folds_and_start_warm() {
    let project = ready("true");
    let first = kind(&project);
    project.write("pipelines/data/rows.csv", crate::project::rows(650));
    project.run(&[]);
    assert_eq!(kind(&project).parent, Some(first.model));
    // The earlier rows stay in their folds, so what a fold leaves out was left out before.
    for (name, part) in &project.lock().node["expert.kind"].parts {
        assert!(project.fit(part).parent.is_some(), "{name}");
    }
}

/// Changes a ready project so that nothing of `kind` may start warm.
#[track_caller]
fn is_cold(change: impl Fn(&Project)) {
    let project = ready("true");
    change(&project);
    project.run(&[]);
    assert_eq!(kind(&project).parent, None);
    for (name, part) in &project.lock().node["expert.kind"].parts {
        assert_eq!(project.fit(part).parent, None, "{name}");
    }
}

#[test]
fn another_split_makes_a_fit_cold() {
    is_cold(|project| {
        project.edit_pipeline("train = 0.7, valid = 0.15", "train = 0.6, valid = 0.25")
    });
}

#[test]
fn another_width_makes_a_fit_cold() {
    is_cold(|project| {
        project.edit_pipeline(
            "target = \"rows.kind\"\nmodel  = { type = \"mlp\", hidden = [8] }",
            "target = \"rows.kind\"\nmodel  = { type = \"mlp\", hidden = [9] }",
        );
    });
}

#[test]
fn other_inputs_make_a_fit_cold() {
    is_cold(|project| project.edit_pipeline("\"rows.b\", \"rows.c\"]", "\"rows.a\", \"rows.c\"]"));
}

#[test]
fn another_type_of_an_input_makes_a_fit_cold() {
    is_cold(|project| {
        project
            .map_column("c", |cell| if cell.starts_with('-') { "low" } else { "high" }.to_owned());
        project.to_data("types = { c = \"category\" }");
    });
}

#[test]
fn one_job_and_four_start_from_the_same_models() {
    let (one, four) = (project("true"), project("true"));
    for (project, jobs) in [(&one, "1"), (&four, "4")] {
        project.run(&["--jobs", jobs]);
        rate(project, "0.02");
        project.run(&["--jobs", jobs]);
    }
    assert_eq!(one.read("pipelines/small.lock"), four.read("pipelines/small.lock"));
    assert_eq!(one.objects(), four.objects());
}

#[test]
fn without_the_store_a_chain_begins_again_and_nothing_is_said_wrong() {
    let project = ready("true");
    rate(&project, "0.02");
    project.run(&[]);
    std::fs::remove_dir_all(project.path(".collegium")).unwrap();
    let said = project.collegium(&["run"]).ok();
    assert!(
        !said.err.contains("damaged") && !said.out.contains("note:"),
        "{}{}",
        said.out,
        said.err
    );
    let fit = kind(&project);
    assert_eq!((fit.parent, fit.generation), (None, 0));
    project.collegium(&["status", "--check"]).ok();
    assert_eq!(project.fitted(), Vec::<String>::new());
}

#[test]
fn a_lost_model_is_made_again_from_its_parent() {
    let project = ready("true");
    rate(&project, "0.02");
    project.run(&[]);
    let second = kind(&project);
    project.lose(&second.model);
    assert_eq!(project.fitted(), ["kind: full"]);
    let again = kind(&project);
    assert_eq!((again.model, again.parent), (second.model, second.parent));
}

#[test]
fn a_model_that_was_lost_with_its_parent_is_fitted_cold_under_a_cold_recipe() {
    let project = ready("true");
    let first = kind(&project);
    rate(&project, "0.02");
    project.run(&[]);
    let second = kind(&project);
    project.lose(&first.model);
    // Alone, the parent is not missed.
    project.edit_pipeline("seed = 3", "seed = 3 #");
    assert_eq!(project.fitted(), Vec::<String>::new());
    project.lose(&second.model);
    project.run(&[]);
    assert_eq!(kind(&project).parent, None);
    let recipe = project.recipe(&project.lock().node["expert.kind"].recipe);
    assert!(!recipe.ingredients.contains_key("warm_start.parent"));
}

#[test]
fn a_warm_consumer_of_a_moving_upstream_may_train_and_does_not_have_to() {
    let project = Project::new();
    project.to_expert("final", "warm_start = true");
    project.run(&[]);
    let rate = "\"rows.d\"]\ntarget = \"rows.final\"";
    project.edit_pipeline(rate, &format!("{rate}\nseed = 9"));
    project.run(&[]);
    project.to_expert("kind", "seed = 99");
    let plan = project.collegium(&["plan", "--json"]).ok().json();
    assert_eq!(crate::project::node(&plan, "final")["action"], "may-train");
}
