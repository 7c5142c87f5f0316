//! Columns read as categories because of a few cells: numbers, times or truth values to a person, levels
//! without an order to a model.

use std::ops::Range;

use collegium_manifest::Input;
use collegium_records::Level;

use super::Found;
use crate::{Session, reads::holds};

pub(super) fn of(session: &Session, index: usize) -> Vec<Found> {
    let spec = session.node(index).declared();
    let prepared = session.node(index).prepared();
    let fallen = prepared.facts.remarks.iter().filter(|(_, one)| one.fallen_from.is_some());
    fallen
        .filter_map(|(column, remark)| {
            Some(Found {
                kind: "fallen-type",
                level: Level::Warning,
                span: read_at(session, index, column)?,
                label: "read as a category".to_owned(),
                text: format!("data.{}: {}", spec.data, prepared.remark(column)?),
                help: remark.help.clone(),
            })
        })
        .collect()
}

/// Where an expert reads the column; `None` if it does not.
fn read_at(session: &Session, index: usize, column: &str) -> Option<Range<usize>> {
    let spec = session.node(index).declared();
    let source = session.pipeline.data.get(&spec.data)?;
    // With a query, remarks are about what the query reads.
    if let Some(query) = &source.query {
        return Some(query.span());
    }
    let input = spec.inputs.iter().find(
        |input| matches!(input.get_ref(), Input::Column { column: own, .. } if own == column),
    );
    if let Some(input) = input {
        return Some(input.span());
    }
    if spec.target.get_ref() == column || spec.auxiliary.iter().any(|own| own == column) {
        return Some(spec.target.span());
    }
    if let Some(filter) = spec.filter.as_ref().filter(|filter| holds(filter.get_ref(), column)) {
        return Some(filter.span());
    }
    let named = session.named(&spec.data);
    let mut derived = source.derive.iter().filter(|(name, _)| named.contains(*name));
    derived.find(|(_, sql)| holds(sql.get_ref(), column)).map(|(_, sql)| sql.span())
}
