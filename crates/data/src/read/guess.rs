//! Type inference: the type of a column by all of its values; one rule for every format.
//!
//! Values come as texts (of a text file, or a column of texts of a typed one) or typed. A column whose
//! values are all numbers is one of numbers, and so for truth values and times; anything else is a
//! category. What a type cannot hold (an infinity, an identifier beyond 2^53) never ends the reading:
//! the column becomes a category of its texts, and whoever reads it is told why.

use std::path::PathBuf;

use collegium_manifest::ColumnType;
use collegium_records::thousands;

use super::{Field, looks::Looks, style::Style};
use crate::{
    DataError,
    cast::{EXACT, Why, boolean, named_boolean, refuse},
    number_text,
    remark::{Cell, Remark},
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

/// The first few values of one type, each text once.
#[derive(Debug, Default)]
struct Firsts(Vec<Odd>);

impl Firsts {
    const MOST: usize = 3;

    fn see(&mut self, at: At, text: impl FnOnce() -> String) {
        if self.0.len() < Self::MOST {
            let text = text();
            if self.0.iter().all(|odd| odd.text != text) {
                self.0.push(Odd { at, text, why: Why::Wrong });
            }
        }
    }
}

/// State of the type inference of a column.
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
    /// The first values of no type, and of each other type.
    text: Firsts,
    number: Firsts,
    boolean: Firsts,
    time: Firsts,
    /// The first number that a float cannot hold.
    bad: Option<Odd>,
    /// The first value that is not read as was settled or forced.
    misfit: Option<Odd>,
    looks: Looks,
}

/// The inferred type of a column.
pub(super) struct Verdict {
    pub(super) field: Field,
    /// How it is read from now on; `None` as long as it has no values, or as they are unfit.
    pub(super) reading: Option<Reading>,
    pub(super) unfit: Option<Unfit>,
    /// What a person who reads it should know.
    pub(super) remark: Option<Remark>,
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
            text: Firsts::default(),
            number: Firsts::default(),
            boolean: Firsts::default(),
            time: Firsts::default(),
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
                self.number.see(at, || text.to_owned());
            }
            (Err(why @ (Why::Inexact | Why::NotFinite)), ..) => {
                self.numbers += 1;
                self.number.see(at, || text.to_owned());
                if self.bad.is_none() {
                    self.bad = Some(odd(why));
                }
            }
            (_, Some(_), _) => {
                self.booleans += 1;
                self.boolean.see(at, || text.to_owned());
            }
            (_, _, Some(moment)) => {
                self.times += 1;
                self.dates &= moment.rem_euclid(time::DAY) == 0;
                self.time.see(at, || text.to_owned());
            }
            _ => {
                self.text.see(at, || text.to_owned());
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
        if count > 0 {
            self.number.see(at, || "an integer".to_owned());
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
        self.number.see(at, || number_text(value));
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
        self.boolean.see(at, || value.to_string());
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
        self.time.see(at, text);
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
    ///
    /// `missing` are the texts that mean "missing".
    pub(super) fn verdict(
        mut self,
        name: &str,
        files: &[PathBuf],
        missing: &[String],
    ) -> Result<Verdict, DataError> {
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
            let remark = self.remark(name, reading.kind(), missing);
            return Ok(Verdict {
                field: reading.field(name),
                reading: Some(reading),
                unfit: None,
                remark,
            });
        }
        if let (Some(reading), Some(odd)) = (self.settled, self.misfit.take()) {
            let error = place(changed(name, reading, &odd), odd.at);
            let held = if self.bad.is_some() { Reading::Category } else { new };
            let what = format!("no longer {}", of_kind(reading.kind()));
            let unfit = Unfit::new(name, true, &error, files).what(what);
            let field = held.field(name);
            return Ok(Verdict { field, reading: None, unfit: Some(unfit), remark: None });
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
            return Ok(Verdict { field, reading: None, unfit: Some(unfit), remark: None });
        }
        let remark = self.remark(name, kind, missing);
        let reading = (self.present > 0).then_some(new);
        Ok(Verdict { field: new.field(name), reading, unfit: None, remark })
    }

    /// What is said of a column of texts that are nearly something else, or of nothing at all.
    fn remark(&self, name: &str, kind: ColumnType, missing: &[String]) -> Option<Remark> {
        if self.present == 0 {
            return Some(Remark::new(format!("column `{name}` has no values")));
        }
        if kind != ColumnType::Category || self.forced.is_some() {
            return None;
        }
        let numbers = self.number.0.iter().map(|odd| odd.text.as_str());
        let look = self.looks.like(name, &self.style, numbers);
        let present = self.present;
        for (count, is, are, kind) in [
            (self.numbers, "number", "numbers", ColumnType::Number),
            (self.times, "time", "times", ColumnType::Time),
            (self.booleans, "truth value", "truth values", ColumnType::Boolean),
        ] {
            // What is of all three in parts, is none of them.
            if count * 2 < present || count == present {
                continue;
            }
            let odd = self.odd_ones(kind);
            let others = present - count;
            let no = if others == 1 { format!("is no {is}") } else { format!("are no {are}") };
            let text = format!(
                "column `{name}` is a category, because {} of its {} values ({}) {no}",
                thousands(others),
                thousands(present),
                percent(others, present),
            );
            let help = match &look {
                Some(look) if look.kind == kind => {
                    format!("they look like {}: {}", look.what, look.way_out)
                }
                _ => ways_out(name, &odd, missing),
            };
            let cells = odd.iter().map(|odd| Cell {
                text: odd.text.clone(),
                file: odd.at.file,
                line: odd.at.line,
            });
            return Some(Remark::new(text).cells(cells.collect()).fallen(kind, help));
        }
        let look = look?;
        let help = format!("{}; if they are texts, say so: {}", look.way_out, as_texts(name));
        Some(Remark::new(look.sentence(name)).fallen(look.kind, help))
    }

    /// The first values that are not of a type, in the order of the files.
    fn odd_ones(&self, kind: ColumnType) -> Vec<&Odd> {
        let all = [&self.text, &self.number, &self.boolean, &self.time].into_iter();
        let mut odd: Vec<&Odd> =
            all.flat_map(|firsts| &firsts.0).filter(|odd| !self.is_of(&odd.text, kind)).collect();
        odd.sort_by_key(|odd| (odd.at.file, odd.at.line));
        odd.truncate(Firsts::MOST);
        odd
    }

    /// Is a text that was kept a value of this type?
    fn is_of(&self, text: &str, kind: ColumnType) -> bool {
        match kind {
            ColumnType::Number => !matches!(self.style.number(text), Err(Why::Wrong)),
            ColumnType::Time => self.style.time(text).is_some(),
            _ => named_boolean(text).is_some(),
        }
    }
}

/// What to do about a few cells that made a category of a column.
fn ways_out(name: &str, odd: &[&Odd], missing: &[String]) -> String {
    let mut texts = missing.to_vec();
    texts.extend(odd.iter().map(|odd| odd.text.clone()));
    format!(
        "if such a cell means that the value is missing, say so: `missing = {texts:?}`; if it is wrong, correct \
         it; if the column is one of texts, say so: {}",
        as_texts(name)
    )
}

fn as_texts(name: &str) -> String {
    let bare = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    match bare && !name.is_empty() {
        true => format!("`types = {{ {name} = \"category\" }}`"),
        false => format!("`types = {{ {name:?} = \"category\" }}`"),
    }
}

/// A share that is never rounded to nothing.
fn percent(part: u64, whole: u64) -> String {
    match 100.0 * part as f64 / whole as f64 {
        share if share < 0.01 => "less than 0.01 %".to_owned(),
        share if share < 1.0 => format!("{share:.2} %"),
        share => format!("{share:.1} %"),
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
        let missing = [String::new(), "NA".to_owned()];
        guess.verdict("c", &[PathBuf::from("t.csv")], &missing).unwrap()
    }

    fn note(texts: &[&str]) -> String {
        let files = (String::new(), vec![PathBuf::from("t.csv")]);
        let said = |remark: Remark| {
            let help = remark.help.clone().unwrap_or_default();
            format!("{}: {help}", remark.sentence([(&files.0, &files.1)]))
        };
        verdict(texts, None).remark.map(said).unwrap_or_default()
    }

    #[test]
    fn a_few_cells_that_make_a_category_are_named_with_share_places_and_ways_out() {
        let mut texts: Vec<String> = (0..10_000).map(|value| value.to_string()).collect();
        for (row, text) in
            [(17, "n/a"), (400, "?"), (401, "?"), (9_000, "true"), (9_001, "2013-01-01")]
        {
            texts[row] = text.to_owned();
        }
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        assert_eq!(
            note(&texts),
            "column `c` is a category, because 5 of its 10,000 values (0.05 %) are no numbers, such as `n/a` \
             (t.csv:19), `?` (t.csv:402), `true` (t.csv:9002): if such a cell means that the value is missing, \
             say so: `missing = [\"\", \"NA\", \"n/a\", \"?\", \"true\"]`; if it is wrong, correct it; if the \
             column is one of texts, say so: `types = { c = \"category\" }`"
        );
        assert_eq!(verdict(&texts, None).remark.unwrap().fallen_from, Some(ColumnType::Number));
        assert_eq!(verdict(&["a", "b", "1"], None).remark, None);
    }

    #[test]
    fn numbers_among_which_some_are_grouped_are_told_what_reads_the_groups() {
        let said = note(&["12.5", "999.25", "7.125", "1,234.5"]);
        assert!(said.contains("1 of its 4 values (25.0 %) is no number"), "{said}");
        assert!(
            said.ends_with("groups of digits: `read = { thousands = \",\" }` reads them"),
            "{said}"
        );
    }

    #[test]
    fn texts_that_are_half_of_a_type_are_named() {
        assert!(
            note(&["1", "2", "3", "?"])
                .contains("1 of its 4 values (25.0 %) is no number, such as `?` (t.csv:5)")
        );
        assert!(
            note(&["?", "?", "1", "2"])
                .contains("2 of its 4 values (50.0 %) are no numbers, such as `?` (t.csv:2)")
        );
        assert!(note(&["2013-01-01", "2013-01-02", "soon"]).contains("no time, such as `soon`"));
        assert!(
            note(&["true", "false", "TRUE", "maybe"]).contains("no truth value, such as `maybe`")
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
