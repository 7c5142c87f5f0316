//! Whatever happens to a file of the store costs a miss and nothing else.

use std::{fs, path::Path};

use collegium_digest::Digest;
use collegium_records::{Cost, RunReport};
use collegium_store::Store;

use crate::{files, fresh, id, overwrite, recipe, runs::report};

const COST: Cost = Cost { seconds: 1.0, cpu_seconds: 2.0, peak_bytes: 3, joules: None };

/// What one finds in the store that [`fill`] has filled: nothing, or exactly what was put.
#[derive(Debug, PartialEq)]
struct Found {
    object: Option<Vec<u8>>,
    mapped: Option<Vec<u8>>,
    recipe: bool,
    realisation: Option<Cost>,
    runs: usize,
    memo: Option<Digest>,
    source: Digest,
}

/// A file of this crate: old enough for the stat cache to trust its times.
fn source() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
}

fn fill(store: &Store) {
    store.put(b"weights").unwrap();
    store.realise(&recipe("a"), &id("model"), &COST).unwrap();
    store.log_run(&report("flights")).unwrap();
    store.remember(id("key"), id("value"));
    store.file_digest(source()).unwrap();
    store.flush().unwrap();
}

fn look(store: &Store) -> Found {
    let object = Digest::of(b"weights");
    let runs: Vec<(String, RunReport)> = store.runs().unwrap();
    Found {
        object: store.get(&object).unwrap(),
        mapped: store.path(&object).unwrap().map(|path| fs::read(path).unwrap()),
        recipe: store.recipe(&recipe("a").digest()).unwrap() == Some(recipe("a")),
        realisation: store.realisations(&recipe("a").digest()).unwrap().get(&id("model")).copied(),
        runs: runs.len(),
        memo: store.memo(&id("key")),
        source: store.file_digest(source()).unwrap(),
    }
}

fn whole() -> Found {
    Found {
        object: Some(b"weights".to_vec()),
        mapped: Some(b"weights".to_vec()),
        recipe: true,
        realisation: Some(COST),
        runs: 1,
        memo: Some(id("value")),
        source: Digest::of(&fs::read(source()).unwrap()),
    }
}

/// How many of the things are missing; panics if one of them is there and wrong.
fn missing(found: &Found) -> usize {
    let whole = whole();
    let lost = [
        found.object.is_none(),
        found.mapped.is_none(),
        !found.recipe,
        found.realisation.is_none(),
        found.runs == 0,
        found.memo.is_none(),
    ];
    assert!(found.object.is_none() || found.object == whole.object);
    assert!(found.mapped.is_none() || found.mapped == whole.mapped);
    assert!(found.realisation.is_none() || found.realisation == whole.realisation);
    assert!(found.memo.is_none() || found.memo == whole.memo);
    assert_eq!(found.source, whole.source);
    lost.iter().filter(|lost| **lost).count()
}

/// Does `harm` to each file of a filled store in turn, and returns the number of files.
fn each_file(harm: impl Fn(&Path)) -> usize {
    let (_folder, store) = fresh();
    fill(&store);
    let count = files(store.root()).len();
    for n in 0..count {
        let (folder, store) = fresh();
        fill(&store);
        let path = files(store.root()).remove(n);
        harm(&path);
        let name = path.strip_prefix(store.root()).unwrap().display().to_string();
        let store = Store::open(folder.path()).unwrap();
        let lost = missing(&look(&store));
        // The object is looked at twice.
        assert!(lost <= 2, "{name}: {lost} things lost");
        // Doing the work again makes everything whole.
        if lost > 0 && name.starts_with("runs") {
            continue;
        }
        fill(&store);
        let mut found = look(&Store::open(folder.path()).unwrap());
        found.runs = 1;
        assert_eq!(found, whole(), "{name}");
        assert_eq!(fs::read_to_string(store.root().join("version")).unwrap().trim(), "1");
    }
    count
}

#[test]
fn a_filled_store_is_found_whole() {
    let (folder, store) = fresh();
    fill(&store);
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(look(&store), whole());
    assert!(store.notes().is_empty());
}

#[test]
fn any_file_may_be_deleted() {
    // object, recipe, realisation, run, stat cache, memo, version, README, .gitignore
    assert_eq!(each_file(|path| fs::remove_file(path).unwrap()), 9);
}

#[test]
fn any_file_may_be_emptied() {
    each_file(|path| overwrite(path, b""));
}

#[test]
fn any_file_may_lose_its_end() {
    each_file(|path| {
        let bytes = fs::read(path).unwrap();
        overwrite(path, &bytes[..bytes.len() - 1]);
    });
}

#[test]
fn any_file_may_have_a_bit_flipped() {
    for position in [0, 2, 5, 7] {
        each_file(|path| {
            let mut bytes = fs::read(path).unwrap();
            // `version` would become another number: that is for `refusals`.
            if !path.ends_with("version") {
                let at = (bytes.len() - 1) * position / 7;
                bytes[at] ^= 1 << position;
                overwrite(path, &bytes);
            }
        });
    }
}

#[test]
fn any_file_may_become_a_folder() {
    each_file(|path| {
        if !path.ends_with("version") {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
        }
    });
}

#[test]
fn the_whole_store_may_vanish_under_a_running_process() {
    let (_folder, store) = fresh();
    fill(&store);
    fs::remove_dir_all(store.root()).unwrap();
    assert_eq!(missing(&look(&store)), 5, "only the memo is in memory");
    drop(store.lock(&id("a")).unwrap());
    store.put(b"weights").unwrap();
    store.realise(&recipe("a"), &id("model"), &COST).unwrap();
    store.flush().unwrap();
    assert_eq!(store.get(&id("weights")).unwrap().unwrap(), b"weights");
}

#[test]
fn damage_is_put_into_words_once_and_into_quarantine() {
    let (_folder, store) = fresh();
    fill(&store);
    let object = Digest::of(b"weights");
    overwrite(&store.path(&object).unwrap().unwrap(), b"rubbish");
    assert_eq!(store.get(&object).unwrap(), None);
    let notes = store.notes();
    assert_eq!(notes.len(), 1);
    assert!(notes[0].contains(&format!("object {}", object.short())), "{}", notes[0]);
    assert!(notes[0].contains("quarantine"), "{}", notes[0]);
    assert!(store.notes().is_empty());
    let quarantined = files(&store.root().join("quarantine"));
    assert_eq!(fs::read(&quarantined[0]).unwrap(), b"rubbish");
    assert!(!store.contains(&object));
}

#[test]
fn a_record_in_the_wrong_place_is_not_believed() {
    let (_folder, store) = fresh();
    fill(&store);
    store.realise(&recipe("b"), &id("model"), &Cost::default()).unwrap();
    let of = |name: &str, folder: &str| {
        let digest = recipe(name).digest().to_string();
        files(&store.root().join(folder))
            .into_iter()
            .find(|p| p.to_string_lossy().contains(&digest))
            .unwrap()
    };
    for folder in ["recipes", "realisations"] {
        fs::copy(of("b", folder), of("a", folder)).unwrap();
    }
    assert!(store.realisations::<Cost>(&recipe("a").digest()).unwrap().is_empty());
    assert_eq!(store.recipe(&recipe("a").digest()).unwrap(), None);
    assert_eq!(store.notes().len(), 2);
}

#[test]
fn foreign_files_are_passed_over() {
    let (_folder, store) = fresh();
    fill(&store);
    for file in files(store.root()) {
        fs::write(file.with_file_name("notes.txt"), b"mine").unwrap();
        fs::write(file.with_file_name("mine.json"), b"mine").unwrap();
    }
    fs::write(store.root().join("objects/stray"), b"mine").unwrap();
    let found = look(&store);
    assert_eq!(found.realisation, Some(COST));
    assert_eq!(store.objects().unwrap(), [Digest::of(b"weights")]);
}
