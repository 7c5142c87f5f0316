//! Colour scales: numbers to steps that are distinguished by lightness first.
//!
//! The sequential ones go from white to dark in one hue, the diverging one from dark brown over white
//! to dark blue; all are of ColorBrewer (Harrower and Brewer 2003), chosen so that people who do not
//! see red and green apart, and a printer without colours, still see the order of the steps. On the
//! diverging scale a printer without colours cannot show the sign, which is why loadings and numbers
//! stand beside it as text.

/// Steps of a scale; odd, so that the diverging one has a middle.
const STEPS: usize = 65;

const BLUES: [u32; 9] =
    [0xffffff, 0xdeebf7, 0xc6dbef, 0x9ecae1, 0x6baed6, 0x4292c6, 0x2171b5, 0x08519c, 0x08306b];
const GREYS: [u32; 5] = [0xffffff, 0xd0d4d8, 0x9aa1a9, 0x565d66, 0x14191f];
const BROWN_TO_BLUE: [u32; 11] = [
    0x6b3005, 0xa3520a, 0xd98528, 0xf5bd78, 0xfde2c2, 0xffffff, 0xd1e5f0, 0x92c5de, 0x4393c3,
    0x2166ac, 0x053061,
];

/// How a number becomes a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    /// 0 white, 1 black: the input itself.
    Ink,
    /// 0 white, 1 dark blue.
    Sequential,
    /// −1 brown, 0 white, 1 blue.
    Diverging,
}

impl Scale {
    fn stops(self) -> &'static [u32] {
        match self {
            Self::Ink => &GREYS,
            Self::Sequential => &BLUES,
            Self::Diverging => &BROWN_TO_BLUE,
        }
    }

    /// Red, green and blue of each step.
    pub(super) fn palette(self) -> Vec<u8> {
        (0..STEPS).flat_map(|step| self.colour(step as f64 / (STEPS - 1) as f64)).collect()
    }

    /// The step of a value; what is not a number is 0.
    pub(super) fn index(self, value: f32) -> u8 {
        let value = if value.is_finite() { value } else { 0.0 };
        let at = if self == Self::Diverging { (value + 1.0) / 2.0 } else { value };
        (at.clamp(0.0, 1.0) * (STEPS - 1) as f32).round() as u8
    }

    /// Between the two nearest stops, at 0 to 1.
    fn colour(self, at: f64) -> [u8; 3] {
        let stops = self.stops();
        let place = at.clamp(0.0, 1.0) * (stops.len() - 1) as f64;
        let first = (place as usize).min(stops.len() - 2);
        let part = place - first as f64;
        let channel = |colour: u32, shift: u32| f64::from(colour >> shift & 255);
        [16, 8, 0].map(|shift| {
            let (from, to) = (channel(stops[first], shift), channel(stops[first + 1], shift));
            (from + (to - from) * part).round() as u8
        })
    }

    /// The scale as a CSS gradient, for a legend.
    pub(crate) fn gradient(self) -> String {
        let stops: Vec<String> = self.stops().iter().map(|stop| format!("#{stop:06x}")).collect();
        format!("linear-gradient(90deg,{})", stops.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance (WCAG 2) of each step.
    fn luminance(scale: Scale) -> Vec<f64> {
        let linear = |c: u8| {
            let c = f64::from(c) / 255.0;
            if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        let palette = scale.palette();
        let light =
            |c: &[u8]| 0.2126 * linear(c[0]) + 0.7152 * linear(c[1]) + 0.0722 * linear(c[2]);
        palette.chunks(3).map(light).collect()
    }

    #[test]
    fn more_is_darker_on_every_scale() {
        for scale in [Scale::Ink, Scale::Sequential] {
            assert!(luminance(scale).windows(2).all(|pair| pair[1] < pair[0]), "{scale:?}");
        }
        let both = luminance(Scale::Diverging);
        let (negative, positive) = both.split_at(STEPS / 2);
        assert!(negative.windows(2).all(|pair| pair[1] > pair[0]));
        assert!(positive.windows(2).all(|pair| pair[1] < pair[0]));
        assert_eq!(both[STEPS / 2], 1.0);
    }

    #[test]
    fn equal_weights_of_either_sign_are_about_equally_dark() {
        let both = luminance(Scale::Diverging);
        for (left, right) in both.iter().zip(both.iter().rev()) {
            assert!((left - right).abs() < 0.13, "{left} {right}");
        }
    }

    #[test]
    fn values_find_their_step() {
        assert_eq!(Scale::Diverging.index(0.0), 32);
        assert_eq!(Scale::Diverging.index(-1.0), 0);
        assert_eq!(Scale::Diverging.index(f32::NAN), 32);
        assert_eq!(Scale::Sequential.index(0.5), 32);
        assert_eq!(Scale::Ink.index(f32::INFINITY), 0);
    }
}
