//! Tables are made once per content.

use std::{
    fs,
    time::{Duration, SystemTime},
};

use crate::project::Project;

fn project() -> Project {
    let rows: String = (0..100).map(|i| format!("{i},x{}\n", i % 3)).collect();
    Project::csv(format!("n,c\n{rows}")).split([0.6, 0.2, 0.2], &[], None)
}

#[test]
fn a_second_preparation_reads_no_data() {
    let project = project();
    let first = project.prepared();
    assert!(project.loaded());
    let second = project.prepared();
    assert!(!project.loaded());
    assert_eq!(first.facts, second.facts);
    assert_eq!(first.key, second.key);
    assert_eq!(first.table().unwrap(), second.table().unwrap(), "the stored table is the made one");
    assert_eq!(first.sides().unwrap(), second.sides().unwrap());
}

#[test]
fn touching_or_moving_a_file_changes_nothing() {
    let mut project = project();
    let key = project.prepared().key;
    project.loaded();
    let file = fs::File::options().write(true).open(project.path("t.csv")).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(100)).unwrap();
    assert_eq!(project.prepared().key, key);
    assert!(!project.loaded());
    fs::rename(project.path("t.csv"), project.path("u.csv")).unwrap();
    *project.source.tables["t"].get_mut() = "u.csv".to_owned();
    assert_eq!(project.prepared().key, key);
    assert!(!project.loaded());
}

#[test]
fn every_ingredient_makes_another_table() {
    let mut recipes = vec![project().prepared().recipe().digest()];
    let mut note = |project: Project| recipes.push(project.prepared().recipe().digest());
    note(project().query("SELECT * FROM t"));
    note(project().derive("d", "n + 1"));
    note(project().derive("d", "n + 2"));
    note(project().typed("n", collegium_manifest::ColumnType::Category));
    note(project().split([0.7, 0.1, 0.2], &[], None));
    note(project().split([0.6, 0.2, 0.2], &["n"], None));
    note(project().split([0.6, 0.2, 0.2], &[], Some("c")));
    let mut seeded = project();
    seeded.source.split.seed = 8;
    note(seeded);
    let mut missing = project();
    missing.source.missing.push("?".to_owned());
    note(missing);
    let count = recipes.len();
    recipes.sort();
    recipes.dedup();
    assert_eq!(recipes.len(), count);
}

#[test]
fn a_column_that_did_not_change_keeps_its_digests() {
    let project = project().split([0.6, 0.2, 0.2], &["n"], None);
    let before = project.prepared().facts;
    let text = fs::read_to_string(project.path("t.csv")).unwrap();
    project.write("t.csv", text.replace("x1", "y1"));
    let after = project.prepared().facts;
    assert!(project.loaded());
    assert_eq!(before.column("n"), after.column("n"));
    assert_ne!(before.column("c").unwrap().digest, after.column("c").unwrap().digest);
    assert_ne!(before.column("c").unwrap().train, after.column("c").unwrap().train);
}

/// The files of all objects.
fn objects(project: &Project) -> Vec<std::path::PathBuf> {
    let store = project.store();
    let digests = store.objects().unwrap();
    digests.iter().map(|digest| store.path(digest).unwrap().unwrap()).collect()
}

#[test]
fn a_deleted_object_is_made_again_and_said() {
    let project = project();
    let key = project.prepared().key;
    for object in objects(&project) {
        project.loaded();
        fs::remove_file(object).unwrap();
        let again = project.prepared();
        assert!(project.loaded());
        assert_eq!(again.key, key);
        assert!(again.facts.notes[0].contains("made again"));
    }
}

#[test]
fn a_damaged_object_is_made_again_when_it_is_needed() {
    let project = project();
    let table = project.rows();
    let sides = project.prepared().sides().unwrap();
    let identities = project.prepared().identities().unwrap();
    for object in objects(&project) {
        let mut permissions = fs::metadata(&object).unwrap().permissions();
        #[allow(clippy::permissions_set_readonly_false)]
        permissions.set_readonly(false);
        fs::set_permissions(&object, permissions).unwrap();
        let mut bytes = fs::read(&object).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&object, bytes).unwrap();
        let prepared = project.prepared();
        assert_eq!(prepared.sides().unwrap(), sides);
        assert_eq!(prepared.table().unwrap(), table);
        assert_eq!(prepared.identities().unwrap(), identities);
        assert!(prepared.notes()[0].contains("made again"), "damage is told");
        assert!(project.prepared().notes().is_empty());
    }
}

#[test]
fn rows_that_were_let_go_come_back() {
    let project = project();
    let prepared = project.prepared();
    let table = prepared.table().unwrap();
    prepared.release();
    assert_eq!(prepared.table().unwrap(), table);
}
