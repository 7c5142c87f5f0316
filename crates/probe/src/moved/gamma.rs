//! Tail probability of the χ² distribution, by way of the incomplete gamma function.

use libm::{exp, lgamma, log};

/// Terms at most: about √a are needed, so this is enough for a hundred million degrees of freedom.
const TERMS: u32 = 200_000;

/// P(χ² > x) with `freedom` degrees of freedom; relative precision about 1e-10.
pub(super) fn chi_squared_tail(x: f64, freedom: f64) -> f64 {
    let (a, x) = (freedom / 2.0, x / 2.0);
    if x <= 0.0 {
        return 1.0;
    }
    let scale = exp(a * log(x) - x - lgamma(a));
    if x < a + 1.0 { (1.0 - scale * series(a, x)).max(0.0) } else { scale * fraction(a, x) }
}

/// γ(a, x) eˣ x⁻ᵃ = Σ xᵏ / (a (a + 1) … (a + k)).
fn series(a: f64, x: f64) -> f64 {
    let mut term = 1.0 / a;
    let mut sum = term;
    for k in 1..TERMS {
        term *= x / (a + f64::from(k));
        sum += term;
        if term < sum * 1e-16 {
            break;
        }
    }
    sum
}

/// Γ(a, x) eˣ x⁻ᵃ = 1/(x + 1 − a − 1(1 − a)/(x + 3 − a − …)), by Lentz's method.
fn fraction(a: f64, x: f64) -> f64 {
    let guarded = |v: f64| if v.abs() < 1e-300 { 1e-300 } else { v };
    let mut b = x + 1.0 - a;
    let mut c = 1e300;
    let mut d = 1.0 / guarded(b);
    let mut value = d;
    for k in 1..TERMS {
        let k = f64::from(k);
        let numerator = -k * (k - a);
        b += 2.0;
        d = 1.0 / guarded(numerator * d + b);
        c = guarded(b + numerator / c);
        value *= c * d;
        if (c * d - 1.0).abs() < 1e-15 {
            break;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_degrees_of_freedom_are_an_exponential() {
        for x in [0.1, 1.0, 5.0, 40.0] {
            assert!((chi_squared_tail(x, 2.0) / (-x / 2.0).exp() - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn the_tail_agrees_with_the_tables() {
        // The 5 % points with 1, 3, 10 and 100 degrees of freedom.
        for (x, freedom) in
            [(3.841_459, 1.0), (7.814_728, 3.0), (18.307_04, 10.0), (124.3421, 100.0)]
        {
            assert!((chi_squared_tail(x, freedom) - 0.05).abs() < 1e-6, "{freedom}");
        }
        assert_eq!(chi_squared_tail(0.0, 3.0), 1.0);
        assert!(chi_squared_tail(1e4, 1.0) < 1e-300);
    }

    #[test]
    fn even_degrees_of_freedom_are_sums_of_poisson_terms() {
        // P(χ²₂ₖ > x) = P(Poisson(x/2) < k).
        for (x, half) in [(3.0, 4), (30.0, 12), (7.5, 1), (55.0, 30)] {
            let mut term = (-x / 2.0_f64).exp();
            let mut sum = term;
            for k in 1..half {
                term *= x / 2.0 / f64::from(k);
                sum += term;
            }
            let found = chi_squared_tail(x, f64::from(2 * half));
            assert!((found - sum).abs() < 1e-10, "{found} {sum}");
        }
    }
}
