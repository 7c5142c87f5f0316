//! Does a lock hold together? With plain values.

mod common;

use std::collections::BTreeMap;

use collegium_digest::Digest;
use collegium_manifest::Pipeline;
use collegium_plan::{View, check, view_name};
use collegium_records::{Candidate, Certificate, Held, Lock, LockedNode, Reads, Standing, Verdict};
use common::experts;

fn digest(name: &str) -> Digest {
    Digest::of(name.as_bytes())
}

fn reads(view: &str) -> Reads {
    Reads { deployed: digest("a logit"), view: digest(view) }
}

/// A block of the lock; `a` hands over its logit, `b` reads it.
fn block(name: &str) -> LockedNode {
    let named = |what: &str| digest(&format!("{name} {what}"));
    LockedNode {
        recipe: named("recipe"),
        realisation: named("model"),
        outputs: named("outputs"),
        held: None,
        parts: BTreeMap::new(),
        reads: match name {
            "b" => BTreeMap::from([("a.logit".to_owned(), reads("a logit out of fold"))]),
            _ => BTreeMap::new(),
        },
        hands: BTreeMap::from([
            ("logit".to_owned(), named("logit")),
            ("logit out-of-fold 5".to_owned(), named("logit out of fold")),
        ]),
        certificate: None,
        tuned: None,
        overrides: Vec::new(),
        seal: None,
    }
}

fn lock(names: &[&str]) -> Lock {
    let node = names.iter().map(|name| (format!("expert.{name}"), block(name))).collect();
    Lock { format: 2, data: BTreeMap::new(), node, rotated: None }
}

/// `b` reads `a`, and more keys of `b`.
fn pipeline(more: &str) -> Pipeline {
    experts(&[("a", "\"d.x\"", ""), ("b", "\"a.logit\", \"d.z\"", more)])
}

/// What a changed block of `b` stands on, and what is wrong with it.
fn of_b(pipeline: &Pipeline, change: impl Fn(&mut Lock)) -> (&'static str, Vec<String>) {
    let mut lock = lock(&["a", "b"]);
    change(&mut lock);
    let mut all = check(pipeline, &lock);
    all.retain(|node| node.name == "expert.b");
    all.pop().map(|node| (node.stands_on, node.findings)).expect("b is in the pipeline")
}

/// Changes the block of `b`.
fn b(change: impl Fn(&mut LockedNode)) -> impl Fn(&mut Lock) {
    move |lock| change(lock.node.get_mut("expert.b").expect("b is in the lock"))
}

#[test]
fn a_lock_whose_consumers_saw_what_is_handed_over_is_sound() {
    let all = check(&pipeline(""), &lock(&["a", "b"]));
    let all: Vec<_> =
        all.iter().map(|n| (n.name.as_str(), n.stands_on, n.findings.len())).collect();
    assert_eq!(all, [("expert.a", "fit", 0), ("expert.b", "fit", 0)]);
}

#[test]
fn an_upstream_that_hands_over_something_else_is_found_by_its_consumer_alone() {
    const MOVED: &str = "it was trained on another a.logit than expert.a hands over";
    for view in ["logit", "logit out-of-fold 5"] {
        let mut lock = lock(&["a", "b"]);
        let a = lock.node.get_mut("expert.a").expect("a is in the lock");
        a.hands.insert(view.to_owned(), digest("other"));
        let all = check(&pipeline(""), &lock);
        assert_eq!(all[0].findings, [""; 0], "{view}");
        assert_eq!(all[1].findings, [MOVED], "{view}");
        a_missing_output_is_another(view);
    }
    fn a_missing_output_is_another(view: &str) {
        let gone = |lock: &mut Lock| {
            let a = lock.node.get_mut("expert.a").expect("a is in the lock");
            a.hands.remove(view);
        };
        assert_eq!(of_b(&pipeline(""), gone).1, [MOVED], "{view}");
    }
}

#[test]
fn an_output_that_is_not_read_may_move() {
    let moved = |lock: &mut Lock| {
        let a = lock.node.get_mut("expert.a").expect("a is in the lock");
        a.hands.insert("probability".to_owned(), digest("other"));
        a.realisation = digest("another model");
    };
    assert_eq!(of_b(&pipeline(""), moved), ("fit", vec![]));
}

#[test]
fn every_way_of_reading_compares_with_its_own_view() {
    let in_sample = pipeline("upstream = \"in-sample\"");
    let same = b(|node| {
        node.reads.insert("a.logit".to_owned(), reads("a logit"));
    });
    assert_eq!(of_b(&in_sample, &same).1, [""; 0]);
    assert_eq!(of_b(&in_sample, |_| {}).1.len(), 1, "it saw the out-of-fold view");
    assert_eq!(of_b(&pipeline(""), &same).1.len(), 1, "it saw no folds");
    assert_eq!(of_b(&pipeline("folds = 3"), |_| {}).1.len(), 1, "it saw five folds");
    let held_out = pipeline("upstream = \"held-out\"\nfolds = 4");
    let name = view_name(&held_out, "logit", View::HeldOut { consumer: 1, folds: 4 });
    assert_eq!(name, "logit held-out 4 b");
    let handed = |lock: &mut Lock| {
        let a = lock.node.get_mut("expert.a").expect("a is in the lock");
        a.hands.insert("logit held-out 4 b".to_owned(), digest("a logit out of fold"));
    };
    assert_eq!(of_b(&held_out, handed).1, [""; 0]);
}

#[test]
fn experts_that_are_missing_on_either_side_are_named() {
    let all = check(&pipeline(""), &lock(&["b", "c"]));
    let all: Vec<_> = all
        .iter()
        .map(|n| format!("{}, {}: {}", n.name, n.stands_on, n.findings.join("; ")))
        .collect();
    assert_eq!(
        all,
        [
            "expert.a, nothing: the lock names no model of it",
            "expert.b, fit: it reads a.logit, and the lock names no model of a",
            "expert.c, nothing: the pipeline has no such expert",
        ]
    );
}

#[test]
fn what_the_file_and_the_lock_do_not_both_name_is_found() {
    let (_, silent) = of_b(&pipeline(""), b(|node| node.reads.clear()));
    assert_eq!(silent, ["the lock does not say what it read of a.logit"]);
    let (_, more) = of_b(
        &pipeline(""),
        b(|node| {
            node.reads.insert("a.label".to_owned(), reads("label"));
        }),
    );
    assert_eq!(more, ["it was trained on a.label, which the file no longer names"]);
}

#[test]
fn a_held_model_need_not_have_seen_what_its_upstream_hands_over() {
    let moved = b(|node| {
        node.held = Some(Held::Frozen);
        node.reads.insert("a.logit".to_owned(), reads("something else"));
    });
    for key in ["frozen = true", "pin = \"123456\"", "source = \"other.toml\""] {
        assert_eq!(of_b(&pipeline(key), &moved), ("held", vec![]), "{key}");
    }
    assert_eq!(
        of_b(&pipeline(""), moved),
        ("held", vec!["its model was held, and the file no longer says so".to_owned()])
    );
}

fn certificate(verdict: Verdict) -> Certificate {
    let own = Standing { recipe: digest("b recipe"), realisation: digest("b model") };
    let other = Standing { recipe: digest("anchor recipe"), realisation: digest("anchor") };
    Certificate {
        verdict,
        candidate: Candidate::Deployed,
        anchor: if verdict == Verdict::Patch { other } else { own },
        anchor_parts: BTreeMap::new(),
        anchor_reads: BTreeMap::new(),
        rows_digest: digest("rows"),
        rows: 100,
        groups: None,
        tolerance: 0.02,
        confidence: 0.95,
        loss: 1.0,
        increase: 0.001,
        bound: 0.002,
        budget: 0.004,
        rest: 0.0,
        certified: true,
        upstream_worse: false,
    }
}

/// What is found of `b` on a changed certificate.
fn certified(
    verdict: Verdict,
    more: &str,
    change: impl Fn(&mut Certificate),
) -> (&'static str, Vec<String>) {
    let with = b(|node| {
        let mut certificate = certificate(verdict);
        change(&mut certificate);
        node.certificate = Some(certificate);
    });
    of_b(&pipeline(more), with)
}

const REUSE: &str = "reuse = { tolerance = 0.02, confidence = 0.95 }";

#[test]
fn a_certificate_for_what_is_handed_over_and_asked_for_is_sound() {
    assert_eq!(certified(Verdict::Keep, REUSE, |_| {}), ("kept", vec![]));
    assert_eq!(certified(Verdict::Patch, REUSE, |_| {}), ("patched", vec![]));
    // It may exceed the budget where it says that retraining would not help.
    let (_, worse) = certified(Verdict::Keep, REUSE, |c| (c.bound, c.certified) = (9.0, false));
    assert_eq!(worse, [""; 0]);
}

#[test]
fn certificates_that_do_not_hold_are_found() {
    let only = |(_, mut findings): (&str, Vec<String>)| {
        assert_eq!(findings.len(), 1, "{findings:?}");
        findings.remove(0)
    };
    assert_eq!(
        only(certified(Verdict::Keep, "", |_| {})),
        "it stands on a certificate, but `reuse` is off"
    );
    let strict = "reuse = { tolerance = 0.01, confidence = 0.99 }";
    assert_eq!(
        only(certified(Verdict::Keep, strict, |_| {})),
        "its certificate is for a tolerance of 0.02 at 0.95, the file asks for 0.01 at 0.99"
    );
    let anchor = |c: &mut Certificate| c.anchor.realisation = digest("anchor");
    let own = |c: &mut Certificate| c.anchor.realisation = digest("b model");
    const OTHER: &str = "its certificate is about another model";
    assert_eq!(only(certified(Verdict::Keep, REUSE, anchor)), OTHER);
    assert_eq!(only(certified(Verdict::Patch, REUSE, own)), OTHER);
    assert_eq!(only(certified(Verdict::Retrain, REUSE, |_| {})), OTHER);
    assert_eq!(
        only(certified(Verdict::Keep, REUSE, |c| c.bound = 2.0 * c.budget)),
        "the bound of its certificate exceeds the budget"
    );
}

#[test]
fn a_certificate_for_other_outputs_is_found() {
    let moved = |lock: &mut Lock| {
        let a = lock.node.get_mut("expert.a").expect("a is in the lock");
        a.hands.insert("logit".to_owned(), digest("other"));
        b(|node| node.certificate = Some(certificate(Verdict::Keep)))(lock);
    };
    assert_eq!(
        of_b(&pipeline(REUSE), moved),
        (
            "kept",
            vec![
                "its certificate was made for another a.logit than expert.a hands over".to_owned()
            ]
        )
    );
}
