//! Cascade of experts: calibration by temperature scaling, and the threshold below which the next expert is asked.

use super::pool::LEAST_PROBABILITY;
use crate::math;

/// When the next expert of a cascade is asked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Threshold {
    /// Below this calibrated confidence.
    Confidence(f64),
    /// As seldom as a validation error of at most the last expert's and this much allows.
    ErrorBudget(f64),
    /// As often as this many mean multiply-adds a row allow.
    CostBudget(f64),
}

/// Thresholds that are tried between chance and certainty.
const STEPS: usize = 400;

/// The largest probability; of a binary answer (the second class's alone) the larger of the two.
pub(crate) fn confidence(probabilities: &[f32]) -> f32 {
    match probabilities {
        [p] => p.max(1.0 - p),
        all => all.iter().copied().fold(0.0, f32::max),
    }
}

/// Temperature scaling (Guo et al. 2017), in place: logarithms divided by `temperature`, then normalised.
pub(crate) fn temper(probabilities: &mut [f32], temperature: f32) {
    let log = |p: f32| libm::logf(p.max(LEAST_PROBABILITY));
    if let [p] = probabilities {
        *p = math::sigmoid((log(*p) - log(1.0 - *p)) / temperature);
        return;
    }
    let top = probabilities.iter().copied().fold(0.0, f32::max);
    let mut sum = 0.0;
    for p in probabilities.iter_mut() {
        *p = math::exp((log(*p) - log(top)) / temperature);
        sum += *p;
    }
    probabilities.iter_mut().for_each(|p| *p /= sum);
}

/// Calibration by temperature: that of least log loss of an expert's answers (rows × `width`), by golden section over
/// its logarithm; the loss has one minimum.
pub(crate) fn calibration(answers: &[f32], width: usize, labels: &[u32]) -> f32 {
    let loss = |log_temperature: f64| {
        let temperature = libm::exp(log_temperature) as f32;
        let mut sum = 0.0;
        let mut row = vec![0.0; width];
        for (answer, label) in answers.chunks_exact(width).zip(labels) {
            row.copy_from_slice(answer);
            temper(&mut row, temperature);
            sum -= libm::log(f64::from(of_class(&row, *label)).max(1e-12));
        }
        sum
    };
    let shrink = (5.0_f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = (libm::log(0.05), libm::log(20.0));
    let mut inner = [high - shrink * (high - low), low + shrink * (high - low)];
    let mut losses = inner.map(loss);
    for _ in 0..40 {
        if losses[0] <= losses[1] {
            high = inner[1];
            inner = [high - shrink * (high - low), inner[0]];
            losses = [loss(inner[0]), losses[0]];
        } else {
            low = inner[0];
            inner = [inner[1], low + shrink * (high - low)];
            losses = [losses[1], loss(inner[1])];
        }
    }
    libm::exp(0.5 * (low + high)) as f32
}

/// The probability of a class in an answer.
pub(crate) fn of_class(answer: &[f32], label: u32) -> f32 {
    match answer {
        [p] if label == 1 => *p,
        [p] => 1.0 - p,
        all => all.get(label as usize).copied().unwrap_or(0.0),
    }
}

/// The most probable class, the first of equals; a binary ½ counts as the second.
fn class_of(answer: &[f32]) -> u32 {
    match answer {
        [p] => u32::from(*p >= 0.5),
        all => {
            let mut best = 0;
            for (class, p) in all.iter().enumerate() {
                if *p > all[best] {
                    best = class;
                }
            }
            best as u32
        }
    }
}

/// What a threshold comes to on some rows.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Outcome {
    threshold: f32,
    error: f64,
    cost: f64,
}

/// Chooses the threshold for calibrated answers (rows × experts × `width`). `costs` are the experts'
/// multiply-adds; an asked expert costs its own and those of all before it.
///
/// # Errors
/// A cost budget that even the first expert alone exceeds, with its cost.
pub(crate) fn threshold(
    budget: Threshold,
    answers: &[f32],
    width: usize,
    labels: &[u32],
    costs: &[u64],
) -> Result<f32, f64> {
    let experts = costs.len();
    if let Threshold::Confidence(at) = budget {
        return Ok(at as f32);
    }
    let mut spent = Vec::with_capacity(experts);
    let mut sum = 0.0;
    for cost in costs {
        sum += *cost as f64;
        spent.push(sum);
    }
    let rows = labels.len().max(1) as f64;
    let outcome = |threshold: f32| {
        let (mut wrong, mut cost) = (0.0, 0.0);
        for (all, label) in answers.chunks_exact(experts * width).zip(labels) {
            let of = |expert: usize| &all[expert * width..][..width];
            let sure = (0..experts - 1).find(|&expert| confidence(of(expert)) >= threshold);
            let by = sure.unwrap_or(experts - 1);
            wrong += f64::from(u8::from(class_of(of(by)) != *label));
            cost += spent[by];
        }
        Outcome { threshold, error: wrong / rows, cost: cost / rows }
    };
    // Above 1 nobody but the last is ever sure.
    let tried = (0..=STEPS).map(|step| outcome(step as f32 / STEPS as f32));
    let all: Vec<Outcome> = tried.chain([outcome(1.01)]).collect();
    let last = all[all.len() - 1];
    match budget {
        Threshold::ErrorBudget(budget) => {
            let good = all.iter().find(|tried| tried.error <= last.error + budget);
            Ok(good.map_or(last.threshold, |tried| tried.threshold))
        }
        Threshold::CostBudget(budget) => {
            match all.iter().rev().find(|tried| tried.cost <= budget) {
                Some(tried) => Ok(tried.threshold),
                None => Err(spent[0]),
            }
        }
        Threshold::Confidence(at) => Ok(at as f32),
    }
}
