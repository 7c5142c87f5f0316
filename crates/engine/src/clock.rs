//! What work costs: wall clock and processor time.

use std::time::Instant;

use collegium_records::Cost;

/// Wall clock and processor time of the calling thread.
pub(crate) struct Clock {
    wall: Instant,
    thread: f64,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { wall: Instant::now(), thread: thread_seconds() }
    }

    pub(crate) fn stop(&self) -> Cost {
        Cost {
            seconds: self.wall.elapsed().as_secs_f64(),
            cpu_seconds: thread_seconds() - self.thread,
            ..Cost::default()
        }
    }
}

pub(crate) fn thread_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}
