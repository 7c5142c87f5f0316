//! Reasons why a fit has no usable training rows: which rows there are, and the ways out.

use collegium_manifest::Upstream;
use collegium_plan::{Part, View};

use super::words;
use crate::{
    EngineError, NodeRef,
    rows::{Rows, SIDES, side_name},
};

impl NodeRef<'_> {
    /// A fit without training rows.
    pub(crate) fn no_rows(self, part: Part) -> Result<String, EngineError> {
        let all = self.session.rows(Rows::Train { expert: self.index })?.len() as u64;
        if let Part::Fold { view, .. } = part
            && all > 0
        {
            let folds = match view {
                View::OutOfFold { folds } | View::HeldOut { folds, .. } => folds,
                View::Deployed => 1,
            };
            return Ok(format!(
                "no training row lies outside this fold: {} among {folds} folds{}. Let its consumer \
                 read it with `upstream = \"in-sample\"`, or add rows",
                words::rows(all),
                match self.session.pipeline.data[&self.declared().data].split.by.is_empty() {
                    true => "",
                    false => ", and all of one group of `split.by`, which folds keep whole",
                }
            ));
        }
        let account = self.account()?;
        let left = account.rows - account.filtered - account.without_target;
        Ok(format!(
            "it has no training rows: of {} `where` leaves out {}, {} have no target, and of the {left} \
             left the split puts none on the training side; look at its `where`, at missing values of \
             its target and at the split",
            words::rows(account.rows),
            account.filtered,
            account.without_target,
        ))
    }

    /// A classifier whose training rows are all of one class.
    pub(crate) fn one_class(self, rows: usize, only: Option<u32>) -> Result<String, EngineError> {
        let account = self.account()?;
        let only = only.and_then(|class| account.classes.get(class as usize));
        let only = only.map_or("", |class| class.class.as_str());
        let held = self.declared().upstream == Upstream::HeldOut
            && !self.session.dag.upstream(self.index).is_empty();
        let rare = account.classes.iter().filter(|class| class.class != only).map(|class| {
            let on = SIDES
                .map(side_name)
                .map(|side| format!("{} {}", class.on(side), words::side_adjective(side)));
            format!("`{}` has {} rows", class.class, on.join(", "))
        });
        let rare: Vec<String> = rare.take(3).collect();
        Ok(format!(
            "all {rows} training rows{} have the class `{only}`; a classifier needs two: {}. Look at its \
             `where` and at the split: another `split.seed`, `stratify`, or more rows",
            if held { " that `upstream = \"held-out\"` leaves it" } else { "" },
            rare.join("; "),
        ))
    }
}
