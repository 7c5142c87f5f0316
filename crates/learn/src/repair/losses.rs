//! Loss of each row, in 64 bits, for certificates.

use collegium_table::Matrix;

use crate::{Target, TrainError, train::Targets};

/// Each row's loss under raw outputs (logits, or standardised values): log loss in nats, or squared
/// error in standardised units; weighted by class where there are class weights, which are scaled
/// to a mean of 1 over the rows given.
///
/// # Errors
/// [`TrainError::Mismatch`] when rows, targets and weights do not fit each other.
pub fn row_losses(
    logits: &Matrix,
    y: &Target,
    class_weights: Option<&[f32]>,
) -> Result<Vec<f64>, TrainError> {
    let truth = Targets::new(logits, y, class_weights)?;
    if logits.width != truth.outputs() {
        return Err(TrainError::Mismatch("the outputs do not fit the target".to_owned()));
    }
    let each = (0..logits.rows).map(|row| {
        let one = row as u32;
        truth.loss(&[one], logits.row(row), None)
    });
    Ok(each.collect())
}

/// Each row's loss under the best constant of `train`.
///
/// # Errors
/// As [`row_losses`].
pub fn constant_losses(
    train: &Target,
    y: &Target,
    class_weights: Option<&[f32]>,
) -> Result<Vec<f64>, TrainError> {
    let bias = match (train, class_weights) {
        (Target::Classes { labels, count }, Some(weights)) => {
            let mut sums = vec![0.5; *count];
            for label in *labels {
                sums[*label as usize] += f64::from(weights[*label as usize]);
            }
            let total: f64 = sums.iter().sum();
            match sums[..] {
                [no, yes] => vec![libm::log(yes / no) as f32],
                _ => sums.iter().map(|n| libm::log(n / total) as f32).collect(),
            }
        }
        _ => crate::constant(0, train).layers.remove(0).bias,
    };
    let data = bias.repeat(y.len());
    row_losses(&Matrix { rows: y.len(), width: bias.len(), data }, y, class_weights)
}
