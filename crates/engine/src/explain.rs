//! `why`: the reason why a node was, or would be, fitted: a comparison of two recipes.

use std::sync::Arc;

use collegium_digest::Digest;
use collegium_plan::{fit_recipe, from_above, reuse};
use collegium_records::{Change, FORMAT_VERSION, FitName, Judgement, NodeRun, Reason, WhyReport};

use crate::{
    EngineError, NodeRef, Session,
    reuse::{Anchor, How, Judged, Ready},
    states::States,
};

/// Compares the recipe of a node's last full fit with the present one; of a node that is up to date,
/// the fit that it stands on with the one before.
///
/// # Errors
/// [`EngineError::Usage`] for an unknown node, [`EngineError::Store`].
pub fn why(session: &Session, node: &str) -> Result<WhyReport, EngineError> {
    let index = session.index(node)?;
    let wanted = session.dag.with_ancestors(&[index]);
    let mut states = States::new();
    for &above in session.dag.order() {
        if above == index || !wanted.contains(&above) {
            continue;
        }
        if let Some(ready) = session.node(above).ready(&wanted, &states, How::default())?
            && ready.open.is_empty()
        {
            let state = session.node(above).state(ready, &wanted, &states)?;
            states.insert(above, Arc::new(state));
        }
    }
    let how = How { advise: true, ..How::default() };
    let ready = session.node(index).ready(&wanted, &states, how)?;
    let mut report = WhyReport {
        format_version: FORMAT_VERSION,
        node: session.node(index).node_name(),
        summary: String::new(),
        changes: Vec::new(),
        output_change: None,
        no_drift: None,
        judgement: None,
        advice: None,
    };
    match ready {
        None => session.node(index).waiting(&states, &mut report)?,
        Some(ready) => session.node(index).explained(&ready, &states, &mut report)?,
    }
    session.store.flush()?;
    Ok(report)
}

impl NodeRef<'_> {
    /// An upstream is not up to date.
    fn waiting(self, states: &States, report: &mut WhyReport) -> Result<(), EngineError> {
        let waiting: Vec<String> = self
            .session
            .dag
            .upstream(self.index)
            .into_iter()
            .filter(|from| !states.contains_key(from))
            .map(|from| self.session.node(from).node_name())
            .collect();
        let waiting = waiting.join(", ");
        let Some(before) = self.compared_recipe()? else {
            report.summary = "never fitted".to_owned();
            return Ok(());
        };
        let own = fit_recipe(self.declared(), &self.own_inputs()?);
        let mut changes = before.changes(&own);
        changes.retain(|c| c.after.is_some() || !c.ingredient.starts_with("inputs."));
        changes.retain(|c| !from_above(&c.ingredient));
        report.summary = match changes.is_empty() {
            true => format!(
                "nothing of its own changed; whether it is fitted depends on what {waiting} will \
                 hand over"
            ),
            false => format!("will be fitted; {waiting} will be brought up to date first"),
        };
        report.changes = changes;
        Ok(())
    }

    fn explained(
        self,
        ready: &Ready,
        states: &States,
        report: &mut WhyReport,
    ) -> Result<(), EngineError> {
        if ready.held.is_some() {
            report.summary = "its model is held: nothing that changes has it trained".to_owned();
            return Ok(());
        }
        let Some(now) = &ready.now else { return Ok(()) };
        if let (Some(lost), None) = (&ready.lost, self.compared_recipe()?) {
            report.summary = lost.to_string();
            return Ok(());
        }
        let Some(before) = self.compared_recipe()? else {
            let mut summary = [Reason::NeverFitted];
            self.without_recipe(&mut summary);
            report.summary = Reason::list(&summary);
            return Ok(());
        };
        report.changes = before.changes(now);
        report.judgement.clone_from(&ready.judgement);
        let mut anchor = self.anchor()?;
        report.summary =
            match (&ready.certificate, report.changes.is_empty(), ready.open.is_empty()) {
                (Some(certificate), _, _) => reuse::certificate_words(certificate),
                (None, true, true) => self.last_reason(now, states, report, &mut anchor)?,
                (None, true, false) => {
                    format!(
                        "nothing changed, but not in the store: {}",
                        FitName::list(&ready.missing())
                    )
                }
                (None, false, true) => {
                    "it changed since the lock was written, and a fit of the new \
                                    recipe is at hand: `collegium run` will take it"
                        .to_owned()
                }
                (None, false, false) => {
                    format!("will be fitted: {}", self.what_changed()?)
                }
            };
        report.advice = report.advice.take().or(report.judgement.as_ref().map(reuse::advice));
        if let Some(lost) = &ready.lost {
            report.summary = format!("{}; {lost}", report.summary);
        }
        if let Some(anchor) = anchor {
            self.add_drift(&anchor, report, states)?;
        }
        Ok(())
    }

    /// When and why a node that is up to date was last fitted: the fit before it takes the place of
    /// the anchor, and the changes are those that led from one to the other.
    fn last_reason(
        self,
        now: &collegium_records::Recipe,
        states: &States,
        report: &mut WhyReport,
        anchor: &mut Option<Anchor>,
    ) -> Result<String, EngineError> {
        let name = self.node_name();
        let locked = self.session.lock.node.get(&name).map(|node| node.realisation);
        let Some((when, run)) =
            locked.map(|model| self.session.fitting_run(&name, model)).transpose()?.flatten()
        else {
            return Ok("up to date".to_owned());
        };
        if let Some(earlier) = self.session.earlier(&run)? {
            report.changes = earlier.recipe.changes(now);
            if let Judged::Known(judgement) = self.judge(&earlier, now, states)? {
                report.advice = Some(hindsight(&judgement, &run));
                report.judgement = Some(*judgement);
            }
            *anchor = Some(earlier);
        }
        Ok(format!(
            "up to date; the present model was fitted in the run of {when} ({}): {}",
            FitName::list(&run.fitted),
            Reason::list(&run.reasons)
        ))
    }

    /// `: training rows: +100, 3 changed`, when they changed since the locked fit; else `: its recipe
    /// changed`.
    fn what_changed(self) -> Result<String, EngineError> {
        let change = match self.locked_fit()? {
            Some(fit) => self.row_change(&fit)?,
            None => None,
        };
        Ok(change
            .and_then(|change| change.words())
            .unwrap_or_else(|| "its recipe changed".to_owned()))
    }

    fn add_drift(
        self,
        anchor: &Anchor,
        report: &mut WhyReport,
        states: &States,
    ) -> Result<(), EngineError> {
        let inputs: Vec<String> =
            report.changes.iter().filter_map(input).map(str::to_owned).collect();
        if inputs.is_empty() {
            return Ok(());
        }
        report.no_drift = self.not_row_by_row(&anchor.fit)?;
        if report.no_drift.is_some() {
            return Ok(());
        }
        let moved = self.moved_by(anchor, &inputs, states)?;
        for change in &mut report.changes {
            if let Some((drift, weighted)) = input(change).and_then(|name| moved.inputs.get(name)) {
                (change.drift, change.weighted_drift) = (*drift, *weighted);
            }
        }
        report.output_change = moved.output;
        Ok(())
    }
}

impl Session {
    /// The last run that fitted this model of a node, and when it ended.
    fn fitting_run(
        &self,
        name: &str,
        model: Digest,
    ) -> Result<Option<(String, NodeRun)>, EngineError> {
        for (when, past) in self.store.runs()?.into_iter().rev() {
            let fitted = past.nodes.into_iter().find(|run| {
                run.name == name
                    && run.realisation == Some(model)
                    && run.fitted.contains(&FitName::Full)
            });
            if let Some(run) = fitted {
                return Ok(Some((when, run)));
            }
        }
        Ok(None)
    }

    /// The run that fitted this model of a node.
    pub fn last_fit(&self, name: &str, model: Digest) -> Result<Option<NodeRun>, EngineError> {
        Ok(self.fitting_run(name, model)?.map(|(_, run)| run))
    }

    /// The model that a node used before a run, as an anchor.
    pub fn earlier(&self, run: &NodeRun) -> Result<Option<Anchor>, EngineError> {
        let Some(before) = run.before else { return Ok(None) };
        let seen = self.fit_of(&before)?.and_then(|fit| fit.seen);
        match seen {
            Some(seen) => self.anchor_at(before, Default::default(), seen.upstream),
            None => Ok(None),
        }
    }
}

fn input(change: &Change) -> Option<&str> {
    change.ingredient.strip_prefix("inputs.")
}

/// What was expected of a retraining, and what it gave.
pub fn hindsight(judgement: &Judgement, run: &NodeRun) -> String {
    let metric = match judgement.metric.as_str() {
        "log_loss" => run.metrics.get("valid").and_then(|m| m.get("log_loss")).copied(),
        _ => run.metrics.get("valid").and_then(|m| m.get("rmse")).map(|rmse| rmse * rmse),
    };
    let deployed = judgement.effects.get(&collegium_records::Candidate::Deployed);
    match (metric, deployed) {
        (Some(now), Some(before)) if judgement.loss > 0.0 => format!(
            "expected was: {}; in fact retraining gained {:.1} % on validation rows",
            reuse::advice(judgement),
            100.0 * (before.loss - now) / judgement.loss
        ),
        _ => reuse::advice(judgement),
    }
}
