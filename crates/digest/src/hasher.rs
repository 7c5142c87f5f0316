//! Canonical encoding for hashing: typed, length-prefixed fields.

use std::fmt;

use crate::Digest;

/// A NaN where a number was expected; a key made of it would never match itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotANumber;

impl fmt::Display for NotANumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NaN cannot be part of a key")
    }
}

impl std::error::Error for NotANumber {}

/// Hashes a sequence of typed fields.
///
/// The encoding of a field is one tag byte, then its bytes; what has no fixed size carries its
/// length first. It is therefore prefix-free: different sequences never collide by concatenation.
#[derive(Clone)]
pub struct Hasher(blake3::Hasher);

impl Hasher {
    /// Starts a hash in a domain of its own, e.g. `"recipe"`: equal fields of different domains
    /// have different digests.
    pub fn new(domain: &str) -> Self {
        let mut hasher = Self(blake3::Hasher::new());
        hasher.text(domain);
        hasher
    }

    /// A string.
    pub fn text(&mut self, value: &str) -> &mut Self {
        self.tagged(b's', value.as_bytes())
    }

    /// Raw bytes.
    pub fn bytes(&mut self, value: &[u8]) -> &mut Self {
        self.tagged(b'b', value)
    }

    /// A truth value.
    pub fn boolean(&mut self, value: bool) -> &mut Self {
        self.fixed(b'?', &[u8::from(value)])
    }

    /// A signed integer.
    pub fn integer(&mut self, value: i64) -> &mut Self {
        self.fixed(b'i', &value.to_le_bytes())
    }

    /// An unsigned integer: counts and seeds.
    pub fn count(&mut self, value: u64) -> &mut Self {
        self.fixed(b'u', &value.to_le_bytes())
    }

    /// A float, by its bits, with `-0` as `0`.
    ///
    /// # Errors
    /// [`NotANumber`] for a NaN.
    pub fn float(&mut self, value: f64) -> Result<&mut Self, NotANumber> {
        if value.is_nan() {
            return Err(NotANumber);
        }
        // Adding zero turns -0 into 0 and leaves every other number alone.
        Ok(self.fixed(b'f', &(value + 0.0).to_bits().to_le_bytes()))
    }

    /// Another digest.
    pub fn digest(&mut self, value: &Digest) -> &mut Self {
        self.fixed(b'd', value.as_bytes())
    }

    /// The head of a list of `length` fields, which the caller hashes next.
    pub fn list(&mut self, length: usize) -> &mut Self {
        self.fixed(b'[', &(length as u64).to_le_bytes())
    }

    /// The digest of all fields so far.
    pub fn finish(&self) -> Digest {
        Digest::from_bytes(*self.0.finalize().as_bytes())
    }

    fn tagged(&mut self, tag: u8, bytes: &[u8]) -> &mut Self {
        self.fixed(tag, &(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    fn fixed(&mut self, tag: u8, bytes: &[u8]) -> &mut Self {
        self.0.update(&[tag]);
        self.0.update(bytes);
        self
    }
}
