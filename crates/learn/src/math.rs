//! Deterministic elementary functions (exp, tanh, …): the same bits on every processor.
//!
//! The C library's `expf` picks its code by processor and rounds differently. These are additions,
//! multiplications and one division, in one order, so they vectorise and never differ. Their error
//! is below 3e-7 relative (a test says so), a few units in the last place.

use collegium_manifest::spec::Activation;

/// Adding and subtracting this rounds a small float to an integer: 1.5 · 2²³.
const ROUND: f32 = 12_582_912.0;
/// ln 2, its first bits: products with small integers are exact.
const LN2_HIGH: f32 = 0.693_359_4;
/// ln 2 minus [`LN2_HIGH`].
const LN2_LOW: f32 = -2.121_944_4e-4;

/// eˣ for x in about ±87; beyond, it saturates. NaN stays NaN.
///
/// x = n ln 2 + r with |r| ≤ ½ ln 2, and eʳ by its Taylor polynomial of degree 7.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    let x = x.clamp(-87.0, 88.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * LN2_HIGH) - n * LN2_LOW;
    let mut p = 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    p = p * r + 1.0;
    p = p * r + 1.0;
    // The integer sits in the low bits of `shifted`; as an exponent it is 2ⁿ.
    let exponent = shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127);
    p * f32::from_bits(exponent << 23)
}

/// tanh x: its Taylor polynomial near 0, where the quotient would cancel.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    let x2 = x * x;
    let mut p = 62.0 / 2835.0;
    p = p * x2 - 17.0 / 315.0;
    p = p * x2 + 2.0 / 15.0;
    p = p * x2 - 1.0 / 3.0;
    let near = x + x * x2 * p;
    let e = exp(2.0 * x.clamp(-10.0, 10.0));
    let far = (e - 1.0) / (e + 1.0);
    if x2 < 0.0625 { near } else { far }
}

/// 1 / (1 + e⁻ˣ), without overflow on either side.
#[inline(always)]
pub(crate) fn sigmoid(x: f32) -> f32 {
    let e = exp(-x.abs());
    if x >= 0.0 { 1.0 / (1.0 + e) } else { e / (1.0 + e) }
}

/// ln(1 + e⁻|ˣ|), the smooth part of the logistic loss.
pub(crate) fn log1p_exp_neg_abs(x: f32) -> f32 {
    libm::log1pf(exp(-x.abs()))
}

/// √(2/π) and the cubic coefficient of GELU's tanh form (Hendrycks & Gimpel 2016).
const GELU_SCALE: f32 = 0.797_884_6;
const GELU_CUBIC: f32 = 0.044_715;

/// λ and α of SELU (Klambauer et al. 2017).
const SELU_SCALE: f32 = 1.050_701;
const SELU_ALPHA: f32 = 1.673_263_2;

/// An activation and its derivative at `z`; the derivative of ReLU at 0 is 0.
#[inline(always)]
pub(crate) fn activate(activation: Activation, z: f32) -> (f32, f32) {
    match activation {
        Activation::Relu => {
            if z > 0.0 {
                (z, 1.0)
            } else {
                // Keeps a NaN: a network that diverged must be seen to.
                (if z.is_nan() { z } else { 0.0 }, 0.0)
            }
        }
        Activation::Tanh => {
            let t = tanh(z);
            (t, 1.0 - t * t)
        }
        Activation::Gelu => {
            let z2 = z * z;
            let t = tanh(GELU_SCALE * (z + GELU_CUBIC * z * z2));
            let slope = GELU_SCALE * (1.0 + 3.0 * GELU_CUBIC * z2);
            (0.5 * z * (1.0 + t), 0.5 * (1.0 + t) + 0.5 * z * (1.0 - t * t) * slope)
        }
        Activation::Silu => {
            let s = sigmoid(z);
            (z * s, s * (1.0 + z * (1.0 - s)))
        }
        Activation::Selu => {
            let e = SELU_ALPHA * exp(if z < 0.0 { z } else { 0.0 });
            let below = (SELU_SCALE * (e - SELU_ALPHA), SELU_SCALE * e);
            let above = (SELU_SCALE * z, SELU_SCALE);
            if z > 0.0 || z.is_nan() { above } else { below }
        }
        Activation::Mish => {
            // tanh(ln(1 + eˣ)) is (n − 1)/(n + 1) with n = (1 + eˣ)²; beyond 20 it is 1.
            let e = exp(if z < 20.0 { z } else { 20.0 });
            let n = e * (e + 2.0);
            let t = if z > 20.0 { 1.0 } else { n / (n + 2.0) };
            let s = e / (1.0 + e);
            (z * t, t + z * s * (1.0 - t * t))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn close(found: f32, expected: f64) -> bool {
        (f64::from(found) - expected).abs() <= 3e-7 * expected.abs()
    }

    proptest! {
        #[test]
        fn the_exponential_is_right_to_a_few_last_places(x in -87.0_f32..88.0) {
            prop_assert!(close(exp(x), f64::from(x).exp()), "{x}: {}", exp(x));
        }

        #[test]
        fn tanh_is_right_also_near_zero(x in -12.0_f32..12.0, tiny in -0.3_f32..0.3) {
            for x in [x, tiny, tiny * 1e-6] {
                prop_assert!(close(tanh(x), f64::from(x).tanh()), "{x}: {}", tanh(x));
            }
        }

        #[test]
        fn derivatives_match_differences(z in -6.0_f32..6.0) {
            for activation in [Activation::Tanh, Activation::Gelu, Activation::Silu, Activation::Mish] {
                let h = 1e-2;
                let difference = (activate(activation, z + h).0 - activate(activation, z - h).0) / (2.0 * h);
                prop_assert!((difference - activate(activation, z).1).abs() < 1e-3);
            }
        }
    }

    #[test]
    fn the_ends_saturate_and_a_nan_stays() {
        assert_eq!((sigmoid(1e9), tanh(-1e9)), (1.0, -1.0));
        assert!(sigmoid(-1e9) > 0.0 && sigmoid(-1e9) < 1e-37);
        assert!(exp(f32::NAN).is_nan() && tanh(f32::NAN).is_nan());
        assert!(activate(Activation::Relu, f32::NAN).0.is_nan());
        assert_eq!(activate(Activation::Relu, 0.0), (0.0, 0.0));
    }
}
