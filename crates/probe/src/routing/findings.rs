//! Findings about a routing, in sentences: dead experts, even load without decisions, one dominant expert.

use collegium_records::{Regret, RouteFigures, RoutingDiagnostics, metric_words};

use super::figures::DEAD;

/// From which share of load or weight on one expert takes nearly everything.
const NEARLY_ALL: f64 = 0.9;

/// Fewer rows than this prove nothing: with n rows one without skill does better on every one with
/// probability 2⁻ⁿ.
const LEAST_ROWS: u64 = 10;

/// Entropies of load and of decisions beyond which load is even because nothing is decided.
const EVEN: [f64; 2] = [0.95, 0.9];

/// p-value of a dependence at most. Less than the .05 of a single test, as columns are many and not
/// corrected for: of 200 permutations one may reach it.
const LEVEL: f64 = 0.01;

/// Normalised mutual information beyond chance below which a dependence is too small to speak of,
/// however certain.
const LEAST_DEPENDENCE: f64 = 0.01;

/// Dead experts, a load that is even only because nothing is decided, an expert that takes nearly
/// everything, a mixture that its best expert beats, and what the route follows most. Empty where there
/// is nothing to say.
///
/// Where every row goes to every expert, load is even by construction: experts without weight are then
/// found by their importance.
pub fn routing_findings(of: &RoutingDiagnostics) -> Vec<String> {
    let mut found = Vec::new();
    if of.experts.len() > 1 {
        found.extend(unused(of));
        found.extend(indifferent(&of.overall));
        found.extend(nearly_all(of));
    }
    found.extend(of.regret.as_ref().and_then(|regret| worse(regret, &of.loss)));
    found.extend(followed(of));
    found
}

fn unused(of: &RoutingDiagnostics) -> Vec<String> {
    let RouteFigures { dead, importance, .. } = &of.overall;
    let least = DEAD / of.experts.len() as f64;
    let faint = of.experts.iter().zip(importance).filter(|(expert, _)| !dead.contains(expert));
    let faint: Vec<String> =
        faint.filter(|&(_, &share)| share < least).map(|(expert, _)| expert.clone()).collect();
    let sentence = |experts: &[String], what: &str| {
        let be = if experts.len() == 1 { "is" } else { "are" };
        (!experts.is_empty()).then(|| format!("{} {be} {what}", list(experts)))
    };
    let dead = sentence(dead, "dead: given less than a hundredth of an even share of the rows");
    let faint = sentence(
        &faint,
        "all but silent: chosen, but with less than a hundredth of an even share of the weight",
    );
    dead.into_iter().chain(faint).collect()
}

fn indifferent(of: &RouteFigures) -> Option<String> {
    let found = of.load_entropy > EVEN[0] && of.decision_entropy > EVEN[1];
    found.then(|| {
        format!(
            "load is even because the gate hardly decides (entropy of its weights {} of 1); even load \
             is no success",
            two(of.decision_entropy)
        )
    })
}

fn nearly_all(of: &RoutingDiagnostics) -> Option<String> {
    let largest = |shares: &[f64], what| {
        let (expert, &share) =
            of.experts.iter().zip(shares).find(|&(_, &share)| share > NEARLY_ALL)?;
        Some(format!("{expert} takes nearly everything: {} of the {what}", two(share)))
    };
    largest(&of.overall.load, "load").or_else(|| largest(&of.overall.importance, "weight"))
}

fn worse(of: &Regret, loss: &str) -> Option<String> {
    let interval = of.against_best.interval?;
    (interval.low > 0.0 && of.rows >= LEAST_ROWS).then(|| {
        format!(
            "the mixture is worse than {} alone: {} {} against {}, {} more ({} to {})",
            of.best_expert,
            metric_words(loss),
            two(of.mixture),
            two(of.best_single),
            two(of.against_best.value),
            two(interval.low),
            two(interval.high)
        )
    })
}

/// The column with the largest dependence beyond chance among those that are significant.
fn followed(of: &RoutingDiagnostics) -> Option<String> {
    let beyond = of.label.iter().chain(&of.slices).filter_map(|column| {
        let of = column.dependence?;
        let beyond = of.nmi - of.by_chance;
        (of.p_value <= LEVEL && beyond >= LEAST_DEPENDENCE).then_some((beyond, column, of))
    });
    let (_, column, of) = beyond.reduce(|a, b| if b.0 > a.0 { b } else { a })?;
    Some(format!(
        "the route follows {}: normalised mutual information {} (by chance {}, p {})",
        column.name,
        two(of.nmi),
        two(of.by_chance),
        two(of.p_value)
    ))
}

/// `a`, `a and b`, `a, b and c`
fn list(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

/// Two significant digits, counted after rounding: 0.0996 is 0.10.
fn two(value: f64) -> String {
    let scientific = format!("{value:.1e}");
    let exponent = scientific.rsplit_once('e').and_then(|(_, exponent)| exponent.parse().ok());
    let digits = exponent.map_or(0, |exponent: i32| (1 - exponent).clamp(0, 6) as usize);
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_digits_are_two_digits_after_rounding() {
        let values = [0.0, 1.0, 0.999, 0.0996, 0.00497, -0.124, 12_345.6, 9.96];
        let expected = ["0.0", "1.0", "1.0", "0.10", "0.0050", "-0.12", "12346", "10"];
        assert_eq!(values.map(two), expected);
    }
}
