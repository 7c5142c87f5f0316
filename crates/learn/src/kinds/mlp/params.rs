//! Parameters of `type = "mlp"`: multilayer perceptrons.

use collegium_manifest::{
    Declare, Ingredients, Keys, Mlp, Params, RawPerceptron,
    write::{self, Written},
};
use schemars::{JsonSchema as _, Schema, SchemaGenerator};

use super::{MlpKind, NAME};

/// The parameters of a perceptron: its hidden layers.
#[derive(Debug, Clone, PartialEq)]
pub struct Perceptron(pub Mlp);

impl Declare for MlpKind {
    fn name(&self) -> &'static str {
        NAME
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        RawPerceptron::json_schema(generator)
    }

    fn read(&self, keys: Keys<'_>) -> Box<dyn Params> {
        Box::new(Perceptron(RawPerceptron::read(keys)))
    }
}

impl Params for Perceptron {
    fn kind(&self) -> &'static str {
        NAME
    }

    fn ingredients(&self, recipe: &mut Ingredients<'_>) {
        let Self(layers) = self;
        recipe.network("model", layers);
        recipe.encode();
        recipe.seed();
        recipe.training();
    }

    fn write(&self, out: &mut Written<'_>) {
        out.model(NAME, write::perceptron(&self.0));
        out.encode();
        out.train();
        out.calibrate();
    }

    fn describe(&self) -> String {
        self.0.describe()
    }

    fn noun(&self) -> &'static str {
        "network"
    }

    fn layers(&self) -> Option<&Mlp> {
        Some(&self.0)
    }

    fn with_layers(&self, layers: Mlp) -> Option<Box<dyn Params>> {
        Some(Box::new(Self(layers)))
    }
}
