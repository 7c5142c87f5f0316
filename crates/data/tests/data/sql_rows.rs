//! Expressions over one row: the same value whatever stands beside it.

use std::sync::Arc;

use collegium_data::{DataError, DataErrorKind, TableFacts, derive, select};
use collegium_manifest::Spanned;
use collegium_table::{Column, Table, Values};
use proptest::prelude::*;

use crate::project::{Project, texts};

const DAY: i64 = 86_400_000_000;

fn table() -> Table {
    let levels = vec!["EWR".to_owned(), "JFK".to_owned()];
    let columns = vec![
        Column::new("origin", Values::Category { codes: vec![0, 1, u32::MAX], levels }),
        Column::new("hour", Values::Number(vec![5.0, f64::NAN, 7.0])),
    ];
    Table { columns: columns.into_iter().map(Arc::new).collect(), rows: 3 }
}

fn no_facts() -> TableFacts {
    TableFacts {
        rows: 0,
        columns: Vec::new(),
        sides: [0; 3],
        notes: Vec::new(),
        remarks: std::collections::BTreeMap::new(),
        unfit: Vec::new(),
    }
}

fn chosen(sql: &str) -> Result<Vec<bool>, DataError> {
    select(&table(), &no_facts(), "flights", &Spanned::new(0..0, sql.to_owned()))
}

#[test]
fn where_selects_by_plain_and_by_qualified_names() {
    let rows = |sql: &str| chosen(sql).unwrap();
    assert_eq!(rows("flights.origin = 'EWR'"), [true, false, false]);
    assert_eq!(rows("FLIGHTS . \"origin\" = 'EWR'"), [true, false, false]);
    assert_eq!(rows("hour > 5 -- late"), [false, false, true]);
    assert_eq!(rows("origin <> 'EWR' OR hour IS NULL"), [false, true, false]);
    assert_eq!(rows("1"), [true; 3]);
    assert_eq!(rows("NULL"), [false; 3], "unknown is not true");
}

#[test]
fn a_wrong_where_is_an_error_with_a_place() {
    let error = |sql: &str| chosen(sql).unwrap_err();
    let wrong = error("hour > 3 AND flights.orgin = 'EWR'");
    assert_eq!(wrong.fault().help.as_deref(), Some("did you mean `origin`?"));
    assert_eq!(wrong.fault().part.as_ref().unwrap().1, 13..26);
    assert!(error("hour > 1); DROP TABLE flights --").to_string().contains("closes nothing"));
    assert!(error("origin = \"EWR\"").to_string().contains("no such column"), "a name is no text");
}

/// Every way that anybody has of looking at other rows, and what is said of it.
const OTHER_ROWS: [(&str, &str); 40] = [
    ("x - AVG(x) OVER ()", "OVER"),
    ("sum(x) over (ORDER BY x)", "over"),
    ("row_number() OVER ()", "OVER"),
    ("lag(x) OVER win", "OVER"),
    ("count(*) FILTER (WHERE x > 1) /* */ OVER ()", "OVER"),
    ("row_number()", "row_number"),
    ("avg(x)", "avg"),
    ("x > AVG (x)", "AVG"),
    ("x > \"avg\"(x)", "\"avg\""),
    ("x > [avg](x)", "[avg]"),
    ("x > `sum`(x)", "`sum`"),
    ("max(x)", "max"),
    ("x = min ( x )", "min"),
    ("max(/* one */ x)", "max"),
    ("count(*)", "count"),
    ("count(x) > 2", "count"),
    ("total(x)", "total"),
    ("sum(DISTINCT x)", "sum"),
    ("group_concat(x)", "group_concat"),
    ("group_concat(x, ',')", "group_concat"),
    ("string_agg(x, ',')", "string_agg"),
    ("json_group_array(x)", "json_group_array"),
    ("json_group_object(x, x)", "json_group_object"),
    ("coalesce(nullif(1, 2), abs(max(x)))", "max"),
    ("CASE WHEN 0 THEN max(x) ELSE 1 END", "max"),
    ("(SELECT 1)", "SELECT"),
    ("x > (sElEcT avg(x) FROM t)", "sElEcT"),
    ("EXISTS (SELECT 1 FROM t AS u WHERE u.x > t.x)", "SELECT"),
    ("x IN (SELECT x FROM t)", "SELECT"),
    ("x IN (WITH u AS (SELECT x FROM t) SELECT x FROM u)", "SELECT"),
    ("x IN t", "IN"),
    ("x NOT IN \"t\"", "IN"),
    ("x IN json_each('[1]')", "IN"),
    ("rowid", "rowid"),
    ("t.rowid % 2", ""),
    ("RowId + x", "RowId"),
    ("\"rowid\"", "\"rowid\""),
    ("oid", "oid"),
    ("_rowid_ > 3", "_rowid_"),
    ("t._ROWID_", ""),
];

/// What does not give the same every time.
const IMPURE: [&str; 16] = [
    "random()",
    "\"random\"()",
    "abs(RANDOM ())",
    "randomblob(4) IS NULL",
    "last_insert_rowid()",
    "changes()",
    "total_changes()",
    "sqlite_version()",
    "CURRENT_TIMESTAMP",
    "current_date > '2020'",
    "date('now')",
    "\"date\"('now')",
    "date('n' || 'ow')",
    "strftime('%Y', lower('NOW'))",
    "datetime('2013-01-01', 'local' || 'time')",
    "unixepoch(trim(' now'))",
];

fn numbers() -> Project {
    Project::csv("x\n3\n1\n2\n")
}

#[test]
fn what_looks_at_other_rows_is_refused_with_the_piece_that_does() {
    for (sql, piece) in OTHER_ROWS {
        let project = numbers().derive("z", sql);
        let Err(error) = project.try_prepare() else { panic!("{sql} was taken") };
        let said = format!("{error} {:?}", error.fault().help);
        assert!(
            said.contains("other rows")
                || said.contains("of a table")
                || said.contains("number of the row"),
            "{sql}: {said}"
        );
        let (whole, at) = error.fault().part.clone().unwrap_or_else(|| panic!("{sql}: {said}"));
        assert!(whole[at.clone()].starts_with(piece), "{sql}: {:?}", &whole[at]);
    }
}

#[test]
fn what_differs_from_time_to_time_is_refused_by_every_route() {
    for sql in IMPURE {
        let error = numbers().derive("z", sql).error();
        assert!(
            error.contains("same result every time") || error.contains("reads the clock"),
            "{sql}: {error}"
        );
    }
}

#[test]
fn what_only_resembles_a_look_at_other_rows_is_fine() {
    let texts_of = |csv: &str, sql: &str| texts(&Project::csv(csv).derive("z", sql).rows(), "z");
    assert_eq!(texts_of("rowid,x\n7,1\n5,2\n", "rowid + 1"), ["8", "6"], "a column of its own");
    assert_eq!(texts_of("OID,x\n7,1\n5,2\n", "t.oid"), ["7", "5"]);
    assert_eq!(texts_of("_rowid_,x\n7,1\n5,2\n", "\"_ROWID_\" * x"), ["7", "10"]);
    assert_eq!(texts_of("count,max\n7,1\n5,2\n", "count - max"), ["6", "3"]);
    assert_eq!(texts_of("a,b\n7,1\n5,9\n", "max(a, b)"), ["7", "9"], "of two arguments");
    assert_eq!(texts_of("a,b\n7,1\n5,9\n", "a IN (5, b)"), ["0", "1"]);
    assert_eq!(texts_of("a\nSELECT\nOVER ()\n", "a = 'SELECT'"), ["1", "0"]);
    assert_eq!(texts_of("select,over\n1,2\n3,4\n", "\"select\" + over -- OVER ()"), ["3", "7"]);
    assert_eq!(
        texts_of("d\n2013-01-01\n2013-02-01\n", "date(d, '+1 day')"),
        ["2013-01-02", "2013-02-02"]
    );
}

#[test]
fn a_query_may_look_at_all_rows() {
    let table = numbers().query("SELECT x, x - avg(x) OVER () AS z, rowid AS n FROM t").rows();
    assert_eq!(texts(&table, "z"), ["1", "-1", "0"]);
}

#[test]
fn a_moment_looks_the_same_whatever_stands_in_its_column() {
    let alone = "d,x\n2013-01-01,1\n2013-01-02,2\n";
    let beside = "d,x\n2013-01-01,1\n2013-01-02,2\n2013-01-03 08:30,3\n";
    for sql in ["'at ' || d", "d <= '2013-01-01'", "length(d)", "d = '2013-01-02'", "substr(d, 9)"]
    {
        let of = |csv: &str| texts(&Project::csv(csv).derive("z", sql).rows(), "z")[..2].to_vec();
        assert_eq!(of(alone), of(beside), "{sql}");
    }
}

#[test]
fn times_compare_with_every_iso_form_as_moments() {
    let csv = "d\n2013-01-01\n2013-01-01 00:00:01\n2013-01-02\n";
    for (sql, expected) in [
        ("d <= '2013-01-01'", ["1", "0", "0"]),
        ("d > '2013-01-01'", ["0", "1", "1"]),
        ("d >= '2013-01-02'", ["0", "0", "1"]),
        ("d >= '2013-01-02 00:00:00'", ["0", "0", "1"]),
        ("d = '2013-01-01 00:00'", ["1", "0", "0"]),
        ("d = '2013-01-01T00:00:01'", ["0", "1", "0"]),
        ("d BETWEEN '2013-01-01 00:00:00' AND '2013-01-01T23:59'", ["1", "1", "0"]),
        ("d IN ('2013-01-02T00:00', '2013-01-01T00:00:01')", ["0", "1", "1"]),
    ] {
        assert_eq!(texts(&Project::csv(csv).derive("z", sql).rows(), "z"), expected, "{sql}");
    }
}

#[test]
fn whole_numbers_are_whole_by_the_facts_and_not_by_the_rows_at_hand() {
    let project = Project::csv("i,f\n7,7.5\n9,2.0\n");
    let facts = project.prepared().facts;
    let holds = |sql: &str, rows: std::ops::Range<usize>| {
        let table = project.rows();
        let of = |values: &Values| match values {
            Values::Number(values) => Values::Number(values[rows.clone()].to_vec()),
            _ => unreachable!("numbers"),
        };
        let column = |c: &Arc<Column>| Arc::new(Column::new(c.name.clone(), of(&c.values)));
        let columns = table.columns.iter().map(column).collect();
        let table = Table { columns, rows: rows.len() };
        select(&table, &facts, "t", &Spanned::new(0..0, sql.to_owned())).unwrap()
    };
    assert_eq!(holds("i / 2 = 3", 0..1), [true]);
    assert_eq!(holds("f / 4 = 0.5", 1..2), [true], "2.0 of a column of floats is no whole number");
    assert_eq!(holds("f / 4 = 0.5", 0..2), [false, true]);
}

#[test]
fn tables_have_the_columns_that_the_sql_names() {
    let many: Vec<String> = (0..2103).map(|at| format!("c{at}")).collect();
    let values: Vec<String> = (0..2103).map(|at| at.to_string()).collect();
    let wide = format!("{}\n{}\n", many.join(","), values.join(","));
    let project = || Project::csv(&wide);
    assert_eq!(texts(&project().derive("z", "c2102 - t.c7").rows(), "z"), ["2095"]);
    assert_eq!(texts(&project().query("SELECT c5, c2000 AS k FROM t").rows(), "k"), ["2000"]);
    assert!(project().query("SELECT * FROM t").error().contains("has 2103 columns"));
    let both = || Project::csv("X,x,y\n1,2,3\n");
    assert_eq!(texts(&both().derive("z", "y").rows(), "z"), ["3"]);
    assert_eq!(texts(&both().derive("z", "X + y").rows(), "z"), ["4"]);
    assert_eq!(texts(&both().derive("z", "t.x + y").rows(), "z"), ["5"]);
    assert_eq!(texts(&both().query("SELECT x AS a FROM t").rows(), "a"), ["2"]);
    for error in [both().derive("z", "X + x").error(), both().query("SELECT * FROM t").error()] {
        assert!(error.contains("columns `X` and `x`, which SQL does not tell apart"), "{error}");
    }
}

#[test]
fn joins_find_the_columns_that_using_and_natural_compare() {
    let project = || {
        let project = Project::empty().table("a", "a.csv").table("b", "b.csv");
        project.write("a.csv", "k,u,unread\n1,x,p\n2,y,q\n");
        project.write("b.csv", "k,v,other\n1,10,r\n2,20,s\n");
        project
    };
    for sql in [
        "SELECT u, v FROM a JOIN b USING (k)",
        "SELECT u, v FROM a JOIN b using(\"k\")",
        "SELECT u, v FROM a NATURAL JOIN b",
        "SELECT u, v FROM a, b WHERE a.k = b.k",
        "WITH c AS (SELECT * FROM b) SELECT u, v FROM a JOIN c USING (k)",
        "SELECT u, (SELECT v FROM b WHERE b.k = a.k) AS v FROM a",
    ] {
        let table = project().query(sql).rows();
        assert_eq!(texts(&table, "v"), ["10", "20"], "{sql}");
        assert_eq!(texts(&table, "u"), ["x", "y"], "{sql}");
    }
}

#[test]
fn the_error_of_an_expression_with_a_fault_keeps_its_kind() {
    let error = numbers().derive("z", "y + 1").try_prepare().unwrap_err();
    assert_eq!(error.kind(), DataErrorKind::UnknownColumn);
}

/// Values that a row may have: a number, a text, a time, a boolean; some are missing.
fn a_row() -> impl Strategy<Value = (f64, f64, u32, i64, u8)> {
    let whole = prop_oneof![Just(f64::NAN), (-9i32..9).prop_map(f64::from), Just(2.5)];
    let real = prop_oneof![Just(f64::NAN), (-9i32..9).prop_map(|v| f64::from(v) / 2.0)];
    let text = prop_oneof![Just(u32::MAX), 0u32..4];
    let time = prop_oneof![
        Just(i64::MIN),
        (0i64..20).prop_map(|day| day * DAY),
        (0i64..20).prop_map(|hour| hour * DAY / 8),
    ];
    (whole, real, text, time, prop_oneof![Just(u8::MAX), 0u8..2])
}

fn of_rows(rows: &[(f64, f64, u32, i64, u8)]) -> Table {
    let levels = ["a", "2013-01-01", "7", "A"].map(str::to_owned).to_vec();
    let codes = rows.iter().map(|row| row.2).collect();
    let columns = vec![
        Column::new("i", Values::Number(rows.iter().map(|row| row.0).collect())),
        Column::new("f", Values::Number(rows.iter().map(|row| row.1).collect())),
        Column::new("c", Values::Category { codes, levels }),
        Column::new("d", Values::Time(rows.iter().map(|row| row.3).collect())),
        Column::new("b", Values::Boolean(rows.iter().map(|row| row.4).collect())),
    ];
    Table { columns: columns.into_iter().map(Arc::new).collect(), rows: rows.len() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_row_has_one_value_alone_in_any_chunk_and_beside_any_others(
        rows in prop::collection::vec(a_row(), 1..12), chunk in 1usize..5, turn in 0usize..12,
    ) {
        let expressions: Vec<(String, &str)> = [
            "i / 2", "f / 2", "i + f", "d || ''", "d <= '1970-01-03'", "length(d)", "c || d", "b + i",
            "CASE WHEN i > 2 THEN f END", "max(i, f)", "sqrt(f)", "floor(i)", "coalesce(c, 'x')",
            "strftime('%H', d)", "d > '1970-01-02 00:00:00'", "c = 'A'", "typeof(i)", "typeof(f)",
        ].into_iter().enumerate().map(|(at, sql)| (format!("z{at}"), sql)).collect();
        let whole = std::collections::BTreeSet::from(["i".to_owned()]);
        let kinds = |name: &str| Some(match name {
            "z3" | "z6" | "z12" | "z13" | "z16" | "z17" => collegium_manifest::ColumnType::Category,
            _ => collegium_manifest::ColumnType::Number,
        });
        let values = |rows: &[(f64, f64, u32, i64, u8)]| -> Vec<Vec<Option<String>>> {
            let made = derive(&of_rows(rows), "t", &expressions, &whole, &kinds).unwrap();
            (0..rows.len()).map(|row| made.iter().map(|column| column.text(row)).collect()).collect()
        };
        let all = values(&rows);
        let chunked: Vec<_> = rows.chunks(chunk).flat_map(values).collect();
        prop_assert_eq!(&all, &chunked);
        let mut turned = rows.clone();
        turned.rotate_left(turn % rows.len());
        let mut of_turned = values(&turned);
        of_turned.rotate_right(turn % rows.len());
        prop_assert_eq!(&all, &of_turned);
    }
}
