//! A whole run over other stores than the folder of the project.

use std::{fs, sync::Arc};

use collegium_engine::fresh;
use collegium_records::{FitName, Outcome, RunReport};
use collegium_store::{Backend, InMemory, Layered, LocalFolder, Prefix};

use super::project::{Project, ran, run_in};

#[track_caller]
fn assert_trained(run: &RunReport) {
    assert_eq!(ran(run, "first").fits, 6, "in full, and by five folds");
    assert_eq!(ran(run, "second").fitted, [FitName::Full]);
}

#[track_caller]
fn assert_found(run: &RunReport) {
    for name in ["first", "second"] {
        let node = ran(run, name);
        assert_eq!((node.outcome, node.fits), (Outcome::Cached, 0), "{name}");
    }
}

fn files(project: &Project, part: &str) -> usize {
    fs::read_dir(project.path(".collegium").join(part)).map_or(0, Iterator::count)
}

#[test]
fn a_run_over_memory_fits_once_and_finds_everything_the_second_time() {
    let (memory, project) = (Arc::new(InMemory::new()), Project::new());
    let first = run_in(&project.session_over(memory.clone()));
    assert_trained(&first);
    for prefix in [Prefix::Objects, Prefix::Recipes, Prefix::Records] {
        assert!(!memory.list(&prefix).unwrap().is_empty(), "{prefix:?}");
    }
    assert_found(&run_in(&project.session_over(memory.clone())));
    for part in ["objects", "recipes", "realisations"] {
        assert_eq!(files(&project, part), 0, "{part}");
    }
    // Without files there are no stamps to rest on: the long way is taken, and says the same.
    assert!(fresh(&project.file(), &[]).unwrap().is_none());
    // The folder of the project knows nothing of it, and makes the same.
    let lock = fs::read(project.path("pipelines/p.lock")).unwrap();
    assert_trained(&project.run());
    assert_eq!(fs::read(project.path("pipelines/p.lock")).unwrap(), lock);
}

#[test]
fn an_object_that_memory_lost_is_made_again() {
    let (memory, project) = (Arc::new(InMemory::new()), Project::new());
    run_in(&project.session_over(memory.clone()));
    let lock = fs::read(project.path("pipelines/p.lock")).unwrap();
    for object in memory.list(&Prefix::Objects).unwrap() {
        memory.delete(&object).unwrap();
    }
    assert_trained(&run_in(&project.session_over(memory.clone())));
    assert_eq!(fs::read(project.path("pipelines/p.lock")).unwrap(), lock);
    assert_found(&run_in(&project.session_over(memory)));
}

#[test]
fn a_clone_fits_nothing_that_lies_behind_its_folder() {
    let shared = Arc::new(InMemory::new());
    let layered = |project: &Project| -> Arc<dyn Backend> {
        let near = LocalFolder::open(&project.path("")).unwrap();
        Arc::new(Layered::new(near, shared.clone()))
    };
    let (project, clone) = (Project::new(), Project::new());
    assert_trained(&run_in(&project.session_over(layered(&project))));
    let session = clone.session_over(layered(&clone));
    assert_found(&run_in(&session));
    assert!(session.store.notes().is_empty());
    assert_eq!(
        fs::read(project.path("pipelines/p.lock")).unwrap(),
        fs::read(clone.path("pipelines/p.lock")).unwrap()
    );
    // What it stands on lies in its own folder now, which serves alone.
    assert_found(&clone.run());
}
