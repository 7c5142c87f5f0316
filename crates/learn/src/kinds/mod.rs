//! The kinds of model. A kind is a folder, and a line of [`KINDS`].

pub mod constant;
mod dense;
pub mod gate;
pub mod linear;
pub mod mixture;
pub mod mlp;
mod routed;

pub use dense::DenseModel;
pub use routed::RoutedModel;

use crate::{Learned, ModelError, Stored, Tensors};

/// A kind of model.
pub trait Kind: Sync {
    /// Its name in files and in the bytes of models.
    fn name(&self) -> &'static str;

    /// Its name in the records of fits.
    fn in_records(&self) -> &'static str {
        self.name()
    }

    /// Reads what [`Learned::store`] wrote.
    ///
    /// # Errors
    /// [`ModelError`] if it is not of this kind.
    fn load(&self, stored: &Stored, tensors: &Tensors) -> Result<Box<dyn Learned>, ModelError>;
}

/// All of them.
pub static KINDS: &[&dyn Kind] =
    &[&mlp::Mlp, &linear::Linear, &constant::Constant, &gate::Gate, &mixture::Mixture];

/// The kind of a name.
pub fn kind(name: &str) -> Option<&'static dyn Kind> {
    KINDS.iter().find(|kind| kind.name() == name).copied()
}
