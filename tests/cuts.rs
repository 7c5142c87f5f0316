//! The power fails while a command works. Whatever the disk makes of what was not synced, a plain run ends
//! where an undisturbed one ends, and the command can be given again: nothing half-written is accepted, and
//! nothing needs a repair.
//!
//! `record_io.c` writes down every change that a command makes to a project; `disk.rs` makes of it what a cut
//! at any moment may leave. The suite tries some hundred of such disks, `benches/cuts.sh` thousands:
//! `COLLEGIUM_CUTS` says how many of each command.
//!
//! What cannot be had this way is a disk whose files keep their inodes and times, by which a run with nothing
//! to do knows them again. So the order is looked at instead: what such a run rests on is durable before it
//! is filed (`what_a_run_with_nothing_to_do_rests_on_is_durable`).

mod disk;
mod recording;
mod trial;

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use self::{
    disk::{Content, Cut, Names, Step},
    recording::{laid_out, places, record, recorder, results},
    trial::Trial,
};
use crate::{
    crash::flip,
    damage,
    project::{Project, Said, rows},
    tally::side_by_side,
};

const LOCK: &str = "pipelines/small.lock";
const TABLE: &str = "pipelines/data/rows.csv";

/// Two experts, one with folds.
const PIPELINE: &str = r#"[pipeline]
name = "small"
seed = 3

[data.rows]
path = "data/rows.csv"
split = { train = 0.6, valid = 0.2, test = 0.2, by = ["id"] }

[expert.size]
inputs = ["rows.a", "rows.b"]
target = "rows.size"
model = { hidden = [3] }
train = { epochs = 2, batch = 32 }

[expert.final]
inputs = ["size.value", "rows.d"]
target = "rows.final"
folds = 2
model = { hidden = [3] }
train = { epochs = 2, batch = 32 }

[evaluate]
baselines = []

[audit]
rows = 20
bootstrap = 2
"#;

fn small() -> Project {
    let project = Project::in_memory();
    project.write("pipelines/small.toml", PIPELINE);
    project.write(TABLE, rows(160));
    project
}

fn ready() -> Project {
    let project = small();
    say(&project, &["run", "--quiet"]).ok();
    project
}

/// After an edit that fits both experts again.
fn edited() -> Project {
    let project = ready();
    project.edit_pipeline("[3]", "[4]");
    project
}

/// The binary, with settings inside of the project, so that they are written down, too.
fn command(project: &Project, args: &[&str]) -> std::process::Command {
    let mut command = project.command(args);
    command.env("XDG_CONFIG_HOME", project.path("settings"));
    command
}

fn say(project: &Project, args: &[&str]) -> Said {
    Said::of(command(project, args).output().unwrap())
}

fn predictions(project: &Project) -> Result<String, Said> {
    let said = say(project, &["predict", "-i", TABLE, "-o", "-", "--quiet"]);
    if said.code == 0 { Ok(said.out) } else { Err(said) }
}

#[test]
fn a_first_run_that_loses_power_is_taken_up() {
    let args = &["run", "--quiet", "--jobs", "2"];
    let Some(trial) = Trial::new("a first run", small(), args, &[]) else { return };
    assert!(trial.recording.steps.len() > 200, "{} steps", trial.recording.steps.len());
    let twin = ready();
    assert!(results(&twin, LOCK) == trial.end.as_ref().unwrap().0, "written down, it is the same");
    trial.survives(80);
}

#[test]
fn a_run_after_an_edit_that_loses_power_is_taken_up() {
    let args = &["run", "--quiet", "--jobs", "2"];
    let Some(trial) = Trial::new("a run after an edit", edited(), args, &[]) else { return };
    trial.survives(50);
}

#[test]
fn a_run_that_takes_up_another_may_lose_power_too() {
    let args = &["run", "--quiet", "--jobs", "2"];
    let Some(first) = Trial::new("a first run", small(), args, &[]) else { return };
    let steps = first.recording.steps.len();
    let (names, content) = (Names::Some(50), Content::Mixed);
    let cut = Cut { after: steps * 3 / 4, names, content, seed: 5 };
    let left = laid_out(&first.recording.left(&cut), true);
    let second = Trial::new("a run after a cut", left, args, &[]).unwrap();
    assert!(second.end.as_ref().unwrap() == first.end.as_ref().unwrap());
    second.survives(30);
}

#[test]
fn a_project_that_shares_a_store_is_known_in_it_after_a_loss_of_power() {
    let project = ready();
    project.write("other/pipelines/small.toml", PIPELINE);
    project.write("other/pipelines/data/rows.csv", rows(160));
    std::os::unix::fs::symlink("../.collegium", project.path("other/.collegium")).unwrap();
    let (Some(recorder), args) = (recorder(), ["-C", "other", "run", "--quiet"]) else { return };
    let recording = record(&project, recorder, &[], &command(&project, &args));
    let places = places(&recording);
    let named = places.iter().position(|place| place.starts_with(".collegium/projects/")).unwrap();
    assert!(matches!(recording.steps[named], Step::Moved { .. }), "it is not renamed");
    assert!(!recording.names_too_early(named), "it has its name before its content is durable");
}

#[test]
fn a_run_without_syncfs_that_loses_power_is_taken_up() {
    let args = &["run", "--quiet", "--jobs", "2"];
    let options = ["--no-syncfs"];
    let what = "a first run without syncfs";
    let Some(trial) = Trial::with(&options, what, small(), args, &[]) else { return };
    let all = trial.recording.steps.iter().filter(|step| matches!(step, Step::SyncedAll)).count();
    assert_eq!(all, 0);
    trial.survives(50);
}

#[test]
fn a_run_that_keeps_and_patches_and_loses_power_is_taken_up() {
    let args = &["run", "--quiet", "--jobs", "2"];
    let what = "a run that keeps and patches";
    let Some(trial) = Trial::new(what, damage::before_it_is_settled(), args, &[]) else { return };
    trial.survives(25);
}

#[test]
fn outputs_are_old_or_new_after_a_loss_of_power() {
    let old = |name: &str| {
        let project = ready();
        project.write(name, "old");
        project.write("new.csv", rows(200));
        project
    };
    let predict = &["predict", "-i", TABLE, "-o", "out.csv", "--quiet"];
    let evaluate = &["evaluate", "-i", "new.csv", "--report", "out.html", "--quiet"];
    let audit = &["audit", "--quiet", "-o", "out.html"];
    let run = &["run", "--audit", "--quiet"];
    let reports = &[".collegium/reports/small.html", ".collegium/reports/small.json"];
    for (what, project, args, outputs, count) in [
        ("predict", old("out.csv"), &predict[..], &["out.csv"][..], 25),
        ("evaluate", old("out.html"), evaluate, &["out.html"], 15),
        ("audit", old("out.html"), audit, &["out.html"], 15),
        ("run --audit", ready(), run, reports, 15),
    ] {
        let Some(trial) = Trial::new(what, project, args, outputs) else { return };
        trial.survives(count);
    }
}

#[test]
fn what_cares_for_a_store_may_lose_power() {
    let doomed = edited();
    say(&doomed, &["run", "--quiet"]).ok();
    std::fs::remove_dir_all(doomed.path(".collegium/runs")).unwrap();
    let damaged = ready();
    // The smallest is a column, which is made anew without a fit.
    let objects = damaged.files(".collegium/objects").into_iter();
    let object = objects.min_by_key(|(_, content)| content.len()).unwrap().0;
    flip(&damaged, &object, 7);
    let gc = &["gc", "--grace", "0s", "--quiet"];
    for (what, project, args, count) in [
        ("gc", doomed, &gc[..], 20),
        ("verify --repair", damaged, &["verify", "--repair", "--quiet"], 20),
    ] {
        let Some(trial) = Trial::new(what, project, args, &[]) else { return };
        let changes = |step: &Step| matches!(step, Step::Went { .. } | Step::Moved { .. });
        assert!(trial.recording.steps.iter().any(changes), "{what} does something");
        trial.survives(count);
    }
}

#[test]
fn what_is_written_for_people_is_whole_or_not_there_after_a_loss_of_power() {
    let asking = small();
    asking.edit_pipeline("seed = 3", "seed = 3\nreads = [\"/usr\"]");
    let init = &["init", "demo", "--template", "machines", "--quiet"];
    let made: &[&str] = &[
        "demo/pipelines/machines.toml",
        "demo/pipelines/data/machines.csv",
        "demo/pipelines/collegium.schema.json",
    ];
    let trust = &["trust", "--yes", "--quiet"];
    for (what, project, args, outputs) in [
        ("init", Project::in_memory(), &init[..], made),
        ("trust", asking, trust, &["settings/collegium/trust.toml"]),
    ] {
        let Some(mut trial) = Trial::new(what, project, args, outputs) else { return };
        let known = trial.versions.values().filter(|all| !all.is_empty()).count();
        assert!(known >= 1, "{what} writes none of {outputs:?}");
        // Nothing to run here.
        trial.end = None;
        trial.survives(40);
    }
}

#[test]
fn what_a_run_with_nothing_to_do_rests_on_is_durable() {
    let project = small();
    // Times too near are not trusted, and nothing is filed.
    std::thread::sleep(Duration::from_millis(2100));
    let args = &["run", "--quiet"];
    let Some(trial) = Trial::new("a run that is not near", project, args, &[]) else { return };
    let (recording, places) = (&trial.recording, places(&trial.recording));
    let filed: Vec<usize> = (0..places.len())
        .filter(|at| matches!(recording.steps[*at], Step::Moved { .. }))
        .filter(|at| places[*at].ends_with(".ground"))
        .collect();
    assert!(!filed.is_empty(), "nothing was filed");
    let rests = [".collegium/objects", ".collegium/realisations"];
    for filed in filed {
        for (at, place) in places[..filed].iter().enumerate() {
            let of_store = rests.iter().any(|part| place.starts_with(part));
            let change = !matches!(recording.steps[at], Step::Synced { .. } | Step::SyncedAll);
            assert!(!(of_store && change) || recording.is_durable(at, filed), "{place}");
        }
    }
}

#[test]
fn a_sync_that_did_not_happen_is_found() {
    let run = &["run", "--quiet", "--jobs", "2"];
    let predict = &["predict", "-i", TABLE, "-o", "out.csv", "--quiet"];
    let first = || Trial::new("a sync ignored", small(), run, &[]);
    let Some(trial) = first() else { return };
    let flush = trial.recording.steps.iter().rposition(|step| matches!(step, Step::SyncedAll));
    let output = Trial::new("a sync ignored", ready(), predict, &["out.csv"]).unwrap();
    let of_file = |step: &Step| matches!(step, Step::Synced { .. });
    let deaf = [
        (
            "the lock",
            first().unwrap().deaf(|_, step, place| of_file(step) && place.contains(".lock")),
        ),
        ("objects", first().unwrap().deaf(|_, _, place| !place.contains("lock"))),
        ("the flush before the lock", trial.deaf(|at, _, _| Some(at) == flush)),
        ("an output", output.deaf(|_, step, place| of_file(step) && place.contains(".part"))),
    ];
    for (what, trial) in deaf {
        let found = AtomicBool::new(false);
        side_by_side(&trial.cuts(200), |cut| {
            if !found.load(Ordering::Relaxed) && trial.check(cut).is_err() {
                found.store(true, Ordering::Relaxed);
            }
        });
        assert!(found.into_inner(), "{what}: nobody noticed");
    }
}
