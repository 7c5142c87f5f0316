//! Progress events that the engine sends to an observer.

use std::sync::Arc;

use collegium_records::{Epoch, NodeRun};

/// A progress event.
#[derive(Debug, Clone)]
pub enum Event {
    /// A data source is being read.
    Loading {
        /// What is being done to what, in words.
        what: String,
        /// Rows so far.
        done: u64,
        /// Rows in all, where known.
        of: Option<u64>,
    },
    /// All data sources are there, or one of them cannot be.
    Loaded,
    /// A node's fits are known: so many are at hand, so many to do.
    Queued {
        /// `expert.NAME`
        node: String,
        /// Fits to execute.
        fits: usize,
    },
    /// A fit begins.
    FitStarted {
        /// `expert.NAME`
        node: String,
        /// `full`, `fold 2/5`, …
        part: String,
        /// Most epochs.
        epochs: u32,
    },
    /// A pass over the training rows is done.
    FitEpoch {
        /// `expert.NAME`
        node: String,
        /// `full`, `fold 2/5`, …
        part: String,
        /// Passes done.
        epoch: u32,
        /// Its losses.
        losses: Epoch,
    },
    /// A fit has ended, one way or the other.
    FitEnded {
        /// `expert.NAME`
        node: String,
        /// `full`, `fold 2/5`, …
        part: String,
        /// Wall-clock seconds.
        seconds: f64,
        /// Did it produce a model?
        ok: bool,
    },
    /// Settings have been tried.
    Trial {
        /// `expert.NAME`
        node: String,
        /// Which, from 0.
        trial: u32,
        /// Epochs of its fits.
        epochs: u32,
        /// Its loss; `None` where it could not be fitted.
        loss: Option<f64>,
    },
    /// An audit has come to a node, or to a view of it.
    Auditing {
        /// `expert.NAME`
        node: String,
        /// What is measured of it; `None` when it begins.
        view: Option<&'static str>,
        /// What is done of all nodes, in units of about equal time.
        done: u64,
        /// All of it; as much as is `done` at the end.
        of: u64,
    },
    /// A node is done.
    Node(Box<NodeRun>),
    /// Worth knowing.
    Note(String),
    /// The run is over; nothing more will happen to its fits.
    Ended,
}

/// Receives events.
pub trait Observer: Send + Sync {
    /// Called from any thread, quickly.
    fn event(&self, event: Event);
}

/// An observer that ignores all events.
#[derive(Debug, Default)]
pub struct Quiet;

impl Observer for Quiet {
    fn event(&self, _event: Event) {}
}

/// How the engine holds an observer.
pub(crate) type Watcher = Arc<dyn Observer>;

/// Passes on what happens to nodes of a variation of a pipeline, under names that say which it is.
pub(crate) struct Renamed {
    pub(crate) inner: Watcher,
    /// What follows a node's name: ` (2 of 5)`.
    pub(crate) suffix: String,
}

impl Observer for Renamed {
    fn event(&self, event: Event) {
        let named = |node: String| format!("{node}{}", self.suffix);
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
