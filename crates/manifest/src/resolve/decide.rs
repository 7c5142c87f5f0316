//! Resolution of `positive` and `threshold`.

use collegium_records::Code;
use toml::Spanned;

use crate::{
    At, Decide, DecisionThreshold, Task,
    bounds::{bound, not_empty},
    raw::{RawCriterion, RawDecide, ThresholdChoice},
    sink::Sink,
};

/// Values out of range, and tables that choose by nothing or by two things.
pub(crate) fn check(raw: RawDecide<'_>, sink: &mut Sink) {
    if let Some(positive) = raw.positive {
        not_empty(sink, "positive", positive);
    }
    let Some(threshold) = raw.threshold.as_deref() else { return };
    match threshold.get() {
        ThresholdChoice::Fixed(value) => {
            let value = At(Spanned::new(threshold.span(), *value));
            bound(sink, "threshold", &Some(value), |x| (0.0..=1.0).contains(&x), "from 0 to 1");
        }
        ThresholdChoice::Best(_) => {}
        ThresholdChoice::By(by) => {
            bound(sink, "recall", &by.recall, |x| x > 0.0 && x <= 1.0, "above 0 and at most 1");
            let cost = |x: f64| x.is_finite() && x >= 0.0;
            let least = "a finite number of at least 0";
            bound(sink, "false_positive", &by.false_positive, cost, least);
            bound(sink, "false_negative", &by.false_negative, cost, least);
            check_criterion(by, threshold, sink);
        }
    }
}

fn check_criterion(by: &RawCriterion, threshold: &At<ThresholdChoice>, sink: &mut Sink) {
    let help = "write `{ recall = 0.9 }`, or `{ false_positive = 1, false_negative = 5 }`";
    let costs = [&by.false_positive, &by.false_negative];
    let mut wrong = |code, at, message: &str, label: &str| {
        sink.local(sink.error(code, at, message).label(label).help(help));
    };
    match (&by.recall, costs) {
        (Some(recall), [Some(_), _] | [_, Some(_)]) => wrong(
            Code::ConflictingKeys,
            recall.span(),
            "`threshold` is chosen by a recall or by costs, not by both",
            "and there are costs",
        ),
        (None, [None, None]) => {
            wrong(Code::EmptyValue, threshold.span(), "`threshold` is chosen by nothing", "empty");
        }
        (None, [Some(one), None] | [None, Some(one)]) => wrong(
            Code::KeyNeedsAnother,
            one.span(),
            "the cost of one error says nothing without that of the other",
            "one cost of two",
        ),
        (None, [Some(one), Some(other)]) if *one.get() == 0.0 && *other.get() == 0.0 => wrong(
            Code::ValueOutOfRange,
            one.span(),
            "no error costs anything: every threshold is as good",
            "and the other is 0, too",
        ),
        _ => {}
    }
}

/// Both keys; a regression has neither.
pub(crate) fn resolve(raw: RawDecide<'_>, task: Option<Task>, sink: &mut Sink) -> Decide {
    if task == Some(Task::Regression) {
        let places = [
            ("positive", raw.positive.as_ref().map(At::span)),
            ("threshold", raw.threshold.as_deref().map(At::span)),
        ];
        for (key, place) in places.into_iter().filter_map(|(key, at)| Some((key, at?))) {
            sink.global(
                sink.error(Code::KeyDoesNotApply, place, format!("a regression has no `{key}`"))
                    .label("only for a target of two classes")
                    .help("take it out"),
            );
        }
    }
    let threshold = raw.threshold.as_deref().and_then(|threshold| {
        let known = match threshold.get() {
            ThresholdChoice::Fixed(value) => DecisionThreshold::Fixed(*value),
            ThresholdChoice::Best(_) => DecisionThreshold::F1,
            ThresholdChoice::By(by) => match (&by.recall, &by.false_positive, &by.false_negative) {
                (Some(recall), ..) => DecisionThreshold::Recall(*recall.get()),
                (None, Some(alarm), Some(miss)) => DecisionThreshold::Costs {
                    false_positive: *alarm.get(),
                    false_negative: *miss.get(),
                },
                _ => return None,
            },
        };
        Some(Spanned::new(threshold.span(), known))
    });
    Decide { positive: raw.positive.as_ref().map(|positive| positive.0.clone()), threshold }
}
