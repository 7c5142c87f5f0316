//! What is measured of layers, on layers whose answer is known.

mod network;

use collegium_digest::{Digest, stream};
use collegium_probe::{
    AgopRoot, ClassMeans, ansatz, collapse, collapse_against, dead_units, effective_rank,
};
use collegium_records::Collapse;
use nalgebra::DMatrix;
use network::{Network, Target, uniform};
use proptest::{prelude::ProptestConfig, prop_assert, proptest};
use rand::RngExt as _;

/// Uniform on [−1, 1), row-major.
fn random(rows: usize, columns: usize, name: &str) -> DMatrix<f64> {
    let mut random = stream(&Digest::of(name.as_bytes()), "matrix");
    DMatrix::from_fn(rows, columns, |_, _| random.random::<f64>() * 2.0 - 1.0)
}

fn rotation(units: usize, name: &str) -> DMatrix<f64> {
    random(units, units, name).qr().q()
}

/// A matrix as a row-major slice.
fn rows(matrix: &DMatrix<f64>) -> Vec<f32> {
    matrix.transpose().iter().map(|&x| x as f32).collect()
}

/// Vertices of a simplex around 0 as rows, in as many dimensions as classes.
fn simplex(classes: usize) -> DMatrix<f64> {
    DMatrix::identity(classes, classes).add_scalar(-1.0 / classes as f64)
}

/// Row i belongs to class i mod `classes`, at its point among `points`, with uniform noise.
fn clusters(points: &DMatrix<f64>, rows: usize, noise: f64) -> (DMatrix<f64>, Vec<u32>) {
    let classes = points.nrows();
    let noise = random(rows, points.ncols(), "noise") * noise;
    let x = DMatrix::from_fn(rows, points.ncols(), |i, j| points[(i % classes, j)]) + noise;
    (x, (0..rows).map(|i| (i % classes) as u32).collect())
}

#[test]
fn a_simplex_has_collapsed() {
    let place = rotation(9, "place");
    let points = simplex(5) * place.rows(0, 5);
    let centre = random(1, 9, "centre");
    let shifted = DMatrix::from_fn(5, 9, |i, j| points[(i, j)] + centre[j]);
    let (x, labels) = clusters(&shifted, 40, 0.0);
    // A head that is the class means, times 3, with a vector that all classes share.
    let head = DMatrix::from_fn(9, 5, |i, j| 3.0 * points[(j, i)] + centre[i]);
    let head = rows(&head);
    let found = collapse(&rows(&x), 9, &labels, 5, &labels, Some((&head, 5))).expect("defined");
    assert_eq!((found.rows, found.nc4), (40, 1.0));
    assert!(found.nc1 < 1e-30 && found.nc2 < 1e-12, "{found:?}");
    assert!(found.nc3.expect("a head") < 1e-12);
}

#[test]
fn scatter_is_per_row_and_the_centre_is_that_of_the_means() {
    // Means 1 and 7 around 4; scatter (1 + 1 + 4 + 0 + 4)/5 = 2 over (9 + 9)/2 = 9.
    let x = [0.0_f32, 2.0, 5.0, 7.0, 9.0];
    let labels = [0, 0, 1, 1, 1];
    let found = collapse(&x, 1, &labels, 2, &[0, 0, 0, 1, 1], None).expect("defined");
    assert!((found.nc1 - 2.0 / 9.0).abs() < 1e-15);
    assert!(found.nc2 < 1e-15, "two classes always lie opposite each other");
    // 5 is nearer to 7 than to 1, and was predicted to be of the other class.
    assert_eq!((found.nc3, found.nc4), (None, 0.8));
}

#[test]
fn angles_are_compared_with_those_of_the_simplex() {
    // Cosines 0, −1/√2, −1/√2 where −1/2 would be ideal.
    let x = [1.0_f32, 0.0, 0.0, 1.0, -1.0, -1.0];
    let found = collapse(&x, 2, &[0, 1, 2], 3, &[0, 1, 2], None).expect("defined");
    let expected = (0.25 + 2.0 * (0.5 - 0.5_f64.sqrt()).powi(2)) / 3.0;
    assert!((found.nc2 - expected).abs() < 1e-15);
    // A mean in the very middle has no angle to the others: −1 between the two that have.
    let x = [-2.0_f32, 0.0, 2.0];
    let found = collapse(&x, 1, &[0, 1, 2], 3, &[0, 1, 2], None).expect("defined");
    assert!((found.nc2 - 0.25).abs() < 1e-15);
}

#[test]
fn noise_around_a_simplex_has_the_scatter_that_was_put_in() {
    // Variance .25/3 in each of 20 units; squared distance of the vertices of a simplex 1 − 1/4.
    let points = simplex(4) * rotation(20, "place").rows(0, 4);
    let (x, labels) = clusters(&points, 8000, 0.5);
    let found = collapse(&rows(&x), 20, &labels, 4, &labels, None).expect("defined");
    let expected = 20.0 * 0.25 / 3.0 / 0.75;
    assert!((found.nc1 / expected - 1.0).abs() < 0.02, "{found:?} {expected}");
    assert!(found.nc2 < 1e-3);
}

#[test]
fn a_head_is_compared_with_the_means_however_it_is_written() {
    let (x, labels) = clusters(&DMatrix::from_row_slice(2, 3, &[1., 0., 2., 0., 1., 0.]), 10, 0.0);
    let x = rows(&x);
    let nc3 = |head: &[f32], outputs| {
        collapse(&x, 3, &labels, 2, &labels, Some((head, outputs))).expect("defined").nc3
    };
    let near = |found: Option<f64>, expected: f64| {
        let found = found.expect("a head");
        assert!((found - expected).abs() < 1e-12, "{found} {expected}");
    };
    // One logit speaks for the second class, whose mean less the first is (−1, 1, −2).
    near(nc3(&[-1.0, 1.0, -2.0], 1), 0.0);
    near(nc3(&[1.0, -1.0, 2.0], 1), 4.0);
    near(nc3(&[1.0, 1.0, 0.0], 1), 2.0);
    near(nc3(&[0.5, -0.5, -0.5, 0.5, 1.0, -1.0], 2), 0.0);
    // What both classes' weights share moves no prediction.
    near(nc3(&[7.5, 6.5, -0.5, 0.5, 4.0, 2.0], 2), 0.0);
    assert_eq!(nc3(&[0.0; 3], 1), None);
    assert_eq!(nc3(&[7.0, 7.0, 1.0, 1.0, 0.0, 0.0], 2), None);
    assert_eq!(nc3(&[f32::NAN; 3], 1), None);
}

#[test]
fn test_rows_are_measured_against_the_means_of_training_rows() {
    let points = simplex(3);
    let (x, labels) = clusters(&points, 300, 0.3);
    let training = ClassMeans::new(&rows(&x), 3, &labels, 4).expect("three classes have rows");
    // On the training rows themselves it is the same thing.
    let own = collapse(&rows(&x), 3, &labels, 4, &labels, None).expect("defined");
    let same = collapse_against(&training, &rows(&x), &labels, &labels, None).expect("defined");
    assert_eq!(own, same);
    // A single row per class, half a unit away: no scatter around itself, and a class that was never
    // trained on is left out.
    let moved = points.add_scalar(0.5).insert_row(3, 9.0);
    let labels = [0, 1, 2, 3];
    let own = collapse(&rows(&moved), 3, &labels, 4, &labels, None).expect("defined");
    assert_eq!(own.nc1, 0.0);
    let found =
        collapse_against(&training, &rows(&moved), &labels, &labels, None).expect("defined");
    assert_eq!(found.rows, 3);
    let expected = 3.0 * 0.25 / (2.0 / 3.0);
    assert!((found.nc1 / expected - 1.0).abs() < 0.1, "{found:?} {expected}");
    assert!(found.nc2 < 1e-10, "as seen from their own middle they are a simplex");
}

#[test]
fn a_network_that_decides_by_something_else_than_the_nearest_mean_is_told() {
    let (x, labels) = clusters(&simplex(3), 30, 0.1);
    let swapped: Vec<u32> = labels.iter().map(|&l| if l == 2 { 1 } else { l }).collect();
    let found = collapse(&rows(&x), 3, &labels, 3, &swapped, None).expect("defined");
    assert!((found.nc4 - 2.0 / 3.0).abs() < 1e-12);
}

#[test]
fn collapse_that_is_not_defined_is_absent() {
    let measure = |x: &[f32], labels: &[u32]| collapse(x, 1, labels, 2, labels, None);
    assert_eq!(measure(&[], &[]), None);
    assert_eq!(measure(&[1.0, 2.0], &[1, 1]), None, "one class");
    assert_eq!(measure(&[1.0, 2.0, 3.0], &[1, 1, 2]), None, "one class that is known");
    assert_eq!(measure(&[0.0; 4], &[0, 1, 0, 1]), None, "a dead layer");
    // Equal means, added up in another order: what is left is rounding.
    let values = [0.1_f32, 0.7, 1e-3, 1e3];
    let mut x = values.to_vec();
    x.extend(values.iter().rev());
    assert_eq!(measure(&x, &[0, 0, 0, 0, 1, 1, 1, 1]), None);
    assert_eq!(measure(&[1.0, f32::NAN], &[0, 1]), None);
    let training = ClassMeans::new(&[1.0, 2.0], 1, &[0, 1], 2).expect("defined");
    assert_eq!(collapse_against(&training, &[1.0, 2.0], &[1, 1], &[1, 1], None), None);
}

#[test]
#[should_panic(expected = "units for each label")]
fn contradicting_shapes_are_a_mistake_of_the_program() {
    let _ = collapse(&[1.0; 3], 2, &[0, 1], 2, &[0, 1], None);
}

/// The two matrices written out, and compared entry by entry.
fn by_entries(weight: &DMatrix<f64>, agop: &DMatrix<f64>) -> (f64, f64) {
    let features = weight * weight.transpose();
    let eigen = agop.clone().symmetric_eigen();
    let floor = eigen.eigenvalues.max() * 1e-13;
    let roots = eigen.eigenvalues.map(|v| if v > floor { v.sqrt() } else { 0.0 });
    let root =
        &eigen.eigenvectors * DMatrix::from_diagonal(&roots) * eigen.eigenvectors.transpose();
    let cosine = |a: &DMatrix<f64>, b: &DMatrix<f64>| a.dot(b) / (a.norm() * b.norm());
    let centred = |m: &DMatrix<f64>| m.add_scalar(-m.mean());
    (cosine(&features, &root), cosine(&centred(&features), &centred(&root)))
}

/// Weights that `f32` holds exactly.
fn weights(inputs: usize, units: usize, name: &str) -> DMatrix<f64> {
    random(inputs, units, name).map(|x| f64::from(x as f32))
}

fn near((cosine, pearson): (f64, f64), expected: (f64, f64)) -> bool {
    (cosine - expected.0).abs() < 1e-9 && (pearson - expected.1).abs() < 1e-9
}

#[test]
fn weights_that_are_the_root_of_the_agop_agree_wholly() {
    let weight = weights(6, 3, "w");
    let features = &weight * weight.transpose();
    let root = AgopRoot::new(&(&features * &features * 7.0)).expect("not 0");
    let found = root.alignment(&rows(&weight)).expect("defined");
    assert!(near(found, (1.0, 1.0)), "{found:?}");
}

#[test]
fn weights_on_one_input_and_gradients_on_another_have_nothing_in_common() {
    let root = AgopRoot::new(&DMatrix::from_row_slice(2, 2, &[0., 0., 0., 1.])).expect("not 0");
    let found = root.alignment(&[1.0, 0.0]).expect("defined");
    // (1, 0, 0, 0) and (0, 0, 0, 1).
    assert!(near(found, (0.0, -1.0 / 3.0)), "{found:?}");
}

#[test]
fn the_root_need_not_be_formed() {
    let shapes = [(40, 5, 5), (5, 40, 40), (12, 12, 12), (30, 8, 3), (3, 8, 2), (60, 1, 1)];
    for (inputs, units, rank) in shapes {
        let name = format!("{inputs} {units} {rank}");
        let mut weight = weights(inputs, units, &name);
        let spread = random(units, rank, &format!("{name} k"));
        let sensitivity = &spread * spread.transpose();
        if units > 3 {
            // A unit that copies another: WᵀW is singular too.
            let copied = weight.column(0).into_owned();
            weight.set_column(3, &copied);
        }
        let agop = &weight * &sensitivity * weight.transpose();
        let through = AgopRoot::through(&rows(&weight), &sensitivity).expect("not 0");
        let dense = AgopRoot::new(&agop).expect("not 0");
        // The weights themselves, and a difference of weights.
        for other in [weight, weights(inputs, units, &format!("{name} other"))] {
            let expected = by_entries(&other, &agop);
            for root in [&through, &dense] {
                let found = root.alignment(&rows(&other)).expect("defined");
                assert!(near(found, expected), "{name}: {found:?} {expected:?}");
            }
        }
    }
}

#[test]
fn an_ansatz_holds_the_layer_before_and_after() {
    let (before, after) = (weights(7, 4, "before"), weights(7, 4, "after"));
    let agops = ["g", "h"].map(|name| {
        let a = random(7, 7, name);
        &a * a.transpose()
    });
    let roots = agops.each_ref().map(|agop| AgopRoot::new(agop).expect("not 0"));
    let (first, last) = (rows(&before), rows(&after));
    let found = ansatz((&first, &roots[0]), (&last, &roots[1]), Some(&first)).expect("defined");
    assert!((found.initial - by_entries(&before, &agops[0]).0).abs() < 1e-9);
    assert!(near((found.trained, found.pearson), by_entries(&after, &agops[1])));
    let moved = (&after - &before).map(|x| f64::from(x as f32));
    let change = found.change.expect("known and changed");
    assert!((change - by_entries(&moved, &agops[1]).0).abs() < 1e-6);
    let unmoved = ansatz((&first, &roots[0]), (&last, &roots[1]), Some(&last)).expect("defined");
    assert_eq!(unmoved.change, None);
}

#[test]
fn an_alignment_that_is_not_defined_is_absent() {
    assert!(AgopRoot::new(&DMatrix::zeros(3, 3)).is_none());
    assert!(AgopRoot::new(&DMatrix::from_element(2, 2, f64::NAN)).is_none());
    assert!(AgopRoot::through(&[0.0; 4], &DMatrix::identity(2, 2)).is_none());
    let root = AgopRoot::new(&DMatrix::identity(2, 2)).expect("not 0");
    assert_eq!(root.alignment(&[0.0; 4]), None);
    assert_eq!(root.alignment(&[f32::INFINITY; 4]), None);
    assert_eq!(root.alignment(&[1.0; 4]), None, "all entries of WWᵀ are 2");
    let single = AgopRoot::new(&DMatrix::identity(1, 1)).expect("not 0");
    assert_eq!(single.alignment(&[1.0, 2.0]), None, "one input is one number");
}

#[test]
fn the_effective_rank_counts_directions() {
    // Σ = diag(1, 1, 0): ±1 in two units.
    let x = [1., 1., 3., 1., -1., 3., -1., 1., 3., -1., -1., 3.];
    assert!((effective_rank(&x, 3).expect("rows") - 2.0).abs() < 1e-12);
    // One direction, however many units.
    let one = random(50, 1, "a") * random(1, 6, "b");
    assert!((effective_rank(&rows(&one), 6).expect("rows") - 1.0).abs() < 1e-5);
    // Variances 4 and 1: entropy of (.8, .2).
    let x = [2., 1., 2., -1., -2., 1., -2., -1.];
    let entropy = -(0.8_f64 * 0.8_f64.ln() + 0.2_f64 * 0.2_f64.ln());
    assert!((effective_rank(&x, 2).expect("rows") - entropy.exp()).abs() < 1e-12);
    assert_eq!(effective_rank(&[0.1, 0.7, 0.1, 0.7, 0.1, 0.7], 2), Some(0.0));
    assert_eq!(effective_rank(&[0.1, 0.7], 2), None);
    assert_eq!(effective_rank(&[0.1, f32::NAN], 1), None);
}

#[test]
fn fewer_rows_than_units_have_the_same_rank_by_the_other_side() {
    let few = random(6, 11, "few");
    let found = effective_rank(&rows(&few), 11).expect("rows");
    // Every row twice: the same covariance, and now more rows than units.
    let twice = DMatrix::from_fn(12, 11, |i, j| few[(i % 6, j)]);
    let expected = effective_rank(&rows(&twice), 11).expect("rows");
    assert!((found - expected).abs() < 1e-9 && found < 5.0, "{found} {expected}");
    // Nor do chunks of rows show.
    let many = DMatrix::from_fn(606, 11, |i, j| few[(i % 6, j)]);
    assert!((effective_rank(&rows(&many), 11).expect("rows") - expected).abs() < 1e-9);
}

#[test]
fn a_unit_that_no_row_reaches_is_dead() {
    assert_eq!(dead_units(&[0.0, 1.0, 0.0, 0.0, 0.0, 0.0], 3), 2);
    assert_eq!(dead_units(&[0.0, 1.0, 0.0, -0.5, 0.0, 0.0], 3), 1);
    assert_eq!(dead_units(&[], 3), 0);
}

#[test]
fn training_collapses_classes_and_turns_weights_towards_the_gradients() {
    // Three classes by three of ten inputs; one label in ten is drawn, which can only be learned by
    // heart; with much weight decay, for long.
    let (train, test) = (uniform(120, 10, "train"), uniform(600, 10, "test"));
    let labels = |x: &DMatrix<f64>, name: &str| -> Vec<u32> {
        let mut random = stream(&Digest::of(name.as_bytes()), "labels");
        x.column_iter()
            .map(|x| if x[0] + x[1] > 0.7 { 2 } else { u32::from(x[0] * x[2] > 0.0) })
            .map(|label| if random.random_bool(0.1) { random.random_range(0..3) } else { label })
            .collect()
    };
    let (known, unseen) = (labels(&train, "train"), labels(&test, "test"));
    let before = Network::new(&[10, 32, 32, 3], "layers");
    let mut after = before.clone();
    after.train(&train, &Target::Class(&known), 600, 1e-2, "layers");

    let measure = |network: &Network| {
        let units = |x: &DMatrix<f64>| {
            let all = network.forward(x);
            let said = all[3].column_iter().map(|out| out.imax() as u32).collect::<Vec<u32>>();
            // A row is a column here, so it is row-major already.
            (all[2].iter().map(|&a| a as f32).collect::<Vec<f32>>(), said)
        };
        let head = rows(&network.weights[2]);
        let (seen, said) = units(&train);
        let of_train = collapse(&seen, 32, &known, 3, &said, Some((&head, 3))).expect("defined");
        let means = ClassMeans::new(&seen, 32, &known, 3).expect("defined");
        let (seen, said) = units(&test);
        let of_test = collapse_against(&means, &seen, &unseen, &said, Some((&head, 3)));
        (of_train, of_test.expect("defined"))
    };
    let ((initial, _), (trained, tested)) = (measure(&before), measure(&after));
    // Measured: 15.4 .47 2.33 .38, then .38 .05 .07 1.00 in training and .97 .28 .21 .95 in test.
    assert!(trained.nc1 < 0.1 * initial.nc1 && trained.nc2 < 0.3 * initial.nc2, "{trained:?}");
    let nc3 = |of: Collapse| of.nc3.expect("a head");
    assert!(nc3(trained) < 0.1 * nc3(initial), "{initial:?} {trained:?}");
    assert!(trained.nc4 > 0.98 && initial.nc4 < 0.6, "{initial:?} {trained:?}");
    // Test rows have not collapsed as training rows have.
    assert!(tested.nc1 > 2.0 * trained.nc1 && tested.nc4 < trained.nc4, "{trained:?} {tested:?}");

    let root = |network: &Network| {
        let activations = network.forward(&train);
        let mut sum = DMatrix::zeros(32, 32);
        for output in 0..3 {
            let slope = DMatrix::from_fn(3, train.ncols(), |o, _| {
                f64::from(u8::from(o == output)) - 1.0 / 3.0
            });
            let back = network.backward(&activations, slope);
            sum += &back[0] * back[0].transpose() / train.ncols() as f64;
        }
        AgopRoot::through(&rows(&network.weights[0]), &sum).expect("not 0")
    };
    let [first, last] = [&before, &after].map(|network| rows(&network.weights[0]));
    let (initial, trained) = (root(&before), root(&after));
    let found = ansatz((&first, &initial), (&last, &trained), Some(&first)).expect("defined");
    // Measured: .917 before any training, .961 after.
    assert!(found.trained > found.initial + 0.02 && found.initial > 0.8, "{found:?}");
    // It is the gradients of this network that its weights follow, not those of another.
    let (other, _) = initial.alignment(&last).expect("defined");
    assert!(found.trained > other + 0.02, "{found:?} {other}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_rotation_of_the_units_moves_nothing(
        units in 2_usize..12, classes in 2_usize..5, count in 20_usize..60, seed in 0_u32..1000,
    ) {
        let points = random(classes, units, &format!("points {seed}"));
        let (x, labels) = clusters(&points, count, 0.5);
        let head = random(units, classes, &format!("head {seed}"));
        let turn = rotation(units, &format!("turn {seed}"));
        let measure = |x: &DMatrix<f64>, head: &DMatrix<f64>| {
            let (x, head) = (rows(x), rows(head));
            let found = collapse(&x, units, &labels, classes, &labels, Some((&head, classes)));
            (found.expect("defined"), effective_rank(&x, units).expect("rows"))
        };
        let (plain, rank) = measure(&x, &head);
        let (turned, turned_rank) = measure(&(&x * &turn), &(turn.transpose() * &head));
        prop_assert!((plain.nc1 / turned.nc1 - 1.0).abs() < 1e-4);
        prop_assert!((plain.nc2 - turned.nc2).abs() < 1e-4);
        let nc3 = |of: Option<f64>| of.expect("a head");
        prop_assert!((nc3(plain.nc3) - nc3(turned.nc3)).abs() < 1e-4);
        // A row at the very border may fall to the other side.
        prop_assert!((plain.nc4 - turned.nc4).abs() < 1.5 / count as f64);
        prop_assert!((rank - turned_rank).abs() < 1e-3);
    }

    #[test]
    fn an_alignment_is_free_of_scale_and_of_the_order_of_units(
        inputs in 2_usize..10, units in 1_usize..10, scale in 0.1_f64..10.0, seed in 0_u32..1000,
    ) {
        let weight = weights(inputs, units, &format!("w {seed}"));
        let a = random(inputs, inputs, &format!("g {seed}"));
        let agop = &a * a.transpose();
        let measure = |weight: &DMatrix<f64>, agop: &DMatrix<f64>| {
            AgopRoot::new(agop).expect("not 0").alignment(&rows(weight))
        };
        let reversed = DMatrix::from_fn(inputs, units, |i, j| weight[(i, units - 1 - j)]);
        let (plain, moved) = (measure(&weight, &agop), measure(&(reversed * 2.0), &(agop * scale)));
        let (plain, moved) = (plain.expect("defined"), moved.expect("defined"));
        prop_assert!(near(plain, moved), "{plain:?} {moved:?}");
    }
}
