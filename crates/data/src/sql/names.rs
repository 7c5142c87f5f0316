//! Column names in a piece of SQL: which columns SQLite has to be told of.
//!
//! A SQLite table takes 2,000 columns and does not tell `X` from `x`; our tables may have more, and both.
//! So SQLite is told only about columns whose names stand in the text. That is more than the SQL reads (a
//! word may be an alias, a function or a literal) and never less, and it is known before anything is
//! compiled, without a grammar. What is really read is then SQLite's to say ([`super::Touched`]).

use std::{collections::BTreeMap, ops::Range};

use super::{
    guard::Touched,
    token::{Token, tokens},
};
use crate::{DataError, DataErrorKind, read::Field};

/// SQLite's own bound on the columns of a table.
const MOST: usize = 2000;

/// The names in a piece of SQL, in the spelling that they have there.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    sql: String,
    words: Vec<(String, Range<usize>)>,
    /// The `*` or `NATURAL` that asks for every column.
    all: Option<Range<usize>>,
    /// The columns that `USING` compares, of which SQLite's authorizer is not told.
    using: Vec<String>,
    natural: bool,
}

/// The names in SQL.
///
/// # Errors
/// If a quote or a comment is not closed.
pub(crate) fn names(sql: &str) -> Result<Names, DataError> {
    let tokens = tokens(sql)?;
    let mut names = Names { sql: sql.to_owned(), ..Names::default() };
    let (mut using, mut before) = (false, None);
    for (at, (token, place)) in tokens.iter().enumerate() {
        let next = tokens.get(at + 1).map(|(token, _)| token);
        let name = match token {
            Token::Word(_) => Some(sql[place.clone()].to_owned()),
            Token::Name(name) => Some(name.clone()),
            // `t.'x'` is a column too.
            Token::Text(text) if before == Some(&Token::Mark('.')) => Some(text.clone()),
            _ => None,
        };
        names.natural |= token.is("natural");
        if token.is("natural") || *token == Token::Mark('*') && is_every(before) {
            names.all.get_or_insert_with(|| place.clone());
        }
        using = match token {
            Token::Mark(')') => false,
            _ => using || token.is("using") && next == Some(&Token::Mark('(')),
        };
        // What is called is a function; what follows AS is given its name there.
        let is_column = next != Some(&Token::Mark('(')) && !before.is_some_and(|b| b.is("as"));
        if let Some(name) = name.filter(|_| is_column) {
            if using {
                names.using.push(name.clone());
            }
            names.words.push((name, place.clone()));
        }
        before = Some(token);
    }
    Ok(names)
}

/// Does a `*` after this token mean every column? Otherwise it multiplies, or counts rows.
fn is_every(before: Option<&Token>) -> bool {
    match before {
        Some(Token::Word(word)) => matches!(word.as_str(), "select" | "distinct" | "all"),
        Some(Token::Mark(mark)) => matches!(mark, ',' | '.'),
        _ => false,
    }
}

impl Names {
    /// What a statement touches beside the columns that SQLite says it reads.
    pub(crate) fn beside(&self, touched: &mut Touched) {
        touched.using.clone_from(&self.using);
        touched.every = self.natural;
    }

    /// The positions of the fields that a table needs so that this SQL finds its columns.
    ///
    /// # Errors
    /// If two columns that differ only by case are both named, or neither in its own spelling; if
    /// `*` asks for more columns than SQLite can take, or for two such.
    pub(super) fn choose(&self, table: &str, fields: &[Field]) -> Result<Vec<usize>, DataError> {
        let mut alike: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, field) in fields.iter().enumerate() {
            alike.entry(field.name.to_ascii_lowercase()).or_default().push(index);
        }
        let mut chosen: BTreeMap<String, (usize, bool)> = BTreeMap::new();
        for (word, place) in &self.words {
            let folded = word.to_ascii_lowercase();
            let Some(group) = alike.get(&folded) else { continue };
            let exact = group.iter().copied().find(|&index| fields[index].name == *word);
            let found = match (exact, group.as_slice()) {
                (Some(index), _) => (index, true),
                (None, [only]) => (*only, true),
                (None, [first, ..]) => (*first, false),
                (None, []) => continue,
            };
            match chosen.get(&folded) {
                Some(known) if *known == found || !found.1 && known.1 => {}
                Some(known) if known.1 && found.1 => {
                    return Err(self.ambiguous(table, fields, group, place));
                }
                _ => drop(chosen.insert(folded, found)),
            }
        }
        for (folded, (_, sure)) in &chosen {
            if let (false, Some(group)) = (sure, alike.get(folded)) {
                let of = |word: &&(String, Range<usize>)| word.0.eq_ignore_ascii_case(folded);
                let place = self.words.iter().find(of).map_or(0..0, |(_, place)| place.clone());
                return Err(self.ambiguous(table, fields, group, &place));
            }
        }
        let Some(star) = &self.all else {
            let mut chosen: Vec<usize> = chosen.into_values().map(|(index, _)| index).collect();
            chosen.sort_unstable();
            return Ok(chosen);
        };
        if let Some(group) = alike.values().find(|group| group.len() > 1) {
            return Err(self.ambiguous(table, fields, group, star));
        }
        if fields.len() > MOST {
            let message = format!(
                "`{table}` has {} columns, and SQLite takes at most {MOST} of them at once",
                fields.len()
            );
            return Err(DataError::new(DataErrorKind::Query, message)
                .part(&self.sql, star.clone())
                .help("name the columns that are wanted"));
        }
        Ok((0..fields.len()).collect())
    }

    fn ambiguous(
        &self,
        table: &str,
        fields: &[Field],
        group: &[usize],
        place: &Range<usize>,
    ) -> DataError {
        let names: Vec<String> =
            group.iter().map(|&index| format!("`{}`", fields[index].name)).collect();
        let message =
            format!("`{table}` has columns {}, which SQL does not tell apart", names.join(" and "));
        DataError::new(DataErrorKind::Query, message).part(&self.sql, place.clone()).help(
            "name only one of them in one piece of SQL, in its own spelling; or rename one in the file",
        )
    }
}

#[cfg(test)]
mod tests {
    use collegium_manifest::ColumnType;

    use super::*;

    fn fields(names: &[&str]) -> Vec<Field> {
        let field = |name: &&str| Field {
            name: (*name).to_owned(),
            kind: ColumnType::Number,
            integer: false,
            dates: false,
        };
        names.iter().map(field).collect()
    }

    fn chosen(sql: &str, columns: &[&str]) -> Vec<String> {
        let fields = fields(columns);
        let chosen = names(sql).unwrap().choose("t", &fields).unwrap();
        chosen.into_iter().map(|index| fields[index].name.clone()).collect()
    }

    #[test]
    fn only_what_is_named_is_chosen_in_the_order_of_the_table() {
        let columns = ["a", "b b", "c", "date", "x", "q\"q"];
        assert_eq!(chosen("c + t.a", &columns), ["a", "c"]);
        assert_eq!(chosen("\"b b\" * [x] /* c */ -- a", &columns), ["b b", "x"]);
        assert_eq!(chosen("`B B` = 'c'", &columns), ["b b"]);
        assert_eq!(chosen("\"q\"\"q\" + 1", &columns), ["q\"q"]);
        assert_eq!(chosen("date(a)", &columns), ["a"], "a function is no column");
        assert_eq!(chosen("SELECT a AS x FROM t", &columns), ["a"]);
        assert_eq!(chosen("t.'x'", &columns), ["x"]);
    }

    #[test]
    fn a_star_asks_for_all_where_it_does_not_multiply() {
        let columns = ["a", "b"];
        assert_eq!(chosen("SELECT * FROM t", &columns), columns);
        assert_eq!(chosen("SELECT DISTINCT * FROM t", &columns), columns);
        assert_eq!(chosen("SELECT 1, * FROM t", &columns), columns);
        assert_eq!(chosen("SELECT t . * FROM t", &columns), columns);
        assert_eq!(chosen("SELECT a * 2, count(*) FROM t", &columns), ["a"]);
        assert_eq!(chosen("SELECT a FROM t NATURAL JOIN u", &columns), columns);
    }

    #[test]
    fn names_that_differ_by_case_are_told_apart_by_their_spelling_or_not_at_all() {
        let columns = ["X", "x", "Yz", "yZ"];
        assert_eq!(chosen("x + 1", &columns), ["x"]);
        assert_eq!(chosen("X + 1", &columns), ["X"]);
        assert_eq!(chosen("yZ", &columns), ["yZ"]);
        let wrong = |sql: &str| {
            let error = names(sql).unwrap().choose("t", &fields(&columns)).unwrap_err();
            let (sql, at) = error.fault().part.clone().unwrap();
            sql[at].to_owned()
        };
        assert_eq!(wrong("X + x"), "x");
        assert_eq!(wrong("YZ + 1"), "YZ");
        assert_eq!(wrong("SELECT * FROM t"), "*");
    }

    #[test]
    fn a_star_over_too_many_columns_is_refused_and_naming_some_of_them_is_not() {
        let many: Vec<String> = (0..5000).map(|at| format!("c{at}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(chosen("c4999 + c7", &many), ["c7", "c4999"]);
        let error = names("SELECT * FROM t").unwrap().choose("t", &fields(&many)).unwrap_err();
        assert!(error.to_string().contains("5000 columns"), "{error}");
    }
}
