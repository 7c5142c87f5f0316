//! A typed column: its values, what "missing" means in them, and its content hash.

use collegium_digest::{Digest, Hasher};

use crate::{ColumnType, ImageShape, time};

/// The code of a missing category.
pub const MISSING_CODE: u32 = u32::MAX;
/// The value of a missing boolean.
pub const MISSING_BOOLEAN: u8 = 2;
/// The value of a missing time.
pub const MISSING_TIME: i64 = i64::MIN;

/// Rows that are hashed at once; part of the definition of [`Column::digest`].
const RUN: usize = 4096;

/// A named column of one type.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// As references spell it.
    pub name: String,
    /// One value per row.
    pub values: Values,
}

/// The values of a column.
#[derive(Debug, Clone)]
pub enum Values {
    /// Finite numbers; NaN is a missing value, infinities never occur.
    Number(Vec<f64>),
    /// 0 and 1; 2 is a missing value.
    Boolean(Vec<u8>),
    /// Texts, as positions in a list of distinct texts.
    Category {
        /// Position in `levels`; `u32::MAX` is a missing value.
        codes: Vec<u32>,
        /// The distinct texts, in no particular order; some may not occur.
        levels: Vec<String>,
    },
    /// Microseconds since 1970-01-01 00:00 UTC; `i64::MIN` is a missing value.
    Time(Vec<i64>),
    /// Images of one shape; none is missing.
    Image {
        /// The shape of each.
        shape: ImageShape,
        /// Brightness from 0 to 255: image behind image, in each by row, column, channel.
        pixels: Vec<u8>,
    },
}

/// Missing numbers are equal here, as missing values of the other types are.
impl PartialEq for Values {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => {
                a.len() == b.len()
                    && a.iter().zip(b).all(|(a, b)| a == b || a.is_nan() && b.is_nan())
            }
            (Self::Boolean(a), Self::Boolean(b)) => a == b,
            (
                Self::Category { codes: a, levels: texts_a },
                Self::Category { codes: b, levels: texts_b },
            ) => a == b && texts_a == texts_b,
            (Self::Time(a), Self::Time(b)) => a == b,
            (Self::Image { shape: a, pixels: x }, Self::Image { shape: b, pixels: y }) => {
                a == b && x == y
            }
            _ => false,
        }
    }
}

impl Values {
    /// The type.
    pub fn kind(&self) -> ColumnType {
        match self {
            Self::Number(_) => ColumnType::Number,
            Self::Boolean(_) => ColumnType::Boolean,
            Self::Category { .. } => ColumnType::Category,
            Self::Time(_) => ColumnType::Time,
            Self::Image { .. } => ColumnType::Image,
        }
    }

    /// Rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Number(values) => values.len(),
            Self::Boolean(values) => values.len(),
            Self::Category { codes, .. } => codes.len(),
            Self::Time(values) => values.len(),
            Self::Image { shape, pixels } => pixels.len() / shape.size().max(1),
        }
    }

    /// No rows?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The shape of the images, if these are images.
    pub fn shape(&self) -> Option<ImageShape> {
        match self {
            Self::Image { shape, .. } => Some(*shape),
            _ => None,
        }
    }

    /// Is the value of this row missing?
    pub fn is_missing(&self, row: usize) -> bool {
        match self {
            Self::Number(values) => values[row].is_nan(),
            Self::Boolean(values) => values[row] > 1,
            Self::Category { codes, .. } => codes[row] == MISSING_CODE,
            Self::Time(values) => values[row] == MISSING_TIME,
            Self::Image { .. } => false,
        }
    }
}

impl Column {
    /// A column.
    pub fn new(name: impl Into<String>, values: Values) -> Self {
        Self { name: name.into(), values }
    }

    /// Its type.
    pub fn kind(&self) -> ColumnType {
        self.values.kind()
    }

    /// Rows.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// No rows?
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Is the value of this row missing?
    ///
    /// # Panics
    /// If there is no such row.
    pub fn is_missing(&self, row: usize) -> bool {
        self.values.is_missing(row)
    }

    /// The canonical text of a value: the shortest decimal that reads back as the same number,
    /// `true`/`false`, the category's text, an ISO date or date with time, the pixels of an image as
    /// hexadecimal digits; `None` when missing.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn text(&self, row: usize) -> Option<String> {
        if self.is_missing(row) {
            return None;
        }
        Some(match &self.values {
            Values::Number(values) => number_text(values[row]),
            Values::Boolean(values) => (values[row] == 1).to_string(),
            Values::Category { codes, levels } => levels[codes[row] as usize].clone(),
            Values::Time(values) => time::text(values[row]),
            Values::Image { shape, pixels } => {
                image(*shape, pixels, row).iter().map(|pixel| format!("{pixel:02x}")).collect()
            }
        })
    }

    /// Bytes of the values, level texts included.
    pub fn bytes(&self) -> u64 {
        let bytes = match &self.values {
            Values::Number(values) => 8 * values.len(),
            Values::Boolean(values) => values.len(),
            Values::Category { codes, levels } => {
                4 * codes.len() + levels.iter().map(|level| level.len() + 24).sum::<usize>()
            }
            Values::Time(values) => 8 * values.len(),
            Values::Image { pixels, .. } => pixels.len(),
        };
        bytes as u64
    }

    /// The digest of the column's content on `rows`, in that order: type and values, not the name.
    /// Categories count by their texts, so neither codes nor levels that do not occur in `rows`
    /// matter; `-0` is `0` and every missing number is the same. Images count with their shape.
    ///
    /// # Panics
    /// If one of the rows does not exist.
    pub fn digest(&self, rows: &[u32]) -> Digest {
        let mut hasher = Hasher::new("column");
        hasher.text(self.kind().name()).list(rows.len());
        match &self.values {
            Values::Number(values) => {
                fixed(&mut hasher, rows, |row| canonical_bits(values[row]).to_le_bytes());
            }
            Values::Boolean(values) => fixed(&mut hasher, rows, |row| [values[row].min(2)]),
            Values::Time(values) => fixed(&mut hasher, rows, |row| values[row].to_le_bytes()),
            Values::Image { shape, pixels } => {
                for side in [shape.height, shape.width, shape.channels] {
                    hasher.count(side as u64);
                }
                for &row in rows {
                    hasher.bytes(image(*shape, pixels, row as usize));
                }
            }
            Values::Category { codes, levels } => {
                // Codes are dealt out anew, in the order in which the levels first occur.
                let mut renamed = vec![MISSING_CODE; levels.len()];
                let mut order = Vec::new();
                fixed(&mut hasher, rows, |row| {
                    let code = codes[row];
                    if code == MISSING_CODE {
                        return code.to_le_bytes();
                    }
                    let new = &mut renamed[code as usize];
                    if *new == MISSING_CODE {
                        *new = order.len() as u32;
                        order.push(code);
                    }
                    new.to_le_bytes()
                });
                hasher.list(order.len());
                for code in order {
                    hasher.text(&levels[code as usize]);
                }
            }
        }
        hasher.finish()
    }
}

/// The pixels of image `row`, by row, column and channel.
///
/// # Panics
/// If there is no such image.
pub fn image(shape: ImageShape, pixels: &[u8], row: usize) -> &[u8] {
    &pixels[row * shape.size()..(row + 1) * shape.size()]
}

/// Hashes values of a fixed size in runs of [`RUN`] rows.
fn fixed<const N: usize>(
    hasher: &mut Hasher,
    rows: &[u32],
    mut bytes_of: impl FnMut(usize) -> [u8; N],
) {
    let mut buffer = Vec::with_capacity(RUN * N);
    for run in rows.chunks(RUN) {
        buffer.clear();
        for &row in run {
            buffer.extend_from_slice(&bytes_of(row as usize));
        }
        hasher.bytes(&buffer);
    }
}

/// The bits of a number for hashing: one NaN, one zero.
pub fn canonical_bits(value: f64) -> u64 {
    if value.is_nan() { f64::NAN.to_bits() } else { (value + 0.0).to_bits() }
}

/// The shortest decimal text of a number; whole numbers without a point.
pub fn number_text(value: f64) -> String {
    (value + 0.0).to_string()
}
