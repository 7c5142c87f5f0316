//! Does a model that was read hold together?
//!
//! Whoever uses one indexes by what it says of itself, so all of it is asked here: every width is backed by
//! weights in the file, and every place lies within what it is a place of.

use std::ops::Range;

use crate::{Combination, Head, Model, Pool, Routing, Weights};

impl Model {
    /// Why it does not, in words.
    pub(crate) fn misfit(&self) -> Option<&'static str> {
        let inside = self.combination.iter().flat_map(|combination| &combination.experts);
        for network in inside.chain([&self.network]) {
            let mut joints = network.layers.windows(2);
            if joints.any(|pair| pair[0].outputs != pair[1].inputs) {
                return Some("its layers do not fit each other");
            }
        }
        let classes = self.classes.len();
        let (outputs, answers) = match self.head {
            Head::Binary => (1, classes == 2),
            Head::Regression { deviation, .. } => (1, classes == 0 && deviation > 0.0),
            Head::Classes => (classes, classes > 0),
        };
        let fits = self.encoder.checked_width().is_some_and(|width| match &self.combination {
            None => (self.network.inputs(), self.network.outputs()) == (width, outputs),
            Some(combination) => self.combines(combination, width, outputs),
        });
        (!answers || !fits).then_some("its network does not fit its encoder or head")
    }

    /// Do the parts of a gate or a mixture fit `width` encoded columns and answers of `outputs` numbers?
    fn combines(&self, combination: &Combination, width: usize, outputs: usize) -> bool {
        let Combination { handed, experts: inside, weights, pool } = combination;
        let experts = combination.len();
        let rules: &[usize] = match weights {
            Weights::Rules(columns) => columns,
            _ => &[],
        };
        // Before anything goes over the columns: there are no more than are spoken of.
        let spoken = handed.iter().map(Range::len).fold(rules.len(), usize::saturating_add);
        let network = (self.network.inputs(), self.network.outputs());
        if width > spoken.saturating_add(network.0) {
            return false;
        }
        let own = combination.own_columns(width).len();
        let is_answer = |range: &Range<usize>| range.end <= width && range.len() == outputs;
        // A gate's experts are handed to it, a mixture's are inside and read every column.
        let whose = match (handed.as_slice(), inside.as_slice()) {
            (handed, []) => !handed.is_empty() && handed.iter().all(is_answer),
            ([], inside) => {
                let reads = inside.iter().all(|e| (e.inputs(), e.outputs()) == (width, outputs));
                reads && matches!(weights, Weights::Softmax(_)) && *pool == Pool::Arithmetic
            }
            _ => false,
        };
        let route = match pool {
            Pool::Stack => own == 0 && network == (experts.saturating_mul(outputs), outputs),
            _ if matches!(weights, Weights::Softmax(_)) => network == (own, experts),
            _ => own == 0 && network.0 == 0,
        };
        whose && route && self.weighs(weights, experts, width) && self.pools(*pool)
    }

    fn weighs(&self, weights: &Weights, experts: usize, width: usize) -> bool {
        match weights {
            Weights::Fixed(weights) => weights.len() == experts,
            Weights::Softmax(Routing { temperature, top_k, shared, bias }) => {
                *temperature > 0.0
                    && top_k.is_none_or(|k| (1..=experts).contains(&k))
                    && shared.iter().all(|at| *at < experts)
                    && (bias.is_empty() || bias.len() == experts)
            }
            Weights::Rules(columns) => {
                columns.len() == experts && columns.iter().all(|at| *at < width)
            }
            Weights::Confidence { temperatures, .. } => {
                temperatures.len() == experts
                    && temperatures.iter().all(|t| *t > 0.0)
                    && !matches!(self.head, Head::Regression { .. })
            }
        }
    }

    fn pools(&self, pool: Pool) -> bool {
        match pool {
            Pool::Arithmetic | Pool::Stack => true,
            Pool::Geometric => !matches!(self.head, Head::Regression { .. }),
            Pool::NoisyOr => self.head == Head::Binary,
        }
    }
}
