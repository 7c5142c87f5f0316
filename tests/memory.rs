//! `memory_limit`: a fit that would need more is refused before it begins.

use crate::project::{Project, all, node, with_folds};

/// The ready project with a `size` that needs 1.6 MiB, and this limit.
fn large(limit: &str) -> Project {
    let project = Project::ready();
    project.edit_pipeline("seed = 3", &format!("seed = 3\nmemory_limit = \"{limit}\""));
    project.edit_pipeline("hidden = [8]", "hidden = [256, 256]");
    project
}

#[test]
fn a_fit_above_the_limit_is_refused_with_both_figures_and_nothing_is_written() {
    let project = large("1 MiB");
    let before = project.standing();
    let said = project.collegium(&["run", "--json"]);
    assert_eq!(said.code, 4, "{}", said.err);
    project.stands_on(&before);
    let report = said.json();
    let size = node(&report, "size");
    assert_eq!(size["outcome"], "failed");
    let error = size["error"].as_str().unwrap();
    let needed = figure(error, "would hold about ");
    assert!((1.6..2.5).contains(&needed), "{error}");
    assert!(error.contains("more than `memory_limit` allows (1.0 MiB)"), "{error}");
    assert!(error.contains("a higher limit would do"), "{error}");
    assert_eq!(node(&report, "final")["outcome"], "blocked");
    project.collegium(&["verify"]).ok();
    // In words, too.
    let said = project.collegium(&["run"]);
    assert!(said.out.contains("`memory_limit`"), "{}", said.out);
}

/// The number in a text after some words.
fn figure(text: &str, after: &str) -> f64 {
    text.split(after).nth(1).unwrap().split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn plan_warns_of_a_fit_above_the_limit_and_never_promises_less_than_it_needs() {
    let project = large("1 MiB");
    let words = project.collegium(&["plan"]).ok().err;
    assert!(words.contains("warning: a fit of expert.size may need"), "{words}");
    let plan = project.collegium(&["plan", "--json"]).ok().json();
    assert_eq!(plan["memory_limit"], 1 << 20);
    let planned = node(&plan, "size")["peak_bytes"].as_u64().unwrap();
    let report = project.collegium(&["run", "--json"]).json();
    let error = node(&report, "size")["error"].as_str().unwrap().to_owned();
    let needed = figure(&error, "would hold about ");
    assert!(planned as f64 / f64::from(1 << 20) >= needed - 0.05, "{planned}: {error}");
}

#[test]
fn a_limit_that_is_high_enough_lets_everything_run_side_by_side_and_changes_no_result() {
    let (limited, free) = (large("3 MiB"), large("1 GiB"));
    let words = limited.collegium(&["plan"]).ok().out;
    assert!(!words.contains("warning"), "{words}");
    let cold = all(&[with_folds("size"), vec!["final: full".to_owned()]]);
    // Six fits of 1.6 MiB each: they take turns.
    assert_eq!(limited.fitted_with(&["--jobs", "4"]), cold);
    assert_eq!(free.fitted_with(&["--jobs", "4"]), cold);
    assert_eq!(limited.read("pipelines/small.lock"), free.read("pipelines/small.lock"));
}

#[test]
fn a_limit_is_no_reason_to_fit_anything() {
    let project = Project::ready();
    project.edit_pipeline("seed = 3", "seed = 3\nmemory_limit = \"1 MiB\"");
    assert_eq!(project.fitted(), Vec::<String>::new());
    project.edit_pipeline("memory_limit = \"1 MiB\"", "memory_limit = \"2 MiB\"");
    assert_eq!(project.fitted(), Vec::<String>::new());
}
