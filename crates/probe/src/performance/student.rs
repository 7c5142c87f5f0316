//! Student's t distribution, by way of the incomplete beta function.

use libm::{exp, lgamma, log, log1p};

/// Below this a factor of a continued fraction is taken for 0 and replaced (Lentz's method).
const TINY: f64 = 1e-300;

/// Terms at most: about √(max(a, b)) are needed, so this is enough for 10⁷ degrees of freedom.
const TERMS: u32 = 20_000;

/// P(T > t) with `freedom` degrees of freedom, which need not be whole; relative precision about
/// 1e-10, far into the tail.
///
/// For t ≥ 0 it is ½·I_x(ν/2, ½) with x = ν/(ν + t²).
pub(crate) fn upper_tail(t: f64, freedom: f64) -> f64 {
    let square = t * t;
    if square.is_infinite() {
        return if t > 0.0 { 0.0 } else { 1.0 };
    }
    let x = freedom / (freedom + square);
    let half = 0.5 * incomplete_beta(freedom / 2.0, 0.5, x, square / (freedom + square));
    if t >= 0.0 { half } else { 1.0 - half }
}

/// P(F > f) with `first` and `second` degrees of freedom: I_x(ν₂/2, ν₁/2) with x = ν₂/(ν₂ + ν₁ f).
pub(crate) fn f_upper_tail(f: f64, first: f64, second: f64) -> f64 {
    if f.is_nan() || f <= 0.0 {
        return 1.0;
    }
    let scaled = first * f;
    if scaled.is_infinite() {
        return 0.0;
    }
    let x = second / (second + scaled);
    incomplete_beta(second / 2.0, first / 2.0, x, scaled / (second + scaled))
}

/// The regularised incomplete beta function I_x(a, b), a, b > 0; `y` is 1 − x, asked for because it
/// cannot be had from an x near 1.
///
/// xᵃ yᵇ / (a B(a, b)) times a continued fraction that converges fast below the mean of the
/// distribution; above it, I_x(a, b) = 1 − I_y(b, a).
fn incomplete_beta(a: f64, b: f64, x: f64, y: f64) -> f64 {
    if x <= 0.0 || y <= 0.0 {
        return if x <= 0.0 { 0.0 } else { 1.0 };
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(b, a, y, x);
    }
    // The logarithm of whichever is near 1 comes from the other.
    let log_of = |p: f64, q: f64| if p > 0.5 { log1p(-q) } else { log(p) };
    let beta = lgamma(a) + lgamma(b) - lgamma(a + b);
    exp(a * log_of(x, y) + b * log_of(y, x) - beta) / a * fraction(a, b, x)
}

/// 1/(1 + d₁/(1 + d₂/(1 + …))) with d₂ₘ = m(b − m)x / ((a + 2m − 1)(a + 2m)) and
/// d₂ₘ₊₁ = −(a + m)(a + b + m)x / ((a + 2m)(a + 2m + 1)), from the front (Lentz 1976, as modified by
/// Thompson and Barnett 1986).
fn fraction(a: f64, b: f64, x: f64) -> f64 {
    let guarded = |v: f64| if v.abs() < TINY { TINY } else { v };
    let (mut value, mut c, mut d) = (1.0, 1.0, 0.0);
    for term in 1..TERMS {
        let m = f64::from(term / 2);
        let numerator = if term % 2 == 0 {
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
        } else {
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
        };
        d = 1.0 / guarded(1.0 + numerator * d);
        c = guarded(1.0 + numerator / c);
        value *= c * d;
        if (c * d - 1.0).abs() < 1e-15 {
            break;
        }
    }
    1.0 / value
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tails_agree_with_scipy() {
        // scipy.stats.t.sf(t, freedom), version 1.17.
        for (t, freedom, expected) in [
            (0.0, 3.0, 0.5),
            (1.0, 1.0, 0.25),
            (2.0, 1.0, 0.14758361765043326),
            (2.5, 7.3, 0.019825117332800214),
            (1.0, 30.0, 0.1626543077130151),
            (4.0, 50_000.0, 3.171676734042598e-5),
            (-1.5, 4.2, 0.8976596079371644),
            (30.0, 12.5, 2.515304270833803e-13),
            (0.001, 2.0, 0.49964644669779507),
            (8.0, 1e6, 6.227531716601252e-16),
            (200.0, 3.0, 1.3781981995204582e-7),
        ] {
            let found = upper_tail(t, freedom);
            assert!((found / expected - 1.0).abs() < 1e-9, "{t} {freedom}: {found} {expected}");
        }
    }

    #[test]
    fn the_incomplete_beta_function_agrees_with_scipy() {
        // scipy.special.betainc(a, b, x)
        for (a, b, x, expected) in [
            (0.5, 0.5, 0.3, 0.36901011956554536),
            (2.0, 3.0, 0.4, 0.5247999999999999),
            (10.0, 0.5, 0.9, 0.15164090963470994),
            (50.0, 80.0, 0.4, 0.6450659221505503),
            (1.0, 1.0, 0.25, 0.25),
        ] {
            let found = incomplete_beta(a, b, x, 1.0 - x);
            assert!((found / expected - 1.0).abs() < 1e-12, "{a} {b} {x}: {found} {expected}");
        }
    }

    #[test]
    fn an_f_of_one_and_n_degrees_is_a_squared_t() {
        for (t, freedom) in [(0.5, 3.0), (2.0, 12.0), (9.0, 400.0)] {
            let (f, both) = (f_upper_tail(t * t, 1.0, freedom), 2.0 * upper_tail(t, freedom));
            assert!((f / both - 1.0).abs() < 1e-9, "{f} {both}");
        }
        // By numerical integration of the density of the beta distribution.
        assert!((f_upper_tail(3.2, 4.0, 50.0) / 0.020_430_138 - 1.0).abs() < 1e-6);
    }

    #[test]
    fn no_tail_lies_beyond_infinity() {
        assert_eq!(upper_tail(f64::INFINITY, 5.0), 0.0);
        assert_eq!(upper_tail(f64::NEG_INFINITY, 5.0), 1.0);
    }

    proptest! {
        #[test]
        fn both_tails_make_one_and_a_larger_t_has_less_beyond_it(
            t in -40.0_f64..40.0,
            more in 0.01_f64..1.0,
            freedom in 0.0_f64..14.0,
        ) {
            let freedom = freedom.exp();
            let tail = upper_tail(t, freedom);
            prop_assert!((tail + upper_tail(-t, freedom) - 1.0).abs() < 1e-12);
            prop_assert!(upper_tail(t + more, freedom) <= tail);
            prop_assert!((0.0..=1.0).contains(&tail));
        }
    }
}
