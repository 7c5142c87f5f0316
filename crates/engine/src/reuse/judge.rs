//! Reuse judgement of an expert whose upstreams changed: every candidate is measured on validation rows,
//! and the gain of retraining is estimated.
//!
//! A judgement is cached like a fit, so `plan` and `run` measure once between them.

use std::collections::BTreeMap;

use collegium_digest::{Digest, Hasher};
use collegium_learn::{Network, constant_losses, raw_outputs, row_losses};
use collegium_manifest::Reuse;
use collegium_plan::{
    Part,
    reuse::{self, Figures, Unit, budget, certified, effect},
};
use collegium_probe::{Groups, student_above};
use collegium_records::{Candidate, Effect, Judgement, Recipe, Verdict};
use collegium_table::Matrix;
use serde::{Deserialize, Serialize};

use super::{anchor::Anchor, ground::Ground};
use crate::{EngineError, NodeRef, Session, clock::Clock, fit::training_error, states::States};

/// The result of a judgement.
pub enum Judged {
    /// The figures and the verdict.
    Known(Box<Judgement>),
    /// It cannot be judged and has to be retrained: why.
    Not(String),
}

/// What the augmented refit loses on the inputs that the anchor was trained on.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Control {
    /// By validation row: an object of rows × 1.
    losses: Digest,
}

impl NodeRef<'_> {
    /// What the file asks for, or the defaults where it asks for nothing and only advice is wanted.
    fn asked(self) -> Reuse {
        self.declared().reuse.unwrap_or_default()
    }

    /// Judges an expert against its anchor; looked up if it was judged before. `now` is the recipe
    /// of its full fit on the present inputs.
    pub fn judge(
        self,
        anchor: &Anchor,
        now: &Recipe,
        states: &States,
    ) -> Result<Judged, EngineError> {
        if self.declared().combines() {
            return Ok(Judged::Not(
                "it combines experts, which costs little to do again".to_owned(),
            ));
        }
        let moved = match self.moved(anchor, now)? {
            Ok(moved) => moved,
            Err(why) => return Ok(Judged::Not(why)),
        };
        let Reuse { tolerance, confidence } = self.asked();
        let recipe = Recipe::new("judgement")
            .with("anchor", anchor.standing.realisation)
            .with("anchor.recipe", anchor.standing.recipe)
            .with("now", now.digest())
            .with("rule", reuse::RULE)
            .with(
                "block",
                self.declared_block().map_or_else(String::new, |block| block.to_string()),
            )
            .with("tolerance", tolerance)
            .with("confidence", confidence);
        let key = recipe.digest();
        if let Some(judgement) = self.session.judgement(&key)? {
            return Ok(Judged::Known(Box::new(judgement)));
        }
        let Some(_lock) = self.session.store.lock_unless(&key, &self.session.interrupted)? else {
            return Err(EngineError::Interrupted);
        };
        // Whoever held the lock may have judged the same meanwhile.
        if let Some(judgement) = self.session.judgement(&key)? {
            return Ok(Judged::Known(Box::new(judgement)));
        }
        let clock = Clock::start();
        let ground = match self.ground(anchor, Part::Full, &moved, states)? {
            Ok(ground) => ground,
            Err(why) => return Ok(Judged::Not(why)),
        };
        let (mut judgement, networks) = match self.measured_on(anchor, &ground)? {
            Ok(measured) => measured,
            Err(why) => return Ok(Judged::Not(why)),
        };
        judgement.moved = moved;
        if judgement.verdict == Verdict::Patch
            && let Some(network) = networks.get(&judgement.candidate)
        {
            let patched = ground.patched(network.clone());
            let cost = clock.stop();
            judgement.patched = Some(self.session.file_patch(
                anchor,
                now,
                (judgement.candidate, judgement.blend),
                &patched,
                cost,
            )?);
        }
        let id = Hasher::new("judgement").digest(&key).finish();
        self.session.store.realise(&recipe, &id, &judgement)?;
        Ok(Judged::Known(Box::new(judgement)))
    }

    /// Measures every candidate and applies the rule.
    #[allow(clippy::type_complexity)]
    fn measured_on(
        self,
        anchor: &Anchor,
        ground: &Ground,
    ) -> Result<Result<(Judgement, BTreeMap<Candidate, Network>), String>, EngineError> {
        let Reuse { tolerance, confidence } = self.asked();
        if ground.x_old_valid.rows < 2 {
            return Ok(Err("it has no validation rows to be judged on".to_owned()));
        }
        let classes = self.resolved().classes.len();
        let failed = |error| {
            training_error(error, |what| {
                EngineError::Internal(format!("judging {}: {what}", self.name()))
            })
        };
        let unit = ground.unit();
        let y_valid = ground.y_valid.target(classes);
        let weights = ground.weights.as_deref();
        let losses = |logits: &Matrix| -> Result<Vec<f64>, EngineError> {
            let mut losses = row_losses(logits, &y_valid, weights).map_err(failed)?;
            losses.iter_mut().for_each(|loss| *loss *= unit);
            Ok(losses)
        };
        let network = &ground.network;
        let before = losses(&raw_outputs(network, &ground.x_old_valid))?;
        let constant =
            constant_losses(&ground.y.target(classes), &y_valid, weights).map_err(failed)?;
        // Rows of one group, or of one stretch of time, count once.
        let groups = self.groups_by(&ground.valid, || Ok(vec![before.clone()]))?;
        let unit_of = unit_of(groups.as_ref(), confidence);
        let loss = mean(&before);
        let constant = mean(&constant) * unit;
        let repair = ground.repair(classes, &self.session.interrupted);
        let (shim, restandardised) = (repair.shim(), repair.restandardised());
        let seen: Vec<&Network> = shim.iter().chain(&restandardised).collect();
        if seen.is_empty() {
            return Ok(Err("its new inputs cannot be mapped to the old ones".to_owned()));
        }
        let advised = |networks: &[&Network], rows: &Matrix, valid: &Matrix| {
            let fitted = repair.advise(networks, rows, valid).map_err(failed)?;
            let least = least_blend(&raw_outputs(networks[0], valid), &fitted, &losses)?;
            Ok::<_, EngineError>(least.1)
        };
        let augmented = advised(&seen, &ground.x_new, &ground.x_new_valid)?;
        let control = self.session.control(anchor, seen.len(), || {
            advised(&vec![network; seen.len()], &ground.x_old, &ground.x_old_valid)
        })?;
        // Row by row what a retrained expert would lose: what the refit reaches now, less what the
        // same refit gains where the expert is at home.
        let retrained_rows: Vec<f64> = augmented
            .iter()
            .zip(&before)
            .zip(&control)
            .map(|((now, before), control)| now + before - control)
            .collect();
        let retrained = mean(&retrained_rows);
        let budget = budget(tolerance, loss, constant);
        let mut effects: BTreeMap<Candidate, Effect> = BTreeMap::new();
        let mut errors: BTreeMap<Candidate, f64> = BTreeMap::new();
        let mut add = |candidate: Candidate, logits: &Matrix| -> Result<(), EngineError> {
            let after = losses(logits)?;
            effects.insert(candidate, effect(&before, &after, unit_of, confidence));
            errors.insert(candidate, reuse::standard_error(&after, &retrained_rows, unit_of));
            Ok(())
        };
        add(Candidate::Deployed, &raw_outputs(network, &ground.x_deployed_valid))?;
        let mut networks: BTreeMap<Candidate, Network> = BTreeMap::new();
        let mut blends: BTreeMap<Candidate, f64> = BTreeMap::new();
        if let Some(shim) = shim.clone() {
            add(Candidate::Shim, &raw_outputs(&shim, &ground.x_new_valid))?;
            networks.insert(Candidate::Shim, shim);
        }
        let decide = |effects: &BTreeMap<Candidate, Effect>, errors: &BTreeMap<Candidate, f64>| {
            reuse::verdict(&Figures { budget, effects, retrained, errors })
        };
        // Where the expert does as it is, or behind a map that needed no labels, no refit is tried.
        let first = decide(&effects, &errors);
        let home = first.verdict != Verdict::Retrain
            && effects.get(&first.candidate).is_some_and(|e| certified(e, budget));
        if !home {
            let refits =
                [(Candidate::ShimRefit, &shim), (Candidate::RestandardiseRefit, &restandardised)];
            for (candidate, network) in refits {
                if let Some(network) = network {
                    let refitted = repair.refit(network).map_err(failed)?;
                    let valid = &ground.x_new_valid;
                    let (as_it_is, whole) =
                        (raw_outputs(network, valid), raw_outputs(&refitted, valid));
                    let (blend, after) = least_blend(&as_it_is, &whole, &losses)?;
                    effects.insert(candidate, effect(&before, &after, unit_of, confidence));
                    errors
                        .insert(candidate, reuse::standard_error(&after, &retrained_rows, unit_of));
                    networks.insert(candidate, network.blended(&refitted, blend));
                    blends.insert(candidate, blend);
                }
            }
        }
        let decided = decide(&effects, &errors);
        let best = effects[&decided.candidate];
        let share = |gain: f64| if loss > 0.0 { gain / loss } else { 0.0 };
        let certified = certified(&best, budget);
        let judgement = Judgement {
            verdict: decided.verdict,
            candidate: decided.candidate,
            anchor: anchor.standing,
            moved: Vec::new(),
            metric: match classes {
                0 => "squared_error",
                _ => "log_loss",
            }
            .to_owned(),
            rows: before.len() as u64,
            loss,
            constant,
            budget,
            tolerance,
            confidence,
            retrained,
            total: share(effects[&Candidate::Deployed].loss - retrained),
            rest: share(best.loss - retrained),
            total_error: share(errors[&Candidate::Deployed]),
            rest_error: share(errors[&decided.candidate]),
            certified,
            upstream_worse: decided.verdict != Verdict::Retrain
                && !certified
                && best.increase > budget,
            blend: blends.get(&decided.candidate).copied().unwrap_or(1.0),
            effects,
            patched: None,
        };
        Ok(Ok((judgement, networks)))
    }
}

impl Session {
    /// A filed judgement whose patch, if it made one, is still there.
    fn judgement(&self, key: &Digest) -> Result<Option<Judgement>, EngineError> {
        let known: BTreeMap<Digest, Judgement> = self.store.realisations(key)?;
        for judgement in known.into_values() {
            let whole = match &judgement.patched {
                Some(patched) => self.fit_of(patched)?.is_some(),
                None => true,
            };
            if whole {
                return Ok(Some(judgement));
            }
        }
        Ok(None)
    }

    /// The control's losses: they depend on the anchor alone, and are found once for it.
    fn control(
        &self,
        anchor: &Anchor,
        networks: usize,
        find: impl FnOnce() -> Result<Vec<f64>, EngineError>,
    ) -> Result<Vec<f64>, EngineError> {
        let recipe = Recipe::new("control")
            .with("anchor", anchor.standing.realisation)
            .with("anchor.recipe", anchor.standing.recipe)
            .with("networks", networks as i64);
        let key = recipe.digest();
        let known: BTreeMap<Digest, Control> = self.store.realisations(&key)?;
        if let Some(control) = known.into_values().next()
            && let Some(losses) = self.matrix(&control.losses)?
        {
            return Ok(losses.data.iter().map(|loss| f64::from(*loss)).collect());
        }
        let data: Vec<f32> = find()?.iter().map(|loss| *loss as f32).collect();
        let losses = Matrix { rows: data.len(), width: 1, data };
        let control = Control { losses: self.store.put(&losses.to_bytes())? };
        self.store.realise(&recipe, &key, &control)?;
        // As it will be read again: a judgement must not depend on who made the control.
        Ok(losses.data.iter().map(|loss| f64::from(*loss)).collect())
    }
}

/// What is one observation among rows of these groups.
pub(super) fn unit_of(groups: Option<&Groups>, confidence: f64) -> Unit<'_> {
    groups.map_or(Unit::Row, |groups| Unit::Group {
        codes: groups.codes(),
        count: groups.count(),
        // One group tells nothing of others, and its error has no end.
        reach: student_above(1.0 - confidence, (groups.count() as f64 - 1.0).max(1.0)),
    })
}

/// How far from a readout to a refitted one the validation loss is least, and the row losses there.
///
/// What was trained on some rows knows them too well, and a layer fitted on the same rows believes it:
/// in a network that overfits, a whole refit is worse than none. The way back costs nothing, since
/// the loss of a mixture of two last layers is that of mixed outputs.
fn least_blend(
    from: &Matrix,
    to: &Matrix,
    losses: &impl Fn(&Matrix) -> Result<Vec<f64>, EngineError>,
) -> Result<(f64, Vec<f64>), EngineError> {
    let mut least: Option<(f64, Vec<f64>)> = None;
    for blend in BLENDS {
        let mixed = from.data.iter().zip(&to.data).map(|(a, b)| a + blend as f32 * (b - a));
        let rows = losses(&Matrix { data: mixed.collect(), ..from.clone() })?;
        if least.as_ref().is_none_or(|(_, known)| mean(&rows) < mean(known)) {
            least = Some((blend, rows));
        }
    }
    least.ok_or_else(|| EngineError::Internal("no blend was tried".to_owned()))
}

/// Shares of the way.
const BLENDS: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}
