//! What type a column has, by all of its values: the one rule for every format.
//!
//! Values come as texts (of a text file, or a column of texts of a typed one) or typed. A column whose
//! values are all numbers is one of numbers, and so for truth values and times; anything else is a
//! category. What a type cannot hold (an infinity, an identifier beyond 2^53) never ends the reading:
//! the column becomes a category of its texts, and whoever reads it is told why.

use std::path::PathBuf;

use collegium_manifest::ColumnType;

use super::{Field, looks::Looks, style::Style};
use crate::{
    DataError,
    cast::{EXACT, Why, boolean, named_boolean, refuse},
    column::number_text,
    settle::Reading,
    time,
    unfit::Unfit,
};

/// Where a value stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct At {
    /// Which of the files.
    pub(super) file: usize,
    /// Line of a text file, row of a typed one; from 1.
    pub(super) line: u64,
    /// Place of the column in the file, from 0.
    pub(super) field: usize,
}

/// A value that does not fit.
#[derive(Debug)]
struct Odd {
    at: At,
    text: String,
    why: Why,
}

/// What is known of a column's type so far.
#[derive(Debug)]
pub(super) struct Guess {
    forced: Option<ColumnType>,
    /// How numbers and times are written.
    style: Style,
    settled: Option<Reading>,
    present: u64,
    numbers: u64,
    booleans: u64,
    times: u64,
    /// Numbers that are times of the declared format, too.
    both: u64,
    integer: bool,
    dates: bool,
    /// The first value of no type, and of each other type.
    text: Option<Odd>,
    number: Option<Odd>,
    boolean: Option<Odd>,
    time: Option<Odd>,
    /// The first number that a float cannot hold.
    bad: Option<Odd>,
    /// The first value that is not read as was settled or forced.
    misfit: Option<Odd>,
    looks: Looks,
}

/// What a column turned out to be.
pub(super) struct Verdict {
    pub(super) field: Field,
    /// How it is read from now on; `None` as long as it has no values, or as they are unfit.
    pub(super) reading: Option<Reading>,
    pub(super) unfit: Option<Unfit>,
    /// What a person who reads it should know.
    pub(super) note: Option<String>,
}

impl Guess {
    pub(super) fn new(forced: Option<ColumnType>, settled: Option<Reading>, style: Style) -> Self {
        Self {
            forced,
            style,
            // What the pipeline file says wins over what was settled; of one kind, both hold.
            settled: settled.filter(|reading| forced.is_none_or(|kind| kind == reading.kind())),
            present: 0,
            numbers: 0,
            booleans: 0,
            times: 0,
            both: 0,
            integer: true,
            dates: true,
            text: None,
            number: None,
            boolean: None,
            time: None,
            bad: None,
            misfit: None,
            looks: Looks::default(),
        }
    }

    /// Counts a text that is not missing.
    pub(super) fn see(&mut self, text: &str, at: At) {
        self.present += 1;
        let odd = |why| Odd { at, text: text.to_owned(), why };
        let mut number_is = Err(Why::Wrong);
        let mut named = None;
        let mut timed = None;
        // A forced category needs no look at its texts.
        if self.forced != Some(ColumnType::Category) {
            number_is = self.style.number(text);
            if let Err(Why::Wrong) = number_is {
                named = named_boolean(text);
                timed = if named.is_none() { self.style.time(text) } else { None };
            } else if self.style.has_date_format() {
                // A declared format may be one of digits alone: then it may be either, until all are seen.
                timed = self.style.time(text);
                if let Some(moment) = timed {
                    self.both += 1;
                    self.dates &= moment.rem_euclid(time::DAY) == 0;
                }
            }
        }
        match (number_is, named, timed) {
            (Ok(value), ..) => {
                self.numbers += 1;
                self.integer &= value.fract() == 0.0 && self.style.is_written_whole(text);
                if self.number.is_none() {
                    self.number = Some(odd(Why::Wrong));
                }
            }
            (Err(why @ (Why::Inexact | Why::NotFinite)), ..) => {
                self.numbers += 1;
                if self.number.is_none() {
                    self.number = Some(odd(Why::Wrong));
                }
                if self.bad.is_none() {
                    self.bad = Some(odd(why));
                }
            }
            (_, Some(_), _) => {
                self.booleans += 1;
                if self.boolean.is_none() {
                    self.boolean = Some(odd(Why::Wrong));
                }
            }
            (_, _, Some(moment)) => {
                self.times += 1;
                self.dates &= moment.rem_euclid(time::DAY) == 0;
                if self.time.is_none() {
                    self.time = Some(odd(Why::Wrong));
                }
            }
            _ => {
                if self.text.is_none() {
                    self.text = Some(odd(Why::Wrong));
                }
                self.looks.see(text);
            }
        }
        let fits = match self.wanted() {
            None | Some(ColumnType::Category) => Ok(()),
            Some(ColumnType::Number) => number_is.map(drop),
            Some(ColumnType::Boolean) if named.is_some() => Ok(()),
            Some(ColumnType::Boolean) => boolean(text).map(drop).ok_or(Why::Wrong),
            Some(ColumnType::Time) => timed.map(drop).ok_or(Why::Wrong),
            Some(ColumnType::Image) => Err(Why::Wrong),
        };
        self.misfits(fits, at, || text.to_owned());
    }

    /// The type that values must have.
    fn wanted(&self) -> Option<ColumnType> {
        self.forced.or(self.settled.map(Reading::kind))
    }

    /// Is it content with any exact integer?
    pub(super) fn takes_numbers(&self) -> bool {
        matches!(self.wanted(), None | Some(ColumnType::Number | ColumnType::Category))
    }

    /// Counts numbers of a typed file that are known to be whole and exact, from `at` on.
    pub(super) fn see_integers(&mut self, count: u64, at: At) {
        self.present += count;
        self.numbers += count;
        if self.number.is_none() && count > 0 {
            self.number = Some(Odd { at, text: "an integer".to_owned(), why: Why::Wrong });
        }
    }

    /// Counts a number of a typed file; `whole`: it is of a type of integers.
    pub(super) fn see_number(&mut self, value: f64, whole: bool, at: At) {
        self.present += 1;
        self.numbers += 1;
        self.integer &= whole;
        let why = match value.is_finite() {
            true if whole && value.abs() > EXACT as f64 => Some(Why::Inexact),
            true => None,
            false => Some(Why::NotFinite),
        };
        if self.number.is_none() {
            self.number = Some(Odd { at, text: number_text(value), why: Why::Wrong });
        }
        if let (Some(why), None) = (why, &self.bad) {
            self.bad = Some(Odd { at, text: number_text(value), why });
        }
        let fits = match self.wanted() {
            None | Some(ColumnType::Category) => Ok(()),
            Some(ColumnType::Number) => why.map_or(Ok(()), Err),
            Some(ColumnType::Boolean) if value == 0.0 || value == 1.0 => Ok(()),
            Some(_) => Err(Why::Wrong),
        };
        self.misfits(fits, at, || number_text(value));
    }

    /// Counts an integer of a typed file, by its digits if a float would change it.
    pub(super) fn see_inexact(&mut self, digits: String, at: At) {
        self.present += 1;
        self.numbers += 1;
        if self.bad.is_none() {
            self.bad = Some(Odd { at, text: digits.clone(), why: Why::Inexact });
        }
        let fits = match self.wanted() {
            None | Some(ColumnType::Category) => Ok(()),
            Some(ColumnType::Number) => Err(Why::Inexact),
            Some(_) => Err(Why::Wrong),
        };
        self.misfits(fits, at, || digits);
    }

    /// Counts a truth value of a typed file.
    pub(super) fn see_boolean(&mut self, value: bool, at: At) {
        self.present += 1;
        self.booleans += 1;
        if self.boolean.is_none() {
            self.boolean = Some(Odd { at, text: value.to_string(), why: Why::Wrong });
        }
        let fits = match (self.forced, self.settled.map(Reading::kind)) {
            (Some(ColumnType::Time), _) | (None, Some(ColumnType::Number | ColumnType::Time)) => {
                Err(Why::Wrong)
            }
            _ => Ok(()),
        };
        self.misfits(fits, at, || value.to_string());
    }

    /// Counts a time of a typed file; `None` for one that is out of range.
    pub(super) fn see_time(&mut self, moment: Option<i64>, at: At) {
        self.present += 1;
        self.times += 1;
        let text = || moment.map_or_else(|| "a time out of range".to_owned(), time::text);
        self.dates &= moment.is_some_and(|moment| moment.rem_euclid(time::DAY) == 0);
        if self.time.is_none() {
            self.time = Some(Odd { at, text: text(), why: Why::Wrong });
        }
        if moment.is_none() && self.bad.is_none() {
            self.bad = Some(Odd { at, text: text(), why: Why::Wrong });
        }
        let fits = match (self.wanted(), moment) {
            (None | Some(ColumnType::Category), _) | (Some(ColumnType::Time), Some(_)) => Ok(()),
            _ => Err(Why::Wrong),
        };
        self.misfits(fits, at, text);
    }

    fn misfits(&mut self, fits: Result<(), Why>, at: At, text: impl FnOnce() -> String) {
        if let (Err(why), None) = (fits, &self.misfit) {
            self.misfit = Some(Odd { at, text: text(), why });
        }
    }

    /// The type that all values have, whatever was settled.
    fn kind(&self) -> ColumnType {
        match self.present {
            present if self.both > 0 && self.times + self.both == present => ColumnType::Time,
            present if self.numbers == present => ColumnType::Number,
            present if self.booleans == present => ColumnType::Boolean,
            present if self.times == present => ColumnType::Time,
            _ => ColumnType::Category,
        }
    }

    /// What the column is. A value that its declared type cannot hold is an error.
    pub(super) fn verdict(mut self, name: &str, files: &[PathBuf]) -> Result<Verdict, DataError> {
        let place = |error: DataError, at: At| {
            let error = error.line(at.line).column(name, Some(at.field));
            match files.get(at.file) {
                Some(file) => error.file(file),
                None => error,
            }
        };
        let raise =
            |kind: ColumnType, odd: &Odd| place(refuse(odd.why, kind, name, &odd.text), odd.at);
        if let (Some(kind), Some(odd)) = (self.forced, &self.misfit) {
            return Err(raise(kind, odd));
        }
        let found = self.kind();
        let kind = self.forced.unwrap_or(found);
        let whole = match kind {
            _ if kind != found || self.present == 0 => false,
            ColumnType::Number => self.integer,
            ColumnType::Time => self.dates,
            _ => false,
        };
        let new = Reading::of(kind, whole).unwrap_or(Reading::Category);
        // Values as they were settled: they stay so.
        if let (Some(reading), None) = (self.settled, &self.misfit) {
            let note = self.note(name, reading.kind());
            return Ok(Verdict {
                field: reading.field(name),
                reading: Some(reading),
                unfit: None,
                note,
            });
        }
        if let (Some(reading), Some(odd)) = (self.settled, self.misfit.take()) {
            let error = place(changed(name, reading, &odd), odd.at);
            let held = if self.bad.is_some() { Reading::Category } else { new };
            let what = format!("no longer {}", of_kind(reading.kind()));
            let unfit = Unfit::new(name, true, &error, files).what(what);
            let field = held.field(name);
            return Ok(Verdict { field, reading: None, unfit: Some(unfit), note: None });
        }
        if let (Some(odd), true) = (&self.bad, kind != ColumnType::Category) {
            let error = raise(kind, odd);
            let what = match odd.why {
                Why::NotFinite => "NaN or infinities",
                Why::Inexact => "whole numbers beyond 2^53",
                Why::Wrong => "times out of range",
            };
            let unfit = Unfit::new(name, true, &error, files).what(what);
            let field = Reading::Category.field(name);
            return Ok(Verdict { field, reading: None, unfit: Some(unfit), note: None });
        }
        let note = self.note(name, kind);
        let reading = (self.present > 0).then_some(new);
        Ok(Verdict { field: new.field(name), reading, unfit: None, note })
    }

    /// A hint for a column of texts that are nearly something else, or of nothing at all.
    fn note(&self, name: &str, kind: ColumnType) -> Option<String> {
        if self.present == 0 {
            return Some(format!("column `{name}` has no values"));
        }
        if kind != ColumnType::Category || self.forced.is_some() {
            return None;
        }
        let present = self.present;
        for (count, what, type_name) in [
            (self.numbers, "numbers", "number"),
            (self.times, "times", "time"),
            (self.booleans, "truth values", "boolean"),
        ] {
            // What is of all three in parts, is none of them.
            if count * 2 < present || count == present {
                continue;
            }
            let others = [&self.text, &self.number, &self.boolean, &self.time];
            let odd = others
                .into_iter()
                .flatten()
                .filter(|odd| !self.is_of(&odd.text, type_name))
                .min_by_key(|odd| (odd.at.file, odd.at.line))?;
            let are = if present - count == 1 { "is" } else { "are" };
            return Some(format!(
                "column `{name}` is a category, because {} of its {present} values {are} no {what}, \
                 first `{}` in line {}; name it in `missing` if it means missing",
                present - count,
                odd.text.chars().take(40).collect::<String>(),
                odd.at.line
            ));
        }
        self.looks.note(name)
    }

    /// Is a text that was kept a value of this type?
    fn is_of(&self, text: &str, type_name: &str) -> bool {
        match type_name {
            "number" => !matches!(self.style.number(text), Err(Why::Wrong)),
            "time" => self.style.time(text).is_some(),
            _ => named_boolean(text).is_some(),
        }
    }
}

/// The error for a value that is not read as all values were read so far.
fn changed(name: &str, reading: Reading, odd: &Odd) -> DataError {
    let refused = refuse(odd.why, reading.kind(), name, &odd.text);
    let text: String = odd.text.chars().take(40).collect();
    let message = format!(
        "{}, and the column was read as {} so far",
        refused.fault().message,
        of_kind(reading.kind())
    );
    DataError::new(refused.kind(), message).help(format!(
        "correct the cell; or, if it means that the value is missing, name {text:?} in `missing`; or say \
         what the column is from now on: `types = {{ {name:?} = \"category\" }}`"
    ))
}

/// Values of this type, in words.
fn of_kind(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Number => "numbers",
        ColumnType::Boolean => "true or false",
        ColumnType::Time => "dates or times",
        ColumnType::Category => "texts",
        ColumnType::Image => "images",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(texts: &[&str], settled: Option<Reading>) -> Verdict {
        let mut guess = Guess::new(None, settled, Style::default());
        for (row, text) in texts.iter().enumerate() {
            guess.see(text, At { file: 0, line: row as u64 + 2, field: 0 });
        }
        guess.verdict("c", &[PathBuf::from("t.csv")]).unwrap()
    }

    fn note(texts: &[&str]) -> String {
        verdict(texts, None).note.unwrap_or_default()
    }

    #[test]
    fn texts_that_are_half_of_a_type_are_named() {
        assert!(
            note(&["1", "2", "3", "?"])
                .contains("1 of its 4 values is no numbers, first `?` in line 5")
        );
        assert!(
            note(&["?", "?", "1", "2"])
                .contains("2 of its 4 values are no numbers, first `?` in line 2")
        );
        assert!(note(&["2013-01-01", "2013-01-02", "soon"]).contains("no times, first `soon`"));
        assert!(
            note(&["true", "false", "TRUE", "maybe"]).contains("no truth values, first `maybe`")
        );
        assert_eq!(note(&["a", "b", "c", "1"]), "");
    }

    #[test]
    fn texts_that_look_like_numbers_or_dates_are_named() {
        for (text, what) in [
            ("12,34", "decimal comma"),
            ("-0,5", "decimal comma"),
            ("1.234,5", "decimal comma"),
            ("1,234,567", "groups"),
            ("12 345", "groups"),
            ("$5.20", "currency"),
            ("1 200 €", "currency"),
            ("5.5%", "without `%`"),
            ("31/12/2013", "dates"),
            ("1.2.13", "dates"),
            ("12-31-2013 17:00", "dates"),
            ("2013/12/31", "dates"),
        ] {
            assert!(
                note(&[text, text, "x"]).contains(what),
                "{text}: {}",
                note(&[text, text, "x"])
            );
        }
        for text in ["a,b", "v1.2", "10.0.0.1x", "-", "", "%", "$", "555-1234"] {
            assert_eq!(note(&[text, text]), "", "{text}");
        }
    }

    #[test]
    fn what_was_settled_stays_as_long_as_every_value_is_of_it() {
        let integer = verdict(&["1", "2.5"], Some(Reading::Integer));
        assert_eq!((integer.reading, integer.field.integer), (Some(Reading::Integer), true));
        let date = verdict(&["2013-01-01", "2013-01-01 10:00"], Some(Reading::Date));
        assert_eq!((date.reading, date.field.dates), (Some(Reading::Date), true));
        let texts = verdict(&["1", "2"], Some(Reading::Category));
        assert_eq!(texts.field.kind, ColumnType::Category);
        let truth = verdict(&["true", "1", "0"], Some(Reading::Boolean));
        assert!(truth.unfit.is_none() && truth.field.kind == ColumnType::Boolean);
        let none = verdict(&[], Some(Reading::Time));
        assert_eq!(none.reading, Some(Reading::Time), "missing values change no column");
    }

    #[test]
    fn what_was_settled_otherwise_is_unfit_for_those_who_read_it() {
        let found = verdict(&["1", "2", "A-3"], Some(Reading::Integer));
        assert_eq!((found.field.kind, found.reading), (ColumnType::Category, None));
        let unfit = found.unfit.unwrap();
        assert!(unfit.held);
        let table = (String::new(), vec![PathBuf::from("t.csv")]);
        let error = unfit.error([(&table.0, &table.1)]).to_string();
        assert!(error.starts_with("t.csv:4:1: column `c`: `A-3` is not a number, and"), "{error}");
    }

    #[test]
    fn what_a_float_cannot_hold_is_a_text_and_unfit() {
        for bad in ["inf", "NaN", "9007199254740993", "1e999"] {
            let found = verdict(&["1", bad], None);
            assert_eq!((found.field.kind, found.reading), (ColumnType::Category, None), "{bad}");
            assert!(found.unfit.is_some());
            // Among texts it is a text like any other.
            assert!(verdict(&["1", bad, "x"], None).unfit.is_none());
        }
    }
}
