//! A front in a model's bytes: its places in the header, its points as tensors.

use serde::{Deserialize, Serialize};

use super::{ColumnMap, Front, Map};
use crate::{ModelError, Tensors, format::tensors::Tensor};

/// What the header says of it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoredFront {
    inputs: usize,
    replaced: Vec<usize>,
    maps: Vec<StoredMap>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredMap {
    kind: Kind,
    column: usize,
    missing: Option<usize>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Scores,
    Bins,
}

impl StoredFront {
    /// How many tensors it has.
    pub(crate) fn tensors(&self) -> usize {
        self.maps.len()
    }

    /// With its points.
    pub(crate) fn load(self, tensors: &Tensors) -> Result<Front, ModelError> {
        let maps = self.maps.iter().enumerate().map(|(at, StoredMap { kind, column, missing })| {
            let (values, shape) = tensors.get(&name(at))?;
            let map = match (kind, &shape[..]) {
                (Kind::Scores, [2, n]) => {
                    Map::Scores { values: values[..*n].to_vec(), scores: values[*n..].to_vec() }
                }
                (Kind::Bins, [_]) => Map::Bins { edges: values },
                _ => return Err(ModelError::new(format!("`{}` has another shape", name(at)))),
            };
            Ok(ColumnMap { column: *column, missing: *missing, map })
        });
        let maps = maps.collect::<Result<Vec<_>, _>>()?;
        if maps.iter().any(|map| !map.map.is_whole()) {
            return Err(ModelError::new("the points of an encoding are not in order"));
        }
        Ok(Front { inputs: self.inputs, replaced: self.replaced, maps })
    }
}

impl Front {
    /// The part that goes into the header.
    pub(crate) fn header(&self) -> StoredFront {
        let maps = self.maps.iter().map(|map| StoredMap {
            kind: match map.map {
                Map::Scores { .. } => Kind::Scores,
                Map::Bins { .. } => Kind::Bins,
            },
            column: map.column,
            missing: map.missing,
        });
        StoredFront { inputs: self.inputs, replaced: self.replaced.clone(), maps: maps.collect() }
    }

    /// The part that goes into tensors.
    pub(crate) fn tensors(&self) -> impl Iterator<Item = Tensor> + '_ {
        self.maps.iter().enumerate().map(|(at, map)| {
            let (shape, values) = match &map.map {
                Map::Scores { values, scores } => {
                    (vec![2, values.len()], values.iter().chain(scores).copied().collect())
                }
                Map::Bins { edges } => (vec![edges.len()], edges.clone()),
            };
            Tensor { name: name(at), shape, values }
        })
    }
}

fn name(at: usize) -> String {
    format!("front.{at:04}")
}
