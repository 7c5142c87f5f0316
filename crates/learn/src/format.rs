//! A model as bytes: safetensors, the same bytes for the same model.
//!
//! Tensors are `layer.0000.bias`, `layer.0000.weight`, …, of the experts inside a mixture
//! `expert.0000.layer.0000.bias`, …, in the order of their names; everything else
//! is one JSON text under one metadata key, because safetensors writes several keys in random order.
//! Floats in it are texts, because JSON readers may miss a float by its last bit.

use std::collections::HashMap;

use collegium_manifest::spec::Activation;
use collegium_table::Encoder;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};

use crate::{Combination, Dense, Head, Model, ModelKind, Network, Pool, Routing, Weights};

const KEY: &str = "collegium";
const FORMAT: u32 = 1;

/// Bytes that are not a model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a stored model: {0}")]
pub struct ModelError(String);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format: u32,
    kind: ModelKind,
    activation: Activation,
    head: StoredHead,
    classes: Vec<String>,
    layers: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    combination: Option<StoredCombination>,
    encoder: Encoder,
}

/// A combination without its experts' weights.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredCombination {
    handed: Vec<[usize; 2]>,
    experts: usize,
    /// Layers of each expert, and what is between them.
    layers: usize,
    activation: Activation,
    pool: Pool,
    weights: StoredWeights,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
enum StoredWeights {
    Fixed { weights: Vec<String> },
    Softmax { temperature: String, top_k: Option<usize>, shared: Vec<usize>, bias: Vec<String> },
    Rules { columns: Vec<usize> },
    Confidence { threshold: String, temperatures: Vec<String> },
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
enum StoredHead {
    Binary,
    Classes,
    Regression { mean: String, deviation: String },
}

impl Model {
    /// The object form; equal models have equal bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let head = match self.head {
            Head::Binary => StoredHead::Binary,
            Head::Classes => StoredHead::Classes,
            Head::Regression { mean, deviation } => StoredHead::Regression {
                mean: format!("{mean:?}"),
                deviation: format!("{deviation:?}"),
            },
        };
        let header = Header {
            format: FORMAT,
            kind: self.kind,
            activation: self.network.activation,
            head,
            classes: self.classes.clone(),
            layers: self.network.layers.len(),
            combination: self.combination.as_ref().map(stored),
            encoder: self.encoder.clone(),
        };
        let header = serde_json::to_string(&header).expect("a header has only plain fields");
        let experts = self.combination.iter().flat_map(|combination| &combination.experts);
        let experts = experts.enumerate().map(|(i, network)| (expert(i), network));
        let raw: Vec<(String, Vec<usize>, Vec<u8>)> = experts
            .chain([(String::new(), &self.network)])
            .flat_map(|(under, network)| tensors(&under, network))
            .collect();
        let views = raw.iter().map(|(name, shape, bytes)| {
            let view = TensorView::new(Dtype::F32, shape.clone(), bytes)
                .expect("the bytes of a layer fill its shape");
            (name.as_str(), view)
        });
        safetensors::serialize(views, Some(HashMap::from([(KEY.to_owned(), header)])))
            .expect("a header of text and shapes can be written")
    }

    /// Reads the object form.
    ///
    /// # Errors
    /// [`ModelError`] if the bytes are damaged, of another format, or not of one consistent model.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        let fail = |why: String| ModelError(why);
        let (_, metadata) =
            SafeTensors::read_metadata(bytes).map_err(|error| fail(error.to_string()))?;
        let tensors = SafeTensors::deserialize(bytes).map_err(|error| fail(error.to_string()))?;
        let header = metadata
            .metadata()
            .as_ref()
            .and_then(|map| map.get(KEY))
            .ok_or_else(|| fail(format!("it has no `{KEY}` entry")))?;
        let header: Header =
            serde_json::from_str(header).map_err(|error| fail(error.to_string()))?;
        if header.format != FORMAT {
            return Err(fail(format!("its format is {}, not {FORMAT}", header.format)));
        }
        let head = match header.head {
            StoredHead::Binary => Head::Binary,
            StoredHead::Classes => Head::Classes,
            StoredHead::Regression { mean, deviation } => {
                Head::Regression { mean: number(&mean)?, deviation: number(&deviation)? }
            }
        };
        let inside = header.combination.as_ref().map_or(0, |c| c.experts.saturating_mul(c.layers));
        let expected = header.layers.saturating_add(inside).saturating_mul(2);
        // Experts without layers would be counted by nothing.
        let hollow = header.combination.as_ref().is_some_and(|c| c.experts > 0 && c.layers == 0);
        if header.layers == 0 || hollow || tensors.len() != expected {
            return Err(fail("tensors are missing or left over".to_owned()));
        }
        let network = network(&tensors, "", header.layers, header.activation)?;
        let combination = match header.combination {
            Some(stored) => Some(combination(&tensors, stored)?),
            None => None,
        };
        let model = Self {
            kind: header.kind,
            encoder: header.encoder,
            network,
            combination,
            head,
            classes: header.classes,
        };
        match model.misfit() {
            Some(why) => Err(fail(why.to_owned())),
            None => Ok(model),
        }
    }
}

fn stored(combination: &Combination) -> StoredCombination {
    let texts = |values: &[f32]| values.iter().map(|v| format!("{v:?}")).collect();
    let first = combination.experts.first();
    StoredCombination {
        handed: combination.handed.iter().map(|range| [range.start, range.end]).collect(),
        experts: combination.experts.len(),
        layers: first.map_or(0, |network| network.layers.len()),
        activation: first.map_or(Activation::Relu, |network| network.activation),
        pool: combination.pool,
        weights: match &combination.weights {
            Weights::Fixed(weights) => StoredWeights::Fixed { weights: texts(weights) },
            Weights::Softmax(routing) => StoredWeights::Softmax {
                temperature: format!("{:?}", routing.temperature),
                top_k: routing.top_k,
                shared: routing.shared.clone(),
                bias: texts(&routing.bias),
            },
            Weights::Rules(columns) => StoredWeights::Rules { columns: columns.clone() },
            Weights::Confidence { threshold, temperatures } => StoredWeights::Confidence {
                threshold: format!("{threshold:?}"),
                temperatures: texts(temperatures),
            },
        },
    }
}

fn combination(
    tensors: &SafeTensors,
    stored: StoredCombination,
) -> Result<Combination, ModelError> {
    let one = |text: &String| match text.parse::<f32>() {
        Ok(value) if value.is_finite() => Ok(value),
        _ => Err(ModelError(format!("`{text}` is not a finite number"))),
    };
    let all = |texts: &[String]| texts.iter().map(one).collect::<Result<Vec<f32>, _>>();
    let experts = (0..stored.experts)
        .map(|i| network(tensors, &expert(i), stored.layers, stored.activation))
        .collect::<Result<_, _>>()?;
    let weights = match stored.weights {
        StoredWeights::Fixed { weights } => Weights::Fixed(all(&weights)?),
        StoredWeights::Softmax { temperature, top_k, shared, bias } => Weights::Softmax(Routing {
            temperature: one(&temperature)?,
            top_k,
            shared,
            bias: all(&bias)?,
        }),
        StoredWeights::Rules { columns } => Weights::Rules(columns),
        StoredWeights::Confidence { threshold, temperatures } => {
            Weights::Confidence { threshold: one(&threshold)?, temperatures: all(&temperatures)? }
        }
    };
    let handed = stored.handed.iter().map(|[start, end]| *start..*end).collect();
    Ok(Combination { handed, experts, weights, pool: stored.pool })
}

/// What the tensors of an expert inside are named under.
fn expert(position: usize) -> String {
    format!("expert.{position:04}.")
}

fn tensors(under: &str, network: &Network) -> Vec<(String, Vec<usize>, Vec<u8>)> {
    let layers = network.layers.iter().enumerate();
    layers
        .flat_map(|(i, layer)| {
            let [bias, weight] = names(i);
            [
                (format!("{under}{bias}"), vec![layer.outputs], to_le_bytes(&layer.bias)),
                (
                    format!("{under}{weight}"),
                    vec![layer.inputs, layer.outputs],
                    to_le_bytes(&layer.weight),
                ),
            ]
        })
        .collect()
}

fn network(
    tensors: &SafeTensors,
    under: &str,
    layers: usize,
    activation: Activation,
) -> Result<Network, ModelError> {
    let fail = |why: String| ModelError(why);
    let layers = (0..layers)
        .map(|i| {
            let [bias, weight] = names(i);
            let (bias, shape) = read(tensors, &format!("{under}{bias}"))?;
            let [outputs] = shape[..] else {
                return Err(fail(format!("layer {i} has a bias that is no vector")));
            };
            let (weight, shape) = read(tensors, &format!("{under}{weight}"))?;
            let [inputs, columns] = shape[..] else {
                return Err(fail(format!("layer {i} has weights that are no matrix")));
            };
            if columns != outputs {
                return Err(fail(format!("layer {i} has {outputs} biases for {columns} units")));
            }
            Ok(Dense { inputs, outputs, weight, bias })
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Network { layers, activation })
}

fn names(layer: usize) -> [String; 2] {
    [format!("layer.{layer:04}.bias"), format!("layer.{layer:04}.weight")]
}

fn to_le_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn read(tensors: &SafeTensors, name: &str) -> Result<(Vec<f32>, Vec<usize>), ModelError> {
    let view = tensors.tensor(name).map_err(|error| ModelError(error.to_string()))?;
    if view.dtype() != Dtype::F32 {
        return Err(ModelError(format!("`{name}` does not hold 32-bit floats")));
    }
    let (quads, _) = view.data().as_chunks::<4>();
    let values: Vec<f32> = quads.iter().map(|quad| f32::from_le_bytes(*quad)).collect();
    if values.iter().any(|value| !value.is_finite()) {
        return Err(ModelError(format!("`{name}` holds a number that is not finite")));
    }
    Ok((values, view.shape().to_vec()))
}

fn number(text: &str) -> Result<f64, ModelError> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        _ => Err(ModelError(format!("`{text}` is not a finite number"))),
    }
}

#[cfg(test)]
mod tests {
    use collegium_digest::Digest;
    use collegium_table::{Column, Source, Values};
    use proptest::prelude::*;

    use super::*;
    use crate::init;

    fn model(activation: Activation, head: Head) -> Model {
        let number =
            Column { name: "x".to_owned(), values: Values::Number(vec![0.1, 0.7, f64::NAN]) };
        let levels = vec!["a \"quoted\" level".to_owned(), "é".to_owned()];
        let category = Column {
            name: "c".to_owned(),
            values: Values::Category { codes: vec![0, 1, 1], levels },
        };
        let names = ["t.x".to_owned(), "t.c".to_owned()];
        let sources = [Source::Column(&number), Source::Column(&category)];
        let encoder = Encoder::fit(&names, &sources, &[0, 1, 2]).unwrap();
        let classes: &[&str] = match head {
            Head::Binary => &["no", "yes"],
            Head::Classes => &["a", "b", "c"],
            Head::Regression { .. } => &[],
        };
        let outputs = if head == Head::Classes { 3 } else { 1 };
        Model {
            kind: ModelKind::Mlp,
            network: init::fresh(&[encoder.width(), 5, outputs], activation, &Digest::of(b"k")),
            combination: None,
            encoder,
            head,
            classes: classes.iter().map(|c| (*c).to_owned()).collect(),
        }
    }

    #[test]
    fn a_model_survives_its_bytes_and_equal_models_have_equal_bytes() {
        let regression = Head::Regression { mean: 0.1 + 0.2, deviation: 1.0 / 3.0 };
        for head in [Head::Binary, Head::Classes, regression] {
            for activation in [Activation::Relu, Activation::Tanh, Activation::Gelu] {
                let model = model(activation, head);
                let bytes = model.to_bytes();
                for _ in 0..8 {
                    assert_eq!(model.to_bytes(), bytes);
                }
                let back = Model::from_bytes(&bytes).unwrap();
                assert_eq!(back, model);
                assert_eq!(back.to_bytes(), bytes);
            }
        }
    }

    #[test]
    fn a_model_that_does_not_fit_together_is_refused() {
        let whole = model(Activation::Relu, Head::Classes);
        let error = |change: &dyn Fn(&mut Model)| {
            let mut broken = whole.clone();
            change(&mut broken);
            Model::from_bytes(&broken.to_bytes()).unwrap_err().to_string()
        };
        let misfit = "not a stored model: its network does not fit its encoder or head";
        assert_eq!(error(&|m| m.classes.truncate(2)), misfit);
        assert_eq!(error(&|m| m.encoder = Encoder::empty()), misfit);
        assert_eq!(
            error(&|m| m.network.layers[0].bias[1] = f32::NAN),
            "not a stored model: `layer.0000.bias` holds a number that is not finite"
        );
        assert_eq!(
            error(&|m| m.network.layers.swap(0, 1)),
            "not a stored model: its layers do not fit each other"
        );
        assert!(error(&|m| m.network.layers.clear()).contains("missing or left over"));
    }

    proptest! {
        #[test]
        fn damaged_bytes_are_an_error_or_another_model_but_never_a_panic(
            at in any::<prop::sample::Index>(), bits in 1u8..=255,
        ) {
            let model = model(Activation::Tanh, Head::Binary);
            let mut bytes = model.to_bytes();
            let at = at.index(bytes.len());
            prop_assert!(Model::from_bytes(&bytes[..at]).is_err());
            let blank = |byte: u8| byte.is_ascii_whitespace();
            let was_blank = blank(bytes[at]);
            bytes[at] ^= bits;
            // The header ends with blanks; another blank says the same.
            prop_assume!(!(was_blank && blank(bytes[at])));
            if let Ok(other) = Model::from_bytes(&bytes) {
                prop_assert_ne!(other, model);
            }
        }
    }
}
