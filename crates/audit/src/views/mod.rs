//! Views: what an audit measures of one node.
//!
//! A view is a module: its record, how it is measured, and where the record goes in the audit. Each record is
//! kept in the store under a recipe of its own, which names the view and its version. A view that
//! measures more, or otherwise, raises its version, and nothing else is measured again.

pub(crate) mod combined;
mod comparisons;
mod composite;
mod conditional;
pub(crate) mod cues;
mod images;
pub(crate) mod importance;
mod layers;
pub(crate) mod out_of_fold;
pub(crate) mod performance;
mod raw;
mod responses;
pub(crate) mod rows;
mod seeds;
mod slices;

use collegium_engine::EngineError;
use collegium_records::NodeAudit;

use crate::{
    looked::Looked,
    view::{AuditView, record},
};

/// A view, its type forgotten.
pub(crate) struct Entry {
    name: &'static str,
    place: fn(&Looked, &mut NodeAudit) -> Result<(), EngineError>,
}

const fn entry<V: AuditView>() -> Entry {
    Entry { name: V::NAME, place: placed::<V> }
}

/// All views, in the order in which they are measured and placed: the performance decides whether there are
/// importances, and these whether anything else is shown.
static VIEWS: [Entry; 15] = [
    entry::<performance::Performed>(),
    entry::<slices::Parts>(),
    entry::<seeds::Seeds>(),
    entry::<out_of_fold::OutOfFold>(),
    entry::<importance::Importance>(),
    entry::<cues::Cues>(),
    entry::<conditional::Conditionals>(),
    entry::<responses::Answers>(),
    entry::<raw::Raw>(),
    entry::<rows::Rows>(),
    entry::<layers::Layers>(),
    entry::<images::Images>(),
    entry::<comparisons::Sides>(),
    entry::<combined::Pays>(),
    entry::<composite::Upstreams>(),
];

/// The names of all views.
pub fn views() -> impl Iterator<Item = &'static str> {
    VIEWS.iter().map(|view| view.name)
}

/// Fills in what all views say of a node.
pub(crate) fn place(looked: &Looked, audit: &mut NodeAudit) -> Result<(), EngineError> {
    VIEWS.iter().try_for_each(|view| (view.place)(looked, audit))
}

fn placed<V: AuditView>(looked: &Looked, audit: &mut NodeAudit) -> Result<(), EngineError> {
    if V::applies(looked)? {
        let record = record::<V>(looked)?;
        record.tell(looked);
        record.place(audit);
    }
    Ok(())
}
