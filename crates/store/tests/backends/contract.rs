//! The contract, method by method and beside other threads.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use collegium_store::{Aside, Content, Entry, Prefix};
use proptest::prelude::*;

use crate::fixtures::{Empty, get, id, ingredients, object, put, recipe, record};

for_every_backend!(
    what_was_put_is_read_looked_at_and_listed,
    what_is_not_there_is_an_answer_and_no_error,
    what_is_put_twice_is_there_once,
    a_later_record_takes_the_place_of_an_earlier_one,
    records_of_one_recipe_are_listed_together,
    what_was_deleted_is_gone_and_may_be_put_again,
    what_was_set_aside_is_gone_and_may_be_put_again,
    another_handle_finds_what_was_put,
    nothing_is_read_before_it_is_whole,
    who_reads_is_not_disturbed_by_a_deletion,
    threads_may_put_the_same_entries,
    a_large_object_comes_back,
    many_objects_are_listed_in_order,
    a_touched_entry_is_no_older_than_before,
    a_batch_holds_entries_of_every_kind,
);

fn what_was_put_is_read_looked_at_and_listed(empty: Empty) {
    let fixture = empty();
    let backend = fixture.open();
    let entries = [object(b"weights"), ingredients("a"), record("a", "model", "{}")];
    for (prefix, one) in [Prefix::Objects, Prefix::Recipes, Prefix::Records].iter().zip(&entries) {
        put(&*backend, one);
        let (entry, content) = one;
        assert_eq!(get(&*backend, entry).as_ref(), Some(content), "{entry}");
        assert_eq!(backend.look(entry).unwrap().unwrap().bytes, content.len() as u64, "{entry}");
        assert_eq!(backend.list(prefix).unwrap(), [*entry]);
    }
    put(&*backend, &object(b""));
    assert_eq!(get(&*backend, &object(b"").0), Some(Vec::new()), "an empty object is one");
}

fn what_is_not_there_is_an_answer_and_no_error(empty: Empty) {
    let fixture = empty();
    let backend = fixture.open();
    for (entry, _) in [object(b"weights"), ingredients("a"), record("a", "model", "{}")] {
        assert!(backend.open(&entry).unwrap().is_none());
        assert_eq!(backend.look(&entry).unwrap(), None);
        assert!(!backend.delete(&entry).unwrap());
        assert_eq!(backend.set_aside(&entry).unwrap(), Aside::Gone);
        backend.touch(&entry).unwrap();
    }
    for prefix in
        [Prefix::Objects, Prefix::Recipes, Prefix::Records, Prefix::RecordsOf(id("no recipe"))]
    {
        assert_eq!(backend.list(&prefix).unwrap(), []);
    }
    backend.flush().unwrap();
    assert_eq!(backend.notes(), Vec::<String>::new());
}

fn what_is_put_twice_is_there_once(empty: Empty) {
    let fixture = empty();
    let backend = fixture.open();
    let one = object(b"weights");
    for _ in 0..2 {
        put(&*backend, &one);
        put(&*fixture.open(), &one);
    }
    assert_eq!(backend.list(&Prefix::Objects).unwrap(), [one.0]);
    assert_eq!(get(&*backend, &one.0), Some(one.1));
}

fn a_later_record_takes_the_place_of_an_earlier_one(empty: Empty) {
    let fixture = empty();
    let backend = fixture.open();
    for text in ["1", "2", "3"] {
        let one = record("a", "model", text);
        put(&*backend, &one);
        backend.flush().unwrap();
        assert_eq!(get(&*fixture.open(), &one.0), Some(one.1));
    }
    assert_eq!(backend.list(&Prefix::Records).unwrap().len(), 1);
}

fn records_of_one_recipe_are_listed_together(empty: Empty) {
    let fixture = empty();
    let (one, other) = (fixture.open(), fixture.open());
    put(&*one, &record("a", "first", "1"));
    put(&*other, &record("a", "second", "2"));
    put(&*other, &record("b", "third", "3"));
    let mut both = [record("a", "first", "1").0, record("a", "second", "2").0];
    both.sort();
    for backend in [one, other] {
        assert_eq!(backend.list(&Prefix::RecordsOf(recipe("a").digest())).unwrap(), both);
        assert_eq!(backend.list(&Prefix::Records).unwrap().len(), 3);
    }
}

fn what_was_deleted_is_gone_and_may_be_put_again(empty: Empty) {
    let fixture = empty();
    let backend = fixture.open();
    for one in [object(b"weights"), ingredients("a"), record("a", "model", "{}")] {
        put(&*backend, &one);
        assert!(backend.delete(&one.0).unwrap());
        assert_eq!(get(&*backend, &one.0), None);
        assert!(!backend.delete(&one.0).unwrap());
        put(&*backend, &one);
        assert_eq!(get(&*backend, &one.0), Some(one.1));
    }
}

fn what_was_set_aside_is_gone_and_may_be_put_again(empty: Empty) {
    let fixture = empty();
    let backend = fixture.open();
    for (entry, content) in [object(b"weights"), ingredients("a"), record("a", "model", "{}")] {
        put(&*backend, &(entry, b"something else".to_vec()));
        backend.set_aside(&entry).unwrap();
        assert_eq!(backend.look(&entry).unwrap(), None);
        assert_eq!(get(&*backend, &entry), None);
        put(&*backend, &(entry, content.clone()));
        assert_eq!(get(&*backend, &entry), Some(content));
    }
}

fn another_handle_finds_what_was_put(empty: Empty) {
    let fixture = empty();
    let (one, other) = (fixture.open(), fixture.open());
    for entry in [object(b"weights"), ingredients("a"), record("a", "model", "{}")] {
        put(&*one, &entry);
        assert_eq!(get(&*other, &entry.0), Some(entry.1));
    }
}

fn nothing_is_read_before_it_is_whole(empty: Empty) {
    let fixture = empty();
    let texts: Vec<_> =
        ["a", "b"].map(|letter| record("a", "model", &letter.repeat(1_000_000))).into();
    let (entry, done) = (texts[0].0, AtomicBool::new(false));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let backend = fixture.open();
                while !done.load(Ordering::Relaxed) {
                    let found = get(&*backend, &entry);
                    let whole = found.is_none_or(|found| texts.iter().any(|(_, c)| *c == found));
                    assert!(whole, "half of a record was read");
                }
            });
        }
        let backend = fixture.open();
        for _ in 0..20 {
            texts.iter().for_each(|one| put(&*backend, one));
        }
        done.store(true, Ordering::Relaxed);
    });
}

fn who_reads_is_not_disturbed_by_a_deletion(empty: Empty) {
    let fixture = empty();
    use std::io::Read as _;
    let backend = fixture.open();
    let (entry, content) = object(&vec![7; 300_000]);
    put(&*backend, &(entry, content.clone()));
    let mut reader = backend.open(&entry).unwrap().unwrap().into_reader();
    let mut found = vec![0; 1000];
    reader.read_exact(&mut found).unwrap();
    assert!(fixture.open().delete(&entry).unwrap());
    reader.read_to_end(&mut found).unwrap();
    assert_eq!(found, content);
}

fn threads_may_put_the_same_entries(empty: Empty) {
    let fixture = empty();
    thread::scope(|scope| {
        for writer in 0..4u8 {
            let backend = fixture.open();
            scope.spawn(move || {
                for n in 0..20u8 {
                    put(&*backend, &object(&[n; 100]));
                    put(&*backend, &ingredients(&n.to_string()));
                    put(&*backend, &record("shared", &n.to_string(), "{}"));
                    put(&*backend, &record(&n.to_string(), &writer.to_string(), "{}"));
                }
                backend.flush().unwrap();
            });
        }
    });
    let backend = fixture.open();
    assert_eq!(backend.list(&Prefix::Objects).unwrap().len(), 20);
    assert_eq!(backend.list(&Prefix::Recipes).unwrap().len(), 20);
    assert_eq!(backend.list(&Prefix::RecordsOf(recipe("shared").digest())).unwrap().len(), 20);
    assert_eq!(backend.list(&Prefix::Records).unwrap().len(), 20 + 80);
    for n in 0..20u8 {
        let (entry, content) = object(&[n; 100]);
        assert_eq!(get(&*backend, &entry), Some(content));
    }
}

fn a_large_object_comes_back(empty: Empty) {
    let fixture = empty();
    let backend = fixture.open();
    let content: Vec<u8> = (0..20_000_003u32).map(|n| (n ^ (n >> 8)) as u8).collect();
    let one = object(&content);
    put(&*backend, &one);
    backend.flush().unwrap();
    let mut reader = fixture.open().open(&one.0).unwrap().unwrap().into_reader();
    assert!(one.0.vouches_for_all_of(&mut reader).unwrap());
}

fn many_objects_are_listed_in_order(empty: Empty) {
    let fixture = empty();
    let backend = fixture.open();
    let all: Vec<_> = (0..1500u32).map(|n| object(&n.to_le_bytes())).collect();
    for batch in all.chunks(100) {
        let batch: Vec<_> = batch.iter().map(|(e, c)| (*e, Content::Bytes(c))).collect();
        backend.put(&batch).unwrap();
    }
    backend.flush().unwrap();
    let mut names: Vec<Entry> = all.iter().map(|(entry, _)| *entry).collect();
    names.sort();
    assert_eq!(fixture.open().list(&Prefix::Objects).unwrap(), names);
}

fn a_touched_entry_is_no_older_than_before(empty: Empty) {
    let fixture = empty();
    let backend = fixture.open();
    let one = object(b"weights");
    put(&*backend, &one);
    let before = backend.look(&one.0).unwrap().unwrap().modified;
    backend.touch(&one.0).unwrap();
    assert!(backend.look(&one.0).unwrap().unwrap().modified >= before);
    assert_eq!(get(&*backend, &one.0), Some(one.1));
}

fn a_batch_holds_entries_of_every_kind(empty: Empty) {
    let fixture = empty();
    let backend = fixture.open();
    let all = [object(b"weights"), ingredients("a"), record("a", "model", "{}")];
    let batch: Vec<_> = all.iter().map(|(e, c)| (*e, Content::Bytes(c))).collect();
    backend.put(&batch).unwrap();
    backend.put(&[]).unwrap();
    for (entry, content) in all {
        assert_eq!(get(&*backend, &entry), Some(content));
    }
}

fn digest() -> impl Strategy<Value = collegium_digest::Digest> {
    any::<[u8; 32]>().prop_map(collegium_digest::Digest::from_bytes)
}

fn entry() -> impl Strategy<Value = Entry> {
    prop_oneof![
        digest().prop_map(Entry::Object),
        digest().prop_map(Entry::Recipe),
        (digest(), digest()).prop_map(|(recipe, id)| Entry::Record { recipe, id }),
    ]
}

proptest! {
    #[test]
    fn an_entry_and_its_path_name_each_other(entry in entry(), other in entry()) {
        let path = entry.path();
        prop_assert_eq!(Entry::from_path(&path), Some(entry));
        prop_assert_eq!(path == other.path(), entry == other);
        prop_assert_eq!(Entry::from_path(&path.to_uppercase()), None);
        prop_assert_eq!(Entry::from_path(&path[1..]), None);
        prop_assert_eq!(Entry::from_path(&path[..path.len() - 1]), None);
        for prefix in [Prefix::Objects, Prefix::Recipes, Prefix::Records] {
            prop_assert_eq!(path.starts_with(&prefix.path()), prefix.covers(&entry));
        }
        if let Entry::Record { recipe, .. } = entry {
            prop_assert!(path.starts_with(&Prefix::RecordsOf(recipe).path()));
            prop_assert!(Prefix::RecordsOf(recipe).covers(&entry));
        }
    }

    #[test]
    fn a_name_vouches_for_its_own_content_alone(text in "[a-z]{1,20}", flip in any::<prop::sample::Index>()) {
        for (entry, content) in [object(text.as_bytes()), ingredients(&text), record(&text, &text, "{}")] {
            prop_assert!(entry.vouches_for(&content));
            prop_assert!(entry.vouches_for_all_of(&mut content.as_slice()).unwrap());
            // Of a recipe's text only what it means is vouched for.
            if !matches!(entry, Entry::Recipe(_)) {
                let mut wrong = content.clone();
                wrong[flip.index(content.len())] ^= 1;
                prop_assert!(!entry.vouches_for(&wrong));
            }
            prop_assert!(!entry.vouches_for(&content[1..]));
            let elsewhere = record("another", &text, "{}").0;
            prop_assert!(!elsewhere.vouches_for(&content));
        }
    }
}
