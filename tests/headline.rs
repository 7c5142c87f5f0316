//! One figure stands for an expert in every place, and its interval holds what rows and seeds leave open.

use serde_json::Value;

use crate::project::{Project, node};

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn one_figure_stands_for_an_expert_in_every_place() {
    let project = Project::new();
    project.edit_pipeline("bootstrap = 5", "bootstrap = 5\nseeds = 2");
    let run = project.collegium(&["run", "--json"]).ok().json();
    let audit = project.collegium(&["audit", "--json", "-q"]).ok().json();
    let page = project.collegium(&["audit", "-o", "-", "-q"]).ok().out;
    let log = project.collegium(&["log"]).ok().out;
    for (name, metric, shown) in
        [("size", "r2", "R²"), ("kind", "auc", "AUC"), ("final", "auc", "AUC")]
    {
        let (ran, audited) = (node(&run, name), node(&audit, name));
        let (one, other) = (&ran["headline"], &audited["headline"]);
        assert_eq!((&one["metric"], &other["metric"]), (&metric.into(), &metric.into()));
        assert_eq!(one["value"], ran["metrics"]["test"][metric]);
        assert!((number(&one["value"]) - number(&other["value"])).abs() < 1e-9);
        assert_eq!(other["interval"], audited["metrics"]["test"]["intervals"][metric]);
        let digits = collegium_records::three_digits(number(&one["value"]));
        assert!(log.contains(&format!("{name} ({shown} {digits})")), "{name} {digits}: {log}");
        assert!(page.contains(&digits), "{name}: {digits}");
    }
    let said = project.collegium(&["audit", "size", "-q"]).ok().out;
    assert!(said.contains("expert.size: test R² 0."), "{said}");
    assert!(said.contains("over rows and 3 seeds"), "{said}");
    assert!(page.contains("over rows and over 3 seeds"));
}

/// On each side an interval reaches at least as far as Student's t times the standard deviation of the seeds' figures.
#[test]
fn intervals_of_test_figures_hold_the_spread_of_seeds() {
    let project = Project::new();
    project.edit_pipeline("bootstrap = 5", "bootstrap = 5\nseeds = 3");
    project.collegium(&["run", "-q"]).ok();
    let audit = project.collegium(&["audit", "--json", "-q"]).ok().json();
    for name in ["size", "kind", "final"] {
        let audited = node(&audit, name);
        let test = &audited["metrics"]["test"];
        assert_eq!(test["seeds"], 4);
        assert!(audited["metrics"]["train"].get("seeds").is_none());
        let fits = audited["probe"]["seeds"].as_array().unwrap();
        for (metric, interval) in test["intervals"].as_object().unwrap() {
            let values: Vec<f64> = fits.iter().map(|fit| number(&fit[metric])).collect();
            let mean = values.iter().sum::<f64>() / 4.0;
            let squares = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
            // Student's 97.5 % point of three degrees of freedom.
            let reach = 3.182_446 * (squares / 3.0).sqrt();
            let point = number(&test["metrics"][metric]);
            assert!((values[0] - point).abs() < 1e-9, "this fit is the first");
            let bounded = matches!(
                metric.as_str(),
                "auc" | "accuracy" | "f1" | "average_precision" | "r2" | "precision" | "recall"
            );
            let most = if bounded { 1.0 } else { f64::INFINITY };
            let (low, high) = (number(&interval["low"]), number(&interval["high"]));
            assert!(
                low <= (point - reach).max(if metric == "r2" { f64::MIN } else { 0.0 }) + 1e-9,
                "{metric}"
            );
            assert!(high >= (point + reach).min(most) - 1e-9, "{metric}");
        }
    }
}

/// A model in which nothing is drawn at random has no seeds, and no band of them.
#[test]
fn what_no_seed_moves_has_no_band_of_seeds() {
    let project = Project::new();
    let linear = "target = \"rows.size\"\nmodel  = { type = \"linear\" }\n";
    project.edit_pipeline(
        "target = \"rows.size\"\nmodel  = { type = \"mlp\", hidden = [8] }\ntrain  = { epochs = 4, batch = 32, learning_rate = 0.01 }\n",
        linear,
    );
    project.edit_pipeline("bootstrap = 5", "bootstrap = 5\nseeds = 2");
    project.collegium(&["run", "size", "-q"]).ok();
    std::fs::copy(project.path("pipelines/small.lock"), project.path("old.lock")).unwrap();
    let audit = project.collegium(&["audit", "size", "--json", "-q"]).ok().json();
    let test = &node(&audit, "size")["metrics"]["test"];
    assert!(
        test.get("seeds").is_none()
            && node(&audit, "size")["probe"]
                .get("seeds")
                .is_none_or(|s| s.as_array().unwrap().is_empty())
    );
    project.edit_pipeline("{ type = \"linear\" }", "{ type = \"linear\", ridge = 5.0 }");
    project.collegium(&["run", "size", "-q"]).ok();
    let diff =
        project.collegium(&["diff", "old.lock", ".", "size", "--seeds", "2", "--json"]).ok().json();
    let of = node(&diff, "size");
    assert_eq!((&of["seeds"], &of["headline"]), (&0.into(), &"r2".into()));
    assert!(of["importance"].as_array().unwrap().iter().all(|one| one.get("band").is_none()));
    assert!(of["notes"].to_string().contains("no band of seeds: nothing is drawn at random"));
    let words = project.collegium(&["diff", "old.lock", ".", "size", "--seeds", "2"]).ok().out;
    let first =
        words.lines().skip_while(|line| !line.contains("metric on test rows")).nth(1).unwrap();
    assert!(first.trim_start().starts_with("r2"), "{words}");
}
