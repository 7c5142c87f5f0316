use std::{fs, path::Path};

use collegium_digest::Digest;
use collegium_store::{Store, StoreError};
use proptest::prelude::*;

use crate::{files, fresh, id};

#[test]
fn an_edit_of_the_same_size_within_the_same_second_is_noticed() {
    let (folder, store) = fresh();
    let path = folder.path().join("rows.csv");
    for text in ["a,b\n1,2\n", "a,b\n1,3\n", "a,b\n1,2\n"] {
        fs::write(&path, text).unwrap();
        for store in [&store, &Store::open(folder.path()).unwrap()] {
            assert_eq!(store.file_digest(&path).unwrap(), Digest::of(text.as_bytes()));
            store.flush().unwrap();
        }
    }
}

#[test]
fn an_edit_with_a_forged_time_is_noticed() {
    let (folder, store) = fresh();
    let path = folder.path().join("rows.csv");
    let long_ago = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    for text in ["a,b\n1,2\n", "a,b\n1,3\n"] {
        fs::write(&path, text).unwrap();
        fs::File::options().write(true).open(&path).unwrap().set_modified(long_ago).unwrap();
        assert_eq!(store.file_digest(&path).unwrap(), Digest::of(text.as_bytes()));
    }
}

#[test]
fn a_young_file_is_not_cached_and_an_old_one_is() {
    let (folder, store) = fresh();
    let young = folder.path().join("rows.csv");
    fs::write(&young, "a").unwrap();
    store.file_digest(&young).unwrap();
    store.flush().unwrap();
    assert!(files(store.root()).is_empty());

    let old = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
    let digest = store.file_digest(old).unwrap();
    store.flush().unwrap();
    let cache = fs::read_to_string(store.root().join("cache/stat.json")).unwrap();
    assert!(cache.contains(&digest.to_string()));
    // Nothing new: nothing written.
    fs::remove_file(store.root().join("cache/stat.json")).unwrap();
    store.file_digest(old).unwrap();
    store.flush().unwrap();
    assert!(!store.root().join("cache/stat.json").exists());
}

#[test]
fn a_missing_input_is_the_users_affair() {
    let (folder, store) = fresh();
    for path in [folder.path().join("absent.csv"), folder.path().to_owned()] {
        let error = store.file_digest(&path).unwrap_err();
        assert!(matches!(error, StoreError::Input { .. }), "{error}");
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
        assert!(!error.is_damage_or_write());
    }
}

#[test]
fn the_memo_outlives_the_process_once_flushed() {
    let (folder, store) = fresh();
    store.remember(id("a"), id("1"));
    assert_eq!(store.memo(&id("a")), Some(id("1")));
    assert_eq!(Store::open(folder.path()).unwrap().memo(&id("a")), None);
    store.flush().unwrap();
    assert_eq!(Store::open(folder.path()).unwrap().memo(&id("a")), Some(id("1")));
}

#[test]
fn two_processes_add_to_one_memo() {
    let (folder, store) = fresh();
    let other = Store::open(folder.path()).unwrap();
    assert_eq!(other.memo(&id("a")), None);
    store.remember(id("a"), id("1"));
    store.flush().unwrap();
    other.remember(id("b"), id("2"));
    other.flush().unwrap();
    let both = Store::open(folder.path()).unwrap();
    assert_eq!((both.memo(&id("a")), both.memo(&id("b"))), (Some(id("1")), Some(id("2"))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_memo_comes_back(pairs in prop::collection::hash_map(any::<[u8; 32]>(), any::<[u8; 32]>(), 0..50)) {
        let (folder, store) = fresh();
        for (key, value) in &pairs {
            store.remember(Digest::from_bytes(*key), Digest::from_bytes(*value));
        }
        store.flush().unwrap();
        let store = Store::open(folder.path()).unwrap();
        for (key, value) in &pairs {
            prop_assert_eq!(store.memo(&Digest::from_bytes(*key)), Some(Digest::from_bytes(*value)));
        }
        prop_assert!(store.notes().is_empty());
    }
}

/// A link is turned to another file and back: no stamp of the first file tells.
#[cfg(unix)]
#[test]
fn a_digest_is_kept_with_the_stamp_of_the_file_that_was_read() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    // Files that are old enough for their stamps to be trusted.
    let [first, second] =
        ["Cargo.toml", "src/lib.rs"].map(|name| Path::new(env!("CARGO_MANIFEST_DIR")).join(name));
    let link = folder.path().join("link");
    let turn = |to: &Path| {
        let _ = fs::remove_file(&link);
        symlink(to, &link).unwrap();
    };
    turn(&first);
    let open = |path: &Path| {
        turn(&second);
        let file = fs::File::open(path);
        turn(&first);
        file
    };
    let mut hash = |file: &mut fs::File| {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(file, &mut bytes)?;
        Ok(Digest::of(&bytes))
    };
    let read = store.file_digest_by(&link, &open, &mut hash).unwrap();
    assert_eq!(read, Digest::of(&fs::read(&second).unwrap()), "what was read");
    assert_eq!(store.file_digest(&link).unwrap(), Digest::of(&fs::read(&first).unwrap()));
}
