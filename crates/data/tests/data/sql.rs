//! What SQL may do, and what its results become.

use std::sync::atomic::Ordering;

use collegium_manifest::ColumnType;
use insta::assert_snapshot;

use crate::project::{Project, texts};

fn flights() -> Project {
    let project = Project::empty().table("flights", "flights.csv").table("planes", "planes.csv");
    project.write(
        "flights.csv",
        "tail,delay,late,day\nA,10,true,2013-01-01\nB,-5,false,2013-01-02\nC,1,NA,NA\n",
    );
    project.write("planes.csv", "tail,seats\nA,100\nB,50\n");
    project
}

#[test]
fn a_left_join_keeps_rows_and_types() {
    let project = flights().query(
        "SELECT tail, delay > 0 AS up, late, day, seats FROM flights LEFT JOIN planes USING (tail);",
    );
    let table = project.rows();
    assert_eq!(texts(&table, "tail"), ["A", "B", "C"]);
    assert_eq!(texts(&table, "up"), ["1", "0", "1"]);
    assert_eq!(texts(&table, "late"), ["true", "false", "-"], "a boolean stays one");
    assert_eq!(texts(&table, "day"), ["2013-01-01", "2013-01-02", "-"], "a time stays one");
    assert_eq!(texts(&table, "seats"), ["100", "50", "-"]);
    assert!(project.prepared().facts.column("up").unwrap().binary);
}

#[test]
fn the_same_query_in_memory_and_in_a_file_gives_the_same_table() {
    let sql = "SELECT * FROM flights JOIN planes USING (tail)";
    let inside = flights().query(sql);
    let mut outside = flights().query(sql);
    outside.memory_bound = 0;
    assert_eq!(inside.prepared().key, outside.prepared().key);
}

#[test]
fn whole_numbers_divide_as_whole_numbers_and_others_do_not() {
    let table =
        Project::csv("i,f\n7,7.5\n9,2.0\n").query("SELECT i / 2 AS i, f / 2 AS f FROM t").rows();
    assert_eq!(texts(&table, "i"), ["3", "4"]);
    assert_eq!(texts(&table, "f"), ["3.75", "1"]);
}

#[test]
fn everything_but_reading_is_refused() {
    let error = |sql: &str| flights().query(sql).error();
    assert_snapshot!(error("ATTACH 'x.db' AS x"), @"a query cannot open other databases; name files in `tables`");
    assert_snapshot!(error("PRAGMA user_version = 3"), @"a query cannot use PRAGMA user_version");
    assert_snapshot!(error("SELECT * FROM pragma_table_info('flights')"), @"`pragma_table_info` is not a table of this data source");
    assert_snapshot!(error("DELETE FROM flights"), @"a query can only read: it is a SELECT");
    assert_snapshot!(error("CREATE TABLE x AS SELECT 1"), @"a query can only read: it is a SELECT");
    assert_snapshot!(error("SELECT 1; SELECT 2"), @"
    a query is one statement; this one is followed by another
    help: WITH can hold the steps before the last SELECT
    ");
    assert_snapshot!(error("SELECT random() FROM flights"), @"`random` does not give the same result every time, and tables are cached by the content of their files");
    assert_snapshot!(error("SELECT current_timestamp AS now FROM flights"), @"`current_timestamp` does not give the same result every time, and tables are cached by the content of their files");
    assert_snapshot!(error("SELECT date('now') AS d FROM flights"), @"
    `date` reads the clock or the time zone here
    help: a table is cached by the content of its files, so its SQL must give the same result every day; write the date out
    ");
    assert_snapshot!(error("SELECT load_extension('x')"), @"`load_extension` reaches outside of the tables");
    assert_snapshot!(error("SELECT * FROM sqlite_master"), @"`sqlite_master` is not a table of this data source");
    assert_snapshot!(error("EXPLAIN SELECT * FROM flights"), @"a query can only read: it is a SELECT");
    assert_snapshot!(error("SELECT ?1 FROM flights"), @"there are no parameters to fill in");
}

#[test]
fn wrong_sql_says_where_and_what_was_meant() {
    let project = flights().query("SELECT delya\n FROM flights");
    let error = project.try_prepare().unwrap_err();
    let (sql, at) = error.fault().part.clone().unwrap();
    assert_eq!(&sql[at], "delya");
    assert_snapshot!(project.error(), @"
    no such column: delya
    help: did you mean `delay`?
    ");
    assert_snapshot!(flights().query("SELECT f.dely FROM flights f").error(), @"
    no such column: f.dely
    help: did you mean `delay`?
    ");
    assert_snapshot!(flights().query("SELECT * FROM flight").error(), @"
    no such table: flight
    help: did you mean `flights`?
    ");
    assert_snapshot!(flights().query("SELEC 1").error(), @r#"near "SELEC": syntax error"#);
    assert_snapshot!(flights().query("SELECT \"nope\" FROM flights").error(), @r#"
    no such column: "nope" - should this be a string literal in single-quotes?
    help: the columns are: `day`, `delay`, `late`, `seats`, `tail`
    "#);
}

#[test]
fn the_caret_stands_in_the_string_of_the_pipeline_file() {
    let text = "[data.t]\nquery = \"\"\"\n  SELECT delya\n  FROM flights\"\"\"\n";
    let start = text.find("\"\"\"").unwrap();
    let sql = "  SELECT delya\n  FROM flights";
    let mut project = flights();
    project.source.query =
        Some(collegium_manifest::Spanned::new(start..text.len() - 1, sql.to_owned()));
    let error = project.try_prepare().unwrap_err();
    let source = collegium_manifest::SourceFile::new("p.toml", text);
    let (_, place) = error.diagnostic(&std::sync::Arc::new(source)).place.unwrap();
    assert_eq!(&text[place], "delya");
}

#[test]
fn results_must_be_columns_of_one_type_with_names_of_their_own() {
    let error = |sql: &str| flights().query(sql).error();
    assert_snapshot!(error("SELECT tail, tail FROM flights"), @"
    the query returns two columns named `tail`
    help: name one of them differently with AS, or list the columns instead of `*`
    ");
    assert_snapshot!(error("SELECT CASE tail WHEN 'B' THEN tail ELSE delay END AS x FROM flights"), @"
    row 2: column `x`: the text `B` stands in a column that held the other kind before
    help: CAST(… AS TEXT) or CAST(… AS REAL) makes the expression one type
    ");
    assert_snapshot!(error("SELECT 1e308 * delay * 10 AS x FROM flights"), @"
    row 1: column `x`: the result is infinite
    help: guard the expression, e.g. with CASE or NULLIF
    ");
    assert_snapshot!(error("SELECT x'00' AS x FROM flights"), @"
    row 1: column `x`: the result is a blob
    help: CAST it to a text or a number
    ");
    assert_snapshot!(error("SELECT 9007199254740993 AS x FROM flights"), @"
    row 1: column `x`: 9007199254740993 is a whole number beyond 2^53, which a 64-bit float cannot hold exactly
    help: if it is an identifier, make it a text: CAST(… AS TEXT)
    ");
}

#[test]
fn a_forced_category_stays_text_though_it_looks_like_dates() {
    let project = flights().query("SELECT day || '' AS d FROM flights WHERE day IS NOT NULL");
    assert_eq!(project.prepared().facts.columns[0].kind, ColumnType::Time);
    let project = project.typed("d", ColumnType::Category);
    assert_eq!(project.prepared().facts.columns[0].levels, ["2013-01-01", "2013-01-02"]);
}

#[test]
fn derived_columns_are_added_to_the_result() {
    let project = flights()
        .query("SELECT * FROM flights")
        .derive("up", "delay > 0")
        .derive("half", "delay / 2");
    let table = project.rows();
    assert_eq!(table.names(), ["tail", "delay", "late", "day", "up", "half"]);
    assert_eq!(texts(&table, "up"), ["1", "0", "1"]);
    assert_eq!(texts(&table, "half"), ["5", "-2", "0"]);
    assert_snapshot!(flights().query("SELECT * FROM flights").derive("Delay", "1").error(), @"
    `derive` makes a column `Delay`, which exists already
    help: choose another name
    ");
    assert_snapshot!(flights().query("SELECT * FROM flights").derive("x", "delya + 1").error(), @"
    no such column: delya
    help: did you mean `delay`?
    ");
    assert_snapshot!(flights().query("SELECT * FROM flights").derive("x", "1) FROM flights --").error(), @"this bracket closes nothing");
}

#[test]
fn an_interrupt_stops_a_query_that_would_run_for_ever() {
    let project = flights().query(
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) AS c FROM n",
    );
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(std::time::Duration::from_millis(100));
            project.interrupted.store(true, Ordering::Relaxed);
        });
        let start = std::time::Instant::now();
        let error = project.try_prepare().unwrap_err();
        assert!(error.is_interrupted(), "{error}");
        assert!(start.elapsed().as_secs_f64() < 1.0);
    });
}
