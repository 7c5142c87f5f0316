//! Histogram of two samples of a number, for covariate shift.

use collegium_records::ShiftHistogram;
use maud::{Markup, html};

use super::{Frame, as_text, line, numbered, percentages, picture, ticks};
use crate::number::{count, number, percent, px};

/// Training rows as bars and new rows as a line of steps, both as shares of their own rows.
pub(crate) fn two_samples(found: &ShiftHistogram, id: &str, name: &str, time: bool) -> Markup {
    let (low, high) = match (found.edges.first(), found.edges.last()) {
        (Some(low), Some(high)) if low.is_finite() && high.is_finite() => (*low, *high),
        _ => return html! {},
    };
    let shares = |counts: &[u64]| -> Vec<f64> {
        let all = counts.iter().sum::<u64>().max(1) as f64;
        counts.iter().map(|rows| *rows as f64 / all).collect()
    };
    let (training, new) = (shares(&found.training), shares(&found.new));
    let most = training.iter().chain(&new).copied().fold(0.0, f64::max).max(1e-9) * 1.06;
    let frame = Frame::new((low, high), (0.0, most));
    let x = if time { days(low, high) } else { numbered(ticks(low, high, 4)) };
    let steps = found
        .edges
        .windows(2)
        .zip(&new)
        .flat_map(|(pair, share)| [Some((pair[0], *share)), Some((pair[1], *share))]);
    let inside = html! {
        (frame.axes(&x, &percentages(ticks(0.0, most, 4)), name, "share of rows"))
        @for (pair, share) in found.edges.windows(2).zip(&training) {
            @let (left, right) = (frame.x(pair[0]), frame.x(pair[1]));
            rect.bar.muted x=(px(left + 0.5)) width=(px((right - left - 1.0).max(0.5))) y=(px(frame.y(*share))) height=(px(frame.bottom - frame.y(*share))) {}
        }
        path.curve d=(line(&frame, steps)) {}
    };
    let edge = |value: f64| if time { day(value) } else { number(value) };
    let description = format!(
        "Shares of {} and of {} between {} and {}.",
        rows(&found.training, "training rows"),
        rows(&found.new, "new rows"),
        edge(low),
        edge(high)
    );
    html! {
        figure {
            (picture(id, &format!("{name}: training rows and new rows"), &description, &inside))
            (as_text(&html! {
                table.plain {
                    thead { tr { th scope="col" { "From" } th scope="col" { "To" } th.figure scope="col" { "Training" } th.figure scope="col" { "Here" } } }
                    tbody { @for (pair, (a, b)) in found.edges.windows(2).zip(training.iter().zip(&new)) {
                        tr { td { (edge(pair[0])) } td { (edge(pair[1])) } td.figure { (percent(*a)) } td.figure { (percent(*b)) } }
                    } }
                }
            }))
        }
    }
}

fn rows(counts: &[u64], what: &str) -> String {
    format!("{} {what}", count(counts.iter().sum()))
}

const DAY: f64 = 86_400e6;

/// Three dates along the axis.
fn days(low: f64, high: f64) -> Vec<(f64, String)> {
    [0.12, 0.5, 0.88].map(|part| low + part * (high - low)).map(|at| (at, day(at))).to_vec()
}

/// The date of a number of microseconds since 1970 (Hinnant, *chrono-compatible low-level date
/// algorithms*).
fn day(micros: f64) -> String {
    let days = (micros / DAY).floor() as i64 + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let (month, day) = ((month + 2) % 12 + 1, of_year - (153 * month + 2) / 5 + 1);
    format!("{:04}-{month:02}-{day:02}", year + era * 400 + i64::from(month <= 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (days, text) in [
            (0.0, "1970-01-01"),
            (-1.0, "1969-12-31"),
            (11_016.0, "2000-02-29"),
            (19_723.5, "2024-01-01"),
            (20_454.0, "2026-01-01"),
        ] {
            assert_eq!(day(days * DAY), text);
        }
    }
}
