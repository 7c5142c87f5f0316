//! Finding out that there is nothing to do, without opening anything.

use std::fs;

use collegium_engine::fresh;

use super::project::Project;

#[test]
fn nothing_is_fresh_before_the_first_run_and_everything_after_it() {
    let project = Project::new();
    assert!(fresh(&project.file(), &[], &[]).unwrap().is_none());
    project.settle();
    let found = fresh(&project.file(), &[], &[]).unwrap().unwrap();
    assert_eq!(found.experts, 2);
    let plan = found.plan().unwrap().unwrap();
    assert!(plan.nodes.iter().all(|node| node.fits.is_empty()));
}

#[test]
fn any_byte_of_the_pipeline_its_lock_or_its_data_ends_it() {
    let project = Project::new();
    project.settle();
    let files = ["pipelines/p.toml", "pipelines/p.lock", "pipelines/t.csv"];
    for name in files {
        let path = project.path(name);
        let before = fs::read(&path).unwrap();
        let mut changed = before.clone();
        changed.push(b'\n');
        fs::write(&path, changed).unwrap();
        assert!(fresh(&project.file(), &[], &[]).unwrap().is_none(), "{name}");
        fs::write(&path, before).unwrap();
        project.settle();
    }
}

#[test]
fn an_object_that_is_gone_ends_it() {
    let project = Project::new();
    project.settle();
    let (objects, elsewhere) = (project.path(".collegium/objects"), project.path("elsewhere"));
    fs::rename(&objects, &elsewhere).unwrap();
    assert!(fresh(&project.file(), &[], &[]).unwrap().is_none());
    fs::rename(&elsewhere, &objects).unwrap();
    assert!(fresh(&project.file(), &[], &[]).unwrap().is_some());
}
