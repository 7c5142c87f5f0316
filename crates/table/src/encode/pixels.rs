//! Standardisation of image pixels, with one scale for all of an image column.
//!
//! All pixels of an image column share one mean and one deviation. Scales of their own would blow up
//! the pixels of the rim, which hardly ever vary, and would make a map of importance one of scales: with
//! one, pixels stay comparable, and a picture keeps looking like itself. A brightness has 256 values, so
//! sums go over a histogram: exact, whatever the order of the rows. Pixels are not clipped, since they
//! lie within 0 and 255 anyhow.

use serde::{Deserialize, Serialize};

use super::exact::Exact;
use crate::{ImageShape, column::image};

/// x ↦ (x/255 − mean) / deviation, for every pixel of the column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pixels {
    pub(super) shape: ImageShape,
    mean: Exact,
    /// 0: all pixels of all training rows were equal; every pixel encodes to 0.
    deviation: Exact,
}

impl Pixels {
    pub(super) fn fit(
        name: &str,
        shape: ImageShape,
        pixels: &[u8],
        rows: &[u32],
        notes: &mut Vec<String>,
    ) -> Self {
        let mut counts = [0_u64; 256];
        for &row in rows {
            for &pixel in image(shape, pixels, row as usize) {
                counts[usize::from(pixel)] += 1;
            }
        }
        let all = counts.iter().sum::<u64>().max(1) as f64;
        let levels =
            || counts.iter().enumerate().map(|(level, count)| (level as f64, *count as f64));
        // Whole numbers far below 2^53: the sum is exact.
        let sum: f64 = levels().map(|(level, count)| level * count).sum();
        let mean = sum / all / 255.0;
        let squares: f64 =
            levels().map(|(level, count)| count * (level / 255.0 - mean).powi(2)).sum();
        let constant = counts.iter().filter(|count| **count > 0).count() <= 1;
        if constant {
            notes.push(format!(
                "`{name}` is one even area in all training rows and tells the expert nothing"
            ));
        }
        let deviation = if constant { 0.0 } else { (squares / all).sqrt() };
        Self { shape, mean: Exact(mean), deviation: Exact(deviation) }
    }

    /// What each brightness encodes to.
    pub(super) fn levels(&self) -> [f32; 256] {
        let (mean, deviation) = (self.mean.0, self.deviation.0);
        std::array::from_fn(|level| match deviation {
            0.0 => 0.0,
            _ => ((level as f64 / 255.0 - mean) / deviation) as f32,
        })
    }

    /// The derivative of an encoded pixel by its brightness (0 to 255).
    pub(super) fn slope(&self) -> f32 {
        match self.deviation.0 {
            0.0 => 0.0,
            deviation => (1.0 / 255.0 / deviation) as f32,
        }
    }

    pub(super) fn width(&self) -> usize {
        self.shape.size()
    }

    /// `digits.image[12, 7]`: row and column from the top left, from 0; of colours the channel, too.
    pub(super) fn column_names(&self, name: &str) -> Vec<String> {
        let ImageShape { height, width, channels } = self.shape;
        let mut names = Vec::with_capacity(self.width());
        for row in 0..height {
            for column in 0..width {
                match channels {
                    1 => names.push(format!("{name}[{row}, {column}]")),
                    _ => {
                        names.extend((0..channels).map(|c| format!("{name}[{row}, {column}, {c}]")))
                    }
                }
            }
        }
        names
    }
}
