//! Decisions of two classes: the positive class of a node, and the threshold of its predictions.
//!
//! Neither enters a fit, nor what other experts read: they say what is measured, and which class `predict` writes. A
//! threshold that is chosen is chosen on validation rows, by the predictions that it is used on, so a baseline gets one by
//! the same rule.

use std::collections::{BTreeMap, BTreeSet};

use collegium_digest::Digest;
use collegium_manifest::{DecisionThreshold, Diagnostic, Diagnostics, Task};
use collegium_probe::{ClassDecision, Classes, Criterion, choose_threshold};
use collegium_records::{ClassThreshold, Code, Recipe, ThresholdBy};

use crate::{
    EngineError, NodeRef,
    measure::Predicted,
    mutex::lock_mutex,
    rows::{Rows, Side},
    states::NodeState,
};

impl NodeRef<'_> {
    fn is_binary(self) -> bool {
        self.resolved().task == Task::Classification && self.resolved().classes.len() == 2
    }

    /// What the file says of the threshold; nothing of a target without two classes.
    fn threshold(self) -> Option<DecisionThreshold> {
        let said = self.declared().decide.threshold.as_ref().map(|said| *said.get_ref());
        said.filter(|_| self.is_binary())
    }

    /// What the threshold is chosen by on validation rows; `None` where it is not chosen.
    fn criterion(self) -> Option<Criterion> {
        match self.threshold()? {
            DecisionThreshold::Fixed(_) => None,
            DecisionThreshold::F1 => Some(Criterion::F1),
            DecisionThreshold::Recall(least) => Some(Criterion::Recall(least)),
            DecisionThreshold::Costs { false_positive, false_negative } => {
                Some(Criterion::Costs { false_positive, false_negative })
            }
        }
    }

    /// The decision as far as the file says it: a threshold that is to be chosen is one half.
    pub fn declared_decision(self) -> ClassDecision {
        if !self.is_binary() {
            return ClassDecision::default();
        }
        let named = self.declared().decide.positive.as_ref();
        let at = named.and_then(|named| {
            self.resolved().classes.iter().position(|class| class == named.get_ref())
        });
        ClassDecision {
            positive: at.map_or(1, |at| at as u32),
            threshold: match self.threshold() {
                Some(DecisionThreshold::Fixed(threshold)) => threshold as f32,
                _ => ClassDecision::default().threshold,
            },
            costs: match self.threshold() {
                Some(DecisionThreshold::Costs { false_positive, false_negative }) => {
                    Some([false_positive, false_negative])
                }
                _ => None,
            },
        }
    }

    /// The decision that is made by the predictions of a model, which `of` stands for. `valid` gives those on
    /// validation rows; it is called at most once in a session, and only where a threshold is to be chosen.
    pub(crate) fn decision_by(
        self,
        of: Digest,
        valid: impl FnOnce() -> Result<Predicted, EngineError>,
    ) -> Result<ClassDecision, EngineError> {
        let declared = self.declared_decision();
        let Some(criterion) = self.criterion() else { return Ok(declared) };
        let known = &self.session.memo.decisions;
        if let Some(known) = lock_mutex(known).get(&(self.index, of)) {
            return Ok(*known);
        }
        let Predicted::Classes { probability, labels, .. } = valid()? else {
            return Err(EngineError::Internal(format!("{} predicts no classes", self.name())));
        };
        let chosen = choose_threshold(&probability, &labels, declared.positive, criterion);
        let finite = probability.iter().all(|p| p.is_finite());
        let threshold = chosen.ok_or_else(|| self.no_threshold(&labels, finite))?;
        let decision = ClassDecision { threshold, ..declared };
        lock_mutex(known).insert((self.index, of), decision);
        Ok(decision)
    }

    /// Why no threshold can be chosen on validation rows, at its place in the file.
    fn no_threshold(self, labels: &[u32], finite: bool) -> EngineError {
        let rows = labels.len();
        let classes = &self.resolved().classes;
        let seen: BTreeSet<&String> =
            labels.iter().filter_map(|label| classes.get(*label as usize)).collect();
        let why = match (finite, seen.first()) {
            (false, _) => format!("predictions on its {rows} validation rows are not all numbers"),
            (true, Some(one)) => format!("all its {rows} validation rows are of class `{one}`"),
            (true, None) => "it has no validation row with a known class".to_owned(),
        };
        let said = &self.declared().decide.threshold;
        let place = said.as_ref().map_or_else(|| self.declared().name.span(), |said| said.span());
        let message = format!("the `threshold` of {} cannot be chosen", self.node_name());
        let source = &self.session.pipeline.source;
        EngineError::Invalid(Diagnostics(vec![
            Diagnostic::error(Code::NothingToMeasure, source, place, message)
                .label(why)
                .help("give `threshold` a number, or change the `split` so that validation rows have both classes"),
        ]))
    }

    /// The decision that is made by a node's deployed predictions.
    ///
    /// # Errors
    /// [`EngineError::Store`], [`EngineError::Lost`]; [`EngineError::Invalid`] where no threshold can be chosen.
    pub fn decision(self, state: &NodeState) -> Result<ClassDecision, EngineError> {
        let valid = || self.undecided(state, &self.session.rows(self.choosing())?);
        self.decision_by(state.applied, valid)
    }

    /// The rows that thresholds are chosen on.
    pub(crate) fn choosing(self) -> Rows {
        Rows::HeldOut { expert: self.index, side: Side::Valid }
    }

    /// The decision as records name it, from predictions on validation rows; `None` for a target without two classes.
    pub fn decided_as(self, valid: &Predicted) -> Option<ClassThreshold> {
        let Predicted::Classes { classes: Classes { decision, .. }, .. } = valid else {
            return None;
        };
        let by = match self.threshold() {
            None => ThresholdBy::Default,
            Some(DecisionThreshold::Fixed(_)) => ThresholdBy::Fixed,
            Some(DecisionThreshold::F1) => ThresholdBy::F1,
            Some(DecisionThreshold::Recall(least)) => ThresholdBy::Recall { least },
            Some(DecisionThreshold::Costs { false_positive, false_negative }) => {
                ThresholdBy::Costs { false_positive, false_negative }
            }
        };
        let positive = self.resolved().classes.get(decision.positive as usize)?;
        self.is_binary().then(|| ClassThreshold {
            positive: positive.clone(),
            threshold: f64::from(decision.threshold),
            rows: by.is_chosen().then_some(valid.rows()),
            by,
        })
    }

    /// Where the chosen threshold of deployed outputs is kept for prediction. It names neither rows nor targets: what
    /// was chosen for a model holds for it, although rows came since.
    fn decision_recipe(self, model: Digest, outputs: Digest) -> Recipe {
        let decide = &self.declared().decide;
        let mut recipe = Recipe::new("decision").with("model", model).with("deployed", outputs);
        decide.add_to(&mut recipe);
        recipe
    }

    /// Keeps a chosen threshold for prediction.
    pub(crate) fn keep_decision(
        self,
        state: &NodeState,
        decided: Option<&ClassThreshold>,
    ) -> Result<(), EngineError> {
        let Some(decided) = decided.filter(|decided| decided.by.is_chosen()) else { return Ok(()) };
        let recipe = self.decision_recipe(state.full().model, state.applied);
        Ok(self.session.store.realise(&recipe, &recipe.digest(), decided)?)
    }

    /// The decision of the deployed model, as the last run that measured it chose it.
    ///
    /// # Errors
    /// [`EngineError::Usage`] when a threshold is to be chosen and no run has measured the deployed model with it.
    pub(crate) fn deployed_decision(self) -> Result<ClassDecision, EngineError> {
        let declared = self.declared_decision();
        if self.criterion().is_none() {
            return Ok(declared);
        }
        let not_chosen = || {
            EngineError::Usage(
                Code::NotUpToDate,
                format!(
                    "the `threshold` of {} was not chosen yet; run `collegium run {}`",
                    self.node_name(),
                    self.name()
                ),
            )
        };
        let block = self.locked().ok_or_else(not_chosen)?;
        let recipe = self.decision_recipe(block.realisation, block.outputs);
        let known: BTreeMap<_, ClassThreshold> =
            self.session.store.realisations(&recipe.digest())?;
        let chosen = known.into_values().next().ok_or_else(not_chosen)?;
        Ok(ClassDecision { threshold: chosen.threshold as f32, ..declared })
    }
}
