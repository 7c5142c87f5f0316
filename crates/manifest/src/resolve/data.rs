//! Resolution of `[data.NAME]`.

use collegium_records::Code;
use indexmap::IndexMap;
use toml::Spanned;

use super::{images, memory, names::check_name, origin, read, split};
use crate::bounds::not_empty;
use crate::{At, DataSource, TomlTable, defaults::MISSING, raw::RawData, recover::Cut, sink::Sink};

/// Every data source of the file, with its defaults.
pub(crate) fn resolve(
    raw: &TomlTable<RawData>,
    cut: &Cut,
    sink: &mut Sink,
) -> IndexMap<String, DataSource> {
    raw.0
        .iter()
        .map(|(name, raw)| {
            let cut = |key: &str| cut.touches(&["data", name.get(), key]);
            let tables = tables(name, raw, &cut, sink);
            let idx = raw.idx.is_some();
            if let Some(query) = &raw.query {
                not_empty(sink, "query", query);
            } else if tables.len() > 1 && !idx && !cut("query") {
                let place = raw.tables.as_ref().map_or(name.span(), At::span);
                sink.global(
                    sink.error(
                        Code::KeyNeedsAnother,
                        place,
                        format!("`{}` has several tables and no query", name.get()),
                    )
                    .label(format!("{} tables", tables.len()))
                    .help("add `query = \"SELECT … FROM … JOIN …\"` that makes one table of them"),
                );
            }
            let origins = origin::by_table(raw, &tables, cut("tables") || cut("path"), sink);
            let reads = read::by_table(raw, &tables, cut("tables") || cut("path"), sink);
            let source = DataSource {
                name: name.0.clone(),
                tables,
                idx,
                read: read::whole(raw, sink),
                reads,
                unpacked_limit: memory::resolve(
                    "unpacked_limit",
                    raw.unpacked_limit.as_ref(),
                    sink,
                ),
                images: images::resolve(name, raw, &cut, sink),
                query: raw.query.as_ref().map(|query| query.0.clone()),
                derive: derive(raw, sink),
                types: raw
                    .types
                    .iter()
                    .flat_map(|types| &types.0)
                    .map(|(column, kind)| (column.get().clone(), kind.0.clone()))
                    .collect(),
                missing: raw.missing.clone().unwrap_or_else(|| MISSING.map(str::to_owned).to_vec()),
                split: split::resolve(name, raw, cut("split"), sink),
                rules: Vec::new(),
                origin: origin::whole(raw.origin.as_ref(), &cut, sink),
                origins,
            };
            (name.get().clone(), source)
        })
        .collect()
}

fn tables(
    name: &At<String>,
    raw: &RawData,
    cut: &dyn Fn(&str) -> bool,
    sink: &mut Sink,
) -> IndexMap<String, Spanned<String>> {
    let mut tables = IndexMap::new();
    let keys = [
        ("path", raw.path.as_ref().map(At::span)),
        ("tables", raw.tables.as_ref().map(At::span)),
        ("idx", raw.idx.as_ref().map(At::span)),
    ];
    let mut keys = keys.into_iter().filter_map(|(key, span)| Some((key, span?)));
    let (first, second) = (keys.next(), keys.next());
    if let (Some((key, place)), Some((other, beside))) = (&first, second) {
        let message = format!("`{}` has both `{key}` and `{other}`", name.get());
        sink.local(
            sink.error(Code::ConflictingKeys, place.clone(), message)
                .label(format!("`{key}` is for {}", use_of(key)))
                .also(beside, format!("`{other}` for {}", use_of(other))),
        );
        return tables;
    }
    if first.is_none() && !["path", "tables", "idx"].into_iter().any(cut) {
        sink.global(
            sink.error(
                Code::MissingKey,
                name.span(),
                format!("the data source `{}` has no file", name.get()),
            )
            .label("neither `path` nor `tables`")
            .help("add `path = \"FILE.csv\"`, relative to the pipeline file"),
        );
    }
    if let Some(path) = &raw.path {
        check_pattern(path, sink);
        tables.insert(name.get().clone(), path.0.clone());
    }
    let (key, what) = match raw.idx {
        Some(_) => ("idx", "column"),
        None => ("tables", "table"),
    };
    let Some(given) = raw.tables.as_ref().or(raw.idx.as_ref()) else { return tables };
    if given.get().0.is_empty() && !cut(key) {
        let message = format!("`{}` has no {what}s", name.get());
        sink.local(sink.error(Code::EmptyValue, given.span(), message).label("empty"));
    }
    for (table, path) in &given.get().0 {
        check_name(table, &format!("a {what}"), sink);
        check_pattern(path, sink);
        tables.insert(table.get().clone(), path.0.clone());
    }
    tables
}

fn use_of(key: &str) -> &'static str {
    match key {
        "path" => "one file or glob",
        "tables" => "several",
        _ => "the columns of IDX files",
    }
}

pub(super) fn check_pattern(path: &At<String>, sink: &mut Sink) {
    if !not_empty(sink, "path", path) {
        return;
    }
    if let Err(error) = glob::Pattern::new(path.get()) {
        // The pattern's byte offsets are counted in characters.
        let start: usize = path.get().chars().take(error.pos).map(char::len_utf8).sum();
        let place = sink.source.within(&path.span(), path.get(), start..path.get().len());
        sink.local(
            sink.error(
                Code::PatternMatchesNothing,
                place,
                format!("`{}` is not a glob pattern", path.get()),
            )
            .label(error.msg),
        );
    }
}

fn derive(raw: &RawData, sink: &mut Sink) -> IndexMap<String, Spanned<String>> {
    let mut derived = IndexMap::new();
    for (column, expression) in raw.derive.iter().flat_map(|derive| &derive.0) {
        not_empty(sink, &format!("derive.{}", column.get()), expression);
        derived.insert(column.get().clone(), expression.0.clone());
    }
    derived
}
