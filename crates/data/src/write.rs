//! Writer of predictions: the output file gets its name only when it is complete.

use std::{
    fs::File,
    io::BufWriter,
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow_array::{Array as _, ArrayRef, RecordBatch};
use arrow_cast::cast;
use arrow_ipc::writer::FileWriter;
use arrow_schema::{ArrowError, DataType, FieldRef, Schema};
use collegium_store::{OutputFile, StoreError};
use parquet::{arrow::ArrowWriter, basic::Compression, file::properties::WriterProperties};

use crate::{
    Column, DataError, DataErrorKind, Table, object,
    read::{Format, KeptColumn, format},
};

/// Writes columns to a CSV, TSV, Parquet or Arrow file, chunk by chunk. The rows are put together apart
/// (see [`OutputFile`]) and get their place in [`RowWriter::finish`]; a writer that is dropped before leaves
/// nothing behind and the target as it was.
pub struct RowWriter {
    path: PathBuf,
    file: OutputFile,
    to: To,
    names: Option<Vec<String>>,
    rows: u64,
}

enum To {
    Text(Box<csv::Writer<BufWriter<File>>>),
    /// Begun with the first chunk, which tells the types.
    Parquet(Option<Box<ArrowWriter<File>>>),
    /// So too.
    Arrow(Option<Box<FileWriter<BufWriter<File>>>>),
}

impl RowWriter {
    /// A writer to `path`, in the format that its extension names: `.csv`, `.tsv`, `.parquet`, or
    /// `.arrow`, `.feather` and `.ipc` for Arrow files.
    ///
    /// # Errors
    /// For another extension, or if nothing can be written there.
    pub fn create(path: &Path) -> Result<Self, DataError> {
        Self::create_as(path, None)
    }

    /// The same in the format that this extension names, for a place whose name tells none.
    ///
    /// # Errors
    /// As [`RowWriter::create`].
    pub fn create_as(path: &Path, extension: Option<&str>) -> Result<Self, DataError> {
        let told = extension.map(|extension| Path::new("rows").with_extension(extension));
        let told = told.as_deref().unwrap_or(path);
        let extension = told.extension().and_then(|e| e.to_str()).unwrap_or_default();
        let unknown = || {
            let message = format!("rows cannot be written as `.{extension}`");
            DataError::new(DataErrorKind::UnknownFormat, message)
                .file(path)
                .help("name the output .csv, .tsv, .parquet or .arrow")
        };
        // What is read packed is not written so.
        let packed = ["gz", "zst"].iter().any(|known| extension.eq_ignore_ascii_case(known));
        let format = format(told).ok().filter(|_| !packed).ok_or_else(unknown)?;
        let io = |error: std::io::Error| unwritten(path, &error);
        let file = OutputFile::create(path)?;
        let to = match format {
            Format::Csv(delimiter) => {
                let out = BufWriter::with_capacity(1 << 17, file.file().try_clone().map_err(io)?);
                To::Text(Box::new(csv::WriterBuilder::new().delimiter(delimiter).from_writer(out)))
            }
            Format::Parquet => To::Parquet(None),
            Format::Ipc => To::Arrow(None),
        };
        Ok(Self { path: path.to_owned(), file, to, names: None, rows: 0 })
    }

    /// Adds rows. Every call has the same columns.
    ///
    /// # Errors
    /// If the columns differ from those before or in length, or the disk is full.
    pub fn write(&mut self, columns: &[Column]) -> Result<(), DataError> {
        self.write_beside(&[], columns)
    }

    /// Adds rows: columns that are copied as they are, and columns beside them.
    ///
    /// # Errors
    /// As [`RowWriter::write`]; also if the format cannot hold a cell as it is.
    pub fn write_beside(
        &mut self,
        kept: &[KeptColumn],
        columns: &[Column],
    ) -> Result<(), DataError> {
        let names: Vec<String> = kept
            .iter()
            .map(|kept| kept.name.clone())
            .chain(columns.iter().map(|column| column.name.clone()))
            .collect();
        let rows = kept
            .first()
            .map(KeptColumn::rows)
            .or_else(|| columns.first().map(Column::len))
            .unwrap_or_default();
        let fault =
            |message: &str| DataError::new(DataErrorKind::Disagree, message).file(&self.path);
        if columns.iter().any(|column| column.len() != rows)
            || kept.iter().any(|column| column.rows() != rows)
        {
            return Err(fault("columns of different lengths cannot be written"));
        }
        let first = self.names.is_none();
        if self.names.get_or_insert_with(|| names.clone()) != &names {
            return Err(fault("the columns differ from those written before"));
        }
        self.rows += rows as u64;
        if let To::Text(writer) = &mut self.to {
            let texts: Vec<Vec<Vec<u8>>> = kept
                .iter()
                .map(KeptColumn::texts)
                .collect::<Result<_, _>>()
                .map_err(|error| arrow_fault(&self.path, &error))?;
            let done = write_text(writer, first.then_some(&names[..]), &texts, columns, rows);
            return done.map_err(|error| text_fault(&self.path, error));
        }
        let flat = matches!(self.to, To::Arrow(_));
        let kept: Vec<(FieldRef, ArrayRef)> = kept
            .iter()
            .map(|kept| kept.array(flat))
            .collect::<Result<_, _>>()
            .map_err(|error| error.file(&self.path))?;
        let done = batch(kept, columns, rows, flat)
            .and_then(|batch| write_batch(&self.file, &mut self.to, &batch));
        done.map_err(|error| arrow_fault(&self.path, &error))
    }

    /// Rows that were written so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Completes the file and gives it its name.
    ///
    /// # Errors
    /// If it cannot be written or renamed; then the target is as it was.
    pub fn finish(self) -> Result<(), DataError> {
        self.whole()?.named()
    }

    /// Makes the file whole, without giving it its name yet.
    ///
    /// # Errors
    /// If it cannot be written; then the target is as it was.
    pub fn whole(self) -> Result<WholeRows, DataError> {
        let path = self.path;
        let io = |error: std::io::Error| unwritten(&path, &error);
        match self.to {
            To::Text(mut writer) => writer.flush().map_err(io)?,
            To::Parquet(Some(writer)) => {
                writer.close().map_err(|error| arrow_fault(&path, &error.into()))?;
            }
            To::Arrow(Some(writer)) => {
                let out = writer.into_inner().map_err(|error| arrow_fault(&path, &error))?;
                out.into_inner().map_err(|error| io(error.into_error()))?;
            }
            To::Parquet(None) | To::Arrow(None) => {
                return Err(
                    DataError::new(DataErrorKind::Empty, "there is nothing to write").file(&path)
                );
            }
        }
        self.file.sync()?;
        Ok(WholeRows { file: self.file })
    }
}

/// Rows that are written and do not have their place yet; dropped, they leave nothing behind.
pub struct WholeRows {
    file: OutputFile,
}

impl WholeRows {
    /// Where the rows are now, to be read; `None` if they go to a pipe or a device, which nothing can lie
    /// beside.
    pub fn temporary(&self) -> Option<&Path> {
        self.file.path()
    }

    /// Writes a file that belongs to the rows, whole or not at all. What has to be there before
    /// anybody can see the rows is written before [`WholeRows::named`].
    ///
    /// # Errors
    /// If it cannot be written; then it is as it was.
    pub fn beside(&self, path: &Path, bytes: &[u8]) -> Result<(), DataError> {
        Ok(OutputFile::beside(path)?.save(bytes)?)
    }

    /// Gives the rows their place.
    ///
    /// # Errors
    /// If they cannot be renamed; then the target is as it was.
    pub fn named(self) -> Result<(), DataError> {
        Ok(self.file.finish()?)
    }
}

fn write_text(
    writer: &mut csv::Writer<BufWriter<File>>,
    header: Option<&[String]>,
    kept: &[Vec<Vec<u8>>],
    columns: &[Column],
    rows: usize,
) -> Result<(), csv::Error> {
    if let Some(header) = header {
        writer.write_record(header)?;
    }
    for row in 0..rows {
        for cells in kept {
            writer.write_field(&cells[row])?;
        }
        for column in columns {
            writer.write_field(column.text(row).unwrap_or_default())?;
        }
        writer.write_record(None::<&[u8]>)?;
    }
    Ok(())
}

/// Rows as Arrow has them. `flat` unpacks dictionaries, which an Arrow file may not exchange midway.
fn batch(
    kept: Vec<(FieldRef, ArrayRef)>,
    columns: &[Column],
    rows: usize,
    flat: bool,
) -> Result<RecordBatch, ArrowError> {
    let table = Table { columns: columns.iter().cloned().map(Arc::new).collect(), rows };
    let own = object::schema(&table);
    let (mut fields, mut arrays): (Vec<FieldRef>, Vec<ArrayRef>) = kept.into_iter().unzip();
    for (field, column) in own.fields().iter().zip(columns) {
        let array = object::array(column, object::levels(column).as_ref(), 0..rows)?;
        match array.data_type() {
            DataType::Dictionary(_, inner) if flat => {
                fields.push(field.as_ref().clone().with_data_type(inner.as_ref().clone()).into());
                arrays.push(cast(&array, inner)?);
            }
            _ => {
                fields.push(field.clone());
                arrays.push(array);
            }
        }
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
}

/// Writes rows to a file of Arrow's or Parquet's, which begins with them if they are the first.
fn write_batch(file: &OutputFile, to: &mut To, batch: &RecordBatch) -> Result<(), ArrowError> {
    match to {
        To::Parquet(writer) => {
            if writer.is_none() {
                let properties =
                    WriterProperties::builder().set_compression(Compression::SNAPPY).build();
                let file = file.file().try_clone()?;
                let new = ArrowWriter::try_new(file, batch.schema(), Some(properties))?;
                *writer = Some(Box::new(new));
            }
            match writer {
                Some(writer) => writer.write(batch).map_err(ArrowError::from),
                None => Ok(()),
            }
        }
        To::Arrow(writer) => {
            if writer.is_none() {
                let out = BufWriter::with_capacity(1 << 17, file.file().try_clone()?);
                *writer = Some(Box::new(FileWriter::try_new(out, &batch.schema())?));
            }
            match writer {
                Some(writer) => writer.write(batch),
                None => Ok(()),
            }
        }
        To::Text(_) => Ok(()),
    }
}

/// The rows cannot be written: nothing is wrong with them.
fn unwritten(path: &Path, error: &dyn std::fmt::Display) -> DataError {
    let message = format!("{error}. Free some space, or choose another place, and run again");
    StoreError::Output { path: path.to_owned(), message }.into()
}

fn text_fault(path: &Path, error: csv::Error) -> DataError {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => unwritten(path, &error),
        other => unwritten(path, &format!("{other:?}")),
    }
}

fn arrow_fault(path: &Path, error: &ArrowError) -> DataError {
    match error {
        ArrowError::IoError(..) | ArrowError::ParquetError(_) => unwritten(path, error),
        _ => {
            DataError::new(DataErrorKind::Io, format!("cannot write the file: {error}")).file(path)
        }
    }
}
