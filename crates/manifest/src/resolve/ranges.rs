//! Range checks: numbers and texts that have the right type and are no valid value.
//!
//! Checked on what is written, before inheritance and defaults, so that each is told once and at
//! its own place.

use collegium_records::{Code, METRICS};
use toml::Spanned;

use super::{decide, stands_on};
use crate::{
    At, NumberEncoding, TomlTable,
    bounds::{bound, not_empty},
    defaults::{MOST_BINS, MOST_FOLDS, MOST_REFITS},
    raw::{
        BatchChoice, ByTaskChoice, ClassWeightsChoice, RawAudit, RawDecide, RawEncode, RawExpert,
        RawReuse, RawTrain, Switch,
    },
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
    if let Some(encode) = &raw.encode {
        check_encode(encode, sink);
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
    if let Some(BatchChoice::Rows(rows)) = raw.batch.as_ref().map(At::get) {
        let place = raw.batch.as_ref().map(|batch| At(Spanned::new(batch.span(), *rows)));
        bound(sink, "batch", &place, |n| n >= 1, "at least 1");
    }
    let share = |x: f64| (0.0..1.0).contains(&x);
    bound(sink, "warm_up", &raw.warm_up, share, "from 0 to below 1");
    bound(sink, "beta2", &raw.beta2, share, "from 0 to below 1");
    let positive = |x: f64| x.is_finite() && x > 0.0;
    for number in raw.learning_rate.iter().flat_map(ByTaskChoice::numbers) {
        bound(sink, "learning_rate", &Some(number), positive, "a finite number above 0");
    }
    bound(sink, "clip_gradient", &raw.clip_gradient, positive, "a finite number above 0");
    let not_negative = |x: f64| x.is_finite() && x >= 0.0;
    bound(sink, "weight_decay", &raw.weight_decay, not_negative, "a finite number of at least 0");
    bound(sink, "huber", &raw.huber, positive, "a finite number above 0");
    bound(sink, "quantile", &raw.quantile, |x| x > 0.0 && x < 1.0, "between 0 and 1");
    bound(sink, "focal", &raw.focal, |x| (0.0..=10.0).contains(&x), "from 0 to 10");
    bound(sink, "label_smoothing", &raw.label_smoothing, share, "from 0 to below 1");
    one_loss(("huber", &raw.huber), ("quantile", &raw.quantile), sink);
    one_loss(("focal", &raw.focal), ("label_smoothing", &raw.label_smoothing), sink);
    if let Some(ClassWeightsChoice::Given(weights)) = raw.class_weights.as_ref().map(At::get) {
        for (class, weight) in &weights.0 {
            let key = format!("class_weights.{}", class.get());
            bound(sink, &key, &Some(weight.clone()), positive, "a finite number above 0");
        }
    }
}

/// Two losses for one target: nobody knows which is meant.
fn one_loss(
    (one, first): (&str, &Option<At<f64>>),
    (other, second): (&str, &Option<At<f64>>),
    sink: &mut Sink,
) {
    let (Some(first), Some(second)) = (first, second) else { return };
    if *first.get() != 0.0 && *second.get() != 0.0 {
        let message = format!("`{other}` does not go with `{one}`");
        let finding = sink.error(Code::ConflictingKeys, second.span(), message);
        let finding = finding.label("another loss").also(first.span(), "one loss");
        sink.local(finding.help("an expert is trained by one loss: keep one of them"));
    }
}

fn check_encode(raw: &RawEncode, sink: &mut Sink) {
    let wanted = format!("from 2 to {MOST_BINS}");
    bound(sink, "bins", &raw.bins, |n| (2..=MOST_BINS).contains(&n), &wanted);
    let Some(numbers) = &raw.numbers else { return };
    if numbers.get().is_empty() {
        sink.local(
            sink.error(Code::EmptyValue, numbers.span(), "`numbers` names no encoding")
                .label("empty")
                .help("name at least one, as in `numbers = [\"standard\"]`"),
        );
    }
    let mut seen: Vec<NumberEncoding> = Vec::new();
    for number in numbers.get() {
        if seen.contains(number.get()) {
            sink.local(
                sink.error(Code::GivenTwice, number.span(), "an encoding is listed twice")
                    .label("listed before"),
            );
        }
        let scale = |number: &NumberEncoding| {
            matches!(number, NumberEncoding::Standard | NumberEncoding::Robust)
        };
        if scale(number.get()) && seen.iter().any(|other| scale(other) && other != number.get()) {
            sink.local(
                sink.error(
                    Code::ConflictingKeys,
                    number.span(),
                    "a number is scaled in one way: by `standard` or by `robust`",
                )
                .label("another scale")
                .help("leave one of the two away"),
            );
        }
        seen.push(*number.get());
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
