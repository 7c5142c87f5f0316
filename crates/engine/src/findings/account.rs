//! Row accounting: how many rows of an expert's table are used or left out. Counted once per content of
//! the table, its split, the target and `where`, and remembered.

use std::sync::Arc;

use collegium_data::select;
use collegium_manifest::Task;
use collegium_records::{ClassRows, Recipe, RowAccount};

use crate::{
    EngineError, NodeRef,
    error::data_error,
    mutex::lock_mutex,
    rows::{NO_LABEL, Rows, SIDES, Side, side_name},
};

/// Raised when more is counted, or otherwise.
const FORM: u32 = 1;

impl NodeRef<'_> {
    /// What became of the rows of an expert's table, looked up or counted.
    pub fn account(self) -> Result<Arc<RowAccount>, EngineError> {
        // The same rows are counted once.
        let first = self.session.alike().rows(self.index);
        if let Some(known) = lock_mutex(&self.session.alike().accounts).get(&first) {
            return Ok(known.clone());
        }
        let side = Rows::Side { expert: self.index, side: Side::Train };
        let recipe = Recipe::new("account")
            .with("form", FORM)
            .with("rows", self.session.rows_key(side))
            .with("task", self.resolved().task.name());
        let key = recipe.digest();
        let account = self.session.remembered("account", &key, || self.count())?;
        let account = Arc::new(account);
        lock_mutex(&self.session.alike().accounts).insert(first, account.clone());
        Ok(account)
    }

    fn count(self) -> Result<RowAccount, EngineError> {
        let table = self.table()?;
        let spec = self.declared();
        let admitted = match &spec.filter {
            Some(filter) => {
                select(&table, &self.session.data[&spec.data].facts, &spec.data, filter)
                    .map_err(|error| data_error(error, &self.session.pipeline.source))?
            }
            None => vec![true; table.rows],
        };
        let filtered = admitted.iter().filter(|admitted| !**admitted).count();
        let without_target = match table.column(spec.target.get_ref()) {
            Some(target) => {
                let missing =
                    |&(row, &admitted): &(usize, &bool)| admitted && target.is_missing(row);
                admitted.iter().enumerate().filter(missing).count()
            }
            None => 0,
        };
        let mut account = RowAccount {
            rows: table.rows as u64,
            filtered: filtered as u64,
            without_target: without_target as u64,
            ..RowAccount::default()
        };
        let mut rows = Vec::new();
        for side in SIDES {
            let found = self.session.rows(Rows::Side { expert: self.index, side })?;
            account.sides.insert(side_name(side).to_owned(), found.len() as u64);
            rows.push((side, found));
        }
        match self.resolved().task {
            Task::Classification => {
                let labels = self.labels()?;
                let name =
                    |class: &String| ClassRows { class: class.clone(), ..ClassRows::default() };
                account.classes = self.resolved().classes.iter().map(name).collect();
                for (side, rows) in rows {
                    let known = rows.iter().map(|&row| labels[row as usize]);
                    for label in known.filter(|&label| label != NO_LABEL) {
                        let class = &mut account.classes[label as usize];
                        match side {
                            Side::Train => class.train += 1,
                            Side::Valid => class.valid += 1,
                            Side::Test => class.test += 1,
                            Side::None => {}
                        }
                    }
                }
            }
            Task::Regression => {
                let target = self.target_values()?;
                for (side, rows) in rows {
                    let mut values = rows.iter().map(|&row| target[row as usize]);
                    if let Some(first) = values.next()
                        && values.all(|value| value == first)
                    {
                        account.constant.insert(side_name(side).to_owned(), first);
                    }
                }
            }
        }
        Ok(account)
    }
}
