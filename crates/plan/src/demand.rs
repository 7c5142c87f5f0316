//! Fits that an expert needs, because of who reads it: the full one, cross-validation folds, baselines.

use std::{collections::BTreeSet, fmt};

use collegium_manifest::{Baseline, Deploy, Expert, Input, Output, Pipeline, Section, Upstream};
use collegium_records::FitName;

/// What a consumer sees of its upstream experts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum View {
    /// The full model everywhere; also what prediction sees.
    Deployed,
    /// On the upstream's training rows, what the models of `folds` folds predict for the rows they
    /// were not trained on; elsewhere the full model. Folds are stratified by the upstream's target.
    OutOfFold {
        /// Number of folds.
        folds: u32,
    },
    /// On one `folds`-th of the consumer's training rows (fold 0, stratified by the consumer's
    /// target), what a model trained without them predicts; the consumer is trained on these alone.
    HeldOut {
        /// The consumer, by position.
        consumer: usize,
        /// The denominator of the share held out.
        folds: u32,
    },
}

/// The view through which the expert at `index` sees its upstreams on training rows.
pub fn reads(index: usize, expert: &Expert) -> View {
    match expert.upstream {
        Upstream::InSample => View::Deployed,
        Upstream::OutOfFold => View::OutOfFold { folds: expert.folds },
        Upstream::HeldOut => View::HeldOut { consumer: index, folds: expert.folds },
    }
}

/// One fit of an expert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// What is deployed: the fit on all of its training rows, or the average that its models make.
    Full,
    /// Of a blend, the fit on all of its training rows.
    Member,
    /// Without the rows of one fold of a view.
    Fold {
        /// The view that asks for it.
        view: View,
        /// Which fold, from 0.
        fold: u32,
    },
    /// A baseline.
    Baseline(Baseline),
}

impl Part {
    /// Its name in records.
    pub fn name(&self) -> FitName {
        match self {
            Self::Full => FitName::Full,
            Self::Member => FitName::Member,
            Self::Fold { view: View::OutOfFold { folds }, fold } => {
                FitName::Fold { fold: fold + 1, of: *folds }
            }
            Self::Fold { .. } => FitName::HeldOut,
            Self::Baseline(Baseline::Majority) => FitName::Majority,
            Self::Baseline(Baseline::Linear) => FitName::Linear,
            Self::Baseline(Baseline::Single) => FitName::Single,
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name().fmt(f)
    }
}

/// The fits of the expert at `index`: the full one, its baselines, and the folds that its consumers
/// among `wanted` (positions) ask for, each once.
pub fn demand(pipeline: &Pipeline, index: usize, wanted: &BTreeSet<usize>) -> Vec<Part> {
    let Some((name, expert)) = pipeline.experts.get_index(index) else { return Vec::new() };
    let has_upstream =
        expert.inputs.iter().any(|input| matches!(input.get_ref(), Input::Output { .. }));
    let mut parts = vec![Part::Full];
    parts.extend(blended(expert).unwrap_or_default());
    parts.extend(asked(pipeline, name, wanted));
    // What a gate is compared with is more than a baseline: its controls.
    let asked = |baseline: &&Baseline| match (expert.model.section(), baseline) {
        (Section::Gate, baseline) => *baseline == &Baseline::Majority,
        (Section::Mixture, Baseline::Single) => false,
        (_, Baseline::Single) => has_upstream,
        _ => true,
    };
    parts.extend(
        pipeline.evaluate.baselines.iter().filter(asked).map(|&baseline| Part::Baseline(baseline)),
    );
    let mut seen = BTreeSet::new();
    parts.retain(|part| seen.insert(*part));
    parts
}

/// The fits whose models an expert blends, the one on all training rows first; `None` for one that does not.
pub fn blended(expert: &Expert) -> Option<Vec<Part>> {
    let view = View::OutOfFold { folds: expert.folds };
    let folds = (0..expert.folds).map(|fold| Part::Fold { view, fold });
    (expert.average.deploy == Deploy::Blend)
        .then(|| std::iter::once(Part::Member).chain(folds).collect())
}

/// The folds of the expert `name` that consumers among `wanted` (positions) ask for.
pub fn asked(pipeline: &Pipeline, name: &str, wanted: &BTreeSet<usize>) -> Vec<Part> {
    let mut parts = Vec::new();
    for &consumer_index in wanted {
        let Some((_, consumer)) = pipeline.experts.get_index(consumer_index) else { continue };
        if !consumes(consumer, name) {
            continue;
        }
        let view = reads(consumer_index, consumer);
        let folds = match view {
            View::Deployed => 0,
            View::OutOfFold { folds } => folds,
            View::HeldOut { .. } => 1,
        };
        parts.extend((0..folds).map(|fold| Part::Fold { view, fold }));
    }
    parts
}

fn consumes(consumer: &Expert, name: &str) -> bool {
    consumer
        .inputs
        .iter()
        .any(|input| matches!(input.get_ref(), Input::Output { expert, .. } if expert == name))
}

impl View {
    /// Which outputs of `name` anybody reads; `embedding` is only computed when it is among them.
    pub fn outputs_read(pipeline: &Pipeline, name: &str) -> BTreeSet<Output> {
        pipeline
            .experts
            .values()
            .flat_map(|consumer| &consumer.inputs)
            .filter_map(|input| match input.get_ref() {
                Input::Output { expert, output } if expert == name => Some(*output),
                _ => None,
            })
            .collect()
    }
}
