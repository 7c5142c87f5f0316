//! Glossary: the words of the report with their formulas, for a reader who did not build the pipeline.

mod inside;
mod looks;
mod routes;
mod skill;

use maud::{Markup, html};

pub(crate) fn glossary() -> Markup {
    html! {
        section #glossary aria-labelledby="glossary-title" {
            h2 #glossary-title { "Glossary" }
            details.appendix {
            summary { "Metrics, gates and mixtures, what an expert uses, what is inside" }
            h3 { "Figures of merit" }
            dl.glossary { (skill::entries()) }
            h3 { "Gates and mixtures" }
            dl.glossary { (routes::entries()) }
            h3 { "What it uses" }
            dl.glossary { (looks::entries()) }
            h3 { "Inside, and where labels come from" }
            dl.glossary { (inside::entries()) }
            }
        }
    }
}

fn fraction(over: &str, under: &str) -> Markup {
    html! { sup { (over) } "⁄" sub { (under) } }
}
