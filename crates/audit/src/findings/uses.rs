//! What each input is to an expert: effect (conditional permutation) and sensitivity (AGOP) together.
//!
//! The AGOP says what the output answers to, shuffling within similar rows what that is worth. An input
//! that training gave weight to for no reason has the one without the other: its part of the output is
//! noise, and noise costs the same whichever row it comes from. So has an input that only stands in for
//! another (a proxy). An input is *used* when it has both, where all that is said of an expert's inputs
//! together is to be right in 95 of 100 cases (Holm's correction). Inputs that vary together can each be
//! spared and yet not all: they are shuffled as one too.

use collegium_probe::holm;
use collegium_records::{Agop, Conditional, Cue, InputUse, NodeAudit, Reading};

/// All that is said of an expert's inputs together is wrong with at most this probability.
const LEVEL: f64 = 0.05;

/// Every declared input, and every group of inputs that vary together, largest effect first.
pub(crate) fn uses(audit: &NodeAudit) -> Vec<InputUse> {
    let Some(agop) = &audit.agop else { return Vec::new() };
    let cue = |input: &str| audit.probe.cues.iter().find(|cue| cue.input == input);
    let effect = |input: &str| cue(input).and_then(|cue| cue.conditional.as_ref());
    let (useful, harmful) = told(audit, agop);
    let tells = |set: &[Set], inputs: &[String]| set.iter().any(|one| one.as_slice() == inputs);
    let mut all = Vec::new();
    for importance in &agop.importance {
        let inputs = vec![importance.input.clone()];
        // Where another of its group determines it, only the group can be judged.
        let grouped = agop.groups.iter().any(|group| group.inputs.contains(&importance.input));
        let found = effect(&importance.input);
        let spoken_for = grouped && found.is_some_and(|effect| effect.determined);
        let counts = !spoken_for && tells(&useful, &inputs);
        let reading = match (counts, importance.above_noise) {
            // There is nothing else that its skill could come from.
            _ if audit.inputs.len() == 1 => Reading::Used,
            (true, true) => Reading::Used,
            (true, false) => Reading::EffectOnly,
            _ if tells(&harmful, &inputs) => Reading::Harmful,
            _ if cue(&importance.input).is_some_and(stands_in) => Reading::Proxy,
            (false, true) if found.is_some() => Reading::SensitivityOnly,
            _ => Reading::NoEffect,
        };
        let share = Some(importance.share);
        all.push(InputUse { inputs, reading, share, effect: found.cloned() });
    }
    for group in &agop.groups {
        let Some(effect) = &group.conditional else { continue };
        let reading = match tells(&useful, &group.inputs) {
            true => Reading::Used,
            false => Reading::NoEffect,
        };
        let (inputs, share) = (group.inputs.clone(), Some(group.share));
        all.push(InputUse { inputs, reading, share, effect: Some(effect.clone()) });
    }
    let size = |one: &InputUse| one.effect.as_ref().map_or(0.0, |effect| effect.cost);
    all.sort_by(|a, b| size(b).total_cmp(&size(a)));
    all
}

/// Does it cost something among all rows, and nothing among similar ones?
fn stands_in(cue: &Cue) -> bool {
    let Some(effect) = cue.conditional.as_ref().filter(|effect| effect.alike) else { return false };
    let among_all = cue.permuted.get(&effect.metric).and_then(|permuted| permuted.interval);
    effect.interval.low <= 0.0 && among_all.is_some_and(|interval| interval.low > 0.0)
}

/// Inputs that are shuffled together; mostly one.
type Set = Vec<String>;

/// Sets of inputs whose shuffling raises the loss, and those whose shuffling lowers it.
fn told(audit: &NodeAudit, agop: &Agop) -> (Vec<Set>, Vec<Set>) {
    let declared = |cue: &&Cue| audit.inputs.contains(&cue.input);
    let of_cues = audit
        .probe
        .cues
        .iter()
        .filter(declared)
        .filter_map(|cue| Some((vec![cue.input.clone()], cue.conditional.as_ref()?)));
    let of_groups = agop
        .groups
        .iter()
        .filter_map(|group| Some((group.inputs.clone(), group.conditional.as_ref()?)));
    let all: Vec<(Set, &Conditional)> = of_cues.chain(of_groups).collect();
    let told = |chance: &dyn Fn(&Conditional) -> f64| -> Vec<Set> {
        let adjusted = holm(&all.iter().map(|(_, effect)| chance(effect)).collect::<Vec<f64>>());
        let both = all.iter().zip(adjusted).filter(|(_, adjusted)| *adjusted <= LEVEL);
        both.map(|((set, _), _)| set.clone()).collect()
    };
    // The probability that a rise is as low if there is none is that of the other side.
    let lowers = |effect: &Conditional| match effect.interval.high < 0.0 {
        true => (1.0 - effect.chance).max(0.0),
        false => 1.0,
    };
    (told(&|effect| effect.chance), told(&lowers))
}
