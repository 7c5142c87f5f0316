//! Reading of one file as a table, without a pipeline and without a store.

use std::path::Path;

use collegium_manifest::ReadOptions;
use indexmap::IndexMap;

use crate::{
    DataError, Table,
    build::{self, Builder},
    read::{Contents, Idx, Options, format, is_idx, open},
    settle::Readings,
};

/// The table of one file, typed by all of its rows, as a data source of this file has it. The one column of
/// an IDX file is called by the file's name.
///
/// # Errors
/// If the file is not there, is no table, or is damaged.
pub fn read_file(path: &Path) -> Result<Table, DataError> {
    let contents = Contents::default();
    let mut columns: Vec<(String, Builder)> = Vec::new();
    let mut rows = 0;
    let mut add = |names: &[String], chunk: &Table| {
        rows += chunk.rows;
        if columns.is_empty() {
            let builder = |column: &crate::Column| match column.values.shape() {
                Some(shape) => Builder::image(shape, 0),
                None => Builder::new(column.kind(), 0),
            };
            let new = chunk.columns.iter().map(|column| builder(column));
            columns = names.iter().cloned().zip(new).collect();
        }
        for ((_, builder), column) in columns.iter_mut().zip(&chunk.columns) {
            builder.append(&column.values);
        }
    };
    if is_idx(path) && format(path).is_err() {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut idx = Idx::open(contents.open(path)?)?;
        while let Some(values) = idx.read(usize::MAX)? {
            let count = values.len();
            add(std::slice::from_ref(&name), &build::table([(name.clone(), values)], count));
        }
    } else {
        let options = Options {
            missing: &[String::new(), "NA".to_owned()],
            read: &ReadOptions::default(),
            types: &IndexMap::new(),
            settled: &Readings::default(),
            only: None,
            contents: &contents,
            tick: &|_| Ok(()),
        };
        let opened = open(vec![path.to_owned()], &options)?;
        let names: Vec<String> = opened.fields.iter().map(|field| field.name.clone()).collect();
        for chunk in opened.chunks(&options) {
            add(&names, &chunk?);
        }
    }
    let columns = columns.into_iter().map(|(name, builder)| (name, builder.finish()));
    Ok(build::table(columns, rows))
}
