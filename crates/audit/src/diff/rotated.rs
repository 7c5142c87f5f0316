//! Two versions over rotated sides (`evaluate.rotate`): the means of both, and their difference rotation by rotation.

use collegium_engine::{EngineError, RotatedVersion, Session};
use collegium_records::{Lock, Metrics, NodeDiff, RotatedDiff, headline_metric};

use crate::{Auditor, diff::Version};

/// What the rotations of two versions stand on; none where one of them has no rotations.
pub(super) struct BothRotations {
    before: Vec<Lock>,
    after: Vec<Lock>,
}

impl BothRotations {
    /// Those of two versions. A version that has them alone is said in a note.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(super) fn of(
        session: &Session,
        [a, b]: [&Version; 2],
        notes: &mut Vec<String>,
    ) -> Result<Option<Self>, EngineError> {
        let (one, other) = match (&a.lock.rotated, &b.lock.rotated) {
            (Some(one), Some(other)) => (one, other),
            (None, None) => return Ok(None),
            (one, _) => {
                let which = if one.is_some() { "earlier" } else { "later" };
                notes.push(format!(
                    "only the {which} version has rotated sides (`evaluate.rotate`), so that there is no mean over \
                     rotations to compare: all figures are of the declared split"
                ));
                return Ok(None);
            }
        };
        let locks = |of| session.store.rotated_locks(Some(of));
        Ok(Some(Self { before: locks(one)?, after: locks(other)? }))
    }

    /// Did a node hand over the same in every rotation, and were rows dealt alike?
    fn are_the_same(&self, name: &str) -> bool {
        let of = |locks: &[Lock]| -> Vec<_> {
            let each = locks.iter().map(|lock| {
                let sides: Vec<_> = lock.data.values().map(|data| data.sides).collect();
                (lock.node.get(name).map(|node| (node.realisation, node.outputs)), sides)
            });
            each.collect()
        };
        of(&self.before) == of(&self.after)
    }
}

impl Auditor<'_> {
    /// The means over rotations of both versions, and the paired difference where rows were dealt alike.
    pub(super) fn rotations(
        self,
        both: &BothRotations,
        diff: &mut NodeDiff,
    ) -> Result<(), EngineError> {
        if both.are_the_same(&diff.name) {
            return Ok(());
        }
        let mut measured = Vec::new();
        for (which, locks) in [("earlier", &both.before), ("later", &both.after)] {
            match self.node.rotated_version(locks)? {
                Ok(version) => measured.push(version),
                Err(why) => diff
                    .notes
                    .push(format!("over rotated sides the {which} version is not compared: {why}")),
            }
        }
        let [before, after] = measured.as_slice() else { return Ok(()) };
        diff.rotated = self.of_both(before, after);
        if diff.rotated.is_none() {
            diff.notes.push(
                "over rotated sides no metric was measured in every rotation of both versions"
                    .to_owned(),
            );
        }
        Ok(())
    }

    fn of_both(self, before: &RotatedVersion, after: &RotatedVersion) -> Option<RotatedDiff> {
        let means: Metrics = after
            .metrics()
            .filter(|metric| before.figure(metric).is_some())
            .filter_map(|metric| Some((metric.clone(), after.figure(metric)?.mean)))
            .collect();
        let resolved = self.node.resolved();
        let metric = headline_metric(resolved.task.name(), resolved.classes.len(), &means)?;
        let not_paired = otherwise(before, after);
        let difference = match not_paired {
            None => after.less(before, metric),
            Some(_) => None,
        };
        Some(RotatedDiff {
            metric: metric.to_owned(),
            before: before.figure(metric)?,
            after: after.figure(metric)?,
            difference,
            not_paired,
        })
    }
}

/// Why rotations of two versions cannot be held against each other one by one.
fn otherwise(before: &RotatedVersion, after: &RotatedVersion) -> Option<String> {
    let (one, other) = (before.deals.len(), after.deals.len());
    if one != other {
        return Some(format!(
            "the earlier version has {one} rotations and the later one {other}, so that other rows were tested together"
        ));
    }
    (before.deals != after.deals).then(|| {
        "rows were dealt otherwise in the two versions, since the rows or the split changed"
            .to_owned()
    })
}
