//! Locks of rotations: what the rotations of `evaluate.rotate` stand on, as one object that the lock file names.
//!
//! A lock of five rotations is five times as long, and nobody merges it by hand: so the lock file has one digest. What
//! the object names is in use as long as that digest stands in the lock, and no longer.

use collegium_digest::Digest;
use collegium_records::{Lock, LockedRotations};

use crate::{Store, StoreError};

impl Store {
    /// Keeps the locks of all rotations, in their order.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn put_rotated_locks(&self, locks: &[Lock]) -> Result<Digest, StoreError> {
        let bytes = serde_json::to_vec(locks).map_err(|error| StoreError::Record {
            what: "locks of rotations".to_owned(),
            message: error.to_string(),
        })?;
        self.put(&bytes)
    }

    /// The locks of all rotations, in their order; none where the object is gone.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn rotated_locks(
        &self,
        rotated: Option<&LockedRotations>,
    ) -> Result<Vec<Lock>, StoreError> {
        let Some(rotated) = rotated else { return Ok(Vec::new()) };
        let Some(bytes) = self.get(&rotated.locks)? else { return Ok(Vec::new()) };
        // What is not what it should be is made anew by the next run.
        Ok(serde_json::from_slice(&bytes).unwrap_or_default())
    }
}
