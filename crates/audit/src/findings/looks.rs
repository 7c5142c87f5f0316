//! Findings about what an expert uses, where it is weak, and what is inside: sentences from `uses` and the views.

use collegium_records::{
    Agop, Between, Changed, Conditional, Finding, ImageMaps, InputGroup, InputUse, Level,
    NodeAudit, PairedVerdict, Reading, Topic, WeakSlice, WeakSlices, metric_words, thousands,
    three_digits as three,
};

use super::baselines::capital;

/// Inputs of a sentence whose figures are given; the table of the page has those of all.
const WITH_FIGURES: usize = 5;

/// A weak slice is said aloud if it has at least this share of the rows, …
const LARGE: f64 = 0.05;
/// … is told from chance at this level, …
const SIGNIFICANT: f64 = 0.01;
/// … loses so many times what is lost elsewhere, …
const WEAK: f64 = 2.0;
/// … and if that excess is at least this share of the whole loss.
const CONSEQUENTIAL: f64 = 0.1;

pub(super) fn of(audit: &NodeAudit) -> Vec<Finding> {
    let mut said = Vec::new();
    if let Some(agop) = &audit.agop {
        said.extend(inputs(&audit.uses));
        said.extend(agop.groups.iter().map(|group| together(group, agop)));
    }
    said.extend(audit.agop.as_ref().and_then(|agop| sketched(audit, agop)));
    said.extend(audit.probe.images.iter().filter_map(regions));
    said.extend(audit.performance.slices.as_ref().and_then(|found| slice(found, &audit.target)));
    said.extend(layers(audit));
    for comparison in &audit.probe.comparisons {
        if comparison.changed == Changed::Yes && comparison.between == Between::Sides {
            let text = "Its importances on training rows differ from those on test rows.";
            said.push(
                Finding::new(Level::Note, Topic::Layers, text)
                    .detail(format!("{}.", comparison.reason.trim_end_matches('.'))),
            );
        }
    }
    said
}

/// Of many classes, what gradients are of.
fn sketched(audit: &NodeAudit, agop: &Agop) -> Option<Finding> {
    let sketches = agop.sketches?;
    let text = format!(
        "It has {} classes: importances are of random combinations of its outputs.",
        audit.classes.len()
    );
    Some(Finding::new(Level::Note, Topic::Inputs, text).detail(format!(
        "Of each row {sketches} combinations of all outputs, whose outer products have the same mean. There are \
         no importances by class."
    )))
}

/// The regions of an image that its map proposes, and what exchanging them costs.
fn regions(map: &ImageMaps) -> Option<Finding> {
    let proposed = map.regions.iter().filter(|region| region.proposed);
    let told = proposed.filter_map(|region| {
        let (metric, diff) = ["accuracy", "rmse"]
            .iter()
            .find_map(|metric| Some((*metric, region.cue.permuted.get(*metric)?)))?;
        let worse = diff.verdict(metric, None) == PairedVerdict::Worse;
        let text = format!(
            "{} ({} {} to {})",
            region.cue.input,
            metric_words(metric),
            three(diff.before),
            three(diff.after)
        );
        Some((worse, text))
    });
    let (counts, idle): (Vec<_>, Vec<_>) = told.partition(|(worse, _)| *worse);
    let texts =
        |all: Vec<(bool, String)>| all.into_iter().map(|(_, text)| text).collect::<Vec<_>>();
    let (counts, idle) = (texts(counts), texts(idle));
    let with = |finding: Finding| match idle.is_empty() {
        true => finding,
        false => finding.detail(format!(
            "The map is dense there too, but shuffling it has no measurable effect: {}.",
            list(&idle)
        )),
    };
    let text = match (counts.is_empty(), idle.is_empty()) {
        (true, true) => return None,
        (true, false) => format!("No dense region of {} carries its skill by itself.", map.input),
        (false, _) => format!("Its skill is in {}.", list(&counts)),
    };
    Some(with(Finding::new(Level::Note, Topic::Inputs, text)))
}

/// A sentence for each reading that some input has.
fn inputs(uses: &[InputUse]) -> Vec<Finding> {
    let with = |reading: Reading| -> Vec<&InputUse> {
        uses.iter().filter(|one| one.reading == reading).collect()
    };
    // A group is named where none of its inputs can be told apart.
    let told_apart = |group: &InputUse| {
        let used = |one: &&InputUse| one.inputs.len() == 1 && one.reading == Reading::Used;
        uses.iter().filter(used).any(|one| group.inputs.contains(&one.inputs[0]))
    };
    let used = with(Reading::Used).into_iter();
    let used: Vec<&InputUse> =
        used.filter(|one| one.inputs.len() == 1 || !told_apart(one)).collect();
    let in_group = |one: &&InputUse| {
        used.iter().any(|group| group.inputs.len() > 1 && group.inputs.contains(&one.inputs[0]))
    };
    let singles = |reading: Reading| -> Vec<&InputUse> {
        let alone = |one: &&InputUse| one.inputs.len() == 1 && !in_group(one);
        with(reading).into_iter().filter(alone).collect()
    };
    let note = |text: String| Finding::new(Level::Note, Topic::Inputs, text);
    let mut said = Vec::new();
    said.push(match used.is_empty() {
        true => note("No input by itself has a measurable effect.".to_owned()),
        false => {
            let text = format!("It uses {}.", names(&used));
            with_effects(note(text), &used)
        }
    });
    let copied: Vec<&InputUse> = used
        .iter()
        .filter(|one| one.effect.as_ref().is_some_and(|effect| effect.determined))
        .copied()
        .collect();
    if !copied.is_empty() {
        let text = format!("The other inputs determine {}.", names(&copied));
        let detail = "Within similar rows there is nothing to shuffle, so its effect is that of shuffling \
                      it among all rows. The expert might do without it.";
        said.push(note(text).detail(detail));
    }
    let harmful = singles(Reading::Harmful);
    if !harmful.is_empty() {
        let text = format!("Harmful: shuffling {} improves the loss.", names(&harmful));
        let next =
            format!("Train it without {}, and compare by `collegium diff`.", names(&harmful));
        let finding = Finding::new(Level::Warning, Topic::Inputs, text).next(next);
        said.push(with_effects(finding, &harmful));
    }
    let weak = singles(Reading::EffectOnly);
    if !weak.is_empty() {
        let text = format!("{}: {}.", capital(Reading::EffectOnly.words()), names(&weak));
        said.push(with_effects(note(text), &weak));
    }
    let idle = singles(Reading::SensitivityOnly);
    if !idle.is_empty() {
        let text = format!("{}: {}.", capital(Reading::SensitivityOnly.words()), names(&idle));
        said.push(with_effects(note(text), &idle));
    }
    let proxies = singles(Reading::Proxy);
    if !proxies.is_empty() {
        let (text, detail) = match proxies.as_slice() {
            [one] => (
                format!("{} is a proxy.", name(one)),
                "Its effect disappears when correlated inputs are held fixed.",
            ),
            _ => (
                format!("Proxies: {}.", names(&proxies)),
                "Their effects disappear when correlated inputs are held fixed.",
            ),
        };
        said.push(note(text).detail(detail));
    }
    let none = singles(Reading::NoEffect);
    if !none.is_empty() {
        let text = format!("{}: {}.", capital(Reading::NoEffect.words()), names(&none));
        said.push(note(text));
    }
    said
}

/// The figures of some inputs, as the detail of a sentence.
fn with_effects(finding: Finding, of: &[&InputUse]) -> Finding {
    let known: Vec<(&InputUse, &Conditional)> =
        of.iter().filter_map(|one| Some((*one, one.effect.as_ref()?))).collect();
    let Some((_, first)) = known.first() else { return finding };
    let (shown, rest) = known.split_at(known.len().min(WITH_FIGURES));
    let each = shown.iter().map(|(one, effect)| {
        let among = if effect.alike { "" } else { ", among all rows" };
        format!(
            "{} {} ({} to {}{among})",
            name(one),
            signed(effect.cost),
            signed(effect.interval.low),
            signed(effect.interval.high)
        )
    });
    let mut text = format!(
        "Rise of {} when shuffled within similar rows: {}",
        metric_words(&first.metric),
        list(&each.collect::<Vec<_>>())
    );
    if !rest.is_empty() {
        let rest: Vec<String> = rest.iter().map(|(one, _)| name(one)).collect();
        text += &format!("; less for {}", list(&rest));
    }
    finding.detail(text + ".")
}

/// Inputs that vary together, and what they do as one.
fn together(group: &InputGroup, agop: &Agop) -> Finding {
    let members = agop.importance.iter().filter(|one| group.inputs.contains(&one.input));
    let apart: f64 = members.map(|one| one.share).sum();
    let words = match group.share / apart {
        ratio if ratio < 0.5 => "they have opposite effects, so what counts is how they differ",
        ratio if ratio > 1.1 => "they have the same effect, and what they share counts twice",
        _ => "how it is divided among them is chance",
    };
    let text = format!(
        "Correlated inputs: {} (correlation {}).",
        list(&group.inputs),
        three(group.correlation)
    );
    Finding::new(Level::Note, Topic::Inputs, text).detail(format!(
        "Together they have {} of the AGOP, summed one by one {}: {words}.",
        percent(group.share),
        percent(apart)
    ))
}

/// The worst slice, if it is large, significant and consequential; the page has all of them.
fn slice(found: &WeakSlices, target: &str) -> Option<Finding> {
    let matters = |slice: &&WeakSlice| {
        let share = slice.rows as f64 / found.rows.max(1) as f64;
        let excess = share * (slice.loss - slice.elsewhere);
        share >= LARGE
            && slice.adjusted <= SIGNIFICANT
            && slice.loss >= WEAK * slice.elsewhere
            && excess >= CONSEQUENTIAL * found.overall
    };
    let worst = found.slices.iter().find(matters)?;
    let loss = found.loss_words();
    let conditions = worst.conditions.join(" and ");
    let unit = found.unit(target).map_or_else(String::new, |unit| format!(", in {unit}"));
    let text = format!(
        "It is weak where {conditions}: mean {loss} {} on the {} test rows there, {} on the other {}{unit}. Found \
         on validation rows, tested on test rows.",
        three(worst.loss),
        thousands(worst.rows),
        three(worst.elsewhere),
        thousands(found.rows.saturating_sub(worst.rows))
    );
    let detail = format!(
        "p-value {}, corrected for {} slices that were tested.",
        p_value(worst.adjusted),
        found.tested
    );
    let next = format!(
        "Look at rows where {conditions}: is something known of them that is no input yet? An expert of their \
         own would be trained by `where`."
    );
    Some(Finding::new(Level::Warning, Topic::Slices, text).detail(detail).next(next))
}

fn p_value(p: f64) -> String {
    if p < 1e-4 { "below .0001".to_owned() } else { format!("{p:.4}") }
}

fn layers(audit: &NodeAudit) -> Option<Finding> {
    let layer = audit.probe.layers.last()?;
    let [train, test] = layer.collapsed_alone()?;
    let text = "Its classes collapse on training rows more than on test rows.";
    Some(Finding::new(Level::Note, Topic::Layers, text).detail(format!(
        "NC1 of {}: {} on training rows, {} on test rows. Experts that read its embedding would be fed more \
         certainty than there is.",
        layer.name,
        three(train),
        three(test)
    )))
}

/// One input by its name; of a group all, and that they are one.
fn name(one: &InputUse) -> String {
    match one.inputs.as_slice() {
        [input] => input.clone(),
        several => format!("{} (correlated; as one)", joined(several, "or")),
    }
}

fn names(all: &[&InputUse]) -> String {
    list(&all.iter().map(|one| name(one)).collect::<Vec<_>>())
}

fn list(names: &[String]) -> String {
    joined(names, "and")
}

fn joined(names: &[String], word: &str) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} {word} {last}", rest.join(", ")),
    }
}

/// Three digits with a real minus.
fn signed(value: f64) -> String {
    three(value).replace('-', "−")
}

fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weak_slice_says_its_unit_its_rows_and_where_it_was_found() {
        let worst = WeakSlice {
            conditions: vec!["t.km > 2140".to_owned()],
            rows: 5_065,
            loss: 206.1,
            elsewhere: 82.0,
            p_value: 1e-9,
            adjusted: 4e-9,
        };
        let loss = "squared_error".to_owned();
        let found =
            WeakSlices { loss, rows: 45_025, overall: 96.0, tested: 4, slices: vec![worst] };
        let said = slice(&found, "t.minutes").map(|finding| (finding.text, finding.detail));
        let text = "It is weak where t.km > 2140: mean squared error 206 on the 5,065 test rows there, 82.0 on the \
                    other 39,960, in squared units of `t.minutes`. Found on validation rows, tested on test rows.";
        let detail = "p-value below .0001, corrected for 4 slices that were tested.";
        assert_eq!(said, Some((text.to_owned(), Some(detail.to_owned()))));
        // A log loss has no unit.
        let said = slice(&WeakSlices { loss: "log_loss".to_owned(), ..found }, "t.late");
        assert!(said.is_some_and(|finding| finding.text.contains("on the other 39,960. Found")));
    }
}
