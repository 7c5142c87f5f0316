//! Session cache of label provenance.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Mutex, OnceLock},
};

use collegium_manifest::{Diagnostic, Origin, Spanned};
use collegium_records::PredictedFile;

/// Session cache of label provenance.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// By data source.
    pub(super) sources: OnceLock<HashMap<String, Origins>>,
    /// By expert, where rows say their origin.
    pub(super) rows: Mutex<HashMap<usize, Counted>>,
    /// The generation of an expert with its upstreams.
    pub(super) generations: Mutex<HashMap<usize, u32>>,
}

/// Where the tables of a data source come from.
#[derive(Debug, Default)]
pub(super) struct Origins {
    pub(super) tables: Vec<TableOrigin>,
    /// What could not be told of a file.
    pub(super) findings: Vec<Diagnostic>,
}

/// One table.
#[derive(Debug)]
pub(super) struct TableOrigin {
    pub(super) name: String,
    /// Its pattern in the pipeline file.
    pub(super) pattern: Spanned<String>,
    /// What the pipeline file says.
    pub(super) declared: Origin,
    pub(super) files: Vec<FileOrigin>,
}

/// One file of a table.
#[derive(Debug)]
pub(super) struct FileOrigin {
    pub(super) path: PathBuf,
    /// What is said beside it of its content.
    pub(super) made: Option<PredictedFile>,
}

/// Counts of measured and synthetic training rows, by the column of origins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(super) all: u64,
    pub(super) synthetic: u64,
    /// Without a value.
    pub(super) unsaid: u64,
}

impl Origins {
    pub(super) fn generation(&self) -> u32 {
        self.tables.iter().map(TableOrigin::generation).max().unwrap_or(0)
    }

    /// Every file that experts made, with its table.
    pub(super) fn made(&self) -> impl Iterator<Item = (&TableOrigin, &FileOrigin, &PredictedFile)> {
        self.tables.iter().flat_map(|table| {
            table.files.iter().filter_map(move |file| Some((table, file, file.made.as_ref()?)))
        })
    }
}

impl TableOrigin {
    /// Generation of the table: 0 where nothing says that a model made it.
    pub(super) fn generation(&self) -> u32 {
        let said = u32::from(self.declared == Origin::Synthetic);
        let made = self.files.iter().filter_map(|file| file.made.as_ref());
        made.map(|made| made.generation).fold(said, u32::max)
    }
}
