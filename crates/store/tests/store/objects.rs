use std::{
    fs,
    time::{Duration, SystemTime},
};

use collegium_digest::Digest;
use collegium_store::Store;
use proptest::prelude::*;

use crate::{files, fresh, id, overwrite, recipe};

#[test]
fn an_object_is_named_by_the_hash_of_its_bytes() {
    let (_folder, store) = fresh();
    let digest = store.put(b"weights").unwrap();
    assert_eq!(digest, Digest::of(b"weights"));
    assert!(store.contains(&digest));
    assert_eq!(store.get(&digest).unwrap().unwrap(), b"weights");
    assert_eq!(fs::read(store.path(&digest).unwrap().unwrap()).unwrap(), b"weights");
    let name = digest.to_string();
    assert!(store.root().join("objects").join(&name[..2]).join(&name[2..]).is_file());
}

#[test]
fn what_was_never_put_is_not_there() {
    let (_folder, store) = fresh();
    let digest = Digest::of(b"nothing");
    assert!(!store.contains(&digest));
    assert_eq!(store.get(&digest).unwrap(), None);
    assert_eq!(store.path(&digest).unwrap(), None);
    assert!(store.objects().unwrap().is_empty());
}

#[test]
fn looking_writes_nothing() {
    let (folder, store) = fresh();
    store.get(&Digest::of(b"nothing")).unwrap();
    store.runs().unwrap();
    store.memo(&Digest::of(b"nothing"));
    store.flush().unwrap();
    assert!(files(folder.path()).is_empty());
    assert!(!folder.path().join(".collegium").exists());
}

#[test]
fn objects_are_read_only_and_leave_no_temporary_file() {
    let (_folder, store) = fresh();
    let digest = store.put(b"weights").unwrap();
    let path = store.path(&digest).unwrap().unwrap();
    assert!(fs::metadata(path).unwrap().permissions().readonly());
    assert!(files(&store.root().join("tmp")).is_empty());
}

#[test]
fn an_object_that_exists_is_not_written_again() {
    let (_folder, store) = fresh();
    let digest = store.put(b"weights").unwrap();
    let path = store.path(&digest).unwrap().unwrap();
    let before = fs::metadata(&path).unwrap().modified().unwrap();
    store.put(b"weights").unwrap();
    store.put_with(&mut |to| to.write_all(b"weights")).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), before);
    assert!(files(&store.root().join("tmp")).is_empty());
}

#[test]
fn putting_an_object_again_heals_a_damaged_one() {
    let (folder, store) = fresh();
    let digest = store.put(b"weights").unwrap();
    overwrite(&store.path(&digest).unwrap().unwrap(), b"weighty");
    for store in [store, Store::open(folder.path()).unwrap()] {
        store.put(b"weights").unwrap();
        assert_eq!(store.get(&digest).unwrap().unwrap(), b"weights");
    }
}

#[test]
fn a_stream_that_fails_leaves_nothing() {
    let (_folder, store) = fresh();
    let error = store
        .put_with(&mut |to| {
            to.write_all(&[7; 1 << 20])?;
            Err(std::io::Error::other("the query was interrupted"))
        })
        .unwrap_err();
    assert!(error.to_string().contains("the query was interrupted"), "{error}");
    assert!(store.objects().unwrap().is_empty());
    assert!(files(&store.root().join("tmp")).is_empty());
}

/// Files under `objects/`.
fn named(store: &Store) -> usize {
    files(&store.root().join("objects")).len()
}

#[test]
fn an_object_is_read_here_at_once_and_by_others_once_it_is_durable() {
    let (folder, store) = fresh();
    let other = Store::open(folder.path()).unwrap();
    let digest = store.put(b"weights").unwrap();
    assert!(store.contains(&digest) && !other.contains(&digest));
    assert_eq!(store.get(&digest).unwrap().unwrap(), b"weights");
    assert_eq!(named(&store), 0);
    store.flush().unwrap();
    assert_eq!(other.get(&digest).unwrap().unwrap(), b"weights");
    assert!(files(&store.root().join("tmp")).is_empty());
}

#[test]
fn no_record_is_filed_before_the_objects_that_it_may_name() {
    let (_folder, store) = fresh();
    for i in 0..3u8 {
        store.put(&[i]).unwrap();
    }
    assert_eq!(named(&store), 0);
    store.realise(&recipe("a"), &id("x"), &1).unwrap();
    assert_eq!(named(&store), 3);
}

#[test]
fn asking_for_the_file_of_an_object_names_it() {
    let (_folder, store) = fresh();
    let digest = store.put(b"weights").unwrap();
    let path = store.path(&digest).unwrap().unwrap();
    assert!(path.starts_with(store.root().join("objects")));
}

#[test]
fn waiting_objects_do_not_pile_up() {
    let (_folder, store) = fresh();
    for i in 0..200u32 {
        store.put(&i.to_le_bytes()).unwrap();
    }
    let waiting = files(&store.root().join("tmp")).len();
    assert!(waiting < 64 && named(&store) + waiting == 200, "{waiting} wait");
}

#[test]
fn an_object_that_is_needed_again_is_young_again() {
    let (_folder, store) = fresh();
    let digest = store.put(b"weights").unwrap();
    let path = store.path(&digest).unwrap().unwrap();
    let long_ago = SystemTime::now() - Duration::from_secs(1_000_000);
    fs::File::open(&path).unwrap().set_modified(long_ago).unwrap();
    store.put(b"weights").unwrap();
    let age = fs::metadata(&path).unwrap().modified().unwrap().elapsed().unwrap();
    assert!(age < Duration::from_secs(60), "{age:?}");
    assert_eq!(store.get(&digest).unwrap().unwrap(), b"weights");
}

#[test]
fn objects_are_listed_sorted() {
    let (_folder, store) = fresh();
    let mut digests: Vec<_> = (0..50u8).map(|i| store.put(&[i]).unwrap()).collect();
    digests.sort();
    assert_eq!(store.objects().unwrap(), digests);
}

#[test]
fn the_folder_explains_itself_and_hides_from_git() {
    let (_folder, store) = fresh();
    store.put(b"x").unwrap();
    let read = |name: &str| fs::read_to_string(store.root().join(name)).unwrap();
    assert_eq!(read(".gitignore"), "*\n");
    assert_eq!(read("version"), "1\n");
    assert!(read("README").contains("may be deleted at any time"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn streaming_and_putting_agree(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..5000), 0..80)) {
        let (_folder, store) = fresh();
        let streamed = store.put_with(&mut |to| chunks.iter().try_for_each(|c| to.write_all(c))).unwrap();
        prop_assert_eq!(streamed, Digest::of(&chunks.concat()));
        prop_assert_eq!(store.get(&streamed).unwrap().unwrap(), chunks.concat());
        prop_assert_eq!(store.put(&chunks.concat()).unwrap(), streamed);
    }
}
