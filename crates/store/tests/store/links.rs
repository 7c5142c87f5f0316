//! A store that a stranger made: with links, pipes, foreign names, or of another owner.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use collegium_records::{Lock, RunReport};
use collegium_store::{GcPolicy, LOCK_FORMAT, Store, StoreError, write_lock};

use crate::{files, fresh, id, overwrite, recipe};

/// Long ago: nothing is spared for its youth.
fn age(path: &Path) {
    let file = fs::File::open(path).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(1_000_000)).unwrap();
}

/// Somebody else's folder: with names that a store has, and with names that it has not.
fn elsewhere(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let digest = id("theirs").to_string().replace("blake3:", "");
    for name in [
        "letter.txt",
        "1-abc123",
        "20130101T000000.000000Z-1.json",
        "objects-ab.7",
        "ab/letter.txt",
        &format!("{}/{}", &digest[..2], &digest[2..]),
        &digest[2..],
    ] {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("this is {name}")).unwrap();
        age(&path);
    }
    contents(folder)
}

fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    files(folder).into_iter().map(|path| (path.clone(), fs::read(&path).unwrap())).collect()
}

/// Everything that is ever done to a store, whether or not it succeeds.
fn use_it(root: &Path) -> Vec<String> {
    let mut said = Vec::new();
    for open in [Store::open, Store::open_to_read] {
        let store = match open(root) {
            Ok(store) => store,
            Err(error) => {
                said.push(error.to_string());
                continue;
            }
        };
        let mut hear =
            |result: Result<(), StoreError>| said.extend(result.err().map(|e| e.to_string()));
        let object = store.put(b"content").unwrap_or_else(|_| id("content"));
        hear(store.realise(&recipe("r"), &object, &"record"));
        hear(store.get(&object).map(drop));
        hear(store.path(&id("theirs")).map(drop));
        hear(store.realisations::<String>(&recipe("r").digest()).map(drop));
        hear(store.realisations_named("00").map(drop));
        hear(store.lock(&id("l")).map(drop));
        hear(store.cache("entry", b"{}"));
        hear(store.cached("entry").map(drop));
        store.remember(id("k"), id("v"));
        hear(
            store
                .file_digest(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")))
                .map(drop),
        );
        let report: RunReport = serde_json::from_value(serde_json::json!({
            "format_version": 1, "pipeline": "p", "seconds": 0.0, "peak_bytes": 0, "nodes": [],
            "requirements": [], "end_to_end": [], "notes": [], "interrupted": false,
        }))
        .unwrap();
        hear(store.log_run(&report));
        hear(store.runs().map(drop));
        hear(store.flush());
        hear(store.verify(&[], None, &mut |_| ()).map(drop));
        let policy = GcPolicy { keep: 0, grace: Duration::ZERO, now: SystemTime::now() };
        let roots = store.roots(&[]);
        hear(roots.and_then(|roots| {
            let plan = store.plan_gc(&roots, &policy)?;
            store.gc(&plan).map(drop)
        }));
    }
    said
}

#[test]
fn no_link_below_a_store_is_followed_by_anything() {
    let parts = [
        "objects",
        "objects/ab",
        "recipes",
        "recipes/00",
        "realisations",
        "realisations/00",
        "locks",
        "tmp",
        "quarantine",
        "runs",
        "cache",
    ];
    // All at once: those that lie in no other.
    let whole = parts.into_iter().filter(|part| !part.contains('/')).collect::<Vec<_>>();
    let each = parts.iter().map(std::slice::from_ref);
    for linked in each.chain([whole.as_slice()]) {
        let (project, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let before = elsewhere(other.path());
        let root = project.path().join(".collegium");
        for part in linked {
            let at = root.join(part);
            fs::create_dir_all(at.parent().unwrap()).unwrap();
            if !at.exists() && !at.is_symlink() {
                let _ = symlink(other.path(), &at);
            }
        }
        let said = use_it(project.path());
        assert_eq!(contents(other.path()), before, "{linked:?}");
        assert!(
            said.iter().any(|text| text.contains("links are not followed")),
            "{linked:?}: {said:?}"
        );
    }
}

#[test]
fn a_store_that_is_a_link_must_lead_to_a_store() {
    let (project, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let before = elsewhere(other.path());
    symlink(other.path(), project.path().join(".collegium")).unwrap();
    let said = use_it(project.path());
    assert_eq!(contents(other.path()), before);
    assert!(said.iter().all(|text| text.contains("there is no store there")), "{said:?}");

    let (owner, store) = fresh();
    let object = store.put(b"shared").unwrap();
    store.flush().unwrap();
    let user = tempfile::tempdir().unwrap();
    symlink(owner.path().join(".collegium"), user.path().join(".collegium")).unwrap();
    let shared = Store::open(user.path()).unwrap();
    assert_eq!(shared.get(&object).unwrap().unwrap(), b"shared");
}

#[test]
fn gc_in_one_project_spares_what_another_stands_on_that_shares_the_store() {
    let (owner, store) = fresh();
    store.put(b"to make the store").unwrap();
    store.flush().unwrap();
    let projects: Vec<tempfile::TempDir> = (0..2).map(|_| tempfile::tempdir().unwrap()).collect();
    let mut standing = Vec::new();
    for (at, project) in projects.iter().enumerate() {
        let root = project.path();
        symlink(owner.path().join(".collegium"), root.join(".collegium")).unwrap();
        let store = Store::open(root).unwrap();
        let object = store.put(format!("table {at}").as_bytes()).unwrap();
        store.flush().unwrap();
        fs::write(root.join("p.toml"), "[pipeline]\nname = \"p\"\n").unwrap();
        let mut lock = Lock { format: LOCK_FORMAT, ..Lock::default() };
        let data = serde_json::json!({ "table": object, "sides": object, "rows": 1 });
        lock.data.insert("t".to_owned(), serde_json::from_value(data).unwrap());
        write_lock(&root.join("p.lock"), &lock).unwrap();
        standing.push(object);
    }
    let policy = GcPolicy { keep: 0, grace: Duration::ZERO, now: SystemTime::now() };
    for root in [owner.path(), projects[0].path(), projects[1].path()] {
        let store = Store::open(root).unwrap();
        let pipelines = store.all_pipelines(root).unwrap();
        assert_eq!(pipelines.len(), 2, "{root:?}");
        store.gc(&store.plan_gc(&store.roots(&pipelines).unwrap(), &policy).unwrap()).unwrap();
        for object in &standing {
            assert!(store.contains(object));
        }
    }
    let [gone, stays] = <[tempfile::TempDir; 2]>::try_from(projects).unwrap();
    let place = gone.path().to_owned();
    drop(gone);
    let store = Store::open(stays.path()).unwrap();
    let error = store.all_pipelines(stays.path()).unwrap_err();
    let StoreError::Away { path, file } = &error else { panic!("{error}") };
    assert_eq!(path, &place);
    assert!(error.is_damage_or_write());
    fs::remove_file(file).unwrap();
    assert_eq!(store.all_pipelines(stays.path()).unwrap().len(), 1);
}

#[test]
fn files_of_a_store_that_are_links_or_pipes_are_not_read() {
    let (_folder, store) = fresh();
    let object = store.put(b"content").unwrap();
    let path = store.path(&object).unwrap().unwrap();
    let copy = store.root().join("elsewhere");
    fs::write(&copy, b"content").unwrap();
    fs::remove_file(&path).unwrap();
    symlink(&copy, &path).unwrap();
    let error = store.get(&object).unwrap_err().to_string();
    assert!(error.contains("links are not followed"), "{error}");
    fs::remove_file(&path).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    for error in [store.get(&object).unwrap_err(), store.path(&object).unwrap_err()] {
        assert!(error.to_string().contains("no regular file"), "{error}");
    }
}

#[test]
fn names_that_are_not_ours_stay_where_they_are() {
    let (folder, store) = fresh();
    store.put(b"content").unwrap();
    store.flush().unwrap();
    let foreign = [
        "tmp/notes.txt",
        "tmp/1-toolong",
        "tmp/x-abc123",
        "runs/notes.json",
        "runs/2013-x.json",
        "quarantine/notes.txt",
        "quarantine/mine.12",
        "objects/ab/notes.txt",
        "objects/notes.txt",
        "recipes/ab/notes.json",
        "realisations/ab/notes.txt",
        "cache/notes.txt",
        "notes.txt",
    ];
    for name in foreign {
        let path = store.root().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, name).unwrap();
        age(&path);
    }
    let policy = GcPolicy { keep: 0, grace: Duration::ZERO, now: SystemTime::now() };
    let store = Store::open(folder.path()).unwrap();
    store.put(b"more").unwrap();
    store.gc(&store.plan_gc(&store.roots(&[]).unwrap(), &policy).unwrap()).unwrap();
    assert_eq!(store.verify(&[], None, &mut |_| ()).unwrap().damaged, []);
    for name in foreign {
        assert_eq!(fs::read_to_string(store.root().join(name)).ok().as_deref(), Some(name));
    }
}

#[test]
fn whoever_only_looks_moves_nothing_away() {
    let (folder, store) = fresh();
    let object = store.put(b"content").unwrap();
    let path = store.path(&object).unwrap().unwrap();
    store.flush().unwrap();
    overwrite(&path, b"damaged");
    let looking = Store::open_to_read(folder.path()).unwrap();
    for _ in 0..2 {
        assert_eq!(looking.get(&object).unwrap(), None);
    }
    assert_eq!(looking.notes().len(), 1, "and says so once");
    assert_eq!(fs::read(&path).unwrap(), b"damaged");
    assert_eq!(Store::open(folder.path()).unwrap().get(&object).unwrap(), None);
    assert!(!path.exists());
}

/// Needs the right to give files away, which only root has.
#[test]
#[allow(clippy::print_stderr)]
fn a_store_of_another_owner_is_read_and_not_written() {
    let (folder, store) = fresh();
    let object = store.put(b"content").unwrap();
    store.flush().unwrap();
    if std::os::unix::fs::chown(store.root(), Some(12345), None).is_err() {
        eprintln!("SKIPPED: only root can make a store of another owner");
        return;
    }
    let before = contents(folder.path());
    let error = Store::open(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::Owner { owner: 12345, .. }) && error.is_damage_or_write());
    let looking = Store::open_to_read(folder.path()).unwrap();
    assert!(looking.is_read_only());
    assert!(looking.notes()[0].contains("belongs to another user"));
    assert_eq!(looking.get(&object).unwrap().unwrap(), b"content");
    let made = looking.put(b"made").unwrap();
    assert_eq!(looking.get(&made).unwrap().unwrap(), b"made");
    looking.flush().unwrap();
    assert_eq!(contents(folder.path()), before);
}
