//! Covariate shift between the sides of a table: which raw columns of a node moved from training rows to another side.

use std::collections::BTreeSet;

use collegium_digest::Digest;
use collegium_probe::Family;
use collegium_records::ColumnShift;

use super::{correct, sample::MOST, shift::ordered};
use crate::{
    EngineError, NodeRef,
    rows::{Rows, Side, evenly},
};

impl NodeRef<'_> {
    /// Every raw column that reaches a node, on its rows of a side against the training rows of its data source; the
    /// same tests as of new rows, corrected over these columns (Holm).
    ///
    /// # Errors
    /// [`EngineError::Store`], [`EngineError::Lost`].
    pub fn shift_of(self, side: Side, key: &Digest) -> Result<Vec<ColumnShift>, EngineError> {
        let data = &self.declared().data;
        let columns: BTreeSet<String> = self
            .resolved()
            .raw
            .iter()
            .filter_map(|input| Some(input.column()?.to_owned()))
            .collect();
        let table = self.table()?;
        let rows = self.session.rows(Rows::Side { expert: self.index, side })?;
        let mut other = vec![true; table.rows];
        rows.iter().for_each(|&row| other[row as usize] = false);
        let sampled = evenly(&rows, MOST);
        let mut found = Vec::new();
        let watched = self.watched(&columns)?;
        let tests = watched.len();
        for mut watched in watched {
            let Some(column) = table.column(&watched.column) else { continue };
            watched.add(column, &other);
            let values: Vec<f64> =
                sampled.iter().map(|&row| ordered(&column.values, row as usize)).collect();
            let name = format!("{data}.{}", column.name);
            let family = Family { key, name: &name, tests };
            found.push(watched.finish(name.clone(), &values, &family));
        }
        correct(&mut found.iter_mut().collect::<Vec<_>>());
        Ok(found)
    }
}
