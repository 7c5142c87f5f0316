//! Block-wise verifiable content hash (BLAKE3 tree).
//!
//! BLAKE3 is a tree. Keep the values of its nodes at one height, and any block of a file can be told to be
//! the one that was hashed, in any order and without the rest. So a file may be read several times, here and
//! there, and every byte that is looked at is known to be one that the digest stands for.

use std::io::{self, ErrorKind, Read};

use blake3::hazmat::{
    ChainingValue, HasherExt as _, Mode, left_subtree_len, merge_subtrees_non_root,
    merge_subtrees_root,
};

use crate::Digest;

/// The digest of a content and of each of its blocks: 32 bytes for each 64 KiB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocks {
    length: u64,
    root: Digest,
    values: Vec<ChainingValue>,
}

impl Blocks {
    /// Bytes of a block; the last one may be shorter.
    pub const SIZE: usize = 1 << 16;

    /// Reads a content to its end.
    ///
    /// # Errors
    /// Those of reading.
    pub fn of(content: &mut dyn Read) -> io::Result<Self> {
        let (mut length, mut values) = (0, Vec::new());
        let mut block = vec![0; Self::SIZE];
        // A content of one block is the root of its tree by itself.
        let mut alone = Digest::of(b"");
        loop {
            let got = fill(content, &mut block)?;
            if got == 0 {
                break;
            }
            if length == 0 && got < Self::SIZE {
                alone = Digest::of(&block[..got]);
            }
            values.push(value(length, &block[..got]));
            length += got as u64;
            if length == Self::SIZE as u64 {
                alone = Digest::of(&block);
            }
            if got < Self::SIZE {
                break;
            }
        }
        let root = match values.len() {
            0 | 1 => alone,
            _ => root(length, &values),
        };
        Ok(Self { length, root, values })
    }

    /// Bytes of the content.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The digest of the content: that of [`Digest::of`].
    pub fn digest(&self) -> Digest {
        self.root
    }

    /// How many bytes the block of this number has; 0 behind the end.
    pub fn size(&self, block: u64) -> usize {
        let left = self.length.saturating_sub(block.saturating_mul(Self::SIZE as u64));
        usize::try_from(left).map_or(Self::SIZE, |left| left.min(Self::SIZE))
    }

    /// Are these bytes the block of this number?
    pub fn is_block(&self, block: u64, bytes: &[u8]) -> bool {
        let known = usize::try_from(block).ok().and_then(|block| self.values.get(block));
        bytes.len() == self.size(block)
            && known.is_some_and(|known| *known == value(block * Self::SIZE as u64, bytes))
    }
}

fn value(offset: u64, bytes: &[u8]) -> ChainingValue {
    blake3::Hasher::new().set_input_offset(offset).update(bytes).finalize_non_root()
}

fn root(length: u64, values: &[ChainingValue]) -> Digest {
    let left = left_subtree_len(length);
    let (here, there) = values.split_at((left / Blocks::SIZE as u64) as usize);
    let root = merge_subtrees_root(&node(left, here), &node(length - left, there), Mode::Hash);
    Digest::from_bytes(*root.as_bytes())
}

/// The value of a subtree of so many bytes.
fn node(length: u64, values: &[ChainingValue]) -> ChainingValue {
    match values {
        [one] => *one,
        _ => {
            let left = left_subtree_len(length);
            let (here, there) = values.split_at((left / Blocks::SIZE as u64) as usize);
            merge_subtrees_non_root(&node(left, here), &node(length - left, there), Mode::Hash)
        }
    }
}

/// Fills a buffer as far as there are bytes.
fn fill(content: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while got < buffer.len() {
        match content.read(&mut buffer[got..]) {
            Ok(0) => break,
            Ok(more) => got += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes(length: usize) -> Vec<u8> {
        (0..length).map(|at| (at * 7 + at / 251) as u8).collect()
    }

    #[test]
    fn the_digest_is_that_of_the_whole_content_at_every_odd_length() {
        let block = Blocks::SIZE;
        for blocks in [0, 1, 2, 3, 4, 5, 8, 13] {
            for more in [0, 1, 1023, 1024, 1025, block - 1] {
                let bytes = bytes(blocks * block + more);
                let known = Blocks::of(&mut bytes.as_slice()).unwrap();
                assert_eq!(known.digest(), Digest::of(&bytes), "{blocks} blocks and {more}");
                assert_eq!(known.length(), bytes.len() as u64);
                for (at, bytes) in bytes.chunks(block).enumerate() {
                    assert!(known.is_block(at as u64, bytes));
                }
            }
        }
    }

    proptest! {
        #[test]
        fn a_block_with_one_other_byte_is_none_and_neither_is_one_of_another_place(
            length in 1_usize..400_000, at in any::<proptest::sample::Index>(), flip in 1_u8..,
        ) {
            let whole = bytes(length);
            let known = Blocks::of(&mut whole.as_slice()).unwrap();
            let at = at.index(length);
            let block = at / Blocks::SIZE;
            let mut here = whole.chunks(Blocks::SIZE).nth(block).unwrap().to_vec();
            prop_assert!(known.is_block(block as u64, &here));
            prop_assert!(!known.is_block(block as u64 + 1, &here));
            here[at % Blocks::SIZE] ^= flip;
            prop_assert!(!known.is_block(block as u64, &here));
        }
    }
}
