//! The inner loops of prediction.
//!
//! For each row and output the sum starts at the bias and adds `x[i] · w[i]` for i = 0, 1, …, each a
//! multiplication and then an addition. Tiles decide which sums are computed at the same time, never
//! the order within one, so the bits of a row do not depend on its neighbours, on chunks or on the
//! width of the processor's registers.

use collegium_manifest::spec::Activation;

use crate::{Dense, math::activate};

/// Runs `work` compiled for AVX2 where the processor has it. Rust never contracts a multiplication
/// and an addition into a fused one, so the bits are those of the plain build.
#[inline(always)]
pub(crate) fn vectorised<R>(work: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    if let Some(v3) = pulp::x86::V3::try_new() {
        return v3.vectorize(work);
    }
    work()
}

/// `out = x · W + b` for `x` of rows × inputs; `out` is overwritten.
pub(crate) fn dense(x: &[f32], layer: &Dense, out: &mut [f32]) {
    vectorised(
        #[inline(always)]
        || all_rows(x, layer, out),
    );
}

/// Applies an activation in place.
pub(crate) fn activate_in_place(activation: Activation, z: &mut [f32]) {
    // One loop per activation, so that the choice stays out of the loop.
    vectorised(
        #[inline(always)]
        || match activation {
            Activation::Relu => {
                z.iter_mut().for_each(|z| *z = activate(Activation::Relu, *z).0);
            }
            Activation::Tanh => {
                z.iter_mut().for_each(|z| *z = activate(Activation::Tanh, *z).0);
            }
            Activation::Gelu => {
                z.iter_mut().for_each(|z| *z = activate(Activation::Gelu, *z).0);
            }
        },
    );
}

/// Applies an activation in place and writes its derivative.
pub(crate) fn activate_with_slope(activation: Activation, z: &mut [f32], slope: &mut [f32]) {
    macro_rules! each {
        ($kind:expr) => {
            for (z, slope) in z.iter_mut().zip(slope) {
                (*z, *slope) = activate($kind, *z);
            }
        };
    }
    vectorised(
        #[inline(always)]
        || match activation {
            Activation::Relu => each!(Activation::Relu),
            Activation::Tanh => each!(Activation::Tanh),
            Activation::Gelu => each!(Activation::Gelu),
        },
    );
}

/// Rows and outputs computed at once: eight registers of sums.
const ROWS: usize = 4;
const COLUMNS: usize = 16;

#[inline(always)]
fn all_rows(x: &[f32], layer: &Dense, out: &mut [f32]) {
    let (inputs, outputs) = (layer.inputs, layer.outputs);
    if outputs == 0 {
        return;
    }
    let mut x = x;
    let mut chunks = out.chunks_exact_mut(ROWS * outputs);
    for out in &mut chunks {
        let (block, rest) = x.split_at(ROWS * inputs);
        x = rest;
        columns::<ROWS>(block, layer, out);
    }
    for out in chunks.into_remainder().chunks_exact_mut(outputs) {
        let (block, rest) = x.split_at(inputs);
        x = rest;
        columns::<1>(block, layer, out);
    }
}

#[inline(always)]
fn columns<const R: usize>(x: &[f32], layer: &Dense, out: &mut [f32]) {
    let outputs = layer.outputs;
    let mut column = 0;
    while column + COLUMNS <= outputs {
        tile::<R, COLUMNS>(x, layer, column, out);
        column += COLUMNS;
    }
    while column + 4 <= outputs {
        tile::<R, 4>(x, layer, column, out);
        column += 4;
    }
    while column < outputs {
        tile::<R, 1>(x, layer, column, out);
        column += 1;
    }
}

/// `C` sums of each of `R` rows, in registers: hence the arrays, and loops of constant length.
#[inline(always)]
fn tile<const R: usize, const C: usize>(x: &[f32], layer: &Dense, column: usize, out: &mut [f32]) {
    let (inputs, outputs) = (layer.inputs, layer.outputs);
    let rows: [&[f32]; R] = std::array::from_fn(|r| &x[r * inputs..(r + 1) * inputs]);
    let mut sums = [[0.0_f32; C]; R];
    for sum in &mut sums {
        sum.copy_from_slice(&layer.bias[column..column + C]);
    }
    for (i, weights) in layer.weight.chunks_exact(outputs).enumerate().take(inputs) {
        let mut w = [0.0; C];
        w.copy_from_slice(&weights[column..column + C]);
        sums = std::array::from_fn(|r| {
            let value = rows[r][i];
            std::array::from_fn(|c| sums[r][c] + value * w[c])
        });
    }
    for (r, sum) in sums.iter().enumerate() {
        out[r * outputs + column..r * outputs + column + C].copy_from_slice(sum);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_sum_is_the_plain_one_bit_by_bit(
            rows in 0usize..11, inputs in 0usize..9, outputs in 1usize..40, seed in any::<u32>(),
        ) {
            let mut state = seed;
            let mut next = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / 8_388_608.0 - 1.0
            };
            let mut draw = |n: usize| (0..n).map(|_| next()).collect::<Vec<f32>>();
            let (weight, bias) = (draw(inputs * outputs), draw(outputs));
            let layer = Dense { inputs, outputs, weight, bias };
            let x = draw(rows * inputs);
            let mut out = vec![0.0; rows * outputs];
            dense(&x, &layer, &mut out);
            for r in 0..rows {
                for c in 0..outputs {
                    let mut sum = layer.bias[c];
                    for i in 0..inputs {
                        sum += x[r * inputs + i] * layer.weight[i * outputs + c];
                    }
                    prop_assert_eq!(sum.to_bits(), out[r * outputs + c].to_bits());
                }
            }
        }
    }
}
