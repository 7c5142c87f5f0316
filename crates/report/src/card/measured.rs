//! Model card: metrics, classes and weak slices.

use collegium_records::{AuditReport, Measure, NodeAudit, RequirementOutcome, SplitMeasures};

use super::text::{Paragraphs, code, inline, table};
use crate::number::{count, number, with_range};
use crate::words::{
    baseline_name, drawn_by_groups, metric_name, metrics_of, on, over_rotations, over_seeds, short,
};

pub(super) fn measured(node: &NodeAudit, page: &mut Paragraphs) {
    let names = metrics_of(node);
    if names.is_empty() {
        page.add("Nothing was measured.".into());
    } else {
        if let Some(headline) = &node.headline {
            let figure = with_range(headline.value, headline.interval.as_ref());
            let name = inline(&metric_name(&headline.metric));
            let of = over_rotations(node)
                .map_or_else(|| " on test rows".to_owned(), |(_, what)| format!(", {what}"));
            page.add(format!("The figure that stands for it: {name} {figure}{of}."));
        }
        page.add(metrics(node, &names));
        page.add("Values on test rows; in brackets 95 % bootstrap intervals.".into());
        if let Some(decided) = &node.decided {
            page.add(inline(&decided.in_words()));
        }
        let test = node.metrics.get("test").map(|test| ("test", test));
        if let Some(text) = drawn_by_groups(test.into_iter()) {
            page.add(inline(&text));
        }
        if let Some(text) = over_seeds(node.metrics.values()) {
            page.add(inline(&text));
        }
    }
    if !node.performance.classes.is_empty() {
        page.add("### By class".into());
        page.add(classes(node));
    }
    if let Some(combined) = &node.combined {
        page.add("### Against its controls".into());
        page.add(combined.verdict.iter().map(|text| inline(text)).collect::<Vec<_>>().join(" "));
    }
    slices(node, page);
    seeds(node, page);
}

/// What the pipeline requires of it.
pub(super) fn requirements(report: &AuditReport, node: &NodeAudit, page: &mut Paragraphs) {
    let of = |one: &&RequirementOutcome| {
        one.text.split_whitespace().next().is_some_and(|name| short(name) == short(&node.name))
    };
    let rows: Vec<Vec<String>> = report
        .requirements
        .iter()
        .filter(of)
        .map(|one| {
            let value = one.value.map_or_else(
                || "not measured".to_owned(),
                |value| with_range(value, one.interval.as_ref()),
            );
            let said = one.verdict_words();
            let verdict = match (one.met, one.doubt()) {
                (true, Some(doubt)) => format!("{said}; {doubt}"),
                (true, None) => said.to_owned(),
                (false, _) => format!("**{said}**"),
            };
            vec![code(&one.text), value, verdict]
        })
        .collect();
    if !rows.is_empty() {
        page.add("### Requirements".into());
        page.add(table(&["Required", "Measured", "Verdict"], &rows));
    }
}

fn metrics(node: &NodeAudit, names: &[&str]) -> String {
    let mut heading = vec!["Metric".to_owned(), "This expert".to_owned()];
    heading.extend(node.baselines.keys().map(|name| inline(&baseline_name(name, node))));
    let cell = |split: Option<&SplitMeasures>, name: &str| match on(split, name) {
        Some((value, interval)) => with_range(value, interval),
        None => "–".to_owned(),
    };
    let rows: Vec<Vec<String>> = names
        .iter()
        .map(|name| {
            let baselines = node.baselines.values().map(|by| cell(by.get("test"), name));
            [inline(&metric_name(name)), cell(node.metrics.get("test"), name)]
                .into_iter()
                .chain(baselines)
                .collect()
        })
        .collect();
    let heading: Vec<&str> = heading.iter().map(String::as_str).collect();
    table(&heading, &rows)
}

fn classes(node: &NodeAudit) -> String {
    let cell = |value: Option<Measure>| {
        value.map_or_else(
            || "–".to_owned(),
            |value| with_range(value.value, value.interval.as_ref()),
        )
    };
    let rows: Vec<Vec<String>> = node
        .performance
        .classes
        .iter()
        .map(|class| {
            vec![
                inline(&class.class),
                count(class.rows),
                cell(class.precision),
                cell(class.recall),
                cell(class.f1),
            ]
        })
        .collect();
    table(&["Class", "Rows", "Precision", "Recall", "F1"], &rows)
}

fn slices(node: &NodeAudit, page: &mut Paragraphs) {
    let Some(found) = &node.performance.slices else {
        return;
    };
    page.add("### Where it does worse".into());
    if found.slices.is_empty() {
        page.add(match found.tested {
            0 => "No slice of the validation rows stood out, so none was tested.".to_owned(),
            1 => "Nowhere that could be shown; one slice was tested.".to_owned(),
            tested => format!("Nowhere that could be shown, among {tested} slices tested."),
        });
        return;
    }
    let rows: Vec<Vec<String>> = found
        .slices
        .iter()
        .map(|slice| {
            let conditions: Vec<String> = slice.conditions.iter().map(|c| code(c)).collect();
            vec![
                conditions.join(" and "),
                count(slice.rows),
                number(slice.loss),
                number(slice.elsewhere),
                number(slice.adjusted),
            ]
        })
        .collect();
    let loss = format!("{} there", found.loss_words());
    page.add(table(&["Where", "Test rows", &loss, "elsewhere", "corrected p-value"], &rows));
}

/// Least and largest of each metric among refits.
fn seeds(node: &NodeAudit, page: &mut Paragraphs) {
    let seeds = &node.probe.seeds;
    if seeds.len() < 2 {
        return;
    }
    let ranges: Vec<String> = metrics_of(node)
        .into_iter()
        .filter_map(|name| {
            let values =
                || seeds.iter().filter_map(|m| m.get(name)).copied().filter(|v| v.is_finite());
            values().next()?;
            let (low, high) =
                (values().fold(f64::MAX, f64::min), values().fold(f64::MIN, f64::max));
            Some(format!("{} {} to {}", inline(&metric_name(name)), number(low), number(high)))
        })
        .collect();
    if !ranges.is_empty() {
        page.add(format!(
            "Among {} fits that differ in the seed alone: {}.",
            seeds.len(),
            ranges.join(", ")
        ));
    }
}
