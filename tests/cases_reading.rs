//! Text files and which files are read: what people give, and what they are told.

use std::fmt::Write as _;

use crate::project::{Project, Said, noise};

/// 200 rows of `id,x,y,c,hot,size`, as they look in the middle of the world.
fn table() -> Vec<[String; 6]> {
    let mut noise = noise(77);
    (0..200)
        .map(|id| {
            let (x, y) = (noise(), noise());
            let hot = u8::from(x + 0.3 * noise() > 0.0);
            let level = ["red", "green", "blue"][(id * 7) % 3];
            let size = 5.0 + x + y * y;
            [
                id.to_string(),
                format!("{x:.4}"),
                format!("{y:.4}"),
                level.to_owned(),
                hot.to_string(),
                format!("{size:.4}"),
            ]
        })
        .collect()
}

const HEADER: [&str; 6] = ["id", "x", "y", "c", "hot", "size"];

fn text(delimiter: &str, cell: impl Fn(usize, &str) -> String) -> String {
    let mut text = HEADER.join(delimiter) + "\n";
    for row in table() {
        let cells: Vec<String> = row.iter().enumerate().map(|(at, c)| cell(at, c)).collect();
        writeln!(text, "{}", cells.join(delimiter)).unwrap();
    }
    text
}

fn plain() -> String {
    text(",", |_, cell| cell.to_owned())
}

/// A pipeline over `path` with an expert that tells `target` from `inputs`.
fn project(path: &str, inputs: &str, target: &str) -> Project {
    let project = Project::empty();
    project.write(
        "pipelines/p.toml",
        format!(
            "[pipeline]\nname = \"p\"\nseed = 1\n\n[data.t]\npath = \"{path}\"\n\
             split = {{ train = 0.6, valid = 0.2, test = 0.2, by = [\"id\"] }}\n\n[expert.k]\n\
             inputs = [{inputs}]\ntarget = \"t.{target}\"\nmodel = {{ hidden = [8] }}\n\
             train = {{ epochs = 3, batch = 32, learning_rate = 1e-2 }}\n"
        ),
    );
    project
}

fn usual(path: &str) -> Project {
    project(path, "\"t.x\", \"t.y\", \"t.c\"", "hot")
}

fn reading(project: &Project, read: &str) {
    project.edit("pipelines/p.toml", "split =", &format!("read = {{ {read} }}\nsplit ="));
}

fn rows(project: &Project) -> String {
    let lock = project.read("pipelines/p.lock");
    lock.lines().find(|line| line.starts_with("rows")).unwrap_or_default().to_owned()
}

/// `check`, `run` and `predict` all refuse it in these words.
#[track_caller]
fn refused(project: &Project, needles: &[&str]) {
    let refuses = |said: Said| said.fails(3, needles);
    refuses(project.collegium(&["check"]));
    refuses(project.collegium(&["run"]));
}

#[test]
fn a_semicolon_file_says_which_delimiter_to_declare_and_is_read_with_it() {
    let project = usual("data/t.csv");
    project.write("pipelines/data/t.csv", text(";", |_, cell| cell.replace('.', ",")));
    refused(
        &project,
        &[
            "the header is one column with 5 semicolons",
            "is `;` the delimiter? add `read = { delimiter = \";\" }`",
        ],
    );
    reading(&project, "delimiter = \";\", decimal = \",\"");
    project.collegium(&["run", "-q"]).ok();
    assert_eq!(rows(&project), "rows = 200");
    let said = project.collegium(&["predict", "-i", "pipelines/data/t.csv", "-o", "out.csv"]).ok();
    assert!(said.err.contains("200 rows") || said.out.contains("200 rows"), "{}", said.err);
    // The same table as one that is written the plain way: nothing is fitted again.
    project.write("pipelines/data/t.csv", plain());
    let plain = project.read("pipelines/p.toml").replace("delimiter = \";\", decimal = \",\"", "");
    project.write("pipelines/p.toml", plain);
    let run = project.collegium(&["run", "--json"]).ok().json();
    assert_eq!(run["nodes"][0]["outcome"], "cached");
}

#[test]
fn a_utf_16_file_says_its_encoding_and_is_read_with_it() {
    let project = usual("data/t.csv");
    let wide = |mark: &str| -> Vec<u8> {
        format!("{mark}{}", plain()).encode_utf16().flat_map(u16::to_le_bytes).collect()
    };
    for mark in ["\u{feff}", ""] {
        project.write("pipelines/data/t.csv", wide(mark));
        refused(&project, &["UTF-16", "add `read = { encoding = \"utf-16\" }`"]);
    }
    reading(&project, "encoding = \"utf-16\"");
    project.collegium(&["run", "-q"]).ok();
    assert_eq!(rows(&project), "rows = 200");
    project.collegium(&["predict", "-i", "pipelines/data/t.csv", "-o", "out.csv"]).ok();
    assert_eq!(project.read("out.csv").lines().count(), 201);
}

#[test]
fn a_quote_that_is_never_closed_is_named_in_check_run_and_predict() {
    let project = usual("data/t.csv");
    let with_notes = |odd: &str| {
        let mut lines: Vec<String> = plain().lines().map(|line| format!("{line},fine")).collect();
        lines[0] = lines[0].replace("fine", "note");
        lines[101] = lines[101].replace("fine", odd);
        lines.join("\n") + "\n"
    };
    project.write("pipelines/data/t.csv", with_notes("\"it stopped"));
    refused(&project, &["t.csv:102:7: column `note`: a quote is opened here and never closed"]);
    assert!(!project.path("pipelines/p.lock").exists());
    project.write("pipelines/data/t.csv", with_notes("it stopped 5\" below"));
    project.collegium(&["run", "-q"]).ok();
    assert_eq!(rows(&project), "rows = 200");
    project.write("new.csv", with_notes("\"it stopped"));
    project
        .collegium(&["predict", "-i", "new.csv", "-o", "out.csv"])
        .fails(3, &["new.csv:102:7: column `note`: a quote is opened here and never closed"]);
    assert!(!project.path("out.csv").exists(), "nothing half is left behind");
    project.write("new.csv", with_notes("\"it \"stopped\""));
    project
        .collegium(&["predict", "-i", "new.csv", "-o", "out.csv"])
        .fails(3, &["new.csv:102:7:", "closed before `stopped"]);
    project.write("new.csv", with_notes("\"it\nstopped, as \"\"they\"\" say\""));
    project.collegium(&["predict", "-i", "new.csv", "-o", "out.csv", "--keep", "id"]).ok();
    assert_eq!(project.read("out.csv").lines().count(), 201);
}

#[test]
fn empty_lines_are_said_where_they_are_no_rows() {
    let project = usual("data/t.csv");
    let text = plain();
    let lines: Vec<&str> = text.lines().collect();
    let gap = format!("{}\n\n{}\n\n", lines[..51].join("\n"), lines[51..].join("\n"));
    project.write("pipelines/data/t.csv", &gap);
    let said = project.collegium(&["check"]).ok();
    assert!(said.err.contains("t.csv: line 52 is empty and no row"), "{}", said.err);
    project.collegium(&["run", "-q"]).ok();
    assert_eq!(rows(&project), "rows = 200");
    project.write("new.csv", &gap);
    let said = project.collegium(&["predict", "-i", "new.csv", "-o", "out.csv"]).ok();
    assert!(said.err.contains("new.csv: line 52 is empty and no row"), "{}", said.err);
    assert_eq!(project.read("out.csv").lines().count(), 201);
}

#[test]
fn a_packed_file_is_the_same_table_and_half_of_it_is_none() {
    use std::io::Write as _;
    let project = usual("data/t.csv");
    project.write("pipelines/data/t.csv", plain());
    project.collegium(&["run", "-q"]).ok();
    let pack = |text: &str| {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        writer.write_all(text.as_bytes()).unwrap();
        writer.finish().unwrap()
    };
    let packed = pack(&plain());
    project.write("pipelines/data/t.csv.gz", &packed);
    project.edit("pipelines/p.toml", "data/t.csv", "data/t.csv.gz");
    let run = project.collegium(&["run", "--json"]).ok().json();
    assert_eq!(run["nodes"][0]["outcome"], "cached");
    project.collegium(&["predict", "-i", "pipelines/data/t.csv.gz", "-o", "out.csv"]).ok();
    assert_eq!(project.read("out.csv").lines().count(), 201);
    project.write("pipelines/data/t.csv.gz", &packed[..packed.len() / 2]);
    project.refuses(3, &["t.csv.gz", "the gzip stream is cut off"]);
}

#[test]
fn patterns_leave_hidden_files_out() {
    let project = usual("data/**/*.csv");
    let text = plain();
    let lines: Vec<&str> = text.lines().collect();
    let part = |from: usize, to: usize| format!("{}\n{}\n", lines[0], lines[from..to].join("\n"));
    project.write("pipelines/data/p-1.csv", part(1, 101));
    project.write("pipelines/data/p-2.csv", part(101, 201));
    project.write("pipelines/data/.ipynb_checkpoints/p-1-checkpoint.csv", part(1, 101));
    project.write("pipelines/data/._p-1.csv", b"\0\x05\x16\x07\0\x02\0\0Mac OS X\xff");
    project.write("pipelines/data/_SUCCESS.csv", "");
    project.collegium(&["run", "-q"]).ok();
    assert_eq!(rows(&project), "rows = 200");
    let before = project.standing();
    project.write("pipelines/data/.hidden/more.csv", part(1, 50));
    let run = project.collegium(&["run", "--json"]).ok().json();
    assert_eq!(run["nodes"][0]["outcome"], "cached");
    project.stands_on(&before);
}

/// 400 rows with a column that a person reads as numbers, dates or truth values.
fn odd_column(cell: impl Fn(usize) -> String) -> Project {
    let project = project("data/t.csv", "\"t.x\", \"t.odd\"", "hot");
    let mut text = "id,x,hot,odd\n".to_owned();
    for id in 0..400 {
        let x = (id * 37 % 101) as f64 / 101.0;
        writeln!(text, "{id},{x},{},\"{}\"", u8::from(x > 0.5), cell(id)).unwrap();
    }
    project.write("pipelines/data/t.csv", text);
    project
}

#[test]
fn a_column_that_falls_to_a_category_is_said_with_an_example_and_a_way_out() {
    type Cell = fn(usize) -> String;
    let cases: [(Cell, &[&str]); 11] = [
        (|row| format!("{},{:02}", row % 90, row % 97), &["decimal = \",\""]),
        (|row| format!("{},{:03}", 1 + row % 90, row * 7 % 1000), &["thousands = \",\""]),
        (|row| format!("${},{:03}.50", 1 + row % 90, row * 7 % 1000), &["`$1,000.50`", "replace("]),
        (|row| format!("{}.5 €", row), &["`0.5 €`", "replace("]),
        (|row| format!("{}%", row % 100), &["`0%`", "'%'"]),
        (
            |row| if row % 5 == 0 { "?".into() } else { row.to_string() },
            &["80 of its 400 values (20.0 %)", "t.csv:2)", "`missing = [\"\", \"NA\", \"?\"]`"],
        ),
        (
            |row| if row % 5 == 1 { "None".into() } else { row.to_string() },
            &["`None` (", "t.csv:3)", "`missing = "],
        ),
        (|row| format!("{}/{:02}/2013", 1 + row % 28, 1 + row % 12), &["date_format"]),
        (|row| format!("{:02}.{:02}.13", 1 + row % 28, 1 + row % 12), &["date_format"]),
        (
            |row| if row == 7 { "soon".into() } else { format!("2013-01-{:02}", 1 + row % 28) },
            &["1 of its 400", "`soon` (", "t.csv:9)"],
        ),
        (
            |row| if row == 7 { "maybe".into() } else { (row % 2 == 0).to_string() },
            &["`maybe` (", "t.csv:9)", "`types = { odd = \"category\" }`"],
        ),
    ];
    for (cell, needles) in cases {
        let project = odd_column(cell);
        let said = project.collegium(&["check"]).ok();
        for needle in [&["column `odd` is a category"], needles].concat() {
            assert!(said.err.contains(needle), "{}: {needle:?} is not in:\n{}", cell(0), said.err);
        }
        assert!(said.err.contains("warning: data.t: "), "{}: {}", cell(0), said.err);
        assert!(said.out.contains("warning"), "{}: {}", cell(0), said.out);
    }
    let plain = odd_column(|row| ["red", "green", "v1.2", "10.0.0.1"][row % 4].to_owned());
    assert!(!plain.collegium(&["check"]).ok().err.contains("column `odd` is a category"));
}

#[test]
fn a_fall_of_type_is_a_warning_of_run_too_and_a_declared_type_ends_it() {
    let project = odd_column(|row| if row == 7 { "soon".into() } else { row.to_string() });
    let run = project.collegium(&["run"]).ok();
    let said = "warning: data.t: column `odd` is a category, because 1 of its 400 values (0.25 %) is no number";
    assert!(run.out.contains(said), "{}", run.out);
    let again = project.collegium(&["run"]).ok();
    assert!(again.out.contains(said), "a run with nothing to do says it again:\n{}", again.out);
    let document = project.collegium(&["check", "--json"]).ok().json();
    assert_eq!(document["findings"][0]["kind"], "fallen-type");
    project.edit("pipelines/p.toml", "split =", "missing = [\"\", \"soon\"]\nsplit =");
    let said = project.collegium(&["check"]).ok();
    assert!(!said.err.contains("is a category"), "{}", said.err);
    project.edit(
        "pipelines/p.toml",
        "missing = [\"\", \"soon\"]",
        "types = { odd = \"category\" }",
    );
    let said = project.collegium(&["check"]).ok();
    assert!(!said.err.contains("is a category"), "{}", said.err);
    // What nothing reads is not spoken of.
    project.edit("pipelines/p.toml", "types = { odd = \"category\" }\n", "");
    project.edit("pipelines/p.toml", "\"t.x\", \"t.odd\"", "\"t.x\"");
    assert!(!project.collegium(&["check"]).ok().err.contains("is a category"));
}

#[test]
fn a_column_that_sql_reads_is_warned_of_at_the_sql() {
    let project = odd_column(|row| if row == 7 { "soon".into() } else { row.to_string() });
    project.edit("pipelines/p.toml", "\"t.x\", \"t.odd\"", "\"t.twice\"");
    project.edit("pipelines/p.toml", "split =", "derive = { twice = \"odd * 2\" }\nsplit =");
    let said = project.collegium(&["check"]).ok();
    assert!(said.err.contains("warning: data.t: column `odd` is a category"), "{}", said.err);
    project.edit(
        "pipelines/p.toml",
        "derive = { twice = \"odd * 2\" }",
        "query = \"SELECT *, odd * 2 AS twice FROM t\"",
    );
    let said = project.collegium(&["check"]).ok();
    assert!(said.err.contains("warning: data.t: column `odd` is a category"), "{}", said.err);
}

#[test]
fn a_target_of_numbers_with_one_text_is_no_classification() {
    let project = project("data/t.csv", "\"t.x\", \"t.y\"", "size");
    let odd = text(",", |at, cell| match (at, cell) {
        (5, cell) if cell.ends_with('7') => "broken".to_owned(),
        (_, cell) => cell.to_owned(),
    });
    project.write("pipelines/data/t.csv", odd);
    refused(
        &project,
        &[
            "the target `size` has",
            "values",
            "`broken` (",
            "`missing = [",
            "task = \"classification\"",
        ],
    );
    project.edit("pipelines/p.toml", "split =", "missing = [\"\", \"NA\", \"broken\"]\nsplit =");
    project.collegium(&["check"]).ok();
}

#[test]
fn check_counts_what_it_says_of_a_data_source() {
    let project = usual("data/t.csv");
    let mut lines = plain();
    lines.insert(lines.find('\n').unwrap() + 1, '\n');
    project.write("pipelines/data/t.csv", lines);
    let said = project.collegium(&["check"]).ok();
    assert!(said.err.contains("note: data.t: t.csv: line 2 is empty and no row"), "{}", said.err);
    let notes = said.err.lines().filter(|line| line.starts_with("note: ")).count();
    let last = format!("nothing wrong, {notes} note");
    assert!(said.out.contains(&last), "{last}: {}\n{}", said.out, said.err);
    let document = project.collegium(&["check", "--json"]).ok().json();
    assert!(document["notes"].to_string().contains("line 2 is empty"), "{document}");
}

#[test]
fn advice_on_rows_to_predict_is_about_their_file_and_not_the_pipeline() {
    let project = usual("data/t.csv");
    project.write("pipelines/data/t.csv", plain());
    project.collegium(&["run", "-q"]).ok();
    project.write("new.csv", text(";", |_, cell| cell.to_owned()));
    let said = project.collegium(&["predict", "-i", "new.csv", "-o", "out.csv"]);
    assert!(said.err.contains("the header is one column with 5 semicolons"), "{}", said.err);
    assert!(said.err.contains("write this file so"), "{}", said.err);
    assert!(!said.err.contains("to the data source"), "{}", said.err);
    let latin: Vec<u8> = plain().replace("red", "r\u{e9}d").chars().map(|c| c as u8).collect();
    std::fs::write(project.path("new.csv"), latin).unwrap();
    let said = project.collegium(&["predict", "-i", "new.csv", "-o", "out.csv", "--keep", "c"]);
    assert!(!said.err.contains("to the data source"), "{}", said.err);
}

#[test]
fn a_target_with_a_class_for_nearly_every_row_is_refused_or_named() {
    let project = project("data/t.csv", "\"t.x\", \"t.y\"", "size");
    let commas = text(",", |at, cell| match at {
        5 => format!("\"{}\"", cell.replace('.', ",")),
        _ => cell.to_owned(),
    });
    project.write("pipelines/data/t.csv", commas);
    refused(
        &project,
        &["the target `size` has", "classes on 200 rows, nearly each its own", "decimal = \",\""],
    );
    // As numbers they are a regression.
    project.write("pipelines/data/t.csv", text(";", |_, cell| cell.replace('.', ",")));
    reading(&project, "delimiter = \";\", decimal = \",\"");
    let run = project.collegium(&["run", "--json"]).ok().json();
    assert!(run["nodes"][0]["metrics"]["test"]["rmse"].is_number(), "{run}");
    let names = crate::cases_reading::project("data/t.csv", "\"t.x\", \"t.y\"", "size");
    names.write(
        "pipelines/data/t.csv",
        text(",", |at, cell| if at == 5 { format!("house at {cell}") } else { cell.to_owned() }),
    );
    let said = names.collegium(&["check"]).ok();
    assert!(said.err.contains("nearly each its own"), "{}", said.err);
}
