//! Response curves: exact where the truth is known, and bands that hold it.

use collegium_digest::{Digest, Hasher, Stream, stream};
use collegium_probe::{Bins, Groups, Resampling, accumulated_effects, level_effects};
use collegium_records::Measure;
use proptest::prelude::*;

/// Uniform numbers summed to variance 1.
fn normal(random: &mut Stream) -> f64 {
    (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0
}

fn random(name: &str, draw: u64) -> Stream {
    stream(&Hasher::new(name).count(draw).finish(), "test")
}

/// What a function gains from the lower to the upper edge around each row's value of its first input.
fn gains(bins: &Bins, others: &[f64], f: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    let [low, high] = bins.around();
    let each = low.iter().zip(&high).zip(others);
    each.map(|((low, high), other)| f(*high, *other) - f(*low, *other)).collect()
}

fn values(measures: &[Measure]) -> Vec<f64> {
    measures.iter().map(|measure| measure.value).collect()
}

proptest! {
    /// A line has its slope in every bin, whatever the other input does, and no band around it but that of its
    /// centre.
    #[test]
    fn of_a_line_the_curve_is_a_line_of_its_slope(
        rows in prop::collection::vec((-50.0..50.0f64, -5.0..5.0f64), 25..300),
        slope in -3.0..3.0f64,
        few in any::<bool>(),
    ) {
        let x: Vec<f64> = rows.iter().map(|(x, _)| if few { (x / 20.0).round() } else { *x }).collect();
        let other: Vec<f64> = rows.iter().map(|(_, other)| *other).collect();
        let Some(bins) = Bins::new(&x, None) else { return Ok(()) };
        let key = Digest::of(b"line");
        let gains = gains(&bins, &other, |x, other| slope * x + 7.0 * other * other);
        let curve = values(&accumulated_effects(&bins, &gains, Resampling::of_rows(20, &key)));
        for (at, effect) in bins.edges().windows(2).zip(curve.windows(2)) {
            prop_assert!((effect[1] - effect[0] - slope * (at[1] - at[0])).abs() < 1e-9);
        }
        // The line goes through 0 at the mean of the rows.
        let mean = x.iter().sum::<f64>() / x.len() as f64;
        let at_mean = curve[0] + slope * (mean - bins.edges()[0]);
        prop_assert!(at_mean.abs() < 1e-9, "{at_mean}");
    }

    #[test]
    fn every_known_row_is_in_a_bin_that_holds_it_and_no_bin_is_thin(
        x in prop::collection::vec(prop_oneof![Just(f64::NAN), -9.0..9.0f64, (0..4).prop_map(f64::from)], 1..400),
        members in 1..30u64,
    ) {
        let groups = Groups::of((0..x.len() as u64).map(|row| row / members));
        let Some(bins) = Bins::new(&x, groups.as_ref()) else { return Ok(()) };
        let edges = bins.edges();
        prop_assert!(edges.len() <= 21 && edges.windows(2).all(|pair| pair[0] < pair[1]));
        prop_assert!(edges.iter().all(|edge| x.contains(edge)), "edges are values that occur");
        let [low, high] = bins.around();
        for (row, value) in x.iter().enumerate() {
            prop_assert_eq!(bins.of()[row].is_some(), !value.is_nan());
            prop_assert!(value.is_nan() || low[row] <= *value && *value <= high[row]);
        }
        let known = x.iter().filter(|value| !value.is_nan()).count();
        prop_assert_eq!(bins.rows().iter().sum::<u64>(), known as u64);
        for bin in 0..bins.count() {
            let inside = (0..x.len()).filter(|row| bins.of()[*row] == Some(bin));
            let mut units: Vec<u64> = match &groups {
                Some(groups) => inside.map(|row| u64::from(groups.codes()[row])).collect(),
                None => inside.map(|row| row as u64).collect(),
            };
            units.dedup();
            prop_assert!(units.len() >= 10 || bins.count() == 1, "{units:?} of {edges:?}");
        }
    }
}

/// Of x₀·x₁ with correlation ρ the local effect at x₀ is E[x₁ | x₀] = ρ·x₀, so that the curve is ρ(x₀² − 1)/2.
/// The partial dependence is x₀·E[x₁] = 0: it moves rows to where there are none.
#[test]
fn of_a_product_of_correlated_inputs_the_curve_is_the_parabola_and_not_the_partial_dependence() {
    let rho = 0.8;
    let mut random = random("product", 0);
    let pairs: Vec<(f64, f64)> = (0..40_000)
        .map(|_| {
            let x = normal(&mut random);
            (x, rho * x + (1.0f64 - rho * rho).sqrt() * normal(&mut random))
        })
        .collect();
    let (x, other): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    let bins = Bins::new(&x, None).expect("many values");
    let key = Digest::of(b"product");
    let gains = gains(&bins, &other, |x, other| x * other);
    let curve = accumulated_effects(&bins, &gains, Resampling::of_rows(50, &key));
    let by_dependence = |at: f64| other.iter().map(|other| at * other).sum::<f64>() / 40_000.0;
    // Within the outermost bins the tails are long and rows few.
    for (at, effect) in bins.edges().iter().zip(values(&curve)).skip(1).take(19) {
        let truth = rho * (at * at - 1.0) / 2.0;
        assert!((effect - truth).abs() < 0.06, "at {at}: {effect}, not {truth}");
        assert!(by_dependence(*at).abs() < 0.04);
    }
}

/// How often the bands hold the curve of the same bins on many more rows.
fn held(
    draws: u64,
    worlds: impl Fn(&mut Stream, usize) -> (Vec<f64>, Vec<f64>, Option<Groups>),
) -> f64 {
    let (mut inside, mut all) = (0, 0);
    for draw in 0..draws {
        let mut random = random("bands", draw);
        let (x, other, groups) = worlds(&mut random, 1);
        let bins = Bins::new(&x, groups.as_ref()).expect("many values");
        let product = |bins: &Bins, other: &[f64]| gains(bins, other, |x, other| x * other);
        let key = Hasher::new("bands").count(draw).finish();
        let how = Resampling::of_rows(200, &key).by(groups.as_ref());
        let curve = accumulated_effects(&bins, &product(&bins, &other), how);
        let (more, others, _) = worlds(&mut random, 60);
        let truth = truth_at(bins.edges(), &more, &others);
        for (measure, truth) in curve.iter().zip(truth) {
            let interval = measure.interval.expect("a band");
            inside += u32::from(interval.low <= truth && truth <= interval.high);
            all += 1;
        }
    }
    f64::from(inside) / f64::from(all)
}

/// The curve of x₀·x₁ at given edges, as its definition says, on rows of its own.
fn truth_at(edges: &[f64], x: &[f64], others: &[f64]) -> Vec<f64> {
    let bins = edges.len() - 1;
    let bin_of = |x: f64| edges.partition_point(|edge| *edge < x).clamp(1, bins) - 1;
    let (mut sums, mut n) = (vec![0.0; bins], vec![0.0; bins]);
    for (x, other) in x.iter().zip(others) {
        sums[bin_of(*x)] += other;
        n[bin_of(*x)] += 1.0;
    }
    let mut curve = vec![0.0];
    for bin in 0..bins {
        curve.push(curve[bin] + (edges[bin + 1] - edges[bin]) * sums[bin] / n[bin]);
    }
    let line = |x: f64| {
        let bin = bin_of(x);
        let way = ((x - edges[bin]) / (edges[bin + 1] - edges[bin])).clamp(0.0, 1.0);
        curve[bin] + way * (curve[bin + 1] - curve[bin])
    };
    let mean = x.iter().map(|x| line(*x)).sum::<f64>() / x.len() as f64;
    curve.iter().map(|at| at - mean).collect()
}

#[test]
fn bands_of_single_rows_and_of_groups_hold_the_truth_in_about_ninety_five_of_a_hundred() {
    let rows = held(60, |random, times| {
        let x: Vec<f64> = (0..500 * times).map(|_| normal(random)).collect();
        let other = x.iter().map(|x| 0.6 * x + normal(random)).collect();
        (x, other, None)
    });
    assert!((0.91..=0.985).contains(&rows), "rows: {rows}");
    // Forty groups of twenty rows that share most of what moves them.
    let of_groups = |random: &mut Stream, times: usize| {
        let (mut x, mut other) = (Vec::new(), Vec::new());
        for _ in 0..40 * times {
            let shared = normal(random);
            for _ in 0..20 {
                x.push(normal(random));
                other.push(shared + 0.3 * normal(random));
            }
        }
        let groups = Groups::of((0..x.len() as u64).map(|row| row / 20));
        (x, other, groups)
    };
    let groups = held(60, of_groups);
    assert!((0.91..=0.985).contains(&groups), "groups: {groups}");
    let alone = held(60, |random, times| {
        let (x, other, _) = of_groups(random, times);
        (x, other, None)
    });
    assert!(alone < 0.75, "rows that belong together, taken for themselves: {alone}");
}

#[test]
fn levels_are_compared_as_often_as_they_occur_and_missing_ones_count_nowhere() {
    let codes = [Some(0), Some(0), Some(0), Some(1), None, Some(7)];
    let outputs = [vec![1.0, 2.0, 3.0, 4.0, 99.0, 5.0], vec![2.0, 3.0, 4.0, 5.0, -99.0, 6.0]];
    let key = Digest::of(b"levels");
    let found = level_effects(&codes, &outputs, Resampling::of_rows(400, &key));
    // Means 3 and 4 over five rows; the levels hold three rows and one.
    let centre = (3.0 * 3.0 + 4.0) / 4.0;
    assert!((found[0].value - (3.0 - centre)).abs() < 1e-12);
    assert!((found[1].value - (4.0 - centre)).abs() < 1e-12);
    for measure in &found {
        let interval = measure.interval.expect("an interval");
        assert!(interval.low <= measure.value && measure.value <= interval.high);
    }
}

#[test]
fn a_gradient_is_told_by_bin() {
    let x: Vec<f64> = (0..200).map(|row| f64::from(row % 3)).collect();
    let bins = Bins::new(&x, None).expect("three values");
    assert_eq!(bins.edges(), [0.0, 1.0, 2.0]);
    let steep: Vec<f64> = x.iter().map(|x| if *x == 2.0 { -3.0 } else { 1.0 }).collect();
    assert_eq!(bins.root_mean_square(&steep), [1.0, 3.0]);
    assert!(Bins::new(&[4.0; 50], None).is_none(), "a constant goes nowhere");
}
