//! IDX files read as one table: each file is a column, and row i of one belongs to row i of the others.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use collegium_manifest::{ColumnType, DataSource, ImageShape};

use crate::{
    Context, DataError, DataErrorKind, Table, Values,
    build::{self, Builder},
    cast::{cast, refuse},
    load::{Files, tick},
    read::{Contents, Idx},
};

/// The table of a data source's IDX files, and its columns of integers.
pub(crate) fn table(
    source: &DataSource,
    files: &Files,
    contents: &Contents,
    cx: &Context,
) -> Result<(Table, BTreeSet<String>), DataError> {
    let rows = agree(source, files, contents)?;
    let (mut columns, mut whole) = (Vec::new(), BTreeSet::new());
    for (name, files) in files {
        let at = &source.tables[name];
        let (values, integers) =
            column(name, files, rows, contents, cx).map_err(|error| error.at(at))?;
        let forced = source.types.get(name).map(|kind| *kind.get_ref());
        let kind = forced.unwrap_or_else(|| values.kind());
        if let (Some(shape), true) = (values.shape(), kind != ColumnType::Image) {
            let message = format!(
                "`types` says that `{name}` is a {}, and its files hold images of {shape}",
                kind.name()
            );
            return Err(DataError::new(DataErrorKind::Image, message)
                .at(&source.types[name])
                .help("leave it out of `types`: images are images"));
        }
        if integers && kind == ColumnType::Number {
            whole.insert(name.clone());
        }
        let values = cast(values, kind).map_err(|(row, text, why)| {
            refuse(why, kind, name, &text).line(row as u64 + 1).column(name, None).at(at)
        })?;
        columns.push((name.clone(), values));
    }
    Ok((build::table(columns, rows), whole))
}

/// Files match in pairs, so that a swap of two files is seen; returns their rows.
fn agree(source: &DataSource, files: &Files, contents: &Contents) -> Result<usize, DataError> {
    let Some((first, ours)) = files.first() else { return Ok(0) };
    let counts: Vec<u64> =
        open_all(ours, contents, |idx| idx.rows).map_err(|e| e.at(&source.tables[first]))?;
    for (name, theirs) in files.iter().skip(1) {
        let at = &source.tables[name];
        if theirs.len() != ours.len() {
            let message = format!(
                "`{name}` has {}, and `{first}` has {}",
                counted(theirs.len()),
                counted(ours.len())
            );
            return Err(DataError::new(DataErrorKind::Disagree, message).at(at).help(
                "the files of all columns stand beside each other, in the order of their paths: there \
                 must be as many for each",
            ));
        }
        let others = open_all(theirs, contents, |idx| idx.rows).map_err(|error| error.at(at))?;
        for (i, (rows, known)) in others.iter().zip(&counts).enumerate() {
            if rows != known {
                let message = format!(
                    "it has {rows} rows, and {} beside it has {known}",
                    file_name(&ours[i])
                );
                return Err(DataError::new(DataErrorKind::Disagree, message)
                    .file(&theirs[i])
                    .at(at)
                    .help("row i of one belongs to row i of the other: is one of them of another set?"));
            }
        }
    }
    Ok(usize::try_from(counts.iter().sum::<u64>()).unwrap_or(usize::MAX))
}

fn open_all<T>(
    files: &[PathBuf],
    contents: &Contents,
    of: impl Fn(&Idx) -> T,
) -> Result<Vec<T>, DataError> {
    files.iter().map(|file| Idx::open(contents.open(file)?).map(|idx| of(&idx))).collect()
}

/// One column, read once: its files behind each other; whether they hold integers.
fn column(
    name: &str,
    files: &[PathBuf],
    rows: usize,
    contents: &Contents,
    cx: &Context,
) -> Result<(Values, bool), DataError> {
    let mut builder: Option<Builder> = None;
    let (mut done, mut whole) = (0, true);
    let (mut first, mut shape): (Option<(String, String)>, Option<ImageShape>) = (None, None);
    for file in files {
        let mut idx = Idx::open(contents.open(file)?)?;
        let (path, what) = first.get_or_insert_with(|| (file_name(file), idx.what()));
        if builder.is_some() && idx.shape != shape {
            let message = format!("it holds {}, and {path} holds {what}", idx.what());
            return Err(DataError::new(DataErrorKind::Disagree, message)
                .file(file)
                .help("the files of one column hold numbers, or images of one shape"));
        }
        shape = idx.shape;
        whole &= idx.is_whole();
        let to = builder.get_or_insert_with(|| match idx.shape {
            Some(shape) => Builder::image(shape, rows),
            None => Builder::new(ColumnType::Number, rows),
        });
        while let Some(values) = idx.read(usize::MAX)? {
            to.append(&values);
            done += values.len() as u64;
            tick(cx, &format!("reading {name}"), done, Some(rows as u64))?;
        }
    }
    let values = builder.map_or(Values::Number(Vec::new()), Builder::finish);
    Ok((values, whole))
}

fn counted(files: usize) -> String {
    if files == 1 { "1 file".to_owned() } else { format!("{files} files") }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
