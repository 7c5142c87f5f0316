//! SQL is a pure function: whatever it is asked, it refuses, or gives the same bits on another day, in another
//! time zone, with other random numbers and in another process.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use crate::project::Project;

/// The library that moves the clock, built on first use. `None`, said on stderr, without a compiler.
fn shift_clock() -> Option<&'static Path> {
    static BUILT: OnceLock<Option<(tempfile::TempDir, PathBuf)>> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("shift_clock.so");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/shift_clock.c");
        let mut cc = Command::new("cc");
        cc.args(["-O1", "-shared", "-fPIC", "-o"]).arg(&library).arg(source).arg("-ldl");
        match cc.output() {
            Ok(output) if output.status.success() => {}
            other => {
                eprintln!("SKIPPED a clock that moves: {other:?}");
                return None;
            }
        }
        // It must do what it is for.
        let year = |shift: &str| {
            let mut date = Command::new("date");
            date.arg("+%Y").env("LD_PRELOAD", &library).env("SHIFT", shift);
            String::from_utf8(date.output().unwrap().stdout).unwrap()
        };
        if year("0") == year("126230400") {
            eprintln!("SKIPPED a clock that moves: this system does not let it move");
            return None;
        }
        Some((folder, library))
    });
    built.as_ref().map(|(_, library)| library.as_path())
}

/// What one evaluation came to: the exit code, and the objects that were made.
fn evaluated(
    project: &Project,
    library: &Path,
    shift: &str,
    zone: &str,
) -> (i32, Vec<String>, String) {
    let mut command = project.command(&["check"]);
    command.env("LD_PRELOAD", library).env("SHIFT", shift).env("TZ", zone);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let code = output.status.code().unwrap_or(-1);
    (code, if code == 0 { project.objects() } else { Vec::new() }, said)
}

/// Evaluates the same pipeline today and four years later elsewhere; was it refused?
#[track_caller]
fn is_pure(what: &str, write: &dyn Fn(&Project)) -> Option<bool> {
    let library = shift_clock()?;
    let made = || {
        let project = Project::in_memory();
        let table: String = (0..60)
            .map(|id| format!("{id},{},now,local,2013-01-{:02},{}\n", id % 7, id % 28 + 1, id % 2))
            .collect();
        project.write("pipelines/data/rows.csv", format!("id,a,word,half,day,y\n{table}"));
        write(&project);
        project
    };
    let (first, second) = (made(), made());
    let today = evaluated(&first, library, "0", "UTC");
    let later = evaluated(&second, library, "126273600", "Asia/Kathmandu");
    assert_eq!(today.0, later.0, "{what}\n{}\n{}", today.2, later.2);
    assert!([0, 3].contains(&today.0), "{what}: {}\n{}", today.0, today.2);
    assert_eq!(today.1, later.1, "{what}: two evaluations, two tables");
    Some(today.0 == 3)
}

/// A pipeline of one expert over `rows`, with lines of one's own in the data source and the expert.
fn pipeline(data: &str, expert: &str) -> String {
    format!(
        "[data.rows]\npath = \"data/rows.csv\"\n{data}\n[expert.e]\ninputs = [\"rows.a\"]\ntarget = \"rows.y\"\n\
         {expert}\n"
    )
}

/// What must be refused, wherever it stands.
const REFUSED: [&str; 19] = [
    "date('n' || 'ow')",
    "\"julianday\"('now')",
    "julianday(word)",
    "datetime(day, half || 'time')",
    "datetime(day, 'utc')",
    "strftime('%s', lower('NOW'))",
    "time('now', '+1 day')",
    "unixepoch()",
    "CURRENT_TIMESTAMP",
    "current_date",
    "CURRENT_TIME",
    "random()",
    "abs(random())",
    "length(randomblob(id))",
    "sqlite_version()",
    "changes()",
    "last_insert_rowid()",
    "load_extension('x')",
    "sqlite_source_id()",
];

#[test]
fn an_expression_that_is_not_made_of_its_row_is_refused_on_every_day() {
    for sql in REFUSED {
        let quoted = sql.replace('"', "\\\"");
        let refused = is_pure(sql, &|project| {
            project.write(
                "pipelines/p.toml",
                pipeline(&format!("derive = {{ x = \"{quoted}\" }}"), ""),
            );
        });
        assert_ne!(refused, Some(false), "{sql} in `derive`");
    }
    for sql in [REFUSED[0], REFUSED[2], REFUSED[8], REFUSED[11]] {
        let refused = is_pure(sql, &|project| {
            let filter = format!("where = \"({sql}) IS NOT NULL\"");
            project.write("pipelines/p.toml", pipeline("", &filter));
        });
        assert_ne!(refused, Some(false), "{sql} in `where`");
        let refused = is_pure(sql, &|project| {
            let gate = format!(
                "[expert.f]\nextends = \"expert.e\"\n\n[gate.g]\nexperts = [\"e\", \"f\"]\ntype = \"rules\"\n\
                 rules = {{ e = \"({sql}) IS NOT NULL\", f = \"1\" }}\ntarget = \"rows.y\"\n"
            );
            project.write("pipelines/p.toml", pipeline("", "") + &gate);
        });
        assert_ne!(refused, Some(false), "{sql} in the rules of a gate");
    }
}

#[test]
fn a_query_that_is_not_made_of_its_tables_is_refused_on_every_day() {
    let expressions = REFUSED.map(|sql| format!("SELECT *, {sql} AS x FROM rows"));
    let whole = [
        "SELECT *, total_changes() AS x FROM rows",
        "SELECT r.*, s.name AS x FROM rows r, sqlite_master s",
        "SELECT r.*, s.name AS x FROM rows r, sqlite_schema s",
        "SELECT r.*, p.name AS x FROM rows r, pragma_table_info('rows') p",
        "SELECT r.*, p.file AS x FROM rows r, pragma_database_list p",
        "SELECT r.*, d.pageno AS x FROM rows r, dbstat d",
        "SELECT *, readfile('/etc/hostname') AS x FROM rows",
        "ATTACH '/etc/hostname' AS x",
        "CREATE VIRTUAL TABLE x USING fts5(a)",
        "CREATE VIRTUAL TABLE x USING rtree(a, b, c)",
        "PRAGMA user_version",
        "VACUUM INTO '/tmp/x'",
    ];
    for sql in expressions.iter().map(String::as_str).chain(whole) {
        let refused = is_pure(sql, &|project| {
            project.write("pipelines/p.toml", pipeline(&format!("query = '''{sql}'''"), ""));
        });
        assert_ne!(refused, Some(false), "{sql}");
    }
}

#[test]
fn dates_of_the_data_are_the_same_on_every_day_and_in_every_zone() {
    for sql in [
        "SELECT *, strftime('%w', day) AS x, julianday(day) AS z FROM rows",
        "SELECT *, datetime(day, '+1 month', 'start of month') AS x FROM rows",
        "SELECT *, unixepoch(day) / 60 AS x, date(day, 'weekday 1') AS z FROM rows",
        "SELECT *, row_number() OVER (ORDER BY a) AS x FROM rows",
        "SELECT *, (SELECT count(*) FROM rows s WHERE s.a = r.a) AS x FROM rows r",
    ] {
        let refused = is_pure(sql, &|project| {
            project.write("pipelines/p.toml", pipeline(&format!("query = '''{sql}'''"), ""));
        });
        assert_ne!(refused, Some(true), "{sql}");
    }
}
