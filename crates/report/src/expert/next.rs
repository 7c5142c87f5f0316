//! What to do next: the ways out of the expert's findings, in their order.

use collegium_records::NodeAudit;
use maud::{Markup, html};

use crate::page::sentence;

pub(super) fn next(node: &NodeAudit) -> Markup {
    let mut steps: Vec<&str> = Vec::new();
    for finding in &node.findings {
        let step = finding.next.as_deref();
        steps.extend(step.filter(|step| !steps.contains(step)));
    }
    html! {
        @if steps.is_empty() { p { "Nothing follows from the numbers." } } @else {
            ul.findings { @for step in steps { li { (sentence(step)) } } }
        }
    }
}
