//! Input patterns (wildcards): `inputs = ["t.*", "!t.id"]`.

use std::fmt;

/// Columns of a data source that a pattern brings in, or keeps out. What it comes to is known with the
/// table. An input that is named as it is stays when a pattern with a `*` keeps it out, and goes, with a
/// warning, when just its name does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputPattern {
    /// The data source.
    pub data: String,
    /// Names of its columns, `*` for any run of letters.
    pub columns: String,
    /// Does it begin with `!`?
    pub exclude: bool,
}

impl InputPattern {
    /// Is this column meant? A column of just this name is the only one that is.
    pub fn matches(&self, column: &str) -> bool {
        let mut parts = self.columns.split('*');
        let first = parts.next().unwrap_or_default();
        let Some(mut rest) = column.strip_prefix(first) else { return false };
        let parts: Vec<&str> = parts.collect();
        let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
        for part in middle {
            match rest.find(part) {
                Some(at) => rest = &rest[at + part.len()..],
                None => return false,
            }
        }
        rest.ends_with(last)
    }
}

impl fmt::Display for InputPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}.{}", if self.exclude { "!" } else { "" }, self.data, self.columns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_run_of_letters() {
        let matches = |columns: &str, column: &str| {
            InputPattern { data: "t".to_owned(), columns: columns.to_owned(), exclude: false }
                .matches(column)
        };
        for (pattern, column) in [
            ("*", "x"),
            ("*", ""),
            ("date_*", "date_"),
            ("date_*", "date_of"),
            ("*_id", "a_id"),
            ("a*b*c", "abc"),
            ("a*b*c", "a1b2b3c"),
            ("x", "x"),
            ("*x*", "axb"),
            ("**", "x"),
        ] {
            assert!(matches(pattern, column), "{pattern} {column}");
        }
        for (pattern, column) in [
            ("date_*", "date"),
            ("*_id", "id"),
            ("a*b*c", "acb"),
            ("x", "xx"),
            ("ab*ba", "aba"),
            ("*x", "xy"),
            ("X*", "xa"),
        ] {
            assert!(!matches(pattern, column), "{pattern} {column}");
        }
    }
}
