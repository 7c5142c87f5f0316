//! A store promises the same over every backend.

use std::{
    fs,
    time::{Duration, SystemTime},
};

use collegium_digest::Digest;
use collegium_store::{Entry, GcPolicy, Prefix, Roots};

use crate::fixtures::{Empty, get, id, object, put, recipe, record};

for_every_backend!(
    an_object_is_read_here_at_once_and_by_others_once_it_is_durable,
    no_record_is_filed_before_the_objects_that_it_may_name,
    wrong_content_is_a_miss_and_is_made_again,
    a_record_in_the_wrong_place_is_not_believed,
    every_object_has_a_file_to_be_mapped,
    a_streamed_object_of_any_size_comes_back,
    two_stores_find_each_others_records,
    what_is_put_again_is_not_written_again,
    verify_finds_what_is_damaged,
    gc_frees_what_nothing_stands_on_and_spares_the_young,
    what_is_this_machines_own_stays_in_the_folder,
    a_damaged_object_in_use_is_not_handed_out_as_a_file,
);

fn an_object_is_read_here_at_once_and_by_others_once_it_is_durable(empty: Empty) {
    let fixture = empty();
    let (one, other) = (fixture.store(), fixture.store());
    let digest = one.put(b"weights").unwrap();
    assert_eq!(one.get(&digest).unwrap().unwrap(), b"weights");
    assert!(one.contains(&digest) && !other.contains(&digest));
    assert_eq!(other.get(&digest).unwrap(), None);
    assert_eq!(fixture.open().list(&Prefix::Objects).unwrap(), []);
    one.flush().unwrap();
    assert_eq!(other.get(&digest).unwrap().unwrap(), b"weights");
    assert_eq!(one.get(&digest).unwrap().unwrap(), b"weights");
}

fn no_record_is_filed_before_the_objects_that_it_may_name(empty: Empty) {
    let fixture = empty();
    let store = fixture.store();
    let digest = store.put(b"weights").unwrap();
    store.realise(&recipe("a"), &digest, &"record").unwrap();
    let backend = fixture.open();
    assert_eq!(backend.list(&Prefix::Objects).unwrap(), [Entry::Object(digest)]);
    assert_eq!(backend.list(&Prefix::Recipes).unwrap(), [Entry::Recipe(recipe("a").digest())]);
    assert_eq!(backend.list(&Prefix::Records).unwrap().len(), 1);
}

fn wrong_content_is_a_miss_and_is_made_again(empty: Empty) {
    let fixture = empty();
    let of = recipe("a").digest();
    let entries = [object(b"weights").0, Entry::Recipe(of), record("a", "model", "").0];
    for entry in entries {
        for wrong in [&b""[..], b"{}", b"something else"] {
            put(&*fixture.open(), &(entry, wrong.to_vec()));
        }
        let store = fixture.store();
        match entry {
            Entry::Object(object) => assert_eq!(store.get(&object).unwrap(), None),
            Entry::Recipe(of) => assert_eq!(store.recipe(&of).unwrap(), None),
            Entry::Record { .. } => {
                assert!(store.realisations::<u8>(&of).unwrap().is_empty());
            }
        }
        let notes = store.notes();
        assert_eq!(notes.len(), 1, "{notes:?}");
        assert!(notes[0].contains(&entry.to_string()) && notes[0].contains("damaged"), "{notes:?}");
        store.put(b"weights").unwrap();
        store.realise(&recipe("a"), &id("model"), &7u8).unwrap();
        store.flush().unwrap();
        let store = fixture.store();
        assert_eq!(store.get(&Digest::of(b"weights")).unwrap().unwrap(), b"weights");
        assert_eq!(store.recipe(&of).unwrap(), Some(recipe("a")));
        assert_eq!(store.realisations::<u8>(&of).unwrap()[&id("model")], 7);
        assert!(store.notes().is_empty());
    }
}

fn a_record_in_the_wrong_place_is_not_believed(empty: Empty) {
    let fixture = empty();
    fixture.store().realise(&recipe("a"), &id("model"), &7u8).unwrap();
    let content = get(&*fixture.open(), &record("a", "model", "").0).unwrap();
    put(&*fixture.open(), &(record("b", "model", "").0, content.clone()));
    put(&*fixture.open(), &(record("a", "other", "").0, content));
    let store = fixture.store();
    assert!(store.realisations::<u8>(&recipe("b").digest()).unwrap().is_empty());
    assert_eq!(store.realisations::<u8>(&recipe("a").digest()).unwrap().len(), 1);
}

fn every_object_has_a_file_to_be_mapped(empty: Empty) {
    let fixture = empty();
    let store = fixture.store();
    let digest = store.put(b"weights").unwrap();
    for _ in 0..2 {
        let path = store.path(&digest).unwrap().unwrap();
        assert_eq!(fs::read(path).unwrap(), b"weights");
    }
    store.flush().unwrap();
    let other = fixture.store();
    assert_eq!(fs::read(other.path(&digest).unwrap().unwrap()).unwrap(), b"weights");
    assert_eq!(other.path(&id("nothing")).unwrap(), None);
}

fn a_damaged_object_in_use_is_not_handed_out_as_a_file(empty: Empty) {
    let fixture = empty();
    put(&*fixture.open(), &(object(b"weights").0, b"rubbish".to_vec()));
    let store = fixture.store();
    assert_eq!(store.path(&Digest::of(b"weights")).unwrap(), None);
    assert_eq!(store.notes().len(), 1);
    assert!(!store.contains(&Digest::of(b"weights")));
}

fn a_streamed_object_of_any_size_comes_back(empty: Empty) {
    let fixture = empty();
    let store = fixture.store();
    let piece = [42u8; 1 << 16];
    let digest = store.put_with(&mut |to| (0..200).try_for_each(|_| to.write_all(&piece))).unwrap();
    assert_eq!(digest, Digest::of(&piece.repeat(200)));
    store.flush().unwrap();
    let path = fixture.store().path(&digest).unwrap();
    assert!(path.is_some());
    assert_eq!(fixture.store().get(&digest).unwrap().unwrap().len(), 200 << 16);
}

fn two_stores_find_each_others_records(empty: Empty) {
    let fixture = empty();
    let (one, other) = (fixture.store(), fixture.store());
    one.realise(&recipe("a"), &id("one"), &1u8).unwrap();
    other.realise(&recipe("a"), &id("other"), &2u8).unwrap();
    let of = recipe("a").digest();
    for store in [&one, &other] {
        let found = store.realisations::<u8>(&of).unwrap();
        assert_eq!((found.len(), found[&id("one")], found[&id("other")]), (2, 1, 2));
        let named = store.realisations_named(&id("one").to_string()[..6]).unwrap();
        assert_eq!(named, [(of, id("one"))]);
        assert_eq!(store.recipe(&of).unwrap(), Some(recipe("a")));
    }
    assert_eq!(one.digest_tree().unwrap(), other.digest_tree().unwrap());
}

fn what_is_put_again_is_not_written_again(empty: Empty) {
    let fixture = empty();
    let entry = object(b"weights").0;
    let mut before = None;
    for _ in 0..3 {
        let store = fixture.store();
        store.put(b"weights").unwrap();
        store.flush().unwrap();
        let now = fixture.open().look(&entry).unwrap();
        assert!(now.is_some() && (before.is_none() || before == now), "{now:?} after {before:?}");
        before = now;
    }
}

fn verify_finds_what_is_damaged(empty: Empty) {
    let fixture = empty();
    let store = fixture.store();
    for text in ["one", "two"] {
        store.put(text.as_bytes()).unwrap();
        store.realise(&recipe(text), &id("model"), &1u8).unwrap();
    }
    store.flush().unwrap();
    assert_eq!(store.verify(&[], None, &mut |_| ()).unwrap().damaged, []);
    let damaged =
        [object(b"one").0, Entry::Recipe(recipe("one").digest()), record("two", "model", "").0];
    for entry in damaged {
        put(&*fixture.open(), &(entry, b"rubbish".to_vec()));
    }
    let store = fixture.store();
    let mut found: Vec<String> =
        store.verify(&[], None, &mut |_| ()).unwrap().damaged.into_iter().map(|d| d.file).collect();
    found.sort();
    let mut expected = damaged.map(|entry| entry.path());
    expected.sort();
    assert_eq!(found, expected);
    assert_eq!(store.verify(&[], None, &mut |_| ()).unwrap().damaged, []);
}

fn gc_frees_what_nothing_stands_on_and_spares_the_young(empty: Empty) {
    let fixture = empty();
    let store = fixture.store();
    let (live, stale) = (store.put(b"live").unwrap(), store.put(b"stale").unwrap());
    store.realise(&recipe("a"), &id("model"), &"names nothing").unwrap();
    let roots = Roots { objects: [live].into(), ..Roots::default() };
    let policy = |grace: u64, now: u64| GcPolicy {
        keep: 0,
        grace: Duration::from_secs(grace),
        now: SystemTime::now() + Duration::from_secs(now),
    };
    let young = store.plan_gc(&roots, &policy(3600, 0)).unwrap();
    assert!(young.doomed.is_empty(), "{young:?}");
    let plan = store.plan_gc(&roots, &policy(0, 1)).unwrap();
    assert_eq!(plan.doomed.iter().filter_map(|d| d.object).collect::<Vec<_>>(), [stale]);
    let freed = store.gc(&plan).unwrap();
    assert_eq!(freed.len(), plan.doomed.len());
    let left = fixture.store().objects().unwrap();
    assert_eq!(left, [live]);
    assert!(store.gc(&plan).unwrap().is_empty(), "once is enough");
}

fn what_is_this_machines_own_stays_in_the_folder(empty: Empty) {
    let fixture = empty();
    let store = fixture.store();
    let lock = store.lock(&id("recipe")).unwrap();
    assert!(fixture.store().try_lock(&id("recipe")).unwrap().is_none());
    drop(lock);
    store.remember(id("key"), id("value"));
    store.cache("entry", b"{}").unwrap();
    store.flush().unwrap();
    let other = fixture.store();
    assert_eq!(other.memo(&id("key")), Some(id("value")));
    assert_eq!(other.cached("entry").unwrap().unwrap(), b"{}");
    assert!(fixture.project.path().join(".collegium/cache/memo").is_file());
}
