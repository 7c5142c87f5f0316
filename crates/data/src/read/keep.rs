//! Pass-through columns of new rows: cells of a text file byte for byte, columns of Arrow and
//! Parquet files in their own type. They are copied, and not interpreted.

use arrow_array::{
    Array as _, ArrayRef, StringArray,
    cast::AsArray as _,
    types::{Float16Type, Float32Type, Float64Type},
};
use arrow_cast::{
    cast,
    display::{ArrayFormatter, FormatOptions},
};
use arrow_schema::{ArrowError, DataType, Field, FieldRef};

use crate::{Column, DataError, DataErrorKind};

/// Some rows of a column that is copied.
#[derive(Debug, Clone)]
pub struct KeptColumn {
    /// The column's name.
    pub name: String,
    pub(crate) cells: Cells,
}

#[derive(Debug, Clone)]
pub(crate) enum Cells {
    /// Of a text file.
    Bytes(Vec<Vec<u8>>),
    /// Of an Arrow or Parquet file, with the column's type, nullability and metadata.
    Array(FieldRef, ArrayRef),
    /// Of an IDX file.
    Column(Column),
}

impl KeptColumn {
    /// Rows.
    pub fn rows(&self) -> usize {
        match &self.cells {
            Cells::Bytes(cells) => cells.len(),
            Cells::Array(_, array) => array.len(),
            Cells::Column(column) => column.len(),
        }
    }

    /// The cells as a text file has them.
    pub(crate) fn texts(&self) -> Result<Vec<Vec<u8>>, ArrowError> {
        Ok(match &self.cells {
            Cells::Bytes(cells) => cells.clone(),
            Cells::Array(_, array) => array_texts(array)?,
            Cells::Column(column) => (0..column.len())
                .map(|row| column.text(row).unwrap_or_default().into_bytes())
                .collect(),
        })
    }

    /// The cells as an Arrow column. `flat` unpacks dictionaries.
    pub(crate) fn array(&self, flat: bool) -> Result<(FieldRef, ArrayRef), DataError> {
        match &self.cells {
            Cells::Bytes(cells) => {
                let text = |cell: &Vec<u8>| {
                    String::from_utf8(cell.clone()).map_err(|_| {
                        DataError::new(DataErrorKind::NotUtf8, "the text is not UTF-8")
                            .column(&self.name, None)
                            .help("only a text file can hold it as it is: write to .csv")
                    })
                };
                let texts: Vec<String> = cells.iter().map(text).collect::<Result<_, _>>()?;
                let field = Field::new(&self.name, DataType::Utf8, true);
                Ok((field.into(), std::sync::Arc::new(StringArray::from(texts))))
            }
            Cells::Array(field, array) => match array.data_type() {
                DataType::Dictionary(_, inner) if flat => {
                    let array = cast(array, inner).map_err(|error| self.fault(&error))?;
                    let field = field.as_ref().clone().with_data_type(array.data_type().clone());
                    Ok((field.into(), array))
                }
                _ => Ok((field.clone(), array.clone())),
            },
            Cells::Column(column) => {
                let table = crate::Table {
                    columns: vec![std::sync::Arc::new(column.clone())],
                    rows: column.len(),
                };
                let field = crate::object::schema(&table).field(0).clone();
                let levels = crate::object::levels(column);
                let array = crate::object::array(column, levels.as_ref(), 0..column.len());
                Ok((field.into(), array.map_err(|error| self.fault(&error))?))
            }
        }
    }

    fn fault(&self, error: &ArrowError) -> DataError {
        DataError::new(DataErrorKind::Unsupported, error.to_string()).column(&self.name, None)
    }
}

/// The texts of an array's values; a null is empty.
fn array_texts(array: &ArrayRef) -> Result<Vec<Vec<u8>>, ArrowError> {
    // Rust writes the shortest number that reads back as the same one, and whole ones without `.0`.
    macro_rules! floats {
        ($kind:ty) => {
            Ok(array
                .as_primitive::<$kind>()
                .iter()
                .map(|value| value.map_or_else(Vec::new, |v| v.to_string().into_bytes()))
                .collect())
        };
    }
    match array.data_type() {
        DataType::Float16 => return floats!(Float16Type),
        DataType::Float32 => return floats!(Float32Type),
        DataType::Float64 => return floats!(Float64Type),
        _ => {}
    }
    let options = FormatOptions::default()
        .with_null("")
        .with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.f"))
        .with_datetime_format(Some("%Y-%m-%d %H:%M:%S%.f"));
    let formatter = ArrayFormatter::try_new(array.as_ref(), &options)?;
    (0..array.len()).map(|row| Ok(formatter.value(row).try_to_string()?.into_bytes())).collect()
}
