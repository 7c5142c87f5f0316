//! Consistency across seeds: the part of an importance that networks of other seeds share.

use super::{Frame, Gathered};

/// Importances by part of the frame, summed over rows.
pub(super) struct Common {
    /// Mean over pairs of different seeds of Σ_rows Σ_outputs g_s Σ_bb g_tᵀ.
    pub(super) common: Vec<f64>,
    /// Mean over seeds of Σ_rows Σ_outputs g_s Σ_bb g_sᵀ.
    pub(super) total: Vec<f64>,
}

/// Splits every importance into what is common to seeds and what is not.
///
/// Write the gradient of seed s as g_s = g + e_s: what training finds every time, and what this seed
/// made of it. The importance of one network is E‖g‖² + E‖e‖², and a square never averages out, so
/// an input that a network has no use for still holds a share. Between two seeds E⟨g_s, g_t⟩ = E‖g‖²:
/// the chance part falls out. All pairs come from one sum: Σ_{s≠t} g_s g_t = (Σ g_s)² − Σ g_s².
///
/// What all seeds share because they saw the same training rows, a coincidence in the data among it,
/// stays. `None` without seeds, or where gradients were not kept.
pub(super) fn consistency(frame: &Frame, trained: &Gathered, seeds: &[Gathered]) -> Option<Common> {
    let all: Option<Vec<&[f32]>> = (!seeds.is_empty()).then_some(()).and_then(|()| {
        std::iter::once(trained).chain(seeds).map(|g| g.projected.as_deref()).collect()
    });
    let all = all?;
    let count = all.len() as f64;
    let mut sums = vec![[0.0f64; 2]; frame.columns];
    let length = all.iter().map(|g| g.len()).min()?;
    for at in (0..length).step_by(frame.columns.max(1)) {
        for (column, sums) in sums.iter_mut().enumerate() {
            let (mut sum, mut squares) = (0.0f64, 0.0f64);
            for g in &all {
                let value = f64::from(g[at + column]);
                sum += value;
                squares += value * value;
            }
            sums[0] += sum * sum - squares;
            sums[1] += squares;
        }
    }
    let part = |which: usize, scale: f64| {
        let of = |range: &std::ops::Range<usize>| {
            sums[range.clone()].iter().map(|pair| pair[which]).sum::<f64>() * scale
        };
        frame.parts.iter().map(of).collect()
    };
    Some(Common { common: part(0, 1.0 / (count * (count - 1.0))), total: part(1, 1.0 / count) })
}
