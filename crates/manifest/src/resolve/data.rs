//! `[data.NAME]`.

use indexmap::IndexMap;
use toml::Spanned;

use super::{
    images,
    names::check_name,
    origin,
    ranges::{bound, not_empty},
    read,
};
use crate::{
    At, DataSource, Split, Table,
    defaults::MISSING,
    raw::{RawData, RawSplit},
    recover::Cut,
    sink::Sink,
};

/// Every data source of the file, with its defaults.
pub(crate) fn resolve(
    raw: &Table<RawData>,
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
                    sink.error(place, format!("`{}` has several tables and no query", name.get()))
                        .label(format!("{} tables", tables.len()))
                        .help(
                            "add `query = \"SELECT … FROM … JOIN …\"` that makes one table of them",
                        ),
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
                split: split(raw.split.as_ref(), cut("split"), sink),
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
            sink.error(place.clone(), message)
                .label(format!("`{key}` is for {}", use_of(key)))
                .also(beside, format!("`{other}` for {}", use_of(other))),
        );
        return tables;
    }
    if first.is_none() && !["path", "tables", "idx"].into_iter().any(cut) {
        sink.global(
            sink.error(name.span(), format!("the data source `{}` has no file", name.get()))
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
        sink.local(sink.error(given.span(), message).label("empty"));
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

fn check_pattern(path: &At<String>, sink: &mut Sink) {
    if !not_empty(sink, "path", path) {
        return;
    }
    if let Err(error) = glob::Pattern::new(path.get()) {
        // The pattern's byte offsets are counted in characters.
        let start: usize = path.get().chars().take(error.pos).map(char::len_utf8).sum();
        let place = sink.source.within(&path.span(), path.get(), start..path.get().len());
        sink.local(
            sink.error(place, format!("`{}` is not a glob pattern", path.get())).label(error.msg),
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

fn split(raw: Option<&At<RawSplit>>, cut: bool, sink: &mut Sink) -> Split {
    let mut split = Split::default();
    let Some(place) = raw else { return split };
    let raw = place.get();
    let positive = |x: f64| x > 0.0 && x <= 1.0;
    let share = |x: f64| (0.0..=1.0).contains(&x);
    let fine = bound(sink, "train", &raw.train, positive, "above 0 and at most 1")
        & bound(sink, "valid", &raw.valid, share, "from 0 to 1")
        & bound(sink, "test", &raw.test, share, "from 0 to 1");
    for (given, part) in [
        (&raw.train, &mut split.train),
        (&raw.valid, &mut split.valid),
        (&raw.test, &mut split.test),
    ] {
        if let Some(given) = given {
            *part = *given.get();
        }
    }
    let sum = split.train + split.valid + split.test;
    if fine && !cut && (sum - 1.0).abs() > 1e-9 {
        let defaulted: Vec<String> =
            [("train", &raw.train), ("valid", &raw.valid), ("test", &raw.test)]
                .into_iter()
                .zip([split.train, split.valid, split.test])
                .filter(|((_, given), _)| given.is_none())
                .map(|((name, _), share)| format!("`{name}` is {share}"))
                .collect();
        let finding = sink
            .error(
                place.span(),
                format!("the shares of `split` sum to {}", (sum * 1e9).round() / 1e9),
            )
            .label("must sum to 1");
        sink.global(
            finding.maybe_help(
                (!defaulted.is_empty())
                    .then(|| format!("give all three: by default {}", defaulted.join(" and "))),
            ),
        );
    }
    split.by = raw.by.iter().flatten().map(|column| column.0.clone()).collect();
    split.stratify = raw.stratify.as_ref().map(|column| column.0.clone());
    split.seed = raw.seed.as_ref().map_or(split.seed, |seed| *seed.get());
    split
}
