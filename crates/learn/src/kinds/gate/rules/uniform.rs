//! Gate `uniform`: the arithmetic mean of the experts (averaging ensemble), without training.

use collegium_manifest::{DeclareRule, GateKeys, GateRule, Task};

use crate::{
    Pool, Watch,
    kinds::gate::{
        job::{GateError, GateJob, Gated, fixed},
        rule::{Fitting, Rule, SimplerRule, downcast, even},
    },
    train::Targets,
};

const NAME: &str = "uniform";

/// All the same: the arithmetic mean.
#[derive(Debug, Clone, PartialEq)]
pub struct Uniform;

/// As a file declares it.
pub(super) struct UniformRule;

impl DeclareRule for UniformRule {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "Arithmetic mean."
    }

    fn read(&self, _: &mut GateKeys<'_>) -> Box<dyn GateRule> {
        Box::new(Uniform)
    }
}

impl Rule for UniformRule {
    fn fitting<'a>(&self, params: &'a dyn GateRule) -> Option<&'a dyn Fitting> {
        downcast::<Uniform>(params)
    }

    fn control(&self, _: Task) -> Option<SimplerRule> {
        Some(SimplerRule { rule: Box::new(Uniform), what: "the arithmetic mean of the experts" })
    }
}

impl GateRule for Uniform {
    fn name(&self) -> &'static str {
        NAME
    }

    fn learns(&self) -> bool {
        false
    }
}

impl Fitting for Uniform {
    fn fit(&self, job: &GateJob, _: Targets, _: &mut Watch) -> Result<Gated, GateError> {
        Ok(fixed(job, even(job), Pool::Arithmetic))
    }
}
