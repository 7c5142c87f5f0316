//! Routed models, which combine several experts: gates and mixtures.

mod header;

use std::ops::Range;

use collegium_digest::{Digest, Hasher};
use collegium_table::Matrix;

use super::dense::{JOINTS, MISFIT, joints_fit};
use crate::{
    Combination, GateWeights, Head, Learned, ModelError, Network, Own, Pool, Routes, Routing,
    RowCost, Stored, Tensors,
};

/// A combination of experts with what decides the route, and the kind of model that made it.
#[derive(Debug, Clone, PartialEq)]
pub struct RoutedModel {
    kind: &'static str,
    network: Network,
    combination: Combination,
}

impl RoutedModel {
    /// Of a kind, by its name.
    pub(crate) fn new(kind: &'static str, network: Network, combination: Combination) -> Self {
        Self { kind, network, combination }
    }

    /// Reads what [`Learned::store`] wrote.
    pub(crate) fn load(
        kind: &'static str,
        own: Own,
        tensors: &Tensors,
    ) -> Result<Box<dyn Learned>, ModelError> {
        let header::Fields { layers, activation, combination: inside } = own.read()?;
        // Experts without layers would be counted by nothing.
        let hollow = inside.experts > 0 && inside.layers == 0;
        let parts = inside.experts.checked_mul(inside.layers);
        let all = parts.and_then(|parts| parts.checked_add(layers)?.checked_mul(2));
        tensors.exactly(all.filter(|_| !hollow))?;
        let network = tensors.network("", layers, activation)?;
        Ok(Box::new(Self { kind, network, combination: inside.read(tensors)? }))
    }

    /// Do its parts fit `width` encoded columns and answers of `outputs` numbers?
    fn combines(&self, width: usize, outputs: usize, head: &Head) -> bool {
        let Combination { handed, experts: inside, weights, pool } = &self.combination;
        let experts = self.combination.len();
        let rules: &[usize] = match weights {
            GateWeights::Rules(columns) => columns,
            _ => &[],
        };
        // Before anything goes over the columns: there are no more than are spoken of.
        let spoken = handed.iter().map(Range::len).fold(rules.len(), usize::saturating_add);
        let network = (self.network.inputs(), self.network.outputs());
        if width > spoken.saturating_add(network.0) {
            return false;
        }
        let own = self.combination.own_columns(width).len();
        let is_answer = |range: &Range<usize>| range.end <= width && range.len() == outputs;
        // A gate's experts are handed to it, a mixture's are inside and read every column.
        let whose = match (handed.as_slice(), inside.as_slice()) {
            (handed, []) => !handed.is_empty() && handed.iter().all(is_answer),
            ([], inside) => {
                let reads = inside.iter().all(|e| (e.inputs(), e.outputs()) == (width, outputs));
                reads && matches!(weights, GateWeights::Softmax(_)) && *pool == Pool::Arithmetic
            }
            _ => false,
        };
        let route = match pool {
            Pool::Stack => own == 0 && network == (experts.saturating_mul(outputs), outputs),
            _ if matches!(weights, GateWeights::Softmax(_)) => network == (own, experts),
            _ => own == 0 && network.0 == 0,
        };
        whose && route && weighs(weights, experts, width, head) && pools(*pool, head)
    }
}

/// Bytes that a row of a combination holds: a weight and an answer of each expert, and the columns that decide the
/// route.
pub(super) fn row_bytes(experts: usize, outputs: usize, own: usize) -> u64 {
    4 * (experts * (1 + outputs) + own) as u64
}

fn weighs(weights: &GateWeights, experts: usize, width: usize, head: &Head) -> bool {
    match weights {
        GateWeights::Fixed(weights) => weights.len() == experts,
        GateWeights::Softmax(Routing { temperature, top_k, shared, bias }) => {
            *temperature > 0.0
                && top_k.is_none_or(|k| (1..=experts).contains(&k))
                && shared.iter().all(|at| *at < experts)
                && (bias.is_empty() || bias.len() == experts)
        }
        GateWeights::Rules(columns) => {
            columns.len() == experts && columns.iter().all(|at| *at < width)
        }
        GateWeights::Confidence { temperatures, .. } => {
            temperatures.len() == experts
                && temperatures.iter().all(|t| *t > 0.0)
                && !matches!(head, Head::Regression { .. })
        }
    }
}

fn pools(pool: Pool, head: &Head) -> bool {
    match pool {
        Pool::Arithmetic | Pool::Stack => true,
        Pool::Geometric => !matches!(head, Head::Regression { .. }),
        Pool::NoisyOr => *head == Head::Binary,
    }
}

impl Learned for RoutedModel {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn raw(&self, x: &Matrix, head: &Head) -> Matrix {
        self.combination.raw(&self.network, x, head)
    }

    fn jacobians(&self, x: &Matrix, head: &Head, visit: &mut dyn FnMut(usize, &[f32])) {
        self.combination.jacobians(&self.network, x, head, visit);
    }

    fn untrained(&self, key: &Digest) -> Option<Box<dyn Learned>> {
        // A rule without a network draws no weights.
        if self.parameters() == 0 {
            return None;
        }
        let mut combination = self.combination.clone();
        for (at, expert) in combination.experts.iter_mut().enumerate() {
            let key = Hasher::new("untrained expert").digest(key).count(at as u64).finish();
            *expert = expert.untrained(&key);
        }
        let network = self.network.untrained(key);
        Some(Box::new(Self { kind: self.kind, network, combination }))
    }

    fn parameters(&self) -> u64 {
        match self.network.inputs() {
            // A gate without a network carries one of no inputs, in which nothing was trained.
            0 => self.combination.parameters(),
            _ => self.network.parameters() + self.combination.parameters(),
        }
    }

    fn row_cost(&self) -> RowCost {
        // Numbers that an expert answers with: handed over, or given by a network of its own.
        let handed = self.combination.handed.first().map(Range::len);
        let own = self.combination.experts.first().map(Network::outputs);
        let width = handed.or(own).unwrap_or(1);
        RowCost {
            multiply_adds: self.network.multiply_adds() + self.combination.multiply_adds(),
            bytes: row_bytes(self.combination.len(), width, self.network.inputs()),
        }
    }

    fn misfit(&self, width: usize, outputs: usize, head: &Head) -> Option<&'static str> {
        let mut networks = self.combination.experts.iter().chain([&self.network]);
        if !networks.all(joints_fit) {
            return Some(JOINTS);
        }
        (!self.combines(width, outputs, head)).then_some(MISFIT)
    }

    fn store(&self) -> Stored {
        header::stored(&self.network, &self.combination)
    }

    fn routes(&self) -> Option<Routes<'_>> {
        Some(Routes { network: &self.network, combination: &self.combination })
    }
}
