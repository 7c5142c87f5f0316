//! Text files: no row vanishes, and what cannot be read has its place.

use std::io::Write as _;

use collegium_data::{DataErrorKind, read_rows};
use collegium_manifest::{ColumnType, ReadOptions};
use insta::assert_snapshot;
use proptest::prelude::*;

use crate::project::{Project, shown, texts};

/// The cells of a file as texts, row by row, with `-` for missing ones; all of it through `predict`'s reader.
pub(crate) fn cells(
    project: &Project,
    file: &str,
    read: &ReadOptions,
) -> Result<Vec<Vec<String>>, String> {
    let said = |error| shown(&error, project.folder.path());
    let missing = [String::new(), "NA".to_owned()];
    let rows = read_rows(&project.path(file), &missing, read, None, 7).map_err(said)?;
    let mut all = Vec::new();
    for chunk in rows {
        let chunk = chunk.map_err(said)?;
        for row in 0..chunk.rows {
            let cell =
                |c: &std::sync::Arc<collegium_table::Column>| c.text(row).unwrap_or("-".to_owned());
            all.push(chunk.columns.iter().map(cell).collect());
        }
    }
    Ok(all)
}

fn rows(text: &str) -> Vec<Vec<String>> {
    cells(&Project::csv(text), "t.csv", &ReadOptions::default()).unwrap()
}

/// Both readers must refuse the file in the same words.
#[track_caller]
fn refused(text: impl AsRef<[u8]>) -> String {
    let project = Project::csv(text);
    let error = project.error();
    assert_eq!(cells(&project, "t.csv", &ReadOptions::default()).unwrap_err(), error);
    error
}

#[test]
fn a_quote_that_is_opened_and_never_closed_is_named_where_it_is_opened() {
    assert_snapshot!(refused("a,note\n1,x\n2,\"y\n3,z\n4,w\n"), @"
    t.csv:3:2: column `note`: a quote is opened here and never closed
    help: close it at the end of the cell; a quote that is text is written twice, in a quoted cell
    ");
    for text in [
        "a,note\n1,\"",
        "a,note\n1,\"\"\"",
        "a,note\n1,\"x\"\"",
        "a,note\n1,\"x\"\"\n",
        "a,note\n1,\"x,y\n2,z",
        "a,note\r\n1,\"x,y\r\n2,z\r\n",
    ] {
        let error = refused(text);
        assert!(
            error.starts_with("t.csv:2:2: column `note`: a quote is opened here and"),
            "{error}"
        );
    }
    let error = refused("a,\"note\n1,x\n");
    assert!(error.starts_with("t.csv:1:2: column `2`: a quote is opened here"), "{error}");
    // In the third line of a record that begins in the second.
    let error = refused("a,b,note\n\"1\n\",\"2\",\"x\n");
    assert!(error.starts_with("t.csv:3:3: column `note`: a quote"), "{error}");
}

#[test]
fn a_quote_that_is_closed_before_other_text_is_named_where_it_is_opened() {
    assert_snapshot!(refused("a,b\n1,\"ab\"c\n"), @"
    t.csv:2:2: column `b`: a quote is opened here and closed before `c`
    help: a closing quote ends its cell; a quote that is text is written twice, in a quoted cell
    ");
    assert_snapshot!(refused("a,b\n1,\"x\n2,y\n3,\"z\"\n"), @"
    t.csv:2:2: column `b`: a quote is opened here and closed in line 4 before `z\"`
    help: a closing quote ends its cell; a quote that is text is written twice, in a quoted cell
    ");
}

#[test]
fn quotes_inside_an_unquoted_cell_are_text() {
    assert_eq!(rows("a,b\n5\" pipe,6\"\nx\"y\"z,\"\"\n"), [["5\" pipe", "6\""], ["x\"y\"z", "-"]]);
    assert_eq!(rows("a,b\n\"say \"\"hi\"\"\",1\n\"\"\"\",2\n"), [["say \"hi\"", "1"], ["\"", "2"]]);
    assert_eq!(rows("a,b\n\"x\"  ,1\n"), [["x", "1"]], "blanks behind a quote are no text");
}

#[test]
fn line_ends_of_all_kinds_end_rows_and_those_in_quotes_are_text() {
    let wanted = [["1", "x\ny"], ["2", "z"]];
    for text in [
        "a,b\n1,\"x\ny\"\n2,z\n",
        "a,b\n1,\"x\ny\"\n2,z",
        "a,b\r\n1,\"x\ny\"\r\n2,z\r\n",
        "a,b\r1,\"x\ny\"\r2,z\r",
        "a,b\r\r\n1,\"x\ny\"\r\r\n2,z\r\r\n",
        "\u{feff}a,b\n1,\"x\ny\"\n2,z\n",
        "\n\na,b\n1,\"x\ny\"\n2,z\n\n\r\n  \n",
    ] {
        assert_eq!(rows(text), wanted, "{text:?}");
        assert!(Project::csv(text).prepared().facts.notes.is_empty(), "{text:?}");
    }
}

#[test]
fn lines_are_counted_as_an_editor_counts_them() {
    for end in ["\n", "\r\n", "\r"] {
        let text = format!("a,b{end}1,\"x{end}{end}y\"{end}{end}2,3,4{end}");
        let error = Project::csv(&text).error();
        assert!(
            error.starts_with("t.csv:6:2: column `b`: the line has 3 fields"),
            "{end:?}: {error}"
        );
    }
}

#[test]
fn an_empty_line_is_a_missing_value_of_a_single_column_and_no_row_of_several() {
    let project = Project::csv("a\n1\n\n3\n  \n");
    assert_eq!(texts(&project.rows(), "a"), ["1", "-", "3", "-"]);
    assert_eq!(rows("a\n1\n\n3\n  \n").len(), 4);
    let project = Project::csv("a,b\n1,2\n\n\n3,4\n \n5,6\n\n");
    assert_eq!(project.prepared().facts.rows, 3);
    assert_snapshot!(project.prepared().facts.notes.join("\n"), @"t.csv: 3 lines are empty and no rows, first line 3");
    assert_snapshot!(Project::csv("a,b\n1,2\n\n3,4\n").prepared().facts.notes.join("\n"), @"t.csv: line 3 is empty and no row");
}

#[test]
fn a_quoted_cell_that_looks_like_rows_is_said() {
    // Both quotes are meant as text: to a reader, they are one cell.
    let project = Project::csv("a,b,note\n1,2,\"x\n3,4,5\n5,6,z 7\"\n8,9,y\n");
    assert_eq!(project.prepared().facts.rows, 2);
    assert_snapshot!(project.prepared().facts.notes.join("\n"), @"t.csv:2:3: column `note`: one quoted cell holds what looks like 3 rows; is a quote in it meant as text? Such a quote is written twice, in a quoted cell");
    let project = Project::csv("a,b,note\n1,2,\"one, two\nthree\"\n8,9,\"y\nz\"\n");
    assert!(project.prepared().facts.notes.is_empty(), "an ordinary text of several lines");
}

#[test]
fn a_file_that_its_name_lies_about_is_named() {
    assert_snapshot!(refused(b"PK\x03\x04\x14\0\0\0"), @"
    t.csv: the file is a zip archive or an Excel workbook, and its name says that it is text
    help: save it as CSV, or as Parquet, and name that file
    ");
    assert_snapshot!(refused(gzip(b"a,b\n1,2\n")), @"
    t.csv: the file is a gzip stream, and its name says that it is text
    help: name it `.csv.gz`
    ");
    assert!(refused(b"\0\x05\x16\x07\0\x02\0\0Mac OS X\xff").contains("macOS"));
    assert_eq!(rows("BZh,b\n1,2\n"), [["1", "2"]], "a header may begin so");
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn zstandard(bytes: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(bytes, 1).unwrap()
}

#[test]
fn packed_text_is_read_to_the_end_of_its_last_member() {
    for (name, pack) in [
        ("t.csv.gz", gzip as fn(&[u8]) -> Vec<u8>),
        ("t.CSV.ZST", zstandard),
        ("t.csv.zst", zstandard),
    ] {
        let bytes = [pack(b"a,b\n1,x\n2,"), pack(b""), pack(b"y\n3,\"z\nw\"\n")].concat();
        let project = Project::file(name, bytes);
        assert_eq!(texts(&project.rows(), "b"), ["x", "y", "z\nw"]);
        assert_eq!(cells(&project, name, &ReadOptions::default()).unwrap().len(), 3);
    }
    let project = Project::file("t.tsv.gz", gzip(b"a\tb\n1\tx\n"));
    assert_eq!(texts(&project.rows(), "b"), ["x"]);
    let project = Project::empty().table("t", "*.csv*");
    project.write("1.csv", "a\n1\n");
    project.write("2.csv.gz", gzip(b"a\n2\n"));
    project.write("3.csv.zst", zstandard(b"a\n3\n"));
    assert_eq!(texts(&project.rows(), "a"), ["1", "2", "3"]);
}

#[test]
fn packed_text_that_is_cut_off_or_damaged_is_refused_wherever_it_happens() {
    let text: String = (0..3000).map(|row| format!("{row},{}\n", row * 7919 % 1000)).collect();
    let text = format!("a,b\n{text}");
    for (name, whole) in
        [("t.csv.gz", gzip(text.as_bytes())), ("t.csv.zst", zstandard(text.as_bytes()))]
    {
        for length in (1..whole.len()).step_by(whole.len() / 40).chain([whole.len() - 1]) {
            let error = Project::file(name, &whole[..length]).try_prepare().unwrap_err();
            assert_eq!(error.kind(), DataErrorKind::Damaged, "{name} of {length}: {error}");
        }
        let mut damaged = whole.clone();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 0x55;
        let damaged = Project::file(name, damaged);
        assert!(damaged.try_prepare().is_err() && damaged.store().objects().unwrap().is_empty());
        assert_eq!(Project::file(name, whole).prepared().facts.rows, 3000);
    }
    let error = Project::file("t.csv.gz", &gzip(text.as_bytes())[..900]).error();
    assert!(error.contains(": the gzip stream is cut off"), "{error}");
    assert_snapshot!(Project::file("t.parquet.gz", "x").error(), @"
    t.parquet.gz: `.parquet.gz` is not the extension of a table
    help: `.gz` and `.zst` are unpacked of text files: .csv and .tsv
    ");
    assert_snapshot!(Project::file("t.csv.bz2", "x").error(), @"
    t.csv.bz2: `.bz2` is not the extension of a table
    help: pack text files as .csv.gz or .csv.zst, or not at all
    ");
}

#[test]
fn a_cell_longer_than_the_buffer_is_one_cell() {
    let long = "x".repeat(700_000);
    let text = format!("a,b\n1,\"{long}\n\"\"{long}\"\n2,{long}\n3,y\n");
    let read = rows(&text);
    assert_eq!(read.len(), 3);
    assert_eq!(read[0][1], format!("{long}\n\"{long}"));
    assert_eq!((read[1][1].len(), read[2][1].as_str()), (700_000, "y"));
}

#[test]
fn hidden_files_and_notes_to_programs_match_only_where_the_pattern_writes_their_first_character() {
    let project = Project::empty();
    for name in [
        "d/a.csv",
        "d/b.csv",
        "d/.c.csv",
        "d/_d.csv",
        "d/._a.csv",
        "d/.ipynb_checkpoints/a-checkpoint.csv",
        "d/_temporary/0/e.csv",
        "d/in/f.csv",
        "d/in/.g/h.csv",
        "d/.git/in/i.csv",
        "d/_SUCCESS",
    ] {
        project.write(name, "a\n1\n");
    }
    let found = |pattern: &str| -> Vec<String> {
        let folder = project.folder.path();
        let fence = collegium_manifest::Fence::around(folder);
        let files = collegium_data::files_of(folder, &fence, pattern).unwrap_or_default();
        let below = |path: &std::path::PathBuf| {
            path.strip_prefix(project.folder.path()).unwrap().display().to_string()
        };
        files.iter().map(below).collect()
    };
    assert_eq!(found("d/*.csv"), ["d/a.csv", "d/b.csv"]);
    assert_eq!(found("./d/*.csv"), found("d/*.csv"));
    assert_eq!(found("d/**/*.csv"), ["d/a.csv", "d/b.csv", "d/in/f.csv"]);
    assert_eq!(found("**/*.csv"), ["d/a.csv", "d/b.csv", "d/in/f.csv"]);
    assert_eq!(found("d/.*.csv"), ["d/._a.csv", "d/.c.csv"]);
    assert_eq!(found("d/_*.csv"), ["d/_d.csv"]);
    assert_eq!(found("d/.ipynb_checkpoints/*.csv"), ["d/.ipynb_checkpoints/a-checkpoint.csv"]);
    assert_eq!(found("d/_temporary/**/*.csv"), ["d/_temporary/0/e.csv"]);
    assert_eq!(found("d/**/.g/*.csv"), ["d/in/.g/h.csv"]);
    assert_eq!(found("d/?c.csv"), [""; 0]);
    assert_eq!(found("d/.c.csv"), ["d/.c.csv"], "a name is no pattern");
    let absolute = project.path("d/*.csv").display().to_string();
    assert_eq!(found(&absolute), ["d/a.csv", "d/b.csv"]);
    let error = Project { source: Project::empty().table("t", "d/_t*/*/*.csv").source, ..project }
        .try_prepare();
    assert_eq!(error.unwrap().facts.rows, 1);
}

#[test]
fn a_pattern_that_matches_nothing_but_hidden_files_says_so() {
    let project = Project::empty().table("t", "d/*.csv");
    project.write("d/_part.csv", "a\n1\n");
    assert_snapshot!(project.error(), @"
    no file matches `d/*.csv`
    help: files and folders that begin with `.` or `_`, such as d/_part.csv, are left out unless the pattern names the `.` or `_`
    ");
}

/// A file as somebody may write it.
#[derive(Debug, Clone)]
struct Written {
    delimiter: u8,
    end: &'static str,
    last_end: bool,
    /// Which cells are quoted that need not be: by their number, over and over.
    quoted: Vec<bool>,
    encoding: &'static str,
    mark: bool,
    packing: &'static str,
    /// Where one member of the packed file ends and the next begins, in thousandths.
    cut: usize,
}

impl Written {
    fn bytes(&self, table: &[Vec<String>]) -> Vec<u8> {
        let mut text = String::new();
        let mut count = 0;
        for (row, cells) in table.iter().enumerate() {
            for (at, cell) in cells.iter().enumerate() {
                if at > 0 {
                    text.push(char::from(self.delimiter));
                }
                let needs = cell.contains(['"', '\n', '\r', char::from(self.delimiter)])
                    || cells.len() == 1;
                if needs || self.quoted[count % self.quoted.len()] {
                    text.push_str(&format!("\"{}\"", cell.replace('"', "\"\"")));
                } else {
                    text.push_str(cell);
                }
                count += 1;
            }
            if row + 1 < table.len() || self.last_end {
                text.push_str(self.end);
            }
        }
        let wide = |text: &str, to: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(to).collect();
        let text = if self.mark { format!("\u{feff}{text}") } else { text };
        let bytes: Vec<u8> = match self.encoding {
            "utf-16" | "utf-16le" => wide(&text, u16::to_le_bytes),
            "utf-16be" => wide(&text, u16::to_be_bytes),
            "windows-1252" => {
                text.chars().filter_map(|c| u8::try_from(u32::from(c)).ok()).collect()
            }
            _ => text.into_bytes(),
        };
        let (first, second) = bytes.split_at(bytes.len() * self.cut / 1000);
        match self.packing {
            ".gz" => [gzip(first), gzip(second)].concat(),
            ".zst" => [zstandard(first), zstandard(second)].concat(),
            _ => bytes,
        }
    }
}

fn written() -> impl Strategy<Value = Written> {
    use proptest::sample::select;
    (
        select(vec![b',', b';', b'\t', b'|']),
        select(vec!["\n", "\r\n", "\r"]),
        any::<bool>(),
        prop::collection::vec(any::<bool>(), 1..5),
        select(vec!["utf-8", "utf-16", "utf-16le", "utf-16be", "windows-1252"]),
        any::<bool>(),
        select(vec!["", ".gz", ".zst"]),
        0_usize..1000,
    )
        .prop_map(|(delimiter, end, last_end, quoted, encoding, mark, packing, cut)| Written {
            delimiter,
            end,
            last_end,
            quoted,
            encoding,
            mark,
            packing,
            cut,
        })
}

/// Cells without blanks at their ends, of characters that every encoding has.
fn table() -> impl Strategy<Value = Vec<Vec<String>>> {
    let cell = "[a-z0-9é,;|\"\t\n\r üÿ'.-]{0,9}".prop_map(|cell| cell.trim().to_owned());
    (1_usize..5).prop_flat_map(move |width| {
        prop::collection::vec(prop::collection::vec(cell.clone(), width), 1..12)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_written_table_reads_back_row_by_row(cells_in in table(), written in written()) {
        let header: Vec<String> = (0..cells_in[0].len()).map(|at| format!("column {at}")).collect();
        let mut all = vec![header];
        all.extend(cells_in.iter().cloned());
        let name = format!("t.csv{}", written.packing);
        let project = Project::file(&name, written.bytes(&all));
        let read = ReadOptions {
            delimiter: Some(written.delimiter),
            encoding: written.encoding.to_owned(),
            ..ReadOptions::default()
        };
        let wanted: Vec<Vec<String>> = cells_in
            .iter()
            .map(|row| row.iter().map(|cell| match cell.as_str() {
                "" => "-".to_owned(),
                cell => cell.to_owned(),
            }).collect())
            .collect();
        prop_assert_eq!(&cells(&project, &name, &read).unwrap(), &wanted);
        // Both passes of a data source see the same rows.
        let mut project = project.reading(read);
        for at in 0..wanted[0].len() {
            project = project.typed(&format!("column {at}"), ColumnType::Category);
        }
        let loaded = project.rows();
        for at in 0..wanted[0].len() {
            let column: Vec<String> = wanted.iter().map(|row| row[at].clone()).collect();
            prop_assert_eq!(texts(&loaded, &format!("column {at}")), column);
        }
    }

    #[test]
    fn any_text_is_read_whole_or_refused(text in "[a,\"\n\r ]{0,40}") {
        let project = Project::csv(format!("x,y\n{text}"));
        if let Ok(read) = cells(&project, "t.csv", &ReadOptions::default()) {
            // Every letter is in some cell: nothing was swallowed.
            let letters = |text: &str| text.matches('a').count();
            let found: usize = read.iter().flatten().map(|cell| letters(cell)).sum();
            prop_assert_eq!(found, letters(&text));
            prop_assert!(read.iter().all(|row| row.len() == 2));
        }
    }
}
