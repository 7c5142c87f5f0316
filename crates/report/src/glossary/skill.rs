//! Glossary: metrics and skill.

use maud::{Markup, html};

use super::fraction;

pub(super) fn entries() -> Markup {
    html! {
        div {
            dt #glossary-gain { "Skill, gain" }
            dd {
                p.formula { "gain = 1 − L" sub { "expert" } " / L" sub { "constant" } }
                p { "How much less loss it has on test rows than the constant baseline: log loss for classes, squared error for numbers (where it is R²). "
                    "Skill is claimed by two tests against a constant, each with 99.9 % confidence (one-sided, Holm): of ranking (AUC, for numbers R²), and of the loss once both are recalibrated on validation rows. "
                    "An expert that passes neither has learned nothing that can be shown, and its importances are withheld, since they would mislead. If AUC or R² is clearly above chance, but rows or groups are too few, skill is not judged and importances are shown. An expert that passes either, but whose own loss is not shown to be below the constant's, and is above it or falls with recalibration, ranks rows but is overconfident." }
            }
        }
        div {
            dt #glossary-bootstrap { "Bootstrap interval" }
            dd {
                p { "The rows are drawn again with replacement, many times, and the measure is computed each time; the interval runs from the 2.5 % to the 97.5 % quantile. "
                    "It tells how much the number owes to the choice of rows. It does not tell how much another training run would differ." }
            }
        }
        div {
            dt #glossary-classes { "Precision, recall, F1" }
            dd {
                p.formula { "precision = " (fraction("TP", "predicted")) ", recall = " (fraction("TP", "rows")) ", F1 = " (fraction("2 TP", "rows + predicted")) }
                p { "TP are the rows of a class that are taken for it; predicted, all that are taken for it; rows, all that are of it. Precision asks whether its word can be trusted, recall whether it finds what there is." }
            }
        }
        div {
            dt #glossary-curves { "AUC, average precision" }
            dd {
                p { "Areas under the ROC curve and under precision by recall. AUC is the chance that a row of the class is given more than one that is not, .5 without skill; average precision is about the share of the class without skill, and tells more where the class is rare." }
            }
        }
        div {
            dt #glossary-ece { "ECE, expected calibration error" }
            dd {
                p.formula { "ECE = Σ" sub { "bins" } " (n" sub { "bin" } " / n) · |mean prediction − observed frequency|" }
                p { "How far predicted probabilities are from observed frequencies, on average over 15 bins of equal width, each weighted by its rows. 0 is perfect." }
            }
        }
        div {
            dt #glossary-slices { "Weak slices, Holm's correction" }
            dd {
                p.formula { "p" sub { "(k)" } "′ = max" sub { "j ≤ k" } " min(1, (m − j + 1) p" sub { "(j)" } ")" }
                p { "A shallow tree, grown on validation rows, looks for conditions under which the loss is large; each of its m leaves is then tested on test rows against all others (one-sided Welch test). "
                    "Who tests many slices finds some by chance, so the p-values, least first, are multiplied by the number of tests that are left. What is shown would appear in fewer than one of twenty experts that do equally well everywhere." }
            }
        }
        div {
            dt #glossary-oof { "Out-of-fold" }
            dd {
                p { "An expert that feeds another is trained several times, each time without one part (fold) of the training rows, and the consumer is trained on what each of these predicts for the rows it did not see. "
                    "Otherwise the consumer would learn to trust answers learned by heart, and be disappointed on new rows." }
            }
        }
    }
}
