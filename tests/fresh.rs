//! The short way of a run with nothing to do, and everything that must keep it from being taken.

use std::{
    sync::OnceLock,
    thread::sleep,
    time::{Duration, SystemTime},
};

use collegium_records::RunReport;
use serde_json::Value;

use crate::project::{Files, PIPELINE, Project, node, rows, with_folds};

/// A file's times are trusted once they are older than this.
const SETTLED: Duration = Duration::from_millis(2100);

/// The small project with its table in two files, a blueprint, and frozen `size`.
fn files() -> &'static Files {
    static FILES: OnceLock<Files> = OnceLock::new();
    FILES.get_or_init(|| {
        let project = Project::empty();
        let text = PIPELINE
            .replace("data/rows.csv", "data/part-*.csv")
            .replace("[expert.size]", "[expert.size]\nfrozen = true")
            .replace("[\"rows.b\", \"rows.c\"]\ntarget = \"rows.kind\"\nmodel  = { type = \"mlp\", hidden = [8] }",
                "[\"rows.b\", \"rows.c\"]\ntarget = \"rows.kind\"\nmodel  = \"little\"");
        assert!(text.contains("little"));
        project.write("pipelines/small.toml", text);
        project.write("models/little.toml", "type = \"mlp\"\nhidden = [8]\n");
        let all = rows(600);
        let lines: Vec<&str> = all.lines().collect();
        for (at, part) in [&lines[1..301], &lines[301..]].into_iter().enumerate() {
            let text = format!("{}\n{}\n", lines[0], part.join("\n"));
            project.write(&format!("pipelines/data/part-{at}.csv"), text);
        }
        project.collegium(&["run", "--quiet"]).ok();
        project.files("")
    })
}

/// That project, up to date, with data files that are old enough to be trusted.
fn ready() -> Project {
    let project = Project::empty();
    project.restore(files());
    sleep(SETTLED);
    // Copied files have stamps that nobody knows: this run takes the long way.
    project.run(&[]);
    project
}

/// Runs, and says whether the short way was taken: it logs a run without nodes.
#[track_caller]
fn run(project: &Project) -> (Value, bool) {
    let report = project.run(&[]);
    (report, last(project).nodes.is_empty())
}

fn last(project: &Project) -> RunReport {
    let store = collegium_store::Store::open(project.root()).unwrap();
    store.last_runs(1).unwrap().pop().unwrap().1
}

/// After this change the long way must be taken, and fit just this.
#[track_caller]
fn notices(change: impl Fn(&Project), fits: &[&str]) -> Project {
    let project = ready();
    assert!(run(&project).1, "nothing has changed yet");
    change(&project);
    let (report, short) = run(&project);
    assert!(!short, "the change went unnoticed");
    assert_eq!(crate::project::fitted(&report), fits);
    project
}

#[test]
fn a_second_run_takes_the_short_way_and_says_what_the_long_one_does() {
    let project = ready();
    let (short, taken) = run(&project);
    assert!(taken);
    // The long way, by an expert's name for each.
    let long = project.run(&["size", "kind", "final"]);
    assert!(!last(&project).nodes.is_empty());
    for name in ["size", "kind", "final"] {
        let (one, other) = (node(&short, name), node(&long, name));
        for key in ["outcome", "fits", "fitted", "reasons", "recipe", "realisation", "metrics"] {
            assert_eq!(one[key], other[key], "{name} {key}");
        }
    }
    assert_eq!(node(&short, "size")["outcome"], "frozen");
    assert_eq!(node(&short, "kind")["outcome"], "cached");
    assert_eq!(short["requirements"], long["requirements"]);
    // Plan and status agree, and still nothing happens.
    let plan = project.collegium(&["plan", "--json", "--exit-code"]).ok().json();
    assert_eq!(node(&plan, "size")["action"], "frozen");
    assert_eq!(node(&plan, "kind")["recipe"], node(&long, "kind")["recipe"]);
    assert!(run(&project).1);
}

#[test]
fn a_run_right_after_the_first_knows_a_frozen_expert_by_its_name() {
    let project = Project::new();
    project.to_expert("kind", "frozen = true");
    sleep(SETTLED);
    project.run(&[]);
    let (report, short) = run(&project);
    assert!(short, "the data was old enough for the first run");
    assert_eq!(node(&report, "kind")["outcome"], "frozen");
    assert_eq!(node(&report, "size")["outcome"], "cached");
}

#[test]
fn young_data_is_not_trusted() {
    let project = Project::new();
    project.run(&[]);
    let (_, short) = run(&project);
    assert!(!short, "it was written a moment ago and may be written again");
}

#[test]
fn a_data_file_is_not_trusted_for_claiming_to_be_old() {
    let project = Project::new();
    let path = project.path("pipelines/data/rows.csv");
    let long_ago = SystemTime::now() - Duration::from_secs(3600);
    let times = std::fs::FileTimes::new().set_modified(long_ago);
    std::fs::File::options().write(true).open(path).unwrap().set_times(times).unwrap();
    project.run(&[]);
    assert!(!run(&project).1, "the system says when its times were set");
}

#[test]
fn an_unmet_requirement_is_said_again() {
    let project = ready();
    project.edit_pipeline(
        "baselines = []",
        "baselines = []\nrequire = [\"expert.final test auc >= 0.9999\"]",
    );
    let first = project.collegium(&["run", "--json", "--quiet"]).fails(6, &[]);
    let second = project.collegium(&["run", "--json", "--quiet"]).fails(6, &[]);
    assert!(last(&project).nodes.is_empty());
    assert_eq!(first.json()["requirements"], second.json()["requirements"]);
}

#[test]
fn a_comment_in_the_pipeline_is_noticed() {
    let project = notices(|p| p.edit_pipeline("seed = 3", "seed = 3 # three"), &[]);
    assert!(run(&project).1, "and then known");
}

#[test]
fn a_changed_setting_is_noticed() {
    notices(|p| p.edit_pipeline("\"rows.d\"]", "\"rows.d\", \"rows.c\"]"), &["final: full"]);
}

#[test]
fn a_blueprint_is_noticed() {
    let change = |p: &Project| p.edit("models/little.toml", "hidden = [8]", "hidden = [9]");
    let mut fits = vec!["final: full".to_owned()];
    fits.extend(with_folds("kind"));
    notices(change, &fits.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn a_new_file_of_a_pattern_is_noticed() {
    let project = ready();
    assert!(run(&project).1);
    let more = rows(650);
    let lines: Vec<&str> = more.lines().collect();
    let text = format!("{}\n{}\n", lines[0], lines[601..].join("\n"));
    project.write("pipelines/data/part-2.csv", text);
    let (report, short) = run(&project);
    assert!(!short);
    let mut fits = vec!["final: full".to_owned()];
    fits.extend(with_folds("kind"));
    assert_eq!(crate::project::fitted(&report), fits);
    // And one that goes.
    std::fs::remove_file(project.path("pipelines/data/part-2.csv")).unwrap();
    let (report, short) = run(&project);
    assert!(!short);
    assert_eq!(crate::project::fitted(&report), Vec::<String>::new());
}

#[test]
fn a_data_file_that_is_written_again_is_noticed() {
    let again = |p: &Project| {
        let text = p.read("pipelines/data/part-1.csv");
        p.write("pipelines/data/part-1.csv", text);
    };
    notices(again, &[]);
}

#[test]
fn a_changed_data_file_is_noticed_whatever_its_times_and_size() {
    let change = |p: &Project| {
        let path = p.path("pipelines/data/part-0.csv");
        let before = std::fs::metadata(&path).unwrap();
        let text = p.read("pipelines/data/part-0.csv");
        // No byte more or less.
        let turned = text.replace("red", "der");
        assert_eq!((turned.len(), turned != text), (text.len(), true));
        p.write("pipelines/data/part-0.csv", turned);
        let times = std::fs::FileTimes::new().set_modified(before.modified().unwrap());
        std::fs::File::options().write(true).open(path).unwrap().set_times(times).unwrap();
    };
    // Nobody reads that column.
    notices(change, &[]);
}

#[test]
fn an_object_that_is_gone_is_noticed() {
    notices(|p| p.lose(&p.lock().node["expert.final"].realisation), &["final: full"]);
    // Of an output the model is still there.
    notices(|p| p.lose(&p.lock().node["expert.final"].hands["probability"]), &[]);
}

#[test]
fn an_object_that_was_touched_is_noticed() {
    let touch = |p: &Project| {
        let store = collegium_store::Store::open(p.root()).unwrap();
        let file = store.object_file(&p.lock().node["expert.final"].realisation);
        let bytes = std::fs::read(&file).unwrap();
        std::fs::remove_file(&file).unwrap();
        std::fs::write(file, bytes).unwrap();
    };
    notices(touch, &[]);
}

#[test]
fn an_object_of_another_content_is_noticed_though_its_size_is_the_same() {
    let damage = |p: &Project| {
        let store = collegium_store::Store::open(p.root()).unwrap();
        let file = store.object_file(&p.lock().node["expert.kind"].hands["logit"]);
        let length = std::fs::metadata(&file).unwrap().len() as usize;
        std::fs::remove_file(&file).unwrap();
        std::fs::write(file, vec![7; length]).unwrap();
    };
    // A run need not read it; who does is not given it.
    let project = notices(damage, &[]);
    project.edit_pipeline("\"rows.d\"]", "\"rows.d\", \"rows.c\"]");
    project.run(&[]);
    project.collegium(&["verify"]).ok();
}

#[test]
fn a_record_that_is_gone_is_noticed() {
    let lose = |p: &Project| {
        let block = p.lock().node["expert.kind"].clone();
        let store = collegium_store::Store::open(p.root()).unwrap();
        std::fs::remove_file(store.realisation_file(&block.recipe, &block.realisation)).unwrap();
    };
    notices(lose, &["kind: full"]);
}

#[test]
fn a_lock_that_is_gone_or_another_is_noticed_and_written_again() {
    let project = ready();
    let lock = project.read("pipelines/small.lock");
    assert!(run(&project).1);
    std::fs::remove_file(project.path("pipelines/small.lock")).unwrap();
    let (report, short) = run(&project);
    assert!(!short);
    assert_eq!(crate::project::fitted(&report), Vec::<String>::new());
    let again = project.read("pipelines/small.lock");
    assert_eq!(again, lock);
    project.edit("pipelines/small.lock", "format = 2", "format = 2 # edited");
    assert!(!run(&project).1);
    assert_eq!(project.read("pipelines/small.lock"), lock);
}

#[test]
fn another_pipelines_lock_is_noticed_by_one_that_takes_its_models() {
    let project = ready();
    project.write(
        "pipelines/other.toml",
        "[pipeline]\nname = \"other\"\n\n[data.rows]\npath = \"data/part-*.csv\"\n\n\
         [expert.kind]\nsource = \"small.toml\"\ninputs = [\"rows.b\", \"rows.c\"]\n\
         target = \"rows.kind\"\n\n[evaluate]\nbaselines = []\n",
    );
    let other = || {
        let args = ["run", "--json", "--quiet", "pipelines/other.toml"];
        let report = project.collegium(&args).ok().json();
        (node(&report, "kind")["realisation"].clone(), last(&project).nodes.is_empty())
    };
    let (first, _) = other();
    assert_eq!(other(), (first.clone(), true));
    project.edit("models/little.toml", "hidden = [8]", "hidden = [9]");
    project.collegium(&["run", "--quiet", "pipelines/small.toml"]).ok();
    let (second, short) = other();
    assert!(!short);
    assert_ne!(first, second);
}

#[test]
fn named_experts_force_exact_and_audit_never_take_the_short_way() {
    let project = ready();
    for args in [&["kind"][..], &["--force", "final"], &["--exact"], &["--audit"]] {
        project.run(args);
        assert!(!last(&project).nodes.is_empty(), "{args:?}");
    }
}

#[test]
fn a_damaged_ground_is_no_ground() {
    let project = ready();
    assert!(run(&project).1);
    for name in project.files(".collegium/cache").into_keys() {
        if name.contains("fresh-") {
            project.write(&name, "nonsense");
        }
    }
    let (report, short) = run(&project);
    assert!(!short);
    assert_eq!(crate::project::fitted(&report), Vec::<String>::new());
}
