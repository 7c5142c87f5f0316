//! `diff`: compares two versions of a lock file by predictions and importances.
//!
//! Both versions are in the lock by digests, so nothing is trained to compare them: predictions are
//! the objects that they handed over, importances those of their models. Only the band that says how
//! much of a change in importance is seed costs fits, of the present version with other seeds; they
//! are cached as any others.

use std::collections::{BTreeMap, BTreeSet};

use collegium_digest::{Digest, Hasher};
use collegium_manifest::Task;
use collegium_probe::{ClassDecision, predicted_labels};
use collegium_records::{
    DiffReport, DiffStatus, FORMAT_VERSION, Flipped, Ingredient, Lock, LockedNode, MetricDiff,
    NodeDiff, OldRows, Recipe, headline_metric,
};
use collegium_table::Matrix;

mod looks;
mod rotated;

use collegium_engine::{
    EngineError, Session,
    intervals::{paired, series_of},
    rows::{Rows, Side},
};

use self::rotated::BothRotations;
use crate::Auditor;

/// Resamples behind an interval of a difference.
const RESAMPLES: u32 = 400;

/// A version of a lock, and how it was named.
#[derive(Debug, Clone)]
pub struct Version {
    /// As a person named it.
    pub name: String,
    /// The lock file of this version.
    pub lock: Lock,
}

/// Compares two versions of the named experts (all, for no names). `seeds` other seeds of the later
/// version are fitted for each changed expert that is up to date, to tell its changes from noise.
///
/// # Errors
/// [`EngineError::Usage`] for unknown names, [`EngineError::Store`], a failed fit.
pub fn diff(
    session: &Session,
    a: &Version,
    b: &Version,
    nodes: &[String],
    seeds: u32,
) -> Result<DiffReport, EngineError> {
    let chosen: BTreeSet<usize> = session.select(nodes)?.into_iter().collect();
    let states = session.current_and_stale(&chosen)?.0;
    let (mut found, mut notes) = (Vec::new(), Vec::new());
    let rotations = BothRotations::of(session, [a, b], &mut notes)?;
    for &index in session.dag.order() {
        if chosen.contains(&index) {
            let name = session.node(index).node_name();
            let pair = (a.lock.node.get(&name), b.lock.node.get(&name));
            if pair != (None, None) {
                let auditor = Auditor::new(session, index, &states);
                let mut diff = auditor.node_diff(pair, seeds)?;
                if let (Some(both), (Some(_), Some(_))) = (&rotations, pair) {
                    auditor.rotations(both, &mut diff)?;
                }
                found.push(diff);
            }
        }
    }
    if nodes.is_empty() {
        for name in a.lock.node.keys().chain(b.lock.node.keys()) {
            let known = session.index(name).is_ok() || found.iter().any(|d| d.name == *name);
            if !known {
                let pair = (a.lock.node.get(name), b.lock.node.get(name));
                let mut gone = blank(name, status(pair));
                (gone.before, gone.after) =
                    (pair.0.map(LockedNode::standing), pair.1.map(LockedNode::standing));
                gone.notes.push("the pipeline file has no such expert now".to_owned());
                found.push(gone);
            }
        }
    }
    session.go_on()?;
    session.store.flush()?;
    Ok(DiffReport {
        format_version: FORMAT_VERSION,
        pipeline: session.pipeline.name.clone(),
        a: a.name.clone(),
        b: b.name.clone(),
        nodes: found,
        notes,
    })
}

/// The recipe of the full fit that a block rests on.
fn fit_recipe_of(
    session: &Session,
    node: &LockedNode,
) -> Result<Option<collegium_records::Recipe>, EngineError> {
    let recipe = node.certificate.as_ref().map_or(node.recipe, |c| c.anchor.recipe);
    Ok(session.store.recipe(&recipe)?)
}

/// The rows that no `where` of some experts admits; none if one of them has no `where`.
fn not_theirs(
    session: &Session,
    experts: &[String],
    rows: &[u32],
) -> Result<Vec<u32>, EngineError> {
    let mut left = rows.to_vec();
    for name in experts {
        let Ok(index) = session.index(name) else { continue };
        let mask = session.node(index).base_mask()?;
        left.retain(|row| !mask[*row as usize]);
    }
    Ok(left)
}

impl Auditor<'_> {
    fn node_diff(
        self,
        pair: (Option<&LockedNode>, Option<&LockedNode>),
        seeds: u32,
    ) -> Result<NodeDiff, EngineError> {
        let name = self.node.node_name();
        let status = status(pair);
        let (Some(before), Some(after)) = pair else {
            let mut diff = blank(&name, status);
            (diff.before, diff.after) =
                (pair.0.map(LockedNode::standing), pair.1.map(LockedNode::standing));
            return Ok(diff);
        };
        let mut diff = blank(&name, status);
        (diff.before, diff.after) = (Some(before.standing()), Some(after.standing()));
        if status == DiffStatus::Same {
            return Ok(diff);
        }
        let mut added = Vec::new();
        match (fit_recipe_of(self.session(), before)?, fit_recipe_of(self.session(), after)?) {
            (Some(one), Some(other)) => {
                added = added_experts(&one, &other);
                diff.recipe = one.changes(&other);
                if diff.recipe.iter().any(|change| change.ingredient == "target") {
                    diff.notes.push(
                        "the target changed: both versions are measured against the present one, which \
                         the earlier one was not trained for"
                            .to_owned(),
                    );
                }
            }
            _ => diff.notes.push("a recipe is no longer in the store".to_owned()),
        }
        self.predictions(before, after, &added, &mut diff)?;
        if status == DiffStatus::Changed {
            self.importances(before, after, seeds, &mut diff)?;
        }
        Ok(diff)
    }

    /// Metrics and flipped classes on test rows, from the objects that were handed over.
    fn predictions(
        self,
        before: &LockedNode,
        after: &LockedNode,
        added: &[String],
        diff: &mut NodeDiff,
    ) -> Result<(), EngineError> {
        let output = self.node.resolved().measured_output();
        let (Some(one), Some(other)) =
            (before.hands.get(output.name()), after.hands.get(output.name()))
        else {
            diff.notes.push("a version does not say what it handed over".to_owned());
            return Ok(());
        };
        let (Some(one), Some(other)) = (self.session().matrix(one)?, self.session().matrix(other)?)
        else {
            diff.notes.push("predictions of a version are no longer in the store".to_owned());
            return Ok(());
        };
        let table = self.node.table()?.rows;
        if one.rows != table || other.rows != table || one.width != other.width {
            diff.notes.push(format!(
                "predictions are of {} and {} rows, the table has {table} now: not compared",
                one.rows, other.rows
            ));
            return Ok(());
        }
        let rows =
            self.session().rows(Rows::HeldOut { expert: self.node.index, side: Side::Test })?;
        let key =
            Hasher::new("diff").digest(&before.realisation).digest(&after.realisation).finish();
        diff.metrics = self.metrics_of_two([&one, &other], &rows, &key)?;
        let task = self.node.resolved().task.name();
        let now = diff.metrics.iter().map(|(name, diff)| (name.clone(), diff.after)).collect();
        let classes = self.node.resolved().classes.len();
        diff.headline = headline_metric(task, classes, &now).map(str::to_owned);
        if self.node.resolved().task == Task::Classification {
            let all = self.node.labels()?;
            let labels: Vec<u32> = rows.iter().map(|&r| all[r as usize]).collect();
            let (p, q) = (one.select(&rows).data, other.select(&rows).data);
            diff.flipped = Some(flipped([&p, &q], one.width, &labels, self.decision()?));
        }
        let old = not_theirs(self.session(), added, &rows)?;
        if !added.is_empty() && !old.is_empty() && old.len() < rows.len() {
            diff.old_rows = Some(OldRows {
                added: added.to_vec(),
                rows: old.len() as u64,
                metrics: self.metrics_of_two([&one, &other], &old, &key)?,
            });
        }
        Ok(())
    }

    /// Metrics of two versions on some rows, with paired intervals.
    fn metrics_of_two(
        self,
        [one, other]: [&Matrix; 2],
        rows: &[u32],
        key: &Digest,
    ) -> Result<BTreeMap<String, MetricDiff>, EngineError> {
        let [before, after] = [one, other]
            .map(|outputs| self.with_truth(outputs.select(rows).data, outputs.width, rows));
        let (before, after) = (before?, after?);
        let groups = self.node.groups_by(rows, || Ok(series_of(&after)))?;
        let how = self.session().resampling(RESAMPLES, key).by(groups.as_ref());
        let found = paired(&before, &[&after], how);
        Ok(found.into_iter().next().unwrap_or_default())
    }
}

/// Experts that a gate has now and had not before.
fn added_experts(before: &Recipe, after: &Recipe) -> Vec<String> {
    let names = |recipe: &Recipe| -> Vec<String> {
        match recipe.ingredients.get("gate.experts") {
            Some(Ingredient::List(items)) => items.iter().map(ToString::to_string).collect(),
            _ => Vec::new(),
        }
    };
    let known = names(before);
    match known.is_empty() {
        true => Vec::new(),
        false => names(after).into_iter().filter(|name| !known.contains(name)).collect(),
    }
}

/// What became of a node that is in either version.
fn status(pair: (Option<&LockedNode>, Option<&LockedNode>)) -> DiffStatus {
    match pair {
        (Some(before), Some(after)) if before.realisation != after.realisation => {
            DiffStatus::Changed
        }
        (Some(before), Some(after)) if before.outputs != after.outputs => DiffStatus::Moved,
        (Some(_), Some(_)) => DiffStatus::Same,
        (None, _) => DiffStatus::Added,
        (Some(_), None) => DiffStatus::Removed,
    }
}

fn blank(name: &str, status: DiffStatus) -> NodeDiff {
    NodeDiff {
        name: name.to_owned(),
        status,
        before: None,
        after: None,
        recipe: Vec::new(),
        headline: None,
        metrics: BTreeMap::<String, MetricDiff>::new(),
        rotated: None,
        old_rows: None,
        flipped: None,
        importance: Vec::new(),
        comparison: None,
        seeds: 0,
        notes: Vec::new(),
    }
}

fn flipped(both: [&[f32]; 2], width: usize, labels: &[u32], decision: ClassDecision) -> Flipped {
    let [one, other] = both.map(|p| predicted_labels(p, width, decision));
    let mut flipped = Flipped { rows: labels.len() as u64, fixed: 0, broken: 0, otherwise: 0 };
    for ((a, b), label) in one.iter().zip(&other).zip(labels) {
        match (a == label, b == label) {
            (false, true) => flipped.fixed += 1,
            (true, false) => flipped.broken += 1,
            (false, false) if a != b => flipped.otherwise += 1,
            _ => {}
        }
    }
    flipped
}
