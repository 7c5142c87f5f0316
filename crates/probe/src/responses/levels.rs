//! Partial dependence by the levels of a category, with bands.

use collegium_records::Measure;

use crate::{
    Resampling,
    resample::{Block, Draws, LANES, weighted},
};

/// The mean output with all rows put to each level (`outputs`, by level and row), less the mean of these as often
/// as the levels occur. `codes` is the level of each row: `None` is missing, and such a row counts nowhere; a number
/// beyond the levels is one of those that are not shown. Intervals are of 95 %.
///
/// # Panics
/// When there is not an output for each row (a mistake of the caller, which no data can cause).
pub fn level_effects(
    codes: &[Option<usize>],
    outputs: &[Vec<f64>],
    how: Resampling,
) -> Vec<Measure> {
    assert!(outputs.iter().all(|of| of.len() == codes.len()), "an output for each row");
    let known: Vec<f64> = codes.iter().map(|code| f64::from(u8::from(code.is_some()))).collect();
    let of_level = |level: usize| -> Vec<f64> {
        codes.iter().map(|code| f64::from(u8::from(*code == Some(level)))).collect()
    };
    let occurs: Vec<Vec<f64>> = (0..outputs.len()).map(of_level).collect();
    let of_known = |of: &Vec<f64>| of.iter().zip(&known).map(|(v, known)| v * known).collect();
    let outputs: Vec<Vec<f64>> = outputs.iter().map(of_known).collect();
    let sum = |values: &Vec<f64>| values.iter().sum::<f64>();
    let points = centred(
        sum(&known),
        &outputs.iter().map(sum).collect::<Vec<f64>>(),
        &occurs.iter().map(sum).collect::<Vec<f64>>(),
    );
    let mut drawn: Vec<Vec<f64>> = vec![Vec::new(); points.len()];
    let mut draws = Draws::new(how, "responses", codes.len());
    while let Some(Block { counts, lanes, .. }) = draws.next_block() {
        let sums = |of: &Vec<Vec<f64>>| -> Vec<[f64; LANES]> {
            of.iter().map(|values| weighted(counts, values)).collect()
        };
        let (rows, outputs, occurs) = (weighted(counts, &known), sums(&outputs), sums(&occurs));
        for lane in 0..lanes {
            let of_lane =
                |of: &[[f64; LANES]]| of.iter().map(|sums| sums[lane]).collect::<Vec<f64>>();
            let found = centred(rows[lane], &of_lane(&outputs), &of_lane(&occurs));
            drawn.iter_mut().zip(found).for_each(|(drawn, point)| drawn.push(point));
        }
    }
    let each = points.into_iter().zip(&mut drawn);
    each.map(|(value, drawn)| Measure { value, interval: how.interval(value, drawn) }).collect()
}

/// Means from sums over the rows, less their mean as often as the levels occur.
fn centred(rows: f64, sums: &[f64], occurs: &[f64]) -> Vec<f64> {
    let all: f64 = occurs.iter().sum();
    let centre = sums.iter().zip(occurs).map(|(sum, n)| sum / rows * n).sum::<f64>() / all;
    sums.iter().map(|sum| sum / rows - centre).collect()
}
