//! Number formatting: three significant digits, thousands separators, never a NaN.

/// A whole number: `327,346`.
pub(crate) use collegium_records::thousands as count;
use collegium_records::{Interval, MetricDiff, separated};

/// What is written in place of a number that is not finite.
pub(crate) const NOT_AVAILABLE: &str = "n/a";

/// A no-break space, as it stands between a number and its unit.
pub(crate) const SPACE: char = '\u{a0}';

/// Digits after the point that a table of measures shows at most.
const MOST_DECIMALS: usize = 5;

/// The same of an interval, one bound of which would else be rounded to 0: the digit that decides is shown.
const DECIDING_DECIMALS: usize = 8;

/// `1 row`, `2 rows`.
pub(crate) fn counted(value: u64, one: &str, many: &str) -> String {
    format!("{}{SPACE}{}", count(value), if value == 1 { one } else { many })
}

/// Three significant digits: `0.714`, `12.3`, `12,346`, `1.23 × 10⁹`.
pub(crate) fn number(value: f64) -> String {
    if !value.is_finite() {
        return NOT_AVAILABLE.to_owned();
    }
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e6).contains(&size) {
        return scientific(value);
    }
    fixed(value, decimals(value))
}

/// A measure and its interval with as many digits as the interval deserves: three significant ones,
/// more where the interval is narrower than they can tell, or where 0.9996 would read as 1.
pub(crate) fn measure(value: f64, interval: Option<&Interval>) -> (String, Option<String>) {
    measure_with(value, interval, telling_decimals(value, interval))
}

/// A measure with its interval in brackets: `0.714 (0.700 to 0.720)`.
pub(crate) fn with_range(value: f64, interval: Option<&Interval>) -> String {
    let (value, range) = measure(value, interval);
    range.map_or(value.clone(), |range| format!("{value} ({range})"))
}

/// The same with so many digits after the point, as all figures of one row have them; `None`: three significant ones.
pub(crate) fn measure_with(
    value: f64,
    interval: Option<&Interval>,
    digits: Option<usize>,
) -> (String, Option<String>) {
    if !value.is_finite() {
        return (NOT_AVAILABLE.to_owned(), None);
    }
    let show = |value: f64| digits.map_or_else(|| number(value), |digits| fixed(value, digits));
    let interval = interval.filter(|i| i.low.is_finite() && i.high.is_finite());
    (show(value), interval.map(|i| format!("{} to {}", show(i.low), show(i.high))))
}

/// Digits after the point with which all of these figures can stand in one row, each with its interval.
pub(crate) fn common_decimals(all: &[(f64, Option<&Interval>)]) -> Option<usize> {
    let large = all.iter().any(|(value, _)| value.abs() >= 1e6);
    // What has too many digits is shown as nothing beside the others.
    let each = all.iter().filter_map(|(value, interval)| telling_decimals(*value, *interval));
    if large { None } else { each.max() }
}

/// A value, another that it is compared with, their difference, and its interval, all with the same digits.
pub(crate) fn difference(diff: &MetricDiff) -> [String; 4] {
    let interval = diff.interval.as_ref();
    let digits =
        common_decimals(&[(diff.after, None), (diff.before, None), (diff.difference, interval)]);
    let (difference, range) = measure_with(diff.difference, interval, digits);
    let one = |value| measure_with(value, None, digits).0;
    [one(diff.after), one(diff.before), difference, range.unwrap_or_default()]
}

/// Digits after the point that a value and its interval ask for; `None` where powers of ten say it better.
fn telling_decimals(value: f64, interval: Option<&Interval>) -> Option<usize> {
    let interval = interval.filter(|i| i.low.is_finite() && i.high.is_finite());
    let size = value.abs().max(interval.map_or(0.0, |i| i.low.abs().max(i.high.abs())));
    if !size.is_finite() || size >= 1e6 || (size != 0.0 && size < 1e-4) {
        return None;
    }
    let mut digits = decimals(size).min(MOST_DECIMALS);
    if let Some(width) = interval.map(|i| i.high - i.low).filter(|width| *width > 1e-9 * size) {
        let telling = decimals_apart(width, MOST_DECIMALS);
        digits = digits.clamp(telling.min(digits + 2), telling + 1);
    }
    while digits < MOST_DECIMALS && value.abs() < 1.0 && fixed(value.abs(), digits).starts_with('1')
    {
        digits += 1;
    }
    let bounds = interval.map_or([0.0; 2], |i| [i.low, i.high]);
    while digits < DECIDING_DECIMALS && bounds.iter().any(|bound| vanishes(*bound, size, digits)) {
        digits += 1;
    }
    Some(digits)
}

/// Digits after the point that tell two figures apart which differ by so much; `most` at most.
fn decimals_apart(difference: f64, most: usize) -> usize {
    match difference > 0.0 {
        true => (-difference.log10()).ceil().clamp(0.0, most as f64) as usize,
        false => 0,
    }
}

/// Is a number other than 0 shown as 0? What is left over from sums that come to nothing is 0.
fn vanishes(value: f64, size: f64, digits: usize) -> bool {
    value.abs() > 1e-9 * size && value.abs() < 0.5 * 10f64.powi(-(digits as i32))
}

/// A share as a percentage: `41 %`, `4.1 %`, `< 0.1 %`; between 99 and 100 one digit more.
pub(crate) fn percent(share: f64) -> String {
    if !share.is_finite() {
        return NOT_AVAILABLE.to_owned();
    }
    let value = share * 100.0;
    let size = value.abs();
    if size >= 1e6 {
        return format!("{}{SPACE}%", number(value));
    }
    if size > 0.0 && size < 0.05 {
        let sign = if value < 0.0 { ">" } else { "<" };
        return format!("{sign}{SPACE}{}{SPACE}%", fixed(0.1f64.copysign(value), 1));
    }
    let plain = size == 0.0 || (9.95..=99.0).contains(&size) || size >= 99.95;
    format!("{}{SPACE}%", fixed(value, usize::from(!plain)))
}

/// A percentage and its interval with as many digits as the interval can tell:
/// `98.7 %` and `98.6 to 98.8 %`.
pub(crate) fn percent_measure(value: f64, low: f64, high: f64) -> (String, String) {
    if ![value, low, high].into_iter().all(|v| v.is_finite() && v.abs() < 1e4) {
        return (percent(value), format!("{} to {}", percent(low), percent(high)));
    }
    let width = (high - low).abs() * 100.0;
    let mut digits = decimals_apart(width, 3).max(usize::from(low.abs().min(high.abs()) < 0.0995));
    let size = 100.0 * low.abs().max(high.abs());
    while digits < MOST_DECIMALS && [low, high].iter().any(|x| vanishes(100.0 * x, size, digits)) {
        digits += 1;
    }
    let show = |share: f64| fixed(share * 100.0, digits);
    (format!("{}{SPACE}%", show(value)), format!("{} to {}{SPACE}%", show(low), show(high)))
}

/// Two percentages with one unit: `38 to 44 %`.
pub(crate) fn percent_range(low: f64, high: f64) -> String {
    percent_measure((low + high) / 2.0, low, high).1
}

/// A duration: `340 ms`, `3.10 s`, `2 min 5 s`, `1 h 12 min`.
pub(crate) fn seconds(value: f64) -> String {
    if !value.is_finite() || value < 0.0 {
        return NOT_AVAILABLE.to_owned();
    }
    let whole = value.round();
    if value < 1e-3 {
        format!("<{SPACE}1{SPACE}ms")
    } else if value < 1.0 {
        format!("{}{SPACE}ms", fixed(value * 1e3, 0))
    } else if value < 59.5 {
        format!("{}{SPACE}s", fixed(value, decimals(value).min(1)))
    } else if whole < 3600.0 {
        format!("{}{SPACE}min {}{SPACE}s", (whole / 60.0).floor(), whole % 60.0)
    } else if value >= 3.6e9 {
        format!("{}{SPACE}h", number(value / 3600.0))
    } else {
        let minutes = (value / 60.0).round();
        format!("{}{SPACE}h {}{SPACE}min", fixed((minutes / 60.0).floor(), 0), minutes % 60.0)
    }
}

/// An amount of memory in binary units: `40 MiB`.
pub(crate) fn bytes(value: u64) -> String {
    const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut scaled = value as f64;
    let mut unit = 0;
    while scaled >= 1024.0 && unit + 1 < UNITS.len() {
        scaled /= 1024.0;
        unit += 1;
    }
    let digits = if unit == 0 { 0 } else { decimals(scaled).min(1) };
    format!("{}{SPACE}{}", fixed(scaled, digits), UNITS[unit])
}

/// `2026-02-03T12:34:56Z` as `3 February 2026, 12:34 UTC`; anything else as it is.
pub(crate) fn instant(text: &str) -> String {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let parsed = || {
        let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
        let mut parts = date.splitn(3, '-');
        let year: u32 = parts.next()?.parse().ok()?;
        let month: usize = parts.next()?.parse().ok()?;
        let day: u32 = parts.next()?.parse().ok()?;
        let mut clock = time.splitn(3, ':');
        let hour: u32 = clock.next()?.parse().ok()?;
        let minute: u32 = clock.next()?.parse().ok()?;
        let month = MONTHS.get(month.checked_sub(1)?)?;
        Some(format!("{day} {month} {year}, {hour:02}:{minute:02} UTC"))
    };
    parsed().unwrap_or_else(|| text.to_owned())
}

/// A number with a fixed number of digits after the point, a true minus and separators.
pub(crate) fn fixed(value: f64, digits: usize) -> String {
    if !value.is_finite() {
        return NOT_AVAILABLE.to_owned();
    }
    let text = format!("{:.*}", digits, value.abs());
    let negative = value < 0.0 && text.bytes().any(|b| b.is_ascii_digit() && b != b'0');
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    format!("{}{}{rest}", if negative { "\u{2212}" } else { "" }, separated(whole))
}

/// A coordinate of a picture: one digit after the point, and always a number.
pub(crate) fn px(value: f64) -> String {
    if !value.is_finite() {
        return "0".to_owned();
    }
    let rounded = (value.clamp(-1e7, 1e7) * 10.0).round() / 10.0;
    format!("{}", rounded + 0.0)
}

/// Digits after the point that make three significant ones.
fn decimals(value: f64) -> usize {
    if value == 0.0 || !value.is_finite() {
        return 0;
    }
    let magnitude = value.abs().log10().floor();
    // 9.996 is shown as 10.0, not as 10.00.
    let magnitude =
        if value.abs() >= 10f64.powf(magnitude) * 9.995 { magnitude + 1.0 } else { magnitude };
    (2.0 - magnitude).clamp(0.0, 8.0) as usize
}

/// `1.23 × 10⁹`
fn scientific(value: f64) -> String {
    let text = format!("{value:.2e}");
    let Some((mantissa, exponent)) = text.split_once('e') else {
        return text;
    };
    let raised: String = exponent
        .chars()
        .filter_map(|c| match c {
            '-' => Some('⁻'),
            _ => "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().nth(c.to_digit(10)? as usize),
        })
        .collect();
    format!("{}{SPACE}×{SPACE}10{raised}", mantissa.replace('-', "\u{2212}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plain(text: &str) -> String {
        text.replace(SPACE, " ").replace('\u{2212}', "-")
    }

    #[test]
    fn numbers_have_three_significant_digits() {
        let shown = [0.0, 0.71391, 9.996, 12.34, 99.96, 123.4, -1234.5, 0.001234, 1.5e9, -2.5e-7]
            .map(|v| plain(&number(v)));
        let wanted = [
            "0",
            "0.714",
            "10.0",
            "12.3",
            "100",
            "123",
            "-1,234",
            "0.00123",
            "1.50 × 10⁹",
            "-2.50 × 10⁻⁷",
        ];
        assert_eq!(shown.each_ref().map(String::as_str), wanted);
    }

    #[test]
    fn a_measure_shows_as_many_digits_as_its_interval_can_tell() {
        let interval = Interval { low: 0.98481, high: 0.98553 };
        assert_eq!(
            measure(0.98512, Some(&interval)),
            ("0.9851".into(), Some("0.9848 to 0.9855".into()))
        );
        let interval = Interval { low: 0.70, high: 0.72 };
        assert_eq!(
            measure(0.7139, Some(&interval)),
            ("0.714".into(), Some("0.700 to 0.720".into()))
        );
        let interval = Interval { low: 0.0167, high: 0.0330 };
        assert_eq!(
            measure(1e-17, Some(&interval)),
            ("0.000".into(), Some("0.017 to 0.033".into()))
        );
    }

    #[test]
    fn the_digit_that_decides_is_shown() {
        let range = |low, high| measure(low, Some(&Interval { low, high })).1.map(|r| plain(&r));
        assert_eq!(range(-0.0105, 0.000363), Some("-0.0105 to 0.0004".into()));
        assert_eq!(range(0.000_04, 0.3), Some("0.00004 to 0.30000".into()));
        // Nothing is nothing, and so is what rounding leaves of it.
        assert_eq!(range(0.0, 0.02), Some("0.000 to 0.020".into()));
        assert_eq!(range(1e-17, 0.02), Some("0.000 to 0.020".into()));
        let percents = percent_measure(0.01, 0.0001, 0.021);
        assert_eq!(plain(&percents.1), "0.01 to 2.10 %");
    }

    #[test]
    fn what_stands_in_one_row_has_the_same_digits() {
        let interval = Some(Interval { low: -0.0021396, high: 0.0033663 });
        let diff = MetricDiff { before: 0.729386, after: 0.730268, difference: 0.000882, interval };
        let shown = difference(&diff).map(|text| plain(&text));
        assert_eq!(shown, ["0.7303", "0.7294", "0.0009", "-0.0021 to 0.0034"]);
    }

    #[test]
    fn what_is_not_quite_one_is_not_shown_as_one() {
        assert_eq!(measure(0.99962, None).0, "0.9996");
        assert_eq!(measure(1.0, None).0, "1.00");
        assert_eq!(plain(&percent(0.9982)), "99.8 %");
    }

    #[test]
    fn percentages_stay_short() {
        let shown =
            [0.0, 0.0002, 0.041, 0.0996, 0.412, 1.0, -0.032, -1e-5].map(|v| plain(&percent(v)));
        let wanted = ["0 %", "< 0.1 %", "4.1 %", "10 %", "41 %", "100 %", "-3.2 %", "> -0.1 %"];
        assert_eq!(shown.each_ref().map(String::as_str), wanted);
        assert_eq!(plain(&percent_range(0.38, 0.44)), "38 to 44 %");
        assert_eq!(plain(&percent_range(0.0, 0.021)), "0.0 to 2.1 %");
        let (value, range) = percent_measure(0.9871, 0.9864, 0.9877);
        assert_eq!((plain(&value).as_str(), plain(&range).as_str()), ("98.7 %", "98.6 to 98.8 %"));
        assert_eq!(plain(&percent(1.0 - 1e-15)), "100 %");
    }

    #[test]
    fn durations_and_sizes_choose_their_unit() {
        let shown = [0.0001, 0.34, 3.1, 59.7, 125.0, 4321.0].map(|v| plain(&seconds(v)));
        let wanted = ["< 1 ms", "340 ms", "3.1 s", "1 min 0 s", "2 min 5 s", "1 h 12 min"];
        assert_eq!(shown.each_ref().map(String::as_str), wanted);
        assert_eq!(plain(&bytes(41_943_040)), "40.0 MiB");
        assert_eq!(plain(&bytes(u64::MAX)), "16.0 EiB");
    }

    #[test]
    fn an_instant_is_read_or_left_alone() {
        assert_eq!(instant("2026-02-03T12:34:56.789Z"), "3 February 2026, 12:34 UTC");
        assert_eq!(instant("yesterday"), "yesterday");
        assert_eq!(instant("2026-13-03T12:34:56Z"), "2026-13-03T12:34:56Z");
    }

    proptest! {
        #[test]
        fn no_number_is_ever_printed_as_nan_or_infinity(bits: u64) {
            let value = f64::from_bits(bits);
            let interval = Interval { low: value, high: -value };
            let (shown, range) = measure(value, Some(&interval));
            let percentages = percent_measure(value, -value, value / 2.0);
            for text in [
                number(value), percent(value), seconds(value), px(value), shown, range.unwrap_or_default(),
                percentages.0, percentages.1,
            ] {
                prop_assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
                prop_assert!(text.len() < 60, "{text}");
            }
        }
    }
}
