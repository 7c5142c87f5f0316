//! New rows in, predictions out.

use std::{fs, path::Path, sync::Arc};

use arrow_array::{
    ArrayRef, Date32Array, DictionaryArray, Float64Array, Int64Array, ListArray, RecordBatch,
    cast::AsArray as _,
    types::{Int8Type, Int32Type},
};
use arrow_cast::cast;
use arrow_schema::DataType;
use arrow_select::concat::concat_batches;
use parquet::arrow::{ArrowWriter, arrow_reader::ParquetRecordBatchReaderBuilder};

use collegium_data::{Conform, RowReader, RowWriter, read_rows};
use collegium_manifest::{ColumnType, ReadOptions};
use collegium_table::{Column, Table, Values};
use insta::assert_snapshot;

use crate::project::{Project, shown, texts};

const MISSING: &[&str] = &["", "NA"];

fn open(path: &Path, chunk: usize) -> RowReader {
    let missing: Vec<String> = MISSING.iter().map(|text| (*text).to_owned()).collect();
    read_rows(path, &missing, &ReadOptions::default(), None, chunk).unwrap()
}

fn wanted(columns: &[(&str, ColumnType)]) -> Vec<(String, ColumnType)> {
    columns.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect()
}

/// All rows in the wanted shape, one table per chunk.
fn conformed(
    project: &Project,
    columns: &[(&str, ColumnType)],
    chunk: usize,
) -> Result<Vec<Table>, String> {
    let folder = project.folder.path();
    let mut rows = open(&project.path("t.csv"), chunk);
    let conform = Conform::new(wanted(columns), rows.header()).map_err(|e| shown(&e, folder))?;
    let mut tables = Vec::new();
    while let Some(chunk) = rows.next() {
        let chunk = chunk.map_err(|e| shown(&e, folder))?;
        tables.push(conform.apply(&chunk, rows.places()).map_err(|e| shown(&e, folder))?);
    }
    Ok(tables)
}

#[test]
fn rows_come_in_chunks_and_leave_in_the_trained_shape() {
    let project = Project::csv("extra,c,n\n1,x,1.5\n2,y,NA\n3,z,7\n");
    let columns = [("n", ColumnType::Number), ("c", ColumnType::Category)];
    let tables = conformed(&project, &columns, 2).unwrap();
    assert_eq!(tables.iter().map(|table| table.rows).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(tables[0].names(), ["n", "c"]);
    assert_eq!(texts(&tables[0], "n"), ["1.5", "-"]);
    let rows = open(&project.path("t.csv"), 2);
    let conform = Conform::new(wanted(&columns), rows.header()).unwrap();
    assert_eq!(conform.notes(), ["columns that nothing reads: `extra`"]);
}

#[test]
fn what_is_missing_or_unreadable_is_named_with_its_place() {
    let project = Project::csv("a,n\nx,1\ny,2\nz,three\n");
    let error = |columns: &[(&str, ColumnType)]| conformed(&project, columns, 2).unwrap_err();
    assert_snapshot!(error(&[("nn", ColumnType::Number), ("b", ColumnType::Category)]), @"
    the rows lack 2 columns: `nn`, `b`
    help: `nn`: did you mean `n`?
    ");
    assert_snapshot!(error(&[("n", ColumnType::Number)]), @"
    t.csv:4:2: column `n`: `three` is not a number
    help: the column was trained on as number
    ");
    assert_snapshot!(error(&[("a", ColumnType::Time)]), @"
    t.csv:2:1: column `a`: `x` is not an ISO date or time such as 2013-01-31 or 2013-01-31 17:05
    help: the column was trained on as time
    ");
    let project = Project::csv("n\n1\nNaN\n");
    assert_snapshot!(conformed(&project, &[("n", ColumnType::Number)], 9).unwrap_err(), @"
    t.csv:3:1: column `n`: `NaN` is not a finite number
    help: the column was trained on as number
    ");
}

#[test]
fn derived_columns_are_computed_as_in_training_whatever_the_chunks() {
    let text = "n,f,day\n7,1.0,2013-01-01\n8,2.0,2013-01-02 10:00\n9,3.0,2013-01-03\n";
    let project = Project::csv(text)
        .derive("half", "n / 2")
        .derive("third", "f / 2")
        .derive("label", "'at ' || day");
    let prepared = project.prepared();
    let trained = prepared.table().unwrap();
    assert_eq!(texts(&trained, "half"), ["3", "4", "4"], "integers stay whole");
    assert_eq!(texts(&trained, "third"), ["0.5", "1", "1.5"], "whole floats do not");
    let names: Vec<String> = ["half", "third", "label"].map(str::to_owned).to_vec();
    for chunk in [1, 2, 3] {
        let mut rows = open(&project.path("t.csv"), chunk);
        let conform =
            Conform::of_source(&project.source, &prepared.facts, &names, rows.header()).unwrap();
        assert!(conform.notes()[0].contains("`half`, `third`, `label`"));
        let mut at = 0;
        while let Some(table) = rows.next() {
            let table = conform.apply(&table.unwrap(), rows.places()).unwrap();
            for name in &names {
                assert_eq!(
                    texts(&table, name),
                    texts(&trained, name)[at..at + table.rows],
                    "{name}"
                );
            }
            at += table.rows;
        }
        assert_eq!(at, 3);
    }
}

#[test]
fn a_derived_column_is_computed_although_the_rows_have_one() {
    let project = Project::csv("n\n7\n8\n").derive("half", "n / 2");
    let facts = project.prepared().facts;
    let half = ["half".to_owned()];
    let conform = |header: &[&str]| {
        let header: Vec<String> = header.iter().map(|name| (*name).to_owned()).collect();
        Conform::of_source(&project.source, &facts, &half, &header)
    };
    assert_eq!(
        conform(&["half", "n"]).unwrap().notes(),
        [
            "computed from the other columns, as the pipeline derives them: `half`",
            "the rows' own `half` is not read: the pipeline derives it",
        ]
    );
    assert_snapshot!(shown(&conform(&["half", "m"]).unwrap_err(), Path::new("")), @"
    the rows have no column `n`
    help: `half` is computed from other columns and never taken from the rows; the rows have: `half`, `m`
    ");
}

/// Columns of Arrow's types that have no counterpart here, or more room than ours.
fn strange(first: i64, rows: usize) -> RecordBatch {
    let order: Int64Array = (0..rows as i64).map(|row| Some(first + row)).collect();
    let last = rows - 1;
    let float: Float64Array =
        (0..rows).map(|row| Some(if row == last { f64::NAN } else { 0.5 })).collect();
    let day: Date32Array = (0..rows).map(|row| (row > 0).then_some(row as i32)).collect();
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>(
        (0..rows).map(|row| Some(vec![Some(row as i32), None])),
    );
    let text: DictionaryArray<Int8Type> = (0..rows).map(|row| Some(["x", "y"][row % 2])).collect();
    let columns: Vec<(&str, ArrayRef, bool)> = vec![
        ("order", Arc::new(order), false),
        ("float", Arc::new(float), true),
        ("day", Arc::new(day), true),
        ("list", Arc::new(list), true),
        ("text", Arc::new(text), true),
    ];
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

#[test]
fn kept_columns_of_arrow_and_parquet_files_keep_type_and_value_in_any_chunk() {
    let project = Project::empty();
    // Beyond 2^53, where floats skip every other number.
    let batches = [strange(1 << 60, 30), strange((1 << 60) + 30, 30)];
    let file = fs::File::create(project.path("in.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, batches[0].schema(), None).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.close().unwrap();
    let keep: Vec<String> = ["list", "order", "float", "day", "text"].map(str::to_owned).to_vec();
    let copy = |to: &str, chunk: usize| {
        let mut rows = open(&project.path("in.parquet"), chunk);
        assert!(!rows.header().contains(&"list".to_owned()), "nothing can read it");
        rows.keep(&keep);
        rows.only([]);
        let mut writer = RowWriter::create(&project.path(to)).unwrap();
        writer.write_beside(rows.kept(), &[]).unwrap();
        while let Some(chunk) = rows.next() {
            chunk.unwrap();
            writer.write_beside(rows.kept(), &[]).unwrap();
        }
        assert_eq!(writer.rows(), 60);
        writer.finish().unwrap();
    };
    for chunk in [7, 30, 100] {
        copy("out.parquet", chunk);
        let file = fs::File::open(project.path("out.parquet")).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        let before = batches[0].schema();
        for field in reader.schema().fields() {
            assert_eq!(field.as_ref(), before.field_with_name(field.name()).unwrap());
        }
        let found: Vec<RecordBatch> = reader.build().unwrap().collect::<Result<_, _>>().unwrap();
        let found = concat_batches(&found[0].schema(), &found).unwrap();
        let expected = concat_batches(&before, &batches).unwrap();
        for name in &keep {
            let text = |batch: &RecordBatch| {
                let array = batch.column_by_name(name).unwrap();
                let texts = cast(array, &DataType::Utf8);
                texts.map(|texts| {
                    texts
                        .as_string::<i32>()
                        .iter()
                        .map(|t| t.map(str::to_owned))
                        .collect::<Vec<_>>()
                })
            };
            match (text(&found), text(&expected)) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{name}"),
                _ => assert_eq!(found.column_by_name(name), expected.column_by_name(name)),
            }
        }
        copy("out.arrow", chunk);
        copy("out.csv", chunk);
        let text = fs::read_to_string(project.path("out.csv")).unwrap();
        assert_eq!(text.lines().nth(1).unwrap(), "\"[0, ]\",1152921504606846976,0.5,,x");
        assert!(text.ends_with(",1152921504606847035,NaN,1970-01-30,y\n"), "{text}");
    }
}

fn predictions() -> Vec<Column> {
    let levels = vec!["yes, sure".to_owned(), "no".to_owned()];
    vec![
        Column::new("p", Values::Number(vec![0.1, f64::NAN, 1e-9])),
        Column::new("b", Values::Boolean(vec![1, 0, 2])),
        Column::new("c", Values::Category { codes: vec![0, 1, u32::MAX], levels }),
        Column::new("t", Values::Time(vec![0, 1_500_000, i64::MIN])),
    ]
}

#[test]
fn written_rows_read_back_as_they_were() {
    let project = Project::empty();
    for name in ["out.csv", "out.parquet", "out.arrow"] {
        let mut writer = RowWriter::create(&project.path(name)).unwrap();
        writer.write(&predictions()).unwrap();
        writer.write(&predictions()).unwrap();
        assert!(!project.path(name).exists(), "nothing appears before it is whole");
        writer.finish().unwrap();
    }
    assert_snapshot!(fs::read_to_string(project.path("out.csv")).unwrap(), @r#"
    p,b,c,t
    0.1,true,"yes, sure",1970-01-01
    ,false,no,1970-01-01 00:00:01.5
    0.000000001,,,
    0.1,true,"yes, sure",1970-01-01
    ,false,no,1970-01-01 00:00:01.5
    0.000000001,,,
    "#);
    let kinds: Vec<(&str, ColumnType)> = vec![
        ("p", ColumnType::Number),
        ("b", ColumnType::Boolean),
        ("c", ColumnType::Category),
        ("t", ColumnType::Time),
    ];
    for name in ["out.csv", "out.parquet"] {
        let mut rows = open(&project.path(name), 100);
        let chunk = rows.next().unwrap().unwrap();
        let conform = Conform::new(wanted(&kinds), rows.header()).unwrap();
        let table = conform.apply(&chunk, rows.places()).unwrap();
        for column in predictions() {
            let original: Vec<String> =
                (0..3).map(|row| column.text(row).unwrap_or_else(|| "-".to_owned())).collect();
            assert_eq!(texts(&table, &column.name)[3..], original);
        }
        assert!(rows.next().is_none());
    }
}

#[test]
fn a_writer_that_is_dropped_leaves_nothing_and_changes_nothing() {
    let project = Project::empty();
    project.write("out.csv", "old");
    let mut writer = RowWriter::create(&project.path("out.csv")).unwrap();
    writer.write(&predictions()).unwrap();
    drop(writer);
    assert_eq!(fs::read_to_string(project.path("out.csv")).unwrap(), "old");
    assert_eq!(fs::read_dir(project.folder.path()).unwrap().count(), 1);
    assert!(RowWriter::create(&project.path("out.xlsx")).is_err());
    assert!(RowWriter::create(&project.path("nowhere/out.csv")).is_err());
}
