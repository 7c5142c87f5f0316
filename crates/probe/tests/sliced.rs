//! Slices against the rest: the figures of the rows alone, and intervals of differences that hold the truth.

use collegium_digest::{Digest, Hasher, Stream, stream};
use collegium_probe::{
    Groups, Resampling, classification, regression, sliced_classification, sliced_regression,
};
use proptest::prelude::*;

fn normal(random: &mut Stream) -> f64 {
    (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0
}

proptest! {
    #[test]
    fn figures_are_those_of_the_rows_alone(
        rows in prop::collection::vec((0.01..0.99f32, 0..2u32, any::<bool>()), 4..120),
    ) {
        let probability: Vec<f32> = rows.iter().map(|(p, ..)| *p).collect();
        let labels: Vec<u32> = rows.iter().map(|(_, y, _)| *y).collect();
        let inside: Vec<bool> = rows.iter().map(|(.., inside)| *inside).collect();
        let key = Digest::of(b"slice");
        let found = sliced_classification(
            &probability, 1, &labels, 2, &inside, Resampling::of_rows(20, &key),
        );
        let of = |side: bool| {
            let kept: Vec<usize> = (0..rows.len()).filter(|row| inside[*row] == side).collect();
            let p: Vec<f32> = kept.iter().map(|row| probability[*row]).collect();
            let y: Vec<u32> = kept.iter().map(|row| labels[*row]).collect();
            let mut metrics = classification(&p, 1, &y, 2);
            let called = |row: &usize| f64::from(u8::from(p[*row] > 0.5));
            let all: Vec<usize> = (0..p.len()).collect();
            let share = |rows: &[usize]| rows.iter().map(called).sum::<f64>() / rows.len() as f64;
            if !all.is_empty() {
                metrics.insert("predicted_positive".to_owned(), share(&all));
            }
            metrics
        };
        let (slice, rest) = (of(true), of(false));
        prop_assert_eq!(found.measures.rows, inside.iter().filter(|inside| **inside).count() as u64);
        prop_assert_eq!(found.measures.metrics.keys().collect::<Vec<_>>(), slice.keys().collect::<Vec<_>>());
        for (name, value) in &slice {
            prop_assert!((found.measures.metrics[name] - value).abs() < 1e-12, "{name}");
            if let (Some(rest), true) = (rest.get(name), name != "ece") {
                let diff = &found.differences[name];
                prop_assert!((diff.after - value).abs() < 1e-12 && (diff.before - rest).abs() < 1e-12);
                prop_assert!((diff.difference - (value - rest)).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn figures_of_a_regression_are_those_of_the_rows_alone(
        rows in prop::collection::vec((-5.0..5.0f64, -1.0..1.0f64, any::<bool>()), 4..80),
    ) {
        let truth: Vec<f64> = rows.iter().map(|(y, ..)| *y).collect();
        let predicted: Vec<f32> = rows.iter().map(|(y, e, _)| (y + e) as f32).collect();
        let inside: Vec<bool> = rows.iter().map(|(.., inside)| *inside).collect();
        let key = Digest::of(b"slice");
        let found = sliced_regression(&predicted, &truth, &inside, Resampling::of_rows(20, &key));
        let kept: Vec<usize> = (0..rows.len()).filter(|row| inside[*row]).collect();
        let p: Vec<f32> = kept.iter().map(|row| predicted[*row]).collect();
        let y: Vec<f64> = kept.iter().map(|row| truth[*row]).collect();
        prop_assert_eq!(found.measures.metrics, regression(&p, &y));
    }
}

/// How often the interval of a difference in root mean squared error holds that of very many rows. Each group has a
/// level of noise of its own; a slice is some groups, or half of the rows of each.
fn held(groups: usize, slice: impl Fn(usize, usize) -> bool, grouped: bool) -> f64 {
    const MEMBERS: usize = 20;
    const DRAWS: u64 = 300;
    let mut inside_interval = 0;
    for draw in 0..DRAWS {
        let mut random = stream(&Hasher::new("slices").count(draw).finish(), "test");
        let (mut truth, mut inside) = (Vec::new(), Vec::new());
        for group in 0..groups {
            let shared = 1.5 * normal(&mut random);
            for member in 0..MEMBERS {
                truth.push(shared + normal(&mut random));
                inside.push(slice(group, member));
            }
        }
        let predicted = vec![0.0; truth.len()];
        let names = (0..truth.len() as u64).map(|row| row / MEMBERS as u64);
        let codes = Groups::of(names).filter(|_| grouped);
        let key = Hasher::new("slices").count(draw).finish();
        let how = Resampling::of_rows(200, &key).by(codes.as_ref());
        let found = sliced_regression(&predicted, &truth, &inside, how);
        // Both sides are of one distribution, so that the figure of a fixed model on all rows is the same.
        let interval = found.differences["rmse"].interval.expect("an interval");
        inside_interval += u32::from(interval.low <= 0.0 && 0.0 <= interval.high);
    }
    f64::from(inside_interval) / DRAWS as f64
}

#[test]
fn a_difference_between_slices_that_do_not_differ_is_found_in_five_of_a_hundred() {
    // Of 300 draws with 95 % the number held has a deviation of 1.3 %.
    let across = held(60, |group, _| group % 3 == 0, true);
    assert!((0.91..=0.985).contains(&across), "of whole groups: {across}");
    let within = held(60, |_, member| member % 2 == 0, true);
    assert!((0.91..=0.985).contains(&within), "within groups: {within}");
    let few = held(40, |group, _| group < 8, true);
    // The levels of eight groups enter squared, and so skewed: Student't of such a mean itself holds in 90 of 100.
    assert!((0.87..=0.98).contains(&few), "of eight groups: {few}");
    let alone = held(60, |group, _| group % 3 == 0, false);
    assert!(alone < 0.7, "rows that belong together, taken for themselves: {alone}");
}
