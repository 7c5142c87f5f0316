//! The words of the report with their formulas, for a reader who did not build the pipeline.

use maud::{Markup, html};

pub(crate) fn glossary() -> Markup {
    html! {
        section #glossary aria-labelledby="glossary-title" {
            h2 #glossary-title { "Glossary" }
            dl.glossary {
                div {
                    dt #glossary-agop { "AGOP, average gradient outer product" }
                    dd {
                        p.formula { "G = " (fraction("1", "n")) " Σ" sub { "i" } " J(x" sub { "i" } ")" sup { "T" } " J(x" sub { "i" } ")" }
                        p { "J(x) holds the derivatives of the expert's raw outputs (logits, or the predicted value) with respect to its inputs, at one row; "
                            "G averages their outer products over n rows. Its diagonal says how strongly the output answers to each input, its eigenvectors to which combinations of them. "
                            "It is taken on logits because the gradients of probabilities vanish where they saturate. "
                            "A. Radhakrishnan, D. Beaglehole, P. Pandit and M. Belkin, " cite { "Mechanism for feature learning in neural networks and backpropagation-free machine learning models" } ", Science, 2024." }
                    }
                }
                div {
                    dt #glossary-share { "Scale-free share" }
                    dd {
                        p.formula { "s" sub { "b" } " = tr(G" sub { "bb" } " Σ" sub { "bb" } ") / Σ" sub { "b′" } " tr(G" sub { "b′b′" } " Σ" sub { "b′b′" } ")" }
                        p { "G depends on units: the same length in kilometres and in metres would weigh differently. Multiplying by the covariance Σ of the columns that encode an input removes them. "
                            "Shares sum to 1 over the declared inputs; inputs that say nearly the same thing divide their share between them." }
                    }
                }
                div {
                    dt #glossary-rank { "Effective rank" }
                    dd {
                        p.formula { "exp(−Σ" sub { "k" } " p" sub { "k" } " ln p" sub { "k" } "), p" sub { "k" } " = λ" sub { "k" } " / Σ λ" }
                        p { "How many directions of its input an expert really uses, from the eigenvalues λ of Σ" sup { "½" } "GΣ" sup { "½" } ": 1 if all hangs on a single combination. "
                            "Learning usually brings it far below that of the untrained network beside it." }
                    }
                }
                div {
                    dt #glossary-noise { "Noise floor" }
                    dd {
                        p { "What the same pictures show where nothing was learned: the shares of a network of the same shape with its first random weights, "
                            "and how far two random halves of the rows agree. An input whose importance does not rise above it is said to have little weight." }
                    }
                }
                div {
                    dt #glossary-gain { "Skill, gain" }
                    dd {
                        p.formula { "gain = 1 − L" sub { "expert" } " / L" sub { "constant" } }
                        p { "The share of the constant baseline's loss on test rows that the expert removes: log loss for classes, squared error for numbers (where it is R²). "
                            "If its 95 % interval reaches down to 0, the expert has learned nothing that can be shown, and no picture of what it looks at is drawn, since such a picture would mislead." }
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
                    dt #glossary-ece { "ECE, expected calibration error" }
                    dd {
                        p.formula { "ECE = Σ" sub { "bins" } " (n" sub { "bin" } " / n) · |mean prediction − observed frequency|" }
                        p { "How far predicted probabilities are from observed frequencies, on average over 15 bins of equal width, each weighted by its rows. 0 is perfect." }
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
    }
}

fn fraction(over: &str, under: &str) -> Markup {
    html! { sup { (over) } "⁄" sub { (under) } }
}
