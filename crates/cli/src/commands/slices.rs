//! Declared slices on the terminal: a line for each.

use collegium_records::{DeclaredSlice, DeclaredSlices, metric_words, three_digits as three};

use crate::human::count;

/// A line for each slice, about the metric that stands for the expert, and notes.
pub(super) fn lines(found: &DeclaredSlices, metric: Option<&str>) -> Vec<String> {
    let lines = found.slices.iter().map(|slice| line(slice, metric));
    lines.chain(found.notes.iter().map(|note| format!("{note}."))).collect()
}

fn line(slice: &DeclaredSlice, metric: Option<&str>) -> String {
    let head = format!("{}: {}", slice.slice, count(slice.measures.rows as usize, "row"));
    let value = metric.and_then(|metric| Some((metric, *slice.measures.metrics.get(metric)?)));
    let Some((metric, value)) = value else {
        let too_few = slice.measures.metrics.is_empty();
        return head + if too_few { ", too few to measure" } else { "" };
    };
    let against = slice.differences.get(metric).map_or_else(String::new, |diff| {
        let interval = diff.interval.map_or_else(String::new, |interval| {
            format!(", 95 % interval {} to {}", three(interval.low), three(interval.high))
        });
        format!(" (difference from the rest {}{interval})", three(diff.difference))
    });
    format!("{head}, {} {}{against}", metric_words(metric), three(value))
}
