//! Sparse inference on one chunk of rows: an expert is computed only for the rows that need it.
//!
//! Experts whose outputs are written, or that somebody reads who is no sparse gate, see all rows, in the
//! order of the DAG. A gate that knows its weights before its experts answer (`top_k`, rules, the best
//! one) then asks each of them about its rows alone, and a cascade asks one after the other about those
//! that are left. A row's bits do not depend on its neighbours, so what is not computed changes nothing.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use collegium_learn::{Combination, GateWeights, Routes};
use collegium_manifest::{Input, Output};
use collegium_table::{Column, Matrix, Source, Surprises, Table};

use super::{Deployed, written};
use crate::{
    EngineError, Session,
    apply::named,
    inputs::{InputData, as_it_is, output_data},
};

/// Outputs by name.
pub(crate) type Made = BTreeMap<Output, Matrix>;

/// A chunk under way.
pub(crate) struct Chunk<'a> {
    session: &'a Session,
    experts: &'a [Deployed],
    table: &'a Table,
    surprises: &'a mut [Surprises],
    /// Of experts that see all rows.
    whole: HashMap<(usize, Output), Arc<Matrix>>,
}

impl<'a> Chunk<'a> {
    pub(crate) fn new(
        session: &'a Session,
        experts: &'a [Deployed],
        table: &'a Table,
        surprises: &'a mut [Surprises],
    ) -> Self {
        Self { session, experts, table, surprises, whole: HashMap::new() }
    }

    /// The columns that are written.
    pub(super) fn columns(self) -> Result<Vec<Column>, EngineError> {
        let mut columns = Vec::new();
        let session = self.session;
        self.each(&mut |expert, made| {
            columns.extend(written(
                session.node(expert.index).name(),
                made,
                &expert.model.classes,
                expert.decision,
            ));
            Ok(())
        })?;
        Ok(columns)
    }

    /// Computes the outputs of the wanted experts, in topological order, and passes each to `take`.
    pub(crate) fn each(
        mut self,
        take: &mut dyn FnMut(&Deployed, &Made) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        let dense = self.dense();
        let rows: Vec<u32> = (0..self.table.rows as u32).collect();
        let experts = self.experts;
        for (at, expert) in experts.iter().enumerate() {
            if !dense.contains(&expert.index) {
                continue;
            }
            let made = self.outputs(at, &rows)?;
            if expert.written {
                take(expert, &made)?;
            }
            for (output, matrix) in made {
                self.whole.insert((expert.index, output), Arc::new(matrix));
            }
        }
        Ok(())
    }

    /// Experts that see all rows.
    fn dense(&self) -> BTreeSet<usize> {
        let mut dense: BTreeSet<usize> =
            self.experts.iter().filter(|expert| expert.written).map(|e| e.index).collect();
        let mut stack: Vec<usize> = dense.iter().copied().collect();
        while let Some(index) = stack.pop() {
            let Some(expert) = self.experts.iter().find(|expert| expert.index == index) else {
                continue;
            };
            let sparse = expert.model.routes().is_some_and(|routes| is_sparse(routes.combination));
            for input in &self.session.node(index).resolved().inputs {
                if let Input::Output { expert: from, output } = input
                    && !(sparse && *output == Output::Prediction)
                    && let Ok(from) = self.session.index(from)
                    && dense.insert(from)
                {
                    stack.push(from);
                }
            }
        }
        dense
    }

    /// What an expert (by its place) says of some rows.
    fn outputs(&mut self, at: usize, rows: &[u32]) -> Result<Made, EngineError> {
        let experts = self.experts;
        let expert = &experts[at];
        let inputs = &self.session.node(expert.index).resolved().inputs;
        let sparse = expert.model.routes().filter(|routes| is_sparse(routes.combination));
        let mut data = Vec::with_capacity(inputs.len());
        let mut members = Vec::new();
        for (position, input) in inputs.iter().enumerate() {
            let handed = self.session.node(expert.index).declared().is_handed(input);
            data.push(match input {
                Input::Column { column, .. } => {
                    let gone = || EngineError::Internal(format!("input {input} is not at hand"));
                    let column = self.table.column(column).cloned().ok_or_else(gone)?;
                    if handed { as_it_is(&column) } else { InputData::Column(column) }
                }
                Input::Output { expert: from, output } => {
                    let from = self.place_of(from)?;
                    if sparse.is_some() && handed {
                        members.push((position, from));
                        let width = self.experts[from].model.outputs_wide();
                        let empty = Matrix::zeros(self.table.rows, width);
                        InputData::Handed(Arc::new(empty))
                    } else {
                        self.read(from, *output, rows)?
                    }
                }
            });
        }
        if let Some(routes) = sparse {
            self.ask(at, routes, &members, rows, &mut data)?;
        }
        let sources: Vec<Source> = data.iter().map(InputData::source).collect();
        let (x, unseen) = expert
            .model
            .encoder
            .encode_counted(&sources, rows)
            .map_err(|error| EngineError::Internal(format!("encoding: {error}")))?;
        self.surprises[at].add(&unseen);
        let outputs = expert.model.outputs(&x, &self.session.interrupted)?;
        let mut made: Made = named(outputs).into_iter().collect();
        if self.session.node(expert.index).hands_out_embedding() {
            made.extend(expert.model.embedding(&x).map(|matrix| (Output::Embedding, matrix)));
        }
        Ok(made)
    }

    /// Has a sparse gate's experts answer for the rows in which they count, and puts that into `data`.
    fn ask(
        &mut self,
        at: usize,
        routes: Routes,
        members: &[(usize, usize)],
        rows: &[u32],
        data: &mut [InputData],
    ) -> Result<(), EngineError> {
        let experts = self.experts;
        let model = &experts[at].model;
        let combination = routes.combination;
        // Experts in the gate's own order: by their columns.
        let groups = model.encoder.groups();
        let order: Vec<(usize, usize)> = combination
            .handed
            .iter()
            .filter_map(|columns| members.iter().find(|(p, _)| groups[*p] == *columns).copied())
            .collect();
        if let GateWeights::Confidence { .. } = combination.weights {
            let mut left = rows.to_vec();
            for (stage, &(position, from)) in order.iter().enumerate() {
                if left.is_empty() {
                    break;
                }
                let answers = self.answers(from, &left)?;
                data[position] = InputData::Handed(Arc::new(self.spread(&answers, &left)));
                let mut unsure = Vec::new();
                for (i, row) in left.iter().enumerate() {
                    let mut answer = answers.row(i).to_vec();
                    combination.calibrate(stage, &mut answer);
                    if !combination.is_sure(stage, &answer) {
                        unsure.push(*row);
                    }
                }
                left = unsure;
            }
            return Ok(());
        }
        let sources: Vec<Source> = data.iter().map(InputData::source).collect();
        let x = crate::inputs::encode(model, &sources, rows)?;
        let weights = routes.weights(&x, &model.head);
        for (k, &(position, from)) in order.iter().enumerate() {
            let own: Vec<u32> = rows
                .iter()
                .enumerate()
                .filter(|(i, _)| weights.row(*i)[k] != 0.0)
                .map(|(_, row)| *row)
                .collect();
            if !own.is_empty() {
                let answers = self.answers(from, &own)?;
                data[position] = InputData::Handed(Arc::new(self.spread(&answers, &own)));
            }
        }
        Ok(())
    }

    /// An expert's probability or value on some rows.
    fn answers(&mut self, at: usize, rows: &[u32]) -> Result<Matrix, EngineError> {
        let index = self.experts[at].index;
        for output in Output::Prediction.stored() {
            if let Some(whole) = self.whole.get(&(index, *output)) {
                return Ok(whole.select(rows));
            }
        }
        let mut made = self.outputs(at, rows)?;
        let found = Output::Prediction.stored().iter().find_map(|output| made.remove(output));
        found.ok_or_else(|| EngineError::Internal("an expert without a prediction".to_owned()))
    }

    /// An output of an expert above, as an input of all rows of the chunk, right on the given ones.
    fn read(&mut self, at: usize, output: Output, rows: &[u32]) -> Result<InputData, EngineError> {
        let index = self.experts[at].index;
        let known = output.stored().iter().find_map(|o| self.whole.get(&(index, *o)).cloned());
        let matrix = match known {
            Some(matrix) => matrix,
            None => {
                let mut made = self.outputs(at, rows)?;
                let found = output.stored().iter().find_map(|output| made.remove(output));
                let found = found.ok_or_else(|| {
                    EngineError::Internal(format!(
                        "{} has no {output}",
                        self.session.node(index).name()
                    ))
                })?;
                Arc::new(self.spread(&found, rows))
            }
        };
        Ok(output_data(output, matrix, &self.session.node(index).resolved().classes))
    }

    /// Rows of some as rows of all.
    fn spread(&self, some: &Matrix, rows: &[u32]) -> Matrix {
        if rows.len() == self.table.rows {
            return some.clone();
        }
        let mut whole = Matrix::zeros(self.table.rows, some.width);
        for (i, row) in rows.iter().enumerate() {
            whole.row_mut(*row as usize).copy_from_slice(some.row(i));
        }
        whole
    }

    fn place_of(&self, name: &str) -> Result<usize, EngineError> {
        let index = self.session.index(name)?;
        self.experts
            .iter()
            .position(|expert| expert.index == index)
            .ok_or_else(|| EngineError::Internal(format!("{name} is not loaded")))
    }
}

/// May an expert of it be left out in some rows?
fn is_sparse(combination: &Combination) -> bool {
    match &combination.weights {
        GateWeights::Softmax(routing) => routing.top_k.is_some() && !combination.handed.is_empty(),
        GateWeights::Rules(_) | GateWeights::Confidence { .. } => true,
        GateWeights::Fixed(weights) => {
            weights.contains(&0.0) && combination.pool != collegium_learn::Pool::Stack
        }
    }
}
