//! Declared slices: an expert on the parts of its test rows that `audit.slices` names, each against the rest.

use collegium_engine::{
    EngineError, FEWEST_UNSEEN,
    intervals::RESAMPLES,
    rows::{Rows, Side},
    slicing::on_slices,
};
use collegium_records::{DeclaredSlices, NodeAudit, Recipe};
use serde::{Deserialize, Serialize};

use crate::{looked::Looked, view::AuditView};

/// Metrics by declared slice; `None` where test figures are withheld.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Parts(Option<DeclaredSlices>);

impl AuditView for Parts {
    const NAME: &'static str = "slices";
    const VERSION: u32 = 1;

    fn applies(looked: &Looked) -> Result<bool, EngineError> {
        let node = looked.auditor.node;
        Ok(node.session.slices_of(&node.declared().data).next().is_some())
    }

    fn rests_on(looked: &Looked, recipe: Recipe) -> Result<Recipe, EngineError> {
        let node = looked.auditor.node;
        Ok(recipe.with("slices", node.session.slices_digest(&node.declared().data)?))
    }

    fn measure(looked: &Looked) -> Result<Self, EngineError> {
        let node = looked.auditor.node;
        let few = node.seen_rows(Side::Test)?.is_some_and(|seen| seen.unseen < FEWEST_UNSEEN);
        let rows = node.session.rows(Rows::HeldOut { expert: node.index, side: Side::Test })?;
        if few || rows.is_empty() || node.beyond_it(Side::Test)?.is_some() {
            return Ok(Self(None));
        }
        let (slicings, table) = (node.slicings()?, node.table()?);
        let mut parts = Vec::with_capacity(slicings.len());
        for slicing in &slicings {
            let of = slicing.divide(node.session, &table)?;
            parts.push(rows.iter().map(|&row| of[row as usize]).collect());
        }
        let groups = looked.groups()?;
        let how = node.session.resampling(RESAMPLES, &looked.key).by(groups.as_ref());
        Ok(Self(Some(on_slices(&slicings, &parts, looked.held_out()?, how))))
    }

    fn place(self, audit: &mut NodeAudit) {
        audit.performance.declared_slices = self.0;
    }
}
