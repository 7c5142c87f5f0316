//! Warnings about label provenance, before training.

use std::collections::BTreeSet;

use collegium_manifest::{Diagnostic, Diagnostics, SourceOrigin, suggest};
use collegium_records::{Code, Maker, three_digits as three};

use super::Labels;
use crate::{EngineError, NodeRef, Session};

impl Session {
    /// Warnings about where labels come from: too few measured ones, labels that descend from an
    /// earlier version of the expert that learns from them, and what could not be told.
    ///
    /// # Errors
    /// Those of reading the table, where rows say their origin one by one.
    pub fn provenance_warnings(&self, nodes: &[String]) -> Result<Diagnostics, EngineError> {
        let experts = self.select(nodes)?;
        let sources: BTreeSet<&str> =
            experts.iter().map(|&index| self.node(index).declared().data.as_str()).collect();
        let mut found = Diagnostics::default();
        for source in sources {
            found.extend(self.origins(source).findings.iter().cloned());
            found.extend(self.unknown_values(source));
        }
        for index in experts {
            // Nothing to be read where nobody asks and nobody speaks.
            let spoken = self.origins(&self.node(index).declared().data).generation() > 0;
            if spoken || self.pipeline.evaluate.least_measured.is_some() {
                let labels = self.node(index).labels_of()?;
                found.extend(self.node(index).below_the_bound(&labels));
                found.extend(self.node(index).own_descent(&labels));
            }
        }
        Ok(found)
    }

    /// The same as sentences, without places in the pipeline file.
    ///
    /// # Errors
    /// As [`Session::provenance_warnings`].
    pub fn provenance_notes(&self, nodes: &[String]) -> Result<Vec<String>, EngineError> {
        Ok(self.provenance_warnings(nodes)?.iter().map(sentence).collect())
    }

    /// Values that are said to mean "synthetic" and that no row has: a slip would count a model's
    /// labels as measured.
    fn unknown_values(&self, data: &str) -> Vec<Diagnostic> {
        let SourceOrigin::ByRow { column, synthetic } = &self.pipeline.data[data].origin else {
            return Vec::new();
        };
        let name = column.get_ref();
        let levels = match self.column_facts(data, name) {
            Some(facts) if !facts.levels.is_empty() => &facts.levels,
            _ => return Vec::new(),
        };
        synthetic
            .iter()
            .filter(|value| !levels.contains(value.get_ref()))
            .map(|value| {
                let message = format!("no row of `{data}` has the {name} `{}`", value.get_ref());
                let near = suggest(value.get_ref(), levels.iter().map(String::as_str));
                Diagnostic::warning(
                    Code::LabelsNotMeasured,
                    &self.pipeline.source,
                    value.span(),
                    message,
                )
                .label("counts no label as synthetic")
                .maybe_help(near.map(|near| format!("did you mean `{near}`?")))
            })
            .collect()
    }
}

impl NodeRef<'_> {
    fn below_the_bound(self, labels: &Labels) -> Option<Diagnostic> {
        let bound = self.session.pipeline.evaluate.least_measured.as_ref()?;
        let (share, least) = (labels.share, *bound.get_ref());
        if share >= least {
            return None;
        }
        let message = format!(
            "too few of the labels that expert `{}` learns from were measured: {} %, and {} % are \
             asked for",
            self.name(),
            three(100.0 * share),
            three(100.0 * least)
        );
        let help = match labels.at_least {
            true => {
                "say row by row which labels were measured, with a column of the query: \
                 `origin = { column = …, synthetic = […] }`; or lower the bound"
            }
            false => "add rows whose labels were measured, or lower the bound",
        };
        let target = self.declared().target.span();
        let found = Diagnostic::warning(
            Code::LabelsNotMeasured,
            &self.session.pipeline.source,
            target,
            message,
        );
        Some(found.label("these labels").also(bound.span(), "the bound").help(help))
    }

    fn own_descent(self, labels: &Labels) -> Option<Diagnostic> {
        if labels.generation == 0 {
            return None;
        }
        let spec = self.declared();
        let target = spec.target.get_ref();
        let source = &self.session.pipeline.data[&spec.data];
        // Of a table as it is a copied target can be told from what experts wrote.
        let plain = source.query.is_none() && !source.derive.contains_key(target);
        let (table, file, made, maker) = self
            .session
            .origins(&spec.data)
            .made()
            .filter(|(_, _, made)| !plain || made.generation_of(target) > 0)
            .find_map(|(table, file, made)| {
                let maker = made.makers().find(|maker| self.is_own(maker))?;
                Some((table, file, made, maker))
            })?;
        let may = if source.query.is_some() { "may descend" } else { "descend" };
        let message = format!(
            "labels that expert `{}` learns from {may} from an earlier version of itself",
            self.name()
        );
        let made = format!(
            "{} {} {} of {}, model {}",
            file.path.file_name().unwrap_or_default().to_string_lossy(),
            if made.experts.contains(maker) { "was made by" } else { "descends from" },
            maker.expert,
            maker.pipeline,
            maker.model.short()
        );
        Some(
            Diagnostic::warning(
                Code::LabelsNotMeasured,
                &self.session.pipeline.source,
                spec.target.span(),
                message,
            )
            .label("these labels")
            .also(table.pattern.span(), made)
            .help(
                "each such round forgets some of what is rare, and its own labels do not show \
                     it: keep measured labels among them, and a measured table to test on",
            ),
        )
    }

    /// Is this a version of the expert itself: one of its name in a pipeline of this name, or what
    /// the lock says that it stands on?
    fn is_own(self, maker: &Maker) -> bool {
        let name = self.node_name();
        if maker.pipeline == self.session.pipeline.name && maker.expert == name {
            return true;
        }
        self.session.lock.node.get(&name).is_some_and(|block| {
            let anchor = block.certificate.as_ref().map(|certificate| certificate.anchor);
            let stands_on =
                |recipe, realisation| maker.recipe == recipe || maker.model == realisation;
            stands_on(block.recipe, block.realisation)
                || anchor.is_some_and(|anchor| stands_on(anchor.recipe, anchor.realisation))
        })
    }
}

/// A finding on one line.
pub(super) fn sentence(found: &Diagnostic) -> String {
    let mut text = found.message.clone();
    if let Some(help) = &found.help {
        text.push_str(": ");
        text.push_str(help);
    }
    text
}
