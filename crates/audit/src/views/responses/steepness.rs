//! Gradients of the outputs that have curves by one input, row by row: what the AGOP averages, in the input's units.

use collegium_engine::EngineError;
use collegium_learn::{Head, Seeds};

use super::Moving;

/// Outputs of a model whose Jacobians are written out in full, at most.
const MOST_OUTPUTS: usize = 64;

impl Moving<'_> {
    /// By output and row: the derivative of its raw output by a number. Of a class that is its logit less the mean of
    /// all, of two classes the log odds, of a regression the value in its units. Empty where that is too dear.
    pub(super) fn steepness(&self, at: usize) -> Result<Vec<Vec<f64>>, EngineError> {
        let (outputs, each) = (self.model.outputs_wide(), self.outputs.columns.len());
        let columns = self.model.encoder.groups()[at].clone();
        let width = columns.len();
        let shift = if outputs > 1 { 1.0 / outputs as f32 } else { 0.0 };
        let scale = match self.model.head {
            Head::Regression { deviation, .. } => deviation as f32,
            Head::Binary | Head::Classes => 1.0,
        };
        let seed = |shown: usize| {
            let seed = move |output| f32::from(u8::from(output == shown)) - shift;
            (0..outputs).map(move |output| scale * seed(output))
        };
        let seeds: Vec<f32> = self.outputs.columns.iter().flat_map(|&shown| seed(shown)).collect();
        // (rows · each) × columns
        let mut gradients: Vec<f32> = Vec::with_capacity(self.x.rows * each * width);
        if let Some(network) = self.model.layers() {
            let mut unit = vec![0.0; self.x.width * width];
            for (k, column) in columns.clone().enumerate() {
                unit[column * width + k] = 1.0;
            }
            let lens = network.lens(&unit, width);
            let values = seeds.repeat(self.x.rows);
            network.sweep(&self.x, Seeds::Given { values: &values, each }, &mut |swept| {
                gradients.extend(swept.through(&lens));
            });
        } else if outputs <= MOST_OUTPUTS {
            let stop = &self.auditor.session().interrupted;
            self.model.jacobians(&self.x, stop, &mut |_, jacobian| {
                for seed in seeds.chunks_exact(outputs) {
                    gradients.extend(columns.clone().map(|column| {
                        let of = |(output, seed): (usize, &f32)| {
                            seed * jacobian[output * self.x.width + column]
                        };
                        seed.iter().enumerate().map(of).sum::<f32>()
                    }));
                }
            })?;
        }
        if gradients.len() != self.x.rows * each * width {
            return Ok(Vec::new());
        }
        let source = self.data[at].source();
        let raw =
            self.model.encoder.only(&[at]).pull_back(0, &source, &self.rows, &gradients, each);
        let of = |output: usize| {
            let by_row = (0..self.x.rows).map(|row| raw.row(row * each + output));
            by_row.map(|values| values.first().map_or(0.0, |v| f64::from(*v))).collect()
        };
        Ok((0..each).map(of).collect())
    }
}
