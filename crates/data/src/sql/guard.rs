//! SQL authorizer: what a user's SQL may do, checked by SQLite while it compiles the statement.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rusqlite::{
    Connection,
    hooks::{AuthAction, AuthContext, Authorization},
};

/// Tables and columns that a statement reads.
#[derive(Debug, Default, Clone)]
pub(crate) struct Touched {
    /// Table and column, as declared.
    pub(crate) columns: BTreeSet<(String, String)>,
    /// Columns of any table that `USING` compares: SQLite does not ask about them.
    pub(crate) using: Vec<String>,
    /// Every column that SQLite was told of, since `NATURAL` compares whatever has one name.
    pub(crate) every: bool,
    /// Why the statement was refused, in words.
    pub(crate) refused: Option<String>,
}

/// The guard of one connection. It lets our own statements pass while it is down.
#[derive(Debug, Default, Clone)]
pub(super) struct Guard(Arc<Mutex<Post>>);

#[derive(Debug, Default)]
struct Post {
    up: bool,
    tables: BTreeSet<String>,
    touched: Touched,
}

impl Guard {
    /// Takes its post at a connection.
    pub(super) fn stand(&self, db: &mut Connection) -> rusqlite::Result<()> {
        let guard = self.clone();
        db.authorizer(Some(move |context: AuthContext<'_>| {
            let mut post = guard.post();
            if !post.up {
                return Authorization::Allow;
            }
            match judge(&context.action, &post.tables) {
                Ok(read) => {
                    post.touched.columns.extend(read);
                    Authorization::Allow
                }
                Err(why) => {
                    post.touched.refused.get_or_insert(why);
                    Authorization::Deny
                }
            }
        }))
    }

    /// From here on nothing is compiled but SELECTs over the tables that it was told of.
    pub(super) fn raise(&self) {
        self.post().up = true;
    }

    /// Lets our own statements pass again; returns what was touched meanwhile.
    pub(super) fn lower(&self) -> Touched {
        let mut post = self.post();
        post.up = false;
        std::mem::take(&mut post.touched)
    }

    /// One more table that may be read.
    pub(super) fn admit(&self, table: &str) {
        self.post().tables.insert(table.to_owned());
    }

    fn post(&self) -> MutexGuard<'_, Post> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Functions whose result is not made from their arguments alone.
const REFUSED: [&str; 8] = [
    "random",
    "randomblob",
    "current_date",
    "current_time",
    "current_timestamp",
    "changes",
    "total_changes",
    "last_insert_rowid",
];

fn judge(
    action: &AuthAction<'_>,
    tables: &BTreeSet<String>,
) -> Result<Option<(String, String)>, String> {
    match action {
        AuthAction::Select | AuthAction::Recursive => Ok(None),
        AuthAction::Read { table_name, column_name } => {
            // Other names are those of the statement's own WITH tables, or of none at all.
            if table_name.starts_with("sqlite_")
                || table_name.starts_with("pragma_")
                || *table_name == "dbstat"
            {
                return Err(format!("`{table_name}` is not a table of this data source"));
            }
            let known = tables.contains(*table_name);
            Ok(known.then(|| ((*table_name).to_owned(), (*column_name).to_owned())))
        }
        AuthAction::Function { function_name } => {
            let name = function_name.to_ascii_lowercase();
            if matches!(name.as_str(), "load_extension" | "fts3_tokenizer") {
                Err(format!("`{name}` reaches outside of the tables"))
            } else if REFUSED.contains(&name.as_str()) || name.starts_with("sqlite_") {
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
