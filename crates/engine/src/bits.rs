//! Reproducibility check: a recipe that gave another model than the one that the lock names.
//!
//! The lock can come from another machine, whose processor adds in another order, or from an older build.
//! If the model that it names is not here, the same recipe is fitted again; when that gives another model,
//! it is said, and remembered, so that `status` shows it after the lock has moved on.

use std::collections::BTreeMap;

use collegium_digest::Digest;
use collegium_records::{Lock, LockedNode, Recipe};
use serde::{Deserialize, Serialize};

use crate::{EngineError, Session};

/// What was fitted here in the place of another model of the same recipe.
#[derive(Serialize, Deserialize)]
struct Otherwise {
    /// The model that the lock named.
    locked: Digest,
}

fn kind(recipe: &Digest) -> Recipe {
    Recipe::new("otherwise").with("recipe", *recipe)
}

impl Session {
    /// Notes nodes that now use another model of the same recipe than before, and remembers it.
    pub(crate) fn note_other_bits(
        &self,
        before: &Lock,
        after: &Lock,
    ) -> Result<Vec<String>, EngineError> {
        let mut notes = Vec::new();
        for (name, now) in &after.node {
            let Some(was) = before.node.get(name) else { continue };
            let mut moved = Vec::new();
            if was.recipe == now.recipe && was.realisation != now.realisation {
                moved.push((String::new(), was.recipe, was.realisation, now.realisation));
            }
            for (part, now) in &now.parts {
                let was = was.parts.get(part).filter(|was| was.recipe == now.recipe);
                if let Some(was) = was.filter(|was| was.realisation != now.realisation) {
                    let part = format!(" ({part})");
                    moved.push((part, was.recipe, was.realisation, now.realisation));
                }
            }
            for (part, recipe, locked, here) in moved {
                notes.push(words(&format!("{name}{part}"), &locked, &here));
                self.store.realise(&kind(&recipe), &here, &Otherwise { locked })?;
            }
        }
        Ok(notes)
    }

    /// The note of `status` on a node whose recipe has another model here than the lock names, or named.
    pub(crate) fn other_bits(
        &self,
        name: &str,
        locked: &LockedNode,
    ) -> Result<Option<String>, EngineError> {
        if let Some(here) = self.known_fit(&locked.recipe)?
            && here.model != locked.realisation
        {
            return Ok(Some(words(name, &locked.realisation, &here.model)));
        }
        let known: BTreeMap<Digest, Otherwise> =
            self.store.realisations(&kind(&locked.recipe).digest())?;
        let before = known.get(&locked.realisation);
        Ok(before.map(|before| words(name, &before.locked, &locked.realisation)))
    }
}

fn words(name: &str, locked: &Digest, here: &Digest) -> String {
    format!(
        "{name}: the same recipe gave other bits on this machine than the lock's: model {} instead of {} \
         (processor kernels: {})",
        here.short(),
        locked.short(),
        collegium_learn::kernel_class()
    )
}
