//! A backend of each kind, and entries to put in it.

use std::sync::Arc;

use collegium_digest::Digest;
use collegium_records::Recipe;
use collegium_store::{Backend, Content, Entry, InMemory, Layered, LocalFolder, Store, seal};
use tempfile::TempDir;

/// A backend in an empty project.
pub(crate) struct Fixture {
    pub(crate) project: TempDir,
    /// What lies behind it, if anything does.
    pub(crate) far: Option<Arc<dyn Backend>>,
    make: Make,
    _shared: Option<TempDir>,
}

/// Makes a fixture with nothing in it.
pub(crate) type Empty = fn() -> Fixture;

type Make = Box<dyn Fn(&TempDir) -> Arc<dyn Backend> + Send + Sync>;

impl Fixture {
    fn new(make: Make) -> Self {
        Self { project: disk(), far: None, make, _shared: None }
    }

    /// A handle on the backend, as every process has its own.
    pub(crate) fn open(&self) -> Arc<dyn Backend> {
        (self.make)(&self.project)
    }

    /// A store over it.
    pub(crate) fn store(&self) -> Store {
        Store::over(self.project.path(), self.open()).unwrap()
    }

    /// Another project with the same far side.
    pub(crate) fn clone_of_the_project(&self) -> Self {
        before(self.far.clone().unwrap())
    }
}

/// A folder on a disk in memory, where there is one: whether content is durable is not tried here.
pub(crate) fn disk() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

pub(crate) fn local(project: &TempDir) -> LocalFolder {
    LocalFolder::open(project.path()).unwrap()
}

pub(crate) fn folder() -> Fixture {
    Fixture::new(Box::new(|project| Arc::new(local(project))))
}

pub(crate) fn memory() -> Fixture {
    let shared = Arc::new(InMemory::new());
    Fixture::new(Box::new(move |_| shared.clone()))
}

/// A folder with `far` behind it.
pub(crate) fn before(far: Arc<dyn Backend>) -> Fixture {
    let behind = far.clone();
    let make: Make =
        Box::new(move |project| Arc::new(Layered::new(local(project), behind.clone())));
    Fixture { far: Some(far), ..Fixture::new(make) }
}

pub(crate) fn folder_before_memory() -> Fixture {
    before(Arc::new(InMemory::new()))
}

/// As two machines share a mounted folder.
pub(crate) fn folder_before_folder() -> Fixture {
    let shared = disk();
    let far = Arc::new(local(&shared));
    Fixture { _shared: Some(shared), ..before(far) }
}

pub(crate) fn id(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

pub(crate) fn recipe(name: &str) -> Recipe {
    Recipe::new("fit").with("name", name)
}

/// An object with its content.
pub(crate) fn object(content: &[u8]) -> (Entry, Vec<u8>) {
    (Entry::Object(Digest::of(content)), content.to_vec())
}

/// A recipe with its content.
pub(crate) fn ingredients(name: &str) -> (Entry, Vec<u8>) {
    let recipe = recipe(name);
    (Entry::Recipe(recipe.digest()), serde_json::to_vec(&recipe).unwrap())
}

/// A record of a recipe with its content.
pub(crate) fn record(of: &str, name: &str, text: &str) -> (Entry, Vec<u8>) {
    let (recipe, id) = (recipe(of).digest(), id(name));
    (Entry::Record { recipe, id }, seal(&[&recipe, &id], text.as_bytes()))
}

pub(crate) fn put(backend: &dyn Backend, (entry, content): &(Entry, Vec<u8>)) {
    backend.put(&[(*entry, Content::Bytes(content))]).unwrap();
}

pub(crate) fn get(backend: &dyn Backend, entry: &Entry) -> Option<Vec<u8>> {
    backend.open(entry).unwrap().map(|opened| opened.read().unwrap())
}
