//! Deserialisation error: bytes that are not a model.

/// Bytes that are not a model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a stored model: {0}")]
pub struct ModelError(String);

impl ModelError {
    /// With a reason.
    pub fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}
