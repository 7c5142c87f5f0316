//! Trials: the pipeline with other values of one expert, and the fits of one rung.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use collegium_digest::Digest;
use collegium_manifest::Expert;
use collegium_plan::{Part, View, fit_recipe};

use super::score::Scored;
use crate::{EngineError, Event, Quiet, Session, mutex::lock_mutex, rows::Rows, states::States};

/// Where a search stands.
pub(super) struct Bench<'a> {
    /// The pipeline, whose other experts are as they are.
    pub(super) session: &'a Session,
    /// The expert.
    pub(super) index: usize,
    /// What is above it.
    pub(super) states: &'a States,
    /// Compared on training rows out of fold, and not on validation rows?
    pub(super) out_of_fold: bool,
    /// Fits side by side.
    pub(super) jobs: usize,
}

/// Settings to be fitted.
pub(super) struct Trial {
    pub(super) number: u32,
    pub(super) expert: Expert,
}

/// What came of one.
pub(super) struct Tried {
    pub(super) number: u32,
    pub(super) epochs: u32,
    pub(super) recipes: Vec<Digest>,
    /// The losses, or why there are none.
    pub(super) scored: Result<Scored, String>,
    /// Fits that were executed, and their CPU seconds.
    pub(super) executed: (u32, f64),
}

impl Bench<'_> {
    /// The fits of one setting, each with the rows that it is measured on.
    fn parts(&self, expert: &Expert) -> Vec<(Part, Rows)> {
        let index = self.index;
        if !self.out_of_fold {
            let valid = Rows::HeldOut { expert: index, side: collegium_data::Side::Valid };
            return vec![(Part::Full, valid)];
        }
        let view = View::OutOfFold { folds: expert.folds };
        let fold = |fold| (Part::Fold { view, fold }, Rows::Fold { expert: index, view, fold });
        (0..expert.folds).map(fold).collect()
    }

    /// The fits of each setting in a rung.
    pub(super) fn fits_each(&self) -> usize {
        self.parts(self.session.node(self.index).declared()).len()
    }

    /// Fits settings side by side; in their order.
    pub(super) fn rung(&self, trials: &[Trial]) -> Result<Vec<Tried>, EngineError> {
        let node = self.session.node(self.index).node_name();
        self.session.tell_of(Event::Queued { node: node.clone(), fits: trials.len() });
        let next = AtomicUsize::new(0);
        let done: Mutex<Vec<Option<Result<Tried, EngineError>>>> =
            Mutex::new(trials.iter().map(|_| None).collect());
        let work = || {
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(trial) = trials.get(at) else { return };
                let tried = self.session.go_on().and_then(|()| self.one(trial));
                let stop = tried.is_err();
                if let Ok(Tried { number, epochs, scored, .. }) = &tried {
                    self.session.tell_of(Event::Trial {
                        node: node.clone(),
                        trial: *number,
                        epochs: *epochs,
                        loss: scored.as_ref().ok().map(Scored::loss),
                    });
                }
                lock_mutex(&done)[at] = Some(tried);
                if stop {
                    // Nothing more is begun.
                    next.store(trials.len(), Ordering::Relaxed);
                }
            }
        };
        thread::scope(|scope| {
            for _ in 1..self.jobs.min(trials.len()).max(1) {
                scope.spawn(work);
            }
            work();
        });
        let done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut found = Vec::with_capacity(trials.len());
        // The first error by number, whichever came first; what was not begun was stopped by it.
        for tried in done {
            found.push(match tried {
                Some(tried) => tried?,
                None => continue,
            });
        }
        Ok(found)
    }

    /// One setting.
    fn one(&self, trial: &Trial) -> Result<Tried, EngineError> {
        let session = self.session.trial(self.index, trial)?;
        let node = session.node(self.index);
        let mut tried = Tried {
            number: trial.number,
            epochs: trial.expert.train.epochs,
            recipes: Vec::new(),
            scored: Ok(Scored::default()),
            executed: (0, 0.0),
        };
        for (part, rows) in self.parts(&trial.expert) {
            let lost = || EngineError::Lost(format!("an output above {}", node.node_name()));
            let inputs = node.fit_inputs(part, self.states)?.ok_or_else(lost)?;
            let recipe = fit_recipe(node.declared(), &inputs);
            tried.recipes.push(recipe.digest());
            if tried.scored.is_err() {
                continue;
            }
            match node.execute(part, &recipe, None, self.states, false) {
                Ok((fit, executed)) => {
                    if executed {
                        tried.executed.0 += 1;
                        tried.executed.1 += fit.cost.cpu_seconds;
                    }
                    let more = node.scored(part, &fit, rows, self.states)?;
                    if let Ok(scored) = &mut tried.scored {
                        scored.add(more);
                    }
                }
                Err(EngineError::Fit(failure)) => tried.scored = Err(failure.reason),
                Err(error) => return Err(error),
            }
        }
        if tried.scored.as_ref().is_ok_and(|scored| !scored.loss().is_finite()) {
            tried.scored = Err("its loss is no number".to_owned());
        }
        Ok(tried)
    }
}

impl Session {
    /// This pipeline with a trial in the place of one expert, whose inputs stay as they are.
    fn trial(&self, index: usize, trial: &Trial) -> Result<Self, EngineError> {
        let mut pipeline = self.pipeline.clone();
        if let Some((_, expert)) = pipeline.experts.get_index_mut(index) {
            // What patterns came to stands in the pipeline alone.
            let (inputs, patterns) = (expert.inputs.clone(), expert.patterns.clone());
            *expert = Expert { inputs, patterns, ..trial.expert.clone() };
        }
        // One line for each of its fits would be many: the trial is told when it is done.
        self.beside(pipeline, Arc::new(Quiet))
    }
}
