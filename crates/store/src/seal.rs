//! Checksummed JSON records.
//!
//! `{"digest":"<64 digits>","record":<JSON>}` and a newline. The digest covers the record's bytes
//! *and* what the record is about, so that an intact file in the wrong place is not believed either.

use collegium_digest::{Digest, Hasher};

use crate::layout::hex;

const HEAD: &[u8] = b"{\"digest\":\"";
const MIDDLE: &[u8] = b"\",\"record\":";
const TAIL: &[u8] = b"}\n";

/// Seals a record about `subject`: of a realisation its recipe and id, of anything else nothing.
pub fn seal(subject: &[&Digest], record: &[u8]) -> Vec<u8> {
    let digest = hex(&digest(subject, record));
    [HEAD, digest.as_bytes(), MIDDLE, record, TAIL].concat()
}

/// The record in a sealed file about `subject`; `None` if a single byte is not as it was written.
pub(crate) fn unseal<'a>(subject: &[&Digest], file: &'a [u8]) -> Option<&'a [u8]> {
    let (digits, rest) = file.strip_prefix(HEAD)?.split_at_checked(64)?;
    let record = rest.strip_prefix(MIDDLE)?.strip_suffix(TAIL)?;
    (digits == hex(&digest(subject, record)).as_bytes()).then_some(record)
}

/// The record in a sealed file about nothing, in the place of the file; `None` as of [`unseal`].
pub(crate) fn unsealed(mut file: Vec<u8>) -> Option<Vec<u8>> {
    let length = unseal(&[], &file)?.len();
    let begin = file.len() - TAIL.len() - length;
    file.truncate(begin + length);
    file.drain(..begin);
    Some(file)
}

fn digest(subject: &[&Digest], record: &[u8]) -> Digest {
    let mut hasher = Hasher::new("sealed record");
    hasher.list(subject.len());
    for part in subject {
        hasher.digest(part);
    }
    hasher.bytes(record).finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_seal_holds_until_a_bit_changes(
            record in prop::collection::vec(any::<u8>(), 0..200), at in any::<prop::sample::Index>(), bit in 0..8,
        ) {
            let (one, two) = (Digest::of(b"1"), Digest::of(b"2"));
            let mut file = seal(&[&one, &two], &record);
            prop_assert_eq!(unseal(&[&one, &two], &file), Some(record.as_slice()));
            prop_assert_eq!(unseal(&[&two, &one], &file), None);
            prop_assert_eq!(unseal(&[&one], &file), None);
            prop_assert_eq!(unsealed(seal(&[], &record)), Some(record.clone()));
            prop_assert_eq!(unsealed(file.clone()), None);
            let cut = at.index(file.len());
            prop_assert_eq!(unseal(&[&one, &two], &file[..cut]), None);
            file[cut] ^= 1u8 << bit;
            prop_assert_eq!(unseal(&[&one, &two], &file), None);
        }
    }

    #[test]
    fn a_sealed_file_is_json() {
        let file = seal(&[], b"[1, 2]");
        let value: serde_json::Value = serde_json::from_slice(&file).unwrap_or_default();
        assert_eq!(value["record"], serde_json::json!([1, 2]));
    }
}
