//! Geometry of the encoded inputs: which columns belong to which declared input, and their covariance.

use std::ops::Range;

use nalgebra::DMatrix;

use super::{AgopError, Gathered, spectrum::pivoted_cholesky};

/// Inputs of more columns than this (images) are weighed by their columns' variances alone: their
/// joint covariance would be dearer than everything else, and a picture is looked at by pixels.
const WIDEST_BLOCK: usize = 256;

/// Inputs that are tied more closely than this count as one group.
const TIED: f64 = 0.9;

/// Columns among which ties are looked for, at most: a matrix of their square is made.
const MOST_TIED: usize = 4096;

/// The probed rows, centred, and the groups of columns that an encoder made of each declared input.
pub struct Geometry {
    groups: Vec<Range<usize>>,
    /// Width × rows, each column of the data less its mean.
    centred: DMatrix<f64>,
    variances: Vec<f64>,
    clusters: Vec<Cluster>,
}

/// Declared inputs that vary together.
#[derive(Debug, Clone, PartialEq)]
pub struct Cluster {
    /// Their positions, ascending.
    pub inputs: Vec<usize>,
    /// The least of the largest correlations that tie each of them to another.
    pub correlation: f64,
}

/// What gradients are projected on, so that squares of the projections are importances.
///
/// A declared input b with covariance Σ_bb = L Lᵀ is given the columns L: ‖g_b L‖² = g_b Σ_bb g_bᵀ.
/// After the inputs come the clusters, with the covariance of all their columns together.
pub struct Frame {
    /// Width × [`Self::columns`], row-major.
    pub values: Vec<f32>,
    /// Columns.
    pub columns: usize,
    /// The columns of each declared input, then of each cluster.
    pub parts: Vec<Range<usize>>,
    /// How many of the parts are declared inputs.
    pub inputs: usize,
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
        let variances = x.row_iter().map(|column| column.norm_squared() / rows as f64).collect();
        let mut geometry =
            Self { groups: groups.to_vec(), centred: x, variances, clusters: Vec::new() };
        geometry.clusters = geometry.find_clusters();
        Ok(geometry)
    }

    /// Encoded columns.
    pub fn width(&self) -> usize {
        self.centred.nrows()
    }

    /// Probed rows.
    pub fn rows(&self) -> usize {
        self.centred.ncols()
    }

    /// Encoded columns of each declared input.
    pub fn groups(&self) -> &[Range<usize>] {
        &self.groups
    }

    /// Variance of each encoded column over the probed rows (divided by n).
    pub fn variances(&self) -> &[f64] {
        &self.variances
    }

    /// Declared inputs that vary together: |correlation| > .9.
    pub fn clusters(&self) -> &[Cluster] {
        &self.clusters
    }

    /// Σ, `width × width`.
    pub fn covariance(&self) -> DMatrix<f64> {
        &self.centred * self.centred.transpose() / self.rows() as f64
    }

    /// The covariance of x·W for `width × units` weights, row-major: WᵀΣW without Σ.
    pub(super) fn spread(&self, weight: &DMatrix<f64>) -> DMatrix<f64> {
        let z = weight.tr_mul(&self.centred);
        &z * z.transpose() / self.rows() as f64
    }

    /// The probed rows along covectors (`width × k`): rows × k.
    pub(super) fn along(&self, covectors: &DMatrix<f64>) -> DMatrix<f64> {
        self.centred.tr_mul(covectors)
    }

    /// The columns of each declared input, then of each cluster.
    fn parts(&self) -> impl Iterator<Item = Vec<usize>> {
        let inputs = self.groups.iter().map(|group| group.clone().collect::<Vec<usize>>());
        let clusters = self.clusters.iter().map(|cluster| {
            cluster.inputs.iter().flat_map(|&input| self.groups[input].clone()).collect()
        });
        inputs.chain(clusters)
    }

    /// What each row adds to the covariances, weighed by an AGOP: (xᵢ − mean)_b G_bb (xᵢ − mean)_bᵀ for
    /// every part b, rows × parts. Its mean over the rows is tr(G_bb Σ_bb), as that of the contributions
    /// of gradients is; of many columns by their variances alone, as these.
    pub fn spreads(&self, gathered: &Gathered) -> Vec<f64> {
        // G = A Aᵀ where gradients were summed behind the first layer.
        let lifted = gathered.lift.as_ref().map(|lift| {
            let weight = DMatrix::from_row_slice(self.width(), lift.units, &lift.weight);
            weight.map(f64::from) * pivoted_cholesky(&gathered.gram)
        });
        let parts: Vec<Vec<usize>> = self.parts().collect();
        let mut spreads = vec![0.0; self.rows() * parts.len()];
        for (part, columns) in parts.iter().enumerate() {
            let x = self.centred.select_rows(columns);
            let weighed = if columns.len() > WIDEST_BLOCK {
                let mut weighed = x.clone();
                for (mut row, &column) in weighed.row_iter_mut().zip(columns) {
                    row *= match &lifted {
                        Some(factor) => factor.row(column).norm_squared(),
                        None => gathered.gram[(column, column)],
                    };
                }
                weighed
            } else {
                let block = match &lifted {
                    Some(factor) => {
                        let rows = factor.select_rows(columns);
                        &rows * rows.transpose()
                    }
                    None => gathered.gram.select_rows(columns).select_columns(columns),
                };
                block * &x
            };
            for (row, (x, weighed)) in x.column_iter().zip(weighed.column_iter()).enumerate() {
                spreads[row * parts.len() + part] = x.dot(&weighed).max(0.0);
            }
        }
        spreads
    }

    /// What gradients are to be projected on.
    pub fn frame(&self) -> Frame {
        let mut blocks: Vec<(Vec<usize>, DMatrix<f64>)> = Vec::new();
        for columns in self.parts() {
            let factor = self.factor(&columns);
            blocks.push((columns, factor));
        }
        let width = blocks.iter().map(|(_, factor)| factor.ncols()).sum();
        let mut values = vec![0.0; self.width() * width];
        let (mut parts, mut start) = (Vec::new(), 0);
        for (columns, factor) in blocks {
            for (row, &column) in columns.iter().enumerate() {
                for (k, value) in factor.row(row).iter().enumerate() {
                    values[column * width + start + k] = *value as f32;
                }
            }
            parts.push(start..start + factor.ncols());
            start += factor.ncols();
        }
        Frame { values, columns: width, parts, inputs: self.groups.len() }
    }

    /// The frame that leaves gradients as they are, column by column.
    pub fn plain(&self) -> Frame {
        let width = self.width();
        let identity = (0..width * width).map(|i| f32::from(u8::from(i / width == i % width)));
        Frame {
            values: identity.collect(),
            columns: width,
            parts: (0..width).map(|column| column..column + 1).collect(),
            inputs: width,
        }
    }

    /// L with LLᵀ the covariance of some columns; of many columns, of their variances alone.
    fn factor(&self, columns: &[usize]) -> DMatrix<f64> {
        if columns.len() > WIDEST_BLOCK {
            let deviations = columns.iter().map(|&column| self.variances[column].sqrt());
            return DMatrix::from_diagonal(&nalgebra::DVector::from_iterator(
                columns.len(),
                deviations,
            ));
        }
        let x = self.centred.select_rows(columns);
        let covariance = &x * x.transpose() / self.rows() as f64;
        match columns.len() {
            1 => covariance.map(f64::sqrt),
            _ => pivoted_cholesky(&covariance),
        }
    }

    /// Inputs whose RV coefficient (Escoufier 1973), the square of the correlation for single columns,
    /// exceeds the bound, joined transitively.
    fn find_clusters(&self) -> Vec<Cluster> {
        let narrow: Vec<usize> = (0..self.groups.len())
            .filter(|&i| (1..=WIDEST_BLOCK).contains(&self.groups[i].len()))
            .collect();
        // One product for all pairs: blocks of it are the covariances between two inputs.
        let columns: Vec<usize> = narrow.iter().flat_map(|&i| self.groups[i].clone()).collect();
        if columns.is_empty() || columns.len() > MOST_TIED {
            return Vec::new();
        }
        let x = self.centred.select_rows(&columns);
        let covariance = &x * x.transpose() / self.rows() as f64;
        let mut start = 0;
        let places: Vec<Range<usize>> = narrow
            .iter()
            .map(|&i| {
                let place = start..start + self.groups[i].len();
                start = place.end;
                place
            })
            .collect();
        let size = |a: usize, b: usize| {
            let (a, b) = (&places[a], &places[b]);
            covariance.view((a.start, b.start), (a.len(), b.len())).norm_squared()
        };
        let own: Vec<f64> = (0..narrow.len()).map(|i| size(i, i)).collect();
        // Each input's cluster, and how closely it is tied to its nearest.
        let mut member: Vec<usize> = (0..narrow.len()).collect();
        let mut nearest = vec![0.0f64; narrow.len()];
        for a in 0..narrow.len() {
            for b in a + 1..narrow.len() {
                let scale = (own[a] * own[b]).sqrt();
                if scale <= 0.0 {
                    continue;
                }
                let tie = (size(a, b) / scale).sqrt();
                if tie > TIED {
                    nearest[a] = nearest[a].max(tie);
                    nearest[b] = nearest[b].max(tie);
                    let (one, other) = (member[a], member[b]);
                    member.iter_mut().filter(|m| **m == other).for_each(|m| *m = one);
                }
            }
        }
        (0..narrow.len())
            .filter_map(|root| {
                let of: Vec<usize> = (0..narrow.len()).filter(|&i| member[i] == root).collect();
                (of.len() > 1).then(|| Cluster {
                    correlation: of.iter().map(|&i| nearest[i]).fold(1.0, f64::min),
                    inputs: of.into_iter().map(|i| narrow[i]).collect(),
                })
            })
            .collect()
    }
}
