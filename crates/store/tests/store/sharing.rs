//! Threads and processes at work on one store.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Barrier,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use collegium_digest::Digest;
use collegium_store::Store;

use crate::{files, fresh, id, recipe};

const ENVIRONMENT: &str = "COLLEGIUM_STORE_TEST";

/// Runs the ignored test `name` of this binary in a process of its own.
fn child(name: &str, folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("sharing::{name}"), "--ignored", "--quiet"])
        .env(ENVIRONMENT, folder)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// The store that a parent test named, in a child.
fn handed() -> Option<Store> {
    std::env::var_os(ENVIRONMENT).map(|folder| Store::open(Path::new(&folder)).unwrap())
}

/// The same 40 objects and records, whoever writes them.
fn write(store: &Store) {
    for i in 0..40u32 {
        let bytes = i.to_le_bytes().repeat(1000);
        assert_eq!(store.put(&bytes).unwrap(), Digest::of(&bytes));
        store.realise(&recipe(&i.to_string()), &id("model"), &i).unwrap();
        store.remember(id(&i.to_string()), id("value"));
        assert_eq!(store.get(&Digest::of(&bytes)).unwrap().unwrap(), bytes);
    }
    store.flush().unwrap();
}

fn assert_written(store: &Store) {
    assert_eq!(store.objects().unwrap().len(), 40);
    for i in 0..40u32 {
        assert!(store.get(&Digest::of(&i.to_le_bytes().repeat(1000))).unwrap().is_some());
        assert_eq!(
            store.realisations::<u32>(&recipe(&i.to_string()).digest()).unwrap()[&id("model")],
            i
        );
        assert_eq!(store.memo(&id(&i.to_string())), Some(id("value")));
    }
    assert_eq!(store.notes(), Vec::<String>::new());
    assert!(files(&store.root().join("tmp")).is_empty());
    assert!(files(&store.root().join("quarantine")).is_empty());
}

#[test]
fn threads_may_write_the_same_things() {
    let (folder, store) = fresh();
    thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(|| write(&store)))));
    assert_written(&Store::open(folder.path()).unwrap());
}

#[test]
fn processes_may_write_the_same_things() {
    let (folder, store) = fresh();
    let children: Vec<_> = (0..3).map(|_| child("child_writes", folder.path())).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_written(&store);
}

#[test]
fn a_recipe_that_another_process_files_this_moment_is_not_taken_for_damaged() {
    let (folder, _) = fresh();
    let start = Barrier::new(4);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                // A store of its own, as in a process of its own.
                let store = Store::open(folder.path()).unwrap();
                for i in 0..400 {
                    start.wait();
                    store.file_recipe(&recipe(&i.to_string())).unwrap();
                }
                assert_eq!(store.notes(), Vec::<String>::new());
            });
        }
    });
}

#[test]
#[ignore = "run by another test"]
fn child_writes() {
    if let Some(store) = handed() {
        write(&store);
    }
}

#[test]
fn a_lock_excludes_threads_until_it_is_dropped() {
    let (_folder, store) = fresh();
    let (inside, rounds) = (AtomicU32::new(0), AtomicU32::new(0));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let _lock = store.lock(&id("recipe")).unwrap();
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                    rounds.fetch_add(1, Ordering::SeqCst);
                    thread::yield_now();
                    inside.fetch_sub(1, Ordering::SeqCst);
                }
            });
        }
    });
    assert_eq!(rounds.into_inner(), 200);
    assert!(files(&store.root().join("locks")).is_empty(), "released locks leave no file");
}

#[test]
fn trying_a_lock_does_not_wait() {
    let (_folder, store) = fresh();
    let held = store.lock(&id("a")).unwrap();
    assert!(store.try_lock(&id("a")).unwrap().is_none());
    assert!(store.try_lock(&id("b")).unwrap().is_some());
    drop(held);
    assert!(store.try_lock(&id("a")).unwrap().is_some());
}

#[test]
fn a_lock_excludes_processes_and_dies_with_its_holder() {
    let (folder, store) = fresh();
    let mut holder = child("child_holds", folder.path());
    let begin = Instant::now();
    while store.get(&id("locked")).unwrap().is_none() {
        assert!(begin.elapsed() < Duration::from_secs(60), "the child never took the lock");
        thread::sleep(Duration::from_millis(5));
    }
    assert!(store.try_lock(&id("recipe")).unwrap().is_none());
    // SIGKILL: no destructor runs.
    holder.kill().unwrap();
    holder.wait().unwrap();
    let _lock = store.lock(&id("recipe")).unwrap();
}

#[test]
#[ignore = "run by another test"]
fn child_holds() {
    if let Some(store) = handed() {
        let _lock = store.lock(&id("recipe")).unwrap();
        store.put(b"locked").unwrap();
        store.flush().unwrap();
        thread::sleep(Duration::from_secs(60));
    }
}

#[test]
fn a_killed_writer_leaves_whole_objects_and_a_usable_store() {
    let (folder, store) = fresh();
    for delay in [3, 10, 30, 60] {
        let mut writer = child("child_writes", folder.path());
        thread::sleep(Duration::from_millis(delay));
        writer.kill().unwrap();
        writer.wait().unwrap();
        for object in store.objects().unwrap() {
            assert!(store.get(&object).unwrap().is_some());
        }
        assert_eq!(store.notes(), Vec::<String>::new());
    }
    write(&Store::open(folder.path()).unwrap());
    assert_eq!(store.objects().unwrap().len(), 40);
}

#[test]
fn leftovers_of_the_dead_are_swept_and_those_of_the_living_are_not() {
    let (folder, store) = fresh();
    store.put(b"x").unwrap();
    store.flush().unwrap();
    let leave = |name: &str, age: u64| {
        let file = std::fs::File::create(store.root().join("tmp").join(name)).unwrap();
        file.set_modified(std::time::SystemTime::now() - Duration::from_secs(age)).unwrap();
        file
    };
    drop(leave("1-AbC123", 5000));
    drop(leave("2-young0", 5));
    let living = leave("3-living", 5000);
    living.lock().unwrap();
    drop(leave("not-ours", 5000));
    Store::open_to_read(folder.path()).unwrap().put(b"y").unwrap();
    assert_eq!(files(&store.root().join("tmp")).len(), 4, "whoever only looks removes nothing");
    Store::open(folder.path()).unwrap().put(b"z").unwrap();
    let left: Vec<_> = files(&store.root().join("tmp"))
        .iter()
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    assert_eq!(left, ["2-young0", "3-living", "not-ours"]);
}

#[test]
fn waiting_for_a_lock_can_be_interrupted() {
    let (_folder, store) = fresh();
    let interrupted = AtomicBool::new(false);
    let held = store.lock(&id("a")).unwrap();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| store.lock_unless(&id("a"), &interrupted).unwrap().is_none());
        thread::sleep(Duration::from_millis(50));
        assert!(!waiting.is_finished());
        interrupted.store(true, Ordering::Relaxed);
        assert!(waiting.join().unwrap());
    });
    drop(held);
    assert!(store.lock_unless(&id("a"), &AtomicBool::new(false)).unwrap().is_some());
}
