//! Figures of a version of the lock over its rotations: of what a node handed over in each, on the rows that were tested there.
//!
//! Nothing is fitted. A version is measured by its own deal of the rows and against the present target, as `diff` measures the
//! declared split, so that the figures of the present version are those that `run` gave.

use collegium_data::sides_from_bytes;
use collegium_digest::{Digest, Hasher};
use collegium_probe::over_rotations;
use collegium_records::{Lock, LockedNode, Metrics, RotatedFigure, RotatedSides, metric_range};
use collegium_table::Matrix;

use super::figures::test_to_train;
use crate::{
    EngineError, NodeRef,
    measure::Predicted,
    membership::{FEWEST_UNSEEN, Memberships, Use, both, closure},
    rows::Side,
};

/// A node over the rotations of one version of the lock.
pub struct RotatedVersion {
    /// By rotation: the side of every row, as an object. Versions with the same objects were dealt alike.
    pub deals: Vec<Digest>,
    sides: Vec<RotatedSides>,
    metrics: Vec<Metrics>,
}

impl RotatedVersion {
    /// The names of the metrics of the first rotation.
    pub fn metrics(&self) -> impl Iterator<Item = &String> {
        self.metrics.iter().take(1).flat_map(Metrics::keys)
    }

    /// The mean of a metric with its interval; `None` where a rotation does not have it.
    pub fn figure(&self, metric: &str) -> Option<RotatedFigure> {
        over_rotations(&self.each(metric)?, test_to_train(&self.sides), metric_range(metric))
    }

    /// This version less an earlier one, rotation by rotation. Both must have been dealt alike.
    pub fn less(&self, before: &Self, metric: &str) -> Option<RotatedFigure> {
        let both = self.each(metric)?.into_iter().zip(before.each(metric)?);
        let differences: Vec<f64> = both.map(|(after, before)| after - before).collect();
        let all = [f64::NEG_INFINITY, f64::INFINITY];
        over_rotations(&differences, test_to_train(&self.sides), all)
    }

    fn each(&self, metric: &str) -> Option<Vec<f64>> {
        self.metrics.iter().map(|of| of.get(metric).copied()).collect()
    }
}

impl NodeRef<'_> {
    /// This node over the rotations that these locks are of; or why it cannot be measured, in words.
    ///
    /// # Errors
    /// [`EngineError::Store`]; [`EngineError::Invalid`] where a threshold cannot be chosen.
    pub fn rotated_version(
        self,
        locks: &[Lock],
    ) -> Result<Result<RotatedVersion, String>, EngineError> {
        let mut found =
            RotatedVersion { deals: Vec::new(), sides: Vec::new(), metrics: Vec::new() };
        if locks.is_empty() {
            return Ok(Err("what they stood on is no longer in the store".to_owned()));
        }
        for (number, lock) in (1..).zip(locks) {
            self.session.go_on()?;
            match self.rotation_of(lock)? {
                Ok((deal, sides, metrics)) => {
                    found.deals.push(deal);
                    found.sides.push(sides);
                    found.metrics.push(metrics);
                }
                Err(why) => return Ok(Err(format!("in rotation {number} {why}"))),
            }
        }
        Ok(Ok(found))
    }

    /// One rotation: how its rows were dealt, and the metrics of those that were tested.
    fn rotation_of(self, lock: &Lock) -> Result<Result<Rotation, String>, EngineError> {
        let Some(node) = lock.node.get(&self.node_name()) else {
            return Ok(Err("it was not fitted".to_owned()));
        };
        let output = self.resolved().measured_output();
        let data = lock.data.get(&format!("data.{}", self.declared().data));
        let (Some(data), Some(object)) = (data, node.hands.get(output.name())) else {
            return Ok(Err("the lock does not say what it handed over".to_owned()));
        };
        let sides = self.session.store.get(&data.sides)?;
        let sides = sides.and_then(|bytes| sides_from_bytes(&bytes));
        let (Some(sides), Some(outputs)) = (sides, self.session.matrix(object)?) else {
            return Ok(Err("its predictions are no longer in the store".to_owned()));
        };
        let known = self.base_mask()?;
        if sides.len() != known.len() || outputs.rows != known.len() {
            return Ok(Err(format!(
                "predictions are of {} rows, the table has {} now",
                outputs.rows,
                known.len()
            )));
        }
        let on = |side: Side| -> Vec<u32> {
            let rows = 0..known.len() as u32;
            rows.filter(|&row| known[row as usize] && sides[row as usize] == side).collect()
        };
        let seen = self.seen_before(lock)?;
        let unseen = |rows: Vec<u32>, how: Use| -> Result<Vec<u32>, EngineError> {
            let seen = self.seen_among(&seen, how, &rows)?;
            Ok(rows.into_iter().filter(|row| seen.binary_search(row).is_err()).collect())
        };
        let (whole, train) = (on(Side::Test), on(Side::Train));
        let all = whole.len();
        let (test, valid) = (unseen(whole, Use::Any)?, unseen(on(Side::Valid), Use::Trained)?);
        let mut metrics = Metrics::new();
        if test.len() == all || test.len() as u64 >= FEWEST_UNSEEN {
            metrics = self.decided_in(node, data.sides, &outputs, &valid, &test)?.metrics();
        }
        let count = |rows: &[u32]| rows.len() as u64;
        let counts =
            RotatedSides { train: count(&train), valid: count(&valid), test: count(&test) };
        Ok(Ok((data.sides, counts, metrics)))
    }

    /// Predictions on the tested rows; a threshold that is chosen is chosen on the rotation's validation rows.
    fn decided_in(
        self,
        node: &LockedNode,
        deal: Digest,
        outputs: &Matrix,
        valid: &[u32],
        test: &[u32],
    ) -> Result<Predicted, EngineError> {
        let on = |rows: &[u32]| self.with_truth(outputs.select(rows).data, outputs.width, rows);
        let key = Hasher::new("decided in a rotation").digest(&node.outputs).digest(&deal).finish();
        Ok(on(test)?.decided(self.decision_by(key, || on(valid))?))
    }

    /// What models have seen that were not fitted in the rotation: experts by `source`, its own or above it.
    fn seen_before(self, lock: &Lock) -> Result<Memberships, EngineError> {
        let mut found = Some(Vec::new());
        for one in self.session.dag.with_ancestors(&[self.index]) {
            let node = lock.node.get(&self.session.node(one).node_name());
            if let Some(node) = node.filter(|node| node.held.is_some()) {
                let fit = self.session.fit_of(&node.standing())?;
                found = both(found, fit.as_ref().and_then(closure));
            }
        }
        Ok(found)
    }
}

/// The sides of every row as an object, how many rows were on which, and the metrics of the tested ones.
type Rotation = (Digest, RotatedSides, Metrics);
