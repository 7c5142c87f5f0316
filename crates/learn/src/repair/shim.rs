//! Affine adapter from the present inputs of an expert to those of its training, folded into its weights.
//!
//! In encoded columns: u_old ≈ S u_new + t, by least squares over training rows, without labels.
//! The first layer sees x · W + b, so the map disappears into it exactly: W' = S W for the moved
//! columns, b' = b + t W.

use collegium_table::Matrix;
use nalgebra::DMatrix;

use crate::{Dense, Network};

/// Which encoded columns stand for the same declared inputs before and after.
#[derive(Debug, Clone)]
pub struct Columns {
    /// Of inputs that did not move: (old, new) columns, one to one.
    pub same: Vec<(usize, usize)>,
    /// Of inputs that moved, in the old encoding.
    pub old: Vec<usize>,
    /// Of inputs that moved, in the new encoding.
    pub new: Vec<usize>,
}

impl Columns {
    fn new_width(&self) -> usize {
        self.same.len() + self.new.len()
    }
}

/// The network as it must be to read rows of the new encoding; `None` if the least squares problem
/// has no solution in finite numbers.
pub(super) fn fold(
    network: &Network,
    columns: &Columns,
    old: &Matrix,
    new: &Matrix,
) -> Option<Network> {
    let map = least_squares(columns, old, new)?;
    let first = network.layers.first()?;
    let outputs = first.outputs;
    // No affine map goes through an encoding that bends: such columns must be as they were.
    let front = match &network.front {
        None => None,
        Some(front) if columns.old.iter().any(|column| front.bends(*column)) => return None,
        Some(front) => Some(front.moved(columns.new_width(), |column| {
            columns.same.iter().find(|(from, _)| *from == column).map(|(_, to)| *to)
        })?),
    };
    let behind = &first.weight[network.inputs() * outputs..];
    let mut layer = Dense {
        inputs: columns.new_width() + behind.len() / outputs.max(1),
        outputs,
        weight: vec![0.0; columns.new_width() * outputs],
        bias: first.bias.clone(),
    };
    let row = |column: usize| &first.weight[column * outputs..(column + 1) * outputs];
    for &(from, to) in &columns.same {
        layer.weight[to * outputs..(to + 1) * outputs].copy_from_slice(row(from));
    }
    for o in 0..outputs {
        let through = |place: usize| -> f64 {
            let terms = columns.old.iter().enumerate();
            terms.map(|(k, &from)| map[(place, k)] * f64::from(row(from)[o])).sum()
        };
        for (place, &to) in columns.new.iter().enumerate() {
            layer.weight[to * outputs + o] = through(place) as f32;
        }
        layer.bias[o] = (f64::from(layer.bias[o]) + through(columns.new.len())) as f32;
    }
    layer.weight.extend_from_slice(behind);
    let whole = layer.weight.iter().chain(&layer.bias).all(|w| w.is_finite());
    let mut layers = network.layers.clone();
    layers[0] = layer;
    whole.then_some(Network { front, layers, ..network.clone() })
}

/// (new columns + 1) × old columns; the last row is the offset.
fn least_squares(columns: &Columns, old: &Matrix, new: &Matrix) -> Option<DMatrix<f64>> {
    let (q, k) = (columns.new.len() + 1, columns.old.len());
    let mut gram = DMatrix::<f64>::zeros(q, q);
    let mut cross = DMatrix::<f64>::zeros(q, k);
    let mut u = vec![1.0; q];
    let mut v = vec![0.0; k];
    for row in 0..new.rows {
        for (cell, &column) in u.iter_mut().zip(&columns.new) {
            *cell = f64::from(new.row(row)[column]);
        }
        for (cell, &column) in v.iter_mut().zip(&columns.old) {
            *cell = f64::from(old.row(row)[column]);
        }
        for i in 0..q {
            for j in i..q {
                gram[(i, j)] += u[i] * u[j];
            }
            for (j, v) in v.iter().enumerate() {
                cross[(i, j)] += u[i] * v;
            }
        }
    }
    for i in 0..q {
        for j in 0..i {
            gram[(i, j)] = gram[(j, i)];
        }
    }
    // Columns may be constant or depend on each other (one-hot levels do): the least penalty that
    // makes the solution one, far below what any row could tell.
    let scale = (gram.trace() / q as f64).max(1.0);
    for penalty in [1e-10, 1e-8, 1e-6] {
        let mut matrix = gram.clone();
        for i in 0..q {
            matrix[(i, i)] += penalty * scale;
        }
        if let Some(solution) = matrix.cholesky().map(|c| c.solve(&cross))
            && solution.iter().all(|value| value.is_finite())
        {
            return Some(solution);
        }
    }
    None
}
