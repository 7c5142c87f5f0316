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

const HEADER: &str = "id,a,b,place,kind,count,level,when,q1,q2";

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
        An error has a code, a few words for its cause and the way out; the last line on standard error names it. `collegium explain CODE` prints the \
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
    insta::assert_snapshot!(said.out, @r#"
    unknown-key: a key that no table of this kind has

    Each table of the pipeline file has a fixed set of keys. This one is not among
    them. Common causes: a typo, a key in the wrong table, a key of a later version.
    Unknown keys are refused, since a key that is silently ignored would look as if
    it were set.

    wrong:
        [expert.level]
        train = { epoch = 20 }
    right:
        [expert.level]
        train = { epochs = 20 }

    what to do: Take the suggestion, or look the key up. `collegium show` prints a
    pipeline with every key and its default.
    more: docs/keys.md, docs/experts.md
    "#);
    assert_eq!(said.err, "");
}

#[test]
fn all_codes_are_listed_by_subject() {
    let said = Project::empty().collegium(&["explain"]).ok();
    insta::assert_snapshot!(said.out, @r#"
    The pipeline file
      not-toml                    the file breaks a rule of TOML
      unknown-key                 a key that no table of this kind has
      missing-key                 a key that must be there is not
      given-twice                 the same key, name or value stands there twice
      unknown-choice              a word that is none of the choices
      value-of-another-type       a value of another type or form than needed
      value-out-of-range          a number that is too small or too large
      empty-value                 a text or a list that says nothing
      conflicting-keys            two settings that exclude each other
      key-needs-another           a key that means nothing without another one
      key-does-not-apply          a key that has no effect where it stands
      bad-name                    a name that cannot be the name of a file
      name-taken                  a name that something else has
      nothing-reads-it            a part of the file that nothing uses
      newer-format                a file of a version that is not known here

    Experts, gates and mixtures
      no-such-node                a name that no data source and no expert has
      not-a-reference             a text that should name a column or an output
      no-such-output              an output that this expert does not have
      embedding-not-readable      an embedding that is not there or not comparable
      target-among-inputs         an expert is given what it is to predict
      two-data-sources            one expert reads the rows of two tables
      cycle                       nodes that need each other in a circle
      nothing-to-combine          a gate or mixture without enough experts
      experts-do-not-fit          experts that cannot be combined with each other
      no-such-model               the fitted model of an expert is not there
      over-memory-limit           a fit that needs more memory than `memory_limit`

    Data files
      no-such-file                a file that is not there, or a pattern without any
      file-unreadable             a file that the system does not let us read
      outside-the-project         a file outside of the project, without consent
      unknown-file-format         a file or column type that is not read
      damaged-file                a data file that is cut off or damaged
      too-large-to-read           a cell, a name or a packed file beyond every limit
      no-rows                     a file or a table without rows or columns
      row-of-another-width        a line with more or fewer fields than the header
      unclosed-quote              a quote that is not closed where its cell ends
      wrong-encoding              bytes that are no text in the declared encoding
      duplicate-column            two columns of one name
      files-disagree              files of one table with different columns
      cell-of-another-type        a cell that is not of its column's type
      number-not-held             a number that a 64-bit float cannot hold
      no-such-column              a column that the data do not have
      pattern-matches-nothing     a pattern of column or file names that fits none
      image-does-not-fit          columns or a shape that make no image
      file-changed                a file that changes while it is read

    SQL
      sql-refused                 SQL that cannot be run, or is not allowed
      query-over-its-limit        a query that takes more than it may
      where-admits-nothing        a `where` that no row fulfils

    Splits
      shares-do-not-sum           shares of `split` that do not sum to 1
      split-does-not-fit          a column or a file that cannot decide on sides
      empty-side                  a side of the split without rows
      random-split-of-times       rows with a time, dealt at random
      groups-on-two-sides         groups of test rows that have training rows too
      rows-on-two-sides           test rows that are copies of training rows

    Targets, classes and metrics
      task-not-clear              a target that does not fit its task, or fits two
      class-for-each-row          a target with nearly as many classes as rows
      unknown-class               a class that the target does not have
      not-a-requirement           a `require` that says nothing measurable
      nothing-to-measure          rows on which no expert can be measured

    Worth knowing of the data
      rows-not-used               rows that an expert is not trained or measured on
      class-too-rare              a class that a side or a fold does not have
      fallen-type                 numbers that became categories by a few cells
      inputs-kept-out             inputs that are named and kept out, or neither
      codes-as-quantities         codes that are read as quantities
      far-values                  values very far from all others
      determines-target           an input that gives the target away
      level-for-nearly-every-row  a category with nearly as many levels as rows
      labels-not-measured         labels that models made

    Fits and the lock
      fit-failed                  a fit that produced no model
      require-not-met             a metric on the wrong side of its bound
      not-up-to-date              what is asked for needs a run first
      lock-would-change           a run that `--locked` refuses
      lock-unsound                a lock whose experts do not fit each other
      lock-unreadable             a lock file that cannot be understood

    The store and other files that are written
      not-writable                a file or folder that cannot be written
      store-unreadable            a store that is there and cannot be read
      store-of-another-owner      a store of another user
      store-away                  a shared store, or a project of it, that is away
      store-unreachable           a store behind this one that does not answer
      object-damaged              a stored object with other bytes than before

    The command line
      bad-arguments               a command line that does not go together
      no-pipeline                 no pipeline, or several, where one is looked for
      no-such-version             a version that is no lock file and no git revision
      output-over-input           an output that would replace what is read
      interrupted                 a person stopped the command
      internal-error              a bug of Collegium

    `collegium explain CODE` says more of one.
    "#);
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
    insta::assert_snapshot!(said.err, @r#"
    error: unknown key `hiden` in `expert.size.model`
      --> pipelines/small.toml:12:26
       |
    12 | model  = { type = "mlp", hiden = [8] }
       |                          ^^^^^ unknown key
       |
       = help: did you mean `hidden`?

    for more: `collegium explain unknown-key`
    "#);
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

#[test]
fn a_finding_about_data_has_its_code_beside_its_kind() {
    let project = Project::empty();
    let said =
        checked(&project, "toml", "[expert.level]\ninputs = [\"t.a\", \"t.b\", \"!t.place\"]\n");
    let document = said.json();
    let findings = document["findings"].as_array().unwrap();
    let found = findings.iter().find(|one| one["kind"] == "keeps-nothing-out").unwrap();
    assert_eq!(found["code"], "inputs-kept-out");
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
