//! `collegium explain`, and the codes that errors carry: each has a page, and each page is right.

use std::{collections::BTreeSet, fmt::Write as _, path::Path};

use collegium_records::{Code, Subject};
use serde_json::Value;

use crate::project::{Project, Said};

/// What stands around the examples of the pages.
const AROUND: [(&str, &[&str]); 4] = [
    ("[data.t]", &["path = \"t.csv\""]),
    ("[expert.level]", &["inputs = [\"t.a\", \"t.b\"]", "target = \"t.level\""]),
    ("[expert.more]", &["inputs = [\"t.b\"]", "target = \"t.level\""]),
    ("[expert.kind]", &["inputs = [\"t.a\", \"t.b\"]", "target = \"t.kind\""]),
];

const HEADER: &str = "id,a,b,place,kind,count,level,when";

/// A cell that fits its column.
fn cell(column: &str, row: u32) -> String {
    let mixed = row * 7919 % 101;
    match column {
        "id" => row.to_string(),
        "place" => ["east", "west", "north"][(mixed % 3) as usize].to_owned(),
        "kind" => ["yes", "no"][(row * 31 % 7 % 2) as usize].to_owned(),
        "count" => (mixed % 5).to_string(),
        "when" => format!("2024-{:02}-{:02}", 1 + row / 28, 1 + row % 28),
        "a" => format!("{}.25", mixed),
        "level" => format!("{}.5", mixed * 2 + row % 9),
        _ => format!("{}.75", row * 13 % 17),
    }
}

/// A table that begins with these lines.
fn table(head: &str) -> String {
    let mut text = format!("{}\n", head.trim_end());
    let columns: Vec<&str> = head.lines().next().unwrap().split(',').collect();
    for row in 1..=200 {
        let cells: Vec<String> = columns.iter().map(|column| cell(column, row)).collect();
        writeln!(text, "{}", cells.join(",")).unwrap();
    }
    text
}

/// A whole pipeline around a part: keys and tables that it does not have are added.
fn whole(part: &str) -> String {
    let mut text = part.to_owned();
    for (table, keys) in AROUND {
        let said = |key: &&&str| {
            let key = key.split(' ').next().unwrap();
            let names = if key == "path" { &["path", "tables", "idx"][..] } else { &[key][..] };
            let own = part.split(table).nth(1).unwrap_or_default();
            let own = own.split("\n[").next().unwrap();
            own.lines()
                .any(|line| line.split([' ', '=']).next().is_some_and(|k| names.contains(&k)))
        };
        let missing: String =
            keys.iter().filter(|key| !said(key)).map(|key| format!("{key}\n")).collect();
        match text.contains(table) {
            true => text = text.replace(table, &format!("{table}\n{missing}")),
            false => write!(text, "\n{table}\n{missing}").unwrap(),
        }
    }
    text
}

/// The codes that `check` gives: those of errors, or of warnings where it finds none.
fn codes(said: &Said) -> BTreeSet<String> {
    let document = said.json();
    let found = document["diagnostics"].as_array().cloned().unwrap_or_default();
    let stops = found.iter().any(|one| one["warning"] == false);
    let found = found.iter().filter(|one| !stops || one["warning"] == false);
    found
        .map(|one| one["code"].as_str().unwrap().to_owned())
        .chain(document["code"].as_str().map(str::to_owned))
        .collect()
}

fn checked(project: &Project, language: &str, text: &str) -> Said {
    let (pipeline, rows) = match language {
        "toml" => (whole(text), table(HEADER)),
        "csv" => (whole(""), table(text)),
        other => panic!("{other}"),
    };
    project.write("pipelines/small.toml", pipeline);
    project.write("pipelines/t.csv", rows);
    project.collegium(&["check", "--json"])
}

fn page(code: Code) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors");
    let path = Path::new(folder).join(format!("{code}.md"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn an_example_that_is_called_wrong_gives_its_code_and_the_right_one_does_not() {
    let project = Project::empty();
    let (mut tried, mut slips) = (0, Vec::new());
    for &code in Code::ALL {
        for block in crate::documents::blocks(&page(code)) {
            let (language, label) = block.info.split_once(' ').unwrap_or((&block.info, ""));
            let said = match label {
                "" => continue,
                _ => checked(&project, language, &block.text),
            };
            let found = codes(&said);
            let own = found.contains(code.name());
            let fine = match (label, said.code) {
                ("wrong", 0) => own,
                ("wrong", _) => own && found.len() == 1,
                ("right", exit) => exit == 0 && !own,
                other => panic!("{code}: {other:?}"),
            };
            if !fine {
                slips.push(format!("{code}, {label}: exit {}, {found:?}\n{}", said.code, said.err));
            }
            tried += 1;
        }
    }
    assert!(slips.is_empty(), "{}", slips.join("\n\n"));
    assert!(tried >= 80, "only {tried} examples were found");
}

#[test]
fn a_page_is_about_a_code_and_each_code_has_one() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors");
    let pages: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let codes: BTreeSet<String> = Code::ALL.iter().map(|code| format!("{code}.md")).collect();
    assert_eq!(pages, codes);
}

/// `UPDATE_GOLDEN=1` writes it anew.
#[test]
fn the_index_of_errors_lists_every_code() {
    let mut text = "# Errors and warnings\n\n\
        An error ends with its code: a few words for its cause and the way out. `collegium explain CODE` prints the \
        page of a code, and\n`collegium explain` lists them all. In the documents of `--json` it stands as `code`. \
        This page is generated: a test compares\nit with the program.\n"
        .to_owned();
    for subject in Subject::ALL {
        write!(text, "\n## {}\n\n", subject.heading()).unwrap();
        for code in Code::ALL.iter().filter(|code| code.subject() == subject) {
            writeln!(text, "* [`{code}`](errors/{code}.md): {}", code.line()).unwrap();
        }
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors.md");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(written, text, "docs/errors.md is not what the program knows: UPDATE_GOLDEN=1");
}

#[test]
fn an_explanation_has_causes_examples_and_the_way_out() {
    let said = Project::empty().collegium(&["explain", "unknown-key"]).ok();
    insta::assert_snapshot!(said.out, @"");
    assert_eq!(said.err, "");
}

#[test]
fn all_codes_are_listed_by_subject() {
    let said = Project::empty().collegium(&["explain"]).ok();
    insta::assert_snapshot!(said.out, @"");
}

#[test]
fn a_code_that_does_not_exist_is_refused_with_the_nearest_one() {
    let project = Project::empty();
    let said = project.collegium(&["explain", "unknown-kye"]);
    said.fails(2, &["there is no code `unknown-kye`; did you mean `unknown-key`?"]);
    let said = project.collegium(&["explain", "xyzzy"]);
    said.fails(2, &["there is no code `xyzzy`; `collegium explain` lists them all"]);
}

#[test]
fn explanations_are_documents_too() {
    let project = Project::empty();
    let list = project.collegium(&["explain", "--json"]).ok().json();
    assert_eq!(list["codes"].as_array().unwrap().len(), Code::ALL.len());
    assert_eq!(list["codes"][0]["code"], "not-toml");
    assert_eq!(list["codes"][0]["subject"], "file");
    let one = project.collegium(&["explain", "row-of-another-width", "--json"]).ok().json();
    assert_eq!(one["code"], "row-of-another-width");
    assert_eq!(one["examples"][0]["label"], "wrong");
    assert_eq!(one["examples"][0]["language"], "csv");
    assert!(one["way_out"].as_str().unwrap().contains("quotes"));
    assert!(one["pages"][0].as_str().unwrap().starts_with("docs/data.md#"));
}

// The last line of an error.

#[test]
fn a_command_that_fails_says_where_more_stands() {
    let project = Project::new();
    project.edit_pipeline("hidden = [8]", "hiden = [8]");
    let said = project.collegium(&["check"]);
    assert_eq!(said.code, 3);
    insta::assert_snapshot!(said.err, @"");
}

#[test]
fn at_most_three_codes_are_named_and_each_once() {
    let project = Project::new();
    project.edit_pipeline("hidden = [8]", "hiden = [8]");
    project.edit_pipeline("epochs = 4", "epochs = \"4\"");
    project.edit_pipeline("kind.logit", "kimd.logit");
    project.edit_pipeline("learning_rate = 0.01", "learning_rate = -1.0");
    let said = project.collegium(&["check"]);
    assert_eq!(said.code, 3);
    assert_eq!(said.err.matches("collegium explain ").count(), 3, "{}", said.err);
    let last = said.err.lines().rev().take(3).collect::<Vec<_>>();
    assert!(last.iter().any(|line| line.starts_with("for more: ")), "{}", said.err);
}

#[test]
fn nothing_of_it_is_said_quietly() {
    let project = Project::new();
    project.edit_pipeline("hidden = [8]", "hiden = [8]");
    let said = project.collegium(&["check", "-q"]);
    assert_eq!(said.code, 3);
    assert!(!said.err.contains("explain"), "{}", said.err);
}

#[test]
fn warnings_have_codes_where_nothing_is_wrong() {
    let project = Project::empty();
    let said = checked(&project, "toml", "[data.other]\npath = \"t.csv\"\n");
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.err.contains("`collegium explain nothing-reads-it`"), "{}", said.err);
}

/// Every document of an error has the code beside its message.
fn code_of(said: &Said) -> Value {
    said.json()["code"].clone()
}

#[test]
fn what_is_no_finding_in_a_file_has_its_code_too() {
    let project = Project::ready();
    project.edit_pipeline("seed = 3", "seed = 4");
    assert_eq!(code_of(&project.collegium(&["run", "--locked", "--json"])), "lock-would-change");
    assert_eq!(
        code_of(&project.collegium(&["predict", "-i", "nowhere.csv", "-o", "x.csv", "--json"]))
            .as_str()
            .is_some(),
        true
    );
    assert_eq!(code_of(&project.collegium(&["why", "nobody", "--json"])), "no-such-node");
    assert_eq!(code_of(&project.collegium(&["audit", "--json"])), "not-up-to-date");
    assert_eq!(code_of(&project.collegium(&["diff", "a", "b", "--json"])), "no-such-version");
    project.write("pipelines/small.lock", "format = 1\nx x\n");
    assert_eq!(code_of(&project.collegium(&["plan", "--json"])), "lock-unreadable");
    std::fs::remove_dir_all(project.path("pipelines")).unwrap();
    assert_eq!(code_of(&project.collegium(&["plan", "--json"])), "no-pipeline");
}

#[test]
fn a_requirement_that_is_not_met_is_explained() {
    let project = Project::new();
    project.edit_pipeline(
        "baselines = []",
        "baselines = []\nrequire = [\"expert.kind test auc >= 0.9999\"]",
    );
    let said = project.collegium(&["run"]);
    said.fails(6, &["for more: `collegium explain require-not-met`"]);
}
