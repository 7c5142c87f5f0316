//! The `blank` template: a small table of flowers, there to be replaced.
//!
//! Petals of two made-up kinds, `meadow` (about 40 × 12 mm) and `marsh` (about 55 × 20 mm), taking
//! turns. Small enough to read whole.

use collegium_digest::{Hasher, stream};
use rand_distr::{Distribution as _, StandardNormal};

/// The table that the template writes, as CSV.
pub(crate) fn csv() -> String {
    let mut rng = stream(&Hasher::new("template blank").finish(), "rows");
    let mut text = String::from("length,width,kind\n");
    for row in 0..60 {
        let (kind, length, width) =
            if row % 2 == 0 { ("meadow", 40.0, 12.0) } else { ("marsh", 55.0, 20.0) };
        let [along, across]: [f64; 2] = std::array::from_fn(|_| StandardNormal.sample(&mut rng));
        text += &format!("{:.1},{:.1},{kind}\n", length + 5.0 * along, width + 3.0 * across);
    }
    text
}
