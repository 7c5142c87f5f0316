//! Rotated sides (`evaluate.rotate`): every row is tested once, fits are cached like any others, and the mean stands for
//! an expert.

use std::collections::{BTreeMap, BTreeSet};

use collegium_data::{Side, sides_from_bytes};
use collegium_records::Lock;
use serde_json::Value;

use crate::project::{Files, PIPELINE, Project, all, fitted, node, rows, with_folds};

/// Student's t: 2.5 % lie above, by degrees of freedom from 1.
const T: [f64; 4] = [12.7062, 4.3027, 3.1824, 2.7764];

/// The small project with so many rotations.
fn rotated(rotations: u32) -> Project {
    let project = Project::in_memory();
    project.write("pipelines/small.toml", PIPELINE);
    project.write("pipelines/data/rows.csv", rows(240));
    project.edit_pipeline("baselines = []", &format!("baselines = []\nrotate = {rotations}"));
    project
}

/// The fits of each rotation that a run really executed, as `expert: part`, sorted.
fn of_rotations(report: &Value) -> BTreeMap<u32, Vec<String>> {
    let mut found: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for node in report["rotated"]["nodes"].as_array().unwrap() {
        let name = node["name"].as_str().unwrap().trim_start_matches("expert.");
        for (number, parts) in node["fitted"].as_object().into_iter().flatten() {
            let parts = parts.as_array().unwrap().iter();
            let parts = parts.map(|part| format!("{name}: {}", part.as_str().unwrap()));
            found.entry(number.parse().unwrap()).or_default().extend(parts);
        }
    }
    found.values_mut().for_each(|fits| fits.sort());
    found
}

/// The same fits in each of so many rotations.
fn in_each(rotations: u32, fits: &[String]) -> BTreeMap<u32, Vec<String>> {
    (1..=rotations).map(|number| (number, fits.to_vec())).collect()
}

fn cold() -> Vec<String> {
    all(&[with_folds("size"), with_folds("kind"), vec!["final: full".to_owned()]])
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// What the rotations stand on.
fn locks(project: &Project) -> Vec<Lock> {
    let store = collegium_store::Store::open(project.root()).unwrap();
    store.rotated_locks(project.lock().rotated.as_ref()).unwrap()
}

/// The side of every row in each rotation.
fn sides(project: &Project) -> Vec<Vec<Side>> {
    let store = collegium_store::Store::open(project.root()).unwrap();
    let of = |lock: &Lock| {
        let bytes = store.get(&lock.data["data.rows"].sides).unwrap().unwrap();
        sides_from_bytes(&bytes).unwrap()
    };
    locks(project).iter().map(of).collect()
}

fn column(project: &Project, name: &str) -> Vec<String> {
    let text = project.read("pipelines/data/rows.csv");
    let mut lines = text.lines();
    let at = lines.next().unwrap().split(',').position(|one| one == name).unwrap();
    lines.map(|line| line.split(',').nth(at).unwrap().to_owned()).collect()
}

#[test]
fn a_rotation_is_what_the_pipeline_would_be_with_these_sides_declared() {
    let project = rotated(3);
    let run = project.run(&[]);
    for (at, sides) in sides(&project).iter().enumerate() {
        let declared = Project::in_memory();
        declared.write("pipelines/small.toml", PIPELINE);
        declared.edit_pipeline(
            "split = { train = 0.7, valid = 0.15, test = 0.15, by = [\"id\"] }",
            "split = { column = \"part\", valid = [\"valid\"], by = [\"id\"] }",
        );
        let text = rows(240);
        let parts = std::iter::once("part").chain(sides.iter().map(|side| side.name()));
        let lines: Vec<String> =
            text.lines().zip(parts).map(|(line, part)| format!("{line},{part}\n")).collect();
        declared.write("pipelines/data/rows.csv", lines.concat());
        let alone = declared.run(&[]);
        for name in ["size", "kind", "final"] {
            let rotations = &rotated_node(&run, name)["metrics"];
            let test = node(&alone, name)["metrics"]["test"].as_object().unwrap();
            assert!(test.len() >= 3);
            for (metric, value) in test {
                assert_eq!(&rotations[metric]["each"][at], value, "{name} {metric} {at}");
            }
        }
    }
}

fn rotated_node<'a>(report: &'a Value, name: &str) -> &'a Value {
    node(&report["rotated"], name)
}

#[test]
fn the_mean_stands_for_an_expert_in_every_place_with_an_interval_that_allows_for_shared_rows() {
    let project = rotated(3);
    project.edit_pipeline("baselines = []", "baselines = [\"linear\", \"single\"]");
    let said = project.collegium(&["run", "-q"]).ok().out;
    let run = project.run(&[]);
    let audit = project.collegium(&["audit", "--json", "-q"]).ok().json();
    let page = project.collegium(&["audit", "-o", "-", "-q"]).ok().out;
    let told = project.collegium(&["audit", "-q"]).ok().out;
    let log = project.collegium(&["log"]).ok().out;
    for (name, metric, shown) in
        [("size", "r2", "R²"), ("kind", "auc", "AUC"), ("final", "auc", "AUC")]
    {
        let of = rotated_node(&run, name);
        let sum = |side: &str| -> f64 {
            of["sides"].as_array().unwrap().iter().map(|sides| number(&sides[side])).sum()
        };
        assert_eq!(sum("test"), 240.0, "every row is tested once");
        for (metric, figure) in of["metrics"].as_object().unwrap() {
            let each: Vec<f64> = figure["each"].as_array().unwrap().iter().map(number).collect();
            let mean = each.iter().sum::<f64>() / 3.0;
            let variance = each.iter().map(|one| (one - mean).powi(2)).sum::<f64>() / 2.0;
            let reach = T[1] * (variance * (1.0 / 3.0 + sum("test") / sum("train"))).sqrt();
            assert!((number(&figure["mean"]) - mean).abs() < 1e-12, "{name} {metric}");
            let [low, high] = collegium_records::metric_range(metric);
            let interval = &figure["interval"];
            let near = |found: &Value, wanted: f64| {
                (number(found) - wanted).abs() < 1e-4 * reach.max(1e-9) + 1e-9
            };
            assert!(near(&interval["low"], (mean - reach).max(low)), "{name} {metric} {interval}");
            assert!(
                near(&interval["high"], (mean + reach).min(high)),
                "{name} {metric} {interval}"
            );
        }
        let headline = &of["headline"];
        assert_eq!(headline["metric"], metric);
        assert_eq!(headline["value"], of["metrics"][metric]["mean"]);
        assert_eq!(headline["rotations"], 3);
        assert_eq!(headline["split"], node(&run, name)["metrics"]["test"][metric]);
        assert_eq!(&node(&run, name)["headline"], headline);
        let audited = node(&audit, name);
        assert_eq!(audited["headline"]["value"], headline["value"]);
        assert_eq!(audited["rotated"]["metrics"], of["metrics"]);
        let figure = &of["against"]["linear"][metric];
        assert_eq!(figure["each"].as_array().unwrap().len(), 3);
        let card = project.read(&format!(".collegium/reports/small.cards/{name}.md"));
        let three = |value: &Value| collegium_records::three_digits(number(value));
        let value = three(&headline["value"]);
        assert!(log.contains(&format!("{name} ({shown} {value}, mean of 3 rotations)")), "{log}");
        assert!(told.contains(&format!("{shown} {value}, 95 % ")), "{told}");
        assert!(told.contains("mean of 3 rotations (test "), "{told}");
        assert!(said.contains(&format!("{shown} {value}")), "{said}");
        assert!(card.contains("mean of 3 rotations; "), "{card}");
        assert!(page.contains("mean of 3 rotations; "), "{name}");
    }
    // Only the end reads others, so it alone has one network beside it.
    let against = |name: &str| rotated_node(&run, name)["against"].as_object().unwrap().len();
    assert_eq!((against("final"), against("size")), (2, 1));
    assert!(page.contains("Over rotated sides"));
}

#[test]
fn a_change_of_one_expert_fits_in_each_rotation_just_what_it_reaches() {
    let project = rotated(3);
    let first = project.run(&[]);
    assert_eq!((fitted(&first), of_rotations(&first)), (cold(), in_each(3, &cold())));
    let again = project.run(&[]);
    assert_eq!((fitted(&again), of_rotations(&again)), (vec![], BTreeMap::new()));
    let kind = "target = \"rows.kind\"\nmodel  = { type = \"mlp\", hidden = [8] }";
    project.edit_pipeline(kind, &kind.replace('8', "9"));
    let reached = all(&[with_folds("kind"), vec!["final: full".to_owned()]]);
    let plan = project.collegium(&["plan", "--json"]).ok().json();
    let changed = project.run(&[]);
    assert_eq!((fitted(&changed), of_rotations(&changed)), (reached.clone(), in_each(3, &reached)));
    // The plan named these fits, and what it could not know yet it called so.
    for node in plan["rotated"]["nodes"].as_array().unwrap() {
        let name = node["name"].as_str().unwrap().trim_start_matches("expert.");
        assert_eq!(node["fits"].as_object().unwrap().len(), 3, "{name}");
        assert_eq!(node["may_train"], name == "final");
        assert!(number(&node["seconds"]["max"]) > 0.0);
    }
    assert_eq!(plan["rotated"]["nodes"].as_array().unwrap().len(), 2);
    project.edit_pipeline(&kind.replace('8', "9"), kind);
    let back = project.run(&[]);
    assert_eq!((fitted(&back), of_rotations(&back)), (vec![], BTreeMap::new()));
    project.edit_pipeline("rotate = 3", "rotate = 4");
    let more = project.run(&[]);
    assert_eq!((fitted(&more), of_rotations(&more)), (vec![], in_each(4, &cold())));
}

#[test]
fn one_job_and_four_leave_the_same_rotations() {
    let (one, four) = (rotated(3), rotated(3));
    let (ran, beside) = (one.run(&["--jobs", "1"]), four.run(&["--jobs", "4"]));
    assert_eq!(one.objects(), four.objects());
    assert_eq!(one.read("pipelines/small.lock"), four.read("pipelines/small.lock"));
    for name in ["size", "kind", "final"] {
        let metrics = |report: &Value| rotated_node(report, name)["metrics"].clone();
        assert_eq!(metrics(&ran), metrics(&beside), "{name}");
    }
}

#[test]
fn gc_keeps_what_rotations_stand_on_as_long_as_the_file_asks_for_them() {
    let project = rotated(3);
    project.run(&[]);
    let models: BTreeSet<String> = locks(&project)
        .iter()
        .flat_map(|lock| lock.node.values())
        .map(|node| node.realisation.to_string())
        .collect();
    assert_eq!(models.len(), 9, "three experts in three rotations, no two alike");
    let gc = || project.collegium(&["gc", "--grace", "0", "--keep", "0"]).ok();
    let there = || project.objects().into_iter().collect::<BTreeSet<String>>();
    gc();
    assert!(models.is_subset(&there()));
    let again = project.run(&["--force", "final"]);
    assert_eq!(of_rotations(&again), BTreeMap::new(), "nothing of them was lost");
    project.edit_pipeline("\nrotate = 3", "");
    let without = project.run(&[]);
    assert_eq!((fitted(&without), without.get("rotated")), (vec![], None));
    assert_eq!(project.lock().rotated, None);
    gc();
    assert_eq!(models.intersection(&there()).count(), 0, "they are gone");
}

#[test]
fn groups_stay_whole_and_every_part_has_as_many_of_them() {
    let project = rotated(5);
    project.map_column("id", |id| format!("g{}", id.parse::<usize>().unwrap() % 40));
    project.edit_pipeline(
        "train = 0.7, valid = 0.15, test = 0.15",
        "train = 0.6, valid = 0.2, test = 0.2",
    );
    project.run(&[]);
    let groups = column(&project, "id");
    let mut tested: Vec<String> = Vec::new();
    for sides in sides(&project) {
        let of = |side: Side| -> BTreeSet<&String> {
            groups.iter().zip(&sides).filter(|(_, s)| **s == side).map(|(g, _)| g).collect()
        };
        let [train, valid, test] = Side::ALL.map(of);
        assert_eq!((test.len(), valid.len(), train.len()), (8, 8, 24));
        assert!(train.is_disjoint(&test) && valid.is_disjoint(&test) && train.is_disjoint(&valid));
        tested.extend(test.into_iter().cloned());
    }
    tested.sort();
    tested.dedup();
    assert_eq!(tested.len(), 40, "each group is tested once");
}

#[test]
fn with_strata_each_class_is_dealt_evenly() {
    let project = rotated(4);
    project.edit_pipeline("by = [\"id\"]", "stratify = \"kind\"");
    project.run(&[]);
    let kinds = column(&project, "kind");
    let trues = |sides: &[Side]| {
        kinds.iter().zip(sides).filter(|(k, s)| *k == "true" && **s == Side::Test).count()
    };
    let counts: Vec<usize> = sides(&project).iter().map(|sides| trues(sides)).collect();
    let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
    assert!(most - least <= 1, "{counts:?}");
}

/// The small project with so many rotations in time: three rows to each time, in no order of the file.
fn in_time(rotations: u32) -> Project {
    let project = rotated(rotations);
    let text = project.read("pipelines/data/rows.csv");
    let timed = text.lines().enumerate().map(|(at, line)| match at {
        0 => format!("{line},when\n"),
        at => format!("{line},{}\n", (at * 77) % 240 / 3),
    });
    project.write("pipelines/data/rows.csv", timed.collect::<String>());
    project.edit_pipeline(
        "{ train = 0.7, valid = 0.15, test = 0.15, by = [\"id\"] }",
        "{ time = \"when\", valid = 0.15, test = 0.15, gap = 2 }",
    );
    project
}

/// The first windows of five folds in time have nothing before the gap in the first rotation, which has a quarter of the
/// rows.
#[test]
fn a_fit_that_fails_in_a_rotation_is_named_and_the_declared_split_stands() {
    let project = in_time(3);
    let said = project.collegium(&["run", "-q", "--keep-going"]).fails(4, &[]).out;
    assert!(said.contains("expert.size in rotation 1: fold 1/5: no training row lies"), "{said}");
    assert!(said.contains("not measured"), "{said}");
    assert_eq!(project.lock().node.len(), 3);
    let again = ["run", "--json", "-q", "--keep-going"];
    let report = project.collegium(&again).fails(4, &[]).json();
    assert_eq!((fitted(&report), &report["rotated"]["whole"]), (vec![], &Value::Bool(false)));
    let size = rotated_node(&report, "size");
    assert_eq!((size["metrics"].as_object().unwrap().len(), size.get("headline")), (0, None));
    assert!(size["failed"]["1"].as_str().unwrap().contains("shorten the gap"));
    // Its figure is that of the declared split alone.
    assert_eq!(node(&report, "size")["headline"].get("rotations"), None);
}

#[test]
fn in_time_each_test_lies_behind_what_it_was_trained_on() {
    let project = in_time(3);
    project.to_expert("final", "upstream = \"in-sample\"");
    let run = project.run(&[]);
    let times: Vec<f64> = column(&project, "when").iter().map(|at| at.parse().unwrap()).collect();
    let mut end = 0.0;
    let mut tested = 0;
    for sides in sides(&project) {
        let of = |side: Side| -> Vec<f64> {
            times.iter().zip(&sides).filter(|(_, s)| **s == side).map(|(at, _)| *at).collect()
        };
        let least = |all: &[f64]| all.iter().copied().fold(f64::INFINITY, f64::min);
        let most = |all: &[f64]| all.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let [train, valid, test] = Side::ALL.map(of);
        assert!(most(&train) < least(&valid) - 2.0 && most(&valid) < least(&test) - 2.0);
        // 80 times in four stretches: the first is never tested.
        assert_eq!(least(&test), end + 20.0);
        (end, tested) = (least(&test), tested + test.len());
    }
    assert_eq!(tested, 180);
    let sides = rotated_node(&run, "size")["sides"].as_array().unwrap().clone();
    assert!(number(&sides[0]["train"]) < number(&sides[2]["train"]));
}

#[test]
fn what_cannot_be_rotated_is_refused_with_a_way_out_and_nothing_is_lost() {
    let ready = rotated(3);
    ready.run(&[]);
    let files: Files = ready.files("");
    let fresh = || {
        let project = Project::in_memory();
        project.restore(&files);
        project
    };
    let split = "{ train = 0.7, valid = 0.15, test = 0.15, by = [\"id\"] }";
    for (from, to, needles) in [
        ("rotate = 3", "rotate = 1", &["`rotate` must be from 2 to 50, not 1"][..]),
        ("rotate = 3", "rotate = 51", &["`rotate` must be from 2 to 50, not 51"]),
        (
            split,
            "{ column = \"unread\", train = [\"red\"], valid = [\"blue\"], test = [\"green\"] }",
            &[
                "`rotate` does not go with a split by a column (`data.rows`)",
                "rotate = 3",
                "`rotate` away",
            ],
        ),
        (
            split,
            "{ test_file = \"other.csv\" }",
            &["`rotate` does not go with a split by files (`data.rows`)"],
        ),
        (
            split,
            "{ time = \"d\", by = [\"id\"], hold_groups = true, valid = 0.15, test = 0.15, train = 0.7 }",
            &["`rotate` does not go with `hold_groups` (`data.rows`)"],
        ),
        (
            "rotate = 3",
            "rotate = 30",
            &[
                "`rotate = 30` leaves 8 of 240 rows to be tested in rotation 1, and 10 are needed",
                "at most 24",
            ],
        ),
        (
            "by = [\"id\"]",
            "by = [\"unread\"]",
            &["`rotate = 4` needs as many groups of `by`, and there are 3", "at most 3"],
        ),
    ] {
        let project = fresh();
        project.edit_pipeline(from, to);
        if to.contains("unread\"]") {
            project.edit_pipeline("rotate = 3", "rotate = 4");
            // The declared split has to have its three sides.
            project.edit_pipeline("valid = 0.15, test = 0.15, by", "valid = 0.0, test = 0.3, by");
        }
        project.refuses_rows(3, needles);
        for command in ["check", "plan", "status"] {
            project.collegium(&[command]).fails(3, &needles[..1]);
        }
    }
}

#[test]
fn a_plan_prices_rotations_and_status_knows_of_them() {
    let project = rotated(3);
    project.edit_pipeline("\nrotate = 3", "");
    project.run(&[]);
    project.edit_pipeline("baselines = []", "baselines = []\nrotate = 3");
    let plan = project.collegium(&["plan"]).ok().out;
    assert!(plan.contains("3 experts cached, 39 fits to do, "), "{plan}");
    project.collegium(&["plan", "--exit-code"]).fails(5, &[]);
    let status = project.collegium(&["status"]).ok().out;
    assert!(status.contains("3 rotations: 39 fits missing"), "{status}");
    project.collegium(&["audit", "-q"]).fails(2, &["rotations are not up to date"]);
    project
        .collegium(&["run", "--locked", "-q"])
        .fails(5, &["fits of rotations would be executed"]);
    let run = project.run(&[]);
    assert_eq!((fitted(&run), of_rotations(&run)), (vec![], in_each(3, &cold())));
    let log = project.collegium(&["log"]).ok().out;
    assert!(log.contains("39 fits of rotations"), "{log}");
    let plan = project.collegium(&["plan", "--json"]).ok().json();
    assert_eq!(plan["rotated"]["nodes"].as_array().unwrap().len(), 0);
    assert!(project.collegium(&["status"]).ok().out.contains("3 rotations: up to date"));
    project.collegium(&["run", "--locked", "-q"]).ok();
}

#[test]
fn rotations_are_fitted_afresh_whatever_the_declared_split_stands_on() {
    let project = rotated(3);
    project.to_expert("kind", "warm_start = true");
    project.to_expert("final", "reuse = { tolerance = 0.9, confidence = 0.6 }");
    project.run(&[]);
    project.to_expert("size", "frozen = true");
    let size =
        "target = \"rows.size\"\nmodel  = { type = \"mlp\", hidden = [8] }\ntrain  = { epochs = 4";
    project.edit_pipeline(size, &size.replace("epochs = 4", "epochs = 5"));
    let kind =
        "target = \"rows.kind\"\nmodel  = { type = \"mlp\", hidden = [8] }\ntrain  = { epochs = 4";
    project.edit_pipeline(kind, &kind.replace("epochs = 4", "epochs = 5"));
    let run = project.run(&[]);
    assert_eq!(node(&run, "size")["outcome"], "frozen");
    let cold = all(&[with_folds("size"), with_folds("kind"), vec!["final: full".to_owned()]]);
    assert_eq!(of_rotations(&run), in_each(3, &cold));
    for lock in locks(&project) {
        assert!(lock.node.values().all(|node| node.certificate.is_none() && node.held.is_none()));
    }
}

#[test]
fn forget_counts_the_models_of_rotations_that_have_seen_a_row() {
    let project = rotated(3);
    project.run(&[]);
    let text = project.read("pipelines/data/rows.csv");
    let first: String = text.lines().take(2).map(|line| format!("{line}\n")).collect();
    project.write("first.csv", first);
    let said = project.collegium(&["forget", "--rows", "first.csv", "--json"]).ok().json();
    // A row is trained or chosen on in the two rotations that do not test it: by the full models of three experts, and by
    // four or five of five fold models of two, which do not predict it.
    let count = number(&said["rotated"]);
    assert!((2.0 * (3.0 + 2.0 * 4.0)..=2.0 * (3.0 + 2.0 * 5.0)).contains(&count), "{said}");
    assert_eq!(said["older"], 0);
    let words = project.collegium(&["forget", "--rows", "first.csv"]).ok().out;
    assert!(words.contains("models of rotations"), "{words}");
}

/// The project with rotations, its lock as `old.lock`, and what the run reported.
fn with_an_old_lock() -> (Project, Value) {
    let project = rotated(3);
    let before = project.run(&[]);
    project.write("old.lock", project.read("pipelines/small.lock"));
    (project, before)
}

fn shorter(project: &Project) {
    let kind =
        "target = \"rows.kind\"\nmodel  = { type = \"mlp\", hidden = [8] }\ntrain  = { epochs = ";
    project.edit_pipeline(&format!("{kind}4"), &format!("{kind}1"));
}

const DIFF: [&str; 5] = ["diff", "old.lock", ".", "--seeds", "0"];

fn diff(project: &Project) -> Value {
    project.collegium(&[&DIFF[..], &["--json"]].concat()).ok().json()
}

#[test]
fn diff_gives_the_means_of_both_versions_and_their_difference_rotation_by_rotation() {
    let (project, before) = with_an_old_lock();
    shorter(&project);
    let after = project.run(&[]);
    let report = diff(&project);
    for name in ["kind", "final"] {
        let found = &node(&report, name)["rotated"];
        assert_eq!(found["metric"], "auc", "{found}");
        // The figures of either version are those that its run gave.
        for (run, side) in [(&before, "before"), (&after, "after")] {
            assert_eq!(found[side], rotated_node(run, name)["metrics"]["auc"], "{name} {side}");
        }
        let each = |side: &str| -> Vec<f64> {
            found[side]["each"].as_array().unwrap().iter().map(number).collect()
        };
        let differences: Vec<f64> = each("after")
            .iter()
            .zip(each("before"))
            .map(|(after, before)| after - before)
            .collect();
        assert_eq!(each("difference"), differences, "{name}");
        let mean = differences.iter().sum::<f64>() / 3.0;
        let variance = differences.iter().map(|one| (one - mean).powi(2)).sum::<f64>() / 2.0;
        let sum = |side: &str| -> f64 {
            let sides = rotated_node(&after, name)["sides"].as_array().unwrap();
            sides.iter().map(|sides| number(&sides[side])).sum()
        };
        let reach = T[1] * (variance * (1.0 / 3.0 + sum("test") / sum("train"))).sqrt();
        let difference = &found["difference"];
        assert!((number(&difference["mean"]) - mean).abs() < 1e-12);
        assert!((number(&difference["interval"]["high"]) - mean - reach).abs() < 1e-4 * reach);
        assert!((mean - number(&difference["interval"]["low"]) - reach).abs() < 1e-4 * reach);
    }
    let size = node(&report, "size");
    assert_eq!((&size["status"], size.get("rotated")), (&"same".into(), None));
    assert_eq!(report.get("notes"), None);
    let words = project.collegium(&DIFF).ok().out;
    let three = |value: &Value| collegium_records::three_digits(number(value));
    let found = &node(&report, "kind")["rotated"];
    let line = words.lines().skip_while(|line| !line.contains("mean of 3 rotations")).nth(1);
    let line: Vec<&str> = line.unwrap().split_whitespace().collect();
    let means = [three(&found["before"]["mean"]), three(&found["after"]["mean"])];
    assert_eq!(line[..3], ["auc", &means[0], &means[1]], "{words}");
    assert_eq!(line[3], format!("{:+.4}", number(&found["difference"]["mean"])), "{words}");
}

#[test]
fn diff_says_why_rotations_of_two_versions_are_not_paired() {
    let (project, before) = with_an_old_lock();
    project.edit_pipeline("rotate = 3", "rotate = 4");
    let after = project.run(&[]);
    // No model of the declared split is another one, and the means are of other deals all the same.
    let report = diff(&project);
    for name in ["size", "kind", "final"] {
        let of = node(&report, name);
        let found = &of["rotated"];
        assert_eq!((&of["status"], found.get("difference")), (&"same".into(), None), "{found}");
        let metric = found["metric"].as_str().unwrap();
        for (run, side) in [(&before, "before"), (&after, "after")] {
            assert_eq!(found[side], rotated_node(run, name)["metrics"][metric], "{name} {side}");
        }
        let why = found["not_paired"].as_str().unwrap();
        assert!(why.contains("the earlier version has 3 rotations and the later one 4"), "{why}");
    }
    let words = project.collegium(&DIFF).ok().out;
    assert!(words.contains("mean of rotations (3 and 4)"), "{words}");
    assert!(words.contains("note: no paired difference: the earlier version"), "{words}");
    // As many rotations of another deal.
    project.edit_pipeline("rotate = 4", "rotate = 3");
    project.edit_pipeline("test = 0.15, by", "test = 0.15, seed = 7, by");
    project.run(&[]);
    let found = node(&diff(&project), "kind")["rotated"].clone();
    assert_eq!(found.get("difference"), None);
    assert!(found["not_paired"].as_str().unwrap().contains("dealt otherwise"), "{found}");
}

#[test]
fn diff_says_which_version_has_rotations_alone_and_which_cannot_be_measured() {
    let (project, _) = with_an_old_lock();
    project.edit_pipeline("\nrotate = 3", "");
    shorter(&project);
    project.run(&[]);
    let report = diff(&project);
    let notes = report["notes"].to_string();
    assert!(notes.contains("only the earlier version has rotated sides"), "{notes}");
    assert_eq!(node(&report, "kind").get("rotated"), None);
    let words = project.collegium(&DIFF).ok().out;
    assert_eq!(words.matches("only the earlier version has rotated sides").count(), 1, "{words}");
    // Rows came since: predictions of the earlier version are of others.
    project.edit_pipeline("baselines = []", "baselines = []\nrotate = 3");
    project.write("pipelines/data/rows.csv", rows(260));
    project.run(&[]);
    let of = node(&diff(&project), "kind").clone();
    let notes = of["notes"].to_string();
    let why = "over rotated sides the earlier version is not compared: in rotation 1 predictions are of 240 rows, \
               the table has 260 now";
    assert!(notes.contains(why) && of.get("rotated").is_none(), "{notes}");
}
