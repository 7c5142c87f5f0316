//! The flights pipeline: four experts that learned something and one that did not.

use std::collections::BTreeMap;

use collegium_records::*;

use super::experts::{airborne, classifier};
use super::held_out::{refits, slice};
use super::inside::{comparison, cue, layers, row};
use super::look::{agop, group, raw, with_directions, with_references};
use super::measures::Model;

/// All of them, in topological order.
pub fn nodes() -> Vec<NodeAudit> {
    vec![airborne(), departure(), newark(), diverted(), arrival()]
}

const SCHEDULE: [&str; 9] = [
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

fn departure() -> NodeAudit {
    let mut departure = classifier(
        "departure",
        "flights.departs_late",
        &SCHEDULE,
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
    departure.findings = vec![Finding::new(
        Level::Note,
        Topic::Inputs,
        "No measurable effect: flights.weekday and flights.wind_speed.",
    )];
    if let Some(agop) = &mut departure.agop {
        with_references(agop, 4);
        agop.groups = vec![group(&["flights.precip", "flights.visib"], 0.917, 0.134)];
        with_directions(
            agop,
            &[
                "flights.hour",
                "flights.month",
                "flights.carrier = EV",
                "flights.carrier = DL",
                "flights.precip",
                "flights.visib",
                "flights.origin = EWR",
                "flights.pressure",
            ],
            &[
                &[0.9, 0.12, 0.2, -0.18, 0.1, -0.08, 0.1, -0.04],
                &[-0.1, 0.3, 0.62, -0.5, 0.12, -0.1, 0.3, 0.02],
                &[0.05, -0.4, 0.1, 0.05, 0.6, -0.55, 0.02, -0.35],
            ],
        );
    }
    departure.performance.slices = Some(WeakSlices {
        loss: "log_loss".into(),
        rows: departure.metrics["test"].rows,
        overall: departure.skill.value,
        tested: 6,
        slices: vec![slice(
            &["flights.hour > 19.5", "flights.carrier in {EV, B6, WN}"],
            3_412,
            0.618,
            departure.skill.value * 0.97,
            3.2e-9,
        )],
    });
    departure.probe.seeds = refits(&departure, 4);
    departure.probe.layers = layers(&[64, 32], 2, 1.3);
    departure.probe.rows = departure_rows();
    departure.probe.comparisons = vec![comparison(
        "training rows against test rows",
        (0.9984, 0.992, 0.9951),
        &[0.8, 2.9, 6.4],
        true,
        Changed::No,
        "It agrees as well as two halves of the rows do.",
    )];
    departure.probe.cues = vec![
        cue(&departure, "flights.hour", [0.56, 0.63, 1.22]),
        cue(&departure, "flights.month", [0.19, 0.22, 0.34]),
        cue(&departure, "flights.carrier", [0.12, 0.15, 0.27]),
        cue(&departure, "flights.wind_speed", [0.002, 0.003, 0.004]),
    ];
    departure
}

fn departure_rows() -> Vec<RowAttribution> {
    vec![
        row(
            201_334,
            (ChosenFor::LargestLoss, "yes", "no"),
            3.87,
            &[
                ("flights.hour", "6", -1.0),
                ("flights.precip", "0", -0.21),
                ("flights.carrier", "HA", -0.18),
                ("flights.month", "9", -0.16),
                ("flights.visib", "10", -0.08),
                ("flights.pressure", "1021.4", -0.05),
            ],
        ),
        row(
            87_021,
            (ChosenFor::LeastCertain, "no", "yes"),
            0.694,
            &[
                ("flights.hour", "17", 1.0),
                ("flights.month", "7", 0.48),
                ("flights.carrier", "B6", 0.22),
                ("flights.pressure", "1016.0", -0.1),
                ("flights.visib", "10", -0.09),
                ("flights.origin", "JFK", -0.06),
            ],
        ),
        row(
            12_480,
            (ChosenFor::Typical, "no", "no"),
            0.21,
            &[
                ("flights.hour", "9", -1.0),
                ("flights.carrier", "DL", -0.31),
                ("flights.month", "3", 0.07),
                ("flights.precip", "0", -0.06),
                ("flights.visib", "9", 0.02),
                ("flights.origin", "LGA", -0.02),
            ],
        ),
        row(
            4_711,
            (ChosenFor::AskedFor, "yes", "yes"),
            0.31,
            &[
                ("flights.hour", "20", 1.0),
                ("flights.precip", "0.22", 0.74),
                ("flights.visib", "1.5", 0.51),
                ("flights.carrier", "EV", 0.4),
                ("flights.month", "12", 0.33),
                ("flights.weekday", "Sunday", 0.01),
            ],
        ),
    ]
}

fn newark() -> NodeAudit {
    let mut newark = classifier(
        "newark",
        "flights.departs_late",
        &SCHEDULE[1..],
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
    newark.findings = vec![
        Finding::new(
            Level::Warning,
            Topic::Calibration,
            "Its probabilities are off by 0.0712 on average (ECE).",
        )
        .detail("Expected calibration error: the distance of predicted from observed frequencies.")
        .next("Do not take its probabilities at their word: recalibrate them on validation rows."),
    ];
    newark.probe.layers = layers(&[64, 32], 2, 1.6);
    newark.probe.comparisons = vec![comparison(
        "expert.newark against expert.departure",
        (0.9702, 0.93, 0.89),
        &[3.0, 19.5],
        false,
        Changed::CannotTell,
        "It differs by more than two halves of the rows do, and there are no seeds to compare with; audit with `seeds` to tell.",
    )];
    newark
}

fn diverted() -> NodeAudit {
    let mut diverted = classifier(
        "diverted",
        "flights.diverted",
        &["flights.wind_speed", "flights.visib", "flights.seats"],
        &Model { signal: 0.05, bias: -4.6, stretch: 1.15 },
        0.05,
        1.0,
    );
    diverted.skill.beats_baseline = diverted.skill.gain_interval.low > 0.0;
    if !diverted.skill.beats_baseline {
        diverted.skill.verdict = SkillVerdict::NoSkill;
    }
    diverted.withheld = Some(
        "On held-out rows it does no better than always answering with the training frequency, so what it looks at would show the noise it fitted.".into(),
    );
    diverted.findings = vec![
        Finding::new(
            Level::Warning,
            Topic::Skill,
            "It learned nothing: its test log loss of 0.0643 does not beat the 0.0614 of a constant prediction.",
        )
        .next("Do not use it. Give it inputs that can tell the target, or take it out."),
    ];
    diverted
}

fn arrival() -> NodeAudit {
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
    arrival.findings = vec![
        Finding::new(Level::Note, Topic::Fit, "Its best epoch was the last of 6.")
            .detail(format!("{:.0} % of its AGOP comes through other experts.", through * 100.0))
            .next("Raise `train.epochs`: more may help."),
    ];
    if let Some(agop) = &mut arrival.agop {
        with_references(agop, 4);
        agop.groups = vec![group(&["departure.logit", "newark.logit"], 0.962, 0.71)];
        with_directions(
            agop,
            &[
                "departure.logit",
                "newark.logit",
                "airborne.value",
                "flights.carrier = HA",
                "flights.distance",
            ],
            &[&[0.91, 0.3, 0.14, -0.1, 0.05], &[-0.2, 0.1, 0.7, 0.3, -0.6]],
        );
    }
    arrival.probe.raw = Some(raw(
        &[
            ("flights.hour", 0.31),
            ("flights.carrier", 0.22),
            ("flights.month", 0.15),
            ("flights.distance", 0.09),
            ("flights.precip", 0.08),
            ("flights.visib", 0.055),
            ("flights.dest", 0.05),
            ("flights.pressure", 0.03),
            ("flights.origin", 0.02),
            ("flights.wind_speed", 0.01),
            ("flights.weekday", 0.008),
            ("flights.seats", 0.004),
        ],
        &[
            ("flights.hour", &["expert.departure", "expert.newark"]),
            ("flights.carrier", &["expert.departure", "expert.newark"]),
            ("flights.month", &["expert.airborne", "expert.departure", "expert.newark"]),
            ("flights.distance", &["expert.airborne"]),
            ("flights.dest", &["expert.airborne"]),
        ],
        &["`departure.label` has no derivative and was left out."],
    ));
    arrival.performance.slices = Some(WeakSlices {
        loss: "log_loss".into(),
        rows: arrival.metrics["test"].rows,
        overall: arrival.skill.value,
        tested: 8,
        slices: vec![],
    });
    arrival.probe.layers = layers(&[32, 16], 2, 1.5);
    arrival.provenance = Some(Provenance {
        generation: 0,
        measured_share: 1.0,
        least_measured: None,
        tables: BTreeMap::from([("data.flights".into(), "measured".into())]),
        notes: vec![],
    });
    arrival
}
