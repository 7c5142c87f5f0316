//! Out-of-range values: values of an input outside of the range of its training rows.

use serde::{Deserialize, Serialize};

use super::exact::Exact;
use crate::{column::number_text, time};

/// The least and the largest value of an input in the training rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Span {
    low: Exact,
    high: Exact,
}

impl Span {
    pub(super) fn new(low: f64, high: f64) -> Option<Self> {
        // Adding zero makes -0 a 0: equal columns have equal encoders.
        (low <= high).then_some(Self { low: Exact(low + 0.0), high: Exact(high + 0.0) })
    }

    /// Is it inside? NaN lies nowhere, and so not outside.
    #[inline]
    pub(super) fn holds(&self, value: f64) -> bool {
        !(value < self.low.0 || value > self.high.0)
    }
}

/// Rows whose value of an input lies outside of the training range.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct OutOfRange {
    /// Such rows.
    pub rows: u64,
    /// Those of them that lie more than [`super::CLIP`] deviations off the mean, and count as that far.
    pub clipped: u64,
    /// The least value in the training rows; of a time, in seconds since 1970.
    pub low: f64,
    /// The largest value in the training rows.
    pub high: f64,
    /// The least of the values outside.
    pub least: f64,
    /// The largest of the values outside.
    pub most: f64,
    /// Is it a time?
    pub time: bool,
}

impl OutOfRange {
    /// One value that lies outside.
    pub(super) fn of(span: Span, value: f64, clipped: bool, time: bool) -> Self {
        let (low, high) = (span.low.0, span.high.0);
        Self { rows: 1, clipped: u64::from(clipped), low, high, least: value, most: value, time }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.rows += other.rows;
        self.clipped += other.clipped;
        self.least = self.least.min(other.least);
        self.most = self.most.max(other.most);
    }

    /// In words, behind `3 rows hold`.
    pub(super) fn words(&self, name: &str) -> String {
        let text =
            |value: f64| if self.time { time::text((value * 1e6) as i64) } else { short(value) };
        let reach = match (self.least < self.low, self.most > self.high) {
            (true, true) => format!("from {} up to {}", text(self.least), text(self.most)),
            (true, false) => format!("down to {}", text(self.least)),
            _ => format!("up to {}", text(self.most)),
        };
        let clipped = match self.clipped {
            0 => String::new(),
            all if all == self.rows => format!(
                "; all lie more than {} deviations off and are clipped to that",
                super::CLIP
            ),
            some => format!(
                "; {some} of them lie more than {} deviations off and are clipped to that",
                super::CLIP
            ),
        };
        format!(
            "`{name}` outside the training range {} to {}, {reach}{clipped}",
            text(self.low),
            text(self.high)
        )
    }
}

/// A number in few digits.
fn short(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 || (1e-4..1e7).contains(&size) {
        let decimals = if value == 0.0 { 0 } else { (3 - size.log10().floor() as i32).max(0) };
        let rounded = format!("{value:.0$}", decimals as usize);
        return match rounded.parse() {
            Ok(number) => number_text(number),
            Err(_) => rounded,
        };
    }
    let text = format!("{value:.3e}");
    match text.split_once('e') {
        Some((digits, power)) if digits.contains('.') => {
            format!("{}e{power}", digits.trim_end_matches('0').trim_end_matches('.'))
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_said_in_few_digits() {
        for (value, text) in [
            (1e9, "1e9"),
            (-3.0, "-3"),
            (2.987_654, "2.988"),
            (0.0, "0"),
            (123_456.7, "123457"),
            (-1.5e-7, "-1.5e-7"),
            (0.25, "0.25"),
            (1.234_56e12, "1.235e12"),
        ] {
            assert_eq!(short(value), text);
        }
    }

    #[test]
    fn what_lies_outside_is_counted_with_how_far_it_goes() {
        let span = Span::new(-3.0, 3.0).unwrap();
        assert!(span.holds(3.0) && span.holds(f64::NAN) && !span.holds(4.0));
        let mut all = OutOfRange::of(span, 1e9, true, false);
        all.add(&OutOfRange::of(span, 4.0, false, false));
        assert_eq!(
            all.words("t.x"),
            "`t.x` outside the training range -3 to 3, up to 1e9; 1 of them lie more than 8 deviations \
             off and are clipped to that"
        );
        all.add(&OutOfRange::of(span, -10.0, false, false));
        assert!(all.words("t.x").contains("from -10 up to 1e9"), "{}", all.words("t.x"));
        let day = OutOfRange::of(Span::new(0.0, 86_400.0).unwrap(), 172_800.0, false, true);
        assert_eq!(
            day.words("t.d"),
            "`t.d` outside the training range 1970-01-01 to 1970-01-02, up to 1970-01-03"
        );
    }
}
