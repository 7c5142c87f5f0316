//! Escaping of hidden characters (control, bidirectional, zero-width) in text that comes from data.
//!
//! A header, a cell, a file name can hold anything: sequences that move a terminal's cursor or set its
//! title, characters that turn the order of the text around, letters that nobody sees. Shown, they are
//! written as Rust and TOML write them, `\u{1b}`; text of any language stays as it is.

use std::borrow::Cow;

/// Would showing this character do something else than show a letter? Line ends and tabs do not count.
pub const fn is_hidden(letter: char) -> bool {
    match letter {
        '\n' | '\t' => false,
        // C0, DEL, C1
        '\0'..='\x1f' | '\x7f'..='\u{9f}' => true,
        // Soft hyphens; marks of direction; joiners and spaces of no width; ends of lines and paragraphs;
        // embeddings, overrides and isolates; invisible operators and shapes; the mark of byte order.
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180b}'..='\u{180f}' => true,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => true,
        '\u{feff}' | '\u{fff9}'..='\u{fffb}' => true,
        // Letters of Hangul that fill a space.
        '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' => true,
        // Marks for processing within a program, and what is no character at all.
        '\u{fdd0}'..='\u{fdef}' | '\u{fffe}' | '\u{ffff}' => true,
        // Musical and other formats, tags, selectors of variants.
        '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}' => true,
        _ => false,
    }
}

/// Is there such a character in it? Of text in ASCII, which may be megabytes of JSON, that is seen at a glance.
pub fn has_hidden(text: &str) -> bool {
    let plain = |byte: u8| matches!(byte, b'\n' | b'\t' | b' '..=b'~');
    let seen = |chunk: &[u8]| chunk.iter().fold(true, |all, byte| all & plain(*byte));
    !text.as_bytes().chunks(1 << 12).all(seen) && text.contains(is_hidden)
}

/// Text of any number of lines, with whatever is not seen written out.
pub fn printable(text: &str) -> Cow<'_, str> {
    escaped(text, is_hidden)
}

/// The same in one line: a name or a cell.
pub fn printable_line(text: &str) -> Cow<'_, str> {
    escaped(text, |letter| matches!(letter, '\n' | '\t') || is_hidden(letter))
}

fn escaped(text: &str, hidden: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        match letter {
            '\n' if hidden('\n') => shown.push_str("\\n"),
            '\t' if hidden('\t') => shown.push_str("\\t"),
            _ if hidden(letter) => shown.extend(letter.escape_unicode()),
            _ => shown.push(letter),
        }
    }
    Cow::Owned(shown)
}

/// A JSON document, or the text of one, in which what is not seen is written as JSON writes it. Outside of
/// its strings there is none of it.
pub fn printable_json(json: &str) -> Cow<'_, str> {
    if !has_hidden(json) {
        return Cow::Borrowed(json);
    }
    let mut shown = String::with_capacity(json.len() + 16);
    for letter in json.chars() {
        if is_hidden(letter) {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                shown.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            shown.push(letter);
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_any_language_stays_as_it_is() {
        assert!(!has_hidden("plain\n\t~") && has_hidden("a\x7f") && has_hidden("é\u{202e}"));
        for text in ["plain", "größe\tµ", "日本語", "עברית", "e\u{301}", "❤\u{fe0f}", "a\nb", "−½…"]
        {
            assert_eq!(printable(text), text);
            assert!(matches!(printable(text), Cow::Borrowed(_)));
        }
    }

    #[test]
    fn what_a_terminal_would_obey_is_written_out() {
        assert_eq!(printable("\x1b[31mred"), "\\u{1b}[31mred");
        assert_eq!(printable("\u{9b}2J\x07\x7f\r"), "\\u{9b}2J\\u{7}\\u{7f}\\u{d}");
        assert_eq!(printable("a\u{202e}b\u{2066}c\u{200b}"), "a\\u{202e}b\\u{2066}c\\u{200b}");
        assert_eq!(printable_line("a\nb\tc"), "a\\nb\\tc");
    }

    #[test]
    fn every_control_and_bidi_character_is_hidden() {
        let control = (0..=0x10ffff).filter_map(char::from_u32).filter(|c| c.is_control());
        assert!(control.filter(|c| !matches!(c, '\n' | '\t')).all(is_hidden));
        let bidi = "\u{61c}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}";
        assert!(bidi.chars().all(is_hidden));
    }

    #[test]
    fn json_says_the_same_as_before() {
        let value = serde_json::json!({"a\u{202e}": "\u{7f}\u{9b}\u{e0041}\x1b é"});
        let text = value.to_string();
        let shown = printable_json(&text);
        assert!(!shown.contains(is_hidden), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).ok(), Some(value));
    }
}
