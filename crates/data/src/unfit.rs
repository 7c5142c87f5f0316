//! Unusable columns of files: they are an error only when something reads them.
//!
//! A list, a number that a float would change, a column without a name: none of it stops a file from
//! being read, as long as nothing reads that column. Why it is unfit is kept with the facts of the
//! table, so that whoever names the column is told at once, with the place in the file.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{DataError, DataErrorKind};

/// A column that nothing may read as it is, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unfit {
    /// Its name; empty if it has none.
    pub name: String,
    /// Does the table have it nevertheless, as something else than it was or seems to be?
    pub held: bool,
    /// What it is, in few words: `a list`, `no name`.
    pub what: String,
    kind: DataErrorKind,
    message: String,
    help: Option<String>,
    /// The table whose file it is in, the file's place among its files, and the place there.
    table: String,
    file: Option<usize>,
    line: Option<u64>,
    field: Option<usize>,
}

impl Unfit {
    /// From the error that reading it would be. `files` are those of its table.
    pub(crate) fn new(name: &str, held: bool, error: &DataError, files: &[PathBuf]) -> Self {
        let fault = error.fault();
        let file = fault.file.as_ref().and_then(|path| files.iter().position(|one| one == path));
        Self {
            name: name.to_owned(),
            held,
            what: fault.message.clone(),
            kind: fault.kind,
            message: fault.message.clone(),
            help: fault.help.clone(),
            table: String::new(),
            file,
            line: fault.line,
            field: fault.field,
        }
    }

    /// Says in few words what it is.
    pub(crate) fn what(mut self, what: impl Into<String>) -> Self {
        self.what = what.into();
        self
    }

    /// Says which table it is a column of.
    pub(crate) fn of_table(mut self, table: &str) -> Self {
        table.clone_into(&mut self.table);
        self
    }

    /// The error for something that reads it. `files` are those of the data source, by table.
    pub(crate) fn error<'a>(
        &self,
        files: impl IntoIterator<Item = (&'a String, &'a Vec<PathBuf>)>,
    ) -> DataError {
        let mut error = DataError::new(self.kind, self.message.clone());
        if !self.name.is_empty() {
            error = error.column(&self.name, self.field.map(|field| field.saturating_sub(1)));
        }
        if let Some(line) = self.line {
            error = error.line(line);
        }
        let of_table = files.into_iter().find(|(table, _)| **table == self.table);
        if let Some(path) = of_table.and_then(|(_, paths)| paths.get(self.file?)) {
            error = error.file(path);
        }
        error.maybe_help(self.help.clone())
    }
}

/// Does this name stand in a piece of SQL? It may be an alias or a literal there; what SQL really reads is
/// SQLite's to say.
pub(crate) fn mentions(sql: &str, name: &str) -> bool {
    let (sql, name) = (sql.to_lowercase(), name.to_lowercase());
    let within = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    !name.is_empty()
        && sql.match_indices(&name).any(|(at, found)| {
            !within(sql[..at].chars().next_back())
                && !within(sql[at + found.len()..].chars().next())
        })
}

/// Where SQL failed for want of a column that was left out: why it was.
pub(crate) fn left_out<'a>(unfit: &'a [Unfit], error: &DataError) -> Option<&'a Unfit> {
    let asked = error.fault().message.strip_prefix("no such column: ")?;
    let asked = asked.split(" - ").next().unwrap_or(asked);
    let named = |name: &str| {
        let last = asked.rsplit('.').next().unwrap_or(asked);
        [asked, last]
            .iter()
            .any(|a| a.trim_matches(['"', '`', '[', ']']).eq_ignore_ascii_case(name))
    };
    unfit.iter().find(|unfit| !unfit.held && !unfit.name.is_empty() && named(&unfit.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_mentioned_as_a_whole_word() {
        assert!(mentions("max(x) > 1", "x"));
        assert!(mentions("t.\"X\" > 1", "x"));
        assert!(mentions("[a b] + 1", "a b"));
        assert!(!mentions("max(y)", "x"));
        assert!(!mentions("x_1 + ax", "x"));
        assert!(!mentions("é = 1", ""));
    }
}
