//! Gate `cascade`: the first expert, in the order of the file, that is confident enough.

use std::ops::Range;

use collegium_manifest::{
    At, DeclareRule, Gate, GateKeys, GateRule, Ingredients, Task,
    write::{self, Written},
};
use collegium_records::Code;

pub use crate::combine::cascade::Threshold;
use crate::{
    GateWeights, Head, Pool, Target, Watch,
    combine::cascade,
    kinds::gate::{
        job::{GateError, GateJob, Gated, plain},
        rule::{Fitting, Rule, downcast, no_probabilities},
    },
    train::Targets,
};

const NAME: &str = "cascade";

/// The first expert that is confident enough, in the order of the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Cascade(pub Threshold);

/// As a file declares it.
pub(super) struct CascadeRule;

impl DeclareRule for CascadeRule {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "The first that is sure enough."
    }

    fn keys(&self) -> &'static [&'static str] {
        &["confidence", "error_budget", "cost_budget"]
    }

    fn read(&self, keys: &mut GateKeys<'_>) -> Box<dyn GateRule> {
        let raw = keys.raw;
        let mut given: Vec<(Range<usize>, Threshold)> = Vec::new();
        let mut add = |at: &Option<At<f64>>, threshold: fn(f64) -> Threshold| {
            given.extend(at.as_ref().map(|at| (at.span(), threshold(*at.get()))));
        };
        add(&raw.confidence, Threshold::Confidence);
        add(&raw.error_budget, Threshold::ErrorBudget);
        add(&raw.cost_budget, Threshold::CostBudget);
        if let [(first, _), (second, _), ..] = &given[..] {
            keys.refuse(
                Code::ConflictingKeys,
                second.clone(),
                "a cascade has one threshold",
                |error| {
                    error
                        .label("a second one")
                        .also(first.clone(), "the first")
                        .help("keep one of `confidence`, `error_budget` and `cost_budget`")
                },
            );
        }
        Box::new(Cascade(given.first().map_or(Threshold::ErrorBudget(0.0), |(_, at)| *at)))
    }
}

impl Rule for CascadeRule {
    fn fitting<'a>(&self, params: &'a dyn GateRule) -> Option<&'a dyn Fitting> {
        downcast::<Cascade>(params)
    }
}

impl GateRule for Cascade {
    fn name(&self) -> &'static str {
        NAME
    }

    fn ingredients(&self, recipe: &mut Ingredients<'_>) {
        let Self(threshold) = self;
        match threshold {
            Threshold::Confidence(at) => recipe.set("gate.confidence", *at),
            Threshold::ErrorBudget(at) => recipe.set("gate.error_budget", *at),
            Threshold::CostBudget(at) => recipe.set("gate.cost_budget", *at),
        }
    }

    fn write(&self, _: &Gate, out: &mut Written<'_>) {
        match self.0 {
            Threshold::Confidence(at) => out.key("confidence", write::float(at)),
            Threshold::ErrorBudget(at) => out.key("error_budget", write::float(at)),
            Threshold::CostBudget(at) => out.key("cost_budget", write::float(at)),
        }
    }

    fn in_turn(&self) -> bool {
        true
    }

    fn needs_other_targets(&self, task: Task, _: usize) -> Option<&'static str> {
        (task == Task::Regression).then_some("classes")
    }
}

impl Fitting for Cascade {
    fn fit(&self, job: &GateJob, _: Targets, _: &mut Watch) -> Result<Gated, GateError> {
        let budget = self.0;
        if matches!(job.lesson.head, Head::Regression { .. }) {
            return Err(no_probabilities(job));
        }
        let experts = job.handed.len();
        let (Target::Classes { labels, .. }, Target::Classes { labels: valid, .. }) =
            (job.lesson.y, job.lesson.y_valid)
        else {
            return Err(GateError::Answers("a cascade needs classes".to_owned()));
        };
        let ones = GateWeights::Confidence { threshold: 1.0, temperatures: vec![1.0; experts] };
        let mut gated = plain(job, ones, Pool::Arithmetic);
        let width = gated.combination.answer_width(&job.lesson.head);
        let answers = gated.combination.predictions(job.lesson.x, &job.lesson.head, None);
        let temperatures: Vec<f32> = (0..experts)
            .map(|expert| {
                let own: Vec<f32> = answers
                    .chunks_exact(experts * width)
                    .flat_map(|row| &row[expert * width..][..width])
                    .copied()
                    .collect();
                cascade::calibration(&own, width, labels)
            })
            .collect();
        gated.combination.weights =
            GateWeights::Confidence { threshold: 1.0, temperatures: temperatures.clone() };
        // Chosen where nothing was trained: on what prediction will see. Without such rows, on the others.
        let (x, labels) = match job.lesson.x_valid.rows {
            0 => (job.lesson.x, labels),
            _ => (job.lesson.x_valid, valid),
        };
        let calibrated = gated.combination.predictions(x, &job.lesson.head, None);
        let threshold = cascade::threshold(budget, &calibrated, width, labels, &job.costs);
        let threshold = threshold.map_err(|least| GateError::Budget {
            budget: match budget {
                Threshold::CostBudget(budget) => budget,
                _ => 0.0,
            },
            least,
        })?;
        gated.combination.weights = GateWeights::Confidence { threshold, temperatures };
        Ok(gated)
    }
}
