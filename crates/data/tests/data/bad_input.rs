//! Every way in which files disappoint, and what is said about it.

use collegium_data::{DataErrorKind, RowWriter};
use collegium_manifest::ColumnType;
use collegium_table::Values;
use insta::assert_snapshot;

use crate::project::{Project, spanned};

#[test]
fn a_ragged_line_is_named_with_the_column_where_it_breaks_off() {
    assert_snapshot!(Project::csv("a,b,c\n1,2,3\n4,5\n").error(), @"
    t.csv:3:3: column `c`: the line has 2 fields and the header has 3
    help: fields from this column on are missing
    ");
    assert_snapshot!(Project::csv("a,b\n1,2\n4,5,6\n").error(), @"
    t.csv:3:2: column `b`: the line has 3 fields and the header has 2
    help: there are fields after this last column; is a comma not quoted?
    ");
}

#[test]
fn text_that_is_not_utf8_is_named_with_line_and_column() {
    assert_snapshot!(Project::csv(b"a,b\n1,x\n2,caf\xe9\n").error(), @r#"
    t.csv:3:2: column `b`: the text is not UTF-8
    help: if it is `café`, add `read = { encoding = "latin1" }` to the data source
    "#);
    assert_snapshot!(Project::csv(b"a,caf\xe9\n1,x\n").error(), @r#"
    t.csv:1:2: column `2`: the text is not UTF-8
    help: if it is `café`, add `read = { encoding = "latin1" }` to the data source
    "#);
}

#[test]
fn nan_and_infinity_are_errors_for_who_reads_them_unless_they_are_declared_missing() {
    assert_snapshot!(Project::csv("a,b\n1,2\n3,NaN\n").refusal("b"), @r#"
    t.csv:3:2: column `b`: `NaN` is not a finite number
    help: if it means that the value is missing, add `missing = ["", "NA", "NaN"]` to the data source
    "#);
    assert_snapshot!(Project::csv("a\n1\n-inf\n").refusal("a"), @r#"
    t.csv:3:1: column `a`: `-inf` is not a finite number
    help: if it means that the value is missing, add `missing = ["", "NA", "-inf"]` to the data source
    "#);
    assert_snapshot!(Project::csv("a\n1\n1e999\n").refusal("a"), @r#"
    t.csv:3:1: column `a`: `1e999` is not a finite number
    help: if it means that the value is missing, add `missing = ["", "NA", "1e999"]` to the data source
    "#);
    let mut project = Project::csv("a,b\n1,2\n3,NaN\n");
    project.source.missing.push("NaN".to_owned());
    assert_eq!(project.prepared().facts.column("b").unwrap().missing, 1);
}

#[test]
fn a_value_of_the_wrong_type_is_named_where_types_are_declared() {
    assert_snapshot!(Project::csv("a\n1\nx\n").typed("a", ColumnType::Number).error(), @r#"
    t.csv:3:1: column `a`: `x` is not a number
    help: correct it; or, if it means that the value is missing, name "x" in `missing`; or declare another type for the column in `types`
    "#);
    assert_snapshot!(Project::csv("a\n2013-02-30\n").typed("a", ColumnType::Time).error(), @r#"
    t.csv:2:1: column `a`: `2013-02-30` is not an ISO date or time such as 2013-01-31 or 2013-01-31 17:05
    help: correct it; or, if it means that the value is missing, name "2013-02-30" in `missing`; or declare another type for the column in `types`
    "#);
    assert_snapshot!(Project::csv("a\n1\n2\n").typed("a", ColumnType::Boolean).error(), @r#"
    t.csv:3:1: column `a`: `2` is not true or false
    help: correct it; or, if it means that the value is missing, name "2" in `missing`; or declare another type for the column in `types`
    "#);
    assert_snapshot!(Project::csv("ab\n1\n").typed("abc", ColumnType::Number).error(), @"
    `types` names a column `abc` that does not exist
    help: did you mean `ab`?
    ");
}

#[test]
fn whole_numbers_that_a_float_would_change_are_refused_until_called_categories() {
    let project = Project::csv("id\n9007199254740993\n");
    assert_snapshot!(project.refusal("id"), @r#"
    t.csv:2:1: column `id`: 9007199254740993 is a whole number beyond 2^53, which a 64-bit float cannot hold exactly
    help: if it is an identifier, add `types = { "id" = "category" }` to the data source
    "#);
    let project = project.typed("id", ColumnType::Category);
    assert_eq!(project.prepared().facts.columns[0].levels, ["9007199254740993"]);
}

#[test]
fn headers_must_name_every_column_that_is_read_once() {
    assert_snapshot!(Project::csv("a,b,a\n1,2,3\n").refusal("a"), @"
    t.csv:1:3: column `a`: the name occurs twice
    help: rename one of the two columns
    ");
    assert_eq!(Project::csv("a,,b\n1,2,3\n").rows().names(), ["a", "b"]);
    assert_snapshot!(Project::csv(",\n1,2\n").error(), @"
    t.csv:1: column 1 of the header has no name
    help: give every column a name: inputs refer to columns by name
    ");
}

#[test]
fn empty_files_say_so() {
    assert_snapshot!(Project::csv("").error(), @"
    t.csv: the file is empty
    help: a text file begins with one line of column names
    ");
    assert_snapshot!(Project::csv("a,b\n").error(), @"
    t.csv: there are no rows
    help: the file holds a header and nothing more
    ");
    assert_snapshot!(Project::file("t.parquet", "").error(), @"t.parquet: the file is empty");
    assert_snapshot!(Project::csv("a\n1\n").query("SELECT * FROM t WHERE a > 5").error(), @"
    there are no rows
    help: the query returned none; of its tables `t` has 1
    ");
}

#[test]
fn missing_files_say_what_is_there_instead() {
    let project = Project::empty().table("t", "flihgts.csv");
    project.write("flights.csv", "a\n1\n");
    assert_snapshot!(project.error(), @"
    flihgts.csv: there is no such file
    help: did you mean `flights.csv`?
    ");
    assert_snapshot!(Project::empty().table("t", "parts/*.csv").error(), @"
    no file matches `parts/*.csv`
    help: patterns are relative to the pipeline file's folder, .
    ");
    assert_snapshot!(Project::file("t.xlsx", "x").error(), @"
    t.xlsx: `.xlsx` is not the extension of a table
    help: tables are read from .csv, .tsv, .parquet, .arrow, .feather and .ipc files
    ");
}

#[test]
fn a_truncated_parquet_file_is_damaged_wherever_it_breaks_off() {
    let project = Project::empty();
    let path = project.path("whole.parquet");
    let mut writer = RowWriter::create(&path).unwrap();
    let values = Values::Number((0..5000).map(f64::from).collect());
    writer.write(&[collegium_table::Column::new("a", values)]).unwrap();
    writer.finish().unwrap();
    let whole = std::fs::read(&path).unwrap();
    for length in [3, 100, whole.len() / 2, whole.len() - 1] {
        let error = Project::file("t.parquet", &whole[..length]).try_prepare().unwrap_err();
        assert_eq!(error.kind(), DataErrorKind::Damaged, "{error}");
        assert!(error.to_string().contains("t.parquet"), "{error}");
    }
    assert_eq!(Project::file("t.parquet", &whole).prepared().facts.rows, 5000);
    for length in [3, 100] {
        let error = Project::file("t.arrow", &whole[..length]).try_prepare().unwrap_err();
        assert_eq!(error.kind(), DataErrorKind::Damaged, "{error}");
    }
}

#[test]
fn files_of_one_pattern_must_agree() {
    let project = Project::empty().table("t", "t*.csv");
    project.write("t1.csv", "a,b\n1,2\n");
    project.write("t2.csv", "a,c\n1,2\n");
    assert_eq!(project.rows().names(), ["a"]);
    assert_snapshot!(project.refusal("b"), @"
    t2.csv: column `b`: is missing here and present in t1.csv
    help: files that one pattern matches must have the same columns; name two patterns as two `tables`, or narrow this one
    ");
    assert_snapshot!(project.refusal("c"), @"
    t2.csv: column `c`: is not in t1.csv
    help: files that one pattern matches must have the same columns; name two patterns as two `tables`, or narrow this one
    ");
    project.write("t2.csv", "c\n1\n");
    assert!(project.error().contains("is missing here"), "{}", project.error());
}

#[test]
fn a_split_without_rows_on_a_side_says_how_many_there_are() {
    let project = Project::csv("a\n1\n2\n").split([0.5, 0.25, 0.25], &[], None);
    let error = project.error();
    assert!(error.contains("of 2 rows"), "{error}");
    let project = Project::csv("a,day\n1,x\n2,x\n3,x\n").split([0.5, 0.5, 0.0], &["day"], None);
    assert!(project.error().contains("stay together"), "{}", project.error());
    let project = Project::csv("a,day\n1,x\n").split([0.5, 0.5, 0.0], &["dya"], None);
    assert_snapshot!(project.error(), @"
    the split names a column `dya` that does not exist
    help: did you mean `day`?
    ");
}

#[test]
fn a_failed_load_leaves_the_store_as_it_was() {
    let project = Project::csv("a\n1\nNaN\n").typed("a", ColumnType::Number);
    project.try_prepare().unwrap_err();
    assert_eq!(project.store().objects().unwrap(), []);
}

#[test]
fn several_tables_need_a_query() {
    let mut project = Project::csv("a\n1\n");
    project.source.tables.insert("u".to_owned(), spanned("t.csv".to_owned()));
    assert_snapshot!(project.error(), @r#"
    2 tables and no query that makes one of them
    help: add `query = "SELECT … FROM … JOIN …"`, or make each table a data source of its own
    "#);
}
