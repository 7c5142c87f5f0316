//! What is left after a run that did not end well, and how the next run goes on from there.

use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::project::{Project, fitted};

/// Numbers that look random and are the same every time.
pub struct Numbers(pub u64);

impl Numbers {
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % bound
    }
}

/// The small project with fits long enough to be interrupted.
fn slow(epochs: u32) -> Project {
    let project = Project::new();
    let text = project.read("pipelines/small.toml");
    let text = text.replace("epochs = 4", &format!("epochs = {epochs}, patience = {epochs}"));
    project.write("pipelines/small.toml", text);
    project
}

pub fn start(project: &Project, args: &[&str]) -> Child {
    project.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// What the child had fitted when it ended, by its lines on stderr.
fn lines_of(child: Child) -> (Option<i32>, String, String) {
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Waits until a fit is recorded.
fn wait_for_a_fit(project: &Project) {
    let started = Instant::now();
    while project.files(".collegium/realisations").len() < 3 {
        assert!(started.elapsed() < Duration::from_secs(20), "no fit in 20 s");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn count(report: &Value) -> usize {
    fitted(report).len()
}

/// Everything that must be the same in two projects of the same content.
fn sum(project: &Project) -> (Vec<String>, String) {
    (project.objects(), project.read("pipelines/small.lock"))
}

#[test]
fn a_run_killed_at_any_moment_is_taken_up_by_the_next_one() {
    let undisturbed = slow(20);
    let started = Instant::now();
    undisturbed.collegium(&["run", "--quiet"]).ok();
    let whole = started.elapsed();
    let mut numbers = Numbers(7);
    for _ in 0..12 {
        let project = slow(20);
        let mut child = start(&project, &["run", "--quiet"]);
        std::thread::sleep(whole * numbers.below(1000) as u32 / 1000);
        child.kill().unwrap();
        child.wait().unwrap();
        project.collegium(&["run", "--quiet"]).ok();
        assert_eq!(sum(&project), sum(&undisturbed));
    }
}

#[test]
fn ctrl_c_stops_within_a_second_and_keeps_what_was_finished() {
    let project = slow(400);
    let child = start(&project, &["run", "--jobs", "2"]);
    wait_for_a_fit(&project);
    let asked = Instant::now();
    signal(&child, "-INT");
    let (code, _, err) = lines_of(child);
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
    assert_eq!(code, Some(130), "{err}");
    let kept = err.lines().filter(|line| line.contains(": fitted in ")).count();
    assert!((1..13).contains(&kept), "{err}");
    let rest = project.fitted();
    assert_eq!(rest.len(), 13 - kept, "{rest:?}");
    let undisturbed = slow(400);
    undisturbed.fitted();
    assert_eq!(sum(&project), sum(&undisturbed));
}

/// Resamples for days: only what looks up while it draws ends.
#[test]
fn an_audit_interrupted_while_it_resamples_ends_and_leaves_store_and_lock_as_they_are() {
    let project = Project::new();
    project.edit_pipeline("epochs = 4", "epochs = 40");
    project.edit_pipeline("bootstrap = 5", "bootstrap = 40000000");
    project.collegium(&["run", "-q"]).ok();
    let lock = project.read("pipelines/small.lock");
    let child = start(&project, &["audit", "size", "--jobs", "1"]);
    // The first view with so many resamples comes after those that are filed before it.
    let filed = |view: &str| {
        let recipes = project.files(".collegium/recipes");
        let asked = format!("\"{view}\"");
        let is = |text: &[u8]| String::from_utf8_lossy(text).contains(&asked);
        recipes.values().any(|text| is(text))
    };
    let started = Instant::now();
    while !filed("performance") {
        assert!(started.elapsed() < Duration::from_secs(60), "no view was filed in 60 s");
        std::thread::sleep(Duration::from_millis(5));
    }
    // By now it draws; if not, it ends all the same.
    std::thread::sleep(Duration::from_millis(300));
    signal(&child, "-INT");
    let (code, out, err) = lines_of(child);
    assert_eq!((code, out.as_str()), (Some(130), ""), "{err}");
    assert!(err.contains("auditing expert.size") && !err.contains("panicked"), "{err}");
    assert!(!filed("importance"), "half a bootstrap was filed");
    assert_eq!(project.read("pipelines/small.lock"), lock);
    assert!(project.files(".collegium").keys().all(|name| !name.contains("reports")));
    project.collegium(&["verify"]).ok();
    // What was filed is right, and the next audit takes it up.
    project.edit_pipeline("bootstrap = 40000000", "bootstrap = 5");
    let undisturbed = Project::new();
    undisturbed.edit_pipeline("epochs = 4", "epochs = 40");
    undisturbed.collegium(&["run", "-q"]).ok();
    let audited = |project: &Project| {
        project.collegium(&["audit", "size", "--json", "-q"]).ok().json()["nodes"][0]["agop"]
            .clone()
    };
    assert_eq!(audited(&project), audited(&undisturbed));
}

#[test]
fn a_termination_is_as_good_as_ctrl_c() {
    let project = slow(400);
    let child = start(&project, &["run", "--jobs", "1"]);
    wait_for_a_fit(&project);
    signal(&child, "-TERM");
    let (code, _, err) = lines_of(child);
    assert_eq!(code, Some(130), "{err}");
}

#[test]
fn two_runs_at_the_same_time_share_the_work() {
    let project = slow(30);
    let children: Vec<Child> =
        (0..3).map(|_| start(&project, &["run", "--json", "--quiet", "--jobs", "2"])).collect();
    let mut fits = Vec::new();
    for child in children {
        let (code, out, err) = lines_of(child);
        assert_eq!(code, Some(0), "{err}");
        let report: Value = serde_json::from_str(&out).unwrap();
        fits.extend(fitted(&report));
    }
    fits.sort();
    let alone = slow(30);
    assert_eq!(fits, alone.fitted(), "every fit is executed exactly once");
    assert_eq!(sum(&project), sum(&alone));
}

#[test]
fn two_pipelines_with_common_experts_at_the_same_time_fit_nothing_twice() {
    let project = slow(30);
    // The same experts, and one more of its own, under another name and lock.
    let text = project.read("pipelines/small.toml").replace("name = \"small\"", "name = \"other\"");
    let own = "[expert.own]\ninputs = [\"rows.c\"]\ntarget = \"rows.kind\"\n\
               model  = { type = \"mlp\", hidden = [4] }\ntrain  = { epochs = 2 }\n\n[evaluate]";
    project.write("pipelines/other.toml", text.replace("[evaluate]", own));
    let run = |name: &str| {
        let file = format!("pipelines/{name}.toml");
        start(&project, &["run", "--json", "--quiet", "--jobs", "2", &file])
    };
    let mut fits = Vec::new();
    for child in [run("small"), run("other")] {
        let (code, out, err) = lines_of(child);
        assert_eq!(code, Some(0), "{err}");
        fits.extend(fitted(&serde_json::from_str(&out).unwrap()));
    }
    fits.sort();
    let mut expected = slow(30).fitted();
    expected.push("own: full".to_owned());
    expected.sort();
    assert_eq!(fits, expected, "every fit is executed exactly once");
    project.collegium(&["status", "--check", "pipelines/small.toml"]).ok();
    project.collegium(&["status", "--check", "pipelines/other.toml"]).ok();
}

/// Changes one byte of a file, which the store keeps read-only.
pub fn flip(project: &Project, name: &str, at: usize) {
    let path = project.path(name);
    let mut bytes = std::fs::read(&path).unwrap();
    let at = at % bytes.len();
    bytes[at] ^= 0x20;
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, bytes).unwrap();
}

/// Some of the names, always the same ones.
pub fn some(names: impl IntoIterator<Item = String>, count: usize, seed: u64) -> Vec<String> {
    let mut names: Vec<String> = names.into_iter().collect();
    let mut numbers = Numbers(seed);
    while names.len() > count {
        names.remove(numbers.below(names.len()));
    }
    names
}

#[test]
fn a_flipped_byte_in_an_object_is_found_said_and_mended() {
    let sound = Project::ready();
    sound.collegium(&["audit", "--quiet"]).ok();
    let objects = sound.files(".collegium/objects");
    let mut numbers = Numbers(3);
    let mut said = 0;
    for name in some(objects.keys().cloned(), 12, 11) {
        let project = Project::ready();
        flip(&project, &name, numbers.below(100_000));
        // A run that has nothing to do reads no object; an audit reads what it measures.
        let report = project.collegium(&["run", "--audit", "--json", "--quiet"]).ok().json();
        assert!(count(&report) <= 1, "{name}: {:?}", fitted(&report));
        if objects[&name] == std::fs::read(project.path(&name)).unwrap() {
            said += 1;
            assert!(report["notes"].to_string().contains("damaged"), "{name}: {}", report["notes"]);
        }
        assert_eq!(project.read("pipelines/small.lock"), sound.read("pipelines/small.lock"));
    }
    assert!(said >= 2, "{said} of 12 were read and found damaged");
}

#[test]
fn many_damaged_objects_are_mended_by_one_run() {
    let sound = Project::ready();
    let project = Project::ready();
    for (at, name) in sound.files(".collegium/objects").into_keys().enumerate() {
        flip(&project, &name, at * 13);
    }
    let report =
        project.collegium(&["run", "--audit", "--json", "--quiet", "--force", "final"]).ok().json();
    assert!(report["notes"].to_string().contains("damaged"), "{}", report["notes"]);
    assert_eq!(project.read("pipelines/small.lock"), sound.read("pipelines/small.lock"));
    let report = project.collegium(&["run", "--audit", "--json", "--quiet"]).ok().json();
    assert_eq!(count(&report), 0);
}

#[test]
fn a_damaged_model_is_not_predicted_with_and_the_way_out_is_said() {
    let project = Project::ready();
    let report = project.collegium(&["run", "--json"]).ok().json();
    let model = report["nodes"][0]["realisation"].as_str().unwrap().to_owned();
    flip(&project, &format!(".collegium/objects/{}/{}", &model[..2], &model[2..]), 77);
    project.write("new.csv", crate::project::rows(3));
    let predict = ["predict", "size", "-i", "new.csv", "-o", "out.csv"];
    // Commands that only look leave it where it is, and say the same as often as they are asked.
    for command in [&predict[..], &predict, &["audit"]] {
        project.collegium(command).fails(7, &["is damaged; `collegium run` makes it again"]);
    }
    project.collegium(&["run", "--locked"]).fails(5, &["expert.size: would be fitted: full"]);
    assert_eq!(project.fitted(), ["size: full"]);
    project.collegium(&predict).ok();
}

#[test]
fn a_damaged_realisation_costs_one_fit_at_most_and_is_said() {
    let sound = Project::ready();
    let realisations = sound.files(".collegium/realisations");
    let mut numbers = Numbers(5);
    let mut refitted = 0;
    for name in some(realisations.into_keys(), 8, 13) {
        let project = Project::ready();
        flip(&project, &name, numbers.below(100_000));
        let report = project.collegium(&["run", "--json", "--quiet"]).ok().json();
        assert!(count(&report) <= 1, "{name}: {:?}", fitted(&report));
        if count(&report) == 1 {
            refitted += 1;
            assert!(report["notes"].to_string().contains("damaged"), "{}", report["notes"]);
        }
        assert_eq!(sum(&project), sum(&sound), "{name}");
    }
    assert!(refitted > 0);
}

#[test]
fn deleting_any_file_of_the_store_costs_no_correctness() {
    let sound = Project::ready();
    for part in ["", "cache", "objects", "recipes", "realisations", "runs"] {
        let files = sound.files(&format!(".collegium/{part}")).into_keys();
        let files = files.filter(|name| !part.is_empty() || name.split('/').count() == 2);
        for name in some(files, 3, 17) {
            let project = Project::ready();
            std::fs::remove_file(project.path(&name)).unwrap();
            let fits = project.fitted();
            assert!(fits.len() <= 1, "{name}: {fits:?}");
            let lock = project.read("pipelines/small.lock");
            assert_eq!(lock, sound.read("pipelines/small.lock"), "{name}");
            assert_eq!(project.fitted(), Vec::<String>::new(), "{name}: once is enough");
        }
    }
}

#[test]
fn deleting_the_whole_store_fits_everything_again_to_the_same_bits() {
    let sound = Project::ready();
    let project = Project::ready();
    std::fs::remove_dir_all(project.path(".collegium")).unwrap();
    assert_eq!(project.fitted().len(), 13);
    assert_eq!(sum(&project), sum(&sound));
}

#[test]
fn deleting_the_lock_fits_nothing() {
    let sound = Project::ready();
    let project = Project::ready();
    std::fs::remove_file(project.path("pipelines/small.lock")).unwrap();
    assert_eq!(project.fitted(), Vec::<String>::new());
    assert_eq!(sum(&project), sum(&sound));
}

/// The small project with a second sink, `other`, that reads `kind` alone; `size` cannot be fitted.
fn failing() -> Project {
    let project = Project::new();
    project.edit_pipeline("learning_rate = 0.01", "learning_rate = 1e30");
    project.edit_pipeline(
        "[evaluate]",
        "[expert.other]\ninputs = [\"kind.logit\"]\ntarget = \"rows.final\"\n\
         model  = { type = \"mlp\", hidden = [4] }\ntrain  = { epochs = 2 }\n\n[evaluate]",
    );
    project
}

fn outcomes(report: &Value) -> Vec<String> {
    let nodes = report["nodes"].as_array().unwrap();
    let text = |node: &Value, key: &str| node[key].as_str().unwrap().to_owned();
    let mut all: Vec<String> = nodes
        .iter()
        .map(|node| format!("{} {}", text(node, "name"), text(node, "outcome")))
        .collect();
    all.sort();
    all
}

#[test]
fn a_failing_expert_blocks_only_its_dependents_with_keep_going() {
    let project = failing();
    let said = project.collegium(&["run", "--json", "--quiet", "--keep-going"]);
    assert_eq!(said.code, 4, "{}", said.err);
    let report = said.json();
    assert_eq!(
        outcomes(&report),
        [
            "expert.final blocked",
            "expert.kind trained",
            "expert.other trained",
            "expert.size failed"
        ]
    );
    let lock = project.read("pipelines/small.lock");
    assert!(lock.contains("expert.other") && !lock.contains("expert.size"), "{lock}");
}

#[test]
fn a_failing_expert_stops_the_run_and_what_was_finished_is_kept() {
    let project = failing();
    // The full fit of `kind` is there before `size` fails.
    project.collegium(&["run", "--quiet", "kind"]).ok();
    let said = project.collegium(&["run", "--json", "--quiet", "--jobs", "1"]);
    assert_eq!(said.code, 4, "{}", said.err);
    let report = said.json();
    let size =
        &report["nodes"].as_array().unwrap().iter().find(|n| n["name"] == "expert.size").unwrap();
    assert_eq!(size["outcome"], "failed");
    assert!(size["error"].as_str().unwrap().contains("diverged"), "{size}");
    // Mended: everything else is as if nothing had happened.
    project.edit_pipeline("learning_rate = 1e30", "learning_rate = 0.01");
    let fits = project.fitted();
    assert!(!fits.contains(&"kind: full".to_owned()), "{fits:?}");
}

#[test]
fn an_input_that_changes_during_the_run_is_said_and_seen_by_the_next() {
    let project = slow(300);
    let before = project.read("pipelines/data/rows.csv");
    let child = start(&project, &["run", "--json", "--quiet"]);
    wait_for_a_fit(&project);
    project.map_column("a", |cell| format!("{cell}1"));
    let (code, out, err) = lines_of(child);
    assert_eq!(code, Some(0), "{err}");
    let report: Value = serde_json::from_str(&out).unwrap();
    assert!(report["notes"].to_string().contains("rows.csv changed during the run"), "{report}");
    let again = project.collegium(&["plan", "--json"]).ok().json();
    assert_eq!(again["nodes"][0]["action"], "train", "{again}");
    project.write("pipelines/data/rows.csv", before);
    assert_eq!(project.fitted(), Vec::<String>::new(), "it is filed under what was read");
}
