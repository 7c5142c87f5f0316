//! Figures over rotations: each node measured on the tested part of every rotation, and the mean with its interval.

use std::collections::{BTreeMap, BTreeSet};

use collegium_data::Prepared;
use collegium_plan::Part;
use collegium_probe::over_rotations;
use collegium_records::{
    Code, Headline, Metrics, NodeRun, Outcome, Reason, Rotated, RotatedFigure, RotatedNode,
    RotatedSides, SplitMeasures, metric_range,
};

use super::Rotations;
use crate::{
    EngineError, Session,
    rows::{SIDES, Side, side_name},
    states::States,
};

/// What is not up to date is named up to so many.
const SHOWN: usize = 4;

/// A node in one rotation.
#[derive(Default)]
pub(super) struct Measured {
    sides: RotatedSides,
    test: Metrics,
    /// The test metrics of its baselines.
    baselines: BTreeMap<&'static str, Metrics>,
}

impl Rotations {
    /// The figures of the wanted experts, from what was measured of them in each rotation.
    pub(super) fn figures(
        &self,
        wanted: &BTreeSet<usize>,
        mut measured: Vec<BTreeMap<usize, Measured>>,
    ) -> Rotated {
        let mut nodes = Vec::new();
        let order = self.sessions.first().map_or(&[][..], |session| session.dag.order());
        for &index in order.iter().filter(|index| wanted.contains(index)) {
            let of: Vec<Measured> =
                measured.iter_mut().filter_map(|rotation| rotation.remove(&index)).collect();
            nodes.push(self.node(index, &of));
        }
        let whole = nodes.iter().all(|node| node.sides.len() == self.sessions.len());
        Rotated { rotations: self.count(), nodes, whole }
    }

    /// The figures of experts that are up to date in every rotation; and the names of others, with their rotation.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    fn current(&self, chosen: &BTreeSet<usize>) -> Result<(Rotated, Vec<String>), EngineError> {
        let (mut measured, mut stale) = (Vec::new(), Vec::new());
        for (number, session) in (1..).zip(&self.sessions) {
            let (found, names) = session.current_and_stale(chosen)?;
            measured.push(measure_all(session, &found)?);
            stale.extend(names.iter().map(|name| format!("{name} in rotation {number}")));
        }
        Ok((self.figures(chosen, measured), stale))
    }

    fn node(&self, index: usize, measured: &[Measured]) -> RotatedNode {
        let Some(session) = self.sessions.first() else { return RotatedNode::default() };
        let node = session.node(index);
        let mut found = RotatedNode {
            name: node.node_name(),
            sides: measured.iter().map(|one| one.sides).collect(),
            ..RotatedNode::default()
        };
        // A mean over some of the rotations is of other rows than it says.
        if measured.len() < self.sessions.len() {
            return found;
        }
        let test_to_train = test_to_train(&found.sides);
        for metric in measured[0].test.keys() {
            let figures = each(measured, |one| one.test.get(metric).copied());
            let range = metric_range(metric);
            let figure = figures.and_then(|all| over_rotations(&all, test_to_train, range));
            found.metrics.extend(figure.map(|figure| (metric.clone(), figure)));
        }
        for baseline in measured[0].baselines.keys() {
            let mut metrics = BTreeMap::new();
            for metric in found.metrics.keys() {
                let figures = each(measured, |one| {
                    Some(one.test.get(metric)? - one.baselines.get(baseline)?.get(metric)?)
                });
                let all = [f64::NEG_INFINITY, f64::INFINITY];
                let figure = figures.and_then(|each| over_rotations(&each, test_to_train, all));
                metrics.extend(figure.map(|figure| (metric.clone(), figure)));
            }
            found.against.insert((*baseline).to_owned(), metrics);
        }
        found.headline = self.headline(index, &found.metrics);
        found
    }

    /// The figure that stands for a node: the task's first metric that every rotation has.
    fn headline(
        &self,
        index: usize,
        metrics: &BTreeMap<String, RotatedFigure>,
    ) -> Option<Headline> {
        let node = self.sessions.first()?.node(index);
        let means = metrics.iter().map(|(name, figure)| (name.clone(), figure.mean)).collect();
        let headline = node.headline_on(&means)?;
        let interval = metrics.get(&headline.metric).and_then(|figure| figure.interval);
        Some(Headline { interval, rotations: Some(self.count()), ..headline })
    }
}

impl Session {
    /// The figures of these experts over rotated sides; `None` where the file asks for none.
    ///
    /// # Errors
    /// [`EngineError::Usage`] naming what is not up to date; as [`Session::open`].
    pub fn rotated_figures(
        &self,
        chosen: &BTreeSet<usize>,
    ) -> Result<Option<Rotated>, EngineError> {
        let Some(rotations) = Rotations::open(self)? else { return Ok(None) };
        let (found, stale) = rotations.current(chosen)?;
        if stale.is_empty() {
            return Ok(Some(found));
        }
        let shown = stale.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
        let more = match stale.len().saturating_sub(SHOWN) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        Err(EngineError::Usage(
            Code::NotUpToDate,
            format!(
                "rotations are not up to date (`evaluate.rotate`): {shown}{more}; run `collegium run` first \
                 (`collegium plan` says what it costs)"
            ),
        ))
    }
}

/// All nodes that are up to date in one rotation. Its rows are freed then: a session is open for each rotation.
pub(super) fn measure_all(
    session: &Session,
    states: &States,
) -> Result<BTreeMap<usize, Measured>, EngineError> {
    let mut found = BTreeMap::new();
    for &index in states.keys() {
        found.insert(index, measure(session, states, index)?);
    }
    session.data.values().for_each(Prepared::release);
    Ok(found)
}

/// A node in one rotation.
fn measure(session: &Session, states: &States, index: usize) -> Result<Measured, EngineError> {
    let state = &states[&index];
    let node = session.node(index);
    let splits = node.measure(state)?;
    let [train, valid, test] =
        SIDES.map(|side| splits.get(side_name(side)).map_or(0, |measures| measures.rows));
    let tested = |splits: &BTreeMap<String, SplitMeasures>| {
        splits.get(side_name(Side::Test)).map(|test| test.metrics.clone()).unwrap_or_default()
    };
    let mut found = Measured {
        sides: RotatedSides { train, valid, test },
        test: tested(&splits),
        ..Measured::default()
    };
    for part in state.parts.keys() {
        if let Part::Baseline(baseline) = part {
            let splits = node.measure_baseline(*baseline, state, states)?;
            found.baselines.insert(baseline.name(), tested(&splits));
        }
    }
    Ok(found)
}

/// How many rows are tested for each that is trained on, over all rotations.
pub(super) fn test_to_train(sides: &[RotatedSides]) -> f64 {
    let rows = |of: fn(&RotatedSides) -> u64| sides.iter().map(of).sum::<u64>() as f64;
    rows(|sides| sides.test) / rows(|sides| sides.train)
}

/// A figure of every rotation, if all have it.
fn each(measured: &[Measured], of: impl Fn(&Measured) -> Option<f64>) -> Option<Vec<f64>> {
    measured.iter().map(of).collect()
}

/// Adds what happened to nodes in one rotation.
pub(super) fn add_runs(report: &mut Rotated, number: u32, runs: Vec<NodeRun>) {
    for run in runs {
        let Some(node) = report.nodes.iter_mut().find(|node| node.name == run.name) else {
            continue;
        };
        if !run.fitted.is_empty() {
            node.fitted.insert(number, run.fitted);
        }
        node.cpu_seconds += run.fit_cpu_seconds;
        if run.outcome == Outcome::Failed {
            node.failed.insert(number, run.error.unwrap_or_default());
        } else if run.outcome == Outcome::Blocked {
            let stopped = run.reasons.contains(&Reason::Stopped);
            // Whoever stopped the run knows of it.
            if !stopped {
                node.failed.insert(number, Reason::list(&run.reasons));
            }
        }
    }
}
