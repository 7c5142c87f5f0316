//! `read` and `reads`: how text files are written.

use collegium_manifest::{DataSource, ReadOptions};
use insta::assert_snapshot;

use crate::{messages, pipeline, wrong};

/// A data source of two tables with some lines more, and an expert.
fn with(lines: &str) -> String {
    format!(
        "[data.flights]\ntables = {{ flights = \"f.csv\", weather = \"w.csv\" }}\nquery = \"SELECT 1\"\n\
         {lines}\n\n[expert.late]\ninputs = [\"flights.hour\"]\ntarget = \"flights.late\"\n"
    )
}

fn source(lines: &str) -> DataSource {
    pipeline(&with(lines)).data.swap_remove("flights").expect("the source is there")
}

fn one(lines: &str) -> String {
    let found = messages(&with(lines));
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone()
}

#[test]
fn what_is_not_said_is_plain() {
    assert_eq!(source("").read, ReadOptions::default());
    assert_eq!(source("read = {}").read, ReadOptions::default());
    let german = source(
        r#"read = { delimiter = ";", decimal = ",", thousands = ".", date_format = "%d.%m.%Y", encoding = "latin1" }"#,
    );
    assert_eq!(
        german.read,
        ReadOptions {
            delimiter: Some(b';'),
            decimal: ',',
            thousands: Some('.'),
            date_format: Some("%d.%m.%Y".to_owned()),
            encoding: "windows-1252".to_owned(),
        }
    );
    assert_eq!(german.read_of("weather"), &german.read);
}

#[test]
fn what_is_said_of_a_table_stands_instead_of_what_is_said_of_all() {
    let source = source(
        r#"
read = { delimiter = ";", decimal = "," }
reads = { weather = { encoding = "utf-16" } }"#,
    );
    assert_eq!(source.read_of("flights").delimiter, Some(b';'));
    let weather = source.read_of("weather");
    assert_eq!((weather.delimiter, weather.decimal), (None, '.'));
    assert_eq!(source.read_of_rows(), &source.read, "rows to predict are those of no single table");
    assert_snapshot!(one(r#"reads = { wether = { decimal = "," } }"#), @"there is no table `wether`");
}

#[test]
fn every_value_is_checked_at_its_place() {
    assert_snapshot!(one(r#"read = { delimiter = ";;" }"#), @r#"`delimiter` must be one character, `;`, `|` or a tab, not ";;""#);
    for bad in ["", "a", "1", "\\\"", "\\n", "ä"] {
        assert!(
            one(&format!("read = {{ delimiter = \"{bad}\" }}")).contains("must be one character"),
            "{bad}"
        );
    }
    assert_snapshot!(one(r#"read = { decimal = ";" }"#), @r#"`decimal` must be one character, `.` or `,`, not ";""#);
    assert_snapshot!(one(r#"read = { thousands = "x" }"#), @r#"`thousands` must be one character, one of `,` `.` `'` `’` `_` and a blank, not "x""#);
    assert_snapshot!(one(r#"read = { thousands = "." }"#), @"`thousands` and `decimal` are both `.`");
    assert_snapshot!(one(r#"read = { encoding = "utf-61" }"#), @"there is no encoding `utf-61`");
    assert_snapshot!(one(r#"read = { date_format = "%d/%m" }"#), @"`%d/%m` is no date format: it does not say the day, the month and the year");
    for bad in ["dd/mm/yyyy", "%", "%Y", "%s", "%H:%M", ""] {
        let said = one(&format!("read = {{ date_format = \"{bad}\" }}"));
        assert!(said.contains("is no date format"), "{bad}: {said}");
    }
    for good in [
        "%d/%m/%Y",
        "%Y%m%d",
        "%m/%d/%y %I:%M %p",
        "%d %b %Y",
        "%A, %d %B %Y",
        "%d.%m.%Y %H:%M:%S%.f %z",
    ] {
        let format = source(&format!("read = {{ date_format = \"{good}\" }}")).read.date_format;
        assert_eq!(format.as_deref(), Some(good));
    }
    assert_snapshot!(wrong(&with(r#"read = { delimeter = ";" }"#)), @r#"
    error: unknown key `delimeter` in `data.flights.read`
     --> pipelines/flights.toml:4:10
      |
    4 | read = { delimeter = ";" }
      |          ^^^^^^^^^ unknown key
      |
      = help: did you mean `delimiter`?
    "#);
}

#[test]
fn names_of_encodings_are_those_of_the_encoding_standard() {
    let named = |name: &str| source(&format!("read = {{ encoding = \"{name}\" }}")).read.encoding;
    for (name, known) in [
        ("UTF-8", "utf-8"),
        ("utf8", "utf-8"),
        ("UTF-16", "utf-16"),
        ("utf-16be", "utf-16be"),
        ("latin1", "windows-1252"),
        ("cp1252", "windows-1252"),
        ("ISO-8859-15", "iso-8859-15"),
        ("shift_jis", "shift_jis"),
        ("koi8-r", "koi8-r"),
    ] {
        assert_eq!(named(name), known);
    }
}

#[test]
fn idx_files_are_no_text() {
    let text = "[data.m]\nidx = { a = \"a-ubyte\", b = \"b-ubyte\" }\nread = { decimal = \",\" }\n\n\
                [expert.e]\ninputs = [\"m.a\"]\ntarget = \"m.b\"\n";
    assert_eq!(messages(text), ["`read` is about text files, and `idx` names none"]);
    assert_eq!(
        messages(&text.replace("read = {", "reads = { a = {").replace("\",\" }", "\",\" } }")),
        ["`reads` is about text files, and `idx` names none"]
    );
}
