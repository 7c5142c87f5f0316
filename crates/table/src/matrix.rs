//! Dense matrix of 32-bit floats: what encoders make and what experts hand to each other.

/// A dense matrix, row-major: row `i` is `data[i * width .. (i + 1) * width]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    /// Rows.
    pub rows: usize,
    /// Numbers per row; 0 is allowed.
    pub width: usize,
    /// `rows × width` numbers.
    pub data: Vec<f32>,
}

/// The first bytes of a stored matrix; the digit is the version of the form.
const MAGIC: &[u8; 8] = b"cg-mat-1";
const HEADER: usize = 8 + 8 + 8;

/// Bytes that are not a stored [`Matrix`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a stored matrix: {0}")]
pub struct MatrixError(String);

impl Matrix {
    /// All zero.
    pub fn zeros(rows: usize, width: usize) -> Self {
        Self { rows, width, data: vec![0.0; rows * width] }
    }

    /// Row `i`.
    ///
    /// # Panics
    /// If there is no row `i`.
    pub fn row(&self, i: usize) -> &[f32] {
        &self.data[i * self.width..(i + 1) * self.width]
    }

    /// Row `i`, to be written.
    ///
    /// # Panics
    /// If there is no row `i`.
    pub fn row_mut(&mut self, i: usize) -> &mut [f32] {
        &mut self.data[i * self.width..(i + 1) * self.width]
    }

    /// The given rows, in the given order.
    ///
    /// # Panics
    /// If one of them does not exist.
    pub fn select(&self, rows: &[u32]) -> Self {
        let mut data = Vec::with_capacity(rows.len() * self.width);
        for &row in rows {
            data.extend_from_slice(self.row(row as usize));
        }
        Self { rows: rows.len(), width: self.width, data }
    }

    /// The object form: an eight-byte mark, rows and width as little-endian 64-bit integers, then
    /// the numbers as little-endian bits. Equal matrices have equal bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER + self.data.len() * 4);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&(self.rows as u64).to_le_bytes());
        bytes.extend_from_slice(&(self.width as u64).to_le_bytes());
        for value in &self.data {
            bytes.extend_from_slice(&value.to_le_bytes());
        }
        bytes
    }

    /// Reads the object form.
    ///
    /// # Errors
    /// [`MatrixError`] if the bytes are of another form, cut short or too long.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MatrixError> {
        let fail = |why: &str| Err(MatrixError(why.to_owned()));
        let Some((header, body)) = bytes.split_at_checked(HEADER) else {
            return fail("it is shorter than a header");
        };
        if &header[..8] != MAGIC {
            return fail("it starts with other bytes");
        }
        let number = |at: usize| {
            let mut eight = [0; 8];
            eight.copy_from_slice(&header[at..at + 8]);
            usize::try_from(u64::from_le_bytes(eight)).ok()
        };
        let (Some(rows), Some(width)) = (number(8), number(16)) else {
            return fail("it is larger than this machine can hold");
        };
        let expected = rows.checked_mul(width).and_then(|n| n.checked_mul(4));
        if expected != Some(body.len()) {
            return fail(&format!(
                "{rows} rows of {width} numbers do not take {} bytes",
                body.len()
            ));
        }
        let (quads, _) = body.as_chunks::<4>();
        let data = quads.iter().map(|quad| f32::from_le_bytes(*quad)).collect();
        Ok(Self { rows, width, data })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_matrix_survives_its_bytes_bit_by_bit(rows in 0usize..6, width in 0usize..6, bits in any::<u32>()) {
            let data = (0..rows * width).map(|i| f32::from_bits(bits.rotate_left(i as u32)));
            let matrix = Matrix { rows, width, data: data.collect() };
            let bytes = matrix.to_bytes();
            let back = Matrix::from_bytes(&bytes).unwrap();
            prop_assert_eq!((back.rows, back.width), (rows, width));
            prop_assert_eq!(back.to_bytes(), bytes);
        }

        #[test]
        fn bytes_of_another_length_are_refused(cut in 1usize..40) {
            let mut bytes = Matrix::zeros(3, 2).to_bytes();
            let mut longer = bytes.clone();
            longer.extend(vec![0; cut]);
            prop_assert!(Matrix::from_bytes(&longer).is_err());
            bytes.truncate(bytes.len() - cut);
            prop_assert!(Matrix::from_bytes(&bytes).is_err());
        }
    }

    #[test]
    fn an_absurd_header_is_an_error_and_not_an_allocation() {
        let mut bytes = Matrix::zeros(0, 0).to_bytes();
        bytes[8..24].fill(0xff);
        assert!(Matrix::from_bytes(&bytes).is_err());
        bytes[0] = b'x';
        assert_eq!(
            Matrix::from_bytes(&bytes).unwrap_err().to_string(),
            "not a stored matrix: it starts with other bytes"
        );
    }

    #[test]
    fn rows_are_selected_in_the_order_asked_for() {
        let matrix = Matrix { rows: 3, width: 2, data: vec![0., 1., 2., 3., 4., 5.] };
        assert_eq!(matrix.select(&[2, 0]).data, [4., 5., 0., 1.]);
        assert_eq!(matrix.row(1), [2., 3.]);
    }
}
