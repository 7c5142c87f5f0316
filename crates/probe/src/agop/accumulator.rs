//! Jacobians in, the average gradient outer product and each row's share in it out.

use nalgebra::DMatrix;

use super::{AgopError, Geometry};

/// Jacobian rows that are multiplied at once: enough for a matrix product to be worth its call,
/// little enough to stay in cache for the usual width.
const CHUNK: usize = 256;

/// Sums G = 1/n Σ JᵀJ in `f64`, in the order in which rows are added.
///
/// Beside G it keeps, for every row and declared input b, the row's contribution
/// s_b(row) = Σ_outputs J_b Σ_bb J_bᵀ. Its mean over rows is tr(G_bb Σ_bb), the importance; a
/// bootstrap is then a weighted mean of contributions and touches no Jacobian again.
///
/// With `centred` outputs the mean over outputs is subtracted from the Jacobian first, which is
/// right for the logits of more than two classes: softmax does not see a shift that all logits
/// share, so a gradient along it is nobody's prediction. A single output is left as it is.
pub struct Accumulator<'a> {
    geometry: &'a Geometry,
    centred: bool,
    outputs: usize,
    /// One Jacobian row (the gradient of one output) per column: width × [`CHUNK`].
    pending: DMatrix<f64>,
    filled: usize,
    sum: DMatrix<f64>,
    blocks: Vec<DMatrix<f64>>,
    /// One number per Jacobian row and declared input.
    parts: Vec<f64>,
    failure: Option<AgopError>,
}

/// What an [`Accumulator`] has gathered.
pub struct Accumulated {
    /// G, `width × width`.
    pub matrix: DMatrix<f64>,
    /// s_b(row), `rows × inputs`, row-major.
    pub contributions: Vec<f64>,
}

impl<'a> Accumulator<'a> {
    /// Begins a sum over the rows that `geometry` describes.
    pub fn new(geometry: &'a Geometry, centred: bool) -> Self {
        let width = geometry.width();
        let blocks = geometry
            .groups()
            .iter()
            .map(|g| {
                geometry.covariance().view((g.start, g.start), (g.len(), g.len())).into_owned()
            })
            .collect();
        Self {
            geometry,
            centred,
            outputs: 0,
            pending: DMatrix::zeros(width, CHUNK),
            filled: 0,
            sum: DMatrix::zeros(width, width),
            blocks,
            parts: Vec::with_capacity(geometry.rows() * geometry.groups().len()),
            failure: None,
        }
    }

    /// Adds one row's Jacobian, `outputs × width`, row-major. A Jacobian of another shape than the
    /// first, or with a value that is not finite, is reported by [`Self::finish`].
    pub fn add(&mut self, jacobian: &[f32]) {
        let width = self.geometry.width();
        if self.outputs == 0 {
            self.outputs = jacobian.len() / width;
        }
        if self.outputs == 0 || jacobian.len() != self.outputs * width {
            self.failure.get_or_insert(AgopError::Shape(format!(
                "a Jacobian of {} values for {} outputs and {width} inputs",
                jacobian.len(),
                self.outputs
            )));
        } else if jacobian.iter().any(|j| !j.is_finite()) {
            self.failure.get_or_insert(AgopError::NotFinite("a gradient"));
        }
        if self.failure.is_some() {
            return;
        }
        // A single output has no other to share a shift with.
        let centred = self.centred && self.outputs > 1;
        let mean: Vec<f64> = if centred {
            let scale = 1.0 / self.outputs as f64;
            (0..width)
                .map(|i| {
                    jacobian[i..].iter().step_by(width).map(|&j| f64::from(j)).sum::<f64>() * scale
                })
                .collect()
        } else {
            Vec::new()
        };
        for gradient in jacobian.chunks_exact(width) {
            let mut column = self.pending.column_mut(self.filled);
            for (to, &from) in column.iter_mut().zip(gradient) {
                *to = f64::from(from);
            }
            if centred {
                for (to, mean) in column.iter_mut().zip(&mean) {
                    *to -= mean;
                }
            }
            self.filled += 1;
            if self.filled == CHUNK {
                self.flush();
            }
        }
    }

    fn flush(&mut self) {
        let pending = self.pending.columns(0, self.filled);
        self.sum.gemm(1.0, &pending, &pending.transpose(), 1.0);
        let from = self.parts.len();
        let inputs = self.blocks.len();
        self.parts.resize(from + self.filled * inputs, 0.0);
        for (input, (group, block)) in self.geometry.groups().iter().zip(&self.blocks).enumerate() {
            let gradient = pending.rows(group.start, group.len());
            let moved = block * gradient;
            for row in 0..self.filled {
                // A quadratic form of a covariance is not negative; its rounding may be.
                self.parts[from + row * inputs + input] =
                    gradient.column(row).dot(&moved.column(row)).max(0.0);
            }
        }
        self.filled = 0;
    }

    /// Divides by n.
    ///
    /// # Errors
    /// What [`Self::add`] met first; [`AgopError::Shape`] when not every row was added.
    pub fn finish(mut self) -> Result<Accumulated, AgopError> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        self.flush();
        let inputs = self.blocks.len();
        let rows = self.geometry.rows();
        if self.parts.len() != rows * self.outputs * inputs {
            return Err(AgopError::Shape(format!(
                "{} Jacobians for {rows} rows",
                self.parts.len() / (self.outputs * inputs).max(1)
            )));
        }
        let mut contributions = vec![0.0; rows * inputs];
        for (row, parts) in self.parts.chunks_exact(self.outputs * inputs).enumerate() {
            for part in parts.chunks_exact(inputs) {
                for (to, part) in contributions[row * inputs..].iter_mut().zip(part) {
                    *to += part;
                }
            }
        }
        Ok(Accumulated { matrix: self.sum / rows as f64, contributions })
    }
}
