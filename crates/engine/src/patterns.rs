//! Input patterns: expands wildcards into columns, once the columns are known.
//!
//! Recipes hold the names of columns and know nothing of patterns: a new column in the table changes an
//! expert only if one of its patterns takes it.

use std::collections::BTreeSet;

use collegium_data::Prepared;
use collegium_manifest::{
    DataSource, Diagnostic, Diagnostics, Expert, Input, InputPattern, Spanned, SplitRule, suggest,
};
use collegium_records::{Code, Level};

use crate::{EngineError, NodeRef, Session, findings::Found};

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
                wrong.push(self.node(index).nothing_left());
            }
            let found = odd_exclusions(expert, prepared, source);
            self.patterns.extend(found.into_iter().map(|found| (index, found)));
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
        pattern: &Spanned<InputPattern>,
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
        Diagnostic::error(
            Code::PatternMatchesNothing,
            &self.pipeline.source,
            pattern.span(),
            message,
        )
        .label("matches nothing")
        .help(help)
    }
}

impl NodeRef<'_> {
    fn nothing_left(self) -> Diagnostic {
        let expert = self.declared();
        let message = format!("no column is left as an input of `{}`", self.name());
        let brings = expert.patterns.iter().find(|pattern| !pattern.get_ref().exclude);
        let (place, label, help) = match brings {
            Some(pattern) => (
                pattern.span(),
                "every column that it matches is kept out",
                "the target and the columns that the split is made by are left out of patterns; name a \
                 column as it is to read it nevertheless",
            ),
            None => (
                expert.patterns[0].span(),
                "keeps out what is named beside it",
                "take one of the two away",
            ),
        };
        Diagnostic::error(
            Code::PatternMatchesNothing,
            &self.session.pipeline.source,
            place,
            message,
        )
        .label(label)
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
    pattern: &'a InputPattern,
) -> impl Iterator<Item = &'a str> {
    let literal = columns(prepared, source).any(|column| column == pattern.columns);
    columns(prepared, source).filter(move |column| match literal {
        true => *column == pattern.columns,
        false => pattern.matches(column),
    })
}

fn exclusions(expert: &Expert) -> impl Iterator<Item = &Spanned<InputPattern>> {
    expert.patterns.iter().filter(|pattern| pattern.get_ref().exclude)
}

/// Is it this very input that a pattern without a `*` keeps out?
fn keeps_out_by_name(pattern: &InputPattern, input: &Input) -> bool {
    matches!(input, Input::Column { data, column }
        if *data == pattern.data && *column == pattern.columns)
}

/// Exclusions that contradict what is named beside them, and those that keep nothing out.
fn odd_exclusions(expert: &Expert, prepared: &Prepared, source: &DataSource) -> Vec<Found> {
    let brought = |column: &str| {
        let bring = expert.patterns.iter().filter(|pattern| !pattern.get_ref().exclude);
        bring.flat_map(|pattern| matching(prepared, source, pattern.get_ref())).any(|c| c == column)
    };
    let mut found = Vec::new();
    for pattern in exclusions(expert) {
        let exclusion = pattern.get_ref();
        let named: Vec<&Spanned<Input>> = expert
            .inputs
            .iter()
            .filter(|input| {
                matches!(input.get_ref(), Input::Column { data, column }
                    if *data == exclusion.data
                        && matching(prepared, source, exclusion).any(|name| name == column))
            })
            .collect();
        for input in &named {
            let gone = keeps_out_by_name(exclusion, input.get_ref());
            let (text, level) = match gone {
                true => ("and is no input", Level::Warning),
                false => ("and stays an input, since it is named as it is", Level::Note),
            };
            found.push(Found {
                kind: "input-kept-out",
                level,
                span: input.span(),
                label: format!("kept out by `{exclusion}`"),
                text: format!(
                    "`{}` is named and kept out by `{exclusion}`, {text}",
                    input.get_ref()
                ),
                help: Some("take one of the two away".to_owned()),
            });
        }
        if named.is_empty() && !matching(prepared, source, exclusion).any(brought) {
            found.push(Found {
                kind: "keeps-nothing-out",
                level: Level::Warning,
                span: pattern.span(),
                label: "keeps nothing out".to_owned(),
                text: format!("`{exclusion}` keeps nothing out: no other pattern brings it in"),
                help: Some("take it away, or correct it".to_owned()),
            });
        }
    }
    found
}

/// All inputs of an expert: those that are named, and what its patterns come to.
fn expanded(expert: &Expert, prepared: &Prepared, source: &DataSource) -> Vec<Spanned<Input>> {
    let named_out = |input: &Spanned<Input>| {
        exclusions(expert).any(|pattern| keeps_out_by_name(pattern.get_ref(), input.get_ref()))
    };
    let mut inputs: Vec<Spanned<Input>> =
        expert.inputs.iter().filter(|input| !named_out(input)).cloned().collect();
    let mut out: BTreeSet<&str> = BTreeSet::from([expert.target.get_ref().as_str()]);
    out.extend(expert.auxiliary.iter().map(String::as_str));
    out.extend(source.split.by.iter().map(|column| column.get_ref().as_str()));
    out.extend(source.split.stratify.iter().map(|column| column.get_ref().as_str()));
    out.extend(match &source.split.rule {
        SplitRule::Column(rule) => Some(rule.column.get_ref().as_str()),
        SplitRule::Time(rule) => Some(rule.column.get_ref().as_str()),
        SplitRule::Shares | SplitRule::Files(_) => None,
    });
    for pattern in exclusions(expert) {
        out.extend(matching(prepared, source, pattern.get_ref()));
    }
    let mut known: BTreeSet<String> = inputs
        .iter()
        .filter_map(|input| match input.get_ref() {
            Input::Column { data, column } if *data == expert.data => Some(column.clone()),
            _ => None,
        })
        .collect();
    for pattern in expert.patterns.iter().filter(|pattern| !pattern.get_ref().exclude) {
        for column in matching(prepared, source, pattern.get_ref()) {
            let input = Input::Column { data: expert.data.clone(), column: column.to_owned() };
            if !out.contains(column) && known.insert(column.to_owned()) {
                inputs.push(Spanned::new(pattern.span(), input));
            }
        }
    }
    inputs
}
