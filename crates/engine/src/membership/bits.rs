//! Bit set of the rows of one table, and its stored form.

/// The first bytes of a stored set; the digit is the version of the form.
const MAGIC: &[u8; 8] = b"cg-bits1";

/// A set of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bits(Vec<u8>);

impl Bits {
    /// These rows of a table of so many.
    pub(super) fn of(rows: usize, chosen: &[u32]) -> Self {
        let mut bits = vec![0; rows.div_ceil(8)];
        for &row in chosen {
            bits[row as usize / 8] |= 1 << (row % 8);
        }
        Self(bits)
    }

    pub(super) fn has(&self, row: usize) -> bool {
        self.0.get(row / 8).is_some_and(|byte| byte >> (row % 8) & 1 == 1)
    }

    /// The identities, out of those of all rows, of the rows of this set.
    pub(super) fn among(&self, identities: &[u64]) -> impl Iterator<Item = u64> {
        identities
            .iter()
            .enumerate()
            .filter(|(row, _)| self.has(*row))
            .map(|(_, identity)| *identity)
    }

    /// The rows of either set.
    pub(super) fn or(mut self, other: &Self) -> Self {
        self.0.resize(self.0.len().max(other.0.len()), 0);
        for (byte, more) in self.0.iter_mut().zip(&other.0) {
            *byte |= more;
        }
        self
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        MAGIC.iter().chain(&self.0).copied().collect()
    }

    /// `None` if these are not the bytes of a stored set.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.strip_prefix(MAGIC).map(|bits| Self(bits.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_its_rows_and_reads_back() {
        let set = Bits::of(20, &[0, 7, 8, 19]);
        let rows: Vec<usize> = (0..30).filter(|&row| set.has(row)).collect();
        assert_eq!(rows, [0, 7, 8, 19]);
        assert_eq!(Bits::from_bytes(&set.to_bytes()), Some(set.clone()));
        assert!(Bits::of(9, &[8]).or(&set).has(19));
        assert_eq!(Bits::from_bytes(b"else"), None);
    }
}
