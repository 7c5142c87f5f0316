//! What a command did to the files of a project, written down by `record_io.c`.

use std::{
    collections::BTreeMap,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use super::disk::{Disk, Node, ROOT, Recording, Step};
use crate::project::{Files, Project};

/// The program that writes down, built on first use. `None`, said on stderr, without a compiler, or on a
/// system that lets no process be traced.
pub fn recorder() -> Option<&'static Path> {
    static BUILT: OnceLock<Option<(tempfile::TempDir, PathBuf)>> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("record_io");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/record_io.c");
        let tried = Command::new("cc").args(["-O1", "-o"]).arg(&program).arg(source).output();
        let tried = tried.and_then(|built| match built.status.success() {
            false => Ok(built),
            true => Command::new(&program)
                .arg(folder.path())
                .arg(folder.path().join("trace"))
                .args(["--", "true"])
                .output(),
        });
        match tried {
            Ok(output) if output.status.success() => Some((folder, program)),
            Ok(output) => {
                eprintln!("SKIPPED power cuts: {}", String::from_utf8_lossy(&output.stderr));
                None
            }
            Err(error) => {
                eprintln!("SKIPPED power cuts: cc: {error}");
                None
            }
        }
    });
    built.as_ref().map(|(_, program)| program.as_path())
}

/// Runs a command in a project and writes down what it does to it. It must end well, touch nothing outside
/// of the project, and leave what is written down, to the last byte.
#[track_caller]
pub fn record(
    project: &Project,
    recorder: &Path,
    options: &[&str],
    command: &Command,
) -> Recording {
    let (before, nodes) = present(project.root());
    let trace = tempfile::NamedTempFile::new().unwrap();
    let mut recorded = Command::new(recorder);
    recorded.args(options).arg(project.root()).arg(trace.path()).arg("--");
    recorded.arg(command.get_program()).args(command.get_args()).current_dir(project.root());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => recorded.env(name, value),
            None => recorded.env_remove(name),
        };
    }
    let output = recorded.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let (before, steps) = parse(&std::fs::read(trace.path()).unwrap(), before, nodes);
    let recording = Recording::new(before, steps, |_| true);
    let (told, mut real) = (recording.seen(recording.steps.len()).files(), project.files(""));
    let link = |path: &Path| path.symlink_metadata().is_ok_and(|there| there.is_symlink());
    real.retain(|name, _| {
        !Path::new(name).ancestors().any(|above| link(&project.root().join(above)))
    });
    let differ = |name: &&String| told.get(*name) != real.get(*name);
    let missed: Vec<&String> = told.keys().chain(real.keys()).filter(differ).collect();
    assert!(missed.is_empty(), "not written down: {missed:?}");
    recording
}

/// The disk as it is, and its nodes by inode.
fn present(root: &Path) -> (Disk, BTreeMap<u64, Node>) {
    fn gather(path: &Path, node: Node, disk: &mut Disk, nodes: &mut BTreeMap<u64, Node>) {
        nodes.insert(path.metadata().unwrap().ino(), node);
        if path.is_file() {
            disk.contents.insert(node, std::fs::read(path).unwrap());
            return;
        }
        disk.folders.insert(node);
        for entry in std::fs::read_dir(path).unwrap() {
            let entry = entry.unwrap();
            // What lies behind a link is written down where it is.
            if entry.file_type().unwrap().is_symlink() {
                continue;
            }
            let below = nodes.len();
            disk.names.insert((node, entry.file_name().into_string().unwrap()), below);
            gather(&entry.path(), below, disk, nodes);
        }
    }
    let (mut disk, mut nodes) = (Disk::default(), BTreeMap::new());
    gather(root, ROOT, &mut disk, &mut nodes);
    (disk, nodes)
}

/// The steps of a trace. Returns the disk before them with the nodes of all folders that came later.
fn parse(trace: &[u8], before: Disk, mut nodes: BTreeMap<u64, Node>) -> (Disk, Vec<Step>) {
    let (mut disk, mut start, mut steps) = (before.clone(), before, Vec::new());
    let mut next = nodes.len();
    let mut rest = trace;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let line = std::str::from_utf8(&rest[..end]).unwrap();
        rest = &rest[end + 1..];
        let parts: Vec<&str> = line.split('\t').collect();
        let number = |at: usize| parts[at].parse::<u64>().unwrap();
        if parts[0] == "folder" {
            // Its number is the next one.
            start.folders.insert(next);
            disk.folders.insert(next);
        }
        let name = |at: usize| disk.name(parts[at]).unwrap_or_else(|| panic!("no folder: {line}"));
        let step = match parts[0] {
            "make" | "folder" => {
                nodes.insert(number(1), next);
                next += 1;
                Step::Came { name: name(2), node: next - 1 }
            }
            "write" => {
                let bytes = rest[..number(3) as usize].to_vec();
                rest = &rest[bytes.len() + 1..];
                Step::Write { node: nodes[&number(1)], at: number(2) as usize, bytes }
            }
            "size" => Step::Size { node: nodes[&number(1)], size: number(2) as usize },
            "link" => Step::Came { name: name(2), node: disk.names[&name(1)] },
            "rename" => Step::Moved { from: name(1), to: name(2), node: disk.names[&name(1)] },
            "gone" => Step::Went { name: name(1) },
            "sync" => Step::Synced { node: nodes[&number(1)] },
            "syncfs" => Step::SyncedAll,
            "outside" => {
                // Scratch files, and devices.
                let harmless = [std::env::temp_dir(), "/dev/null".into(), "/dev/tty".into()];
                let touched = harmless.iter().all(|path| !Path::new(parts[2]).starts_with(path));
                assert!(!touched, "outside of the project: {line}");
                continue;
            }
            _ => panic!("this is not written down: {line}"),
        };
        disk.apply(&step);
        steps.push(step);
    }
    (start, steps)
}

/// Every content that a file had at some moment for whoever looked.
pub fn versions(recording: &Recording, name: &str) -> Vec<Vec<u8>> {
    let mut disk = recording.before.clone();
    let mut found: Vec<Vec<u8>> = disk.files().remove(name).into_iter().collect();
    for step in &recording.steps {
        disk.apply(step);
        if let Step::Came { .. } | Step::Moved { .. } = step
            && let Some((folder, last)) = disk.name(&format!("/{name}"))
            && let Some(node) = disk.names.get(&(folder, last))
            && let Some(content) = disk.contents.get(node)
            && !found.contains(content)
        {
            found.push(content.clone());
        }
    }
    found
}

/// Files by name, laid out in a new project; `aged`: as if an hour had gone by since.
pub fn laid_out(disk: &Disk, aged: bool) -> Project {
    let project = Project::in_memory();
    let earlier = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    for (name, content) in disk.tree() {
        let path = project.path(&name);
        let Some(content) = content else {
            std::fs::create_dir_all(path).unwrap();
            continue;
        };
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        if aged {
            std::fs::File::options()
                .write(true)
                .open(&path)
                .unwrap()
                .set_modified(earlier)
                .unwrap();
        }
    }
    project
}

/// What a plain run must come to, whatever was lost: objects and lock. (Recipes and records are read by who
/// needs them, and one that is torn is a miss then.)
pub fn results(project: &Project, lock: &str) -> Files {
    let mut files = project.files(".collegium/objects");
    files.extend(project.files("pipelines").into_iter().filter(|(name, _)| name == lock));
    files
}

/// Where each step happened: the path that it gave, took, or had then. Empty for everything at once.
pub fn places(recording: &Recording) -> Vec<String> {
    fn ways(disk: &Disk, folder: Node, way: &str, found: &mut BTreeMap<Node, String>) {
        for ((above, name), node) in &disk.names {
            if *above == folder {
                found.insert(*node, format!("{way}{name}"));
                ways(disk, *node, &format!("{way}{name}/"), found);
            }
        }
    }
    let mut found = BTreeMap::from([(ROOT, String::new())]);
    ways(&recording.before, ROOT, "", &mut found);
    let mut places = Vec::new();
    for step in &recording.steps {
        let named = |(folder, name): &(Node, String)| match found[folder].as_str() {
            "" => name.clone(),
            way => format!("{way}/{name}"),
        };
        places.push(match step {
            Step::Came { name, node } | Step::Moved { to: name, node, .. } => {
                let place = named(name);
                found.insert(*node, place.clone());
                place
            }
            Step::Went { name } => named(name),
            Step::Write { node, .. } | Step::Size { node, .. } | Step::Synced { node } => {
                found[node].clone()
            }
            Step::SyncedAll => String::new(),
        });
    }
    places
}
