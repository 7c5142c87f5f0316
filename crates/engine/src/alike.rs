//! Shared data findings: experts with the same rows or columns, checked once for all of them.
//!
//! Of thousands of experts most read the same rows of the same table. What is counted or suspected there is
//! the same for all of them: it is found out for the first, and the others look it up by that one's number.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use collegium_manifest::{Input, Pipeline, Upstream};
use collegium_records::{Provenance, RowAccount};

use crate::{findings::found::Hint, resolved::Resolved};

/// Which experts are alike, and what was found out about the first of them.
#[derive(Debug)]
pub(crate) struct Alike {
    /// By expert: the first with the same data source, target, `where` and task. Their rows are the same on
    /// every side.
    rows: Vec<usize>,
    /// By expert: the first of these that is given the same columns at the same places. One whose training
    /// rows depend on what feeds it is alone.
    columns: Vec<usize>,
    /// What became of the rows, by the first of those with the same rows.
    pub(crate) accounts: Mutex<HashMap<usize, Arc<RowAccount>>>,
    /// What the values suggest, by the first of those with the same columns.
    pub(crate) hints: Mutex<HashMap<usize, Arc<Vec<Hint>>>>,
    /// Where the labels come from, by the first of those with the same rows, the generation, and whether the
    /// expert stands on a model of other labels.
    pub(crate) provenance: Mutex<HashMap<(usize, u32, bool), Arc<Provenance>>>,
}

impl Alike {
    /// Finds experts that are alike. `forward` says whether an expert's training rows depend on its upstreams.
    pub(crate) fn of(
        pipeline: &Pipeline,
        resolved: &[Resolved],
        forward: impl Fn(usize) -> bool,
    ) -> Self {
        let mut same_rows = HashMap::new();
        let mut same_columns = HashMap::new();
        let (mut rows, mut columns) = (Vec::new(), Vec::new());
        for (index, spec) in pipeline.experts.values().enumerate() {
            let filter = spec.filter.as_ref().map(|filter| filter.get_ref());
            let task = resolved.get(index).map(|resolved| resolved.task);
            let asked = (&spec.data, spec.target.get_ref(), filter, task);
            let of_rows = *same_rows.entry(asked).or_insert(index);
            let given: Vec<(usize, &Input)> = spec
                .inputs
                .iter()
                .map(|input| input.get_ref())
                .enumerate()
                .filter(|(_, input)| matches!(input, Input::Column { .. }))
                .collect();
            let alone = forward(index) || spec.upstream == Upstream::HeldOut;
            columns.push(match alone {
                true => index,
                false => *same_columns.entry((of_rows, given)).or_insert(index),
            });
            rows.push(of_rows);
        }
        Self {
            rows,
            columns,
            accounts: Mutex::default(),
            hints: Mutex::default(),
            provenance: Mutex::default(),
        }
    }

    /// The first expert with the same rows on every side.
    pub(crate) fn rows(&self, index: usize) -> usize {
        self.rows[index]
    }

    /// The first expert that is given the same columns of the same training rows.
    pub(crate) fn columns(&self, index: usize) -> usize {
        self.columns[index]
    }
}
