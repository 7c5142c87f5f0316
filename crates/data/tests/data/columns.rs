//! Columns that nothing reads stop nothing, types that are settled stay, and a cell means the same in every
//! format.

use std::{collections::BTreeSet, sync::Arc};

use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, DurationSecondArray, Float64Array,
    Int64Array, ListArray, NullArray, RecordBatch, StringArray, StructArray,
    Time64MicrosecondArray, TimestampSecondArray, UInt64Array, types::Int64Type,
};
use arrow_ipc::writer::FileWriter;
use arrow_schema::{DataType, Field};
use collegium_data::DataErrorKind;
use collegium_manifest::ColumnType;
use insta::assert_snapshot;
use parquet::arrow::ArrowWriter;
use proptest::prelude::*;

use crate::project::{Project, texts};

fn parquet(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, array)| (name, array, true)),
    )
    .unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

fn ipc(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, array)| (name, array, true)),
    )
    .unwrap();
    let mut bytes = Vec::new();
    let mut writer = FileWriter::try_new(&mut bytes, &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    drop(writer);
    bytes
}

/// Two rows of every type that is no column of ours, and of values that no number holds.
fn strange() -> Vec<(&'static str, ArrayRef)> {
    let lists = ListArray::from_iter_primitive::<Int64Type, _, _>([
        Some(vec![Some(1), None]),
        Some(vec![]),
    ]);
    let inner: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let field = Arc::new(Field::new("x", DataType::Int64, true));
    vec![
        ("n", Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef),
        ("emb", Arc::new(lists)),
        ("place", Arc::new(StructArray::from(vec![(field, inner)]))),
        ("took", Arc::new(DurationSecondArray::from(vec![1, 2]))),
        ("at", Arc::new(Time64MicrosecondArray::from(vec![1, 2]))),
        ("raw", Arc::new(BinaryArray::from_vec(vec![b"a", b"b"]))),
        ("score", Arc::new(Float64Array::from(vec![1.5, f64::NAN]))),
        ("ratio", Arc::new(Float64Array::from(vec![f64::NEG_INFINITY, 1.0]))),
        ("order", Arc::new(Int64Array::from(vec![9_007_199_254_740_993, 1]))),
        ("hash", Arc::new(UInt64Array::from(vec![u64::MAX, 1]))),
        ("when", Arc::new(TimestampSecondArray::from(vec![i64::MAX, 0]))),
        ("none", Arc::new(NullArray::new(2))),
    ]
}

#[test]
fn columns_of_every_kind_stop_nothing_as_long_as_nothing_reads_them() {
    for (name, bytes) in [("t.parquet", parquet(strange())), ("t.arrow", ipc(strange()))] {
        let project = Project::file(name, bytes);
        let table = project.rows();
        assert_eq!(table.names(), ["n", "score", "ratio", "order", "hash", "when", "none"]);
        assert_eq!(texts(&table, "score"), ["1.5", "NaN"], "its content still counts");
        assert_eq!(texts(&table, "order"), ["9007199254740993", "1"]);
        assert_eq!(texts(&table, "hash"), ["18446744073709551615", "1"]);
        let left_out = project.prepared().facts.left_out().unwrap();
        assert_eq!(
            left_out,
            "5 columns that nothing can read are left out: `emb` (a list), `place` (a struct), `took` (a duration), `at` (a time of day) and 1 more"
        );
        for (column, place) in
            [("score", ":2:7"), ("ratio", ":1:8"), ("order", ":1:9"), ("hash", ":1:10")]
        {
            let said = project.refusal(column);
            assert!(said.starts_with(&format!("{name}{place}: column `{column}`: ")), "{said}");
        }
        assert!(project.refusal("emb").contains("its type List"), "{}", project.refusal("emb"));
        assert!(project.refusal("when").contains("out of range"), "{}", project.refusal("when"));
        assert!(project.prepared().refusal("n").is_none());
    }
}

#[test]
fn a_time_of_day_or_a_duration_can_be_read_as_texts() {
    let project = Project::file("t.parquet", parquet(strange())).typed("at", ColumnType::Category);
    assert_eq!(texts(&project.rows(), "at"), ["00:00:00.000001", "00:00:00.000002"]);
    let wrong = Project::file("t.parquet", parquet(strange())).typed("emb", ColumnType::Category);
    assert_eq!(wrong.try_prepare().unwrap_err().kind(), DataErrorKind::Unsupported);
}

#[test]
fn nameless_and_duplicate_columns_of_a_text_file_have_no_reference() {
    let project = Project::csv(",a,b,b,\n0,1,x,y,\n1,2,x,y,\n");
    assert_eq!(project.rows().names(), ["a"]);
    assert_snapshot!(project.prepared().facts.left_out().unwrap(), @"3 columns that nothing can read are left out: no name, `b` (a name that occurs twice), no name");
    assert_eq!(Project::csv("x,X\n1,2\n").rows().names(), ["x", "X"], "they differ by case");
    assert_eq!(texts(&Project::csv(",a\n0,7\n").query("SELECT a FROM t").rows(), "a"), ["7"]);
}

#[test]
fn columns_that_a_query_does_not_name_never_stop_it() {
    let query = |sql: &str| Project::file("t.parquet", parquet(strange())).query(sql);
    assert_eq!(query("SELECT n FROM t").rows().names(), ["n"]);
    assert_eq!(query("SELECT n + 1 AS emb FROM t").rows().names(), ["emb"]);
    let error = query("SELECT n, emb FROM t").error();
    assert!(error.contains("column `emb`: its type List"), "{error}");
    let error = query("SELECT n FROM t WHERE score > 1").error();
    assert!(error.contains("`NaN` is not a finite number"), "{error}");
    // What `*` hands on is as unfit as it was.
    let all = query("SELECT * FROM t");
    assert_eq!(texts(&all.rows(), "n"), ["1", "2"]);
    assert!(all.refusal("score").contains("`NaN`"), "{}", all.refusal("score"));
    assert!(all.refusal("emb").contains("List"), "{}", all.refusal("emb"));
}

#[test]
fn an_expression_that_reads_an_unfit_column_is_told_why() {
    let error = Project::file("t.parquet", parquet(strange())).derive("high", "score > 1").error();
    assert!(error.contains("`NaN` is not a finite number"), "{error}");
    let error = Project::file("t.parquet", parquet(strange())).derive("long", "emb > 1").error();
    assert!(error.contains("its type List"), "{error}");
    let table = Project::file("t.parquet", parquet(strange())).derive("m", "n + 1 -- score").rows();
    assert_eq!(texts(&table, "m"), ["2", "3"]);
}

#[test]
fn parts_of_a_glob_may_differ_where_nothing_reads_them() {
    let project = Project::empty().table("t", "p*.parquet");
    let two = |a: ArrayRef, b: ArrayRef| parquet(vec![("a", a), ("b", b)]);
    let numbers = || Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef;
    project.write("p1.parquet", two(numbers(), Arc::new(NullArray::new(2))));
    project.write("p2.parquet", two(numbers(), Arc::new(StringArray::from(vec!["x", "y"]))));
    assert_eq!(texts(&project.rows(), "b"), ["-", "-", "x", "y"], "a part of missing values");
    project.write("p3.parquet", two(numbers(), numbers()));
    assert_eq!(texts(&project.rows(), "b"), ["-", "-", "x", "y", "1", "2"], "another type");
    let csv = Project::empty().table("t", "p*.csv");
    csv.write("p1.csv", "a,b\n1,2\n");
    csv.write("p2.csv", "b,a\n4,3\n");
    assert_eq!(texts(&csv.rows(), "a"), ["1", "3"], "another order");
}

#[test]
fn thousands_of_columns_are_a_table() {
    let names: Vec<String> = (0..5000).map(|i| format!("c{i}")).collect();
    let row =
        |value: usize| (0..5000).map(|i| (i + value).to_string()).collect::<Vec<_>>().join(",");
    let project = Project::csv(format!("{}\n{}\n{}\n", names.join(","), row(0), row(1)));
    let prepared = project.prepared();
    assert_eq!(prepared.facts.columns.len(), 5000);
    let two: BTreeSet<String> = ["c7", "c4000", "no"].map(str::to_owned).into();
    for prepared in [prepared, project.prepared()] {
        let table = prepared.columns(&two).unwrap();
        assert_eq!(table.names(), ["c7", "c4000"], "made or stored, only what is asked for");
        assert_eq!(texts(&table, "c4000"), ["4000", "4001"]);
        assert_eq!(prepared.table().unwrap().columns.len(), 5000);
    }
}

#[test]
fn what_was_settled_stays_whatever_one_cell_says() {
    let project = Project::csv("i,d,c,b\n7,2024-01-15,1,true\n8,2024-01-16,x,false\n")
        .derive("half", "i / 2")
        .derive("day", "'on ' || d")
        .settle();
    let types: Vec<(&str, &str)> = ["i", "d", "c", "b"]
        .into_iter()
        .map(|name| (name, project.settled.types[name].as_str()))
        .collect();
    assert_eq!(types, [("i", "integer"), ("d", "date"), ("c", "category"), ("b", "boolean")]);
    project.write("t.csv", "i,d,c,b\n7,2024-01-15,1,true\n8.5,2024-01-16 08:30,2,1\n");
    let table = project.rows();
    assert_eq!(texts(&table, "half"), ["3", "4.25"], "7 / 2 is what it was");
    assert_eq!(texts(&table, "day")[0], "on 2024-01-15");
    assert_eq!(texts(&table, "c"), ["1", "2"]);
    assert_eq!(project.prepared().facts.column("c").unwrap().kind, ColumnType::Category);
    assert_eq!(*project.prepared().settled(), project.settled, "and so it goes on");
}

#[test]
fn a_cell_that_does_not_fit_is_named_to_who_reads_the_column_and_to_nobody_else() {
    let project = Project::csv("i,d,b\n7,2024-01-15,true\n").settle();
    project.write("t.csv", "i,d,b\n7,2024-01-15,true\nA-8,soon,maybe\n");
    assert_snapshot!(project.refusal("i"), @r#"
    t.csv:3:1: column `i`: `A-8` is not a number, and the column was read as numbers so far
    help: correct the cell; or, if it means that the value is missing, name "A-8" in `missing`; or say what the column is from now on: `types = { "i" = "category" }`
    "#);
    assert!(project.refusal("d").contains("`soon` is not an ISO date"), "{}", project.refusal("d"));
    assert!(
        project.refusal("b").contains("`maybe` is not true or false"),
        "{}",
        project.refusal("b")
    );
    assert!(project.prepared().settled().types.is_empty(), "it is settled anew");
    let typed = project.typed("i", ColumnType::Category);
    assert!(typed.prepared().refusal("i").is_none(), "what the file says wins");
    let mut missing = typed;
    missing.source.types.clear();
    missing.source.missing.push("A-8".to_owned());
    assert_eq!(texts(&missing.rows(), "i"), ["7", "-"]);
}

#[test]
fn a_key_of_another_type_moves_no_row_and_stops_nothing() {
    let ids: String = (0..200).map(|id| format!("{id},1\n")).collect();
    let project =
        Project::csv(format!("id,x\n{ids}")).split([0.6, 0.2, 0.2], &["id"], None).settle();
    let before = project.prepared().sides().unwrap();
    project.write("t.csv", format!("id,x\n{ids}A-201,1\n"));
    let after = project.prepared().sides().unwrap();
    assert_eq!(after[..200], before[..]);
}

#[test]
fn a_column_without_values_is_settled_when_it_has_some_and_one_that_vanished_when_it_is_back() {
    let project = Project::csv("a,b\n1,\n").settle();
    assert!(!project.settled.types.contains_key("b"));
    project.write("t.csv", "a,b\n1,x\n");
    assert_eq!(project.prepared().settled().types["b"], "category");
    project.write("t.csv", "b\nx\n");
    assert_eq!(project.prepared().settled().types["a"], "integer", "it may come back");
}

#[test]
fn behind_a_query_the_columns_of_files_and_those_of_sql_are_settled() {
    let project = Project::csv("n,d\n7,2024-01-15\n8,2024-01-16\n")
        .query("SELECT n / 2 AS half, n * 2 AS twice, d FROM t")
        .settle();
    assert_eq!(project.settled.types["t.n"], "integer");
    project.write("t.csv", "n,d\n7,2024-01-15\n8.5,2024-01-16 10:00\n");
    let table = project.rows();
    assert_eq!(texts(&table, "half"), ["3", "4.25"]);
    assert!(project.prepared().facts.column("twice").unwrap().whole, "14 is an integer, as it was");
    let other = project.query("SELECT 'x' AS half FROM t");
    assert_eq!(texts(&other.rows(), "half"), ["x", "x"], "another SQL makes another column");
}

/// Cells of a table as texts; `None` is missing.
type Cells = Vec<(Option<i32>, Option<i16>, Option<bool>, Option<u16>, Option<usize>, bool)>;

const TEXTS: [&str; 8] = [" a", "b ", "NA", "", "true", "c d", "?", "x,y"];

/// The same table as a text file, and as arrays.
fn in_formats(cells: &Cells, words: bool) -> (String, Vec<(&'static str, ArrayRef)>) {
    let date = |day: u16| jiff::civil::date(1970, 1, 1) + jiff::Span::new().days(i64::from(day));
    let mut csv = "i,f,b,d,c,w,s\n".to_owned();
    for (i, f, b, d, c, w) in cells {
        let text = c.map_or("", |c| TEXTS[c % 8]);
        let cell = |text: Option<String>| text.unwrap_or_default();
        let word = if *w { "TRUE" } else { " false " };
        csv += &format!(
            "{},{},{},{},\"{text}\",{word},{}\n",
            cell(i.map(|v| v.to_string())),
            cell(f.map(|v| format!("{:?}", f64::from(v) / 4.0))),
            cell(b.map(|v| v.to_string())),
            cell(d.map(|v| date(v).to_string())),
            cell(i.map(|v| format!(" {v} "))),
        );
    }
    let strings: Vec<Option<&str>> = cells.iter().map(|row| row.4.map(|c| TEXTS[c % 8])).collect();
    let named: Vec<&str> = cells.iter().map(|row| if row.5 { "TRUE" } else { " false " }).collect();
    let numbers: Vec<Option<String>> =
        cells.iter().map(|r| r.0.map(|v| format!(" {v} "))).collect();
    let words: ArrayRef = match words {
        true => Arc::new(StringArray::from(named)),
        false => Arc::new(cells.iter().map(|row| Some(row.5)).collect::<BooleanArray>()),
    };
    let arrays = vec![
        (
            "i",
            Arc::new(cells.iter().map(|r| r.0.map(i64::from)).collect::<Int64Array>()) as ArrayRef,
        ),
        (
            "f",
            Arc::new(
                cells.iter().map(|r| r.1.map(|v| f64::from(v) / 4.0)).collect::<Float64Array>(),
            ),
        ),
        ("b", Arc::new(cells.iter().map(|r| r.2).collect::<BooleanArray>())),
        ("d", Arc::new(cells.iter().map(|r| r.3.map(i32::from)).collect::<Date32Array>())),
        ("c", Arc::new(StringArray::from(strings))),
        ("w", words),
        ("s", Arc::new(StringArray::from(numbers))),
    ];
    (csv, arrays)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_cell_means_the_same_in_every_format(
        cells in prop::collection::vec(
            (
                prop::option::of(-50i32..50), prop::option::of(any::<i16>()),
                prop::option::of(any::<bool>()), prop::option::of(any::<u16>()),
                prop::option::of(0usize..8), any::<bool>(),
            ),
            1..30,
        ),
        words in any::<bool>(),
    ) {
        let (csv, arrays) = in_formats(&cells, words);
        let missing = |mut project: Project| {
            project.source.missing.push("?".to_owned());
            project.source.missing.push("-7".to_owned());
            project
        };
        let text = missing(Project::csv(&csv)).prepared().facts;
        let others = [
            missing(Project::file("t.parquet", parquet(arrays.clone()))),
            missing(Project::file("t.arrow", ipc(arrays))),
            missing(Project::csv(&csv)).query("SELECT * FROM t"),
        ];
        for project in others {
            let facts = project.prepared().facts;
            for (ours, theirs) in text.columns.iter().zip(&facts.columns) {
                let of = |facts: &collegium_data::ColumnFacts| {
                    (facts.name.clone(), facts.kind, facts.missing, facts.digest)
                };
                prop_assert_eq!(of(ours), of(theirs), "{}", csv);
            }
        }
    }
}
