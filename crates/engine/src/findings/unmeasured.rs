//! Reasons why a metric is undefined: an AUC needs rows of two classes, R² a target that varies.

use std::collections::BTreeMap;

use collegium_manifest::Task;
use collegium_records::{
    CLASSIFICATION_METRICS, ClassRows, EXPECTED_COST, NotMeasured, REGRESSION_METRICS, RowAccount,
    SplitMeasures, three_digits as three,
};

use super::words::side_adjective;
use crate::{
    EngineError, NodeRef,
    rows::{SIDES, side_name},
};

impl NodeRef<'_> {
    /// Why metrics of the expert's task are absent from what was measured.
    pub fn explain_absent(
        self,
        measured: &BTreeMap<String, SplitMeasures>,
    ) -> Result<NotMeasured, EngineError> {
        let names: &[&str] = match self.resolved().task {
            Task::Classification => &CLASSIFICATION_METRICS,
            Task::Regression => &REGRESSION_METRICS,
        };
        let mut found = NotMeasured::new();
        for side in SIDES {
            let (beyond, side) = (self.beyond_it(side)?, side_name(side));
            let measures = measured.get(side);
            let there = |name: &str| measures.is_some_and(|m| m.metrics.contains_key(name));
            // A metric that nobody asked for is not missed.
            let costs = self.declared_decision().costs.is_some();
            let asked = names.iter().filter(|name| **name != EXPECTED_COST || costs);
            for name in asked.filter(|name| !there(name)) {
                let account = self.account()?;
                let nothing = measures.is_some_and(|measures| measures.metrics.is_empty());
                let why = match &beyond {
                    Some(why) if nothing => why.clone(),
                    _ if *name == "precision" && there("recall") => {
                        format!("no {} row is predicted positive", side_adjective(side))
                    }
                    _ => reason(&account, side, measures),
                };
                found.entry(side.to_owned()).or_default().insert((*name).to_owned(), why);
            }
        }
        Ok(found)
    }
}

/// Why a metric is not defined on the rows of a side.
fn reason(account: &RowAccount, side: &str, measures: Option<&SplitMeasures>) -> String {
    let rows = account.on(side);
    let of = side_adjective(side);
    if rows == 0 {
        return format!("there are no {of} rows");
    }
    let nothing = measures.is_none_or(|measures| measures.metrics.is_empty());
    if let Some(SplitMeasures { seen, rows, .. }) = measures.filter(|measures| measures.seen > 0) {
        return match nothing {
            true => format!(
                "its model has seen {seen} of the {} {of} rows, and {rows} are too few",
                seen + rows
            ),
            false => {
                format!("it is not defined on the {rows} {of} rows that its model has not seen")
            }
        };
    }
    if nothing {
        return "its predictions are not finite numbers".to_owned();
    }
    if let Some(value) = account.constant.get(side) {
        return match rows {
            1 => format!("there is only one {of} row"),
            _ => format!("the target is {} on all {rows} {of} rows", three(*value)),
        };
    }
    let mut present = account.classes.iter().filter(|class| class.on(side) > 0);
    match (present.next(), present.next()) {
        (Some(ClassRows { class, .. }), None) if rows == 1 => {
            format!("there is only one {of} row, of the class `{class}`")
        }
        (Some(ClassRows { class, .. }), None) => {
            format!("all {rows} {of} rows have the class `{class}`")
        }
        _ => format!("it is not defined on these {rows} {of} rows"),
    }
}
