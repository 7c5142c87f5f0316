//! What went wrong in a trial of many cases, by kind, and the line that `benches/trial.sh` makes its table of.

use std::io::Write as _;

use crate::project::Said;

/// What a case must not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A prediction or a model differs.
    Number,
    /// The lock changed, and nobody said so.
    Lock,
    /// A panic, or an end by a signal.
    Panic,
    /// An exit code that is not the one for it.
    Code,
    /// Anything else: what is half-written is accepted, a repair is needed, work is done twice.
    Other,
}

/// How a case went wrong, in words.
pub type Wrong = (Fault, String);

/// The fault in an end that should have been another.
pub fn fault_of(said: &Said) -> Fault {
    let panicked = said.code == 101 || said.code < 0 || said.err.contains("panicked at");
    if panicked { Fault::Panic } else { Fault::Code }
}

/// Says how a trial went: on stderr, and in the file that `COLLEGIUM_TALLY` names, its parts between tabs.
/// Whether files outside of a project were touched is asked by whoever set the trial up.
#[track_caller]
pub fn tell(what: &str, cases: usize, wrong: &[Wrong]) {
    use Fault::{Code, Lock, Number, Other, Panic};
    let count = |fault| wrong.iter().filter(|(found, _)| *found == fault).count().to_string();
    let counts = [Number, Lock, Panic, Code, Other].map(count).join("\t");
    let line = format!("{what}\t{cases}\t{counts}\n");
    eprint!("{line}");
    if let Some(file) = std::env::var_os("COLLEGIUM_TALLY") {
        let mut file = std::fs::File::options().append(true).create(true).open(file).unwrap();
        file.write_all(line.as_bytes()).unwrap();
    }
    for (fault, how) in wrong {
        eprintln!("{fault:?}: {how}");
    }
    assert!(wrong.is_empty(), "{what}: {} of {cases} went wrong", wrong.len());
}

/// Does cases on as many threads as there are processors.
pub fn side_by_side<T: Sync, R: Send>(cases: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let one = || {
        let mut done = Vec::new();
        while let Some(case) = cases.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
            done.push(work(case));
        }
        done
    };
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(one)).collect();
        running.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}
