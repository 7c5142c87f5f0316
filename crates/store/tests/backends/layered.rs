//! A folder with something shared behind it.

use std::{fs, sync::Arc};

use collegium_digest::Digest;
use collegium_store::{Backend as _, Entry, GcPolicy, InMemory, Prefix, Roots, Store};

use crate::{
    faulty::{Fault, Faulty},
    fixtures::{Fixture, before, get, id, object, put, recipe, record},
};

fn watched() -> (Arc<Faulty>, Fixture) {
    let far = Faulty::new(Arc::new(InMemory::new()));
    (far.clone(), before(far))
}

fn fill(store: &Store) {
    store.put(b"weights").unwrap();
    store.realise(&recipe("a"), &id("model"), &7u8).unwrap();
    store.flush().unwrap();
}

fn weights() -> Digest {
    Digest::of(b"weights")
}

#[test]
fn what_one_project_made_another_finds() {
    let (far, fixture) = watched();
    fill(&fixture.store());
    let clone = fixture.clone_of_the_project();
    let store = clone.store();
    assert!(store.contains(&weights()));
    let found = store.realisations::<u8>(&recipe("a").digest()).unwrap();
    assert_eq!(found[&id("model")], 7);
    assert_eq!(store.recipe(&recipe("a").digest()).unwrap(), Some(recipe("a")));
    let path = store.path(&weights()).unwrap().unwrap();
    assert!(path.starts_with(clone.project.path().join(".collegium/objects")));
    far.calls();
    assert_eq!(store.get(&weights()).unwrap().unwrap(), b"weights");
    assert_eq!(far.calls(), Vec::<String>::new(), "it lies in the folder now");
    assert!(store.ground([weights()], [(recipe("a").digest(), id("model"))]).is_some());
}

#[test]
fn objects_go_before_the_records_that_name_them() {
    let (far, fixture) = watched();
    let store = fixture.store();
    for n in 0..5u8 {
        store.realise(&recipe(&n.to_string()), &id("model"), &n).unwrap();
        store.put(&[n; 100]).unwrap();
    }
    assert!(
        !far.calls().iter().any(|call| call.starts_with("put")),
        "before the flush nothing goes"
    );
    store.flush().unwrap();
    let puts: Vec<String> = far
        .calls()
        .iter()
        .filter_map(|call| call.strip_prefix("put ").map(str::to_owned))
        .collect();
    let part = |path: &String| path.split('/').next().map(str::to_owned).unwrap_or_default();
    let mut parts: Vec<String> = puts.iter().map(part).collect();
    assert_eq!(parts.len(), 15);
    parts.dedup();
    assert_eq!(parts, ["objects", "recipes", "realisations"]);
    store.flush().unwrap();
    assert_eq!(far.calls(), Vec::<String>::new(), "once is enough");
}

#[test]
fn what_is_damaged_in_the_folder_comes_from_behind_it() {
    let (_far, fixture) = watched();
    fill(&fixture.store());
    let entries = [object(b"weights").0, record("a", "model", "").0];
    for entry in entries {
        let path = fixture.open().place(&entry);
        fs::remove_file(&path).unwrap();
        fs::write(&path, b"rubbish").unwrap();
    }
    let store = fixture.store();
    assert_eq!(store.get(&weights()).unwrap(), None, "it is a miss");
    assert!(store.realisations::<u8>(&recipe("a").digest()).unwrap().is_empty());
    assert_eq!(store.notes().len(), 2);
    assert_eq!(store.get(&weights()).unwrap().unwrap(), b"weights");
    assert_eq!(store.realisations::<u8>(&recipe("a").digest()).unwrap()[&id("model")], 7);
}

#[test]
fn what_is_damaged_behind_the_folder_is_told_once_and_not_fetched_again() {
    let (far, fixture) = watched();
    fill(&fixture.store());
    put(&*far, &(object(b"weights").0, b"rubbish".to_vec()));
    let clone = fixture.clone_of_the_project();
    let store = clone.store();
    far.calls();
    for _ in 0..3 {
        assert_eq!(store.get(&weights()).unwrap(), None);
        assert!(!store.contains(&weights()) || far.calls().is_empty());
    }
    let notes = store.notes();
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].contains("is damaged in") && notes[0].contains("ignored"), "{notes:?}");
    assert_eq!(get(&*far, &object(b"weights").0).unwrap(), b"rubbish", "others may look at it");
    store.put(b"weights").unwrap();
    assert_eq!(store.get(&weights()).unwrap().unwrap(), b"weights");
}

#[test]
fn who_does_not_answer_is_told_of_once_and_not_asked_again() {
    let (far, fixture) = watched();
    fill(&fixture.store());
    let clone = fixture.clone_of_the_project();
    let store = clone.store();
    far.always(Fault::TimeOut);
    far.calls();
    for _ in 0..3 {
        assert_eq!(store.get(&weights()).unwrap(), None);
        assert!(store.realisations::<u8>(&recipe("a").digest()).unwrap().is_empty());
    }
    fill(&store);
    assert_eq!(far.calls().len(), 1);
    let notes = store.notes();
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].contains("cannot be reached") && notes[0].contains("not asked again"));
    assert_eq!(store.get(&weights()).unwrap().unwrap(), b"weights");
}

#[test]
fn what_was_refused_behind_the_folder_is_offered_again_at_the_next_flush() {
    let (far, fixture) = watched();
    let store = fixture.store();
    store.put(b"weights").unwrap();
    // A look, which is answered, and a refusal.
    far.plan([None, Some(Fault::Refusal)]);
    store.flush().unwrap();
    assert!(store.notes()[0].contains("403 Forbidden"));
    assert_eq!(far.list(&Prefix::Objects).unwrap(), []);
    store.flush().unwrap();
    assert_eq!(far.list(&Prefix::Objects).unwrap(), [Entry::Object(weights())]);
}

#[test]
fn gc_and_verify_care_for_the_folder_alone() {
    let (far, fixture) = watched();
    let store = fixture.store();
    fill(&store);
    put(&*far, &(object(b"theirs").0, b"rubbish".to_vec()));
    far.calls();
    assert_eq!(store.verify(&[], None, &mut |_| ()).unwrap().damaged, []);
    let policy = GcPolicy {
        keep: 0,
        grace: std::time::Duration::ZERO,
        now: std::time::SystemTime::now() + std::time::Duration::from_secs(1),
    };
    let plan = store.plan_gc(&Roots::default(), &policy).unwrap();
    assert!(!store.gc(&plan).unwrap().is_empty());
    assert!(far.calls().is_empty());
    assert!(!fixture.open().place(&object(b"weights").0).exists());
    assert_eq!(fixture.store().get(&weights()).unwrap().unwrap(), b"weights", "it comes back");
}

#[test]
fn what_is_damaged_here_is_not_spread() {
    let (far, fixture) = watched();
    let store = fixture.store();
    let digest = store.put(b"weights").unwrap();
    let path = store.path(&digest).unwrap().unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(&path, b"rubbish").unwrap();
    store.flush().unwrap();
    assert_eq!(far.list(&Prefix::Objects).unwrap(), []);
}
