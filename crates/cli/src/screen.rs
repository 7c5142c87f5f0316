//! Terminal output, escaped: the one way to stdout and stderr, which data cannot misuse.
//!
//! Text of a table or a file name may hold what a terminal obeys. It is escaped where it is put into a
//! sentence; here is the last line of defence: nothing passes but letters, line ends, tabs and our own
//! colours. Those are marked by characters that are none, [`DIM`] and its like, so that an escape sequence in
//! the text is never taken for one of ours; they become sequences only where colour is wanted.
//!
//! What is data and no text (predictions to a pipe) does not come this way.

use std::{
    borrow::Cow,
    io::{ErrorKind, IsTerminal, Write},
};

use anstream::{AutoStream, ColorChoice};
use collegium_records::{has_hidden, is_hidden};

use crate::failure::Failure;

/// From here on dim.
pub(crate) const DIM: char = '\u{fdd0}';
/// From here on as an error is marked.
pub(crate) const BAD: char = '\u{fdd1}';
/// From here on plain again.
pub(crate) const PLAIN: char = '\u{fdd2}';

/// Is stderr a terminal that wants colour?
pub(crate) fn colour_on_stderr() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}

/// Writes to stdout, with colour only where it is wanted.
pub(crate) fn put(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let colour = AutoStream::choice(&out) != ColorChoice::Never;
    match out.write_all(dressed(text, colour).as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Failure::Closed),
        Err(error) => Err(Failure::unwritten("standard output", &error)),
    }
}

/// Writes a line to stderr. If that is gone there is nobody to tell.
pub(crate) fn tell(text: &str) {
    say(&(dressed(text, colour_on_stderr()) + "\n"));
}

/// Writes a question to stderr, without an end of line.
pub(crate) fn ask(text: &str) {
    say(&dressed(text, colour_on_stderr()));
}

/// The same as [`tell!`] for text with the colours of a renderer that lets no sequence of the data through.
pub(crate) fn tell_rendered(text: &str, coloured: bool) {
    say(&(if coloured { rendered(text) } else { dressed(text, false).into_owned() } + "\n"));
}

fn say(text: &str) {
    let mut err = std::io::stderr().lock();
    let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}

/// Text for a terminal: our marks as colours, everything else that is not seen written out.
fn dressed(text: &str, colour: bool) -> Cow<'_, str> {
    if !has_hidden(text) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut plain = true;
    for letter in text.chars() {
        let sequence = match letter {
            DIM => "\x1b[2m",
            BAD => "\x1b[1m\x1b[31m",
            PLAIN => "\x1b[0m",
            _ if is_hidden(letter) => {
                out.extend(letter.escape_unicode());
                continue;
            }
            _ => {
                out.push(letter);
                continue;
            }
        };
        plain = letter == PLAIN;
        if colour {
            out.push_str(sequence);
        }
    }
    // Data can hold a mark, too; it does not outlast its text.
    if colour && !plain {
        out.push_str("\x1b[0m");
    }
    Cow::Owned(out)
}

/// Keeps sequences of colours (`ESC [ numbers m`), and writes out everything else that is not seen.
fn rendered(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let sequence = rest.strip_prefix("\x1b[").and_then(|numbers| {
            let end = numbers.find(|c: char| !c.is_ascii_digit() && c != ';')?;
            numbers[end..].starts_with('m').then_some(end + 3)
        });
        let length = sequence.unwrap_or(letter.len_utf8());
        match sequence.is_none() && is_hidden(letter) {
            true => out.extend(letter.escape_unicode()),
            false => out.push_str(&rest[..length]),
        }
        rest = &rest[length..];
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_our_own_marks_become_colours() {
        let text = format!("{DIM}head{PLAIN} \x1b[31mred {BAD}left open");
        assert_eq!(dressed(&text, false), "head \\u{1b}[31mred left open");
        assert_eq!(
            dressed(&text, true),
            "\x1b[2mhead\x1b[0m \\u{1b}[31mred \x1b[1m\x1b[31mleft open\x1b[0m"
        );
    }

    #[test]
    fn colours_of_a_renderer_stay_and_nothing_else_does() {
        let text = "\x1b[1;31mred\x1b[0m \x1b[2J \x1b]0;title\x07 \u{9b}31m \x1b[1\x1b[";
        assert_eq!(
            rendered(text),
            "\x1b[1;31mred\x1b[0m \\u{1b}[2J \\u{1b}]0;title\\u{7} \\u{9b}31m \\u{1b}[1\\u{1b}["
        );
    }

    proptest! {
        #[test]
        fn whatever_the_text_nothing_is_left_that_a_terminal_obeys(text: String, colour: bool) {
            let colours = ["\x1b[2m", "\x1b[1m", "\x1b[31m", "\x1b[0m"];
            let mut shown = dressed(&text, colour).into_owned();
            for own in colours {
                shown = shown.replace(own, "");
            }
            prop_assert!(!shown.contains(is_hidden), "{shown:?}");
        }

        #[test]
        fn of_rendered_text_only_colours_are_left(text in "(\x1b|\\[|[0-9;]|m|\u{9b}|a|\u{202e}|é){0,24}") {
            for (at, _) in rendered(&text).match_indices('\x1b') {
                let shown = rendered(&text);
                let rest = shown[at..].strip_prefix("\x1b[").expect("a sequence").to_owned();
                let end = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
                prop_assert!(end.starts_with('m'));
            }
        }
    }
}
