//! All experts in one table.

use collegium_records::{AuditReport, NodeAudit, Reading, metric_words};
use maud::{Markup, html};

use crate::number::{SPACE, common_decimals, measure, measure_with, number, percent};
use crate::page::{breakable, link};
use crate::words::{
    Health, baseline_name, finite, headline, headline_absent, linear, metric_name, on,
    over_rotations, short,
};

/// Inputs named in the table.
const NAMED: usize = 2;

pub(super) fn table(report: &AuditReport) -> Markup {
    html! {
        h3 { "Experts" }
        table.glance role="table" {
            thead role="rowgroup" { tr role="row" {
                @for heading in ["Expert", "Predicts", "On test rows", "Baselines", "Health", "Largest effects"] {
                    th scope="col" role="columnheader" { (heading) }
                }
            } }
            tbody role="rowgroup" {
                @for node in &report.nodes {
                    @let health = Health::of(node);
                    tr role="row" {
                        th scope="row" role="rowheader" { a href=(link(&node.name)) { (short(&node.name)) } }
                        td role="cell" data-label="Predicts" { span.cell { (breakable(&node.target)) span.aside { (node.task) } } }
                        td role="cell" data-label="On test rows" { span.cell { (headline_cell(node)) } }
                        td role="cell" data-label="Baselines" { span.cell { (baselines_cell(node)) } }
                        td role="cell" data-label="Health" { span.cell { span class={ "health " (health.class()) } { (health.words()) } } }
                        td role="cell" data-label="Largest effects" { span.cell { (effects(node)) } }
                    }
                }
            }
        }
        @let shuffled = report.nodes.iter().any(|node| !node.uses.is_empty());
        @let units = report.nodes.iter().any(|node| !node.uses.is_empty() && node.task == "regression");
        @if shuffled {
            p.caption {
                "Largest effects: how much the metric rises on test rows when the input is shuffled among rows that are alike in the other inputs"
                @if units { " (RMSE in units of the target)" } "."
            }
        }
    }
}

fn headline_cell(node: &NodeAudit) -> Markup {
    if let Some((of, what)) = over_rotations(node) {
        let (value, range) = measure(of.value, of.interval.as_ref());
        return html! {
            span.line { (metric_name(&of.metric)) " " strong { (value) } }
            @if let Some(range) = range { span.aside { (range) } }
            span.aside { (what) }
        };
    }
    let Some((metric, (value, interval))) =
        headline(node).and_then(|metric| Some((metric, on(node.metrics.get("test"), metric)?)))
    else {
        return match headline_absent(node) {
            Some((_, why)) => html! { "not measured" span.aside { (why) } },
            None => html! { "not measured" },
        };
    };
    let (value, range) = measure(value, interval);
    html! {
        span.line { (metric_name(metric)) " " strong { (value) } }
        @if let Some(range) = range { span.aside { (range) } }
        @if let Some((name, why)) = headline_absent(node) { span.aside { "no " (metric_name(name)) ": " (why) } }
    }
}

fn baselines_cell(node: &NodeAudit) -> Markup {
    if let (Some((of, _)), Some(rotated)) = (over_rotations(node), &node.rotated) {
        let found = node.compared_with("linear", &of.metric);
        let digits = common_decimals(&[(of.value, of.interval.as_ref())]);
        let means = rotated.against.iter().filter_map(|(name, metrics)| {
            Some((name.as_str(), of.value - metrics.get(&of.metric)?.mean))
        });
        return html! {
            (baselines(node, &of.metric, digits, means.collect()))
            @if let Some(found) = found { span.aside { (found.verdict.beside("linear")) } }
        };
    }
    let metric = headline(node);
    let own = metric.and_then(|metric| on(node.metrics.get("test"), metric));
    let values: Vec<(&str, f64)> = metric
        .map(|metric| {
            let of = |by: &std::collections::BTreeMap<String, collegium_records::SplitMeasures>| {
                finite(&by.get("test")?.metrics, metric)
            };
            node.baselines.iter().filter_map(|(name, by)| Some((name.as_str(), of(by)?))).collect()
        })
        .unwrap_or_default();
    let digits = common_decimals(&own.into_iter().collect::<Vec<_>>());
    html! {
        (baselines(node, metric.unwrap_or_default(), digits, values))
        @if let Some(verdict) = linear(node) {
            span.aside { (verdict.beside("linear")) " in " (metric_words(&node.skill.metric)) }
        }
    }
}

/// A line for each baseline, the first of which names the metric.
fn baselines(
    node: &NodeAudit,
    metric: &str,
    digits: Option<usize>,
    values: Vec<(&str, f64)>,
) -> Markup {
    html! {
        @if values.is_empty() { "none" }
        @for (i, (name, value)) in values.into_iter().enumerate() {
            span.line {
                (baseline_name(name, node)) ": "
                @if i == 0 { (metric_words(metric)) (SPACE) }
                // A headline is a share of something: what rounds to nothing is shown as nothing.
                (if value.abs() < 5e-4 { "0".to_owned() } else { measure_with(value, None, digits).0 })
            }
        }
    }
}

/// What costs most when it is shuffled within similar rows; in older records, what the output is most sensitive to.
fn effects(node: &NodeAudit) -> Markup {
    let Some(agop) = &node.agop else {
        return html! { span.soft { "withheld" } };
    };
    let counts = |reading: Reading| matches!(reading, Reading::Used | Reading::EffectOnly);
    let used = node.uses.iter().filter(|one| counts(one.reading) && one.inputs.len() == 1);
    html! {
        @if node.uses.is_empty() {
            @for row in agop.importance.iter().filter(|row| row.above_noise).take(NAMED) {
                span.line { (breakable(&row.input)) " " span.soft { (percent(row.share)) } }
            }
        } @else {
            @for one in used.take(NAMED) {
                span.line {
                    @for input in &one.inputs { (breakable(input)) }
                    @if let Some(effect) = &one.effect { " " span.soft { "+" (number(effect.cost)) } }
                }
            }
            @if !node.uses.iter().any(|one| counts(one.reading)) { span.soft { "none measurable" } }
            @else if let Some(effect) = node.uses.iter().find_map(|one| one.effect.as_ref()) {
                span.aside { "rise of" (SPACE) (metric_words(&effect.metric)) }
            }
        }
    }
}
