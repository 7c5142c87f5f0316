//! What a simulated expert looks at.

use std::collections::BTreeMap;

use collegium_records::*;

use super::draw::Draw;

/// exp of the entropy, and (Σλ)²/Σλ².
fn ranks(eigenvalues: &[f64]) -> (f64, f64) {
    let all: f64 = eigenvalues.iter().sum();
    let entropy: f64 = eigenvalues.iter().map(|l| -(l / all) * (l / all).ln()).sum();
    (entropy.exp(), all * all / eigenvalues.iter().map(|l| l * l).sum::<f64>())
}

fn spectrum(decay: f64, draw: &mut Draw) -> Vec<f64> {
    let mut eigenvalues: Vec<f64> = (0..18)
        .map(|k| 3.1 * (-decay * f64::from(k)).exp() * (0.75 + 0.5 * draw.uniform()))
        .collect();
    eigenvalues.sort_by(|a, b| b.total_cmp(a));
    eigenvalues
}

/// Bars with bootstrap bands, largest first.
pub fn importances(shares: &[(&str, f64)], draw: &mut Draw) -> Vec<Importance> {
    let total: f64 = shares.iter().map(|s| s.1).sum();
    let mut rows: Vec<Importance> = shares
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
    rows.sort_by(|a, b| b.share.total_cmp(&a.share));
    rows
}

fn scattered(count: usize, draw: &mut Draw) -> Vec<f64> {
    let raw: Vec<f64> = (0..count).map(|_| 0.5 + draw.uniform()).collect();
    let sum: f64 = raw.iter().sum();
    raw.into_iter().map(|u| u / sum).collect()
}

/// An AGOP of these shares whose spectrum falls by this much from direction to direction.
pub fn agop(output: &str, shares: &[(&str, f64)], upstream: &[&str], decay: f64) -> Agop {
    let mut draw = Draw::new(shares[0].0);
    let importance = importances(shares, &mut draw);
    let untrained = scattered(importance.len(), &mut draw);
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
                agreement: None,
                seeds: None,
            }
        })
        .collect();
    through.sort_by(|a, b| b.share.total_cmp(&a.share));
    let eigenvalues = spectrum(decay, &mut draw);
    let (effective_rank, participation) = ranks(&eigenvalues);
    let untrained_eigenvalues = spectrum(0.09, &mut draw);
    Agop {
        sketches: None,
        output: output.into(),
        rows: 2000,
        split: "test".into(),
        importance,
        upstream: through,
        eigenvalues,
        effective_rank,
        noise_floor: NoiseFloor {
            split_half_cosine: 0.99873,
            untrained,
            no_untrained: None,
            untrained_effective_rank: ranks(&untrained_eigenvalues).0,
            untrained_eigenvalues,
            permuted: None,
            seeds: None,
        },
        participation,
        groups: vec![],
        directions: vec![],
        classes: None,
    }
}

/// Adds what refits with other seeds and networks trained on permuted labels look at.
pub fn with_references(agop: &mut Agop, seeds: u32) {
    let mut draw = Draw::new(&agop.importance[0].input);
    for row in &mut agop.importance {
        let (down, up) = (0.03 + 0.12 * draw.uniform(), 0.03 + 0.12 * draw.uniform());
        let (low, high) = (row.share * (1.0 - down) - 0.004, row.share * (1.0 + up) + 0.004);
        row.seeds = Some(Interval { low: low.max(0.0), high });
    }
    let eigenvalues = spectrum(0.14, &mut draw);
    agop.noise_floor.seeds =
        Some(Agreement { of: seeds, cosine: 0.981, spearman: 0.95, overlap: 0.93 });
    agop.noise_floor.permuted = Some(PermutedNull {
        fits: 3,
        shares: scattered(agop.importance.len(), &mut draw).iter().map(|s| s * 1.25).collect(),
        effective_rank: ranks(&eigenvalues).0,
        eigenvalues,
    });
}

/// Adds directions: for each the weights of these columns, scaled so that their squares sum to at
/// most 1.
pub fn with_directions(agop: &mut Agop, columns: &[&str], weights: &[&[f64]]) {
    let all: f64 = agop.eigenvalues.iter().sum();
    agop.directions = weights
        .iter()
        .zip(&agop.eigenvalues)
        .map(|(weights, eigenvalue)| {
            let norm = weights.iter().map(|w| w * w).sum::<f64>().sqrt() / 0.985;
            let mut loadings: Vec<Loading> = columns
                .iter()
                .zip(*weights)
                .map(|(column, weight)| Loading { column: (*column).into(), weight: weight / norm })
                .collect();
            loadings.sort_by(|a, b| b.weight.abs().total_cmp(&a.weight.abs()));
            Direction { eigenvalue: *eigenvalue, share: eigenvalue / all, loadings }
        })
        .collect();
}

/// Inputs that vary together.
pub fn group(inputs: &[&str], correlation: f64, share: f64) -> InputGroup {
    InputGroup {
        conditional: None,
        inputs: inputs.iter().map(|i| (*i).to_owned()).collect(),
        correlation,
        share,
        low: share * 0.9,
        high: share * 1.12,
    }
}

/// Raw columns through the whole DAG.
pub fn raw(shares: &[(&str, f64)], through: &[(&str, &[&str])], notes: &[&str]) -> RawAgop {
    RawAgop {
        importance: importances(shares, &mut Draw::new("raw")),
        through: through
            .iter()
            .map(|(column, experts)| {
                ((*column).to_owned(), experts.iter().map(|e| (*e).to_owned()).collect())
            })
            .collect::<BTreeMap<_, _>>(),
        notes: notes.iter().map(|n| (*n).to_owned()).collect(),
    }
}
