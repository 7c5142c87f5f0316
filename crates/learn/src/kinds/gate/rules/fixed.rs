//! Gate `fixed`: the mean by weights of the file, without training.

use collegium_manifest::{
    DeclareRule, Gate, GateKeys, GateRule, Ingredients,
    write::{self, Written},
};
use collegium_records::{Code, Ingredient};

use crate::{
    Pool, Watch,
    kinds::gate::{
        job::{GateError, GateJob, Gated, fixed},
        rule::{Fitting, Rule, downcast},
    },
    train::Targets,
};

const NAME: &str = "fixed";

/// Weights from the file, scaled to a sum of 1, in the order of the experts.
#[derive(Debug, Clone, PartialEq)]
pub struct Fixed(pub Vec<f64>);

/// As a file declares it.
pub(super) struct FixedRule;

impl DeclareRule for FixedRule {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "By `weights`."
    }

    fn keys(&self) -> &'static [&'static str] {
        &["weights"]
    }

    fn read(&self, keys: &mut GateKeys<'_>) -> Box<dyn GateRule> {
        let raw = keys.raw;
        let found = keys.by_expert("weights", raw.weights.as_ref());
        let weights: Vec<f64> = found.iter().map(|w| w.map_or(0.0, |w| *w.get())).collect();
        let sum: f64 = weights.iter().sum();
        let nothing = weights.iter().all(|weight| *weight == 0.0) && !keys.experts.is_empty();
        if let Some(table) = raw.weights.as_ref().filter(|_| nothing) {
            keys.refuse(Code::NothingToCombine, table.span(), "all weights are 0", |error| {
                error.label("one must be above 0")
            });
        }
        Box::new(Fixed(weights.iter().map(|w| w / sum.max(f64::MIN_POSITIVE)).collect()))
    }
}

impl Rule for FixedRule {
    fn fitting<'a>(&self, params: &'a dyn GateRule) -> Option<&'a dyn Fitting> {
        downcast::<Fixed>(params)
    }
}

impl GateRule for Fixed {
    fn name(&self) -> &'static str {
        NAME
    }

    fn ingredients(&self, recipe: &mut Ingredients<'_>) {
        let Self(weights) = self;
        let weights = weights.iter().map(|&weight| Ingredient::from(weight));
        recipe.set("gate.weights", weights.collect::<Vec<_>>());
    }

    fn write(&self, gate: &Gate, out: &mut Written<'_>) {
        let weights = self.0.iter().map(|weight| write::float(*weight));
        out.key("weights", write::table(gate.names().into_iter().zip(weights)));
    }

    fn learns(&self) -> bool {
        false
    }

    fn without(&self, at: usize) -> Option<Box<dyn GateRule>> {
        let mut weights = self.0.clone();
        weights.remove(at);
        let sum: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= sum);
        (sum > 0.0).then(|| Box::new(Self(weights)) as Box<dyn GateRule>)
    }
}

impl Fitting for Fixed {
    fn fit(&self, job: &GateJob, _: Targets, _: &mut Watch) -> Result<Gated, GateError> {
        let weights = self.0.iter().map(|weight| *weight as f32).collect();
        Ok(fixed(job, weights, Pool::Arithmetic))
    }
}
