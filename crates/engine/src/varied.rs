//! Variations of a pipeline for controls: other seeds, or more nodes than its file has.
//!
//! What an expert or a gate is compared with is no new kind of computation: it is a pipeline that
//! differs in a line. So a variation is a session of its own over the same store and the same data;
//! its fits have recipes like any others, are found again by the next audit, and nothing of it reaches
//! the lock.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use collegium_digest::Digest;
use collegium_manifest::{Evaluate, Expert, Pipeline};
use collegium_plan::{Dag, Part, demand};

use crate::{
    EngineError, NodeRef, Session,
    events::{Renamed, Watcher},
    memo::Memo,
    notes::Notes,
    reuse::How,
    states::{NodeState, States},
};

/// Nodes that were brought up to date, and why others could not be.
#[derive(Default)]
pub struct BroughtUp {
    /// Of those that are up to date.
    pub states: States,
    /// By node, why it is not.
    pub failed: BTreeMap<usize, String>,
}

/// A fit that [`Session::brought_up`] would execute.
pub struct OpenFit {
    /// Of which node.
    pub index: usize,
    /// Which of its fits.
    pub part: Part,
    /// Its recipe; `None` where an upstream is to be fitted first.
    pub recipe: Option<Digest>,
}

impl Session {
    /// This pipeline with every seed moved on by `shift`, and with `more` nodes behind its own. Splits
    /// and folds stay as they are. Its nodes have no baselines.
    pub fn varied(&self, shift: u64, more: Vec<(String, Expert)>) -> Result<Self, EngineError> {
        let mut pipeline = self.pipeline.clone();
        for expert in pipeline.experts.values_mut() {
            expert.seed = expert.seed.wrapping_add(shift);
        }
        pipeline.experts.extend(more);
        pipeline.evaluate = Evaluate::default();
        let observer = match shift {
            0 => self.observer.clone(),
            _ => Arc::new(Renamed {
                inner: self.observer.clone(),
                suffix: format!(", seed +{shift}"),
            }),
        };
        self.beside(pipeline, observer)
    }

    /// Another pipeline over the same store and the same data, which begins with the nodes of this one.
    pub(crate) fn beside(
        &self,
        pipeline: Pipeline,
        observer: Watcher,
    ) -> Result<Self, EngineError> {
        let dag = Dag::new(&pipeline)
            .map_err(|node| EngineError::Internal(format!("node {node} lies on a cycle")))?;
        let mut held = self.held.clone();
        held.resize(pipeline.experts.len(), None);
        let mut session = Self {
            pipeline,
            dag,
            store: self.store.clone(),
            fence: self.fence.clone(),
            lock: self.lock.clone(),
            observer,
            interrupted: self.interrupted.clone(),
            locked: self.locked.clone(),
            data: self.data.clone(),
            resolved: Vec::new(),
            held,
            memory_bound: self.memory_bound,
            files: Vec::new(),
            memo: Memo::default(),
            told: Notes::default(),
            memory_held: self.memory_held.clone(),
            patterns: Vec::new(),
            tuned: self.tuned.clone(),
        };
        session.resolved = session.resolve()?;
        Ok(session)
    }

    /// The fits that [`brought_up`](Self::brought_up) would execute; nothing is fitted. Where an upstream is to be fitted
    /// first these are all that a node needs: equal outputs may spare some.
    pub fn open_fits(&self, chosen: &[usize], exact: bool) -> Result<Vec<OpenFit>, EngineError> {
        let wanted: BTreeSet<usize> = self.dag.with_ancestors(chosen);
        let how = How { exact, ..How::default() };
        let mut states = States::new();
        let mut open = Vec::new();
        for &index in self.dag.order().iter().filter(|index| wanted.contains(index)) {
            self.go_on()?;
            match self.node(index).ready(&wanted, &states, how)? {
                Some(ready) if ready.open.is_empty() => {
                    let state = self.node(index).state(ready, &wanted, &states)?;
                    states.insert(index, Arc::new(state));
                }
                Some(ready) => open.extend(ready.open.iter().map(|need| {
                    let recipe = Some(need.recipe.digest());
                    OpenFit { index, part: need.part, recipe }
                })),
                None => {
                    let parts = demand(&self.pipeline, index, &wanted).into_iter();
                    open.extend(parts.map(|part| OpenFit { index, part, recipe: None }));
                }
            }
        }
        Ok(open)
    }

    /// The states of nodes and all that is above them, after what is missing has been fitted. What cannot
    /// be fitted is told, with what is below it.
    pub fn brought_up(&self, chosen: &[usize], exact: bool) -> Result<BroughtUp, EngineError> {
        let wanted: BTreeSet<usize> = self.dag.with_ancestors(chosen);
        let how = How { exact, ..How::default() };
        let mut done = BroughtUp::default();
        for &index in self.dag.order() {
            if !wanted.contains(&index) {
                continue;
            }
            self.go_on()?;
            let above = self.dag.upstream(index);
            let failed = above.iter().find_map(|from| done.failed.get(from)).cloned();
            if let Some(why) = failed {
                done.failed.insert(index, why);
                continue;
            }
            match self.node(index).one_up(&wanted, &done.states, how) {
                Ok(state) => drop(done.states.insert(index, Arc::new(state))),
                Err(EngineError::Fit(failure)) => {
                    done.failed.insert(index, failure.to_string());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }
}

impl NodeRef<'_> {
    fn one_up(
        self,
        wanted: &BTreeSet<usize>,
        states: &States,
        how: How,
    ) -> Result<NodeState, EngineError> {
        let lost = || EngineError::Lost(format!("an output above {}", self.node_name()));
        let mut ready = self.ready(wanted, states, how)?.ok_or_else(lost)?;
        for need in std::mem::take(&mut ready.open) {
            let warm = need.warm.as_ref();
            let (fit, _) = self.execute(need.part, &need.recipe, warm, states, false)?;
            ready.parts.insert(need.part, (need.recipe.digest(), fit));
        }
        self.state(ready, wanted, states)
    }
}
