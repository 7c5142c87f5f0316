//! Covariate shift: two-sample tests, and the population stability index (PSI).
//!
//! The two are different questions, and a report needs both. A *test* says whether chance explains a
//! difference: [`numbers_differ`] (Kolmogorov and Smirnov) for what has an order, [`counts_differ`] (χ²,
//! Fisher) for what has none and for missing values. With a hundred thousand rows it calls differences
//! real that matter to nobody. An *index* says how large a difference is: [`stability_index`], whose unit
//! people know (below .1 little, above .25 much), and which says of a hundred rows that they moved
//! although nothing did. [`chance_index`] is what it comes to by chance.
//!
//! A p-value is worth what it promises where samples are small and values repeat. There the usual
//! formulas fail in both directions: Kolmogorov's is blind for ties (it calls too little), Pearson's sees
//! ghosts in rare levels (it calls too much). So small samples are counted out exactly, heavy ties and
//! rare levels are tested by exchanging labels, and formulas are left to what they are right for. What
//! was done is said beside each p-value.
//!
//! Rejected: the Wasserstein distance and Jensen and Shannon's divergence as indices, which have no scale
//! that people know; a classifier that tells the samples apart, which finds more (a change of dependence)
//! but says of no column that it moved; Anderson and Darling's test, whose p-value has no exact form with
//! ties.

mod counts;
mod gamma;
mod kolmogorov;
mod permuted;
mod stability;

pub use counts::counts_differ;
pub use kolmogorov::numbers_differ;
pub use permuted::Family;
pub use stability::{chance_index, in_bin, quantile_cuts, stability_index, tenths};
