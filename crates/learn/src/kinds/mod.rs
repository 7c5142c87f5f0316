//! The registry of model kinds. A kind is a folder, and a line of [`KINDS`].

pub mod average;
pub mod constant;
mod dense;
pub mod gate;
pub mod linear;
pub mod mixture;
pub mod mlp;
mod routed;

pub use dense::DenseModel;
pub use routed::RoutedModel;

use std::{any::Any, sync::LazyLock};

use collegium_manifest::{Declare, Params, Registry};

use crate::{Estimator, Learned, ModelError, Own, Tensors};

/// A kind of model.
pub trait Kind: Sync {
    /// Its name in files and in the bytes of models.
    fn name(&self) -> &'static str;

    /// Its name in the records of fits.
    fn in_records(&self) -> &'static str {
        self.name()
    }

    /// What `model.type` can name, if an expert can be of this kind.
    fn declaration(&self) -> Option<&'static dyn Declare> {
        None
    }

    /// Parameters of this kind as something that can be fitted.
    fn estimator<'a>(&self, params: &'a dyn Params) -> Option<&'a dyn Estimator>;

    /// Reads what [`Learned::store`] wrote: the fields of the header that are this kind's, and the tensors.
    ///
    /// # Errors
    /// [`ModelError`] if it is not of this kind.
    fn load(&self, own: Own, tensors: &Tensors) -> Result<Box<dyn Learned>, ModelError>;
}

/// All of them.
pub static KINDS: &[&dyn Kind] = &[
    &mlp::MlpKind,
    &linear::LinearKind,
    &constant::ConstantKind,
    &gate::GateKind,
    &mixture::MixtureKind,
    &average::AverageKind,
];

/// The kind of a name.
pub fn kind(name: &str) -> Option<&'static dyn Kind> {
    KINDS.iter().find(|kind| kind.name() == name).copied()
}

/// The same of a name that stands in a model's bytes.
pub(crate) fn stored_kind(name: &str) -> Result<&'static dyn Kind, ModelError> {
    kind(name).ok_or_else(|| ModelError::new(format!("there is no kind of model `{name}`")))
}

/// The kinds that `model.type` can name, the default first, and the rules that `gate.type` can name.
pub static DECLARED: LazyLock<Registry> = LazyLock::new(|| Registry {
    kinds: KINDS.iter().filter_map(|kind| kind.declaration()).collect(),
    rules: gate::declared().collect(),
});

/// The parameters of a model as something that can be fitted; `None` for those of a kind that is not in [`KINDS`].
pub fn estimator(params: &dyn Params) -> Option<&dyn Estimator> {
    kind(params.kind())?.estimator(params)
}

/// Parameters as those of one kind.
fn parameters<T: Params + Estimator>(params: &dyn Params) -> Option<&dyn Estimator> {
    (params as &dyn Any).downcast_ref::<T>().map(|own| own as &dyn Estimator)
}
