//! What patterns among inputs come to, once the columns are known.
//!
//! Recipes hold the names of columns and know nothing of patterns: a new column in the table changes an
//! expert only if one of its patterns takes it.

use std::collections::BTreeSet;

use collegium_data::Prepared;
use collegium_manifest::{
    DataSource, Diagnostic, Diagnostics, Expert, Input, Spanned, SplitRule, suggest,
};

use crate::{EngineError, Session};

impl Session {
    /// Puts columns in the place of every pattern.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] for patterns that no column matches, and where no input is left.
    pub(crate) fn expand_patterns(&mut self) -> Result<(), EngineError> {
        let mut wrong = Vec::new();
        for index in 0..self.pipeline.experts.len() {
            let expert = &self.pipeline.experts[index];
            if expert.patterns.is_empty() {
                continue;
            }
            let (Some(prepared), Some(source)) =
                (self.data.get(&expert.data), self.pipeline.data.get(&expert.data))
            else {
                continue;
            };
            for pattern in &expert.patterns {
                if matching(prepared, source, pattern.get_ref()).next().is_none() {
                    wrong.push(self.matches_nothing(prepared, source, pattern));
                }
            }
            let inputs = expanded(expert, prepared, source);
            if inputs.is_empty() && wrong.is_empty() {
                let message = format!("no column is left as an input of `{}`", self.name(index));
                let first = expert.patterns[0].span();
                wrong.push(
                    Diagnostic::error(&self.pipeline.source, first, message)
                        .label("every column that it matches is kept out")
                        .help(
                            "the target and the columns that the split is made by are left out of \
                             patterns; name a column as it is to read it nevertheless",
                        ),
                );
            }
            let expert = &mut self.pipeline.experts[index];
            expert.inputs = inputs;
            expert.patterns.clear();
        }
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(EngineError::Invalid(Diagnostics(wrong))),
        }
    }

    fn matches_nothing(
        &self,
        prepared: &Prepared,
        source: &DataSource,
        pattern: &Spanned<collegium_manifest::InputPattern>,
    ) -> Diagnostic {
        let found = pattern.get_ref();
        let known: Vec<&str> = columns(prepared, source).collect();
        let bare = found.columns.replace('*', "");
        let help = match suggest(&bare, known.iter().copied()) {
            Some(near) => format!("did you mean `{}.{near}`?", found.data),
            None => {
                let shown: Vec<String> = known.iter().take(12).map(|c| format!("`{c}`")).collect();
                let more = known.len().saturating_sub(12);
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                format!("its columns are: {}{more}", shown.join(", "))
            }
        };
        let message = format!("no column of `{}` matches `{found}`", found.data);
        Diagnostic::error(&self.pipeline.source, pattern.span(), message)
            .label("matches nothing")
            .help(help)
    }
}

/// The columns of a data source that people see: not those that hold the rules of gates.
fn columns<'a>(prepared: &'a Prepared, source: &'a DataSource) -> impl Iterator<Item = &'a str> {
    let names = prepared.facts.columns.iter().map(|column| column.name.as_str());
    names.filter(|name| !source.rules.iter().any(|rule| rule == name))
}

/// The columns that a pattern names. One that is called just so is the only one.
fn matching<'a>(
    prepared: &'a Prepared,
    source: &'a DataSource,
    pattern: &'a collegium_manifest::InputPattern,
) -> impl Iterator<Item = &'a str> {
    let literal = columns(prepared, source).any(|column| column == pattern.columns);
    columns(prepared, source).filter(move |column| match literal {
        true => *column == pattern.columns,
        false => pattern.matches(column),
    })
}

/// All inputs of an expert: those that are named, and what its patterns come to.
fn expanded(expert: &Expert, prepared: &Prepared, source: &DataSource) -> Vec<Spanned<Input>> {
    let mut inputs = expert.inputs.clone();
    let mut out: BTreeSet<&str> = BTreeSet::from([expert.target.get_ref().as_str()]);
    out.extend(expert.auxiliary.iter().map(String::as_str));
    out.extend(source.split.by.iter().map(|column| column.get_ref().as_str()));
    out.extend(source.split.stratify.iter().map(|column| column.get_ref().as_str()));
    out.extend(match &source.split.rule {
        SplitRule::Column(rule) => Some(rule.column.get_ref().as_str()),
        SplitRule::Time(rule) => Some(rule.column.get_ref().as_str()),
        SplitRule::Shares | SplitRule::Files(_) => None,
    });
    for pattern in expert.patterns.iter().filter(|pattern| pattern.get_ref().exclude) {
        out.extend(matching(prepared, source, pattern.get_ref()));
    }
    for pattern in expert.patterns.iter().filter(|pattern| !pattern.get_ref().exclude) {
        for column in matching(prepared, source, pattern.get_ref()) {
            let input = Input::Column { data: expert.data.clone(), column: column.to_owned() };
            let known = inputs.iter().any(|known| *known.get_ref() == input);
            if !known && !out.contains(column) {
                inputs.push(Spanned::new(pattern.span(), input));
            }
        }
    }
    inputs
}
