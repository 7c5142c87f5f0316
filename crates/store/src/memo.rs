//! Persistent memo table, digest to digest: small facts that follow from content and are expensive to compute again.
//!
//! The file is a line that says what it is, the BLAKE3 hash of the rest, and the pairs in order of
//! their keys, 64 bytes each. A file that is not exactly that is an empty memo.

use std::collections::HashMap;

use collegium_digest::Digest;

use crate::{Store, StoreError, locked};

const HEAD: &[u8] = b"collegium memo 1\n";

/// Beyond this many pairs (16 MiB), those that no use was made of are dropped when writing.
const MANY: usize = 1 << 18;

#[derive(Debug, Default)]
pub(crate) struct Memo {
    /// Value, and whether it was used by this process; `None` until first used.
    pairs: Option<HashMap<Digest, (Digest, bool)>>,
    changed: bool,
}

impl Store {
    /// The value remembered for `key`, in this process or an earlier one.
    pub fn memo(&self, key: &Digest) -> Option<Digest> {
        let mut memo = locked(&self.memo);
        let (value, used) = self.pairs(&mut memo).get_mut(key)?;
        *used = true;
        Some(*value)
    }

    /// Remembers a value for `key`: for this process at once, for others at the next flush.
    pub fn remember(&self, key: Digest, value: Digest) {
        let mut memo = locked(&self.memo);
        let before = self.pairs(&mut memo).insert(key, (value, true));
        memo.changed |= before.is_none_or(|(old, _)| old != value);
    }

    fn pairs<'a>(&self, memo: &'a mut Memo) -> &'a mut HashMap<Digest, (Digest, bool)> {
        memo.pairs.get_or_insert_with(|| self.read_memo())
    }

    fn read_memo(&self) -> HashMap<Digest, (Digest, bool)> {
        let path = self.layout.folder("cache").join("memo");
        let Ok(Some(bytes)) = self.layout.read(&path) else { return HashMap::new() };
        decode(&bytes).unwrap_or_else(|| {
            self.quarantine(&path, "the memo");
            HashMap::new()
        })
    }

    pub(crate) fn flush_memo(&self) -> Result<(), StoreError> {
        let mut memo = locked(&self.memo);
        if !std::mem::take(&mut memo.changed) || self.is_read_only() {
            return Ok(());
        }
        let mut all = self.read_memo();
        all.extend(memo.pairs.iter().flatten());
        if all.len() > MANY {
            all.retain(|_, (_, used)| *used);
        }
        self.replace(&self.layout.folder("cache").join("memo"), &encode(&all))
    }
}

fn encode(pairs: &HashMap<Digest, (Digest, bool)>) -> Vec<u8> {
    let mut sorted: Vec<_> = pairs.iter().map(|(key, (value, _))| (key, value)).collect();
    sorted.sort_unstable();
    let body: Vec<u8> = sorted
        .iter()
        .flat_map(|(key, value)| [*key.as_bytes(), *value.as_bytes()])
        .flatten()
        .collect();
    [HEAD, Digest::of(&body).as_bytes(), &body].concat()
}

/// Is this a whole memo?
pub(crate) fn is_whole(file: &[u8]) -> bool {
    decode(file).is_some()
}

fn decode(file: &[u8]) -> Option<HashMap<Digest, (Digest, bool)>> {
    let (hash, body) = file.strip_prefix(HEAD)?.split_at_checked(32)?;
    let (halves, []) = body.as_chunks::<32>() else { return None };
    let (pairs, []) = halves.as_chunks::<2>() else { return None };
    (Digest::of(body).as_bytes() == hash).then(|| {
        pairs
            .iter()
            .map(|&[key, value]| (Digest::from_bytes(key), (Digest::from_bytes(value), false)))
            .collect()
    })
}
