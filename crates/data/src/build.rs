//! Column builders: columns put together from chunks, with the least memory.

use std::sync::Arc;

use collegium_manifest::{ColumnType, ImageShape};

use crate::{
    Column, MISSING_BOOLEAN, MISSING_CODE, MISSING_TIME, Table, Values,
    cast::{Interner, Why, boolean},
    read::Style,
};

/// A column that grows.
#[derive(Debug)]
pub(crate) enum Builder {
    Number(Vec<f64>),
    Boolean(Vec<u8>),
    Category(Vec<u32>, Interner),
    Time(Vec<i64>),
    Image(ImageShape, Vec<u8>),
}

impl Builder {
    /// An empty column of no images, with room for some rows.
    pub(crate) fn new(kind: ColumnType, rows: usize) -> Self {
        match kind {
            ColumnType::Number => Self::Number(Vec::with_capacity(rows)),
            ColumnType::Boolean => Self::Boolean(Vec::with_capacity(rows)),
            ColumnType::Category => Self::Category(Vec::with_capacity(rows), Interner::default()),
            ColumnType::Time => Self::Time(Vec::with_capacity(rows)),
            ColumnType::Image => unreachable!("no file's type is an image: see `Builder::image`"),
        }
    }

    /// An empty column of images with room for some.
    pub(crate) fn image(shape: ImageShape, rows: usize) -> Self {
        Self::Image(shape, Vec::with_capacity(rows * shape.size()))
    }

    /// The type.
    pub(crate) fn kind(&self) -> ColumnType {
        match self {
            Self::Number(_) => ColumnType::Number,
            Self::Boolean(_) => ColumnType::Boolean,
            Self::Category(..) => ColumnType::Category,
            Self::Time(_) => ColumnType::Time,
            Self::Image(..) => ColumnType::Image,
        }
    }

    /// One more missing value.
    pub(crate) fn missing(&mut self) {
        match self {
            Self::Number(values) => values.push(f64::NAN),
            Self::Boolean(values) => values.push(MISSING_BOOLEAN),
            Self::Category(codes, _) => codes.push(MISSING_CODE),
            Self::Time(values) => values.push(MISSING_TIME),
            Self::Image(..) => unreachable!("an image is never missing"),
        }
    }

    /// One more value, from its text.
    pub(crate) fn text(&mut self, text: &str, style: &Style) -> Result<(), Why> {
        match self {
            Self::Number(values) => values.push(style.number(text)?),
            Self::Boolean(values) => values.push(boolean(text).ok_or(Why::Wrong)?),
            Self::Category(codes, levels) => codes.push(levels.code(text)),
            Self::Time(values) => values.push(style.time(text).ok_or(Why::Wrong)?),
            Self::Image(..) => return Err(Why::Wrong),
        }
        Ok(())
    }

    /// All values of a chunk, which must be of the same type.
    pub(crate) fn append(&mut self, values: &Values) {
        match (self, values) {
            (Self::Number(to), Values::Number(from)) => to.extend_from_slice(from),
            (Self::Boolean(to), Values::Boolean(from)) => to.extend_from_slice(from),
            (Self::Time(to), Values::Time(from)) => to.extend_from_slice(from),
            (Self::Image(to_shape, to), Values::Image { shape, pixels }) if to_shape == shape => {
                to.extend_from_slice(pixels);
            }
            (Self::Category(to, known), Values::Category { codes, levels }) => {
                // A text gets its code where a row first has it, whatever the chunk's own order.
                let mut renamed = vec![MISSING_CODE; levels.len()];
                to.extend(codes.iter().map(|&code| match renamed.get_mut(code as usize) {
                    None => MISSING_CODE,
                    Some(new) => {
                        if *new == MISSING_CODE {
                            *new = known.code(&levels[code as usize]);
                        }
                        *new
                    }
                }));
            }
            _ => unreachable!("the chunks of a table agree in their types"),
        }
    }

    /// The finished values.
    pub(crate) fn finish(self) -> Values {
        match self {
            Self::Number(mut values) => {
                values.shrink_to_fit();
                Values::Number(values)
            }
            Self::Boolean(mut values) => {
                values.shrink_to_fit();
                Values::Boolean(values)
            }
            Self::Category(mut codes, levels) => {
                codes.shrink_to_fit();
                Values::Category { codes, levels: levels.into_levels() }
            }
            Self::Time(mut values) => {
                values.shrink_to_fit();
                Values::Time(values)
            }
            Self::Image(shape, mut pixels) => {
                pixels.shrink_to_fit();
                Values::Image { shape, pixels }
            }
        }
    }
}

/// A table of finished columns.
pub(crate) fn table(columns: impl IntoIterator<Item = (String, Values)>, rows: usize) -> Table {
    let columns =
        columns.into_iter().map(|(name, values)| Arc::new(Column::new(name, values))).collect();
    Table { columns, rows }
}
