//! Model card metadata: YAML front matter, as model hubs read it.

use collegium_records::{AuditReport, NodeAudit, is_hidden};

use super::training::source_name;
use crate::words::{finite, metric_name, metrics_of, short};

pub(super) fn matter(report: &AuditReport, node: &NodeAudit) -> String {
    let tag = tag(node);
    let mut lines = vec![
        "---".to_owned(),
        "library_name: collegium".to_owned(),
        format!("model_name: {}", quoted(short(&node.name))),
        format!("pipeline: {}", quoted(&report.pipeline)),
        format!("pipeline_tag: {tag}"),
        format!("task: {}", quoted(&node.task)),
        format!("target: {}", quoted(&node.target)),
        format!("created: {}", quoted(&report.created)),
        "tags:".to_owned(),
        "- collegium".to_owned(),
        format!("- {tag}"),
        format!("recipe: {}", quoted(&node.recipe.to_string())),
        format!("realisation: {}", quoted(&node.realisation.to_string())),
    ];
    lines.extend(index(node, tag));
    lines.push("---".to_owned());
    lines.join("\n")
}

/// The metrics on test rows. A `model-index` without metrics is not valid, so there is none then.
fn index(node: &NodeAudit, tag: &str) -> Vec<String> {
    let Some(test) = node.metrics.get("test") else {
        return vec![];
    };
    let metrics: Vec<String> = metrics_of(node)
        .into_iter()
        .filter_map(|name| Some((name, finite(&test.metrics, name)?)))
        .flat_map(|(name, value)| {
            [
                format!("    - type: {}", quoted(name)),
                format!("      name: {}", quoted(&metric_name(name))),
                format!("      value: {}", number(value)),
            ]
        })
        .collect();
    if metrics.is_empty() {
        return vec![];
    }
    let kind = if tag.starts_with("image") { "image" } else { "tabular" };
    let mut lines = vec![
        "model-index:".to_owned(),
        format!("- name: {}", quoted(short(&node.name))),
        "  results:".to_owned(),
        "  - task:".to_owned(),
        format!("      type: {tag}"),
        format!("      name: {}", quoted(&format!("{} of {}", node.task, node.target))),
        "    dataset:".to_owned(),
        format!("      type: {kind}"),
        format!("      name: {}", quoted(source_name(node))),
        "      split: test".to_owned(),
        "    metrics:".to_owned(),
    ];
    lines.extend(metrics);
    lines
}

fn tag(node: &NodeAudit) -> &'static str {
    match (node.task.as_str(), node.probe.images.is_empty()) {
        ("regression", _) => "tabular-regression",
        (_, true) => "tabular-classification",
        (_, false) => "image-classification",
    }
}

/// Six significant digits, as a number that every YAML reads as one.
fn number(value: f64) -> String {
    let rounded: f64 = format!("{value:.5e}").parse().unwrap_or(value);
    let text = format!("{:?}", rounded + 0.0);
    // `1e-7` without a point is a string to YAML 1.1.
    match text.split_once('e') {
        Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0e{exponent}"),
        _ => text,
    }
}

/// A double-quoted string: JSON's escapes, which are YAML's too, and YAML's own, for whatever is not seen.
fn quoted(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() || is_hidden(c) => {
                let _ = match u32::from(c) {
                    wide @ 0x1_0000.. => write!(out, "\\U{wide:08x}"),
                    narrow => write!(out, "\\u{narrow:04x}"),
                };
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_cannot_end_early_and_numbers_stay_numbers() {
        assert_eq!(quoted("a\"b\\c\nd\u{85}"), "\"a\\\"b\\\\c\\u000ad\\u0085\"");
        assert_eq!(quoted("\u{202e}\u{e0041}"), "\"\\u202e\\U000e0041\"");
        let shown = [0.0, -0.0, 1.0, 0.753_123_456, 1e-7, 1.5e300].map(number);
        assert_eq!(shown, ["0.0", "0.0", "1.0", "0.753123", "1.0e-7", "1.5e300"]);
    }
}
