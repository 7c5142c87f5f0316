//! Verdict on a gate, in words: is it better than its controls, and in which metric?

use std::collections::BTreeMap;

use collegium_records::{CascadeFigures, Control, PairedVerdict, margin_of, metric_words};

use crate::findings::figures;

use super::controls::Compared;

/// A restart has collapsed if it ended so many times worse than the best, and worse by more than this
/// (of the target's variance, or nats).
const COLLAPSED: f64 = 1.5;
const WORSE: f64 = 0.02;

/// One sentence for the controls that beat it, one for those that it beats, one for the others.
pub(super) fn of(
    kind: &str,
    compared: &Compared,
    restarts: &[Option<f64>],
    margins: &BTreeMap<String, f64>,
) -> Vec<String> {
    let what = if kind == "mixture" { "The mixture" } else { "The gate" };
    let with = |verdict: PairedVerdict| -> Vec<&Control> {
        compared.controls.iter().filter(|control| control.verdict() == verdict).collect()
    };
    let loss = metric_words(compared.loss);
    let mut sentences = Vec::new();
    let over = match compared.metrics.len() {
        0 | 1 => "95 % over test rows, one seed".to_owned(),
        seeds => format!("95 % over {seeds} seeds, and over test rows"),
    };
    let losses = with(PairedVerdict::Worse);
    if !losses.is_empty() {
        let each = losses.iter().map(|control| {
            let interval = control.lead.interval.map_or(String::new(), |interval| {
                format!(", {} to {}", digits(-interval.high), digits(-interval.low))
            });
            format!("{} (by {}{interval})", control.what, digits(-control.lead.value))
        });
        sentences.push(format!(
            "{what} does not beat {}: its {loss} is higher ({over}).",
            each.collect::<Vec<_>>().join("; ")
        ));
    }
    let wins = with(PairedVerdict::Better);
    if !wins.is_empty() {
        let leads = wins.iter().map(|control| control.lead.value);
        let (least, most) = leads
            .fold((f64::INFINITY, 0.0_f64), |(low, high), lead| (low.min(lead), high.max(lead)));
        let by = match wins.len() {
            1 => digits(least),
            _ => format!("{} to {}", digits(least), digits(most)),
        };
        let names: Vec<&str> = wins.iter().map(|control| control.what.as_str()).collect();
        sentences.push(format!(
            "{what} beats {}: its {loss} is lower by {by} ({over}).",
            names.join("; ")
        ));
    }
    let (same, open) = (with(PairedVerdict::Same), with(PairedVerdict::CannotTell));
    if !same.is_empty() {
        let names: Vec<&str> = same.iter().map(|control| control.what.as_str()).collect();
        sentences.push(format!(
            "{what} is the same within the declared margin as {} ({over}).",
            names.join("; ")
        ));
    }
    if !open.is_empty() {
        let each = open.iter().map(|control| match control.worse_in_all {
            true => format!("{} (though worse in every seed)", control.what),
            false => control.what.clone(),
        });
        sentences.push(format!(
            "{what} has no measurable difference from {} ({over}).",
            each.collect::<Vec<_>>().join("; ")
        ));
    }
    sentences.extend(
        compared.controls.iter().filter_map(|control| otherwise(control, compared.loss, margins)),
    );
    sentences.extend(compared.controls.iter().filter_map(confidence));
    sentences.extend(compared.failed.iter().map(|why| format!("A control is missing: {why}.")));
    sentences.extend(spread(restarts));
    sentences
}

/// Metrics in which a verdict may be another than in the loss.
const OTHERS: [&str; 6] =
    ["accuracy", "auc", "r2", "log_loss", "recalibrated_log_loss", "recalibrated_rmse"];

/// Where metrics disagree: those in which it is said to be worse than a control that it beats, or better than one
/// that it does not beat. The metric that says what `loss` says, by which it was judged, is not another one.
fn otherwise(control: &Control, loss: &str, margins: &BTreeMap<String, f64>) -> Option<String> {
    let judged = match loss {
        "error" => "accuracy",
        "squared_error" => "r2",
        other => other,
    };
    let wanted = match control.pays {
        Some(true) => [PairedVerdict::Worse; 2],
        Some(false) => [PairedVerdict::Better; 2],
        None => [PairedVerdict::Worse, PairedVerdict::Better],
    };
    let of = |verdict: PairedVerdict, word: &str| -> Option<String> {
        let others = OTHERS.iter().filter(|metric| **metric != judged);
        let found = others.filter_map(|metric| {
            let diff = control.against.get(*metric)?;
            (wanted.contains(&verdict)
                && diff.verdict(metric, margin_of(margins, metric)) == verdict)
                .then(|| format!("{} {}", metric_words(metric), figures(diff)))
        });
        let found: Vec<String> = found.collect();
        (!found.is_empty()).then(|| format!("{word} in {}", found.join("; ")))
    };
    let parts: Vec<String> = of(PairedVerdict::Better, "better")
        .into_iter()
        .chain(of(PairedVerdict::Worse, "worse"))
        .collect();
    (!parts.is_empty()).then(|| {
        format!("Metrics disagree about {}: this one is {}.", control.what, parts.join(", and "))
    })
}

/// How much of a lead in log loss is of confidence alone: it goes once both are corrected on validation rows.
fn confidence(control: &Control) -> Option<String> {
    let lead = -control.against.get("log_loss")?.difference;
    let left = -control.against.get("recalibrated_log_loss")?.difference;
    (control.pays == Some(true) && lead > 0.0 && left < lead * MOSTLY).then(|| {
        format!(
            "{:.0} % of its lead in log loss over {} goes when both are recalibrated on validation rows \
             (from {} to {}).",
            (100.0 * (1.0 - left / lead)).min(100.0),
            control.what,
            digits(lead),
            digits(left.max(0.0))
        )
    })
}

/// Share of a lead that must be left for it not to be one of confidence.
const MOSTLY: f64 = 0.5;

/// Cascade: the share of rows that each expert is asked for, and the work that this saves.
pub(super) fn asked(experts: &[String], figures: &CascadeFigures, multiply_adds: f64) -> String {
    let later = experts.iter().zip(&figures.asked).skip(1);
    let shares: Vec<String> = later
        .map(|(name, share)| format!("{name} in {:.0} % of the rows", share * 100.0))
        .collect();
    let last = figures.costs.last().copied().unwrap_or_default();
    let dear = match figures.costs.first() {
        Some(first) if *first > last => "; its first expert is the dearest: is the order right?",
        _ => "",
    };
    format!(
        "Below a calibrated confidence of {} it asks on: {}; {multiply_adds:.0} multiply-adds a row in the \
         mean, where {} alone takes {last}{dear}.",
        digits(figures.threshold),
        shares.join(", "),
        experts.last().map_or("the last", String::as_str),
    )
}

/// How far the restarts of a mixture lie apart.
fn spread(restarts: &[Option<f64>]) -> Option<String> {
    let known: Vec<f64> = restarts.iter().flatten().copied().collect();
    if restarts.len() < 2 || known.is_empty() {
        return None;
    }
    let best = known.iter().copied().fold(f64::INFINITY, f64::min);
    let worst = known.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let diverged = restarts.len() - known.len();
    let collapsed =
        known.iter().filter(|loss| **loss > COLLAPSED * best && **loss > best + WORSE).count()
            + diverged;
    let count = match collapsed {
        0 => String::new(),
        n => format!(
            "; {n} of {} collapsed (more than {COLLAPSED} times worse than the best)",
            restarts.len()
        ),
    };
    Some(format!(
        "Its {} restarts ended with losses from {} to {}{count}.",
        restarts.len(),
        digits(best),
        digits(worst)
    ))
}

/// Two significant digits.
fn digits(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return "0".to_owned();
    }
    let places = 1 - libm::floor(libm::log10(value.abs())) as i32;
    let places = usize::try_from(places.max(0)).unwrap_or_default();
    let text = format!("{value:.places$}");
    text.replace('-', "−")
}
