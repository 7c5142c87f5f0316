//! The traits of a model kind in the file: its keys, its recipe ingredients, how they are written out.
//!
//! This crate knows no kind by name. Whoever loads a file brings those that there are ([`Kinds`]); how a model is
//! fitted and what it answers is for the crate that learns.

mod gate;
mod given;
mod ingredients;
mod keys;
mod mixture;
mod rule;

use std::{any::Any, fmt};

use schemars::{Schema, SchemaGenerator};

pub(crate) use given::{DEFINITION, Given, ModelChoice, given};
pub use ingredients::Ingredients;
pub use keys::Keys;
pub use rule::{CopiedRule, DeclareRule, GateKeys, GateRule, Rules};
pub(crate) use rule::{DEFAULT, DEFINITION as RULES, RuleName, definition, not_combined};

use crate::{Gate, Mixture, Mlp, write::Written};

/// The kinds of model that `model.type` can name; the first is the one that is meant where it names none.
pub type Kinds<'a> = &'a [&'a dyn Declare];

/// What a file can name.
#[derive(Clone)]
pub struct Registry {
    /// The kinds of model; the first is the one that is meant where a file names none.
    pub kinds: Vec<&'static dyn Declare>,
    /// The rules of gates.
    pub rules: Vec<&'static dyn DeclareRule>,
}

/// A kind of model, as far as the file knows it.
pub trait Declare: Sync {
    /// What `model.type` says.
    fn name(&self) -> &'static str;

    /// The JSON Schema of its table, without `type`.
    fn schema(&self, generator: &mut SchemaGenerator) -> Schema;

    /// Reads its table. Whatever is wrong is told to `keys`, all of it; what cannot be read has its default.
    fn read(&self, keys: Keys<'_>) -> Box<dyn Params>;
}

/// The parameters of one model: what the file says, with every default.
pub trait Params: Copied + Any + fmt::Debug + Send + Sync {
    /// The name of its kind.
    fn kind(&self) -> &'static str;

    /// Everything that moves a fit. This is the only way into a recipe: destructure the parameters, so that one that
    /// is added later cannot be forgotten.
    fn ingredients(&self, recipe: &mut Ingredients<'_>);

    /// Writes its keys, every default among them.
    fn write(&self, out: &mut Written<'_>);

    /// In a few words, for people: `mlp 64-32 relu`.
    fn describe(&self) -> String;

    /// What reports call a model of this kind, in the singular: `network`, `linear model`.
    fn noun(&self) -> &'static str;

    /// Which keys of `train` move its fit. A file that sets others is told that they have no effect.
    fn train_keys(&self) -> TrainKeys {
        TrainKeys::All
    }

    /// The table of the file that such a node stands in.
    fn section(&self) -> Section {
        Section::Expert
    }

    /// The hidden layers that it has; a consumer may read the last one, and a mixture begin with them.
    fn layers(&self) -> Option<&Mlp> {
        None
    }

    /// The same with other hidden layers, of a kind whose layers can be chosen.
    fn with_layers(&self, layers: Mlp) -> Option<Box<dyn Params>> {
        let _ = layers;
        None
    }

    /// The gate that it is.
    fn gate(&self) -> Option<&Gate> {
        None
    }

    /// The mixture that it is.
    fn mixture(&self) -> Option<&Mixture> {
        None
    }
}

/// Keys of `train` that a kind reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrainKeys {
    /// All: it is trained by gradient steps, and can begin with the model before it.
    All,
    /// `class_weights` alone: it minimises a weighted loss in another way.
    ClassWeights,
    /// None.
    None,
}

/// A table of nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    /// `[expert.NAME]`: predicts from its inputs.
    Expert,
    /// `[gate.NAME]`: combines experts that are trained by themselves.
    Gate,
    /// `[mixture.NAME]`: experts and gate, trained together.
    Mixture,
}

impl Section {
    /// Its name in the file, and how names of its nodes begin in messages and records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Expert => "expert",
            Self::Gate => "gate",
            Self::Mixture => "mixture",
        }
    }
}

/// Copying and comparing behind a box; all parameters that are `Clone + PartialEq` have it.
pub trait Copied {
    /// A copy.
    fn copied(&self) -> Box<dyn Params>;

    /// Are both the same parameters of the same kind?
    fn same(&self, other: &dyn Params) -> bool;
}

impl<T: Params + Clone + PartialEq> Copied for T {
    fn copied(&self) -> Box<dyn Params> {
        Box::new(self.clone())
    }

    fn same(&self, other: &dyn Params) -> bool {
        (other as &dyn Any).downcast_ref::<T>() == Some(self)
    }
}

impl Clone for Box<dyn Params> {
    fn clone(&self) -> Self {
        (**self).copied()
    }
}

impl PartialEq for dyn Params {
    fn eq(&self, other: &Self) -> bool {
        self.same(other)
    }
}
