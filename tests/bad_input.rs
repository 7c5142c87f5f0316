//! Bad input: an exit code of 3 or 4, an error that names the place, and a store and a lock as they
//! were. (Rows to predict from are in `predict.rs`.)

use std::path::{Path, PathBuf};

use crate::project::{Project, Said, parquet, rows};

const ROWS: &str = "pipelines/data/rows.csv";

/// Replaces one cell. Lines count from 1, the header's.
fn set(project: &Project, line: usize, column: &str, cell: &str) {
    let text = project.read(ROWS);
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let at = lines[0].split(',').position(|name| name == column).unwrap();
    let mut cells: Vec<&str> = lines[line - 1].split(',').collect();
    cells[at] = cell;
    lines[line - 1] = cells.join(",");
    project.write(ROWS, lines.join("\n") + "\n");
}

/// A run on *new* data that fails in a fit: the new table and metrics on it may be kept, no model.
#[track_caller]
fn fails_to_fit(project: &Project, needles: &[&str]) -> Said {
    let before = project.standing();
    let said = project.collegium(&["run"]).fails(4, needles);
    let mut after = project.standing();
    let new: Vec<String> =
        after.keys().filter(|name| !before.contains_key(*name)).cloned().collect();
    let kind = |name: &String| {
        let recipe = name.split('/').rev().nth(1).unwrap();
        let path = format!(".collegium/recipes/{}/{recipe}.json", &recipe[..2]);
        let recipe: serde_json::Value = serde_json::from_str(&project.read(&path)).unwrap();
        recipe["kind"].as_str().unwrap().to_owned()
    };
    let made: Vec<String> =
        new.iter().filter(|name| name.contains("/realisations/")).map(kind).collect();
    // The metrics of experts that are up to date are measured on the new rows.
    assert!(made.iter().all(|kind| kind == "table" || kind == "measure"), "{made:?}");
    after.retain(|name, _| !new.contains(name));
    assert!(after == before, "what was there before has changed");
    said
}

// The data.

#[test]
fn a_nan_is_refused_with_file_line_and_column() {
    let project = Project::ready();
    set(&project, 6, "b", "NaN");
    project.refuses_rows(
        3,
        &["pipelines/data/rows.csv:6:3: column `b`: `NaN` is not a finite number"],
    );
}

#[test]
fn infinities_are_refused_with_file_line_and_column() {
    for infinite in ["inf", "-inf", "Infinity", "1e999"] {
        let project = Project::ready();
        set(&project, 601, "size", infinite);
        let place = format!("pipelines/data/rows.csv:601:7: column `size`: `{infinite}`");
        project.refuses_rows(3, &[&place]);
    }
}

#[test]
fn nan_can_be_declared_to_mean_missing() {
    let project = Project::ready();
    set(&project, 6, "b", "NaN");
    project.to_data("missing = [\"\", \"NaN\"]");
    project.collegium(&["run"]).ok();
}

#[test]
fn a_constant_input_works_and_is_noted() {
    let project = Project::ready();
    project.map_column("a", |_| "0.5".to_owned());
    let said = project.collegium(&["run"]).ok();
    assert!(said.err.contains("`rows.a` is constant in the training rows"), "{}", said.err);
}

#[test]
fn a_constant_target_fails_its_fit() {
    let project = Project::ready();
    project.map_column("size", |_| "2.5".to_owned());
    fails_to_fit(&project, &["expert.size", "its target is 2.5 on all", "nothing to learn"]);
}

#[test]
fn a_single_class_fails_its_fit() {
    let project = Project::ready();
    project.to_kind("where = \"rows.kind\"");
    project.refuses(4, &["expert.kind", "training rows have the class `true`"]);
}

#[test]
fn a_where_that_admits_no_row_is_refused_at_its_place() {
    let project = Project::ready();
    project.to_kind("where = \"rows.b > 9\"");
    project.refuses(3, &["small.toml:18:9", "`where` of expert `kind` admits no row", "^^^"]);
}

#[test]
fn a_where_that_admits_no_training_row_fails_the_fit() {
    let project = Project::ready();
    // The ids of test rows are found by trying: one row alone lies on one side.
    for id in 0..60 {
        let text = project.read("pipelines/small.toml");
        project.to_kind(&format!("where = \"rows.id = {id}\""));
        let said = project.collegium(&["run"]);
        assert_eq!(said.code, 4, "{}", said.err);
        project.write("pipelines/small.toml", text);
        if said.err.contains("it has no training rows") {
            return;
        }
    }
    panic!("all of 60 rows are training rows");
}

#[test]
fn a_target_that_is_missing_everywhere_is_refused() {
    let project = Project::ready();
    project.map_column("size", |_| String::new());
    let said = project.collegium(&["run"]);
    assert!([3, 4].contains(&said.code), "{}\n{}", said.code, said.err);
}

#[test]
fn a_side_of_the_split_without_rows_is_refused() {
    let project = Project::ready();
    project.write(ROWS, rows(1));
    project.refuses(3, &["the split leaves no ", "small.toml:7", "^"]);
}

#[test]
fn a_file_without_rows_is_refused() {
    let project = Project::ready();
    project.write(ROWS, rows(0));
    project.refuses(3, &["there are no rows", "small.toml:5"]);
}

#[test]
fn an_empty_file_is_refused() {
    let project = Project::ready();
    project.write(ROWS, "");
    project.refuses(3, &["pipelines/data/rows.csv: the file is empty"]);
}

#[test]
fn a_ragged_line_is_refused_with_file_line_and_column() {
    for (cells, said) in [(8, "the line has 8 fields"), (10, "the line has 10 fields")] {
        let project = Project::ready();
        let text = project.read(ROWS);
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let fields: Vec<&str> = lines[8].split(',').chain(["x"]).take(cells).collect();
        lines[8] = fields.join(",");
        project.write(ROWS, lines.join("\n") + "\n");
        project.refuses(3, &["pipelines/data/rows.csv:9:", said, "the header has 9"]);
    }
}

#[test]
fn text_that_is_not_utf8_is_refused_with_file_line_and_column() {
    let project = Project::ready();
    let mut bytes = project.read(ROWS).into_bytes();
    bytes.extend(b"601,1,1,1,1,r\xe9d,1,true,true\n");
    project.write(ROWS, bytes);
    project.refuses(3, &["pipelines/data/rows.csv:602:6: column `unread`", "not UTF-8"]);
}

#[test]
fn two_columns_of_one_name_are_refused() {
    let project = Project::ready();
    project.edit(ROWS, "id,a,b", "id,a,a");
    project.refuses_rows(3, &["pipelines/data/rows.csv", "`a`"]);
}

#[test]
fn a_cell_of_the_wrong_declared_type_is_refused_with_file_line_and_column() {
    let project = Project::ready();
    set(&project, 100, "a", "twelve");
    project.to_data("types = { a = \"number\" }");
    project.refuses(3, &["pipelines/data/rows.csv:100:2: column `a`: `twelve` is not a number"]);
}

#[test]
fn a_cell_that_makes_a_column_text_is_noted_with_its_line() {
    let project = Project::new();
    set(&project, 100, "unread", "7");
    set(&project, 100, "a", "twelve");
    let said = project.collegium(&["run"]).ok();
    let found = "warning: data.rows: column `a` is a category, because 1 of its 600 values";
    assert!(said.out.contains(found), "{}", said.out);
    assert!(said.out.contains("`twelve` (pipelines/data/rows.csv:100)"), "{}", said.out);
    // Once the column was read as numbers, one text does not change what it means.
    let settled = Project::ready();
    set(&settled, 100, "a", "twelve");
    let needles = ["rows.csv:100:2: column `a`: `twelve` is not a number", "types = { ", "missing"];
    settled.refuses_rows(3, &needles);
}

#[test]
fn a_target_of_the_wrong_type_is_refused() {
    let project = Project::ready();
    project
        .edit_pipeline("target = \"rows.size\"", "target = \"rows.unread\"\ntask = \"regression\"");
    project.refuses(3, &["small.toml:11", "^", "target of expert `size`"]);
}

#[test]
fn an_integer_target_without_a_task_is_refused() {
    let project = Project::ready();
    project.edit_pipeline("target = \"rows.size\"", "target = \"rows.id\"");
    project.refuses(3, &["small.toml:11:10", "add `task = \"classification\"` or"]);
}

#[test]
fn a_missing_file_is_refused() {
    let project = Project::ready();
    std::fs::remove_file(project.path(ROWS)).unwrap();
    project.refuses(3, &["pipelines/data/rows.csv: there is no such file", "small.toml:6:8", "^"]);
}

#[test]
fn a_glob_without_files_is_refused() {
    let project = Project::ready();
    project.edit_pipeline("data/rows.csv", "data/part-*.csv");
    project.refuses(3, &["part-*.csv", "small.toml:6:8"]);
}

#[test]
fn a_file_of_no_known_kind_is_refused() {
    let project = Project::ready();
    project.edit_pipeline("data/rows.csv", "data/rows.xlsx");
    project.write("pipelines/data/rows.xlsx", "PK");
    project.refuses(3, &["rows.xlsx", "small.toml:6:8"]);
}

// Parquet.

fn with_parquet() -> (Project, PathBuf) {
    let project = Project::ready();
    let path = project.path("pipelines/data/rows.parquet");
    parquet(&path, 600);
    project.edit_pipeline("data/rows.csv", "data/rows.parquet");
    (project, path)
}

#[test]
fn the_same_rows_as_parquet_fit_nothing() {
    let (project, _) = with_parquet();
    assert_eq!(project.fitted(), Vec::<String>::new());
}

#[test]
fn a_truncated_parquet_file_is_refused() {
    let (project, path) = with_parquet();
    let bytes = std::fs::read(&path).unwrap();
    for length in [0, 3, 100, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..length]).unwrap();
        project.refuses(3, &["pipelines/data/rows.parquet", "small.toml:6:8"]);
    }
}

#[test]
fn a_parquet_file_with_damaged_bytes_never_panics() {
    let (project, path) = with_parquet();
    let bytes = std::fs::read(&path).unwrap();
    for at in (4..bytes.len()).step_by(bytes.len() / 12) {
        let mut damaged = bytes.clone();
        damaged[at..(at + 8).min(bytes.len())].fill(0xff);
        std::fs::write(&path, damaged).unwrap();
        let before = project.standing();
        let said = project.collegium(&["check"]);
        assert!([0, 3].contains(&said.code), "byte {at}: {} {}", said.code, said.err);
        assert!(!said.err.contains("panicked"), "byte {at}: {}", said.err);
        if said.code == 3 {
            assert!(said.err.contains("rows.parquet"), "byte {at}: {}", said.err);
            project.has_kept(&before);
        }
    }
}

// Training.

#[test]
fn diverged_training_fails_its_fit_with_a_reason() {
    let project = Project::ready();
    project.edit_pipeline("learning_rate = 0.01", "learning_rate = 1e6");
    project.refuses(4, &["expert.size", "training diverged in epoch 1", "lower `learning_rate`"]);
}

// The store.

#[test]
fn a_store_that_cannot_be_used_is_named() {
    let project = Project::new();
    project.write(".collegium", "a file where a folder should be");
    project.collegium(&["run"]).fails(7, &[".collegium"]);
    let project = Project::ready();
    project.write(".collegium/version", "2\n");
    project.refuses(7, &["layout version 2", "knows only up to 1", "Update collegium"]);
    let project = Project::new();
    project.write(".collegium/objects", "a file where a folder should be");
    project.collegium(&["run"]).fails(7, &[".collegium/objects", "move it away"]);
}

// The disk.

/// A small file system in memory, as long as it lives.
struct SmallDisk {
    folder: tempfile::TempDir,
}

impl SmallDisk {
    /// None where it cannot be mounted.
    fn mount(kib: usize) -> Option<Self> {
        let disk = tempfile::tempdir().unwrap();
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={kib}k"), "collegium-test"])
            .arg(disk.path())
            .output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self { folder: disk })
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(self.folder.path()).output();
    }
}

#[test]
fn a_full_disk_costs_nothing_but_the_run() {
    let undisturbed = Project::ready();
    let Some(disk) = SmallDisk::mount(1024) else {
        eprintln!("SKIPPED: no small file system can be mounted here (that needs root)");
        return;
    };
    let project = Project::below(disk.folder.path());
    let ballast = disk.folder.path().join("ballast");
    let mut refused = 0;
    for free_kib in [0, 4, 12, 32, 64, 128, 200, 300] {
        let taken: u64 = std::fs::metadata(&ballast).map_or(0, |file| file.len());
        let free = available(disk.folder.path()) + taken;
        std::fs::write(&ballast, vec![0; free.saturating_sub(free_kib * 1024) as usize]).unwrap();
        let said = project.collegium(&["run"]);
        assert!([0, 7].contains(&said.code), "{free_kib} KiB free: {} {}", said.code, said.err);
        if said.code == 7 {
            refused += 1;
            assert!(said.err.contains("No space left on device"), "{}", said.err);
            assert!(!project.path("pipelines/small.lock").exists(), "the lock is written last");
        }
    }
    assert!(refused >= 3, "{refused}");
    std::fs::remove_file(&ballast).unwrap();
    project.collegium(&["run"]).ok();
    assert_eq!(project.objects(), undisturbed.objects());
    assert_eq!(project.read("pipelines/small.lock"), undisturbed.read("pipelines/small.lock"));
}

/// Free bytes of a file system.
fn available(folder: &Path) -> u64 {
    let said = std::process::Command::new("df")
        .args(["--output=avail", "-B1"])
        .arg(folder)
        .output()
        .unwrap()
        .stdout;
    String::from_utf8(said).unwrap().lines().nth(1).unwrap().trim().parse().unwrap()
}
