//! Gates and mixtures of experts: controls, routing, load balancing.

use collegium_records::{
    Combined, MetricDiff, Metrics, NodeAudit, PairedVerdict, RouteColumn, RouteFigures,
    RoutingDiagnostics, margin_of, metric_words,
};
use maud::{Markup, html};

use crate::charts::{self, Across};
use crate::number::{count, difference, number, percent};
use crate::words::{finite, headline, metric_name, short};

/// Levels of a column that are shown.
const MOST_LEVELS: usize = 12;
/// Experts up to which a table has a column for each.
const MOST_EXPERTS: usize = 12;

pub(crate) fn combined(node: &NodeAudit, combined: &Combined) -> Markup {
    html! {
        @if !combined.controls.is_empty() {
            (controls(node, combined))
            (metric_by_metric(node, combined))
        }
        @if let Some(routing) = &combined.routing {
            @if combined.decides() { (routes(routing)) } @else { (worth(routing)) }
        }
        @if let Some(gate) = &combined.gate {
            h4 { "What decides the route" }
            (charts::importance(gate, "network"))
            p.caption { "The gate's own AGOP: how much the weights of the experts answer to each of its inputs." }
        }
    }
}

/// The gate and everything that it is compared with.
fn controls(node: &NodeAudit, combined: &Combined) -> Markup {
    let metric = headline(node).unwrap_or("log_loss");
    let all = combined.controls.iter().map(|control| &control.lead);
    let across = Across::all(all.flat_map(|lead| {
        let interval = lead.interval.map_or([lead.value; 2], |i| [i.low, i.high]);
        [lead.value, interval[0], interval[1]]
    }));
    let loss = metric_words(&combined.loss);
    let rows = combined.controls.iter().map(|control| {
        let muted = matches!(control.verdict(), PairedVerdict::Same | PairedVerdict::CannotTell);
        let lead = &control.lead;
        let (low, high) = lead.interval.map_or((lead.value, lead.value), |i| (i.low, i.high));
        let name = html! { (control.what) span.aside { (control.verdict_words()) } };
        let figures = vec![
            html! { (mean(&control.metrics, metric)) },
            html! { (count(control.parameters)) },
            html! { (count(control.multiply_adds.round().max(0.0) as u64)) },
        ];
        Apart { name, values: [lead.value, low, high], muted, figures }
    });
    let name = metric_name(metric);
    // A figure of several fits is called what it is.
    let column = match combined.metrics.len() {
        0 | 1 => name.to_owned(),
        seeds => format!("{name}, mean of {seeds} seeds"),
    };
    let test = node.metrics.get("test").and_then(|test| finite(&test.metrics, metric));
    let deployed = test.map_or_else(|| "–".to_owned(), number);
    let headings =
        ["Control", "control − gate", "95 % interval", &column, "Parameters", "Multiply-adds"];
    let drawn = match node.metrics.get("test").and_then(|test| test.groups) {
        Some(_) => "the groups of the test rows",
        None => "the test rows",
    };
    let over = match combined.metrics.len() {
        0 | 1 => format!("over {drawn}, since there is one seed (audit.seeds asks for more)"),
        n => {
            format!("over {n} seeds of everything in it, paired; a verdict holds over {drawn} too")
        }
    };
    html! {
        h4 { "Against its controls" }
        (differences(&headings, &across, rows.collect()))
        p.caption {
            "The gate: " (name) " " (deployed) " as deployed" @if combined.metrics.len() > 1 { " (mean of " (combined.metrics.len()) " seeds: " (mean(&combined.metrics, metric)) ")" } ", "
            (count(combined.parameters)) " parameters in it and all above it, "
            (count(combined.multiply_adds.round().max(0.0) as u64)) " multiply-adds a row in the mean. Every control had the same rows. Bars show "
            (loss) " on test rows, control − gate: to the right of 0 the gate is better. Intervals are " (over) ". " a href="#glossary-controls" { "What the controls are" } "."
        }
    }
}

/// Metrics of the table, those of classifiers first.
const METRICS: [&str; 7] =
    ["accuracy", "auc", "log_loss", "recalibrated_log_loss", "r2", "rmse", "recalibrated_rmse"];

/// The gate and every control in each metric, paired on the same test rows.
fn metric_by_metric(node: &NodeAudit, combined: &Combined) -> Markup {
    let known = |metric: &&str| {
        combined.controls.iter().any(|control| control.against.contains_key(*metric))
    };
    let metrics: Vec<&str> = METRICS.into_iter().filter(known).collect();
    let own = |metric: &str| {
        let diff = combined.controls.iter().find_map(|control| control.against.get(metric));
        diff.map_or_else(|| "–".to_owned(), |diff| number(diff.after))
    };
    let cell = |diff: &MetricDiff, metric: &str| {
        let verdict = diff.verdict(metric, margin_of(&node.margins, metric));
        let [_, before, apart, range] = difference(diff);
        html! {
            span.value { (before) } span.aside { (verdict.words()) }
            span.aside { (apart) @if !range.is_empty() { " (" (range) ")" } }
        }
    };
    html! {
        @if !metrics.is_empty() {
            h4 { "In every metric" }
            div.scroll tabindex="0" role="region" aria-label={ "Metrics of " (short(&node.name)) " and its controls" } {
                table.plain {
                    thead { tr {
                        th scope="col" { "Model" }
                        @for metric in &metrics { th.figure scope="col" { (metric_name(metric)) } }
                    } }
                    tbody {
                        tr {
                            th scope="row" { (short(&node.name)) }
                            @for metric in &metrics { td.figure { (own(metric)) } }
                        }
                        @for control in &combined.controls { tr {
                            th scope="row" { (control.what) }
                            @for metric in &metrics {
                                td.figure { @if let Some(diff) = control.against.get(*metric) { (cell(diff, metric)) } @else { "–" } }
                            }
                        } }
                    }
                }
            }
            p.caption {
                "Each control's value on the same test rows, whether " (short(&node.name)) " is better or worse, and below it the difference (" (short(&node.name)) " − control, 95 % interval). "
                "Recalibrated: each model corrected on validation rows by itself, so that confidence alone decides nothing."
            }
        }
    }
}

/// The mean over seeds.
fn mean(metrics: &[Metrics], name: &str) -> String {
    let values: Vec<f64> = metrics.iter().filter_map(|of| finite(of, name)).collect();
    match values.len() {
        0 => "–".to_owned(),
        n => number(values.iter().sum::<f64>() / n as f64),
    }
}

/// A difference that may lie on either side of 0: the value and the ends of its interval.
struct Apart {
    name: Markup,
    values: [f64; 3],
    /// Is nothing shown by it?
    muted: bool,
    figures: Vec<Markup>,
}

/// Bars with intervals that may lie on either side of 0.
fn differences(headings: &[&str], across: &Across, rows: Vec<Apart>) -> Markup {
    let rows: Vec<charts::Row> = rows
        .into_iter()
        .map(|Apart { name, values: [value, low, high], muted, mut figures }| {
            let class = if value < 0.0 { "worse" } else { "" };
            figures.insert(0, html! { (number(value)) });
            figures.insert(1, html! { (number(low)) " to " (number(high)) });
            charts::Row {
                name,
                muted,
                strip: html! {
                    title { (number(value)) " (" (number(low)) " to " (number(high)) ")" }
                    (across.zero()) (across.bar(value, class)) (across.whisker(low, high))
                },
                figures,
            }
        })
        .collect();
    charts::bar_table(headings, &rows)
}

/// What each expert is worth where all have the same weight in every row.
fn worth(routing: &RoutingDiagnostics) -> Markup {
    let values = routing.values.iter().filter_map(|value| Some((value, value.renormalised?)));
    let ends = values.clone().flat_map(|(_, lost)| {
        lost.interval.map_or([lost.value; 2], |interval| [interval.low, interval.high])
    });
    let across = Across::all(ends);
    let rows = values.map(|(value, lost)| {
        let (low, high) = lost.interval.map_or((lost.value, lost.value), |i| (i.low, i.high));
        let (name, muted) = (html! { (value.expert) }, low <= 0.0 && high >= 0.0);
        Apart { name, values: [lost.value, low, high], muted, figures: Vec::new() }
    });
    let headings = ["Expert", "Rise without it", "95 % interval"];
    html! {
        @if !routing.values.is_empty() {
            h4 { "What each expert is worth" }
            (differences(&headings, &across, rows.collect()))
            p.caption { "Rise of test " (metric_words(&routing.loss)) " without the expert." }
        }
    }
}

/// Who answers for how much.
fn routes(routing: &RoutingDiagnostics) -> Markup {
    let all = &routing.overall;
    let shares = all.load.iter().chain(&all.importance).copied();
    let across = Across::all(shares);
    let rows = routing.experts.iter().enumerate().map(|(at, expert)| {
        let value = routing.values.get(at);
        let lost = |measure: Option<&collegium_records::Measure>| {
            measure.map_or_else(|| "–".to_owned(), |m| number(m.value))
        };
        let importance = all.importance.get(at).copied().unwrap_or_default();
        let load = all.load.get(at).copied().unwrap_or_default();
        let figures = vec![
            html! { (percent(load)) },
            html! { (lost(value.and_then(|v| v.renormalised.as_ref()))) },
            html! { (lost(value.and_then(|v| v.refitted.as_ref()))) },
        ];
        (html! { (expert) }, importance, figures)
    });
    let headings = ["Expert", "Mean weight", "Load", "Rise without it", "Rise, gate refitted"];
    html! {
        h4 { "Who answers" }
        (plain_bars(&headings, &across, rows.collect()))
        (figures(all, routing))
        @if let Some(regret) = &routing.regret {
            p {
                "Mean loss " (number(regret.mixture)) "; the best expert for each row would have " (number(regret.oracle))
                " (regret " (number(regret.regret)) "), the best single one (" (regret.best_expert) ") has " (number(regret.best_single))
                ". In " (percent(regret.oracle_share)) " of the rows the largest weight is the best expert's."
            }
        }
        @for column in routing.label.iter().chain(&routing.slices) { (column_of(column, &routing.experts)) }
        @if let Some(disagreement) = &routing.disagreement {
            p.caption {
                @if disagreement.measure == "different_labels" {
                    "Two experts name different classes in " (percent(disagreement.mean)) " of the rows in the mean."
                } @else {
                    "Two experts differ by " (number(disagreement.mean)) " deviations of the target in the mean (root mean square)."
                }
            }
        }
    }
}

fn figures(all: &RouteFigures, routing: &RoutingDiagnostics) -> Markup {
    html! {
        p.caption {
            "Mean weight and load are shares that sum to 1. Entropy of the load " (number(all.load_entropy))
            " (1: even, 0: one expert for all), of the single decision " (number(all.decision_entropy))
            " (0: it decides, 1: it does not), MaxVio " (number(all.max_violation))
            ", " (number(all.chosen)) " of " (routing.experts.len()) " experts answer for a row. Even load by itself is no success. Rise: of " (metric_words(&routing.loss)) " without the expert, its weight given to the others, or the gate fitted again. " a href="#glossary-load" { "The words" } "."
            @if !all.dead.is_empty() { " Dead: " (all.dead.join(", ")) "." }
        }
    }
}

fn plain_bars(headings: &[&str], across: &Across, rows: Vec<(Markup, f64, Vec<Markup>)>) -> Markup {
    let rows: Vec<charts::Row> = rows
        .into_iter()
        .map(|(name, value, mut figures)| {
            figures.insert(0, html! { (percent(value)) });
            charts::Row { name, muted: value == 0.0, strip: across.bar(value, ""), figures }
        })
        .collect();
    charts::bar_table(headings, &rows)
}

/// Mean weights by the levels of a column, where the route depends on it.
fn column_of(column: &RouteColumn, experts: &[String]) -> Markup {
    let Some(dependence) = &column.dependence else { return html! {} };
    if dependence.p_value > 0.05 || column.levels.is_empty() || experts.len() > MOST_EXPERTS {
        return html! {};
    }
    html! {
        details {
            summary {
                "By " code { (column.name) } ": normalised mutual information " (number(dependence.nmi))
                " (" (number(dependence.by_chance)) " by chance)"
            }
            div.scroll tabindex="0" role="region" aria-label={ "Weights by " (column.name) } {
                table.plain {
                    thead { tr { th scope="col" { "Level" } th.figure scope="col" { "Rows" } @for expert in experts { th.figure scope="col" { (short(expert)) } } } }
                    tbody {
                        @for level in column.levels.iter().take(MOST_LEVELS) {
                            tr {
                                th scope="row" { (level.level) }
                                td.figure { (count(level.figures.rows)) }
                                @for weight in &level.figures.importance { td.figure { (percent(*weight)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}
