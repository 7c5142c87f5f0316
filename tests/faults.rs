//! A run that is killed, starved or given errors, and a store with a flipped bit: the next plain run
//! ends where an undisturbed one ends. Larger doses of the same: `benches/crash.sh`.
//!
//! What needs a right or a tool that is not there (mounting, a C compiler, a seccomp listener) is
//! skipped and says so.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

use crate::{
    crash::{Numbers, flip, some, start},
    project::{Files, Project, Said, fitted},
};

const LOCK: &str = "pipelines/small.lock";

/// Where a project stands: objects and recipes by name, and the lock.
fn standing(project: &Project) -> Files {
    let mut files = project.files(".collegium/objects");
    files.extend(project.files(".collegium/recipes"));
    files.extend(project.files("pipelines").into_iter().filter(|(name, _)| name == LOCK));
    files
}

/// Where an undisturbed project of forty stands, and how long its run took.
fn undisturbed() -> &'static (Files, Duration) {
    static FILES: OnceLock<(Files, Duration)> = OnceLock::new();
    FILES.get_or_init(|| {
        let project = Project::forty();
        let started = Instant::now();
        let report = project.collegium(&["run", "--json", "--quiet"]).ok().json();
        let whole = started.elapsed();
        assert_eq!((report["nodes"].as_array().unwrap().len(), fitted(&report).len()), (40, 70));
        (standing(&project), whole)
    })
}

/// Whatever a harmed run left must be whole: files that the undisturbed project has, as it has them.
#[track_caller]
fn nothing_is_half_written(project: &Project, how: &str) {
    let (sound, _) = undisturbed();
    for (name, bytes) in standing(project) {
        // A failed run locks what it has, which may be less than everything; if it could not be read,
        // the next run would refuse it.
        assert!(name == LOCK || sound.get(&name) == Some(&bytes), "{how}: {name}");
    }
}

/// A plain run must end well, where the undisturbed one does.
#[track_caller]
fn is_taken_up(project: &Project, how: &str) {
    let said = project.collegium(&["run", "--quiet"]);
    assert_eq!(said.code, 0, "{how}: {}", said.err);
    let (found, (sound, _)) = (standing(project), undisturbed());
    assert!(found.keys().eq(sound.keys()), "{how}: files came or went");
    assert!(found == *sound, "{how}: the content of a file differs");
}

/// A run that met the fault must say so with code 7 and name a way out; did it meet it?
#[track_caller]
fn is_said(said: &Said, how: &str) -> bool {
    assert!(matches!(said.code, 0 | 7), "{how}: code {}: {}", said.code, said.err);
    assert!(said.code == 0 || said.err.contains("run again"), "{how}: {}", said.err);
    said.code == 7
}

#[test]
fn forty_experts_killed_at_any_moment_are_taken_up() {
    let (_, whole) = undisturbed();
    let mut numbers = Numbers(25);
    for _ in 0..25 {
        let project = Project::forty();
        let mut child = start(&project, &["run", "--quiet"]);
        let moment = *whole * numbers.below(1000) as u32 / 1000;
        std::thread::sleep(moment);
        child.kill().unwrap();
        child.wait().unwrap();
        let how = format!("killed after {moment:?}");
        nothing_is_half_written(&project, &how);
        is_taken_up(&project, &how);
    }
}

/// A file system in memory, gone again when it is dropped.
struct Mounted(PathBuf);

impl Mounted {
    /// `None`, said on stderr, if this system does not let us.
    fn new(at: &Path, size: u64) -> Option<Self> {
        let options = format!("size={size}");
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(at)
            .stdin(Stdio::null())
            .output();
        match mount {
            Ok(output) if output.status.success() => Some(Self(at.to_owned())),
            Ok(output) => {
                eprintln!("SKIPPED a full disk: {}", String::from_utf8_lossy(&output.stderr));
                None
            }
            Err(error) => {
                eprintln!("SKIPPED a full disk: mount: {error}");
                None
            }
        }
    }

    fn grow(&self) {
        let grown = Command::new("mount").args(["-o", "remount,size=64m"]).arg(&self.0).status();
        assert!(grown.unwrap().success());
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_disk_that_is_full_is_said_and_the_run_taken_up_when_there_is_room() {
    let pages = |files: &Files| {
        files.values().map(|bytes| bytes.len().div_ceil(4096) as u64 * 4096).sum::<u64>()
    };
    let inputs = pages(&Project::forty().files("pipelines"));
    let whole = inputs + pages(&undisturbed().0);
    let mut met = 0;
    for twelfths in [0, 3, 6, 9, 11] {
        let project = Project::empty();
        let size = inputs + 4096 + (whole - inputs) * twelfths / 12;
        let Some(disk) = Mounted::new(project.root(), size) else { return };
        project.write_forty();
        let how = format!("{size} bytes");
        met += usize::from(is_said(&project.collegium(&["run", "--quiet"]), &how));
        nothing_is_half_written(&project, &how);
        disk.grow();
        is_taken_up(&project, &how);
    }
    assert!(met >= 4, "only {met} of 5 runs filled their disk");
}

#[test]
fn a_result_for_which_there_is_no_room_leaves_nothing_and_is_code_7() {
    let project = Project::ready();
    std::fs::create_dir(project.path("small")).unwrap();
    let Some(disk) = Mounted::new(&project.path("small"), 3 * 4096) else { return };
    let table = "pipelines/data/rows.csv";
    let ways: [&[&str]; 5] = [
        &["predict", "-i", table, "-o", "small/out.csv"],
        &["predict", "-i", table, "-o", "small/out.parquet"],
        &["predict", "-i", table, "-o", "small/out.arrow"],
        &["audit", "size", "-o", "small/out.html"],
        &["evaluate", "-i", "new.csv", "--report", "small/out.html"],
    ];
    project.write("new.csv", crate::project::rows(640));
    project.write("small/out.csv", "kept");
    for args in ways {
        project.collegium(args).fails(7, &["small/out.", "Free some space"]);
        let left = project.files("small");
        assert_eq!(left.into_keys().collect::<Vec<_>>(), ["small/out.csv"], "{args:?}");
        assert_eq!(project.read("small/out.csv"), "kept", "{args:?}");
    }
    disk.grow();
    for args in ways {
        project.collegium(args).ok();
    }
}

/// The program that makes a system call fail, built on first use. `None`, said on stderr, without a
/// compiler, or on a system that has no such filter.
fn fail_io() -> Option<&'static Path> {
    static BUILT: OnceLock<Option<(tempfile::TempDir, PathBuf)>> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("fail_io");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fail_io.c");
        let skipped = |why: String| {
            eprintln!("SKIPPED input/output errors: {why}");
            None
        };
        match Command::new("cc").args(["-O1", "-o"]).arg(&program).arg(source).output() {
            Err(error) => return skipped(format!("cc: {error}")),
            Ok(output) if !output.status.success() => {
                return skipped(String::from_utf8_lossy(&output.stderr).into_owned());
            }
            Ok(_) => {}
        }
        let mut command = Command::new(&program);
        command.arg("0").arg(folder.path()).arg(folder.path().join("calls"));
        let tried = command.args(["--", "true"]).output().unwrap();
        if !tried.status.success() {
            return skipped(String::from_utf8_lossy(&tried.stderr).into_owned());
        }
        Some((folder, program))
    });
    built.as_ref().map(|(_, program)| program.as_path())
}

/// A run in which call number `which` fails (see `fail_io.c`); how many calls there were, what failed.
fn with_error(project: &Project, program: &Path, which: &str) -> (Said, usize, String) {
    let run = project.command(&["run", "--quiet"]);
    let report = tempfile::NamedTempFile::new().unwrap();
    let output = Command::new(program)
        .arg(which)
        .arg(project.root())
        .arg(report.path())
        .arg("--")
        .arg(run.get_program())
        .args(run.get_args())
        .current_dir(project.root())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let line = std::fs::read_to_string(report.path()).unwrap();
    let (calls, failed) = line.trim().split_once(' ').unwrap();
    (Said::of(output), calls.parse().unwrap(), failed.to_owned())
}

#[test]
fn an_error_of_the_disk_is_said_and_the_run_taken_up() {
    let Some(program) = fail_io() else { return };
    let whole = Project::forty();
    let (end, calls, failed) = with_error(&whole, program, "0");
    assert_eq!((end.code, failed.as_str()), (0, "nothing"), "{}", end.err);
    assert!(calls > 500, "{calls} calls");
    assert!(standing(&whole) == undisturbed().0);
    let mut numbers = Numbers(40);
    let mut met = 0;
    for case in 0..16 {
        // One call in four cases of five; in the fifth the disk stays broken.
        let lasting = if case % 5 == 4 { "+" } else { "" };
        let which = format!("{}{lasting}", 1 + numbers.below(calls));
        let project = Project::forty();
        let (end, _, failed) = with_error(&project, program, &which);
        let how = format!("call {which}: {failed}");
        met += usize::from(is_said(&end, &how));
        nothing_is_half_written(&project, &how);
        is_taken_up(&project, &how);
    }
    assert!(met >= 8, "only {met} of 16 errors mattered");
}

#[test]
fn a_byte_flipped_anywhere_in_the_store_of_forty_is_mended_or_not_read() {
    let sound = Project::forty();
    sound.collegium(&["run", "--quiet"]).ok();
    let store = sound.files("");
    let mut numbers = Numbers(17);
    let mut mended = 0;
    for (part, count) in [("objects", 10), ("realisations", 10), ("recipes", 5)] {
        let names = sound.files(&format!(".collegium/{part}")).into_keys();
        for name in some(names, count, 19) {
            let project = Project::in_memory();
            project.restore(&store);
            flip(&project, &name, numbers.below(100_000));
            let harmed = std::fs::read(project.path(&name)).unwrap();
            let report = project.collegium(&["run", "--audit", "--json", "--quiet"]).ok().json();
            let after = project.files("");
            let (stood, stands) = (standing(&sound), standing(&project));
            for (other, bytes) in &stood {
                let unread = *other == name && stands.get(other) == Some(&harmed);
                let gone = *other == name && !stands.contains_key(other);
                assert!(unread || gone || stands.get(other) == Some(bytes), "{name}: {other}");
            }
            // A realisation made again differs in its times only; that it is whole is checked when
            // it is read.
            if after.get(&name) != Some(&harmed) {
                mended += 1;
                assert!(report["notes"].to_string().contains("damaged"), "{name}: {report}");
            }
            assert_eq!(
                fitted(&project.collegium(&["run", "--json", "--quiet"]).ok().json()),
                [""; 0]
            );
        }
    }
    assert!(mended >= 5, "only {mended} of 25 were read");
}
