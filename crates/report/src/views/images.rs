//! Saliency maps of image inputs.

use collegium_records::{Agop, NodeAudit};
use maud::{Markup, html};

use crate::charts;

/// Where each image input counts, all classes together.
pub(super) fn whole(node: &NodeAudit) -> Markup {
    html! {
        @for maps in &node.probe.images {
            h4 { "Where in " code { (maps.input) } }
            (charts::map(maps))
        }
    }
}

/// The same by class and direction.
pub(super) fn images(node: &NodeAudit, agop: &Agop) -> Markup {
    html! {
        @for maps in &node.probe.images {
            h4 { "Where in " code { (maps.input) } }
            (charts::tiles(maps, Some(agop)))
        }
    }
}
