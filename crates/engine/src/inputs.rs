//! Inputs of an expert: columns of its table and outputs of its upstream experts.

use std::{collections::BTreeMap, sync::Arc};

use collegium_digest::Digest;
use collegium_learn::Model;
use collegium_manifest::{Baseline, Input, Output};
use collegium_plan::{FitInputs, InputDigest, Part, View, reads};
use collegium_records::{Ingredient, Reads};
use collegium_table::{Column, Encoder, Matrix, Source, Values};

use crate::{
    EngineError, NodeRef, Session,
    rows::{Rows, Side},
    states::States,
};

/// One input's content on all rows.
pub enum InputData {
    /// A column of the table.
    Column(Arc<Column>),
    /// Logits of an upstream classifier.
    Logit(Arc<Matrix>),
    /// Values, probabilities or an embedding of an upstream expert.
    Plain(Arc<Matrix>),
    /// Predicted classes by number, and their names.
    Label(Vec<u32>, Vec<String>),
    /// Taken as it is.
    Handed(Arc<Matrix>),
}

impl InputData {
    /// The same as the source of an encoder.
    pub fn source(&self) -> Source<'_> {
        match self {
            Self::Column(column) => Source::Column(column),
            Self::Logit(matrix) => Source::Logit(matrix),
            Self::Plain(matrix) => Source::Plain(matrix),
            Self::Label(codes, classes) => Source::Label(codes, classes),
            Self::Handed(matrix) => Source::Handed(matrix),
        }
    }
}

/// Rows as a model's network sees them.
pub fn encode(model: &Model, sources: &[Source], rows: &[u32]) -> Result<Matrix, EngineError> {
    encoded(&model.encoder, sources, rows)
}

/// Rows as an encoder writes them.
pub fn encoded(encoder: &Encoder, sources: &[Source], rows: &[u32]) -> Result<Matrix, EngineError> {
    encoder
        .encode(sources, rows)
        .map_err(|error| EngineError::Internal(format!("encoding: {error}")))
}

/// Inputs as an encoder takes them.
pub fn sources(data: &[InputData]) -> Vec<Source<'_>> {
    data.iter().map(|input| input.source()).collect()
}

/// The names of inputs, for an encoder.
pub fn input_names(inputs: &[Input]) -> Vec<String> {
    inputs.iter().map(ToString::to_string).collect()
}

/// The rows that a part is trained on.
pub(crate) fn training_rows(expert: usize, part: Part) -> Rows {
    match part {
        Part::Full | Part::Member | Part::Baseline(_) => Rows::Train { expert },
        Part::Fold { view, fold } => Rows::Without { expert, view, fold },
    }
}

impl<'s> NodeRef<'s> {
    /// The inputs of a part: the declared ones, or for the `single` baseline all raw columns.
    pub(crate) fn part_inputs(self, part: Part) -> &'s [Input] {
        match part {
            Part::Baseline(Baseline::Single) => &self.resolved().raw,
            _ => &self.resolved().inputs,
        }
    }

    /// The content that a part reads, as digests; `None` while an upstream is not done.
    pub fn fit_inputs(self, part: Part, states: &States) -> Result<Option<FitInputs>, EngineError> {
        let rows = training_rows(self.index, part);
        let valid = self.stopping_rows(part);
        let mut inputs = Vec::new();
        for input in self.part_inputs(part) {
            let Some(digest) = self.input_digest(input, rows, valid, states)? else {
                return Ok(None);
            };
            inputs.push(digest);
        }
        let beside = match part {
            Part::Full | Part::Member | Part::Fold { .. } => self.beside(part, states)?,
            Part::Baseline(_) => Some(BTreeMap::new()),
        };
        let Some(beside) = beside else { return Ok(None) };
        self.with_target(rows, valid, inputs, beside).map(Some)
    }

    /// The same without upstream outputs: what is known before the upstreams are done.
    pub(crate) fn own_inputs(self) -> Result<FitInputs, EngineError> {
        let rows = Rows::Train { expert: self.index };
        let valid = Rows::Side { expert: self.index, side: Side::Valid };
        let mut inputs = Vec::new();
        for input in &self.resolved().inputs {
            if matches!(input, Input::Column { .. })
                && let Some(digest) = self.input_digest(input, rows, valid, &States::new())?
            {
                inputs.push(digest);
            }
        }
        self.with_target(rows, valid, inputs, BTreeMap::new())
    }

    fn with_target(
        self,
        rows: Rows,
        valid: Rows,
        inputs: Vec<InputDigest>,
        beside: BTreeMap<String, Ingredient>,
    ) -> Result<FitInputs, EngineError> {
        let target = self.declared().target.get_ref();
        let resolved = self.resolved();
        Ok(FitInputs {
            beside,
            task: resolved.task,
            classes: resolved.classes.clone(),
            inputs,
            target: (self.column_digest(target, rows)?, self.column_digest(target, valid)?),
        })
    }

    fn input_digest(
        self,
        input: &Input,
        rows: Rows,
        valid: Rows,
        states: &States,
    ) -> Result<Option<InputDigest>, EngineError> {
        let (kind, train, valid) = match input {
            Input::Column { data, column } => {
                let kind =
                    self.session.column_facts(data, column).map_or("", |facts| facts.kind.name());
                let train = self.column_digest(column, rows)?;
                (kind, train, self.column_digest(column, valid)?)
            }
            Input::Output { expert, output } => {
                let view = reads(self.index, self.declared());
                let Some(object) = self.session.output_object(expert, *output, view, states) else {
                    return Ok(None);
                };
                let train = self.session.output_digest(&object, rows)?;
                let valid = self.session.output_digest(&object, valid)?;
                let (Some(train), Some(valid)) = (train, valid) else { return Ok(None) };
                (output.name(), train, valid)
            }
        };
        Ok(Some(InputDigest { name: input.to_string(), kind: kind.to_owned(), train, valid }))
    }

    /// What an expert reads of its upstreams now, by reference.
    pub(crate) fn reads_now(self, states: &States) -> BTreeMap<String, Reads> {
        let view = reads(self.index, self.declared());
        let mut found = BTreeMap::new();
        for input in &self.resolved().inputs {
            let Input::Output { expert, output } = input else { continue };
            let object = |view| self.session.output_object(expert, *output, view, states);
            if let (Some(deployed), Some(view)) = (object(View::Deployed), object(view)) {
                found.insert(input.to_string(), Reads { deployed, view });
            }
        }
        found
    }

    /// The content of inputs on all rows, as seen through `view` of the upstream experts.
    pub fn input_data(
        self,
        inputs: &[Input],
        view: View,
        states: &States,
    ) -> Result<Vec<InputData>, EngineError> {
        let table = self.table()?;
        let mut found = Vec::with_capacity(inputs.len());
        for input in inputs {
            found.push(match input {
                Input::Column { column, .. } => {
                    let column = table.column(column).cloned().ok_or_else(|| {
                        EngineError::Internal(format!("column {column} has gone"))
                    })?;
                    match self.declared().is_handed(input) {
                        true => as_it_is(&column),
                        false => InputData::Column(column),
                    }
                }
                Input::Output { expert, output } => {
                    let gone = || EngineError::Lost(format!("{expert}.{output} on all rows"));
                    let object = self
                        .session
                        .output_object(expert, *output, view, states)
                        .ok_or_else(gone)?;
                    let matrix = self.session.matrix(&object)?.ok_or_else(gone)?;
                    let from = self.session.index(expert)?;
                    output_data(*output, matrix, &self.session.node(from).resolved().classes)
                }
            });
        }
        Ok(found)
    }
}

impl Session {
    /// The object that holds an output of an expert as `view` sees it, if it is at hand.
    pub fn output_object(
        &self,
        expert: &str,
        output: Output,
        view: View,
        states: &States,
    ) -> Option<Digest> {
        let from = self.pipeline.experts.get_index_of(expert)?;
        let outputs = &states.get(&from)?.views.get(&view)?.outputs;
        output.stored().iter().find_map(|output| outputs.get(output.name()).copied())
    }
}

/// An upstream's output as an encoder takes it.
pub fn output_data(output: Output, matrix: Arc<Matrix>, classes: &[String]) -> InputData {
    match output {
        Output::Logit => InputData::Logit(matrix),
        Output::Label => {
            InputData::Label(matrix.data.iter().map(|&v| v as u32).collect(), classes.to_vec())
        }
        Output::Value | Output::Probability | Output::Embedding => InputData::Plain(matrix),
        Output::Prediction => InputData::Handed(matrix),
    }
}

/// A rule's column: 1 where it holds, else 0.
pub(crate) fn as_it_is(column: &Column) -> InputData {
    let data: Vec<f32> = match &column.values {
        Values::Boolean(values) => values.iter().map(|v| f32::from(u8::from(*v == 1))).collect(),
        Values::Number(values) => {
            values.iter().map(|v| f32::from(u8::from(*v != 0.0 && !v.is_nan()))).collect()
        }
        _ => vec![0.0; column.len()],
    };
    InputData::Handed(Arc::new(Matrix { rows: data.len(), width: 1, data }))
}
