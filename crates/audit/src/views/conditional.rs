//! Conditional permutation importance of an expert's inputs: what each adds to the others.

use std::collections::HashMap;

use collegium_digest::{Digest, Hasher, stream};
use collegium_engine::{EngineError, intervals::losses_of};
use collegium_learn::Model;
use collegium_manifest::Task;
use collegium_probe::{Cluster, Expected, Loss, Partners, exchange_costs};
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
    const VERSION: u32 = 1;

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
        let before = losses_of(before);
        let partners = Partners::new(&x.data, width, &groups);
        let names = model.encoder.names();
        let sets = (0..names.len()).map(|input| vec![input]);
        let sets = sets.chain(clusters.iter().map(|cluster| cluster.inputs.clone()));
        let (mut exchanged_sets, mut after) = (Vec::new(), Vec::new());
        for set in sets {
            let expected = partners.expected(&set);
            let determined = expected == Expected::All;
            let expected = if determined { Expected::Nothing } else { expected };
            let columns: Vec<usize> = set.iter().flat_map(|&input| groups[input].clone()).collect();
            let mut hasher = Hasher::new("conditional");
            hasher.digest(key);
            set.iter().for_each(|&input| _ = hasher.text(&names[input]));
            let mut random = stream(&hasher.finish(), "exchanges");
            // Rises are summed, so that a row that does not move has a rise of exactly 0.
            let mut rises = vec![0.0; rows.len()];
            for _ in 0..EXCHANGES {
                let from = partners.exchange(&expected, &mut random);
                let x = exchanged(x, &columns, &from);
                let now = losses_of(&self.encoded_predicted(model, &x, rows)?);
                let each = rises.iter_mut().zip(now.iter().zip(&before));
                each.for_each(|(sum, (now, before))| *sum += (now - before) / EXCHANGES as f64);
            }
            after.push(before.iter().zip(rises).map(|(before, rise)| before + rise).collect());
            exchanged_sets.push((set, expected != Expected::Nothing, determined));
        }
        let loss = match self.node.resolved().task {
            Task::Classification => Loss::Log,
            Task::Regression => Loss::Squared,
        };
        let costs = exchange_costs(loss, &before, &after, RESAMPLES, key);
        let known =
            exchanged_sets.iter().zip(costs).filter_map(|((set, alike, determined), cost)| {
                let mut inputs: Vec<String> =
                    set.iter().map(|&input| names[input].clone()).collect();
                inputs.sort();
                Some((inputs, Conditional { alike: *alike, determined: *determined, ..cost? }))
            });
        Ok(known.collect())
    }
}
