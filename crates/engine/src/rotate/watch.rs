//! The observer of a rotation: what it does is said of `expert.NAME` and of the rotation.

use collegium_manifest::Rotation;

use crate::{Event, Observer, events::Watcher};

/// Passes on what happens in a rotation, under a name that says which.
pub(super) struct InRotation {
    inner: Watcher,
    /// ` (2 of 5)`
    which: String,
}

impl InRotation {
    pub(super) fn new(inner: Watcher, rotation: &Rotation) -> Self {
        Self { inner, which: format!(" ({rotation})") }
    }
}

impl Observer for InRotation {
    fn event(&self, event: Event) {
        let named = |node: String| format!("{node}{}", self.which);
        self.inner.event(match event {
            // What is to be said of the data and of an expert has been said.
            Event::Note(_) => return,
            Event::Queued { node, fits } => Event::Queued { node: named(node), fits },
            Event::FitStarted { node, part, epochs } => {
                Event::FitStarted { node: named(node), part, epochs }
            }
            Event::FitEpoch { node, part, epoch, losses } => {
                Event::FitEpoch { node: named(node), part, epoch, losses }
            }
            Event::FitEnded { node, part, seconds, ok } => {
                Event::FitEnded { node: named(node), part, seconds, ok }
            }
            Event::Node(mut run) => {
                run.name = named(run.name);
                Event::Node(run)
            }
            other => other,
        });
    }
}
