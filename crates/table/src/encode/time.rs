//! Encoding of times: seconds, and cycles of the hour, the weekday and the season.

use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};

use super::{
    EncodeError,
    exact::Exact,
    number::{Fitted, Floor, Scale},
    outside::OutOfRange,
};

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;
/// The mean Gregorian year in microseconds: a season needs no calendar.
const YEAR: i64 = 31_556_952_000_000;
pub(super) use crate::MISSING_TIME as MISSING;

/// A cycle of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Cycle {
    Hour,
    Weekday,
    Season,
}

impl Cycle {
    const ALL: [Self; 3] = [Self::Hour, Self::Weekday, Self::Season];

    fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Weekday => "weekday",
            Self::Season => "season",
        }
    }

    /// How far into the cycle, in its own steps out of its own length.
    fn position(self, time: i64) -> (i64, i64) {
        match self {
            Self::Hour => (time.rem_euclid(DAY), DAY),
            Self::Weekday => (time.div_euclid(DAY).rem_euclid(7), 7),
            Self::Season => (time.rem_euclid(YEAR), YEAR),
        }
    }

    /// Sine and cosine; the pure-Rust library gives the same bits everywhere.
    fn point(self, time: i64) -> (f64, f64) {
        let (at, length) = self.position(time);
        libm::sincos(TAU * (at as f64 / length as f64))
    }
}

/// A cycle that varies, and its mean point, which stands for a missing time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Phase {
    cycle: Cycle,
    sine: Exact,
    cosine: Exact,
}

/// The encoding of one time column, without its indicator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Clock {
    seconds: Scale,
    phases: Vec<Phase>,
}

fn seconds(time: i64) -> f64 {
    if time == MISSING { f64::NAN } else { time as f64 / 1e6 }
}

impl Clock {
    pub(super) fn fit<I>(name: &str, times: I) -> Result<(Self, Fitted), EncodeError>
    where
        I: Iterator<Item = i64> + Clone,
    {
        let fitted = Scale::fit(name, times.clone().map(seconds), Floor::Column)?;
        let present = times.filter(|time| *time != MISSING);
        let phases = Cycle::ALL
            .into_iter()
            .filter(|cycle| {
                let mut positions = present.clone().map(|time| cycle.position(time));
                let first = positions.next();
                positions.any(|position| Some(position) != first)
            })
            .map(|cycle| {
                let (mut sine, mut cosine) = (0.0, 0.0);
                for (s, c) in present.clone().map(|time| cycle.point(time)) {
                    sine += s;
                    cosine += c;
                }
                let mean = |sum: f64| Exact(sum / fitted.present as f64 + 0.0);
                Phase { cycle, sine: mean(sine), cosine: mean(cosine) }
            })
            .collect();
        Ok((Self { seconds: fitted.scale, phases }, fitted))
    }

    pub(super) fn width(&self) -> usize {
        1 + 2 * self.phases.len()
    }

    pub(super) fn column_names(&self, name: &str) -> Vec<String> {
        let mut names = vec![name.to_owned()];
        for phase in &self.phases {
            names.push(format!("{name} {} sine", phase.cycle.name()));
            names.push(format!("{name} {} cosine", phase.cycle.name()));
        }
        names
    }

    /// A time outside of the training range.
    pub(super) fn outside(&self, time: i64) -> Option<OutOfRange> {
        self.seconds.outside(seconds(time), true)
    }

    /// The derivative of the encoded seconds by the seconds.
    pub(super) fn slope(&self, time: i64) -> f32 {
        self.seconds.slope(seconds(time))
    }

    /// Seconds as they are, then the cycles' points.
    pub(super) fn place(&self, time: i64, out: &mut [f32]) {
        self.write(time, out);
        out[0] = seconds(time) as f32;
    }

    pub(super) fn write(&self, time: i64, out: &mut [f32]) {
        out[0] = self.seconds.apply(seconds(time));
        for (phase, pair) in self.phases.iter().zip(out[1..].chunks_exact_mut(2)) {
            let (sine, cosine) = if time == MISSING {
                (phase.sine.0, phase.cosine.0)
            } else {
                phase.cycle.point(time)
            };
            pair[0] = sine as f32;
            pair[1] = cosine as f32;
        }
    }
}
