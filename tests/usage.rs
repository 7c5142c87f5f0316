//! What is typed: misspelt words, which pipeline is meant, a first project.

use crate::project::{Project, rows};

// What was typed wrong.

#[test]
fn unknown_words_are_answered_with_the_nearest_known_ones() {
    let project = Project::ready();
    for (args, needles) in [
        (&["rum"][..], &["unrecognized subcommand 'rum'", "'run'"][..]),
        (&["run", "--keepgoing"], &["unexpected argument '--keepgoing'", "'--keep-going'"]),
        (&["run", "finall"], &["no expert `finall`", "did you mean `final`?"]),
        (&["run", "--force", "sise"], &["no expert `sise`", "did you mean `size`?"]),
        (&["why", "knid"], &["no expert `knid`", "did you mean `kind`?"]),
        (&["show", "knid"], &["no expert `knid`", "did you mean `kind`?"]),
        (&["audit", "knid"], &["no expert `knid`", "did you mean `kind`?"]),
        (&["plan", "knid"], &["no expert `knid`", "did you mean `kind`?"]),
        (&["graph", "-f", "mermaidd"], &["invalid value 'mermaidd'", "'mermaid'"]),
        (&["init", "x", "-t", "tabullar"], &["no template `tabullar`", "did you mean `tabular`?"]),
        (&["run", "--jobs", "0"], &["'0'"]),
        (&["why"], &["required"]),
        (&["run", "a.toml", "b.toml"], &["one pipeline at a time"]),
    ] {
        let said = project.collegium(args).fails(2, needles);
        assert_eq!(said.out, "", "{args:?}");
    }
}

// Which pipeline.

#[test]
fn the_only_pipeline_is_found_from_any_folder_below() {
    let project = Project::ready();
    let mut command = project.command(&["plan"]);
    let output = command.current_dir(project.path("pipelines/data")).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "small: all 3 experts up to date\n");
}

#[test]
fn a_folder_can_be_named_to_start_in() {
    let project = Project::ready();
    let elsewhere = Project::empty();
    let root = project.root().to_str().unwrap();
    let said = elsewhere.collegium(&["-C", root, "plan"]).ok();
    assert_eq!(said.out, "small: all 3 experts up to date\n");
    elsewhere.collegium(&["plan", "-C", root, "pipelines/small.toml"]).ok();
    assert_eq!(elsewhere.files("").len(), 0, "nothing is written here");
}

#[test]
fn several_pipelines_must_be_named_and_none_is_said() {
    let project = Project::ready();
    project.write("pipelines/other.toml", project.read("pipelines/small.toml"));
    project
        .collegium(&["plan"])
        .fails(2, &["name one of the pipelines", "pipelines/other.toml, pipelines/small.toml"]);
    project.collegium(&["plan", "pipelines/small.toml"]).ok();
    Project::empty().collegium(&["plan"]).fails(2, &["there is no `pipelines/` here or above"]);
}

#[test]
fn a_pipeline_outside_of_pipelines_has_its_store_beside_it() {
    let project = Project::empty();
    project.write("alone.toml", crate::project::PIPELINE.replace("data/rows.csv", "rows.csv"));
    project.write("rows.csv", rows(600));
    project.collegium(&["run", "-q", "alone.toml"]).ok();
    assert!(project.path(".collegium").is_dir() && project.path("alone.lock").is_file());
}

// init

#[test]
fn every_template_runs_at_once() {
    for template in ["tabular", "blank"] {
        let project = Project::empty();
        project.collegium(&["init", "demo", "--template", template]).ok();
        project.collegium(&["check", "-C", "demo"]).ok();
        let text = project
            .files("demo/pipelines")
            .into_iter()
            .find(|(name, _)| name.ends_with(".toml"))
            .map(|(_, bytes)| String::from_utf8(bytes).unwrap())
            .unwrap();
        assert!(text.starts_with("#:schema "), "{text}");
        let said = project.collegium(&["run", "-C", "demo", "--audit", "-q"]).ok();
        let reports = project.files("demo/.collegium/reports");
        let mut kinds: Vec<&str> = reports.keys().map(|n| n.rsplit('.').next().unwrap()).collect();
        // A model card for every expert.
        kinds.dedup();
        assert_eq!(kinds, ["md", "html", "json"], "{}", said.out);
        let again = project.collegium(&["init", "demo", "--template", template]);
        again.fails(2, &[".toml"]);
    }
}

#[test]
fn the_machines_template_checks() {
    let project = Project::empty();
    project.collegium(&["init", "--template", "machines"]).ok();
    project.collegium(&["check"]).ok();
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let project = Project::new();
    project.collegium(&["plan", "-C", "nowhere"]).fails(2, &["there is no folder nowhere"]);
}

#[test]
fn a_reader_that_has_had_enough_is_no_failure() {
    use std::{io::Read as _, process::Stdio};
    let project = Project::new();
    for command in [["schema", "--quiet"], ["man", "--quiet"], ["completions", "bash"]] {
        let mut child = project
            .command(&command)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let mut err = String::new();
        child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        let status = child.wait().unwrap();
        assert!(status.success() && err.is_empty(), "{command:?}: {status}: {err}");
    }
}

#[test]
fn show_is_a_document_too() {
    let project = Project::new();
    let shown = project.collegium(&["show", "kind", "--json"]).ok().json();
    assert_eq!(shown["expert"]["kind"]["train"]["batch"], 32);
}
