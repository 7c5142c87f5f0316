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
    progress::Progress,
    view::{AuditView, record},
};

/// A view, its type forgotten.
pub(crate) struct Entry {
    name: &'static str,
    /// What it costs beside the others, in per cent of them all (measured on `flights` and a table of 1,500 classes):
    /// for the time that is left.
    weight: u64,
    place: fn(&Looked, &mut NodeAudit) -> Result<(), EngineError>,
}

const fn entry<V: AuditView>(weight: u64) -> Entry {
    Entry { name: V::NAME, weight, place: placed::<V> }
}

/// All views, in the order in which they are measured and placed: the performance decides whether there are
/// importances, and these whether anything else is shown.
static VIEWS: [Entry; 15] = [
    entry::<performance::Performed>(26),
    entry::<slices::Parts>(2),
    entry::<seeds::Seeds>(1),
    entry::<out_of_fold::OutOfFold>(2),
    entry::<importance::Importance>(6),
    entry::<cues::Cues>(22),
    entry::<conditional::Conditionals>(22),
    entry::<responses::Answers>(5),
    entry::<raw::Raw>(3),
    entry::<rows::Rows>(2),
    entry::<layers::Layers>(3),
    entry::<images::Images>(1),
    entry::<comparisons::Sides>(3),
    entry::<combined::Pays>(1),
    entry::<composite::Upstreams>(1),
];

/// The names of all views.
pub fn views() -> impl Iterator<Item = &'static str> {
    VIEWS.iter().map(|view| view.name)
}

/// What a view costs beside the others.
pub(crate) fn weight(name: &str) -> u64 {
    VIEWS.iter().find(|view| view.name == name).map_or(0, |view| view.weight)
}

/// Fills in what all views say of a node.
pub(crate) fn place(
    looked: &Looked,
    audit: &mut NodeAudit,
    progress: &Progress,
) -> Result<(), EngineError> {
    let index = looked.auditor.node.index;
    VIEWS.iter().try_for_each(|view| {
        looked.auditor.session().go_on()?;
        progress.view(index, view.name);
        (view.place)(looked, audit)?;
        progress.viewed(index, view.name);
        Ok(())
    })
}

fn placed<V: AuditView>(looked: &Looked, audit: &mut NodeAudit) -> Result<(), EngineError> {
    if V::applies(looked)? {
        let record = record::<V>(looked)?;
        record.tell(looked);
        record.place(audit);
    }
    Ok(())
}
