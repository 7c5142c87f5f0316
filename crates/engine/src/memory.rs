//! Memory estimate of a fit, and the limit on it (`pipeline.memory_limit`).
//!
//! A fit that would need more than `pipeline.memory_limit` is refused before anything large is
//! allocated, with the figure; a system that runs out kills whom it likes. Several fits side by side
//! share the limit: one waits until what is running leaves enough. Where the pipeline sets none, it is four fifths
//! of what the machine, or the process's share of it, has.

use collegium_learn::{Estimator, FitCost, RowCost, Shape};
use collegium_manifest::{ColumnType, Expert, Input, Output};
use collegium_table::Encoder;

use crate::{EngineError, NodeRef, Session};

impl Session {
    /// The most memory of a fit: what the pipeline says, or what this machine can give.
    pub(crate) fn memory_limit(&self) -> Option<u64> {
        self.pipeline.memory_limit.or_else(collegium_data::machine::memory)
    }

    /// `512.0 MiB`, and whose limit that is where the pipeline does not say it.
    pub(crate) fn limit_words(&self, limit: u64) -> String {
        match self.pipeline.memory_limit {
            Some(_) => mebibytes(limit),
            None => format!("{}, four fifths of this machine's memory", mebibytes(limit)),
        }
    }

    /// Is an input a column of numbers?
    pub(crate) fn is_number(&self, input: &Input) -> bool {
        match input {
            Input::Column { data, column } => self
                .column_facts(data, column)
                .is_some_and(|facts| facts.kind == ColumnType::Number),
            Input::Output { .. } => false,
        }
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
                let resolved = self.node(from).resolved();
                match output {
                    Output::Value => 1,
                    Output::Probability | Output::Logit | Output::Prediction => resolved.outputs(),
                    Output::Label => resolved.classes.len() + 1,
                    Output::Embedding => {
                        let layers = self.node(from).declared().model.layers();
                        layers.and_then(|mlp| mlp.hidden.last()).map_or(1, |width| *width as usize)
                    }
                }
            }
        }
    }
}

impl<'s> NodeRef<'s> {
    /// Refuses a fit that would not fit, in words.
    pub(crate) fn memory_for(
        self,
        encoder: &Encoder,
        rows: &[u32],
        valid: &[u32],
    ) -> Result<u64, String> {
        let count = (rows.len() + valid.len()) as u64;
        let shape = self.shape(encoder, count);
        let width = shape.width;
        let needed = self.cost(shape).peak_bytes;
        match self.session.memory_limit() {
            Some(limit) if needed > limit => Err(format!(
                "it would hold about {} ({count} rows of {width} encoded columns), more than \
                 `memory_limit` allows ({}); fewer rows (`where`), a smaller model or batch, or a \
                 higher limit would do",
                mebibytes(needed),
                self.session.limit_words(limit)
            )),
            _ => Ok(needed),
        }
    }

    /// The same before anything is encoded, of the fit or of applying its model, whichever is more.
    pub(crate) fn memory(self) -> u64 {
        let cost = self.expected_cost();
        cost.peak_bytes.max(cost.apply.peak_bytes(self.all_rows()))
    }

    /// Rows that its model is applied to.
    pub(crate) fn all_rows(self) -> u64 {
        self.prepared().facts.rows
    }

    /// How a node's model is fitted.
    pub(crate) fn estimator(self) -> Result<&'s dyn Estimator, EngineError> {
        estimator(self.declared())
    }

    /// What a fit on rows of this shape costs. A kind that is not known has no fits.
    pub(crate) fn cost(self, shape: Shape) -> FitCost {
        let cost = cost_of(self.declared(), &shape);
        let deployed = self.blended().map_or(1, |parts| parts.len() as u64);
        FitCost {
            apply: RowCost { multiply_adds: cost.apply.multiply_adds * deployed, ..cost.apply },
            ..cost
        }
    }

    /// What a fit on so many encoded rows is given, by size.
    pub(crate) fn shape(self, encoder: &Encoder, rows: u64) -> Shape {
        let added = self.declared().encode.adds(encoder.numbers().len());
        let members = self.declared().average.members;
        Shape { width: encoder.width(), added, outputs: self.resolved().outputs(), rows, members }
    }

    /// The same before anything is encoded: from what is known of the columns, never less than what is found then.
    pub fn expected_cost(self) -> FitCost {
        self.cost(self.expected_shape(self.declared()))
    }

    /// What one fit of other settings of it costs.
    pub(crate) fn expected_cost_of(self, expert: &Expert) -> FitCost {
        cost_of(expert, &self.expected_shape(expert))
    }

    fn expected_shape(self, expert: &Expert) -> Shape {
        let facts = &self.prepared().facts;
        let width: usize = self.resolved().inputs.iter().map(|i| self.session.widest(i)).sum();
        let rows = facts.sides[0] + facts.sides[1];
        let numbers = self.resolved().inputs.iter().filter(|input| self.session.is_number(input));
        let added = expert.encode.adds(numbers.count());
        let members = expert.average.members;
        Shape { width, added, outputs: self.resolved().outputs(), rows, members }
    }

    /// Is anything drawn at random in its fits? If not, all seeds make the same model.
    pub fn draws(self) -> bool {
        self.expected_cost().epochs > 0
    }
}

/// How an expert's model is fitted.
fn estimator(expert: &Expert) -> Result<&dyn Estimator, EngineError> {
    let model = &*expert.model;
    collegium_learn::estimator(model)
        .ok_or_else(|| EngineError::Internal(format!("no kind of model `{}`", model.kind())))
}

/// What one of its fits costs. A kind that is not known has no fits.
fn cost_of(expert: &Expert, shape: &Shape) -> FitCost {
    let apply = RowCost::default();
    let none = FitCost { multiply_adds: 0, peak_bytes: 0, epochs: 0, restarts: 1, apply };
    estimator(expert).map_or(none, |estimator| estimator.cost(shape, &expert.train))
}

pub(crate) fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / (1024.0 * 1024.0))
}
