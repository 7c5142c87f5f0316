//! Columns that nothing reads stop nothing; what is read is told why it cannot be; types that were settled
//! stay.

use crate::project::{Project, rows};

const ROWS: &str = "pipelines/data/rows.csv";

/// A column more, at the end: its cells by row, the header's first.
fn with_column(name: &str, cell: impl Fn(usize) -> String) -> String {
    let add = |(at, line): (usize, &str)| match at {
        0 => format!("{line},{name}\n"),
        at => format!("{line},{}\n", cell(at)),
    };
    rows(600).lines().enumerate().map(add).collect()
}

#[test]
fn a_column_that_nothing_reads_stops_nothing_and_fits_nothing() {
    for (name, cell) in [
        ("ratio", "inf"),
        ("score", "NaN"),
        ("order", "9007199254740995"),
        ("", "1"),
        ("A", "2"),
        ("big", "1e999"),
    ] {
        let project = Project::ready();
        project.write(
            ROWS,
            with_column(name, |at| if at == 7 { cell.into() } else { at.to_string() }),
        );
        project.collegium(&["check"]).ok();
        let run = project.collegium(&["run", "--json"]).ok().json();
        let fits: u64 =
            run["nodes"].as_array().unwrap().iter().map(|n| n["fits"].as_u64().unwrap()).sum();
        assert_eq!(fits, 0, "`{name}` moved something");
    }
}

#[test]
fn a_column_that_nothing_can_read_is_noted_shortly() {
    let project = Project::empty_rows(with_column("", |at| at.to_string()));
    let said = project.collegium(&["check"]).ok();
    assert!(
        said.err.contains("one column that nothing can read is left out: no name"),
        "{}",
        said.err
    );
}

#[test]
fn an_input_that_names_such_a_column_is_told_file_line_and_column() {
    for (cell, what) in [
        ("inf", "`inf` is not a finite number"),
        ("9007199254740995", "9007199254740995 is a whole number beyond 2^53"),
    ] {
        let project = Project::empty_rows(with_column("more", |at| {
            if at == 7 { cell.into() } else { at.to_string() }
        }));
        project.edit_pipeline("\"rows.a\", \"rows.b\"", "\"rows.a\", \"rows.more\"");
        let place = format!("{ROWS}:8:10: column `more`: {what}");
        project.collegium(&["check"]).fails(3, &[&place, "small.toml:", "rows.more"]);
    }
    let project = Project::empty_rows(with_column("a", |at| at.to_string()));
    project
        .collegium(&["check"])
        .fails(3, &["column `a`: the name occurs twice", "rename one of the two"]);
}

#[test]
fn a_where_that_names_such_a_column_is_told_too() {
    let project = Project::empty_rows(with_column("more", |at| {
        if at == 7 { "inf".into() } else { at.to_string() }
    }));
    project.to_kind("where = \"more > 3\"");
    project.collegium(&["check"]).fails(3, &["column `more`: `inf` is not a finite number"]);
}

#[test]
fn a_cell_that_is_not_of_its_settled_type_stops_only_who_reads_it() {
    let project = Project::ready();
    let lock = project.read("pipelines/small.lock");
    assert!(lock.contains("number"), "{lock}");
    let text = project.read(ROWS);
    let lines: Vec<&str> = text.lines().collect();
    let mut cells: Vec<&str> = lines[3].split(',').collect();
    cells[2] = "A-7";
    let changed = text.replace(lines[3], &cells.join(","));
    project.write(ROWS, &changed);
    project.collegium(&["run"]).fails(
        3,
        &[
            ":4:3: column `b`: `A-7` is not a number, and the column was read as numbers so far",
            "types",
        ],
    );
    assert_eq!(project.read("pipelines/small.lock"), lock, "nothing is lost");
    project.to_data("missing = [\"\", \"A-7\"]");
    project.collegium(&["run"]).ok();
}
