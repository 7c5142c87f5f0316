//! Gate `geometric`: the normalised geometric mean of probabilities, a product of experts (Hinton 2002).

use collegium_manifest::{DeclareRule, GateKeys, GateRule, Task};

use crate::{
    Head, Pool, Watch,
    kinds::gate::{
        job::{GateError, GateJob, Gated, fixed},
        rule::{Fitting, Rule, SimplerRule, downcast, even, no_probabilities},
    },
    train::Targets,
};

const NAME: &str = "geometric";

/// The normalised geometric mean of probabilities.
#[derive(Debug, Clone, PartialEq)]
pub struct Geometric;

/// As a file declares it.
pub(super) struct GeometricRule;

impl DeclareRule for GeometricRule {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "Product of experts."
    }

    fn read(&self, _: &mut GateKeys<'_>) -> Box<dyn GateRule> {
        Box::new(Geometric)
    }
}

impl Rule for GeometricRule {
    fn fitting<'a>(&self, params: &'a dyn GateRule) -> Option<&'a dyn Fitting> {
        downcast::<Geometric>(params)
    }

    fn control(&self, task: Task) -> Option<SimplerRule> {
        (task == Task::Classification).then(|| SimplerRule {
            rule: Box::new(Geometric),
            what: "the geometric mean of the experts",
        })
    }
}

impl GateRule for Geometric {
    fn name(&self) -> &'static str {
        NAME
    }

    fn learns(&self) -> bool {
        false
    }

    fn needs_other_targets(&self, task: Task, _: usize) -> Option<&'static str> {
        (task == Task::Regression).then_some("classes")
    }
}

impl Fitting for Geometric {
    fn fit(&self, job: &GateJob, _: Targets, _: &mut Watch) -> Result<Gated, GateError> {
        match job.lesson.head {
            Head::Regression { .. } => Err(no_probabilities(job)),
            _ => Ok(fixed(job, even(job), Pool::Geometric)),
        }
    }
}
