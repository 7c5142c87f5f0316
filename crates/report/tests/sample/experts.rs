//! Experts with their measures, before anything is known of their insides.

use std::collections::BTreeMap;

use collegium_digest::Digest;
use collegium_records::*;

use super::draw::Draw;
use super::held_out::{class_measures, curves, refits, residuals, slice};
use super::inside::{comparison, cue, layers, row};
use super::look::{agop, with_directions, with_references};
use super::measures::*;

pub const ROWS: [u64; 3] = [228_964, 49_201, 49_181];

pub fn node(name: &str, target: &str, inputs: &[&str], task: &str) -> NodeAudit {
    NodeAudit {
        name: format!("expert.{name}"),
        task: task.into(),
        target: target.into(),
        inputs: inputs.iter().map(|i| (*i).to_owned()).collect(),
        filter: None,
        model: "mlp 64-32 relu".into(),
        noun: "network".into(),
        classes: vec![],
        decided: None,
        metrics: BTreeMap::new(),
        headline: None,
        rotated: None,
        out_of_fold: None,
        shift: None,
        not_measured: BTreeMap::new(),
        account: Some(RowAccount {
            rows: 327_346,
            sides: ["train", "valid", "test"].map(str::to_owned).into_iter().zip(ROWS).collect(),
            ..RowAccount::default()
        }),
        left_out: None,
        baselines: BTreeMap::new(),
        against: BTreeMap::new(),
        margins: BTreeMap::new(),
        skill: Skill {
            metric: "log_loss".into(),
            value: 0.0,
            baseline: 0.0,
            gain: 0.0,
            gain_interval: Interval { low: 0.0, high: 0.0 },
            beats_baseline: true,
            verdict: SkillVerdict::Skilful,
            tests: vec![],
            recalibration: None,
            not_judged: None,
            above_chance: false,
        },
        confusion: None,
        reliability: None,
        agop: None,
        withheld: None,
        epochs: vec![],
        best_epoch: 0,
        parameters: 5_473,
        kept: 0,
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
        combined: None,
        composite: None,
        search: None,
        provenance: None,
        uses: vec![],
        findings: vec![],
    }
}

/// A classifier with measures from simulated predictions of itself, a linear model and a constant.
pub fn classifier(
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
        let pairs: Vec<(usize, usize)> =
            drawn.iter().map(|(p, y)| (usize::from(*y), usize::from(*p >= 0.5))).collect();
        node.performance.classes =
            class_measures(&node.classes, &pairs, claimed as f64 / rows as f64);
        node.performance.curves = Some(curves(std::iter::once(("yes", drawn.clone()))));
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
            verdict: SkillVerdict::Skilful,
            tests: vec![],
            recalibration: None,
            not_judged: None,
            above_chance: false,
        };
    }
    let from = node.skill.baseline;
    node.epochs = epochs(from, node.skill.value, 20, 0.012, name);
    node.best_epoch = best(&node.epochs);
    node.rows = (ROWS[0] as f64 * scale) as u64;
    node
}

pub fn airborne() -> NodeAudit {
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
        let drawn = rows(3000, noise);
        node.metrics.insert(side.into(), measured(&drawn, regression, claimed));
        node.performance.residuals = Some(residuals(&drawn, claimed as f64 / 3000.0));
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
        verdict: SkillVerdict::Skilful,
        tests: vec![],
        recalibration: None,
        not_judged: None,
        above_chance: false,
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
    if let Some(agop) = &mut node.agop {
        with_references(agop, 4);
        with_directions(
            agop,
            &[
                "flights.distance",
                "flights.dest = HNL",
                "flights.month",
                "flights.wind_speed",
                "flights.seats",
            ],
            &[&[0.98, 0.14, -0.09, 0.03, 0.01], &[0.1, -0.2, 0.9, 0.2, 0.05]],
        );
    }
    node.performance.slices = Some(WeakSlices {
        loss: "squared_error".into(),
        rows: ROWS[2],
        overall: value * value,
        tested: 5,
        slices: vec![slice(&["flights.dest in {ANC, HNL}"], 131, 402.0, 117.6, 0.0041)],
    });
    node.probe.seeds = refits(&node, 4);
    node.probe.layers = layers(&[32, 16], 0, 1.0);
    node.probe.rows = vec![
        row(
            55_012,
            (ChosenFor::LargestLoss, "612", "571"),
            1681.0,
            &[
                ("flights.distance", "4983", 1.0),
                ("flights.dest", "HNL", 0.61),
                ("flights.month", "1", 0.2),
                ("flights.wind_speed", "12.7", 0.02),
                ("flights.seats", "377", -0.01),
            ],
        ),
        row(
            990,
            (ChosenFor::Typical, "138", "141"),
            9.0,
            &[
                ("flights.distance", "1089", 1.0),
                ("flights.month", "6", -0.05),
                ("flights.dest", "MCO", 0.03),
                ("flights.wind_speed", "8.1", 0.01),
                ("flights.seats", "149", 0.0),
            ],
        ),
    ];
    node.probe.comparisons = vec![comparison(
        "training rows against test rows",
        (0.9992, 1.0, 0.9978),
        &[0.4],
        true,
        Changed::No,
        "It agrees as well as two halves of the rows do.",
    )];
    node.probe.cues = vec![
        cue(&node, "flights.distance", [1.02, 1.9, 2.4]),
        cue(&node, "flights.dest", [0.01, 0.016, 0.03]),
    ];
    node.epochs = epochs(1.0, 0.0142, 18, 0.001, "airborne");
    node.best_epoch = best(&node.epochs);
    node.parameters = 1_361;
    node.multiply_adds = 1_312;
    node.cost = Cost { seconds: 4.87, cpu_seconds: 4.80, peak_bytes: 44_040_192, joules: None };
    node.findings = vec![Finding::new(
        Level::Note,
        Topic::Data,
        "`flights.dest`: 3 rare levels of 104 grouped as `other`.",
    )];
    node
}
