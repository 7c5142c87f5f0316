//! Gate `noisy-or`: 1 − Π (1 − p). The event has several causes, and any suffices (Pearl 1988).

use collegium_manifest::{DeclareRule, GateKeys, GateRule, Task};

use crate::{
    Head, Pool, Watch,
    kinds::gate::{
        job::{GateError, GateJob, Gated, fixed},
        rule::{Fitting, Rule, downcast, even, no_probabilities},
    },
    train::Targets,
};

const NAME: &str = "noisy-or";

/// Any of several causes suffices.
#[derive(Debug, Clone, PartialEq)]
pub struct NoisyOr;

/// As a file declares it.
pub(super) struct NoisyOrRule;

impl DeclareRule for NoisyOrRule {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "Any cause suffices."
    }

    fn read(&self, _: &mut GateKeys<'_>) -> Box<dyn GateRule> {
        Box::new(NoisyOr)
    }
}

impl Rule for NoisyOrRule {
    fn fitting<'a>(&self, params: &'a dyn GateRule) -> Option<&'a dyn Fitting> {
        downcast::<NoisyOr>(params)
    }
}

impl GateRule for NoisyOr {
    fn name(&self) -> &'static str {
        NAME
    }

    fn learns(&self) -> bool {
        false
    }

    fn needs_other_targets(&self, _: Task, classes: usize) -> Option<&'static str> {
        (classes != 2).then_some("yes/no targets")
    }

    fn combines_causes(&self) -> bool {
        true
    }
}

impl Fitting for NoisyOr {
    fn fit(&self, job: &GateJob, _: Targets, _: &mut Watch) -> Result<Gated, GateError> {
        match job.lesson.head {
            Head::Regression { .. } => Err(no_probabilities(job)),
            Head::Binary => Ok(fixed(job, even(job), Pool::NoisyOr)),
            Head::Classes => Err(GateError::Answers(
                "a gate of type `noisy-or` combines two classes, yes and no".to_owned(),
            )),
        }
    }
}
