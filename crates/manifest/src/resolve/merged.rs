//! Inheritance: an expert with all that it inherits by `extends`.

use std::{collections::HashMap, ops::Range};

use crate::{
    At, Calibrate, Diagnostics, Params,
    raw::{RawEncode, RawExpert, RawTrain},
    recover::Cut,
};

/// Keys that an expert says itself and that turn something on, with their places.
#[derive(Debug, Default)]
pub(crate) struct TurnedOn {
    pub(super) reuse: Option<Range<usize>>,
    pub(super) warm_start: Option<Range<usize>>,
    /// Keys of `train` that only gradient steps read.
    pub(super) steps: Option<Range<usize>>,
    /// Any key of `train`.
    pub(super) train: Option<Range<usize>>,
    /// What only a network is given of its inputs.
    pub(super) encode: Option<Range<usize>>,
    /// How a network is calibrated.
    pub(super) calibrate: Option<Range<usize>>,
}

impl TurnedOn {
    /// Of an expert before it inherits anything.
    pub(crate) fn by(raw: &RawExpert<'_>) -> Self {
        Self {
            reuse: raw.reuse.as_deref().filter(|reuse| reuse.get().is_on()).map(At::span),
            warm_start: raw.warm_start.as_deref().filter(|warm| warm.get().is_on()).map(At::span),
            steps: raw.train.as_deref().and_then(RawTrain::steps),
            train: raw.train.as_deref().and_then(RawTrain::place),
            calibrate: raw
                .calibrate
                .as_ref()
                .filter(|calibrate| *calibrate.get() != Calibrate::None)
                .map(At::span),
            encode: raw.encode.as_deref().and_then(RawEncode::of_networks),
        }
    }
}

/// An expert with all that it inherits.
pub(crate) struct Merged<'i> {
    pub(crate) name: At<String>,
    pub(crate) raw: Box<RawExpert<'i>>,
    /// Its model with every default.
    pub(crate) model: Box<dyn Params>,
    /// What it says itself and does not inherit.
    pub(crate) turned_on: TurnedOn,
    /// The experts that it extends, nearest first; of a file in which nothing was cut, nobody asks for them.
    pub(super) chain: Vec<String>,
    /// Something that it extends is not known: nothing must be called missing.
    pub(super) broken: bool,
}

impl Merged<'_> {
    /// Is a key absent because it was cut, here or where it would be inherited from?
    pub(crate) fn lost(&self, key: &str, cut: &Cut) -> bool {
        let name = self.name.get();
        self.broken
            || !cut.is_empty()
                && std::iter::once(name).chain(&self.chain).any(|name| {
                    cut.touches(&["expert", name, key]) || cut.touches(&["expert", name, "extends"])
                })
    }
}

/// All experts, and what was found in blueprints.
pub(crate) struct MergedExperts<'i> {
    pub(crate) experts: Vec<Merged<'i>>,
    pub(super) index: HashMap<String, usize>,
    pub(crate) findings: Diagnostics,
}

impl<'i> MergedExperts<'i> {
    pub(crate) fn get(&self, name: &str) -> Option<&Merged<'i>> {
        self.index.get(name).map(|&at| &self.experts[at])
    }
}
