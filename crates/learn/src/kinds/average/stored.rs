//! The bytes of an average: each member's fields in a list, its tensors under a name of its own.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Averaged, Member};
use crate::{
    Learned, ModelError, Own, Stored, Tensors,
    format::{number, tensors::Tensor},
    kinds,
};

/// What is read back of the header. Floats are texts.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    width: usize,
    outputs: usize,
    offset: String,
    members: Vec<StoredMember>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredMember {
    kind: String,
    factor: String,
    fields: Map<String, Value>,
}

fn under(at: usize) -> String {
    format!("member.{at:04}.")
}

pub(super) fn store(average: &Averaged) -> Stored {
    let mut members = Vec::new();
    let mut tensors: Vec<Tensor> = Vec::new();
    for (at, Member { factor, learned }) in average.members.iter().enumerate() {
        let (fields, own) = learned.store().apart(&under(at));
        let kind = learned.kind();
        members
            .push(format!("{{\"kind\":\"{kind}\",\"factor\":\"{factor:?}\",\"fields\":{fields}}}"));
        tensors.extend(own);
    }
    Stored::new(tensors)
        .with("width", &average.width)
        .with("outputs", &average.outputs)
        .with("offset", &format!("{:?}", average.offset))
        .with_json("members", format!("[{}]", members.join(",")))
}

pub(super) fn load(own: Own, tensors: &Tensors) -> Result<Box<dyn Learned>, ModelError> {
    let Fields { width, outputs, offset, members } = own.read()?;
    let mut found = Vec::with_capacity(members.len());
    let mut named = Some(0_usize);
    for (at, StoredMember { kind, factor, fields }) in members.into_iter().enumerate() {
        let part = tensors.under(&under(at));
        named = named.and_then(|named| named.checked_add(part.len()));
        let learned = kinds::stored_kind(&kind)?.load(Own::from(fields), &part)?;
        found.push(Member { factor: number(&factor)?, learned });
    }
    tensors.exactly(named)?;
    Ok(Box::new(Averaged { width, outputs, offset: number(&offset)?, members: found }))
}
