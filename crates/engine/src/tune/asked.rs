//! What a search was asked for, and the values of the lock that answer it.

use std::collections::BTreeMap;

use collegium_digest::{Digest, Hasher};
use collegium_manifest::{DataSource, Expert, Found, Ingredients, Pipeline, Setting, Task, Tune};
use collegium_plan::tune::{SPACE_VERSION, SettingValues, with_values};
use collegium_records::{Lock, LockedTuned, Recipe};

use collegium_store::read_lock;

use super::Tuned;
use crate::{EngineError, session::lock_path};

/// A digest of what an expert's search is asked for: the `tune` table, the target, every setting of the expert without it, and how
/// rows are divided: those that decided must not come to the test side.
/// What it reads, and which rows there are, is not in it: a change upstream leaves the values as they are.
pub(super) fn asked(pipeline: &Pipeline, expert: &Expert, tune: &Tune) -> Digest {
    let Tune { trials, seconds, space, seed, free, place: _, found: _ } = tune;
    let mut hasher = Hasher::new("tune");
    hasher.count(u64::from(SPACE_VERSION)).text(space.name());
    hasher.count(u64::from(*trials)).count(*seed).boolean(seconds.is_some());
    hasher.count(seconds.unwrap_or_default().to_bits());
    hasher.list(free.len());
    free.iter().for_each(|setting| {
        hasher.text(&setting.key());
    });
    hasher.text(&expert.data).text(expert.target.get_ref());
    let split = pipeline.data.get(&expert.data).map(DataSource::with_defaults).unwrap_or_default();
    hasher.text(split.lines().find(|line| line.starts_with("split = ")).unwrap_or_default());
    for task in [Task::Classification, Task::Regression] {
        let mut recipe = Recipe::new("settings").with("model.type", expert.model.kind());
        expert.model.ingredients(&mut Ingredients::new(&mut recipe, expert, task));
        // Whichever numbers are drawn, and whatever else the engine does now, the settings are the same.
        recipe.ingredients.retain(|name, _| name != "seed" && name != "engine.epoch");
        hasher.digest(&recipe.digest());
    }
    hasher.finish()
}

/// A pipeline whose experts have the values that its lock has for their searches, where these are still asked for.
///
/// # Errors
/// [`EngineError::Store`] for a lock file that cannot be read.
pub fn locked_values(pipeline: Pipeline) -> Result<Pipeline, EngineError> {
    let lock = read_lock(&lock_path(&pipeline))?;
    Ok(applied(pipeline, &lock).0)
}

/// The same of a lock that was read, with what was applied.
pub(crate) fn applied(mut pipeline: Pipeline, lock: &Lock) -> (Pipeline, Tuned) {
    let mut tuned = Tuned::default();
    for index in 0..pipeline.experts.len() {
        let Some((name, expert)) = pipeline.experts.get_index(index) else { continue };
        let Some(locked) = lock.node.get(&format!("{}.{name}", expert.section())) else { continue };
        let Some(locked) = &locked.tuned else { continue };
        let untuned = expert.clone();
        if let Some(given) = given(&pipeline, expert, locked) {
            pipeline.experts[index] = given;
            tuned.locked.insert(index, locked.clone());
            tuned.untuned.insert(index, untuned);
        }
    }
    (pipeline, tuned)
}

/// An expert with the values of its search; `None` where they are not those that are asked for.
pub(super) fn given(pipeline: &Pipeline, expert: &Expert, locked: &LockedTuned) -> Option<Expert> {
    let tune = expert.tune.as_deref().filter(|tune| tune.found.is_none())?;
    if asked(pipeline, expert, tune) != locked.asked {
        return None;
    }
    let mut values = SettingValues::new();
    for (key, value) in &locked.values {
        values.insert(Setting::of(key)?, value.clone());
    }
    let mut given = expert.clone();
    if !with_values(&mut given, &values) {
        return None;
    }
    if let Some(tune) = &mut given.tune {
        tune.found = Some(Found { trials: locked.trials, settings: values.into_keys().collect() });
    }
    Some(given)
}

/// Values by key, as records have them.
pub(super) fn by_key(values: &SettingValues) -> BTreeMap<String, String> {
    values.iter().map(|(setting, value)| (setting.key(), value.clone())).collect()
}
