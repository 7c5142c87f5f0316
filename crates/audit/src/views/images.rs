//! Saliency maps of image inputs: importance by pixel.

use collegium_engine::EngineError;
use collegium_probe::{Gathered, Sight};
use collegium_records::{ImageMaps, NodeAudit};
use serde::{Deserialize, Serialize};

use crate::{
    looked::Looked,
    subject::{Subject, Unseen},
    view::AuditView,
};

/// Importance maps of each image among the inputs.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Images(Vec<ImageMaps>);

impl AuditView for Images {
    const NAME: &'static str = "images";
    const VERSION: u32 = 1;

    fn applies(looked: &Looked) -> Result<bool, EngineError> {
        let model = looked.model()?;
        // What a combination is made of has its own views.
        let whole = model.routes().is_none() && !model.encoder.images().is_empty();
        Ok(whole && looked.is_shown()?)
    }

    fn measure(looked: &Looked) -> Result<Self, EngineError> {
        match looked.sight()? {
            Ok((subject, sight)) => subject.images(sight).map(Self),
            Err(_) => Ok(Self(Vec::new())),
        }
    }

    fn place(self, audit: &mut NodeAudit) {
        audit.probe.images = self.0;
    }
}

impl Subject {
    /// Maps of every image among the inputs; channels are summed.
    fn images(&self, sight: &Sight) -> Result<Vec<ImageMaps>, EngineError> {
        let images = self.model.encoder.images();
        if images.is_empty() {
            return Ok(Vec::new());
        }
        let squares = self.squares()?;
        let groups = self.model.encoder.groups();
        let variances = self.geometry.variances();
        let width = self.x.width;
        let found = images.into_iter().map(|(input, shape)| {
            let columns = groups[input].clone();
            let pixels = |values: &dyn Fn(usize) -> f64| -> Vec<f64> {
                let at = |pixel: usize| columns.start + pixel * shape.channels;
                (0..shape.height * shape.width)
                    .map(|pixel| (at(pixel)..at(pixel) + shape.channels).map(values).sum())
                    .collect()
            };
            let of_output = |output: usize| {
                pixels(&|column| squares.by_column[output * width + column] * variances[column])
            };
            let all: Vec<Vec<f64>> = (0..squares.outputs).map(of_output).collect();
            let mut total = vec![0.0; shape.height * shape.width];
            for map in &all {
                total.iter_mut().zip(map).for_each(|(sum, value)| *sum += value);
            }
            let classes = match squares.outputs {
                1 => Vec::new(),
                _ => {
                    self.model.classes.iter().cloned().zip(all.iter().map(|m| scaled(m))).collect()
                }
            };
            let mean = pixels(&|column| {
                (0..self.x.rows).map(|row| f64::from(self.x.row(row)[column])).sum()
            });
            // Encoded pixels may be negative; dark is the least.
            let darkest = mean.iter().copied().fold(f64::INFINITY, f64::min);
            let bright: Vec<f64> = mean.iter().map(|value| value - darkest).collect();
            ImageMaps {
                input: self.model.encoder.names()[input].clone(),
                height: shape.height as u32,
                width: shape.width as u32,
                channels: shape.channels as u32,
                mean: scaled(&bright),
                importance: scaled(&total),
                classes,
                directions: (0..sight.spectrum.covectors.ncols())
                    .map(|k| {
                        let covector = sight.spectrum.covectors.column(k);
                        let sign = sight.signs[k];
                        scaled(&pixels(&|column| {
                            sign * covector[column] * variances[column].sqrt()
                        }))
                    })
                    .collect(),
            }
        });
        Ok(found.collect())
    }

    /// Mean squared gradients by output and encoded column.
    fn squares(&self) -> Result<Gathered, Unseen> {
        let identity = self.geometry.plain();
        self.gather_through(&self.model, &self.x, &identity, false)
    }
}

/// Divided by the largest magnitude.
fn scaled(values: &[f64]) -> Vec<f32> {
    let largest = values.iter().fold(0.0f64, |most, value| most.max(value.abs()));
    let scale = if largest > 0.0 { 1.0 / largest } else { 0.0 };
    values.iter().map(|value| (value * scale) as f32).collect()
}
