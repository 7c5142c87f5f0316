//! Column types, and shapes of images.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnType {
    /// A finite 64-bit float.
    Number,
    /// True or false.
    Boolean,
    /// One of a set of texts.
    Category,
    /// A date or a date with a time, without a zone or in UTC.
    Time,
    /// An image of 8-bit pixels, all of one shape. No key of the file asks for it: it comes of IDX
    /// files, or of `images`.
    #[schemars(skip)]
    Image,
}

impl ColumnType {
    /// The name in files, recipes and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Category => "category",
            Self::Time => "time",
            Self::Image => "image",
        }
    }
}

/// The shape of all images of a column. A pixel's numbers lie in the order row, column, channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageShape {
    /// Rows of pixels, at least 1.
    pub height: usize,
    /// Pixels of a row, at least 1.
    pub width: usize,
    /// Numbers of a pixel: 1 (grey) or 3 (red, green, blue).
    pub channels: usize,
}

impl ImageShape {
    /// Numbers of one image, a byte each: height · width · channels.
    pub const fn size(&self) -> usize {
        self.height * self.width * self.channels
    }
}

impl std::fmt::Display for ImageShape {
    /// `28 × 28`, `32 × 32 × 3`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} × {}", self.height, self.width)?;
        if self.channels > 1 {
            write!(f, " × {}", self.channels)?;
        }
        Ok(())
    }
}
