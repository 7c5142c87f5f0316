//! Sentences about what an expert looks at, from the AGOP and the cue tests together.
//!
//! The AGOP says what the output answers to, the cue test what that is worth. An input that training
//! gave weight to for no reason has the one without the other: its part of the output is noise, and
//! noise costs the same whichever row it comes from. An input is *used* when it has weight and costs
//! something to permute, where all that is said of an expert's inputs together is to be right in 95 of 100
//! cases (Holm's correction over the inputs).

use collegium_records::{Agop, Changed, Cue, Interval, Level, NodeAudit, three_digits as three};

/// All that is said of an expert's inputs together is wrong with at most this probability.
const LEVEL: f64 = 0.05;

/// The quantile of the normal distribution that the 95 % intervals of the cue tests reach to.
const QUANTILE: f64 = 1.959_963_984_540_054;

/// NC1 on test rows over NC1 on training rows from which a layer that others read has collapsed too far.
const COLLAPSED: f64 = 5.0;

/// Times the loss elsewhere that a weak slice must lose to be worth a sentence.
const WEAK: f64 = 1.5;

pub(super) fn of(audit: &NodeAudit) -> Vec<(Level, String)> {
    let mut said = Vec::new();
    if let Some(agop) = &audit.agop {
        said.extend(inputs(audit, agop));
        for group in &agop.groups {
            said.push((
                Level::Note,
                format!(
                    "{} vary together (correlation {}): read their {} % of importance as one.",
                    list(&group.inputs),
                    three(group.correlation),
                    percent(group.share)
                ),
            ));
        }
    }
    said.extend(slices(audit));
    said.extend(layers(audit));
    for comparison in &audit.probe.comparisons {
        if comparison.changed == Changed::Yes && comparison.what.starts_with("training rows") {
            said.push((
                Level::Note,
                format!(
                    "On its training rows it looks at other things than on new ones: {}",
                    comparison.reason
                ),
            ));
        }
    }
    said
}

/// What it uses, what it has weight on for nothing, and what it hardly looks at.
fn inputs(audit: &NodeAudit, agop: &Agop) -> Vec<(Level, String)> {
    let cue = |input: &str| audit.probe.cues.iter().find(|cue| cue.input == input);
    let costly = costly(&audit.probe.cues);
    let (mut used, mut idle, mut noise) = (Vec::new(), Vec::new(), Vec::new());
    for importance in &agop.importance {
        let name = importance.input.clone();
        match cue(&importance.input).map(|cue| costly.contains(&cue.input.as_str())) {
            Some(true) | None if importance.above_noise => used.push(name),
            Some(true) => idle.push((name, true)),
            Some(false) if importance.above_noise => idle.push((name, false)),
            _ => noise.push(name),
        }
    }
    let mut said = Vec::new();
    let mut text = match used.is_empty() {
        true => "No single input is told apart from noise".to_owned(),
        false => format!("It uses {}", list(&used)),
    };
    if !noise.is_empty() {
        text.push_str(&format!("; indistinguishable from noise: {}", list(&noise)));
    }
    said.push((Level::Note, format!("{text}.")));
    let weighed = |wanted: bool| {
        let of = idle.iter().filter(|(_, small)| *small == wanted);
        let costs = of.filter_map(|(name, _)| {
            let (metric, (cost, interval)) = cue(name).and_then(effect)?;
            let range = format!("{} to {}", three(interval.low), three(interval.high));
            Some((metric, format!("{name} {} ({range})", three(cost))))
        });
        costs.collect::<Vec<(&str, String)>>()
    };
    for (small, words) in [
        (true, "Little weight on average, and yet it counts: exchanged between rows they cost"),
        (false, "Weight without a measurable effect: exchanged between rows they cost"),
    ] {
        let found = weighed(small);
        if let Some((metric, _)) = found.first() {
            let all: Vec<String> = found.iter().map(|(_, text)| text.clone()).collect();
            said.push((Level::Note, format!("{words}, in {metric}, {}.", list(&all))));
        }
    }
    said
}

/// Inputs that it costs something to exchange between rows, by Holm's step-down procedure; the chance of
/// each is read off its interval.
fn costly(cues: &[Cue]) -> Vec<&str> {
    let mut chances: Vec<(&str, f64)> = cues
        .iter()
        .filter_map(|cue| {
            let (_, (cost, interval)) = effect(cue)?;
            let below = cost - interval.low;
            let z = if below > 0.0 { QUANTILE * cost / below } else { 0.0 };
            Some((cue.input.as_str(), normal_tail(z)))
        })
        .collect();
    chances.sort_by(|a, b| a.1.total_cmp(&b.1));
    let count = chances.len();
    let fall = |(at, (_, p)): &(usize, &(&str, f64))| *p <= LEVEL / (count - at) as f64;
    chances.iter().enumerate().take_while(fall).map(|(_, (name, _))| *name).collect()
}

/// P(Z > z) of a standard normal variable.
fn normal_tail(z: f64) -> f64 {
    0.5 * libm::erfc(z / std::f64::consts::SQRT_2)
}

/// By how much the loss rises when the input is permuted.
fn effect(cue: &Cue) -> Option<(&'static str, (f64, Interval))> {
    [("log_loss", "log loss"), ("rmse", "root mean squared error")].into_iter().find_map(
        |(metric, words)| {
            let diff = cue.permuted.get(metric)?;
            Some((words, (diff.difference, diff.interval?)))
        },
    )
}

fn slices(audit: &NodeAudit) -> Vec<(Level, String)> {
    let Some(slices) = &audit.performance.slices else { return Vec::new() };
    let worst = slices.slices.iter().find(|slice| slice.loss > WEAK * slice.elsewhere);
    worst
        .map(|slice| {
            let text = format!(
                "It is weak where {}: mean loss {} on {} test rows against {} elsewhere (p = {}).",
                slice.conditions.join(" and "),
                three(slice.loss),
                slice.rows,
                three(slice.elsewhere),
                p_value(slice.adjusted)
            );
            (Level::Note, text)
        })
        .into_iter()
        .collect()
}

fn p_value(p: f64) -> String {
    if p < 1e-4 { "below .0001".to_owned() } else { format!("{p:.4}") }
}

fn layers(audit: &NodeAudit) -> Vec<(Level, String)> {
    let last = audit.probe.layers.last();
    let Some((layer, train, test)) = last.and_then(|layer| {
        Some((layer, layer.collapse_train.as_ref()?, layer.collapse_test.as_ref()?))
    }) else {
        return Vec::new();
    };
    if test.nc1 <= COLLAPSED * train.nc1 || train.nc1 <= 0.0 {
        return Vec::new();
    }
    vec![(
        Level::Note,
        format!(
            "Its classes collapse in training and not on new rows ({}: NC1 {} against {}): experts that \
             read its embedding would be fed more certainty than there is.",
            layer.name,
            three(train.nc1),
            three(test.nc1)
        ),
    )]
}

fn list(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

fn percent(share: f64) -> String {
    format!("{:.0}", 100.0 * share)
}
