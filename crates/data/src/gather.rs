//! Image columns from pixel columns: tables in which each pixel of an image is a column.
//!
//! Tables of pixels hold a number for each, in a range of their own (0 to 16, 0 to 1), eight bytes wide
//! once read. Here they become bytes, chunk by chunk, so that a table never stands in memory as numbers
//! unless a query made it. A value is kept as the nearest of 256 steps of its range: what was written in
//! so many steps or fewer keeps its order.

use std::{collections::BTreeSet, sync::Arc};

use collegium_manifest::{
    ColumnType, DataSource, GatheredImage, ImageShape, PixelColumns, Spanned,
};

use crate::{Column, DataError, DataErrorKind, Table, Values, error::choices, number_text};

/// An image and the columns of its pixels, as found in a table.
#[derive(Debug, Clone)]
pub(crate) struct Gather {
    pub(crate) name: String,
    pub(crate) shape: ImageShape,
    pub(crate) scale: f64,
    /// In the order row, column, channel.
    pub(crate) columns: Vec<String>,
}

/// A value that is no pixel; the caller adds the file.
#[derive(Debug)]
pub(crate) struct Odd {
    /// Row of the chunk.
    pub(crate) row: usize,
    pub(crate) column: String,
    pub(crate) error: DataError,
}

/// The images of a data source, given the columns of its table.
pub(crate) fn find(
    source: &DataSource,
    columns: &[(String, ColumnType)],
) -> Result<Vec<Gather>, DataError> {
    let mut gathers = Vec::with_capacity(source.images.len());
    for (name, image) in &source.images {
        let gather = Gather::find(name, image, columns).map_err(|e| e.at(&image.columns))?;
        gathers.push(gather);
    }
    let gone: BTreeSet<&String> = gathers.iter().flat_map(|gather| &gather.columns).collect();
    for (name, image) in &source.images {
        let taken = |(column, _): &(String, ColumnType)| {
            column.eq_ignore_ascii_case(name) && !gone.contains(column)
        };
        if columns.iter().any(taken) {
            let message = format!("`images` makes a column `{name}`, which exists already");
            return Err(DataError::new(DataErrorKind::DuplicateColumn, message)
                .at(&image.columns)
                .help("choose another name"));
        }
    }
    Ok(gathers)
}

/// The table with its images: they stand behind the other columns, and their pixels' columns are gone.
pub(crate) fn gather(gathers: &[Gather], table: &Table) -> Result<Table, Odd> {
    let gone: BTreeSet<&String> = gathers.iter().flat_map(|gather| &gather.columns).collect();
    let kept = table.columns.iter().filter(|column| !gone.contains(&column.name));
    let mut columns: Vec<Arc<Column>> = kept.cloned().collect();
    for gather in gathers {
        columns.push(Arc::new(Column::new(&gather.name, gather.pixels(table)?)));
    }
    Ok(Table { columns, rows: table.rows })
}

impl Gather {
    fn find(
        name: &str,
        image: &GatheredImage,
        columns: &[(String, ColumnType)],
    ) -> Result<Self, DataError> {
        let names: Vec<String> = match image.columns.get_ref() {
            PixelColumns::Pattern(pattern) => matched(pattern, columns)?,
            PixelColumns::List(list) => {
                for column in list {
                    known(column, columns)?;
                }
                list.iter().map(|column| column.get_ref().clone()).collect()
            }
        };
        let shape = image.shape;
        if names.len() != shape.size() {
            let message = format!(
                "the image `{name}` of {shape} has {} pixels, and {} columns are named for them",
                shape.size(),
                names.len()
            );
            let found = DataError::new(DataErrorKind::Image, message);
            return Err(match (names.first(), names.last()) {
                (Some(first), Some(last)) => found.help(format!(
                    "they go from `{first}` to `{last}`: is it another shape, or does the pattern \
                     match too little or too much? a list of names is exact"
                )),
                _ => found,
            });
        }
        for (column, kind) in columns.iter().filter(|(column, _)| names.contains(column)) {
            if *kind != ColumnType::Number {
                let message = format!("it is a {} and cannot be a pixel", kind.name());
                return Err(DataError::new(DataErrorKind::Image, message)
                    .column(column, None)
                    .help("pixels are numbers: correct its values, or leave it out of `columns`"));
            }
        }
        Ok(Self { name: name.to_owned(), shape, scale: image.scale, columns: names })
    }

    /// The images of all rows.
    fn pixels(&self, table: &Table) -> Result<Values, Odd> {
        let size = self.shape.size();
        let mut pixels = vec![0; table.rows * size];
        for (place, name) in self.columns.iter().enumerate() {
            let Some(column) = table.column(name) else {
                let error = DataError::new(DataErrorKind::UnknownColumn, "there is no such column");
                return Err(Odd { row: 0, column: name.clone(), error });
            };
            let Values::Number(values) = &column.values else {
                let error = DataError::new(DataErrorKind::Image, "it holds no numbers");
                return Err(Odd { row: 0, column: name.clone(), error });
            };
            let cells = pixels.iter_mut().skip(place).step_by(size);
            for (row, (value, cell)) in values.iter().zip(cells).enumerate() {
                if !(0.0..=self.scale).contains(value) {
                    let error = self.refuse(*value);
                    return Err(Odd { row, column: name.clone(), error });
                }
                *cell = (value / self.scale * 255.0).round() as u8;
            }
        }
        Ok(Values::Image { shape: self.shape, pixels })
    }

    fn refuse(&self, value: f64) -> DataError {
        if value.is_nan() {
            return DataError::new(
                DataErrorKind::Image,
                format!("a pixel of the image `{}` is missing", self.name),
            )
            .help(
                "images are whole: leave the row out or fill it in `query`, e.g. with COALESCE(…, 0)",
            );
        }
        let message = format!(
            "{} is no pixel of the image `{}`, whose pixels go from 0 to {}",
            number_text(value),
            self.name,
            number_text(self.scale)
        );
        DataError::new(DataErrorKind::Image, message)
            .help("`scale` is the number that means full brightness")
    }
}

fn matched(pattern: &str, columns: &[(String, ColumnType)]) -> Result<Vec<String>, DataError> {
    let unfit = |message: String| DataError::new(DataErrorKind::UnknownColumn, message);
    let glob = glob::Pattern::new(pattern)
        .map_err(|error| unfit(format!("`{pattern}` is not a pattern: {}", error.msg)))?;
    let matching = columns.iter().filter(|(name, _)| glob.matches(name));
    let names: Vec<String> = matching.map(|(name, _)| name.clone()).collect();
    if names.is_empty() {
        let known = columns.iter().map(|(name, _)| name.as_str());
        return Err(unfit(format!("no column matches `{pattern}`")).maybe_help(choices(
            "",
            known,
            "the columns are",
        )));
    }
    Ok(names)
}

fn known(column: &Spanned<String>, columns: &[(String, ColumnType)]) -> Result<(), DataError> {
    let name = column.get_ref();
    if columns.iter().any(|(known, _)| known == name) {
        return Ok(());
    }
    let message = format!("`images` names a column `{name}` that does not exist");
    let known = columns.iter().map(|(name, _)| name.as_str());
    Err(DataError::new(DataErrorKind::UnknownColumn, message).at(column).maybe_help(choices(
        name,
        known,
        "the columns are",
    )))
}
