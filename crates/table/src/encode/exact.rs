//! Exact floats in JSON, as text. JSON readers may miss the nearest float by one bit in favour of speed;
//! the standard library's never does, and one bit is enough to change a prediction.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A finite 64-bit float that survives JSON bit by bit, as its shortest text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Exact(pub(super) f64);

impl Serialize for Exact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:?}", self.0))
    }
}

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value: f64 = String::deserialize(deserializer)?.parse().map_err(de::Error::custom)?;
        if value.is_finite() { Ok(Self(value)) } else { Err(de::Error::custom("not finite")) }
    }
}
