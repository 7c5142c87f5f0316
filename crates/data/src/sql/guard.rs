//! What a user's SQL may do, asked by SQLite itself while it compiles the statement.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::{
    Connection,
    hooks::{AuthAction, AuthContext, Authorization},
};

/// What a statement turned out to touch.
#[derive(Debug, Default, Clone)]
pub(crate) struct Touched {
    /// Table and column, as declared.
    pub(crate) columns: BTreeSet<(String, String)>,
    /// Why the statement was refused, in words.
    pub(crate) refused: Option<String>,
}

/// Puts the guard up. From here on the connection compiles nothing but SELECTs over `tables`.
pub(super) fn raise(db: &Connection, tables: BTreeSet<String>) -> rusqlite::Result<Record> {
    let record = Record::default();
    let shared = record.0.clone();
    db.authorizer(Some(move |context: AuthContext<'_>| {
        let mut touched = shared.lock().unwrap_or_else(PoisonError::into_inner);
        match judge(&context.action, &tables) {
            Ok(read) => {
                touched.columns.extend(read);
                Authorization::Allow
            }
            Err(why) => {
                touched.refused.get_or_insert(why);
                Authorization::Deny
            }
        }
    }))?;
    Ok(record)
}

/// Takes the guard down again.
pub(super) fn lower(db: &Connection) -> rusqlite::Result<()> {
    db.authorizer(None::<fn(AuthContext<'_>) -> Authorization>)
}

/// The guard's notebook.
#[derive(Default)]
pub(super) struct Record(Arc<Mutex<Touched>>);

impl Record {
    pub(super) fn take(&self) -> Touched {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Functions whose result is not made from their arguments alone, or that reach outside.
const REFUSED: [&str; 10] = [
    "random",
    "randomblob",
    "current_date",
    "current_time",
    "current_timestamp",
    "changes",
    "total_changes",
    "last_insert_rowid",
    "load_extension",
    "fts3_tokenizer",
];

fn judge(
    action: &AuthAction<'_>,
    tables: &BTreeSet<String>,
) -> Result<Option<(String, String)>, String> {
    match action {
        AuthAction::Select | AuthAction::Recursive => Ok(None),
        AuthAction::Read { table_name, column_name } => {
            let known = tables.contains(*table_name);
            if known || matches!(*table_name, "json_each" | "json_tree") {
                Ok(known.then(|| ((*table_name).to_owned(), (*column_name).to_owned())))
            } else {
                Err(format!("`{table_name}` is not a table of this data source"))
            }
        }
        AuthAction::Function { function_name } => {
            let name = function_name.to_ascii_lowercase();
            if REFUSED.contains(&name.as_str()) || name.starts_with("sqlite_") {
                Err(format!(
                    "`{name}` does not give the same result every time, and tables are cached by the \
                     content of their files"
                ))
            } else {
                Ok(None)
            }
        }
        AuthAction::Attach { .. } | AuthAction::Detach { .. } => {
            Err("a query cannot open other databases; name files in `tables`".to_owned())
        }
        AuthAction::Pragma { pragma_name, .. } => {
            Err(format!("a query cannot use PRAGMA {pragma_name}"))
        }
        _ => Err("a query can only read: it is a SELECT".to_owned()),
    }
}
