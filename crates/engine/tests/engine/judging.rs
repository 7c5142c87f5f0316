//! Keep, patch or retrain.

use collegium_records::{Outcome, Verdict};

use super::project::{Project, ran};

fn with_reuse() -> Project {
    let project = Project::new();
    project.edit("target = \"t.z\"", "target = \"t.z\"\nreuse = { tolerance = 0.2 }");
    project.run();
    project
}

#[test]
fn a_consumer_is_certified_when_its_upstream_comes_out_much_the_same() {
    let project = with_reuse();
    project.edit("model  = { hidden = [8] }", "seed = 9\nmodel  = { hidden = [8] }");
    let run = project.run();
    assert_eq!(ran(&run, "first").outcome, Outcome::Trained);
    let second = ran(&run, "second");
    assert!(matches!(second.outcome, Outcome::Kept | Outcome::Patched), "{:?}", second.outcome);
    let certificate = second.certificate.as_ref().unwrap();
    // One that is not certified says so: training again would not help either.
    assert_eq!(certificate.certified, certificate.bound <= certificate.budget, "{certificate:?}");
    assert_eq!(second.fits, 0);
}

#[test]
fn a_consumer_is_trained_when_what_it_reads_is_ruined() {
    let project = with_reuse();
    // Its upstream reads one input less, the one that mattered.
    project.edit("inputs = [\"t.a\", \"t.b\"]", "inputs = [\"t.b\"]");
    let run = project.run();
    let second = ran(&run, "second");
    match second.outcome {
        Outcome::Trained => {}
        // Nothing would be gained by training it: then that is what was found out.
        _ => {
            let certificate = second.certificate.as_ref().unwrap();
            assert!(certificate.verdict != Verdict::Retrain, "{certificate:?}");
        }
    }
}

#[test]
fn exact_ignores_certificates() {
    let project = with_reuse();
    project.edit("model  = { hidden = [8] }", "seed = 9\nmodel  = { hidden = [8] }");
    project.run();
    let options = collegium_engine::RunOptions {
        nodes: Vec::new(),
        jobs: 1,
        force: Vec::new(),
        keep_going: false,
        exact: true,
        locked: false,
        retune: None,
    };
    let run = collegium_engine::run(&project.session(), &options).unwrap().report;
    assert_eq!(ran(&run, "second").outcome, Outcome::Trained);
    assert!(ran(&run, "second").certificate.is_none());
}
