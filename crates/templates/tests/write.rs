//! What `init` leaves in a folder: a whole project, or nothing.

#![allow(clippy::unwrap_used)] // a test may fail

use std::{
    fs,
    path::{Path, PathBuf},
};

use collegium_templates::{TemplateError, all, write};

const SCHEMA: &str = "{\"title\": \"pipeline\"}\n";

/// Every file and folder under `dir`, sorted, with `/` between names.
fn contents(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(dir).unwrap().to_string_lossy().replace('\\', "/");
            if path.is_dir() {
                open.push(path);
                found.push(name + "/");
            } else {
                found.push(name);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn every_template_writes_a_pipeline_its_table_and_the_schema() {
    for template in all() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("new/project");
        let written = write(template.name, &root, SCHEMA).unwrap();
        assert_eq!(written[0], root.join(format!("pipelines/{}.toml", template.name)));
        assert!(written.iter().all(|file| file.is_file()));
        assert_eq!(contents(&root).len(), 5, "two folders, three files: {:?}", contents(&root));
        assert_eq!(
            fs::read_to_string(root.join("pipelines/pipeline.schema.json")).unwrap(),
            SCHEMA
        );
    }
}

#[test]
fn the_first_line_of_every_pipeline_points_editors_to_the_schema() {
    for template in all() {
        let dir = tempfile::tempdir().unwrap();
        let written = write(template.name, dir.path(), SCHEMA).unwrap();
        let text = fs::read_to_string(&written[0]).unwrap();
        assert_eq!(text.lines().next(), Some("#:schema ./pipeline.schema.json"));
    }
}

/// Files are found, every reference has a node or column to point to, and nothing is declared twice.
#[test]
fn every_pipeline_refers_to_what_is_there() {
    for template in all() {
        let dir = tempfile::tempdir().unwrap();
        let written = write(template.name, dir.path(), SCHEMA).unwrap();
        let text = fs::read_to_string(&written[0]).unwrap();
        let pipeline: toml::Table = text.parse().unwrap();
        assert_eq!(pipeline["pipeline"]["name"].as_str(), Some(template.name));
        assert_eq!(pipeline["pipeline"]["format"].as_integer(), Some(1));

        let (data, source) = pipeline["data"].as_table().unwrap().iter().next().unwrap();
        let table = dir.path().join("pipelines").join(source["path"].as_str().unwrap());
        let csv = fs::read_to_string(table).unwrap();
        let mut columns: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
        let width = columns.len();
        assert!(csv.lines().all(|line| line.split(',').count() == width));
        if let Some(derived) = source.get("derive") {
            columns.extend(derived.as_table().unwrap().keys().map(String::as_str));
        }
        let experts = pipeline["expert"].as_table().unwrap();
        for expert in experts.values() {
            let inputs = expert.get("inputs").and_then(|list| list.as_array());
            let target = expert.get("target").into_iter();
            for reference in inputs.into_iter().flatten().chain(target) {
                let (node, what) = reference.as_str().unwrap().split_once('.').unwrap();
                let known = (node == data && columns.contains(&what)) || experts.contains_key(node);
                assert!(known, "{}: {reference}", template.name);
            }
            if let Some(parent) = expert.get("extends") {
                let name = parent.as_str().unwrap().strip_prefix("expert.").unwrap();
                assert!(experts.contains_key(name));
            }
        }
    }
}

#[test]
fn files_that_exist_are_all_named_and_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let mine = dir.path().join("pipelines/tabular.toml");
    let data = dir.path().join("pipelines/data/parcels.csv");
    fs::create_dir_all(data.parent().unwrap()).unwrap();
    fs::write(&mine, "mine").unwrap();
    fs::write(&data, "mine too").unwrap();
    let before = contents(dir.path());
    let error = write("tabular", dir.path(), SCHEMA).unwrap_err();
    let TemplateError::Exists { files } = &error else { panic!("{error}") };
    assert_eq!(files, &[mine.clone(), data]);
    assert!(error.to_string().starts_with("nothing was written, because these files exist: "));
    assert_eq!(contents(dir.path()), before);
    assert_eq!(fs::read_to_string(mine).unwrap(), "mine");
}

#[test]
fn a_second_template_joins_a_project_whose_schema_is_the_same() {
    let dir = tempfile::tempdir().unwrap();
    write("blank", dir.path(), SCHEMA).unwrap();
    let written = write("machines", dir.path(), SCHEMA).unwrap();
    let expected: Vec<PathBuf> = ["pipelines/machines.toml", "pipelines/data/machines.csv"]
        .map(|name| dir.path().join(name))
        .to_vec();
    assert_eq!(written, expected);
    let error = write("tabular", dir.path(), "{}").unwrap_err();
    assert!(error.to_string().contains("pipeline.schema.json"), "{error}");
}

#[test]
fn a_file_in_the_place_of_a_folder_is_an_error_that_leaves_no_trace() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("pipelines"), "a file").unwrap();
    let error = write("blank", dir.path(), SCHEMA).unwrap_err();
    assert!(matches!(error, TemplateError::Io { .. }), "{error}");
    assert_eq!(contents(dir.path()), ["pipelines"]);
}

#[cfg(unix)]
#[test]
fn a_link_to_nowhere_counts_as_a_file() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("pipelines")).unwrap();
    std::os::unix::fs::symlink("nowhere", dir.path().join("pipelines/blank.toml")).unwrap();
    let error = write("blank", dir.path(), SCHEMA).unwrap_err();
    assert!(matches!(error, TemplateError::Exists { .. }), "{error}");
    assert_eq!(contents(dir.path()), ["pipelines/", "pipelines/blank.toml"]);
}

#[test]
fn an_unknown_template_names_all() {
    let dir = tempfile::tempdir().unwrap();
    let error = write("machine", dir.path(), SCHEMA).unwrap_err();
    insta::assert_snapshot!(error, @r#"there is no template "machine"; the templates are tabular, machines, blank"#);
    assert_eq!(contents(dir.path()), [""; 0]);
}

/// The rule in the pipeline's head is the rule of the rows.
#[test]
fn parcels_are_late_when_they_took_longer_than_promised() {
    let csv = collegium_templates::tabular::csv();
    let (mut late, mut unknown) = (0, 0);
    for line in csv.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let number = |at: usize| cells[at].parse::<f64>().unwrap();
        assert_eq!(cells[10] == "1", number(9) > number(8), "{line}");
        let rush = matches!(number(1) as u32, 7..=9 | 16..=18);
        let wet = cells[3] == "rain" && cells[2] == "bicycle";
        let expected = 6.0
            + 3.0 * number(5)
            + 2.4 * number(4) * if rush { 1.6 } else { 1.0 } * if wet { 1.35 } else { 1.0 };
        assert!((number(9) - expected).abs() < 20.0, "{line}");
        late += u32::from(cells[10] == "1");
        unknown += u32::from(cells[6].is_empty());
    }
    insta::assert_snapshot!(format!("{late} late, {unknown} of unknown weight"), @"1017 late, 71 of unknown weight");
}
