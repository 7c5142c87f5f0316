//! The L-BFGS optimiser (Nocedal & Wright, algorithm 7.4) with a backtracking search.

use std::{collections::VecDeque, sync::atomic::AtomicBool};

use super::smooth::{Smooth, Way, check, dot, moved, search};
use crate::TrainError;

pub(super) const MEMORY: usize = 10;
/// The shortest part of a step that is tried.
const SHORTEST: f64 = 1e-10;
/// Most steps, and the largest slope left at the end, in units of the mean loss.
pub(crate) const EXACT: (u32, f64) = (300, 1e-5);

/// A step, the change of the gradient along it, and 1 / (their product).
struct Pair {
    s: Vec<f64>,
    y: Vec<f64>,
    rho: f64,
}

/// From `start` for at most `steps` steps, until no slope is larger than `enough`.
pub(crate) fn minimise(
    objective: &impl Smooth,
    start: Vec<f64>,
    (steps, enough): (u32, f64),
    interrupted: &AtomicBool,
) -> Result<Vec<f64>, TrainError> {
    let mut theta = start;
    let (mut value, mut gradient) = objective.evaluate(&theta);
    let mut memory: VecDeque<Pair> = VecDeque::new();
    for step in 0..steps {
        check(interrupted, step, value)?;
        if gradient.iter().all(|g| g.abs() < enough) {
            break;
        }
        let direction = direction(objective, &gradient, &memory);
        let fall = -dot(&gradient, &direction);
        // The first step has no curvature to go by: it starts at unit length.
        // (A preconditioned one has, and starts whole.)
        let blind = memory.is_empty() && objective.precondition(&gradient).is_none();
        let length = if blind { 1.0 / dot(&direction, &direction).sqrt().max(1.0) } else { 1.0 };
        let way = Way { direction: &direction, fall };
        let better = search(objective, (&theta, value), &way, length, SHORTEST);
        let Some(next) = better else { break };
        let s = moved(&next.theta, -1.0, &theta);
        let y = moved(&next.gradient, -1.0, &gradient);
        let product = dot(&s, &y);
        if product > 1e-12 * dot(&y, &y) {
            memory.push_back(Pair { s, y, rho: 1.0 / product });
            if memory.len() > MEMORY {
                memory.pop_front();
            }
        }
        (theta, value, gradient) = (next.theta, next.value, next.gradient);
    }
    check(interrupted, steps, value)?;
    Ok(theta)
}

/// −H⁻¹g by the two-loop recursion.
fn direction(objective: &impl Smooth, gradient: &[f64], memory: &VecDeque<Pair>) -> Vec<f64> {
    let mut q: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut alphas = Vec::with_capacity(memory.len());
    for pair in memory.iter().rev() {
        let alpha = pair.rho * dot(&pair.s, &q);
        q = moved(&q, -alpha, &pair.y);
        alphas.push(alpha);
    }
    let guess = |v: &[f64]| objective.precondition(v).unwrap_or_else(|| v.to_vec());
    if let Some(last) = memory.back() {
        // The guess, stretched so that it is right along the last step.
        let scale = 1.0 / (last.rho * dot(&last.y, &guess(&last.y)));
        q = guess(&q);
        q.iter_mut().for_each(|q| *q *= scale);
    } else {
        q = guess(&q);
    }
    for (pair, alpha) in memory.iter().zip(alphas.iter().rev()) {
        let beta = pair.rho * dot(&pair.y, &q);
        q = moved(&q, alpha - beta, &pair.s);
    }
    q
}
