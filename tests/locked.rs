//! `--locked`: the lock stays as it is, and what would have changed is said. Objects that are not what their
//! names say are never taken for fresh, and other bits of the same recipe are told.

use std::{fs, os::unix::fs::PermissionsExt as _};

use crate::project::{Files, Project, Said};

const LOCK: &str = "pipelines/small.lock";

/// Lock and fits must be as they were.
#[track_caller]
fn refused(project: &Project, args: &[&str], needles: &[&str]) -> Said {
    let before = project.standing();
    let said = project.collegium(args).fails(5, needles);
    assert!(said.err.contains("`--locked` keeps it"), "{}", said.err);
    project.has_kept(&before);
    said
}

/// Every file but those of caches and tables.
fn outputs(project: &Project) -> Files {
    let mut files = project.files("");
    files.retain(|name, _| !name.starts_with(".collegium"));
    files
}

#[test]
fn a_lock_that_stands_is_no_reason_to_refuse() {
    let project = Project::ready();
    let lock = project.read(LOCK);
    for args in [
        &["run", "--locked"][..],
        &["run", "kind", "--locked"],
        &["run", "--locked", "--exact"],
        &["audit", "size", "--locked", "-q"],
        &["predict", "--locked", "--side", "test", "-o", "out.csv"],
    ] {
        project.collegium(args).ok();
        assert_eq!(project.read(LOCK), lock, "{args:?}");
    }
}

#[test]
fn a_changed_setting_is_refused_before_anything_is_fitted_or_written() {
    let project = Project::ready();
    project.edit_pipeline("hidden = [8]", "hidden = [9]");
    let before = outputs(&project);
    let table = "pipelines/data/rows.csv";
    for args in [
        &["run", "--locked"][..],
        &["audit", "--locked", "-o", "page.html"],
        &["predict", "--locked", "-i", table, "-o", "out.csv"],
        &["predict", "--locked", "--side", "test", "-o", "out.csv"],
        &["evaluate", "--locked", "-i", table, "--report", "page.html"],
    ] {
        refused(&project, args, &["expert.size: would be trained"]);
        assert!(outputs(&project) == before, "{args:?} wrote something");
    }
    // Whoever does not reach the change is not stopped.
    project.collegium(&["run", "--locked", "kind"]).ok();
    let said = project.collegium(&["run", "--locked", "--json"]);
    let document = said.json();
    assert_eq!((said.code, document["exit_code"].as_i64()), (5, Some(5)));
    let names: Vec<&str> = document["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["expert.size", "expert.final"]);
    project.collegium(&["run", "--locked", "--force", "kind"]).fails(5, &["expert.kind", "forced"]);
}

#[test]
fn a_change_that_no_plan_foresees_does_not_reach_the_lock() {
    let project = Project::ready();
    // A column that nothing reads: nothing is fitted, and yet the table is another one.
    project.map_column("unread", |cell| format!("{cell}s"));
    let plan = project.collegium(&["plan", "--exit-code"]);
    assert_eq!(plan.code, 0, "{}", plan.out);
    let lock = project.read(LOCK);
    let said = project.collegium(&["run", "--locked"]);
    assert_eq!(project.read(LOCK), lock);
    let free = project.collegium(&["run"]).ok();
    // Only if a free run changes the lock was there something to refuse.
    assert_eq!(
        said.code,
        if project.read(LOCK) == lock { 0 } else { 5 },
        "{}\n{}",
        said.err,
        free.out
    );
}

#[test]
fn without_a_lock_or_a_store_everything_would_change() {
    let project = Project::new();
    refused(&project, &["run", "--locked"], &["expert.size", "expert.kind", "expert.final"]);
    assert!(!project.path(LOCK).exists());
    let project = Project::ready();
    fs::remove_dir_all(project.path(".collegium")).unwrap();
    let lock = project.read(LOCK);
    project.collegium(&["run", "--locked"]).fails(5, &["expert.size"]);
    assert_eq!(project.read(LOCK), lock);
}

/// The object that the lock names as a node's model.
fn model(project: &Project, node: &str) -> std::path::PathBuf {
    let lock = project.lock();
    let name = lock.node[node].realisation.to_string();
    project.path(&format!(".collegium/objects/{}/{}", &name[..2], &name[2..]))
}

#[test]
fn an_object_of_another_length_is_never_fresh() {
    for (how, length) in [("cut to nothing", 0), ("cut", 10)] {
        // The ground of a run with nothing to do was filed before, or is filed over the damage.
        for ground in [true, false] {
            let project = Project::ready();
            let sound = project.standing();
            if ground {
                project.run(&[]);
            } else {
                fs::remove_dir_all(project.path(".collegium/cache")).unwrap();
            }
            let path = model(&project, "expert.size");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
            fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length).unwrap();
            let said = project.collegium(&["run", "--json", "--quiet"]).ok();
            assert!(
                said.json()["notes"].to_string().contains("damaged"),
                "{how}, {ground}: {}",
                said.out
            );
            let after = project.standing();
            let name = path.strip_prefix(project.root()).unwrap().to_str().unwrap().to_owned();
            assert!(after[&name] == sound[&name], "{how}, {ground}: made again, bit for bit");
            assert!(after[LOCK] == sound[LOCK], "{how}, {ground}");
        }
    }
}

#[test]
fn other_bits_of_the_same_recipe_are_said_and_status_shows_them() {
    let project = Project::ready();
    let lock = project.read(LOCK);
    let realisation = project.lock().node["expert.kind"].realisation.to_string();
    // A lock from another machine: the same recipe, and a model that this store never had.
    let other =
        format!("{}{}", if realisation.starts_with('0') { "1" } else { "0" }, &realisation[1..]);
    let mut foreign = String::new();
    for block in lock.split_inclusive("\n\n") {
        let seals = |line: &&str| !line.starts_with("seal = ");
        foreign.push_str(&match block.starts_with("[node.\"expert.kind\"]") {
            true => {
                block
                    .replace(&realisation, &other)
                    .lines()
                    .filter(seals)
                    .collect::<Vec<_>>()
                    .join("\n")
                    + "\n\n"
            }
            false => block.to_owned(),
        });
    }
    assert_ne!(foreign, lock);
    project.write(LOCK, &foreign);
    let needles = ["other bits on this machine", &other[..12], &realisation[..12], "kernels"];
    let shows = |out: &str| {
        for needle in needles {
            assert!(out.contains(needle), "{needle}: {out}");
        }
    };
    shows(&project.collegium(&["status"]).ok().out);
    refused(
        &project,
        &["run", "--locked"],
        &["expert.kind: would stand on model", &realisation[..12]],
    );
    assert_eq!(project.read(LOCK), foreign);
    shows(&project.collegium(&["run"]).ok().out);
    shows(&project.collegium(&["status"]).ok().out);
}
