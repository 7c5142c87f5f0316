//! Fits that the controls of a gate or a mixture ask for, found before any is made.

use collegium_engine::{EngineError, NodeRef, states::NodeState, varied::OpenFit};

use super::planned::Varied;
use crate::Auditor;

/// A fit that comparing a node with its controls would execute.
pub(crate) struct OpenControl<'s> {
    /// Of which node; it is one of a variation of the pipeline.
    pub(crate) node: NodeRef<'s>,
    /// How far its seed is moved on.
    pub(crate) shift: u32,
    pub(crate) fit: OpenFit,
    /// Is it a control, or a node of the pipeline from another seed?
    pub(crate) is_control: bool,
}

impl Auditor<'_> {
    /// Tells of every fit that comparing this node with its controls would execute; of nothing for a node without
    /// controls.
    ///
    /// The node itself may not be up to date (no `state`): the sizes of its controls are estimated then.
    pub(crate) fn open_controls(
        self,
        state: Option<&NodeState>,
        tell: &mut dyn FnMut(OpenControl) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        let expert = self.node.declared();
        if expert.gate().is_none() && expert.mixture().is_none() {
            return Ok(());
        }
        let (parameters, multiply_adds) = match state {
            Some(state) => {
                let model = self.session().model(state.full())?;
                let Some(routes) = model.routes() else { return Ok(()) };
                // Of a mixture the size does not depend on its rows.
                let weights = match expert.gate() {
                    Some(_) => self.weights(&model, routes)?,
                    None => None,
                };
                self.size(weights.as_ref())?
            }
            None => self.expected_size(),
        };
        let planned = self.planned(parameters, multiply_adds)?;
        let own = self.session().pipeline.experts.len();
        for shift in 0..=self.session().pipeline.audit.seeds {
            let Varied { session, chosen, .. } = self.with_controls(&planned, shift)?;
            for fit in session.open_fits(&chosen, shift > 0)? {
                let (node, is_control) = (session.node(fit.index), fit.index >= own);
                // The pipeline's own seeds are fitted by a run.
                let by_run = !is_control && shift == 0;
                // What learns nothing reads nothing of its experts: it has one fit of all seeds.
                let gate = node.declared().gate();
                let same = shift > 0 && gate.is_some_and(|gate| !gate.rule.learns());
                if !by_run && !same {
                    tell(OpenControl { node, shift, fit, is_control })?;
                }
            }
        }
        Ok(())
    }

    /// About how many numbers are trained in a node and all above it, and the multiply-adds of a row.
    fn expected_size(self) -> (u64, f64) {
        let all = self.session().dag.with_ancestors(&[self.node.index]).into_iter();
        let cost = |at: usize| self.session().node(at).expected_cost();
        // A dense network has about as many parameters as a row takes products.
        let products: u64 =
            all.map(|at| cost(at).apply.multiply_adds.max(cost(at).multiply_adds)).sum();
        (products, products as f64)
    }
}
