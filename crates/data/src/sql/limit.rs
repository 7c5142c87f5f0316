//! Resource limits of a query: steps, memory and disk.
//!
//! A query comes with a stranger's pipeline, and a few words of SQL can run for ever (`WITH RECURSIVE`) or fill
//! the memory (`printf('%.*c', 1e9, 'x')`, a join without `ON`). So a statement is counted while it runs, and
//! ends in an error that says what it took and what it may take. The budget follows what the query reads, and
//! lies far above what honest ones need: a join of a third of a million flights with the weather takes between
//! one and two hundred million steps, and may take eight thousand million.
//!
//! | what | how it is kept |
//! |---|---|
//! | steps | SQLite's progress callback; a step that takes long (`instr` of long texts) counts as several |
//! | a value, a row | `SQLITE_LIMIT_LENGTH`, from the widest row that was read |
//! | what comes back | counted as it arrives |
//! | SQLite's own memory | `hard_heap_limit`, for the whole process |
//! | temporary files | half of what their disk had free when the statement began |

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use collegium_records::thousands;
use rusqlite::{Connection, limits::Limit};

use crate::{DataError, DataErrorKind, machine};

/// Limits of a query that the pipeline sets, and a bound on steps for commands that only look.
#[derive(Debug, Clone, Copy, Default)]
pub struct SqlLimits {
    /// Steps of SQLite's machine.
    pub steps: Option<u64>,
    /// Bytes of what comes back.
    pub memory: Option<u64>,
    /// Steps after which a query is left unfinished, with an error of [`DataErrorKind::Unfinished`].
    pub look: Option<u64>,
}

/// Steps of any query, and more for each row that it reads.
const STEPS: (u64, u64) = (1_000_000_000, 20_000);
/// Bytes of any result, and more for each byte that the query reads.
const MEMORY: (u64, u64) = (256 << 20, 16);
/// Bytes of any text or row in SQLite, and more for each byte of the widest row that is read.
const LENGTH: (u64, u64) = (1_000_000, 4);
/// Steps between two looks at the clock, and at the disk.
const LOOK_EVERY: u64 = 4000;
const DISK_EVERY: u64 = 1_000_000;
/// A step that takes longer counts as several. Honest ones take 10 to 100 ns.
const LONGEST_STEP: Duration = Duration::from_micros(1);

/// What was filled into a database.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Filled {
    pub(super) rows: u64,
    pub(super) bytes: u64,
    pub(super) widest: u64,
}

/// The meter of one connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Meter(Arc<State>);

#[derive(Debug, Default)]
struct State {
    /// Steps that were counted, since the statement began.
    taken: AtomicU64,
    /// Steps that it may take; 0: nobody counts.
    most: AtomicU64,
    /// The longest text or row.
    longest: AtomicU64,
    /// Bytes that the disk of temporary files must keep free.
    least_free: AtomicU64,
    /// Bytes that it had free when it was found too full; 0: it never was.
    found_free: AtomicU64,
}

/// Budget of a statement: what it may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    steps: u64,
    look: Option<u64>,
    /// Bytes of what comes back.
    pub(crate) memory: u64,
    longest: u64,
}

impl Budget {
    pub(super) fn of(limits: &SqlLimits, filled: Filled) -> Self {
        let scaled =
            |(least, each): (u64, u64), of: u64| least.saturating_add(each.saturating_mul(of));
        let memory = limits.memory.unwrap_or_else(|| scaled(MEMORY, filled.bytes));
        Self {
            steps: limits.steps.unwrap_or_else(|| scaled(STEPS, filled.rows)),
            look: limits.look,
            memory: machine::memory().map_or(memory, |most| memory.min(most)),
            longest: scaled(LENGTH, filled.widest),
        }
    }

    /// The error of a query that is to return more.
    pub(super) fn too_much_memory(&self, rows: u64) -> DataError {
        DataError::new(
            DataErrorKind::Limit,
            format!(
                "the query returns more than {} in its first {rows} rows, and may return no more",
                mebibytes(self.memory)
            ),
        )
        .help(
            "does it join without `ON`, or recurse without an end? A query that needs more is allowed more by \
             `sql_memory` in `[pipeline]`",
        )
    }
}

impl Meter {
    /// Attaches itself to a connection, and sets the limits that hold for every statement.
    pub(super) fn attach(&self, db: &mut Connection) -> rusqlite::Result<()> {
        for (limit, most) in [
            (Limit::SQLITE_LIMIT_SQL_LENGTH, 4_000_000),
            (Limit::SQLITE_LIMIT_VDBE_OP, 5_000_000),
            (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000),
            (Limit::SQLITE_LIMIT_ATTACHED, 0),
            (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
        ] {
            db.set_limit(limit, most)?;
        }
        if let Some(most) = machine::memory() {
            // It can only be lowered, and is the same each time.
            db.execute_batch(&format!("PRAGMA hard_heap_limit = {most}"))?;
        }
        let state = self.0.clone();
        let (mut disk, mut clock) = (DISK_EVERY, machine::thread_time());
        db.progress_handler(
            LOOK_EVERY as i32,
            Some(move || state.has_had_enough(&mut disk, &mut clock)),
        )
    }

    /// From here on steps are counted.
    pub(super) fn start(&self, db: &Connection, budget: &Budget) -> rusqlite::Result<()> {
        let state = &*self.0;
        let length = i32::try_from(budget.longest).unwrap_or(i32::MAX);
        db.set_limit(Limit::SQLITE_LIMIT_LENGTH, length)?;
        let free = machine::free_bytes(&temporary()).unwrap_or(0);
        for (what, value) in [
            (&state.taken, 0),
            (&state.found_free, 0),
            (&state.longest, budget.longest),
            (&state.least_free, free / 2),
            (&state.most, budget.look.map_or(budget.steps, |look| look.min(budget.steps)).max(1)),
        ] {
            what.store(value, Ordering::Relaxed);
        }
        Ok(())
    }

    /// What a statement took too much of, if that is why it failed.
    pub(super) fn fault(
        &self,
        error: &rusqlite::Error,
        budget: Option<&Budget>,
    ) -> Option<DataError> {
        use rusqlite::ErrorCode as Code;
        let state = &*self.0;
        let of = |what: &AtomicU64| what.load(Ordering::Relaxed);
        let limit = |message: String, help: &str| {
            Some(DataError::new(DataErrorKind::Limit, message).help(help))
        };
        match error.sqlite_error_code()? {
            Code::OperationInterrupted if of(&state.found_free) > 0 => limit(
                format!(
                    "the query fills the disk with temporary files: {} are free, and were twice {} when it \
                     began",
                    mebibytes(of(&state.found_free)),
                    mebibytes(of(&state.least_free)),
                ),
                "does it join without `ON`, or recurse without an end? TMPDIR says where such files lie",
            ),
            Code::OperationInterrupted
                if of(&state.most) > 0 && of(&state.taken) >= of(&state.most) =>
            {
                let (taken, most) = (thousands(of(&state.taken)), budget.map_or(0, |b| b.steps));
                if of(&state.most) < most {
                    let message =
                        format!("the query was not run to its end: it took {taken} steps so far");
                    return Some(DataError::new(DataErrorKind::Unfinished, message).help(format!(
                        "`check` waits for {} steps, `run` for {}",
                        thousands(of(&state.most)),
                        thousands(most)
                    )));
                }
                limit(
                    format!("the query took {taken} steps, and may take {}", thousands(most)),
                    "does it join without `ON`, or recurse without an end? A query that needs more is allowed \
                     more by `sql_steps` in `[pipeline]`",
                )
            }
            Code::TooBig => limit(
                match of(&state.longest) {
                    0 => "a text, a blob or a row is too long for SQLite".to_owned(),
                    most => format!(
                        "a text, a blob or a row is longer than {} bytes, the most in a query over these \
                         tables",
                        thousands(most)
                    ),
                },
                "a cell holds a word, a number or a date: cut long texts with `substr`",
            ),
            Code::OutOfMemory => limit(
                format!(
                    "SQLite needs more memory than there is for it ({})",
                    machine::memory().map_or("nobody knows how much".to_owned(), mebibytes)
                ),
                "fewer columns or rows, or a machine with more memory, would do",
            ),
            _ => None,
        }
    }
}

impl State {
    /// Counts [`LOOK_EVERY`] steps more; stops the statement if it had enough of something.
    fn has_had_enough(&self, disk: &mut u64, clock: &mut Duration) -> bool {
        let most = self.most.load(Ordering::Relaxed);
        if most == 0 {
            return false;
        }
        let now = machine::thread_time();
        let passed = now.saturating_sub(*clock).as_nanos() / LONGEST_STEP.as_nanos();
        *clock = now;
        // The first time after a pause says nothing about one step.
        let before = self.taken.load(Ordering::Relaxed);
        let slow = if before == 0 { 0 } else { u64::try_from(passed).unwrap_or(u64::MAX) };
        let taken = before.saturating_add(slow.max(LOOK_EVERY));
        self.taken.store(taken, Ordering::Relaxed);
        *disk = disk.saturating_sub(LOOK_EVERY);
        if *disk == 0 {
            *disk = DISK_EVERY;
            let least = self.least_free.load(Ordering::Relaxed);
            if let Some(free) = machine::free_bytes(&temporary()).filter(|free| *free < least) {
                self.found_free.store(free.max(1), Ordering::Relaxed);
                return true;
            }
        }
        taken >= most
    }
}

/// The folder in which SQLite puts its temporary files.
fn temporary() -> PathBuf {
    let named = ["SQLITE_TMPDIR", "TMPDIR"].into_iter().filter_map(std::env::var_os);
    let usual = ["/var/tmp", "/usr/tmp", "/tmp"].into_iter().map(PathBuf::from);
    let mut all = named.map(PathBuf::from).chain(usual);
    all.find(|folder| folder.is_dir()).unwrap_or_else(|| Path::new(".").to_owned())
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / (1024.0 * 1024.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_grows_with_what_is_read_and_is_what_is_said() {
        let small = Budget::of(&SqlLimits::default(), Filled::default());
        assert_eq!((small.steps, small.longest), (1_000_000_000, 1_000_000));
        let large = Filled { rows: 1_000_000, bytes: 1 << 20, widest: 1_000_000 };
        let large = Budget::of(&SqlLimits::default(), large);
        assert_eq!((large.steps, large.longest), (21_000_000_000, 5_000_000));
        let said = SqlLimits { steps: Some(5000), memory: Some(1 << 20), look: Some(7) };
        let said = Budget::of(&said, Filled { rows: 9, bytes: 9, widest: 9 });
        assert_eq!((said.steps, said.memory, said.look), (5000, 1 << 20, Some(7)));
    }

    #[test]
    fn long_numbers_are_written_in_groups() {
        assert_eq!(
            [7, 1000, 12_345_678].map(thousands),
            ["7", "1,000", "12,345,678"].map(str::to_owned)
        );
    }
}
