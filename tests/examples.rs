//! The pipelines of `examples/` run as they are, and leave nothing to do.

use std::{fs, path::Path};

use crate::project::Project;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

fn files(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(Path::new(ROOT).join(folder)).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_file())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn examples() -> Vec<String> {
    files("examples").into_iter().filter(|name| name.ends_with(".toml")).collect()
}

/// The examples with their data, in a folder of their own.
fn project() -> Project {
    let project = Project::in_memory();
    let tables = [
        "pipelines/data/penguins.csv",
        "pipelines/data/beijing.csv",
        "pipelines/data/machines.csv",
        "examples/data/shapes.csv",
    ];
    let pipelines = examples().into_iter().map(|name| format!("examples/{name}"));
    for name in tables.into_iter().map(str::to_owned).chain(pipelines) {
        project.write(&name, fs::read(Path::new(ROOT).join(&name)).unwrap());
    }
    project
}

#[test]
fn every_example_runs_and_leaves_nothing_to_do() {
    let project = project();
    let examples = examples();
    assert_eq!(examples.len(), 5);
    for name in examples {
        let file = format!("examples/{name}");
        let said = project.collegium(&["check", &file]).ok();
        assert!(!said.err.contains("warning"), "{name}: {}", said.err);
        project.collegium(&["run", &file, "--quiet", "--audit"]).ok();
        project.collegium(&["status", &file, "--check"]).ok();
        let again = project.collegium(&["run", &file, "--json", "--quiet"]).ok().json();
        assert_eq!(crate::project::fitted(&again), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn examples_are_short_and_listed() {
    let page = fs::read_to_string(Path::new(ROOT).join("examples/README.md")).unwrap();
    for name in examples() {
        let text = fs::read_to_string(Path::new(ROOT).join("examples").join(&name)).unwrap();
        assert!(text.lines().count() <= 40, "{name} has {} lines", text.lines().count());
        assert!(page.contains(&format!("({name})")), "examples/README.md does not list {name}");
    }
}
