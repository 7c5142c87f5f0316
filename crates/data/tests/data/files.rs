//! What columns become.

use collegium_data::RowWriter;
use collegium_manifest::ColumnType;
use collegium_table::{Column, Values};

use crate::project::{Project, texts};

fn kinds(project: &Project) -> Vec<ColumnType> {
    project.prepared().facts.columns.iter().map(|column| column.kind).collect()
}

#[test]
fn types_are_settled_over_all_rows() {
    use ColumnType::{Boolean, Category, Number, Time};
    let project = Project::csv(
        "n,b,t,c,i\n1.5,true,2013-01-01,x,1\n-2e3,FALSE,2013-01-01 10:00,y,2\nNA,,NA,1,3\n",
    );
    assert_eq!(kinds(&project), [Number, Boolean, Time, Category, Number]);
    let table = project.rows();
    assert_eq!(texts(&table, "n"), ["1.5", "-2000", "-"]);
    assert_eq!(texts(&table, "b"), ["true", "false", "-"]);
    assert_eq!(texts(&table, "t"), ["2013-01-01", "2013-01-01 10:00:00", "-"]);
    let many = (0..40_000).map(|i| format!("{i}\n")).collect::<String>();
    let project = Project::csv(format!("a\n{many}x\n"));
    assert_eq!(kinds(&project), [Category], "the last of 40,001 rows decides");
    let prepared = project.prepared();
    let said = prepared.remark("a").unwrap();
    assert!(said.contains("1 of its 40,001 values (less than 0.01 %) is no number"), "{said}");
    assert!(said.ends_with("t.csv:40002)"), "{said}");
}

#[test]
fn blanks_around_fields_and_a_byte_order_mark_do_not_count() {
    let table = Project::csv("\u{feff}a, b\n1 , x\n2,y \n").rows();
    assert_eq!(table.names(), ["a", "b"]);
    assert_eq!(texts(&table, "b"), ["x", "y"]);
}

#[test]
fn facts_tell_binary_from_whole_from_other_numbers() {
    let facts = Project::csv("a,b,c,d\n0,1,0.5,2013-01-01\n1,2,1,2014-01-01\n").prepared().facts;
    let of = |name: &str| facts.column(name).unwrap();
    assert!(of("a").binary && of("a").integer);
    assert!(!of("b").binary && of("b").integer);
    assert!(!of("c").binary && !of("c").integer);
    assert!(of("d").whole && of("a").whole && !of("c").whole);
}

#[test]
fn several_files_of_a_pattern_are_one_table_in_the_order_of_their_names() {
    let project = Project::empty().table("t", "parts/p*.csv");
    project.write("parts/p2.csv", "a,b\n3,z\n");
    project.write("parts/p1.csv", "a,b\n1,x\n2,y\n");
    let table = project.rows();
    assert_eq!(texts(&table, "a"), ["1", "2", "3"]);
    assert_eq!(texts(&table, "b"), ["x", "y", "z"]);
}

#[test]
fn a_type_is_settled_over_all_files_of_a_pattern() {
    let project = Project::empty().table("t", "p*.csv");
    project.write("p1.csv", "a\n1\n");
    project.write("p2.csv", "a\nx\n");
    assert_eq!(kinds(&project), [ColumnType::Category]);
}

#[test]
fn parquet_and_csv_give_the_same_table() {
    let project =
        Project::csv("n,b,t,c\n1.5,true,2013-01-01,x\n-2,false,2013-01-01 10:00,y\nNA,,NA,\n");
    let table = project.rows();
    let columns: Vec<Column> = table.columns.iter().map(|column| (**column).clone()).collect();
    let other = Project::empty().table("t", "t.parquet");
    let mut writer = RowWriter::create(&other.path("t.parquet")).unwrap();
    writer.write(&columns).unwrap();
    writer.finish().unwrap();
    let facts = |project: &Project| project.prepared().facts.columns;
    assert_eq!(facts(&project), facts(&other));
}

#[test]
fn arrow_files_and_streams_are_read_compressed_or_not() {
    use arrow_array::{ArrayRef, Int64Array, RecordBatch, TimestampSecondArray};
    let numbers: ArrayRef = std::sync::Arc::new(Int64Array::from(vec![Some(1), None]));
    let times = TimestampSecondArray::from(vec![0, 86_400]).with_timezone("America/New_York");
    let times: ArrayRef = std::sync::Arc::new(times);
    let batch = RecordBatch::try_from_iter([("n", numbers), ("t", times)]).unwrap();
    let (mut file, mut stream) = (Vec::new(), Vec::new());
    let mut writer = arrow_ipc::writer::FileWriter::try_new(&mut file, &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    drop(writer);
    let mut writer =
        arrow_ipc::writer::StreamWriter::try_new(&mut stream, &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    drop(writer);
    let mut files = vec![file, stream];
    for compression in [arrow_ipc::CompressionType::LZ4_FRAME, arrow_ipc::CompressionType::ZSTD] {
        let options = arrow_ipc::writer::IpcWriteOptions::default()
            .try_with_compression(Some(compression))
            .unwrap();
        let mut bytes = Vec::new();
        let mut writer = arrow_ipc::writer::FileWriter::try_new_with_options(
            &mut bytes,
            &batch.schema(),
            options,
        )
        .unwrap();
        writer.write(&batch).unwrap();
        writer.finish().unwrap();
        drop(writer);
        files.push(bytes);
    }
    for bytes in files {
        let table = Project::file("t.arrow", bytes).rows();
        assert_eq!(texts(&table, "n"), ["1", "-"]);
        assert_eq!(texts(&table, "t"), ["1970-01-01", "1970-01-02"], "moments, not local clocks");
    }
}

#[test]
fn a_nested_column_of_a_file_is_named() {
    use arrow_array::{ArrayRef, Int64Array, RecordBatch, StructArray};
    use arrow_schema::{DataType, Field};
    let inner: ArrayRef = std::sync::Arc::new(Int64Array::from(vec![1]));
    let field = std::sync::Arc::new(Field::new("x", DataType::Int64, true));
    let nested: ArrayRef = std::sync::Arc::new(StructArray::from(vec![(field, inner)]));
    let batch = RecordBatch::try_from_iter([("place", nested)]).unwrap();
    let mut bytes = Vec::new();
    let mut writer = arrow_ipc::writer::FileWriter::try_new(&mut bytes, &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    drop(writer);
    let error = Project::file("t.arrow", bytes).error();
    assert!(error.contains("column `place`: its type Struct"), "{error}");
}

#[test]
fn codes_of_a_category_do_not_matter_for_its_digest() {
    let column = |codes: Vec<u32>, levels: &[&str]| {
        let levels = levels.iter().map(|level| (*level).to_owned()).collect();
        Column::new("c", Values::Category { codes, levels })
    };
    let a = column(vec![0, 1, 0, u32::MAX], &["x", "y"]);
    let b = column(vec![2, 0, 2, u32::MAX], &["y", "unused", "x"]);
    assert_eq!(a.digest(&[0, 1, 2, 3]), b.digest(&[0, 1, 2, 3]));
    assert_eq!(a.digest(&[1, 1]), b.digest(&[1, 1]));
    assert_ne!(a.digest(&[0, 1]), b.digest(&[1, 0]), "order counts");
    assert_ne!(a.digest(&[0]), a.digest(&[3]), "missing counts");
}

mod digests {
    use collegium_table::{Column, Values};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn renumbering_codes_leaves_the_digest(
            codes in prop::collection::vec(0u32..6, 1..80),
            order in Just((0u32..6).collect::<Vec<_>>()).prop_shuffle(),
        ) {
            let names: Vec<String> = (0..6).map(|i| format!("level {i}")).collect();
            let mut levels = vec![String::new(); 6];
            for (old, &new) in order.iter().enumerate() {
                levels[new as usize] = names[old].clone();
            }
            let renamed = codes.iter().map(|&code| order[code as usize]).collect();
            let rows: Vec<u32> = (0..codes.len() as u32).collect();
            let a = Column::new("a", Values::Category { codes, levels: names });
            let b = Column::new("b", Values::Category { codes: renamed, levels });
            prop_assert_eq!(a.digest(&rows), b.digest(&rows));
        }

        #[test]
        fn different_numbers_have_different_digests(
            a in prop::collection::vec(-3i32..3, 1..50), b in prop::collection::vec(-3i32..3, 1..50),
        ) {
            let column = |v: &[i32]| Column::new("n", Values::Number(v.iter().map(|&x| f64::from(x)).collect()));
            let rows = |v: &[i32]| (0..v.len() as u32).collect::<Vec<_>>();
            prop_assert_eq!(a == b, column(&a).digest(&rows(&a)) == column(&b).digest(&rows(&b)));
        }
    }

    #[test]
    fn zero_has_one_sign_and_missing_one_face() {
        let digest = |values: Vec<f64>| Column::new("n", Values::Number(values)).digest(&[0, 1]);
        assert_eq!(digest(vec![0.0, f64::NAN]), digest(vec![-0.0, -f64::NAN]));
    }
}
