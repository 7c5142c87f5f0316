//! Which models have seen given rows.

use crate::project::Project;

fn asked(project: &Project, rows: &str, args: &[&str]) -> serde_json::Value {
    project.write("withdrawn.csv", rows);
    let words = [&["forget", "--json", "--rows", "withdrawn.csv"][..], args].concat();
    project.collegium(&words).ok().json()
}

/// The ids of the table, by the side that the lock's object says.
fn ids(project: &Project, side: u8) -> Vec<usize> {
    let sides = project.lock().data["data.rows"].sides.to_string();
    let path = format!(".collegium/objects/{}/{}", &sides[..2], &sides[2..]);
    let bytes = std::fs::read(project.path(&path)).unwrap();
    (0..bytes.len() - 8).filter(|row| bytes[8 + row] == side).collect()
}

#[test]
fn rows_are_found_by_their_key_in_every_model_that_has_seen_them() {
    let project = Project::ready();
    let (train, test) = (ids(&project, 0), ids(&project, 2));
    let rows = format!("id\n{}\n{}\n{}\n", train[0], train[1], test[0]);
    let report = asked(&project, &rows, &[]);
    assert_eq!(report["rows"], 3);
    assert!(report.get("fits").is_none(), "nobody asked what it costs: {report}");
    let full = |name: &str| {
        let models = report["models"].as_array().unwrap();
        models.iter().find(|m| m["node"] == name && m["part"] == "full").unwrap().clone()
    };
    for name in ["expert.size", "expert.kind", "expert.final"] {
        assert_eq!(full(name)["trained"], 2, "{report}");
        assert_eq!(full(name)["chosen"], 0, "{report}");
    }
    assert_eq!(full("expert.size")["through_others"], 0);
    assert_eq!(full("expert.final")["through_others"], 2, "by the outputs that it was trained on");
    // A fold has not seen the rows that are left out of it.
    let folds = report["models"].as_array().unwrap().iter().filter(|model| {
        model["node"] == "expert.size" && model["part"].as_str().unwrap().starts_with("fold")
    });
    let seen: u64 = folds.map(|model| model["trained"].as_u64().unwrap()).sum();
    assert_eq!(seen, 8, "each of two rows by four of five folds");
}

#[test]
fn nobody_has_seen_a_test_row() {
    let project = Project::ready();
    let test = ids(&project, 2);
    let report = asked(&project, &format!("id\n{}\n", test[0]), &["--retrain"]);
    assert_eq!(report["models"].as_array().unwrap().len(), 0, "{report}");
    assert!(report.get("seconds").is_none());
    assert_eq!(report["fits"], 0, "it was asked for, and nothing is to be made again");
}

#[test]
fn the_price_of_making_them_again_is_that_of_all_fits() {
    let project = Project::ready();
    let train = ids(&project, 0);
    let report = asked(&project, &format!("id\n{}\n", train[0]), &["--retrain"]);
    assert_eq!(report["fits"], 13, "two experts with five folds each, and one without");
    assert!(report["seconds"]["expected"].as_f64().unwrap() > 0.0);
    let said = project.collegium(&["forget", "--rows", "withdrawn.csv"]).ok();
    assert!(said.out.contains("expert.final"), "{}", said.out);
}

#[test]
fn a_file_without_the_key_is_refused_with_the_columns_that_would_do() {
    let project = Project::ready();
    project.write("withdrawn.csv", "name\nx\n");
    let said = project.collegium(&["forget", "--rows", "withdrawn.csv"]);
    said.fails(2, &["has not the columns that tell rows apart", "`id`"]);
}

#[test]
fn of_several_data_sources_each_is_asked_by_its_own_key() {
    let project = Project::new();
    let other = "\n[data.others]\npath = \"data/others.csv\"\nread = { decimal = \",\" , delimiter = \";\" }\n\
                 split = { train = 0.7, valid = 0.15, test = 0.15, by = [\"code\"] }\n\n\
                 [expert.other]\ninputs = [\"others.x\"]\ntarget = \"others.y\"\nmodel = { hidden = [4] }\n\
                 train = { epochs = 2 }\n";
    project.write("pipelines/small.toml", project.read("pipelines/small.toml") + other);
    let rows = (0..200).map(|row| format!("{row},5;{};{}\n", row % 17, row % 2));
    project.write("pipelines/data/others.csv", format!("code;x;y\n{}", rows.collect::<String>()));
    project.run(&[]);
    // The rows of the other source, by its key as it writes it; no model of the first can be asked.
    let withdrawn: String = (0..200).map(|row| format!("{row},5;\n")).collect();
    let report = asked(&project, &format!("code;none\n{withdrawn}"), &[]);
    let models = report["models"].as_array().unwrap();
    assert!(
        !models.is_empty() && models.iter().all(|model| model["node"] == "expert.other"),
        "{report}"
    );
    let unknown = report["unknown"].to_string();
    assert!(unknown.contains("expert.size: the file cannot be read as `rows` is"), "{unknown}");
}
