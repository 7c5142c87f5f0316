//! A search for settings: what was tried, which settings matter, and how far the best is too good.

use collegium_records::{Optimism, ScoredOn, Search, Trial, metric_words};
use maud::{Markup, html};

use crate::number::{count, number};

/// So many trials are shown.
const SHOWN: usize = 30;

/// A share below this is not told from none.
const LEAST_SHARE: f64 = 0.05;

/// The trials in a table, and what they say.
pub(super) fn tuning(search: &Search) -> Markup {
    let on = match search.scored_on {
        ScoredOn::Validation => "validation rows",
        ScoredOn::OutOfFold => {
            "training rows, each predicted by a model of the folds that was not trained on it"
        }
    };
    let untuned = search.trials.first();
    let order = best_first(search);
    html! {
        p {
            (count(search.trials.len() as u64)) " settings were tried in the space " code { (search.space) } " and compared by "
            (metric_words(&search.metric)) " on " (count(search.rows)) " " (on) ". Only the best of each round were trained for "
            "longer. No test row is behind these figures."
        }
        @if let Some(optimism) = &search.optimism { p { (said(optimism)) } }
        table.plain {
            thead { tr {
                th scope="col" { "Trial" }
                th.figure scope="col" { "Epochs" }
                th.figure scope="col" { "Loss" }
                th scope="col" { "What differs from the settings of the file" }
            } }
            tbody {
                @for &at in order.iter().take(SHOWN) {
                    @let trial = &search.trials[at];
                    tr.own[at as u32 == search.chosen] {
                        th scope="row" { (at) @if at as u32 == search.chosen { ", chosen" } }
                        td.figure { @if let Some(fit) = trial.fits.last() { (count(u64::from(fit.epochs))) } }
                        td.figure { @match trial.fits.last().and_then(|fit| fit.loss) { Some(loss) => (number(loss)), None => "failed" } }
                        td { (differing(trial, untuned)) }
                    }
                }
            }
        }
        @if order.len() > SHOWN { p.caption { (count((order.len() - SHOWN) as u64)) " more trials are in the record." } }
        @if !search.settings.is_empty() {
            h4 { "Which settings matter" }
            table.plain {
                thead { tr { th scope="col" { "Setting" } th.figure scope="col" { "Share" } } }
                tbody {
                    @for setting in search.settings.iter().filter(|setting| setting.share >= LEAST_SHARE) {
                        tr { th scope="row" { code { (setting.key) } } td.figure { (format!("{:.0} %", 100.0 * setting.share)) } }
                    }
                }
            }
            p.caption {
                "Share of the variance of the trials' ranks in the first round that lies between the values of a setting: "
                "ε² = (SSB − (k − 1) · MSW) ⁄ SST, with k values (of a number with many values, quarters). Shares below 5 % are left out."
            }
        }
    }
}

/// How good the choice is where it was not made.
fn said(optimism: &Optimism) -> String {
    let Optimism { chosen, corrected, untuned, better, settings, resamples } = optimism;
    let share = format!("{:.0} %", 100.0 * better);
    format!(
        "The loss of the chosen settings, {}, is the least of {settings} that were trained to the end, and so too good: chosen \
         anew in {resamples} bootstrap resamples and measured on the rows that were left out, the choice loses {} on average \
         (the settings of the file: {}). In {share} of the resamples other settings than those of the file were chosen and were \
         better on the rows left out.",
        number(*chosen),
        number(*corrected),
        number(*untuned),
    )
}

/// Trials that came further before others, each by its last loss.
fn best_first(search: &Search) -> Vec<usize> {
    let key = |at: usize| {
        let fits = &search.trials[at].fits;
        (fits.len(), fits.last().and_then(|fit| fit.loss).unwrap_or(f64::INFINITY))
    };
    let mut order: Vec<usize> = (0..search.trials.len()).collect();
    order.sort_by(|&a, &b| {
        let ((a_rungs, a_loss), (b_rungs, b_loss)) = (key(a), key(b));
        b_rungs.cmp(&a_rungs).then(a_loss.total_cmp(&b_loss)).then(a.cmp(&b))
    });
    order
}

/// The values that differ from the untuned ones.
fn differing(trial: &Trial, untuned: Option<&Trial>) -> String {
    let own = |key: &String| untuned.and_then(|untuned| untuned.values.get(key));
    let others = trial.values.iter().filter(|(key, value)| own(key) != Some(*value));
    let said: Vec<String> = others.map(|(key, value)| format!("{key} = {value}")).collect();
    match said.is_empty() {
        true => "nothing".to_owned(),
        false => said.join(", "),
    }
}
