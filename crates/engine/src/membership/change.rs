//! Changes of a node's training rows since a fit (added, removed, edited, other side), in words.
//!
//! When rows come, go or change sides, the content of every column that a fit reads is another, and a
//! comparison of recipes would blame them all. Rows have identities, so it can be said what happened.

use std::collections::{BTreeMap, HashMap, HashSet};

use collegium_records::{Change, Fit, Members, Reason, Who};

use crate::{EngineError, NodeRef, rows::Rows};

/// How the training rows of two fits differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RowChange {
    /// Settings of the split that differ: key, before, after.
    pub(crate) split: Vec<(String, String, String)>,
    /// Rows that are trained on now and were not.
    pub(crate) added: usize,
    /// Rows that were trained on and are not now.
    pub(crate) removed: usize,
    /// Rows with the same key and another content.
    pub(crate) changed: usize,
}

impl RowChange {
    /// Are the rows the same?
    pub(crate) fn is_none(&self) -> bool {
        self.added == 0 && self.removed == 0 && self.changed == 0
    }

    /// `the split was drawn anew: seed 0 → 1`, or `training rows: +100, 3 changed`.
    pub(crate) fn words(&self) -> Option<String> {
        let dates: Vec<String> = self.split.iter().filter_map(moved_on).collect();
        if !dates.is_empty() && dates.len() == self.split.len() {
            return Some(format!("the split moved on: {}", dates.join(", ")));
        }
        if !self.split.is_empty() {
            let settings: Vec<String> =
                self.split.iter().map(|(key, a, b)| format!("{key} {a} → {b}")).collect();
            return Some(format!("the split was drawn anew: {}", settings.join(", ")));
        }
        let mut parts = Vec::new();
        for (count, sign) in [(self.added, "+"), (self.removed, "−")] {
            if count > 0 {
                parts.push(format!("{sign}{count}"));
            }
        }
        if self.changed > 0 {
            parts.push(format!("{} changed", self.changed));
        }
        (!parts.is_empty()).then(|| format!("training rows: {}", parts.join(", ")))
    }
}

/// A date that was found for a share of time, and found again later.
fn moved_on((key, before, after): &(String, String, String)) -> Option<String> {
    let side = key.strip_prefix(BEGINS)?;
    let day = |text: &str| text.strip_suffix(" 00:00:00").unwrap_or(text).to_owned();
    Some(format!("{side} from {} → {}", day(before), day(after)))
}

/// How the keys of dates begin that shares of time came to.
const BEGINS: &str = "begin of ";

impl NodeRef<'_> {
    /// What decides which side a row of a node's data falls on: the settings of the split, and the dates
    /// that its shares of time came to.
    pub(crate) fn split_settings(self) -> BTreeMap<String, String> {
        let mut settings = self.session.pipeline.data[&self.declared().data].split.settings();
        if self.is_forward() {
            let dates = &self.prepared().settled().sides;
            for (key, side) in [("valid_from", "validation"), ("test_from", "test")] {
                if let Some(date) = dates.get(key) {
                    settings.insert(format!("{BEGINS}{side}"), date.clone());
                }
            }
        }
        settings
    }

    /// How the training rows of a node differ from those of an earlier full fit; `None` where that fit
    /// does not say.
    pub(crate) fn row_change(self, fit: &Fit) -> Result<Option<RowChange>, EngineError> {
        let Some(seen) = &fit.seen else { return Ok(None) };
        let rows = Rows::Train { expert: self.index };
        if seen.train_rows == self.session.rows_digest(rows)?
            && fit.table == Some(self.prepared().object())
        {
            return Ok(Some(RowChange::default()));
        }
        let Some(own) = seen.membership.as_ref().map(|membership| &membership.own) else {
            return Ok(None);
        };
        let now = self.session.rows(rows)?;
        let split = differing(&seen.split_by, &self.split_settings());
        let Some(content) = self.trained_then(own, &own.content, &now)? else {
            return Ok(None);
        };
        let gone = content.then.keys().filter(|id| !content.now.contains(id));
        let removed: usize = gone.map(|id| content.then[id]).sum();
        let known = content.then.values().sum::<usize>() - removed;
        let (mut added, mut removed) = (now.len().saturating_sub(known), removed);
        let mut changed = 0;
        // A key that names single rows tells an edited row from one that went and one that came.
        if let Some(key) = &own.key
            && let Some(key) = self.trained_then(own, key, &now)?
            && key.then.len() == key.then.values().sum::<usize>()
        {
            let stayed = key.then.keys().filter(|id| key.now.contains(id)).count();
            changed = stayed.saturating_sub(known);
            added = added.saturating_sub(changed);
            removed = removed.saturating_sub(changed);
        }
        Ok(Some(RowChange { split, added, removed, changed }))
    }

    /// Why the values that a fit was trained on cannot be held against the present ones row by row, as a
    /// drift does; `None` where they can.
    pub(crate) fn not_row_by_row(self, fit: &Fit) -> Result<Option<String>, EngineError> {
        let known = match &fit.seen {
            Some(seen) => seen.membership.as_ref().map(|all| (&seen.split_by, &all.own)),
            None => None,
        };
        let Some((split, own)) = known else {
            return Ok(Some("which rows it was trained on is not recorded".to_owned()));
        };
        let why = if !differing(split, &self.split_settings()).is_empty() {
            "the rows were dealt anew: which rows it is trained on moved, not what they hold"
        } else if !self.stand_in_place(own)? {
            "its table has other rows, or has them in another order"
        } else {
            return Ok(None);
        };
        Ok(Some(why.to_owned()))
    }

    /// Does every row that is in both tables stand at the same place?
    fn stand_in_place(self, own: &Members) -> Result<bool, EngineError> {
        let who = own.key.as_ref().unwrap_or(&own.content);
        let (Some(then), Some(now)) =
            (self.session.identities_then(who)?, self.identities_by(who)?)
        else {
            return Ok(false);
        };
        let [before, after] = [&then, &now].map(|all| all.iter().copied().collect::<HashSet<_>>());
        let same = |(a, b): (&u64, &u64)| a == b || !after.contains(a) && !before.contains(b);
        Ok(then.len() == now.len() && then.iter().zip(&now).all(same))
    }

    /// The rows that a fit was trained on and those that are trained on now, by the same columns.
    fn trained_then(
        self,
        own: &Members,
        who: &Who,
        rows: &[u32],
    ) -> Result<Option<Trained>, EngineError> {
        let (Some(then), Some(set)) =
            (self.session.identities_then(who)?, self.session.bits(&own.trained)?)
        else {
            return Ok(None);
        };
        let Some(now) = self.identities_by(who)? else { return Ok(None) };
        let mut counts = HashMap::new();
        for id in set.among(&then) {
            *counts.entry(id).or_insert(0) += 1;
        }
        let now = rows.iter().map(|&row| now[row as usize]).collect();
        Ok(Some(Trained { then: counts, now }))
    }

    /// Reasons of a fit with what happened to its rows in place of the columns that only differ because
    /// rows do.
    pub(crate) fn with_row_change(self, reasons: Vec<Reason>) -> Result<Vec<Reason>, EngineError> {
        // The ingredient whose content is another one.
        let content = |reason: &Reason| match reason {
            Reason::Changed(Change { ingredient, before: Some(_), after: Some(_), .. }) => {
                Some(ingredient.clone())
            }
            _ => None,
        };
        let blames = |name: String| name == "target" || name.strip_prefix("inputs.").is_some();
        if !reasons.iter().filter_map(content).any(blames) {
            return Ok(reasons);
        }
        let Some(fit) = self.locked_fit()? else { return Ok(reasons) };
        let change = self.row_change(&fit)?.filter(|change| !change.is_none());
        let Some(words) = change.as_ref().and_then(RowChange::words) else { return Ok(reasons) };
        // Where rows were edited, which columns differ is worth knowing.
        let edited = change.is_some_and(|change| change.changed > 0 && change.split.is_empty());
        let own = |name: String| {
            let column = |input: &collegium_manifest::Input| {
                matches!(input, collegium_manifest::Input::Column { .. })
                    && name == format!("inputs.{input}")
            };
            name == "target" || self.resolved().inputs.iter().any(column)
        };
        let rest = reasons.into_iter().filter(|reason| edited || !content(reason).is_some_and(own));
        Ok(std::iter::once(Reason::Rows(words)).chain(rest).collect())
    }
}

/// Rows by the same columns, then and now.
struct Trained {
    /// How often each identity was trained on.
    then: HashMap<u64, usize>,
    now: HashSet<u64>,
}

fn differing(
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> Vec<(String, String, String)> {
    // A fit of an older version does not say.
    if before.is_empty() {
        return Vec::new();
    }
    let keys: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let shown = |side: &BTreeMap<String, String>, key: &String| {
        side.get(key).cloned().unwrap_or_else(|| "none".to_owned())
    };
    keys.into_iter()
        .filter(|key| before.get(*key) != after.get(*key))
        .map(|key| (key.clone(), shown(before, key), shown(after, key)))
        .collect()
}
