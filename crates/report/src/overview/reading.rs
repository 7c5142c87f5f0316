//! How to read the pages of the experts: said once, for all of them.

use maud::{Markup, html};

pub(super) fn reading() -> Markup {
    html! {
        h3 #reading { "How to read the tables" }
        ul.findings.reading {
            li { strong { "Intervals" } " are of 95 %: test rows are resampled with replacement (" a href="#glossary-bootstrap" { "bootstrap" } "), whole groups where " code { "split.by" } " names them." }
            li { strong { "Differences" } " are expert − baseline, both on the same drawn rows (paired). “No measurable difference”: the interval contains 0." }
            li { strong { "Rise of the loss" } " in “What it uses”, on test rows: the input is " a href="#glossary-cue" { "shuffled within similar rows" }
                " (similar in the other inputs), so what is lost is what it alone tells. Grey: no measurable effect; all inputs of one expert together are right in 95 of 100 cases (Holm)." }
            li { strong { "AGOP share" } ": sensitivity, how far the output moves when the input does (" a href="#glossary-agop" { "average gradient outer product" } "). "
                "High sensitivity without effect is noise that the expert learned. " strong { "Proxy" } ": the effect disappears when correlated inputs are held fixed." }
            li { strong { "Direction" } ": the output (log odds of the second class, or value) rises or falls with the input; mixed: it depends on the row." }
            li { strong { "Where it does worse" } ": slices found on validation rows and tested on test rows, p-values corrected for all that were tested (" a href="#glossary-slices" { "Holm" } ")." }
        }
    }
}
