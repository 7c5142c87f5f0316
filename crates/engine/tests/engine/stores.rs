//! A whole run over other stores than the folder of the project.

use std::{
    fs,
    io::ErrorKind,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use collegium_engine::fresh;
use collegium_records::{FitName, Outcome, RunReport};
use collegium_store::{
    Backend, BackendError, Content, Entry, EntryMeta, InMemory, Layered, LocalFolder, Opened,
    Prefix,
};

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
    assert!(fresh(&project.file(), &[], &[]).unwrap().is_none());
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

/// Answers so many calls, and then none.
#[derive(Debug)]
struct Flaky {
    inner: Arc<InMemory>,
    answers: AtomicUsize,
}

impl Flaky {
    fn ask<T>(&self, answer: Result<T, BackendError>) -> Result<T, BackendError> {
        let left = |n: usize| n.checked_sub(1);
        match self.answers.fetch_update(Ordering::SeqCst, Ordering::SeqCst, left) {
            Ok(_) => answer,
            Err(_) => Err(BackendError::of("far".into(), ErrorKind::TimedOut.into())),
        }
    }
}

impl Backend for Flaky {
    fn open(&self, entry: &Entry) -> Result<Option<Opened>, BackendError> {
        self.ask(self.inner.open(entry))
    }

    fn look(&self, entry: &Entry) -> Result<Option<EntryMeta>, BackendError> {
        self.ask(self.inner.look(entry))
    }

    fn put(&self, batch: &[(Entry, Content<'_>)]) -> Result<(), BackendError> {
        self.ask(self.inner.put(batch))
    }

    fn list(&self, prefix: &Prefix) -> Result<Vec<Entry>, BackendError> {
        self.ask(self.inner.list(prefix))
    }

    fn delete(&self, entry: &Entry) -> Result<bool, BackendError> {
        self.ask(self.inner.delete(entry))
    }
}

#[test]
fn whenever_what_lies_behind_the_folder_stops_answering_the_run_ends_as_ever() {
    let (inner, project) = (Arc::new(InMemory::new()), Project::new());
    let layered = |project: &Project, far: Arc<dyn Backend>| -> Arc<dyn Backend> {
        Arc::new(Layered::new(LocalFolder::open(&project.path("")).unwrap(), far))
    };
    let counted =
        |answers: usize| Arc::new(Flaky { inner: inner.clone(), answers: answers.into() });
    run_in(&project.session_over(layered(&project, inner.clone())));
    let lock = fs::read(project.path("pipelines/p.lock")).unwrap();
    let all = counted(usize::MAX);
    let clone = Project::new();
    assert_found(&run_in(&clone.session_over(layered(&clone, all.clone()))));
    let calls = usize::MAX - all.answers.load(Ordering::SeqCst);
    assert!(calls > 20, "{calls}");
    for answers in (0..calls).step_by(3) {
        let (clone, far) = (Project::new(), counted(answers));
        let session = clone.session_over(layered(&clone, far));
        let run = run_in(&session);
        assert_eq!(fs::read(clone.path("pipelines/p.lock")).unwrap(), lock, "{answers}");
        let fits = ran(&run, "first").fits + ran(&run, "second").fits;
        assert!(answers > 0 || fits == 7, "nothing was found, and {fits} of 7 fits were done");
        assert_found(&clone.run());
    }
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
