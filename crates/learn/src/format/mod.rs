//! Model serialisation: safetensors, the same bytes for the same model.
//!
//! Tensors come in the order of their names; everything else is one JSON text under one metadata key, because
//! safetensors writes several keys in random order. Floats in it are texts, because JSON readers may miss a float
//! by its last bit. The fields that belong to one kind of model are that kind's own: see [`Stored`].

pub(crate) mod error;
pub(crate) mod stored;
pub(crate) mod tensors;

use std::{collections::HashMap, str::FromStr};

use collegium_table::Encoder;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};

use crate::{Head, Kind, Model, ModelError, kinds};
use stored::text;

use stored::{Own, Stored};
pub(crate) use tensors::of_network;
use tensors::{Tensor, Tensors};

const KEY: &str = "collegium";
const FORMAT: u32 = 1;

/// The fields of every model, and those of its kind.
#[derive(Deserialize)]
struct Header {
    format: u32,
    kind: String,
    head: StoredHead,
    classes: Vec<String>,
    encoder: Encoder,
    #[serde(flatten)]
    own: Own,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
enum StoredHead {
    Binary,
    Classes,
    Regression { mean: String, deviation: String },
}

impl Model {
    /// The name of its kind in the records of fits.
    pub fn kind(&self) -> &'static str {
        let name = self.learned.kind();
        kinds::kind(name).map_or(name, Kind::in_records)
    }

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
        let Stored { first, fields, tensors } = self.learned.store();
        let common = [("format", text(&FORMAT)), ("kind", text(&self.learned.kind()))];
        let answers = [("head", text(&head)), ("classes", text(&self.classes))];
        let header = common.into_iter().chain(first).chain(answers).chain(fields);
        let header: Vec<String> = header
            .chain([("encoder", text(&self.encoder))])
            .map(|(name, value)| format!("{}:{value}", text(&name)))
            .collect();
        let header = format!("{{{}}}", header.join(","));
        let raw: Vec<(String, Vec<usize>, Vec<u8>)> = tensors
            .into_iter()
            .map(|Tensor { name, shape, values }| (name, shape, to_le_bytes(&values)))
            .collect();
        let views = raw.iter().map(|(name, shape, bytes)| {
            let view = TensorView::new(Dtype::F32, shape.clone(), bytes)
                .expect("the bytes of a tensor fill its shape");
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
        let fail = |error: &dyn ToString| ModelError::new(error.to_string());
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|error| fail(&error))?;
        let tensors = SafeTensors::deserialize(bytes).map_err(|error| fail(&error))?;
        let header = metadata.metadata().as_ref().and_then(|map| map.get(KEY));
        let header = header.ok_or_else(|| ModelError::new(format!("it has no `{KEY}` entry")))?;
        let header: Header = serde_json::from_str(header).map_err(|error| fail(&error))?;
        if header.format != FORMAT {
            return Err(ModelError::new(format!("its format is {}, not {FORMAT}", header.format)));
        }
        let head = match header.head {
            StoredHead::Binary => Head::Binary,
            StoredHead::Classes => Head::Classes,
            StoredHead::Regression { mean, deviation } => {
                Head::Regression { mean: number(&mean)?, deviation: number(&deviation)? }
            }
        };
        let learned =
            kinds::stored_kind(&header.kind)?.load(header.own, &Tensors::new(&tensors))?;
        let model = Self { encoder: header.encoder, learned, head, classes: header.classes };
        match model.misfit() {
            Some(why) => Err(ModelError::new(why.to_owned())),
            None => Ok(model),
        }
    }

    /// Why its parts do not hold together, in words.
    fn misfit(&self) -> Option<&'static str> {
        let classes = self.classes.len();
        let (outputs, answers) = match self.head {
            Head::Binary => (1, classes == 2),
            Head::Regression { deviation, .. } => (1, classes == 0 && deviation > 0.0),
            Head::Classes => (classes, classes > 0),
        };
        // One that no memory could hold fits nothing.
        let width = self.encoder.checked_width().unwrap_or(usize::MAX);
        let misfit = self.learned.misfit(width, outputs, &self.head);
        misfit.or((!answers).then_some("its network does not fit its encoder or head"))
    }
}

fn to_le_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// A finite number that was written as a text, of 32 or 64 bits.
pub(crate) fn number<T: FromStr + Copy + Into<f64>>(text: &str) -> Result<T, ModelError> {
    match text.parse::<T>() {
        Ok(value) if value.into().is_finite() => Ok(value),
        _ => Err(ModelError::new(format!("`{text}` is not a finite number"))),
    }
}

#[cfg(test)]
mod tests {
    use collegium_digest::Digest;
    use collegium_manifest::spec::Activation;
    use collegium_table::{Column, Source, Values};
    use proptest::prelude::*;

    use super::*;
    use crate::{Network, init};

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
        let widths = [encoder.width(), 5, outputs];
        Model {
            learned: kinds::mlp::model(init::fresh(&widths, activation, &Digest::of(b"k"))),
            encoder,
            head,
            classes: classes.iter().map(|c| (*c).to_owned()).collect(),
        }
    }

    #[test]
    fn a_model_survives_its_bytes_and_equal_models_have_equal_bytes() {
        let regression = Head::Regression { mean: 0.1 + 0.2, deviation: 1.0 / 3.0 };
        for head in [Head::Binary, Head::Classes, regression] {
            for activation in Activation::ALL {
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
        let of = |model: &mut Model, change: &dyn Fn(&mut Network)| {
            let mut network = model.learned.layers().unwrap().clone();
            change(&mut network);
            model.learned = kinds::mlp::model(network);
        };
        let misfit = "not a stored model: its network does not fit its encoder or head";
        assert_eq!(error(&|m| m.classes.truncate(2)), misfit);
        assert_eq!(error(&|m| m.encoder = Encoder::empty()), misfit);
        assert_eq!(
            error(&|m| of(m, &|n| n.layers[0].bias[1] = f32::NAN)),
            "not a stored model: `layer.0000.bias` holds a number that is not finite"
        );
        assert_eq!(
            error(&|m| of(m, &|n| n.layers.swap(0, 1))),
            "not a stored model: its layers do not fit each other"
        );
        assert!(error(&|m| of(m, &|n| n.layers.clear())).contains("missing or left over"));
    }

    /// The same bytes with another header of ours.
    fn with_header(bytes: &[u8], change: impl Fn(&str) -> String) -> Vec<u8> {
        let (_, metadata) = SafeTensors::read_metadata(bytes).unwrap();
        let header = change(&metadata.metadata().as_ref().unwrap()[KEY]);
        let tensors = SafeTensors::deserialize(bytes).unwrap();
        let all = tensors.tensors();
        safetensors::serialize(all, Some(HashMap::from([(KEY.to_owned(), header)]))).unwrap()
    }

    #[test]
    fn the_fields_of_a_header_are_those_of_its_kind() {
        let bytes = model(Activation::Relu, Head::Binary).to_bytes();
        let said = |from: &str, to: &str| {
            let changed = with_header(&bytes, |header| {
                assert!(header.contains(from), "{header}");
                header.replacen(from, to, 1)
            });
            Model::from_bytes(&changed).unwrap_err().to_string()
        };
        assert_eq!(with_header(&bytes, str::to_owned), bytes);
        let layers = "\"layers\":2";
        assert!(said(layers, "\"layers\":2,\"own\":{}").contains("unknown field `own`"));
        assert!(said(layers, "\"layers\":2,\"layers\":2").contains("`layers` is there twice"));
        assert!(said("\"layers\":2,", "").contains("missing field `layers`"));
        assert!(
            said("\"kind\":\"mlp\"", "\"kind\":\"gate\"").contains("missing field `combination`")
        );
        assert!(
            said("\"kind\":\"mlp\"", "\"kind\":\"mlp\",\"kind\":\"mlp\"")
                .contains("duplicate field")
        );
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
