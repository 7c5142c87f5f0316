//! Dates and times as texts and as microseconds since 1970.

use jiff::{Timestamp, civil::DateTime, tz::Offset};

/// Microseconds of a day.
pub const DAY: i64 = 86_400_000_000;

/// An ISO 8601 date (`2013-01-31`) or date with time (`2013-01-31 17:05`, with `T` or a blank, with
/// or without seconds, fractions and an offset; no offset means UTC), as microseconds since 1970.
pub fn parse(text: &str) -> Option<i64> {
    // jiff accepts more (weeks, basic formats, zones in brackets) than is safe to guess from.
    let bytes = text.as_bytes();
    let shape = bytes.len() >= 10
        && bytes[..10].iter().enumerate().all(|(i, b)| match i {
            4 | 7 => *b == b'-',
            _ => b.is_ascii_digit(),
        });
    if !shape || bytes.contains(&b'[') {
        return None;
    }
    let rest = &bytes[10..];
    let offset = rest.iter().any(|b| matches!(b, b'Z' | b'z' | b'+' | b'-'));
    let at = if offset {
        text.parse::<Timestamp>().ok()?
    } else {
        let civil: DateTime = text.parse().ok()?;
        Offset::UTC.to_timestamp(civil).ok()?
    };
    Some(at.as_microsecond())
}

/// `2013-01-31` for midnight, else `2013-01-31 17:05:00`, with as many decimals as it takes. A time
/// beyond the years −9999 to 9999 is written as its number of microseconds.
pub fn text(microseconds: i64) -> String {
    let full = full_text(microseconds);
    match full.strip_suffix(" 00:00:00") {
        Some(date) => date.to_owned(),
        None => full,
    }
}

/// Like [`text`], with the time of day also at midnight.
pub fn full_text(microseconds: i64) -> String {
    match Timestamp::from_microsecond(microseconds) {
        Ok(at) => {
            let civil = Offset::UTC.to_datetime(at);
            civil.to_string().replacen('T', " ", 1)
        }
        Err(_) => microseconds.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iso_dates_and_times_read_back_as_they_were_written() {
        for (given, shown) in [
            ("2013-01-31", "2013-01-31"),
            ("2013-01-31 17:05", "2013-01-31 17:05:00"),
            ("2013-01-31T17:05:06.25", "2013-01-31 17:05:06.25"),
            ("2013-01-31T17:05:06Z", "2013-01-31 17:05:06"),
            ("2013-01-31T17:05:06+02:00", "2013-01-31 15:05:06"),
        ] {
            let at = parse(given).unwrap();
            assert_eq!(text(at), shown);
            assert_eq!(parse(shown), Some(at));
        }
        assert_eq!(parse("1970-01-02"), Some(DAY));
    }

    #[test]
    fn what_only_resembles_a_date_is_none() {
        for wrong in ["2013", "20130131", "2013-02-30", "31.1.2013", "2013-01-31x", "", "2013-W05"]
        {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
