//! Parameters of `type = "linear"`: linear models.

use collegium_manifest::{
    At, Declare, Ingredients, Keys, Params, TrainKeys,
    write::{self, Written},
};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;

use super::{LinearKind, NAME, RIDGE};

/// The parameters of a linear model.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearParams {
    /// Penalty on squared weights, in units of the mean loss.
    pub ridge: f64,
}

/// A linear model: logistic regression (multinomial for more than two classes) or ridge regression, fitted to its
/// optimum without epochs. Of `train` it reads `class_weights` alone.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
#[schemars(rename = "Linear")]
struct Raw {
    /// Penalty on squared weights, in units of the mean loss, at least 0. Default: 0.0001.
    #[schemars(range(min = 0.0), extend("default" = RIDGE))]
    ridge: Option<At<f64>>,
}

impl Declare for LinearKind {
    fn name(&self) -> &'static str {
        NAME
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        Raw::json_schema(generator)
    }

    fn read(&self, mut keys: Keys<'_>) -> Box<dyn Params> {
        let Raw { ridge } = keys.read();
        let good = |x: f64| x.is_finite() && x >= 0.0;
        keys.bound("ridge", &ridge, good, "a finite number of at least 0");
        Box::new(LinearParams { ridge: ridge.map_or(RIDGE, |ridge| *ridge.get()) })
    }
}

impl Params for LinearParams {
    fn kind(&self) -> &'static str {
        NAME
    }

    fn ingredients(&self, recipe: &mut Ingredients<'_>) {
        recipe.scale();
        let Self { ridge } = self;
        recipe.set("model.ridge", *ridge);
        recipe.class_weights();
    }

    fn write(&self, out: &mut Written<'_>) {
        let Self { ridge } = self;
        out.model(NAME, vec![("ridge", write::float(*ridge))]);
        out.scale();
        out.train();
    }

    fn describe(&self) -> String {
        "linear model".to_owned()
    }

    fn noun(&self) -> &'static str {
        "linear model"
    }

    fn train_keys(&self) -> TrainKeys {
        TrainKeys::ClassWeights
    }
}
