//! A plan says what a run then does, and why.

use collegium_records::{Action, FitName, Outcome, Reason};

use super::project::{Project, planned, ran};

fn folds(of: u32) -> Vec<FitName> {
    (1..=of).map(|fold| FitName::Fold { fold, of }).collect()
}

#[test]
fn a_cold_plan_names_every_fit_and_a_run_does_them() {
    let project = Project::new();
    let plan = project.plan();
    let first = planned(&plan, "first");
    assert_eq!(first.action, Action::Train);
    assert_eq!(first.reasons, [Reason::NeverFitted]);
    assert_eq!(first.fits, [&[FitName::Full][..], &folds(5)].concat());
    let second = planned(&plan, "second");
    assert_eq!(second.action, Action::Train, "nothing can keep what was never fitted");
    assert_eq!(second.fits, [FitName::Full]);
    assert!(second.recipe.is_none(), "what it reads is not known yet");
    let run = project.run();
    for name in ["first", "second"] {
        let node = ran(&run, name);
        assert_eq!(node.outcome, Outcome::Trained);
        let mut fitted = node.fitted.clone();
        fitted.sort();
        let mut asked = planned(&plan, name).fits.clone();
        asked.sort();
        assert_eq!(fitted, asked, "{name}");
    }
    let after = project.plan();
    assert!(after.nodes.iter().all(|node| node.action == Action::Cached && node.fits.is_empty()));
}

#[test]
fn what_an_upstream_decides_may_be_trained_and_says_which() {
    let project = Project::new();
    project.run();
    project.edit("epochs = 25", "epochs = 26");
    let plan = project.plan();
    assert_eq!(planned(&plan, "first").action, Action::Train);
    let second = planned(&plan, "second");
    assert_eq!(second.action, Action::MayTrain);
    assert_eq!(second.reasons, [Reason::Upstreams(vec!["first".to_owned()])]);
}

#[test]
fn a_change_of_the_consumer_alone_leaves_its_upstream_alone() {
    let project = Project::new();
    project.run();
    project.edit("target = \"t.z\"", "target = \"t.z\"\nwhere = \"c > -0.4\"");
    let plan = project.plan();
    assert_eq!(planned(&plan, "first").action, Action::Cached);
    let second = planned(&plan, "second");
    assert_eq!((second.action, &second.fits[..]), (Action::Train, &[FitName::Full][..]));
    let run = project.run();
    assert_eq!(ran(&run, "first").fits, 0);
    assert_eq!(ran(&run, "second").fitted, [FitName::Full]);
}

#[test]
fn another_number_of_folds_fits_folds_alone_and_then_the_consumer() {
    let project = Project::new();
    project.run();
    project.edit("target = \"t.z\"", "target = \"t.z\"\nfolds = 3");
    let plan = project.plan();
    assert_eq!(planned(&plan, "first").fits, folds(3));
    assert_eq!(ran(&project.run(), "first").fitted.len(), 3);
}
