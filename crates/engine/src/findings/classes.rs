//! Classes missing from a side of the split: one without a training row cannot be learned, and one
//! without a test row is measured by nothing.

use std::collections::BTreeMap;

use collegium_manifest::Task;
use collegium_records::{ClassRows, Level, Recipe, RowAccount, SplitMeasures};

use super::{Found, words};
use crate::{
    EngineError, NodeRef, Session,
    rows::{NO_LABEL, Rows, SIDES, Side, side_name},
};

/// Share of the rows of a held-out side whose class no training row has from which nothing is measured
/// there: an expert cannot do what it is asked. Fewer are left out of the comparison with a constant.
const UNSEEN: f64 = 0.01;

impl NodeRef<'_> {
    /// Why an expert is not measured on a side: too many of its rows are of classes that no
    /// training row has. Whatever shows a figure of a side asks this.
    pub fn beyond_it(self, side: Side) -> Result<Option<String>, EngineError> {
        if self.resolved().task == Task::Regression || side == Side::Train {
            return Ok(None);
        }
        let (held_out, train) =
            (Rows::HeldOut { expert: self.index, side }, Rows::Train { expert: self.index });
        let recipe = Recipe::new("classes beyond an expert")
            .with("held out", self.session.rows_key(held_out))
            .with("train", self.session.rows_key(train));
        let (unseen, rows) = self.session.remembered("beyond", &recipe.digest(), || {
            let known = self.trained_classes()?;
            let labels = self.labels()?;
            let rows = self.session.rows(held_out)?;
            let unknown = |row: &&u32| {
                let label = labels[**row as usize];
                label != NO_LABEL && !known[label as usize]
            };
            Ok((rows.iter().filter(unknown).count(), rows.len()))
        })?;
        let adjective = words::side_adjective(side_name(side));
        Ok((unseen > 0 && unseen as f64 >= UNSEEN * rows as f64).then(|| {
            format!("{unseen} of {rows} {adjective} rows have a class that no training row has")
        }))
    }

    /// For each class whether a training row has it.
    pub fn trained_classes(self) -> Result<Vec<bool>, EngineError> {
        let mut known = vec![false; self.resolved().classes.len()];
        let labels = self.labels()?;
        for &row in self.session.rows(Rows::Train { expert: self.index })?.iter() {
            if let Some(known) = known.get_mut(labels[row as usize] as usize) {
                *known = true;
            }
        }
        Ok(known)
    }

    /// Measures by side without those that say nothing.
    pub fn within_it(
        self,
        mut splits: BTreeMap<String, SplitMeasures>,
    ) -> Result<BTreeMap<String, SplitMeasures>, EngineError> {
        for side in SIDES {
            if let Some(measures) = splits.get_mut(side_name(side))
                && self.beyond_it(side)?.is_some()
            {
                measures.metrics.clear();
                measures.intervals.clear();
            }
        }
        Ok(splits)
    }
}

pub(super) fn of(session: &Session, index: usize, account: &RowAccount) -> Vec<Found> {
    let mut found = Vec::new();
    found.extend(not_in_training(session, index, account));
    found.extend(one_class(session, index, account));
    found.extend(not_held_out(session, index, account));
    found
}

/// Held-out rows whose class no training row has.
pub(super) fn unseen(account: &RowAccount, side: &str) -> u64 {
    account.classes.iter().filter(|class| class.train == 0).map(|class| class.on(side)).sum()
}

fn not_in_training(session: &Session, index: usize, account: &RowAccount) -> Option<Found> {
    // Without training rows there is another thing to say, and the fit says it.
    if account.on("train") == 0 {
        return None;
    }
    let lacking: Vec<&str> = account
        .classes
        .iter()
        .filter(|class| class.train == 0 && class.valid + class.test > 0)
        .map(|class| class.class.as_str())
        .collect();
    if lacking.is_empty() {
        return None;
    }
    let spec = session.node(index).declared();
    let (data, target) = (&spec.data, spec.target.get_ref());
    let (verb, has) = match lacking.as_slice() {
        [_] => ("has", "it"),
        _ => ("have", "one of them"),
    };
    let held: Vec<String> = ["valid", "test"]
        .into_iter()
        .map(|side| (side, unseen(account, side), account.on(side)))
        .filter(|(_, unseen, _)| *unseen > 0)
        .map(|(side, unseen, of)| format!("{unseen} of {of} {} rows", words::side_adjective(side)))
        .collect();
    let split = &session.pipeline.data[data].split;
    let help = if split.by.iter().any(|column| column.get_ref() == target) {
        format!(
            "`split.by` names the target, so all rows of a class are on one side: name another key, \
             or leave `{target}` out of `by`"
        )
    } else {
        "no expert can know a class that it never saw: add rows of it, deal the rows by another \
         `split.seed` or with `stratify`, or leave the class out with `where`"
            .to_owned()
    };
    Some(Found {
        kind: "class-without-training-rows",
        level: Level::Warning,
        span: spec.target.span(),
        label: format!(
            "{} of {} classes to learn from",
            account.classes.len() - lacking.len(),
            account.classes.len()
        ),
        text: format!(
            "{} of `{data}.{target}` {verb} no training row, and {} have {has}",
            words::classes(&lacking),
            held.join(" and "),
        ),
        help: Some(help),
    })
}

/// A held-out side of one class: nothing that compares classes can be measured on it.
fn one_class(session: &Session, index: usize, account: &RowAccount) -> Option<Found> {
    let sides: Vec<(&str, &ClassRows)> = ["valid", "test"]
        .into_iter()
        .filter_map(|side| Some((side, only(account, side)?)))
        .collect();
    if sides.is_empty() {
        return None;
    }
    let spec = session.node(index).declared();
    let said: Vec<String> = sides
        .iter()
        .map(|(side, class)| match account.on(side) {
            1 => format!(
                "the only {} row has the class `{}`",
                words::side_adjective(side),
                class.class
            ),
            rows => {
                format!(
                    "all {rows} {} rows have the class `{}`",
                    words::side_adjective(side),
                    class.class
                )
            }
        })
        .collect();
    let on_test = sides.iter().any(|(side, _)| *side == "test");
    Some(Found {
        kind: "one-class",
        level: if on_test { Level::Warning } else { Level::Note },
        span: spec.target.span(),
        label: "one class only".to_owned(),
        text: format!("{}: AUC cannot be measured there", said.join(", and ")),
        help: Some(
            "add rows of the other classes, deal the rows by another `split.seed` or with `stratify`, \
             or give that side a larger share"
                .to_owned(),
        ),
    })
}

fn only<'a>(account: &'a RowAccount, side: &str) -> Option<&'a ClassRows> {
    let mut present = account.classes.iter().filter(|class| class.on(side) > 0);
    match (present.next(), present.next()) {
        (Some(only), None) if account.classes.len() > 1 => Some(only),
        _ => None,
    }
}

/// Classes that are learned and never measured, or that stopping and choosing never see.
fn not_held_out(session: &Session, index: usize, account: &RowAccount) -> Option<Found> {
    let mut said = Vec::new();
    for side in ["valid", "test"] {
        // A side without rows, or of one class, is another thing.
        if account.on(side) == 0 || only(account, side).is_some() {
            continue;
        }
        let lacking: Vec<&str> = account
            .classes
            .iter()
            .filter(|class| class.train > 0 && class.on(side) == 0)
            .map(|class| class.class.as_str())
            .collect();
        if !lacking.is_empty() {
            let verb = if lacking.len() == 1 { "has" } else { "have" };
            said.push(format!(
                "{} {verb} no {} row",
                words::classes(&lacking),
                words::side_adjective(side)
            ));
        }
    }
    if said.is_empty() {
        return None;
    }
    let spec = session.node(index).declared();
    Some(Found {
        kind: "class-without-held-out-rows",
        level: Level::Note,
        span: spec.target.span(),
        label: "its classes".to_owned(),
        text: format!("{}: what is measured there says nothing of it", said.join(", and ")),
        help: None,
    })
}
