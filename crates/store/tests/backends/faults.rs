//! Whatever a backend does, a store answers rightly, or not at all.

use std::sync::Arc;

use collegium_digest::Digest;
use collegium_store::{GcPolicy, InMemory, Prefix, Roots, Store, StoreError};
use proptest::{prelude::*, test_runner::TestRunner};

use crate::{
    faulty::{FAULTS, Fault, Faulty},
    fixtures::{Empty, before, disk, id, recipe},
};

/// A store over memory that fails, with one object and one record in it.
fn filled() -> (tempfile::TempDir, Arc<Faulty>, Store) {
    let project = disk();
    let faulty = Faulty::new(Arc::new(InMemory::new()));
    let store = Store::over(project.path(), faulty.clone()).unwrap();
    store.put(b"weights").unwrap();
    store.realise(&recipe("a"), &id("model"), &7u8).unwrap();
    store.flush().unwrap();
    (project, faulty, store)
}

fn weights() -> Digest {
    Digest::of(b"weights")
}

#[test]
fn no_answer_is_told_from_absence() {
    let (_project, faulty, store) = filled();
    assert_eq!(store.get(&id("nothing")).unwrap(), None);
    for fault in [Fault::TimeOut, Fault::Reset, Fault::Cut] {
        faulty.always(fault);
        let errors = [
            store.get(&weights()).unwrap_err(),
            store.path(&weights()).unwrap_err(),
            store.recipe(&recipe("a").digest()).unwrap_err(),
            store.realisations::<u8>(&recipe("a").digest()).unwrap_err(),
        ];
        for error in errors {
            assert!(matches!(error, StoreError::Unreachable { .. }), "{fault:?}: {error}");
            assert!(error.is_damage_or_write() && error.path().is_some());
            assert!(error.to_string().contains("is not known"), "{error}");
        }
    }
    faulty.heal();
    assert_eq!(store.get(&weights()).unwrap().unwrap(), b"weights");
    assert_eq!(store.realisations::<u8>(&recipe("a").digest()).unwrap()[&id("model")], 7);
    assert!(store.notes().is_empty(), "a transfer that was cut says nothing of what is there");
}

#[test]
fn a_refusal_says_what_was_refused_and_why() {
    let (_project, faulty, store) = filled();
    faulty.always(Fault::Refusal);
    let error = store.get(&weights()).unwrap_err();
    assert!(matches!(&error, StoreError::Read { .. }), "{error}");
    assert!(error.to_string().contains("403 Forbidden"), "{error}");
    let error = store.realise(&recipe("b"), &id("model"), &7u8).unwrap_err();
    assert!(error.to_string().contains("403 Forbidden"), "{error}");
}

#[test]
fn wrong_bytes_are_a_miss_and_are_set_aside() {
    let (_project, faulty, store) = filled();
    faulty.plan([Some(Fault::Wrong)]);
    assert_eq!(store.get(&weights()).unwrap(), None);
    assert!(faulty.calls().last().unwrap().starts_with("set aside objects/"));
    assert!(store.notes()[0].contains("was damaged and will be made again"));
    store.put(b"weights").unwrap();
    store.flush().unwrap();
    assert_eq!(store.get(&weights()).unwrap().unwrap(), b"weights");
}

#[test]
fn what_could_not_be_put_is_read_here_and_put_later() {
    for fault in [Fault::TimeOut, Fault::Reset, Fault::Refusal] {
        let (project, faulty, store) = filled();
        let objects: Vec<Digest> = (0..5u8).map(|n| store.put(&[n]).unwrap()).collect();
        faulty.plan([Some(fault)]);
        let error = store.flush().unwrap_err();
        assert!(error.is_damage_or_write(), "{error}");
        for (n, object) in objects.iter().enumerate() {
            assert_eq!(store.get(object).unwrap().unwrap(), [n as u8]);
        }
        store.flush().unwrap();
        let other = Store::over(project.path(), faulty).unwrap();
        for object in &objects {
            assert!(other.get(object).unwrap().is_some(), "{fault:?}");
        }
    }
}

#[test]
fn gc_frees_nothing_for_want_of_an_answer() {
    let policy = GcPolicy {
        keep: 0,
        grace: std::time::Duration::ZERO,
        now: std::time::SystemTime::now() + std::time::Duration::from_secs(1),
    };
    // The lists, a look at each entry, the contents of the recipe and the record.
    for at in 0..8 {
        let (_project, faulty, store) = filled();
        let mut plan = vec![None; at];
        plan.push(Some(Fault::TimeOut));
        faulty.plan(plan);
        let error = store.plan_gc(&Roots::default(), &policy).unwrap_err();
        assert!(matches!(error, StoreError::Unreachable { .. }), "call {at}: {error}");
    }
}

/// What a run does with a store, by number; what is right follows from the number.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Put(u8),
    Get(u8),
    Path(u8),
    Realise(u8),
    Realisations(u8),
    Recipe(u8),
    Contains(u8),
    Flush,
    Reopen,
}

fn deed() -> impl Strategy<Value = Deed> {
    let number = || 0..6u8;
    prop_oneof![
        number().prop_map(Deed::Put),
        number().prop_map(Deed::Get),
        number().prop_map(Deed::Path),
        number().prop_map(Deed::Realise),
        number().prop_map(Deed::Realisations),
        number().prop_map(Deed::Recipe),
        number().prop_map(Deed::Contains),
        Just(Deed::Flush),
        Just(Deed::Reopen),
    ]
}

fn fault() -> impl Strategy<Value = Option<Fault>> {
    prop_oneof![3 => Just(None), 1 => prop::sample::select(&FAULTS[..]).prop_map(Some)]
}

fn content(number: u8) -> Vec<u8> {
    vec![number; 10 + usize::from(number) * 50_000]
}

fn name(number: u8) -> String {
    number.to_string()
}

/// Does a deed. `None`: an error, which is clear. What is found is right.
fn act(store: &Store, deed: Deed) -> Result<Option<bool>, TestCaseError> {
    let clear = |error: StoreError| -> Result<Option<bool>, TestCaseError> {
        prop_assert!(error.is_damage_or_write(), "{}", error);
        Ok(None)
    };
    match deed {
        Deed::Put(n) => match store.put(&content(n)) {
            Ok(object) => prop_assert_eq!(object, Digest::of(&content(n))),
            Err(error) => return clear(error),
        },
        Deed::Get(n) => match store.get(&Digest::of(&content(n))) {
            Ok(Some(bytes)) => prop_assert!(bytes == content(n)),
            Ok(None) => return Ok(Some(false)),
            Err(error) => return clear(error),
        },
        Deed::Path(n) => match store.path(&Digest::of(&content(n))) {
            Ok(Some(path)) => prop_assert!(std::fs::read(path).unwrap() == content(n)),
            Ok(None) => return Ok(Some(false)),
            Err(error) => return clear(error),
        },
        Deed::Realise(n) => match store.realise(&recipe(&name(n)), &id("model"), &n) {
            Ok(()) => {}
            Err(error) => return clear(error),
        },
        Deed::Realisations(n) => match store.realisations::<u8>(&recipe(&name(n)).digest()) {
            Ok(found) => {
                let right = found.iter().all(|(one, value)| *one == id("model") && *value == n);
                prop_assert!(right, "{:?}", found);
                return Ok(Some(!found.is_empty()));
            }
            Err(error) => return clear(error),
        },
        Deed::Recipe(n) => match store.recipe(&recipe(&name(n)).digest()) {
            Ok(Some(found)) => prop_assert_eq!(found, recipe(&name(n))),
            Ok(None) => return Ok(Some(false)),
            Err(error) => return clear(error),
        },
        Deed::Contains(n) => return Ok(Some(store.contains(&Digest::of(&content(n))))),
        Deed::Flush => match store.flush() {
            Ok(()) => {}
            Err(error) => return clear(error),
        },
        Deed::Reopen => {}
    }
    Ok(Some(true))
}

for_every_backend!(no_fault_ever_gives_a_wrong_result);

/// Over each backend with faults in front of it.
fn no_fault_ever_gives_a_wrong_result(empty: Empty) {
    let config = ProptestConfig { cases: 40, failure_persistence: None, ..Default::default() };
    let plans = (prop::collection::vec(deed(), 1..40), prop::collection::vec(fault(), 0..60));
    TestRunner::new(config)
        .run(&plans, |(deeds, faults)| {
            let fixture = empty();
            let faulty = Faulty::new(fixture.open());
            let open = || Store::over(fixture.project.path(), faulty.clone()).unwrap();
            let mut store = open();
            faulty.plan(faults);
            for &deed in &deeds {
                act(&store, deed)?;
                if let Deed::Reopen = deed {
                    store = open();
                }
            }
            // Once it works again, everything does.
            faulty.heal();
            for n in 0..6 {
                for deed in [Deed::Get(n), Deed::Realisations(n), Deed::Recipe(n)] {
                    prop_assert!(act(&store, deed)?.is_some(), "{:?}", deed);
                }
                prop_assert_eq!(act(&store, Deed::Put(n))?, Some(true));
                prop_assert_eq!(act(&store, Deed::Realise(n))?, Some(true));
            }
            prop_assert_eq!(act(&store, Deed::Flush)?, Some(true));
            for n in 0..6 {
                for deed in [Deed::Get(n), Deed::Path(n), Deed::Realisations(n), Deed::Recipe(n)] {
                    prop_assert_eq!(act(&open(), deed)?, Some(true), "{:?}", deed);
                }
            }
            Ok(())
        })
        .unwrap();
}

/// Of a folder with something behind it, faults behind it are no faults: what was made here is found here.
#[test]
fn nothing_depends_on_what_lies_behind_a_folder() {
    let config = ProptestConfig { cases: 60, failure_persistence: None, ..Default::default() };
    let plans = (prop::collection::vec(deed(), 1..40), prop::collection::vec(fault(), 0..60));
    TestRunner::new(config)
        .run(&plans, |(deeds, faults)| {
            let faulty = Faulty::new(Arc::new(InMemory::new()));
            let fixture = before(faulty.clone());
            let mut store = fixture.store();
            faulty.plan(faults);
            let (mut objects, mut recipes) = (Vec::new(), Vec::new());
            for &deed in &deeds {
                let found = act(&store, deed)?;
                prop_assert!(found.is_some(), "{:?} fails", deed);
                match deed {
                    Deed::Put(n) => objects.push(n),
                    Deed::Realise(n) => recipes.push(n),
                    Deed::Get(n) | Deed::Path(n) | Deed::Contains(n) if objects.contains(&n) => {
                        prop_assert_eq!(found, Some(true), "{:?}", deed);
                    }
                    Deed::Realisations(n) | Deed::Recipe(n) if recipes.contains(&n) => {
                        prop_assert_eq!(found, Some(true), "{:?}", deed);
                    }
                    Deed::Reopen => {
                        store.flush().unwrap();
                        store = fixture.store();
                    }
                    _ => {}
                }
            }
            store.flush().unwrap();
            // What lies behind it may be damaged; nobody who reads it from there believes it.
            let clone = fixture.clone_of_the_project().store();
            for n in 0..6 {
                for deed in [Deed::Get(n), Deed::Realisations(n), Deed::Recipe(n)] {
                    prop_assert!(act(&clone, deed)?.is_some());
                }
            }
            prop_assert!(fixture.open().list(&Prefix::Objects).is_ok());
            Ok(())
        })
        .unwrap();
}
