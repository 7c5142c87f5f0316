//! Response curves: recomputed from predictions alone, exact for a linear model, and through every kind of input.

use std::fmt::Write as _;

use serde_json::Value;

use crate::{
    predict::csv,
    project::{Project, noise},
};

const PIPELINE: &str = r#"[pipeline]
name = "small"
seed = 3

[data.rows]
path = "data/rows.csv"
split = { train = 0.5, valid = 0.1, test = 0.4, by = ["id"] }

[expert.line]
inputs = ["rows.a", "rows.d", "rows.colour", "rows.flag"]
target = "rows.line"
model  = { type = "linear" }

[expert.kind]
inputs = ["rows.b", "rows.c"]
target = "rows.kind"
model  = { hidden = [8] }
train  = { epochs = 40, batch = 32, learning_rate = 0.01 }

[expert.part]
inputs = ["rows.a", "rows.b"]
target = "rows.part"
model  = { type = "linear" }

[expert.final]
inputs = ["line.value", "kind.logit", "kind.label", "part.probability", "rows.day"]
target = "rows.final"
model  = { type = "linear" }

[evaluate]
baselines = []
"#;

/// Rows whose `line` is 3a − 2d + a step of the colour; every tenth `d` is missing.
fn table(count: usize) -> String {
    let mut text = "id,a,b,c,d,colour,flag,day,line,kind,part,final\n".to_owned();
    let mut noise = noise(99);
    for id in 0..count {
        let (a, b, c, d) = (noise(), noise(), noise(), noise());
        let colour = (noise().abs() * 6.0) as usize % 3;
        let line = 3.0 * a - 2.0 * d + [0.0, 1.0, -1.0][colour] + 0.05 * noise();
        let kind = b * 2.0 + c + 0.4 * noise() > 0.0;
        let part = ["low", "mid", "high", "top"][((a + 0.5) * 2.5 + (b + 0.5)) as usize % 4];
        let last = line + f64::from(u8::from(kind)) > 0.5;
        let colour = ["red", "green", "blue"][colour];
        let d = if id % 10 == 9 { String::new() } else { d.to_string() };
        let flag = noise() > 0.2;
        let day = id % 28 + 1;
        writeln!(
            text,
            "{id},{a},{b},{c},{d},{colour},{flag},2024-01-{day:02},{line},{kind},{part},{last}"
        )
        .unwrap();
    }
    text
}

fn audited() -> (Project, Value) {
    let project = Project::in_memory();
    project.write("pipelines/small.toml", PIPELINE);
    project.write("pipelines/data/rows.csv", table(900));
    project.collegium(&["run", "-q"]).ok();
    let audit = project.collegium(&["audit", "--json", "-q"]).ok().json();
    (project, audit)
}

fn responses<'a>(audit: &'a Value, name: &str) -> &'a Value {
    let mut nodes = audit["nodes"].as_array().unwrap().iter();
    &nodes.find(|node| node["name"] == name).unwrap()["probe"]["responses"]
}

fn response<'a>(responses: &'a Value, input: &str) -> &'a Value {
    let mut inputs = responses["inputs"].as_array().unwrap().iter();
    inputs.find(|of| of["input"] == input).unwrap_or_else(|| panic!("{input} in {responses}"))
}

fn numbers(values: &Value) -> Vec<f64> {
    values.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

fn effects(response: &Value, curve: usize) -> Vec<f64> {
    let points = response["curves"][curve]["effect"].as_array().unwrap();
    points.iter().map(|point| point["value"].as_f64().unwrap()).collect()
}

/// The cells of the test rows, by the table's own columns.
fn test_rows(project: &Project) -> Vec<Vec<String>> {
    project.collegium(&["predict", "-q", "--side", "test", "-o", "test.csv", "--keep", "id"]).ok();
    let ids = csv(&project.read("test.csv"))["id"].clone();
    let text = table(900);
    let of = |id: &String| {
        text.lines().nth(1 + id.parse::<usize>().unwrap()).unwrap().split(',').map(str::to_owned)
    };
    ids.iter().map(|id| of(id).collect()).collect()
}

/// What an output is with one column of the test rows set, row by row.
fn with(project: &Project, column: usize, output: &str, set: impl Fn(&str) -> String) -> Vec<f64> {
    let mut text = "id,a,b,c,d,colour,flag,day,line,kind,part,final\n".to_owned();
    for mut cells in test_rows(project) {
        cells[column] = set(&cells[column]);
        text += &(cells.join(",") + "\n");
    }
    project.write("new.csv", text);
    project.collegium(&["predict", "-q", "-i", "new.csv", "-o", "new.out.csv"]).ok();
    csv(&project.read("new.out.csv"))[output].iter().map(|cell| cell.parse().unwrap()).collect()
}

/// Accumulated local effects by their definition.
fn by_definition(edges: &[f64], values: &[Option<f64>], low: &[f64], high: &[f64]) -> Vec<f64> {
    let bins = edges.len() - 1;
    let bin = |value: f64| edges.iter().filter(|edge| **edge < value).count().clamp(1, bins) - 1;
    let mut curve = vec![0.0];
    for k in 0..bins {
        let inside = (0..values.len()).filter(|row| values[*row].is_some_and(|v| bin(v) == k));
        let gains: Vec<f64> = inside.map(|row| high[row] - low[row]).collect();
        curve.push(curve[k] + gains.iter().sum::<f64>() / gains.len() as f64);
    }
    let line = |value: f64| {
        let k = bin(value);
        curve[k] + (value - edges[k]) / (edges[k + 1] - edges[k]) * (curve[k + 1] - curve[k])
    };
    let known: Vec<f64> = values.iter().flatten().map(|value| line(*value)).collect();
    let mean = known.iter().sum::<f64>() / known.len() as f64;
    curve.iter().map(|point| point - mean).collect()
}

#[test]
fn curves_are_what_predictions_of_moved_rows_say() {
    let (project, audit) = audited();
    let rows = test_rows(&project);
    for (expert, input, column, output) in [
        ("expert.kind", "rows.b", 2, "kind.probability"),
        ("expert.line", "rows.d", 4, "line.value"),
    ] {
        let found = response(responses(&audit, expert), input);
        assert_eq!(found["method"], "accumulated-local-effects");
        let edges = numbers(&found["edges"]);
        let values: Vec<Option<f64>> =
            rows.iter().map(|cells| cells[column].parse().ok()).collect();
        let missing = values.iter().filter(|value| value.is_none()).count() as u64;
        assert_eq!(found["missing"], missing, "{input}");
        assert_eq!(missing > 0, input == "rows.d");
        let around = |cell: &str, side: usize| {
            let value: f64 = cell.parse().unwrap_or(edges[0]);
            let below = edges.iter().filter(|edge| **edge < value).count();
            edges[below.clamp(1, edges.len() - 1) - 1 + side].to_string()
        };
        let low = with(&project, column, output, |cell| around(cell, 0));
        let high = with(&project, column, output, |cell| around(cell, 1));
        let truth = by_definition(&edges, &values, &low, &high);
        for (effect, truth) in effects(found, 0).iter().zip(&truth) {
            assert!((effect - truth).abs() < 2e-5, "{input}: {effect}, not {truth}");
        }
    }
    // By level: every row put to each level, and no row left out.
    let found = response(responses(&audit, "expert.line"), "rows.colour");
    assert_eq!(found["method"], "partial-dependence");
    let levels: Vec<&str> =
        found["levels"].as_array().unwrap().iter().map(|level| level.as_str().unwrap()).collect();
    let mean = |level: &str| {
        let all = with(&project, 5, "line.value", |_| level.to_owned());
        all.iter().sum::<f64>() / all.len() as f64
    };
    let means: Vec<f64> = levels.iter().map(|level| mean(level)).collect();
    let counts = numbers(&found["counts"]);
    let centre = means.iter().zip(&counts).map(|(m, n)| m * n).sum::<f64>() / rows.len() as f64;
    for (effect, mean) in effects(found, 0).iter().zip(&means) {
        assert!((effect - (mean - centre)).abs() < 2e-5, "{levels:?}");
    }
}

#[test]
fn of_another_positive_class_the_curves_are_the_mirror_image() {
    let (project, audit) = audited();
    let first = effects(response(responses(&audit, "expert.kind"), "rows.b"), 0);
    let target = "target = \"rows.kind\"\n";
    project.edit_pipeline(target, &format!("{target}positive = \"false\"\n"));
    assert_eq!(project.fitted(), Vec::<String>::new());
    let audit = project.collegium(&["audit", "--json", "-q"]).ok().json();
    let found = responses(&audit, "expert.kind");
    assert_eq!(found["classes"], serde_json::json!(["false"]));
    let mirrored = effects(response(found, "rows.b"), 0);
    assert_eq!(first.len(), mirrored.len());
    for (one, other) in first.iter().zip(mirrored) {
        assert!((one + other).abs() < 1e-6, "{one} and {other}");
    }
}

#[test]
fn a_linear_models_curves_are_straight_with_its_own_slope_and_gradient() {
    let (_, audit) = audited();
    let all = responses(&audit, "expert.line");
    assert_eq!((&all["output"], &all["metric"]), (&"value".into(), &"rmse".into()));
    for (input, near) in [("rows.a", 3.0), ("rows.d", -2.0)] {
        let found = response(all, input);
        let (edges, effects) = (numbers(&found["edges"]), effects(found, 0));
        assert_eq!(edges.len(), 21, "{input}");
        let slope = (effects[20] - effects[0]) / (edges[20] - edges[0]);
        assert!((slope - near).abs() < 0.2, "{input}: {slope}");
        for (at, effect) in edges.windows(2).zip(effects.windows(2)) {
            let here = (effect[1] - effect[0]) / (at[1] - at[0]);
            assert!((here - slope).abs() < 1e-3, "{input}: {here}, not {slope}");
        }
        for gradient in numbers(&found["curves"][0]["gradient"]) {
            assert!((gradient - slope.abs()).abs() < 1e-3, "{input}: {gradient}, not {slope}");
        }
        for point in found["curves"][0]["effect"].as_array().unwrap() {
            let interval = &point["interval"];
            assert!(interval["low"].as_f64() <= interval["high"].as_f64(), "{point}");
        }
    }
    // By what it costs to shuffle them, dearest first.
    let inputs = all["inputs"].as_array().unwrap();
    let rises: Vec<f64> = inputs.iter().map(|of| of["rise"].as_f64().unwrap()).collect();
    assert!(rises.is_sorted_by(|a, b| a >= b) && rises.iter().all(|rise| *rise > 0.0), "{rises:?}");
}

#[test]
fn outputs_of_other_experts_have_curves_and_what_has_no_order_says_so() {
    let (_, audit) = audited();
    let all = responses(&audit, "expert.final");
    assert_eq!(all["output"], "probability");
    assert_eq!(all["classes"], serde_json::json!(["true"]));
    for input in ["line.value", "kind.logit"] {
        let found = response(all, input);
        assert!(numbers(&found["edges"]).len() > 10, "{found}");
        let effects = effects(found, 0);
        assert!(effects[0] < effects[effects.len() - 1], "{input}: {effects:?}");
    }
    let left_out: Vec<&str> =
        all["left_out"].as_array().unwrap().iter().map(|why| why.as_str().unwrap()).collect();
    assert_eq!(
        left_out,
        [
            "`part.probability` holds several numbers, which move together",
            "`rows.day` is a time, which has cycles beside its order",
        ]
    );
    // Of four classes the three that most rows hold, each with curves of its own.
    let all = responses(&audit, "expert.part");
    let classes = all["classes"].as_array().unwrap();
    assert_eq!(classes.len(), 3, "{classes:?}");
    let found = response(all, "rows.a");
    assert_eq!(found["curves"].as_array().unwrap().len(), 3);
    for curve in 0..3 {
        assert_eq!(effects(found, curve).len(), numbers(&found["edges"]).len());
    }
}

#[test]
fn the_page_draws_a_curve_for_each_input_and_explains_it() {
    let (project, audit) = audited();
    project.collegium(&["audit", "-q"]).ok();
    let page = project.read(".collegium/reports/small.html");
    let inputs: usize = audit["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| node["probe"]["responses"]["inputs"].as_array().map_or(0, Vec::len))
        .sum();
    assert!(inputs >= 8, "{inputs}");
    let pictures = page.matches("-title\">predicted value by ").count()
        + page.matches("-title\">probability").count();
    assert_eq!(pictures, inputs);
    assert!(page.contains("id=\"glossary-ale\""));
}
