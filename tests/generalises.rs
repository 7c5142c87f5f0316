//! Overfitting is told from a shift by what fold models lose on training rows that they have not seen.

use crate::project::{Project, node, rows};

/// The project's rows, each with an `a` that `moved` gives the rows of a colour of `unread`; sides by colour.
fn by_colour(count: usize, moved: impl Fn(&str, f64) -> f64) -> Project {
    let project = Project::new();
    project.edit_pipeline(
        "train = 0.7, valid = 0.15, test = 0.15, by = [\"id\"]",
        "column = \"unread\", train = [\"red\"], valid = [\"green\"], test = [\"blue\"]",
    );
    let text = rows(count);
    let mut out = String::new();
    for (at, line) in text.lines().enumerate() {
        let mut cells: Vec<String> = line.split(',').map(str::to_owned).collect();
        if at > 0 {
            cells[1] = moved(&cells[5], cells[1].parse().unwrap()).to_string();
        }
        out += &format!("{}\n", cells.join(","));
    }
    project.write("pipelines/data/rows.csv", out);
    project
}

#[test]
fn test_rows_of_another_kind_are_a_shift_and_what_moved_is_named() {
    let project = by_colour(900, |colour, a| if colour == "blue" { a + 4.0 } else { a });
    project.edit_pipeline("epochs = 4", "epochs = 30");
    project.collegium(&["run", "-q"]).ok();
    let audit = project.collegium(&["audit", "--json", "-q"]).ok().json();
    let size = node(&audit, "size");
    let rmse = |measures: &serde_json::Value| measures["metrics"]["rmse"].as_f64().unwrap();
    let of_folds = &size["out_of_fold"];
    assert_eq!(of_folds["rows"], size["metrics"]["train"]["rows"]);
    assert!(rmse(&size["metrics"]["test"]) > 2.0 * rmse(of_folds));
    let moved: Vec<&str> =
        size["shift"].as_array().unwrap().iter().map(|c| c["column"].as_str().unwrap()).collect();
    assert_eq!(moved, ["rows.a"]);
    let said = size["findings"].to_string();
    assert!(said.contains("(a shift)") && said.contains("rows.a (PSI"), "{said}");
    let page = project.collegium(&["audit", "-o", "-", "-q"]).ok().out;
    assert!(page.contains("Overfitting or a shift?"));
}

#[test]
fn a_network_that_learns_its_rows_by_heart_overfits_and_nothing_is_a_shift() {
    let project = by_colour(240, |_, a| a);
    // A target that no input tells.
    let text = project.read("pipelines/data/rows.csv");
    let mut state = 7_u64;
    let mut out = String::new();
    for (at, line) in text.lines().enumerate() {
        let mut cells: Vec<String> = line.split(',').map(str::to_owned).collect();
        if at > 0 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let noise = (state >> 40) as f64 / (1_u64 << 24) as f64;
            cells[6] = (cells[1].parse::<f64>().unwrap() + 2.0 * noise).to_string();
        }
        out += &format!("{}\n", cells.join(","));
    }
    project.write("pipelines/data/rows.csv", out);
    project.edit_pipeline("target = \"rows.size\"\nmodel  = { type = \"mlp\", hidden = [8] }\ntrain  = { epochs = 4, batch = 32, learning_rate = 0.01 }", "target = \"rows.size\"\nmodel  = { type = \"mlp\", hidden = [256, 256] }\ntrain  = { epochs = 300, batch = 16, learning_rate = 0.01, patience = 300 }");
    project.collegium(&["run", "-q"]).ok();
    let audit = project.collegium(&["audit", "--json", "-q"]).ok().json();
    let size = node(&audit, "size");
    let said = size["findings"].to_string();
    assert!(size.get("shift").is_none() && !said.contains("(a shift)"), "{said}");
    // It keeps the weights of its best validation epoch, so it need not overfit; where it does, that is what is said.
    let rmse = |measures: &serde_json::Value| measures["metrics"]["rmse"].as_f64().unwrap();
    let (train, of_folds) = (rmse(&size["metrics"]["train"]), rmse(&size["out_of_fold"]));
    let certain = {
        let end = |m: &serde_json::Value, end: &str| m["intervals"]["rmse"][end].as_f64().unwrap();
        let (a, b) = (
            of_folds - end(&size["out_of_fold"], "low"),
            end(&size["metrics"]["train"], "high") - train,
        );
        of_folds - train > a.hypot(b)
    };
    assert_eq!(
        said.contains("It overfits"),
        certain && of_folds / train > 1.25,
        "{train} {of_folds} {said}"
    );
}
