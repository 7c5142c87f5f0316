//! Column usage: which columns of a table are read by anything.
//!
//! What models read decides what stops a run and what a person is told of. What is loaded, and what the
//! lock keeps, is decided more generously: a column whose name stands anywhere in the pipeline file.

use std::collections::BTreeSet;

use collegium_manifest::{Diagnostic, Input};

use crate::{EngineError, Event, NodeRef, Session, error::data_error};

impl Session {
    /// The columns of a data source that experts and gates name: inputs, targets, auxiliary targets.
    pub(crate) fn named(&self, data: &str) -> BTreeSet<String> {
        let mut named = BTreeSet::new();
        for expert in self.pipeline.experts.values().filter(|expert| expert.data == data) {
            for input in &expert.inputs {
                if let Input::Column { column, .. } = input.get_ref() {
                    named.insert(column.clone());
                }
            }
            named.insert(expert.target.get_ref().clone());
            named.extend(expert.auxiliary.iter().cloned());
        }
        named
    }

    /// Is a column named by experts, or does its name stand in the pipeline file?
    pub(crate) fn is_wanted(&self, named: &BTreeSet<String>, column: &str) -> bool {
        let text = &self.pipeline.source.text;
        let filters = || self.pipeline.experts.values().filter_map(|expert| expert.filter.as_ref());
        named.contains(column)
            || holds(text, column)
            || filters().any(|filter| holds(filter.get_ref(), column))
    }

    /// The columns of a data source that are loaded.
    pub(crate) fn wanted(&self, data: &str) -> BTreeSet<String> {
        if let Some(known) = crate::mutex::lock_mutex(&self.memo.wanted).get(data) {
            return known.clone();
        }
        let named = self.named(data);
        let source = &self.pipeline.data[data];
        let columns = self.data[data].facts.columns.iter().map(|column| &column.name);
        let wanted: BTreeSet<String> = columns
            .filter(|name| source.derive.contains_key(*name) || self.is_wanted(&named, name))
            .cloned()
            .collect();
        crate::mutex::lock_mutex(&self.memo.wanted).insert(data.to_owned(), wanted.clone());
        wanted
    }

    /// Reports notes on the columns that are read.
    pub(crate) fn note_columns(&self) {
        for (name, prepared) in self.data.iter() {
            let named = self.named(name);
            let filters = self.pipeline.experts.values().filter(|expert| expert.data == *name);
            let filters: Vec<&str> = filters
                .filter_map(|expert| Some(expert.filter.as_ref()?.get_ref().as_str()))
                .chain(self.pipeline.data[name].derive.values().map(|sql| sql.get_ref().as_str()))
                .collect();
            let queried = self.pipeline.data[name].query.is_some();
            // A fall of type is a finding, with its place in the pipeline file.
            let plain = prepared.facts.remarks.iter().filter(|(_, one)| one.fallen_from.is_none());
            for (column, _) in plain {
                let read = || filters.iter().any(|sql| holds(sql, column));
                if let Some(said) = prepared.remark(column)
                    && (queried || named.contains(column) || read())
                {
                    self.note(format!("data.{name}: {said}"));
                }
            }
        }
    }

    /// Reports a note on the data at once, and keeps it.
    pub(crate) fn note(&self, text: String) {
        self.observer.event(Event::Note(text.clone()));
        self.told.say(text);
    }

    /// The notes on how the data were read, beside the findings.
    pub fn said(&self) -> Vec<String> {
        self.told.said()
    }

    /// The finding about a column that is named and must not be read as it is.
    pub(crate) fn unfit(
        &self,
        data: &str,
        column: &str,
        span: std::ops::Range<usize>,
    ) -> Option<Diagnostic> {
        let error = self.data.get(data)?.refusal(column)?;
        let message = error.to_string();
        let help = error.fault().help.clone();
        Some(Diagnostic::error(error.code(), &self.pipeline.source, span, message).maybe_help(help))
    }
}

impl NodeRef<'_> {
    /// Refuses a `where` that reads a column which is not what it seems to be.
    pub(crate) fn fit_filter(self) -> Result<(), EngineError> {
        let Some(filter) = &self.declared().filter else { return Ok(()) };
        let prepared = self.prepared();
        let refused = prepared
            .refusal_of_sql(filter.get_ref(), None)
            .map_err(|error| data_error(error, &self.session.pipeline.source))?;
        match refused {
            Some(error) => Err(EngineError::Invalid(collegium_manifest::Diagnostics(vec![
                Diagnostic::error(
                    error.code(),
                    &self.session.pipeline.source,
                    filter.span(),
                    error.to_string(),
                )
                .maybe_help(error.fault().help.clone()),
            ]))),
            None => Ok(()),
        }
    }
}

/// Does the name stand in the text, in any case?
pub(crate) fn holds(text: &str, name: &str) -> bool {
    text.contains(name) || text.to_lowercase().contains(&name.to_lowercase())
}
