//! A blend: half the model of all training rows, half the mean of the models of its folds.

use std::sync::atomic::AtomicBool;

use collegium_table::Matrix;

use super::{Averaged, Member};
use crate::{
    Head, Interrupted, Learned, Model, ModelError, Target,
    train::{Targets, temperature},
};

/// Encoded rows with their targets.
#[derive(Debug, Clone, Copy)]
pub struct ValidationRows<'a> {
    /// Rows × encoded columns.
    pub x: &'a Matrix,
    /// One a row.
    pub y: Target<'a>,
    /// One a class.
    pub class_weights: Option<&'a [f32]>,
}

/// Averages a model with those of its folds, which have its encoder and its classes: ½ of the one, ½ of the mean of the
/// others. Values are averaged in the units of the target. The logits are scaled once more for the average where there are
/// validation rows to do it on.
///
/// # Errors
/// [`Interrupted`] soon after `stop` is true; the inner error is of models that do not belong together.
pub fn blend(
    full: &Model,
    folds: &[Model],
    valid: Option<&ValidationRows<'_>>,
    stop: &AtomicBool,
) -> Result<Result<Model, ModelError>, Interrupted> {
    let alike = |fold: &Model| (&fold.encoder, &fold.classes) == (&full.encoder, &full.classes);
    if folds.is_empty() || !folds.iter().all(alike) {
        return Ok(Err(ModelError::new("its folds are encoded in another way")));
    }
    let each = 0.5 / folds.len() as f64;
    let parts = [(full, 0.5)].into_iter().chain(folds.iter().map(|fold| (fold, each)));
    let (mut members, mut offset) = (Vec::new(), 0.0);
    for (model, weight) in parts {
        let (factor, shift) = in_units_of(&full.head, &model.head);
        offset += weight * shift;
        members.push(Member { factor: (weight * factor) as f32, learned: model.learned.clone() });
    }
    let (width, outputs) = (full.encoder.width(), full.outputs_wide());
    let average = Averaged { width, outputs, offset: offset as f32, members };
    let mut model = Model { learned: Box::new(average.clone()), ..full.clone() };
    if let Some(valid) = valid {
        let raw = model.raw(valid.x, stop)?;
        model.learned = scaled(average, &raw, valid);
    }
    Ok(Ok(model))
}

/// From the raw outputs of one head to those of another: what to multiply with, and what to add.
fn in_units_of(head: &Head, own: &Head) -> (f64, f64) {
    match (head, own) {
        (
            Head::Regression { mean, deviation },
            Head::Regression { mean: own_mean, deviation: own_deviation },
        ) => (own_deviation / deviation, (own_mean - mean) / deviation),
        _ => (1.0, 0.0),
    }
}

/// An average of classifiers with the temperature that its own logits (`raw`) of some rows ask for.
pub(super) fn scaled(
    mut average: Averaged,
    raw: &Matrix,
    rows: &ValidationRows<'_>,
) -> Box<dyn Learned> {
    let truth = Targets::new(rows.x, &rows.y, rows.class_weights).ok();
    if let Some(factor) = truth.and_then(|truth| temperature(&raw.data, raw.rows, &truth)) {
        average.members.iter_mut().for_each(|member| member.factor *= factor as f32);
    }
    Box::new(average)
}
