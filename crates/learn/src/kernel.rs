//! Inference kernels: dense layers with a fixed order of summation.
//!
//! For each row and output the sum starts at the bias and adds `x[i] · w[i]` for i = 0, 1, …, each a
//! multiplication and then an addition. Tiles decide which sums are computed at the same time, never
//! the order within one, so the bits of a row do not depend on its neighbours, on chunks or on the
//! width of the processor's registers.

use std::ops::Range;

use collegium_manifest::spec::Activation;

use crate::{Dense, math::activate};

/// Runs `work` compiled for AVX-512 or AVX2 where the processor has it. Rust never contracts a
/// multiplication and an addition into a fused one, so the bits are those of the plain build.
#[inline(always)]
pub(crate) fn vectorised<R>(work: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    if let Some(v4) = pulp::x86::V4::try_new() {
        return v4.vectorize(work);
    }
    #[cfg(target_arch = "x86_64")]
    if let Some(v3) = pulp::x86::V3::try_new() {
        return v3.vectorize(work);
    }
    work()
}

/// `out = x · W + b` for `x` of rows × inputs; `out` is overwritten. Where W is of `blocks` blocks on its diagonal, what is
/// zero beside them is left out.
pub(crate) fn dense(x: &[f32], layer: &Dense, blocks: usize, out: &mut [f32]) {
    vectorised(
        #[inline(always)]
        || all_rows(x, layer, blocks, out),
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
            Activation::Silu => {
                z.iter_mut().for_each(|z| *z = activate(Activation::Silu, *z).0);
            }
            Activation::Selu => {
                z.iter_mut().for_each(|z| *z = activate(Activation::Selu, *z).0);
            }
            Activation::Mish => {
                z.iter_mut().for_each(|z| *z = activate(Activation::Mish, *z).0);
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
            Activation::Silu => each!(Activation::Silu),
            Activation::Selu => each!(Activation::Selu),
            Activation::Mish => each!(Activation::Mish),
        },
    );
}

/// Rows computed at once.
const ROWS: usize = 4;

#[inline(always)]
fn all_rows(x: &[f32], layer: &Dense, blocks: usize, out: &mut [f32]) {
    let (inputs, outputs) = (layer.inputs, layer.outputs);
    if outputs == 0 {
        return;
    }
    let mut x = x;
    let mut fours = out.chunks_exact_mut(ROWS * outputs);
    for out in &mut fours {
        let (four, rest) = x.split_at(ROWS * inputs);
        x = rest;
        columns::<true>(four, layer, blocks, out);
    }
    for out in fours.into_remainder().chunks_exact_mut(outputs) {
        let (row, rest) = x.split_at(inputs);
        x = rest;
        columns::<false>(row, layer, blocks, out);
    }
}

/// Covers all outputs of four rows, or of one, with tiles of 16, 4 and 1.
///
/// Tiles are called by name. Handed over as functions they would be called through a shim that is compiled without the
/// processor's wide registers (half the speed, measured).
#[inline(always)]
fn columns<const FOUR: bool>(x: &[f32], layer: &Dense, blocks: usize, out: &mut [f32]) {
    let mut column = 0;
    while column + 16 <= layer.outputs {
        tile::<16, FOUR>(x, layer, blocks, column, out);
        column += 16;
    }
    while column + 4 <= layer.outputs {
        tile::<4, FOUR>(x, layer, blocks, column, out);
        column += 4;
    }
    while column < layer.outputs {
        tile::<1, FOUR>(x, layer, blocks, column, out);
        column += 1;
    }
}

#[inline(always)]
fn tile<const C: usize, const FOUR: bool>(
    x: &[f32],
    layer: &Dense,
    blocks: usize,
    column: usize,
    out: &mut [f32],
) {
    let reached = reached(layer, blocks, column..column + C);
    match FOUR {
        true => four_rows::<C>(x, layer, reached, column, out),
        false => one_row::<C>(x, layer, reached, column, out),
    }
}

/// The inputs that some columns have weights for.
#[inline(always)]
fn reached(layer: &Dense, blocks: usize, columns: Range<usize>) -> Range<usize> {
    if blocks <= 1 {
        return 0..layer.inputs;
    }
    let (inputs, outputs) = (layer.inputs / blocks, layer.outputs / blocks);
    columns.start / outputs * inputs..((columns.end - 1) / outputs + 1) * inputs
}

/// `C` sums of each of four rows. Four named arrays and short loops, because the compiler keeps
/// those in registers, and an array of arrays in memory (a quarter of the speed, measured).
#[inline(always)]
fn four_rows<const C: usize>(
    x: &[f32],
    layer: &Dense,
    reached: Range<usize>,
    column: usize,
    out: &mut [f32],
) {
    let (inputs, outputs) = (layer.inputs, layer.outputs);
    let (x0, x) = x.split_at(inputs);
    let (x1, x) = x.split_at(inputs);
    let (x2, x3) = x.split_at(inputs);
    let mut s0 = [0.0_f32; C];
    s0.copy_from_slice(&layer.bias[column..column + C]);
    let (mut s1, mut s2, mut s3) = (s0, s0, s0);
    let weights = &layer.weight[reached.start * outputs..reached.end * outputs];
    let [x0, x1, x2, x3] = [x0, x1, x2, x3].map(|x| &x[reached.clone()]);
    let values = x0.iter().zip(x1).zip(x2).zip(x3);
    for ((((v0, v1), v2), v3), weights) in values.zip(weights.chunks_exact(outputs)) {
        let mut w = [0.0_f32; C];
        w.copy_from_slice(&weights[column..column + C]);
        add_product(&mut s0, *v0, &w);
        add_product(&mut s1, *v1, &w);
        add_product(&mut s2, *v2, &w);
        add_product(&mut s3, *v3, &w);
    }
    for (row, sums) in [s0, s1, s2, s3].iter().enumerate() {
        out[row * outputs + column..row * outputs + column + C].copy_from_slice(sums);
    }
}

#[inline(always)]
fn one_row<const C: usize>(
    x: &[f32],
    layer: &Dense,
    reached: Range<usize>,
    column: usize,
    out: &mut [f32],
) {
    let outputs = layer.outputs;
    let weights = &layer.weight[reached.start * outputs..reached.end * outputs];
    let mut sums = [0.0_f32; C];
    sums.copy_from_slice(&layer.bias[column..column + C]);
    for (value, weights) in x[reached].iter().zip(weights.chunks_exact(outputs)) {
        let mut w = [0.0_f32; C];
        w.copy_from_slice(&weights[column..column + C]);
        add_product(&mut sums, *value, &w);
    }
    out[column..column + C].copy_from_slice(&sums);
}

#[inline(always)]
fn add_product<const C: usize>(sums: &mut [f32; C], value: f32, weights: &[f32; C]) {
    for (sum, weight) in sums.iter_mut().zip(weights) {
        *sum += value * weight;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_sum_is_the_plain_one_bit_by_bit(
            rows in 0usize..11, high in 0usize..9, wide in 1usize..40, blocks in 1usize..4,
            seed in any::<u32>(),
        ) {
            let mut state = seed;
            let mut next = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / 8_388_608.0 - 1.0
            };
            let mut draw = |n: usize| (0..n).map(|_| next()).collect::<Vec<f32>>();
            let (inputs, outputs) = (high * blocks, wide * blocks);
            let (mut weight, bias) = (draw(inputs * outputs), draw(outputs));
            for (at, weight) in weight.iter_mut().enumerate() {
                if at / outputs / high != at % outputs / wide {
                    *weight = 0.0;
                }
            }
            let layer = Dense { inputs, outputs, weight, bias };
            let x = draw(rows * inputs);
            let mut out = vec![0.0; rows * outputs];
            dense(&x, &layer, blocks, &mut out);
            for r in 0..rows {
                for c in 0..outputs {
                    let mut sum = layer.bias[c];
                    for i in 0..inputs {
                        sum += x[r * inputs + i] * layer.weight[i * outputs + c];
                    }
                    // Sums of nothing but zeros may differ in their sign.
                    let found = out[r * outputs + c];
                    prop_assert!(sum.to_bits() == found.to_bits() || (sum == 0.0 && found == 0.0));
                }
            }
        }
    }
}
