//! What is to do for rotations: the fits of each node in each of them, and what they cost.

use collegium_records::{Action, NodePlan, PlanReport, RotatedNodePlan, RotatedPlan};

use super::Rotations;
use crate::{
    EngineError, Session,
    planning::{PlanOptions, planned},
};

/// Plans bringing the named experts (all, for no names) and their ancestors up to date.
///
/// An expert whose upstreams are done and moved is judged, whether or not it has `reuse`: a plan
/// says whether retraining it would help. That takes about a tenth of the time of training it, and is
/// remembered for the run.
///
/// # Errors
/// [`EngineError::Usage`] for unknown names, [`EngineError::Store`].
pub fn plan(session: &Session, options: &PlanOptions) -> Result<PlanReport, EngineError> {
    let rotations = Rotations::open(session)?;
    let mut plan = planned(session, options, true, session)?;
    if let Some(rotations) = rotations {
        let rotated = rotations.plan(session, options)?;
        plan.seconds += rotated.seconds;
        plan.rotated = Some(rotated);
        session.store.flush()?;
    }
    Ok(plan)
}

impl Rotations {
    /// Plans bringing the same experts up to date in every rotation. Fits are priced by those of the declared split,
    /// which are recorded first and have about as many rows.
    pub(crate) fn plan(
        &self,
        declared: &Session,
        options: &PlanOptions,
    ) -> Result<RotatedPlan, EngineError> {
        let asked = PlanOptions { nodes: options.nodes.clone(), ..PlanOptions::default() };
        let mut nodes: Vec<RotatedNodePlan> = Vec::new();
        for (number, session) in (1..).zip(&self.sessions) {
            for node in planned(session, &asked, false, declared)?.nodes {
                add(&mut nodes, number, node);
            }
        }
        let order = |node: &RotatedNodePlan| {
            let index = declared.index(&node.name).ok();
            declared.dag.order().iter().position(|at| Some(*at) == index)
        };
        nodes.sort_by_key(order);
        let seconds = nodes.iter().filter_map(|node| node.seconds).sum();
        Ok(RotatedPlan { rotations: self.count(), nodes, seconds })
    }
}

/// Adds what is to do for a node in one rotation.
fn add(nodes: &mut Vec<RotatedNodePlan>, number: u32, plan: NodePlan) {
    if plan.fits.is_empty() {
        return;
    }
    let may_train = plan.action == Action::MayTrain;
    match nodes.iter_mut().find(|node| node.name == plan.name) {
        Some(node) => {
            node.fits.insert(number, plan.fits);
            node.may_train |= may_train;
            node.seconds =
                node.seconds.zip(plan.seconds).map(|(sum, one)| [sum, one].into_iter().sum());
        }
        None => nodes.push(RotatedNodePlan {
            name: plan.name,
            fits: [(number, plan.fits)].into(),
            may_train,
            seconds: plan.seconds,
        }),
    }
}
