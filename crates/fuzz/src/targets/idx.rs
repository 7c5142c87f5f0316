//! Fuzz target of IDX files: heads whose dimensions are not those of the bytes, packed and not.

use std::{io::Write as _, path::Path};

use flate2::{Compression, write::GzEncoder};
use rand::RngExt as _;

use super::tables;
use crate::{
    FuzzTarget, Random, Refusal,
    mutate::{break_once, nudge, number, some_times},
};

/// Columns of numbers of all types, and of images.
pub struct Idx;

fn plain(kind: u8, sizes: &[u32], bytes: usize) -> Vec<u8> {
    let mut file = vec![0, 0, kind, sizes.len() as u8];
    file.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
    file.extend((0..bytes).map(|at| (at * 37 % 251) as u8));
    file
}

fn files() -> Vec<Vec<u8>> {
    vec![
        plain(0x08, &[50], 50),
        plain(0x09, &[50], 50),
        plain(0x0b, &[50], 100),
        plain(0x0c, &[50], 200),
        plain(0x0d, &[0], 0),
        plain(0x0e, &[5], 40),
        plain(0x08, &[20, 6, 5], 600),
        plain(0x08, &[7, 4, 4, 3], 336),
    ]
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to memory does not fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

impl FuzzTarget for Idx {
    fn name(&self) -> &'static str {
        "idx"
    }

    fn extension(&self, _: usize) -> &'static str {
        "idx"
    }

    fn seeds(&self) -> Vec<Vec<u8>> {
        let files = files();
        let packed = files.iter().map(|file| gzip(file));
        files.iter().cloned().chain(packed).collect()
    }

    fn mutate(&self, mut seed: Vec<u8>, random: &mut Random) -> Vec<u8> {
        if seed.starts_with(&[0x1f, 0x8b]) && random.random() {
            let files = files();
            let file = files[random.random_range(0..files.len())].clone();
            return gzip(&self.mutate(file, random));
        }
        some_times(random, |random| match random.random_range(0..3) {
            0 => break_once(&mut seed, random),
            1 => {
                let end = seed.len().min(20);
                nudge(&mut seed, 0..end, random);
            }
            _ => {
                // A dimension.
                let at = 4 * random.random_range(1..5);
                if seed.len() >= at + 4 {
                    seed[at..at + 4].copy_from_slice(&(number(random) as u32).to_be_bytes());
                }
            }
        });
        seed
    }

    fn read(&self, path: &Path) -> Result<(), Refusal> {
        tables::read(path)
    }
}
