//! Serialisation of `positive` and `threshold` to TOML.

use std::fmt::{self, Display, Formatter};

use super::{float, line, table, text};
use crate::{DecisionThreshold, Expert, Task};

/// Both keys with their defaults; nothing of a regression.
pub(super) fn written(expert: &Expert) -> String {
    let mut out = String::new();
    let task = expert.task.as_ref().map(|task| *task.get_ref());
    if task == Some(Task::Regression) {
        return out;
    }
    match &expert.decide.positive {
        Some(positive) => line(&mut out, "positive", text(positive.get_ref())),
        None => out.push_str("# positive: the second of two classes\n"),
    }
    match &expert.decide.threshold {
        Some(threshold) => line(&mut out, "threshold", threshold.get_ref()),
        None => out.push_str("# threshold: 0.5 for two classes\n"),
    }
    out
}

impl Display for DecisionThreshold {
    /// As the file writes it.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let text = match *self {
            Self::Fixed(value) => float(value),
            Self::F1 => text("f1"),
            Self::Recall(recall) => table([("recall", float(recall))]),
            Self::Costs { false_positive, false_negative } => table([
                ("false_positive", float(false_positive)),
                ("false_negative", float(false_negative)),
            ]),
        };
        f.write_str(&text)
    }
}
