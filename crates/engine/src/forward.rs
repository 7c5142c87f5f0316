//! Forward-chaining cross-validation (expanding window), for data that is split by time.
//!
//! A random fold would train a model on next week to predict this one, and a consumer fed by it would
//! learn to trust an upstream that has seen the future. So the training rows are cut in time: `folds` + 1
//! blocks of equal shares, rows of one time in one block. Block k is predicted by a model that is
//! trained on the blocks before it (an expanding window), less the split's gap, and that stops on the end
//! of its own window. Nothing is before the first block, so its rows have no out-of-fold output, and
//! consumers are not trained on them.
//!
//! Blocks are stretches of time and not lists of rows: a row that the upstream was not trained on, because
//! of its `where` or a missing target, is predicted by its block's model too. The full model would have
//! seen what comes after it.

use std::sync::Arc;

use collegium_data::Side;
use collegium_digest::Hasher;
use collegium_manifest::Upstream;
use collegium_plan::{Part, View};
use collegium_records::Held;

use crate::{EngineError, NodeRef, Session, error::data_error, mutex::lock_mutex, rows::Rows};

/// Which part of a fold's window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Window {
    /// What its model learns from.
    Train,
    /// The end, which decides when it has learned enough.
    Stop,
}

impl NodeRef<'_> {
    /// Is the data of this expert split by time?
    pub(crate) fn is_forward(self) -> bool {
        self.session.pipeline.data[&self.declared().data].split.is_forward()
    }

    /// The rows that decide when a part has learned enough.
    pub(crate) fn stopping_rows(self, part: Part) -> Rows {
        match part {
            Part::Fold { view, fold } if self.is_forward() => {
                Rows::Stop { expert: self.index, view, fold }
            }
            _ => Rows::Side { expert: self.index, side: Side::Valid },
        }
    }

    /// The upstream experts whose forward folds feed this one: its training begins where they begin.
    pub(crate) fn forward_feeders(self) -> Vec<usize> {
        if !self.is_forward() || self.declared().upstream != Upstream::OutOfFold {
            return Vec::new();
        }
        let sourced = |from: &usize| {
            let held = self.session.held.get(*from).and_then(Option::as_ref);
            held.is_some_and(|held| held.kind == Held::Sourced)
        };
        self.session.dag.upstream(self.index).into_iter().filter(|from| !sourced(from)).collect()
    }

    /// The training side of an expert, from where on everything that feeds it has an output.
    pub(crate) fn fed_rows(self) -> Result<Vec<u32>, EngineError> {
        let rows = self.session.rows(Rows::Side { expert: self.index, side: Side::Train })?;
        let mut from = f64::NEG_INFINITY;
        for feeder in self.forward_feeders() {
            let starts = self.session.node(feeder).starts(self.declared().folds)?;
            from = from.max(starts.first().copied().unwrap_or(from));
        }
        if from == f64::NEG_INFINITY {
            return Ok(rows.to_vec());
        }
        let times = self.times()?;
        Ok(rows.iter().copied().filter(|&row| times[row as usize] >= from).collect())
    }

    /// How many of an expert's rows on the training side it is not trained on, because what feeds it
    /// has no out-of-fold output there; and how many there are.
    pub fn left_out(self) -> Result<Option<(u64, u64)>, EngineError> {
        if self.forward_feeders().is_empty() {
            return Ok(None);
        }
        let all = self.session.rows(Rows::Side { expert: self.index, side: Side::Train })?.len();
        let used = self.session.rows(Rows::Train { expert: self.index })?.len();
        Ok(Some(((all - used) as u64, all as u64)))
    }

    /// A row set of a forward fold: what its model is trained or stopped on.
    pub(crate) fn window(
        self,
        view: View,
        fold: u32,
        part: Window,
    ) -> Result<Vec<u32>, EngineError> {
        let gap = self.prepared().gap();
        let (begins, _) = self.block(view, fold)?;
        let times = self.times()?;
        let at = |row: u32| times[row as usize];
        let rows = self.session.rows(Rows::Train { expert: self.index })?;
        let window: Vec<u32> = rows.iter().copied().filter(|&row| at(row) < begins - gap).collect();
        let stop = self.stop_from(&window)?;
        Ok(window
            .into_iter()
            .filter(|&row| match part {
                Window::Stop => at(row) >= stop,
                Window::Train => at(row) < stop - gap,
            })
            .collect())
    }

    /// Where the end of a window begins: as large a share of it as validation rows are beside
    /// training rows, rows of one time together. Without validation rows, never.
    fn stop_from(self, window: &[u32]) -> Result<f64, EngineError> {
        let [train, valid, _] = self.prepared().facts.sides;
        if valid == 0 || window.is_empty() {
            return Ok(f64::INFINITY);
        }
        let share = valid as f64 / (train + valid) as f64;
        let sorted = self.sorted_times(window)?;
        let count = ((share * sorted.len() as f64).round() as usize).clamp(1, sorted.len());
        Ok(sorted[sorted.len() - count])
    }

    /// The rows that a forward fold's model predicts: all of the training side in its block, whatever
    /// its expert was trained on.
    pub(crate) fn predicted_by(self, view: View, fold: u32) -> Result<Vec<u32>, EngineError> {
        let (from, to) = self.block(view, fold)?;
        self.training_side(|at| at >= from && at < to)
    }

    /// Rows of the training side that no model of a view may predict: they lie before its first block.
    pub(crate) fn without_output(self, view: View) -> Result<Vec<u32>, EngineError> {
        if !self.is_forward() || view == View::Deployed {
            return Ok(Vec::new());
        }
        let (from, _) = self.block(view, 0)?;
        self.training_side(|at| at < from)
    }

    fn training_side(self, keep: impl Fn(f64) -> bool) -> Result<Vec<u32>, EngineError> {
        let prepared = self.prepared();
        let sides =
            prepared.sides().map_err(|error| data_error(error, &self.session.pipeline.source))?;
        let times = self.times()?;
        let inside = |row: &u32| sides[*row as usize] == Side::Train && keep(times[*row as usize]);
        Ok((0..sides.len() as u32).filter(inside).collect())
    }

    /// From when to when the rows lie that a fold's model predicts.
    fn block(self, view: View, fold: u32) -> Result<(f64, f64), EngineError> {
        match view {
            View::HeldOut { consumer, .. } => {
                Ok((self.session.held_out_from(consumer)?, f64::INFINITY))
            }
            View::OutOfFold { folds } => {
                let starts = self.starts(folds)?;
                let start = |at: usize| starts.get(at).copied().unwrap_or(f64::INFINITY);
                Ok((start(fold as usize), start(fold as usize + 1)))
            }
            View::Deployed => Ok((f64::INFINITY, f64::INFINITY)),
        }
    }

    /// When each block but the first begins: `folds` + 1 equal shares of an expert's training rows.
    fn starts(self, folds: u32) -> Result<Arc<Vec<f64>>, EngineError> {
        if let Some(known) = lock_mutex(&self.session.memo.rows.starts).get(&(self.index, folds)) {
            return Ok(known.clone());
        }
        let times = self.sorted_times(&self.session.rows(Rows::Train { expert: self.index })?)?;
        let share = |k: u32| k as usize * times.len() / (folds as usize + 1);
        let starts: Vec<f64> =
            (1..=folds).map(|k| times.get(share(k)).copied().unwrap_or(f64::INFINITY)).collect();
        let starts = Arc::new(starts);
        lock_mutex(&self.session.memo.rows.starts).insert((self.index, folds), starts.clone());
        Ok(starts)
    }

    fn sorted_times(self, rows: &[u32]) -> Result<Vec<f64>, EngineError> {
        let times = self.times()?;
        let mut sorted: Vec<f64> = rows.iter().map(|&row| times[row as usize]).collect();
        sorted.sort_by(f64::total_cmp);
        Ok(sorted)
    }

    /// The time of every row of an expert's data, which is split by time.
    pub(crate) fn times(self) -> Result<Arc<Vec<f64>>, EngineError> {
        let times = self.prepared().times();
        times
            .map_err(|error| data_error(error, &self.session.pipeline.source))?
            .ok_or_else(|| EngineError::Internal("folds in time without a time".to_owned()))
    }

    /// Why a fold has no training rows, if it is because its window is empty.
    pub(crate) fn empty_window(self, part: Part) -> Option<String> {
        let Part::Fold { fold, .. } = part else { return None };
        self.is_forward().then(|| {
            let time = self.session.pipeline.data[&self.declared().data].split.time();
            let gap = time.and_then(|time| time.gap.as_ref());
            let gap = gap.map_or_else(String::new, |gap| format!(", less the gap of {}", gap.get_ref()));
            format!(
                "no training row lies before block {} of its folds in time{gap}: set fewer `folds` on what \
                 reads it{}",
                fold + 2,
                if gap.is_empty() { "" } else { ", or shorten the gap" }
            )
        })
    }
}

impl Session {
    /// What of the split decides on folds in time, into a key.
    pub(crate) fn hash_forward(&self, hasher: &mut Hasher, expert: usize) {
        if let Some(time) = self.pipeline.data[&self.node(expert).declared().data].split.time() {
            let gap = self.node(expert).prepared().gap();
            hasher.text("forward").text(time.column.get_ref()).count(gap.to_bits());
        }
    }

    /// The rows of a held-out consumer: the last of `folds` shares of its training rows in time.
    pub(crate) fn last_share(&self, consumer: usize) -> Result<Vec<u32>, EngineError> {
        let rows = self.node(consumer).fed_rows()?;
        let from = self.held_out_from(consumer)?;
        let times = self.node(consumer).times()?;
        Ok(rows.into_iter().filter(|&row| times[row as usize] >= from).collect())
    }

    fn held_out_from(&self, consumer: usize) -> Result<f64, EngineError> {
        let times = self.node(consumer).sorted_times(&self.node(consumer).fed_rows()?)?;
        let share = times.len() / self.node(consumer).declared().folds.max(1) as usize;
        Ok(times.get(times.len() - share.max(1).min(times.len())).copied().unwrap_or(f64::INFINITY))
    }
}
