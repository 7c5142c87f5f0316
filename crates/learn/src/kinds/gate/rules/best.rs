//! Gate `best`: model selection, the expert of least loss on the training rows.

use collegium_manifest::{DeclareRule, GateKeys, GateRule, Task};

use crate::{
    Pool, Watch,
    kinds::gate::{
        job::{GateError, GateJob, Gated, expert_losses, fixed},
        rule::{Fitting, Rule, SimplerRule, downcast},
    },
    train::Targets,
};

const NAME: &str = "best";

/// The expert of least loss.
#[derive(Debug, Clone, PartialEq)]
pub struct Best;

/// As a file declares it.
pub(super) struct BestRule;

impl DeclareRule for BestRule {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "The one of least loss."
    }

    fn read(&self, _: &mut GateKeys<'_>) -> Box<dyn GateRule> {
        Box::new(Best)
    }
}

impl Rule for BestRule {
    fn fitting<'a>(&self, params: &'a dyn GateRule) -> Option<&'a dyn Fitting> {
        downcast::<Best>(params)
    }

    fn control(&self, _: Task) -> Option<SimplerRule> {
        Some(SimplerRule { rule: Box::new(Best), what: "the best single expert" })
    }
}

impl GateRule for Best {
    fn name(&self) -> &'static str {
        NAME
    }
}

impl Fitting for Best {
    fn fit(&self, job: &GateJob, truth: Targets, _: &mut Watch) -> Result<Gated, GateError> {
        let experts = job.handed.len();
        let losses = expert_losses(job, &truth);
        let mean = |expert: usize| losses.iter().skip(expert).step_by(experts).sum::<f64>();
        let best = (0..experts).fold(0, |b, k| if mean(k) < mean(b) { k } else { b });
        let mut weights = vec![0.0; experts];
        weights[best] = 1.0;
        Ok(fixed(job, weights, Pool::Arithmetic))
    }
}
