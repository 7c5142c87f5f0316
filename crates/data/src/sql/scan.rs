//! Scanner that checks the text of SQL before SQLite compiles it.
//!
//! An expression is put in brackets inside a statement of ours; it must not close them. And some
//! things are about the text alone: a second statement, and functions that read the clock.

use std::ops::Range;

use super::{
    clock::{FUNCTIONS, WHY},
    token::{Token, fault, tokens},
};
use crate::DataError;

/// Checks one statement; returns it without the semicolon that may end it.
pub(crate) fn statement(sql: &str) -> Result<&str, DataError> {
    let tokens = checked(sql)?;
    let mut end = sql.len();
    let mut rest = tokens.as_slice();
    while let [before @ .., (Token::Mark(';'), at)] = rest {
        end = at.start;
        rest = before;
    }
    if let Some((_, at)) = rest.iter().find(|(token, _)| *token == Token::Mark(';')) {
        return Err(fault(
            sql,
            at.clone(),
            "a query is one statement; this one is followed by another",
        )
        .help("WITH can hold the steps before the last SELECT"));
    }
    if rest.is_empty() {
        return Err(fault(sql, 0..sql.len(), "the query is empty"));
    }
    Ok(&sql[..end])
}

/// Checks one expression over one row.
pub(crate) fn expression(sql: &str) -> Result<(), DataError> {
    let tokens = checked(sql)?;
    if tokens.is_empty() {
        return Err(fault(sql, 0..sql.len(), "the expression is empty"));
    }
    match tokens.iter().find(|(token, _)| *token == Token::Mark(';')) {
        Some((_, at)) => Err(fault(sql, at.clone(), "an expression has no semicolon")),
        None => super::row::look(sql),
    }
}

fn checked(sql: &str) -> Result<Vec<(Token, Range<usize>)>, DataError> {
    if let Some(at) = sql.find('\0') {
        return Err(fault(sql, at..at + 1, "SQL cannot hold a zero byte"));
    }
    let tokens = tokens(sql)?;
    let mut open = Vec::new();
    for (token, at) in &tokens {
        match token {
            Token::Mark('(') => open.push(at.clone()),
            Token::Mark(')') if open.pop().is_none() => {
                return Err(fault(sql, at.clone(), "this bracket closes nothing"));
            }
            Token::Mark('?' | '@' | ':') => {
                return Err(fault(sql, at.clone(), "there are no parameters to fill in"));
            }
            _ => {}
        }
    }
    if let Some(at) = open.pop() {
        return Err(fault(sql, at, "this bracket is not closed"));
    }
    clock(sql, &tokens)?;
    Ok(tokens)
}

/// Refuses calls of date functions that plainly read the clock or the zone of this machine: with the place
/// in the text, which is lost once they run ([`super::clock`]).
fn clock(sql: &str, tokens: &[(Token, Range<usize>)]) -> Result<(), DataError> {
    for (start, pair) in tokens.windows(2).enumerate() {
        let (Token::Word(name) | Token::Name(name), Token::Mark('(')) = (&pair[0].0, &pair[1].0)
        else {
            continue;
        };
        let name = name.to_ascii_lowercase();
        if !FUNCTIONS.iter().any(|(known, _)| *known == name) {
            continue;
        }
        let call = &tokens[start + 1..];
        let texts = arguments(call);
        let needed = if name == "strftime" { 2 } else { 1 };
        let given = count_arguments(call);
        let reads = given < needed
            || texts.iter().any(|text| matches!(text.trim(), "now" | "localtime" | "utc"))
            || given == needed && texts.iter().any(|text| text.starts_with("subsec"));
        if reads {
            let at = pair[0].1.clone();
            return Err(fault(sql, at, &format!("`{name}` {WHY}")).help(
                "a table is cached by the content of its files, so its SQL must give the same \
                     result every day; write the date out",
            ));
        }
    }
    Ok(())
}

/// Text literals, in lower case, among the arguments of the call whose bracket opens `tokens`.
fn arguments(tokens: &[(Token, Range<usize>)]) -> Vec<String> {
    let (mut depth, mut texts) = (0, Vec::new());
    for (token, _) in tokens {
        match token {
            Token::Mark('(') => depth += 1,
            Token::Mark(')') => depth -= 1,
            Token::Text(text) if depth == 1 => texts.push(text.to_lowercase()),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    texts
}

/// How many arguments the call has whose bracket opens `tokens`.
fn count_arguments(tokens: &[(Token, Range<usize>)]) -> usize {
    let (mut depth, mut commas, mut any) = (0, 0, false);
    for (token, _) in tokens {
        match token {
            Token::Mark('(') => {
                any |= depth > 0;
                depth += 1;
            }
            Token::Mark(')') => depth -= 1,
            Token::Mark(',') if depth == 1 => commas += 1,
            _ => any = true,
        }
        if depth == 0 {
            break;
        }
    }
    if any { commas + 1 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_may_end_with_a_semicolon_but_not_go_on() {
        assert_eq!(statement("SELECT 1; -- done").unwrap(), "SELECT 1");
        assert_eq!(statement("SELECT ';' AS \";\" -- ;").unwrap(), "SELECT ';' AS \";\" -- ;");
        let error = statement("SELECT 1; DROP TABLE t").unwrap_err();
        assert_eq!(error.fault().part.as_ref().unwrap().1, 8..9);
        assert!(statement("  -- nothing").is_err());
    }

    #[test]
    fn an_expression_cannot_leave_its_brackets() {
        for wrong in ["1) FROM t; --", "(1", "'a", "/* 1", "1; 2", "", "a = ?1"] {
            assert!(expression(wrong).is_err(), "{wrong}");
        }
        for right in ["a = ')'", "a IN (1, 2)", "[a)] = 1", "'it''s' = a -- (", "date(a) > '2013'"]
        {
            expression(right).unwrap();
        }
    }

    #[test]
    fn the_clock_is_out_of_reach() {
        for wrong in [
            "date('now')",
            "datetime( 'NOW' , '-1 day')",
            "date()",
            "strftime('%Y')",
            "datetime(a, 'localtime')",
            "unixepoch('subsec')",
        ] {
            assert!(expression(wrong).is_err(), "{wrong}");
        }
        for right in
            ["strftime('%Y', a)", "date(a, '+1 day')", "a = 'now'", "unixepoch(a, 'subsec')"]
        {
            expression(right).unwrap();
        }
    }
}
