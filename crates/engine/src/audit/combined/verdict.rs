//! Whether a gate pays, in words.

use collegium_records::Control;

use super::controls::Compared;

/// A restart has collapsed if it ended so many times worse than the best, and worse by more than this
/// (of the target's variance, or nats).
const COLLAPSED: f64 = 1.5;
const WORSE: f64 = 0.02;

/// One sentence for the controls that it beats, one for those that beat it, one for the others.
pub(super) fn of(kind: &str, compared: &Compared, restarts: &[Option<f64>]) -> Vec<String> {
    let what = if kind == "mixture" { "The mixture" } else { "The gate" };
    let with =
        |pays: Option<bool>| compared.controls.iter().filter(move |control| control.pays == pays);
    let loss = compared.loss.replace('_', " ");
    let mut sentences = Vec::new();
    let listed = |controls: Vec<&Control>, word: &str| -> String {
        let each = controls.iter().map(|control| {
            let interval = control.lead.interval.map_or(String::new(), |interval| {
                let (low, high) = match word {
                    "higher" => (-interval.high, -interval.low),
                    _ => (interval.low, interval.high),
                };
                format!(", {} to {}", digits(low), digits(high))
            });
            format!("{} (by {}{interval})", control.what, digits(control.lead.value.abs()))
        });
        each.collect::<Vec<_>>().join("; ")
    };
    let over = match compared.metrics.len() {
        0 | 1 => "95 % over test rows, one seed".to_owned(),
        seeds => format!("95 % over {seeds} seeds, and over test rows"),
    };
    let (wins, losses): (Vec<&Control>, Vec<&Control>) =
        (with(Some(true)).collect(), with(Some(false)).collect());
    if !losses.is_empty() {
        sentences.push(format!(
            "{what} does not pay against {}: its {loss} is higher ({over}).",
            listed(losses, "higher")
        ));
    }
    if !wins.is_empty() {
        sentences.push(format!(
            "{what} pays against {}: its {loss} is lower ({over}).",
            listed(wins, "lower")
        ));
    }
    let open: Vec<&str> = with(None).map(|control| control.what.as_str()).collect();
    if !open.is_empty() {
        sentences.push(format!("{what} cannot be told from {} ({over}).", open.join("; ")));
    }
    sentences.extend(compared.failed.iter().map(|why| format!("A control is missing: {why}.")));
    sentences.extend(spread(restarts));
    sentences
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
        "Its {} restarts ended with validation losses from {} to {}{count}.",
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
