//! Consistency check of a lock file, from the lock and the pipeline file alone: no data, no store.
//!
//! Every consumer was trained on exactly what its pinned upstreams hand over, or stands on a
//! certificate made for just that, or on a model that is held on purpose. A merge of two branches
//! that refitted different experts can leave a lock whose every block is sound and whose whole is
//! not; this is what finds it.

use collegium_manifest::{Expert, Input, Output, Pipeline, StandsOn, bare_name};
use collegium_records::{Certificate, Lock, LockedNode, Verdict};

use crate::{View, reads};

/// The check of one node of a lock: the model in use, and what is wrong with that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeCheck {
    /// `expert.NAME`
    pub name: String,
    /// `fit`, `kept`, `patched`, `held` or `nothing`.
    pub stands_on: &'static str,
    /// In words; none for a sound node.
    pub findings: Vec<String>,
}

/// Checks a lock against its pipeline file.
pub fn check(pipeline: &Pipeline, lock: &Lock) -> Vec<NodeCheck> {
    let mut all = Vec::new();
    for (index, name) in pipeline.experts.keys().enumerate() {
        let name = pipeline.node_name(name);
        let mut findings = Vec::new();
        let stands_on = match lock.node.get(&name) {
            None => {
                findings.push("the lock names no model of it".to_owned());
                "nothing"
            }
            Some(node) => one(pipeline, lock, index, node, &mut findings),
        };
        all.push(NodeCheck { name, stands_on, findings });
    }
    for name in lock.node.keys() {
        let known = pipeline.node_name(bare_name(name)) == *name
            && pipeline.experts.contains_key(bare_name(name));
        if !known {
            let findings = vec!["the pipeline has no such expert".to_owned()];
            all.push(NodeCheck { name: name.clone(), stands_on: "nothing", findings });
        }
    }
    all
}

fn one(
    pipeline: &Pipeline,
    lock: &Lock,
    index: usize,
    node: &LockedNode,
    findings: &mut Vec<String>,
) -> &'static str {
    let expert = &pipeline.experts[index];
    let held = expert.stands_on != StandsOn::Recipe;
    if held || node.held.is_some() {
        if node.held.is_some() && !held {
            findings.push("its model was held, and the file no longer says so".to_owned());
        }
        return "held";
    }
    let view = reads(index, expert);
    for input in &expert.inputs {
        let Input::Output { expert: from, output } = input.get_ref() else { continue };
        let reference = input.get_ref().to_string();
        let Some(upstream) = lock.node.get(&pipeline.node_name(from)) else {
            findings.push(format!("it reads {reference}, and the lock names no model of {from}"));
            continue;
        };
        let Some(reads) = node.reads.get(&reference) else {
            findings.push(format!("the lock does not say what it read of {reference}"));
            continue;
        };
        let named = |output: Output, view| {
            upstream.hands.get(&view_name(pipeline, output.name(), view)).copied()
        };
        let handed = |view| output.stored().iter().find_map(|output| named(*output, view));
        if handed(View::Deployed) != Some(reads.deployed) || handed(view) != Some(reads.view) {
            let what = match node.certificate {
                Some(_) => "its certificate was made for",
                None => "it was trained on",
            };
            findings.push(format!(
                "{what} another {reference} than {} hands over",
                pipeline.node_name(from)
            ));
        }
    }
    for reference in node.reads.keys() {
        if !expert.inputs.iter().any(|input| input.get_ref().to_string() == *reference) {
            findings.push(format!("it was trained on {reference}, which the file no longer names"));
        }
    }
    match &node.certificate {
        None => "fit",
        Some(certificate) => {
            certificate_findings(expert, node, certificate, findings);
            match certificate.verdict {
                Verdict::Patch => "patched",
                _ => "kept",
            }
        }
    }
}

fn certificate_findings(
    expert: &Expert,
    node: &LockedNode,
    certificate: &Certificate,
    findings: &mut Vec<String>,
) {
    match expert.reuse {
        None => findings.push("it stands on a certificate, but `reuse` is off".to_owned()),
        Some(reuse) => {
            if (reuse.tolerance, reuse.confidence)
                != (certificate.tolerance, certificate.confidence)
            {
                findings.push(format!(
                    "its certificate is for a tolerance of {} at {}, the file asks for {} at {}",
                    certificate.tolerance,
                    certificate.confidence,
                    reuse.tolerance,
                    reuse.confidence
                ));
            }
        }
    }
    let same = node.realisation == certificate.anchor.realisation;
    let fits = match certificate.verdict {
        Verdict::Keep => same,
        Verdict::Patch => !same,
        Verdict::Retrain => false,
    };
    if !fits {
        findings.push("its certificate is about another model".to_owned());
    }
    if certificate.certified && certificate.bound > certificate.budget {
        findings.push("the bound of its certificate exceeds the budget".to_owned());
    }
}

/// The name of an output as a view shows it: `logit`, `logit out-of-fold 5`.
pub fn view_name(pipeline: &Pipeline, output: &str, view: View) -> String {
    match view {
        View::Deployed => output.to_owned(),
        View::OutOfFold { folds } => format!("{output} out-of-fold {folds}"),
        View::HeldOut { consumer, folds } => {
            let name = pipeline.experts.get_index(consumer).map_or("", |(name, _)| name.as_str());
            format!("{output} held-out {folds} {name}")
        }
    }
}
