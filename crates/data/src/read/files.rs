//! File patterns (globs), and file formats by extension.

use std::path::{Component, Path, PathBuf};

use collegium_manifest::{Fence, Outside, Spanned, beginning};
use collegium_records::PredictedBy;

use super::{
    input::{no_file, refused},
    is_idx,
    source::unpacked,
};
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

/// What stands between the fields of a text file, where `read` does not say it.
pub(super) fn delimiter(path: &Path) -> u8 {
    match format(path) {
        Ok(Format::Csv(delimiter)) => delimiter,
        _ => b',',
    }
}

/// The format of a file. Text files may be packed: `.csv.gz`, `.tsv.zst`.
pub(crate) fn format(path: &Path) -> Result<Format, DataError> {
    let extension =
        |path: &Path| path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_lowercase();
    let unpacked = unpacked(path);
    let inner = extension(unpacked);
    let packed = unpacked != path;
    match inner.as_str() {
        "csv" => Ok(Format::Csv(b',')),
        "tsv" => Ok(Format::Csv(b'\t')),
        "parquet" if !packed => Ok(Format::Parquet),
        "arrow" | "feather" | "ipc" if !packed => Ok(Format::Ipc),
        _ if is_idx(path) => Err(DataError::new(
            DataErrorKind::UnknownFormat,
            "an IDX file is one column and no table",
        )
        .file(path)
        .help(
            "name the columns of such files: `idx = { image = \"…-images-idx3-ubyte.gz\", label = \
             \"…-labels-idx1-ubyte.gz\" }`",
        )),
        _ => {
            let outer = extension(path);
            let name = match packed {
                true => format!(".{inner}.{outer}"),
                false => format!(".{inner}"),
            };
            let help = match (packed, outer.as_str()) {
                (true, _) => "`.gz` and `.zst` are unpacked of text files: .csv and .tsv",
                (_, "bz2" | "xz" | "zip" | "z" | "lz4" | "br") => {
                    "pack text files as .csv.gz or .csv.zst, or not at all"
                }
                _ => "tables are read from .csv, .tsv, .parquet, .arrow, .feather and .ipc files",
            };
            let message = format!("`{name}` is not the extension of a table");
            Err(DataError::new(DataErrorKind::UnknownFormat, message).file(path).help(help))
        }
    }
}

/// The files that a pattern names, relative to `base`; `None` where there are none, where it is no
/// pattern, or where it leads out of the fence.
pub fn files_of(base: &Path, fence: &Fence, pattern: &str) -> Option<Vec<PathBuf>> {
    expand(base, fence, &Spanned::new(0..0, pattern.to_owned())).ok()
}

/// The files that a pattern names, relative to `base`, sorted by path; never none. What lies beside a
/// table to say who made it is no table, and neither are hidden files and what is in hidden folders: see
/// [`meant`]. Nothing beyond the fence is looked at, not even to say what is there.
pub(crate) fn expand(
    base: &Path,
    fence: &Fence,
    pattern: &Spanned<String>,
) -> Result<Vec<PathBuf>, DataError> {
    let text = pattern.get_ref();
    let literal = base.join(text);
    let is_pattern = text.contains(['*', '?', '[']);
    fence.admit(&base.join(beginning(text))).map_err(|out| outside(out, pattern))?;
    if literal.symlink_metadata().is_ok() {
        fence.admit(&literal).map_err(|out| outside(out, pattern))?;
    }
    if literal.is_file() {
        return Ok(vec![literal]);
    }
    if let Ok(metadata) = std::fs::metadata(&literal)
        && !metadata.is_dir()
        && let Some(what) = no_file(&metadata)
    {
        return Err(refused(&literal, what).at(pattern));
    }
    if !is_pattern {
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
    let (mut files, mut hidden) = (Vec::new(), None);
    for path in paths {
        let path = path.map_err(|error| {
            DataError::io(error.path(), "look for files", error.error()).at(pattern)
        })?;
        if !path.is_file() || PredictedBy::is_one(&path) {
            continue;
        }
        let below = if Path::new(text).is_absolute() { None } else { path.strip_prefix(base).ok() };
        match meant(text, below.unwrap_or(&path)) {
            true => files.push(path),
            false => hidden = Some(path),
        }
    }
    fence.admit_all(&files).map_err(|out| outside(out, pattern))?;
    files.sort();
    if files.is_empty() {
        let error = invalid(format!("no file matches `{text}`"));
        return Err(error.help(match hidden {
            Some(path) => format!(
                "files and folders that begin with `.` or `_`, such as {}, are left out unless the pattern \
                 names the `.` or `_`",
                path.display()
            ),
            None => format!(
                "patterns are relative to the pipeline file's folder, {}",
                base.display()
            ),
        }));
    }
    Ok(files)
}

/// A file that the pipeline must not read.
fn outside(outside: Outside, pattern: &Spanned<String>) -> DataError {
    let Outside { message, help, .. } = outside;
    DataError::new(DataErrorKind::Outside, message).at(pattern).help(help)
}

/// Is a matching path meant by a pattern? A name that begins with `.` is hidden (Jupyter's
/// `.ipynb_checkpoints`, macOS's `._t.csv`), one with `_` is a note to a program (`_SUCCESS`, `_metadata`,
/// `_temporary`): both are meant only where the pattern writes that character itself. Shells, Arrow and DuckDB
/// do it so.
fn meant(pattern: &str, path: &Path) -> bool {
    let parts = |path: &Path| -> Vec<String> {
        let parts = path.components().filter(|part| *part != Component::CurDir);
        parts.map(|part| part.as_os_str().to_string_lossy().into_owned()).collect()
    };
    fn matches(parts: &[String], names: &[String]) -> bool {
        let Some((part, behind)) = parts.split_first() else { return names.is_empty() };
        let Some((name, below)) = names.split_first() else {
            return part == "**" && matches(behind, names);
        };
        let hidden = name.starts_with(['.', '_']) && name != "..";
        if part == "**" {
            return matches(behind, names) || !hidden && matches(parts, below);
        }
        let said = !hidden || part.starts_with(&name[..1]);
        let fits = glob::Pattern::new(part).is_ok_and(|pattern| pattern.matches(name));
        said && fits && matches(behind, below)
    }
    matches(&parts(Path::new(pattern)), &parts(path))
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
