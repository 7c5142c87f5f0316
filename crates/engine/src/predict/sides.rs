//! `predict` on the pipeline's own rows: filed predictions, out-of-fold on training rows.
//!
//! What is written is what the last run filed, so that figures computed from it are those of the audit:
//! the full model where it was not trained, and on training rows what fold models predict for rows that
//! they were not trained on. Where nobody asked for fold models there are none, and each such row says
//! that its prediction is in-sample.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
};

use collegium_data::{RowWriter, Side};
use collegium_manifest::{ColumnType, Output};
use collegium_plan::{View, reads, view_name};
use collegium_probe::ClassDecision;
use collegium_records::{Code, FORMAT_VERSION};
use collegium_table::{Column, Matrix, Table, Values};

use super::{PredictSummary, written};
use crate::{
    EngineError, NodeRef, Session,
    error::data_error,
    provenance::Making,
    reuse::How,
    rows::{Rows, side_name},
    states::States,
};

/// Which of its own rows a pipeline predicts, and where they are written.
#[derive(Debug, Clone)]
pub struct SideOptions {
    /// Experts whose outputs are written; empty: all.
    pub nodes: Vec<String>,
    /// The side; `None`: all rows, also those on no side.
    pub side: Option<Side>,
    /// Where to, as in [`crate::PredictOptions`].
    pub output: PathBuf,
    /// The extension that stands for the output's own, where that tells no format.
    pub format: Option<&'static str>,
    /// Columns of the table to copy.
    pub keep: Vec<String>,
    /// Rows at a time.
    pub chunk: usize,
}

/// What an expert handed out in the last run.
struct Handed {
    index: usize,
    deployed: BTreeMap<Output, Matrix>,
    /// Out of fold, where consumers asked for it.
    folds: Option<(View, BTreeMap<Output, Matrix>)>,
    /// How each row was predicted, as levels of [`BASES`].
    basis: Vec<u32>,
    /// Which class is written.
    decision: ClassDecision,
}

/// How a prediction came about.
const BASES: [&str; 10] = [
    "out-of-fold", // by a fold model that was not trained on the row
    "in-sample",   // by the full model, which was trained on the row
    "validation",  // by the full model, which stopped on the row
    "held-out",    // by the full model, which has not seen the row
    "no-side",     // by the full model; the row is in a gap, or set aside
    "outside",     // by the full model; the expert's `where` leaves the row out
    "no-target",   // by the full model; the row has no target
    "none",        // not at all: the row comes before the first fold in time
    "seen",        // by a model that has seen the row before, though it lies on the test side now
    "left-out",    // by the full model, which was not trained on the row, from experts that were
];

const OUT_OF_FOLD: u32 = 0;
const NONE: u32 = 7;
const SEEN: u32 = 8;
const LEFT_OUT: u32 = 9;

/// Writes rows of the pipeline's own table with their side, their targets and what experts predict.
///
/// # Errors
/// [`EngineError::Usage`] when the lock does not stand on today's rows, or a column is not there.
pub fn predict_side(
    session: &Session,
    options: &SideOptions,
) -> Result<PredictSummary, EngineError> {
    let chosen: BTreeSet<usize> = session.select(&options.nodes)?.into_iter().collect();
    let source = session.only_source(&chosen)?.to_owned();
    let wrong = |error| data_error(error, &session.pipeline.source);
    let prepared = &session.data[&source];
    let locked = session.lock.data.get(&format!("data.{source}"));
    let again = |what: &str| {
        EngineError::Usage(
            Code::NotUpToDate,
            format!("{what}; bring it up to date with `collegium run`"),
        )
    };
    match locked {
        None => return Err(again(&format!("no run has predicted the rows of `{source}` yet"))),
        Some(locked)
            if (locked.table, locked.sides) != (prepared.object(), prepared.sides_object()) =>
        {
            return Err(again(&format!(
                "the rows of `{source}` or their sides have changed since the last run"
            )));
        }
        Some(_) => {}
    }
    let table = prepared.table().map_err(wrong)?;
    let sides = prepared.sides().map_err(wrong)?;
    session.tell_all_foreign(&chosen)?;
    let mut handed = Vec::new();
    for &index in &chosen {
        handed.push(session.node(index).handed_out(&table, &sides)?);
    }
    let mut notes = session.stale_notes(&chosen)?;
    for one in &handed {
        let trained_on =
            one.basis.contains(&1) && options.side.is_none_or(|side| side == Side::Train);
        if trained_on {
            notes.push(format!(
                "{}: predictions on training rows are in-sample, since nothing reads it out of fold",
                session.node(one.index).node_name()
            ));
        }
    }
    let targets: BTreeSet<&str> = chosen
        .iter()
        .map(|&index| session.node(index).declared().target.get_ref().as_str())
        .collect();
    let copied: Vec<&str> = options
        .keep
        .iter()
        .map(String::as_str)
        .filter(|name| !targets.contains(name))
        .chain(targets.iter().copied())
        .collect();
    for name in &copied {
        session.copyable(&table, &source, name)?;
    }
    let rows: Vec<u32> = (0..table.rows as u32)
        .filter(|&row| options.side.is_none_or(|side| sides[row as usize] == side))
        .collect();
    let first = prepared.files.iter().flat_map(|(_, files)| files).next();
    let input = first.cloned().unwrap_or_default();
    session.guard(&options.output, &[&input])?;
    let mut writer = RowWriter::create_as(&options.output, options.format).map_err(wrong)?;
    let mut summary = PredictSummary {
        format_version: FORMAT_VERSION,
        rows: rows.len() as u64,
        columns: Vec::new(),
        notes,
        surprises: Vec::new(),
    };
    // A file of no rows still has its columns.
    let chunks: Vec<&[u32]> = match rows.is_empty() {
        true => vec![&[]],
        false => rows.chunks(options.chunk.max(1)).collect(),
    };
    for rows in chunks {
        session.go_on()?;
        let numbers = rows.iter().map(|&row| f64::from(row)).collect();
        let on = rows.iter().map(|&row| sides[row as usize] as u32).collect();
        let names = [Side::Train, Side::Valid, Side::Test, Side::None].map(side_name);
        let levels = names.map(str::to_owned).to_vec();
        let mut columns = vec![
            Column::new("row", Values::Number(numbers)),
            Column::new("side", Values::Category { codes: on, levels }),
        ];
        for name in &copied {
            columns.extend(table.column(name).map(|column| taken(column, rows, &source)));
        }
        for one in &handed {
            columns.extend(one.columns(session, rows));
        }
        summary.columns = columns.iter().map(|column| column.name.clone()).collect();
        writer.write(&columns).map_err(wrong)?;
    }
    let read: Vec<String> = copied.iter().map(|name| (*name).to_owned()).collect();
    let making = Making {
        experts: chosen.iter().map(|&index| (index, true)).collect(),
        source: &source,
        input: &input,
        content: None,
        read: &read,
        keep: &read,
    };
    let whole = writer.whole().map_err(wrong)?;
    session.name_predictions(&making, &summary.columns, summary.rows, whole, &options.output)?;
    Ok(summary)
}

impl Handed {
    /// Its outputs on some rows, and how each came about.
    fn columns(&self, session: &Session, rows: &[u32]) -> Vec<Column> {
        let name = session.node(self.index).name();
        let classes = &session.node(self.index).resolved().classes;
        let pick = |output: Output, deployed: &Matrix| -> Matrix {
            let folds = self.folds.as_ref().and_then(|(_, folds)| folds.get(&output));
            let mut data = Vec::with_capacity(rows.len() * deployed.width);
            for &row in rows {
                let from = match self.basis[row as usize] {
                    OUT_OF_FOLD | NONE => folds.unwrap_or(deployed),
                    _ => deployed,
                };
                data.extend_from_slice(from.row(row as usize));
            }
            Matrix { rows: rows.len(), width: deployed.width, data }
        };
        let made: BTreeMap<Output, Matrix> =
            self.deployed.iter().map(|(output, all)| (*output, pick(*output, all))).collect();
        let mut columns = written(name, &made, classes, self.decision);
        // A label that is no number is a row that nothing was predicted for.
        for column in &mut columns {
            if let Values::Category { codes, .. } = &mut column.values {
                for (code, &row) in codes.iter_mut().zip(rows) {
                    if self.basis[row as usize] == NONE {
                        *code = collegium_table::MISSING_CODE;
                    }
                }
            }
        }
        let codes = rows.iter().map(|&row| self.basis[row as usize]).collect();
        let levels = BASES.map(str::to_owned).to_vec();
        columns.push(Column::new(format!("{name}.basis"), Values::Category { codes, levels }));
        columns
    }
}

impl NodeRef<'_> {
    /// What an expert handed out in the last run, on all rows.
    fn handed_out(self, table: &Table, sides: &[Side]) -> Result<Handed, EngineError> {
        let name = self.node_name();
        let again = |what: &str| {
            EngineError::Usage(
                Code::NotUpToDate,
                format!("{name} {what}; run `collegium run {}`", self.name()),
            )
        };
        let block = self
            .session
            .lock
            .node
            .get(&name)
            .ok_or_else(|| again("has no predictions in the lock"))?;
        let load = |view: View| -> Result<Option<BTreeMap<Output, Matrix>>, EngineError> {
            let mut found = BTreeMap::new();
            for output in [Output::Value, Output::Probability, Output::Label] {
                let key = view_name(&self.session.pipeline, output.name(), view);
                let Some(object) = block.hands.get(&key) else { continue };
                let matrix = self
                    .session
                    .matrix(object)?
                    .ok_or_else(|| again("has lost its predictions"))?;
                found.insert(output, (*matrix).clone());
            }
            Ok((!found.is_empty()).then_some(found))
        };
        let deployed =
            load(View::Deployed)?.ok_or_else(|| again("has no predictions in the lock"))?;
        let consumers = self
            .session
            .pipeline
            .experts
            .values()
            .enumerate()
            .filter(|(consumer, _)| self.session.dag.upstream(*consumer).contains(&self.index));
        let views: BTreeSet<View> = consumers
            .map(|(consumer, expert)| reads(consumer, expert))
            .filter(|view| matches!(view, View::OutOfFold { .. }))
            .collect();
        let mut folds = None;
        for view in views {
            if let Some(found) = load(view)? {
                folds = Some((view, found));
                break;
            }
        }
        let basis = self.basis(table, sides, folds.as_ref().map(|(view, _)| *view))?;
        let decision = self.deployed_decision()?;
        Ok(Handed { index: self.index, deployed, folds, basis, decision })
    }

    /// How an expert predicted each row, as levels of [`BASES`].
    fn basis(
        self,
        table: &Table,
        sides: &[Side],
        view: Option<View>,
    ) -> Result<Vec<u32>, EngineError> {
        let target = table.column(self.declared().target.get_ref());
        let own = self.base_mask()?;
        let mut basis: Vec<u32> = (0..table.rows)
            .map(|row| match sides[row] {
                _ if target.is_some_and(|target| target.is_missing(row)) => 6,
                _ if !own[row] => 5,
                Side::Train => 1,
                Side::Valid => 2,
                Side::Test => 3,
                Side::None => 4,
            })
            .collect();
        // Rows of the training side that it was not trained on, because nothing may feed it there.
        let trained: BTreeSet<u32> =
            self.session.rows(Rows::Train { expert: self.index })?.iter().copied().collect();
        for (row, one) in basis.iter_mut().enumerate() {
            if *one == 1 && !trained.contains(&(row as u32)) {
                *one = LEFT_OUT;
            }
        }
        let whole = self.session.rows(Rows::Side { expert: self.index, side: Side::Test })?;
        let unseen = self.session.rows(Rows::HeldOut { expert: self.index, side: Side::Test })?;
        for row in whole.iter().filter(|row| unseen.binary_search(row).is_err()) {
            basis[*row as usize] = SEEN;
        }
        let Some(view @ View::OutOfFold { folds }) = view else { return Ok(basis) };
        for row in self.without_output(view)? {
            basis[row as usize] = NONE;
        }
        for fold in 0..folds {
            for &row in self.session.rows(Rows::Fold { expert: self.index, view, fold })?.iter() {
                basis[row as usize] = OUT_OF_FOLD;
            }
        }
        Ok(basis)
    }
}

impl Session {
    /// Finds out what models have seen beside the present rows.
    fn tell_all_foreign(&self, chosen: &BTreeSet<usize>) -> Result<(), EngineError> {
        let targets: Vec<usize> = chosen.iter().copied().collect();
        let wanted = self.dag.with_ancestors(&targets);
        let mut states = States::new();
        for &index in self.dag.order().iter().filter(|index| wanted.contains(index)) {
            if let Some(ready) = self.node(index).ready(&wanted, &states, How::default())?
                && ready.open.is_empty()
            {
                let state = self.node(index).state(ready, &wanted, &states)?;
                states.insert(index, Arc::new(state));
            }
        }
        Ok(())
    }

    /// Can this column be written?
    fn copyable(&self, table: &Table, source: &str, name: &str) -> Result<(), EngineError> {
        let Some(column) = table.column(name) else {
            let near = collegium_manifest::suggest(name, table.names());
            let help = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            return Err(EngineError::Usage(
                Code::NoSuchColumn,
                format!("`{source}` has no column `{name}`{help}"),
            ));
        };
        match column.kind() {
            ColumnType::Image => Err(EngineError::Usage(
                Code::BadArguments,
                format!(
                    "`{name}` is a column of images, which a table of predictions cannot hold; `row` says \
                 which image it is"
                ),
            )),
            _ => Ok(()),
        }
    }
}

/// A column on some rows; one whose name is used here already gets the name of its source before it.
fn taken(column: &Column, rows: &[u32], source: &str) -> Column {
    let at = |row: &u32| *row as usize;
    let values = match &column.values {
        Values::Number(values) => Values::Number(rows.iter().map(|r| values[at(r)]).collect()),
        Values::Boolean(values) => Values::Boolean(rows.iter().map(|r| values[at(r)]).collect()),
        Values::Time(values) => Values::Time(rows.iter().map(|r| values[at(r)]).collect()),
        Values::Category { codes, levels } => Values::Category {
            codes: rows.iter().map(|r| codes[at(r)]).collect(),
            levels: levels.clone(),
        },
        Values::Image { shape, .. } => Values::Image { shape: *shape, pixels: Vec::new() },
    };
    let name = match column.name.as_str() {
        "row" | "side" => format!("{source}.{}", column.name),
        own => own.to_owned(),
    };
    Column::new(name, values)
}
