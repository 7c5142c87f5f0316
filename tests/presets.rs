//! Presets and encodings of numbers: what they set, what they refit, and that the rest of the tool goes on as before.

use std::fmt::Write as _;

use crate::{
    predict::csv,
    project::{Project, node, noise},
};

const PIPELINE: &str = r#"[pipeline]
name = "small"
seed = 3

[data.rows]
path = "data/rows.csv"
split = { train = 0.5, valid = 0.2, test = 0.3, by = ["id"] }

[expert.wave]
inputs = ["rows.a", "rows.b", "rows.far", "rows.colour"]
target = "rows.wave"

[expert.high]
inputs = ["rows.a", "wave.value"]
target = "rows.high"

[evaluate]
baselines = ["linear"]
"#;

/// A wave of `a` that no line follows, a step of `b`, and `far`: 1 in 40 values is a thousand million. Every seventh `b` is
/// missing.
fn table(count: usize) -> String {
    let mut text = "id,a,b,far,colour,wave,high\n".to_owned();
    let mut noise = noise(7);
    for id in 0..count {
        let (a, b, far) = (noise(), noise(), noise());
        let wave = (15.0 * a).sin() + f64::from(u8::from(b > 0.2)) + 2.0 * far + 0.1 * noise();
        let far = if id % 40 == 0 { 1e9 } else { far };
        let b = if id % 7 == 0 { String::new() } else { b.to_string() };
        let colour = ["red", "green", "blue"][id % 3];
        let high = wave + a > 0.7;
        let _ = writeln!(text, "{id},{a},{b},{far},{colour},{wave},{high}");
    }
    text
}

fn project(more: &str) -> Project {
    let project = Project::empty();
    let target = "target = \"rows.wave\"\n";
    project.write("pipelines/small.toml", PIPELINE.replace(target, &format!("{target}{more}\n")));
    project.write("pipelines/data/rows.csv", table(1500));
    project
}

fn r2(project: &Project) -> f64 {
    let run = project.collegium(&["run", "--json", "-q"]).ok().json();
    node(&run, "wave")["metrics"]["test"]["r2"].as_f64().unwrap()
}

#[test]
fn a_preset_is_written_out_and_any_value_stands_over_it() {
    let project = project("preset = \"fast\"\nmodel = { hidden = [48] }\ntrain = { epochs = 7 }");
    let shown = project.collegium(&["show", "wave"]).ok().out;
    let lines: Vec<&str> = shown
        .lines()
        .filter(|line| {
            ["model", "encode", "train", "calibrate"].iter().any(|key| line.starts_with(key))
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    model = { type = "mlp", hidden = [48], activation = "gelu", dropout = 0.0 }
    encode = { numbers = ["robust", "quantile", "ple"], bins = 32, edges = "quantiles" }
    train = { epochs = 7, batch = "auto", learning_rate = 0.01, schedule = "one-cycle", warm_up = 0.2, optimizer = "adamw", beta2 = 0.95, weight_decay = 0.1, patience = 0, class_weights = "none" }
    calibrate = "temperature"
    "#);
    let other = project.collegium(&["show", "high"]).ok().out;
    assert!(other.contains("members = 4") && other.contains("batch = \"auto\""), "{other}");
    // For the pipeline, it is the preset of every expert that names none.
    project.edit_pipeline("seed = 3", "seed = 3\npreset = \"fast\"");
    let other = project.collegium(&["show", "high"]).ok().out;
    assert!(other.contains("hidden = [64, 32]") && other.contains("members = 1"), "{other}");
    let own = project.collegium(&["show", "wave"]).ok().out;
    assert!(own.contains("hidden = [48]") && own.contains("epochs = 7"), "{own}");
}

#[test]
fn outliers_harm_nobody_whose_numbers_are_ranked_or_scaled_robustly() {
    let plain = r2(&project("preset = \"fast\"\nencode = { numbers = [\"standard\"] }"));
    let robust = r2(&project(
        "preset = \"fast\"\nencode = { numbers = [\"robust\", \"quantile\", \"ple\"] }",
    ));
    let ranks = r2(&project("preset = \"fast\"\nencode = { numbers = [\"quantile\", \"ple\"] }"));
    assert!(robust > 0.9, "{robust}");
    assert!(ranks > 0.85, "{ranks}");
    assert!(
        plain < 0.8,
        "{plain}: a few values of a thousand million should have hidden the others"
    );
}

#[test]
fn a_network_with_encodings_answers_the_same_alone_and_among_others() {
    let project = project("preset = \"fast\"");
    project.collegium(&["run", "-q"]).ok();
    project.collegium(&["predict", "--side", "all", "-o", "own.csv", "-q"]).ok();
    let own = csv(&project.read("own.csv"));
    let text = table(1500);
    let lines: Vec<&str> = text.lines().collect();
    for row in [3, 700, 1499] {
        // Alone, and as a file of three.
        for rows in [vec![row], vec![row - 1, row, row - 2]] {
            let few: Vec<&str> =
                std::iter::once(lines[0]).chain(rows.iter().map(|row| lines[row + 1])).collect();
            project.write("few.csv", few.join("\n"));
            project.collegium(&["predict", "-i", "few.csv", "-o", "few-out.csv", "-q"]).ok();
            let found = csv(&project.read("few-out.csv"));
            let at = rows.iter().position(|other| *other == row).unwrap();
            let place = own["row"].iter().position(|number| *number == row.to_string()).unwrap();
            if own["wave.basis"][place] != "out-of-fold" {
                assert_eq!(found["wave.value"][at], own["wave.value"][place], "row {row}");
            }
        }
    }
}

#[test]
fn importances_stay_with_the_declared_inputs_and_the_wave_is_seen() {
    let project = project("preset = \"fast\"");
    project.collegium(&["run", "-q"]).ok();
    let audit = project.collegium(&["audit", "wave", "--json", "-q"]).ok().json();
    let wave = node(&audit, "wave");
    let importance = wave["agop"]["importance"].as_array().unwrap();
    let inputs: Vec<&str> = importance.iter().map(|one| one["input"].as_str().unwrap()).collect();
    let mut sorted = inputs.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, ["rows.a", "rows.b", "rows.colour", "rows.far"]);
    let share = |name: &str| {
        importance.iter().find(|one| one["input"] == name).unwrap()["share"].as_f64().unwrap()
    };
    assert!(share("rows.a") > 0.4 && share("rows.colour") < 0.1, "{importance:?}");
}

#[test]
fn another_preset_fits_its_expert_and_what_reads_it() {
    let project = project("preset = \"fast\"\ntrain = { epochs = 5 }");
    project.collegium(&["run", "-q"]).ok();
    assert_eq!(project.fitted(), Vec::<String>::new());
    // The values of the preset written out are the same values.
    project.edit_pipeline("train = { epochs = 5 }", "train = { epochs = 5, beta2 = 0.95 }");
    assert_eq!(project.fitted(), Vec::<String>::new());
    project.edit_pipeline("beta2 = 0.95", "beta2 = 0.9");
    let fitted = project.fitted();
    assert!(fitted.iter().any(|name| name.contains("wave")), "{fitted:?}");
    project.edit_pipeline(
        "epochs = 5, beta2 = 0.9 }",
        "epochs = 5, beta2 = 0.9 }\nencode = { bins = 4 }",
    );
    assert!(project.fitted().iter().any(|name| name.contains("wave")));
}

#[test]
fn what_an_encoding_cannot_be_is_told_at_its_place() {
    let said = |more: &str, code: i32, needles: &[&str]| {
        project(more).collegium(&["check"]).fails(code, needles)
    };
    said("encode = { numbers = [] }", 3, &["`numbers` names no encoding", "small.toml:12"]);
    said("encode = { numbers = [\"ple\", \"ple\"] }", 3, &["listed twice"]);
    said("encode = { numbers = [\"standard\", \"robust\"] }", 3, &["scaled in one way"]);
    said("encode = { bins = 1 }", 3, &["`bins` must be from 2 to 256"]);
    said("preset = \"quick\"", 3, &["`preset` cannot be `quick`"]);
    said("train = { learning_rate = { regression = -1 } }", 3, &["`learning_rate` must be"]);
    said("train = { batch = 0 }", 3, &["`batch` must be at least 1"]);
    // A model that is no network reads none of it.
    let linear = "model = { type = \"linear\" }\nencode = { numbers = [\"ple\"] }\ncalibrate = \"temperature\"";
    let said = project(linear).collegium(&["check"]).ok();
    assert!(said.err.contains("`encode` has no effect on `wave`"), "{}", said.err);
    assert!(said.err.contains("`calibrate` has no effect on `wave`"), "{}", said.err);
}

#[test]
fn no_other_temperature_fits_the_validation_rows_better() {
    let train = "train = { epochs = 200, patience = 0, learning_rate = 0.02 }";
    let project = Project::empty();
    let target = "target = \"rows.high\"\n";
    let text = PIPELINE.replace(target, &format!("{target}{train}\ncalibrate = \"temperature\"\n"));
    project.write("pipelines/small.toml", text);
    project.write("pipelines/data/rows.csv", table(1500));
    project.collegium(&["run", "-q"]).ok();
    project.collegium(&["predict", "high", "--side", "valid", "-o", "valid.csv", "-q"]).ok();
    let valid = csv(&project.read("valid.csv"));
    let loss = |factor: f64| -> f64 {
        let each = valid["high.probability"].iter().zip(&valid["high"]).map(|(p, truth)| {
            let p: f64 = p.parse().unwrap();
            let logit = (p / (1.0 - p)).ln().clamp(-30.0, 30.0) * factor;
            (if truth == "true" { -logit } else { logit }).exp().ln_1p()
        });
        each.sum()
    };
    for factor in [0.5, 0.9, 1.1, 2.0] {
        assert!(loss(factor) > loss(1.0), "{factor}: {} {}", loss(factor), loss(1.0));
    }
}
