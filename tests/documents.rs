//! The documents are right: short where they promise it, whole in their links, and what they show runs.
//!
//! `blocks.rs` reads Markdown as far as the others need it; `keys.rs` makes the key reference from the
//! schema; `tutorial.rs` runs the tutorial.

mod blocks;
mod keys;
mod tutorial;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use collegium_learn::DECLARED;
use collegium_manifest::{NoBlueprint, SourceFile, parse};

pub use blocks::blocks;
use blocks::{Block, anchors, links, prose, spans};

/// The repository.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

fn read(name: &str) -> String {
    let path = Path::new(ROOT).join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// All Markdown files below a folder, by their paths from the repository's root.
fn below(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(Path::new(ROOT).join(folder)).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{folder}/{}", entry.file_name().into_string().unwrap());
        if entry.path().is_dir() {
            found.extend(below(&name));
        } else if name.ends_with(".md") {
            found.push(name);
        }
    }
    found.sort();
    found
}

/// Every document by name.
fn documents() -> BTreeMap<String, String> {
    let beside = ["README", "ARCHITECTURE", "CHANGELOG", "CONTRIBUTING", "SECURITY"];
    let mut names: Vec<String> = beside.iter().map(|name| format!("{name}.md")).collect();
    names.extend([
        "benches/README.md".to_owned(),
        "pipelines/data/README.md".to_owned(),
        "examples/README.md".to_owned(),
    ]);
    names.extend(below("docs"));
    names.into_iter().map(|name| (name.clone(), read(&name))).collect()
}

fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

#[test]
fn the_first_pages_and_every_other_keep_to_their_numbers_of_words() {
    for (name, text) in documents() {
        let bound = match name.as_str() {
            "README.md" => 1500,
            "ARCHITECTURE.md" => 2000,
            // Generated, or lists that are looked up and not read.
            "docs/keys.md" | "CHANGELOG.md" | "benches/README.md" => continue,
            _ => 1600,
        };
        let count = words(&text);
        assert!(
            count <= bound,
            "{name} has {count} words, and may have {bound}: move something out"
        );
    }
}

#[test]
fn every_link_leads_to_a_file_and_to_a_heading_in_it() {
    let mut broken = Vec::new();
    let mut count = 0;
    for (name, text) in documents() {
        for link in links(&text) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            count += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let path = match file {
                "" => PathBuf::from(&name),
                file => Path::new(&name).parent().unwrap().join(file),
            };
            let path = Path::new(ROOT).join(path);
            if !path.exists() {
                broken.push(format!("{name}: there is no {link}"));
            } else if !anchor.is_empty() {
                let target = std::fs::read_to_string(path).unwrap();
                if !anchors(&target).contains(anchor) {
                    broken.push(format!("{name}: {link} leads to no heading"));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(count > 100, "only {count} links were found");
}

#[test]
fn every_page_is_reached_from_the_table_of_contents() {
    let mut waiting = vec!["docs/README.md".to_owned()];
    let mut reached = BTreeSet::new();
    while let Some(name) = waiting.pop() {
        if !reached.insert(name.clone()) {
            continue;
        }
        let folder = name.rsplit_once('/').unwrap().0;
        for link in links(&read(&name)) {
            let file = link.split('#').next().unwrap();
            let inside = file.ends_with(".md") && !file.contains("://") && !file.starts_with("..");
            if inside {
                waiting.push(format!("{folder}/{file}"));
            }
        }
    }
    for name in below("docs") {
        assert!(reached.contains(&name), "no page below docs/README.md links to {name}");
    }
    assert!(links(&read("README.md")).contains(&"docs/README.md".to_owned()));
}

/// What the program's own parser says against a text, an error to a line.
fn errors(text: &str) -> Vec<String> {
    let blueprint = |name: &str| {
        let file = format!("models/{name}.toml");
        match std::fs::read_to_string(Path::new(ROOT).join(&file)) {
            Ok(text) => Ok(SourceFile::new(file, text)),
            Err(error) => Err(NoBlueprint { reason: error.to_string(), help: None }),
        }
    };
    let source = Arc::new(SourceFile::new("pipelines/shown.toml", text));
    match parse(source, PathBuf::from(ROOT), &DECLARED, &blueprint) {
        Ok(_) => Vec::new(),
        Err(found) => found.iter().filter(|e| !e.warning).map(|e| e.message.clone()).collect(),
    }
}

/// A block marked `toml fragment` is a part of a pipeline: names that it does not declare are not missed,
/// but its keys must be known. A block marked `toml` is a whole one.
#[test]
fn every_pipeline_that_is_shown_is_one() {
    let (mut whole, mut fragments) = (0, 0);
    for (name, text) in documents() {
        for Block { info, text, line, .. } in blocks(&text) {
            let found = match info.as_str() {
                "toml" => {
                    whole += 1;
                    errors(&text)
                }
                "toml fragment" => {
                    fragments += 1;
                    let syntax = toml::from_str::<toml::Table>(&text).err();
                    let of_form = |e: &String| e.contains("unknown key") || e.contains("expected");
                    let form = errors(&text).into_iter().filter(of_form);
                    form.chain(syntax.map(|error| error.to_string())).collect()
                }
                // `explain.rs` checks these.
                "toml wrong" | "toml right" => continue,
                other => {
                    assert!(!other.starts_with("toml"), "{name}:{line}: what is `{other}`?");
                    continue;
                }
            };
            assert!(found.is_empty(), "{name}:{line}:\n{}", found.join("\n"));
        }
    }
    assert!(whole >= 3 && fragments >= 8, "{whole} pipelines and {fragments} parts were found");
}

#[test]
fn a_shown_pipeline_with_a_slip_would_be_found() {
    let good = "[data.t]\npath = \"t.csv\"\n[expert.a]\ninputs = [\"t.x\"]\ntarget = \"t.y\"\n";
    assert_eq!(errors(good), [""; 0]);
    assert!(errors(&good.replace("inputs", "inptus")).iter().any(|e| e.contains("unknown key")));
}

/// Every `collegium …` that stands in a block of commands or between backticks: the command and its
/// options are known. `--help` behind them stops the program before it does anything.
#[test]
fn every_command_that_is_named_is_known() {
    let mut commands = BTreeMap::new();
    for (name, text) in documents() {
        let shown = blocks(&text).into_iter().filter(|block| block.info == "sh");
        let mut lines: Vec<String> =
            shown.flat_map(|b| b.text.lines().map(str::to_owned).collect::<Vec<_>>()).collect();
        lines.extend(spans(&text));
        for line in lines.iter().filter(|line| line.starts_with("collegium ")) {
            let line = line.split([' ', '\t']).skip(1).filter(|word| !word.is_empty());
            let line = line.take_while(|word| !matches!(*word, "#" | "|" | ">" | "&&" | "…"));
            let line: Vec<String> =
                line.map(|word| word.trim_matches(['"', '\'', '[', ']']).to_owned()).collect();
            commands.insert(line, name.clone());
        }
    }
    assert!(commands.len() > 25, "only {} commands were found", commands.len());
    for (words, name) in commands {
        let mut command = Command::new(env!("CARGO_BIN_EXE_collegium"));
        let said = command.args(&words).arg("--help").stdin(Stdio::null()).output().unwrap();
        let error = String::from_utf8_lossy(&said.stderr);
        assert!(said.status.success(), "{name}: collegium {}\n{error}", words.join(" "));
    }
}

#[test]
fn every_command_of_the_program_is_in_the_list_of_commands() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_collegium"));
    let help = String::from_utf8(command.arg("--help").output().unwrap().stdout).unwrap();
    let list = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let page = read("docs/commands.md");
    let shown = spans(&page);
    let names = list.lines().filter_map(|line| line.split_whitespace().next());
    let mut count = 0;
    for name in names.filter(|name| *name != "help") {
        let known = |span: &&String| span.split_whitespace().next() == Some(name);
        assert!(shown.iter().any(|span| known(&span)), "docs/commands.md does not name {name}");
        count += 1;
    }
    assert!(count >= 20, "{count} commands");
}

#[test]
fn no_document_mentions_a_path_of_some_machine() {
    for (name, text) in documents() {
        for folder in ["work", "root", "home", "Users", "tmp"] {
            let path = format!("/{folder}/");
            assert!(!text.contains(&path), "{name} mentions {path}");
        }
    }
}

/// The two commands that the README promises; `.ci/run` reads the second.
#[test]
fn the_readme_has_the_two_commands() {
    let text = read("README.md");
    let ci = read(".ci/run");
    for line in [
        "cargo run --locked --release -- run pipelines/flights.toml --audit",
        "cargo test --locked --workspace",
    ] {
        assert!(text.lines().any(|known| known == line), "README.md has no line `{line}`");
    }
    assert!(ci.contains("tests=\"cargo test --locked --workspace\""));
    assert!(prose(&text).contains("flights-audit.png"), "the picture");
}
