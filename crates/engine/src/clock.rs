//! Cost measurement: wall clock, processor time, energy.

use std::time::Instant;

use collegium_records::Cost;

use crate::energy::{Meter, Reading};

/// Wall clock, processor time and energy of the calling thread.
pub(crate) struct Clock {
    wall: Instant,
    thread: f64,
    energy: Option<Reading>,
}

impl Clock {
    pub(crate) fn start() -> Self {
        let energy = Meter::here().and_then(Meter::read);
        Self { wall: Instant::now(), thread: thread_seconds(), energy }
    }

    pub(crate) fn stop(&self) -> Cost {
        let cpu_seconds = thread_seconds() - self.thread;
        let seconds = self.wall.elapsed().as_secs_f64();
        let joules = self
            .energy
            .as_ref()
            .zip(Meter::here())
            .and_then(|(start, meter)| meter.joules(start, cpu_seconds));
        Cost { seconds, cpu_seconds, joules, ..Cost::default() }
    }
}

pub(crate) fn thread_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// The time now, RFC 3339 in UTC, to the second.
pub fn now() -> String {
    jiff::Timestamp::now().round(jiff::Unit::Second).unwrap_or_default().to_string()
}
