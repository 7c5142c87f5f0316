//! Resolution of `data.NAME.read` and `data.NAME.reads` (text file options).

use std::ops::Range;

use collegium_records::Code;
use encoding_rs::{Encoding, REPLACEMENT, UTF_16BE, X_USER_DEFINED};
use indexmap::IndexMap;
use jiff::{
    civil::{DateTime, datetime},
    fmt::strtime,
    tz::Offset,
};
use toml::Spanned;

use super::names::known_table;
use crate::{
    At, ReadOptions,
    raw::{RawData, RawRead},
    sink::Sink,
    suggest::did_you_mean,
};

/// What may stand between groups of digits.
const THOUSANDS: [char; 8] = [',', '.', '\'', '’', '_', ' ', '\u{a0}', '\u{202f}'];

/// How the text files of a data source are written.
pub(crate) fn whole(raw: &RawData, sink: &mut Sink) -> ReadOptions {
    let Some(place) = &raw.read else { return ReadOptions::default() };
    if raw.idx.is_some() {
        no_text(place.span(), "read", sink);
    }
    options(place.get(), sink)
}

/// What is said of single tables; `cut`: not all tables are known.
pub(crate) fn by_table(
    raw: &RawData,
    tables: &IndexMap<String, Spanned<String>>,
    cut: bool,
    sink: &mut Sink,
) -> IndexMap<String, ReadOptions> {
    let mut reads = IndexMap::new();
    if let (Some(_), Some((table, _))) = (&raw.idx, raw.reads.iter().flat_map(|it| &it.0).next()) {
        no_text(table.span(), "reads", sink);
        return reads;
    }
    for (table, read) in raw.reads.iter().flat_map(|reads| &reads.0) {
        if !cut {
            known_table(table, tables, sink);
        }
        reads.insert(table.get().clone(), options(read.get(), sink));
    }
    reads
}

fn no_text(place: Range<usize>, key: &str, sink: &mut Sink) {
    let message = format!("`{key}` is about text files, and `idx` names none");
    sink.local(
        sink.error(Code::KeyDoesNotApply, place, message).label("says nothing about IDX files"),
    );
}

fn options(raw: &RawRead, sink: &mut Sink) -> ReadOptions {
    let mut read = ReadOptions::default();
    let delimiter = character(sink, "delimiter", &raw.delimiter, "`;`, `|` or a tab", |c| {
        c.is_ascii() && !c.is_ascii_alphanumeric() && !matches!(c, '"' | '\n' | '\r' | '\0')
    });
    read.delimiter = delimiter.and_then(|c| u8::try_from(c).ok());
    let decimal =
        character(sink, "decimal", &raw.decimal, "`.` or `,`", |c| matches!(c, '.' | ','));
    read.decimal = decimal.unwrap_or(read.decimal);
    let groups = "one of `,` `.` `'` `’` `_` and a blank";
    read.thousands =
        character(sink, "thousands", &raw.thousands, groups, |c| THOUSANDS.contains(&c));
    if let Some(place) = &raw.thousands
        && read.thousands == Some(read.decimal)
    {
        let message = format!("`thousands` and `decimal` are both `{}`", read.decimal);
        let help = match read.decimal {
            '.' => "add `decimal = \",\"`, or name another `thousands`",
            _ => "add `thousands = \".\"`, or another",
        };
        sink.global(
            sink.error(Code::ConflictingKeys, place.span(), message)
                .label("must differ")
                .help(help),
        );
        read.thousands = None;
    }
    if let Some(format) = &raw.date_format {
        match date_format(format.get()) {
            Ok(()) => read.date_format = Some(format.get().clone()),
            Err(why) => {
                let message = format!("`{}` is no date format: {why}", format.get());
                sink.local(sink.error(Code::ValueOfAnotherType, format.span(), message).label("no date format").help(
                    "`%d/%m/%Y` is 31/01/2013, `%m/%d/%y %H:%M` is 01/31/13 17:05, `%d %b %Y` is 31 Jan 2013",
                ));
            }
        }
    }
    if let Some(name) = &raw.encoding {
        match encoding(name.get()) {
            Some(known) => read.encoding = known,
            None => {
                let message = format!("there is no encoding `{}`", name.get());
                let known = ["utf-8", "utf-16", "latin1", "windows-1252", "iso-8859-15"];
                sink.local(
                    sink.error(Code::UnknownChoice, name.span(), message)
                        .label("unknown encoding")
                        .maybe_help(did_you_mean(name.get(), &known, "among others there are")),
                );
            }
        }
    }
    read
}

/// A value of one character that is among those which its key can have.
fn character(
    sink: &mut Sink,
    key: &str,
    value: &Option<At<String>>,
    wanted: &str,
    good: impl Fn(char) -> bool,
) -> Option<char> {
    let value = value.as_ref()?;
    let mut chars = value.get().chars();
    match (chars.next(), chars.next()) {
        (Some(only), None) if good(only) => Some(only),
        _ => {
            let message = format!("`{key}` must be one character, {wanted}, not {:?}", value.get());
            sink.local(
                sink.error(Code::ValueOfAnotherType, value.span(), message)
                    .label(format!("must be {wanted}")),
            );
            None
        }
    }
}

/// Does a day that is written so read back as the same day?
fn date_format(format: &str) -> Result<(), String> {
    let day: DateTime = datetime(2013, 1, 31, 17, 5, 6, 0);
    let moment = Offset::UTC.to_timestamp(day).map_err(|error| error.to_string())?;
    let written = strtime::format(format, moment).map_err(|error| error.to_string())?;
    let read = strtime::parse(format, &written).map_err(|error| error.to_string())?;
    match read.to_date() {
        Ok(date) if date == day.date() => Ok(()),
        _ => Err("it does not say the day, the month and the year".to_owned()),
    }
}

/// The one name of an encoding that may have several.
fn encoding(name: &str) -> Option<String> {
    let folded = name.trim().to_ascii_lowercase();
    if matches!(folded.as_str(), "utf-16" | "utf16") {
        return Some("utf-16".to_owned());
    }
    let known = match folded.as_str() {
        "utf16be" => UTF_16BE,
        _ => Encoding::for_label(folded.as_bytes())?,
    };
    (known != REPLACEMENT && known != X_USER_DEFINED).then(|| known.name().to_ascii_lowercase())
}
