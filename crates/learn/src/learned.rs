//! The trait of a fitted model: the function from encoded rows to raw outputs.
//!
//! Every kind of model has its own. The engine and the audit ask for abilities ([`Learned::layers`],
//! [`Learned::routes`]), never for a kind; a kind that has none of them is applied, differentiated and stored
//! through the methods that all have.

use std::{any::Any, fmt};

use collegium_digest::Digest;
use collegium_table::Matrix;

use crate::{Combination, Head, Network, format::stored::Stored};

/// A function from encoded rows to raw outputs: log odds, one logit a class, or a standardised value.
///
/// A row has the same bits whatever rows surround it.
pub trait Learned: Boxed + Any + fmt::Debug + Send + Sync {
    /// The name of its kind, as [`crate::kind`] finds it.
    fn kind(&self) -> &'static str;

    /// The raw outputs for encoded rows: rows × (1 or classes). [`crate::Model`] calls it with so many rows at once
    /// as [`row_cost`](Self::row_cost) allows, and can be interrupted between calls.
    ///
    /// # Panics
    /// If the rows have another width than it was fitted on.
    fn raw(&self, x: &Matrix, head: &Head) -> Matrix;

    /// Calls `visit` for every row, in order, with the Jacobian of its raw outputs: outputs × encoded columns,
    /// row-major. It is called as [`raw`](Self::raw) is.
    ///
    /// # Panics
    /// If the rows have another width than it was fitted on.
    fn jacobians(&self, x: &Matrix, head: &Head, visit: &mut dyn FnMut(usize, &[f32]));

    /// What chance gives for this kind: the same shape with random weights, as before any learning. An audit shows
    /// what such a model looks at beside what this one does. `None` where no weights are drawn at random: there is
    /// nothing to compare with, and the audit says so.
    fn untrained(&self, _: &Digest) -> Option<Box<dyn Learned>> {
        None
    }

    /// Numbers that were trained. Rows that it keeps are no parameters: see [`kept`](Self::kept).
    fn parameters(&self) -> u64;

    /// Numbers of the training rows that it keeps as they are, as kernel machines and neighbours do.
    fn kept(&self) -> u64 {
        0
    }

    /// What it costs to answer for a row, without the experts that are handed in.
    fn row_cost(&self) -> RowCost;

    /// Why it cannot be used on `width` encoded columns for `outputs` raw outputs, in words. Whoever uses a model
    /// indexes by what it says of itself, so everything is asked here: every width is backed by weights, every
    /// place lies within what it is a place of.
    fn misfit(&self, width: usize, outputs: usize, head: &Head) -> Option<&'static str>;

    /// What is written down of it; [`crate::Kind::load`] reads it back.
    fn store(&self) -> Stored;

    /// The dense layers that it is. They are swept for gradients at every layer at once, looked into, and
    /// repaired when inputs move; the last hidden one is its embedding.
    fn layers(&self) -> Option<&Network> {
        None
    }

    /// The same with other dense layers, for one that has layers.
    fn with_layers(&self, _: Network) -> Option<Box<dyn Learned>> {
        None
    }

    /// The activations of its last hidden layer: rows × units; of an average its first member's.
    fn embedding(&self, x: &Matrix) -> Option<Matrix> {
        self.layers().map(|network| network.embedding(x))
    }

    /// How it weighs several experts, if it does.
    fn routes(&self) -> Option<Routes<'_>> {
        None
    }
}

/// What it costs to apply a model, for each row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RowCost {
    /// Multiply-adds of the answer, or steps of about that length.
    pub multiply_adds: u64,
    /// Bytes that are held for the row while several are answered at once, beside its encoding and its answer.
    pub bytes: u64,
}

/// A combination of experts, and the network that decides the route: of no inputs, where none does.
#[derive(Debug, Clone, Copy)]
pub struct Routes<'a> {
    /// The routing network.
    pub network: &'a Network,
    /// How experts are weighed, and what their answers come to.
    pub combination: &'a Combination,
}

impl Routes<'_> {
    /// Gate weights of each row: rows × experts.
    pub fn weights(&self, x: &Matrix, head: &Head) -> Matrix {
        self.combination.weights(self.network, x, head)
    }

    /// The raw outputs: rows × (1 or classes).
    pub fn raw(&self, x: &Matrix, head: &Head) -> Matrix {
        self.combination.raw(self.network, x, head)
    }

    /// The same without one expert.
    pub fn raw_without(&self, x: &Matrix, head: &Head, expert: usize) -> Matrix {
        self.combination.raw_without(self.network, x, head, expert)
    }
}

/// Cloning and comparing behind a box; every `Clone + PartialEq` kind has it.
pub trait Boxed {
    /// A copy.
    fn boxed(&self) -> Box<dyn Learned>;

    /// Are both the same function of the same kind?
    fn same(&self, other: &dyn Learned) -> bool;
}

impl<T: Learned + Clone + PartialEq> Boxed for T {
    fn boxed(&self) -> Box<dyn Learned> {
        Box::new(self.clone())
    }

    fn same(&self, other: &dyn Learned) -> bool {
        (other as &dyn Any).downcast_ref::<T>() == Some(self)
    }
}

impl Clone for Box<dyn Learned> {
    fn clone(&self) -> Self {
        (**self).boxed()
    }
}

impl PartialEq for dyn Learned {
    fn eq(&self, other: &Self) -> bool {
        self.same(other)
    }
}
