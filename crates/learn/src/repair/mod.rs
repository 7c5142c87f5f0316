//! Repair of a trained expert in closed form, without training, when its inputs changed.
//!
//! Three repairs in closed form: a [`Repair::shim`] maps the new columns back to the old ones and
//! needs no labels; [`Repair::refit`] fits the last layer again, on either the shimmed or the
//! restandardised inputs. And one estimate, [`Repair::advise`]: how much *retraining* would gain,
//! guessed from a last layer that sees more than the expert does (its hidden units under both
//! repairs and its raw inputs), less what the same trick gains on the old inputs. Without that
//! control the guess was measured to be much worse (AUC .870 against .963 in finding retrainings
//! that paid).

mod fast;
mod losses;
mod readout;
mod shim;

use std::sync::atomic::AtomicBool;

use collegium_table::Matrix;

use crate::{Dense, Network, Target, TrainError, train::Targets};

pub use fast::raw_outputs;
pub use losses::{constant_losses, row_losses};
pub use shim::Columns;

/// Rows per feature that the estimate is fitted on, as far as there are any. A fitted readout then
/// knows its training rows better than others by about one per cent, and the control knows just as
/// much too much.
const ROWS_PER_FEATURE: usize = 50;
/// And no fewer than these.
const FEWEST_ROWS: usize = 4096;

/// A trained network, and its training rows encoded as they are now.
#[derive(Debug, Clone)]
pub struct Repair<'a> {
    /// As it was trained.
    pub network: &'a Network,
    /// Training rows, old inputs, the expert's own encoding.
    pub old: &'a Matrix,
    /// The same rows, new inputs, moved inputs encoded anew.
    pub new: &'a Matrix,
    /// How the two encodings belong together.
    pub columns: &'a Columns,
    /// The rows' targets.
    pub y: Target<'a>,
    /// As for [`crate::train()`].
    pub class_weights: Option<Vec<f32>>,
    /// Read at every step.
    pub interrupted: &'a AtomicBool,
}

/// A network as it must be to read rows of another encoding, from the same rows in both; `None` where
/// there is no finite map.
pub fn re_encoded(network: &Network, old: &Matrix, new: &Matrix) -> Option<Network> {
    let (from, to) = ((0..old.width).collect(), (0..new.width).collect());
    shim::fold(network, &Columns { same: Vec::new(), old: from, new: to }, old, new)
}

impl Repair<'_> {
    /// The network behind the affine map from new to old columns; reads rows of the new encoding.
    /// `None` where there is no finite map.
    pub fn shim(&self) -> Option<Network> {
        shim::fold(self.network, self.columns, self.old, self.new)
    }

    /// The network as it is, fed the new encoding; `None` where that has other columns.
    pub fn restandardised(&self) -> Option<Network> {
        let same = self.columns.old == self.columns.new
            && self.columns.same.iter().all(|(old, new)| old == new);
        same.then(|| self.network.clone())
    }

    /// Fits the last layer again on the new rows.
    ///
    /// # Errors
    /// [`TrainError::Interrupted`], or a loss that is not finite.
    pub fn refit(&self, network: &Network) -> Result<Network, TrainError> {
        let truth = Targets::new(self.new, &self.y, self.class_weights.as_deref())?;
        let features = fast::embedding(network, self.new);
        let mut refitted = network.clone();
        if let Some(last) = refitted.layers.last_mut() {
            *last = readout::refit(&features, &truth, last, self.interrupted)?;
        }
        Ok(refitted)
    }

    /// The raw outputs, on validation rows, of a last layer over all that the expert could use: its
    /// hidden units under each of `networks`, and its inputs. `rows` and `valid` are training and
    /// validation rows of one encoding.
    ///
    /// # Errors
    /// As [`refit`](Self::refit).
    pub fn advise(
        &self,
        networks: &[&Network],
        rows: &Matrix,
        valid: &Matrix,
    ) -> Result<Matrix, TrainError> {
        let width: usize = networks.iter().map(|n| hidden(n)).sum::<usize>() + rows.width;
        let wanted = FEWEST_ROWS.max(ROWS_PER_FEATURE * width);
        let drawn = thinned(rows.rows, wanted);
        let rows = rows.select(&drawn);
        let y = self.y.select(&drawn);
        let target = y.target();
        let truth = Targets::new(&rows, &target, self.class_weights.as_deref())?;
        let readout = readout::refit(
            &augmented(networks, &rows),
            &truth,
            &start(networks, rows.width),
            self.interrupted,
        )?;
        let layers = vec![readout];
        let linear = Network::plain(layers, self.network.activation);
        Ok(raw_outputs(&linear, &augmented(networks, valid)))
    }
}

/// Hidden units of the last layer; a linear model has none beside its inputs.
fn hidden(network: &Network) -> usize {
    match network.layers.as_slice() {
        [.., before, _] => before.outputs,
        _ => 0,
    }
}

/// Hidden units of each network, side by side, and the inputs.
fn augmented(networks: &[&Network], x: &Matrix) -> Matrix {
    let mut parts: Vec<Matrix> =
        networks.iter().filter(|n| hidden(n) > 0).map(|n| fast::embedding(n, x)).collect();
    parts.push(x.clone());
    let width = parts.iter().map(|part| part.width).sum();
    let mut data = Vec::with_capacity(x.rows * width);
    for row in 0..x.rows {
        parts.iter().for_each(|part| data.extend_from_slice(part.row(row)));
    }
    Matrix { rows: x.rows, width, data }
}

/// What the first network answers, as a readout of the augmented features.
fn start(networks: &[&Network], inputs: usize) -> Dense {
    let outputs = networks.first().map_or(0, |n| n.outputs());
    let width: usize = networks.iter().map(|n| hidden(n)).sum::<usize>() + inputs;
    let mut weight = vec![0.0; width * outputs];
    let mut bias = vec![0.0; outputs];
    if let Some(last) = networks.first().and_then(|n| n.layers.last()) {
        // Its hidden units come first; of a linear model the inputs are all there is.
        weight[..last.weight.len()].copy_from_slice(&last.weight);
        bias.copy_from_slice(&last.bias);
    }
    Dense { inputs: width, outputs, weight, bias }
}

/// Evenly spaced rows, `wanted` of them or all.
fn thinned(rows: usize, wanted: usize) -> Vec<u32> {
    let kept = wanted.min(rows);
    (0..kept).map(|i| (i * rows / kept.max(1)) as u32).collect()
}

#[cfg(test)]
mod tests;
