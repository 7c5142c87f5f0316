//! Output head: what the raw outputs of a model mean (log odds, logits, a standardised value), and softmax.

use crate::{kernel::vectorised, math};

/// What the raw outputs mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Head {
    /// One output: the log odds of the second class.
    Binary,
    /// One logit per class.
    Classes,
    /// One output: the target, standardised with these.
    Regression {
        /// Mean of the target over the training rows.
        mean: f64,
        /// Its deviation; not 0.
        deviation: f64,
    },
}

impl Head {
    /// The raw outputs of one row as an answer, in place: probabilities, or the standardised value.
    pub fn answer(&self, raw: &mut [f32]) {
        match self {
            Self::Regression { .. } => {}
            Self::Binary => raw.iter_mut().for_each(|z| *z = math::sigmoid(*z)),
            Self::Classes => drop(softmax(raw)),
        }
    }
}

/// Turns logits into probabilities and returns the place of the largest, the first of equals.
pub(crate) fn softmax(row: &mut [f32]) -> u32 {
    let best = largest(row);
    let Some(&top) = row.get(best) else { return 0 };
    // One after the other, since a sum in order keeps the compiler from taking several exponentials at once.
    if row.len() < WIDE {
        exponentials(row, top);
    } else {
        vectorised(
            #[inline(always)]
            || exponentials(row, top),
        );
    }
    let sum = row.iter().fold(0.0, |sum, p| sum + p);
    row.iter_mut().for_each(|p| *p /= sum);
    u32::try_from(best).unwrap_or(u32::MAX)
}

/// The place of the largest, the first of equals: of a number that is none at the head, that one.
fn largest(row: &[f32]) -> usize {
    let Some(&first) = row.first() else { return 0 };
    let mut lanes = [first; 16];
    let (blocks, rest) = row.as_chunks::<16>();
    let larger = |most: &mut f32, z: f32| *most = if z > *most { z } else { *most };
    for block in blocks {
        lanes.iter_mut().zip(block).for_each(|(most, z)| larger(most, *z));
    }
    let mut top = first;
    lanes.iter().chain(rest).for_each(|z| larger(&mut top, *z));
    row.iter().position(|z| *z == top).unwrap_or(0)
}

/// From so many classes on wide registers are worth asking for.
const WIDE: usize = 32;

#[inline(always)]
fn exponentials(row: &mut [f32], top: f32) {
    row.iter_mut().for_each(|z| *z = math::exp(*z - top));
}
