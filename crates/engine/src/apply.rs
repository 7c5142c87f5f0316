//! Inference on all rows: a model's outputs, and the out-of-fold views that consumers are trained on.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use collegium_digest::{Digest, Hasher};
use collegium_learn::{Model, Outputs};
use collegium_manifest::{Input, Output};
use collegium_plan::{Part, View, reads};
use collegium_records::{Applied, Fit, Held, Recipe};
use collegium_table::{Matrix, Source};

use crate::{
    EngineError, NodeRef, Session,
    clock::Clock,
    inputs::encode,
    reuse::ready::Ready,
    rows::Rows,
    states::{NodeState, Parts, States},
};

/// Rows that are encoded and run through a model at once: bounds the memory of an application.
const CHUNK: usize = 16_384;

impl NodeRef<'_> {
    /// The recipe of the deployed outputs: the model, and every input on all rows.
    fn deployed_recipe(self, model: &Digest, states: &States) -> Result<Recipe, EngineError> {
        let mut recipe = Recipe::new("apply").with("model", *model);
        recipe.set("embedding", self.hands_out_embedding());
        self.all_row_inputs(View::Deployed, states, &mut recipe)?;
        Ok(recipe)
    }

    fn view_recipe(
        self,
        view: View,
        deployed: &Digest,
        parts: &Parts,
        states: &States,
    ) -> Result<Recipe, EngineError> {
        let mut recipe = Recipe::new("view").with("deployed", *deployed);
        for (part, (_, fit)) in parts {
            if let Part::Fold { view: of, fold } = part
                && *of == view
            {
                let rows = self.session.rows_digest(Rows::Fold {
                    expert: self.index,
                    view,
                    fold: *fold,
                })?;
                recipe.set(format!("fold.{fold:03}"), vec![fit.model.into(), rows.into()]);
            }
        }
        let without = self.without_output(view)?;
        if !without.is_empty() {
            let bytes: Vec<u8> = without.iter().flat_map(|row| row.to_le_bytes()).collect();
            recipe.set("without", Digest::of(&bytes));
        }
        self.all_row_inputs(reads(self.index, self.declared()), states, &mut recipe)?;
        Ok(recipe)
    }

    fn all_row_inputs(
        self,
        view: View,
        states: &States,
        recipe: &mut Recipe,
    ) -> Result<(), EngineError> {
        for input in &self.resolved().inputs {
            let digest = match input {
                Input::Column { data, column } => {
                    self.session.column_facts(data, column).map(|facts| facts.digest)
                }
                Input::Output { expert, output } => {
                    self.session.output_object(expert, *output, view, states)
                }
            };
            let digest = digest
                .ok_or_else(|| EngineError::Internal(format!("input {input} is not at hand")))?;
            recipe.set(format!("inputs.{input}"), digest);
        }
        Ok(())
    }

    /// Is its embedding (last hidden layer) read by another node?
    pub fn hands_out_embedding(self) -> bool {
        View::outputs_read(&self.session.pipeline, self.name()).contains(&Output::Embedding)
    }

    /// Makes a node's state from its models: looks up or computes the deployed outputs and the views
    /// that its consumers read.
    pub fn state(
        self,
        ready: Ready,
        wanted: &BTreeSet<usize>,
        states: &States,
    ) -> Result<NodeState, EngineError> {
        let exact = ready.now.is_some() && ready.certificate.is_none();
        let is_held = ready.now.is_none();
        let Ready { parts, certificate, held, .. } = ready;
        let (recipe, full) = parts
            .get(&Part::Full)
            .cloned()
            .ok_or_else(|| EngineError::Internal("a node without its full fit".to_owned()))?;
        let deployed = self.deployed_recipe(&full.model, states)?;
        let applied = deployed.digest();
        let outputs = self.session.at_hand_or(&deployed, || self.apply_deployed(&full, states))?;
        let mut views = BTreeMap::from([(View::Deployed, outputs.clone())]);
        let asked: BTreeSet<View> = wanted
            .iter()
            .filter(|consumer| self.session.dag.upstream(**consumer).contains(&self.index))
            .map(|&consumer| reads(consumer, self.session.node(consumer).declared()))
            .filter(|view| *view != View::Deployed)
            .collect();
        for view in asked {
            // A model of another pipeline was trained on other rows than these.
            if held == Some(Held::Sourced) {
                views.insert(view, outputs.clone());
                continue;
            }
            let recipe = self.view_recipe(view, &applied, &parts, states)?;
            let made = self
                .session
                .at_hand_or(&recipe, || self.apply_folds(view, &outputs, &parts, states))?;
            views.insert(view, made);
        }
        let reads = self.reads_now(states);
        let foreign = Arc::new(self.foreign(&parts, exact, is_held, states));
        self.tell_foreign(foreign.clone());
        Ok(NodeState { recipe, parts, applied, views, reads, certificate, held, foreign })
    }

    fn apply_deployed(
        self,
        full: &Fit,
        states: &States,
    ) -> Result<BTreeMap<String, Matrix>, EngineError> {
        let model = self.session.model(full)?;
        let inputs = &self.resolved().inputs;
        let data = self.input_data(inputs, View::Deployed, states)?;
        let sources: Vec<Source> = data.iter().map(|input| input.source()).collect();
        let rows: Vec<u32> = (0..self.table()?.rows as u32).collect();
        self.session.outputs_on(&model, &sources, &rows, self.hands_out_embedding())
    }

    fn apply_folds(
        self,
        view: View,
        deployed: &Applied,
        parts: &Parts,
        states: &States,
    ) -> Result<BTreeMap<String, Matrix>, EngineError> {
        let mut outputs = BTreeMap::new();
        for (name, object) in &deployed.outputs {
            if name == Output::Embedding.name() {
                continue;
            }
            let matrix = self
                .session
                .matrix(object)?
                .ok_or_else(|| EngineError::Lost(format!("output object {}", object.short())))?;
            outputs.insert(name.clone(), (*matrix).clone());
        }
        let seen = reads(self.index, self.declared());
        let data = self.input_data(&self.resolved().inputs, seen, states)?;
        let sources: Vec<Source> = data.iter().map(|input| input.source()).collect();
        // What no model predicts forward has no output; consumers are not trained on these rows.
        for row in self.without_output(view)? {
            for into in outputs.values_mut() {
                let start = row as usize * into.width;
                into.data[start..start + into.width].fill(f32::NAN);
            }
        }
        for (part, (_, fit)) in parts {
            let Part::Fold { view: of, fold } = part else { continue };
            if *of != view {
                continue;
            }
            let rows = self.session.rows(Rows::Fold { expert: self.index, view, fold: *fold })?;
            let predicted =
                self.session.outputs_on(&self.session.model(fit)?, &sources, &rows, false)?;
            for (name, matrix) in predicted {
                let Some(into) = outputs.get_mut(&name) else { continue };
                for (i, &row) in rows.iter().enumerate() {
                    let start = row as usize * into.width;
                    into.data[start..start + into.width].copy_from_slice(matrix.row(i));
                }
            }
        }
        Ok(outputs)
    }
}

impl Session {
    /// The content of a row set.
    pub(crate) fn rows_digest(&self, rows: Rows) -> Result<Digest, EngineError> {
        let key = Hasher::new("rows of").digest(&self.rows_key(rows)).finish();
        if let Some(known) = self.store.memo(&key) {
            return Ok(known);
        }
        let bytes: Vec<u8> = self.rows(rows)?.iter().flat_map(|row| row.to_le_bytes()).collect();
        let digest = Digest::of(&bytes);
        self.store.remember(key, digest);
        Ok(digest)
    }

    /// A realisation whose objects are all in the store, else what `make` makes, recorded.
    fn at_hand_or(
        &self,
        recipe: &Recipe,
        make: impl FnOnce() -> Result<BTreeMap<String, Matrix>, EngineError>,
    ) -> Result<Applied, EngineError> {
        let key = recipe.digest();
        let known: BTreeMap<Digest, Applied> = self.store.realisations(&key)?;
        let whole = |applied: &Applied| applied.outputs.values().all(|o| self.store.contains(o));
        if let Some(applied) = known.into_values().find(whole) {
            return Ok(applied);
        }
        let clock = Clock::start();
        let mut outputs = BTreeMap::new();
        for (name, matrix) in make()? {
            outputs.insert(name, self.store.put(&matrix.to_bytes())?);
        }
        let mut id = Hasher::new("outputs");
        for (name, object) in &outputs {
            id.text(name).digest(object);
        }
        let applied = Applied { outputs, cost: clock.stop() };
        self.store.realise(recipe, &id.finish(), &applied)?;
        Ok(applied)
    }

    /// The model of a fit, read from the store.
    ///
    /// # Errors
    /// [`EngineError::Lost`] if it is gone, or was written by another version.
    pub fn model(&self, fit: &Fit) -> Result<Model, EngineError> {
        let bytes = self
            .store
            .get(&fit.model)?
            .ok_or_else(|| EngineError::Lost(format!("model {}", fit.model.short())))?;
        Model::from_bytes(&bytes)
            .map_err(|error| EngineError::Internal(format!("model {}: {error}", fit.model)))
    }

    /// A model's outputs on some rows, chunk by chunk.
    pub(crate) fn outputs_on(
        &self,
        model: &Model,
        sources: &[Source],
        rows: &[u32],
        embedding: bool,
    ) -> Result<BTreeMap<String, Matrix>, EngineError> {
        let mut all: BTreeMap<String, Matrix> = BTreeMap::new();
        // An empty row set still has outputs, of no rows: one pass over an empty chunk makes them.
        let chunks: Vec<&[u32]> =
            if rows.is_empty() { vec![rows] } else { rows.chunks(CHUNK).collect() };
        for chunk in chunks {
            self.go_on()?;
            let x = encode(model, sources, chunk)?;
            let mut named = named(model.outputs(&x, &self.interrupted)?);
            if embedding {
                named.extend(model.embedding(&x).map(|matrix| (Output::Embedding, matrix)));
            }
            for (output, matrix) in named {
                let into = all.entry(output.name().to_owned()).or_insert_with(|| Matrix {
                    rows: 0,
                    width: matrix.width,
                    data: Vec::with_capacity(rows.len() * matrix.width),
                });
                into.rows += matrix.rows;
                into.data.extend_from_slice(&matrix.data);
            }
        }
        Ok(all)
    }
}

/// Outputs by name; labels as whole numbers.
pub fn named(outputs: Outputs) -> Vec<(Output, Matrix)> {
    let mut named = Vec::new();
    named.extend(outputs.logit.map(|matrix| (Output::Logit, matrix)));
    named.extend(outputs.probability.map(|matrix| (Output::Probability, matrix)));
    named.extend(outputs.value.map(|matrix| (Output::Value, matrix)));
    named.extend(outputs.label.map(|labels| {
        let data: Vec<f32> = labels.iter().map(|&label| label as f32).collect();
        (Output::Label, Matrix { rows: data.len(), width: 1, data })
    }));
    named
}
