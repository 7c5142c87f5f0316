//! Saliency maps of image inputs: importance by pixel, and tests of regions.
//!
//! A map says where the output answers to pixels, not what that is worth: a region may hold a third of the
//! importance and no skill. So the regions in which a map is dense are taken away and measured, and so are the
//! quarters of the image, in case the map misleads.

use collegium_engine::EngineError;
use collegium_probe::{Gathered, Region, Sight, dense_regions};
use collegium_records::{ImageMaps, ImageRegion, NodeAudit};
use serde::{Deserialize, Serialize};

use crate::{
    looked::Looked,
    subject::{Subject, Unseen},
    view::AuditView,
};

/// Regions that a map proposes, at most.
const PROPOSED: usize = 3;

/// Importance maps of each image among the inputs.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Images(Vec<ImageMaps>);

impl AuditView for Images {
    const NAME: &'static str = "images";
    const VERSION: u32 = 3;

    fn applies(looked: &Looked) -> Result<bool, EngineError> {
        let model = looked.model()?;
        // What a combination is made of has its own views.
        let whole = model.routes().is_none() && !model.encoder.images().is_empty();
        Ok(whole && looked.is_shown()?)
    }

    fn measure(looked: &Looked) -> Result<Self, EngineError> {
        let Ok((subject, sight)) = looked.sight()? else { return Ok(Self(Vec::new())) };
        let mut maps = subject.images(sight)?;
        for map in &mut maps {
            map.regions = regions(looked, map)?;
        }
        Ok(Self(maps))
    }

    fn place(self, audit: &mut NodeAudit) {
        audit.probe.images = self.0;
    }
}

/// What the expert is without the dense regions of a map, and without each quarter of the image.
fn regions(looked: &Looked, map: &ImageMaps) -> Result<Vec<ImageRegion>, EngineError> {
    let (model, Some(tested)) = (looked.model()?, looked.tested()?) else {
        return Ok(Vec::new());
    };
    let Some(at) = model.encoder.names().iter().position(|name| *name == map.input) else {
        return Ok(Vec::new());
    };
    let (height, width) = (map.height as usize, map.width as usize);
    let proposed = dense_regions(&map.importance, height, width, PROPOSED);
    let of_both = proposed
        .into_iter()
        .map(|region| (true, region))
        .chain(quarters(&map.importance, height, width).into_iter().map(|region| (false, region)));
    let one = |(proposed, Region { rows, columns, share, area }): (bool, Region)| {
        let small = |range: std::ops::Range<usize>| range.start as u32..range.end as u32;
        let region = [small(rows), small(columns)];
        let cue = looked.auditor.region_cue(model, tested, at, region, &looked.key)?;
        Ok(ImageRegion { proposed, share, area, cue })
    };
    of_both.map(one).collect()
}

/// The quarters of an image that is at least two pixels high and wide.
fn quarters(map: &[f32], height: usize, width: usize) -> Vec<Region> {
    let total: f64 = map.iter().map(|v| f64::from(*v)).sum();
    if height < 2 || width < 2 || total <= 0.0 {
        return Vec::new();
    }
    let halves = |length: usize| [0..length / 2, length / 2..length];
    let [top, bottom] = halves(height);
    let [left, right] = halves(width);
    let all = [(&top, &left), (&top, &right), (&bottom, &left), (&bottom, &right)];
    let region = |(rows, columns): (&std::ops::Range<usize>, &std::ops::Range<usize>)| {
        let of_row = |row: usize| map[row * width..][columns.clone()].iter();
        let sum: f64 = rows.clone().flat_map(of_row).map(|v| f64::from(*v)).sum();
        Region {
            rows: rows.clone(),
            columns: columns.clone(),
            share: sum / total,
            area: (rows.len() * columns.len()) as f64 / (height * width) as f64,
        }
    };
    all.into_iter().map(region).collect()
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
            let classes = match squares.outputs == self.model.classes.len() {
                false => Vec::new(),
                true => {
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
                regions: Vec::new(),
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
