//! One fuzz trial: an input, and what it must not cause (panic, memory, time).

use std::{
    fmt, fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    time::Duration,
};

use peak_alloc::PeakAlloc;

use crate::FuzzTarget;

/// Bytes that reading an input of a few kilobytes may take.
pub const MEMORY: usize = 512 << 20;
/// How much time of processors it may take: a machine that does other things makes no input slow.
pub const PATIENCE: Duration = Duration::from_secs(20);

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// What an input did that none may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Harm {
    /// A panic reached the caller.
    Panic(String),
    /// It took so many bytes.
    Memory(usize),
    /// It took so long.
    Time(Duration),
    /// It ended in an error that is not about the input.
    Error(String),
}

impl fmt::Display for Harm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panic(said) => write!(f, "panic: {said}"),
            Self::Memory(bytes) => write!(f, "memory: {} MiB", bytes >> 20),
            Self::Time(time) => write!(f, "time: {:.1} s", time.as_secs_f64()),
            Self::Error(error) => write!(f, "an error that is not about the input: {error}"),
        }
    }
}

/// Writes an input to a file and reads it; whether it was accepted. An abort leaves the file behind.
///
/// # Errors
/// If the input did harm.
///
/// # Panics
/// If the file cannot be written.
pub fn trial(target: &dyn FuzzTarget, input: &[u8], path: &Path) -> Result<bool, Harm> {
    if let Err(error) = fs::write(path, input) {
        panic!("cannot write {}: {error}", path.display());
    }
    let (before, began) = (ALLOCATOR.current_usage(), processor_time());
    ALLOCATOR.reset_peak_usage();
    let result = catch_unwind(AssertUnwindSafe(|| target.read(path)));
    let (took, peak) =
        (processor_time().saturating_sub(began), ALLOCATOR.peak_usage().saturating_sub(before));
    let accepted = match result {
        Err(panic) => {
            let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
            return Err(Harm::Panic(text.unwrap_or_default()));
        }
        Ok(Err(refusal)) if !refusal.about_input => return Err(Harm::Error(refusal.message)),
        Ok(result) => result.is_ok(),
    };
    if peak > MEMORY {
        return Err(Harm::Memory(peak));
    }
    if took > PATIENCE {
        return Err(Harm::Time(took));
    }
    Ok(accepted)
}

/// What this process has had of all processors.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}
