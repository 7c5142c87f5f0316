//! The tutorial runs as it is written.

use std::{
    fmt::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use super::{ROOT, blocks::blocks, read};
use crate::project::Project;

/// Blocks with this before them are not run; what follows the colon is the reason.
const NOT_RUN: &str = "<!-- not run:";

/// One script of the tutorial: its commands, and its files where they are shown, which begin with
/// their own name in a comment.
fn script(text: &str) -> (String, usize, Vec<String>) {
    let mut script = "set -ex\n".to_owned();
    let mut commands = 0;
    let mut left_out = Vec::new();
    for block in blocks(text) {
        match block.info.as_str() {
            "sh" if block.before.starts_with(NOT_RUN) => left_out.push(block.before),
            "sh" => {
                commands +=
                    block.text.lines().filter(|line| line.starts_with("collegium ")).count();
                script.push_str(&block.text);
            }
            "toml" => {
                let name = block.text.lines().next().and_then(|line| line.strip_prefix("# "));
                let name = name.unwrap_or_else(|| panic!("line {}: which file?", block.line));
                assert!(name.ends_with(".toml") && !name.contains(' '), "{name}");
                write!(script, "cat > {name} <<'END-OF-FILE'\n{}END-OF-FILE\n", block.text)
                    .unwrap();
            }
            _ => {}
        }
    }
    (script, commands, left_out)
}

/// Runs a script in a project: did it end well, and what was said?
fn run(script: &str, project: &Project) -> (bool, String, String) {
    let binary = Path::new(env!("CARGO_BIN_EXE_collegium"));
    let mut folders = vec![binary.parent().unwrap().to_owned()];
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap()));
    let said = Command::new("sh")
        .args(["-c", script])
        .current_dir(project.root())
        .env("PATH", std::env::join_paths(folders).unwrap())
        .env("NO_COLOR", "1")
        .env_remove("COLLEGIUM_JOBS")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (said.status.success(), text(&said.stdout), text(&said.stderr))
}

#[test]
fn the_tutorial_runs_in_order_from_its_first_line_to_its_last() {
    let (script, commands, left_out) = script(&read("docs/tutorial.md"));
    assert!(commands >= 12, "only {commands} commands");
    assert_eq!(left_out.len(), 1, "blocks that are not run: {left_out:?}");

    let project = Project::in_memory();
    let table = "pipelines/data/penguins.csv";
    project.write(table, std::fs::read(Path::new(ROOT).join(table)).unwrap());
    let (good, out, err) = run(&script, &project);
    assert!(good, "stopped at the last line with a `+`:\n{out}\n{err}");
    // What the text says of the second run.
    assert!(out.contains("up to date"), "{out}");
}

#[test]
fn a_command_that_fails_stops_the_tutorial() {
    let (script, commands, _) =
        script("```sh\ncollegium no-such-command\n```\n```sh\necho on\n```\n");
    assert_eq!(commands, 1);
    let (good, out, err) = run(&script, &Project::empty());
    assert!(!good && !out.contains("on") && err.contains("no-such-command"), "{out}\n{err}");
}
