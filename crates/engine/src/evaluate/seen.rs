//! Data leakage: rows of the file that a model was trained, stopped or chosen on are in no metric.
//!
//! They are told by who they are, as everywhere: by the content of the columns that identify a row, and by
//! the key of the split where it names single rows (a row that was edited keeps it). Of a key that names
//! groups only the rows themselves have been seen: tomorrow's rows of a known customer are new ones.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use collegium_data::row_identities;
use collegium_manifest::ReadOptions;
use collegium_table::Table;

use crate::{
    EngineError, Session,
    membership::{Identities, key},
};

/// Which rows the models of each node have already seen.
#[derive(Default)]
pub(super) struct SeenBefore {
    by_node: HashMap<usize, Arc<Vec<Identities>>>,
    /// Why it is not known, of which nodes.
    pub(super) unknown: Vec<String>,
}

impl SeenBefore {
    /// Of these nodes, for rows with these columns.
    pub(super) fn new(
        session: &Session,
        nodes: &[usize],
        header: &[String],
    ) -> Result<Self, EngineError> {
        let mut found = Self::default();
        let mut known = HashMap::new();
        let mut lacking: BTreeSet<String> = BTreeSet::new();
        let (mut lost, mut dark) = (Vec::new(), Vec::new());
        for &index in nodes {
            let seen = session.node(index).seen_by_deployed()?;
            let Some(members) = &seen else {
                lost.push(session.node(index).node_name());
                continue;
            };
            let sets = match known.get(&key(&seen)) {
                Some(sets) => Arc::clone(sets),
                None => {
                    let mut sets = Vec::new();
                    for members in members {
                        let at_hand =
                            |one: &Identities| one.columns.iter().all(|c| header.contains(c));
                        let all = session.identities_seen(members)?;
                        let before = sets.len();
                        sets.extend(all.iter().filter(|one| at_hand(one)).cloned());
                        if sets.len() == before {
                            let content = &members.content.columns;
                            lacking.extend(content.iter().filter(|c| !header.contains(c)).cloned());
                            sets.clear();
                            break;
                        }
                    }
                    let sets = Arc::new(sets);
                    known.insert(key(&seen), sets.clone());
                    sets
                }
            };
            if sets.is_empty() {
                dark.push(session.node(index).node_name());
            } else {
                found.by_node.insert(index, sets);
            }
        }
        if !dark.is_empty() {
            let names: Vec<String> = lacking.iter().map(|name| format!("`{name}`")).collect();
            found.unknown.push(format!(
                "whether these rows were seen in training is not known of {}: rows are told apart by \
                 columns that the file lacks ({})",
                dark.join(", "),
                names.join(", ")
            ));
        }
        if !lost.is_empty() {
            found.unknown.push(format!(
                "whether these rows were seen in training is not known of {}: an older version kept no \
                 record of it",
                lost.join(", ")
            ));
        }
        Ok(found)
    }

    /// The columns that identify a row.
    pub(super) fn columns(&self) -> Vec<String> {
        let all = self.by_node.values().flat_map(|sets| sets.iter()).flat_map(|one| &one.columns);
        all.collect::<BTreeSet<_>>().into_iter().cloned().collect()
    }

    /// Of a node: whether each row of a chunk was seen. `None` where that is not
    /// known.
    pub(super) fn among(
        &self,
        index: usize,
        chunk: &Table,
        read: &ReadOptions,
        cache: &mut HashMap<Vec<String>, Vec<u64>>,
    ) -> Option<Vec<bool>> {
        let sets = self.by_node.get(&index)?;
        let mut seen = vec![false; chunk.rows];
        for one in sets.iter() {
            if !cache.contains_key(&one.columns) {
                cache.insert(one.columns.clone(), row_identities(chunk, &one.columns, read)?);
            }
            for (seen, identity) in seen.iter_mut().zip(&cache[&one.columns]) {
                *seen |= one.seen.contains(identity);
            }
        }
        Some(seen)
    }
}
