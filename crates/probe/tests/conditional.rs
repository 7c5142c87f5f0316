//! Conditional permutation: copies cost nothing, causes do.

use collegium_digest::{Digest, stream};
use collegium_probe::{
    Expected, Loss, Partners, Resampling, Rises, exchange_costs, squared_errors,
};
use collegium_records::Conditional;
use rand::RngExt as _;

const ROWS: usize = 3_000;

/// Sums of uniform numbers, of variance 1.
fn normal(name: &str) -> Vec<f64> {
    let mut random = stream(&Digest::of(name.as_bytes()), "test");
    (0..ROWS).map(|_| (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0).collect()
}

/// A predictor's cost of exchanging each of its inputs, among alike rows and among all.
fn costs(
    columns: &[Vec<f64>],
    groups: &[std::ops::Range<usize>],
    truth: &[f64],
    predict: impl Fn(&[f64]) -> f64,
) -> Vec<[Conditional; 2]> {
    let width = columns.len();
    let x: Vec<f32> =
        (0..ROWS).flat_map(|row| columns.iter().map(move |c| c[row] as f32)).collect();
    let partners = Partners::new(&x, width, groups);
    let losses = |taken: &std::ops::Range<usize>, from: &dyn Fn(usize) -> usize| {
        let predicted: Vec<f32> = (0..ROWS)
            .map(|row| {
                let of = |c: usize| if taken.contains(&c) { from(row) } else { row };
                predict(&(0..width).map(|c| f64::from(x[of(c) * width + c])).collect::<Vec<f64>>())
                    as f32
            })
            .collect();
        squared_errors(&predicted, truth)
    };
    let before = losses(&(0..0), &|row| row);
    let key = Digest::of(b"costs");
    let each = groups.iter().enumerate().map(|(input, group)| {
        let expected = partners.expected(&[input]);
        let after = [expected, Expected::Nothing].map(|expected| {
            let mut random = stream(&key, &format!("exchange {input}"));
            let mut rises = Rises { received: vec![0.0; ROWS], given: vec![0.0; ROWS] };
            for _ in 0..10 {
                let places = partners.exchange(&expected, &mut random);
                let mut seen = places.clone();
                seen.sort_unstable();
                assert_eq!(seen, (0..ROWS).collect::<Vec<_>>(), "every row gives its value once");
                let now = losses(group, &|row| places[row]);
                for (row, (now, before)) in now.iter().zip(&before).enumerate() {
                    rises.received[row] += (now - before) / 10.0;
                    rises.given[places[row]] += (now - before) / 10.0;
                }
            }
            rises
        });
        let found =
            exchange_costs(Loss::Squared, &before, &after, Resampling::of_rows(1_000, &key));
        let [Some(alike), Some(all)] = &found[..] else { panic!("two costs") };
        [alike.clone(), all.clone()]
    });
    each.collect()
}

#[test]
fn a_copy_costs_only_among_all_rows_and_a_cause_among_alike_ones_too() {
    let cause = normal("cause");
    let copy: Vec<f64> =
        cause.iter().zip(normal("own")).map(|(c, own)| 0.9 * c + 0.44 * own).collect();
    let idle = normal("idle");
    // The target is the cause and noise; the predictor leans on the copy as well, which it need not.
    let truth: Vec<f64> = cause.iter().zip(normal("noise")).map(|(c, n)| c + 0.3 * n).collect();
    let found = costs(&[cause, copy, idle], &[0..1, 1..2, 2..3], &truth, |x| {
        0.6 * x[0] + 0.4 * x[1] + 0.2 * x[2]
    });
    let [cause, copy, idle] = &found[..] else { panic!("three inputs") };
    assert!(cause[0].chance < 0.01 && cause[0].interval.low > 0.0, "{cause:?}");
    assert!(copy[0].chance > 0.05, "{copy:?}");
    assert!(copy[1].chance < 0.01 && copy[1].cost > 0.1, "{copy:?}");
    assert!(idle.iter().all(|cost| cost.chance > 0.05), "{idle:?}");
}

#[test]
fn of_a_category_that_another_input_determines_most_of_the_cost_goes() {
    let cause = normal("cause");
    let blurred: Vec<f64> = cause.iter().zip(normal("blur")).map(|(c, b)| c + 0.3 * b).collect();
    let level = |from: f64, to: f64| -> Vec<f64> {
        blurred.iter().map(|&c| f64::from(u8::from(c >= from && c < to))).collect()
    };
    let columns = [cause.clone(), level(-9.0, -0.5), level(-0.5, 0.5), level(0.5, 9.0)];
    let truth: Vec<f64> = cause.iter().map(|c| c + c * c).collect();
    let found =
        costs(&columns, &[0..1, 1..4], &truth, |x| x[0] + x[0] * x[0] - 0.2 * x[1] + 0.2 * x[3]);
    let [alike, all] = &found[1];
    assert!(alike.cost < 0.5 * all.cost, "{alike:?} {all:?}");
}

#[test]
fn nothing_is_expected_of_an_only_input_or_by_constant_and_wide_ones() {
    let one: Vec<f32> = normal("one").iter().map(|v| *v as f32).collect();
    let nothing = Expected::Nothing;
    assert_eq!(Partners::new(&one, 1, std::slice::from_ref(&(0..1))).expected(&[0]), nothing);
    let with_constant: Vec<f32> = one.iter().flat_map(|v| [*v, 7.0]).collect();
    let partners = Partners::new(&with_constant, 2, &[0..1, 1..2]);
    assert_eq!(
        [partners.expected(&[0]), partners.expected(&[1])],
        [nothing.clone(), nothing.clone()]
    );
    // 300 columns are an image.
    let rows = one.len() / 301;
    let partners = Partners::new(&one[..rows * 301], 301, &[0..300, 300..301]);
    assert_eq!(
        [partners.expected(&[0]), partners.expected(&[1])],
        [nothing.clone(), nothing.clone()]
    );
    // Both inputs as one have no other.
    let pair = Partners::new(&one, 2, &[0..1, 1..2]);
    assert!(matches!(pair.expected(&[0]), Expected::Values { .. }));
    assert_eq!(pair.expected(&[0, 1]), nothing);
}

#[test]
fn the_more_the_others_say_the_fewer_rows_change_places_until_none_do() {
    let cause = normal("cause");
    let neighbours = |blur: f64| {
        let copy = cause.iter().zip(normal("blur")).map(|(c, b)| c + blur * b);
        let x: Vec<f32> = cause.iter().zip(copy).flat_map(|(a, b)| [*a as f32, b as f32]).collect();
        let partners = Partners::new(&x, 2, &[0..1, 1..2]);
        let expected = partners.expected(&[1]);
        let places = partners.exchange(&expected, &mut stream(&Digest::of(b"x"), "exchange"));
        let moved = places.iter().enumerate().filter(|(row, from)| row != *from).count();
        match expected {
            Expected::Values { neighbours, .. } => (neighbours, moved > 0),
            Expected::Nothing => panic!("a copy is not unrelated"),
            Expected::All => (0, moved > 0),
        }
    };
    assert_eq!(neighbours(1.0), (20, true));
    let (close, moved) = neighbours(0.02);
    assert!((2..20).contains(&close) && moved, "{close}");
    assert_eq!(neighbours(1e-4), (0, false));
}

#[test]
fn what_moves_no_row_costs_nothing_and_what_is_not_finite_is_not_measured() {
    let key = Digest::of(b"k");
    let before = vec![0.5; 40];
    let worse: Vec<f64> = (0..40).map(|i| 0.6 + 0.001 * f64::from(i)).collect();
    let mut broken = worse.clone();
    broken[3] = f64::NAN;
    let rises = |after: &Vec<f64>| {
        let rises: Vec<f64> =
            after.iter().zip(&before).map(|(after, before)| after - before).collect();
        Rises { received: rises.clone(), given: rises }
    };
    let all = [before.clone(), worse, broken].each_ref().map(rises);
    let found = exchange_costs(Loss::Log, &before, &all, Resampling::of_rows(500, &key));
    let [Some(none), Some(some), None] = &found[..] else { panic!("{found:?}") };
    assert_eq!((none.cost, none.chance), (0.0, 1.0));
    assert!((some.cost - 0.1195).abs() < 1e-9 && some.chance < 1e-6, "{some:?}");
    let how = Resampling::of_rows(500, &key);
    assert!(exchange_costs(Loss::Log, &[], &[rises(&Vec::new())], how)[0].is_none());
}
