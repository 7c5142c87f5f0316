//! Row accounting and data findings: how many rows of a table are used, and what to know of its data
//! before a figure is believed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Code, Level};

/// Row accounting: how many rows of an expert's table are used, and why others are not.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RowAccount {
    /// Rows of the table.
    pub rows: u64,
    /// Rows that `where` leaves out.
    pub filtered: u64,
    /// Rows that `where` admits and whose target is missing.
    pub without_target: u64,
    /// Rows on each side: `train`, `valid`, `test`. Those that are on none of them (in a gap of a
    /// split by time) are the rest.
    pub sides: BTreeMap<String, u64>,
    /// Of a classification: the rows of each class, in the order of the logits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<ClassRows>,
    /// Of a regression: sides with rows on which the target has one value only, and the value.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub constant: BTreeMap<String, f64>,
}

impl RowAccount {
    /// Rows with a target that are on no side: in a gap of a split by time, or of a value that it leaves out.
    pub fn on_no_side(&self) -> u64 {
        let sides = self.sides.values().fold(0, |sum: u64, rows| sum.saturating_add(*rows));
        let gone = [self.filtered, self.without_target, sides];
        gone.into_iter().fold(self.rows, u64::saturating_sub)
    }

    /// Rows of one side.
    pub fn on(&self, side: &str) -> u64 {
        self.sides.get(side).copied().unwrap_or(0)
    }
}

/// The rows of one class on each side.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassRows {
    /// Its name.
    pub class: String,
    /// Training rows.
    pub train: u64,
    /// Validation rows.
    pub valid: u64,
    /// Test rows.
    pub test: u64,
}

impl ClassRows {
    /// Rows on one side.
    pub fn on(&self, side: &str) -> u64 {
        match side {
            "train" => self.train,
            "valid" => self.valid,
            _ => self.test,
        }
    }
}

/// A data finding: something to know of data before a figure is believed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Written")]
pub struct DataFinding {
    /// What it is about, one of those of [`Code::of_finding`].
    pub kind: String,
    /// For `collegium explain`: kinds with the same way out share one.
    pub code: Code,
    /// How much it matters.
    pub level: Level,
    /// The experts that it concerns: `expert.NAME`.
    pub nodes: Vec<String>,
    /// The sentence, without a full stop.
    pub text: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// A finding as it is read: reports of runs from before there were codes have none.
#[derive(Deserialize)]
struct Written {
    kind: String,
    level: Level,
    nodes: Vec<String>,
    text: String,
    #[serde(default)]
    help: Option<String>,
}

impl From<Written> for DataFinding {
    fn from(Written { kind, level, nodes, text, help }: Written) -> Self {
        Self { code: Code::of_finding(&kind), kind, level, nodes, text, help }
    }
}

/// By side (`train`, `valid`, `test`) and metric: why it could not be measured.
pub type NotMeasured = BTreeMap<String, BTreeMap<String, String>>;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_that_was_written_before_there_were_codes_is_read_with_the_code_of_its_kind() {
        let old =
            r#"{"kind": "one-class", "level": "warning", "nodes": ["expert.a"], "text": "t"}"#;
        let read: DataFinding = serde_json::from_str(old).unwrap();
        assert_eq!((read.code, read.help.as_deref()), (Code::ClassTooRare, None));
        let again = serde_json::to_string(&read).unwrap();
        assert_eq!(serde_json::from_str::<DataFinding>(&again).unwrap(), read);
        assert!(again.contains("\"code\":\"class-too-rare\""), "{again}");
    }
}
