//! The appendix of an expert: what a researcher asks. Folded on the screen, and not printed.

use collegium_records::NodeAudit;
use maud::html;

use super::{Part, classes, errors, metrics, provenance, training, tuning};
use crate::views::{comparisons, cues, importance, layers, seeds};

/// Classes up to which their measures stand on the expert's page itself.
pub(super) const FEW_CLASSES: usize = 4;

/// What there is something to show for.
pub(super) fn parts(node: &NodeAudit, id: &str) -> Vec<Part> {
    let skilled = node.skill.is_shown();
    let mut parts =
        vec![Part { id: "metrics", title: "All metrics on every side", body: metrics(node) }];
    if node.performance.classes.len() > FEW_CLASSES {
        let body = classes(&node.performance, "Test rows");
        parts.push(Part { id: "classes", title: "Each class by itself", body });
    }
    if let Some(body) = errors::curves(node, id) {
        parts.push(Part { id: "curves", title: "Curves over all thresholds", body });
    }
    if node.probe.seeds.len() > 1 {
        parts.push(Part { id: "seeds", title: "Other seeds", body: seeds::seeds(node) });
    }
    if skilled && node.agop.is_some() {
        let body = importance::importance(node, id);
        parts.push(Part { id: "looks", title: "Sensitivity, spectrum and directions", body });
    }
    if skilled && !node.probe.layers.is_empty() {
        let body = layers::layers(node, id);
        parts.push(Part { id: "layers", title: "Layers and collapse", body });
    }
    if skilled && !node.probe.comparisons.is_empty() {
        let body = comparisons::comparisons(node);
        parts.push(Part { id: "comparisons", title: "Importances compared", body });
    }
    if skilled && !node.probe.cues.is_empty() {
        parts.push(Part { id: "cues", title: "Ablation of inputs", body: cues::cues(node) });
    }
    let body = training::training(node, id);
    parts.push(Part { id: "training", title: "Training", body });
    if let Some(search) = &node.search {
        let body = tuning::tuning(search);
        parts.push(Part { id: "tuning", title: "Settings that were tried", body });
    }
    if let Some(of) = &node.provenance {
        let body = html! { (provenance::provenance(of)) };
        parts.push(Part { id: "provenance", title: "Label provenance", body });
    }
    parts
}
