//! Importances of two versions, compared against the spread between seeds of one version.

use std::collections::{BTreeMap, BTreeSet};

use collegium_digest::Hasher;
use collegium_plan::View;
use collegium_probe::{Look, Sight, agreement, spectral_gap};
use collegium_records::{Between, Fit, ImportanceDiff, Interval, LockedNode, NodeDiff};

use collegium_engine::{EngineError, inputs::InputData, reuse::ReadAs};

use crate::{Auditor, Refit, Subject};

/// A model on its inputs, and its importances.
struct Version {
    subject: Subject,
    sight: Sight,
}

impl Version {
    fn shares(&self) -> BTreeMap<String, f64> {
        let importance = self.sight.agop.importance.iter();
        importance.map(|one| (one.input.clone(), one.share)).collect()
    }
}

impl Auditor<'_> {
    /// Importances of the two models, each on the inputs that it reads; and, for an expert that is up
    /// to date, those of its other seeds.
    pub(super) fn importances(
        self,
        before: &LockedNode,
        after: &LockedNode,
        seeds: u32,
        diff: &mut NodeDiff,
    ) -> Result<(), EngineError> {
        let (one, other) = (self.version(before)?, self.version(after)?);
        let (Some(one), Some(other)) = (one, other) else {
            diff.notes.push(
                "the importances of a version cannot be measured: its model or its inputs have changed or \
                 are no longer in the store"
                    .to_owned(),
            );
            return Ok(());
        };
        let current = self.states.get(&self.node.index).is_some_and(|state| {
            let full = state.full();
            // A patch is no fit of its recipe, and other seeds are no other versions of it.
            full.model == after.realisation && full.parent.is_none() && state.held.is_none()
        });
        let mut refits = Vec::new();
        if current {
            for seed in 1..=seeds {
                let Some(fit) = self.refit(Refit::Seed(seed))? else { break };
                if fit.model == after.realisation {
                    let same = "no band of seeds: nothing is drawn at random in this model, so that other \
                                seeds make the same";
                    diff.notes.push(same.to_owned());
                    break;
                }
                refits.extend(self.with_seed(&fit)?);
            }
            diff.seeds = refits.len() as u32;
        } else if seeds > 0 {
            diff.notes
                .push("no band of seeds: this is not a fit of the present version".to_owned());
        }
        diff.importance = differences(&one, &other, &refits);
        diff.comparison = self.compare_versions(&one, &other, &refits)?;
        Ok(())
    }

    /// Principal angles and importances against the two reference lines; only where both versions
    /// have the same inputs and rows.
    fn compare_versions(
        self,
        one: &Version,
        other: &Version,
        refits: &[Version],
    ) -> Result<Option<collegium_records::Comparison>, EngineError> {
        let same = one.subject.rows() == other.subject.rows()
            && one.subject.names() == other.subject.names();
        if !same {
            return Ok(None);
        }
        let k = spectral_gap(&other.sight.spectrum.eigenvalues);
        let looks: Vec<Look> =
            std::iter::once(other).chain(refits).map(|v| v.sight.look()).collect();
        let seeds = agreement(&looks, k);
        let key = Hasher::new("diff halves").text(self.node.name()).finish();
        let halves = other.subject.split_half(k, &key)?;
        Ok(halves.and_then(|halves| {
            let what = "the earlier version against the later";
            collegium_probe::compare(
                Between::Versions,
                what,
                &one.sight.look(),
                &other.sight.look(),
                k,
                halves,
                seeds,
            )
        }))
    }

    /// A version's full model on what it read.
    fn version(self, node: &LockedNode) -> Result<Option<Version>, EngineError> {
        let Some(fit) = self.session().fit_of(&node.standing())? else { return Ok(None) };
        let Some(data) = self.node.anchor_data(&node.reads, ReadAs::Deployed)? else {
            return Ok(None);
        };
        self.look_of(&fit, data)
    }

    fn with_seed(self, fit: &Fit) -> Result<Option<Version>, EngineError> {
        let data =
            self.node.input_data(&self.node.resolved().inputs, View::Deployed, self.states)?;
        self.look_of(fit, data)
    }

    fn look_of(self, fit: &Fit, data: Vec<InputData>) -> Result<Option<Version>, EngineError> {
        let model = self.session().model(fit)?;
        let inputs: Vec<String> =
            self.node.resolved().inputs.iter().map(ToString::to_string).collect();
        if model.encoder.names() != inputs {
            return Ok(None);
        }
        // One key for all versions, so that all are looked at on the same rows.
        let key = Hasher::new("diff importance").text(self.node.name()).finish();
        let seen = self.look_at(model, data, &key)?.ok();
        Ok(seen.map(|(subject, sight)| Version { subject, sight }))
    }
}

/// Shares in both versions, with the band of the later one's seeds; largest change first.
fn differences(one: &Version, other: &Version, refits: &[Version]) -> Vec<ImportanceDiff> {
    let (one, other) = (one.shares(), other.shares());
    let mut all: Vec<BTreeMap<String, f64>> = refits.iter().map(Version::shares).collect();
    all.push(other.clone());
    let share = |of: &BTreeMap<String, f64>, name: &str| of.get(name).copied().unwrap_or(0.0);
    let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    let mut found: Vec<ImportanceDiff> = names
        .into_iter()
        .map(|name| {
            let (before, after) = (share(&one, name), share(&other, name));
            let band = (!refits.is_empty() && other.contains_key(name)).then(|| {
                let of = all.iter().map(|shares| share(shares, name));
                of.fold(Interval { low: f64::INFINITY, high: f64::NEG_INFINITY }, |band, share| {
                    Interval { low: band.low.min(share), high: band.high.max(share) }
                })
            });
            // Two versions differ only by more than two seeds of one version do.
            let beyond_seeds = band.map(|band| (after - before).abs() > band.high - band.low);
            ImportanceDiff { input: name.clone(), before, after, band, beyond_seeds }
        })
        .collect();
    let size = |d: &ImportanceDiff| (d.after - d.before).abs();
    found.sort_by(|x, y| size(y).total_cmp(&size(x)));
    found
}
