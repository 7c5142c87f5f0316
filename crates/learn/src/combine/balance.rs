//! Load balancing of experts: balance loss, router z-loss, and loss-free balancing.

use collegium_manifest::spec::{Balance, BalanceBy};

use super::weigh::Routing;

/// A batch as it was routed.
pub(crate) struct Routed<'a> {
    /// The gate's outputs, rows × experts, without noise.
    pub(crate) outputs: &'a [f32],
    /// The weights of those that were chosen.
    pub(crate) weights: &'a [f32],
    /// The weights as if all were.
    pub(crate) soft: &'a [f32],
    pub(crate) experts: usize,
}

impl Routed<'_> {
    fn rows(&self) -> f32 {
        (self.weights.len() / self.experts).max(1) as f32
    }

    /// Share of assignments that went to each expert.
    pub(crate) fn load(&self) -> Vec<f32> {
        let mut load = vec![0.0; self.experts];
        let mut all = 0.0;
        for row in self.weights.chunks_exact(self.experts) {
            for (count, weight) in load.iter_mut().zip(row) {
                if *weight > 0.0 {
                    *count += 1.0;
                    all += 1.0;
                }
            }
        }
        load.iter_mut().for_each(|count| *count /= f32::max(all, 1.0));
        load
    }

    /// Sum of each expert's weights.
    fn importance(&self) -> Vec<f32> {
        let mut sums = vec![0.0; self.experts];
        for row in self.soft.chunks_exact(self.experts) {
            sums.iter_mut().zip(row).for_each(|(sum, weight)| *sum += weight);
        }
        sums
    }
}

/// Adds the gradients of the balance loss and of the router z-loss by the gate's outputs.
pub(crate) fn add(
    routed: &Routed,
    routing: &Routing,
    balance: Balance,
    z_loss: f64,
    into: &mut [f32],
) {
    let (experts, rows, weight) = (routed.experts, routed.rows(), balance.weight as f32);
    match balance.by {
        // CV² = Σ (I − m)² / (K m²), and the mean m = rows / K does not move.
        BalanceBy::Importance => {
            let mean = rows / experts as f32;
            let by_weight: Vec<f32> = routed
                .importance()
                .iter()
                .map(|sum| weight * 2.0 * sum / (experts as f32 * mean * mean))
                .collect();
            let each = routed.soft.chunks_exact(experts).zip(into.chunks_exact_mut(experts));
            each.for_each(|(weights, into)| routing.back(weights, &by_weight, into));
        }
        // K Σ f P: f does not move smoothly, P is the mean weight before the choice.
        BalanceBy::Switch => {
            let load = routed.load();
            let by_weight: Vec<f32> =
                load.iter().map(|f| weight * experts as f32 * f / rows).collect();
            let each = routed.soft.chunks_exact(experts).zip(into.chunks_exact_mut(experts));
            each.for_each(|(weights, into)| routing.back(weights, &by_weight, into));
        }
        BalanceBy::None | BalanceBy::Bias => {}
    }
    if z_loss > 0.0 {
        let one = Routing::all();
        for (outputs, into) in
            routed.outputs.chunks_exact(experts).zip(into.chunks_exact_mut(experts))
        {
            let top = outputs.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let sum: f32 = outputs.iter().map(|z| crate::math::exp(z - top)).sum();
            let log_sum = top + libm::logf(sum);
            let mut shares = outputs.to_vec();
            one.weigh_chosen(&mut shares, &vec![true; experts]);
            for (cell, share) in into.iter_mut().zip(shares) {
                *cell += z_loss as f32 * 2.0 * log_sum * share / rows;
            }
        }
    }
}

/// Loss-free balancing: an expert with less than its share is chosen more easily from now on.
pub(crate) fn shift(routed: &Routed, rate: f64, bias: &mut Vec<f32>) {
    bias.resize(routed.experts, 0.0);
    let even = 1.0 / routed.experts as f32;
    for (bias, load) in bias.iter_mut().zip(routed.load()) {
        if load != even {
            *bias += rate as f32 * (even - load).signum();
        }
    }
}
