//! Coverage-guided fuzzing of the same targets: what the programs of `fuzz/` call.
//!
//! An input of theirs is a byte, which says the form (the number of a seed), and a file of that form. Mutants are
//! our own: the fuzzer chooses whose offspring to keep.

use std::{cell::RefCell, path::PathBuf};

use rand::RngExt as _;

use crate::{FuzzTarget, targets, trial};

struct Bench {
    target: Box<dyn FuzzTarget>,
    seeds: Vec<Vec<u8>>,
    folder: PathBuf,
}

thread_local! {
    static BENCH: RefCell<Option<Bench>> = const { RefCell::new(None) };
}

/// With the target of a name, which is set up once.
fn with<T>(name: &str, work: impl FnOnce(&Bench) -> T) -> T {
    BENCH.with_borrow_mut(|bench| {
        work(bench.get_or_insert_with(|| {
            let target = targets::named(name).unwrap_or_else(|| panic!("no target `{name}`"));
            let folder =
                std::env::temp_dir().join(format!("collegium-fuzz-{}", std::process::id()));
            std::fs::create_dir_all(&folder)
                .unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
            Bench { seeds: target.seeds(), target, folder }
        }))
    })
}

/// Reads an input.
///
/// # Panics
/// If it does harm.
pub fn run(name: &str, input: &[u8]) {
    let Some((form, file)) = input.split_first() else { return };
    with(name, |bench| {
        let extension = bench.target.extension(usize::from(*form) % bench.seeds.len());
        let path = bench.folder.join(format!("input.{extension}"));
        if let Err(harm) = trial(bench.target.as_ref(), file, &path) {
            panic!("{harm}");
        }
    });
}

/// Puts a mutant in the place of the input at the beginning of `data`, and returns how long it is.
pub fn mutate(name: &str, data: &mut [u8], size: usize, most: usize, seed: u32) -> usize {
    let mut key = collegium_digest::Hasher::new("guided mutant");
    key.count(u64::from(seed));
    let mut random = collegium_digest::stream(&key.finish(), "fuzz");
    let mutant = with(name, |bench| {
        // There is nothing to begin with, or it is time for another beginning.
        let (form, file) = match data[..size].split_first() {
            Some((form, file)) if !file.is_empty() && random.random_range(0..20) > 0 => {
                (*form, file.to_vec())
            }
            _ => {
                let of = random.random_range(0..bench.seeds.len());
                (of as u8, bench.seeds[of].clone())
            }
        };
        let mut mutant = vec![form];
        mutant.extend(bench.target.mutate(file, &mut random));
        mutant
    });
    let length = mutant.len().min(most).min(data.len());
    data[..length].copy_from_slice(&mutant[..length]);
    length
}
