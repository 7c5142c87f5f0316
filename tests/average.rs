//! Averages of models: members by seeds, and blends of a model with those of its folds.

use crate::{
    predict::csv,
    project::{Project, node},
};

const PIPELINE: &str = r#"[pipeline]
name = "small"
seed = 3

[data.rows]
path = "data/rows.csv"
split = { train = 0.6, valid = 0.2, test = 0.2, by = ["id"] }

[expert.wave]
inputs = ["rows.a", "rows.b"]
target = "rows.wave"
train = { epochs = 6 }

[evaluate]
baselines = []
"#;

const READER: &str = r#"
[expert.high]
inputs = ["rows.b", "wave.value"]
target = "rows.high"
train = { epochs = 4 }
"#;

fn table(count: usize) -> String {
    let mut text = "id,a,b,wave,high\n".to_owned();
    for id in 0..count {
        let noise = |k: usize| ((id * k) % 997) as f64 / 997.0 - 0.5;
        let (a, b) = (noise(373), noise(571));
        let wave = (9.0 * a).sin() + b + 0.3 * noise(797);
        text += &format!("{id},{a},{b},{wave},{}\n", wave > 0.3);
    }
    text
}

/// The expert with more keys, and experts behind it.
fn project(more: &str, behind: &str) -> Project {
    let project = Project::empty();
    let keys = format!("train = {{ epochs = 6 }}\n{more}\n");
    let text = PIPELINE.replace("train = { epochs = 6 }\n", &keys);
    project.write("pipelines/small.toml", format!("{text}{behind}"));
    project.write("pipelines/data/rows.csv", table(900));
    project
}

fn fitted(run: &serde_json::Value, name: &str) -> Vec<String> {
    let names = node(run, name)["fitted"].as_array().unwrap().clone();
    names.iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

fn values(project: &Project) -> Vec<f64> {
    project.collegium(&["predict", "--side", "test", "-o", "out.csv", "-q"]).ok();
    let columns = csv(&project.read("out.csv"));
    columns["wave.value"].iter().map(|cell| cell.parse().unwrap()).collect()
}

#[test]
fn a_blend_is_half_the_model_of_all_rows_and_its_folds_are_those_that_consumers_ask_for() {
    let project = project("deploy = \"blend\"\nfolds = 3", "");
    let run = project.collegium(&["run", "--json", "-q"]).ok().json();
    let mut names = fitted(&run, "wave");
    names.sort();
    assert_eq!(names, ["fold 1/3", "fold 2/3", "fold 3/3", "full", "member"]);
    let before = values(&project);
    // What reads it out of fold, by as many folds, fits nothing of it, and moves no bit.
    project.edit_pipeline("[evaluate]", "[expert.high]\ninputs = [\"rows.b\", \"wave.value\"]\ntarget = \"rows.high\"\nfolds = 3\n\n[evaluate]");
    let run = project.collegium(&["run", "--json", "-q"]).ok().json();
    assert_eq!(fitted(&run, "wave"), Vec::<String>::new());
    assert_eq!(fitted(&run, "high"), ["full"]);
    assert_eq!(values(&project), before);
    // Another number of folds is another blend.
    project.edit_pipeline("deploy = \"blend\"\nfolds = 3", "deploy = \"blend\"\nfolds = 4");
    let plan = project.collegium(&["plan", "--json"]).ok().json();
    assert_eq!(node(&plan, "wave")["action"], "train", "{plan}");
}

#[test]
fn members_differ_by_their_random_numbers_and_the_first_is_the_model_without_members() {
    let alone = project("members = 1", "");
    alone.collegium(&["run", "-q"]).ok();
    let several = project("members = 3", "");
    let run = several.collegium(&["run", "--json", "-q"]).ok().json();
    assert_eq!(fitted(&run, "wave"), ["full"]);
    let (one, three) = (values(&alone), values(&several));
    assert_ne!(one, three);
    let far: f64 = one.iter().zip(&three).map(|(a, b)| (a - b).abs()).sum();
    let far = far / one.len() as f64;
    assert!(far < 0.3, "{far}: an average of models is near each of them");
    let again = several.collegium(&["run", "--json", "-q"]).ok().json();
    assert_eq!(fitted(&again, "wave"), Vec::<String>::new());
}

#[test]
fn one_job_and_four_blend_alike() {
    let more = "deploy = \"blend\"\nmembers = 2";
    let locks = ["1", "4"].map(|jobs| {
        let project = project(more, READER);
        project.collegium(&["run", "-q", "--jobs", jobs]).ok();
        project.read("pipelines/small.lock")
    });
    assert_eq!(locks[0], locks[1]);
}

#[test]
fn what_uses_a_model_uses_an_average() {
    let project = project("preset = \"best\"", READER);
    let run = project.collegium(&["run", "--json", "-q"]).ok().json();
    assert_eq!(node(&run, "wave")["fits"], 7);
    let shown = project.collegium(&["show"]).ok().out;
    assert!(shown.contains("deploy = \"blend\""), "{shown}");
    let audit = project.collegium(&["audit", "--json", "-q"]).ok().json();
    let wave = node(&audit, "wave");
    assert_eq!(wave["model"], "mlp 64-32 gelu, mean of 4 members, blended with 5 folds");
    assert!(wave["agop"]["importance"].as_array().is_some_and(|all| all.len() == 2), "{wave}");
    project.collegium(&["verify"]).ok();
    project.collegium(&["gc", "-q"]).ok();
    let again = project.collegium(&["run", "--json", "-q"]).ok().json();
    assert_eq!(node(&again, "wave")["fits"], 0);
    // A model that is held stands on the average, and its consumers go on to read its folds.
    project.edit_pipeline("preset = \"best\"", "preset = \"best\"\nfrozen = true");
    let frozen = project.collegium(&["run", "--json", "-q"]).ok().json();
    assert_eq!(
        (&node(&frozen, "wave")["fits"], &node(&frozen, "high")["fits"]),
        (&0.into(), &0.into())
    );
}

#[test]
fn a_lost_average_is_made_of_its_members_again_bit_for_bit() {
    let project = project("deploy = \"blend\"", "");
    project.collegium(&["run", "-q"]).ok();
    let before = values(&project);
    let lock = project.read("pipelines/small.lock");
    std::fs::remove_dir_all(project.path(".collegium")).unwrap();
    let run = project.collegium(&["run", "--json", "-q"]).ok().json();
    assert_eq!(fitted(&run, "wave").len(), 7);
    assert_eq!(project.read("pipelines/small.lock"), lock);
    assert_eq!(values(&project), before);
}

#[test]
fn in_time_and_warm_there_is_no_blend_and_nothing_is_averaged_that_is_always_the_same() {
    let said = |more: &str, split: Option<&str>| {
        let project = project(more, "");
        if let Some(split) = split {
            project.edit_pipeline(
                "split = { train = 0.6, valid = 0.2, test = 0.2, by = [\"id\"] }",
                split,
            );
        }
        project.collegium(&["check"]).err
    };
    let time = "split = { time = \"rows.id\", valid = 0.2, test = 0.2 }";
    let forward = said("deploy = \"blend\"", Some(time));
    assert!(forward.contains("does not go with a split by time"), "{forward}");
    let warm = said("deploy = \"blend\"\nwarm_start = true", None);
    assert!(warm.contains("does not go with `warm_start`"), "{warm}");
    let linear = said("members = 3\nmodel = { type = \"linear\" }", None);
    assert!(linear.contains("draws nothing at random"), "{linear}");
    let none = said("members = 0", None);
    assert!(none.contains("from 1 to 100"), "{none}");
    let best = project("preset = \"best\"", "");
    best.edit_pipeline("split = { train = 0.6, valid = 0.2, test = 0.2, by = [\"id\"] }", time);
    let shown = best.collegium(&["show"]).ok().out;
    assert!(shown.contains("members = 8") && shown.contains("deploy = \"full\""), "{shown}");
}
