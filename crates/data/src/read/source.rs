//! Decompression and character encoding of text files: bytes of UTF-8 for the layer above.
//!
//! What a file is packed in is said by its name (`.csv.gz`, `.csv.zst`), how it is encoded by `read`. A
//! wrong guess about either gives garbage and not an error, so nothing is guessed: the first bytes are only
//! looked at to say what to declare.

use std::{
    io::{self, BufReader, Cursor, Read},
    ops::Range,
    path::Path,
};

use encoding_rs::{DecoderResult, Encoding as Code, UTF_8, UTF_16BE, UTF_16LE};
use flate2::bufread::MultiGzDecoder;

use super::{
    bound::{Bounded, exceeded, is_exceeded},
    input::Input,
};
use crate::{DataError, DataErrorKind};

/// Bytes that are looked at before anything is read.
const HEAD: usize = 1024;
const BUFFER: usize = 1 << 17;

/// What a text file is packed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    Gzip,
    Zstandard,
}

impl Packing {
    fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "gz" => Some(Self::Gzip),
            "zst" => Some(Self::Zstandard),
            _ => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstandard => "Zstandard",
        }
    }
}

/// The path without the extension of what it is packed in.
pub(super) fn unpacked(path: &Path) -> &Path {
    match (Packing::of(path), path.file_stem()) {
        (Some(_), Some(stem)) => Path::new(stem),
        _ => path,
    }
}

/// The text of a file as UTF-8, without a byte order mark. Of UTF-8 itself it is not checked here that it is
/// such: whoever reads a field knows where it stands.
pub(super) fn open(input: &Input, encoding: &str) -> Result<Box<dyn Read>, DataError> {
    let path = input.path();
    let io = |error: &io::Error| DataError::io(path, "read the file", error);
    let (file, most) = (input.clone(), input.most());
    let mut bytes: Box<dyn Read> = match Packing::of(path) {
        None => Box::new(file),
        // Both go on to the last of several members, and refuse one that is cut off.
        Some(Packing::Gzip) => {
            let file = BufReader::with_capacity(BUFFER, file);
            Box::new(Bounded::new(MultiGzDecoder::new(file), most))
        }
        Some(Packing::Zstandard) => {
            let decoder = zstd::stream::read::Decoder::new(file).map_err(|error| io(&error))?;
            Box::new(Bounded::new(decoder, most))
        }
    };
    let mut head = Vec::with_capacity(HEAD);
    bytes
        .by_ref()
        .take(HEAD as u64)
        .read_to_end(&mut head)
        .map_err(|error| fault(input, encoding, error))?;
    if let Some((what, help)) = no_text(&head) {
        let message = format!("the file is {what}, and its name says that it is text");
        return Err(DataError::new(DataErrorKind::UnknownFormat, message).file(path).help(help));
    }
    let (code, mark) = code(&head, encoding).map_err(|error| error.file(path))?;
    let bytes = Cursor::new(head.split_off(mark)).chain(bytes);
    Ok(if code == UTF_8 { Box::new(bytes) } else { Box::new(Decoded::new(bytes, code)) })
}

/// What went wrong with the bytes of a text file while they were read.
pub(super) fn fault(input: &Input, encoding: &str, error: io::Error) -> DataError {
    let path = input.path();
    if is_exceeded(&error) {
        let way_out = "unpack it and name the unpacked file";
        return exceeded(path, input.length(), input.most(), way_out);
    }
    if error.get_ref().is_some_and(|inner| inner.is::<NotText>()) {
        let message = format!("the text is not {}", name(encoding));
        return DataError::new(DataErrorKind::NotUtf8, message)
            .file(path)
            .help("is the file damaged, or is `encoding` of `read` another?");
    }
    let Some(packing) = Packing::of(path) else {
        return DataError::io(path, "read the file", &error);
    };
    let packing = packing.name();
    let message = match error.kind() {
        io::ErrorKind::UnexpectedEof => format!("the {packing} stream is cut off"),
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::Other => {
            format!("the {packing} stream is damaged: {error}")
        }
        _ => return DataError::io(path, "read the file", &error),
    };
    DataError::new(DataErrorKind::Damaged, message)
        .file(path)
        .help("nothing of it is used: fetch or write the file again")
}

/// A name for messages: `UTF-16`
fn name(encoding: &str) -> String {
    match encoding.starts_with("utf-") {
        true => encoding.to_uppercase(),
        false => encoding.to_owned(),
    }
}

/// What a file is that is no text, by its first bytes, and what to do.
fn no_text(head: &[u8]) -> Option<(&'static str, &'static str)> {
    let export = "save it as CSV, or as Parquet, and name that file";
    let kinds: [(&[u8], &str, &str); 12] = [
        (&[0x1f, 0x8b], "a gzip stream", "name it `.csv.gz`"),
        (&[0x28, 0xb5, 0x2f, 0xfd], "a Zstandard stream", "name it `.csv.zst`"),
        (b"BZh", "a bzip2 stream", "pack it as `.csv.gz` or `.csv.zst`, or not at all"),
        (
            &[0xfd, b'7', b'z', b'X', b'Z', 0],
            "an xz stream",
            "pack it as `.csv.gz` or `.csv.zst`, or not at all",
        ),
        (b"PK\x03\x04", "a zip archive or an Excel workbook", export),
        (&[0xd0, 0xcf, 0x11, 0xe0], "an Excel workbook", export),
        (b"PAR1", "a Parquet file", "name it `.parquet`"),
        (b"ARROW1\0\0", "an Arrow file", "name it `.arrow`"),
        (b"SQLite format 3\0", "an SQLite database", "export its tables as CSV files"),
        (b"%PDF-", "a PDF document", export),
        (&[0x89, b'H', b'D', b'F'], "an HDF5 file", "export its tables as Parquet files"),
        (
            &[0, 5, 0x16, 7],
            "what macOS keeps about another file",
            "delete it, or name files by a narrower pattern",
        ),
    ];
    let found = kinds.into_iter().find(|(magic, ..)| head.starts_with(magic));
    // "BZh" may begin a header; a block's own mark follows in a stream.
    found
        .filter(|(magic, ..)| *magic != b"BZh" || head.get(4..7) == Some(&[0x31, 0x41, 0x59]))
        .map(|(_, what, help)| (what, help))
}

/// How the bytes are encoded, and the length of their byte order mark.
fn code(head: &[u8], encoding: &str) -> Result<(&'static Code, usize), DataError> {
    let wide = encoding.starts_with("utf-16");
    let wrong = |message: &str, help: &str| {
        Err(DataError::new(DataErrorKind::NotUtf8, message.to_owned()).help(help))
    };
    let is_wide = "add `read = { encoding = \"utf-16\" }` to the data source";
    if let Some((code, mark)) = Code::for_bom(head) {
        return match (code == UTF_8, encoding) {
            (true, "utf-8") => Ok((code, mark)),
            (true, _) => {
                let message =
                    format!("the file is UTF-8 and not {}: its first bytes say so", name(encoding));
                wrong(&message, "leave `encoding` out of `read`")
            }
            (false, _) if wide => Ok((code, mark)),
            (false, _) => wrong("the file is UTF-16: its first two bytes say so", is_wide),
        };
    }
    // Of UTF-16 that has commas and digits, every other byte is 0.
    let zeros = |from: usize| head.iter().skip(from).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let looks_wide = even.max(odd) * 8 > head.len() && even.min(odd) * 8 <= even.max(odd);
    match encoding {
        "utf-16" if even > odd => Ok((UTF_16BE, 0)),
        "utf-16" | "utf-16le" | "utf-16be" if even + odd == 0 && !head.is_empty() => wrong(
            "the file is not UTF-16: none of its first bytes is 0",
            "leave `encoding` out of `read`, or correct it",
        ),
        "utf-16" | "utf-16le" => Ok((UTF_16LE, 0)),
        "utf-16be" => Ok((UTF_16BE, 0)),
        _ if looks_wide => wrong(
            "the file looks like UTF-16 without a byte order mark: every other byte of it is 0",
            is_wide,
        ),
        label => Ok((Code::for_label(label.as_bytes()).unwrap_or(UTF_8), 0)),
    }
}

/// Bytes that are not what the declared encoding allows.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the text is not encoded as declared")]
struct NotText;

/// Another encoding as UTF-8.
struct Decoded<R> {
    from: R,
    decoder: encoding_rs::Decoder,
    /// Bytes that were read, and which of them are not decoded yet.
    buffer: Vec<u8>,
    left: Range<usize>,
    last: bool,
    /// Text that was decoded, and how much of it is handed out.
    text: Vec<u8>,
    given: usize,
    /// Nothing more comes, because all is decoded or because it cannot be.
    ended: Option<Result<(), NotText>>,
}

impl<R: Read> Decoded<R> {
    fn new(from: R, code: &'static Code) -> Self {
        Self {
            from,
            decoder: code.new_decoder_without_bom_handling(),
            buffer: vec![0; BUFFER],
            left: 0..0,
            last: false,
            text: Vec::new(),
            given: 0,
            ended: None,
        }
    }

    /// Decodes more. Text that is right before a fault is handed out first, so that the fault can be placed.
    fn more(&mut self) -> io::Result<()> {
        if self.left.is_empty() && !self.last {
            self.left = 0..self.from.read(&mut self.buffer)?;
            self.last = self.left.is_empty();
        }
        let bytes = &self.buffer[self.left.clone()];
        let most = self.decoder.max_utf8_buffer_length_without_replacement(bytes.len());
        self.text.resize(most.unwrap_or(4 * BUFFER), 0);
        let (result, read, written) =
            self.decoder.decode_to_utf8_without_replacement(bytes, &mut self.text, self.last);
        self.left.start += read;
        self.text.truncate(written);
        self.given = 0;
        self.ended = match result {
            DecoderResult::Malformed(..) => Some(Err(NotText)),
            DecoderResult::InputEmpty if self.last => Some(Ok(())),
            DecoderResult::InputEmpty | DecoderResult::OutputFull => None,
        };
        Ok(())
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while self.given == self.text.len() {
            match self.ended {
                Some(Ok(())) => return Ok(0),
                Some(Err(wrong)) => return Err(io::Error::new(io::ErrorKind::InvalidData, wrong)),
                None => self.more()?,
            }
        }
        let count = to.len().min(self.text.len() - self.given);
        to[..count].copy_from_slice(&self.text[self.given..self.given + count]);
        self.given += count;
        Ok(count)
    }
}
