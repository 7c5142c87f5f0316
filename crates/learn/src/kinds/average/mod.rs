//! Averages of fitted models: members that differ by their random streams or by their rows.
//!
//! The raw outputs of the members are averaged: log odds, logits, or values in the units of one head. Averaging
//! models that err differently removes the part of the error that is luck (Breiman 1996; Lakshminarayanan et
//! al. 2017 for networks). The gradient of an average is the average of the gradients, row by row.

mod blend;
mod members;
mod stored;

pub use blend::{ValidationRows, blend};
pub use members::fit_members;

use collegium_digest::{Digest, Hasher};
use collegium_manifest::Params;
use collegium_table::Matrix;

use super::{Kind, dense::MISFIT};
use crate::{Estimator, Head, Learned, ModelError, Own, RowCost, Stored, Tensors};

const NAME: &str = "average";

/// The kind. No expert is declared as one: `members` and `deploy` make them.
pub struct AverageKind;

impl Kind for AverageKind {
    fn name(&self) -> &'static str {
        NAME
    }

    fn estimator<'a>(&self, _: &'a dyn Params) -> Option<&'a dyn Estimator> {
        None
    }

    fn load(&self, own: Own, tensors: &Tensors) -> Result<Box<dyn Learned>, ModelError> {
        stored::load(own, tensors)
    }
}

/// One of the models that are averaged.
#[derive(Debug, Clone)]
struct Member {
    /// What its raw outputs are multiplied with: its weight, and for values the ratio of the two heads' deviations.
    factor: f32,
    learned: Box<dyn Learned>,
}

impl PartialEq for Member {
    fn eq(&self, other: &Self) -> bool {
        self.factor == other.factor && *self.learned == *other.learned
    }
}

/// Σ factor · raw outputs of a member + offset. All members read the same encoded rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Averaged {
    /// Encoded columns.
    width: usize,
    /// Raw outputs.
    outputs: usize,
    /// What is added: of values, whose members have other means than the head; of logits 0.
    offset: f32,
    /// The first one's embedding is handed out. At least one.
    members: Vec<Member>,
}

impl Learned for Averaged {
    fn kind(&self) -> &'static str {
        NAME
    }

    fn raw(&self, x: &Matrix, head: &Head) -> Matrix {
        let mut sum = Matrix::zeros(x.rows, self.outputs);
        sum.data.fill(self.offset);
        for Member { factor, learned } in &self.members {
            let raw = learned.raw(x, head);
            sum.data.iter_mut().zip(&raw.data).for_each(|(sum, raw)| *sum += factor * raw);
        }
        sum
    }

    fn jacobians(&self, x: &Matrix, head: &Head, visit: &mut dyn FnMut(usize, &[f32])) {
        let size = self.outputs * self.width;
        let mut sums = vec![0.0_f32; x.rows * size];
        for Member { factor, learned } in &self.members {
            learned.jacobians(x, head, &mut |row, jacobian| {
                let sum = &mut sums[row * size..][..size];
                sum.iter_mut().zip(jacobian).for_each(|(sum, slope)| *sum += factor * slope);
            });
        }
        (0..x.rows).for_each(|row| visit(row, &sums[row * size..][..size]));
    }

    fn untrained(&self, key: &Digest) -> Option<Box<dyn Learned>> {
        let fresh = |(at, member): (usize, &Member)| {
            let key = Hasher::new("untrained member").digest(key).count(at as u64).finish();
            Some(Member { factor: member.factor, learned: member.learned.untrained(&key)? })
        };
        let members = self.members.iter().enumerate().map(fresh).collect::<Option<_>>()?;
        Some(Box::new(Self { members, ..self.clone() }))
    }

    fn parameters(&self) -> u64 {
        self.members.iter().map(|member| member.learned.parameters()).sum()
    }

    fn kept(&self) -> u64 {
        self.members.iter().map(|member| member.learned.kept()).sum()
    }

    fn row_cost(&self) -> RowCost {
        let costs = || self.members.iter().map(|member| member.learned.row_cost());
        let held = costs().map(|cost| cost.bytes).max().unwrap_or(0);
        // Of gradients, a row of the sum for each output.
        let sum = 4 * (self.width + self.outputs) as u64;
        RowCost { multiply_adds: costs().map(|cost| cost.multiply_adds).sum(), bytes: held + sum }
    }

    fn misfit(&self, width: usize, outputs: usize, head: &Head) -> Option<&'static str> {
        if self.members.is_empty() || (self.width, self.outputs) != (width, outputs) {
            return Some(MISFIT);
        }
        self.members.iter().find_map(|member| member.learned.misfit(width, outputs, head))
    }

    fn store(&self) -> Stored {
        stored::store(self)
    }

    fn embedding(&self, x: &Matrix) -> Option<Matrix> {
        self.members.first()?.learned.embedding(x)
    }
}

#[cfg(test)]
mod tests;
