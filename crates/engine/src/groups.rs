//! Groups of rows for the cluster bootstrap: rows that agree on `split.by` are drawn together.

use collegium_digest::Hasher;
use collegium_probe::Groups;
use collegium_records::Recipe;

use crate::{
    EngineError, NodeRef,
    error::data_error,
    rows::{Rows, SIDES, side_name},
};

impl NodeRef<'_> {
    /// The groups (`split.by`) of some rows of an expert's data source, by number; `None` where the split
    /// names none, or each of these rows is a group of its own.
    pub fn groups_of(self, rows: &[u32]) -> Result<Option<Groups>, EngineError> {
        let known = self
            .prepared()
            .groups()
            .map_err(|error| data_error(error, &self.session.pipeline.source))?;
        Ok(known.and_then(|groups| Groups::of(rows.iter().map(|&row| groups[row as usize]))))
    }

    /// Makes the groups of held-out rows an ingredient of what has intervals over them. Where rows stand
    /// for themselves there is none, and recipes are as if nobody had heard of groups.
    pub(crate) fn add_groups(self, recipe: &mut Recipe) -> Result<(), EngineError> {
        for side in SIDES {
            let rows = self.session.rows(Rows::HeldOut { expert: self.index, side })?;
            if let Some(groups) = self.groups_of(&rows)? {
                let mut hasher = Hasher::new("groups");
                for code in groups.codes() {
                    hasher.count(u64::from(*code));
                }
                recipe.set(format!("groups.{}", side_name(side)), hasher.finish());
            }
        }
        Ok(())
    }
}
