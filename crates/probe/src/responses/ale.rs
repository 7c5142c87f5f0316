//! Accumulated local effects of a numeric input, with bands.

use collegium_records::Measure;

use super::Bins;
use crate::{
    Resampling,
    resample::{Block, Draws, LANES},
};

/// The curve of an output at the edges of the bins: the mean over each bin's rows of what the output gains from
/// the lower to the upper edge (`gains`, by row), added up, less the mean over all rows of the line through the
/// points. In the output's unit.
///
/// The bands are 95 % intervals of each point by resampling. Edges stay as they are; a bin of which a resample
/// has no row keeps its effect.
///
/// # Panics
/// When there is not a gain for each row (a mistake of the caller, which no data can cause).
pub fn accumulated_effects(bins: &Bins, gains: &[f64], how: Resampling) -> Vec<Measure> {
    assert_eq!(gains.len(), bins.of().len(), "a gain for each row");
    let along = bins.along();
    let mut all = vec![InBin::default(); bins.count()];
    for ((bin, gain), along) in bins.of().iter().zip(gains).zip(&along) {
        if let Some(bin) = *bin {
            all[bin].add(1.0, *gain, *along);
        }
    }
    let local: Vec<f64> = all.iter().map(|bin| bin.gain / bin.rows).collect();
    let points = accumulated(&local, &all);
    let mut drawn: Vec<Vec<f64>> = vec![Vec::new(); points.len()];
    let mut draws = Draws::new(how, "responses", gains.len());
    while let Some(Block { counts, lanes, .. }) = draws.next_block() {
        let mut sums = vec![[InBin::default(); LANES]; bins.count()];
        for (((bin, gain), along), counts) in bins.of().iter().zip(gains).zip(&along).zip(counts) {
            let Some(bin) = *bin else { continue };
            for (sum, count) in sums[bin].iter_mut().zip(counts) {
                sum.add(f64::from(*count), *gain, *along);
            }
        }
        for lane in 0..lanes {
            let of_lane: Vec<InBin> = sums.iter().map(|lanes| lanes[lane]).collect();
            let effect = |(bin, local): (&InBin, &f64)| {
                if bin.rows > 0.0 { bin.gain / bin.rows } else { *local }
            };
            let effects: Vec<f64> = of_lane.iter().zip(&local).map(effect).collect();
            let curve = accumulated(&effects, &of_lane);
            drawn.iter_mut().zip(curve).for_each(|(drawn, point)| drawn.push(point));
        }
    }
    let each = points.into_iter().zip(&mut drawn);
    each.map(|(value, drawn)| Measure { value, interval: how.interval(value, drawn) }).collect()
}

/// Sums over the rows of a bin.
#[derive(Debug, Clone, Copy, Default)]
struct InBin {
    rows: f64,
    gain: f64,
    /// Of how far each row is on the way from the lower edge to the upper one.
    along: f64,
}

impl InBin {
    fn add(&mut self, count: f64, gain: f64, along: f64) {
        self.rows += count;
        self.gain += count * gain;
        self.along += count * along;
    }
}

/// The sums of the effects up to each edge, less the mean over the rows of the line through them.
fn accumulated(effects: &[f64], bins: &[InBin]) -> Vec<f64> {
    let mut points = vec![0.0];
    let mut sum = 0.0;
    for effect in effects {
        sum += effect;
        points.push(sum);
    }
    let all: f64 = bins.iter().map(|bin| bin.rows).sum();
    let each = points.iter().zip(effects).zip(bins);
    let sum = each.map(|((from, effect), bin)| from * bin.rows + effect * bin.along).sum::<f64>();
    points.iter_mut().for_each(|point| *point -= sum / all);
    points
}
