//! Seeds in the intervals of test figures: rows are one source of chance, and other seeds another.

use collegium_probe::{metric_over_seeds, over_seeds_too};
use collegium_records::{Metrics, NodeAudit};

/// Widens the intervals of test metrics, and of differences from baselines, by the spread of fits with other seeds, if
/// there are any. Of what combines experts these are other seeds of everything in it. The values stay those of the
/// deployed model.
pub(super) fn carry(audit: &mut NodeAudit) {
    let combined = audit.combined.as_ref().map(|combined| &combined.metrics);
    let fits: &[Metrics] = match combined {
        Some(metrics) if metrics.len() > 1 => metrics,
        _ => &audit.probe.seeds,
    };
    let Some(test) = audit.metrics.get_mut("test").filter(|_| fits.len() > 1) else { return };
    let values =
        |name: &str| -> Vec<f64> { fits.iter().filter_map(|fit| fit.get(name).copied()).collect() };
    for (name, interval) in &mut test.intervals {
        if let Some(point) = test.metrics.get(name) {
            *interval = metric_over_seeds(name, *point, *interval, &values(name));
        }
    }
    test.seeds = Some(fits.len() as u64);
    for (name, diff) in audit.against.values_mut().flatten() {
        diff.interval = diff
            .interval
            .map(|over_rows| over_seeds_too(diff.difference, over_rows, &values(name)));
    }
}
