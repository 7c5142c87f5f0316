//! Figures over rotated sides: the mean with its interval, the declared split beside it, baselines paired.

use collegium_records::{NodeAudit, RotatedFigure, metric_words};
use maud::{Markup, html};

use super::direction;
use crate::number::{SPACE, common_decimals, count, measure};
use crate::page::figure;
use crate::words::{baseline_name, compared, metric_name, on, verdicts_in};

/// The table of one expert; nothing without rotations.
pub(super) fn table(node: &NodeAudit) -> Option<Markup> {
    let of = node.rotated.as_ref()?;
    let mut shown = compared(node);
    shown.retain(|metric| of.metrics.contains_key(*metric));
    // A column and its differences have the same digits.
    let digits = |metric: &str| {
        let less = of.against.values().filter_map(|by| by.get(metric));
        let all = of.metrics.get(metric).into_iter().chain(less);
        common_decimals(&all.map(|one| (one.mean, one.interval.as_ref())).collect::<Vec<_>>())
    };
    let cell = |metric: &str, found: Option<&RotatedFigure>| {
        html! {
            td.figure { @match found {
                Some(found) => (figure(found.mean, found.interval.as_ref(), digits(metric))),
                None => span.soft { "–" },
            } }
        }
    };
    Some(html! {
        @if shown.is_empty() { p { "No metric was measured in every rotation." } } @else {
            table.plain {
                thead { tr {
                    th scope="col" { (of.sides.len()) " rotations" }
                    @for metric in &shown { th.figure scope="col" { (metric_name(metric)) (SPACE) (direction(metric)) } }
                    th scope="col" { "Verdict on this expert" }
                } }
                tbody {
                    tr.own { th scope="row" { "mean" } @for metric in &shown { (cell(metric, of.metrics.get(*metric))) } td {} }
                    @for (name, metrics) in &of.against {
                        tr {
                            th scope="row" { "less " (baseline_name(name, node)) }
                            @for metric in &shown { (cell(metric, metrics.get(*metric))) }
                            td { (verdicts_in(node, name, &shown)) }
                        }
                    }
                    tr {
                        th scope="row" { "declared split" }
                        @for metric in &shown {
                            td.figure { @match on(node.metrics.get("test"), metric) {
                                Some((value, interval)) => (figure(value, interval, digits(metric))),
                                None => span.soft { "–" },
                            } }
                        }
                        td {}
                    }
                }
            }
            p.caption { (caption(node, &shown)) }
        }
    })
}

/// What a rotation is, and the figure of each.
fn caption(node: &NodeAudit, shown: &[&str]) -> String {
    let Some(of) = &node.rotated else { return String::new() };
    let tested: u64 = of.sides.iter().map(|sides| sides.test).sum();
    let each: Vec<String> = shown
        .iter()
        .take(1)
        .filter_map(|metric| Some((metric, of.metrics.get(*metric)?)))
        .map(|(metric, figure)| {
            let values = figure.each.iter().map(|value| measure(*value, None).0);
            let values: Vec<String> = values.collect();
            format!(" {} of each: {}.", metric_words(metric), values.join(", "))
        })
        .collect();
    format!(
        "Mean over rotations of the sides, with a 95 % interval that allows for training rows which rotations share \
         (Nadeau and Bengio 2003). {} rows were tested, each by models fitted without it. Differences are paired.{}",
        count(tested),
        each.concat()
    )
}
