//! How often 95 % intervals hold the truth: what a fixed model comes to on very many fresh rows.

#[path = "coverage/worlds.rs"]
mod worlds;

use collegium_digest::{Digest, stream};
use collegium_probe::{
    Accumulator, AgopInputs, AgopOutput, Geometry, Groups, Loss, Partners, Resampling, Rises,
    TimeBlocks, agop, exchange_costs, holm, log_losses, measure_classification, measure_regression,
    paired_classification, paired_regression, series_of_classes, series_of_values,
};
use collegium_records::Interval;
use worlds::{Sample, WIDTH, WORLDS, World, model, rival, sigmoid};

/// As an audit draws them.
const RESAMPLES: u32 = 200;
const EXCHANGES: usize = 10;
const EXCHANGE_RESAMPLES: u32 = 2_000;

/// What is measured of a table.
const MEASURES: [&str; 8] = [
    "AUC",
    "log loss",
    "R²",
    "log loss − rival's",
    "AUC − rival's",
    "R² − rival's",
    "exchange cost",
    "AGOP share",
];

fn key(name: &str) -> Digest {
    Digest::of(name.as_bytes())
}

/// A value and its interval.
type Told = (f64, Option<Interval>);

/// All measures of a sample, their intervals by what belongs together, or by rows.
fn measured(sample: &Sample, key: &Digest, resamples: u32, by_rows: bool) -> Vec<Told> {
    let outputs: Vec<(f64, [f32; WIDTH])> = sample.x.chunks_exact(WIDTH).map(model).collect();
    let probability: Vec<f32> = outputs.iter().map(|(z, _)| sigmoid(*z) as f32).collect();
    let predicted: Vec<f32> = outputs.iter().map(|(z, _)| *z as f32).collect();
    let other: Vec<f64> = sample.x.chunks_exact(WIDTH).map(rival).collect();
    let of_other: Vec<f32> = other.iter().map(|z| sigmoid(*z) as f32).collect();
    let value_of_other: Vec<f32> = other.iter().map(|z| *z as f32).collect();
    let (labels, values) = (&sample.labels, &sample.values);
    let groups = |series: &dyn Fn() -> Vec<Vec<f64>>| -> Option<Groups> {
        if by_rows || resamples == 0 {
            return None;
        }
        match (&sample.groups, &sample.times) {
            (Some(groups), _) => Groups::of(groups.iter().copied()),
            (None, Some(times)) => Groups::of(TimeBlocks::found(times, &series()).codes),
            (None, None) => None,
        }
    };
    let how = Resampling::of_rows(resamples, key);
    let of_classes = groups(&|| series_of_classes(&probability, 1, labels, 2));
    let classes = how.by(of_classes.as_ref());
    let of_values = groups(&|| series_of_values(&predicted, values));
    let regression = how.by(of_values.as_ref());

    let one = measure_classification(&probability, 1, labels, 2, classes);
    let two = measure_regression(&predicted, values, regression);
    let told = |m: &collegium_records::SplitMeasures, name: &str| {
        (m.metrics[name], m.intervals.get(name).copied())
    };
    let mut all = vec![told(&one, "auc"), told(&one, "log_loss"), told(&two, "r2")];
    let pair = paired_classification(&of_other, &[&probability], 1, labels, 2, classes);
    for name in ["log_loss", "auc"] {
        all.push((pair[0][name].difference, pair[0][name].interval));
    }
    let pair = paired_regression(&value_of_other, &[&predicted], values, regression);
    all.push((pair[0]["r2"].difference, pair[0]["r2"].interval));

    // The first input, exchanged among rows that are alike.
    let before = log_losses(&probability, 1, labels, 2);
    let inputs: Vec<std::ops::Range<usize>> = (0..WIDTH).map(|input| input..input + 1).collect();
    let partners = Partners::new(&sample.x, WIDTH, &inputs);
    let expected = partners.expected(&[0]);
    let mut random = stream(key, "exchanges");
    let nothing = vec![0.0; sample.rows()];
    let mut rises = Rises { received: nothing.clone(), given: nothing };
    for _ in 0..EXCHANGES {
        let from = partners.exchange(&expected, &mut random);
        let now: Vec<f32> = sample
            .x
            .chunks_exact(WIDTH)
            .zip(&from)
            .map(|(x, &from)| sigmoid(model(&[sample.x[from * WIDTH], x[1], x[2]]).0) as f32)
            .collect();
        let now = log_losses(&now, 1, labels, 2);
        for (row, (now, before)) in now.iter().zip(&before).enumerate() {
            rises.received[row] += (now - before) / EXCHANGES as f64;
            rises.given[from[row]] += (now - before) / EXCHANGES as f64;
        }
    }
    let own = groups(&|| vec![rises.received.clone(), rises.given.clone()]);
    let own = Groups::coarser(of_classes.clone(), own, sample.rows());
    let draws = if resamples == 0 { 0 } else { EXCHANGE_RESAMPLES };
    let how = Resampling::of_rows(draws, key).by(own.as_ref());
    let cost = exchange_costs(Loss::Log, &before, &[rises], how).remove(0);
    all.push(cost.map_or((f64::NAN, None), |cost| (cost.cost, Some(cost.interval))));

    let geometry = Geometry::new(&sample.x, WIDTH, &inputs).expect("rows");
    let frame = geometry.frame();
    let mut sum = Accumulator::new(&geometry, &frame, sample.rows(), 1, None, false);
    let jacobians: Vec<f32> = outputs.iter().flat_map(|(_, slopes)| *slopes).collect();
    sum.add_jacobians(&jacobians);
    let trained = sum.finish().expect("finite");
    let spreads = geometry.spreads(&trained);
    let parts = frame.parts.len();
    let own = groups(&|| {
        let column = |values: &[f64], part: usize| -> Vec<f64> {
            values.iter().skip(part).step_by(parts).copied().collect()
        };
        let both = [trained.contributions.as_slice(), &spreads];
        both.iter().flat_map(|v| (0..parts).map(move |part| column(v, part))).collect()
    });
    let own = Groups::coarser(of_classes.clone(), own, sample.rows());
    let names: Vec<String> = (0..WIDTH).map(|input| format!("t.x{input}")).collect();
    let sight = agop(&AgopInputs {
        names: &names,
        upstream: &vec![None; WIDTH],
        columns: &names,
        classes: &[],
        geometry: &geometry,
        frame: &frame,
        trained: &trained,
        spreads: &spreads,
        untrained: &[],
        seeds: &[],
        permuted: &[],
        raw: &predicted,
        output: AgopOutput::Logit,
        split: "test",
        how: Resampling::of_rows(resamples, key).by(own.as_ref()),
    });
    let agop = sight.expect("gradients").agop;
    let share = agop.importance.iter().find(|i| i.input == "t.x0").expect("the input");
    all.push((share.share, Some(Interval { low: share.low, high: share.high })));
    all
}

/// What a world's measures are on very many rows.
fn truth(world: World, rows: usize) -> Vec<f64> {
    let key = key("truth");
    let sample = Sample::new(world, rows, &mut stream(&key, world.name()));
    measured(&sample, &key, 0, false).into_iter().map(|(value, _)| value).collect()
}

/// Of so many tables of a world, drawn by the name of a set, how many intervals hold the truth: by what belongs
/// together, and by rows.
fn held(world: World, set: &str, tables: usize, truth: &[f64]) -> [Vec<usize>; 2] {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let all = std::sync::Mutex::new([vec![0; truth.len()], vec![0; truth.len()]]);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let table = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    if table >= tables {
                        break;
                    }
                    let key = key(&format!("{set} {table} of {world:?}"));
                    let sample = Sample::new(world, world.rows(), &mut stream(&key, "table"));
                    let found =
                        [false, true].map(|by_rows| measured(&sample, &key, RESAMPLES, by_rows));
                    let mut all = all.lock().expect("no thread panics while it counts");
                    for (held, found) in all.iter_mut().zip(&found) {
                        for ((held, (_, interval)), truth) in held.iter_mut().zip(found).zip(truth)
                        {
                            let holds =
                                interval.is_some_and(|i| i.low <= *truth && *truth <= i.high);
                            *held += usize::from(holds);
                        }
                    }
                }
            });
        }
    });
    all.into_inner().expect("no thread panicked")
}

/// P(X ≤ held) where X of `tables` intervals hold, each with this chance.
fn at_most(held: usize, tables: usize, chance: f64) -> f64 {
    let (n, p) = (tables as f64, chance);
    let log = |k: f64| {
        libm::lgamma(n + 1.0) - libm::lgamma(k + 1.0) - libm::lgamma(n - k + 1.0)
            + k * p.ln()
            + (n - k) * (1.0 - p).ln()
    };
    (0..=held).map(|k| log(k as f64).exp()).sum::<f64>().min(1.0)
}

/// A hundred tables of each world: by what belongs together nearly all intervals hold, by rows too few do.
#[test]
fn intervals_hold_the_truth_of_rows_of_groups_and_of_time() {
    for world in WORLDS {
        let truth = truth(world, 50_000);
        let [ours, by_rows] = held(world, "tests", 100, &truth);
        assert!(ours.iter().all(|held| *held >= 86), "{world:?}: {ours:?}");
        let (sum, of_rows) = (ours.iter().sum::<usize>(), by_rows.iter().sum::<usize>());
        assert!(world == World::Rows || of_rows + 50 < sum, "{world:?}: {ours:?} {by_rows:?}");
    }
}

/// Prints the table of `benches/coverage.sh`. `COVERAGE_SET` names the tables: `fresh` ones no rule was chosen on.
#[test]
#[ignore = "minutes; run by benches/coverage.sh"]
#[expect(clippy::print_stdout, reason = "a table for whoever runs it")]
fn coverage_of_two_thousand_tables() {
    const TABLES: usize = 2_000;
    let set = std::env::var("COVERAGE_SET").unwrap_or_else(|_| "fresh".to_owned());
    let mut cells = Vec::new();
    for world in WORLDS {
        let truth = truth(world, 1_000_000);
        let [ours, by_rows] = held(world, &set, TABLES, &truth);
        cells.extend(
            MEASURES
                .iter()
                .zip(ours.into_iter().zip(by_rows))
                .map(|(measure, held)| (world, *measure, held)),
        );
    }
    let below: Vec<f64> =
        cells.iter().map(|(.., (held, _))| at_most(*held, TABLES, 0.94)).collect();
    let share = |held: usize| 100.0 * held as f64 / TABLES as f64;
    println!(
        "tables `{set}`: 95 % intervals that hold the truth, of {TABLES}; in brackets by rows"
    );
    println!("{:<24} {:<20} {:>7} {:>8}  below 94 % (p by Holm)", "", "", "held %", "by rows");
    for ((world, measure, (ours, by_rows)), adjusted) in cells.iter().zip(holm(&below)) {
        let verdict = match (adjusted < 0.05, share(*ours) > 98.0) {
            (true, _) => "TOO FEW",
            (false, true) => "TOO MANY",
            (false, false) => "",
        };
        let (ours, by_rows) = (share(*ours), share(*by_rows));
        println!(
            "{:<24} {measure:<20} {ours:>7.1} ({by_rows:>5.1})  {adjusted:.3} {verdict}",
            world.name()
        );
    }
}
