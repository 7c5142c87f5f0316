//! Findings about label provenance: labels that too few people measured.

use collegium_records::{Finding, Level, NodeAudit, Topic};

/// What is to be said of where its labels come from; nothing, where all were measured.
pub(super) fn of(audit: &NodeAudit) -> Option<Finding> {
    let provenance = audit.provenance.as_ref()?;
    let share = percent(provenance.measured_share);
    match provenance.least_measured.filter(|least| provenance.measured_share < *least) {
        Some(least) => {
            let text = format!(
                "{share} of its training labels were measured; the pipeline requires {}.",
                percent(least)
            );
            let next = "Measure more labels, or leave out synthetic rows.";
            Some(Finding::new(Level::Warning, Topic::Labels, text).next(next))
        }
        None if provenance.generation > 0 => {
            let text = format!(
                "Generation {}: models made part of its training rows.",
                provenance.generation
            );
            let detail = format!("{share} of its training labels were measured.");
            Some(Finding::new(Level::Note, Topic::Labels, text).detail(detail))
        }
        None => None,
    }
}

fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}
