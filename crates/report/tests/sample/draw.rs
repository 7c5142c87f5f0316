//! Random numbers for the sample, the same on every machine.

use collegium_digest::{Digest, Stream, stream};
use rand::RngExt as _;

/// A named stream of numbers.
pub struct Draw(Stream);

impl Draw {
    pub fn new(purpose: &str) -> Self {
        Self(stream(&Digest::of(b"sample report"), purpose))
    }

    /// From 0 to 1.
    pub fn uniform(&mut self) -> f64 {
        self.0.random::<f64>()
    }

    pub fn normal(&mut self) -> f64 {
        let (u, v) = (self.uniform().max(1e-12), self.uniform());
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }

    /// Below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.0.random_range(0..end)
    }
}

pub fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}
