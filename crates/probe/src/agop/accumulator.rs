//! Accumulates gradients into the average gradient outer product (AGOP), with each row's share in it.

use std::ops::Range;

use nalgebra::DMatrix;

use super::{AgopError, Frame, Geometry};

/// Accumulator of the AGOP: sums gradients chunk by chunk, in the order in which they come.
///
/// Two sums are kept. The *gram*, Σ BᵀB in `f64`, of gradients at whatever place the caller has them:
/// at the inputs it is n·G; at the first layer's pre-activations it is n·K, from which G = W K Wᵀ
/// follows exactly ([`Lift`]). And for every row and part of the [`Frame`] the row's contribution
/// Σ_outputs ‖gradient through the frame‖²: its mean over rows is tr(G_bb Σ_bb), the importance; a
/// bootstrap is then a weighted mean of contributions and touches no gradient again.
pub struct Accumulator<'a> {
    frame: &'a Frame,
    width: usize,
    rows: usize,
    outputs: usize,
    units: usize,
    lift: Option<Lift>,
    gram: Vec<f64>,
    contributions: Vec<f64>,
    by_column: Vec<f64>,
    kept: Option<Vec<f32>>,
    failure: Option<AgopError>,
}

/// The weights between the inputs and the place where gradients are summed.
#[derive(Debug, Clone)]
pub struct Lift {
    /// Inputs × units, row-major.
    pub weight: Vec<f32>,
    /// Units.
    pub units: usize,
}

/// What an [`Accumulator`] has gathered.
pub struct Gathered {
    /// Gradients per row.
    pub outputs: usize,
    /// 1/n Σ BᵀB where the gradients were.
    pub gram: DMatrix<f64>,
    /// From there to the inputs; `None`: they were at the inputs.
    pub lift: Option<Lift>,
    /// Rows × parts of the frame.
    pub contributions: Vec<f64>,
    /// Outputs × parts: means over the rows.
    pub by_output: Vec<f64>,
    /// Outputs × columns of the frame: means of squares over the rows.
    pub by_column: Vec<f64>,
    /// The gradients through the frame themselves, (rows · outputs) × columns, if they were kept.
    pub projected: Option<Vec<f32>>,
}

impl<'a> Accumulator<'a> {
    /// Begins a sum of `outputs` gradients for each of `rows` rows, through the frame of a geometry
    /// (whose rows they are, or are some of). With a `lift` grams are of its units, else of the
    /// inputs. `keep` keeps the gradients through the frame, for comparisons row by row.
    pub fn new(
        geometry: &Geometry,
        frame: &'a Frame,
        rows: usize,
        outputs: usize,
        lift: Option<Lift>,
        keep: bool,
    ) -> Self {
        let units = lift.as_ref().map_or(geometry.width(), |lift| lift.units);
        Self {
            frame,
            width: geometry.width(),
            rows,
            outputs,
            units,
            lift,
            gram: vec![0.0; units * units],
            contributions: Vec::with_capacity(rows * frame.parts.len()),
            by_column: vec![0.0; outputs * frame.columns],
            kept: keep.then(Vec::new),
            failure: None,
        }
    }

    /// Adds some rows: their gradients through the frame, (rows · outputs) × columns, row-major, and
    /// the gram of their gradients. Other shapes, and values that are not finite, are reported by
    /// [`Self::finish`].
    pub fn add(&mut self, projected: &[f32], gram: &[f32]) {
        let columns = self.frame.columns;
        let size = self.outputs * columns;
        let whole =
            if size == 0 { projected.is_empty() } else { projected.len().is_multiple_of(size) };
        if gram.len() != self.gram.len() || !whole {
            self.fail(AgopError::Shape(format!(
                "{} projected gradients and a gram of {} for {} outputs, {columns} columns and {} \
                 units",
                projected.len(),
                gram.len(),
                self.outputs,
                self.units
            )));
            return;
        }
        if !finite(projected) || !finite(gram) {
            self.fail(AgopError::NotFinite("a gradient"));
            return;
        }
        for (sum, value) in self.gram.iter_mut().zip(gram) {
            *sum += f64::from(*value);
        }
        self.add_rows(projected);
    }

    /// Adds some rows by their whole Jacobians, (rows · outputs) × width, row-major. Only without a
    /// lift.
    pub fn add_jacobians(&mut self, jacobians: &[f32]) {
        let width = self.width;
        if self.lift.is_some()
            || self.outputs == 0
            || !jacobians.len().is_multiple_of(width * self.outputs)
        {
            self.fail(AgopError::Shape(format!(
                "{} values of Jacobians for {} outputs and {width} inputs",
                jacobians.len(),
                self.outputs
            )));
            return;
        }
        if !finite(jacobians) {
            self.fail(AgopError::NotFinite("a gradient"));
            return;
        }
        let j = DMatrix::from_row_slice(jacobians.len() / width, width, jacobians);
        let frame = DMatrix::from_row_slice(width, self.frame.columns, &self.frame.values);
        // Row-major of the product is column-major of its transpose.
        let projected = frame.tr_mul(&j.transpose());
        let wide = j.map(f64::from);
        let gram = wide.tr_mul(&wide);
        self.gram.iter_mut().zip(gram.iter()).for_each(|(sum, value)| *sum += value);
        self.add_rows(projected.as_slice());
    }

    fn add_rows(&mut self, projected: &[f32]) {
        let (columns, parts) = (self.frame.columns, &self.frame.parts);
        if columns == 0 {
            return;
        }
        let mut of_row = vec![0.0; columns];
        for row in projected.chunks_exact(self.outputs * columns) {
            of_row.fill(0.0);
            for (gradient, by_column) in
                row.chunks_exact(columns).zip(self.by_column.chunks_exact_mut(columns))
            {
                for ((value, of_row), by_column) in gradient.iter().zip(&mut of_row).zip(by_column)
                {
                    let square = f64::from(value * value);
                    *of_row += square;
                    *by_column += square;
                }
            }
            self.contributions.extend(sums(&of_row, parts));
        }
        if let Some(kept) = &mut self.kept {
            kept.extend_from_slice(projected);
        }
    }

    fn fail(&mut self, error: AgopError) {
        self.failure.get_or_insert(error);
    }

    /// Divides by n.
    ///
    /// # Errors
    /// What [`Self::add`] met first; [`AgopError::Shape`] when not every row was added.
    pub fn finish(self) -> Result<Gathered, AgopError> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let rows = self.rows;
        let parts = self.frame.parts.len();
        // Where nothing varies there is nothing to project on, and no gradient need be taken.
        if self.frame.columns > 0 && self.contributions.len() != rows * parts {
            return Err(AgopError::Shape(format!(
                "gradients of {} rows for {rows}",
                self.contributions.len() / parts.max(1)
            )));
        }
        let by_column: Vec<f64> = self.by_column.iter().map(|sum| sum / rows as f64).collect();
        let columns = self.frame.columns;
        let by_output = (0..self.outputs)
            .flat_map(|output| sums(&by_column[output * columns..][..columns], &self.frame.parts));
        let mut contributions = self.contributions;
        contributions.resize(rows * parts, 0.0);
        Ok(Gathered {
            outputs: self.outputs,
            gram: DMatrix::from_row_slice(self.units, self.units, &self.gram) / rows as f64,
            lift: self.lift,
            contributions,
            by_output: by_output.collect(),
            by_column,
            projected: self.kept,
        })
    }
}

/// The sum over each part's columns. Of none it is 0, where `sum()` says -0.
fn sums(columns: &[f64], parts: &[Range<usize>]) -> impl Iterator<Item = f64> {
    parts.iter().map(|part| columns[part.clone()].iter().fold(0.0, |sum, value| sum + value))
}

/// Are all values finite? All are tested, so that several are tested at once.
fn finite(values: &[f32]) -> bool {
    values.iter().fold(true, |finite, value| finite & value.is_finite())
}
