//! Row sets: which rows a computation reads, by key and by number.
//!
//! A row set has two forms. Its *key* says how it is chosen, and costs nothing; with the key, the
//! digest of a column on those rows is looked up without touching the table. Its *rows* are the
//! numbers themselves, computed when a fit really needs them.

pub(crate) mod set;

use std::{collections::HashMap, sync::Arc};

use collegium_data::{folds, select};
use collegium_digest::{Digest, Hasher};
use collegium_manifest::Upstream;
use collegium_plan::View;
use collegium_records::ENGINE_EPOCH;
use collegium_table::{Column, Matrix, Values};

pub(crate) use set::evenly;
pub use set::{NO_LABEL, Rows, SIDES, Side, side_name};

use crate::{
    EngineError, NodeRef, Session,
    error::data_error,
    forward::Window,
    membership::{self, Memberships, Use},
    mutex::lock_mutex,
};

/// The fold of a row that is in none; there are at most 255.
const NO_FOLD: u8 = u8::MAX;

impl NodeRef<'_> {
    /// Remembers what models have seen beside an expert's present rows.
    pub(crate) fn tell_foreign(self, seen: Arc<Memberships>) {
        let before = lock_mutex(&self.session.memo.rows.foreign).insert(self.index, seen.clone());
        if before.is_some_and(|before| before != seen) {
            let stale =
                |rows: &Rows| matches!(rows, Rows::HeldOut { expert: of, .. } if *of == self.index);
            lock_mutex(&self.session.memo.rows.rows).retain(|rows, _| !stale(rows));
        }
    }

    /// What could take rows away from a side; `None` where nothing can.
    pub(crate) fn foreign_of(self, side: Side) -> Option<Arc<Memberships>> {
        let seen = lock_mutex(&self.session.memo.rows.foreign).get(&self.index).cloned()?;
        (side != Side::Train && !seen.as_ref().as_ref().is_some_and(Vec::is_empty)).then_some(seen)
    }

    fn part_of_training(
        self,
        view: View,
        fold: u32,
        inside: bool,
    ) -> Result<Vec<u32>, EngineError> {
        let owner = match view {
            View::HeldOut { consumer, .. } => consumer,
            View::OutOfFold { .. } | View::Deployed => self.index,
        };
        let mut folds = vec![NO_FOLD; self.session.node(owner).prepared().facts.rows as usize];
        for (row, fold) in self.session.fold_of_rows(owner, view)? {
            folds[row as usize] = fold;
        }
        let among = |row: &u32| folds.get(*row as usize).is_some_and(|&f| u32::from(f) == fold);
        let rows = self.session.rows(Rows::Train { expert: self.index })?;
        Ok(rows.iter().copied().filter(|row| among(row) == inside).collect())
    }

    /// Folds depend on the split's seed and on each row's identity alone.
    fn fold_key(self, count: u32) -> Digest {
        let seed = self.session.pipeline.data[&self.declared().data].split.seed;
        let mut hasher = Hasher::new("folds");
        hasher.count(seed).count(u64::from(count));
        self.session.hash_forward(&mut hasher, self.index);
        hasher.finish()
    }

    fn held_out(self) -> Option<View> {
        let spec = self.declared();
        let feeds = !self.session.dag.upstream(self.index).is_empty();
        (spec.upstream == Upstream::HeldOut && feeds)
            .then_some(View::HeldOut { consumer: self.index, folds: spec.folds })
    }

    /// Identifies the rows that an expert can learn from: data, split, `where`, target.
    fn base_key(self) -> Digest {
        let spec = self.declared();
        // The same `where` may mean other rows to another epoch.
        let mut hasher = Hasher::new("base rows");
        hasher.count(u64::from(ENGINE_EPOCH));
        hasher.digest(&self.prepared().key).text(spec.target.get_ref());
        hasher.text(spec.filter.as_ref().map_or("", |filter| filter.get_ref()));
        hasher.finish()
    }

    /// Rows that `where` admits and whose target is known.
    pub fn base_mask(self) -> Result<Arc<Vec<bool>>, EngineError> {
        if let Some(known) = lock_mutex(&self.session.memo.rows.masks).get(&self.index) {
            return Ok(known.clone());
        }
        let table = self.table()?;
        let spec = self.declared();
        let mut mask = match &spec.filter {
            Some(filter) => select(&table, &self.prepared().facts, &spec.data, filter)
                .map_err(|error| data_error(error, &self.session.pipeline.source))?,
            None => vec![true; table.rows],
        };
        if let Some(target) = table.column(spec.target.get_ref()) {
            for (row, keep) in mask.iter_mut().enumerate() {
                *keep &= !target.is_missing(row);
            }
        }
        let mask = Arc::new(mask);
        lock_mutex(&self.session.memo.rows.masks).insert(self.index, mask.clone());
        Ok(mask)
    }

    /// The class of every row of an expert's data source, [`NO_LABEL`] where it is missing.
    pub fn labels(self) -> Result<Arc<Vec<u32>>, EngineError> {
        if let Some(known) = lock_mutex(&self.session.memo.rows.labels).get(&self.index) {
            return Ok(known.clone());
        }
        let table = self.table()?;
        let name = self.declared().target.get_ref();
        let column = table
            .column(name)
            .ok_or_else(|| EngineError::Internal(format!("column {name} has gone")))?;
        let labels = Arc::new(class_codes(column, &self.resolved().classes));
        lock_mutex(&self.session.memo.rows.labels).insert(self.index, labels.clone());
        Ok(labels)
    }

    /// The digest of a column on a row set, looked up or computed.
    pub(crate) fn column_digest(self, column: &str, rows: Rows) -> Result<Digest, EngineError> {
        let mut hasher = Hasher::new("column on rows");
        hasher.digest(&self.prepared().key).text(column).digest(&self.session.rows_key(rows));
        let key = hasher.finish();
        if let Some(known) = self.session.store.memo(&key) {
            return Ok(known);
        }
        let table = self.table()?;
        let column = table
            .column(column)
            .ok_or_else(|| EngineError::Internal(format!("column {column} has gone")))?;
        let digest = column.digest(&self.session.rows(rows)?);
        self.session.store.remember(key, digest);
        Ok(digest)
    }
}

impl Session {
    /// Identifies a row set by how it is chosen.
    pub(crate) fn rows_key(&self, rows: Rows) -> Digest {
        let mut hasher = Hasher::new("rows");
        match rows {
            Rows::Side { expert, side } => {
                hasher.digest(&self.node(expert).base_key()).text(side_name(side));
            }
            Rows::HeldOut { expert, side } => {
                let whole = Rows::Side { expert, side };
                // Nothing foreign reaches most experts: their held-out rows are the side as it is.
                match self.node(expert).foreign_of(side) {
                    None => return self.rows_key(whole),
                    Some(seen) => {
                        hasher.text("held out").digest(&self.rows_key(whole));
                        hasher.digest(&membership::key(&seen));
                    }
                }
            }
            Rows::Train { expert } => {
                if let Some(known) = lock_mutex(&self.memo.rows.train_keys).get(&expert) {
                    return *known;
                }
                hasher.digest(&self.node(expert).base_key()).text("training");
                if let Some(view) = self.node(expert).held_out() {
                    self.hash_view(&mut hasher, expert, view);
                }
                for feeder in self.node(expert).forward_feeders() {
                    self.hash_forward(&mut hasher, expert);
                    let folds = u64::from(self.node(expert).declared().folds);
                    hasher.digest(&self.rows_key(Rows::Train { expert: feeder })).count(folds);
                }
                let key = hasher.finish();
                lock_mutex(&self.memo.rows.train_keys).insert(expert, key);
                return key;
            }
            Rows::Without { expert, view, fold }
            | Rows::Fold { expert, view, fold }
            | Rows::Stop { expert, view, fold } => {
                let inside = matches!(rows, Rows::Fold { .. });
                hasher.digest(&self.rows_key(Rows::Train { expert })).boolean(inside);
                if matches!(rows, Rows::Stop { .. }) {
                    hasher.text("stop");
                }
                self.hash_view(&mut hasher, expert, view);
                hasher.count(u64::from(fold));
            }
        }
        hasher.finish()
    }

    /// The rows themselves, ascending.
    pub fn rows(&self, rows: Rows) -> Result<Arc<Vec<u32>>, EngineError> {
        if let Some(known) = lock_mutex(&self.memo.rows.rows).get(&rows) {
            return Ok(known.clone());
        }
        let found = Arc::new(self.choose(rows)?);
        lock_mutex(&self.memo.rows.rows).insert(rows, found.clone());
        Ok(found)
    }

    fn choose(&self, rows: Rows) -> Result<Vec<u32>, EngineError> {
        match rows {
            Rows::Side { expert, side } => {
                let mask = self.node(expert).base_mask()?;
                let sides = self
                    .node(expert)
                    .prepared()
                    .sides()
                    .map_err(|error| data_error(error, &self.pipeline.source))?;
                Ok((0..mask.len() as u32)
                    .filter(|&row| mask[row as usize] && sides[row as usize] == side)
                    .collect())
            }
            Rows::HeldOut { expert, side } => {
                let whole = self.rows(Rows::Side { expert, side })?;
                let Some(seen) = self.node(expert).foreign_of(side) else {
                    return Ok(whole.to_vec());
                };
                // Validation rows are there to be chosen on; test rows are there for nothing.
                let how = if side == Side::Valid { Use::Trained } else { Use::Any };
                let seen = self.node(expert).seen_among(&seen, how, &whole)?;
                let unseen = |row: &u32| seen.binary_search(row).is_err();
                Ok(whole.iter().copied().filter(unseen).collect())
            }
            Rows::Train { expert } if self.node(expert).is_forward() => {
                match self.node(expert).held_out() {
                    None => self.node(expert).fed_rows(),
                    Some(_) => self.last_share(expert),
                }
            }
            Rows::Train { expert } => match self.node(expert).held_out() {
                None => Ok(self.rows(Rows::Side { expert, side: Side::Train })?.to_vec()),
                Some(view) => {
                    let held = self.fold_of_rows(expert, view)?;
                    Ok(held
                        .into_iter()
                        .filter(|&(_, fold)| fold == 0)
                        .map(|(row, _)| row)
                        .collect())
                }
            },
            Rows::Without { expert, view, fold } if self.node(expert).is_forward() => {
                self.node(expert).window(view, fold, Window::Train)
            }
            Rows::Fold { expert, view, fold } if self.node(expert).is_forward() => {
                self.node(expert).predicted_by(view, fold)
            }
            Rows::Stop { expert, view, fold } => self.node(expert).window(view, fold, Window::Stop),
            Rows::Without { expert, view, fold } => {
                self.node(expert).part_of_training(view, fold, false)
            }
            Rows::Fold { expert, view, fold } => {
                self.node(expert).part_of_training(view, fold, true)
            }
        }
    }

    /// The fold of each training row of `owner`, before any held-out restriction of its own.
    fn fold_of_rows(&self, owner: usize, view: View) -> Result<Vec<(u32, u8)>, EngineError> {
        let count = match view {
            View::OutOfFold { folds } | View::HeldOut { folds, .. } => folds,
            View::Deployed => 1,
        };
        let rows = match view {
            View::HeldOut { .. } => self.rows(Rows::Side { expert: owner, side: Side::Train })?,
            _ => self.rows(Rows::Train { expert: owner })?,
        };
        let prepared = self.node(owner).prepared();
        let units = match prepared.groups() {
            Ok(Some(groups)) => Ok(groups),
            Ok(None) => prepared.identities(),
            Err(error) => Err(error),
        };
        let units = units.map_err(|error| data_error(error, &self.pipeline.source))?;
        let assigned = folds(&rows, count, &units, &self.node(owner).fold_key(count));
        Ok(rows.iter().copied().zip(assigned).collect())
    }

    fn hash_view(&self, hasher: &mut Hasher, expert: usize, view: View) {
        match view {
            View::Deployed => hasher.text("deployed"),
            View::OutOfFold { folds } => {
                hasher.text("out-of-fold").digest(&self.node(expert).fold_key(folds))
            }
            View::HeldOut { consumer, folds } => hasher
                .text("held-out")
                .digest(&self.node(consumer).base_key())
                .digest(&self.node(consumer).fold_key(folds)),
        };
    }

    /// The digest of an output object on a row set, looked up or computed; `None` when the object
    /// is not in the store.
    pub(crate) fn output_digest(
        &self,
        object: &Digest,
        rows: Rows,
    ) -> Result<Option<Digest>, EngineError> {
        let key =
            Hasher::new("output on rows").digest(object).digest(&self.rows_key(rows)).finish();
        if let Some(known) = self.store.memo(&key) {
            return Ok(Some(known));
        }
        let Some(matrix) = self.matrix(object)? else { return Ok(None) };
        let digest = matrix_digest(&matrix, &self.rows(rows)?);
        self.store.remember(key, digest);
        Ok(Some(digest))
    }
}

fn matrix_digest(matrix: &Matrix, rows: &[u32]) -> Digest {
    let mut bytes = Vec::with_capacity(rows.len() * matrix.width * 4);
    for &row in rows {
        for value in matrix.row(row as usize) {
            bytes.extend_from_slice(&(value + 0.0).to_le_bytes());
        }
    }
    Hasher::new("outputs").count(matrix.width as u64).bytes(&bytes).finish()
}

/// Class positions by row; [`NO_LABEL`] for what is missing and for what is none of the classes.
pub(crate) fn class_codes(column: &Column, classes: &[String]) -> Vec<u32> {
    let position: HashMap<&str, u32> =
        classes.iter().enumerate().map(|(i, class)| (class.as_str(), i as u32)).collect();
    let find = |text: &str| position.get(text).copied().unwrap_or(NO_LABEL);
    match &column.values {
        Values::Boolean(values) => {
            values.iter().map(|&v| if v > 1 { NO_LABEL } else { u32::from(v) }).collect()
        }
        Values::Category { codes, levels } => {
            let by_code: Vec<u32> = levels.iter().map(|level| find(level)).collect();
            codes.iter().map(|&c| by_code.get(c as usize).copied().unwrap_or(NO_LABEL)).collect()
        }
        Values::Number(values) => values
            .iter()
            .map(|&v| if v.fract() == 0.0 { find(&(v as i64).to_string()) } else { NO_LABEL })
            .collect(),
        Values::Time(_) | Values::Image { .. } => vec![NO_LABEL; column.len()],
    }
}
