//! The `tabular` template: a small table of parcels that arrive late.
//!
//! A courier takes `minutes` from the depot to the door:
//!
//! ```text
//! minutes = 6 + 3 · stops + 2.4 · distance_km · traffic(hour) · (1.35 in rain, for the bicycles) + N(0, 4)
//! traffic = 1.6 from 7 to 9 and 16 to 18 o'clock, else 1
//! late    = minutes > promised
//! ```
//!
//! `promised` is 30, 45 or 60 minutes, as the customer chose; `vehicle` matters in the rain alone;
//! `colour`, the parcel's, matters never, and an audit should say so. About one weight in fifty is
//! not known (an empty field), and weight does not matter either.

use collegium_digest::{Hasher, stream};
use rand::RngExt as _;
use rand_distr::{Distribution as _, StandardNormal};

/// Seed of the table that the template writes.
pub const SEED: u64 = 1;
/// Rows of that table.
pub const ROWS: usize = 4000;

/// The table that the template writes, as CSV.
pub fn csv() -> String {
    to_csv(SEED, ROWS)
}

/// `n` rows as CSV; equal seeds give equal bytes.
pub fn to_csv(seed: u64, n: usize) -> String {
    let mut hasher = Hasher::new("template tabular");
    let mut rng = stream(&hasher.count(seed).finish(), "rows");
    let mut text = String::from(
        "parcel,hour,vehicle,weather,distance_km,stops,weight_kg,colour,promised,minutes,late\n",
    );
    for parcel in 1..=n {
        let hour = rng.random_range(7..=19);
        let vehicle = if rng.random_bool(0.4) { "bicycle" } else { "van" };
        let weather = match rng.random::<f64>() {
            at if at < 0.5 => "clear",
            at if at < 0.75 => "clouds",
            _ => "rain",
        };
        // Tenths, so that the rule holds for what is printed.
        let distance = f64::from(rng.random_range(5..=120_u32)) / 10.0;
        let stops = rng.random_range(0..=5_u32);
        let weight = f64::from(rng.random_range(1..=150_u32)) / 10.0;
        let weighed = !rng.random_bool(0.02);
        let colour = ["brown", "white", "green"][rng.random_range(0..3_usize)];
        let promised = [30_u32, 45, 60][rng.random_range(0..3_usize)];
        let noise: f64 = StandardNormal.sample(&mut rng);

        let traffic = if matches!(hour, 7..=9 | 16..=18) { 1.6 } else { 1.0 };
        let wet = if weather == "rain" && vehicle == "bicycle" { 1.35 } else { 1.0 };
        let minutes = 6.0 + 3.0 * f64::from(stops) + 2.4 * distance * traffic * wet + 4.0 * noise;
        let minutes = minutes.max(2.0).round();
        let late = u8::from(minutes > f64::from(promised));
        let weight = if weighed { format!("{weight:.1}") } else { String::new() };
        text += &format!(
            "{parcel},{hour},{vehicle},{weather},{distance:.1},{stops},{weight},{colour},{promised},{minutes},{late}\n"
        );
    }
    text
}
