//! Glossary: layers of a network, and label provenance.

use maud::{Markup, html};

use super::fraction;

pub(super) fn entries() -> Markup {
    html! {
        div {
            dt #glossary-ansatz { "Neural feature ansatz" }
            dd {
                p.formula { "W" sup { "T" } "W ∝ G" sup { "½" } ", measured as ⟨W" sup { "T" } "W, G" sup { "½" } "⟩ / (‖W" sup { "T" } "W‖ ‖G" sup { "½" } "‖)" }
                p { "In trained networks the weights W into a layer are found to agree with the square root of the AGOP at that layer's input. Shown is the cosine of the two matrices as vectors, with power ½, and the same as Pearson's correlation. "
                    "An untrained network agrees by chance already (with its own AGOP), so the initial value stands beside the trained one, and that of the change W − W₀ alone." }
            }
        }
        div {
            dt #glossary-collapse { "Neural collapse, NC1 to NC4" }
            dd {
                p.formula { "NC1 = tr S" sub { "W" } " / tr S" sub { "B" } ", S" sub { "W" } " = " (fraction("1", "N")) " Σ" sub { "i" } " (h" sub { "i" } " − μ" sub { "c(i)" } ")(·)" sup { "T" } ", S" sub { "B" } " = " (fraction("1", "C")) " Σ" sub { "c" } " (μ" sub { "c" } " − μ" sub { "G" } ")(·)" sup { "T" } }
                p.formula { "NC2 = mean" sub { "i ≠ j" } " (cos(μ" sub { "i" } " − μ" sub { "G" } ", μ" sub { "j" } " − μ" sub { "G" } ") + " (fraction("1", "C − 1")) ")²" }
                p.formula { "NC3 = ‖W/‖W‖ − M/‖M‖‖², NC4 = share of rows whose nearest class mean is the predicted class" }
                p { "h are a layer's activations, μ" sub { "c" } " the mean of class c, μ" sub { "G" } " the mean of these, W the weights of the head, M the centred class means. Published codes differ by a factor C in NC1; this is the convention here. "
                    "Late in training the classes shrink to points (NC1 → 0) that stand as far apart as they can (NC2 → 0), the head lines up with them (NC3 → 0) and decides by the nearest (NC4 → 1). "
                    "On training rows alone that is no merit. V. Papyan, X. Y. Han and D. L. Donoho, " cite { "Prevalence of neural collapse during the terminal phase of deep learning training" } ", PNAS, 2020." }
            }
        }
        div {
            dt #glossary-collapses { "Neural collapse and model collapse" }
            dd {
                p { "Neural collapse is a geometry: within one trained classifier the activations of each class draw together into points. "
                    "Model collapse is a decay over generations: models trained on what models made lose what was rare in the measured data, which no look into one model shows, only where its labels come from." }
            }
        }
        div {
            dt #glossary-generation { "Generation, measured share" }
            dd {
                p { "Generation 0: all that an expert reads and predicts was measured. Else one more than the largest generation among the sources of its labels and the tables that it reads. "
                    "The measured share is that of its training labels which were measured and not made by a model." }
            }
        }
    }
}
