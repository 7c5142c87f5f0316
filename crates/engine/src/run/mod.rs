//! The scheduler: runs the DAG in topological order; each expert waits for its upstreams, then for a free job.

mod finish;
mod node;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use collegium_records::{NodeRun, Outcome, Reason, RunReport};
use tokio::sync::{Semaphore, watch};

use crate::{
    EngineError, Event, PlanOptions, Session,
    clock::thread_seconds,
    error::MOST_LOSSES,
    locked,
    mutex::lock_mutex,
    reuse::Ends,
    rotate::Rotations,
    states::{NodeState, States},
    tune::{Settled, settle},
};
use finish::finish;
pub use finish::peak_memory;
pub(crate) use finish::place;

/// What to run, and how.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// Experts to bring up to date, with their ancestors; empty: all.
    pub nodes: Vec<String>,
    /// Fits side by side.
    pub jobs: usize,
    /// Experts to fit again although everything is at hand.
    pub force: Vec<String>,
    /// After a failed fit, go on with everything that does not depend on it.
    pub keep_going: bool,
    /// Ignore every certificate: train what is not the exact fit of its recipe.
    pub exact: bool,
    /// Fit nothing, and leave the lock as it is: what would change it is an error.
    pub locked: bool,
    /// Search settings (`tune`) again, of these experts; of all for no names.
    pub retune: Option<Vec<String>>,
}

/// A run that is over.
pub struct Ran {
    /// What happened.
    pub report: RunReport,
    /// The pipeline with the settings that were found: what is up to date now.
    pub session: Arc<Session>,
}

/// Brings experts up to date and writes the lock. Searches for settings that are to be done come first.
///
/// A failed fit is part of the report, not an error. What was finished is kept in every case.
///
/// # Errors
/// [`EngineError::Usage`] for unknown names, [`EngineError::Locked`], [`EngineError::Store`],
/// [`EngineError::Internal`].
pub fn run(session: &Arc<Session>, options: &RunOptions) -> Result<Ran, EngineError> {
    let started = Instant::now();
    // What is wrong with them is known before anything is fitted.
    let rotations = Rotations::open(session)?;
    if options.locked {
        let RunOptions { nodes, force, exact, retune, .. } = options.clone();
        locked::keep_lock(session, &PlanOptions { nodes, force, exact, retune })?;
    }
    let wanted = session.dag.with_ancestors(&session.select(&options.nodes)?);
    let forced: BTreeSet<usize> =
        options.force.iter().map(|name| session.index(name)).collect::<Result<_, _>>()?;
    let exact = match options.exact {
        true => wanted.clone(),
        false => BTreeSet::new(),
    };
    let asked = Asked { wanted, forced, exact, ..Asked::default() };
    let Settled { session, runs, searches, failed } = settle(session, &asked, options)?;
    let searched = searches.iter().map(|one| one.node.clone()).collect();
    let asked = Asked { searched, unsearched: failed, ..asked };
    let rotations = match searches.is_empty() {
        true => rotations,
        false => Rotations::open(&session)?,
    };
    let (shared, ends) = bring_up(&session, asked.clone(), options, runs)?;
    let rotated = match rotations {
        Some(rotations) if shared.is_whole() => {
            let mut rotated = rotations.run(&asked.wanted, options)?;
            let runs = lock_mutex(&shared.runs);
            for node in &mut rotated.report.nodes {
                let run = runs.values().find(|run| run.name == node.name);
                node.beside_split(run.and_then(|run| run.metrics.get("test")));
            }
            if let Some(error) = rotated.fatal.take() {
                lock_mutex(&shared.fatal).get_or_insert(error);
            }
            Some(rotated)
        }
        _ => None,
    };
    let mut report = finish(&shared, ends.measured, rotated, searches)?;
    report.seconds = started.elapsed().as_secs_f64();
    Ok(Ran { report, session })
}

/// Which experts are to be brought up to date, and how.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    /// All that are to be, ancestors among them.
    pub(crate) wanted: BTreeSet<usize>,
    /// Whose fits are to be executed again.
    pub(crate) forced: BTreeSet<usize>,
    /// Whose certificates are ignored.
    pub(crate) exact: BTreeSet<usize>,
    /// Those that are wanted, so that what they read is made, and are not brought up to date themselves.
    pub(crate) aside: BTreeSet<usize>,
    /// By name, those whose settings were just searched.
    pub(crate) searched: BTreeSet<String>,
    /// Those whose settings could not be searched, and why.
    pub(crate) unsearched: BTreeMap<usize, String>,
}

/// Brings experts up to date, again as often as damage is met, and writes no lock. `earlier` is what happened to them before.
pub(crate) fn bring_up(
    session: &Arc<Session>,
    asked: Asked,
    options: &RunOptions,
    mut earlier: BTreeMap<usize, NodeRun>,
) -> Result<(Arc<Shared>, Ends), EngineError> {
    let Asked { wanted, mut forced, mut exact, aside, searched, unsearched } = asked;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(options.jobs.max(1))
        .build()
        .map_err(|error| EngineError::Internal(format!("starting the scheduler: {error}")))?;
    let mut losses = 0;
    loop {
        let shared = Arc::new(Shared {
            session: session.clone(),
            wanted: wanted.clone(),
            forced: forced.clone(),
            exact: exact.clone(),
            aside: aside.clone(),
            searched: searched.clone(),
            unsearched: unsearched.clone(),
            cpu: Mutex::default(),
            keep_going: options.keep_going,
            locked: options.locked,
            free: Semaphore::new(options.jobs.max(1)),
            halt: AtomicBool::new(false),
            states: Mutex::default(),
            runs: Mutex::default(),
            fatal: Mutex::default(),
        });
        runtime.block_on(schedule(&shared));
        let mut lost = matches!(*lock_mutex(&shared.fatal), Some(EngineError::Lost(_)));
        if !lost && !shared.stopped() {
            // Most of it was neither written nor read now: damage that nobody met is met here.
            lost = session.any_damaged(&lock_mutex(&shared.states))?;
        }
        // Local certificates do not compose: what the sinks lose through all of them decides.
        let ends = match lost || shared.stopped() {
            true => Ends::default(),
            false => {
                let done = wanted.difference(&aside).copied().collect();
                session.ends(&done, &lock_mutex(&shared.states))?
            }
        };
        if !ends.to_train.is_empty() {
            let names: Vec<String> =
                ends.to_train.iter().map(|i| session.node(*i).node_name()).collect();
            session.observer.event(Event::Note(format!(
                "end to end the loss rises by more than the tolerance: training {} after all",
                names.join(", ")
            )));
            exact.extend(ends.to_train);
            forced.clear();
            earlier = gathered(earlier, std::mem::take(&mut *lock_mutex(&shared.runs)));
            continue;
        }
        let mut runs = lock_mutex(&shared.runs);
        *runs = gathered(std::mem::take(&mut earlier), std::mem::take(&mut *runs));
        if !lost || losses == MOST_LOSSES || session.interrupted.load(Ordering::Relaxed) {
            drop(runs);
            return Ok((shared, ends));
        }
        // What was damaged is out of the way now: begun again, the run makes it anew.
        losses += 1;
        forced.retain(|index| !lock_mutex(&shared.states).contains_key(index));
        earlier = std::mem::take(&mut *runs);
    }
}

/// The runs of a second attempt, with what the first one fitted; nodes of the first alone stay as they were.
fn gathered(
    earlier: BTreeMap<usize, NodeRun>,
    mut runs: BTreeMap<usize, NodeRun>,
) -> BTreeMap<usize, NodeRun> {
    for (index, before) in earlier {
        match runs.get_mut(&index) {
            Some(run) => add_fits(run, before),
            None => drop(runs.insert(index, before)),
        }
    }
    runs
}

/// Adds the fits of an earlier attempt at a node to its last one.
fn add_fits(run: &mut NodeRun, before: NodeRun) {
    run.cpu_seconds += before.cpu_seconds;
    if before.fits == 0 {
        return;
    }
    run.fits += before.fits;
    run.fitted.splice(0..0, before.fitted);
    run.seconds += before.seconds;
    run.fit_cpu_seconds += before.fit_cpu_seconds;
    run.peak_bytes = run.peak_bytes.max(before.peak_bytes);
    run.reasons = before.reasons;
    if run.outcome == Outcome::Cached {
        run.outcome = Outcome::Trained;
    }
}

/// Adds the fits of an earlier run to the report of one that had to follow it at once.
pub fn add_earlier(report: &mut RunReport, earlier: RunReport) {
    report.notes.splice(0..0, earlier.notes);
    for before in earlier.nodes {
        if let Some(run) = report.nodes.iter_mut().find(|run| run.name == before.name) {
            add_fits(run, before);
        }
    }
}

/// How far a node is, for those who wait for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waiting,
    Done,
    Failed,
    /// Not done, and not by its own fault.
    Blocked,
}

/// A run under way, and what came of it.
pub(crate) struct Shared {
    session: Arc<Session>,
    wanted: BTreeSet<usize>,
    forced: BTreeSet<usize>,
    /// Whose certificates are ignored.
    exact: BTreeSet<usize>,
    /// What is not brought up to date itself.
    aside: BTreeSet<usize>,
    /// By name, those whose settings were just searched.
    searched: BTreeSet<String>,
    /// Those whose settings could not be searched, and why.
    unsearched: BTreeMap<usize, String>,
    /// CPU seconds by node.
    cpu: Mutex<HashMap<usize, f64>>,
    keep_going: bool,
    /// Fit nothing, and leave the lock.
    locked: bool,
    free: Semaphore,
    /// Start nothing more.
    halt: AtomicBool,
    pub(crate) states: Mutex<HashMap<usize, Arc<NodeState>>>,
    pub(crate) runs: Mutex<BTreeMap<usize, NodeRun>>,
    pub(crate) fatal: Mutex<Option<EngineError>>,
}

async fn schedule(shared: &Arc<Shared>) {
    let mut stages: HashMap<usize, watch::Receiver<Stage>> = HashMap::new();
    let mut tasks = tokio::task::JoinSet::new();
    let local = tokio::task::LocalSet::new();
    for &index in shared.session.dag.order() {
        if !shared.wanted.contains(&index) || shared.aside.contains(&index) {
            continue;
        }
        let (announce, stage) = watch::channel(Stage::Waiting);
        let upstream: Vec<_> = shared
            .session
            .dag
            .upstream(index)
            .into_iter()
            .filter_map(|from| Some((from, stages.get(&from)?.clone())))
            .collect();
        stages.insert(index, stage);
        let shared = shared.clone();
        tasks.spawn_local_on(
            async move {
                let stage = shared.node(index, upstream).await;
                // Nobody listening any more is fine: the node was a sink.
                let _ = announce.send(stage);
            },
            &local,
        );
    }
    local.run_until(async { while tasks.join_next().await.is_some() {} }).await;
}

impl Shared {
    async fn node(
        self: &Arc<Self>,
        index: usize,
        upstream: Vec<(usize, watch::Receiver<Stage>)>,
    ) -> Stage {
        let mut failed = Vec::new();
        let mut blocked = Vec::new();
        let mut from = Vec::new();
        for (node, mut stage) in upstream {
            let ended = stage.wait_for(|stage| *stage != Stage::Waiting).await.map(|stage| *stage);
            match ended {
                Ok(Stage::Done) => from.push(node),
                Ok(Stage::Failed) => failed.push(self.session.node(node).node_name()),
                _ => blocked.push(self.session.node(node).node_name()),
            }
        }
        let mut run = blank(&self.session, index);
        if !failed.is_empty() || !blocked.is_empty() || self.stopped() {
            run.outcome = Outcome::Blocked;
            run.reasons = if !failed.is_empty() {
                vec![Reason::UpstreamsFailed(failed)]
            } else if self.stopped() {
                vec![Reason::Stopped]
            } else {
                vec![Reason::UpstreamsNotDone(blocked)]
            };
            self.record(index, run);
            return Stage::Blocked;
        }
        if let Some(why) = self.unsearched.get(&index) {
            run.outcome = Outcome::Failed;
            run.error = Some(why.clone());
            self.record(index, run);
            return Stage::Failed;
        }
        let states: Arc<States> = {
            let all = lock_mutex(&self.states);
            Arc::new(from.iter().filter_map(|node| Some((*node, all.get(node)?.clone()))).collect())
        };
        let result = self.bring_up_to_date(index, &states, &mut run).await;
        let stage = match result {
            Ok(state) => {
                lock_mutex(&self.states).insert(index, Arc::new(state));
                Stage::Done
            }
            Err(error) => {
                self.fail(error, &mut run);
                if run.outcome == Outcome::Failed { Stage::Failed } else { Stage::Blocked }
            }
        };
        self.record(index, run);
        stage
    }

    /// Runs work on a thread of its own, once a job is free.
    async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        index: usize,
        work: impl FnOnce(&Self) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, EngineError> {
        let closed = |_| EngineError::Internal("the scheduler has closed".to_owned());
        let _job = self.free.acquire().await.map_err(closed)?;
        if self.stopped() {
            return Err(EngineError::Interrupted);
        }
        let shared = self.clone();
        let timed = move || {
            let started = thread_seconds();
            let result = work(&shared);
            *lock_mutex(&shared.cpu).entry(index).or_default() += thread_seconds() - started;
            result
        };
        match tokio::task::spawn_blocking(timed).await {
            Ok(result) => {
                if matches!(&result, Err(error) if !matches!(error, EngineError::Fit(_)))
                    || (result.is_err() && !self.keep_going)
                {
                    self.halt.store(true, Ordering::Relaxed);
                }
                result
            }
            Err(panic) => Err(EngineError::Internal(format!("a job panicked: {panic}"))),
        }
    }

    /// Is every expert up to date that was asked for?
    pub(crate) fn is_whole(&self) -> bool {
        self.is_done()
            && lock_mutex(&self.runs)
                .values()
                .all(|run| !matches!(run.outcome, Outcome::Failed | Outcome::Blocked))
    }

    /// Has every expert a state that is to be brought up to date?
    pub(crate) fn is_done(&self) -> bool {
        let states = lock_mutex(&self.states);
        !self.stopped()
            && lock_mutex(&self.fatal).is_none()
            && self.wanted.difference(&self.aside).all(|index| states.contains_key(index))
    }

    fn stopped(&self) -> bool {
        self.halt.load(Ordering::Relaxed) || self.session.interrupted.load(Ordering::Relaxed)
    }

    fn fail(&self, error: EngineError, run: &mut NodeRun) {
        match error {
            EngineError::Fit(failure) => {
                run.outcome = Outcome::Failed;
                run.error = Some(format!("{}: {}", failure.part, failure.reason));
            }
            EngineError::Interrupted => {
                run.outcome = Outcome::Blocked;
                run.reasons = vec![Reason::Stopped];
            }
            other => {
                run.outcome = Outcome::Failed;
                run.error = Some(other.to_string());
                lock_mutex(&self.fatal).get_or_insert(other);
            }
        }
    }

    fn record(&self, index: usize, mut run: NodeRun) {
        run.cpu_seconds = lock_mutex(&self.cpu).get(&index).copied().unwrap_or_default();
        self.session.observer.event(Event::Node(Box::new(run.clone())));
        lock_mutex(&self.runs).insert(index, run);
    }
}

fn blank(session: &Session, index: usize) -> NodeRun {
    NodeRun {
        name: session.node(index).node_name(),
        outcome: Outcome::Blocked,
        fits: 0,
        fitted: Vec::new(),
        reasons: Vec::new(),
        recipe: None,
        realisation: None,
        seconds: 0.0,
        cpu_seconds: 0.0,
        fit_cpu_seconds: 0.0,
        peak_bytes: 0,
        left_out: None,
        metrics: BTreeMap::new(),
        headline: None,
        tested: None,
        seen: BTreeMap::new(),
        not_measured: BTreeMap::new(),
        account: None,
        before: None,
        certificate: None,
        judgement: None,
        error: None,
    }
}
