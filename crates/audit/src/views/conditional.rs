//! Conditional permutation importance of an expert's inputs: what each adds to the others.

use std::collections::HashMap;

use collegium_digest::{Digest, Hasher, stream};
use collegium_engine::{EngineError, intervals::losses_of, measure::Predicted};
use collegium_learn::Model;
use collegium_manifest::Task;
use collegium_probe::{Cluster, Expected, Loss, Partners, Rises, exchange_costs};
use collegium_records::{Conditional, NodeAudit};
use serde::{Deserialize, Serialize};

use super::cues::exchanged;
use crate::{
    Auditor,
    looked::{Looked, Tested},
    view::AuditView,
};

/// Exchanges whose costs are averaged: how one falls is chance, and adds to the noise.
const EXCHANGES: u64 = 10;

/// Resamples behind the chance of no cost: among twenty inputs the strictest bar is 1/400.
const RESAMPLES: u32 = 2_000;

/// By declared inputs, one or several that vary together.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Conditionals(Vec<(Vec<String>, Conditional)>);

impl AuditView for Conditionals {
    const NAME: &'static str = "conditional";
    const VERSION: u32 = 2;

    fn applies(looked: &Looked) -> Result<bool, EngineError> {
        looked.is_shown()
    }

    fn measure(looked: &Looked) -> Result<Self, EngineError> {
        let (Some(tested), Ok(subject)) = (looked.tested()?, looked.subject()?) else {
            return Ok(Self(Vec::new()));
        };
        let clusters = subject.geometry.clusters();
        looked.auditor.conditionals(looked.model()?, tested, clusters, &looked.key).map(Self)
    }

    fn place(self, audit: &mut NodeAudit) {
        let mut all: HashMap<Vec<String>, Conditional> = self.0.into_iter().collect();
        for cue in &mut audit.probe.cues {
            cue.conditional = all.remove(std::slice::from_ref(&cue.input));
        }
        for group in audit.agop.iter_mut().flat_map(|agop| &mut agop.groups) {
            let mut inputs = group.inputs.clone();
            inputs.sort();
            group.conditional = all.remove(&inputs);
        }
    }
}

impl Auditor<'_> {
    /// Every declared input of one expert, at that expert, and every cluster of them as one.
    fn conditionals(
        self,
        model: &Model,
        tested: &Tested,
        clusters: &[Cluster],
        key: &Digest,
    ) -> Result<Vec<(Vec<String>, Conditional)>, EngineError> {
        let Tested { rows, x, before } = tested;
        let groups = model.encoder.groups();
        let width = groups.last().map_or(0, |group| group.end);
        if width == 0 {
            return Ok(Vec::new());
        }
        let base = output_of(before);
        let before = losses_of(before);
        let titles = model.encoder.column_names();
        let partners = Partners::new(&x.data, width, &groups);
        let names = model.encoder.names();
        let sets = (0..names.len()).map(|input| vec![input]);
        let sets = sets.chain(clusters.iter().map(|cluster| cluster.inputs.clone()));
        let (mut exchanged_sets, mut all) = (Vec::new(), Vec::<Rises>::new());
        for set in sets {
            let expected = partners.expected(&set);
            let determined = expected == Expected::All;
            let expected = if determined { Expected::Nothing } else { expected };
            let columns: Vec<usize> = set.iter().flat_map(|&input| groups[input].clone()).collect();
            let mut hasher = Hasher::new("conditional");
            hasher.digest(key);
            set.iter().for_each(|&input| _ = hasher.text(&names[input]));
            let mut random = stream(&hasher.finish(), "exchanges");
            let nothing = vec![0.0; rows.len()];
            let mut rises = Rises { received: nothing.clone(), given: nothing };
            // A number is one column of its own name; levels of a category have no order.
            let number = match set.as_slice() {
                [input] => Some(groups[*input].start).filter(|at| titles[*at] == names[*input]),
                _ => None,
            };
            let mut moves = Moves::default();
            for _ in 0..EXCHANGES {
                self.session().go_on()?;
                let from = partners.exchange(&expected, &mut random);
                let moved = exchanged(x, &columns, &from);
                let predicted = self.encoded_predicted(model, &moved, rows)?;
                if let (Some(at), Some(base)) = (number, &base) {
                    let output = output_of(&predicted).unwrap_or_default();
                    for (row, (now, before)) in output.iter().zip(base).enumerate() {
                        let input = f64::from(moved.row(row)[at]) - f64::from(x.row(row)[at]);
                        moves.add(input, now - before);
                    }
                }
                let now = losses_of(&predicted);
                for (row, (now, before)) in now.iter().zip(&before).enumerate() {
                    // Rises are summed, so that a row that does not move has a rise of exactly 0.
                    let rise = (now - before) / EXCHANGES as f64;
                    rises.received[row] += rise;
                    rises.given[from[row]] += rise;
                }
            }
            all.push(rises);
            exchanged_sets.push((set, expected != Expected::Nothing, determined, moves));
        }
        let loss = match self.node.resolved().task {
            Task::Classification => Loss::Log,
            Task::Regression => Loss::Squared,
        };
        let series = || {
            let both = all.iter().flat_map(|rises| [&rises.received, &rises.given]);
            both.cloned().collect()
        };
        let groups = self.node.groups_for(self.groups_of(rows)?, rows, series)?;
        let how = self.session().resampling(RESAMPLES, key).by(groups.as_ref());
        let costs = exchange_costs(loss, &before, &all, how);
        let known = exchanged_sets.iter().zip(costs).filter_map(
            |((set, alike, determined, moves), cost)| {
                let mut inputs: Vec<String> =
                    set.iter().map(|&input| names[input].clone()).collect();
                inputs.sort();
                let (alike, determined) = (*alike, *determined);
                let direction = moves.correlation();
                Some((inputs, Conditional { alike, determined, direction, ..cost? }))
            },
        );
        Ok(known.collect())
    }
}

/// The one number that a model says of each row: log odds of the second class, or the value. `None` for
/// more than two classes.
fn output_of(predicted: &Predicted) -> Option<Vec<f64>> {
    match predicted {
        Predicted::Values { predicted, .. } => {
            Some(predicted.iter().map(|value| f64::from(*value)).collect())
        }
        Predicted::Classes { probability, width, classes, .. } if classes.count == 2 => {
            let second = probability.chunks(*width).map(|row| f64::from(row[row.len() - 1]));
            let odds = second.map(|p| p.clamp(1e-7, 1.0 - 1e-7)).map(|p| libm::log(p / (1.0 - p)));
            Some(odds.collect())
        }
        Predicted::Classes { .. } => None,
    }
}

/// Sums over moves of an input and of the output, about 0: an exchange has no direction of its own.
#[derive(Default)]
struct Moves {
    inputs: f64,
    outputs: f64,
    both: f64,
}

impl Moves {
    fn add(&mut self, input: f64, output: f64) {
        self.inputs += input * input;
        self.outputs += output * output;
        self.both += input * output;
    }

    /// `None` where either never moves.
    fn correlation(&self) -> Option<f64> {
        let size = (self.inputs * self.outputs).sqrt();
        (size.is_finite() && size > 0.0).then(|| (self.both / size).clamp(-1.0, 1.0))
    }
}
