//! Findings on how an expert does on rows that it has not seen: overfitting, or rows of another kind.

use collegium_records::{
    Finding, Interval, Level, NodeAudit, SplitMeasures, Topic, metric_words, three_digits as three,
};

/// Loss over loss from which a difference is worth a warning, if it is certain as well.
const LARGE: f64 = 1.25;

/// The same of test loss over out-of-fold loss, which are both of rows that the model has not seen.
const SHIFTED: f64 = 1.1;

/// A loss with its interval.
type Loss = (f64, Option<Interval>);

fn loss_of(measures: &SplitMeasures, loss: &str) -> Option<Loss> {
    let value = *measures.metrics.get(loss)?;
    Some((value, measures.intervals.get(loss).copied()))
}

fn loss_name(audit: &NodeAudit) -> &'static str {
    if audit.task == "classification" { "log_loss" } else { "rmse" }
}

/// Is a loss larger by such a factor, and by more than chance in two independent samples: squared half widths are
/// added? Without intervals the factor decides.
fn above((more, of_more): Loss, (less, of_less): Loss, factor: f64) -> bool {
    let certain = match (of_more, of_less) {
        (Some(a), Some(b)) => more - less > (more - a.low).hypot(b.high - less),
        _ => true,
    };
    less > 0.0 && more / less > factor && certain
}

/// The side, test before validation, that loses certainly more than out-of-fold rows do.
pub(crate) fn shifted(audit: &NodeAudit) -> Option<&'static str> {
    let loss = loss_name(audit);
    let of_folds = loss_of(audit.out_of_fold.as_ref()?, loss)?;
    ["test", "valid"].into_iter().find(|side| {
        let measures = audit.metrics.get(*side);
        measures.and_then(|m| loss_of(m, loss)).is_some_and(|there| above(there, of_folds, SHIFTED))
    })
}

/// What there is to say.
pub(super) fn of(audit: &NodeAudit) -> Vec<Finding> {
    let loss = loss_name(audit);
    let on = |side: &str| loss_of(audit.metrics.get(side)?, loss);
    let (Some(train), Some(test)) = (on("train"), on("test")) else { return Vec::new() };
    let name = metric_words(loss);
    let smaller = "Try a smaller model, `train.weight_decay`, or fewer epochs (`train.patience`).";
    let Some(of_folds) = audit.out_of_fold.as_ref().and_then(|m| loss_of(m, loss)) else {
        let text = format!(
            "It knows its training rows better than new ones: {name} {} on training rows, {} on test rows.",
            three(train.0),
            three(test.0)
        );
        let finding = Finding::new(Level::Warning, Topic::Fit, text)
            .detail(
                "Whether it overfits or the test rows are of another kind cannot be told: it has no fold models.",
            )
            .next(smaller);
        return if above(test, train, LARGE) { vec![finding] } else { Vec::new() };
    };
    let mut said = Vec::new();
    if above(of_folds, train, LARGE) {
        let text = format!(
            "It overfits: {name} {} on training rows, {} on the same rows out of fold.",
            three(train.0),
            three(of_folds.0)
        );
        said.push(
            Finding::new(Level::Warning, Topic::Fit, text)
                .detail("Out of fold: by fold models that have not seen the rows.")
                .next(smaller),
        );
    }
    if let Some(side) = shifted(audit)
        && let Some(there) = on(side)
    {
        let rows = if side == "valid" { "validation" } else { side };
        let text = format!(
            "Its {rows} rows are of another kind than its training rows (a shift): {name} {} there, {} on \
             training rows out of fold.",
            three(there.0),
            three(of_folds.0)
        );
        let moved = match audit.shift.as_deref() {
            Some([]) | None => {
                "No single input moved for certain: the target may depend on them in another way."
                    .to_owned()
            }
            Some(columns) => {
                let each: Vec<String> = columns
                    .iter()
                    .take(3)
                    .map(|column| format!("{} (PSI {})", column.column, three(column.psi)))
                    .collect();
                format!("What moved most: {}.", each.join(", "))
            }
        };
        said.push(
            Finding::new(Level::Warning, Topic::Fit, text)
                .detail(moved)
                .next("Train on rows like those that it is for, or leave out inputs that moved."),
        );
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loss(value: f64, half: f64) -> Loss {
        (value, Some(Interval { low: value - half, high: value + half }))
    }

    #[test]
    fn a_loss_is_above_another_by_a_factor_and_beyond_chance() {
        assert!(above(loss(0.6, 0.03), loss(0.4, 0.03), 1.25));
        assert!(!above(loss(0.6, 0.2), loss(0.4, 0.03), 1.25), "not certain");
        assert!(!above(loss(0.44, 0.001), loss(0.4, 0.001), 1.25), "not large");
        // Intervals that overlap may still be of means that differ.
        assert!(above(loss(0.55, 0.08), loss(0.4, 0.08), 1.25));
        assert!(above((0.6, None), loss(0.4, 0.5), 1.25) && !above((0.6, None), (0.0, None), 1.25));
    }
}
