//! Mark phase of garbage collection: what is reached from the roots.

use std::collections::HashSet;

use collegium_digest::Digest;
use collegium_records::Kept;

use super::{GcPolicy, inventory::Inventory};
use crate::Roots;

/// The live set: what may not be removed.
#[derive(Debug, Default)]
pub(super) struct Live {
    /// Objects that are in use.
    pub(super) reached: HashSet<Digest>,
    /// Objects that are young, or named by something young.
    pub(super) young: HashSet<Digest>,
}

impl Live {
    pub(super) fn has(&self, object: &Digest) -> bool {
        self.reached.contains(object) || self.young.contains(object)
    }
}

/// Follows the roots: the outputs of their recipes; the tables that their models were trained on and
/// the rows that they have seen, and of models that a lock stands on the upstream outputs too; a table with its split.
pub(super) fn live(inventory: &Inventory, roots: &Roots, policy: &GcPolicy) -> Live {
    let mut standing: HashSet<Digest> = roots.objects.iter().copied().collect();
    for record in &inventory.records {
        if record.about.model.is_some_and(|model| roots.pinned.contains(&model)) {
            standing.extend(&record.names.parts);
        }
    }
    let mut reached = standing.clone();
    reached.extend(&roots.recent);
    let mut young = HashSet::new();
    for (object, file) in &inventory.objects {
        if policy.spares(file.modified) {
            young.insert(*object);
        }
    }
    for record in &inventory.records {
        for (object, kind, _) in &record.names.needs {
            if *kind == Kept::Outputs && roots.recipes.contains(&record.recipe) {
                reached.insert(*object);
            }
            if policy.spares(record.file.modified) {
                young.insert(*object);
            }
        }
    }
    for record in &inventory.records {
        for (object, kind, _) in &record.names.needs {
            if *kind != Kept::Models {
                continue;
            }
            if standing.contains(object) {
                reached.extend(&record.names.upstream);
            }
            if reached.contains(object) {
                reached.extend(record.names.table);
                reached.extend(&record.names.membership);
            } else if young.contains(object) {
                young.extend(record.names.table);
                young.extend(&record.names.membership);
            }
        }
    }
    for record in &inventory.records {
        let tables = || record.names.needs.iter().filter(|(_, kind, _)| *kind == Kept::Tables);
        for set in [&mut reached, &mut young] {
            if tables().any(|(object, _, _)| set.contains(object)) {
                set.extend(tables().map(|(object, _, _)| *object));
            }
        }
    }
    Live { reached, young }
}
