//! Findings about feature importance: sentences from the AGOP and conditional permutation together.
//!
//! The AGOP says what the output answers to, the exchange among alike rows what that is worth. An input
//! that training gave weight to for no reason has the one without the other: its part of the output is
//! noise, and noise costs the same whichever row it comes from. So has an input that only stands in for
//! another. An input is *used* when it has weight and costs something to exchange among rows that are
//! alike in the other inputs, where all that is said of an expert's inputs together is to be right in 95
//! of 100 cases (Holm's correction). Inputs that vary together can each be spared and yet not all:
//! they are exchanged as one too.

use collegium_records::{
    Agop, Between, Changed, Conditional, Cue, InputGroup, Level, NodeAudit, three_digits as three,
};

/// All that is said of an expert's inputs together is wrong with at most this probability.
const LEVEL: f64 = 0.05;

/// Inputs of a sentence whose figures are given; the cue tests have those of all.
const WITH_FIGURES: usize = 5;

/// NC1 on test rows over NC1 on training rows from which a layer that others read has collapsed too far.
const COLLAPSED: f64 = 5.0;

/// Times the loss elsewhere that a weak slice must lose to be worth a sentence.
const WEAK: f64 = 1.5;

pub(super) fn of(audit: &NodeAudit) -> Vec<(Level, String)> {
    let mut said = Vec::new();
    if let Some(agop) = &audit.agop {
        said.extend(inputs(audit, agop));
        said.extend(agop.groups.iter().map(|group| (Level::Note, together(group, agop))));
    }
    said.extend(slices(audit));
    said.extend(layers(audit));
    for comparison in &audit.probe.comparisons {
        if comparison.changed == Changed::Yes && comparison.between == Between::Sides {
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

/// Inputs that it uses, inputs with weight and no use, and inputs with hardly any importance.
fn inputs(audit: &NodeAudit, agop: &Agop) -> Vec<(Level, String)> {
    let cue = |input: &str| audit.probe.cues.iter().find(|cue| cue.input == input);
    let (costly, costly_groups) = costly(&audit.probe.cues, &agop.groups);
    let (mut used, mut faint, mut idle, mut noise) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for importance in &agop.importance {
        let known = cue(&importance.input).filter(|cue| cue.conditional.is_some());
        // Where another of its group determines it, only the group can be judged.
        let grouped = agop.groups.iter().any(|group| group.inputs.contains(&importance.input));
        let spoken_for = grouped && known.and_then(determined).is_some();
        let costs = costly.contains(&importance.input.as_str()) && !spoken_for;
        match (costs, importance.above_noise) {
            (true, true) => used.push(importance.input.clone()),
            (true, false) => faint.extend(known),
            (false, true) if known.is_some() => idle.extend(known),
            _ => noise.push(importance.input.clone()),
        }
    }
    let told_apart = |group: &&InputGroup| group.inputs.iter().any(|input| used.contains(input));
    let together: Vec<&InputGroup> =
        costly_groups.into_iter().filter(|group| !told_apart(group)).collect();
    let of_group = |input: &String| together.iter().any(|group| group.inputs.contains(input));
    idle.retain(|cue| !of_group(&cue.input));
    noise.retain(|input| !of_group(input));
    used.extend(together.iter().map(|group| {
        format!("{} (they vary together, and which of them cannot be told)", either(&group.inputs))
    }));
    let mut said = Vec::new();
    let mut text = match used.is_empty() {
        true => "No single input is told apart from noise".to_owned(),
        false => format!("It uses {}{}", list(&used), worth(&used, &audit.probe.cues)),
    };
    if !noise.is_empty() {
        text.push_str(&format!("; {} cannot be told from noise", list(&noise)));
    }
    said.push((Level::Note, format!("{text}.")));
    let copied: Vec<String> =
        used.iter().filter(|input| cue(input).and_then(determined).is_some()).cloned().collect();
    if !copied.is_empty() {
        let text = format!(
            "The other inputs determine {}: alike rows have the same of it, so its cost is that among \
             all rows, and the expert might do without.",
            list(&copied)
        );
        said.push((Level::Note, text));
    }
    let faint_words = match faint.len() {
        1 => "One input counts although it has little weight on average",
        _ => "Some inputs count although they have little weight on average",
    };
    let idle_words = match idle.len() {
        1 => "One input has weight, and no certain effect of its own",
        _ => "Some inputs have weight, and no certain effect of their own",
    };
    for (cues, words) in [(faint, faint_words), (idle, idle_words)] {
        said.extend(effects(&cues, words).map(|text| (Level::Note, text)));
    }
    said
}

/// What exchanging the inputs that are used costs, in their order.
fn worth(used: &[String], cues: &[Cue]) -> String {
    let cost = |input: &String| cues.iter().find(|cue| cue.input == *input)?.conditional.as_ref();
    let costs: Vec<&Conditional> = used.iter().filter_map(cost).collect();
    let first = costs.iter().find(|cost| cost.alike).or(costs.first());
    let Some(first) = first else { return String::new() };
    let figures: Vec<String> = costs
        .iter()
        .map(|cost| match cost.determined {
            true => format!("{} (among all rows)", three(cost.cost)),
            false => three(cost.cost),
        })
        .collect();
    format!(
        " (when {} exchanged between {}, {} rises by {})",
        if costs.len() == 1 { "it is" } else { "they are" },
        rows_of(first),
        metric_of(first),
        list(&figures)
    )
}

/// Inputs that vary together, and what they do as one.
fn together(group: &InputGroup, agop: &Agop) -> String {
    let members = agop.importance.iter().filter(|one| group.inputs.contains(&one.input));
    let apart: f64 = members.map(|one| one.share).sum();
    let words = match group.share / apart {
        ratio if ratio < 0.5 => "they pull in opposite directions: it looks at how they differ",
        ratio if ratio > 1.1 => "they pull in the same direction, and what they share counts twice",
        _ => "how it is divided among them is chance",
    };
    format!(
        "{} vary together (correlation {}): moving as one they have {} % of the importance, one by one {} %; \
         {words}.",
        list(&group.inputs),
        three(group.correlation),
        percent(group.share),
        percent(apart)
    )
}

/// What it costs, if the other inputs determine it.
fn determined(cue: &Cue) -> Option<&Conditional> {
    cue.conditional.as_ref().filter(|cost| cost.determined)
}

fn rows_of(cost: &Conditional) -> &'static str {
    if cost.alike { "rows that are alike in the other inputs" } else { "rows" }
}

fn metric_of(cost: &Conditional) -> &'static str {
    match cost.metric.as_str() {
        "log_loss" => "log loss",
        _ => "root mean squared error",
    }
}

/// What exchanging these costs, after some words on them.
fn effects(cues: &[&Cue], words: &str) -> Option<String> {
    let first = cues.first()?.conditional.as_ref()?;
    let mut known: Vec<(&Cue, &Conditional)> =
        cues.iter().filter_map(|cue| Some((*cue, cue.conditional.as_ref()?))).collect();
    known.sort_by(|a, b| b.1.cost.total_cmp(&a.1.cost));
    let rest = known.split_off(known.len().min(WITH_FIGURES));
    let mut copies = false;
    let each = known.iter().map(|(cue, cost)| {
        let range = format!("{} to {}", three(cost.interval.low), three(cost.interval.high));
        let among_all = cue.permuted.get(&cost.metric).filter(|permuted| {
            cost.alike
                && cost.interval.low <= 0.0
                && permuted.interval.is_some_and(|interval| interval.low > 0.0)
        });
        copies |= among_all.is_some();
        let among_all = match among_all {
            Some(permuted) => format!("; among all rows {}", three(permuted.difference)),
            None if cost.determined => "; among all rows".to_owned(),
            None => String::new(),
        };
        format!("{} {} ({range}{among_all})", cue.input, three(cost.cost))
    });
    let mut each = list(&each.collect::<Vec<String>>());
    if !rest.is_empty() {
        let rest: Vec<String> = rest.iter().map(|(cue, _)| cue.input.clone()).collect();
        each.push_str(&format!("; less for {}", list(&rest)));
    }
    let (metric, rows) = (metric_of(first), rows_of(first));
    let copies = if copies {
        " What costs something among all rows only stands in for what it varies with."
    } else {
        ""
    };
    Some(format!("{words} (rise in {metric} when exchanged between {rows}): {each}.{copies}"))
}

/// Inputs and groups that it costs something to exchange, by Holm's step-down procedure over all.
fn costly<'a>(cues: &'a [Cue], groups: &'a [InputGroup]) -> (Vec<&'a str>, Vec<&'a InputGroup>) {
    enum Of<'a> {
        Input(&'a str),
        Group(&'a InputGroup),
    }
    let of_cues = cues.iter().map(|cue| (Of::Input(&cue.input), cue.conditional.as_ref()));
    let of_groups = groups.iter().map(|group| (Of::Group(group), group.conditional.as_ref()));
    let mut chances: Vec<(Of, f64)> =
        of_cues.chain(of_groups).filter_map(|(of, cost)| Some((of, cost?.chance))).collect();
    chances.sort_by(|a, b| a.1.total_cmp(&b.1));
    let count = chances.len();
    let (mut inputs, mut as_one) = (Vec::new(), Vec::new());
    for (at, (of, chance)) in chances.into_iter().enumerate() {
        if chance > LEVEL / (count - at) as f64 {
            break;
        }
        match of {
            Of::Input(input) => inputs.push(input),
            Of::Group(group) => as_one.push(group),
        }
    }
    (inputs, as_one)
}

fn slices(audit: &NodeAudit) -> Vec<(Level, String)> {
    let Some(slices) = &audit.performance.slices else { return Vec::new() };
    let worst = slices.slices.iter().find(|slice| slice.loss > WEAK * slice.elsewhere);
    worst
        .map(|slice| {
            let loss = if audit.task == "classification" { "log loss" } else { "squared error" };
            let text = format!(
                "It is weak where {}: mean {loss} {} on {} test rows against {} elsewhere (p {}).",
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
    if p < 1e-4 { "below .0001".to_owned() } else { format!("= {p:.4}") }
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
    joined(names, "and")
}

fn either(names: &[String]) -> String {
    joined(names, "or")
}

fn joined(names: &[String], word: &str) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} {word} {last}", rest.join(", ")),
    }
}

fn percent(share: f64) -> String {
    format!("{:.0}", 100.0 * share)
}
