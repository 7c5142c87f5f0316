//! Number and date formats of text files, where `read` declares other ones than the plain way.

use std::sync::Arc;

use collegium_manifest::ReadOptions;
use jiff::{fmt::strtime, tz::Offset};

use crate::{
    Column, Table, Values,
    cast::{Why, number},
    number_text, time,
};

/// How numbers and times are written: what `read` says, without delimiter and encoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Style {
    decimal: char,
    thousands: Option<char>,
    date_format: Option<String>,
}

impl Default for Style {
    fn default() -> Self {
        Self::of(&ReadOptions::default())
    }
}

impl Style {
    /// That of a table's text files.
    pub fn of(read: &ReadOptions) -> Self {
        let ReadOptions { decimal, thousands, date_format, .. } = read;
        Self { decimal: *decimal, thousands: *thousands, date_format: date_format.clone() }
    }

    /// One with these marks of numbers.
    pub(super) const fn with_marks(decimal: char, thousands: Option<char>) -> Self {
        Self { decimal, thousands, date_format: None }
    }

    /// What stands before decimals, and between groups of digits.
    pub(super) const fn marks(&self) -> (char, Option<char>) {
        (self.decimal, self.thousands)
    }

    /// A finite number that a 64-bit float can hold.
    pub(crate) fn number(&self, text: &str) -> Result<f64, Why> {
        if self.decimal == '.' && self.thousands.is_none() {
            return number(text);
        }
        number(&plain(text, self.decimal, self.thousands).ok_or(Why::Wrong)?)
    }

    /// A table of texts with numbers and times as everybody writes them, where they are written so.
    pub fn plain(&self, table: Table) -> Table {
        if *self == Self::default() {
            return table;
        }
        let text = |text: &String| match (self.number(text), self.time(text)) {
            (_, Some(at)) if self.has_date_format() => time::text(at),
            (Ok(value), _) => number_text(value),
            _ => text.clone(),
        };
        let column = |column: &Arc<Column>| match &column.values {
            Values::Category { codes, levels } => {
                let levels = levels.iter().map(text).collect();
                let values = Values::Category { codes: codes.clone(), levels };
                Arc::new(Column::new(column.name.clone(), values))
            }
            _ => column.clone(),
        };
        Table { columns: table.columns.iter().map(column).collect(), rows: table.rows }
    }

    /// Is a number written without decimals and without an exponent?
    pub(crate) fn is_written_whole(&self, text: &str) -> bool {
        !text.contains([self.decimal, 'e', 'E'])
    }

    /// A date or a date with time, as microseconds since 1970: in the declared format, or as ISO writes it
    /// where that cannot be a text of the declared format.
    pub(crate) fn time(&self, text: &str) -> Option<i64> {
        let Some(format) = &self.date_format else { return time::parse(text) };
        let iso = || time::parse(text).filter(|_| !format.trim_start().starts_with("%Y-"));
        formatted(format, text).or_else(iso)
    }

    /// Is there a format for times beside ISO's? It may be one of nothing but digits: such a column is one of
    /// times and not of numbers.
    pub(crate) fn has_date_format(&self) -> bool {
        self.date_format.is_some()
    }
}

/// A number with these marks as Rust writes it; `None` where they stand in wrong places.
pub(super) fn plain(text: &str, decimal: char, thousands: Option<char>) -> Option<String> {
    let (whole, rest) = match text.find([decimal, 'e', 'E']) {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let mut plain = String::with_capacity(text.len());
    match thousands {
        Some(mark) if whole.contains(|c| is_mark(c, mark)) => {
            let (sign, digits) = match whole.strip_prefix(['-', '+']) {
                Some(digits) => whole.split_at(whole.len() - digits.len()),
                None => ("", whole),
            };
            plain.push_str(sign);
            for (at, group) in digits.split(|c| is_mark(c, mark)).enumerate() {
                let fits = if at == 0 { (1..=3).contains(&group.len()) } else { group.len() == 3 };
                if !fits || !group.bytes().all(|byte| byte.is_ascii_digit()) {
                    return None;
                }
                plain.push_str(group);
            }
        }
        _ => plain.push_str(whole),
    }
    // A point that is not the decimal mark is in a wrong place.
    if decimal != '.' && plain.contains('.') || rest[1.min(rest.len())..].contains(['.', ',']) {
        return None;
    }
    match rest.strip_prefix(decimal) {
        Some(decimals) => {
            plain.push('.');
            plain.push_str(decimals);
        }
        None => plain.push_str(rest),
    }
    Some(plain)
}

/// All blanks between groups of digits are one mark.
fn is_mark(c: char, mark: char) -> bool {
    let blank = |c: char| matches!(c, ' ' | '\u{a0}' | '\u{202f}');
    c == mark || blank(c) && blank(mark)
}

/// A time in a format of `strftime`; without an offset it is UTC, as ISO times are.
pub(super) fn formatted(format: &str, text: &str) -> Option<i64> {
    let parts = strtime::parse(format, text).ok()?;
    // `%Y` reads `13`, too, and makes it a year of the Roman empire.
    let date = parts.to_date().ok().filter(|date| date.year() >= 1000)?;
    let at = match (parts.offset(), parts.hour()) {
        (Some(_), Some(_)) => parts.to_timestamp().ok()?,
        (_, Some(_)) => Offset::UTC.to_timestamp(parts.to_datetime().ok()?).ok()?,
        (_, None) => {
            Offset::UTC.to_timestamp(date.to_datetime(jiff::civil::Time::midnight())).ok()?
        }
    };
    Some(at.as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_marks_in_the_right_places_or_are_none() {
        let german = Style::with_marks(',', Some('.'));
        for (text, value) in [
            ("1.234.567,89", 1_234_567.89),
            ("-1.234", -1234.0),
            ("1234567", 1_234_567.0),
            ("0,5", 0.5),
            (",5", 0.5),
            ("12,", 12.0),
            ("1,5e3", 1500.0),
            ("-1.000,5E-1", -100.05),
            ("007", 7.0),
        ] {
            assert_eq!(german.number(text), Ok(value), "{text}");
        }
        for wrong in [
            "1.5",
            "1,234.5",
            "1,2,3",
            "1.23.456",
            ".123",
            "1234.567",
            "1..234",
            "1.234,5.6",
            "x",
            "",
        ] {
            assert_eq!(german.number(wrong), Err(Why::Wrong), "{wrong}");
        }
        assert_eq!(
            Style::with_marks(',', None).number("1.5"),
            Err(Why::Wrong),
            "a point is no decimal comma"
        );
        assert_eq!(Style::with_marks('.', Some(',')).number("12,345.5"), Ok(12_345.5));
        assert_eq!(
            Style::with_marks('.', Some(',')).number("1,5"),
            Err(Why::Wrong),
            "no group of three"
        );
        assert_eq!(Style::with_marks(',', Some(' ')).number("12\u{202f}345,5"), Ok(12_345.5));
        assert_eq!(Style::with_marks('.', Some('\'')).number("1'000"), Ok(1000.0));
        assert_eq!(german.number("9.007.199.254.740.993"), Err(Why::Inexact));
    }

    #[test]
    fn a_declared_format_goes_before_iso_and_iso_is_read_where_it_cannot_be_meant() {
        let style =
            |format: &str| Style { date_format: Some(format.to_owned()), ..Style::default() };
        let iso = |text: &str| time::parse(text);
        assert_eq!(style("%d/%m/%Y").time("31/01/2013"), iso("2013-01-31"));
        assert_eq!(style("%d/%m/%Y").time("1/2/2013"), iso("2013-02-01"));
        assert_eq!(style("%d/%m/%Y").time("2013-01-31"), iso("2013-01-31"));
        assert_eq!(style("%d/%m/%Y").time("31/13/2013"), None);
        assert_eq!(style("%d/%m/%Y").time("31/01/13"), None, "two digits are no year");
        assert_eq!(style("%m/%d/%y %H:%M").time("01/31/13 17:05"), iso("2013-01-31 17:05"));
        assert_eq!(
            style("%I:%M %p, %d %b %Y").time("05:05 PM, 31 Jan 2013"),
            iso("2013-01-31 17:05")
        );
        assert_eq!(style("%Y%m%d").time("20130131"), iso("2013-01-31"));
        assert_eq!(style("%Y-%d-%m").time("2013-31-01"), iso("2013-01-31"));
        assert_eq!(style("%Y-%d-%m").time("2013-01-31"), None, "it would be the 31st month");
        assert_eq!(
            style("%d.%m.%Y %H:%M %z").time("31.01.2013 17:05 +0200"),
            iso("2013-01-31 15:05")
        );
    }
}
