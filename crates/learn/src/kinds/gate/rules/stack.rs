//! Gate `stack`: stacking, a linear model of the experts' predictions (Wolpert 1992).

use collegium_manifest::{
    DeclareRule, Gate, GateKeys, GateRule, Ingredients, Task,
    defaults::RIDGE,
    write::{self, Written},
};

use crate::{
    LinearJob, Pool, Watch, fit_linear,
    kinds::gate::{
        job::{GateError, GateJob, Gated, fixed},
        rule::{Fitting, Rule, SimplerRule, downcast},
    },
    train::Targets,
};

const NAME: &str = "stack";

/// Stacking: a linear model of the experts' predictions.
#[derive(Debug, Clone, PartialEq)]
pub struct Stack {
    /// Penalty on squared weights, in units of the mean loss.
    pub ridge: f64,
}

/// As a file declares it.
pub(super) struct StackRule;

impl DeclareRule for StackRule {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "A linear model of predictions."
    }

    fn keys(&self) -> &'static [&'static str] {
        &["ridge"]
    }

    fn read(&self, keys: &mut GateKeys<'_>) -> Box<dyn GateRule> {
        Box::new(Stack { ridge: keys.raw.ridge.as_ref().map_or(RIDGE, |ridge| *ridge.get()) })
    }
}

impl Rule for StackRule {
    fn fitting<'a>(&self, params: &'a dyn GateRule) -> Option<&'a dyn Fitting> {
        downcast::<Stack>(params)
    }

    fn control(&self, _: Task) -> Option<SimplerRule> {
        Some(SimplerRule {
            rule: Box::new(Stack { ridge: RIDGE }),
            what: "a linear stack of the experts",
        })
    }
}

impl GateRule for Stack {
    fn name(&self) -> &'static str {
        NAME
    }

    fn ingredients(&self, recipe: &mut Ingredients<'_>) {
        let Self { ridge } = self;
        recipe.set("gate.ridge", *ridge);
    }

    fn write(&self, _: &Gate, out: &mut Written<'_>) {
        out.key("ridge", write::float(self.ridge));
    }
}

impl Fitting for Stack {
    fn fit(&self, job: &GateJob, _: Targets, watch: &mut Watch) -> Result<Gated, GateError> {
        let mut gated = fixed(job, vec![0.0; job.handed.len()], Pool::Stack);
        let answers = gated.combination.predictions(job.lesson.x, &job.lesson.head, None);
        gated.network = fit_linear(&LinearJob {
            x: &gated.combination.features(&answers, job.lesson.x.rows, &job.lesson.head),
            y: job.lesson.y,
            class_weights: job.lesson.class_weights.clone(),
            ridge: self.ridge,
            interrupted: watch.interrupted,
        })?;
        Ok(gated)
    }
}
