//! Data quality findings: what to know of the data before a metric is believed.
//!
//! A model is fitted to what is there, whatever that is: to half of the rows because the others have
//! no target, to a table whose test rows are of one class, to a column that the target was made
//! from. None of this is an error, and all of it has to be said. Each kind of finding is a module:
//!
//! | module | finds | said by |
//! |---|---|---|
//! | `rows` | rows without a target, rows that `where` or feeding forward in time leaves out | `check`, `run`, `audit` |
//! | `columns` | columns that are categories because of a few cells | `check`, `run`, `audit` |
//! | `crate::patterns` | inputs that are named and kept out | `check`, `run`, `audit` |
//! | `classes` | classes that a side of the split lacks | `check`, `run`, `audit` |
//! | `folds` | fold models that are fitted without a class | `check`, `run`, `audit` |
//! | `held` | settings in the file that a held model was not trained with | `check`, `plan`, `status`, `run`, `audit` |
//! | `refusals` | why a fit has nothing to learn from | `run` |
//! | `unmeasured` | why a metric is absent | `run`, `audit` |
//! | `values` | codes read as quantities, values far out, inputs that give the target away | `check`, `audit` |
//!
//! What a finding rests on is counted once per content of the table and remembered in the store
//! (`account`), so that a run with nothing to do reads no data. Findings stop nothing, are in no
//! recipe, and change no result.

mod account;
mod classes;
mod columns;
mod folds;
pub(crate) mod found;
pub(crate) mod held;
mod refusals;
mod rows;
mod unmeasured;
mod values;
pub(crate) mod words;

use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    sync::Arc,
};

use collegium_digest::Digest;
use collegium_manifest::{Diagnostic, Diagnostics};
use collegium_records::{Code, DataFinding, Finding, Level, RowAccount, Topic};
use serde::{Serialize, de::DeserializeOwned};

pub(crate) use found::Found;

use crate::{EngineError, NodeRef, Session, mutex::lock_mutex};

/// How much is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// What follows from counted rows: remembered, and cheap.
    Counts,
    /// Also what the values of inputs and target suggest.
    Values,
}

impl Session {
    /// What should be known of the data of some experts (all, for no names), warnings first; the
    /// same finding about several experts is told once.
    ///
    /// # Errors
    /// [`EngineError::Usage`] for unknown names; those of reading tables.
    pub fn findings(
        &self,
        nodes: &[String],
        depth: Depth,
    ) -> Result<Vec<DataFinding>, EngineError> {
        Ok(self.gathered(nodes, depth)?.into_iter().map(|(finding, _)| finding).collect())
    }

    /// The same with their places in the pipeline file.
    ///
    /// # Errors
    /// As [`Session::findings`].
    pub fn finding_diagnostics(
        &self,
        nodes: &[String],
        depth: Depth,
    ) -> Result<(Vec<DataFinding>, Diagnostics), EngineError> {
        let mut findings = Vec::new();
        let mut diagnostics = Diagnostics::default();
        for (finding, found) in self.gathered(nodes, depth)? {
            let source = &self.pipeline.source;
            let message = match finding.nodes.len() {
                0 | 1 => finding.text.clone(),
                _ => sentence(&DataFinding { help: None, ..finding.clone() }),
            };
            let diagnostic = match finding.level {
                Level::Warning => Diagnostic::warning(finding.code, source, found.span, message),
                Level::Note => Diagnostic::note(finding.code, source, found.span, message),
            };
            diagnostics.push(diagnostic.label(found.label).maybe_help(finding.help.clone()));
            findings.push(finding);
        }
        Ok((findings, diagnostics))
    }

    /// What became of the rows of some experts (all, for no names), by `expert.NAME`.
    ///
    /// # Errors
    /// As [`Session::findings`].
    pub fn row_accounts(
        &self,
        nodes: &[String],
    ) -> Result<BTreeMap<String, Arc<RowAccount>>, EngineError> {
        let experts = self.select(nodes)?.into_iter();
        experts
            .map(|index| Ok((self.node(index).node_name(), self.node(index).account()?)))
            .collect()
    }

    fn gathered(
        &self,
        nodes: &[String],
        depth: Depth,
    ) -> Result<Vec<(DataFinding, Found)>, EngineError> {
        let mut all: Vec<(DataFinding, Found)> = Vec::new();
        let mut places: HashMap<_, usize> = HashMap::new();
        for index in self.select(nodes)? {
            for found in self.node(index).found(depth)? {
                let node = self.node(index).node_name();
                let same = (found.kind, found.text.clone(), found.help.clone());
                match places.entry(same) {
                    Entry::Occupied(place) => all[*place.get()].0.nodes.push(node),
                    Entry::Vacant(place) => {
                        place.insert(all.len());
                        let finding = DataFinding {
                            kind: found.kind.to_owned(),
                            code: Code::of_finding(found.kind),
                            level: found.level,
                            nodes: vec![node],
                            text: found.text.clone(),
                            help: found.help.clone(),
                        };
                        all.push((finding, found));
                    }
                }
            }
        }
        all.sort_by_key(|(finding, _)| finding.level);
        Ok(all)
    }
}

impl NodeRef<'_> {
    /// The findings of one expert as its audit says them.
    pub fn findings_of(self) -> Result<Vec<Finding>, EngineError> {
        let say = |found: Found| {
            let text = format!("{}.", capital(&found.text));
            let topic = match Code::of_finding(found.kind) {
                Code::RowsNotUsed => Topic::Rows,
                _ => Topic::Data,
            };
            let said = Finding::new(found.level, topic, text);
            match found.help {
                Some(help) => said.next(format!("{}.", capital(&help))),
                None => said,
            }
        };
        Ok(self.found(Depth::Values)?.into_iter().map(say).collect())
    }

    fn found(self, depth: Depth) -> Result<Vec<Found>, EngineError> {
        let account = self.account()?;
        let mut found = columns::of(self.session, self.index);
        // They lie in the order of the experts.
        let from = self.session.patterns.partition_point(|(expert, _)| *expert < self.index);
        let of_patterns =
            self.session.patterns[from..].iter().take_while(|(expert, _)| *expert == self.index);
        found.extend(of_patterns.map(|(_, found)| found.clone()));
        found.extend(rows::of(self.session, self.index, &account)?);
        found.extend(classes::of(self.session, self.index, &account));
        found.extend(folds::of(self.session, self.index, &account)?);
        found.extend(held::of(self.session, self.index)?);
        if depth == Depth::Values {
            found.extend(values::of(self.session, self.index)?);
        }
        Ok(found)
    }
}

impl Session {
    /// What was found out once for this key, looked up or made. It is an entry of the cache, not a
    /// result: losing it costs time, and where nothing can be written it is made again.
    pub(crate) fn remembered<T: Serialize + DeserializeOwned>(
        &self,
        what: &str,
        key: &Digest,
        make: impl FnOnce() -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        let name = format!("{what}-{key}");
        let known = |bytes: &[u8]| serde_json::from_slice(bytes).ok();
        // Thousands of experts on the same columns ask for the same.
        let told = lock_mutex(&self.memo.remembered).get(&name).cloned();
        if let Some(made) = told.as_deref().and_then(known) {
            return Ok(made);
        }
        let stored = self.store.cached(&name)?;
        let (bytes, made) = match stored.and_then(|bytes| known(&bytes).map(|made| (bytes, made))) {
            Some(found) => found,
            None => {
                let made = make()?;
                let bytes = serde_json::to_vec(&made).map_err(|error| {
                    EngineError::Internal(format!("remembering {what}: {error}"))
                })?;
                self.store.cache(&name, &bytes)?;
                (bytes, made)
            }
        };
        let mut remembered = lock_mutex(&self.memo.remembered);
        remembered.insert(name, bytes.into());
        Ok(made)
    }
}

/// A finding on one line, with the experts that it concerns.
pub fn sentence(finding: &DataFinding) -> String {
    let mut text = finding.text.clone();
    let shown: Vec<&str> = finding.nodes.iter().take(3).map(String::as_str).collect();
    if !shown.is_empty() {
        text.push_str(&format!(" ({}", shown.join(", ")));
        if finding.nodes.len() > shown.len() {
            text.push_str(&format!(" and {} more", finding.nodes.len() - shown.len()));
        }
        text.push(')');
    }
    if let Some(help) = &finding.help {
        text.push_str(": ");
        text.push_str(help);
    }
    text
}

/// With a capital letter at its head.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
