//! Energy measurement in joules, where the machine has energy counters (RAPL).
//!
//! Linux exposes the energy counters of processors (RAPL: Intel's, and AMD's in the same form) as
//! `/sys/class/powercap/intel-rapl:N/energy_uj`, in microjoules since some moment, beginning again at
//! 0 after `max_energy_range_uj`. A counter belongs to a whole package and knows no threads, so a
//! thread is given its share: its own processor seconds over those that all processors of the machine
//! were busy meanwhile (`/proc/stat`). What a package draws while it idles is shared alike. That is
//! an attribution and not a measurement of the thread, the usual one (as in Henderson et al. 2020,
//! arXiv 2002.05651).
//!
//! Most kernels let only root read the counters, and virtual machines have none. Then there is no
//! meter, which is found out once per process, and nothing is read again.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
    time::Instant,
};

/// What `/proc/stat` counts in: hundredths of a second, on every kernel of the last twenty years.
const TICKS_PER_SECOND: f64 = 100.0;

/// No package draws more watts for long. A counter that could have gone round twice under it tells
/// nothing: with the usual range of 262 kJ that is after nine minutes.
const MOST_WATTS: f64 = 500.0;

/// The counters of this machine.
#[derive(Debug)]
pub(crate) struct Meter {
    packages: Vec<Package>,
    stat: PathBuf,
}

#[derive(Debug)]
struct Package {
    /// Microjoules, as text.
    counter: PathBuf,
    /// Microjoules after which it begins again.
    range: u64,
}

/// All counters at one moment.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    at: Instant,
    /// Microjoules by package.
    energy: Vec<u64>,
    /// Ticks that all processors together were busy.
    busy: u64,
}

impl Meter {
    /// This machine's, if it has any.
    pub(crate) fn here() -> Option<&'static Self> {
        static HERE: OnceLock<Option<Meter>> = OnceLock::new();
        HERE.get_or_init(|| Self::open(Path::new("/"))).as_ref()
    }

    /// Those below a root folder; `None` if there are none, or if one cannot be read.
    fn open(root: &Path) -> Option<Self> {
        let mut packages = Vec::new();
        for entry in fs::read_dir(root.join("sys/class/powercap")).ok()?.flatten() {
            let zone = entry.file_name();
            // `intel-rapl:0:1` is a part of `intel-rapl:0`, and `intel-rapl-mmio:0` the same again.
            let top = zone.to_str().and_then(|name| name.strip_prefix("intel-rapl:"));
            if top.is_none_or(|number| number.contains(':')) {
                continue;
            }
            // `psys` is the whole board, packages included.
            let folder = entry.path();
            if !fs::read_to_string(folder.join("name")).ok()?.starts_with("package") {
                continue;
            }
            let range = number(&folder.join("max_energy_range_uj"))?;
            packages.push(Package { counter: folder.join("energy_uj"), range });
        }
        packages.sort_by(|a, b| a.counter.cmp(&b.counter));
        let meter = Self { packages, stat: root.join("proc/stat") };
        (!meter.packages.is_empty() && meter.read().is_some()).then_some(meter)
    }

    /// Every counter now.
    pub(crate) fn read(&self) -> Option<Reading> {
        let energy = self.packages.iter().map(|package| number(&package.counter));
        let energy = energy.collect::<Option<_>>()?;
        let busy = busy(&fs::read_to_string(&self.stat).ok()?)?;
        Some(Reading { at: Instant::now(), energy, busy })
    }

    /// Joules since `start` of a thread that used `thread_seconds` of a processor meanwhile. `None`
    /// where that is not defined: a counter cannot be read any more or may have gone round more than
    /// once, or the time was too short for `/proc/stat` to see any work.
    pub(crate) fn joules(&self, start: &Reading, thread_seconds: f64) -> Option<f64> {
        self.between(start, &self.read()?, thread_seconds)
    }

    fn between(&self, start: &Reading, stop: &Reading, thread_seconds: f64) -> Option<f64> {
        let wall = stop.at.duration_since(start.at).as_secs_f64();
        let mut total = 0.0;
        for ((package, &before), &after) in
            self.packages.iter().zip(&start.energy).zip(&stop.energy)
        {
            if wall * MOST_WATTS > package.range as f64 * 1e-6 {
                return None;
            }
            let passed = match after.checked_sub(before) {
                Some(passed) => passed,
                None => package.range.checked_sub(before)? + after,
            };
            total += passed as f64 * 1e-6;
        }
        let busy = stop.busy.checked_sub(start.busy)? as f64 / TICKS_PER_SECOND;
        // Ticks are coarse: a thread cannot have used more than all that was used.
        (busy > 0.0).then(|| total * (thread_seconds / busy).clamp(0.0, 1.0))
    }
}

/// A file that holds one number.
fn number(path: &Path) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// Ticks that processors were busy since the machine started: `user nice system` and `irq softirq`
/// of the first line of `/proc/stat`, without `idle iowait`, and without `steal`, which others used.
fn busy(stat: &str) -> Option<u64> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<u64> = line.split_whitespace().map_while(|word| word.parse().ok()).collect();
    let [user, nice, system, _, _, irq, softirq, ..] = ticks[..] else { return None };
    Some(user + nice + system + irq + softirq)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    /// A machine's files in a folder.
    struct Machine(tempfile::TempDir);

    impl Machine {
        fn new() -> Self {
            Self(tempfile::tempdir().expect("a folder"))
        }

        fn write(&self, name: &str, text: &str) -> &Self {
            let path = self.0.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, text).expect("a file");
            self
        }

        fn zone(&self, zone: &str, name: &str, energy: u64, range: u64) -> &Self {
            let folder = format!("sys/class/powercap/{zone}");
            self.write(&format!("{folder}/name"), &format!("{name}\n"));
            self.write(&format!("{folder}/energy_uj"), &format!("{energy}\n"));
            self.write(&format!("{folder}/max_energy_range_uj"), &format!("{range}\n"))
        }

        fn busy(&self, ticks: u64) -> &Self {
            // user nice system idle iowait irq softirq steal guest guest_nice
            let user = ticks.saturating_sub(10);
            let text = format!("cpu  {user} 4 3 99999 777 2 1 5555 {user} 0\ncpu0 1 1 1\n");
            self.write("proc/stat", &text)
        }

        fn meter(&self) -> Option<Meter> {
            Meter::open(self.0.path())
        }
    }

    const RANGE: u64 = 262_143_328_850;

    #[test]
    fn a_thread_is_given_its_share_of_all_packages() {
        let machine = Machine::new();
        machine.zone("intel-rapl:0", "package-0", 1_000_000, RANGE);
        machine.zone("intel-rapl:1", "package-1", 5_000_000, RANGE).busy(1000);
        let meter = machine.meter().expect("a meter");
        let start = meter.read().expect("a reading");
        machine.zone("intel-rapl:0", "package-0", 31_000_000, RANGE);
        machine.zone("intel-rapl:1", "package-1", 15_000_000, RANGE).busy(1400);
        // 30 J and 10 J; 1 s of the 4 s that processors were busy.
        assert_eq!(meter.joules(&start, 1.0), Some(10.0));
        assert_eq!(meter.joules(&start, 4.5), Some(40.0), "never more than all");
    }

    #[test]
    fn a_counter_may_begin_again_once() {
        let machine = Machine::new();
        machine.zone("intel-rapl:0", "package-0", RANGE - 2_000_000, RANGE).busy(0);
        let meter = machine.meter().expect("a meter");
        let start = meter.read().expect("a reading");
        machine.zone("intel-rapl:0", "package-0", 1_000_000, RANGE).busy(210);
        assert_eq!(meter.joules(&start, 2.0), Some(3.0));
        let late = Reading { at: start.at + Duration::from_secs(3600), ..start.clone() };
        assert_eq!(meter.between(&start, &late, 2.0), None, "after an hour nobody knows");
    }

    #[test]
    fn only_packages_count() {
        let machine = Machine::new();
        machine.zone("intel-rapl:0", "package-0", 0, RANGE).busy(100);
        machine.zone("intel-rapl:0:0", "core", 0, RANGE);
        machine.zone("intel-rapl:1", "psys", 0, RANGE);
        machine.zone("intel-rapl-mmio:0", "package-0", 0, RANGE);
        machine.write("sys/class/powercap/intel-rapl/enabled", "1");
        let meter = machine.meter().expect("a meter");
        assert_eq!(meter.packages.len(), 1, "{meter:?}");
    }

    #[test]
    fn without_counters_there_is_no_meter() {
        let nothing = Machine::new();
        assert!(nothing.meter().is_none());
        let no_zone = Machine::new();
        no_zone.busy(100).write("sys/class/powercap/intel-rapl/enabled", "1");
        assert!(no_zone.meter().is_none());
        let no_stat = Machine::new();
        no_stat.zone("intel-rapl:0", "package-0", 0, RANGE);
        assert!(no_stat.meter().is_none());
        let unreadable = Machine::new();
        unreadable.zone("intel-rapl:0", "package-0", 0, RANGE).busy(100);
        let counter = unreadable.0.path().join("sys/class/powercap/intel-rapl:0/energy_uj");
        fs::remove_file(&counter).expect("the counter is there");
        fs::create_dir(&counter).expect("a folder in its place, which not even root can read");
        assert!(unreadable.meter().is_none());
    }

    #[test]
    fn what_is_too_short_to_see_or_has_gone_is_absent() {
        let machine = Machine::new();
        machine.zone("intel-rapl:0", "package-0", 0, RANGE).busy(100);
        let meter = machine.meter().expect("a meter");
        let start = meter.read().expect("a reading");
        machine.zone("intel-rapl:0", "package-0", 500, RANGE);
        assert_eq!(meter.joules(&start, 0.001), None, "not one tick");
        machine.busy(101);
        assert_eq!(meter.joules(&start, 0.01), Some(0.0005));
        machine.write("sys/class/powercap/intel-rapl:0/energy_uj", "no number");
        assert_eq!(meter.joules(&start, 0.01), None);
    }

    proptest! {
        #[test]
        fn the_shares_of_threads_that_used_all_add_up_to_all(
            before in 0..RANGE,
            passed in 0_u64..100_000_000_000,
            threads in prop::collection::vec(1_u32..500, 1..8),
        ) {
            let package = Package { counter: PathBuf::new(), range: RANGE };
            let meter = Meter { packages: vec![package], stat: PathBuf::new() };
            let ticks: u32 = threads.iter().sum();
            let start = Reading { at: Instant::now(), energy: vec![before], busy: 0 };
            // As the counter shows it: beyond its range it begins at 0.
            let after = if before + passed < RANGE { before + passed } else { before + passed - RANGE };
            let busy = u64::from(ticks);
            let stop = Reading { energy: vec![after], busy, ..start.clone() };
            let mut sum = 0.0;
            for thread in threads {
                let share = meter.between(&start, &stop, f64::from(thread) / TICKS_PER_SECOND);
                sum += share.ok_or_else(|| TestCaseError::fail("absent"))?;
            }
            let all = passed as f64 * 1e-6;
            prop_assert!((sum - all).abs() <= 1e-9 * all.max(1.0), "{sum} {all}");
        }
    }
}
