//! Rotated sides (`evaluate.rotate`): the pipeline under several deals of the same rows, so that a small table says more of
//! an expert than one test side can.
//!
//! A rotation is a [`Session`] of its own over the same store: the same pipeline, the same tables, another deal of sides
//! (`data::split::rotation`). No fit knows about rotations: recipes are made of content, so fits of rotations are cached,
//! shared and told apart like any others, and a change of one expert refits in each rotation just what it reaches.
//!
//! A rotation writes no lock file, log or page. What it stands on is a lock all the same, which says what is to be kept and
//! what to compare with next time; the locks of all rotations are one object that the pipeline's lock names.
//!
//! Rejected: rotations as parts of an expert's node, beside its folds (each consumer, view and measure would have had to
//! know of them); fits within the audit (they would be paid for by whoever looks at a page).

mod figures;
mod priced;
mod run;
mod version;

use std::sync::Arc;

use collegium_manifest::{Diagnostic, Rotation};
use collegium_records::{LockedRotations, Rotated};

use crate::{EngineError, Session, events::Renamed, states::States};
pub use priced::plan;
pub use version::RotatedVersion;

/// The rotations of an open pipeline, in their order.
pub(crate) struct Rotations {
    sessions: Vec<Arc<Session>>,
}

/// What came of a run of all rotations.
pub(crate) struct RotatedRun {
    /// Figures, fits and failures.
    pub(crate) report: Rotated,
    /// What the pipeline's lock says of it.
    pub(crate) locked: LockedRotations,
    /// The states of each rotation.
    pub(crate) states: Vec<States>,
    /// What ended it.
    pub(crate) fatal: Option<EngineError>,
}

impl Rotations {
    /// Opens the rotations that the file asks for; `None` if it asks for none.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] for a table that cannot be dealt so often, or whose rotations break what an expert needs;
    /// as [`Session::open`].
    pub(crate) fn open(session: &Session) -> Result<Option<Self>, EngineError> {
        let rotations = session.pipeline.rotations();
        if rotations.is_empty() {
            return Ok(None);
        }
        let locked = session.lock.rotated.as_ref();
        // What another number of rotations stood on is no use: its rows were dealt otherwise.
        let locked = locked.filter(|locked| locked.rotations as usize == rotations.len());
        let mut locks = session.store.rotated_locks(locked)?.into_iter();
        let mut sessions = Vec::with_capacity(rotations.len());
        for (rotation, pipeline) in rotations {
            session.go_on()?;
            let before = locks.next().unwrap_or_default();
            let observer = Arc::new(Renamed {
                inner: session.observer.clone(),
                suffix: format!(" ({rotation})"),
            });
            let opened = session.rotated(pipeline, observer, before);
            let opened = opened.map_err(|error| in_rotation(error, &rotation))?;
            // Rows that were just dealt are read again when their turn comes.
            opened.data.values().for_each(collegium_data::Prepared::release);
            sessions.push(Arc::new(opened));
        }
        Ok(Some(Self { sessions }))
    }

    /// How many there are.
    fn count(&self) -> u32 {
        self.sessions.len() as u32
    }
}

impl Session {
    /// Are there rows enough for the rotations that the file asks for?
    ///
    /// # Errors
    /// [`EngineError::Invalid`] if not, with what breaks in which rotation.
    pub fn check_rotations(&self) -> Result<(), EngineError> {
        Rotations::open(self).map(drop)
    }
}

/// Says in which rotation something is wrong that the declared split does not have.
fn in_rotation(error: EngineError, rotation: &Rotation) -> EngineError {
    let said = |message: &str| format!("in rotation {rotation} (`evaluate.rotate`): {message}");
    match error {
        EngineError::Invalid(mut found) => {
            // Those of the deal itself stand at `rotate` already.
            let deal = rotation.of.span();
            let is_of_the_deal =
                |one: &Diagnostic| one.place.as_ref().is_some_and(|(_, place)| *place == deal);
            for one in found.0.iter_mut().filter(|one| !is_of_the_deal(one)) {
                one.message = said(&one.message);
            }
            EngineError::Invalid(found)
        }
        EngineError::Fit(mut failure) => {
            failure.reason = said(&failure.reason);
            EngineError::Fit(failure)
        }
        other => other,
    }
}
