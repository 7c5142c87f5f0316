//! L-BFGS (Nocedal & Wright, algorithm 7.4) with a backtracking search.

use std::{collections::VecDeque, sync::atomic::AtomicBool};

use super::{check, dot, moved, objective::Objective};
use crate::TrainError;

const STEPS: u32 = 300;
const MEMORY: usize = 10;
/// The largest slope left at the end, in units of the mean loss.
const ENOUGH: f64 = 1e-5;

/// A step, the change of the gradient along it, and 1 / (their product).
struct Pair {
    s: Vec<f64>,
    y: Vec<f64>,
    rho: f64,
}

pub(super) fn minimise(
    objective: &Objective,
    interrupted: &AtomicBool,
) -> Result<Vec<f64>, TrainError> {
    let mut theta = vec![0.0; objective.size()];
    let (mut value, mut gradient) = objective.evaluate(&theta);
    let mut memory: VecDeque<Pair> = VecDeque::new();
    for step in 0..STEPS {
        check(interrupted, step, value)?;
        if gradient.iter().all(|g| g.abs() < ENOUGH) {
            break;
        }
        let direction = direction(&gradient, &memory);
        let fall = -dot(&gradient, &direction);
        // The first step has no curvature to go by: it starts at unit length.
        let mut length =
            if memory.is_empty() { 1.0 / dot(&direction, &direction).sqrt().max(1.0) } else { 1.0 };
        let better = loop {
            let next = moved(&theta, length, &direction);
            let (next_value, next_gradient) = objective.evaluate(&next);
            if next_value <= value - 1e-4 * length * fall {
                break Some((next, next_value, next_gradient));
            }
            length *= 0.5;
            if length < 1e-10 {
                break None;
            }
        };
        let Some(next) = better else { break };
        let s = moved(&next.0, -1.0, &theta);
        let y = moved(&next.2, -1.0, &gradient);
        let product = dot(&s, &y);
        if product > 1e-12 * dot(&y, &y) {
            memory.push_back(Pair { s, y, rho: 1.0 / product });
            if memory.len() > MEMORY {
                memory.pop_front();
            }
        }
        (theta, value, gradient) = next;
    }
    check(interrupted, STEPS, value)?;
    Ok(theta)
}

/// −H⁻¹g by the two-loop recursion.
fn direction(gradient: &[f64], memory: &VecDeque<Pair>) -> Vec<f64> {
    let mut q: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut alphas = Vec::with_capacity(memory.len());
    for pair in memory.iter().rev() {
        let alpha = pair.rho * dot(&pair.s, &q);
        q = moved(&q, -alpha, &pair.y);
        alphas.push(alpha);
    }
    if let Some(last) = memory.back() {
        let scale = 1.0 / (last.rho * dot(&last.y, &last.y));
        q.iter_mut().for_each(|q| *q *= scale);
    }
    for (pair, alpha) in memory.iter().zip(alphas.iter().rev()) {
        let beta = pair.rho * dot(&pair.y, &q);
        q = moved(&q, alpha - beta, &pair.s);
    }
    q
}
