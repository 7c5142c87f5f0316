//! Verdict of a comparison: the rule that says whether importances changed.
//!
//! Everything is said in distances, 1 − cosine of the importances and 1 − overlap of the leading
//! directions, which add up as squared angles do; a cosine of .98 is twice as far as one of .99.
//! A reference line is a *worst* pair, and the distance of another pair that differs by nothing
//! else may well be larger: among m looks the worst of their pairs is passed by the next about once
//! in m. The margins below were set, and are to be judged, by small networks that were really
//! trained; see [`compare`].

use collegium_records::{Agreement, Between, Changed, Comparison};

use super::{looks::Look, reason::reason};

/// How much farther apart than the worst halves two looks may be and still be the same.
const HALVES: f64 = 1.5;

/// How much farther apart than the worst pair of seeds two looks must be to have changed.
const SEEDS: f64 = 2.0;

/// A cosine or an overlap of .9999 is no change, whatever the halves say: of a function that is
/// nearly linear all rows have one gradient, and halves agree to the last digit.
const NOTHING: f64 = 1e-4;

/// Least distances of importances and of directions that are called a change. Where seeds agree
/// nearly perfectly, twice as far is still nothing: refits on other rows of the same world are
/// farther apart than seeds on the same rows.
const LEAST: [f64; 2] = [0.02, 0.05];

/// Where one measure lies between the reference lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// No farther apart than halves of the rows.
    Halves,
    /// Farther than halves, no farther than seeds.
    Seeds,
    /// Farther than seeds, by less than the margin.
    Close,
    /// Farther than seeds by more than the margin.
    Beyond,
    /// Farther than halves, and seeds so far apart that nothing could be beyond them.
    Blind,
    /// Farther than halves, and no seeds to compare with.
    Alone,
}

/// Of a cosine or an overlap, with its two reference lines.
fn standing(value: f64, halves: f64, seeds: Option<f64>, least: f64) -> Standing {
    let [apart, halves] = [value, halves].map(|agreement| 1.0 - agreement);
    if apart <= (HALVES * halves).max(NOTHING) {
        return Standing::Halves;
    }
    match seeds.map(|agreement| 1.0 - agreement) {
        None => Standing::Alone,
        Some(seeds) if SEEDS * seeds >= 1.0 => Standing::Blind,
        Some(seeds) if apart <= seeds => Standing::Seeds,
        Some(seeds) if apart <= (SEEDS * seeds).max(least) => Standing::Close,
        Some(_) => Standing::Beyond,
    }
}

/// Compares two networks by their importances and their first `k` directions (see
/// [`crate::spectral_gap`]), and says whether they are of different things.
///
/// `split_half` is the agreement of halves of one network's rows, best over five divisions or more,
/// each half with the covariance of its own rows; `seeds` that of refits of one version, the fit
/// itself among them, all of them with this `k`.
///
/// - **Cannot tell** where one of them has no skill.
/// - **Yes** if importances or directions are beyond halves (1.5 times the distance of the worst),
///   and beyond seeds: more than twice the distance of the worst pair, and at least .02
///   (importances) or .05 (directions).
/// - **No** if both are within halves; or if what is not is within the worst pair of seeds.
/// - **Cannot tell** in between; where no seeds were fitted; and where twice the distance of the
///   worst pair of seeds is 1, so that nothing could be beyond it.
///
/// What the rule is worth was measured on networks of 32 and 16 units that were trained on functions
/// of four inputs out of 5, 8 or 20, with 300 to 4,000 rows (`examples/verdict.rs`: 240 comparisons a
/// line, in other worlds than those that the margins were chosen by). With the fit and two refits,
/// in brackets four refits, it said of the fit and
///
/// | | yes, % | no, % |
/// |---|---|---|
/// | the same network on other rows | 0 (0) | 98.8 (99.2) |
/// | the same network on its training rows | 0 (0) | 99.6 (100) |
/// | another seed | 3.8 (2.5) | 85.4 (92.1) |
/// | another seed, trained on other rows | 9.2 (7.9) | 58.8 (65.4) |
/// | one weight of four 1.5 times as large | 90.0 (82.1) | 3.3 (5.8) |
/// | one input's weight shared with a new one | 99.6 (97.9) | 0 (0.4) |
/// | another input for one | 100 (100) | 0 (0) |
/// | the same four inputs, combined otherwise | 80.0 (73.3) | 12.9 (18.3) |
///
/// and could not tell of the rest. More seeds make a false yes rarer, and a true one as well, since
/// the worst of more pairs is worse. Seeds that share their training rows are too strict a line for
/// versions that do not: without the least distances above, 30 % of the refits on other rows
/// were called a change where the margins were chosen. And what is compared is which inputs and directions are
/// looked at, not how they are combined: most of the last line's misses are functions of four inputs out of five.
///
/// With `k` close to the number of columns, any two subspaces overlap (by 2 − d/k at least), and
/// only importances can tell.
///
/// `None` where one of them looks at nothing.
///
/// # Panics
/// When the looks differ in inputs or columns (a mistake of the caller, which no data can cause).
pub fn compare(
    between: Between,
    what: &str,
    a: &Look,
    b: &Look,
    k: usize,
    split_half: Agreement,
    seeds: Option<Agreement>,
) -> Option<Comparison> {
    let pair = a.beside(b, k)?;
    let standings = [
        standing(pair.cosine, split_half.cosine, seeds.map(|s| s.cosine), LEAST[0]),
        standing(pair.overlap, split_half.overlap, seeds.map(|s| s.overlap), LEAST[1]),
    ];
    let any = |of| standings.contains(&of);
    let changed = if !a.skilled || !b.skilled {
        Changed::CannotTell
    } else if any(Standing::Beyond) {
        Changed::Yes
    } else if any(Standing::Close) || any(Standing::Alone) {
        Changed::CannotTell
    } else if any(Standing::Seeds) || !any(Standing::Blind) {
        Changed::No
    } else {
        Changed::CannotTell
    };
    let mut comparison = Comparison {
        between,
        what: what.to_owned(),
        cosine: pair.cosine,
        spearman: pair.spearman,
        k: u32::try_from(pair.angles.len()).unwrap_or(u32::MAX),
        overlap: pair.overlap,
        angles: pair.angles,
        split_half,
        seeds,
        changed,
        reason: String::new(),
    };
    comparison.reason = reason(&comparison, a.skilled && b.skilled, standings);
    Some(comparison)
}
