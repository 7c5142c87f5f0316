//! Parsing of `evaluate.require`: conditions on metrics that a run must meet.

use collegium_records::{CLASSIFICATION_METRICS, Code, METRICS, REGRESSION_METRICS};

use super::{
    merged::MergedExperts,
    names::{Names, Node},
};
use crate::{
    At, Comparator, Requirement, Task,
    sink::Sink,
    suggest::{did_you_mean, list},
};

const SPLITS: [&str; 3] = ["train", "valid", "test"];
const GRAMMAR: &str = "write `expert.NAME SPLIT METRIC >= BOUND`, for example \
                       `expert.arrival test auc >= 0.70`";

/// Takes a requirement apart; `None` when it has been reported.
pub(crate) fn parse(
    text: &At<String>,
    names: &Names,
    merged: &MergedExperts<'_>,
    sink: &mut Sink,
) -> Option<Requirement> {
    let value = text.get().as_str();
    // `part` is a slice of `value`: its place is the distance of their beginnings.
    let place = |part: &str, sink: &Sink| {
        let start = part.as_ptr() as usize - value.as_ptr() as usize;
        sink.source.within(&text.span(), value, start..start + part.len())
    };
    let Some(at) = value.find(['<', '>', '=']) else {
        return malformed(text, "no comparison: `>=`, `<=`, `>` or `<`", sink);
    };
    let (left, right) = value.split_at(at);
    let bound = right.trim_start_matches(['<', '>', '=']);
    let comparison = match &right[..right.len() - bound.len()] {
        ">=" => Comparator::AtLeast,
        "<=" => Comparator::AtMost,
        ">" => Comparator::Above,
        "<" => Comparator::Below,
        other => {
            let finding = sink
                .error(
                    Code::NotARequirement,
                    place(&right[..other.len()], sink),
                    format!("`{other}` is no comparison"),
                )
                .label("expected `>=`, `<=`, `>` or `<`");
            sink.local(finding);
            return None;
        }
    };
    let words: Vec<&str> = left.split_whitespace().collect();
    let [node, split, metric] = words[..] else {
        return malformed(
            text,
            "expected an expert, a split and a metric before the comparison",
            sink,
        );
    };
    let bound = bound.trim();
    let number = bound.parse::<f64>().ok().filter(|number| number.is_finite());
    if number.is_none() {
        if bound.is_empty() {
            return malformed(text, "no bound", sink);
        }
        sink.local(
            sink.error(
                Code::NotARequirement,
                place(bound, sink),
                format!("`{bound}` is no finite number"),
            )
            .label("expected a number"),
        );
    }
    for (word, known, what) in [(split, &SPLITS[..], "split"), (metric, &METRICS[..], "metric")] {
        if !known.contains(&word) {
            let finding = sink
                .error(
                    Code::NotARequirement,
                    place(word, sink),
                    format!("there is no {what} `{word}`"),
                )
                .label(format!("unknown {what}"));
            sink.local(finding.maybe_help(did_you_mean(word, known, "there are")));
        }
    }
    let expert = expert(node, names, place(node, sink), sink)?;
    let task = merged.get(expert).and_then(|expert| expert.raw.task.as_ref()).map(|t| *t.get());
    if let Some(task) = task
        && METRICS.contains(&metric)
        && !of_task(task).contains(&metric)
    {
        sink.global(
            sink.error(
                Code::NotARequirement,
                place(metric, sink),
                format!("`{expert}` has no `{metric}`"),
            )
            .label(format!("not a metric of {}", task.name()))
            .help(format!("there are {}", list(of_task(task)))),
        );
    }
    if !SPLITS.contains(&split) || !METRICS.contains(&metric) {
        return None;
    }
    Some(Requirement {
        expert: expert.to_owned(),
        split: split.to_owned(),
        metric: metric.to_owned(),
        comparison,
        bound: number?,
        text: value.to_owned(),
    })
}

/// The metrics that a task has.
fn of_task(task: Task) -> &'static [&'static str] {
    match task {
        Task::Classification => &CLASSIFICATION_METRICS,
        Task::Regression => &REGRESSION_METRICS,
    }
}

fn malformed(text: &At<String>, label: &str, sink: &mut Sink) -> Option<Requirement> {
    sink.local(
        sink.error(
            Code::NotARequirement,
            text.span(),
            format!("`{}` is not a requirement", text.get()),
        )
        .label(label)
        .help(GRAMMAR),
    );
    None
}

fn expert<'a>(
    node: &'a str,
    names: &Names,
    place: std::ops::Range<usize>,
    sink: &mut Sink,
) -> Option<&'a str> {
    let name = crate::bare_name(node);
    if name == node {
        let finding = sink
            .error(Code::NotARequirement, place, format!("`{node}` is no expert"))
            .label("expected `expert.NAME`");
        sink.local(match names.of(node) {
            Node::Expert | Node::Broken => {
                let section = names.kind(node).rsplit(' ').next().unwrap_or("expert");
                finding.help(format!("did you mean `{section}.{node}`?"))
            }
            _ => finding.help(GRAMMAR),
        });
        return None;
    }
    match names.of(name) {
        Node::Expert => Some(name),
        Node::Broken => None,
        Node::Data | Node::Unknown => {
            let near = || {
                let known: Vec<String> = names
                    .all(Node::Expert)
                    .iter()
                    .map(|name| {
                        let kind = names.kind(name).rsplit(' ').next().unwrap_or("expert");
                        format!("{kind}.{name}")
                    })
                    .collect();
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                did_you_mean(node, &known, "there are")
            };
            let help = sink.may_compare(names.len()).then(near).flatten();
            sink.global(
                sink.error(Code::NoSuchNode, place, format!("there is no expert `{name}`"))
                    .label("unknown expert")
                    .maybe_help(help),
            );
            None
        }
    }
}
