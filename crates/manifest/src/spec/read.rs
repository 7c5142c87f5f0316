//! Text file options: delimiter, encoding, number and date formats.

/// `data.NAME.read`: how the text files of a table are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadOptions {
    /// The byte between fields; `None`: by the file's name.
    pub delimiter: Option<u8>,
    /// The character before the decimals of a number: `.` or `,`.
    pub decimal: char,
    /// The character that may stand between groups of three digits, never `decimal`.
    pub thousands: Option<char>,
    /// How dates and times are written, beside ISO's way.
    pub date_format: Option<String>,
    /// `utf-8`, `utf-16`, or another name of the Encoding Standard, in lower case.
    pub encoding: String,
}
