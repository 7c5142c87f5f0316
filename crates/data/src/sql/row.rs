//! Row expressions, which read one row alone: `derive`, `where`, the rules of a gate.
//!
//! The value of a row may depend on that row alone: in prediction other rows stand beside it, or none.
//! SQLite itself has a place with just this rule, the expression of a *generated column*, in which it refuses
//! aggregates, window functions, subqueries, row numbers, and functions that are not pure, whatever the
//! spelling, quoting or nesting. So every such expression is made one, both to be checked and to be computed. A look
//! at the tokens before that only finds better words.

use super::{
    Place, clock,
    fault::of_sql,
    guard::Touched,
    token::{Token, fault, tokens},
};
use crate::{DataError, DataErrorKind, sql::Shape};

const HELP: &str = "here the value of a row depends on that row alone, so that it is the same in \
                    prediction, whatever rows stand beside it; what needs other rows belongs into `query`";

/// Refuses what is plainly about other rows.
pub(super) fn look(sql: &str) -> Result<(), DataError> {
    let tokens = tokens(sql)?;
    for (at, (token, place)) in tokens.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| &tokens[at].0);
        let next = tokens.get(at + 1).map(|(token, _)| token);
        let what = match token {
            // `t.select` is no column either: the word is reserved.
            Token::Word(word) if word == "select" => "a subquery looks at other rows",
            Token::Word(word) if word == "in" && next.is_some_and(|t| *t != Token::Mark('(')) => {
                "IN looks at the rows of a table here"
            }
            Token::Word(word) if word == "over" && before == Some(&Token::Mark(')')) => {
                "a window function looks at other rows"
            }
            _ => continue,
        };
        return Err(fault(sql, place.clone(), what).help(HELP));
    }
    Ok(())
}

/// The expression without the table's name before its columns, which SQLite does not take in a generated
/// column. No byte moves.
pub(crate) fn bare(sql: &str, table: &str) -> Result<String, DataError> {
    let tokens = tokens(sql)?;
    let mut bare = sql.to_owned();
    for (at, three) in tokens.windows(3).enumerate() {
        let [(table_token, first), (Token::Mark('.'), _), (column, last)] = three else { continue };
        let own = match table_token {
            Token::Word(_) => sql[first.clone()].eq_ignore_ascii_case(table),
            Token::Name(name) => name.eq_ignore_ascii_case(table),
            _ => false,
        };
        let qualified = at > 0 && tokens[at - 1].0 == Token::Mark('.');
        let written = &sql[last.clone()];
        let column = match column {
            // A quoted word takes two bytes more, and the table's name and the dot leave as many.
            Token::Word(_) => format!("\"{written}\""),
            Token::Name(_) => written.to_owned(),
            _ => continue,
        };
        if own && !qualified {
            let whole = first.start..last.end;
            let blanks = " ".repeat(whole.len() - column.len());
            bare.replace_range(whole, &format!("{blanks}{column}"));
        }
    }
    Ok(bare)
}

/// What SQLite says of an expression that is no expression over one row, in our words.
pub(super) fn refused(error: rusqlite::Error, place: Place<'_>, tables: &[Shape]) -> DataError {
    reworded(of_sql(error, place, &Touched::default(), tables))
}

/// The same about an error of ours that repeats SQLite's words.
pub(crate) fn reworded(found: DataError) -> DataError {
    let message = found.fault().message.clone();
    let part = found.fault().part.clone();
    let called = message.rsplit([' ', ':']).next().unwrap_or_default().trim_end_matches("()");
    let asked = message.strip_prefix("no such column: ").map(|asked| {
        let asked = asked.split(" - ").next().unwrap_or(asked);
        asked.rsplit('.').next().unwrap_or(asked).trim_matches(['"', '`', '[', ']'])
    });
    let row_number = ["rowid", "oid", "_rowid_"]
        .into_iter()
        .find(|name| asked.is_some_and(|asked| asked.eq_ignore_ascii_case(name)));
    let what = if message.starts_with("misuse of aggregate") {
        format!("the aggregate `{called}` looks at other rows")
    } else if message.starts_with("misuse of window function") {
        format!("the window function `{called}` looks at other rows")
    } else if message.starts_with("subqueries prohibited") {
        "a subquery looks at other rows".to_owned()
    } else if let Some(name) = row_number {
        format!("`{name}` is the number of the row, which depends on the rows before it")
    } else if message.contains(clock::WHY) {
        return DataError::new(DataErrorKind::Query, message).help(
            "a table is cached by the content of its files, so its SQL must give the same result \
             every day; write the date out",
        );
    } else if message.starts_with("non-deterministic functions prohibited") {
        "a function here does not give the same result every time".to_owned()
    } else {
        return found;
    };
    let error = DataError::new(DataErrorKind::Query, what).help(HELP);
    match part {
        Some((sql, at)) => error.part(&sql, at),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_name_goes_and_every_other_byte_stays_where_it_was() {
        for (sql, expected) in [
            ("t.x + 1", "\"x\" + 1"),
            ("T.\"x y\" + t . z", "  \"x y\" +   \"z\""),
            ("\"t\".[x]", "    [x]"),
            ("'t.x' || u.x -- t.x", "'t.x' || u.x -- t.x"),
            ("main.t.x", "main.t.x"),
            ("t.t", "\"t\""),
        ] {
            let found = bare(sql, "t").unwrap();
            assert_eq!(found, expected);
            assert_eq!(found.len(), sql.len());
        }
    }

    #[test]
    fn subqueries_and_windows_are_seen_before_sqlite_is_asked() {
        for wrong in [
            "(SELECT 1)",
            "x IN (select y FROM t)",
            "EXISTS(SELECT 1)",
            "x IN t",
            "x IN \"t\"",
            "sum(x) OVER ()",
            "sum(x) /* */ over w",
            "x NOT IN json_each('[1]')",
        ] {
            assert!(look(wrong).is_err(), "{wrong}");
        }
        for right in ["x IN (1, 2)", "'SELECT'", "\"select\" + 1", "x -- SELECT", "over + 1"] {
            look(right).unwrap();
        }
    }
}
