//! Prices: of what was fitted before, of what is like it, and of what nobody has fitted.

use collegium_records::Action;

use super::project::{Project, planned, ran};

#[test]
fn what_was_never_fitted_has_no_price() {
    let project = Project::new();
    let plan = project.plan();
    assert!(planned(&plan, "first").seconds.is_none());
    assert!(planned(&plan, "first").peak_bytes > 0, "what it will hold is known before");
}

#[test]
fn a_price_is_near_what_the_fits_took_and_grows_with_their_number() {
    let project = Project::new();
    project.edit("target = \"t.z\"", "target = \"t.z\"\nfolds = 10");
    let run = project.run();
    let took = ran(&run, "first").fit_cpu_seconds;
    assert_eq!(ran(&run, "first").fitted.len(), 11, "ten folds and the full fit");
    // Every fit again, with the same work: only the content differs.
    project.edit("target = \"t.y\"", "target = \"t.y\"\nwhere = \"a > -0.4\"");
    let plan = project.plan();
    let price = planned(&plan, "first").seconds.unwrap();
    assert!(price.min <= price.expected && price.expected <= price.max, "{price:?}");
    // Its own record says what it took, so it is the work and not the clock that is compared.
    let factor = price.expected / took;
    assert!((0.3..3.0).contains(&factor), "{price:?} for {took}");
    // Of ten folds each has a price, the tenth too.
    let each = price.expected / planned(&plan, "first").fits.len() as f64;
    assert!(each > 0.0 && planned(&plan, "first").fits.len() == 11);
}

#[test]
fn four_times_the_epochs_cost_more_and_a_wider_layer_too() {
    let project = Project::new();
    project.run();
    let price = || planned(&project.plan(), "first").seconds.unwrap();
    project.edit("epochs = 25", "epochs = 26");
    let as_before = price();
    project.edit("epochs = 26", "epochs = 104");
    let longer = price();
    assert!(longer.max > 2.0 * as_before.max, "{longer:?} after {as_before:?}");
    project.edit("hidden = [8]", "hidden = [256, 256]");
    let wider = price();
    assert!(wider.max > 2.0 * longer.max, "{wider:?} after {longer:?}");
}

#[test]
fn an_upstream_that_may_change_nothing_lowers_what_is_expected_and_not_the_most() {
    let project = Project::new();
    project.run();
    project.edit("epochs = 25", "epochs = 26");
    let plan = project.plan();
    let second = planned(&plan, "second");
    assert_eq!(second.action, Action::MayTrain);
    let price = second.seconds.unwrap();
    assert_eq!(price.min, 0.0, "its upstream may come out equal");
    assert!(price.max > 0.0 && price.expected <= price.max, "{price:?}");
    let sum: f64 = plan.nodes.iter().filter_map(|n| n.seconds).map(|s| s.max).sum();
    assert!((plan.seconds.max - sum).abs() < 1e-9);
}

#[test]
fn the_least_price_grows_with_the_width_too() {
    let project = Project::new();
    project.run();
    let price = || planned(&project.plan(), "first").seconds.unwrap();
    project.edit("epochs = 25", "epochs = 1");
    let narrow = price();
    project.edit("hidden = [8]", "hidden = [512, 512]");
    let wide = price();
    assert!(wide.min > 10.0 * narrow.min, "{wide:?} after {narrow:?}");
}
