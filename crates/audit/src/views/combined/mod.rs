//! Audit of gates and mixtures (mixture of experts): routing, what it depends on, and whether it pays.

mod controls;
mod planned;
mod priced;
mod routes;
mod verdict;

use collegium_digest::Digest;
use collegium_learn::{Combination, GateWeights, Head, Model, Routes, kinds};
use collegium_plan::View;
use collegium_records::{Agop, CascadeFigures, Combined, NodeAudit, Recipe};

use collegium_engine::{EngineError, inputs::InputData, rows::Side};
use serde::{Deserialize, Serialize};

use crate::{Auditor, looked::Looked, subject::Subject, view::AuditView};
pub(crate) use priced::OpenControl;
use routes::Routed;

/// Routing diagnostics, controls and verdict of a gate or a mixture.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Pays(Combined);

impl AuditView for Pays {
    const NAME: &'static str = "combined";
    const VERSION: u32 = 3;

    fn applies(looked: &Looked) -> Result<bool, EngineError> {
        Ok(looked.model()?.routes().is_some())
    }

    fn rests_on(looked: &Looked, recipe: Recipe) -> Result<Recipe, EngineError> {
        let margins = &looked.auditor.session().pipeline.audit.margin;
        let margins: Vec<String> =
            margins.iter().map(|(metric, margin)| format!("{metric} {margin}")).collect();
        Ok(recipe.with("skilled", looked.is_skilled()?).with("margins", margins.join(", ")))
    }

    fn measure(looked: &Looked) -> Result<Self, EngineError> {
        let model = looked.model()?;
        let Some(routes) = model.routes() else {
            return Err(EngineError::Internal("routes of a model without any".to_owned()));
        };
        looked.auditor.combined(looked, model, routes).map(Self)
    }

    fn place(self, audit: &mut NodeAudit) {
        audit.combined = Some(self.0);
    }
}

impl Auditor<'_> {
    /// Everything about a gate or a mixture.
    fn combined(
        self,
        looked: &Looked,
        model: &Model,
        routes: Routes,
    ) -> Result<Combined, EngineError> {
        let (state, key) = (looked.state, &looked.key);
        let kind = self.node.declared().gate().map_or("mixture", |gate| gate.rule.name());
        let routed = self.routes(model, routes)?;
        let compared = self.controls(&routed, key)?;
        let gate = match looked.is_skilled()? {
            true => self.what_decides(model, key)?,
            false => None,
        };
        let routing = self.routing(&routed, &compared.without, key)?;
        let mut verdict = verdict::of(
            kind,
            &compared,
            &state.full().restarts,
            &self.session().pipeline.audit.margin,
        );
        let cascade = self.cascade_figures(routes.combination, &routed)?;
        verdict.extend(
            cascade
                .as_ref()
                .map(|figures| verdict::asked(&self.members(), figures, compared.multiply_adds)),
        );
        Ok(Combined {
            kind: kind.to_owned(),
            routing,
            gate,
            cascade,
            loss: compared.loss.to_owned(),
            parameters: compared.parameters,
            multiply_adds: compared.multiply_adds,
            restarts: state.full().restarts.clone(),
            metrics: compared.metrics,
            controls: compared.controls,
            verdict,
        })
    }

    /// How often a cascade asks each expert; `None` for others.
    fn cascade_figures(
        self,
        combination: &Combination,
        routed: &Routed,
    ) -> Result<Option<CascadeFigures>, EngineError> {
        let (GateWeights::Confidence { threshold, temperatures }, Some(weights), Some(gate)) =
            (&combination.weights, &routed.weights, self.node.declared().gate())
        else {
            return Ok(None);
        };
        let mut asked = vec![0.0; combination.len()];
        for row in weights.data.chunks_exact(combination.len()) {
            let last = row.iter().position(|weight| *weight != 0.0).unwrap_or_default();
            asked[..=last].iter_mut().for_each(|share| *share += 1.0 / weights.rows as f64);
        }
        Ok(Some(CascadeFigures {
            threshold: f64::from(*threshold),
            temperatures: temperatures.iter().map(|t| f64::from(*t)).collect(),
            asked,
            costs: self.session().costs(&gate.names(), self.states)?.unwrap_or_default(),
        }))
    }

    /// The routing network looked at as an expert that tells the experts apart.
    fn what_decides(self, model: &Model, key: &Digest) -> Result<Option<Agop>, EngineError> {
        let Some(Routes { network, combination }) = model.routes() else { return Ok(None) };
        let GateWeights::Softmax(_) = combination.weights else { return Ok(None) };
        let inputs = &self.node.resolved().inputs;
        let own: Vec<usize> =
            (0..inputs.len()).filter(|at| !self.node.declared().is_handed(&inputs[*at])).collect();
        let data = self.node.input_data(inputs, View::Deployed, self.states)?;
        let data: Vec<InputData> = data
            .into_iter()
            .enumerate()
            .filter(|(at, _)| own.contains(at))
            .map(|(_, data)| data)
            .collect();
        let names = self.members();
        let router = Model {
            encoder: model.encoder.only(&own),
            learned: kinds::mlp::model(network.clone()),
            head: if names.len() > 1 { Head::Classes } else { Head::Binary },
            classes: names,
        };
        let rows = self.probed_rows(Side::Test, key)?;
        let untrained = router.untrained(key);
        let groups = self.groups_of(&rows)?;
        let of = (rows, groups);
        let subject = match Subject::new(self.session(), self.node.index, router, data, of)? {
            Ok(subject) => subject.of_classes(),
            Err(_) => return Ok(None),
        };
        Ok(subject
            .sight(self.session(), untrained.as_ref(), [&[], &[]], key)?
            .ok()
            .map(|sight| sight.agop))
    }

    /// The names of a gate's experts, or the numbers of a mixture's.
    pub(super) fn members(self) -> Vec<String> {
        let expert = self.node.declared();
        match (expert.gate(), expert.mixture()) {
            (Some(gate), _) => gate.names().into_iter().map(str::to_owned).collect(),
            (None, Some(mixture)) => {
                let routed = (1..=mixture.experts).map(|n| format!("expert {n}"));
                let shared = (1..=mixture.shared).map(|n| format!("shared {n}"));
                routed.chain(shared).collect()
            }
            (None, None) => Vec::new(),
        }
    }
}
