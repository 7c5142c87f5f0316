//! Groups of rows that are resampled together: rows that agree on `split.by`; with a split by time that names
//! no groups, blocks of time.

use std::{collections::BTreeMap, sync::Arc};

use collegium_digest::Hasher;
use collegium_probe::{Groups, TimeBlocks};
use collegium_records::{BlocksOfTime, Recipe, three_digits};
use collegium_table::ColumnType;

use crate::{
    EngineError, NodeRef,
    blocked::Blocked,
    error::data_error,
    intervals::series_of,
    mutex::lock_mutex,
    rows::{Rows, SIDES, Side, side_name},
    states::NodeState,
};

impl NodeRef<'_> {
    /// The groups of some rows of an expert's data source; `None` where each stands for itself. They are those
    /// of `split.by`; with a split by time alone, blocks of time, side by side, whose length is declared or
    /// follows from how long the expert's losses stay alike.
    ///
    /// # Errors
    /// [`EngineError::Store`], [`EngineError::Lost`].
    pub fn groups_of(self, state: &NodeState, rows: &[u32]) -> Result<Option<Groups>, EngineError> {
        if let Some(named) = self.named_groups(rows)? {
            return Ok(named);
        }
        let Some(blocked) = self.blocked(state)? else { return Ok(None) };
        let code = |&row: &u32| blocked.codes[row as usize].unwrap_or(u64::MAX - u64::from(row));
        Ok(Groups::of(rows.iter().map(code)))
    }

    /// The groups of rows, of which `known` are those by losses, for a measure whose values on these rows are
    /// `series`: with blocks of time, by these values if they stay alike for longer than the losses.
    ///
    /// # Errors
    /// [`EngineError::Store`], and those of `series`.
    pub fn groups_for(
        self,
        known: Option<Groups>,
        rows: &[u32],
        series: impl FnOnce() -> Vec<Vec<f64>>,
    ) -> Result<Option<Groups>, EngineError> {
        if !self.is_blocked() {
            return Ok(known);
        }
        let own = self.blocks_by(rows, || Ok(series()))?;
        let own = own.and_then(|blocks| Groups::of(blocks.codes));
        Ok(Groups::coarser(known, own, rows.len()))
    }

    /// The groups of rows by what was measured on them alone, for rows of one side.
    ///
    /// # Errors
    /// [`EngineError::Store`], and those of `series`.
    pub fn groups_by(
        self,
        rows: &[u32],
        series: impl FnOnce() -> Result<Vec<Vec<f64>>, EngineError>,
    ) -> Result<Option<Groups>, EngineError> {
        if let Some(named) = self.named_groups(rows)? {
            return Ok(named);
        }
        Ok(self.blocks_by(rows, series)?.and_then(|blocks| Groups::of(blocks.codes)))
    }

    /// What the groups of a side are, if they are blocks of time.
    ///
    /// # Errors
    /// As [`Self::groups_of`].
    pub fn blocks_of(
        self,
        state: &NodeState,
        side: Side,
    ) -> Result<Option<BlocksOfTime>, EngineError> {
        if !self.is_blocked() {
            return Ok(None);
        }
        Ok(self.blocked(state)?.and_then(|blocked| blocked.sides.get(&side).cloned()))
    }

    /// `None` where the split names no groups.
    fn named_groups(self, rows: &[u32]) -> Result<Option<Option<Groups>>, EngineError> {
        let known = self
            .prepared()
            .groups()
            .map_err(|error| data_error(error, &self.session.pipeline.source))?;
        Ok(known.map(|groups| Groups::of(rows.iter().map(|&row| groups[row as usize]))))
    }

    /// Are the groups blocks of time?
    pub(crate) fn is_blocked(self) -> bool {
        self.is_forward() && self.session.pipeline.data[&self.declared().data].split.by.is_empty()
    }

    /// Blocks of time of rows of one side, by declared length or by how long `series` stay alike.
    fn blocks_by(
        self,
        rows: &[u32],
        series: impl FnOnce() -> Result<Vec<Vec<f64>>, EngineError>,
    ) -> Result<Option<TimeBlocks>, EngineError> {
        if !self.is_forward() {
            return Ok(None);
        }
        let all = self.times()?;
        let times: Vec<f64> = rows.iter().map(|&row| all[row as usize]).collect();
        Ok(Some(match self.declared_block() {
            Some(length) => TimeBlocks::declared(&times, length),
            None => TimeBlocks::found(&times, &series()?),
        }))
    }

    /// The length that the file declares, in the unit of the times.
    pub(crate) fn declared_block(self) -> Option<f64> {
        let time = self.session.pipeline.data[&self.declared().data].split.time()?;
        time.block.as_ref().map(|block| block.get_ref().length())
    }

    /// The blocks of all sides, once for a node and what it hands over.
    fn blocked(self, state: &NodeState) -> Result<Option<Arc<Blocked>>, EngineError> {
        if !self.is_forward() {
            return Ok(None);
        }
        let key = (self.index, state.applied);
        if let Some(known) = lock_mutex(&self.session.memo.blocks).get(&key) {
            return Ok(Some(known.clone()));
        }
        let mut codes = vec![None; self.times()?.len()];
        let mut sides = BTreeMap::new();
        for (number, side) in (0_u64..).zip(SIDES) {
            let rows = self.session.rows(Rows::Side { expert: self.index, side })?;
            let series = || Ok(series_of(&self.undecided(state, &rows)?));
            let Some(blocks) = self.blocks_by(&rows, series)? else { continue };
            for (&row, code) in rows.iter().zip(&blocks.codes) {
                // Blocks of two sides are two; no side has 2⁶² blocks.
                codes[row as usize] = Some((number << 62) | code);
            }
            sides.insert(side, self.told_blocks(&blocks));
        }
        let made = Arc::new(Blocked { codes, sides });
        lock_mutex(&self.session.memo.blocks).insert(key, made.clone());
        Ok(Some(made))
    }

    /// Blocks in words.
    pub(crate) fn told_blocks(self, blocks: &TimeBlocks) -> BlocksOfTime {
        let split = &self.session.pipeline.data[&self.declared().data].split;
        let dated = split.time().is_some_and(|time| {
            let facts = self.prepared().facts.column(time.column.get_ref());
            facts.is_some_and(|facts| facts.kind == ColumnType::Time)
        });
        let text = |length: f64| if dated { span(length) } else { three_digits(length) };
        let declared = split.time().and_then(|time| time.block.as_ref());
        BlocksOfTime {
            length: declared
                .map_or_else(|| text(blocks.length), |block| block.get_ref().to_string()),
            memory: blocks.memory.map(text),
            short: blocks.short,
        }
    }

    /// Makes the groups of held-out rows an ingredient of what has intervals over them. Where rows stand
    /// for themselves there is none, and recipes are as if nobody had heard of groups.
    pub(crate) fn add_groups(
        self,
        recipe: &mut Recipe,
        state: &NodeState,
    ) -> Result<(), EngineError> {
        for side in SIDES {
            let rows = self.session.rows(Rows::HeldOut { expert: self.index, side })?;
            if let Some(groups) = self.groups_of(state, &rows)? {
                let mut hasher = Hasher::new("groups");
                for code in groups.codes() {
                    hasher.count(u64::from(*code));
                }
                recipe.set(format!("groups.{}", side_name(side)), hasher.finish());
            }
        }
        Ok(())
    }
}

/// Microseconds as text, in the largest unit of which there are two: `36 hours`, `9.5 days`.
fn span(microseconds: f64) -> String {
    let units = [("day", 86_400e6), ("hour", 3_600e6), ("minute", 60e6), ("second", 1e6)];
    let unit = units.iter().find(|(_, each)| microseconds >= 2.0 * each);
    let (name, each) = unit.unwrap_or(&units[3]);
    let number = microseconds / each;
    match (number - number.round()).abs() < 0.05 {
        true => {
            format!("{} {name}{}", number.round(), if number.round() == 1.0 { "" } else { "s" })
        }
        false => format!("{number:.1} {name}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_in_a_unit_of_which_there_are_several() {
        let texts = [3.6e9, 86_400e6, 36.0 * 3_600e6, 9.5 * 86_400e6, 1e6, 9e7, 0.0].map(span);
        assert_eq!(
            texts,
            [
                "60 minutes",
                "24 hours",
                "36 hours",
                "9.5 days",
                "1 second",
                "90 seconds",
                "0 seconds"
            ]
        );
    }
}
