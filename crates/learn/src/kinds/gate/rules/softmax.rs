//! Gate `softmax`: a network on the row's own columns decides (Jacobs, Jordan, Nowlan and Hinton 1991).

use collegium_digest::stream;
use collegium_manifest::{
    Balance, BalanceBy, DeclareRule, Gate, GateKeys, GateLoss, GateRule, Ingredients, Mlp,
    defaults::BALANCE_WEIGHT,
    write::{self, Written},
};

use crate::{
    GateWeights, Routing, Watch,
    combine::softmax::{self, Manner},
    init,
    kinds::gate::{
        job::{GateError, GateJob, Gated, routing, seen},
        rule::{Fitting, Rule, downcast},
    },
    train::{EpochLoop, Targets, through_epochs},
};

const NAME: &str = "softmax";

/// Weights are a softmax of a network's outputs.
#[derive(Debug, Clone, PartialEq)]
pub struct Softmax {
    /// The network.
    pub net: Mlp,
    /// What it is trained by.
    pub loss: GateLoss,
    /// How its load is kept even.
    pub balance: Balance,
    /// Deviation of the noise that is added to its outputs in training.
    pub noise: f64,
}

/// As a file declares it.
pub(super) struct SoftmaxRule;

impl DeclareRule for SoftmaxRule {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "By a network on `inputs`."
    }

    fn keys(&self) -> &'static [&'static str] {
        &[
            "inputs",
            "hidden",
            "activation",
            "loss",
            "temperature",
            "top_k",
            "shared",
            "noise",
            "balance",
            "balance_weight",
            "train",
        ]
    }

    fn read(&self, keys: &mut GateKeys<'_>) -> Box<dyn GateRule> {
        let raw = keys.raw;
        Box::new(Softmax {
            net: keys.net(),
            loss: raw.loss.as_ref().map_or(GateLoss::Likelihood, |loss| *loss.get()),
            balance: Balance {
                by: raw.balance.as_ref().map_or(BalanceBy::None, |by| *by.get()),
                weight: raw.balance_weight.as_ref().map_or(BALANCE_WEIGHT, |w| *w.get()),
            },
            noise: raw.noise.as_ref().map_or(0.0, |noise| *noise.get()),
        })
    }
}

impl Rule for SoftmaxRule {
    fn fitting<'a>(&self, params: &'a dyn GateRule) -> Option<&'a dyn Fitting> {
        downcast::<Softmax>(params)
    }
}

impl GateRule for Softmax {
    fn name(&self) -> &'static str {
        NAME
    }

    fn ingredients(&self, recipe: &mut Ingredients<'_>) {
        let Self { net, loss, balance, noise } = self;
        recipe.network("gate", net);
        recipe.set(
            "gate.loss",
            match loss {
                GateLoss::Likelihood => "likelihood",
                GateLoss::SquaredError => "squared-error",
            },
        );
        recipe.routing(*balance, *noise);
        recipe.seed();
        recipe.training();
    }

    fn write(&self, _: &Gate, out: &mut Written<'_>) {
        let Self { net, loss, balance, noise } = self;
        out.network(net);
        out.key("loss", write::name(loss));
        out.key("noise", write::float(*noise));
        out.key("balance", write::name(&balance.by));
        out.key("balance_weight", write::float(balance.weight));
        out.train();
    }

    fn routes(&self) -> bool {
        true
    }

    fn net(&self) -> Option<&Mlp> {
        Some(&self.net)
    }
}

impl Fitting for Softmax {
    fn fit(&self, job: &GateJob, truth: Targets, watch: &mut Watch) -> Result<Gated, GateError> {
        let Self { net, loss, balance, noise } = self;
        let manner = Manner { loss: *loss, balance: *balance, noise: *noise, z_loss: 0.0 };
        let routing = routing(job, job.spec.temperature.unwrap_or(1.0));
        let mut combination = softmax::combination(job.handed.clone(), routing.clone());
        let own = combination.own_columns(job.lesson.x.width).len();
        let widths: Vec<usize> = std::iter::once(own)
            .chain(net.hidden.iter().map(|width| *width as usize))
            .chain([job.handed.len()])
            .collect();
        let network = init::fresh(&widths, net.activation, &job.lesson.key);
        let course = EpochLoop {
            train: job.lesson.train,
            task: truth.task(),
            rows: job.lesson.x.rows,
            total: truth.total(),
            constant: truth.constant_loss(),
            key: job.lesson.key,
        };
        let valid = truth
            .validation(job.lesson.x_valid, &job.lesson.y_valid, job.lesson.x.width)?
            .map(|truth| seen(&combination, job.lesson.x_valid, truth, &job.lesson.head));
        let train = seen(&combination, job.lesson.x, truth, &job.lesson.head);
        let noise = stream(&job.lesson.key, "gate noise");
        let start = (network, job.lesson.train);
        let mut fit = softmax::Softmax::new(
            manner,
            train,
            valid,
            job.lesson.head,
            routing.clone(),
            start,
            noise,
        );
        let (epochs, best_epoch) = through_epochs(&course, &mut fit, watch)?;
        let (network, bias) = fit.best;
        let bias = if manner.balance.by == BalanceBy::Bias { bias } else { Vec::new() };
        combination.weights = GateWeights::Softmax(Routing { bias, ..routing });
        Ok(Gated { network, combination, epochs, best_epoch })
    }
}
