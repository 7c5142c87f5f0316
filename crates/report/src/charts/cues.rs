//! Chart of an ablation (cue test): a metric before and after an input is removed.

use collegium_records::{Cue, MetricDiff};
use maud::{Markup, html};

use super::bars::{Across, Row, table};
use crate::number::{measure, number};
use crate::words::metric_name;

/// Bars of one metric before and after, with the constant baseline's value as a dashed line. Nothing
/// where the cue has not this metric.
pub(crate) fn cue(cue: &Cue, metric: &str, constant: Option<f64>) -> Option<Markup> {
    let after = [("removed", &cue.removed), ("permuted", &cue.permuted), ("swapped", &cue.swapped)]
        .map(|(name, metrics)| (name, metrics.get(metric)));
    let before = after.iter().find_map(|(_, diff)| *diff)?.before;
    let values =
        after.iter().filter_map(|(_, diff)| diff.map(|d| d.after)).chain([before]).chain(constant);
    let across = Across::all(values.collect::<Vec<_>>().into_iter());
    let row = |name: &str, value: f64, class: &str, figures: Vec<Markup>| Row {
        name: html! { (name) },
        muted: false,
        strip: html! {
            (across.zero())
            (across.bar(value, class))
            @if let Some(constant) = constant { (across.mark(constant, &html! { path.chance d="M0 -11V12" {} })) }
        },
        figures,
    };
    let mut rows =
        vec![row("as it is", before, "", vec![html! { (measure(before, None).0) }, html! {}])];
    rows.extend(after.into_iter().filter_map(|(name, diff)| {
        let diff = diff?;
        Some(row(
            name,
            diff.after,
            "without",
            vec![html! { (measure(diff.after, None).0) }, change(diff)],
        ))
    }));
    Some(html! {
        (table(&[&metric_name(metric), "Value", "Change"], &rows))
    })
}

/// The difference with its interval.
fn change(diff: &MetricDiff) -> Markup {
    let (shown, range) = measure(diff.difference, diff.interval.as_ref());
    let sign = if diff.difference > 0.0 && number(diff.difference) != "n/a" { "+" } else { "" };
    html! { (sign) (shown) @if let Some(range) = range { span.aside { (range) } } }
}
