//! What the store promises, from outside.
#![allow(clippy::unwrap_used)]

mod caches;
mod damage;
mod gc;
mod links;
mod lockfile;
mod objects;
mod refusals;
mod runs;
mod sharing;
mod speed;
mod traces;
mod verify;

use std::{
    fs,
    path::{Path, PathBuf},
};

use collegium_digest::Digest;
use collegium_records::Recipe;
use collegium_store::Store;

/// A store in a folder of its own, which is deleted at the end.
fn fresh() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    (folder, store)
}

fn recipe(name: &str) -> Recipe {
    Recipe::new("fit").with("name", name).with("train.learning_rate", 1e-3)
}

fn id(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

/// Every file below a folder, sorted.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// Overwrites a file, read-only or not.
fn overwrite(path: &Path, bytes: &[u8]) {
    fs::remove_file(path).unwrap();
    fs::write(path, bytes).unwrap();
}
