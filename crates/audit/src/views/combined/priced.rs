//! Fits that the controls of a gate or a mixture ask for, found before any is made.

use collegium_engine::{EngineError, NodeRef, states::NodeState, varied::OpenFit};

use super::planned::Varied;
use crate::Auditor;

impl Auditor<'_> {
    /// Tells of every fit that comparing this node with its controls would execute: the node it is of, the shift of the
    /// seed, the fit, and whether it is a control (else a node of the pipeline from another seed). Nothing is told of a
    /// node without controls.
    ///
    /// The node itself may not be up to date (no `state`): the sizes of its controls are estimated then.
    pub(crate) fn open_controls(
        self,
        state: Option<&NodeState>,
        tell: &mut dyn FnMut(NodeRef<'_>, u32, &OpenFit, bool) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        let expert = self.node.declared();
        if expert.gate().is_none() && expert.mixture().is_none() {
            return Ok(());
        }
        let (parameters, multiply_adds) = match state {
            Some(state) => {
                let model = self.session().model(state.full())?;
                let Some(routes) = model.routes() else { return Ok(()) };
                self.size(&self.routes(&model, routes)?)?
            }
            None => self.expected_size(),
        };
        let planned = self.planned(parameters, multiply_adds)?;
        let own = self.session().pipeline.experts.len();
        for shift in 0..=self.session().pipeline.audit.seeds {
            let Varied { session, chosen, .. } = self.with_controls(&planned, shift)?;
            for open in session.open_fits(&chosen, shift > 0)? {
                let is_control = open.index >= own;
                // The pipeline's own seeds are fitted by a run.
                let by_run = !is_control && shift == 0;
                // What learns nothing reads nothing of its experts: it has one fit of all seeds.
                let gate = session.node(open.index).declared().gate();
                let same = shift > 0 && gate.is_some_and(|gate| !gate.rule.learns());
                if !by_run && !same {
                    tell(session.node(open.index), shift, &open, is_control)?;
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
