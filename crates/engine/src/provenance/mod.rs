//! Label provenance: which labels come from the world, and which from a model.
//!
//! A model that is trained on what models made slowly forgets what was rare (*model collapse*:
//! Shumailov et al., Nature 631, 2024), and no metric on such labels shows it. What can be told is
//! where the labels come from, and that is told here, from three sources:
//!
//! * what the pipeline file says of its data (`origin`, `origins`);
//! * what `predict` wrote beside its output ([`PredictedBy`]): a file whose content is spoken of there
//!   was made by experts, whatever the pipeline file says, so that nothing is lost between the
//!   pipeline that makes labels and the one that learns from them;
//! * the lock, which knows an expert's own earlier version when its labels descend from it.
//!
//! All of it is statement and none of it an ingredient: no recipe knows of it, and no change of it
//! fits anything.
//!
//! The **generation** of a table is 0 where nobody says that a model made it, 1 where somebody says so
//! and not which, and else one more than the largest generation of the experts that made it. That of an
//! expert is the largest of the tables that it and its upstreams read.
//!
//! The **measured share** is of an expert's training labels, one by one where the data source has a
//! column that tells (`origin = { column = … }`). Otherwise a table counts as a whole. A query may take
//! the target from any of its tables, and SQL does not tell which, so with one synthetic table in it all
//! of its labels count as synthetic: the share may then be too low and is never too high, the notes say
//! so, and a column says it better. Of one table in several files, some of which experts made, the share
//! is that of all its rows, since which rows came from which file is not kept. (Rejected: SQLite's column metadata,
//! which is silent about every expression, as most targets are; and reading the SQL ourselves.)
//!
//! [`PredictedBy`]: collegium_records::PredictedBy

mod findings;
pub(crate) mod known;
mod labels;
mod made;
mod origins;

use std::{collections::BTreeMap, sync::Arc};

use collegium_manifest::{SourceOrigin, StandsOn};
use collegium_records::Provenance;

use crate::{EngineError, NodeRef, Session, mutex::lock_mutex};
use labels::Labels;
pub(crate) use made::Making;

impl NodeRef<'_> {
    /// Where an expert's labels come from. Never cached: what a file says of its data may change
    /// without changing any result.
    ///
    /// # Errors
    /// Those of reading the table, where rows say their origin one by one.
    pub fn provenance(self) -> Result<Arc<Provenance>, EngineError> {
        let spec = self.declared();
        let source = &self.session.pipeline.data[&spec.data];
        let generation = self.generation()?;
        let other_labels =
            !matches!(spec.stands_on, StandsOn::Recipe) && self.session.held[self.index].is_some();
        // By table all labels of the same rows are alike; row by row they are counted for each expert.
        let alike = match source.origin {
            SourceOrigin::ByRow { .. } => None,
            SourceOrigin::Whole(_) => {
                Some((self.session.alike().rows(self.index), generation, other_labels))
            }
        };
        if let Some(alike) = &alike
            && let Some(known) = lock_mutex(&self.session.alike().provenance).get(alike)
        {
            return Ok(known.clone());
        }
        let labels = self.labels_of()?;
        let origins = self.session.origins(&spec.data);
        let mut tables = BTreeMap::new();
        for table in &origins.tables {
            let name = match origins.tables.len() == 1 && table.name == spec.data {
                true => format!("data.{}", spec.data),
                false => format!("data.{}.{}", spec.data, table.name),
            };
            let by_row = matches!(source.origin, SourceOrigin::ByRow { .. });
            let word = match table.generation() {
                0 if by_row => "by row",
                0 => "measured",
                _ => "synthetic",
            };
            tables.insert(name, word.to_owned());
        }
        let mut notes = labels.notes.clone();
        notes.extend(self.session.made_notes(&spec.data));
        notes.extend(origins.findings.iter().map(findings::sentence));
        if other_labels {
            notes.push(
                "It stands on a model that was not fitted to these labels: where those came from \
                 that it was fitted to is not known here."
                    .to_owned(),
            );
        }
        let provenance = Arc::new(Provenance {
            generation,
            measured_share: labels.share,
            least_measured: self
                .session
                .pipeline
                .evaluate
                .least_measured
                .as_ref()
                .map(|at| *at.get_ref()),
            tables,
            notes,
        });
        if let Some(alike) = alike {
            lock_mutex(&self.session.alike().provenance).insert(alike, provenance.clone());
        }
        Ok(provenance)
    }

    /// The largest generation among the tables and labels of an expert and its upstreams. Each node is asked
    /// once, however many read it.
    fn generation(self) -> Result<u32, EngineError> {
        let mut known = lock_mutex(&self.session.memo.origins.generations);
        if let Some(generation) = known.get(&self.index) {
            return Ok(*generation);
        }
        let mut open = vec![self.index];
        while let Some(&node) = open.last() {
            let above = self.session.dag.upstream(node);
            let before = open.len();
            if !known.contains_key(&node) {
                open.extend(above.iter().filter(|node| !known.contains_key(node)));
            }
            if open.len() > before {
                continue;
            }
            let above = above.iter().filter_map(|node| known.get(node)).copied();
            let labels = self.session.node(node).labels_of()?.generation;
            let tables =
                self.session.origins(&self.session.node(node).declared().data).generation();
            let largest = above.fold(labels.max(tables), u32::max);
            known.insert(node, largest);
            open.pop();
        }
        Ok(known.get(&self.index).copied().unwrap_or_default())
    }
}

impl Session {
    /// Which experts made the tables of a data source, a sentence for each file.
    fn made_notes(&self, data: &str) -> Vec<String> {
        let files = self.origins(data).tables.iter().flat_map(|table| &table.files);
        files
            .filter_map(|file| Some((file, file.made.as_ref()?)))
            .map(|(file, made)| {
                let makers: Vec<String> = made
                    .experts
                    .iter()
                    .filter(|maker| !maker.columns.is_empty())
                    .map(|maker| {
                        format!("{} of {} ({})", maker.expert, maker.pipeline, maker.model.short())
                    })
                    .collect();
                let (path, makers) = (file.path.display(), makers.join(", "));
                format!("{path} was made by {makers}: generation {}.", made.generation)
            })
            .collect()
    }
}
