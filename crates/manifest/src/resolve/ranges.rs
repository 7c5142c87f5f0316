//! Range checks: numbers and texts that have the right type and are no valid value.
//!
//! Checked on what is written, before inheritance and defaults, so that each is told once and at
//! its own place.

use collegium_records::{Code, METRICS};

use super::{decide, stands_on};
use crate::{
    At, TomlTable,
    bounds::{bound, not_empty},
    defaults::{MOST_FOLDS, MOST_REFITS},
    raw::{ClassWeightsChoice, RawAudit, RawDecide, RawExpert, RawReuse, RawTrain, Switch},
    sink::Sink,
    suggest::did_you_mean,
};

pub(crate) fn check_expert(raw: &RawExpert<'_>, sink: &mut Sink) {
    check_folds(&raw.folds, sink);
    if let Some(filter) = &raw.filter {
        not_empty(sink, "where", filter);
    }
    if let Some(train) = &raw.train {
        check_train(train, sink);
    }
    check_reuse(raw.reuse.as_deref(), sink);
    decide::check(RawDecide { positive: &raw.positive, threshold: &raw.threshold }, sink);
    if let Some(Switch::With(warm)) = raw.warm_start.as_deref().map(At::get) {
        bound(sink, "cold_every", &warm.cold_every, |n| n >= 1, "at least 1");
    }
    stands_on::check(raw, sink);
}

pub(crate) fn check_folds(folds: &Option<At<u32>>, sink: &mut Sink) {
    if folds.is_none() {
        return;
    }
    let wanted = format!("from 2 to {MOST_FOLDS}");
    bound(sink, "folds", folds, |k| (2..=MOST_FOLDS).contains(&k), &wanted);
}

/// Checks the pipeline's or an expert's `reuse`.
pub(crate) fn check_reuse(choice: Option<&At<Switch<RawReuse>>>, sink: &mut Sink) {
    let Some(Switch::With(reuse)) = choice.map(At::get) else { return };
    let share = |x: f64| x > 0.0 && x < 1.0;
    bound(sink, "tolerance", &reuse.tolerance, share, "above 0 and below 1");
    let confident = |x: f64| (0.5..1.0).contains(&x);
    bound(sink, "confidence", &reuse.confidence, confident, "from 0.5 to below 1");
}

pub(crate) fn check_train(raw: &RawTrain, sink: &mut Sink) {
    bound(sink, "epochs", &raw.epochs, |n| n >= 1, "at least 1");
    bound(sink, "batch", &raw.batch, |n| n >= 1, "at least 1");
    let positive = |x: f64| x.is_finite() && x > 0.0;
    bound(sink, "learning_rate", &raw.learning_rate, positive, "a finite number above 0");
    let not_negative = |x: f64| x.is_finite() && x >= 0.0;
    bound(sink, "weight_decay", &raw.weight_decay, not_negative, "a finite number of at least 0");
    if let Some(ClassWeightsChoice::Given(weights)) = raw.class_weights.as_ref().map(At::get) {
        for (class, weight) in &weights.0 {
            let key = format!("class_weights.{}", class.get());
            bound(sink, &key, &Some(weight.clone()), positive, "a finite number above 0");
        }
    }
}

pub(crate) fn check_audit(raw: &RawAudit, sink: &mut Sink) {
    bound(sink, "rows", &raw.rows, |n| n >= 1, "at least 1");
    bound(sink, "bootstrap", &raw.bootstrap, |n| n >= 2, "at least 2");
    let most = format!("at most {MOST_REFITS}");
    bound(sink, "seeds", &raw.seeds, |n| n <= MOST_REFITS, &most);
    bound(sink, "permuted", &raw.permuted, |n| n <= MOST_REFITS, &most);
    for (metric, margin) in raw.margin.iter().flat_map(TomlTable::iter) {
        let key = format!("margin.{}", metric.get());
        let positive = |x: f64| x.is_finite() && x > 0.0;
        bound(sink, &key, &Some(margin.clone()), positive, "a finite number above 0");
        if !METRICS.contains(&metric.get().as_str()) {
            let name = metric.get();
            let error = sink
                .error(Code::UnknownKey, metric.span(), format!("there is no metric `{name}`"))
                .label("unknown metric");
            sink.local(error.maybe_help(did_you_mean(name, &METRICS, "there are")));
        }
    }
}
