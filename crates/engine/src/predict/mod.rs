//! `predict`: inference on new rows, chunk by chunk.
//!
//! Every expert's full model sees the full models above it, exactly as on validation and test rows;
//! encoding and inference work row by row, so a row gives the bits that it gave in training.

mod chunk;
mod sides;
mod surprise;

pub use sides::{SideOptions, predict_side};

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
};

use collegium_data::{Conform, RowReader, RowWriter, TableFacts};
use collegium_learn::Model;
use collegium_manifest::{ColumnType, Input, Output};
use collegium_probe::ClassDecision;
use collegium_records::{Code, FORMAT_VERSION, Reason};
use collegium_table::{Column, Matrix, Surprises, Table, Values};
use serde::Serialize;

use crate::{EngineError, NodeRef, Session, error::data_error, provenance::Making};
pub(crate) use chunk::{Chunk, Made};
pub use surprise::Surprise;

/// What to predict, from what, to where.
#[derive(Debug, Clone)]
pub struct PredictOptions {
    /// Experts whose outputs are written; empty: all.
    pub nodes: Vec<String>,
    /// Rows with the columns of the data source.
    pub input: PathBuf,
    /// `.csv`, `.tsv`, `.parquet` or `.arrow`; `-` is standard output.
    pub output: PathBuf,
    /// The extension that stands for the output's own, where that tells no format.
    pub format: Option<&'static str>,
    /// Columns of the input to copy as they are.
    pub keep: Vec<String>,
    /// Rows at a time.
    pub chunk: usize,
}

/// `predict --json`
#[derive(Debug, Clone, Serialize)]
pub struct PredictSummary {
    /// [`FORMAT_VERSION`]
    pub format_version: u32,
    /// Rows predicted.
    pub rows: u64,
    /// Columns written.
    pub columns: Vec<String>,
    /// What a person should know: extra columns, unseen categories, a stale lock.
    pub notes: Vec<String>,
    /// What the rows held that training did not, by expert and input.
    pub surprises: Vec<Surprise>,
}

/// A deployed expert: its model as the lock names it.
pub(crate) struct Deployed {
    pub(crate) index: usize,
    pub(crate) model: Model,
    /// Which class is written.
    pub(crate) decision: ClassDecision,
    /// Is what it says of every row wanted?
    pub(crate) written: bool,
}

impl Deployed {
    pub(crate) fn new(
        session: &Session,
        index: usize,
        model: Model,
        written: bool,
    ) -> Result<Self, EngineError> {
        // Other experts read probabilities and the most probable class, whatever the threshold.
        let decision = match written {
            true => session.node(index).deployed_decision()?,
            false => ClassDecision::default(),
        };
        Ok(Self { index, model, decision, written })
    }
}

/// Applies the deployed experts (those in the lock) to the rows of a file, and writes beside the output which models
/// made it ([`collegium_records::PredictedBy`]).
///
/// # Errors
/// [`EngineError::Usage`] when an expert was never fitted, [`EngineError::Invalid`] for rows that do
/// not fit; the output file is then as it was.
pub fn predict(session: &Session, options: &PredictOptions) -> Result<PredictSummary, EngineError> {
    let chosen: BTreeSet<usize> = session.select(&options.nodes)?.into_iter().collect();
    let targets: Vec<usize> = chosen.iter().copied().collect();
    let wanted = session.dag.with_ancestors(&targets);
    let mut experts = Vec::new();
    for &index in session.dag.order() {
        if wanted.contains(&index) {
            let model = session.node(index).deployed()?;
            experts.push(Deployed::new(session, index, model, chosen.contains(&index))?);
        }
    }
    let source = session.only_source(&wanted)?;
    let columns: BTreeSet<String> = experts
        .iter()
        .flat_map(|expert| &session.node(expert.index).resolved().inputs)
        .filter_map(Input::column)
        .map(str::to_owned)
        .collect();
    let columns: Vec<String> = columns.into_iter().collect();
    let wrong = |error| data_error(error, &session.pipeline.source);
    let spec = &session.pipeline.data[source];
    let mut rows = RowReader::of_source(spec, &options.input, options.chunk).map_err(wrong)?;
    let facts = &session.data[source].facts;
    rows.adopt(facts, &columns);
    let conform = Conform::of_source(spec, facts, &columns, rows.header())
        .map_err(|error| about_query(wrong(error), spec.query.is_some(), source))?;
    let mut surprises = vec![Surprises::default(); experts.len()];
    // What no rows give says which columns there will be.
    let nothing = conform.no_rows();
    let nothing = Chunk::new(session, &experts, &nothing, &mut surprises).columns()?;
    keepable(&rows, facts, options, &nothing)?;
    rows.keep(&options.keep);
    rows.only(conform.given().map(str::to_owned));
    session.guard(&options.output, &[&options.input])?;
    let mut notes = session.stale_notes(&wanted)?;
    notes.extend(conform.notes().iter().cloned());
    let mut writer = RowWriter::create_as(&options.output, options.format).map_err(wrong)?;
    writer.write_beside(rows.kept(), &nothing).map_err(wrong)?;
    let names = options.keep.iter().chain(nothing.iter().map(|column| &column.name));
    let mut summary = PredictSummary {
        format_version: FORMAT_VERSION,
        rows: 0,
        columns: names.cloned().collect(),
        notes,
        surprises: Vec::new(),
    };
    let mut filled: BTreeMap<&str, u64> = BTreeMap::new();
    while let Some(chunk) = next(&mut rows).map_err(wrong)? {
        session.go_on()?;
        let table = conform.apply(&chunk, rows.places()).map_err(wrong)?;
        for name in conform.empty_in_training() {
            let column = chunk.column(name);
            let held = |column: &Arc<Column>| {
                (0..column.len()).filter(|&row| !column.is_missing(row)).count() as u64
            };
            *filled.entry(name).or_default() += column.map_or(0, held);
        }
        let predicted = Chunk::new(session, &experts, &table, &mut surprises).columns()?;
        summary.rows += chunk.rows as u64;
        writer.write_beside(rows.kept(), &predicted).map_err(wrong)?;
    }
    summary.notes.extend(rows.notes());
    for (name, rows) in filled.into_iter().filter(|(_, rows)| *rows > 0) {
        let hold = if rows == 1 { "1 row holds" } else { &format!("{rows} rows hold") };
        summary.notes.push(format!(
            "{hold} a value of `{source}.{name}`, which was empty in training: it is not looked at"
        ));
    }
    if writer.rows() != rows.done() {
        let (read, written) = (rows.done(), writer.rows());
        return Err(EngineError::Internal(format!("{read} rows were read and {written} written")));
    }
    let making = Making {
        experts: experts.iter().map(|expert| (expert.index, expert.written)).collect(),
        source,
        input: &options.input,
        content: Some(rows.content()),
        read: &columns,
        keep: &options.keep,
    };
    let whole = writer.whole().map_err(wrong)?;
    session.name_predictions(&making, &summary.columns, summary.rows, whole, &options.output)?;
    for (expert, surprises) in experts.iter().zip(&surprises) {
        for note in surprises.notes() {
            let name = session.node(expert.index).node_name();
            summary.notes.push(match &session.node(expert.index).declared().filter {
                None => format!("{name}: {note}"),
                Some(filter) => {
                    let rows = filter.get_ref();
                    format!("{name}: {note} (it was trained on rows where {rows})")
                }
            });
        }
        summary.surprises.extend(Surprise::all(&session.node(expert.index).node_name(), surprises));
    }
    Ok(summary)
}

/// Refuses to keep what is not there, what no table can hold, and two columns of one name.
fn keepable(
    rows: &RowReader,
    facts: &TableFacts,
    options: &PredictOptions,
    predicted: &[Column],
) -> Result<(), EngineError> {
    let there = rows.all_columns();
    for (at, name) in options.keep.iter().enumerate() {
        if !there.contains(name) {
            let near = collegium_manifest::suggest(name, there.iter().map(String::as_str));
            let help = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            let path = options.input.display();
            return Err(EngineError::Usage(
                Code::NoSuchColumn,
                format!("{path} has no column `{name}`{help}"),
            ));
        }
        if options.keep[..at].contains(name) {
            return Err(EngineError::Usage(
                Code::BadArguments,
                format!("`--keep` names `{name}` twice"),
            ));
        }
        if predicted.iter().any(|column| column.name == *name) {
            return Err(EngineError::Usage(
                Code::BadArguments,
                format!(
                    "the rows' `{name}` cannot be kept: the predictions have a column of that name; rename \
                 it in the rows"
                ),
            ));
        }
        if rows.is_one_column() && facts.column(name).is_some_and(|c| c.kind == ColumnType::Image) {
            return Err(EngineError::Usage(
                Code::BadArguments,
                format!(
                    "`{name}` is a column of images, which a table of predictions cannot hold; the \
                 predictions are in the order of the images"
                ),
            ));
        }
    }
    Ok(())
}

/// Says what rows are wanted where the data source's own are made by a query.
pub(crate) fn about_query(mut error: EngineError, query: bool, source: &str) -> EngineError {
    if let EngineError::Invalid(found) = &mut error
        && query
    {
        for diagnostic in &mut found.0 {
            let hint = format!(
                "the rows of `{source}` are made by its `query`, which is not run on new rows: \
                 give rows as the query returns them"
            );
            diagnostic.help = Some(match diagnostic.help.take() {
                Some(help) => format!("{help}; {hint}"),
                None => hint,
            });
        }
    }
    error
}

fn next(rows: &mut RowReader) -> Result<Option<Table>, collegium_data::DataError> {
    rows.next().transpose()
}

impl NodeRef<'_> {
    /// The deployed model: the full fit that the lock names.
    pub(crate) fn deployed(self) -> Result<Model, EngineError> {
        let name = self.node_name();
        let missing = |what: &str| {
            EngineError::Usage(
                Code::NotUpToDate,
                format!("{name} {what}; run `collegium run {}`", self.name()),
            )
        };
        let Some(fit) = self.locked_fit()? else {
            return Err(missing("has no fitted model in the lock and the store"));
        };
        if !self.session.store.contains(&fit.model) {
            return Err(missing("has lost its model"));
        }
        let model = self.session.model(&fit)?;
        let inputs: Vec<String> = self.resolved().inputs.iter().map(ToString::to_string).collect();
        if model.encoder.names() != inputs {
            return Err(missing("was fitted on other inputs than the pipeline file names now"));
        }
        Ok(model)
    }
}

impl Session {
    pub(crate) fn only_source(&self, wanted: &BTreeSet<usize>) -> Result<&str, EngineError> {
        let names: BTreeSet<&str> =
            wanted.iter().map(|&index| self.node(index).declared().data.as_str()).collect();
        match names.iter().next() {
            Some(only) if names.len() == 1 => Ok(only),
            _ => {
                let names: Vec<&str> = names.into_iter().collect();
                Err(EngineError::Usage(
                    Code::BadArguments,
                    format!(
                        "these experts read the rows of several data sources ({}); name experts of one",
                        names.join(", ")
                    ),
                ))
            }
        }
    }

    /// Notes that the lock is older than the pipeline: prediction uses the models of the lock.
    fn stale_notes(&self, wanted: &BTreeSet<usize>) -> Result<Vec<String>, EngineError> {
        let names: Vec<String> =
            wanted.iter().map(|&index| self.node(index).name().to_owned()).collect();
        let options = crate::PlanOptions { nodes: names, ..crate::PlanOptions::default() };
        let plan = crate::planning::planned(self, &options, false, self)?;
        let stale: Vec<String> = plan
            .nodes
            .into_iter()
            .filter(|node| {
                use collegium_records::Action;
                !matches!(node.action, Action::Cached | Action::Frozen)
            })
            .filter(|node| {
                !node.reasons.iter().all(|reason| matches!(reason, Reason::NotInStore(_)))
            })
            .map(|node| node.name)
            .collect();
        Ok(match stale.is_empty() {
            true => Vec::new(),
            false => vec![format!(
                "predicted with the models of the lock, although the pipeline has changed since: {}",
                stale.join(", ")
            )],
        })
    }
}

/// An expert's outputs as columns: `NAME.value`, or `NAME.label` and `NAME.probability` (for more
/// than two classes one column per class, `NAME.probability.CLASS`).
fn written(name: &str, made: &Made, classes: &[String], decision: ClassDecision) -> Vec<Column> {
    let mut columns = Vec::new();
    if let Some(value) = made.get(&Output::Value) {
        columns.push(number(format!("{name}.value"), value, 0));
    }
    if let Some(probability) = made.get(&Output::Probability) {
        match probability.width {
            1 => columns.push(number(format!("{name}.probability"), probability, 0)),
            _ => {
                for (position, class) in classes.iter().enumerate() {
                    let title = format!("{name}.probability.{class}");
                    columns.push(number(title, probability, position));
                }
            }
        }
    }
    if let Some(label) = made.get(&Output::Label) {
        // What other experts read is the most probable class; what is written follows the threshold.
        let codes = match made.get(&Output::Probability).filter(|p| p.width == 1) {
            Some(second) => second.data.iter().map(|&second| decision.class(second)).collect(),
            None => label.data.iter().map(|&code| code as u32).collect(),
        };
        let values = Values::Category { codes, levels: classes.to_vec() };
        columns.push(Column::new(format!("{name}.label"), values));
    }
    columns
}

fn number(name: String, matrix: &Matrix, position: usize) -> Column {
    let values = (0..matrix.rows).map(|row| f64::from(matrix.row(row)[position])).collect();
    Column::new(name, Values::Number(values))
}
