//! Strict CSV parser (RFC 4180): where each field begins and ends.
//!
//! The rules are those of RFC 4180. Readers differ in what they do about files that break them, and most
//! are lenient: the `csv` crate takes a quote that is never closed as closed by the end of the file, and with
//! it every row behind it. Here a quote that opens a field must close it. A quote inside an unquoted field
//! (`5" pipe`) is text, as everywhere. Lines end in `\n`, `\r\n` or `\r`.
//!
//! A record is looked for in a buffer that holds it whole, so that fields are slices of it. Rejected: a pass
//! of our own beside the `csv` crate's, which costs as much as this one and has to agree with it.

use std::{
    io::{self, Read},
    ops::Range,
};

use super::bound::COLUMNS;

/// Bytes that are read at once.
const BUFFER: usize = 1 << 17;
/// The longest record. Without a bound, a quote that is never closed is one cell of the whole file.
const LONGEST: usize = 64 << 20;

/// Why there is no next record.
#[derive(Debug)]
pub(super) enum Fault {
    Io(io::Error),
    /// A quoted field that the file ends in, or that has no end within the longest record.
    Unclosed,
    /// A quoted field that ends in this line, before other text.
    AfterQuote {
        line: u64,
        text: String,
    },
    /// An unquoted line without an end.
    TooLong,
    /// A record of more fields than any table has.
    TooMany,
}

/// A fault in a record, and the line and field (from 0) in which it begins.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) fault: Fault,
    pub(super) line: u64,
    pub(super) field: usize,
}

/// The records of a text.
pub(super) struct Records<R> {
    from: R,
    delimiter: u8,
    /// Bytes that end an unquoted field.
    ends: [bool; 256],
    buffer: Vec<u8>,
    /// What of the buffer is read and no record yet.
    left: Range<usize>,
    ended: bool,
    /// The fields of the last record.
    fields: Vec<Range<usize>>,
    /// Those of them that hold doubled quotes.
    doubled: Vec<usize>,
    /// The line in which the next record begins.
    next: u64,
    /// The line in which the last record begins.
    pub(super) line: u64,
    /// Lines that the last record takes beyond its first.
    pub(super) more: u64,
    /// The place of the first quoted field of the last record.
    quoted: Option<usize>,
    /// It looks like several: see [`Records::like_rows`].
    like: bool,
    /// What the next reading has to say, once all before it is looked at.
    broken: Option<io::Error>,
}

/// A look at the buffer.
enum Scan {
    /// A record of so many bytes, the end of its line included, and so many lines beyond its first.
    Record {
        bytes: usize,
        more: u64,
    },
    /// It goes on behind the buffer; so far it is in this field, that began in a line so far below.
    Partial {
        quote: bool,
        more: u64,
    },
    Wrong {
        fault: Fault,
        more: u64,
    },
}

impl<R: Read> Records<R> {
    pub(super) fn new(from: R, delimiter: u8) -> Self {
        let mut ends = [false; 256];
        for byte in [delimiter, b'\n', b'\r'] {
            ends[usize::from(byte)] = true;
        }
        Self {
            from,
            delimiter,
            ends,
            buffer: Vec::new(),
            left: 0..0,
            ended: false,
            fields: Vec::new(),
            doubled: Vec::new(),
            next: 1,
            line: 1,
            more: 0,
            quoted: None,
            like: false,
            broken: None,
        }
    }

    /// Finds the next record, which may be an empty line; `false` at the end.
    pub(super) fn next(&mut self) -> Result<bool, Placed> {
        loop {
            if self.left.is_empty() && self.ended {
                return Ok(false);
            }
            self.line = self.next;
            let (fault, more) = match self.scan() {
                Scan::Record { bytes, more } => {
                    self.left.start += bytes;
                    self.more = more;
                    self.next += more + 1;
                    return Ok(true);
                }
                Scan::Wrong { fault, more } => (fault, more),
                Scan::Partial { quote, more } if self.ended || self.left.len() > LONGEST => {
                    (if quote { Fault::Unclosed } else { Fault::TooLong }, more)
                }
                Scan::Partial { more, .. } => match self.fill() {
                    Ok(()) => continue,
                    Err(error) => (Fault::Io(error), more),
                },
            };
            return Err(Placed { fault, line: self.line + more, field: self.fields.len() });
        }
    }

    /// The fields of the last record.
    pub(super) fn len(&self) -> usize {
        self.fields.len()
    }

    pub(super) fn field(&self, index: usize) -> Option<&[u8]> {
        self.buffer.get(self.fields.get(index)?.clone())
    }

    /// Is the last record a line of nothing, or of nothing but blanks?
    pub(super) fn is_blank(&self) -> bool {
        self.fields.len() == 1
            && self.quoted.is_none()
            && self.buffer[self.fields[0].clone()].trim_ascii().is_empty()
    }

    /// Does the last record look like several, that a quote made one of? Then the first of its quoted fields:
    /// each of its lines, taken by itself, has as many fields as it.
    pub(super) fn like_rows(&self) -> Option<usize> {
        self.quoted.filter(|_| self.like)
    }

    /// What of the next line is in the buffer.
    pub(super) fn coming(&mut self) -> Result<&[u8], io::Error> {
        if self.left.is_empty() && !self.ended {
            self.fill()?;
        }
        let left = &self.buffer[self.left.clone()];
        let end = left.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(left.len());
        Ok(&left[..end])
    }

    /// Reads more behind what is left.
    fn fill(&mut self) -> io::Result<()> {
        if let Some(error) = self.broken.take() {
            return Err(error);
        }
        self.buffer.copy_within(self.left.clone(), 0);
        self.left = 0..self.left.len();
        let before = self.left.end;
        // A record that does not fit makes the buffer twice as long: it is then looked at again from its
        // beginning, which is seldom.
        self.buffer.resize(before + BUFFER.max(before), 0);
        while self.left.end < self.buffer.len() {
            match self.from.read(&mut self.buffer[self.left.end..]) {
                Ok(0) => {
                    self.ended = true;
                    break;
                }
                Ok(count) => self.left.end += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if self.left.end == before => return Err(error),
                Err(error) => {
                    self.broken = Some(error);
                    break;
                }
            }
        }
        Ok(())
    }

    fn scan(&mut self) -> Scan {
        self.fields.clear();
        self.doubled.clear();
        self.quoted = None;
        let start = self.left.start;
        let text = &self.buffer[..self.left.end];
        let ends = &self.ends;
        let is_end = |byte: &u8| ends[usize::from(*byte)];
        // Behind the buffer may be more.
        let open = !self.ended;
        let (mut at, mut more) = (start, 0);
        let end = loop {
            let field = if text.get(at) == Some(&b'"') {
                self.quoted.get_or_insert(self.fields.len());
                let (Some((inner, doubled, lines)), behind) = quoted(&text[at..], open) else {
                    return Scan::Partial { quote: true, more };
                };
                let field = at + 1..at + 1 + inner;
                if doubled {
                    self.doubled.push(self.fields.len());
                }
                at += behind;
                // Blanks behind a quote are no text: nobody would see them.
                if self.delimiter != b' ' {
                    at += text[at..].iter().take_while(|byte| **byte == b' ').count();
                }
                if text.get(at).is_some_and(|byte| !is_end(byte)) {
                    let rest = text[at..].split(is_end).next().unwrap_or_default();
                    let text = String::from_utf8_lossy(&rest[..rest.len().min(80)]);
                    let text = text.chars().take(20).collect();
                    let fault = Fault::AfterQuote { line: self.line + more + lines, text };
                    return Scan::Wrong { fault, more };
                }
                more += lines;
                field
            } else {
                let length = text[at..].iter().position(is_end).unwrap_or(text.len() - at);
                at += length;
                at - length..at
            };
            match text.get(at) {
                Some(byte) if *byte == self.delimiter => at += 1,
                None if open => return Scan::Partial { quote: false, more },
                found => {
                    self.fields.push(field);
                    break match (found, text.get(at + 1), text.get(at + 2)) {
                        (None, ..) => at,
                        (Some(b'\n'), ..) => at + 1,
                        // What a text with `\r\n` becomes when it is written as text once more.
                        (_, Some(b'\r'), Some(b'\n')) => at + 3,
                        (_, Some(b'\n'), _) => at + 2,
                        (_, None, _) | (_, Some(b'\r'), None) if open => {
                            return Scan::Partial { quote: false, more };
                        }
                        _ => at + 1,
                    };
                }
            }
            if self.fields.len() > COLUMNS {
                return Scan::Wrong { fault: Fault::TooMany, more };
            }
            self.fields.push(field);
        };
        self.like = more > 0 && self.fields.len() > 1 && {
            let delimiters = |line: &[u8]| line.iter().filter(|b| **b == self.delimiter).count();
            let lines = text[start..at].split(|byte| *byte == b'\n');
            let mut behind = lines.skip(1).map(delimiters);
            behind.all(|count| count + 1 == self.fields.len())
        };
        self.undouble();
        Scan::Record { bytes: end - start, more }
    }

    /// Makes one quote of two, in place.
    fn undouble(&mut self) {
        for &index in &self.doubled {
            let field = &mut self.fields[index];
            let (mut to, mut from) = (field.start, field.start);
            while from < field.end {
                let byte = self.buffer[from];
                self.buffer[to] = byte;
                to += 1;
                from += if byte == b'"' { 2 } else { 1 };
            }
            field.end = to;
        }
    }
}

/// A quoted field at the beginning of a text: its length between the quotes, whether quotes in it are
/// doubled, and the ends of lines in it; and how many bytes it takes. `None` if its end is not there.
fn quoted(text: &[u8], open: bool) -> (Option<(usize, bool, u64)>, usize) {
    let (mut at, mut doubled, mut lines) = (1, false, 0);
    loop {
        match (text.get(at), text.get(at + 1)) {
            (None, _) => return (None, at),
            (Some(b'"'), Some(b'"')) => {
                doubled = true;
                at += 2;
            }
            (Some(b'"'), None) if open => return (None, at),
            (Some(b'"'), _) => return (Some((at - 1, doubled, lines)), at + 1),
            (Some(byte), next) => {
                lines += u64::from(*byte == b'\n' || *byte == b'\r' && next != Some(&b'\n'));
                at += 1;
            }
        }
    }
}
