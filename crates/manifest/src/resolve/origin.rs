//! Resolution of `data.NAME.origin` and `data.NAME.origins` (label provenance).

use collegium_records::Code;
use indexmap::IndexMap;
use toml::Spanned;

use super::names::known_table;
use crate::bounds::not_empty;
use crate::{
    At, Origin, SourceOrigin,
    raw::{OriginChoice, RawData, RawOriginColumn},
    sink::Sink,
};

/// What is said of all rows.
pub(crate) fn whole(
    raw: Option<&At<OriginChoice>>,
    cut: &dyn Fn(&str) -> bool,
    sink: &mut Sink,
) -> SourceOrigin {
    let Some(place) = raw else { return SourceOrigin::default() };
    match place.get() {
        OriginChoice::Whole(origin) => SourceOrigin::Whole(*origin),
        OriginChoice::ByRow(raw) => by_row(place, raw, cut("origin"), sink),
    }
}

fn by_row(
    place: &At<OriginChoice>,
    raw: &RawOriginColumn,
    cut: bool,
    sink: &mut Sink,
) -> SourceOrigin {
    let nothing = raw.synthetic.as_ref().is_some_and(|values| values.get().is_empty());
    if let Some(values) = raw.synthetic.as_ref().filter(|_| nothing) {
        sink.local(
            sink.error(Code::EmptyValue, values.span(), "`synthetic` names no value")
                .label("empty")
                .help("leave `origin` away: every row is measured then"),
        );
    }
    let mut listed = std::collections::BTreeSet::new();
    for value in raw.synthetic.iter().flat_map(At::get) {
        if !listed.insert(value.get()) {
            let message = format!("`{}` is listed twice in `synthetic`", value.get());
            sink.local(sink.error(Code::GivenTwice, value.span(), message).label("listed before"));
        }
    }
    if let Some(column) = &raw.column {
        not_empty(sink, "column", column);
    }
    match (&raw.column, &raw.synthetic) {
        (Some(column), Some(values)) => SourceOrigin::ByRow {
            column: column.0.clone(),
            synthetic: values.get().iter().map(|value| value.0.clone()).collect(),
        },
        (column, _) => {
            let missing = if column.is_none() { "column" } else { "synthetic" };
            if !cut {
                sink.global(
                    sink.error(
                        Code::KeyNeedsAnother,
                        place.span(),
                        format!("`origin` has no `{missing}`"),
                    )
                    .label(format!("`{missing}` is missing"))
                    .help(
                        "name a column and its values that mean that a model made the row: \
                             `origin = { column = \"source\", synthetic = [\"model\"] }`",
                    ),
                );
            }
            SourceOrigin::default()
        }
    }
}

/// What is said of single tables; `cut`: not all tables are known.
pub(crate) fn by_table(
    raw: &RawData,
    tables: &IndexMap<String, Spanned<String>>,
    cut: bool,
    sink: &mut Sink,
) -> IndexMap<String, Spanned<Origin>> {
    let mut origins = IndexMap::new();
    for (table, origin) in raw.origins.iter().flat_map(|origins| &origins.0) {
        if !cut {
            known_table(table, tables, sink);
        }
        origins.insert(table.get().clone(), origin.0.clone());
    }
    origins
}
