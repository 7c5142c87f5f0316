//! Resource limits of this machine: memory, disk space, processor time.

use std::{fs, path::Path, time::Duration};

use rustix::{
    process::{Resource, getrlimit},
    time::{ClockId, clock_gettime},
};

/// Of the machine's memory, so many in a hundred are for one program.
const SHARE: u64 = 80;

/// Bytes that this process should take at most: four fifths of the machine's memory, or of what its control
/// group (version 1 or 2) or its resource limits leave to it. `None` where nobody says.
pub fn memory() -> Option<u64> {
    use std::sync::OnceLock;
    static MEMORY: OnceLock<Option<u64>> = OnceLock::new();
    *MEMORY.get_or_init(|| {
        let limits = [Resource::As, Resource::Data].map(|which| getrlimit(which).current);
        let all = limits.into_iter().flatten().chain(physical()).chain(control_group());
        all.min().map(|bytes| bytes / 100 * SHARE)
    })
}

/// `MemTotal` of the machine.
fn physical() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// The least limit of the control groups that this process is in.
fn control_group() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let limits = groups.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        match controllers {
            "" => limit_in(Path::new("/sys/fs/cgroup"), path, "memory.max"),
            _ if controllers.split(',').any(|name| name == "memory") => {
                limit_in(Path::new("/sys/fs/cgroup/memory"), path, "memory.limit_in_bytes")
            }
            _ => None,
        }
    });
    limits.min()
}

/// The least limit of a group and of those that it lies in. In a container the path may not be there; its own
/// limit is at the top then.
fn limit_in(top: &Path, path: &str, file: &str) -> Option<u64> {
    let group = top.join(path.trim_start_matches('/'));
    let groups = group.ancestors().take_while(|folder| folder.starts_with(top));
    groups
        .filter_map(|folder| fs::read_to_string(folder.join(file)).ok()?.trim().parse().ok())
        .min()
}

/// Time that this thread has had of a processor.
pub(crate) fn thread_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// Bytes that are free to this user on the disk of a folder.
pub(crate) fn free_bytes(folder: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(folder).ok()?;
    found.f_bavail.checked_mul(found.f_frsize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_limit_of_a_group_and_those_above_it_holds() {
        let top = tempfile::tempdir().unwrap();
        let inner = top.path().join("a/b");
        fs::create_dir_all(&inner).unwrap();
        let limit = || limit_in(top.path(), "/a/b", "memory.max");
        assert_eq!(limit(), None);
        fs::write(inner.join("memory.max"), "max\n").unwrap();
        assert_eq!(limit(), None, "no limit is written so");
        fs::write(inner.join("memory.max"), "4096\n").unwrap();
        assert_eq!(limit(), Some(4096));
        fs::write(top.path().join("a/memory.max"), "1024\n").unwrap();
        assert_eq!(limit(), Some(1024));
        assert_eq!(limit_in(top.path(), "/not/here", "memory.max"), None);
    }

    #[test]
    fn this_machine_has_memory_and_time_passes() {
        assert!(memory().is_none_or(|bytes| bytes > 1 << 20));
        assert!(thread_time() > Duration::ZERO);
    }
}
