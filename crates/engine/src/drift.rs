//! Drift (covariate shift): how far an expert's inputs moved, and what that does to its output.
//!
//! Drift by itself says little: an input may move far where the expert does not look. Weighted by the
//! expert's own AGOP G, √tr(G Σ) with Σ the second moments of the change, it predicts the root mean
//! square change of the expert's raw output, as if gradients and changes were independent; row by row,
//! Jacobians times changes, it is the first order. That explains; it proves nothing: it is right while
//! inputs move little, and wrong when they move far, which is why certificates are measured and not
//! predicted.

use std::{collections::BTreeMap, sync::Arc};

use collegium_manifest::Input;
use collegium_plan::View;
use collegium_records::{Fit, OutputChange};
use collegium_table::{Column, Matrix, Table, Values};

use crate::{
    EngineError, NodeRef, Session,
    inputs::{InputData, sources},
    reuse::{Anchor, ReadAs},
    rows::{Rows, Side, evenly},
    states::States,
};

/// Rows that are looked at, at most …
const ROWS: usize = 4000;
/// … of inputs up to this width; of wider ones (images) fewer, for a row costs the square of the width.
const WIDTH: usize = 128;

/// Drift by input, and the effect of all of it on the output.
#[derive(Debug, Clone, Default)]
pub(crate) struct Moved {
    /// Root mean square of the differences in standard deviations, and the output's change that the
    /// expert's AGOP predicts from this input alone.
    pub(crate) inputs: BTreeMap<String, (Option<f64>, Option<f64>)>,
    pub(crate) output: Option<OutputChange>,
}

impl NodeRef<'_> {
    /// Compares what an anchor was trained on with what the expert is given now, on validation rows.
    pub(crate) fn moved_by(
        self,
        anchor: &Anchor,
        changed: &[String],
        states: &States,
    ) -> Result<Moved, EngineError> {
        let mut moved = Moved::default();
        let valid = self.session.rows(Rows::Side { expert: self.index, side: Side::Valid })?;
        let inputs = &self.resolved().inputs;
        let moved_inputs = inputs.iter().filter(|input| changed.contains(&input.to_string()));
        let width = moved_inputs.map(|input| self.session.widest(input)).sum::<usize>().max(WIDTH);
        let rows = evenly(&valid, (ROWS * WIDTH * WIDTH / (width * width)).max(WIDTH));
        let all_done =
            self.session.dag.upstream(self.index).iter().all(|from| states.contains_key(from));
        let before = self.data_before(anchor)?;
        let (Some(before), true, false) = (before, all_done, rows.is_empty()) else {
            return Ok(moved);
        };
        let after = self.input_data(inputs, View::Deployed, states)?;
        for ((input, old), new) in inputs.iter().zip(&before).zip(&after) {
            let name = input.to_string();
            if changed.contains(&name) {
                moved.inputs.insert(name, (plain(old, new, &rows), None));
            }
        }
        let model = self.session.model(&anchor.fit)?;
        let encode = |data: &[InputData]| model.encoder.encode(&sources(data), &rows);
        // What combines experts, and what has no gradients in closed form, is measured by its own views.
        let Some(network) = model.layers() else { return Ok(moved) };
        // Inputs of another kind or width cannot be compared column by column.
        let (Ok(x), Ok(y)) = (encode(&before), encode(&after)) else { return Ok(moved) };
        let groups: Vec<(String, Vec<usize>)> = model
            .encoder
            .names()
            .iter()
            .zip(model.encoder.groups())
            .filter(|(name, _)| changed.contains(name))
            .map(|(name, range)| (name.clone(), range.collect()))
            .collect();
        let columns: Vec<usize> = groups.iter().flat_map(|(_, c)| c.iter().copied()).collect();
        let agop = agop(network, &x, &columns);
        let moments = moments(&x, &y, &columns);
        let effect = |from: usize, to: usize| -> f64 {
            let width = columns.len();
            let cells = (from..to).flat_map(|i| (from..to).map(move |j| i * width + j));
            cells.map(|at| agop[at] * moments[at]).sum::<f64>().max(0.0).sqrt()
        };
        let mut at = 0;
        for (name, own) in &groups {
            if let Some(entry) = moved.inputs.get_mut(name) {
                entry.1 = Some(effect(at, at + own.len()));
            }
            at += own.len();
        }
        let (f, g) = (network.logits(&x), network.logits(&y));
        let squares: f64 = f.data.iter().zip(&g.data).map(|(a, b)| f64::from(b - a).powi(2)).sum();
        moved.output = Some(OutputChange {
            predicted: effect(0, columns.len()),
            first_order: first_order(network, &x, &y),
            measured: (squares / x.rows as f64).sqrt(),
        });
        Ok(moved)
    }

    /// The inputs of an anchor on all rows: outputs as it saw them, columns of the table that it was
    /// trained on where that is still there with the same rows.
    fn data_before(self, anchor: &Anchor) -> Result<Option<Vec<InputData>>, EngineError> {
        let Some(mut data) = self.anchor_data(&anchor.reads, ReadAs::Deployed)? else {
            return Ok(None);
        };
        if let Some(old) = self.session.old_table(&anchor.fit)?
            && old.rows == self.table()?.rows
        {
            for (input, data) in self.resolved().inputs.iter().zip(&mut data) {
                if let Input::Column { column, .. } = input
                    && let Some(column) = old.column(column)
                {
                    *data = InputData::Column(column.clone());
                }
            }
        }
        Ok(Some(data))
    }
}

impl Session {
    /// The table that a fit was trained on, if it is still in the store.
    fn old_table(&self, fit: &Fit) -> Result<Option<Arc<Table>>, EngineError> {
        let Some(object) = fit.table else { return Ok(None) };
        let Some(path) = self.store.path(&object)? else { return Ok(None) };
        // A table that cannot be read only means that the drift stays unknown.
        Ok(collegium_data::read_table(&path).map(Arc::new))
    }
}

/// 1/n Σ JᵀJ over the given columns, row-major.
fn agop(network: &collegium_learn::Network, x: &Matrix, columns: &[usize]) -> Vec<f64> {
    let width = columns.len();
    let mut sum = vec![0.0; width * width];
    network.jacobians(x, &mut |_, jacobian| {
        for output in jacobian.chunks_exact(x.width) {
            add_outer(&mut sum, columns, |column| f64::from(output[column]));
        }
    });
    scaled(sum, x.rows)
}

/// √(1/n Σ ‖J Δ‖²), each row's own Jacobian with its own change.
fn first_order(network: &collegium_learn::Network, x: &Matrix, y: &Matrix) -> f64 {
    let mut sum = 0.0;
    network.jacobians(x, &mut |row, jacobian| {
        for output in jacobian.chunks_exact(x.width) {
            let terms = output.iter().zip(x.row(row)).zip(y.row(row));
            let change: f64 = terms.map(|((j, a), b)| f64::from(*j) * f64::from(b - a)).sum();
            sum += change * change;
        }
    });
    (sum / x.rows as f64).sqrt()
}

/// 1/n Σ ΔΔᵀ over the given columns, row-major.
fn moments(x: &Matrix, y: &Matrix, columns: &[usize]) -> Vec<f64> {
    let mut sum = vec![0.0; columns.len() * columns.len()];
    for row in 0..x.rows {
        let (a, b) = (x.row(row), y.row(row));
        add_outer(&mut sum, columns, |column| f64::from(b[column] - a[column]));
    }
    scaled(sum, x.rows)
}

fn add_outer(sum: &mut [f64], columns: &[usize], value: impl Fn(usize) -> f64) {
    let values: Vec<f64> = columns.iter().map(|&column| value(column)).collect();
    for (i, a) in values.iter().enumerate() {
        for (j, b) in values.iter().enumerate() {
            sum[i * values.len() + j] += a * b;
        }
    }
}

fn scaled(mut sum: Vec<f64>, rows: usize) -> Vec<f64> {
    sum.iter_mut().for_each(|cell| *cell /= rows.max(1) as f64);
    sum
}

/// Root mean square of an input's differences, in standard deviations of what it was; `None` for
/// texts and for what never varied.
fn plain(before: &InputData, after: &InputData, rows: &[u32]) -> Option<f64> {
    let numbers = |data: &InputData| -> Option<Vec<f64>> {
        match data {
            InputData::Column(column) => column_numbers(column, rows),
            InputData::Logit(matrix) | InputData::Plain(matrix) | InputData::Handed(matrix) => {
                Some(
                    rows.iter()
                        .flat_map(|&r| matrix.row(r as usize).iter().map(|&v| f64::from(v)))
                        .collect(),
                )
            }
            InputData::Label(..) => None,
        }
    };
    let (before, after) = (numbers(before)?, numbers(after)?);
    if before.len() != after.len() {
        return None;
    }
    let pairs: Vec<(f64, f64)> =
        before.into_iter().zip(after).filter(|(a, b)| a.is_finite() && b.is_finite()).collect();
    let n = pairs.len() as f64;
    let mean = pairs.iter().map(|(a, _)| a).sum::<f64>() / n;
    let variance = pairs.iter().map(|(a, _)| (a - mean).powi(2)).sum::<f64>() / n;
    let moved = pairs.iter().map(|(a, b)| (a - b).powi(2)).sum::<f64>() / n;
    (variance > 0.0).then(|| (moved / variance).sqrt())
}

fn column_numbers(column: &Column, rows: &[u32]) -> Option<Vec<f64>> {
    match &column.values {
        Values::Number(values) => Some(rows.iter().map(|&r| values[r as usize]).collect()),
        Values::Boolean(values) => Some(
            rows.iter()
                .map(|&r| match values[r as usize] {
                    v if v > 1 => f64::NAN,
                    v => f64::from(v),
                })
                .collect(),
        ),
        Values::Image { shape, pixels } => {
            let of_row = |&row: &u32| &pixels[row as usize * shape.size()..][..shape.size()];
            Some(rows.iter().flat_map(of_row).map(|&pixel| f64::from(pixel)).collect())
        }
        Values::Category { .. } | Values::Time(_) => None,
    }
}
