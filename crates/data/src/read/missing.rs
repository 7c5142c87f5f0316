//! Missing values: one list of texts that mean "missing", for every format.

use crate::{cast::named_boolean, time};

/// The texts that mean "missing", and what they are as typed values.
#[derive(Debug, Clone)]
pub(super) struct Missing {
    texts: Vec<String>,
    numbers: Vec<f64>,
    nan: bool,
    times: Vec<i64>,
    booleans: Vec<bool>,
}

impl Missing {
    pub(super) fn new(texts: &[String]) -> Self {
        let floats = || texts.iter().filter_map(|text| text.parse::<f64>().ok());
        Self {
            texts: texts.to_vec(),
            numbers: floats().filter(|value| !value.is_nan()).collect(),
            nan: floats().any(f64::is_nan),
            times: texts.iter().filter_map(|text| time::parse(text)).collect(),
            booleans: texts.iter().filter_map(|t| named_boolean(t)).map(|v| v == 1).collect(),
        }
    }

    /// A text without blanks around it. A number, a time or a truth value that means "missing" does so in
    /// every spelling, as it would in a typed file: `-999` and `-999.0`.
    pub(super) fn is_text(&self, text: &str) -> bool {
        self.texts.iter().any(|token| token == text)
            || !self.numbers.is_empty()
                && text.parse().is_ok_and(|value: f64| self.numbers.contains(&value))
            || !self.times.is_empty() && time::parse(text).is_some_and(|value| self.is_time(value))
            || !self.booleans.is_empty()
                && named_boolean(text).is_some_and(|value| self.is_boolean(value == 1))
    }

    pub(super) fn is_number(&self, value: f64) -> bool {
        self.numbers.contains(&value) || self.nan && value.is_nan()
    }

    /// Does no number mean "missing"?
    pub(super) fn has_no_number(&self) -> bool {
        self.numbers.is_empty() && !self.nan
    }

    pub(super) fn is_time(&self, value: i64) -> bool {
        self.times.contains(&value)
    }

    pub(super) fn is_boolean(&self, value: bool) -> bool {
        self.booleans.contains(&value)
    }
}
