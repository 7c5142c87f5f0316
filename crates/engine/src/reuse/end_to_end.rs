//! End-to-end check of reuse: after models were kept or patched, the sinks are measured again.
//!
//! Local certificates do not compose: each of five experts in a row may lose a little within its own
//! budget. So what a run hands over at its ends is compared with what those ends did before the
//! run, and if the loss rose by more than an end's budget without an upstream being to blame, what
//! was kept or patched above it is trained after all.

use std::collections::BTreeSet;

use collegium_learn::{constant_losses, row_losses};
use collegium_manifest::{Output, Task};
use collegium_plan::{
    View,
    reuse::{budget, certified, effect},
};
use collegium_records::EndToEnd;
use collegium_table::Matrix;

use super::judge::unit_of;
use crate::{
    EngineError, NodeRef, Session,
    rows::{Rows, Side},
    states::{NodeState, States},
};

/// The sinks of a run, measured.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ends {
    /// Every sink below something that was kept or patched.
    pub(crate) measured: Vec<EndToEnd>,
    /// Experts kept or patched by certificates above a sink that lost too much.
    pub(crate) to_train: BTreeSet<usize>,
}

impl Session {
    /// Measures the sinks of `wanted` that lie below certificates made in this run.
    pub(crate) fn ends(
        &self,
        wanted: &BTreeSet<usize>,
        states: &States,
    ) -> Result<Ends, EngineError> {
        let mut ends = Ends::default();
        let fresh = |index: &usize| {
            let Some(state) = states.get(index) else { return false };
            let before = self.lock.node.get(&self.node(*index).node_name());
            state.certificate.is_some()
                && before.and_then(|node| node.certificate.as_ref()) != state.certificate.as_ref()
        };
        for &index in wanted {
            let below = self.dag.downstream(index);
            if below.iter().any(|consumer| wanted.contains(consumer)) {
                continue;
            }
            let above = self.dag.with_ancestors(&[index]);
            if !above.iter().any(fresh) {
                continue;
            }
            let Some(state) = states.get(&index) else { continue };
            let Some(end) = self.node(index).end(state)? else { continue };
            let excused = above
                .iter()
                .filter_map(|a| states.get(a)?.certificate.as_ref())
                .any(|certificate| certificate.upstream_worse);
            if !end.within && !excused {
                ends.to_train.extend(
                    above
                        .into_iter()
                        .filter(|a| states.get(a).is_some_and(|state| state.certificate.is_some())),
                );
            }
            ends.measured.push(end);
        }
        Ok(ends)
    }

    /// The least tolerance and the greatest confidence that any expert asks for.
    fn strictest(&self) -> collegium_manifest::Reuse {
        self.pipeline
            .experts
            .values()
            .filter_map(|expert| expert.reuse)
            .reduce(|a, b| collegium_manifest::Reuse {
                tolerance: a.tolerance.min(b.tolerance),
                confidence: a.confidence.max(b.confidence),
            })
            .unwrap_or_default()
    }
}

impl NodeRef<'_> {
    /// One sink, now against before; `None` where the two have no rows in common.
    fn end(self, state: &NodeState) -> Result<Option<EndToEnd>, EngineError> {
        let output = match self.resolved().task {
            Task::Classification => Output::Logit,
            Task::Regression => Output::Value,
        };
        // A kept or patched sink is compared with the outputs of its anchor, through its
        // certificate; any other with what it handed over before the run.
        if let Some(certificate) = &state.certificate {
            return Ok(Some(EndToEnd {
                node: self.node_name(),
                metric: metric(self.resolved().task).to_owned(),
                before: certificate.loss,
                after: certificate.loss + certificate.increase,
                bound: certificate.bound,
                budget: certificate.budget,
                within: certificate.certified
                    || certificate.increase <= certificate.budget.max(0.0),
            }));
        }
        let Some(node) = self.locked() else { return Ok(None) };
        let now = state.views.get(&View::Deployed).and_then(|a| a.outputs.get(output.name()));
        let (Some(before), Some(now)) = (node.hands.get(output.name()), now) else {
            return Ok(None);
        };
        let (Some(before), Some(now)) = (self.session.matrix(before)?, self.session.matrix(now)?)
        else {
            self.session.tell(format!(
                "{}: not measured end to end: what it handed over before this run is lost",
                self.node_name()
            ));
            return Ok(None);
        };
        let train = self.session.rows(Rows::Train { expert: self.index })?;
        let valid = self.session.rows(Rows::Side { expert: self.index, side: Side::Valid })?;
        if before.rows != now.rows || before.width != now.width || valid.len() < 2 {
            return Ok(None);
        }
        let labelled = match self.resolved().task {
            Task::Classification => self.class_labels(&train, &valid)?,
            Task::Regression => self.value_labels(&train, &valid)?,
        };
        let Ok((y, y_valid, head)) = labelled else { return Ok(None) };
        let expert = self.declared();
        let classes = &self.resolved().classes;
        let weights = crate::fit::class_weights(expert, classes, &y);
        let (offset, unit) = match head {
            collegium_learn::Head::Regression { mean, deviation } => (mean, deviation),
            _ => (0.0, 1.0),
        };
        let failed = |error| EngineError::Internal(format!("{}: {error}", self.name()));
        let target = y_valid.target(classes.len());
        let losses = |matrix: &Matrix| -> Result<Vec<f64>, EngineError> {
            let mut raw = matrix.select(&valid);
            raw.data.iter_mut().for_each(|z| *z = ((f64::from(*z) - offset) / unit) as f32);
            let mut losses = row_losses(&raw, &target, weights.as_deref()).map_err(failed)?;
            losses.iter_mut().for_each(|loss| *loss *= unit * unit);
            Ok(losses)
        };
        let (before, after) = (losses(&before)?, losses(&now)?);
        let constant = constant_losses(&y.target(classes.len()), &target, weights.as_deref())
            .map_err(failed)?;
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let asked = self.session.strictest();
        let groups = self.groups_by(&valid, || Ok(vec![before.clone()]))?;
        let unit_of = unit_of(groups.as_ref(), asked.confidence);
        let change = effect(&before, &after, unit_of, asked.confidence);
        let (loss, constant) = (mean(&before), mean(&constant) * unit * unit);
        let budget = budget(asked.tolerance, loss, constant);
        Ok(Some(EndToEnd {
            node: self.node_name(),
            metric: metric(self.resolved().task).to_owned(),
            before: loss,
            after: change.loss,
            bound: change.bound,
            budget,
            // Fewer rows than a bound can stand on: the mean increase itself decides.
            within: certified(&change, budget) || change.increase <= budget.max(0.0),
        }))
    }
}

fn metric(task: Task) -> &'static str {
    match task {
        Task::Classification => "log_loss",
        Task::Regression => "squared_error",
    }
}
