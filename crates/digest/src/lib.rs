//! Content hashes and named random streams: what two things must share to be called the same.
//!
//! Everything Collegium promises rests on one question: *is this the same as before?* This crate
//! holds the four pieces that answer it, and nothing in the workspace lies below it.
//!
//! * [`Digest`]: a BLAKE3 hash of 256 bits, written as 64 hexadecimal digits.
//! * [`Hasher`]: a canonical encoding. Every field is typed and length-prefixed, so no two different
//!   sequences of fields share an encoding (`"ab","c"` is not `"a","bc"`, `1` is not `1.0` is not
//!   `"1"`). Floats are hashed by their bits, with `-0` as `0`.
//! * [`Blocks`]: the same hash, kept so that each block of a content can be checked by itself.
//! * [`stream`]: random numbers named by a digest and a purpose (ChaCha8), so that a fit draws the
//!   same numbers alone, beside others, and in any order.
//!
//! Rejected: hashing a serialisation (TOML, JSON, bincode), because a key must not depend on key
//! order, spelling or a library's version; `std::hash`, because its output is not stable; a global
//! seed, because two fits at once would share it.

mod blocks;
mod digest;
mod hasher;
mod stream;

pub use blocks::Blocks;
pub use digest::{Digest, ParseDigestError};
pub use hasher::{Hasher, NotANumber};
pub use stream::{Stream, stream};
