//! Conditional exchange partners: rows for which the other inputs predict alike values of one input.

use std::ops::Range;

use collegium_digest::Stream;
use nalgebra::{DMatrix, DVector};

use crate::resample::{index, shuffle};

/// Rows that change places with each other: as many as are alike enough, see [`LIKENESS`].
const NEIGHBOURS: [usize; 6] = [20, 14, 10, 6, 4, 2];

/// Part of the variance that is left to an input when the others have spoken, above which what they say
/// of neighbours must not vary: else exchanges would show how far apart the neighbours are, and of two
/// inputs that say the same each would seem to do something that the other does not.
const LIKENESS: f64 = 0.05;

/// Inputs of more columns than this (images, long embeddings) say nothing of others here: least squares
/// on their columns would be dearer than all else of an audit.
const WIDEST: usize = 256;

/// Added to the diagonal of standardised terms, so that a column which others determine (the last
/// level of a category) does not make the equations singular.
const RIDGE: f64 = 1e-6;

/// Turns of the power method. What is wanted is an order of the rows, not an eigenvector.
const TURNS: usize = 50;

/// Least squares of every input on the others, which put the rows in order.
///
/// Of each encoded column there is the column itself and, where it has more than two values, its
/// square: what is far from the middle on either side is told apart from what is in it. An input of
/// several columns (a category) is put in order along the first principal component of its fitted
/// values.
pub struct Partners {
    rows: usize,
    /// Rows × terms, each of mean 0 and variance 1.
    terms: DMatrix<f64>,
    /// termsᵀ·terms / rows
    gram: DMatrix<f64>,
    /// Terms of each input; those of wide and constant inputs are none.
    of: Vec<Vec<Term>>,
}

/// Prediction of one input from the others.
#[derive(Debug, Clone, PartialEq)]
pub enum Expected {
    /// Nothing: there is no other input, or none that varies.
    Nothing,
    /// A value for each row, by which some neighbours are alike.
    Values {
        /// By row.
        values: Vec<f64>,
        /// How many rows change places with each other.
        neighbours: usize,
    },
    /// So much that among rows that are alike nothing is left to exchange.
    All,
}

#[derive(Clone, Copy)]
struct Term {
    at: usize,
    square: bool,
}

impl Partners {
    /// From `rows × width` encoded inputs, row-major, and the columns of each declared input.
    ///
    /// # Panics
    /// When the values are no whole rows (a mistake of the caller, which no data can cause).
    pub fn new(encoded: &[f32], width: usize, groups: &[Range<usize>]) -> Self {
        assert!(width > 0 && encoded.len().is_multiple_of(width), "whole rows of encoded inputs");
        let rows = encoded.len() / width;
        let mut terms: Vec<f64> = Vec::new();
        let mut of = Vec::with_capacity(groups.len());
        for group in groups {
            let mut own = Vec::new();
            let narrow = if group.len() > WIDEST { 0..0 } else { group.clone() };
            for column in narrow {
                let values = encoded.iter().skip(column).step_by(width).map(|v| f64::from(*v));
                let Some(values) = standardised(values.collect()) else { continue };
                // The square of a column of two values is a line in it.
                let square = square_of(&values);
                own.push(Term { at: terms.len() / rows, square: false });
                terms.extend(values);
                if let Some(square) = square {
                    own.push(Term { at: terms.len() / rows, square: true });
                    terms.extend(square);
                }
            }
            of.push(own);
        }
        let count = terms.len().checked_div(rows).unwrap_or(0);
        let terms = DMatrix::from_vec(rows, count, terms);
        let mut gram = terms.tr_mul(&terms) / rows.max(1) as f64;
        (0..count).for_each(|i| gram[(i, i)] += RIDGE);
        Self { rows, terms, gram, of }
    }

    /// Predicts these inputs from the others (by number; several are taken as one).
    pub fn expected(&self, inputs: &[usize]) -> Expected {
        let terms = |own: bool, squares: bool| -> Vec<usize> {
            let of = self.of.iter().enumerate().filter(|(i, _)| inputs.contains(i) == own);
            of.flat_map(|(_, terms)| terms).filter(|t| squares || !t.square).map(|t| t.at).collect()
        };
        let (wanted, others) = (terms(true, false), terms(false, true));
        if wanted.is_empty() || others.is_empty() {
            return Expected::Nothing;
        }
        let block = |rows: &[usize], columns: &[usize]| {
            DMatrix::from_fn(rows.len(), columns.len(), |i, j| self.gram[(rows[i], columns[j])])
        };
        let with = block(&others, &wanted);
        let Some(factor) = block(&others, &others).cholesky() else { return Expected::Nothing };
        let fitted = factor.solve(&with);
        let along = principal(&with.tr_mul(&fitted));
        let values = self.weighted(&others, &(&fitted * &along));
        // Of a category that is determined in one respect much may be left in others.
        let explained: f64 = with.component_mul(&fitted).sum();
        let left = (wanted.len() as f64 - explained).max(0.0);
        let mut sorted: Vec<f64> = values.iter().copied().collect();
        sorted.sort_by(f64::total_cmp);
        let alike = |neighbours: &usize| within(&sorted, *neighbours) <= LIKENESS * left;
        match NEIGHBOURS.into_iter().find(alike) {
            Some(neighbours) => Expected::Values { values: values.as_slice().to_vec(), neighbours },
            None => Expected::All,
        }
    }

    /// Σ weight · term, by row.
    fn weighted(&self, terms: &[usize], weights: &DVector<f64>) -> DVector<f64> {
        let mut sum = DVector::zeros(self.rows);
        for (&term, &weight) in terms.iter().zip(weights.iter()) {
            sum.axpy(weight, &self.terms.column(term), 1.0);
        }
        sum
    }

    /// For each row the row whose value it is given: one of its neighbours in the order of what is
    /// expected, any row where nothing is, itself where all is.
    pub fn exchange(&self, expected: &Expected, random: &mut Stream) -> Vec<usize> {
        let mut places: Vec<usize> = (0..self.rows).collect();
        if matches!(expected, Expected::All) {
            return places;
        }
        let mut order = places.clone();
        shuffle(&mut order, random);
        let Expected::Values { values, neighbours } = expected else { return order };
        // Stable, so that ties stay shuffled.
        order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
        // Another offset each time, so that nobody is always at a border.
        let first = index(random, *neighbours).min(order.len());
        let (head, rest) = order.split_at(first);
        for piece in std::iter::once(head).chain(rest.chunks(*neighbours)) {
            let mut given = piece.to_vec();
            shuffle(&mut given, random);
            piece.iter().zip(given).for_each(|(&row, from)| places[row] = from);
        }
        places
    }
}

/// The variance within neighbours of sorted values that nine of ten have at most: of the rest are those
/// between a body of rows and a few far from it (a missing value's indicator).
fn within(sorted: &[f64], neighbours: usize) -> f64 {
    let mut variances: Vec<f64> = sorted
        .chunks(neighbours)
        .map(|piece| {
            let mean = piece.iter().sum::<f64>() / piece.len() as f64;
            piece.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / piece.len() as f64
        })
        .collect();
    variances.sort_by(f64::total_cmp);
    variances.get(variances.len() * 9 / 10).copied().unwrap_or(0.0)
}

/// The square of a column; of one with two values it would be a line in the column itself.
fn square_of(values: &[f64]) -> Option<Vec<f64>> {
    let first = values.first()?;
    let second = values.iter().find(|v| *v != first)?;
    values.iter().any(|v| v != first && v != second).then_some(())?;
    standardised(values.iter().map(|v| v * v).collect())
}

/// Of mean 0 and variance 1; `None` for a constant.
fn standardised(mut values: Vec<f64>) -> Option<Vec<f64>> {
    let first = *values.first()?;
    if values.iter().all(|v| *v == first) {
        return None;
    }
    let rows = values.len() as f64;
    let mean = values.iter().sum::<f64>() / rows;
    values.iter_mut().for_each(|v| *v -= mean);
    let deviation = (values.iter().map(|v| v * v).sum::<f64>() / rows).sqrt();
    values.iter_mut().for_each(|v| *v /= deviation);
    deviation.is_normal().then_some(values)
}

/// The first eigenvector of a symmetric matrix without negative eigenvalues, by the power method.
fn principal(matrix: &DMatrix<f64>) -> DVector<f64> {
    let largest = (0..matrix.nrows()).max_by(|&a, &b| matrix[(a, a)].total_cmp(&matrix[(b, b)]));
    let mut vector = DVector::zeros(matrix.nrows());
    vector[largest.unwrap_or(0)] = 1.0;
    for _ in 0..if matrix.nrows() > 1 { TURNS } else { 0 } {
        let next = matrix * &vector;
        let length = next.norm();
        if !length.is_normal() {
            break;
        }
        vector = next / length;
    }
    vector
}
