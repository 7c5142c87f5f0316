//! Decisions of two classes: the positive class of a node, and the threshold of its predictions.
//!
//! Neither enters a fit, nor what other experts read: they say what is measured, and which class `predict` writes. A
//! threshold that is chosen is chosen on validation rows, by the predictions that it is used on, so a baseline gets one by
//! the same rule.

use std::collections::BTreeMap;

use collegium_manifest::{DecisionThreshold, Task};
use collegium_probe::{ClassDecision, Classes, Criterion, choose_threshold};
use collegium_records::{ClassThreshold, Code, Measured, ThresholdBy};

use crate::{
    EngineError, NodeRef,
    measure::Predicted,
    rows::{Rows, Side},
};

impl NodeRef<'_> {
    /// The number of the positive class, 0 or 1.
    fn positive(self) -> u32 {
        let named = self.declared().decide.positive.as_ref();
        let at = named.and_then(|named| {
            self.resolved().classes.iter().position(|class| class == named.get_ref())
        });
        at.map_or(1, |at| at as u32)
    }

    /// What the file says of the threshold; nothing of a target without two classes.
    fn threshold(self) -> Option<DecisionThreshold> {
        let said = self.declared().decide.threshold.as_ref().map(|said| *said.get_ref());
        said.filter(|_| self.is_binary())
    }

    fn is_binary(self) -> bool {
        self.resolved().task == Task::Classification && self.resolved().classes.len() == 2
    }

    /// Predictions with the decision that is made by them. `valid` gives those on validation rows; it is called
    /// where a threshold is to be chosen.
    pub(crate) fn decided(
        self,
        mut predicted: Predicted,
        valid: impl FnOnce() -> Result<Predicted, EngineError>,
    ) -> Result<Predicted, EngineError> {
        if let Predicted::Classes { classes, .. } = &mut predicted
            && self.is_binary()
        {
            classes.decision = self.decision(valid)?;
        }
        Ok(predicted)
    }

    fn decision(
        self,
        valid: impl FnOnce() -> Result<Predicted, EngineError>,
    ) -> Result<ClassDecision, EngineError> {
        let positive = self.positive();
        let threshold = match self.threshold() {
            None => ClassDecision::default().threshold,
            Some(DecisionThreshold::Fixed(threshold)) => threshold as f32,
            Some(DecisionThreshold::F1) => self.chosen(positive, Criterion::F1, valid()?)?,
            Some(DecisionThreshold::Recall(least)) => {
                self.chosen(positive, Criterion::Recall(least), valid()?)?
            }
            Some(DecisionThreshold::Costs { false_positive, false_negative }) => {
                let costs = Criterion::Costs { false_positive, false_negative };
                self.chosen(positive, costs, valid()?)?
            }
        };
        Ok(ClassDecision { positive, threshold })
    }

    fn chosen(
        self,
        positive: u32,
        criterion: Criterion,
        valid: Predicted,
    ) -> Result<f32, EngineError> {
        let Predicted::Classes { probability, labels, .. } = &valid else {
            return Err(EngineError::Internal(format!("{} predicts no classes", self.name())));
        };
        choose_threshold(probability, labels, positive, criterion).ok_or_else(|| {
            EngineError::Usage(
                Code::NothingToMeasure,
                format!(
                    "the `threshold` of {} cannot be chosen: its {} validation rows are not of two classes; \
                     give `threshold` a number, or change the `split`",
                    self.node_name(),
                    labels.len()
                ),
            )
        })
    }

    /// The decision as records name it; `None` for a target without two classes.
    pub(crate) fn decided_as(self, predicted: &Predicted, valid: u64) -> Option<ClassThreshold> {
        let Predicted::Classes { classes: Classes { decision, .. }, .. } = predicted else {
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
            rows: by.is_chosen().then_some(valid),
            by,
        })
    }

    /// The decision of the deployed model, as the last run chose it.
    ///
    /// # Errors
    /// [`EngineError::Usage`] when a threshold is to be chosen and no run has measured the deployed model with it.
    pub(crate) fn deployed_decision(self) -> Result<ClassDecision, EngineError> {
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
        let positive = self.positive();
        let threshold = match self.threshold() {
            None => ClassDecision::default().threshold,
            Some(DecisionThreshold::Fixed(threshold)) => threshold as f32,
            Some(_) => {
                let outputs = self.locked().ok_or_else(not_chosen)?.outputs;
                let recipe = self.measure_recipe_of("measure", outputs)?;
                let known: BTreeMap<_, Measured> =
                    self.session.store.realisations(&recipe.digest())?;
                let measured = known.into_values().next().ok_or_else(not_chosen)?;
                measured.decided.ok_or_else(not_chosen)?.threshold as f32
            }
        };
        Ok(ClassDecision { positive, threshold })
    }

    /// How a node's deployed predictions are decided.
    ///
    /// # Errors
    /// Those of [`NodeRef::predicted`].
    pub fn decided_by(
        self,
        state: &crate::states::NodeState,
    ) -> Result<Option<ClassThreshold>, EngineError> {
        let valid =
            self.predicted(state, Rows::HeldOut { expert: self.index, side: Side::Valid })?;
        Ok(self.decided_as(&valid, valid.rows()))
    }
}
