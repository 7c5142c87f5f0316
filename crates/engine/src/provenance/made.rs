//! Provenance file of predictions: says beside the output of `predict` which models made it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use collegium_data::WholeRows;
use collegium_digest::Digest;
use collegium_manifest::Origin;
use collegium_records::{FORMAT_VERSION, Maker, PredictedBy, PredictedFile};

use super::origins::beside;
use crate::{EngineError, Session, error::data_error};

/// Earlier contents of the same file that are still spoken of, for whoever takes one of them back.
const EARLIER: usize = 7;

/// What predictions are made of, but for the rows themselves.
pub(crate) struct Making<'a> {
    /// Every expert that is applied, and whether it is asked for.
    pub(crate) experts: Vec<(usize, bool)>,
    /// The data source whose rows they see.
    pub(crate) source: &'a str,
    /// The rows that they are given.
    pub(crate) input: &'a Path,
    /// What these were read from, where they come from a file.
    pub(crate) content: Option<Digest>,
    /// The columns of it that they read.
    pub(crate) read: &'a [String],
    /// The columns of it that are copied.
    pub(crate) keep: &'a [String],
}

/// Where given rows come from.
enum Given {
    /// Nobody says that a model made them.
    Measured,
    /// The pipeline file says so.
    Synthetic,
    /// Experts made the file.
    By(PredictedFile),
}

impl Given {
    fn generation_of(&self, column: &str) -> u32 {
        match self {
            Self::Measured => 0,
            Self::Synthetic => 1,
            Self::By(made) => made.generation_of(column),
        }
    }
}

impl Session {
    /// Publishes predictions, with a provenance file beside them that names the models. It is written
    /// before the rows are, so that they are never seen without it. A pipe has none.
    pub(crate) fn name_predictions(
        &self,
        making: &Making<'_>,
        columns: &[String],
        rows: u64,
        whole: WholeRows,
        output: &Path,
    ) -> Result<(), EngineError> {
        let wrong = |error| data_error(error, &self.pipeline.source);
        let Some(temporary) = whole.temporary() else { return whole.named().map_err(wrong) };
        let mut made = self.made_by(making, columns)?;
        made.content = self.store.file_digest(temporary)?;
        made.rows = rows;
        let path = PredictedBy::beside(output);
        let said: Option<PredictedBy> =
            std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let mut files = said.map(|said| said.files).unwrap_or_default();
        files.retain(|file| file.content != made.content);
        // The one that is there now is the last that may go.
        if files.len() > EARLIER
            && let Ok(now) = self.store.file_digest(output)
        {
            files.sort_by_key(|file| file.content != now);
        }
        files.truncate(EARLIER);
        files.insert(0, made);
        let said = PredictedBy { format_version: FORMAT_VERSION, files };
        let mut bytes = serde_json::to_vec_pretty(&said)
            .map_err(|error| EngineError::Internal(format!("saying who made the rows: {error}")))?;
        bytes.push(b'\n');
        whole.beside(&path, &bytes).map_err(wrong)?;
        whole.named().map_err(wrong)
    }

    fn made_by(
        &self,
        making: &Making<'_>,
        columns: &[String],
    ) -> Result<PredictedFile, EngineError> {
        let given = self.given(making.input, making.content)?;
        let mut experts = Vec::new();
        for &(index, asked) in &making.experts {
            let name = self.node(index).node_name();
            let Some(block) = self.lock.node.get(&name) else { continue };
            let own = format!("{}.", self.node(index).name());
            let written = |column: &&String| {
                asked && column.starts_with(&own) && !making.keep.contains(column)
            };
            experts.push(Maker {
                pipeline: self.pipeline.name.clone(),
                expert: name,
                recipe: block.recipe,
                model: block.realisation,
                generation: self.node(index).provenance()?.generation,
                columns: columns.iter().filter(written).cloned().collect(),
            });
        }
        let makers = experts.iter().map(|maker| maker.generation + 1).max().unwrap_or(1);
        let read = making.read.iter().map(|column| given.generation_of(column));
        let made = self.origins(making.source).made();
        let ancestry: BTreeSet<&Maker> = made.flat_map(|(_, _, made)| made.makers()).collect();
        let kept: BTreeMap<String, u32> =
            making.keep.iter().map(|name| (name.clone(), given.generation_of(name))).collect();
        Ok(PredictedFile {
            content: Digest::of(b""),
            rows: 0,
            generation: read.fold(makers, u32::max),
            ancestry: ancestry
                .into_iter()
                .filter(|maker| !experts.contains(maker))
                .cloned()
                .collect(),
            experts,
            kept,
        })
    }

    /// Where the rows of a file come from, as far as anybody says.
    fn given(&self, input: &Path, content: Option<Digest>) -> Result<Given, EngineError> {
        if PredictedBy::beside(input).exists()
            && let content = content.map_or_else(|| self.store.file_digest(input), Ok)?
            && let Ok(Some(made)) = beside(input, &content)
        {
            return Ok(Given::By(made));
        }
        let Ok(input) = input.canonicalize() else { return Ok(Given::Measured) };
        let synthetic = self
            .pipeline
            .data
            .keys()
            .flat_map(|data| &self.origins(data).tables)
            .filter(|table| table.declared == Origin::Synthetic)
            .flat_map(|table| &table.files)
            .any(|file| file.path.canonicalize().is_ok_and(|path| path == input));
        Ok(if synthetic { Given::Synthetic } else { Given::Measured })
    }
}
