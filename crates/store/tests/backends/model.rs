//! Random sequences of operations, held against two maps.

use std::collections::{BTreeMap, BTreeSet};

use collegium_store::{Content, Entry, Prefix};
use proptest::{prelude::*, test_runner::TestRunner};

use crate::fixtures::{Empty, Fixture, get, ingredients, object, recipe, record};

for_every_backend!(any_sequence_of_operations_does_what_the_model_does);

/// What is done, to entries by number.
#[derive(Debug, Clone)]
enum Step {
    Put(Vec<(u8, u8)>),
    Get(u8),
    Look(u8),
    List(u8),
    Delete(u8),
    SetAside(u8),
    Touch(u8),
    Flush,
    /// Goes on with another handle: what was not flushed is not yet on the far side.
    Reopen,
}

/// A few entries, so that sequences meet them again. A record's content has a version.
fn numbered(number: u8, version: u8) -> (Entry, Vec<u8>) {
    let name = (number / 3 % 3).to_string();
    match number % 3 {
        0 => object(name.as_bytes()),
        1 => ingredients(&name),
        _ => record(&name, &(number / 9).to_string(), &version.to_string()),
    }
}

const ENTRIES: u8 = 27;

fn prefix(number: u8) -> Prefix {
    match number % 4 {
        0 => Prefix::Objects,
        1 => Prefix::Recipes,
        2 => Prefix::Records,
        _ => Prefix::RecordsOf(recipe("1").digest()),
    }
}

fn step() -> impl Strategy<Value = Step> {
    let entry = || 0..ENTRIES;
    prop_oneof![
        4 => prop::collection::vec((entry(), 0..4u8), 1..4).prop_map(Step::Put),
        3 => entry().prop_map(Step::Get),
        1 => entry().prop_map(Step::Look),
        1 => (0..4u8).prop_map(Step::List),
        2 => entry().prop_map(Step::Delete),
        1 => entry().prop_map(Step::SetAside),
        1 => entry().prop_map(Step::Touch),
        1 => Just(Step::Flush),
        1 => Just(Step::Reopen),
    ]
}

/// What is near, and, if there is something behind it, what is far and what is on its way there.
#[derive(Default)]
struct Model {
    near: BTreeMap<Entry, Vec<u8>>,
    far: Option<BTreeMap<Entry, Vec<u8>>>,
    pending: BTreeSet<Entry>,
}

impl Model {
    fn far(&self, entry: &Entry) -> Option<&Vec<u8>> {
        self.far.as_ref()?.get(entry)
    }

    fn get(&mut self, entry: &Entry) -> Option<Vec<u8>> {
        if let Some(content) = self.far(entry).cloned() {
            self.near.entry(*entry).or_insert(content);
        }
        self.near.get(entry).cloned()
    }

    fn delete(&mut self, entry: &Entry) -> bool {
        self.near.remove(entry).is_some()
    }

    fn flush(&mut self) {
        for entry in std::mem::take(&mut self.pending) {
            if let (Some(far), Some(content)) = (&mut self.far, self.near.get(&entry)) {
                far.insert(entry, content.clone());
            }
        }
    }

    fn list(&self, prefix: &Prefix) -> Vec<Entry> {
        let all: BTreeSet<&Entry> =
            self.near.keys().chain(self.far.iter().flat_map(BTreeMap::keys)).collect();
        all.into_iter().filter(|entry| prefix.covers(entry)).copied().collect()
    }
}

fn agree(fixture: &Fixture, steps: &[Step]) -> Result<(), TestCaseError> {
    let mut backend = fixture.open();
    let far = fixture.far.is_some().then(BTreeMap::new);
    let mut model = Model { far, ..Model::default() };
    for step in steps {
        match step {
            Step::Put(batch) => {
                let batch: Vec<_> = batch.iter().map(|&(n, v)| numbered(n, v)).collect();
                let contents: Vec<_> = batch.iter().map(|(e, c)| (*e, Content::Bytes(c))).collect();
                backend.put(&contents).unwrap();
                model.pending.extend(batch.iter().map(|(entry, _)| *entry));
                model.near.extend(batch);
            }
            Step::Get(n) => {
                let (entry, _) = numbered(*n, 0);
                prop_assert_eq!(get(&*backend, &entry), model.get(&entry));
            }
            Step::Look(n) => {
                let (entry, _) = numbered(*n, 0);
                let known = model.near.get(&entry).or(model.far(&entry));
                let bytes = backend.look(&entry).unwrap().map(|meta| meta.bytes);
                prop_assert_eq!(bytes, known.map(|content| content.len() as u64));
            }
            Step::List(n) => {
                prop_assert_eq!(backend.list(&prefix(*n)).unwrap(), model.list(&prefix(*n)));
            }
            Step::Delete(n) => {
                let (entry, _) = numbered(*n, 0);
                model.pending.remove(&entry);
                prop_assert_eq!(backend.delete(&entry).unwrap(), model.delete(&entry));
            }
            Step::SetAside(n) => {
                let (entry, _) = numbered(*n, 0);
                backend.set_aside(&entry).unwrap();
                model.delete(&entry);
            }
            Step::Touch(n) => backend.touch(&numbered(*n, 0).0).unwrap(),
            Step::Flush => {
                backend.flush().unwrap();
                model.flush();
            }
            Step::Reopen => {
                backend = fixture.open();
                model.pending.clear();
            }
        }
    }
    prop_assert_eq!(backend.notes(), Vec::<String>::new());
    Ok(())
}

fn any_sequence_of_operations_does_what_the_model_does(empty: Empty) {
    let config = ProptestConfig { cases: 48, failure_persistence: None, ..Default::default() };
    let steps = prop::collection::vec(step(), 1..40);
    let mut runner = TestRunner::new(config);
    runner.run(&steps, |steps| agree(&empty(), &steps)).unwrap();
}
