//! Which rows belong together: what is drawn again for the intervals of figures on them.

use collegium_digest::Hasher;
use collegium_probe::Groups;
use collegium_records::Recipe;

use crate::{
    EngineError, Session,
    error::data_error,
    rows::{Rows, SIDES, side_name},
};

impl Session {
    /// The groups (`split.by`) of some rows of an expert's data source, by number; `None` where the split
    /// names none, or each of these rows is a group of its own.
    pub(crate) fn groups_of(
        &self,
        index: usize,
        rows: &[u32],
    ) -> Result<Option<Groups>, EngineError> {
        let known = self
            .prepared(index)
            .groups()
            .map_err(|error| data_error(error, &self.pipeline.source))?;
        Ok(known.and_then(|groups| Groups::of(rows.iter().map(|&row| groups[row as usize]))))
    }

    /// Makes the groups of held-out rows an ingredient of what has intervals over them. Where rows stand
    /// for themselves there is none, and recipes are as if nobody had heard of groups.
    pub(crate) fn add_groups(&self, index: usize, recipe: &mut Recipe) -> Result<(), EngineError> {
        for side in SIDES {
            let rows = self.rows(Rows::HeldOut { expert: index, side })?;
            if let Some(groups) = self.groups_of(index, &rows)? {
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
