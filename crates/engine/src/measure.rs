//! Metrics of experts and baselines on training, validation and test rows.

use std::collections::BTreeMap;

use collegium_digest::{Digest, Hasher};
use collegium_learn::Model;
use collegium_manifest::{Baseline, Task};
use collegium_plan::{Part, View};
use collegium_probe::{ClassDecision, Classes, classification, regression};
use collegium_records::{
    EXPECTED_COST, Headline, Measured, Metrics, Recipe, SeenRows, SplitMeasures, Tested,
};
use collegium_table::Source;

use crate::{
    EngineError, NodeRef, Session,
    clock::Clock,
    inputs::sources,
    membership::{self, FEWEST_UNSEEN},
    rows::{Rows, SIDES, Side, side_name},
    states::{NodeState, States},
};

/// Raised when more is measured, or otherwise.
const MEASURE_VERSION: u32 = 2;

/// Predictions and truth on one row set.
pub enum Predicted {
    /// Probabilities (rows × width) and labels.
    Classes {
        /// Probabilities, row after row.
        probability: Vec<f32>,
        /// Numbers to a row: one for two classes, else one for each.
        width: usize,
        /// The true class of each row, by number.
        labels: Vec<u32>,
        /// How many classes there are, and how a row's is decided.
        classes: Classes,
    },
    /// Predictions and truth in the target's units.
    Values {
        /// One to a row.
        predicted: Vec<f32>,
        /// One to a row.
        truth: Vec<f64>,
    },
}

impl Predicted {
    /// Rows that are predicted.
    pub fn rows(&self) -> u64 {
        match self {
            Self::Classes { labels, .. } => labels.len() as u64,
            Self::Values { truth, .. } => truth.len() as u64,
        }
    }

    /// The same, decided otherwise; numbers are not decided.
    pub fn decided(mut self, decision: ClassDecision) -> Self {
        if let Self::Classes { classes, .. } = &mut self {
            classes.decision = decision;
        }
        self
    }

    /// All metrics of the task, without intervals.
    pub fn metrics(&self) -> Metrics {
        match self {
            Self::Classes { probability, width, labels, classes } => {
                classification(probability, *width, labels, *classes)
            }
            Self::Values { predicted, truth } => regression(predicted, truth),
        }
    }
}

/// Removes metrics on too few unseen rows: they say nothing.
pub fn withheld(mut measures: SplitMeasures) -> SplitMeasures {
    if measures.seen > 0 && measures.rows < FEWEST_UNSEEN {
        measures.metrics.clear();
        measures.intervals.clear();
    }
    measures
}

impl NodeRef<'_> {
    /// How many rows of a side the models of an expert have seen; `None` for none.
    pub fn seen_rows(self, side: Side) -> Result<Option<SeenRows>, EngineError> {
        if self.foreign_of(side).is_none() {
            return Ok(None);
        }
        let all = self.session.rows(Rows::Side { expert: self.index, side })?.len() as u64;
        let unseen = self.session.rows(Rows::HeldOut { expert: self.index, side })?.len() as u64;
        Ok((unseen < all).then_some(SeenRows { seen: all - unseen, unseen }))
    }

    /// What the figures of a node on test rows are figures of.
    pub(crate) fn tested(self) -> Tested {
        let (spec, data) = (self.declared(), self.prepared());
        let mut hasher = Hasher::new("tested");
        hasher.digest(&data.sides_object()).text(spec.target.get_ref());
        hasher.text(spec.filter.as_ref().map_or("", |filter| filter.get_ref()));
        if let Some(seen) = self.foreign_of(Side::Test) {
            hasher.digest(&membership::key(&seen));
        }
        Tested { table: data.object(), rows: hasher.finish() }
    }

    /// The figure that stands for a node, from its metrics by side.
    pub(crate) fn headline_of(self, metrics: &BTreeMap<String, Metrics>) -> Option<Headline> {
        self.headline_on(metrics.get(side_name(Side::Test))?)
    }

    /// The same from its metrics on test rows.
    pub(crate) fn headline_on(self, test: &Metrics) -> Option<Headline> {
        let resolved = self.resolved();
        Headline::of(resolved.task.name(), resolved.classes.len(), test)
    }

    /// The metrics of a node's deployed outputs on the rows that it is for, looked up or computed.
    pub(crate) fn measure(
        self,
        state: &NodeState,
    ) -> Result<BTreeMap<String, SplitMeasures>, EngineError> {
        let recipe = self.measure_recipe("measure", state, None)?;
        let Measured { splits, decided, .. } =
            self.session.measured(&recipe, |rows| self.predicted(state, rows), self.index)?;
        self.keep_decision(state, decided.as_ref())?;
        self.within_it(splits)
    }

    /// The metrics of a baseline on the same rows.
    pub(crate) fn measure_baseline(
        self,
        baseline: Baseline,
        state: &NodeState,
        states: &States,
    ) -> Result<BTreeMap<String, SplitMeasures>, EngineError> {
        let recipe = self.measure_recipe("measure", state, Some(baseline))?;
        let predict = |rows| self.baseline_predicted(baseline, state, states, rows);
        let measured = self.session.measured(&recipe, predict, self.index)?;
        self.within_it(measured.splits)
    }

    /// The recipe of figures on outputs of the node, or of one of its baselines.
    pub(crate) fn measure_recipe(
        self,
        kind: &str,
        state: &NodeState,
        baseline: Option<Baseline>,
    ) -> Result<Recipe, EngineError> {
        let mut recipe = self.measure_recipe_of(kind, state.applied)?;
        if let Some(baseline) = baseline {
            let part = Part::Baseline(baseline);
            let (_, fit) = state
                .parts
                .get(&part)
                .ok_or_else(|| EngineError::Internal(format!("{part} is not at hand")))?;
            recipe.set("baseline", fit.model);
        }
        Ok(recipe)
    }

    /// The recipe of figures on outputs of the node.
    pub(crate) fn measure_recipe_of(
        self,
        kind: &str,
        outputs: Digest,
    ) -> Result<Recipe, EngineError> {
        let mut recipe =
            Recipe::new(kind).with("outputs", outputs).with("version", MEASURE_VERSION);
        self.declared().decide.add_to(&mut recipe);
        if self.declared_decision().costs.is_some() {
            recipe.set("measures", EXPECTED_COST);
        }
        let target = self.declared().target.get_ref();
        for side in SIDES {
            let rows = Rows::HeldOut { expert: self.index, side };
            let digest = self.column_digest(target, rows)?;
            let which = self.session.rows_key(rows);
            recipe.set(format!("target.{}", side_name(side)), vec![digest.into(), which.into()]);
        }
        Ok(recipe)
    }

    /// A node's deployed predictions on a row set, with the truth.
    pub fn predicted(self, state: &NodeState, rows: Rows) -> Result<Predicted, EngineError> {
        let rows = self.session.rows(rows)?;
        self.predicted_on(state, &rows)
    }

    /// The same on rows by number; a row whose truth is not known has no label.
    pub fn predicted_on(self, state: &NodeState, rows: &[u32]) -> Result<Predicted, EngineError> {
        Ok(self.undecided(state, rows)?.decided(self.decision(state)?))
    }

    /// The same with the decision that the file alone says.
    pub(crate) fn undecided(
        self,
        state: &NodeState,
        rows: &[u32],
    ) -> Result<Predicted, EngineError> {
        let output = self.resolved().measured_output();
        let gone = || EngineError::Lost(format!("{}.{output} on all rows", self.name()));
        let object = state.views[&View::Deployed].outputs.get(output.name()).ok_or_else(gone)?;
        let matrix = self.session.matrix(object)?.ok_or_else(gone)?;
        let mut data = Vec::with_capacity(rows.len() * matrix.width);
        for &row in rows {
            data.extend_from_slice(matrix.row(row as usize));
        }
        self.with_truth(data, matrix.width, rows)
    }

    /// A baseline's predictions on a row set, with the truth.
    pub fn baseline_predicted(
        self,
        baseline: Baseline,
        state: &NodeState,
        states: &States,
        rows: Rows,
    ) -> Result<Predicted, EngineError> {
        let part = Part::Baseline(baseline);
        let (_, fit) = state
            .parts
            .get(&part)
            .ok_or_else(|| EngineError::Internal(format!("{part} is not at hand")))?;
        self.model_predicted(part, (fit.model, &self.session.model(fit)?), states, rows)
    }

    /// What any model of a part predicts on a row set, with the truth. The model comes with its digest.
    pub fn model_predicted(
        self,
        part: Part,
        (digest, model): (Digest, &Model),
        states: &States,
        rows: Rows,
    ) -> Result<Predicted, EngineError> {
        let data = self.input_data(self.part_inputs(part), View::Deployed, states)?;
        let sources = sources(&data);
        let on = |rows: Rows| self.sources_predicted(model, &sources, &self.session.rows(rows)?);
        Ok(on(rows)?.decided(self.decision_by(digest, || on(self.choosing()))?))
    }

    /// What a model predicts from given inputs, with the truth of these rows.
    pub fn sources_predicted(
        self,
        model: &Model,
        sources: &[Source],
        rows: &[u32],
    ) -> Result<Predicted, EngineError> {
        let outputs = self.session.outputs_on(model, sources, rows, false)?;
        let output = self.resolved().measured_output();
        let matrix = outputs
            .get(output.name())
            .ok_or_else(|| EngineError::Internal(format!("a model has no {output}")))?;
        self.with_truth(matrix.data.clone(), matrix.width, rows)
    }

    /// Predictions (rows × `width`) beside the truth of these rows, decided as far as the file alone says it.
    pub fn with_truth(
        self,
        data: Vec<f32>,
        width: usize,
        rows: &[u32],
    ) -> Result<Predicted, EngineError> {
        Ok(match self.resolved().task {
            Task::Classification => {
                let labels = self.labels()?;
                Predicted::Classes {
                    probability: data,
                    width,
                    labels: rows.iter().map(|&row| labels[row as usize]).collect(),
                    classes: Classes {
                        count: self.resolved().classes.len(),
                        decision: self.declared_decision(),
                    },
                }
            }
            Task::Regression => {
                let target = self.target_values()?;
                Predicted::Values {
                    predicted: data,
                    truth: rows.iter().map(|&row| target[row as usize]).collect(),
                }
            }
        })
    }
}

impl Session {
    fn measured(
        &self,
        recipe: &Recipe,
        predict: impl Fn(Rows) -> Result<Predicted, EngineError>,
        index: usize,
    ) -> Result<Measured, EngineError> {
        let known: BTreeMap<Digest, Measured> = self.store.realisations(&recipe.digest())?;
        if let Some(measured) = known.into_values().next() {
            return Ok(measured);
        }
        let clock = Clock::start();
        let mut splits = BTreeMap::new();
        let mut decided = None;
        for side in SIDES {
            let predicted = predict(Rows::HeldOut { expert: index, side })?;
            if side == Side::Valid {
                decided = self.node(index).decided_as(&predicted);
            }
            let measures = SplitMeasures {
                rows: predicted.rows(),
                seen: self.node(index).seen_rows(side)?.map_or(0, |seen| seen.seen),
                groups: None,
                blocks: None,
                seeds: None,
                metrics: predicted.metrics(),
                intervals: BTreeMap::new(),
            };
            splits.insert(side_name(side).to_owned(), withheld(measures));
        }
        let id = Hasher::new("measured").digest(&recipe.digest()).finish();
        let measured = Measured { splits, decided, cost: clock.stop() };
        self.store.realise(recipe, &id, &measured)?;
        Ok(measured)
    }
}
