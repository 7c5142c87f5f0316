//! A report as the flights pipeline could give it: simulated predictions, really measured.

use std::collections::BTreeMap;

use collegium_digest::{Digest, stream};
use collegium_records::*;
use rand::RngExt as _;

/// How strongly a simulated model's score follows the truth.
struct Model {
    signal: f64,
    bias: f64,
    /// Above 1: over-confident.
    stretch: f64,
}

struct Draw(collegium_digest::Stream);

impl Draw {
    fn new(purpose: &str) -> Self {
        Self(stream(&Digest::of(b"sample report"), purpose))
    }
    fn uniform(&mut self) -> f64 {
        self.0.random::<f64>()
    }
    fn normal(&mut self) -> f64 {
        let (u, v) = (self.uniform().max(1e-12), self.uniform());
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// (probability, is it so) of rows.
fn predictions(model: &Model, rows: usize, purpose: &str) -> Vec<(f64, bool)> {
    let mut draw = Draw::new(purpose);
    (0..rows)
        .map(|_| {
            let logit = model.bias + model.signal * draw.normal();
            let truth = draw.uniform() < sigmoid(logit);
            (sigmoid(logit * model.stretch), truth)
        })
        .collect()
}

fn classification(rows: &[(f64, bool)]) -> Metrics {
    let n = rows.len() as f64;
    let mut sorted: Vec<_> = rows.to_vec();
    sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
    let positives = rows.iter().filter(|r| r.1).count() as f64;
    let (mut seen, mut area, mut precision) = (0.0, 0.0, 0.0);
    for (i, row) in sorted.iter().enumerate() {
        if row.1 {
            seen += 1.0;
            precision += seen / (i + 1) as f64;
        } else {
            area += seen;
        }
    }
    let hits = rows.iter().filter(|r| (r.0 >= 0.5) == r.1).count() as f64;
    let called = rows.iter().filter(|r| r.0 >= 0.5).count() as f64;
    let right = rows.iter().filter(|r| r.0 >= 0.5 && r.1).count() as f64;
    let log_loss =
        rows.iter().map(|r| -(if r.1 { r.0 } else { 1.0 - r.0 }).max(1e-12).ln()).sum::<f64>() / n;
    let brier = rows.iter().map(|r| (r.0 - f64::from(u8::from(r.1))).powi(2)).sum::<f64>() / n;
    BTreeMap::from([
        ("accuracy".into(), hits / n),
        ("auc".into(), area / (positives * (n - positives)).max(1.0)),
        ("average_precision".into(), precision / positives.max(1.0)),
        ("f1".into(), 2.0 * right / (called + positives).max(1.0)),
        ("log_loss".into(), log_loss),
        ("brier".into(), brier),
        ("ece".into(), reliability(rows).ece),
    ])
}

fn regression(rows: &[(f64, f64)]) -> Metrics {
    let n = rows.len() as f64;
    let mean = rows.iter().map(|r| r.1).sum::<f64>() / n;
    let total: f64 = rows.iter().map(|r| (r.1 - mean).powi(2)).sum();
    let left: f64 = rows.iter().map(|r| (r.1 - r.0).powi(2)).sum();
    BTreeMap::from([
        ("rmse".into(), (left / n).sqrt()),
        ("mae".into(), rows.iter().map(|r| (r.1 - r.0).abs()).sum::<f64>() / n),
        ("r2".into(), 1.0 - left / total),
    ])
}

fn measured<T: Copy>(rows: &[T], metrics: fn(&[T]) -> Metrics, claimed: u64) -> SplitMeasures {
    let mut draw = Draw::new("bootstrap");
    let mut values: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for _ in 0..60 {
        let again: Vec<T> =
            (0..rows.len()).map(|_| rows[draw.0.random_range(0..rows.len())]).collect();
        for (name, value) in metrics(&again) {
            values.entry(name).or_default().push(value);
        }
    }
    let intervals = values
        .into_iter()
        .map(|(name, mut values)| {
            values.sort_by(f64::total_cmp);
            (name, Interval { low: values[1], high: values[58] })
        })
        .collect();
    SplitMeasures { rows: claimed, metrics: metrics(rows), intervals }
}

fn reliability(rows: &[(f64, bool)]) -> Reliability {
    let mut bins = [(0.0, 0.0, 0u64); 15];
    for (p, y) in rows {
        let bin = &mut bins[((p * 15.0) as usize).min(14)];
        *bin = (bin.0 + p, bin.1 + f64::from(u8::from(*y)), bin.2 + 1);
    }
    let bins: Vec<ReliabilityBin> = bins
        .iter()
        .filter(|b| b.2 > 0)
        .map(|b| ReliabilityBin {
            predicted: b.0 / b.2 as f64,
            observed: b.1 / b.2 as f64,
            rows: b.2,
        })
        .collect();
    let all = rows.len() as f64;
    let ece = bins.iter().map(|b| b.rows as f64 / all * (b.predicted - b.observed).abs()).sum();
    Reliability { ece, bins }
}

fn epochs(from: f64, to: f64, count: u32, overfit: f64, purpose: &str) -> Vec<Epoch> {
    let mut draw = Draw::new(purpose);
    (1..=count)
        .map(|e| {
            let t = f64::from(e) / f64::from(count);
            let fall = to + (from - to) * (-4.5 * t).exp();
            let wobble = (from - to) * 0.015;
            Epoch {
                train: fall - overfit * t + wobble * 0.3 * draw.normal(),
                valid: fall
                    + (from - to) * 0.03
                    + overfit * 0.8 * (t - 0.6).max(0.0)
                    + wobble * draw.normal(),
            }
        })
        .collect()
}

fn best(epochs: &[Epoch]) -> u32 {
    let best = epochs.iter().enumerate().min_by(|a, b| a.1.valid.total_cmp(&b.1.valid));
    best.map_or(0, |(i, _)| i as u32 + 1)
}

fn agop(output: &str, shares: &[(&str, f64)], upstream: &[&str], decay: f64) -> Agop {
    let mut draw = Draw::new(shares[0].0);
    let total: f64 = shares.iter().map(|s| s.1).sum();
    let mut importance: Vec<Importance> = shares
        .iter()
        .map(|(input, share)| {
            let share = share / total;
            let half = 0.012 + 0.06 * share * (0.7 + 0.6 * draw.uniform());
            Importance {
                input: (*input).into(),
                share,
                low: (share - half).max(0.0),
                high: share + half * 1.1,
                above_noise: share > 0.03,
                seeds: None,
                agreement: None,
            }
        })
        .collect();
    importance.sort_by(|a, b| b.share.total_cmp(&a.share));
    let untrained: Vec<f64> = importance.iter().map(|_| 0.5 + draw.uniform()).collect();
    let sum: f64 = untrained.iter().sum();
    let mut through: Vec<Importance> = upstream
        .iter()
        .map(|name| {
            let prefix = format!("{name}.");
            let of = |f: fn(&Importance) -> f64| {
                importance.iter().filter(|i| i.input.starts_with(&prefix)).map(f).sum()
            };
            Importance {
                input: format!("expert.{name}"),
                share: of(|i| i.share),
                low: of(|i| i.low),
                high: of(|i| i.high),
                above_noise: true,
                seeds: None,
                agreement: None,
            }
        })
        .collect();
    through.sort_by(|a, b| b.share.total_cmp(&a.share));
    let eigenvalues: Vec<f64> = (0..18)
        .map(|k| 3.1 * (-decay * f64::from(k)).exp() * (0.75 + 0.5 * draw.uniform()))
        .collect();
    let mut eigenvalues = eigenvalues;
    eigenvalues.sort_by(|a, b| b.total_cmp(a));
    let all: f64 = eigenvalues.iter().sum();
    let entropy: f64 = eigenvalues.iter().map(|l| -(l / all) * (l / all).ln()).sum();
    Agop {
        output: output.into(),
        rows: 2000,
        split: "test".into(),
        importance,
        upstream: through,
        eigenvalues,
        effective_rank: entropy.exp(),
        noise_floor: NoiseFloor {
            split_half_cosine: 0.99873,
            untrained: untrained.into_iter().map(|u| u / sum).collect(),
            untrained_effective_rank: 11.4,
            untrained_eigenvalues: vec![],
            permuted: None,
            seeds: None,
        },
        participation: 0.0,
        groups: vec![],
        directions: vec![],
        classes: None,
    }
}

const ROWS: [u64; 3] = [228_964, 49_201, 49_181];

fn node(name: &str, target: &str, inputs: &[&str], task: &str) -> NodeAudit {
    NodeAudit {
        name: format!("expert.{name}"),
        task: task.into(),
        target: target.into(),
        inputs: inputs.iter().map(|i| (*i).to_owned()).collect(),
        filter: None,
        model: "mlp 64-32 relu".into(),
        classes: vec![],
        metrics: BTreeMap::new(),
        baselines: BTreeMap::new(),
        skill: Skill {
            metric: "log_loss".into(),
            value: 0.0,
            baseline: 0.0,
            gain: 0.0,
            gain_interval: Interval { low: 0.0, high: 0.0 },
            beats_baseline: true,
        },
        confusion: None,
        reliability: None,
        agop: None,
        withheld: None,
        epochs: vec![],
        best_epoch: 0,
        parameters: 5_473,
        multiply_adds: 5_376,
        rows: ROWS[0],
        cost: Cost { seconds: 6.42, cpu_seconds: 6.31, peak_bytes: 61_341_696, joules: None },
        recipe: Digest::of(name.as_bytes()),
        realisation: Digest::of(target.as_bytes()),
        certificate: None,
        judgement: None,
        advice: None,
        performance: Performance::default(),
        probe: Probe::default(),
        provenance: None,
        findings: vec![],
    }
}

/// A classifier with measures from simulated predictions of itself, a linear model and a constant.
fn classifier(
    name: &str,
    target: &str,
    inputs: &[&str],
    model: &Model,
    linear: f64,
    scale: f64,
) -> NodeAudit {
    let mut node = node(name, target, inputs, "classification");
    node.classes = vec!["no".into(), "yes".into()];
    let sides = [("train", 1.04, 9000), ("valid", 1.0, 5000), ("test", 1.0, 7500)];
    for ((side, lift, rows), claimed) in sides.into_iter().zip(ROWS) {
        let made = Model { signal: model.signal * lift, ..*model };
        let drawn = predictions(&made, rows, &format!("{name} {side}"));
        let claimed = (claimed as f64 * scale) as u64;
        node.metrics.insert(side.into(), measured(&drawn, classification, claimed));
        if side != "test" {
            continue;
        }
        let weak = predictions(
            &Model { signal: linear, bias: model.bias, stretch: 1.0 },
            rows,
            &format!("{name} linear"),
        );
        let rate = drawn.iter().filter(|r| r.1).count() as f64 / rows as f64;
        let constant: Vec<(f64, bool)> = drawn.iter().map(|r| (rate, r.1)).collect();
        let mut majority = measured(&constant, classification, claimed);
        majority.metrics.insert("auc".into(), 0.5);
        majority.intervals.remove("auc");
        node.baselines
            .insert("majority".into(), BTreeMap::from([("test".into(), majority.clone())]));
        node.baselines.insert(
            "linear".into(),
            BTreeMap::from([("test".into(), measured(&weak, classification, claimed))]),
        );
        let mut counts = vec![vec![0, 0], vec![0, 0]];
        for (p, y) in &drawn {
            counts[usize::from(*y)][usize::from(*p >= 0.5)] += 1;
        }
        let full = |n: u64| (n as f64 * claimed as f64 / rows as f64).round() as u64;
        counts.iter_mut().flatten().for_each(|n| *n = full(*n));
        node.confusion = Some(Confusion { classes: node.classes.clone(), counts });
        let mut curve = reliability(&drawn);
        curve.bins.iter_mut().for_each(|bin| bin.rows = full(bin.rows));
        node.reliability = Some(curve);
        let own = &node.metrics["test"];
        let base = majority.metrics["log_loss"];
        let value = own.metrics["log_loss"];
        let interval = own.intervals["log_loss"];
        node.skill = Skill {
            metric: "log_loss".into(),
            value,
            baseline: base,
            gain: 1.0 - value / base,
            gain_interval: Interval {
                low: 1.0 - (interval.high * 0.5 + value * 0.5) / base,
                high: 1.0 - (interval.low * 0.5 + value * 0.5) / base,
            },
            beats_baseline: true,
        };
    }
    let from = node.skill.baseline;
    node.epochs = epochs(from, node.skill.value, 20, 0.012, name);
    node.best_epoch = best(&node.epochs);
    node.rows = (ROWS[0] as f64 * scale) as u64;
    node
}

fn airborne() -> NodeAudit {
    let inputs = [
        "flights.distance",
        "flights.month",
        "flights.wind_speed",
        "flights.seats",
        "flights.dest",
    ];
    let mut node = node("airborne", "flights.air_time", &inputs, "regression");
    node.model = "mlp 32-16 relu".into();
    let mut draw = Draw::new("airborne");
    let mut rows = |n: usize, noise: f64| -> Vec<(f64, f64)> {
        (0..n)
            .map(|_| {
                let truth = 150.0 + 93.0 * draw.normal();
                (truth + noise * draw.normal(), truth)
            })
            .collect()
    };
    for ((side, noise), claimed) in
        [("train", 10.6), ("valid", 10.9), ("test", 10.9)].into_iter().zip(ROWS)
    {
        node.metrics.insert(side.into(), measured(&rows(3000, noise), regression, claimed));
    }
    let linear = measured(&rows(3000, 12.9), regression, ROWS[2]);
    let constant: Vec<(f64, f64)> = rows(3000, 0.0).into_iter().map(|r| (150.0, r.1)).collect();
    let mut mean = measured(&constant, regression, ROWS[2]);
    mean.metrics.insert("r2".into(), 0.0);
    mean.intervals.remove("r2");
    let (value, baseline) = (node.metrics["test"].metrics["rmse"], mean.metrics["rmse"]);
    let gain = 1.0 - (value / baseline).powi(2);
    node.skill = Skill {
        metric: "rmse".into(),
        value,
        baseline,
        gain,
        gain_interval: Interval { low: gain - 0.0007, high: gain + 0.0006 },
        beats_baseline: true,
    };
    node.baselines.insert("linear".into(), BTreeMap::from([("test".into(), linear)]));
    node.baselines.insert("majority".into(), BTreeMap::from([("test".into(), mean)]));
    node.agop = Some(agop(
        "value",
        &[
            ("flights.distance", 0.93),
            ("flights.month", 0.035),
            ("flights.dest", 0.06),
            ("flights.wind_speed", 0.008),
            ("flights.seats", 0.004),
        ],
        &[],
        1.4,
    ));
    node.epochs = epochs(1.0, 0.0142, 18, 0.001, "airborne");
    node.best_epoch = best(&node.epochs);
    node.parameters = 1_361;
    node.multiply_adds = 1_312;
    node.cost = Cost { seconds: 4.87, cpu_seconds: 4.80, peak_bytes: 44_040_192, joules: None };
    node.findings = vec![Finding {
        level: Level::Note,
        text: "Nearly all of its importance rests on one input, flights.distance (90 %).".into(),
    }];
    node
}

/// A flights-like pipeline: four experts that learned something and one that did not.
pub fn report() -> AuditReport {
    // Simulated once per process: the bootstraps take a while.
    static MADE: std::sync::OnceLock<AuditReport> = std::sync::OnceLock::new();
    MADE.get_or_init(made).clone()
}

fn made() -> AuditReport {
    let schedule = [
        "flights.origin",
        "flights.carrier",
        "flights.hour",
        "flights.month",
        "flights.weekday",
        "flights.wind_speed",
        "flights.visib",
        "flights.precip",
        "flights.pressure",
    ];
    let mut departure = classifier(
        "departure",
        "flights.departs_late",
        &schedule,
        &Model { signal: 1.05, bias: -1.45, stretch: 1.0 },
        0.78,
        1.0,
    );
    departure.agop = Some(agop(
        "logit",
        &[
            ("flights.hour", 0.41),
            ("flights.month", 0.17),
            ("flights.carrier", 0.15),
            ("flights.precip", 0.09),
            ("flights.visib", 0.07),
            ("flights.pressure", 0.05),
            ("flights.origin", 0.04),
            ("flights.weekday", 0.015),
            ("flights.wind_speed", 0.012),
        ],
        &[],
        0.34,
    ));
    departure.findings = vec![Finding {
        level: Level::Note,
        text: "flights.weekday and flights.wind_speed cannot be told from noise; leaving them out would cost nothing measurable.".into(),
    }];

    let mut newark = classifier(
        "newark",
        "flights.departs_late",
        &schedule[1..],
        &Model { signal: 0.98, bias: -1.2, stretch: 1.75 },
        0.97,
        0.36,
    );
    newark.filter = Some("flights.origin = 'EWR'".into());
    newark.agop = Some(agop(
        "logit",
        &[
            ("flights.hour", 0.46),
            ("flights.carrier", 0.19),
            ("flights.month", 0.14),
            ("flights.precip", 0.1),
            ("flights.visib", 0.05),
            ("flights.pressure", 0.04),
            ("flights.weekday", 0.012),
            ("flights.wind_speed", 0.01),
        ],
        &[],
        0.4,
    ));
    newark.findings = vec![Finding {
        level: Level::Warning,
        text: "Over-confident: its probabilities are further from what happens than those of the linear baseline (see the reliability curve).".into(),
    }];

    let mut diverted = classifier(
        "diverted",
        "flights.diverted",
        &["flights.wind_speed", "flights.visib", "flights.seats"],
        &Model { signal: 0.05, bias: -4.6, stretch: 1.15 },
        0.05,
        1.0,
    );
    diverted.skill.beats_baseline = diverted.skill.gain_interval.low > 0.0;
    diverted.withheld = Some(
        "On held-out rows it does no better than always answering with the training frequency, so what it looks at would show the noise it fitted.".into(),
    );
    diverted.findings = vec![Finding {
        level: Level::Warning,
        text: "Learned nothing: on test rows it is no better than the constant baseline. Nothing should be built on it.".into(),
    }];

    let fed = [
        "airborne.value",
        "departure.logit",
        "newark.logit",
        "diverted.logit",
        "flights.carrier",
        "flights.distance",
        "flights.dest",
    ];
    let mut arrival = classifier(
        "arrival",
        "flights.arrives_late",
        &fed,
        &Model { signal: 1.22, bias: -1.3, stretch: 1.04 },
        1.02,
        1.0,
    );
    arrival.model = "mlp 32-16 relu".into();
    arrival.agop = Some(agop(
        "logit",
        &[
            ("departure.logit", 0.55),
            ("flights.carrier", 0.16),
            ("airborne.value", 0.12),
            ("newark.logit", 0.09),
            ("flights.dest", 0.05),
            ("flights.distance", 0.045),
            ("diverted.logit", 0.003),
        ],
        &["departure", "airborne", "newark", "diverted"],
        0.6,
    ));
    let through: f64 = arrival.agop.iter().flat_map(|a| &a.upstream).map(|row| row.share).sum();
    arrival.findings = vec![Finding {
        level: Level::Note,
        text: format!(
            "{:.0} % of what it looks at comes through other experts, most of it through departure.",
            through * 100.0
        ),
    }];

    let nodes = vec![airborne(), departure, newark, diverted, arrival];
    let mut edges = Vec::new();
    for node in &nodes {
        let mut sources: BTreeMap<String, (Vec<String>, f64)> = BTreeMap::new();
        for input in &node.inputs {
            let source = input.split('.').next().unwrap();
            let from = if source == "flights" {
                "data.flights".into()
            } else {
                format!("expert.{source}")
            };
            let entry = sources.entry(from).or_default();
            entry.0.push(input.clone());
            let found = node.agop.iter().flat_map(|a| &a.importance).find(|i| i.input == *input);
            entry.1 += found.map_or(0.0, |i| i.share);
        }
        for (from, (inputs, share)) in sources {
            edges.push(Edge {
                from,
                to: node.name.clone(),
                inputs,
                share: node.agop.as_ref().map(|_| share),
            });
        }
    }
    AuditReport {
        format_version: FORMAT_VERSION,
        pipeline: "flights".into(),
        created: "2026-02-03T12:34:56Z".into(),
        data: vec![DataSummary {
            name: "flights".into(),
            rows: BTreeMap::from([
                ("train".into(), ROWS[0]),
                ("valid".into(), ROWS[1]),
                ("test".into(), ROWS[2]),
            ]),
            columns: 17,
            files: vec![
                "data/flights.parquet".into(),
                "data/planes.parquet".into(),
                "data/weather.parquet".into(),
            ],
        }],
        nodes,
        edges,
    }
}
