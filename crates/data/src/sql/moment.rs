//! Times in SQL: their text form, and a collation that compares them.
//!
//! A time is a text: midnight is a date, `2013-01-31`, every other moment a date with its time,
//! `2013-01-31 17:05:00`. That depends on the moment alone, so no cell changes how another one looks. Such
//! texts sort as the moments do, and they compare rightly with a date that is written out. For
//! comparisons with any other ISO form (`2013-01-31 00:00:00`, `2013-01-31T17:05`) columns of times have
//! a collation: both sides are taken as moments where they are.

use std::{borrow::Cow, cmp::Ordering};

use crate::time;

/// The collation's name in a column's declaration.
pub(super) const COLLATION: &str = "moment";

/// Compares two texts, at least one of which is a time of a column.
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    // Joins and sorts compare the times of columns, which are all in the one form: bytes decide.
    if is_written(a.as_bytes()) && is_written(b.as_bytes()) {
        return a.cmp(b);
    }
    plain(a).cmp(&plain(b))
}

/// Has it the marks of a text that we made: a date, or a date with a time of day that is not midnight?
fn is_written(text: &[u8]) -> bool {
    match text {
        [.., b' ', _, _, b':', m, _, b':', s, _] if text.len() == 19 => {
            *m < b'6' && *s < b'6' && text[11..] != *b"00:00:00"
        }
        _ => text.len() <= 10,
    }
}

/// The one text of a moment; any other text as it is.
fn plain(text: &str) -> Cow<'_, str> {
    if is_plain(text.as_bytes()) {
        return Cow::Borrowed(text);
    }
    match time::parse(text) {
        Some(at) => Cow::Owned(time::text(at)),
        None => Cow::Borrowed(text),
    }
}

/// Is it surely in the one form already, or no time at all? Parsing is slow and seldom needed.
fn is_plain(text: &[u8]) -> bool {
    match text.len() {
        0..=10 => true,
        19 => {
            text[10] == b' '
                && text[11..].iter().enumerate().all(|(at, byte)| match at {
                    2 | 5 => *byte == b':',
                    _ => byte.is_ascii_digit(),
                })
                && &text[11..] != b"00:00:00"
                && text[11..13] < b"24"[..]
                && text[14..16] < b"60"[..]
                && text[17..] < b"60"[..]
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_iso_form_of_a_moment_is_that_moment() {
        for same in [
            ("2013-01-31", "2013-01-31 00:00:00"),
            ("2013-01-31", "2013-01-31T00:00"),
            ("2013-01-31 17:05:00", "2013-01-31T17:05"),
            ("2013-01-31 17:05:00", "2013-01-31 17:05"),
            ("2013-01-31 15:05:00", "2013-01-31T17:05:00+02:00"),
        ] {
            assert_eq!(compare(same.0, same.1), Ordering::Equal, "{same:?}");
        }
        assert_eq!(compare("2013-01-31", "2013"), Ordering::Greater, "no moment: a text");
    }

    proptest! {
        #[test]
        fn texts_of_moments_compare_as_the_moments_do(
            a in -2_000_000_000i64..20_000_000_000, b in -2_000_000_000i64..20_000_000_000,
            step in prop_oneof![Just(1i64), Just(60), Just(3600), Just(86_400)],
        ) {
            let at = |second: i64| second.div_euclid(step) * step * 1_000_000;
            let (a, b) = (at(a), at(b));
            prop_assert_eq!(compare(&time::text(a), &time::text(b)), a.cmp(&b));
            prop_assert_eq!(compare(&time::text(a), &time::full_text(b)), a.cmp(&b));
            prop_assert_eq!(compare(&time::full_text(a), &time::text(b)), a.cmp(&b));
        }
    }
}
