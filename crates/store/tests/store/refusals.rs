//! What is no mere damage, and how it is said. Permissions do not bind root, under whom tests
//! often run, so files stand where folders should be.

use std::fs;

use collegium_store::{Store, StoreError};

use crate::{fresh, id, recipe};

#[test]
fn a_newer_layout_is_refused() {
    let (folder, store) = fresh();
    store.put(b"x").unwrap();
    fs::write(store.root().join("version"), "2\n").unwrap();
    let error = Store::open(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 2, known: 1, .. }));
    assert!(error.is_damage_or_write());
    let text = error.to_string().replace(store.root().to_str().unwrap(), "STORE");
    insta::assert_snapshot!(text, @"the store STORE has layout version 2, but this collegium knows only up to 1. Update collegium, or move that folder away to begin with an empty store");
}

#[test]
fn a_file_in_place_of_the_store_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(".collegium"), "mine").unwrap();
    let error = Store::open(folder.path()).unwrap_err();
    assert!(error.is_damage_or_write());
    assert!(error.to_string().contains("A file lies where a folder should be"), "{error}");
    assert_eq!(fs::read(folder.path().join(".collegium")).unwrap(), b"mine");
}

#[test]
fn a_store_that_cannot_be_written_says_which_file_and_what_to_do() {
    for name in ["objects", "recipes", "realisations", "locks", "tmp", "runs", "cache"] {
        let (folder, _) = fresh();
        fs::create_dir(folder.path().join(".collegium")).unwrap();
        fs::write(folder.path().join(".collegium").join(name), "mine").unwrap();
        let store = Store::open(folder.path()).unwrap();
        let errors = [
            store.put(b"x").unwrap_err(),
            store.put_with(&mut |to| to.write_all(b"x")).unwrap_err(),
            store.realise(&recipe("a"), &id("x"), &1).unwrap_err(),
            store.lock(&id("x")).map(drop).unwrap_err(),
            store.try_lock(&id("x")).map(drop).unwrap_err(),
            store.log_run(&crate::runs::report("a")).unwrap_err(),
            {
                store.remember(id("x"), id("y"));
                store.flush().unwrap_err()
            },
        ];
        for error in errors {
            assert!(error.is_damage_or_write(), "{error}");
            assert!(error.to_string().contains(name), "{error}");
            assert!(error.to_string().contains("move it away and run again"), "{error}");
        }
    }
}

#[test]
fn a_full_disk_is_named_and_leaves_nothing() {
    let (_folder, store) = fresh();
    let error = store
        .put_with(&mut |to| {
            to.write_all(b"begun")?;
            Err(std::io::ErrorKind::StorageFull.into())
        })
        .unwrap_err();
    assert!(error.is_damage_or_write());
    assert!(error.to_string().contains("Free some space and run again"), "{error}");
    assert!(store.objects().unwrap().is_empty());
}
