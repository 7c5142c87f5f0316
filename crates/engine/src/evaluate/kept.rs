//! Predictions and targets of each node, gathered chunk by chunk, and counts of the rows left out.

use std::collections::{BTreeSet, HashMap};

use collegium_data::select;
use collegium_manifest::Task;
use collegium_probe::{ClassDecision, Classes, Resampling, TimeBlocks};
use collegium_records::{BlocksOfTime, DeclaredSlices, LevelRows, NodeRows};
use collegium_table::{Column, Matrix, Table, Values};

use super::shift::by_frequency;
use crate::{
    EngineError, Session,
    error::data_error,
    intervals::series_of,
    measure::Predicted,
    predict::{Deployed, Made},
    rows::class_codes,
    slicing::{Slicing, on_slices},
};

/// Most classes that a model does not know and that are counted one by one.
const TOLD: usize = 1_000;
/// Of these, those that are named.
const NAMED: usize = 20;

/// A node's rows so far. Memory: 4 bytes an output and 12 (a number: 16) a measured row, 8 more
/// where rows come in groups.
pub(super) struct Kept {
    pub(super) index: usize,
    /// Of a classification, for each class whether its model can know it.
    known: Vec<bool>,
    pub(super) rows: NodeRows,
    /// Numbers of the measured rows.
    pub(super) places: Vec<u64>,
    /// Who each of them belongs to, where rows come in groups; with a split by time alone the bits of its time.
    groups: Vec<u64>,
    /// Are those times?
    times: bool,
    width: usize,
    answers: Vec<f32>,
    labels: Vec<u32>,
    truth: Vec<f64>,
    unknown: HashMap<String, u64>,
    decision: ClassDecision,
    /// Declared slices, and the part of each measured row.
    pub(super) slicings: Vec<Slicing>,
    parts: Vec<Vec<u32>>,
}

impl Kept {
    /// `slices` are the declared ones whose columns the rows have.
    pub(super) fn new(
        session: &Session,
        expert: &Deployed,
        slices: &BTreeSet<String>,
    ) -> Result<Self, EngineError> {
        let index = expert.index;
        // What a held model was trained on is not what the table's training rows are.
        let known = match session.node(index).resolved().task {
            Task::Classification if session.node(index).held_model().is_none() => {
                session.node(index).trained_classes()?
            }
            _ => vec![true; session.node(index).resolved().classes.len()],
        };
        let mut slicings = session.node(index).slicings()?;
        slicings.retain(|slicing| slices.contains(slicing.declared()));
        Ok(Self {
            index,
            known,
            parts: vec![Vec::new(); slicings.len()],
            slicings,
            rows: NodeRows::default(),
            places: Vec::new(),
            groups: Vec::new(),
            times: session.node(index).is_blocked(),
            width: 1,
            answers: Vec::new(),
            labels: Vec::new(),
            truth: Vec::new(),
            unknown: HashMap::new(),
            decision: expert.decision,
        })
    }

    /// Adds the node's predictions on a chunk, whose first row is number `first`. Rows that its models have
    /// `seen` are counted and not measured; `None` where that is not known. `groups` has the group of each
    /// row, where there are any.
    pub(super) fn add(
        &mut self,
        session: &Session,
        table: &Table,
        made: &Made,
        first: u64,
        seen: Option<&[bool]>,
        groups: Option<&[u64]>,
    ) -> Result<(), EngineError> {
        if seen.is_some() {
            self.rows.seen.get_or_insert(0);
        }
        let node = session.node(self.index);
        let (resolved, spec) = (node.resolved(), node.declared());
        let target = spec.target.get_ref();
        let column = table
            .column(target)
            .ok_or_else(|| EngineError::Internal(format!("target {target} is not at hand")))?;
        let admitted = match &spec.filter {
            Some(filter) => select(table, &session.data[&spec.data].facts, &spec.data, filter)
                .map_err(|error| data_error(error, &session.pipeline.source))?,
            None => vec![true; table.rows],
        };
        let output = resolved.measured_output();
        let answers = made
            .get(&output)
            .ok_or_else(|| EngineError::Internal(format!("a model without {output}")))?;
        self.width = answers.width;
        let labels = match resolved.task {
            Task::Classification => class_codes(column, &resolved.classes),
            Task::Regression => Vec::new(),
        };
        let divided = self.slicings.iter().map(|slicing| slicing.divide(session, table));
        let divided: Vec<Vec<u32>> = divided.collect::<Result<_, _>>()?;
        for row in (0..table.rows).filter(|row| admitted[*row]) {
            self.rows.admitted += 1;
            if column.is_missing(row) {
                self.rows.without_target += 1;
                continue;
            }
            let known = |label: u32| self.known.get(label as usize).copied().unwrap_or(false);
            if resolved.task == Task::Classification && !known(labels[row]) {
                self.rows.unknown_class += 1;
                self.strange(column, row);
                continue;
            }
            if seen.is_some_and(|seen| seen[row]) {
                *self.rows.seen.get_or_insert(0) += 1;
                continue;
            }
            match resolved.task {
                Task::Classification => self.labels.push(labels[row]),
                Task::Regression => self.truth.push(number(column, row)?),
            }
            self.keep(answers, row, first);
            self.groups.extend(groups.map(|groups| groups[row]));
            self.parts.iter_mut().zip(&divided).for_each(|(parts, of)| parts.push(of[row]));
        }
        Ok(())
    }

    fn keep(&mut self, answers: &Matrix, row: usize, first: u64) {
        self.rows.measured += 1;
        self.places.push(first + row as u64);
        self.answers.extend_from_slice(answers.row(row));
    }

    fn strange(&mut self, column: &Column, row: usize) {
        let Some(text) = column.text(row) else { return };
        if self.unknown.len() < TOLD || self.unknown.contains_key(&text) {
            *self.unknown.entry(text).or_default() += 1;
        }
    }

    /// Classes that the model does not know, most frequent first.
    pub(super) fn unknown_classes(&self) -> Vec<LevelRows> {
        let sorted = by_frequency(self.unknown.clone()).into_iter().take(NAMED);
        sorted.map(|(level, rows)| LevelRows { level, rows }).collect()
    }

    /// Who each of the measured rows belongs to; `None` where that is not known. Blocks of time are told, and
    /// follow from what was measured.
    pub(super) fn together(
        &self,
        session: &Session,
        new: &Predicted,
    ) -> Option<(Vec<u64>, Option<BlocksOfTime>)> {
        if self.groups.len() != self.places.len() {
            return None;
        }
        if !self.times {
            return Some((self.groups.clone(), None));
        }
        let node = session.node(self.index);
        let times: Vec<f64> = self.groups.iter().map(|bits| f64::from_bits(*bits)).collect();
        let blocks = match node.declared_block() {
            Some(length) => TimeBlocks::declared(&times, length),
            None => TimeBlocks::found(&times, &series_of(new)),
        };
        let told = node.told_blocks(&blocks);
        Some((blocks.codes, Some(told)))
    }

    /// The measured rows by declared slices; `None` where none is measured.
    pub(super) fn on_slices(&self, new: &Predicted, how: Resampling) -> Option<DeclaredSlices> {
        let measured = !self.slicings.is_empty();
        measured.then(|| on_slices(&self.slicings, &self.parts, new, how))
    }

    /// Answers and truth of the measured rows.
    pub(super) fn predicted(&self, session: &Session) -> Predicted {
        let resolved = session.node(self.index).resolved();
        match resolved.task {
            Task::Classification => Predicted::Classes {
                probability: self.answers.clone(),
                width: self.width_of(resolved.classes.len()),
                labels: self.labels.clone(),
                classes: Classes { count: resolved.classes.len(), decision: self.decision },
            },
            Task::Regression => {
                Predicted::Values { predicted: self.answers.clone(), truth: self.truth.clone() }
            }
        }
    }

    /// Without a row nobody has said how many probabilities there are.
    fn width_of(&self, classes: usize) -> usize {
        if self.answers.is_empty() && classes > 2 { classes } else { self.width }
    }

    /// The target of the measured rows as a column, for a look at how it moved.
    pub(super) fn target(&self, session: &Session) -> Column {
        let node = session.node(self.index);
        let resolved = node.resolved();
        let name = node.declared().target.get_ref().as_str();
        Column::new(
            name,
            match resolved.task {
                Task::Classification => Values::Category {
                    codes: self.labels.clone(),
                    levels: resolved.classes.clone(),
                },
                Task::Regression => Values::Number(self.truth.clone()),
            },
        )
    }
}

/// A value of a regression's target.
fn number(column: &Column, row: usize) -> Result<f64, EngineError> {
    match &column.values {
        Values::Number(values) => Ok(values[row]),
        Values::Boolean(values) => Ok(f64::from(values[row])),
        _ => Err(EngineError::Internal("a regression target that is no number".to_owned())),
    }
}
