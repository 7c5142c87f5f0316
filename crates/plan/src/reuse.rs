//! Keep, patch or retrain: the decision rule for reuse of a model, on figures alone.
//!
//! An expert B was last fully trained on some upstream outputs; that fit is its *anchor*. The
//! upstream was retrained and hands over others. Nothing here knows how a loss comes about: from the
//! rows' losses before and after it makes the bound that allows B to stay ([`effect`]), and from the
//! candidates and an estimate of retraining a verdict ([`verdict`]).
//!
//! *Budget*: τ · min(L, L_const − L), with L the anchor's loss and L_const that of the best constant.
//! A share of the loss alone is wrong where skill is small: two per cent of a loss can be a fifth of
//! what the expert knows.
//!
//! *Bound*: mean(d) + z · se over the row differences d = l₁ − l₀, with the standard error of a ratio
//! estimate, sd(d − mean(d)/L · l₀)/√n. It is paired, so what makes a row hard for both falls out. A
//! bootstrap decides the same at 25 times the price. Ranks and trimmed means are wrong here: they do
//! not see the rare rows with a large loss, which is where the harm is.
//!
//! *Estimates of retraining* are noisy, so a gain counts less its standard error, unless the expert as
//! it is clearly suffers; and what is far from home even under the best repair is trained.
//!
//! *Groups*: rows of one day or one customer are no two observations. Where rows come in groups the standard
//! errors are those of a ratio of group totals (Cochran 1977, section 6.3), and z is Student's t with as many
//! degrees of freedom as groups, less one.
//!
//! *Effective sample*: (Σ|d|)²/Σd² rows really speak, and of groups likewise by their totals. Fewer than thirty
//! and the normal bound is not to be believed, as with rare classes; fewer than ten groups and Student's is not.

use std::collections::BTreeMap;

use collegium_records::{
    Candidate, Certificate, Effect, Judgement, Verdict, loss_change, loss_within, whole_percent,
};

/// The version of this rule, an ingredient of every judgement: figures of another rule are not looked up.
pub const RULE: i64 = 2;
/// Least effective sample size, of rows that stand for themselves.
pub const EFFECTIVE_ROWS: f64 = 30.0;
/// Least effective sample size, of groups.
pub const EFFECTIVE_GROUPS: f64 = 10.0;
/// An expert that fits its new inputs is still not kept if retraining would gain more than this
/// share of the budget.
pub const MOST_TOTAL: f64 = 0.5;
/// The best repair is deployed if retraining would gain no more than this share of the budget on it.
pub const MOST_REST: f64 = 0.25;

/// An expert whose loss rises by more than this many budgets even under the best repair is trained,
/// whatever the estimate says: so far from home the estimate was measured to be too low.
pub const FAR: f64 = 5.0;
/// Standard errors by which an estimated gain must exceed its threshold before it is believed.
pub const NOISE: f64 = 1.0;

/// What is one observation.
#[derive(Debug, Clone, Copy)]
pub enum Unit<'a> {
    /// Each row.
    Row,
    /// The rows of a group.
    Group {
        /// The group of each row, below `count`.
        codes: &'a [u32],
        /// How many there are.
        count: usize,
        /// Student's quantile at the confidence asked for, with `count` − 1 degrees of freedom.
        reach: f64,
    },
}

impl Unit<'_> {
    /// Rows' values, or the sums of groups.
    fn totals(self, values: impl Iterator<Item = f64>) -> Vec<f64> {
        match self {
            Self::Row => values.collect(),
            Self::Group { codes, count, .. } => {
                let mut totals = vec![0.0; count];
                codes
                    .iter()
                    .zip(values)
                    .for_each(|(&group, value)| totals[group as usize] += value);
                totals
            }
        }
    }

    /// The standard error of a mean over `rows` rows whose residuals (of mean 0) these are.
    fn error(self, residuals: impl Iterator<Item = f64>, rows: f64) -> f64 {
        let totals = self.totals(residuals);
        let units = totals.len() as f64;
        let squares: f64 = totals.iter().map(|total| total * total).sum();
        if units > 1.0 { (squares * units / (units - 1.0)).sqrt() / rows } else { f64::INFINITY }
    }
}

/// The paired increase of a loss, with its one-sided upper bound at `confidence`.
///
/// # Panics
/// When the slices differ in length: a mistake of the caller, which no data can cause.
pub fn effect(before: &[f64], after: &[f64], unit: Unit, confidence: f64) -> Effect {
    assert_eq!(before.len(), after.len(), "both losses of the same rows");
    let n = before.len() as f64;
    let mean = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / n.max(1.0);
    let differences = || before.iter().zip(after).map(|(b, a)| a - b);
    let loss_before = mean(&mut before.iter().copied());
    let increase = mean(&mut differences());
    let ratio = if loss_before > 0.0 { increase / loss_before } else { 0.0 };
    // Residuals of the ratio estimate have mean 0 by construction.
    let error = unit.error(before.iter().zip(differences()).map(|(b, d)| d - ratio * b), n);
    let moves = differences().any(|d| d != 0.0);
    let (sum, sum_squares) = unit
        .totals(differences())
        .into_iter()
        .fold((0.0, 0.0), |(s, q), d: f64| (s + d.abs(), q + d * d));
    let reach = match unit {
        Unit::Row => quantile(confidence),
        Unit::Group { reach, .. } => reach,
    };
    Effect {
        loss: mean(&mut after.iter().copied()),
        increase,
        bound: if moves { increase + reach * error } else { 0.0 },
        // Differences that cancel within every group speak for none.
        effective_rows: moves
            .then(|| if sum_squares > 0.0 { sum * sum / sum_squares } else { 0.0 }),
        groups: match unit {
            Unit::Row => None,
            Unit::Group { count, .. } => Some(count as u64),
        },
    }
}

/// Largest tolerated increase: 0 or below where the anchor has no skill.
pub fn budget(tolerance: f64, loss: f64, constant: f64) -> f64 {
    tolerance * loss.min(constant - loss)
}

/// Does the bound allow to stay?
pub fn certified(effect: &Effect, budget: f64) -> bool {
    let least = if effect.groups.is_some() { EFFECTIVE_GROUPS } else { EFFECTIVE_ROWS };
    effect.effective_rows.is_none_or(|units| units >= least && effect.bound <= budget)
}

/// The standard error of a mean difference between rows, over rows or over groups.
///
/// # Panics
/// When the slices differ in length: a mistake of the caller, which no data can cause.
pub fn standard_error(a: &[f64], b: &[f64], unit: Unit) -> f64 {
    assert_eq!(a.len(), b.len(), "both losses of the same rows");
    let n = a.len() as f64;
    let mean = a.iter().zip(b).map(|(a, b)| a - b).sum::<f64>() / n;
    unit.error(a.iter().zip(b).map(|(a, b)| a - b - mean), n)
}

/// What was measured of an expert whose upstreams moved.
#[derive(Debug, Clone)]
pub struct Figures<'a> {
    /// Largest tolerated increase.
    pub budget: f64,
    /// By candidate; [`Candidate::Deployed`] is always there.
    pub effects: &'a BTreeMap<Candidate, Effect>,
    /// Estimated loss after retraining.
    pub retrained: f64,
    /// By candidate: the standard error of what retraining would gain over it.
    pub errors: &'a BTreeMap<Candidate, f64>,
}

/// Is a loss certainly more than [`FAR`] budgets higher?
fn is_far(effect: &Effect, budget: f64) -> bool {
    2.0 * effect.increase - effect.bound > FAR * budget
}

/// A verdict and the candidate that it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decided {
    /// Keep, patch or retrain.
    pub verdict: Verdict,
    /// What is deployed if it is not retrained: the candidate of least loss, or the expert as it is.
    pub candidate: Candidate,
}

/// Applies the rule.
pub fn verdict(figures: &Figures) -> Decided {
    let best = figures
        .effects
        .iter()
        .min_by(|a, b| a.1.loss.total_cmp(&b.1.loss))
        .map_or(Candidate::Deployed, |(candidate, _)| *candidate);
    let retrain = Decided { verdict: Verdict::Retrain, candidate: best };
    // Without skill there is nothing that could be preserved.
    if figures.budget <= 0.0 {
        return retrain;
    }
    // What is certainly gained: an estimate within its own noise is no reason to train, as long as
    // the noise is not larger than what may be lost. Where the expert as it is clearly suffers, the
    // change is real, and the estimate counts at its face value.
    let suffers = figures
        .effects
        .get(&Candidate::Deployed)
        .is_none_or(|e| 2.0 * e.increase - e.bound > figures.budget);
    let noise = if suffers { 0.0 } else { NOISE };
    let gain = |candidate| {
        let effect: &Effect = figures.effects.get(&candidate)?;
        let error = figures.errors.get(&candidate).copied().unwrap_or_default();
        Some(effect.loss - figures.retrained - (noise * error).min(figures.budget))
    };
    let within = |gain: Option<f64>, share: f64| gain.is_some_and(|g| g <= share * figures.budget);
    let deployed = figures.effects.get(&Candidate::Deployed);
    if deployed.is_some_and(|effect| certified(effect, figures.budget))
        && within(gain(Candidate::Deployed), MOST_TOTAL)
    {
        return Decided { verdict: Verdict::Keep, candidate: Candidate::Deployed };
    }
    let far = figures.effects.get(&best).is_none_or(|e| is_far(e, figures.budget));
    if far || !within(gain(best), MOST_REST) {
        return retrain;
    }
    match best {
        Candidate::Deployed => Decided { verdict: Verdict::Keep, candidate: best },
        _ => Decided { verdict: Verdict::Patch, candidate: best },
    }
}

/// Would retraining help? In one sentence.
pub fn advice(judgement: &Judgement) -> String {
    let share = |part: f64| percent(part / judgement.loss.max(f64::MIN_POSITIVE));
    let Some(best) = judgement.effects.get(&judgement.candidate) else {
        return "nothing is known about retraining".to_owned();
    };
    if judgement.budget <= 0.0 {
        return "it has no skill on validation rows, so there is nothing to keep".to_owned();
    }
    if judgement.verdict == Verdict::Retrain && is_far(best, judgement.budget) {
        return format!(
            "even the best repair leaves a loss {} higher, too far for an estimate to be trusted",
            share(best.increase)
        );
    }
    let words = match (judgement.verdict, judgement.candidate) {
        (Verdict::Retrain, Candidate::Deployed) => {
            format!("retraining gains about {} of the loss", percent(judgement.total))
        }
        (Verdict::Retrain, _) => format!(
            "retraining gains about {} of the loss; a patch would leave {} of it",
            percent(judgement.total),
            percent(judgement.rest)
        ),
        (_, Candidate::Deployed) => format!(
            "no: {}; retraining gains at most {}",
            loss_change(best.increase / judgement.loss.max(f64::MIN_POSITIVE)),
            percent(judgement.total)
        ),
        _ => match judgement.rest > 0.0 {
            true => format!("a patch recovers all but {}", percent(judgement.rest)),
            false => "a patch recovers all that retraining would".to_owned(),
        },
    };
    if judgement.upstream_worse {
        return format!(
            "upstream regressed: the loss rises by {}; retraining below will not recover it",
            share(best.increase)
        );
    }
    words
}

/// The figures of a certificate in one sentence.
pub fn certificate_words(certificate: &Certificate) -> String {
    let what = match certificate.candidate {
        Candidate::Deployed => "kept",
        Candidate::Shim => "patched by a map of its inputs",
        Candidate::ShimRefit => "patched by a map of its inputs and a new last layer",
        Candidate::RestandardiseRefit => "patched by new scales of its inputs and a new last layer",
    };
    let of_loss = 1.0 / certificate.loss.max(f64::MIN_POSITIVE);
    if certificate.upstream_worse {
        return format!(
            "{what}; upstream worse: {}, which retraining will not recover",
            loss_change(certificate.increase * of_loss)
        );
    }
    let figures = loss_within(
        certificate.increase * of_loss,
        certificate.bound * of_loss,
        certificate.budget * of_loss,
    );
    match certificate.certified {
        true => format!("{what}: inputs changed, loss within budget: {figures}"),
        // Told apart from the good case by its first words.
        false => format!(
            "{what}, NOT certified: {figures}; retraining would gain at most {}",
            percent(certificate.rest)
        ),
    }
}

/// A share as a percentage of two significant digits, not below 0; a trace of it is 0.1 %.
fn percent(share: f64) -> String {
    whole_percent(share.max(0.0))
}

/// The quantile of the standard normal distribution, by bisection: it is asked for once per
/// judgement, and this has nothing to get wrong.
fn quantile(confidence: f64) -> f64 {
    let below = |z: f64| 0.5 * libm::erfc(-z / std::f64::consts::SQRT_2);
    let (mut low, mut high) = (-9.0, 9.0);
    for _ in 0..80 {
        let middle = 0.5 * (low + high);
        if below(middle) < confidence { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_quantiles_are_those_of_the_tables() {
        for (confidence, z) in [(0.5, 0.0), (0.95, 1.644_853_627), (0.975, 1.959_963_985)] {
            assert!((quantile(confidence) - z).abs() < 1e-8);
        }
    }

    #[test]
    fn percentages_have_two_digits() {
        let shown = [0.31, 0.0298, 0.003, 0.0001, 0.0, -0.2].map(percent);
        assert_eq!(shown, ["31 %", "3.0 %", "0.3 %", "0.1 %", "0 %", "0 %"]);
    }
}
