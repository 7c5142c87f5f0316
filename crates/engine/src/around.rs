//! The engine as [`Host`] of a fit: for kinds of model that need more of the project than rows.

use std::error::Error;

use collegium_digest::Digest;
use collegium_learn::{FitError, Head, Host, Model, Network, Trained, kernel_class, kinds};
use collegium_manifest::{Mlp, Output, Task};
use collegium_plan::{FitInputs, Part, View, judgement_recipe};
use collegium_records::{Cost, Fit};
use collegium_table::{Encoder, Matrix};

use crate::{
    EngineError, NodeRef,
    clock::Clock,
    inputs::InputData,
    rows::{Rows, evenly},
    states::States,
};

/// Rows on which an upstream expert's encoding is compared with its reader's.
const MAPPED: usize = 65_536;

/// One part of a node while it is fitted.
pub(crate) struct Around<'a> {
    node: NodeRef<'a>,
    part: Part,
    /// The fit's own.
    encoder: &'a Encoder,
    states: &'a States,
    /// What its recipe names, once a kind asks for fits inside it.
    inputs: Option<FitInputs>,
    /// What is encoded again, once a kind asks for it.
    rows: Option<(Vec<u32>, Vec<InputData>)>,
}

/// An error of the engine, on its way through a fit.
fn host(error: EngineError) -> FitError {
    FitError::Host(Box::new(error))
}

/// Turns such an error back into the engine's own.
pub(crate) fn told(error: Box<dyn Error + Send + Sync>) -> EngineError {
    match error.downcast::<EngineError>() {
        Ok(error) => *error,
        Err(other) => EngineError::Internal(other.to_string()),
    }
}

impl Host for Around<'_> {
    fn costs(&mut self, experts: &[&str]) -> Result<Vec<u64>, FitError> {
        Ok(self.node.session.costs(experts, self.states).map_err(host)?.unwrap_or_default())
    }

    fn judge(
        &mut self,
        expert: &str,
        net: &Mlp,
        fit: &mut dyn FnMut(Digest) -> Result<Trained, FitError>,
    ) -> Result<(Network, bool), FitError> {
        let session = self.node.session;
        let member = format!("{expert}.{}", Output::Prediction);
        let spec = self.node.declared();
        let recipe = judgement_recipe(spec, net, self.inputs().map_err(host)?, &member);
        if let Some(fit) = session.known_fit(&recipe.digest()).map_err(host)? {
            let known = session.model(&fit).map_err(host)?;
            return match known.layers() {
                Some(network) => Ok((network.clone(), false)),
                None => Err(host(EngineError::Internal("a judge without layers".to_owned()))),
            };
        }
        let clock = Clock::start();
        let done = fit(recipe.digest())?;
        let handed: Vec<usize> = self.encoder.handed().into_iter().map(|(at, _)| at).collect();
        let own: Vec<usize> =
            (0..self.encoder.names().len()).filter(|at| !handed.contains(at)).collect();
        let model = Model {
            encoder: self.encoder.only(&own),
            learned: kinds::mlp::model(done.network.clone()),
            head: Head::Regression { mean: 0.0, deviation: 1.0 },
            classes: Vec::new(),
        };
        self.file(&recipe, &model, &done, clock.stop()).map_err(host)?;
        Ok((done.network, true))
    }

    fn model(&mut self, expert: &str) -> Result<Model, FitError> {
        let index = self.node.session.index(expert).map_err(host)?;
        let gone = || host(EngineError::Lost(format!("the model of {expert}")));
        let state = self.states.get(&index).ok_or_else(gone)?;
        self.node.session.model(state.full()).map_err(host)
    }

    fn encoded(&mut self, encoder: &Encoder) -> Result<Matrix, FitError> {
        self.rows_by(encoder).map_err(host)
    }
}

impl<'a> Around<'a> {
    pub(crate) fn new(
        node: NodeRef<'a>,
        part: Part,
        encoder: &'a Encoder,
        states: &'a States,
    ) -> Self {
        Self { node, part, encoder, states, inputs: None, rows: None }
    }

    fn inputs(&mut self) -> Result<&FitInputs, EngineError> {
        let inputs = match self.inputs.take() {
            Some(known) => known,
            None => self
                .node
                .fit_inputs(self.part, self.states)?
                .ok_or_else(|| EngineError::Lost("an output of an expert".to_owned()))?,
        };
        Ok(self.inputs.insert(inputs))
    }

    fn file(
        &self,
        recipe: &collegium_records::Recipe,
        model: &Model,
        done: &Trained,
        cost: Cost,
    ) -> Result<(), EngineError> {
        let rows =
            self.node.session.rows(crate::inputs::training_rows(self.node.index, self.part))?;
        let fit = Fit {
            model: self.node.session.store.put(&model.to_bytes())?,
            kind: model.kind().to_owned(),
            task: Task::Regression.name().to_owned(),
            classes: Vec::new(),
            epochs: done.epochs.clone(),
            best_epoch: done.best_epoch,
            parameters: model.parameters(),
            kept: model.kept(),
            multiply_adds: model.multiply_adds(),
            rows: rows.len() as u64,
            cost: Cost { peak_bytes: 0, ..cost },
            kernel: kernel_class(),
            created: crate::clock::now(),
            table: None,
            parent: None,
            generation: 0,
            seen: None,
            restarts: Vec::new(),
            judged: Vec::new(),
        };
        self.node.session.store.realise(recipe, &fit.model, &fit)?;
        Ok(())
    }

    fn rows_by(&mut self, encoder: &Encoder) -> Result<Matrix, EngineError> {
        let session = self.node.session;
        let (rows, data) = match self.rows.take() {
            Some(known) => self.rows.insert(known),
            None => {
                let rows = evenly(&session.rows(Rows::Train { expert: self.node.index })?, MAPPED);
                let inputs = &self.node.resolved().inputs;
                let data = self.node.input_data(inputs, View::Deployed, self.states)?;
                self.rows.insert((rows, data))
            }
        };
        encoder
            .encode(&crate::inputs::sources(data), rows)
            .map_err(|error| EngineError::Internal(format!("encoding: {error}")))
    }
}
