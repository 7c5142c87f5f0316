//! Glossary: gates and mixtures of experts.

use maud::{Markup, html};

use super::fraction;

pub(super) fn entries() -> Markup {
    html! {
        div {
            dt #glossary-controls { "Controls" }
            dd {
                p { "What a gate or a mixture has to beat: simpler ways to use the same experts, and one network that replaces all of it, of the same total size, of the same multiply-adds a row, given the same extra labels, or trained up to three times as long. All had the same rows. The difference is that of the losses on the same test rows, seed by seed where there are several; an interval that does not reach 0 decides." }
            }
        }
        div {
            dt #glossary-load { "Mean weight, load, MaxVio" }
            dd {
                p.formula { "load = " (fraction("1", "n")) " Σ" sub { "rows" } " [chosen] / experts chosen, MaxVio = K · max(load) − 1" }
                p { "Mean weight is how much an expert counts in the mean of the rows; load, how much of the work is its. MaxVio is 0 for even load and K − 1 where one of K experts does everything (Wang et al. 2024). Even load is no success: a gate that hardly decides has it too." }
            }
        }
        div {
            dt #glossary-entropy { "Entropy of the load, of the decision" }
            dd {
                p.formula { "H(g) = −Σ" sub { "k" } " g" sub { "k" } " ln g" sub { "k" } " / ln K" }
                p { "Of the load: 1 is even, 0 is one expert for all. Of the single decision, in the mean of the rows: 0 is a gate that decides, 1 one that gives all experts the same weight." }
            }
        }
        div {
            dt #glossary-nmi { "Normalised mutual information" }
            dd {
                p.formula { "NMI(R, Y) = " (fraction("2 I(R; Y)", "H(R) + H(Y)")) }
                p { "How much the route (the expert of the largest weight) and a column say of each other: 1 if each follows from the other, 0 if neither does. Shown where a permutation of the column seldom gives as much." }
            }
        }
        div {
            dt #glossary-regret { "Regret" }
            dd {
                p { "The mean loss less that of an oracle that knows, row by row, which expert will do best. No gate reaches the oracle where experts err by chance; a regret that is large beside the gap between experts is room for a better gate." }
            }
        }
        div {
            dt #glossary-blame { "Share of the loss" }
            dd {
                p.formula { "share = 1 − L" sub { "with the truth" } " / L" }
                p { "What goes away if the truth stands in the place of one upstream's outputs. The consumer was not trained on truths, so shares need not sum to anything." }
            }
        }
    }
}
