//! The AGOP of functions whose gradients are known.

use std::ops::Range;

use collegium_digest::{Digest, stream};
use collegium_probe::{Accumulator, AgopError, AgopInputs, AgopOutput, Geometry, Resampling, agop};
use collegium_records::Agop;
use proptest::{prelude::ProptestConfig, prop_assert, proptest};
use rand::RngExt as _;

/// Uniform values on [−1, 1), `rows × width`.
fn uniform(rows: usize, width: usize, name: &str) -> Vec<f32> {
    let mut random = stream(&Digest::of(name.as_bytes()), "rows");
    (0..rows * width).map(|_| random.random::<f32>() * 2.0 - 1.0).collect()
}

fn singles(count: usize) -> Vec<Range<usize>> {
    (0..count).map(|i| i..i + 1).collect()
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|i| format!("t.x{i}")).collect()
}

/// A function's Jacobian at a row, `outputs × width`.
type Gradient<'a> = &'a dyn Fn(&[f32]) -> Vec<f32>;

struct Case<'a> {
    x: &'a [f32],
    width: usize,
    groups: Vec<Range<usize>>,
    upstream: Vec<Option<String>>,
    output: AgopOutput,
    gradient: Gradient<'a>,
    untrained: Gradient<'a>,
    seeds: Vec<Gradient<'a>>,
    permuted: Vec<Gradient<'a>>,
}

impl<'a> Case<'a> {
    fn new(x: &'a [f32], width: usize, gradient: Gradient<'a>) -> Self {
        Self {
            x,
            width,
            groups: singles(width),
            upstream: vec![None; width],
            output: AgopOutput::Value,
            gradient,
            untrained: &|row| vec![1.0; row.len()],
            seeds: Vec::new(),
            permuted: Vec::new(),
        }
    }

    fn measure(&self) -> Result<Agop, AgopError> {
        let geometry = Geometry::new(self.x, self.width, &self.groups)?;
        let frame = geometry.frame();
        let gathered = |gradient: Gradient<'a>, keep: bool| {
            let all: Vec<f32> = self.x.chunks_exact(self.width).flat_map(gradient).collect();
            let rows = geometry.rows();
            let outputs = (all.len() / rows / self.width).max(1);
            let mut sum = Accumulator::new(&geometry, &frame, rows, outputs, None, keep);
            sum.add_jacobians(&all);
            sum.finish()
        };
        let trained = gathered(self.gradient, !self.seeds.is_empty())?;
        let columns: Vec<String> = (0..self.width).map(|i| format!("c{i}")).collect();
        let seeds: Result<Vec<_>, _> = self.seeds.iter().map(|g| gathered(*g, true)).collect();
        let permuted: Result<Vec<_>, _> =
            self.permuted.iter().map(|g| gathered(*g, false)).collect();
        let classes: Vec<String> = (0..trained.outputs).map(|i| format!("k{i}")).collect();
        let raw: Vec<f32> = self
            .x
            .chunks_exact(self.width)
            .flat_map(|row| {
                // A linear output of the first gradient, for signs.
                let g = (self.gradient)(row);
                (0..trained.outputs)
                    .map(|o| row.iter().zip(&g[o * self.width..]).map(|(x, g)| x * g).sum::<f32>())
                    .collect::<Vec<f32>>()
            })
            .collect();
        agop(&AgopInputs {
            names: &names(self.groups.len()),
            upstream: &self.upstream,
            columns: &columns,
            classes: if trained.outputs > 1 { &classes } else { &[] },
            geometry: &geometry,
            frame: &frame,
            untrained: &[gathered(self.untrained, false)?],
            trained: &trained,
            spreads: &geometry.spreads(&trained),
            seeds: &seeds?,
            permuted: &permuted?,
            raw: &raw,
            output: self.output,
            split: "test",
            how: Resampling::of_rows(20, &Digest::of(b"k")),
        })
        .map(|sight| sight.agop)
    }
}

fn share(agop: &Agop, input: &str) -> f64 {
    agop.importance.iter().find(|i| i.input == input).map(|i| i.share).expect("the input")
}

#[test]
fn a_linear_function_has_the_outer_product_of_its_weights() {
    let x = uniform(700, 3, "x");
    let w = [1.0_f32, -2.0, 0.5];
    let geometry = Geometry::new(&x, 3, &singles(3)).expect("fits");
    let frame = geometry.frame();
    let mut sum = Accumulator::new(&geometry, &frame, 700, 1, None, false);
    (0..7).for_each(|_| sum.add_jacobians(&w.repeat(100)));
    let gathered = sum.finish().expect("fits");
    for i in 0..3 {
        for j in 0..3 {
            let expected = f64::from(w[i] * w[j]);
            assert!((gathered.gram[(i, j)] - expected).abs() < 1e-12);
        }
    }
    let found = Case::new(&x, 3, &|_| w.to_vec()).measure().expect("not constant");
    // One direction: its eigenvalue is the variance of the function itself.
    let values: Vec<f64> =
        x.chunks(3).map(|r| r.iter().zip(w).map(|(x, w)| f64::from(x * w)).sum()).collect();
    let mean = values.iter().sum::<f64>() / 700.0;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 700.0;
    assert!((found.eigenvalues[0] / variance - 1.0).abs() < 1e-5);
    assert!(
        found.eigenvalues.iter().skip(1).all(|v| *v < 1e-12)
            && (found.effective_rank - 1.0).abs() < 1e-9
    );
    // All rows have the same gradient; how much the inputs vary is still known from these rows alone.
    assert!(found.importance.iter().all(|i| (0.003..0.1).contains(&(i.high - i.low))));
    assert!((found.noise_floor.split_half_cosine - 1.0).abs() < 1e-12);
}

#[test]
fn a_product_looks_at_its_factors_alike_and_in_two_directions() {
    let x = uniform(4000, 3, "x");
    let found = Case::new(&x, 3, &|r| vec![r[1], r[0], 0.0]).measure().expect("not constant");
    assert!((share(&found, "t.x0") - 0.5).abs() < 0.02);
    assert_eq!(share(&found, "t.x2"), 0.0);
    assert!((found.effective_rank - 2.0).abs() < 0.02);
    assert!(found.importance[0].low < 0.5 && found.importance[0].high > 0.49);
    assert!(found.importance[0].above_noise && !found.importance[2].above_noise);
}

#[test]
fn importances_are_sorted_and_the_null_goes_with_them() {
    let x = uniform(50, 3, "x");
    let mut case = Case::new(&x, 3, &|_| vec![0.1, 3.0, 1.0]);
    case.untrained = &|_| vec![2.0, 0.0, 1.0];
    let found = case.measure().expect("not constant");
    let order: Vec<&str> = found.importance.iter().map(|i| i.input.as_str()).collect();
    assert_eq!(order, ["t.x1", "t.x2", "t.x0"]);
    let total: f64 = found.importance.iter().map(|i| i.share).sum();
    assert!((total - 1.0).abs() < 1e-12);
    let null = &found.noise_floor.untrained;
    assert_eq!(null[0], 0.0);
    assert!(null[2] > null[1] && (null.iter().sum::<f64>() - 1.0).abs() < 1e-12);
}

#[test]
fn an_input_with_less_than_a_tenth_of_an_even_share_has_little_weight() {
    let x = uniform(500, 4, "x");
    let case = Case::new(&x, 4, &|_| vec![3.0, 0.2, 1.0, 1.0]);
    let found = case.measure().expect("not constant");
    let above: Vec<(&str, bool)> =
        found.importance.iter().map(|i| (i.input.as_str(), i.above_noise)).collect();
    assert_eq!(above[0], ("t.x0", true));
    assert_eq!(above[3], ("t.x1", false));
    assert!(above[1].1 && above[2].1);
}

/// Four levels one-hot and a number.
fn one_hot(rows: usize) -> Vec<f32> {
    let mut random = stream(&Digest::of(b"levels"), "rows");
    let mut x = Vec::new();
    for _ in 0..rows {
        let level = random.random_range(0..4_usize);
        x.extend((0..4).map(|l| f32::from(u8::from(l == level))));
        x.push(random.random::<f32>());
    }
    x
}

#[test]
fn a_constant_added_to_a_one_hot_group_moves_nothing() {
    let x = one_hot(300);
    let measure = |shift: f32| {
        let gradient = move |_: &[f32]| vec![1.0 + shift, -0.5 + shift, shift, 0.25 + shift, 0.7];
        let mut case = Case::new(&x, 5, &gradient);
        case.groups = vec![0..4, 4..5];
        case.upstream = vec![None; 2];
        case.measure().expect("not constant")
    };
    let (plain, moved) = (measure(0.0), measure(64.0));
    for (a, b) in plain.importance.iter().zip(&moved.importance) {
        assert_eq!(a.input, b.input);
        assert!((a.share - b.share).abs() < 1e-6, "{a:?} {b:?}");
    }
    assert!((plain.effective_rank - moved.effective_rank).abs() < 1e-6);
}

#[test]
fn a_category_weighs_as_much_as_the_function_varies_with_it() {
    // f = w[level] + v·x: of an additive function the importance is each part's variance.
    let x = one_hot(2000);
    let w = [2.0_f32, 0.0, -1.0, 0.5];
    let gradient = |_: &[f32]| [&w[..], &[3.0]].concat();
    let mut case = Case::new(&x, 5, &gradient);
    case.groups = vec![0..4, 4..5];
    case.upstream = vec![None; 2];
    let found = case.measure().expect("not constant");
    let variance = |part: &dyn Fn(&[f32]) -> f32| {
        let values: Vec<f64> = x.chunks(5).map(|r| f64::from(part(r))).collect();
        let mean = values.iter().sum::<f64>() / 2000.0;
        values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 2000.0
    };
    let category = variance(&|r| r[..4].iter().zip(w).map(|(x, w)| x * w).sum());
    let number = variance(&|r| 3.0 * r[4]);
    assert!((share(&found, "t.x0") - category / (category + number)).abs() < 1e-6);
}

#[test]
fn one_logit_keeps_its_gradient() {
    let x = uniform(100, 2, "x");
    let mut case = Case::new(&x, 2, &|_| vec![1.0, 0.0]);
    case.output = AgopOutput::Logit;
    assert_eq!(share(&case.measure().expect("not constant"), "t.x0"), 1.0);
}

#[test]
fn upstream_experts_hold_what_their_outputs_hold() {
    let x = uniform(300, 4, "x");
    let mut case = Case::new(&x, 4, &|_| vec![1.0, 2.0, 0.5, 1.0]);
    let expert = |name: &str| Some(format!("expert.{name}"));
    case.upstream = vec![expert("a"), expert("b"), None, expert("a")];
    let found = case.measure().expect("not constant");
    let order: Vec<&str> = found.upstream.iter().map(|i| i.input.as_str()).collect();
    assert_eq!(order, ["expert.b", "expert.a"]);
    let expected = share(&found, "t.x0") + share(&found, "t.x3");
    assert!((found.upstream[1].share - expected).abs() < 1e-12);
}

#[test]
fn a_constant_function_looks_at_nothing() {
    let x = uniform(50, 2, "x");
    assert_eq!(Case::new(&x, 2, &|_| vec![0.0; 2]).measure(), Err(AgopError::Constant));
    // Or at what never varies.
    let still = [0.1_f32, 7.3].repeat(50);
    assert_eq!(Case::new(&still, 2, &|_| vec![1.0; 2]).measure(), Err(AgopError::Constant));
}

#[test]
fn a_constant_untrained_network_gives_no_reference_and_no_error() {
    let x = uniform(50, 2, "x");
    let mut case = Case::new(&x, 2, &|_| vec![1.0; 2]);
    case.untrained = &|_| vec![0.0; 2];
    let found = case.measure().expect("not constant");
    assert_eq!(found.noise_floor.untrained, [0.0, 0.0]);
    assert!(found.importance.iter().all(|i| i.above_noise));
}

#[test]
fn what_cannot_be_measured_is_said() {
    let x = uniform(50, 2, "x");
    let nan = Case::new(&x, 2, &|_| vec![f32::NAN; 2]).measure();
    assert_eq!(nan, Err(AgopError::NotFinite("a gradient")));
    let narrow = Case::new(&x, 2, &|_| vec![1.0; 3]).measure();
    assert!(matches!(narrow, Err(AgopError::Shape(_))), "{narrow:?}");
    let one = Case::new(&x[..2], 2, &|_| vec![1.0; 2]).measure();
    assert_eq!(one, Err(AgopError::TooFewRows(1)));
    let mut gap = Case::new(&x, 2, &|_| vec![1.0; 2]);
    gap.groups = vec![0..1, 2..2];
    assert!(matches!(gap.measure(), Err(AgopError::Shape(_))));
    assert_eq!(
        AgopError::Shape("3 Jacobians for 4 rows".into()).to_string(),
        "shapes do not fit: 3 Jacobians for 4 rows"
    );
}

#[test]
fn the_key_determines_the_bands() {
    let x = uniform(80, 2, "x");
    let case = Case::new(&x, 2, &|r| vec![r[1], 1.0]);
    assert_eq!(case.measure(), case.measure());
}

#[test]
fn chunks_do_not_show() {
    let x = uniform(300, 4, "x");
    let gradients = uniform(300, 12, "g");
    let geometry = Geometry::new(&x, 4, &[0..2, 2..4]).expect("fits");
    let frame = geometry.frame();
    let covariance = geometry.covariance();
    let mut sum = Accumulator::new(&geometry, &frame, 300, 3, None, false);
    gradients.chunks(12 * 77).for_each(|j| sum.add_jacobians(j));
    let gathered = sum.finish().expect("fits");
    for (row, j) in gradients.chunks(12).enumerate() {
        for (input, columns) in geometry.groups().iter().enumerate() {
            let mut expected = 0.0;
            for output in j.chunks(4) {
                for a in columns.clone() {
                    for b in columns.clone() {
                        expected +=
                            f64::from(output[a]) * covariance[(a, b)] * f64::from(output[b]);
                    }
                }
            }
            let found = gathered.contributions[row * 2 + input];
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
    }
    let traces: f64 = (0..4).map(|i| gathered.gram[(i, i)]).sum();
    let squares: f64 = gradients.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>() / 300.0;
    assert!((traces - squares).abs() < 1e-10);
}

#[test]
fn rows_that_were_not_added_are_missed() {
    let x = uniform(30, 2, "x");
    let geometry = Geometry::new(&x, 2, &singles(2)).expect("fits");
    let frame = geometry.frame();
    let mut sum = Accumulator::new(&geometry, &frame, 30, 1, None, false);
    sum.add_jacobians(&[1.0; 20]);
    assert!(matches!(sum.finish(), Err(AgopError::Shape(_))));
}

#[test]
fn inputs_that_vary_together_are_one_group_with_one_importance() {
    // x1 is x0 with a little noise: the two weights add up, as their inputs do.
    let mut x = uniform(2000, 3, "x");
    for row in x.chunks_exact_mut(3) {
        row[1] = row[0] + 0.01 * row[1];
    }
    let found = Case::new(&x, 3, &|_| vec![1.0, 1.0, 1.0]).measure().expect("not constant");
    assert_eq!(found.groups.len(), 1);
    let group = &found.groups[0];
    assert_eq!(group.inputs.len(), 2);
    assert!(!group.inputs.contains(&"t.x2".to_owned()) && group.correlation > 0.99);
    // 4 var against var + var: twice the sum of the two.
    let both: f64 = ["t.x0", "t.x1"].iter().map(|name| share(&found, name)).sum();
    assert!((group.share / both - 2.0).abs() < 0.01, "{} {both}", group.share);
    // Opposite weights cancel: the group does next to nothing.
    let found = Case::new(&x, 3, &|_| vec![1.0, -1.0, 1.0]).measure().expect("not constant");
    assert!(found.groups[0].share < 1e-3, "{}", found.groups[0].share);
}

#[test]
fn a_direction_names_the_columns_that_it_is_made_of_and_points_uphill() {
    let x = uniform(900, 3, "x");
    let found = Case::new(&x, 3, &|_| vec![-2.0, 0.0, 1.0]).measure().expect("not constant");
    let first = &found.directions[0];
    assert!((first.share - 1.0).abs() < 1e-9, "one direction");
    let named: Vec<&str> = first.loadings.iter().map(|l| l.column.as_str()).collect();
    assert_eq!(named, ["c0", "c2"]);
    assert!(first.loadings[0].weight < 0.0 && first.loadings[1].weight > 0.0, "{first:?}");
    let squares: f64 = first.loadings.iter().map(|l| l.weight * l.weight).sum();
    assert!((squares - 1.0).abs() < 1e-9);
}

#[test]
fn classes_may_look_at_different_things() {
    let x = uniform(500, 2, "x");
    let mut case = Case::new(&x, 2, &|_| vec![1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
    case.output = AgopOutput::Logit;
    let untrained = |_: &[f32]| vec![1.0, 0.0, 0.0, 1.0, 0.0, 0.0];
    case.untrained = &untrained;
    let found = case.measure().expect("not constant");
    let classes = found.classes.clone().expect("three of them");
    let of = |class: usize, input: &str| {
        let at = found.importance.iter().position(|i| i.input == input).expect("input");
        classes.shares[class][at]
    };
    assert!(of(0, "t.x0") == 1.0 && of(1, "t.x1") == 1.0 && classes.totals[2] == 0.0);
    assert!((classes.totals.iter().sum::<f64>() - 1.0).abs() < 1e-12);
}

#[test]
fn what_seeds_do_not_share_is_noise_however_large() {
    let x = uniform(800, 2, "x");
    // Everybody has found x0; at x1 each network has a function of its own.
    let wave = |of: f32| move |r: &[f32]| vec![1.0, 2.0 * (7.0 * of * r[1] + of).sin()];
    let (a, b, c) = (wave(1.0), wave(2.3), wave(3.7));
    let mut case = Case::new(&x, 2, &a);
    let alone = case.measure().expect("not constant");
    assert!(alone.importance.iter().all(|i| i.above_noise && i.seeds.is_none()));
    case.seeds = vec![&b, &c];
    let found = case.measure().expect("not constant");
    let of = |name: &str| found.importance.iter().find(|i| i.input == name).expect("input");
    assert!(of("t.x0").above_noise && of("t.x0").agreement.expect("seeds") > 0.999);
    let chance = of("t.x1");
    assert!(!chance.above_noise && chance.agreement.expect("seeds") < 0.3, "{chance:?}");
    let band = chance.seeds.expect("seeds");
    assert!(band.low <= chance.share && chance.share <= band.high);
}

#[test]
fn what_permuted_labels_teach_as_well_is_noise() {
    let x = uniform(800, 2, "x");
    let taught = |_: &[f32]| vec![0.1, 1.5];
    let mut case = Case::new(&x, 2, &|_| vec![2.0, 1.0]);
    case.permuted = vec![&taught];
    let found = case.measure().expect("not constant");
    let above: Vec<bool> = found.importance.iter().map(|i| i.above_noise).collect();
    assert_eq!(above, [true, false]);
    let null = found.noise_floor.permuted.expect("a null");
    assert!(null.fits == 1 && null.shares[1] > 0.99 && !null.eigenvalues.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn shares_are_free_of_units(
        weights in proptest::collection::vec(0.1_f32..3.0, 4),
        exponents in proptest::collection::vec(-3_i32..4, 4),
    ) {
        let x = uniform(120, 4, "x");
        let scales: Vec<f32> = exponents.iter().map(|&e| 10_f32.powi(e)).collect();
        let scaled: Vec<f32> = x.iter().zip(scales.iter().cycle()).map(|(x, s)| x * s).collect();
        // f depends on rows too: gradient_i = w_i (1 + x_i²).
        let plain = |r: &[f32]| r.iter().zip(&weights).map(|(x, w)| w * (1.0 + x * x)).collect();
        let moved = |r: &[f32]| {
            r.iter().zip(&weights).zip(&scales).map(|((x, w), s)| w * (1.0 + (x / s).powi(2)) / s).collect()
        };
        let a = Case::new(&x, 4, &plain).measure().expect("not constant");
        let b = Case::new(&scaled, 4, &moved).measure().expect("not constant");
        for i in &a.importance {
            prop_assert!((i.share - share(&b, &i.input)).abs() < 1e-5);
        }
        prop_assert!((a.effective_rank - b.effective_rank).abs() < 1e-4);
        for (a, b) in a.eigenvalues.iter().zip(&b.eigenvalues) {
            prop_assert!((a - b).abs() < 1e-4 * a.max(1e-3));
        }
    }
}
