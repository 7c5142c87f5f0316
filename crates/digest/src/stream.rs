//! Random number streams, each named by a key and a purpose.

use rand::SeedableRng as _;

use crate::{Digest, Hasher};

/// The one generator of the project (ChaCha with 8 rounds): portable, and the same on every machine.
pub type Stream = rand_chacha::ChaCha8Rng;

/// The random stream for `purpose` under `key`.
///
/// `key` is usually a recipe's digest and `purpose` says what is drawn: `"weights"`, `"shuffle"`,
/// `"bootstrap"`. Equal arguments give equal streams; any difference gives an unrelated one.
pub fn stream(key: &Digest, purpose: &str) -> Stream {
    let mut hasher = Hasher::new("stream");
    hasher.digest(key).text(purpose);
    Stream::from_seed(*hasher.finish().as_bytes())
}
