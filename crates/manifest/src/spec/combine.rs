//! Gates and mixtures of experts, resolved: `[gate.NAME]` and `[mixture.NAME]`.

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::Mlp;
use crate::GateRule;

/// `[gate.NAME]`: combines the predictions of experts that are trained by themselves.
#[derive(Debug, Clone)]
pub struct Gate {
    /// Experts, gates or mixtures, in the order of the file; no duplicates.
    pub experts: Vec<Spanned<String>>,
    /// How their predictions are combined.
    pub rule: Box<dyn GateRule>,
    /// Divides what the weights are a softmax of; `None` for `distance`: chosen on validation rows.
    pub temperature: Option<f64>,
    /// How many experts answer for a row, shared ones not counted; `None`: all.
    pub top_k: Option<u32>,
    /// Positions of the experts that always answer.
    pub shared: Vec<usize>,
}

impl PartialEq for Gate {
    fn eq(&self, other: &Self) -> bool {
        let Self { experts, rule, temperature, top_k, shared } = self;
        *experts == other.experts
            && **rule == *other.rule
            && *temperature == other.temperature
            && *top_k == other.top_k
            && *shared == other.shared
    }
}

/// A rule's predicate as a column that is never missing: of a missing value nobody knows, so the
/// rule does not hold.
pub(crate) fn rule_column(predicate: &str) -> String {
    format!("coalesce(({predicate}), 0) <> 0")
}

/// The predicate that a rule's column was made of.
pub(crate) fn written_rule(column: &str) -> &str {
    let inner = column.strip_prefix("coalesce((").and_then(|rest| rest.strip_suffix("), 0) <> 0"));
    inner.unwrap_or(column)
}

impl Gate {
    /// The names of its experts.
    pub fn names(&self) -> Vec<&str> {
        self.experts.iter().map(|expert| expert.get_ref().as_str()).collect()
    }

    /// The same experts under another rule, which reads nothing but them.
    pub fn under(&self, rule: Box<dyn GateRule>) -> Self {
        Self { rule, temperature: Some(1.0), top_k: None, shared: Vec::new(), ..self.clone() }
    }

    /// The gate without one of its experts, and the derived column that goes with it; `None` where that leaves
    /// nothing to weigh.
    pub fn without(&self, at: usize) -> Option<(Self, Option<String>)> {
        if self.experts.len() < 3 {
            return None;
        }
        let mut gate = self.clone();
        gate.experts.remove(at);
        gate.shared.retain(|shared| *shared != at);
        gate.shared.iter_mut().filter(|shared| **shared > at).for_each(|shared| *shared -= 1);
        let routed = gate.experts.len() - gate.shared.len();
        if routed == 0 {
            return None;
        }
        gate.top_k = gate.top_k.map(|k| k.min(routed as u32));
        let column = gate.rule.columns().get(at).cloned();
        gate.rule = gate.rule.without(at)?;
        Some((gate, column))
    }
}

/// What the weights of a softmax gate are trained by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GateLoss {
    /// −log Σ gᵢ p(y | fᵢ).
    Likelihood,
    /// Squared error of the combined value, or of the combined probabilities (Brier).
    SquaredError,
}

/// How the load of experts is kept even in training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Balance {
    /// The method.
    pub by: BalanceBy,
    /// Its weight in the loss; of `bias`: the step of the biases.
    pub weight: f64,
}

/// A method of keeping load even.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BalanceBy {
    /// Not at all.
    None,
    /// The squared coefficient of variation of the importances (Shazeer et al. 2017).
    Importance,
    /// K Σ fᵢ Pᵢ, load times mean weight (Fedus, Zoph and Shazeer 2022).
    Switch,
    /// Biases that only choose, moved by the sign of the load's error (Wang et al. 2024).
    Bias,
}

/// `[mixture.NAME]`: experts and gate trained together, cached as one.
#[derive(Debug, Clone, PartialEq)]
pub struct Mixture {
    /// Experts that are routed to.
    pub experts: u32,
    /// Experts that always answer, beside those.
    pub shared: u32,
    /// Each expert.
    pub expert: Mlp,
    /// The network whose outputs the weights are a softmax of.
    pub gate: Mlp,
    /// Divides the gate's outputs.
    pub temperature: f64,
    /// How many of the routed experts answer for a row; `None`: all.
    pub top_k: Option<u32>,
    /// Deviation of the noise that is added to the gate's outputs in training.
    pub noise: f64,
    /// How load is kept even.
    pub balance: Balance,
    /// Weight of the router z-loss, the squared log-sum-exp of the gate's outputs (Zoph et al. 2022).
    pub z_loss: f64,
    /// In training an expert takes at most this many times its even share of a batch; `None`: no bound.
    pub capacity_factor: Option<f64>,
    /// Fits from different random numbers, of which the best on validation rows is kept.
    pub restarts: u32,
    /// Experts whose weights its experts begin with (branch, train, mix); empty: random weights.
    pub warm_start: Vec<Spanned<String>>,
}
