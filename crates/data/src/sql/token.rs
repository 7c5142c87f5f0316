//! SQL tokenizer: tokens with their places.
//!
//! No grammar: where a token stands among its neighbours is enough for what is asked of it here, and what
//! SQL means is for SQLite to say.

use std::ops::Range;

use crate::{DataError, DataErrorKind};

/// A piece of SQL that matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// An unquoted word, in lower case.
    Word(String),
    /// A quoted name, without its quotes.
    Name(String),
    /// A string literal, without its quotes.
    Text(String),
    /// Any other character.
    Mark(char),
}

impl Token {
    /// Is it this unquoted word?
    pub(super) fn is(&self, word: &str) -> bool {
        matches!(self, Self::Word(found) if found == word)
    }
}

/// An error about a piece of SQL.
pub(super) fn fault(sql: &str, at: Range<usize>, message: &str) -> DataError {
    DataError::new(DataErrorKind::Query, message).part(sql, at)
}

/// The tokens of SQL and their bytes. Comments and blanks are none.
pub(super) fn tokens(sql: &str) -> Result<Vec<(Token, Range<usize>)>, DataError> {
    let bytes = sql.as_bytes();
    let (mut found, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let start = at;
        let end_of = |close: u8| {
            let mut end = start + 1;
            loop {
                match bytes.get(end) {
                    None => return Err(fault(sql, start..start + 1, "a quote is not closed")),
                    Some(&b)
                        if b == close && close != b']' && bytes.get(end + 1) == Some(&close) =>
                    {
                        end += 2
                    }
                    Some(&b) if b == close => return Ok(end + 1),
                    Some(_) => end += 1,
                }
            }
        };
        match bytes[at] {
            b if b.is_ascii_whitespace() => at += 1,
            b'-' if bytes.get(at + 1) == Some(&b'-') => {
                at = sql[at..].find('\n').map_or(bytes.len(), |length| at + length);
            }
            b'/' if bytes.get(at + 1) == Some(&b'*') => match sql[at + 2..].find("*/") {
                Some(length) => at += length + 4,
                None => return Err(fault(sql, at..at + 2, "a comment is not closed")),
            },
            b'\'' => {
                at = end_of(b'\'')?;
                let text = sql[start + 1..at - 1].replace("''", "'");
                found.push((Token::Text(text), start..at));
            }
            b @ (b'"' | b'`' | b'[') => {
                at = end_of(if b == b'[' { b']' } else { b })?;
                let inside = &sql[start + 1..at - 1];
                let name = match b {
                    b'"' => inside.replace("\"\"", "\""),
                    b'`' => inside.replace("``", "`"),
                    _ => inside.to_owned(),
                };
                found.push((Token::Name(name), start..at));
            }
            b if b.is_ascii_alphabetic() || b == b'_' || !b.is_ascii() => {
                let word =
                    |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$') || !b.is_ascii();
                while bytes.get(at).is_some_and(word) {
                    at += 1;
                }
                found.push((Token::Word(sql[start..at].to_lowercase()), start..at));
            }
            b => {
                at += 1;
                found.push((Token::Mark(char::from(b)), start..at));
            }
        }
    }
    Ok(found)
}
