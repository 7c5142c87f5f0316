//! Routing: cases computed by hand, properties, and what is absent.

use collegium_digest::{Digest, Stream, stream};
use collegium_probe::{
    ExpertRemoved, Loss, PERMUTATIONS, Predictions, Resampling, RouteCodes, RoutingInputs,
    class_disagreement, expert_values, route_dependence, route_figures, route_figures_by,
    route_regret, routes, routing, routing_findings, value_disagreement,
};
use collegium_records::{RouteDependence, RouteFigures, RoutingDiagnostics};
use proptest::prelude::*;

fn names(count: usize) -> Vec<String> {
    (0..count).map(|e| format!("e{e}")).collect()
}

fn key() -> Digest {
    Digest::of(b"routing")
}

fn random(name: &str) -> Stream {
    stream(&Digest::of(name.as_bytes()), "test")
}

fn codes(rows: usize, levels: usize, name: &str) -> Vec<u32> {
    let mut random = random(name);
    (0..rows).map(|_| (random.random::<f64>() * levels as f64) as u32).collect()
}

fn all(weights: &[f32], experts: usize) -> RouteFigures {
    let rows: Vec<usize> = (0..weights.len() / experts).collect();
    route_figures(weights, &names(experts), &rows).expect("weights")
}

/// Each row to one expert.
fn hard(routes: &[u32], experts: usize) -> Vec<f32> {
    routes
        .iter()
        .flat_map(|&route| (0..experts).map(move |e| f32::from(u8::from(e == route as usize))))
        .collect()
}

fn depends(route: &[u32], codes: &[u32], levels: usize) -> Option<RouteDependence> {
    let levels = names(levels);
    let column = RouteCodes { name: "x", levels: &levels, codes };
    route_dependence(route, &[column], PERMUTATIONS, &key()).pop().flatten()
}

fn assert_near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-12, "{found} {expected}");
}

fn assert_all_near(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    found.iter().zip(expected).for_each(|(a, b)| assert_near(*a, *b));
}

#[test]
fn figures_of_four_rows_agree_with_those_by_hand() {
    // Two of four rows go to one expert, one to two of them, one to all but the last.
    let weights = [
        [1.0, 0.0, 0.0, 0.0],
        [0.0, 1.0, 0.0, 0.0],
        [0.75, 0.25, 0.0, 0.0],
        [0.5, 0.25, 0.25, 0.0],
    ]
    .concat();
    let found = all(&weights, 4);
    let third = 1.0 / 3.0;
    let load = [(1.5 + third) / 4.0, (1.5 + third) / 4.0, third / 4.0, 0.0];
    assert_eq!(found.rows, 4);
    assert_near(found.chosen, 7.0 / 4.0);
    assert_all_near(&found.load, &load);
    assert_all_near(&found.importance, &[2.25 / 4.0, 1.5 / 4.0, 0.25 / 4.0, 0.0]);
    assert_near(found.utilisation, 0.75);
    assert_near(found.max_violation, 4.0 * load[0] - 1.0);
    let bits = |shares: &[f64]| -> f64 { shares.iter().map(|p| -p * p.log2()).sum() };
    assert_near(found.load_entropy, bits(&load[..3]) / 2.0);
    // H(¾, ¼) = 2 − ¾ log₂ 3 bits, H(½, ¼, ¼) = 1.5 bits; log₂ 4 = 2.
    assert_near(found.decision_entropy, (2.0 - 0.75 * 3_f64.log2() + 1.5) / 2.0 / 4.0);
    assert_eq!(found.dead, ["e3"]);
    assert_eq!(routes(&weights, 4), [0, 1, 0, 0]);
    let some = route_figures(&weights, &names(4), &[1, 1]).expect("rows");
    assert_eq!((some.rows, &some.load[..]), (2, &[0.0, 1.0, 0.0, 0.0][..]));
}

#[test]
fn even_load_and_indifference_are_told_apart() {
    let decided = all(&hard(&[0, 1, 2, 3], 4), 4);
    assert_eq!((decided.load_entropy, decided.decision_entropy), (1.0, 0.0));
    let undecided = all(&[0.25; 16], 4);
    assert_eq!((undecided.load_entropy, undecided.decision_entropy), (1.0, 1.0));
    assert_eq!((decided.max_violation, undecided.max_violation), (0.0, 0.0));
    let collapsed = all(&hard(&[2; 4], 4), 4);
    assert_eq!((collapsed.max_violation, collapsed.load_entropy), (3.0, 0.0));
    assert_eq!((collapsed.utilisation, collapsed.dead.len()), (0.25, 3));
}

#[test]
fn equal_weights_go_to_the_first() {
    assert_eq!(routes(&[0.4, 0.4, 0.2, 0.2, 0.4, 0.4], 3), [0, 1]);
}

#[test]
fn one_expert_has_no_entropy_and_nothing_to_depend_on() {
    let found = all(&[1.0; 40], 1);
    assert_eq!((&found.load[..], &found.importance[..]), (&[1.0][..], &[1.0][..]));
    assert_eq!((found.load_entropy, found.decision_entropy, found.max_violation), (0.0, 0.0, 0.0));
    assert_eq!((found.utilisation, found.dead.len()), (1.0, 0));
    assert!(depends(&[0; 40], &codes(40, 2, "x"), 2).is_none());
    assert!(class_disagreement(&[1; 40], 1).is_none());
    let regret =
        route_regret(&names(1), &[0.5; 40], &[0.5; 40], &[0; 40], Resampling::of_rows(50, &key()));
    let regret = regret.expect("losses");
    assert_eq!((regret.regret, regret.oracle_share, regret.against_best.value), (0.0, 1.0, 0.0));
}

#[test]
fn weights_that_are_none_have_no_figures() {
    let two = names(2);
    assert!(route_figures(&[], &two, &[]).is_none());
    assert!(route_figures(&[], &[], &[]).is_none());
    for broken in [[f32::NAN, 1.0], [f32::INFINITY, 0.0], [-0.5, 1.5], [0.0, 0.0]] {
        assert!(route_figures(&broken, &two, &[0]).is_none(), "{broken:?}");
    }
}

#[test]
fn levels_with_few_rows_and_rows_without_a_level_are_left_out() {
    let codes: Vec<u32> = [vec![0; 30], vec![1; 29], vec![2; 40]].concat();
    let levels = names(2);
    let column = RouteCodes { name: "x", levels: &levels, codes: &codes };
    let weights = hard(&[vec![1; 30], vec![0; 69]].concat(), 2);
    let found = route_figures_by(&weights, &names(2), &column);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].level.as_str(), found[0].figures.rows), ("e0", 30));
    assert_eq!(found[0].figures.load, [0.0, 1.0]);
}

#[test]
fn a_route_that_equals_the_label_shares_all_there_is_with_it() {
    let label = codes(300, 3, "label");
    let found = depends(&label, &label, 3).expect("varies");
    assert_near(found.nmi, 1.0);
    assert_eq!(found.p_value, 1.0 / 201.0);
    assert!(found.by_chance < 0.03, "{found:?}");
    // Other names for the same.
    let renamed: Vec<u32> = label.iter().map(|code| (code + 1) % 3).collect();
    assert_near(depends(&renamed, &label, 3).expect("varies").nmi, 1.0);
}

#[test]
fn mutual_information_agrees_with_that_by_hand() {
    // I = H(route) = ln 2, H(column) = 1.5 ln 2: 2/(1 + 1.5), which is what scikit-learn says,
    // normalized_mutual_info_score([0, 0, 1, 1], [0, 0, 1, 2]) = 0.8.
    assert_near(depends(&[0, 0, 1, 1], &[0, 0, 1, 2], 3).expect("varies").nmi, 0.8);
    // … ([0, 0, 1, 1], [0, 1, 0, 1]) = 0.
    let nothing = depends(&[0, 0, 1, 1], &[0, 1, 0, 1], 2).expect("varies");
    assert_eq!((nothing.nmi, nothing.p_value), (0.0, 1.0));
    // What is missing is one level: the column divides the rows as the route does.
    assert_near(depends(&[0, 0, 1, 1], &[0, 0, 9, 8], 1).expect("varies").nmi, 1.0);
}

#[test]
fn an_independent_route_shares_no_more_than_chance_does() {
    let ps: Vec<f64> = (0..40)
        .map(|trial| {
            let route = codes(400, 4, &format!("route {trial}"));
            let column = codes(400, 5, &format!("column {trial}"));
            let found = depends(&route, &column, 5).expect("varies");
            assert!(found.nmi < 0.05 && (found.nmi - found.by_chance).abs() < 0.04, "{found:?}");
            found.p_value
        })
        .collect();
    // Uniform: 2 of 40 expected; 8 have a chance of .0007.
    assert!(ps.iter().filter(|&&p| p <= 0.05).count() < 8, "{ps:?}");
    let mean = ps.iter().sum::<f64>() / 40.0;
    assert!((0.3..0.7).contains(&mean), "{mean}");
}

#[test]
fn a_constant_side_has_no_dependence_and_hides_no_other_column() {
    let route = codes(50, 2, "route");
    let levels = names(2);
    let constant = RouteCodes { name: "constant", levels: &levels, codes: &[1; 50] };
    let same = RouteCodes { name: "same", levels: &levels, codes: &route };
    let found = route_dependence(&route, &[constant, same], PERMUTATIONS, &key());
    assert!(found[0].is_none());
    assert_eq!(found[1], depends(&route, &route, 2), "whatever columns stand beside it");
    assert_eq!(route_dependence(&[0; 50], &[same], PERMUTATIONS, &key()), [None]);
    let empty = RouteCodes { name: "empty", levels: &levels, codes: &[] };
    assert_eq!(route_dependence(&[], &[empty], PERMUTATIONS, &key()), [None]);
    let none = route_dependence(&route, &[same], 0, &key()).pop().flatten().expect("varies");
    assert_eq!((none.by_chance, none.p_value), (0.0, 1.0));
}

#[test]
fn regret_of_four_rows_agrees_with_that_by_hand() {
    let losses = [[1.0, 2.0], [4.0, 1.0], [2.0, 2.0], [1.0, 3.0]].concat();
    let mixture = [1.0, 2.0, 2.0, 3.0];
    let found =
        route_regret(&names(2), &losses, &mixture, &[0, 0, 1, 1], Resampling::of_rows(200, &key()));
    let found = found.expect("losses");
    assert_eq!((found.rows, found.mixture, found.oracle), (4, 2.0, 1.25));
    assert_eq!((found.first_choice, found.regret), ((1.0 + 4.0 + 2.0 + 3.0) / 4.0, 0.75));
    // Both have a mean of 2: the first. On the third row they are equal, and either is right.
    assert_eq!((found.best_single, found.best_expert.as_str()), (2.0, "e0"));
    assert_eq!(found.oracle_share, 0.5);
    assert_eq!(found.against_best.value, 0.0);
    let interval = found.against_best.interval.expect("resamples");
    assert!(interval.low < 0.0 && interval.high > 0.0, "{interval:?}");
}

#[test]
fn a_paired_interval_has_the_width_that_theory_gives() {
    let mut random = random("paired");
    let rows = 2_000;
    let hard: Vec<f64> = (0..rows).map(|_| 10.0 * random.random::<f64>()).collect();
    let mixture: Vec<f64> = hard.iter().map(|h| h + random.random::<f64>()).collect();
    let found = route_regret(
        &names(1),
        &hard,
        &mixture,
        &vec![0; rows],
        Resampling::of_rows(2_000, &key()),
    );
    let measure = found.expect("losses").against_best;
    let interval = measure.interval.expect("resamples");
    // Of a uniform difference, and not of the rows' own difficulty: deviation √(1/12).
    let width = 2.0 * 1.96 * (1.0 / 12.0 / rows as f64).sqrt();
    let ratio = (interval.high - interval.low) / width;
    assert!((0.93..1.07).contains(&ratio), "{ratio}");
    assert!(interval.low < measure.value && measure.value < interval.high);
}

#[test]
fn losses_that_are_not_finite_or_not_there_have_no_regret() {
    let one = names(1);
    assert!(
        route_regret(&one, &[f64::NAN], &[1.0], &[0], Resampling::of_rows(50, &key())).is_none()
    );
    assert!(
        route_regret(&one, &[1.0], &[f64::INFINITY], &[0], Resampling::of_rows(50, &key()))
            .is_none()
    );
    assert!(route_regret(&one, &[], &[], &[], Resampling::of_rows(50, &key())).is_none());
    assert!(route_regret(&[], &[], &[1.0], &[0], Resampling::of_rows(50, &key())).is_none());
    let bare =
        route_regret(&one, &[1.0], &[1.5], &[0], Resampling::of_rows(0, &key())).expect("losses");
    assert_eq!((bare.against_best.value, bare.against_best.interval), (0.5, None));
}

#[test]
fn an_expert_is_worth_what_is_lost_without_it() {
    let mixture = [1.0, 2.0, 3.0, 2.0];
    let without = [
        ExpertRemoved {
            renormalised: Some(&[2.0, 3.0, 4.0, 3.0]),
            refitted: Some(&[1.0, 2.0, 3.0, 2.0]),
        },
        ExpertRemoved { renormalised: Some(&[1.0, 2.0, 3.0, f64::NAN]), refitted: None },
    ];
    let found = expert_values(&names(2), &mixture, &without, Resampling::of_rows(100, &key()));
    let [first, second] = &found[..] else { panic!("{found:?}") };
    let measure = first.renormalised.expect("tried");
    assert_eq!((first.expert.as_str(), measure.value), ("e0", 1.0));
    // Every row loses the same, so that no resample differs.
    let interval = measure.interval.expect("resamples");
    assert_near(interval.low, 1.0);
    assert_near(interval.high, 1.0);
    assert_eq!(first.refitted.expect("tried").value, 0.0);
    assert_eq!((second.renormalised, second.refitted), (None, None));
    assert!(expert_values(&names(2), &mixture, &[], Resampling::of_rows(100, &key())).is_empty());
    let nothing = expert_values(
        &names(1),
        &[],
        &[ExpertRemoved::default()],
        Resampling::of_rows(100, &key()),
    );
    assert_eq!(nothing[0].renormalised, None);
}

#[test]
fn experts_disagree_where_their_labels_do() {
    let predicted = [[0, 0, 1], [1, 1, 1], [2, 0, 1], [0, 0, 0]].concat();
    let found = class_disagreement(&predicted, 3).expect("three experts");
    assert_eq!(found.measure, "different_labels");
    assert_eq!(found.matrix, [[0.0, 0.25, 0.5], [0.25, 0.0, 0.5], [0.5, 0.5, 0.0]]);
    assert_near(found.mean, 1.25 / 3.0);
    assert!(class_disagreement(&[], 3).is_none());
}

#[test]
fn values_disagree_in_deviations_of_the_target() {
    // Deviation 2; differences 3 and 5: √17.
    let found = value_disagreement(&[0.0, 3.0, 1.0, -4.0], &[1.0, 5.0], 2).expect("two experts");
    assert_eq!(found.measure, "relative_rms");
    assert_near(found.mean, 17_f64.sqrt() / 2.0);
    assert_eq!(found.matrix[0][1], found.matrix[1][0]);
    assert!(value_disagreement(&[0.0, 3.0, 1.0, -4.0], &[5.0, 5.0], 2).is_none());
    assert!(value_disagreement(&[0.0, f32::NAN, 1.0, -4.0], &[1.0, 5.0], 2).is_none());
    assert!(value_disagreement(&[], &[], 2).is_none());
}

/// A mixture of hard routes in which each row's loss is that of its expert.
struct Mixture {
    routes: Vec<u32>,
    experts: Vec<String>,
    weights: Vec<f32>,
    losses: Vec<f64>,
    mixture: Vec<f64>,
}

impl Mixture {
    fn new(routes: Vec<u32>, experts: usize, loss: impl Fn(usize, usize) -> f64) -> Self {
        let losses: Vec<f64> = (0..routes.len())
            .flat_map(|row| (0..experts).map(move |e| (row, e)))
            .map(|(row, e)| loss(row, e))
            .collect();
        let mixture =
            routes.iter().enumerate().map(|(row, &e)| losses[row * experts + e as usize]).collect();
        let weights = hard(&routes, experts);
        Self { routes, experts: names(experts), weights, losses, mixture }
    }

    fn measure(&self, labels: Option<RouteCodes>, slices: &[RouteCodes]) -> RoutingDiagnostics {
        routing(&RoutingInputs {
            experts: &self.experts,
            weights: &self.weights,
            losses: &self.losses,
            mixture: &self.mixture,
            loss: Loss::Log,
            labels,
            slices,
            without: &[],
            predictions: Some(Predictions::Classes(&vec![0; self.losses.len()])),
            how: Resampling::of_rows(200, &key()),
        })
        .expect("rows")
    }
}

#[test]
fn a_good_route_is_said_to_follow_what_it_follows() {
    let routes = codes(300, 3, "route");
    let of =
        Mixture::new(routes.clone(), 3, |row, e| if routes[row] as usize == e { 0.1 } else { 1.0 });
    let levels = names(3);
    let noise = codes(300, 3, "noise");
    let label = RouteCodes { name: "label", levels: &levels, codes: &noise };
    let island = RouteCodes { name: "penguins.island", levels: &levels, codes: &of.routes };
    let found = of.measure(Some(label), &[island]);
    assert_eq!(found.label.as_ref().map(|column| column.name.as_str()), Some("label"));
    assert_eq!(found.slices.len(), 1);
    assert_eq!(found.slices[0].levels.len(), 3);
    let regret = found.regret.as_ref().expect("losses");
    assert_eq!((regret.regret, regret.oracle_share), (0.0, 1.0));
    assert_eq!(found.disagreement.as_ref().map(|d| d.mean), Some(0.0));
    let said = routing_findings(&found);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].starts_with(
            "the route follows penguins.island: normalised mutual information 1.0 (by chance 0.00"
        ),
        "{said:?}"
    );
    assert!(said[0].ends_with("p 0.0050)"), "{said:?}");
    // A regression has no label, and its slices stay slices.
    let regression = of.measure(None, &[island]);
    assert_eq!((regression.label, &regression.slices), (None, &found.slices));
}

#[test]
fn a_collapsed_and_harmful_route_is_said_to_be_both() {
    let of = Mixture::new(vec![1; 400], 3, |row, e| match e {
        0 => 0.42,
        1 => 0.45 + if row % 2 == 0 { 0.05 } else { -0.05 },
        _ => 0.6,
    });
    let said = routing_findings(&of.measure(None, &[]));
    assert_eq!(said.len(), 3, "{said:?}");
    assert_eq!(
        said[..2],
        [
            "e0 and e2 are dead: given less than a hundredth of an even share of the rows",
            "e1 takes nearly everything: 1.0 of the load",
        ]
    );
    // Standard error .0025.
    let worse = "the mixture is worse than e0 alone: log loss 0.45 against 0.42, 0.030 more (0.02";
    assert!(said[2].starts_with(worse) && said[2].contains(" to 0.03"), "{said:?}");
}

#[test]
fn an_even_load_without_decisions_is_called_no_success() {
    let mut of = Mixture::new(codes(100, 2, "route"), 2, |_, _| 0.5);
    of.weights = [0.52, 0.48].repeat(100);
    assert_eq!(
        routing_findings(&of.measure(None, &[])),
        [
            "load is even because the gate hardly decides (entropy of its weights 1.0 of 1); even load is \
          no success"
        ]
    );
    // Every expert is given every row, and one of them everything.
    of.weights = [0.999, 0.001].repeat(100);
    assert_eq!(
        routing_findings(&of.measure(None, &[])),
        [
            "e1 is all but silent: chosen, but with less than a hundredth of an even share of the \
             weight",
            "e0 takes nearly everything: 1.0 of the weight",
        ]
    );
}

#[test]
fn of_one_expert_and_of_few_rows_nothing_is_said() {
    let one = Mixture::new(vec![0; 50], 1, |row, _| row as f64);
    assert!(routing_findings(&one.measure(None, &[])).is_empty());
    let few = Mixture::new(vec![0, 1, 0, 1], 2, |row, e| if row % 2 == e { 0.9 } else { 0.1 });
    assert!(few.measure(None, &[]).regret.expect("losses").against_best.interval.is_some());
    assert!(routing_findings(&few.measure(None, &[])).is_empty());
}

#[test]
fn equal_keys_give_equal_records_and_no_rows_none() {
    let of = Mixture::new(codes(60, 2, "route"), 2, |row, e| ((row + e) % 5) as f64);
    let levels = names(2);
    let other = codes(60, 2, "other");
    let column = RouteCodes { name: "x", levels: &levels, codes: &other };
    assert_eq!(of.measure(Some(column), &[column]), of.measure(Some(column), &[column]));
    let key = key();
    let empty = RoutingInputs {
        experts: &of.experts,
        weights: &[],
        losses: &[],
        mixture: &[],
        loss: Loss::Squared,
        labels: None,
        slices: &[],
        without: &[],
        predictions: None,
        how: Resampling::of_rows(200, &key),
    };
    assert_eq!(routing(&empty), None);
}

/// Rows × K of weights in which no two of a row are equal, but for zeros.
fn gates() -> impl Strategy<Value = (usize, Vec<f32>)> {
    (2_usize..6, 1_usize..60, any::<u64>()).prop_map(|(experts, rows, seed)| {
        let mut random = random(&seed.to_string());
        let weights = (0..rows).flat_map(|_| {
            let keep = (random.random::<f64>() * experts as f64) as usize;
            let row: Vec<f32> = (0..experts)
                .map(|e| {
                    let w = random.random::<f32>() + 0.01;
                    if e == keep || random.random::<f64>() < 0.5 { w } else { 0.0 }
                })
                .collect();
            let total: f32 = row.iter().sum();
            row.into_iter().map(move |w| w / total).collect::<Vec<f32>>()
        });
        (experts, weights.collect())
    })
}

proptest! {
    #[test]
    fn shares_sum_to_one_and_entropies_keep_within_bounds((experts, weights) in gates()) {
        let found = all(&weights, experts);
        prop_assert!((found.load.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        prop_assert!((found.importance.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        for share in [found.load_entropy, found.decision_entropy, found.utilisation] {
            prop_assert!((0.0..=1.0).contains(&share));
        }
        prop_assert!((0.0..=experts as f64 - 1.0).contains(&found.max_violation));
        prop_assert!((1.0..=experts as f64).contains(&found.chosen));
    }

    #[test]
    fn experts_in_another_order_have_the_same_figures(
        (experts, weights) in gates(),
        by in 1_usize..5,
    ) {
        // Turned by some places, names with them.
        let turn = |row: &[f32]| {
            let mut row = row.to_vec();
            row.rotate_left(by % experts);
            row
        };
        let rows: Vec<usize> = (0..weights.len() / experts).collect();
        let turned: Vec<f32> = weights.chunks_exact(experts).flat_map(turn).collect();
        let mut order = names(experts);
        order.rotate_left(by % experts);
        let a = all(&weights, experts);
        let b = route_figures(&turned, &order, &rows).expect("weights");
        for (place, expert) in order.iter().enumerate() {
            let before = (place + by % experts) % experts;
            prop_assert!((b.load[place] - a.load[before]).abs() < 1e-12);
            prop_assert!((b.importance[place] - a.importance[before]).abs() < 1e-12);
            prop_assert_eq!(b.dead.contains(expert), a.dead.contains(expert));
        }
        prop_assert!((b.load_entropy - a.load_entropy).abs() < 1e-12);
        prop_assert!((b.decision_entropy - a.decision_entropy).abs() < 1e-12);
        prop_assert!((b.max_violation - a.max_violation).abs() < 1e-12);
        prop_assert_eq!(b.utilisation, a.utilisation);
        let column = codes(rows.len(), 3, "column");
        let pair = [&weights, &turned].map(|w| depends(&routes(w, experts), &column, 3));
        if let [Some(a), Some(b)] = pair {
            prop_assert!((a.nmi - b.nmi).abs() < 1e-12);
            prop_assert_eq!(a.p_value, b.p_value);
        } else {
            prop_assert!(pair[0].is_none() && pair[1].is_none());
        }
    }

    #[test]
    fn no_mixture_of_probabilities_has_less_regret_than_the_oracle((experts, weights) in gates()) {
        let rows = weights.len() / experts;
        let mut random = random("losses");
        let p: Vec<f64> = (0..rows * experts).map(|_| 0.01 + 0.98 * random.random::<f64>()).collect();
        let losses: Vec<f64> = p.iter().map(|p| -p.ln()).collect();
        let mixture: Vec<f64> = p
            .chunks_exact(experts)
            .zip(weights.chunks_exact(experts))
            .map(|(p, w)| -p.iter().zip(w).map(|(p, &w)| p * f64::from(w)).sum::<f64>().ln())
            .collect();
        let routes = routes(&weights, experts);
        let found = route_regret(&names(experts), &losses, &mixture, &routes, Resampling::of_rows(16, &key()));
        let found = found.expect("losses");
        // Weights of f32 sum to 1 within 1e-6.
        prop_assert!(found.regret >= -1e-6);
        prop_assert!(found.oracle <= found.best_single && found.oracle <= found.first_choice);
        prop_assert!((0.0..=1.0).contains(&found.oracle_share));
        let difference = found.mixture - found.best_single;
        prop_assert!((found.against_best.value - difference).abs() < 1e-12);
    }
}
