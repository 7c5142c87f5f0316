//! The encoded inputs: which columns belong to which declared input, and how they vary together.

use std::ops::Range;

use nalgebra::DMatrix;

use super::AgopError;

/// Covariance of the encoded columns over the probed rows (divided by n), and the groups of columns
/// that an encoder made of each declared input.
pub struct Geometry {
    groups: Vec<Range<usize>>,
    covariance: DMatrix<f64>,
    rows: usize,
}

impl Geometry {
    /// From `rows × width` encoded inputs, row-major, and the columns of each declared input: the
    /// groups follow each other and cover all columns.
    ///
    /// # Errors
    /// [`AgopError::Shape`] when the groups or the matrix do not fit the width,
    /// [`AgopError::TooFewRows`] below two rows, [`AgopError::NotFinite`].
    pub fn new(encoded: &[f32], width: usize, groups: &[Range<usize>]) -> Result<Self, AgopError> {
        let mut end = 0;
        for group in groups {
            if group.start != end || group.end < group.start {
                return Err(AgopError::Shape(format!(
                    "an input's columns begin at {} where the one before ends at {end}",
                    group.start
                )));
            }
            end = group.end;
        }
        if end != width || width == 0 || !encoded.len().is_multiple_of(width) {
            return Err(AgopError::Shape(format!(
                "{} encoded values in rows of {width}, with inputs over {end} columns",
                encoded.len()
            )));
        }
        let rows = encoded.len() / width;
        if rows < 2 {
            return Err(AgopError::TooFewRows(rows));
        }
        if encoded.iter().any(|x| !x.is_finite()) {
            return Err(AgopError::NotFinite("an encoded input"));
        }
        // A row of the data is a column here, so that the copy is contiguous.
        let mut x = DMatrix::from_iterator(width, rows, encoded.iter().map(|&x| f64::from(x)));
        for mut column in x.row_iter_mut() {
            // Subtracting the first value before averaging leaves a constant column exactly 0: a
            // mean that is off by a rounding would give it a variance, and so an importance.
            let first = column[0];
            column.add_scalar_mut(-first);
            let mean = column.sum() / rows as f64;
            column.add_scalar_mut(-mean);
        }
        let covariance = &x * x.transpose() / rows as f64;
        Ok(Self { groups: groups.to_vec(), covariance, rows })
    }

    /// Encoded columns.
    pub fn width(&self) -> usize {
        self.covariance.nrows()
    }

    /// Probed rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Encoded columns of each declared input.
    pub fn groups(&self) -> &[Range<usize>] {
        &self.groups
    }

    /// Σ, `width × width`.
    pub fn covariance(&self) -> &DMatrix<f64> {
        &self.covariance
    }
}
