//! `verify` and `gc`: what is damaged is found and made again, what nothing stands on is freed.

use std::{
    fs,
    path::Path,
    process::Stdio,
    time::{Duration, SystemTime},
};

use serde_json::Value;

use crate::project::{Files, Project, all, rows, with_folds};

/// Changes one byte in the middle of a file, which the store may keep read-only.
fn flip(project: &Project, name: &str) {
    let path = project.path(name);
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 0x20;
    fs::remove_file(&path).unwrap();
    fs::write(&path, bytes).unwrap();
}

/// The file of an object.
fn object(digest: &str) -> String {
    format!(".collegium/objects/{}/{}", &digest[..2], &digest[2..])
}

/// The lock, as a table.
fn lock(project: &Project) -> toml::Table {
    project.read("pipelines/small.lock").parse().unwrap()
}

/// A value of a node's block in the lock, by its path.
fn locked(project: &Project, node: &str, path: &[&str]) -> String {
    let mut value = &lock(project)["node"][node];
    for key in path {
        value = &value[*key];
    }
    value.as_str().unwrap().to_owned()
}

/// `verify`, with its exit code.
fn verify(project: &Project, args: &[&str], code: i32) -> Value {
    let all: Vec<&str> = ["verify", "--json", "--quiet"].iter().chain(args).copied().collect();
    let said = project.collegium(&all);
    assert_eq!(said.code, code, "{}\n{}", said.out, said.err);
    said.json()
}

/// The fits that a repair executed, as `expert: part`, sorted.
fn refitted(report: &Value) -> Vec<String> {
    let mut fits = Vec::new();
    for repair in report["repaired"].as_array().into_iter().flatten() {
        assert!(repair["error"].is_null(), "{repair}");
        for (node, parts) in repair["fitted"].as_object().unwrap() {
            let name = node.trim_start_matches("expert.");
            let parts = parts.as_array().unwrap().iter();
            fits.extend(parts.map(|part| format!("{name}: {}", part.as_str().unwrap())));
        }
    }
    fits.sort();
    fits
}

/// Makes all files of the store look so many days older.
fn age(project: &Project, days: u64) {
    let then = SystemTime::now() - Duration::from_secs(days * 86_400);
    for name in project.files(".collegium").keys() {
        touch(&project.path(name), then);
    }
}

fn touch(path: &Path, time: SystemTime) {
    fs::File::open(path).unwrap().set_modified(time).unwrap();
}

/// The small project after a change of `kind` and a second run: the first run's models are stale.
fn changed() -> Project {
    let project = Project::ready();
    project.edit_pipeline("inputs = [\"rows.b\", \"rows.c\"]", "inputs = [\"rows.c\"]");
    assert_eq!(project.fitted(), all(&[with_folds("kind"), vec!["final: full".to_owned()]]));
    project
}

fn gc(project: &Project, args: &[&str]) -> Value {
    let all: Vec<&str> = ["gc", "--json"].iter().chain(args).copied().collect();
    project.collegium(&all).ok().json()
}

/// Digests of all objects.
fn sizes(project: &Project) -> Files {
    project.files(".collegium/objects")
}

// verify

#[test]
fn a_sound_store_is_said_to_be_sound() {
    let project = Project::ready();
    let report = verify(&project, &[], 0);
    assert_eq!((&report["sound"], &report["damaged"]), (&true.into(), &Value::Array(vec![])));
    let said = project.collegium(&["verify"]).ok();
    assert!(said.out.contains("objects (") && said.out.ends_with("sound\n"), "{}", said.out);
    project.collegium(&["verify", "pipelines/small.toml"]).ok();
    project.collegium(&["verify", "pipelines/smal.toml"]).fails(3, &["smal.toml"]);
}

#[test]
fn a_flipped_byte_is_found_in_every_kind_of_file() {
    let sound = Project::ready();
    for (folder, kind) in [
        ("objects", "object"),
        ("realisations", "record"),
        ("recipes", "recipe"),
        ("runs", "run"),
        ("cache", "cache"),
    ] {
        for name in sound.files(&format!(".collegium/{folder}")).into_keys().take(4) {
            let project = Project::ready();
            flip(&project, &name);
            let report = verify(&project, &[], 7);
            assert_eq!(report["damaged"].as_array().unwrap().len(), 1, "{name}: {report}");
            let damaged = &report["damaged"][0];
            assert_eq!(damaged["kind"], kind);
            assert_eq!(format!(".collegium/{}", damaged["file"].as_str().unwrap()), name);
            let moved = format!(".collegium/{}", damaged["quarantine"].as_str().unwrap());
            assert!(project.path(&moved).exists() && !project.path(&name).exists());
            let report = verify(&project, &["--repair"], 0);
            assert!(refitted(&report).len() <= 1, "{name}: {report}");
            assert_eq!(report["missing"], Value::Array(vec![]), "{name}");
            assert_eq!(project.fitted(), Vec::<String>::new(), "{name}");
            assert_eq!(project.read("pipelines/small.lock"), sound.read("pipelines/small.lock"));
        }
    }
}

#[test]
fn a_repair_fits_exactly_what_was_damaged() {
    let project = Project::ready();
    let before = sizes(&project);
    flip(&project, &object(&locked(&project, "expert.final", &["realisation"])));
    flip(
        &project,
        &object(&locked(&project, "expert.size", &["parts", "fold 2/5", "realisation"])),
    );
    flip(&project, &object(&locked(&project, "expert.kind", &["hands", "logit"])));
    let report = verify(&project, &["--repair"], 0);
    let mut was: Vec<&str> =
        report["damaged"].as_array().unwrap().iter().map(|d| d["was"].as_str().unwrap()).collect();
    was.sort_unstable();
    let expected =
        ["expert.final: model", "expert.kind: output logit", "expert.size: model of fold 2/5"];
    assert_eq!(was, expected);
    assert_eq!(refitted(&report), ["final: full", "size: fold 2/5"]);
    assert!(sizes(&project) == before, "the same objects are there again");
    assert_eq!(verify(&project, &[], 0)["sound"], true);
}

#[test]
fn damage_without_a_repair_is_listed_with_the_way_out() {
    let project = Project::ready();
    flip(&project, &object(&locked(&project, "expert.final", &["realisation"])));
    let said = project.collegium(&["verify"]);
    assert_eq!(said.code, 7, "{}", said.err);
    for needle in ["expert.final: model", "quarantine/objects-", "collegium verify --repair"] {
        assert!(said.out.contains(needle), "{needle:?} is not in:\n{}", said.out);
    }
    // It is out of the way now; what is missing is made again by any run.
    let said = project.collegium(&["verify"]).ok();
    assert!(said.out.contains("model of expert.final in pipelines/small.toml"), "{}", said.out);
    let said = project.collegium(&["verify", "--repair"]).ok();
    assert!(said.out.contains("fitted again expert.final (full)"), "{}", said.out);
}

#[test]
fn a_project_of_several_pipelines_is_verified_and_freed_as_one() {
    let project = Project::ready();
    let other = project.read("pipelines/small.toml").replace("seed = 3", "seed = 4");
    project.write("pipelines/other.toml", other);
    project.collegium(&["run", "-q", "pipelines/other.toml"]).ok();
    let before = sizes(&project);
    gc(&project, &["--grace", "0"]);
    assert!(sizes(&project) == before, "both locks stand on something");
    flip(&project, &object(&locked(&project, "expert.final", &["realisation"])));
    let report = verify(&project, &["--repair"], 0);
    assert_eq!(report["repaired"].as_array().unwrap().len(), 1, "{report}");
    assert_eq!(refitted(&report), ["final: full"]);
    let nowhere = Project::empty();
    nowhere.collegium(&["verify"]).fails(2, &["no folder with `pipelines/` or `.collegium/`"]);
    nowhere.collegium(&["gc"]).fails(2, &["no folder with `pipelines/` or `.collegium/`"]);
}

// gc

#[test]
fn after_a_change_what_the_lock_stands_on_stays() {
    let project = changed();
    let before = sizes(&project);
    let lock = project.read("pipelines/small.lock");
    let report = gc(&project, &["--grace", "0"]);
    // Five stale folds; the full models belong to one of the last ten runs.
    assert_eq!(report["freed"]["models"]["files"], 5, "{report}");
    assert!(report["freed"]["outputs"]["files"].as_u64().unwrap() > 0);
    assert!(report["total"]["cpu_seconds"].as_f64().unwrap() > 0.0);
    assert!(sizes(&project).len() < before.len());
    assert_eq!(project.fitted(), Vec::<String>::new());
    assert_eq!(project.read("pipelines/small.lock"), lock);
    project.write("new.csv", rows(3));
    project.collegium(&["predict", "-i", "new.csv", "-o", "out.csv"]).ok();
    assert_eq!(verify(&project, &[], 0)["missing"], Value::Array(vec![]));
}

#[test]
fn a_dry_run_deletes_nothing_and_promises_what_the_real_one_does() {
    let project = changed();
    let before = project.files(".collegium");
    let promised = gc(&project, &["--grace", "0", "--dry-run"]);
    assert!(project.files(".collegium") == before);
    let said = project.collegium(&["gc", "--grace", "0", "-n"]).ok();
    assert!(said.out.contains("would be freed in"), "{}", said.out);
    let mut done = gc(&project, &["--grace", "0"]);
    assert_eq!(done["dry_run"], false);
    done["dry_run"] = true.into();
    assert_eq!(done, promised);
    let said = project.collegium(&["gc", "--grace", "0"]).ok();
    assert!(said.out.contains("nothing to free"), "{}", said.out);
}

#[test]
fn a_broken_lock_file_frees_nothing() {
    let project = changed();
    let broken = format!("<<<<<<< ours\n{}", project.read("pipelines/small.lock"));
    project.write("pipelines/small.lock", broken);
    age(&project, 30);
    let before = sizes(&project);
    let needles = ["small.lock:1: a merge conflict was left here", "nothing was freed"];
    project.collegium(&["gc"]).fails(3, &needles);
    assert!(sizes(&project) == before);
}

#[test]
fn the_grace_window_keeps_what_is_young() {
    let project = changed();
    assert_eq!(gc(&project, &[])["total"]["files"], 0, "a day is the default");
    age(&project, 3);
    assert_eq!(gc(&project, &["--grace", "7d", "-n"])["total"]["files"], 0);
    let all = gc(&project, &["-n"])["freed"]["models"]["files"].as_u64().unwrap();
    // Of all models, one that nothing stands on becomes young again.
    let live = project.read("pipelines/small.lock");
    let stale = |name: &String| {
        let digest = name.trim_start_matches(".collegium/objects/").replace('/', "");
        !live.contains(&digest)
    };
    let objects: Vec<String> = sizes(&project).into_keys().filter(stale).collect();
    for name in &objects {
        touch(&project.path(name), SystemTime::now());
    }
    let report = gc(&project, &[]);
    assert!(all > 0 && report["freed"]["models"].is_null(), "{report}");
    assert!(objects.iter().all(|name| project.path(name).exists()));
}

#[test]
fn under_keep_a_bound_is_kept_and_fits_go_last() {
    let project = changed();
    let whole = gc(&project, &["--grace", "0", "-n"]);
    let size = whole["kept"]["bytes"].as_u64().unwrap() + whole["total"]["bytes"].as_u64().unwrap();
    let keep = (size - 2000).to_string();
    let report = gc(&project, &["--grace", "0", "--keep", &keep]);
    assert!(report["kept"]["bytes"].as_u64().unwrap() <= size - 2000, "{report}");
    assert!(report["freed"]["models"].is_null(), "outputs are cheaper to make: {report}");
    assert!(report["spared"]["files"].as_u64().unwrap() > 0);
    assert_eq!(project.fitted(), Vec::<String>::new());
}

#[test]
fn sizes_and_durations_are_answered_with_an_example() {
    let project = Project::ready();
    project.collegium(&["gc", "--keep", "lots"]).fails(2, &["`lots` is not a size", "`20GB`"]);
    project.collegium(&["gc", "--grace", "7"]).fails(2, &["`7` is not a duration", "`12h`"]);
}

#[test]
fn a_gc_killed_at_any_moment_leaves_a_sound_store() {
    for delay in [2, 4, 6, 8, 12, 16] {
        let project = changed();
        let lock = project.read("pipelines/small.lock");
        let mut command = project.command(&["gc", "--grace", "0"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(delay));
        let _ = child.kill();
        child.wait().unwrap();
        assert_eq!(verify(&project, &[], 0)["missing"], Value::Array(vec![]));
        assert_eq!(project.fitted(), Vec::<String>::new());
        assert_eq!(project.read("pipelines/small.lock"), lock);
    }
}

#[test]
fn a_reverted_change_is_fitted_again_after_its_results_were_freed() {
    let project = changed();
    gc(&project, &["--grace", "0"]);
    project.edit_pipeline("inputs = [\"rows.c\"]", "inputs = [\"rows.b\", \"rows.c\"]");
    let folds: Vec<String> =
        with_folds("kind").into_iter().filter(|f| f.contains("fold")).collect();
    assert_eq!(project.fitted(), folds, "full models of recent runs are still there");
    assert_eq!(project.read("pipelines/small.lock"), Project::ready().read("pipelines/small.lock"));
}

#[test]
fn the_documents_keep_their_fields() {
    let project = changed();
    let report = gc(&project, &["--grace", "0"]);
    for field in ["format_version", "store", "dry_run", "freed", "total", "kept", "spared"] {
        assert!(!report[field].is_null(), "{field}: {report}");
    }
    for field in ["files", "bytes", "cpu_seconds"] {
        assert!(report["freed"]["models"][field].is_number(), "{field}: {report}");
    }
    let report = verify(&project, &[], 0);
    for field in ["format_version", "store", "checked", "damaged", "missing", "sound"] {
        assert!(!report[field].is_null(), "{field}: {report}");
    }
    assert!(report["checked"]["object"]["files"].is_number(), "{report}");
}
