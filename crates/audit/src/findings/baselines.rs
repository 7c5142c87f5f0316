//! Verdicts on an expert against its baselines: paired, on the same test rows or over rotations, with difference and interval.

use collegium_records::{
    BaselineComparison, Finding, Headline, Level, MetricDiff, NodeAudit, PairedVerdict, Topic,
    metric_words, three_digits as three,
};

/// Metrics that may say otherwise than the loss.
const OTHERS: [&str; 3] = ["auc", "accuracy", "r2"];

/// A sentence for each baseline that was compared in `loss`.
pub(super) fn of(audit: &NodeAudit, loss: &str) -> Vec<Finding> {
    // What a reader compares with; a constant is what skill is judged against.
    let baselines = [
        ("linear", "a linear model on the same inputs".to_owned()),
        ("single", format!("one {} on all raw columns", audit.noun)),
    ];
    let known = baselines.iter().filter_map(|(name, what)| {
        let BaselineComparison { diff, verdict } = audit.compared_with(name, loss)?;
        let (level, said) = match verdict {
            PairedVerdict::Better => (Level::Note, format!("It beats {what}")),
            PairedVerdict::Worse => (Level::Warning, format!("It does worse than {what}")),
            PairedVerdict::CannotTell => {
                (Level::Note, format!("No measurable difference from {what}"))
            }
            PairedVerdict::Same => {
                (Level::Note, format!("It is the same as {what} within the declared margin"))
            }
        };
        let otherwise = OTHERS.into_iter().filter_map(|metric| {
            let called = metric_words(metric);
            let BaselineComparison { diff, verdict: by_it } = audit.compared_with(name, metric)?;
            let opposed = match (verdict, by_it) {
                (PairedVerdict::Better, PairedVerdict::Worse) => "worse",
                (PairedVerdict::Worse, PairedVerdict::Better) => "better",
                _ => return None,
            };
            Some(format!(" By {called} it does {opposed}: {}, {}.", values(&diff), figures(&diff)))
        });
        let otherwise: String = otherwise.collect();
        let of = audit.stands_on().and(audit.headline.as_ref()).and_then(Headline::of_rotations);
        let (test, of) = match of {
            None => ("test ", String::new()),
            Some(of) => ("", format!(", {of}")),
        };
        let text = format!("{said}: {test}{} {}{of}.", metric_words(loss), values(&diff));
        let detail = format!("{}.{otherwise}", capital(&figures(&diff)));
        let found = Finding::new(level, Topic::Baselines, text).detail(detail);
        Some(match (*name, verdict) {
            (_, PairedVerdict::Better) => found,
            ("linear", _) => found.next(format!("Prefer the simpler model: {what}.")),
            (_, PairedVerdict::Worse) => {
                found.next(format!("Prefer {what}, or change the inputs."))
            }
            (_, PairedVerdict::CannotTell | PairedVerdict::Same) => found,
        })
    });
    known.collect()
}

/// `0.431 against 0.444`
pub(super) fn values(diff: &MetricDiff) -> String {
    format!("{} against {}", three(diff.after), three(diff.before))
}

/// `difference −0.0125, 95 % interval −0.0179 to −0.0071`
pub(crate) fn figures(diff: &MetricDiff) -> String {
    let range = match diff.interval {
        Some(interval) => {
            format!("95 % interval {} to {}", signed(interval.low), signed(interval.high))
        }
        None => "without an interval".to_owned(),
    };
    format!("difference {}, {range}", signed(diff.difference))
}

/// Three digits with a real minus.
fn signed(value: f64) -> String {
    three(value).replace('-', "−")
}

/// With a capital letter at its head.
pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
