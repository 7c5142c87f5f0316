//! The traits of an estimator: how a model of any kind is fitted by its parameters.

use std::error::Error;

use collegium_digest::Digest;
use collegium_manifest::{
    Mlp,
    spec::{Added, Encode, Train},
};
use collegium_records::Epoch;
use collegium_table::{Encoder, Matrix};

use crate::{Learned, Model, Network, RowCost, Target, TrainError, Trained, TrainingSet, Watch};

/// The parameters of a model as something that can be fitted. A kind implements it for its own parameters.
pub trait Estimator {
    /// What a fit costs, and what it costs to apply the model, before either is begun.
    fn cost(&self, shape: &Shape, train: &Train) -> FitCost;

    /// Fits a model. The same job gives the same bits, alone and beside others.
    ///
    /// # Errors
    /// [`FitError`]; bad input is found before the first step.
    fn fit(
        &self,
        job: &FitJob<'_>,
        host: &mut dyn Host,
        watch: &mut Watch<'_>,
    ) -> Result<Fitted, FitError>;
}

/// What a fit is given, by size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Encoded columns.
    pub width: usize,
    /// What encodings of numbers add to them, for a kind that reads `encode`.
    pub added: Added,
    /// Raw outputs: 1 for a value or two classes, else one a class.
    pub outputs: usize,
    /// Training and validation rows.
    pub rows: u64,
    /// Models that are fitted and averaged.
    pub members: u32,
}

/// What a fit costs, and what comes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FitCost {
    /// Multiply-adds of a row in one pass of training; of a mixture, of those parts that answer.
    pub multiply_adds: u64,
    /// Bytes that are held at the peak, about.
    pub peak_bytes: u64,
    /// Passes over the training rows, at most; 0: it is not trained by epochs.
    pub epochs: u32,
    /// How often all of that is done.
    pub restarts: u32,
    /// What it costs to apply the model, for each row.
    pub apply: RowCost,
}

/// What to fit on.
#[derive(Debug, Clone)]
pub struct FitJob<'a> {
    /// Rows, targets, and how to train on them.
    pub lesson: TrainingSet<'a>,
    /// What made the rows' columns out of the declared inputs.
    pub encoder: &'a Encoder,
    /// How inputs are encoded, as far as that is the model's part.
    pub encode: &'a Encode,
    /// The data source, as the names of its columns begin.
    pub data: &'a str,
    /// Other targets of the training rows, which are learned beside.
    pub auxiliary: &'a [Target<'a>],
    /// The model that it begins with, of the same kind and encoding.
    pub start: Option<&'a Model>,
    /// Does it begin with the models of those experts that its parameters name for it?
    pub begins: bool,
}

/// A fitted model.
#[derive(Debug)]
pub struct Fitted {
    /// The model.
    pub learned: Box<dyn Learned>,
    /// Losses by epoch, where there was training.
    pub epochs: Vec<Epoch>,
    /// The epoch whose weights these are, from 1; 0 without training.
    pub best_epoch: u32,
    /// The best validation loss of each restart; infinite of one that diverged.
    pub restarts: Vec<f64>,
    /// Experts whose own networks were trained for it.
    pub judged: Vec<String>,
}

impl Fitted {
    /// Without training by epochs.
    pub fn at_once(learned: Box<dyn Learned>) -> Self {
        Self {
            learned,
            epochs: Vec::new(),
            best_epoch: 0,
            restarts: Vec::new(),
            judged: Vec::new(),
        }
    }
}

/// Why a fit has no result.
#[derive(Debug, thiserror::Error)]
pub enum FitError {
    /// Training had none.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// In words.
    #[error("{0}")]
    Reason(String),
    /// The project around it had no answer.
    #[error(transparent)]
    Host(Box<dyn Error + Send + Sync>),
}

/// Host of a fit: the project around it, for kinds that need more of it than rows. Experts go by their names.
pub trait Host {
    /// Multiply-adds of a row that each of these experts adds to those before it.
    ///
    /// # Errors
    /// [`FitError::Host`]
    fn costs(&mut self, experts: &[&str]) -> Result<Vec<u64>, FitError>;

    /// A network of its own for one expert whose predictions are handed in: looked up by its recipe, or fitted by
    /// `fit`, which is given the key that names its random streams. The flag says whether it was fitted.
    ///
    /// # Errors
    /// [`FitError::Host`], and whatever `fit` says.
    fn judge(
        &mut self,
        expert: &str,
        net: &Mlp,
        fit: &mut dyn FnMut(Digest) -> Result<Trained, FitError>,
    ) -> Result<(Network, bool), FitError>;

    /// The model in use of an expert.
    ///
    /// # Errors
    /// [`FitError::Host`]
    fn model(&mut self, expert: &str) -> Result<Model, FitError>;

    /// Some of the training rows, evenly spaced, as an encoder encodes them: the same rows every time.
    ///
    /// # Errors
    /// [`FitError::Host`]
    fn encoded(&mut self, encoder: &Encoder) -> Result<Matrix, FitError>;
}
