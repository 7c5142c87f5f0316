//! From patterns to files, and from extensions to formats.

use std::path::{Path, PathBuf};

use collegium_manifest::Spanned;
use collegium_records::PredictedBy;

use super::is_idx;
use crate::{DataError, DataErrorKind};

/// What a file is, by its extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Text with a header, and this byte between fields.
    Csv(u8),
    Parquet,
    /// Arrow's file or stream format.
    Ipc,
}

impl Format {
    /// For recipes: the same bytes under another format are another table.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Csv(b'\t') => "tsv",
            Self::Csv(_) => "csv",
            Self::Parquet => "parquet",
            Self::Ipc => "arrow",
        }
    }
}

/// The format of a file.
pub(crate) fn format(path: &Path) -> Result<Format, DataError> {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "csv" => Ok(Format::Csv(b',')),
        "tsv" => Ok(Format::Csv(b'\t')),
        "parquet" => Ok(Format::Parquet),
        "arrow" | "feather" | "ipc" => Ok(Format::Ipc),
        _ if is_idx(path) => Err(DataError::new(
            DataErrorKind::UnknownFormat,
            "an IDX file is one column and no table",
        )
        .file(path)
        .help(
            "name the columns of such files: `idx = { image = \"…-images-idx3-ubyte.gz\", label = \
             \"…-labels-idx1-ubyte.gz\" }`",
        )),
        _ => Err(DataError::new(
            DataErrorKind::UnknownFormat,
            format!("`.{extension}` is not the extension of a table"),
        )
        .file(path)
        .help("tables are read from .csv, .tsv, .parquet, .arrow, .feather and .ipc files")),
    }
}

/// The files that a pattern names, relative to `base`; `None` where there are none or it is no
/// pattern.
pub fn files_of(base: &Path, pattern: &str) -> Option<Vec<PathBuf>> {
    expand(base, &Spanned::new(0..0, pattern.to_owned())).ok()
}

/// The files that a pattern names, relative to `base`, sorted by path; never none. What lies beside a
/// table to say who made it is no table.
pub(crate) fn expand(base: &Path, pattern: &Spanned<String>) -> Result<Vec<PathBuf>, DataError> {
    let text = pattern.get_ref();
    let literal = base.join(text);
    if literal.is_file() {
        return Ok(vec![literal]);
    }
    if !text.contains(['*', '?', '[']) {
        let what =
            if literal.is_dir() { "is a folder, not a file" } else { "there is no such file" };
        let error = DataError::new(DataErrorKind::MissingFile, what).file(&literal).at(pattern);
        return Err(error.help(match literal.is_dir() {
            true => "name a file in it, or all of them by a pattern such as `*.parquet`".to_owned(),
            false => near_files(&literal),
        }));
    }
    let whole = if Path::new(text).is_absolute() {
        text.clone()
    } else {
        format!("{}/{text}", glob::Pattern::escape(&base.to_string_lossy()))
    };
    let invalid = |message: String| DataError::new(DataErrorKind::MissingFile, message).at(pattern);
    let paths = glob::glob(&whole)
        .map_err(|error| invalid(format!("`{text}` is not a valid pattern: {}", error.msg)))?;
    let mut files = Vec::new();
    for path in paths {
        let path = path.map_err(|error| {
            DataError::io(error.path(), "look for files", error.error()).at(pattern)
        })?;
        if path.is_file() && !PredictedBy::is_one(&path) {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(invalid(format!("no file matches `{text}`")).help(format!(
            "patterns are relative to the pipeline file's folder, {}",
            base.display()
        )));
    }
    Ok(files)
}

/// What there is instead of a missing file.
fn near_files(missing: &Path) -> String {
    let name = missing.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let there: Vec<String> = missing
        .parent()
        .and_then(|folder| folder.read_dir().ok())
        .map(|entries| {
            let mut names: Vec<String> = entries
                .flatten()
                .filter(|entry| format(&entry.path()).is_ok() || is_idx(&entry.path()))
                .map(|entry| entry.file_name().to_string_lossy().into_owned())
                .collect();
            names.sort();
            names
        })
        .unwrap_or_default();
    crate::error::choices(&name, there.iter().map(String::as_str), "tables in that folder")
        .unwrap_or_else(|| "paths are relative to the pipeline file's folder".to_owned())
}
