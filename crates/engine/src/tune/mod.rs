//! Searches for settings (`tune`): before a run, the settings of each expert that asks for it are tried out.
//!
//! A trial is the pipeline with other values of one expert: a session of its own over the same store, whose fits have recipes
//! like any others. So an interrupted search goes on where it was, and the expert's own fit is the one of a file that says the
//! chosen values. The lock keeps these values: they are used, and nothing is searched, until somebody asks for a new search or for
//! another one.
//!
//! Only validation rows (or training rows out of fold) are looked at. What the test side holds moves neither a trial's recipe nor
//! the choice.
//!
//! Rejected: trials as parts of a node, beside its folds (every consumer, view and measure would have had to know of them); a
//! search whenever an input changes (every change upstream would pay for it, and settings would move with chance).

mod asked;
mod priced;
mod score;
mod search;
mod settle;
mod trials;

use std::collections::BTreeMap;

use collegium_digest::Digest;
use collegium_manifest::Expert;
use collegium_records::{LockedTuned, Search};

pub(crate) use asked::applied;
pub use asked::locked_values;
pub(crate) use settle::{Settled, settle, tuned_again};

use crate::{EngineError, NodeRef, Session};

/// Searches of an open pipeline, by expert.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tuned {
    /// What the lock keeps of those that are done.
    pub(crate) locked: BTreeMap<usize, LockedTuned>,
    /// Experts as the file and its presets have them, without what was found.
    pub(crate) untuned: BTreeMap<usize, Expert>,
}

impl Session {
    /// Is this expert's search to be done before it is fitted?
    pub(crate) fn is_pending(&self, index: usize) -> bool {
        let node = self.node(index);
        node.declared().tune.is_some()
            && node.held_model().is_none()
            && !self.tuned.locked.contains_key(&index)
    }
}

impl<'s> NodeRef<'s> {
    /// The search that its values come from, as the lock keeps it.
    pub fn tuned(self) -> Option<&'s LockedTuned> {
        self.session.tuned.locked.get(&self.index)
    }

    /// All that was tried for the values that it has; `None` where nothing was, or where its record has gone from the store.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub fn searched(self) -> Result<Option<Search>, EngineError> {
        let Some(tuned) = self.tuned() else { return Ok(None) };
        let known: BTreeMap<Digest, Search> = self.session.store.realisations(&tuned.search)?;
        Ok(known.into_values().next())
    }

    /// It without the values that a search has found.
    pub fn untuned(self) -> &'s Expert {
        self.session.tuned.untuned.get(&self.index).unwrap_or_else(|| self.declared())
    }
}
