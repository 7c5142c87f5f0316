//! Remarks on type inference: what a user should know of how a column was read.
//!
//! A column of numbers that becomes a category because of one cell is another column: its values have no
//! order any more, and each is a level of its own. Nothing is wrong with the file as such, so nothing
//! stops; but it is said with the cells that did it, and with what undoes it.

use std::path::PathBuf;

use collegium_manifest::ColumnType;
use serde::{Deserialize, Serialize};

/// A remark on how a column was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Remark {
    /// One sentence without a full stop, without the cells.
    text: String,
    /// What to do.
    pub help: Option<String>,
    /// The type that most of its values are of, or look like, where the column fell to a category.
    pub fallen_from: Option<ColumnType>,
    /// Examples, first ones first.
    cells: Vec<Cell>,
    /// The table whose column it is.
    table: String,
}

/// A cell and where it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cell {
    pub(crate) text: String,
    /// The place of its file among those of the table.
    pub(crate) file: usize,
    /// Line of a text file, row of a typed one; from 1.
    pub(crate) line: u64,
}

impl Remark {
    /// A remark that changes nothing for who reads the column.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            help: None,
            fallen_from: None,
            cells: Vec::new(),
            table: String::new(),
        }
    }

    /// Says that the column is a category although most of its values are, or look, of this type.
    pub(crate) fn fallen(mut self, from: ColumnType, help: String) -> Self {
        self.fallen_from = Some(from);
        self.help = Some(help);
        self
    }

    pub(crate) fn cells(mut self, cells: Vec<Cell>) -> Self {
        self.cells = cells;
        self
    }

    pub(crate) fn of_table(mut self, table: &str) -> Self {
        table.clone_into(&mut self.table);
        self
    }

    /// The remark with its examples. `files` are those of the data source, by table.
    pub fn sentence<'a>(
        &self,
        files: impl IntoIterator<Item = (&'a String, &'a Vec<PathBuf>)>,
    ) -> String {
        const SHOWN: usize = 40;
        if self.cells.is_empty() {
            return self.text.clone();
        }
        let paths = files.into_iter().find(|(table, _)| **table == self.table).map(|(_, p)| p);
        let cell = |cell: &Cell| {
            let text: String = cell.text.chars().take(SHOWN).collect();
            match paths.and_then(|paths| paths.get(cell.file)) {
                Some(path) => format!("`{text}` ({}:{})", path.display(), cell.line),
                None => format!("`{text}` (line {})", cell.line),
            }
        };
        let cells: Vec<String> = self.cells.iter().map(cell).collect();
        format!("{}, such as {}", self.text, cells.join(", "))
    }
}
