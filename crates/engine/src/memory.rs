//! How much memory a fit will hold, and the limit that a pipeline may set.
//!
//! A fit that would need more than `pipeline.memory_limit` is refused before anything large is
//! allocated, with the figure; a system that runs out kills whom it likes. Several fits side by side
//! share the limit: one waits until what is running leaves enough.

use std::sync::{Condvar, Mutex};

use collegium_manifest::{ColumnType, Input, Model, Output};

use crate::{Session, session::lock_mutex};

/// Bytes that running fits hold, by estimate.
#[derive(Debug, Default)]
pub(crate) struct Held {
    bytes: Mutex<u64>,
    less: Condvar,
}

/// A share of the limit, given back when dropped.
pub(crate) struct Share<'a> {
    held: &'a Held,
    bytes: u64,
}

impl Held {
    /// Waits until `bytes` more fit under the limit, or nothing else is running.
    pub(crate) fn take(&self, bytes: u64, limit: Option<u64>) -> Share<'_> {
        let mut held = lock_mutex(&self.bytes);
        while let Some(limit) = limit
            && *held > 0
            && *held + bytes > limit
        {
            held = self.less.wait(held).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
        *held += bytes;
        Share { held: self, bytes }
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        *lock_mutex(&self.held.bytes) -= self.bytes;
        self.held.less.notify_all();
    }
}

impl Session {
    /// Refuses a fit that would not fit, in words.
    pub(crate) fn memory_for(
        &self,
        index: usize,
        width: usize,
        rows: &[u32],
        valid: &[u32],
    ) -> Result<u64, String> {
        let Model::Mlp(mlp) = &self.expert(index).model;
        let outputs = match self.experts[index].classes.len() {
            0..=2 => 1,
            many => many,
        };
        let batch = self.expert(index).train.batch;
        let count = (rows.len() + valid.len()) as u64;
        let needed = collegium_learn::estimate_bytes(mlp, width, outputs, count, batch);
        match self.pipeline.memory_limit {
            Some(limit) if needed > limit => Err(format!(
                "it would hold about {} ({count} rows of {width} encoded columns), more than \
                 `memory_limit` allows ({}); fewer rows (`where`), a smaller model or batch, or a \
                 higher limit would do",
                mebibytes(needed),
                mebibytes(limit)
            )),
            _ => Ok(needed),
        }
    }

    /// The same before anything is encoded: from what is known of the columns, never less than what
    /// [`Session::memory_for`] will find.
    pub(crate) fn memory(&self, index: usize) -> u64 {
        let Model::Mlp(mlp) = &self.expert(index).model;
        let facts = &self.prepared(index).facts;
        let width: usize = self.experts[index].inputs.iter().map(|i| self.widest(i)).sum();
        let outputs = match self.experts[index].classes.len() {
            0..=2 => 1,
            many => many,
        };
        let rows = facts.sides[0] + facts.sides[1];
        collegium_learn::estimate_bytes(mlp, width, outputs, rows, self.expert(index).train.batch)
    }

    /// Most columns that an input encodes to.
    pub(crate) fn widest(&self, input: &Input) -> usize {
        match input {
            Input::Column { data, column } => match self.column_facts(data, column) {
                Some(facts) => {
                    let missing = usize::from(facts.missing > 0);
                    match facts.kind {
                        ColumnType::Number | ColumnType::Boolean => 1 + missing,
                        ColumnType::Category => facts.levels.len() + 1 + missing,
                        ColumnType::Time => 7 + missing,
                        ColumnType::Image => facts.image.map_or(1, |shape| shape.size()),
                    }
                }
                None => 1,
            },
            Input::Output { expert, output } => {
                let Ok(from) = self.index(expert) else { return 1 };
                let classes = self.experts[from].classes.len();
                match output {
                    Output::Value => 1,
                    Output::Probability | Output::Logit => match classes {
                        0..=2 => 1,
                        many => many,
                    },
                    Output::Label => classes + 1,
                    Output::Embedding => {
                        let Model::Mlp(mlp) = &self.expert(from).model;
                        mlp.hidden.last().map_or(1, |width| *width as usize)
                    }
                }
            }
        }
    }
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / (1024.0 * 1024.0))
}
