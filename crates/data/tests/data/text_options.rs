//! `read`: how text files are written, and what is said where it is not declared.

use collegium_data::{Conform, read_rows};
use collegium_manifest::{ColumnType, ReadOptions};
use insta::assert_snapshot;

use crate::{
    project::{Project, texts},
    text::{cells, gzip},
};

fn wide(text: &str, mark: bool) -> Vec<u8> {
    let mark = if mark { "\u{feff}" } else { "" };
    format!("{mark}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn german() -> ReadOptions {
    ReadOptions {
        delimiter: Some(b';'),
        decimal: ',',
        thousands: Some('.'),
        date_format: Some("%d.%m.%Y".to_owned()),
        encoding: "windows-1252".to_owned(),
    }
}

const GERMAN: &[u8] =
    b"Stra\xdfe;Preis;Tag;n\nA;1.234,50;31.01.2013;1.000\nB;0,5;01.02.2013;7\nC;NA;;-3\n";

#[test]
fn declared_marks_make_numbers_and_dates_of_their_texts() {
    let project = Project::csv(GERMAN).reading(german());
    let table = project.rows();
    assert_eq!(texts(&table, "Preis"), ["1234.5", "0.5", "-"]);
    assert_eq!(texts(&table, "Tag"), ["2013-01-31", "2013-02-01", "-"]);
    assert_eq!(texts(&table, "n"), ["1000", "7", "-3"]);
    assert_eq!(texts(&table, "Straße"), ["A", "B", "C"]);
    let facts = project.prepared().facts;
    assert!(facts.column("n").unwrap().whole && !facts.column("Preis").unwrap().whole);
    assert!(facts.column("Tag").unwrap().whole, "dates");
    assert!(facts.notes.is_empty());
}

#[test]
fn rows_to_predict_are_read_with_the_same_options() {
    let project = Project::csv(GERMAN).reading(german());
    let missing = [String::new(), "NA".to_owned()];
    let mut rows =
        read_rows(&project.path("t.csv"), &missing, project.source.read_of_rows(), None, 2)
            .unwrap();
    let wanted = [("Preis", ColumnType::Number), ("Tag", ColumnType::Time)];
    let wanted = wanted.map(|(name, kind)| (name.to_owned(), kind)).to_vec();
    let conform = Conform::new(wanted, rows.header()).unwrap();
    let mut read = Vec::new();
    while let Some(chunk) = rows.next() {
        let chunk = conform.apply(&chunk.unwrap(), rows.places()).unwrap();
        read.extend(texts(&chunk, "Preis").into_iter().zip(texts(&chunk, "Tag")));
    }
    let trained = project.rows();
    assert_eq!(
        read,
        texts(&trained, "Preis").into_iter().zip(texts(&trained, "Tag")).collect::<Vec<_>>()
    );
}

#[test]
fn a_changed_option_is_another_reading() {
    let project = Project::csv("a,b\n1,2\n");
    let digest = |project: &Project| project.prepared().recipe().digest();
    let plain = digest(&project);
    let others = [
        ReadOptions { delimiter: Some(b','), ..ReadOptions::default() },
        ReadOptions { decimal: ',', ..ReadOptions::default() },
        ReadOptions { thousands: Some('_'), ..ReadOptions::default() },
        ReadOptions { date_format: Some("%d/%m/%Y".to_owned()), ..ReadOptions::default() },
        ReadOptions { encoding: "windows-1252".to_owned(), ..ReadOptions::default() },
    ];
    let mut project = project;
    let mut seen = vec![plain];
    for read in others {
        project = project.reading(read);
        let digest = digest(&project);
        assert!(!seen.contains(&digest));
        seen.push(digest);
    }
    project = project.reading(ReadOptions::default());
    assert_eq!(digest(&project), plain);
    assert!(!project.loaded() || digest(&project) == plain);
}

#[test]
fn a_table_may_be_written_in_a_way_of_its_own() {
    let mut project = Project::empty()
        .table("a", "a.csv")
        .table("b", "b.csv")
        .query("SELECT a.id AS id, x, y FROM a JOIN b USING (id)")
        .reading(ReadOptions { delimiter: Some(b'|'), ..ReadOptions::default() });
    project.source.reads.insert("b".to_owned(), german());
    project.write("a.csv", "id|x\n1|2.5\n");
    project.write("b.csv", "id;y\n1;2,5\n");
    let table = project.rows();
    assert_eq!((texts(&table, "x"), texts(&table, "y")), (texts(&table, "y"), texts(&table, "x")));
}

#[test]
fn texts_of_a_parquet_file_are_what_they_are() {
    let project = Project::empty().table("t", "t.parquet").reading(german());
    let levels = vec!["0,5".to_owned(), "1,5".to_owned()];
    let values = collegium_table::Values::Category { codes: vec![0, 1], levels };
    let mut writer = collegium_data::RowWriter::create(&project.path("t.parquet")).unwrap();
    writer.write(&[collegium_table::Column::new("a", values)]).unwrap();
    writer.finish().unwrap();
    assert_eq!(texts(&project.rows(), "a"), ["0,5", "1,5"]);
}

#[test]
fn texts_in_the_way_of_a_file_become_plain_ones() {
    use collegium_data::Style;
    use collegium_table::{Column, Table, Values};
    let levels = ["1.234,5", "31.01.2013", "x"].map(str::to_owned).to_vec();
    let values = Values::Category { codes: vec![0, 1, 2, u32::MAX], levels };
    let table = Table { columns: vec![std::sync::Arc::new(Column::new("a", values))], rows: 4 };
    let plain = Style::of(&german()).plain(table.clone());
    assert_eq!(texts(&plain, "a"), ["1234.5", "2013-01-31", "x", "-"]);
    assert_eq!(texts(&Style::default().plain(table), "a"), ["1.234,5", "31.01.2013", "x", "-"]);
}

#[test]
fn a_wrong_delimiter_says_which_to_try() {
    assert_snapshot!(Project::csv("id;x;y\n1;0,5;2\n2;1,5;3\n").error(), @r#"
    t.csv:1: the header is one column with 2 semicolons
    help: is `;` the delimiter? add `read = { delimiter = ";" }` to the data source
    "#);
    assert_snapshot!(Project::csv("id\tx\n1\t0.5\n").error(), @r#"
    t.csv:1: the header is one column with 1 tab
    help: is `\t` the delimiter? add `read = { delimiter = "\t" }` to the data source
    "#);
    assert_snapshot!(Project::csv("id|x|y|z\n1|0.5|1|2\n").error(), @r#"
    t.csv:1: the header is one column with 3 vertical bars
    help: is `|` the delimiter? add `read = { delimiter = "|" }` to the data source
    "#);
    assert_snapshot!(Project::file("t.tsv", "id,x\n1,0.5\n").error(), @r#"
    t.tsv:1: the header is one column with 1 comma
    help: is `,` the delimiter? add `read = { delimiter = "," }` to the data source
    "#);
    assert_snapshot!(Project::file("t.csv.gz", gzip(b"id;x\n1;2\n")).error(), @r#"
    t.csv.gz:1: the header is one column with 1 semicolon
    help: is `;` the delimiter? add `read = { delimiter = ";" }` to the data source
    "#);
    let semicolons = ReadOptions { delimiter: Some(b';'), ..ReadOptions::default() };
    assert!(Project::csv("a,b\n1,2\n").reading(semicolons).error().contains("1 comma"));
    assert_eq!(Project::csv("a;b\n1\n2\n").prepared().facts.rows, 2, "a name with a semicolon");
    let meant = ReadOptions { delimiter: Some(b','), ..ReadOptions::default() };
    assert_eq!(Project::csv("a;b\n1;2\n").reading(meant).prepared().facts.rows, 1);
}

#[test]
fn a_wrong_encoding_says_which_to_try() {
    let text = "id,note\n1,é\n2,ü\n";
    assert_snapshot!(Project::csv(wide(text, true)).error(), @r#"
    t.csv: the file is UTF-16: its first two bytes say so
    help: add `read = { encoding = "utf-16" }` to the data source
    "#);
    assert_snapshot!(Project::csv(wide(text, false)).error(), @r#"
    t.csv: the file looks like UTF-16 without a byte order mark: every other byte of it is 0
    help: add `read = { encoding = "utf-16" }` to the data source
    "#);
    let utf16 = || ReadOptions { encoding: "utf-16".to_owned(), ..ReadOptions::default() };
    for mark in [true, false] {
        let swapped: Vec<u8> =
            wide(text, mark).chunks(2).flat_map(|pair| [pair[1], pair[0]]).collect();
        for bytes in [wide(text, mark), swapped] {
            let project = Project::csv(bytes).reading(utf16());
            assert_eq!(texts(&project.rows(), "note"), ["é", "ü"]);
            assert_eq!(cells(&project, "t.csv", &utf16()).unwrap(), [["1", "é"], ["2", "ü"]]);
        }
    }
    assert_snapshot!(Project::csv(text).reading(utf16()).error(), @"
    t.csv: the file is not UTF-16: none of its first bytes is 0
    help: leave `encoding` out of `read`, or correct it
    ");
    assert_snapshot!(Project::csv(format!("\u{feff}{text}")).reading(german()).error(), @"
    t.csv: the file is UTF-8 and not windows-1252: its first bytes say so
    help: leave `encoding` out of `read`
    ");
}

#[test]
fn text_that_cannot_be_decoded_is_named_with_its_line() {
    let mut bytes = wide("a,b\n1,x\n2,y\n", true);
    bytes.extend([0x00, 0xd8]);
    bytes.extend(wide("z\n3,z\n", false));
    let utf16 = ReadOptions { encoding: "utf-16".to_owned(), ..ReadOptions::default() };
    assert_snapshot!(Project::csv(&bytes).reading(utf16.clone()).error(), @"
    t.csv:4: the text is not UTF-16
    help: is the file damaged, or is `encoding` of `read` another?
    ");
    let whole = wide("a,b\n1,x\n2,y\n", true);
    let error = Project::csv(&whole[..whole.len() - 1]).reading(utf16).error();
    assert!(error.contains("the text is not UTF-16"), "half a character is none: {error}");
}
