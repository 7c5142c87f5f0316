//! Out-of-fold metrics: what the fold models lose on training rows that they have not seen, between what the expert loses
//! on its training rows and on test rows.
//!
//! A model loses less on the rows that it was trained on than on others of the same kind (it overfits), and less on
//! rows of the same kind than on rows of another (a shift). Training and test loss alone cannot tell the two apart.
//! Out-of-fold losses can: they are of rows that are of the training rows' kind and that the model has not seen.

use collegium_digest::{Digest, Hasher};
use collegium_engine::{
    EngineError,
    intervals::{RESAMPLES, with_intervals},
    rows::{Rows, Side},
};
use collegium_plan::View;
use collegium_records::{NodeAudit, Recipe, SplitMeasures};
use serde::{Deserialize, Serialize};

use crate::{findings, looked::Looked, view::AuditView};

/// Columns that moved and are kept, at most.
const MOVED: usize = 10;

/// `None` where too few training rows have an out-of-fold output.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct OutOfFold(Option<SplitMeasures>);

impl AuditView for OutOfFold {
    const NAME: &'static str = "out_of_fold";
    const VERSION: u32 = 2;

    fn applies(looked: &Looked) -> Result<bool, EngineError> {
        Ok(looked.fold_outputs().is_some())
    }

    /// Which folds there are depends on who reads the expert.
    fn rests_on(looked: &Looked, recipe: Recipe) -> Result<Recipe, EngineError> {
        Ok(match looked.fold_outputs() {
            Some(object) => recipe.with("out_of_fold", object),
            None => recipe,
        })
    }

    fn measure(looked: &Looked) -> Result<Self, EngineError> {
        looked.out_of_fold().map(Self)
    }

    fn place(self, audit: &mut NodeAudit) {
        audit.out_of_fold = self.0;
    }
}

/// The columns that moved, where out-of-fold losses say that something did. It follows from other figures, among them
/// intervals over seeds, so it is made anew each time.
pub(crate) fn add_shift(looked: &Looked, audit: &mut NodeAudit) -> Result<(), EngineError> {
    let Some(side) = findings::shifted(audit) else { return Ok(()) };
    let side = if side == "test" { Side::Test } else { Side::Valid };
    let key = Hasher::new("shift").digest(&looked.key).finish();
    let mut moved = looked.auditor.node.shift_of(side, &key)?;
    moved.retain(|column| column.moved);
    moved.sort_by(|a, b| b.psi.total_cmp(&a.psi));
    moved.truncate(MOVED);
    audit.shift = Some(moved);
    Ok(())
}

impl Looked<'_> {
    /// What the fold models hand over, if there are any.
    fn fold_outputs(&self) -> Option<Digest> {
        let output = self.auditor.node.resolved().measured_output();
        let views = self.whole?.views.iter();
        let mut of_folds = views.filter(|(view, _)| matches!(view, View::OutOfFold { .. }));
        of_folds.find_map(|(_, applied)| applied.outputs.get(output.name())).copied()
    }

    fn out_of_fold(&self) -> Result<Option<SplitMeasures>, EngineError> {
        let (node, session) = (self.auditor.node, self.auditor.session());
        let Some(object) = self.fold_outputs() else { return Ok(None) };
        let Some(matrix) = session.matrix(&object)? else { return Ok(None) };
        // Folds forward in time have no output on the first block.
        let known = |row: &u32| matrix.row(*row as usize).iter().all(|value| value.is_finite());
        let all = session.rows(Rows::Train { expert: node.index })?;
        let rows: Vec<u32> = all.iter().copied().filter(known).collect();
        if rows.len() < 2 {
            return Ok(None);
        }
        let mut data = Vec::with_capacity(rows.len() * matrix.width);
        rows.iter().for_each(|&row| data.extend_from_slice(matrix.row(row as usize)));
        let predicted = self.auditor.with_truth(data, matrix.width, &rows)?;
        let groups = self.auditor.groups_of(&rows)?;
        let key = Hasher::new("out of fold").digest(&self.key).finish();
        let how = node.session.resampling(RESAMPLES, &key).by(groups.as_ref());
        let blocks = node.blocks_of(self.state, Side::Train)?;
        Ok(Some(SplitMeasures { blocks, ..with_intervals(&predicted, how) }))
    }
}
