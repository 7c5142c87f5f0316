//! Declared slices on the terminal: a line for each.

use collegium_records::{DeclaredSlice, DeclaredSlices, three_digits as three};

/// Metrics that a line is about: the first that was measured.
const HEADLINE: [(&str, &str); 3] = [("auc", "AUC"), ("accuracy", "accuracy"), ("rmse", "RMSE")];

/// A line for each slice, and notes.
pub(super) fn lines(found: &DeclaredSlices) -> Vec<String> {
    let metric = HEADLINE.into_iter().find(|(metric, _)| {
        found.slices.iter().any(|slice| slice.measures.metrics.contains_key(*metric))
    });
    let lines = found.slices.iter().map(|slice| line(slice, metric));
    lines.chain(found.notes.iter().map(|note| format!("{note}."))).collect()
}

fn line(slice: &DeclaredSlice, metric: Option<(&str, &str)>) -> String {
    let rows = slice.measures.rows;
    let head = format!("{}: {rows} {}", slice.slice, if rows == 1 { "row" } else { "rows" });
    let value = metric
        .and_then(|(metric, name)| Some((metric, name, *slice.measures.metrics.get(metric)?)));
    let Some((metric, name, value)) = value else {
        let too_few = slice.measures.metrics.is_empty();
        return head + if too_few { ", too few to measure" } else { "" };
    };
    let against = slice.differences.get(metric).map_or_else(String::new, |diff| {
        let interval = diff.interval.map_or_else(String::new, |interval| {
            format!(", 95 % interval {} to {}", three(interval.low), three(interval.high))
        });
        format!(" (difference from the rest {}{interval})", three(diff.difference))
    });
    format!("{head}, {name} {}{against}", three(value))
}
