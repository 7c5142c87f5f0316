//! Glossary: feature importance.

use maud::{Markup, html};

use super::fraction;

pub(super) fn entries() -> Markup {
    html! {
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
            dt #glossary-per-class { "Per-class AGOP" }
            dd {
                p.formula { "G" sub { "c" } " = " (fraction("1", "n")) " Σ" sub { "i" } " g" sub { "c" } "(x" sub { "i" } ") g" sub { "c" } "(x" sub { "i" } ")" sup { "T" } ", g" sub { "c" } " = ∇(f" sub { "c" } " − " (fraction("1", "C")) " Σ" sub { "k" } " f" sub { "k" } ")" }
                p { "What sets one class apart. The mean over all C logits is taken off first: adding the same amount to every logit changes no probability, so such a common shift says nothing about any class." }
            }
        }
        div {
            dt #glossary-groups { "Correlated inputs" }
            dd {
                p.formula { "s" sub { "group" } " = Σ" sub { "a,b in group" } " G" sub { "ab" } " Σ" sub { "ab" } " / Σ" sub { "b′" } " tr(G" sub { "b′b′" } " Σ" sub { "b′b′" } ")" }
                p { "What a group of correlated inputs does when all of it moves as it does in the data. It may be less than the sum of its members' shares (they counteract each other) or more (they reinforce each other), and it stays put from seed to seed where the members' own shares wander." }
            }
        }
        div {
            dt #glossary-raw { "Raw columns through the whole pipeline" }
            dd {
                p.formula { "J" sub { "raw" } "(x) = Σ" sub { "paths" } " ∏" sub { "experts on the path" } " J(x), G" sub { "raw" } " = " (fraction("1", "n")) " Σ" sub { "i" } " J" sub { "raw" } "(x" sub { "i" } ")" sup { "T" } " J" sub { "raw" } "(x" sub { "i" } ")" }
                p { "Derivatives are chained at each row and only then averaged. Multiplying averages instead gives wrong shares: an expert that reads x₀·x₁ has a mean derivative of 0 for both, and a consumer would seem to ignore them." }
            }
        }
        div {
            dt #glossary-rank { "Effective rank" }
            dd {
                p.formula { "exp(−Σ" sub { "k" } " p" sub { "k" } " ln p" sub { "k" } "), p" sub { "k" } " = λ" sub { "k" } " / Σ λ" }
                p { "How many directions of its input an expert really uses, from the eigenvalues λ of Σ" sup { "½" } "GΣ" sup { "½" } ": 1 if all hangs on a single combination. "
                    "Learning usually brings it far below that of the same model untrained, beside it." }
            }
        }
        div {
            dt #glossary-participation { "Participation ratio" }
            dd {
                p.formula { "(Σλ)² / Σλ²" }
                p { "The same question as the effective rank, with less weight on many small eigenvalues: k equal directions give k, a long weak tail adds nearly nothing." }
            }
        }
        div {
            dt #glossary-directions { "Direction, loading" }
            dd {
                p { "An eigenvector of Σ" sup { "½" } "GΣ" sup { "½" } ", the AGOP in units of standard deviations; a loading is one column's part in it. "
                    "Its sign is set so that the projection correlates with the output positively. Directions with nearly equal eigenvalues may turn into each other from fit to fit; only what they span together is stable." }
            }
        }
        div {
            dt #glossary-noise { "Noise floor" }
            dd {
                p { "What the same pictures show where nothing was learned: the shares of a model of the same shape with its first random weights (of a kind that has any), "
                    "and how far two random halves of the rows agree. An input is within noise if the lower end of its band is below a tenth of an even share, "
                    "if (with refits) less than half of its importance is common to all seeds, or if (with permuted labels) a model that learned nothing is as sensitive to it. "
                    "The comparison with permuted labels is of strengths in units of the output and not of shares, which add up to 100 % in a model without skill as well." }
            }
        }
        div {
            dt #glossary-permuted { "Permuted labels" }
            dd {
                p { "Networks of the same shape, trained in the same way on the same rows, whose labels were reassigned at random. There is nothing to learn, so their importances are what training alone produces. "
                    "Shares say how importance falls when there is nothing to find; an input's strength, in units of the output, must be above that in each of them." }
            }
        }
        div {
            dt #glossary-seeds { "Seeds" }
            dd {
                p { "Refits of the same recipe that differ in the random numbers alone (first weights, order of rows). Their band runs from the least to the largest share among all of them, this fit included; it is not an interval of confidence. "
                    "Two versions of an expert differ in earnest only beyond what two seeds of one version differ." }
            }
        }
        div {
            dt #glossary-angles { "Principal angles, overlap, cosine" }
            dd {
                p.formula { "overlap = " (fraction("1", "k")) " Σ" sub { "i" } " cos² θ" sub { "i" } ", cos θ" sub { "i" } " = σ" sub { "i" } "(U" sup { "T" } "V)" }
                p { "U and V hold the first k directions of two looks, k where the spectrum has its gap; the principal angles θ between the two subspaces come from the singular values of U" sup { "T" } "V. "
                    "Overlap is 1 if they span the same and about k/d if they have nothing in common in d dimensions. "
                    "The cosine and Spearman's rank correlation compare the importances alone." }
            }
        }
        div {
            dt #glossary-attribution { "Attribution of a row" }
            dd {
                p.formula { "a" sub { "i" } "(x) = ∂f/∂x" sub { "i" } " · √(G" sub { "ii" } " / max" sub { "j" } " G" sub { "jj" } ")" }
                p { "How sensitive the output for one row is to each input, weighted by the AGOP of that input, divided by the largest of the row. "
                    "It speaks of small changes at this row, not of what would have happened with quite another value." }
            }
        }
        div {
            dt #glossary-ale { "Response curve: accumulated local effects, partial dependence" }
            dd {
                p.formula { "g(z" sub { "k" } ") = Σ" sub { "j ≤ k" } " " (fraction("1", "n" )) " Σ" sub { "i in bin j" } " [f(z" sub { "j" } ", x" sub { "i, others" } ") − f(z" sub { "j−1" } ", x" sub { "i, others" } ")], less its mean over the rows" }
                p { "How an output moves with one input. The input is cut into at most 20 bins of about equally many rows, each of at least 10 groups (rows, where each stands for itself). Each row is moved from the lower to the upper edge of its own bin, all else as it is; n is the number of rows of bin j. "
                    "Rows are never moved far, so that inputs that vary together are not torn apart (Apley and Zhu 2020). The bands are 95 % intervals by resampling rows or groups, of the model as it is. "
                    "Below the curve: the root mean square of the gradient in each bin, from the Jacobians that the AGOP averages. It is large where single rows answer strongly, also where their effects cancel out in the curve." }
                p { "The levels of a category have no order to go along. They have a partial dependence (Friedman 2001): the mean output with all rows put to the level, less the mean of these as often as the levels occur." }
            }
        }
        div {
            dt #glossary-cue { "Cue test" }
            dd {
                p { "What an expert loses without an input. Removed: replaced by its mean, categories by their shares. Permuted: exchanged between rows at random, so that it is realistic but says nothing. "
                    "Swapped: each row is given the value of a row of another class (of the other half of the target), so that it speaks for the wrong answer. "
                    "An expert that relies on a cue loses some when it is removed, and falls below guessing when it is swapped. Inputs that say the same can stand in for each other, so a small loss does not prove that an input is not used." }
                p { "Shuffled within similar rows, that is rows similar in the other inputs (conditional permutation, Strobl et al. 2008): least squares of the input on the others and their squares puts the rows in order, and values change places among up to 20 neighbours, fewer where the others say more; ten exchanges are averaged. "
                    "An input that only varies with another is then as good a copy of it as before, and costs nothing: a proxy. An input is said to be used if its sensitivity is above noise and this raises the loss, all inputs of an expert together being right in 95 of 100 cases (Holm's correction)." }
            }
        }
    }
}
