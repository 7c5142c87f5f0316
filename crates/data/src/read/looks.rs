//! Detection of unparsed formats: texts that a person would take for numbers or dates (a percentage, a price, a
//! decimal comma, a day before its month). They stay categories as written; what reads them is found by trying it.

use std::collections::BTreeSet;

use collegium_manifest::ColumnType;

use super::style::{Style, formatted};
use crate::{cast::Why, sql::quoted};

/// Texts that are looked at, at most.
const LOOKED: usize = 1000;

/// Symbols of currencies.
const MONEY: [char; 5] = ['$', '€', '£', '¥', '₹'];

/// What may stand between groups of digits; a blank stands for every kind of blank.
const GROUPS: [char; 6] = [',', '.', '\'', '’', '_', ' '];

/// Collects texts that could not be parsed, to say which format they resemble.
#[derive(Debug, Default)]
pub(super) struct Looks {
    texts: Vec<String>,
}

/// What texts look like.
#[derive(Debug, PartialEq)]
pub(super) struct Look {
    pub(super) kind: ColumnType,
    /// `numbers with a decimal comma`
    pub(super) what: String,
    /// A text that does.
    pub(super) example: String,
    /// What reads them.
    pub(super) way_out: String,
}

/// What most of these texts look like without being read as it, and what to do, in a sentence about the
/// column; `None` for plain texts.
pub fn resemblance(column: &str, texts: &[String]) -> Option<String> {
    let style = Style::default();
    let mut looks = Looks::default();
    let is_number = |text: &&String| !matches!(style.number(text), Err(Why::Wrong));
    let (numbers, others): (Vec<&String>, Vec<&String>) = texts.iter().partition(is_number);
    others.iter().for_each(|text| looks.see(text));
    if others.len() * 2 < texts.len() {
        return None;
    }
    let look = looks.like(column, &style, numbers.into_iter().map(String::as_str))?;
    Some(look.sentence(column) + ": " + &look.way_out)
}

impl Look {
    pub(super) fn sentence(&self, column: &str) -> String {
        let text: String = self.example.chars().take(40).collect();
        format!(
            "column `{column}` is a category, although texts such as `{text}` look like {}",
            self.what
        )
    }
}

impl Looks {
    pub(super) fn see(&mut self, text: &str) {
        if self.texts.len() < LOOKED {
            self.texts.push(text.to_owned());
        }
    }

    /// What at least half of the texts look like. `style`: how numbers and times are declared to be written;
    /// `numbers`: some that are written so.
    pub(super) fn like<'a>(
        &self,
        column: &str,
        style: &Style,
        numbers: impl Iterator<Item = &'a str>,
    ) -> Option<Look> {
        let dates: Vec<&str> = self.that(is_date);
        if !dates.is_empty() && dates.len() * 2 >= self.texts.len() {
            return Some(Look {
                kind: ColumnType::Time,
                what: "dates".to_owned(),
                example: dates[0].to_owned(),
                way_out: date_format(&dates, style),
            });
        }
        let like_numbers: Vec<&str> = self.that(|text| bare(text).is_some());
        if like_numbers.is_empty() || like_numbers.len() * 2 < self.texts.len() {
            return None;
        }
        let signed: Vec<&str> = like_numbers.iter().copied().filter(|t| has_sign(t)).collect();
        if signed.len() * 2 >= like_numbers.len() {
            return Some(with_signs(column, &signed, style));
        }
        let plain: Vec<&str> = like_numbers.into_iter().filter(|text| !has_sign(text)).collect();
        let numbers: Vec<&str> = numbers.take(LOOKED).collect();
        let best = best_marks(&plain, &numbers, style)?;
        Some(with_marks(&plain, best, style))
    }

    fn that(&self, is: impl Fn(&str) -> bool) -> Vec<&str> {
        self.texts.iter().map(String::as_str).filter(|text| is(text)).collect()
    }
}

/// Is there a sign of a percentage or of a currency?
fn has_sign(text: &str) -> bool {
    text.contains('%') || text.contains(MONEY)
}

/// The digits and marks of what is a number to a person.
fn bare(text: &str) -> Option<String> {
    let bare = text.trim_start_matches(['-', '+', '(']).trim_end_matches(')');
    let sign = |c: &char| *c == '%' || MONEY.contains(c);
    if bare.chars().filter(sign).count() > 1 {
        return None;
    }
    let bare: String = bare.chars().filter(|c| !sign(c)).collect();
    let bare = bare.trim().trim_start_matches(['-', '+']);
    let mark = |c: char| GROUPS.contains(&c) || c.is_whitespace();
    let ends = bare.ends_with(|c: char| c.is_ascii_digit());
    (ends && bare.chars().all(|c| c.is_ascii_digit() || mark(c))).then(|| bare.to_owned())
}

/// Does a number with these marks read the text?
fn reads(decimal: char, thousands: Option<char>, text: &str) -> bool {
    !matches!(Style::with_marks(decimal, thousands).number(text), Err(Why::Wrong))
}

/// The marks that read most of the texts, and the numbers that are read already. Of equally good ones those
/// that change least of what is declared: a missing `thousands` is likelier than another `decimal`.
fn best_marks(texts: &[&str], numbers: &[&str], style: &Style) -> Option<(char, Option<char>)> {
    let (declared, groups) = style.marks();
    let mut found: Vec<(usize, usize, (char, Option<char>))> = Vec::new();
    for decimal in ['.', ','] {
        let between = std::iter::once(None).chain(GROUPS.into_iter().map(Some));
        for thousands in between.filter(|mark| *mark != Some(decimal)) {
            let read = texts.iter().filter(|text| reads(decimal, thousands, text)).count();
            let kept = numbers.iter().filter(|text| reads(decimal, thousands, text)).count();
            if read * 2 >= texts.len() && read > 0 {
                let cost = 2 * usize::from(decimal != declared) + usize::from(thousands != groups);
                found.push((texts.len() + numbers.len() - read - kept, cost, (decimal, thousands)));
            }
        }
    }
    found.into_iter().min_by_key(|(lost, cost, _)| (*lost, *cost)).map(|(.., marks)| marks)
}

fn with_marks(texts: &[&str], best: (char, Option<char>), style: &Style) -> Look {
    let (declared, groups) = style.marks();
    let (decimal, thousands) = best;
    let example = texts.iter().find(|text| reads(decimal, thousands, text)).unwrap_or(&texts[0]);
    let mut what = Vec::new();
    let mut keys = Vec::new();
    if decimal != declared {
        what.push(if decimal == ',' { "a decimal comma" } else { "a decimal point" });
        keys.push(format!("decimal = {:?}", decimal.to_string()));
    }
    if thousands != groups {
        match thousands {
            Some(mark) => {
                what.push("groups of digits");
                keys.push(format!("thousands = {:?}", mark.to_string()));
            }
            None => what.push("no groups of digits"),
        }
    }
    let keys = keys.join(", ");
    let plain = *style == Style::default();
    let way_out = match (keys.as_str(), plain) {
        ("", _) => "leave `thousands` out of `read`".to_owned(),
        (keys, true) => format!("`read = {{ {keys} }}` reads them"),
        // What is declared already stays.
        (keys, false) => format!("with `{keys}` in `read` they are read"),
    };
    Look {
        kind: ColumnType::Number,
        what: format!("numbers with {}", what.join(" and ")),
        example: (*example).to_owned(),
        way_out,
    }
}

/// Percentages and prices: SQL takes away what is not of the number.
fn with_signs(column: &str, texts: &[&str], style: &Style) -> Look {
    let cores: Vec<String> = texts.iter().filter_map(|text| bare(text)).collect();
    let cores: Vec<&str> = cores.iter().map(String::as_str).collect();
    let (decimal, thousands) = best_marks(&cores, &[], style).unwrap_or_else(|| style.marks());
    let used: BTreeSet<char> = texts.iter().flat_map(|text| text.chars()).collect();
    let mut sql = quoted(column);
    let mut replace = |from: char, to: &str| {
        if used.contains(&from) {
            let from = if from == '\'' { "''".to_owned() } else { from.to_string() };
            sql = format!("replace({sql}, '{from}', '{to}')");
        }
    };
    for sign in MONEY.into_iter().chain(['%', ' ', '\u{a0}', '\u{202f}']) {
        replace(sign, "");
    }
    if let Some(mark) = thousands.filter(|mark| *mark != ' ') {
        replace(mark, "");
    }
    if decimal == ',' {
        replace(',', ".");
    }
    let what = match texts[0].contains('%') {
        true => "numbers without `%`",
        false => "numbers without the currency",
    };
    let way_out = match used.contains(&'(') {
        true => "write them without it, and what is in brackets with a minus".to_owned(),
        false => format!("take it away in `query` or `derive`: CAST({sql} AS REAL)"),
    };
    Look { kind: ColumnType::Number, what: what.to_owned(), example: texts[0].to_owned(), way_out }
}

/// A date that is not written as ISO 8601 has it: `31/12/2013`, `31.12.13`, `12-31-2013`, `2013/12/31`.
fn is_date(text: &str) -> bool {
    let day = text.split([' ', 'T']).next().unwrap_or_default();
    let Some(mark) = day.chars().find(|c| matches!(c, '/' | '.' | '-')) else { return false };
    let parts: Vec<&str> = day.split(mark).collect();
    let digits = |part: &str, lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit())
    };
    let [a, b, c] = parts[..] else { return false };
    digits(b, 1..=2)
        && (digits(a, 1..=2) && (digits(c, 4..=4) || digits(c, 2..=2))
            || digits(a, 4..=4) && digits(c, 1..=2))
}

/// The format that reads all of these dates; of day and month where either may come first, both.
fn date_format(dates: &[&str], style: &Style) -> String {
    let mark = dates[0].chars().find(|c| matches!(c, '/' | '.' | '-')).unwrap_or('/');
    let days = ["%d/%m/%Y", "%m/%d/%Y", "%d/%m/%y", "%m/%d/%y", "%Y/%m/%d"];
    let mut fitting = Vec::new();
    for time in ["", " %H:%M", " %H:%M:%S", " %I:%M %p"] {
        for day in days {
            let format = day.replace('/', &mark.to_string()) + time;
            if dates.iter().all(|date| formatted(&format, date).is_some()) {
                fitting.push(format);
            }
        }
    }
    let declared = if style.has_date_format() { "that of `read` does not fit them: " } else { "" };
    match fitting.as_slice() {
        [] => format!(
            "{declared}`read = {{ date_format = \"%d/%m/%Y\" }}`, or whichever format they have, reads them"
        ),
        [only] => format!("{declared}`read = {{ date_format = \"{only}\" }}` reads them"),
        [first, second, ..] => format!(
            "{declared}`read = {{ date_format = \"{first}\" }}` reads them, or `\"{second}\"`: which of the two is \
             the day, the values do not say"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn like(texts: &[&str], style: &Style) -> Option<Look> {
        let mut looks = Looks::default();
        texts.iter().for_each(|text| looks.see(text));
        looks.like("c", style, std::iter::empty())
    }

    fn way_out(texts: &[&str], decimal: char, thousands: Option<char>) -> String {
        like(texts, &Style::with_marks(decimal, thousands)).unwrap().way_out
    }

    #[test]
    fn only_what_is_lacking_is_proposed() {
        for (text, decimal, thousands, wanted) in [
            ("12,34", '.', None, "`read = { decimal = \",\" }` reads them"),
            ("1,234", '.', None, "`read = { thousands = \",\" }` reads them"),
            ("1,234.5", '.', None, "`read = { thousands = \",\" }` reads them"),
            ("1.234,5", '.', None, "`read = { decimal = \",\", thousands = \".\" }` reads them"),
            ("12 345", '.', None, "`read = { thousands = \" \" }` reads them"),
            ("1'234.5", '.', None, "`read = { thousands = \"'\" }` reads them"),
            ("1.234,5", ',', None, "with `thousands = \".\"` in `read` they are read"),
            ("1.234", ',', None, "with `thousands = \".\"` in `read` they are read"),
            ("1 234,5", ',', None, "with `thousands = \" \"` in `read` they are read"),
            ("12.5", ',', None, "with `decimal = \".\"` in `read` they are read"),
            (
                "1,234.5",
                ',',
                None,
                "with `decimal = \".\", thousands = \",\"` in `read` they are read",
            ),
            (
                "1.234,5",
                '.',
                Some(','),
                "with `decimal = \",\", thousands = \".\"` in `read` they are read",
            ),
        ] {
            assert_eq!(way_out(&[text, text], decimal, thousands), wanted, "{text}");
        }
        assert_eq!(
            way_out(&["1,234", "0,5"], '.', None),
            "`read = { decimal = \",\" }` reads them"
        );
    }

    #[test]
    fn sql_takes_away_just_what_is_there() {
        let wanted = "take it away in `query` or `derive`: CAST(replace(\"c\", '%', '') AS REAL)";
        assert_eq!(way_out(&["5%", "5.5%"], '.', None), wanted);
        let price = way_out(&["1 200,50 €", "7,25 €"], '.', None);
        assert!(
            price.contains(
                "CAST(replace(replace(replace(\"c\", '€', ''), ' ', ''), ',', '.') AS REAL)"
            ),
            "{price}"
        );
        assert!(way_out(&["($5)", "$7"], '.', None).contains("with a minus"));
    }

    #[test]
    fn a_format_of_dates_is_found_by_reading_them() {
        let of = |texts: &[&str]| like(texts, &Style::default()).unwrap().way_out;
        assert_eq!(
            of(&["31.12.2013", "01.02.2013"]),
            "`read = { date_format = \"%d.%m.%Y\" }` reads them"
        );
        assert!(of(&["12/31/13 17:00"]).contains("\"%m/%d/%y %H:%M\" }` reads them"));
        assert!(of(&["01/02/2013"]).contains("\"%d/%m/%Y\" }` reads them, or `\"%m/%d/%Y\"`"));
        assert!(of(&["99/99/2013"]).contains("or whichever"));
    }

    #[test]
    fn plain_texts_look_like_nothing() {
        for text in ["a,b", "v1.2", "10.0.0.1x", "-", "", "%", "$", "555-1234", "5 kg", "1,,2"] {
            assert_eq!(like(&[text, text], &Style::default()), None, "{text}");
        }
    }
}
