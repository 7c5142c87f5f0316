//! Standardisation of numbers: mean 0 and deviation 1 over the training rows.

use serde::{Deserialize, Serialize};

use super::{
    CLIP, EncodeError,
    exact::Exact,
    outside::{OutOfRange, Span},
};

/// Standardisation: mean and deviation over the training rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scale {
    mean: Exact,
    /// 0: constant in training; every value encodes to 0.
    deviation: Exact,
    /// Robust: the mean is the median, the deviation the interquartile range, and the clip is smooth.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    smooth: bool,
    /// Of a column: the range of its values. Models of before it was kept have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    span: Option<Span>,
}

/// How near to each other values are, measured by their size, that are centred with care.
const NEAR: f64 = 1e-6;

/// Where a smooth clip levels off: x / √(1 + (x/3)²), as RealMLP has it (Holzmüller et al. 2024).
const SMOOTH: f64 = 3.0;

/// How small a deviation may be before it counts as noise.
#[derive(Debug, Clone, Copy)]
pub(super) enum Floor {
    /// Columns: anything beyond rounding.
    Column,
    /// Logits: a thousandth of a natural unit. A fold model that learned nothing hands over almost
    /// equal logits, which must not be blown up to unit size.
    Logit,
    /// Other outputs, which are 32-bit floats: a hundred thousandth of their size.
    Output,
}

/// What was found when a scale was fitted.
pub(super) struct Fitted {
    pub(super) scale: Scale,
    /// Training rows without a value.
    pub(super) missing: u64,
    /// Training rows with one.
    pub(super) present: u64,
}

impl Scale {
    /// Two passes over the values, in order; NaN is missing.
    pub(super) fn fit<I>(name: &str, values: I, floor: Floor) -> Result<Fitted, EncodeError>
    where
        I: Iterator<Item = f64> + Clone,
    {
        let mut present = 0_u64;
        let mut missing = 0_u64;
        let mut sum = 0.0;
        let mut largest = 0.0_f64;
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.clone() {
            if value.is_nan() {
                missing += 1;
            } else {
                present += 1;
                sum += value;
                largest = largest.max(value.abs());
                (low, high) = (low.min(value), high.max(value));
            }
        }
        if present == 0 {
            let scale = Self { mean: Exact(0.0), deviation: Exact(0.0), smooth: false, span: None };
            return Ok(Fitted { scale, missing, present });
        }
        let known = values.filter(|value| !value.is_nan());
        let mut mean = sum / present as f64;
        if high - low < NEAR * largest {
            // So far from zero, a plain sum loses what tells the values apart.
            mean = low + known.clone().map(|value| value - low).sum::<f64>() / present as f64;
        }
        let squares: f64 = known.map(|value| (value - mean).powi(2)).sum();
        let deviation = (squares / present as f64).sqrt();
        if !mean.is_finite() || !deviation.is_finite() {
            return Err(EncodeError::Range { name: name.to_owned() });
        }
        // Neighbouring floats tell of rounding, not of a difference.
        let constant = high - low <= 4.0 * f64::EPSILON * largest;
        let floored = match floor {
            Floor::Column => deviation,
            Floor::Logit => deviation.max(1e-3),
            Floor::Output => deviation.max(1e-5 * mean.abs()),
        };
        let deviation = if constant { 0.0 } else { floored };
        // Adding zero turns a mean of -0 into 0, so that equal columns have equal encoders.
        let span = if let Floor::Column = floor { Span::new(low, high) } else { None };
        let scale =
            Self { mean: Exact(mean + 0.0), deviation: Exact(deviation), smooth: false, span };
        Ok(Fitted { scale, missing, present })
    }

    /// The same by median and interquartile range. Where the middle half of the values is one value, half of the range
    /// stands for it.
    pub(super) fn robust(self, values: impl Iterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = values.filter(|value| !value.is_nan()).collect();
        if self.is_constant() || sorted.is_empty() {
            return self;
        }
        sorted.sort_unstable_by(f64::total_cmp);
        let last = sorted.len() - 1;
        let at = |share: f64| sorted[(share * last as f64).round() as usize];
        let between = at(0.75) - at(0.25);
        let range = sorted[last] / 2.0 - sorted[0] / 2.0;
        let spread = if between > 0.0 && between.is_finite() { between } else { range };
        Self { mean: Exact(at(0.5) + 0.0), deviation: Exact(spread), smooth: true, ..self }
    }

    /// Is it robust?
    pub(super) fn is_robust(&self) -> bool {
        self.smooth
    }

    /// Standardised and clipped; a missing value (NaN) is the mean.
    pub(super) fn apply(&self, value: f64) -> f32 {
        if self.is_constant() || value.is_nan() {
            return 0.0;
        }
        if self.smooth {
            let z = self.far(value);
            return (z / (1.0 + (z / SMOOTH).powi(2)).sqrt()) as f32;
        }
        ((value - self.mean.0) / self.deviation.0).clamp(-CLIP, CLIP) as f32
    }

    /// The derivative of [`Self::apply`]: 0 where it is clipped or the value is missing.
    pub(super) fn slope(&self, value: f64) -> f32 {
        if self.is_constant() || value.is_nan() {
            return 0.0;
        }
        if self.smooth {
            let z = self.far(value);
            return ((1.0 + (z / SMOOTH).powi(2)).powf(-1.5) / self.deviation.0) as f32;
        }
        let free = ((value - self.mean.0) / self.deviation.0).abs() < CLIP;
        if free { (1.0 / self.deviation.0) as f32 } else { 0.0 }
    }

    /// How far a value is from the median, no farther than its square is a number.
    fn far(&self, value: f64) -> f64 {
        ((value - self.mean.0) / self.deviation.0).clamp(-1e9, 1e9)
    }

    /// A value outside of the training range.
    pub(super) fn outside(&self, value: f64, time: bool) -> Option<OutOfRange> {
        let span = self.span.filter(|span| !span.holds(value))?;
        let far = (value - self.mean.0).abs() > CLIP * self.deviation.0;
        Some(OutOfRange::of(span, value, far && !self.is_constant(), time))
    }

    pub(super) fn is_constant(&self) -> bool {
        self.deviation.0 == 0.0
    }
}
