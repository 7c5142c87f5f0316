//! Searches before a run: each expert whose search is to be done, after what is above it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::Ordering},
};

use collegium_records::{NodeRun, SearchRun};

use collegium_manifest::Expert;

use super::{asked::given, search::Done};
use crate::{
    EngineError, RunOptions, Session,
    error::MOST_LOSSES,
    mutex::lock_mutex,
    run::{Asked, bring_up},
};

/// What searches came to.
pub(crate) struct Settled {
    /// The pipeline with the values that were found.
    pub(crate) session: Arc<Session>,
    /// What happened to nodes on the way.
    pub(crate) runs: BTreeMap<usize, NodeRun>,
    /// The searches that were done, in topological order.
    pub(crate) searches: Vec<SearchRun>,
    /// Experts whose search failed, and why.
    pub(crate) failed: BTreeMap<usize, String>,
}

/// Does the searches of the wanted experts that are to be done; those that `again` names (nobody: all of them) once more.
///
/// What cannot be brought up to date above an expert stops its search, and is for the run itself to tell.
///
/// # Errors
/// [`EngineError::Store`], [`EngineError::Lost`].
pub(crate) fn settle(
    session: &Arc<Session>,
    asked: &Asked,
    options: &RunOptions,
) -> Result<Settled, EngineError> {
    let mut settled = Settled {
        session: session.clone(),
        runs: BTreeMap::new(),
        searches: Vec::new(),
        failed: BTreeMap::new(),
    };
    let again = tuned_again(session, options.retune.as_deref())?;
    for &index in session.dag.order() {
        if !asked.wanted.contains(&index) || !(session.is_pending(index) || again.contains(&index))
        {
            continue;
        }
        if session.interrupted.load(Ordering::Relaxed) {
            break;
        }
        let mut losses = 0;
        let done = loop {
            match settled.one(index, asked, options) {
                // It is out of the way now, and made anew.
                Err(EngineError::Lost(_)) if losses < MOST_LOSSES => losses += 1,
                done => break done,
            }
        };
        match done {
            Ok(Some(Done { locked, run })) => {
                settled.session = Arc::new(settled.session.tuned_by(index, locked)?);
                settled.searches.push(run);
            }
            // What is above it failed.
            Ok(None) => {}
            Err(EngineError::Fit(failure)) => {
                settled.failed.insert(index, failure.reason);
            }
            Err(EngineError::Interrupted) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(settled)
}

/// The experts whose search is asked for once more.
pub(crate) fn tuned_again(
    session: &Session,
    names: Option<&[String]>,
) -> Result<BTreeSet<usize>, EngineError> {
    let Some(names) = names else { return Ok(BTreeSet::new()) };
    let named = session.select(names)?;
    let tuned = |index: &usize| {
        let node = session.node(*index);
        node.declared().tune.is_some() && node.held_model().is_none()
    };
    if let Some(index) = named.iter().find(|index| !names.is_empty() && !tuned(index)) {
        let name = session.node(*index).node_name();
        return Err(EngineError::Usage(
            collegium_records::Code::BadArguments,
            format!("{name} has no `tune`: there is nothing to search again"),
        ));
    }
    Ok(named.into_iter().filter(tuned).collect())
}

impl Settled {
    /// One search; `None` where what is above it cannot be brought up to date.
    fn one(
        &mut self,
        index: usize,
        asked: &Asked,
        options: &RunOptions,
    ) -> Result<Option<Done>, EngineError> {
        let wanted = self.session.dag.with_ancestors(&[index]);
        let above = Asked {
            forced: BTreeSet::new(),
            exact: asked.exact.intersection(&wanted).copied().collect(),
            wanted,
            aside: BTreeSet::from([index]),
            ..Asked::default()
        };
        let earlier = std::mem::take(&mut self.runs);
        let (shared, _) = bring_up(&self.session, above, options, earlier)?;
        self.runs = std::mem::take(&mut *lock_mutex(&shared.runs));
        if !shared.is_done() {
            return Ok(None);
        }
        let states = std::mem::take(&mut *lock_mutex(&shared.states));
        self.session.node(index).search(&states, options.jobs).map(Some)
    }
}

impl Session {
    /// This pipeline with the values of one more search.
    fn tuned_by(
        &self,
        index: usize,
        locked: collegium_records::LockedTuned,
    ) -> Result<Self, EngineError> {
        let mut pipeline = self.pipeline.clone();
        let mut tuned = self.tuned.clone();
        let now = &self.pipeline.experts[index];
        let untuned = tuned.untuned.remove(&index).unwrap_or_else(|| now.clone());
        // Inputs that patterns came to stay.
        let (inputs, patterns) = (now.inputs.clone(), now.patterns.clone());
        let found = given(&pipeline, &untuned, &locked).unwrap_or_else(|| untuned.clone());
        pipeline.experts[index] = Expert { inputs, patterns, ..found };
        tuned.untuned.insert(index, untuned);
        tuned.locked.insert(index, locked);
        let mut session = self.beside(pipeline, self.observer.clone())?;
        session.tuned = tuned;
        session.files.clone_from(&self.files);
        session.patterns.clone_from(&self.patterns);
        // What was said of the rows stays to be said.
        self.notes().into_iter().for_each(|note| session.tell(note));
        Ok(session)
    }
}
