//! One search: rungs of trials, the choice, and its record.

use std::collections::BTreeMap;

use collegium_data::Side;
use collegium_digest::{Digest, Hasher};
use collegium_manifest::{Average, Expert, Setting};
use collegium_plan::tune::{
    SettingValues, affordable, candidates, epochs_at, rungs, survivors, with_values,
};
use collegium_probe::{explained, ranks, rechosen};
use collegium_records::{
    Ingredient, LockedTuned, Optimism, Recipe, ScoredOn, Search, SearchRun, SettingWeight, TrialFit,
};

use super::{
    asked::{asked, by_key},
    score::Scored,
    trials::{Bench, Trial, Tried},
};
use crate::{EngineError, FitFailure, NodeRef, rows::Rows, states::States};

/// With fewer validation rows settings are compared out of fold. Between two good settings a row's losses differ by about half of
/// their mean, so the mean over 1,000 rows is known to 1.5 %: what better settings are worth.
const FEW: usize = 1000;

/// Of fewer trials nothing can be said of single settings.
const LEAST_TRIALS: usize = 10;

/// Resamples behind the optimism of a choice.
const RESAMPLES: u32 = 500;

/// A search that is done.
pub(super) struct Done {
    pub(super) locked: LockedTuned,
    pub(super) run: SearchRun,
}

impl NodeRef<'_> {
    /// The settings that its search tries, within its seconds; and whether they are compared out of fold.
    pub(super) fn tried(self) -> Result<(Vec<SettingValues>, bool), EngineError> {
        let base = self.untuned();
        let Some(tune) = &base.tune else { return Ok((Vec::new(), false)) };
        let valid = self.session.rows(Rows::HeldOut { expert: self.index, side: Side::Valid })?;
        let out_of_fold = valid.len() < FEW;
        let numbers = self.resolved().inputs.iter().any(|input| self.session.is_number(input));
        let free: Vec<Setting> =
            tune.free.iter().copied().filter(|one| numbers || !one.encodes()).collect();
        let mut values = candidates(base, self.resolved().task, tune, &free);
        let costs: Vec<(u32, u64)> = values
            .iter()
            .map(|values| {
                let expert = tried(base, values);
                (expert.train.epochs, self.expected_cost_of(&expert).multiply_adds)
            })
            .collect();
        let rows = self.searched_rows(out_of_fold)?;
        values.truncate(affordable(&costs, rows, tune.seconds));
        Ok((values, out_of_fold))
    }

    /// Training rows of all fits of one setting.
    fn searched_rows(self, out_of_fold: bool) -> Result<u64, EngineError> {
        let rows = self.session.rows(Rows::Train { expert: self.index })?.len() as u64;
        let folds = u64::from(self.declared().folds);
        Ok(if out_of_fold { rows * folds.saturating_sub(1).max(1) } else { rows })
    }

    /// Tries settings and chooses among them.
    ///
    /// # Errors
    /// [`EngineError::Fit`] where no setting could be fitted; [`EngineError::Interrupted`].
    pub(super) fn search(self, states: &States, jobs: usize) -> Result<Done, EngineError> {
        let base = self.untuned();
        let no_tune = || EngineError::Internal(format!("{} has no search", self.name()));
        let tune = base.tune.as_deref().ok_or_else(no_tune)?;
        let (values, out_of_fold) = self.tried()?;
        let bench = Bench { session: self.session, index: self.index, states, out_of_fold, jobs };
        let mut found = Search {
            space: tune.space.name().to_owned(),
            scored_on: if out_of_fold { ScoredOn::OutOfFold } else { ScoredOn::Validation },
            rows: 0,
            metric: self.tuning_metric().to_owned(),
            trials: values
                .iter()
                .map(|values| collegium_records::Trial { values: by_key(values), fits: Vec::new() })
                .collect(),
            chosen: 0,
            settings: Vec::new(),
            optimism: None,
        };
        let (mut executed, mut cpu_seconds) = (0, 0.0);
        let mut last: Vec<(u32, Scored)> = Vec::new();
        let mut on: Vec<u32> = (0..values.len() as u32).collect();
        let rungs = rungs(values.len() as u32, base.train.epochs);
        for (at, rung) in rungs.iter().enumerate() {
            let trials: Vec<Trial> = on
                .iter()
                .map(|&number| {
                    let mut expert = tried(base, &values[number as usize]);
                    expert.train.epochs = epochs_at(expert.train.epochs, *rung);
                    Trial { number, expert }
                })
                .collect();
            last.clear();
            let mut scores = Vec::new();
            for tried in bench.rung(&trials)? {
                let Tried { number, epochs, recipes, scored, executed: (fits, seconds) } = tried;
                executed += fits;
                cpu_seconds += seconds;
                let loss = scored.as_ref().ok().map(Scored::loss);
                let failed = scored.as_ref().err().cloned();
                scores.push((number, loss));
                let fit = TrialFit { epochs, loss, recipes, failed };
                found.trials[number as usize].fits.push(fit);
                if let Ok(scored) = scored {
                    last.push((number, scored));
                }
            }
            on = survivors(&scores, rungs.get(at + 1).map_or(1, |next| next.trials));
            if last.is_empty() {
                let failed = found.trials.iter().find_map(|t| t.fits.last()?.failed.clone());
                let reason =
                    format!("no trial of `tune` could be fitted: {}", failed.unwrap_or_default());
                let node = self.node_name();
                return Err(EngineError::Fit(FitFailure {
                    node,
                    part: "search".to_owned(),
                    reason,
                }));
            }
        }
        let least = |a: &&(u32, Scored), b: &&(u32, Scored)| {
            a.1.loss().total_cmp(&b.1.loss()).then(a.0.cmp(&b.0))
        };
        let (chosen, best) = last.iter().min_by(least).ok_or_else(no_tune)?;
        found.chosen = *chosen;
        found.rows = best.rows.len() as u64;
        found.settings = weights(&found);
        let asked = asked(&self.session.pipeline, base, tune);
        let recipe = self.search_recipe(&found, asked);
        let key = recipe.digest();
        found.optimism = self.optimism(&last, *chosen, &key)?;
        let id = Hasher::new("search").digest(&key).finish();
        self.session.store.realise(&recipe, &id, &found)?;
        let loss_of = |number: u32| last.iter().find(|(n, _)| *n == number).map(|(_, s)| s.loss());
        let locked = LockedTuned {
            asked,
            search: key,
            trials: values.len() as u32,
            values: by_key(&values[*chosen as usize]),
        };
        let run = SearchRun {
            node: self.node_name(),
            fits: executed,
            cpu_seconds,
            trials: locked.trials,
            untuned: loss_of(0),
            loss: best.loss(),
            values: locked.values.clone(),
        };
        Ok(Done { locked, run })
    }

    /// Everything that the record of a search follows from.
    fn search_recipe(self, found: &Search, asked: Digest) -> Recipe {
        let mut recipe = Recipe::new("tune").with("asked", asked).with("rows", found.rows as i64);
        for (number, trial) in found.trials.iter().enumerate() {
            let recipes = trial.fits.iter().flat_map(|fit| &fit.recipes);
            let recipes: Vec<Ingredient> = recipes.map(|one| Ingredient::from(*one)).collect();
            recipe.set(format!("trial.{number:04}"), recipes);
        }
        recipe
    }

    /// How far the least loss is too good.
    fn optimism(
        self,
        last: &[(u32, Scored)],
        chosen: u32,
        key: &Digest,
    ) -> Result<Option<Optimism>, EngineError> {
        // The untuned settings first: they are what others are compared with.
        let mut all: Vec<&(u32, Scored)> = last.iter().collect();
        all.sort_by_key(|(number, _)| *number);
        let (Some((0, untuned)), true) = (all.first().map(|one| (one.0, &one.1)), all.len() > 1)
        else {
            return Ok(None);
        };
        let losses: Vec<&[f64]> = all.iter().map(|(_, scored)| &scored.losses[..]).collect();
        let groups = self.groups_by(&untuned.rows, || Ok(vec![untuned.losses.clone()]))?;
        let rows: Vec<u32> = (0..untuned.rows.len() as u32).collect();
        let (units, count) = match &groups {
            Some(groups) => (groups.codes(), groups.count()),
            None => (&rows[..], rows.len()),
        };
        let Some(again) = rechosen(&losses, units, count, RESAMPLES, key) else { return Ok(None) };
        let own = all.iter().find(|(number, _)| *number == chosen);
        Ok(Some(Optimism {
            chosen: own.map_or(f64::NAN, |(_, scored)| scored.loss()),
            corrected: again.corrected,
            untuned: untuned.loss(),
            better: again.better,
            settings: all.len() as u32,
            resamples: again.resamples,
        }))
    }
}

/// What a trial of these values fits: a single model, from the start.
fn tried(base: &Expert, values: &SettingValues) -> Expert {
    let mut expert =
        Expert { average: Average::default(), warm_start: None, reuse: None, ..base.clone() };
    with_values(&mut expert, values);
    expert
}

/// How much of the differences between trials of the first rung each setting explains, the most first.
fn weights(search: &Search) -> Vec<SettingWeight> {
    let first: Vec<_> =
        search.trials.iter().filter_map(|trial| Some((trial, trial.fits.first()?.loss?))).collect();
    if first.len() < LEAST_TRIALS {
        return Vec::new();
    }
    let scores = ranks(&first.iter().map(|(_, loss)| *loss).collect::<Vec<_>>());
    let mut found = Vec::new();
    for key in search.trials.first().into_iter().flat_map(|trial| trial.values.keys()) {
        let said: Vec<&str> = first
            .iter()
            .map(|(trial, _)| trial.values.get(key).map_or("", String::as_str))
            .collect();
        if let Some(share) = explained(&levels(&said), &scores) {
            found.push(SettingWeight { key: key.clone(), share });
        }
    }
    found.sort_by(|a, b| b.share.total_cmp(&a.share).then_with(|| a.key.cmp(&b.key)));
    found
}

/// The level of each value: its own, or where there are more than eight of them the quarter of the trials that it is in.
fn levels(said: &[&str]) -> Vec<usize> {
    let mut known: BTreeMap<&str, usize> = said.iter().map(|one| (*one, 0)).collect();
    for (at, level) in known.values_mut().enumerate() {
        *level = at;
    }
    let numbers: Option<Vec<f64>> = said.iter().map(|one| one.parse().ok()).collect();
    match numbers {
        Some(numbers) if known.len() > 8 => {
            let quarter = |rank: f64| (4.0 * (rank - 1.0) / numbers.len() as f64) as usize;
            ranks(&numbers).into_iter().map(quarter).collect()
        }
        _ => said.iter().map(|one| known[one]).collect(),
    }
}
