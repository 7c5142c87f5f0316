//! Sets of rows that models have seen, one set per table.

use collegium_digest::{Digest, Hasher};
use collegium_records::{Fit, Members};

/// Fewer unseen rows than this say nothing: figures on them are withheld.
pub const FEWEST_UNSEEN: u64 = 30;

/// Sets of rows that some models have seen; `None` for all rows there are.
pub(crate) type Memberships = Option<Vec<Members>>;

/// What a model used a row for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// Was it trained on? A validation row may have been one before.
    Trained,
    /// Was it seen in any way?
    Any,
}

/// The rows that a fit has seen, and those seen by the models that it was made from.
/// Nothing, for one of an older version.
pub(crate) fn closure(fit: &Fit) -> Memberships {
    let membership = fit.seen.as_ref()?.membership.as_ref()?;
    Some(unique(membership.all().cloned().collect()))
}

pub(super) fn unique(mut members: Vec<Members>) -> Vec<Members> {
    members.sort_unstable();
    members.dedup();
    members
}

pub(crate) fn both(a: Memberships, b: Memberships) -> Memberships {
    Some(unique([a?, b?].concat()))
}

/// Key of a set of seen rows.
pub(crate) fn key(seen: &Memberships) -> Digest {
    let mut hasher = Hasher::new("seen");
    hasher.boolean(seen.is_some());
    for members in seen.iter().flatten() {
        for object in members.objects() {
            hasher.digest(&object);
        }
    }
    hasher.finish()
}
