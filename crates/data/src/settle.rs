//! Schema stability: how the values of a column are read, settled by the first run and kept in the lock file.
//!
//! The first run settles it from all rows, and the lock keeps it. From then on one cell changes no
//! column: an `integer` column shows its whole values to SQL as integers although a fraction stands
//! among them by now. So none is ever widened; what
//! does not fit is somebody's mistake or a new kind of column, and that is for a person to say.

use collegium_digest::Hasher;
use collegium_manifest::ColumnType;
use indexmap::IndexMap;

use crate::read::Field;

/// How the values of a column are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Numbers, floats in SQL.
    Number,
    /// Numbers; the whole ones are integers in SQL.
    Integer,
    Boolean,
    Category,
    /// Times that were all dates.
    Date,
    /// Times.
    Time,
}

/// What was settled, by column.
pub(crate) type Readings = IndexMap<String, Reading>;

impl Reading {
    const ALL: [Self; 6] =
        [Self::Number, Self::Integer, Self::Boolean, Self::Category, Self::Date, Self::Time];

    /// As the lock spells it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Integer => "integer",
            Self::Boolean => "boolean",
            Self::Category => "category",
            Self::Date => "date",
            Self::Time => "time",
        }
    }

    /// From the lock's spelling; `None` for what a later version may have written.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reading| reading.name() == name)
    }

    /// How a column of this type is read; `whole`: it holds integers, or dates. Images are settled by
    /// their files.
    pub(crate) const fn of(kind: ColumnType, whole: bool) -> Option<Self> {
        Some(match kind {
            ColumnType::Number if whole => Self::Integer,
            ColumnType::Number => Self::Number,
            ColumnType::Boolean => Self::Boolean,
            ColumnType::Category => Self::Category,
            ColumnType::Time if whole => Self::Date,
            ColumnType::Time => Self::Time,
            ColumnType::Image => return None,
        })
    }

    /// The type of its values.
    pub(crate) const fn kind(self) -> ColumnType {
        match self {
            Self::Number | Self::Integer => ColumnType::Number,
            Self::Boolean => ColumnType::Boolean,
            Self::Category => ColumnType::Category,
            Self::Date | Self::Time => ColumnType::Time,
        }
    }

    /// Are its whole values integers, its midnights dates?
    pub(crate) const fn whole(self) -> bool {
        matches!(self, Self::Integer | Self::Date)
    }

    /// A column that is read like this.
    pub(crate) fn field(self, name: &str) -> Field {
        Field {
            name: name.to_owned(),
            kind: self.kind(),
            integer: self == Self::Integer,
            dates: self == Self::Date,
        }
    }
}

/// The name in the lock of a column of a table that a query reads.
pub(crate) fn of_table(table: &str, column: &str) -> String {
    format!("{table}.{column}")
}

/// The name in the lock of a column that SQL makes: another SQL makes another column.
pub(crate) fn of_sql(column: &str, sql: &str) -> String {
    format!("{column}@{}", Hasher::new("settled sql").text(sql).finish().short())
}

/// Is this the name of a column that SQL makes?
pub(crate) fn is_of_sql(key: &str) -> bool {
    let digits = Hasher::new("").finish().short().len();
    key.rsplit_once('@').is_some_and(|(_, digest)| {
        digest.len() == digits && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reading_is_read_back_as_it_is_written() {
        for reading in Reading::ALL {
            assert_eq!(Reading::parse(reading.name()), Some(reading));
            assert_eq!(Reading::of(reading.kind(), reading.whole()), Some(reading));
        }
        assert_eq!(Reading::parse("image"), None);
    }

    #[test]
    fn another_sql_settles_anew() {
        assert_ne!(of_sql("half", "n / 2"), of_sql("half", "n / 2.0"));
        assert_eq!(of_sql("half", "n / 2"), of_sql("half", "n / 2"));
        assert!(is_of_sql(&of_sql("half", "n / 2")));
        assert!(!is_of_sql("half") && !is_of_sql("a@b"));
    }
}
