//! Audit views: each is kept by itself, measured again by itself, and shown in a section of its name.

use std::{collections::BTreeMap, fs, path::PathBuf, time::SystemTime};

use serde_json::Value;

use crate::project::Project;

/// The records of audit views in a project's store: their files, by view and the outputs looked at.
fn records(project: &Project) -> BTreeMap<(String, String), (PathBuf, SystemTime)> {
    let mut found = BTreeMap::new();
    for shard in fs::read_dir(project.path(".collegium/recipes")).unwrap() {
        for file in fs::read_dir(shard.unwrap().path()).unwrap() {
            let file = file.unwrap().path();
            let recipe: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
            if recipe["kind"] != "audit" {
                continue;
            }
            let (view, of) = (&recipe["ingredients"]["view"], &recipe["ingredients"]["of"]);
            let digest = file.file_stem().unwrap().to_str().unwrap().to_owned();
            let folder = project.path(".collegium/realisations").join(&digest[..2]).join(&digest);
            let record = fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
            let written = fs::metadata(&record).unwrap().modified().unwrap();
            let key = (view["text"].as_str().unwrap().to_owned(), of.to_string());
            assert_eq!(found.insert(key, (record, written)), None);
        }
    }
    found
}

fn audit(project: &Project) -> Value {
    let mut audit = project.collegium(&["audit", "--json", "-q"]).ok().json();
    audit["created"] = Value::Null;
    audit
}

#[test]
fn a_view_whose_record_is_gone_is_measured_again_and_no_other() {
    let project = Project::new();
    project.edit_pipeline("epochs = 4", "epochs = 40");
    project.collegium(&["run", "-q"]).ok();
    let first = audit(&project);
    let before = records(&project);
    for view in ["cues", "performance", "layers"] {
        let gone: Vec<_> = before.iter().filter(|((of, _), _)| of == view).collect();
        assert!(!gone.is_empty(), "no record of {view}: {:?}", before.keys());
        for (_, (record, _)) in &gone {
            fs::remove_file(record).unwrap();
        }
        assert_eq!(audit(&project), first, "without {view}");
    }
    for (key, (record, written)) in records(&project) {
        let again = ["cues", "performance", "layers"].contains(&key.0.as_str());
        assert_eq!((&record, again), (&before[&key].0, written != before[&key].1), "{key:?}");
    }
}

#[test]
fn what_a_node_does_not_have_is_neither_measured_nor_filed() {
    let project = Project::new();
    project.edit_pipeline("epochs = 4", "epochs = 40");
    project.collegium(&["run", "-q"]).ok();
    audit(&project);
    let filed: Vec<String> = records(&project).into_keys().map(|(view, _)| view).collect();
    for absent in ["images", "combined", "seeds"] {
        assert!(!filed.iter().any(|view| view == absent), "{absent} of {filed:?}");
    }
    let all: Vec<&str> = collegium_audit::views().collect();
    assert!(filed.iter().all(|view| all.contains(&view.as_str())), "{filed:?}");
}

#[test]
fn each_view_has_a_module_in_the_audit_and_a_section_of_the_page_has_the_name_of_its_view() {
    let crates = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let modules = |of: &str| {
        let folder = fs::read_dir(crates.join(of).join("src/views")).unwrap();
        let mut names: Vec<String> = folder
            .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
            .filter(|name| name != "mod")
            .collect();
        names.sort();
        names
    };
    let mut views: Vec<String> = collegium_audit::views().map(str::to_owned).collect();
    views.sort();
    assert_eq!(modules("audit"), views);
    // The page of an expert joins some views into one table, and shows others among its first parts.
    let joined = |module: &String| module == "uses" || views.contains(module);
    assert!(modules("report").iter().all(joined), "{:?}", modules("report"));
}
