//! What an expert uses, in one table: effect, sensitivity and direction of each input.

use collegium_records::{InputUse, NodeAudit, Reading, metric_words};
use maud::{Markup, html};

use super::{images, responses};
use crate::charts::{self, Across};
use crate::number::{SPACE, counted, fixed, measure, percent};
use crate::page::{breakable, sentence};

/// Rows that are shown at once; the rest folds away.
const SHOWN: usize = 20;

/// A correlation of moves from which an output is said to rise or to fall with an input.
const CLEAR: f64 = 0.5;

pub(crate) fn uses(node: &NodeAudit, id: &str) -> Markup {
    let agop = node.agop.as_ref().filter(|_| node.skill.is_shown());
    let Some(agop) = agop else {
        let why = node.withheld.as_deref().unwrap_or("None was recorded for this expert.");
        return html! { p.withheld { strong { "Withheld: " } (why) @if !why.ends_with('.') { "." } } };
    };
    html! {
        // An older record has no effects: sensitivity is then all there is.
        @if node.uses.is_empty() { (charts::importance(agop, &node.noun)) } @else { (table(node)) }
        @if let Some(found) = &node.probe.responses { (responses::responses(found, id)) }
        (images::whole(node))
    }
}

fn table(node: &NodeAudit) -> Markup {
    let effects = || node.uses.iter().filter_map(|one| one.effect.as_ref());
    let across = Across::all(
        effects().flat_map(|effect| [effect.cost, effect.interval.low, effect.interval.high]),
    );
    let (first, rest) = node.uses.split_at(node.uses.len().min(SHOWN));
    let metric = effects().next().map_or("loss", |effect| effect.metric.as_str());
    let rise = format!("Rise of {}", metric_words(metric));
    let headings = ["Input", rise.as_str(), "95 % interval", "AGOP share", "Direction"];
    let rows =
        |of: &[InputUse]| -> Vec<charts::Row> { of.iter().map(|one| row(one, &across)).collect() };
    let alike = effects().any(|effect| effect.alike);
    let among_all = effects().any(|effect| !effect.alike);
    html! {
        (charts::bar_table(&headings, &rows(first)))
        @if !rest.is_empty() {
            details {
                summary { (counted(rest.len() as u64, "more input", "more inputs")) ", smaller effects" }
                (charts::bar_table(&headings, &rows(rest)))
            }
        }
        p.caption {
            (rise) " on " (tested(node)) @if metric == "rmse" { ", in units of the target" } ", when the input is shuffled "
            @if alike { "among rows that are alike in the other inputs" @if among_all { "; where marked, among all rows" } }
            @else { "among all rows" }
            ". Interval: 95" (SPACE) "%, " (resampled(node)) ". " a href="#reading" { "How to read it" } "."
        }
        @if let Some(why) = node.agop.as_ref().and_then(|agop| agop.noise_floor.no_untrained.as_ref()) { p.caption { (sentence(why)) } }
    }
}

/// The rows that inputs are shuffled on.
fn tested(node: &NodeAudit) -> String {
    let rows = node.probe.cues.iter().map(|cue| cue.rows).max();
    rows.map_or_else(|| "test rows".to_owned(), |rows| counted(rows, "test row", "test rows"))
}

/// What is drawn again for an interval.
fn resampled(node: &NodeAudit) -> &'static str {
    match node.metrics.get("test").map(|test| (test.groups, &test.blocks)) {
        Some((Some(_), Some(_))) => "bootstrap over whole blocks of time",
        Some((Some(_), None)) => "bootstrap over whole groups of these rows",
        _ => "bootstrap over these rows",
    }
}

fn row(one: &InputUse, across: &Across) -> charts::Row {
    let muted = !matches!(one.reading, Reading::Used | Reading::EffectOnly | Reading::Harmful);
    let effect = one.effect.as_ref();
    let shown = effect.map(|effect| measure(effect.cost, Some(&effect.interval)));
    let (value, range) = shown.unwrap_or_else(|| ("–".to_owned(), None));
    let words = reading(one);
    let class = match one.reading {
        Reading::Harmful => "against",
        _ if muted => "muted",
        _ => "",
    };
    charts::Row {
        name: html! {
            span.name { @for (i, input) in one.inputs.iter().enumerate() { @if i > 0 { " + " } (breakable(input)) } }
            @if let Some(words) = words { span.aside.alarm[one.reading == Reading::Harmful] { (words) } }
        },
        muted,
        strip: html! {
            @if let Some(effect) = effect {
                title { (one.inputs.join(" + ")) ": " (value) @if let Some(range) = &range { " (" (range) ")" } }
                (across.zero())
                (across.bar(effect.cost, class))
                (across.whisker(effect.interval.low, effect.interval.high))
            }
        },
        figures: vec![
            html! { (value) },
            html! { span.soft { (range.as_deref().unwrap_or("–")) } },
            html! { @match one.share { Some(share) => (percent(share)), None => "–" } },
            direction(one),
        ],
    }
}

/// What is to be said of it beside its figures.
fn reading(one: &InputUse) -> Option<&'static str> {
    let effect = one.effect.as_ref();
    match one.reading {
        _ if one.inputs.len() > 1 => Some("correlated inputs, shuffled as one"),
        Reading::Used if effect.is_some_and(|effect| effect.determined) => {
            Some("determined by the other inputs: shuffled among all rows")
        }
        Reading::Used if effect.is_some_and(|effect| !effect.alike) => {
            Some("shuffled among all rows")
        }
        Reading::Used => None,
        other => Some(other.words()),
    }
}

fn direction(one: &InputUse) -> Markup {
    let Some(direction) = one.effect.as_ref().and_then(|effect| effect.direction) else {
        return html! { span.soft { "–" } };
    };
    let (arrow, word) = match direction {
        up if up >= CLEAR => ("↑", "rises"),
        down if down <= -CLEAR => ("↓", "falls"),
        _ => ("↕", "mixed"),
    };
    html! {
        span title={ "correlation of the changes of input and output: " (fixed(direction, 2)) } {
            span.direction aria-hidden="true" { (arrow) } (SPACE) (word)
        }
    }
}
