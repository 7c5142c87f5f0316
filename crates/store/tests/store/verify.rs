//! What a verification finds, and what it calls it.

use std::{fs, path::Path};

use collegium_records::{Checked, Fit};
use collegium_store::{Progress, Scope, Store, Verified};

use crate::{
    files, fresh,
    gc::{model, outputs, standing_on, table},
    id, overwrite,
    runs::report,
};

fn fill(store: &Store) {
    let model = model(store, "size", 100, 1.0, None);
    outputs(store, model.realisation);
    table(store, "rows");
    store.log_run(&report("small")).unwrap();
    store.remember(id("key"), id("value"));
    store.file_digest(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))).unwrap();
    store.flush().unwrap();
}

fn verify(store: &Store) -> Verified {
    store.verify(&[], None, &mut |_| {}).unwrap()
}

#[test]
fn a_sound_store_is_read_to_the_last_byte() {
    let (_folder, store) = fresh();
    fill(&store);
    let mut last = Progress { done: 0, of: 1 };
    let found = store.verify(&[], None, &mut |progress| last = progress).unwrap();
    assert_eq!(found.damaged, []);
    assert_eq!(last.done, last.of);
    let count: Vec<_> = found.checked.iter().map(|(kind, amount)| (*kind, amount.files)).collect();
    use Checked::{Cache, Object, Recipe, Record, Run};
    assert_eq!(count, [(Object, 5), (Record, 4), (Recipe, 4), (Run, 1), (Cache, 2)]);
}

#[test]
fn a_flipped_bit_in_any_file_is_found_once_and_moved_away() {
    let (_folder, store) = fresh();
    fill(&store);
    let count = files(store.root()).len();
    let mut found = 0;
    for n in 0..count {
        let (folder, store) = fresh();
        fill(&store);
        let path = files(store.root()).remove(n);
        let name = path.strip_prefix(store.root()).unwrap().display().to_string();
        if ["README", "version", ".gitignore"].contains(&name.as_str()) {
            continue;
        }
        let mut bytes = fs::read(&path).unwrap();
        let at = bytes.len() / 2;
        bytes[at] ^= 4;
        overwrite(&path, &bytes);
        let store = Store::open(folder.path()).unwrap();
        let damaged = verify(&store).damaged;
        assert_eq!(damaged.len(), 1, "{name}");
        assert_eq!(damaged[0].file, name);
        let moved = store.root().join(damaged[0].quarantine.as_ref().unwrap());
        assert_eq!(fs::read(moved).unwrap(), bytes);
        assert!(!path.exists());
        assert_eq!(verify(&store).damaged, []);
        found += 1;
    }
    assert_eq!(found, 16);
}

#[test]
fn what_is_damaged_is_called_what_it_was() {
    let (_folder, store) = fresh();
    let size = model(&store, "size", 100, 1.0, None);
    let (applied, _) = outputs(&store, size.realisation);
    table(&store, "rows");
    let pipeline = standing_on(size, applied, None);
    store.flush().unwrap();
    for path in files(&store.root().join("objects")) {
        overwrite(&path, b"rubbish");
    }
    for path in files(&store.root().join("realisations")) {
        if path.to_str().unwrap().contains(&size.recipe.to_string()) {
            overwrite(&path, b"rubbish");
        }
    }
    let found = store.verify(&[pipeline], None, &mut |_| {}).unwrap();
    let mut was: Vec<_> = found.damaged.into_iter().map(|damaged| damaged.was).collect();
    was.sort();
    insta::assert_snapshot!(was.join("\n"), @"
    expert.size: model
    fit record of recipe 4c7153268ba7 (expert.size: full)
    output logit of recipe a0d878cd5c11
    output probability of recipe a0d878cd5c11
    sides of a split of recipe 7f03499ffd07
    table of recipe 7f03499ffd07
    ");
}

#[test]
fn a_pipeline_can_be_verified_alone() {
    let (_folder, store) = fresh();
    let size = model(&store, "size", 100, 1.0, None);
    let (applied, _) = outputs(&store, size.realisation);
    let other = model(&store, "other", 100, 1.0, None);
    let scope = Scope::of(&standing_on(size, applied, None));
    overwrite(&store.path(&other.realisation).unwrap().unwrap(), b"rubbish");
    assert_eq!(store.verify(&[], Some(&scope), &mut |_| {}).unwrap().damaged, []);
    overwrite(&store.path(&size.realisation).unwrap().unwrap(), b"rubbish");
    assert_eq!(store.verify(&[], Some(&scope), &mut |_| {}).unwrap().damaged.len(), 1);
    assert_eq!(verify(&store).damaged.len(), 1, "the other one");
}

#[test]
fn what_a_lock_names_and_the_store_lacks_is_listed() {
    let (_folder, store) = fresh();
    let size = model(&store, "size", 100, 1.0, None);
    let (applied, _) = outputs(&store, size.realisation);
    let data = table(&store, "rows");
    let pipeline = standing_on(size, applied, Some(data));
    assert_eq!(store.missing(&pipeline).unwrap(), []);
    fs::remove_dir_all(store.root()).unwrap();
    let missing = store.missing(&pipeline).unwrap();
    let words: Vec<_> = missing.iter().map(|m| format!("{} {}", m.node, m.what)).collect();
    assert_eq!(
        words,
        [
            "data.rows sides of the split",
            "data.rows table",
            "expert.size model",
            "expert.size record of fit full",
            "expert.size record of its outputs",
        ]
    );
    assert!(store.realisations::<Fit>(&size.recipe).unwrap().is_empty());
}
