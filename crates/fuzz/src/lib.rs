//! Fuzz testing of everything that reads what strangers make: generated inputs, by the hundred thousand.
//!
//! A [`FuzzTarget`] is something that reads what strangers make: a table, a pipeline file, a lock, a model, a record.
//! It has *seeds*, whole inputs that it reads, and a *mutator* that knows the form, so that what it breaks is
//! deep inside and not the first byte. [`trial`] runs one mutant: it must end in an answer or in an error
//! about the input, without a panic, within [`MEMORY`] and within [`PATIENCE`]. Where we write the form ourselves,
//! what was accepted must also be written back as what was read.
//!
//! Everything is drawn from a seed: `collegium-fuzz csv --seed 7 --count 100000` runs the same inputs on
//! every machine. What was found once lies under `corpus/TARGET` and is read again by the tests, which also
//! run 2,000 mutants of each target.
//!
//! A new target is a module of [`targets`] that implements [`FuzzTarget`], and a line in [`targets::all`]. The same
//! targets run under `cargo fuzz` for those who have a nightly compiler ([`guided`], `fuzz/README.md`).
//!
//! Rejected: coverage-guided fuzzing alone. It needs a nightly compiler, and finds its way into a Parquet
//! footer only after hours; a mutator that knows where the footer lies is there at once.

pub mod guided;
pub mod mutate;
pub mod targets;
mod tree;
mod trial;

use std::path::Path;

pub use trial::{Harm, MEMORY, PATIENCE, trial};

/// Where mutants draw from.
pub type Random = collegium_digest::Stream;

/// Something that reads what strangers make.
pub trait FuzzTarget {
    /// Its name on the command line and of its folder in the corpus.
    fn name(&self) -> &'static str;

    /// The ending of a file name by which the form of a seed is known.
    fn extension(&self, seed: usize) -> &'static str;

    /// Whole inputs; the same at each call.
    fn seeds(&self) -> Vec<Vec<u8>>;

    /// Breaks a seed.
    fn mutate(&self, seed: Vec<u8>, random: &mut Random) -> Vec<u8>;

    /// Reads a file. An error is one about the input, in words.
    ///
    /// # Errors
    /// If the file is refused, as it should be where it is wrong.
    fn read(&self, path: &Path) -> Result<(), Refusal>;
}

/// How a target refused an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The error in words.
    pub message: String,
    /// Is it about the input? Anything else is a fault of ours.
    pub about_input: bool,
}

/// The mutant of a number, and the ending of its file name.
pub fn mutant(
    target: &dyn FuzzTarget,
    seeds: &[Vec<u8>],
    seed: u64,
    number: u64,
) -> (Vec<u8>, &'static str) {
    use rand::RngExt as _;
    let mut key = collegium_digest::Hasher::new("mutant");
    key.text(target.name()).count(seed).count(number);
    let mut random = collegium_digest::stream(&key.finish(), "fuzz");
    let of = random.random_range(0..seeds.len());
    (target.mutate(seeds[of].clone(), &mut random), target.extension(of))
}
