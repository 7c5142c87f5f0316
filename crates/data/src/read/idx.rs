//! Reader of IDX files: the plain form in which MNIST and similar data sets are distributed.
//!
//! ```text
//! 00 00 08 03        two zeros, the type of an element, the number of dimensions
//! 00 00 EA 60        60000 of them
//! 00 00 00 1C        28
//! 00 00 00 1C        28
//! …                  the elements, the last dimension fastest, all big-endian
//! ```
//!
//! (Y. LeCun, C. Cortes, C. Burges, *The MNIST database of handwritten digits*.) One dimension is a
//! column of numbers, three or four are a column of images. A file may be gzipped; its first bytes say
//! so, whatever its name. Nothing is believed that the length of the file does not bear out: no memory is
//! asked for on the word of a header alone.

use std::{
    io::{BufRead as _, BufReader, ErrorKind, Read},
    path::{Path, PathBuf},
};

use collegium_manifest::{ImageShape, defaults::MOST_PIXELS};
use flate2::bufread::MultiGzDecoder;

use super::{CHUNK, bound, input::Input};
use crate::{DataError, DataErrorKind, Values};

/// Bytes of images that are read at once.
const CHUNK_PIXELS: usize = 1 << 20;
/// Deflate packs no more than so many bytes into one (RFC 1951: 258 bytes in two bits).
const PACKED: u64 = 1032;

/// An open IDX file.
pub(crate) struct Idx {
    input: Input,
    pub(crate) path: PathBuf,
    pub(crate) rows: u64,
    /// Of images; `None` for a column of numbers.
    pub(crate) shape: Option<ImageShape>,
    element: Element,
    /// `60000 × 28 × 28`
    dimensions: String,
    reader: Box<dyn Read>,
    packed: bool,
    /// Rows handed out.
    pub(crate) done: u64,
}

/// The type of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Element {
    U8,
    I8,
    I16,
    I32,
    F32,
    F64,
}

impl Element {
    fn of(code: u8) -> Option<Self> {
        Some(match code {
            0x08 => Self::U8,
            0x09 => Self::I8,
            0x0B => Self::I16,
            0x0C => Self::I32,
            0x0D => Self::F32,
            0x0E => Self::F64,
            _ => return None,
        })
    }

    const fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::I16 => 2,
            Self::I32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::U8 => "bytes",
            Self::I8 => "signed bytes",
            Self::I16 => "16-bit integers",
            Self::I32 => "32-bit integers",
            Self::F32 => "32-bit floats",
            Self::F64 => "64-bit floats",
        }
    }
}

/// Does the name of a file say that it is an IDX file? `train-images-idx3-ubyte`, with or without
/// `.gz`, with a point or a dash before `idx3`, or just `.idx`.
pub(crate) fn is_idx(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.ends_with("-ubyte") || name.ends_with(".idx") || {
        let mut parts = name.split("idx").skip(1);
        parts.any(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    }
}

impl Idx {
    /// Opens a file and reads its header.
    pub(crate) fn open(input: Input) -> Result<Self, DataError> {
        let path = input.path().to_owned();
        let io =
            |error: std::io::Error| input.explain(DataError::io(&path, "read the file", &error));
        let (length, most) = (input.length(), input.most());
        if length == 0 {
            return Err(DataError::new(DataErrorKind::Empty, "the file is empty").file(&path));
        }
        let mut file = BufReader::with_capacity(1 << 17, input.clone());
        let packed = file.fill_buf().map_err(io)?.starts_with(&[0x1f, 0x8b]);
        let reader: Box<dyn Read> =
            if packed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
        let mut idx = Self {
            input,
            path,
            rows: 0,
            shape: None,
            element: Element::U8,
            dimensions: String::new(),
            reader,
            packed,
            done: 0,
        };
        idx.header()?;
        idx.believable(length, most)?;
        Ok(idx)
    }

    fn header(&mut self) -> Result<(), DataError> {
        let mut magic = [0; 4];
        let got = self.fill(&mut magic)?;
        let (element, count) = match magic {
            [0, 0, code, count] if got == 4 && count > 0 => match Element::of(code) {
                Some(element) => (element, count),
                None => return Err(self.no_idx(&magic[..got])),
            },
            _ => return Err(self.no_idx(&magic[..got])),
        };
        let mut sizes = vec![0; 4 * usize::from(count)];
        if self.fill(&mut sizes)? < sizes.len() {
            let message = format!("its header of {count} dimensions is cut off");
            return Err(self.damaged(message));
        }
        let (quads, _) = sizes.as_chunks::<4>();
        let sizes: Vec<usize> =
            quads.iter().map(|quad| u32::from_be_bytes(*quad) as usize).collect();
        self.dimensions = sizes.iter().map(usize::to_string).collect::<Vec<_>>().join(" × ");
        self.element = element;
        self.rows = sizes[0] as u64;
        self.shape = match sizes[1..] {
            [] => return Ok(()),
            [height, width] => Some(ImageShape { height, width, channels: 1 }),
            [height, width, channels @ (1 | 3)] => Some(ImageShape { height, width, channels }),
            _ => {
                return Err(
                    self.unsupported(format!("it has {count} dimensions, {}", self.dimensions))
                );
            }
        };
        if element != Element::U8 {
            return Err(self.unsupported(format!("its images are of {}", element.name())));
        }
        let most = MOST_PIXELS as usize;
        let size = sizes[1..].iter().try_fold(1_usize, |all, side| all.checked_mul(*side));
        if !size.is_some_and(|size| (1..=most).contains(&size)) {
            let message = format!(
                "images have from 1 to {most} pixels, and it holds {} bytes",
                self.dimensions
            );
            return Err(self.unsupported(message));
        }
        Ok(())
    }

    /// Bytes of a row.
    fn row_bytes(&self) -> usize {
        self.shape.map_or(self.element.bytes(), |shape| shape.size())
    }

    /// Can a file of this length hold what the header promises, and may it?
    fn believable(&self, length: u64, allowed: u64) -> Result<(), DataError> {
        let promised = self.rows.saturating_mul(self.row_bytes() as u64);
        let most = if self.packed { length.saturating_mul(PACKED) } else { length };
        if promised > most {
            return Err(self.cut_off(None));
        }
        let way_out = "unpack it and name the unpacked file";
        match self.packed && promised > allowed {
            true => Err(bound::exceeded(&self.path, length, allowed, way_out)),
            false => Ok(()),
        }
    }

    /// At most `rows` rows, fewer of large images; `None` at the end, which must be the file's.
    pub(crate) fn read(&mut self, rows: usize) -> Result<Option<Values>, DataError> {
        let size = self.row_bytes();
        let left = usize::try_from(self.rows - self.done).unwrap_or(usize::MAX);
        let rows = rows.min(CHUNK).min((CHUNK_PIXELS / size).max(1)).min(left);
        if rows == 0 {
            let mut more = [0];
            if self.fill(&mut more)? > 0 {
                let message = format!(
                    "it goes on behind the {} {} that its header promises",
                    self.dimensions,
                    self.element.name()
                );
                return Err(self.damaged(message));
            }
            return Ok(None);
        }
        let mut bytes = vec![0; rows * size];
        let got = self.fill(&mut bytes)?;
        if got < bytes.len() {
            return Err(self.cut_off(Some(self.done * size as u64 + got as u64)));
        }
        let first = self.done;
        self.done += rows as u64;
        match self.shape {
            Some(shape) => Ok(Some(Values::Image { shape, pixels: bytes })),
            None => self.numbers(&bytes, first).map(|numbers| Some(Values::Number(numbers))),
        }
    }

    fn numbers(&self, bytes: &[u8], first: u64) -> Result<Vec<f64>, DataError> {
        fn wide<const N: usize>(bytes: &[u8], read: impl Fn([u8; N]) -> f64) -> Vec<f64> {
            bytes.as_chunks::<N>().0.iter().map(|cell| read(*cell)).collect()
        }
        let numbers = match self.element {
            Element::U8 => wide(bytes, |[byte]| f64::from(byte)),
            Element::I8 => wide(bytes, |cell| f64::from(i8::from_be_bytes(cell))),
            Element::I16 => wide(bytes, |cell| f64::from(i16::from_be_bytes(cell))),
            Element::I32 => wide(bytes, |cell| f64::from(i32::from_be_bytes(cell))),
            Element::F32 => wide(bytes, |cell| f64::from(f32::from_be_bytes(cell))),
            Element::F64 => wide(bytes, f64::from_be_bytes),
        };
        match numbers.iter().position(|number| !number.is_finite()) {
            None => Ok(numbers),
            Some(row) => Err(DataError::new(
                DataErrorKind::NotFinite,
                format!("{} is not a finite number", numbers[row]),
            )
            .file(&self.path)
            .line(first + row as u64 + 1)),
        }
    }

    /// Are its numbers whole by their type?
    pub(crate) fn is_whole(&self) -> bool {
        self.shape.is_none() && !matches!(self.element, Element::F32 | Element::F64)
    }

    /// What it holds, in words.
    pub(crate) fn what(&self) -> String {
        match self.shape {
            Some(shape) => format!("images of {shape}"),
            None => "numbers".to_owned(),
        }
    }

    /// Fills a buffer as far as there are bytes.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, DataError> {
        let mut got = 0;
        while got < buffer.len() {
            match self.reader.read(&mut buffer[got..]) {
                Ok(0) => break,
                Ok(more) => got += more,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if self.packed && is_about_content(&error) => {
                    let error = self.damaged(format!("not a whole gzip file: {error}"));
                    return Err(self.input.explain(error));
                }
                Err(error) => {
                    let error = DataError::io(&self.path, "read the file", &error);
                    return Err(self.input.explain(error));
                }
            }
        }
        Ok(got)
    }

    fn no_idx(&self, begins: &[u8]) -> DataError {
        let begins: Vec<String> = begins.iter().map(|byte| format!("{byte:02x}")).collect();
        let message = format!(
            "not an IDX file: it begins with {}, and not with 00 00, a type (08 to 0e) and the number \
             of dimensions",
            begins.join(" ")
        );
        DataError::new(DataErrorKind::Damaged, message).file(&self.path).help(
            "IDX files of images begin with 00 00 08 03, those of labels with 00 00 08 01; is it another \
             file, or a page that was saved in its place?",
        )
    }

    fn unsupported(&self, message: String) -> DataError {
        DataError::new(DataErrorKind::Unsupported, message).file(&self.path).help(
            "one dimension is a column of numbers; images are bytes of three dimensions (rows × height × \
             width), or of four with 1 or 3 channels at the end",
        )
    }

    fn damaged(&self, message: String) -> DataError {
        DataError::new(DataErrorKind::Damaged, message)
            .file(&self.path)
            .help("was it cut off or changed while it was copied? get it again")
    }

    /// Fewer bytes than promised; how many, if it was counted.
    fn cut_off(&self, found: Option<u64>) -> DataError {
        let promised = self.rows.saturating_mul(self.row_bytes() as u64);
        let found = match found {
            Some(found) => format!("{found} are there"),
            None => "it is too short for them".to_owned(),
        };
        self.damaged(format!(
            "it is cut off: its header promises {} {} ({promised} bytes), and {found}",
            self.dimensions,
            self.element.name()
        ))
    }
}

/// Is it the packed bytes that are wrong, and not the disk?
fn is_about_content(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::UnexpectedEof | ErrorKind::InvalidData | ErrorKind::InvalidInput
    )
}
