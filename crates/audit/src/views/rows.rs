//! Local explanations: input attributions of single rows.

use collegium_probe::Sight;
use collegium_records::{
    ChosenFor, Code, InputAttribution, NodeAudit, RowAttribution, three_digits,
};
use collegium_table::Matrix;
use serde::{Deserialize, Serialize};

use crate::view::AuditView;
use collegium_engine::{
    EngineError,
    inputs::{InputData, encode},
    intervals::losses_of,
    measure::Predicted,
    states::NodeState,
};

use crate::{Auditor, looked::Looked, shown::shown, subject::Subject};

/// Inputs that are named.
const NAMED: usize = 12;

/// Input attributions of a few rows, chosen as the most informative.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Rows(Vec<RowAttribution>);

impl AuditView for Rows {
    const NAME: &'static str = "rows";
    const VERSION: u32 = 1;

    fn applies(looked: &Looked) -> Result<bool, EngineError> {
        looked.is_shown()
    }

    fn measure(looked: &Looked) -> Result<Self, EngineError> {
        match looked.sight()? {
            Ok((subject, sight)) => {
                looked.auditor.attributions(subject, sight, looked.state, &[]).map(Self)
            }
            Err(_) => Ok(Self(Vec::new())),
        }
    }

    fn place(self, audit: &mut NodeAudit) {
        audit.probe.rows = self.0;
    }
}

impl Auditor<'_> {
    /// Input attributions of a few informative rows, and of those that the command line asks for.
    pub(crate) fn attributions(
        self,
        subject: &Subject,
        sight: &Sight,
        state: &NodeState,
        asked: &[u64],
    ) -> Result<Vec<RowAttribution>, EngineError> {
        let probed = self.node.predicted_on(state, &subject.rows)?;
        let losses = losses_of(&probed);
        let mut chosen: Vec<(u32, ChosenFor)> = Vec::new();
        let known: Vec<usize> = (0..losses.len()).filter(|&i| losses[i].is_finite()).collect();
        if !known.is_empty() {
            let most = |score: &dyn Fn(usize) -> f64| {
                known
                    .iter()
                    .fold(known[0], |best, &i| if score(i) > score(best) { i } else { best })
            };
            chosen.push((subject.rows[most(&|i| losses[i])], ChosenFor::LargestLoss));
            if let Predicted::Classes { probability, width, .. } = &probed {
                let doubt = |i: usize| -margin(&probability[i * width..(i + 1) * width]);
                chosen.push((subject.rows[most(&doubt)], ChosenFor::LeastCertain));
            }
            let mut sorted = known.clone();
            sorted.sort_by(|&a, &b| losses[a].total_cmp(&losses[b]));
            chosen.push((subject.rows[sorted[sorted.len() / 2]], ChosenFor::Typical));
        }
        let rows = self.node.table()?.rows as u64;
        for &row in asked {
            if row >= rows {
                return Err(EngineError::Usage(
                    Code::BadArguments,
                    format!(
                        "row {row} is asked for, but `{}` has rows 0 to {}",
                        self.node.declared().data,
                        rows.saturating_sub(1)
                    ),
                ));
            }
            chosen.push((row as u32, ChosenFor::AskedFor));
        }
        let numbers: Vec<u32> = chosen.iter().map(|(row, _)| *row).collect();
        let predicted = self.node.predicted_on(state, &numbers)?;
        let weights = self.weights_of_rows(subject, sight, &numbers, &predicted)?;
        let texts = self.in_words(&predicted);
        let losses = losses_of(&predicted);
        let attributions = chosen.into_iter().zip(weights).zip(texts).zip(losses).map(
            |((((row, why), weights), (truth, predicted)), loss)| {
                let names = subject.model.encoder.names().iter().zip(&subject.data);
                let mut inputs: Vec<InputAttribution> = names
                    .zip(weights)
                    .map(|((name, data), weight)| InputAttribution {
                        input: name.clone(),
                        value: value(data, row as usize),
                        weight,
                    })
                    .collect();
                inputs.sort_by(|a, b| b.weight.abs().total_cmp(&a.weight.abs()));
                inputs.truncate(NAMED);
                RowAttribution { row: u64::from(row), why, truth, predicted, loss, inputs }
            },
        );
        Ok(attributions.filter(|row| row.loss.is_finite()).collect())
    }

    /// By row and declared input: the gradient of the predicted class's logit (or of the value) in
    /// standard deviations of a column, for a group of columns against the average row, times the
    /// root of the input's importance, all relative to the largest of the row.
    fn weights_of_rows(
        self,
        subject: &Subject,
        sight: &Sight,
        rows: &[u32],
        predicted: &Predicted,
    ) -> Result<Vec<Vec<f64>>, EngineError> {
        let encoder = &subject.model.encoder;
        let x = encode(&subject.model, &subject.sources(), rows)?;
        let means = means(&subject.x);
        let groups = encoder.groups();
        let variances = subject.geometry.variances();
        let largest = sight.shares.iter().copied().fold(0.0, f64::max);
        let mut all = Vec::new();
        subject.model.jacobians(&x, &self.session().interrupted, &mut |row, jacobian| {
            let gradient = toward_predicted(jacobian, x.width, row, predicted);
            let weights: Vec<f64> = groups
                .iter()
                .zip(&sight.shares)
                .map(|(group, share)| {
                    let effect = match group.len() {
                        1 => gradient[group.start] * variances[group.start].sqrt(),
                        _ => group
                            .clone()
                            .map(|c| gradient[c] * (f64::from(x.row(row)[c]) - means[c]))
                            .sum(),
                    };
                    effect * (share / largest.max(f64::MIN_POSITIVE)).sqrt()
                })
                .collect();
            let most = weights.iter().fold(0.0f64, |most, weight| most.max(weight.abs()));
            let scale = if most > 0.0 { 1.0 / most } else { 0.0 };
            all.push(weights.into_iter().map(|weight| weight * scale).collect());
        })?;
        Ok(all)
    }

    /// Truth and prediction of each row, as a person says them.
    fn in_words(self, predicted: &Predicted) -> Vec<(String, String)> {
        let classes = &self.node.resolved().classes;
        match predicted {
            Predicted::Classes { probability, width, labels, .. } => {
                let name = |label: u32| {
                    classes.get(label as usize).cloned().unwrap_or_else(|| "unknown".to_owned())
                };
                labels
                    .iter()
                    .zip(probability.chunks_exact((*width).max(1)))
                    .map(|(label, p)| {
                        let (class, p) = top(p);
                        (name(*label), format!("{} ({:.0} %)", name(class), 100.0 * p))
                    })
                    .collect()
            }
            Predicted::Values { predicted, truth } => truth
                .iter()
                .zip(predicted)
                .map(|(truth, p)| (three_digits(*truth), three_digits(f64::from(*p))))
                .collect(),
        }
    }
}

/// The gradient that raises the predicted class against all others, or the value.
fn toward_predicted(jacobian: &[f32], width: usize, row: usize, predicted: &Predicted) -> Vec<f64> {
    let outputs = jacobian.len() / width;
    let of = |output: usize| &jacobian[output * width..(output + 1) * width];
    let Predicted::Classes { probability, width: classes, .. } = predicted else {
        return of(0).iter().map(|g| f64::from(*g)).collect();
    };
    let (class, _) = top(&probability[row * classes..(row + 1) * classes]);
    if outputs == 1 {
        let sign = if class == 1 { 1.0 } else { -1.0 };
        return of(0).iter().map(|g| sign * f64::from(*g)).collect();
    }
    (0..width)
        .map(|column| {
            let mean = (0..outputs).map(|o| f64::from(of(o)[column])).sum::<f64>() / outputs as f64;
            f64::from(of(class as usize)[column]) - mean
        })
        .collect()
}

/// The predicted class and its probability.
fn top(p: &[f32]) -> (u32, f32) {
    match p {
        [p] if *p >= 0.5 => (1, *p),
        [p] => (0, 1.0 - p),
        _ => {
            let best = (0..p.len()).fold(0, |best, i| if p[i] > p[best] { i } else { best });
            (best as u32, p.get(best).copied().unwrap_or(0.0))
        }
    }
}

/// How far the predicted class is ahead of the next.
fn margin(p: &[f32]) -> f64 {
    match p {
        [p] => f64::from((p - 0.5).abs()) * 2.0,
        // The two largest.
        [one, other, rest @ ..] => {
            let larger = |a: f32, b: f32| if b.total_cmp(&a).is_gt() { (b, a) } else { (a, b) };
            let (first, second) = rest.iter().fold(larger(*one, *other), |(first, second), &p| {
                let (first, other) = larger(first, p);
                (first, larger(second, other).0)
            });
            f64::from(first - second)
        }
        [] => 0.0,
    }
}

fn means(x: &Matrix) -> Vec<f64> {
    let mut means = vec![0.0; x.width];
    for row in 0..x.rows {
        means.iter_mut().zip(x.row(row)).for_each(|(mean, value)| *mean += f64::from(*value));
    }
    means.iter_mut().for_each(|mean| *mean /= x.rows.max(1) as f64);
    means
}

/// What a row holds, in words.
fn value(data: &InputData, row: usize) -> String {
    let missing = || "missing".to_owned();
    match data {
        InputData::Column(column) => shown(column, row).unwrap_or_else(missing),
        InputData::Logit(matrix) | InputData::Plain(matrix) | InputData::Handed(matrix) => {
            match matrix.row(row) {
                [value] if value.is_nan() => missing(),
                [value] => three_digits(f64::from(*value)),
                values => format!("{} numbers", values.len()),
            }
        }
        InputData::Label(codes, classes) => {
            classes.get(codes[row] as usize).cloned().unwrap_or_else(missing)
        }
    }
}
