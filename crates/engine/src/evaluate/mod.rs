//! `evaluate`: metrics of deployed models on new labelled rows, and where in the DAG they got worse.
//!
//! Rows take the way of `predict` ([`Conform`], [`Chunk`]), their targets with them, so that a figure here
//! is of the very answers that prediction would give. Beside each figure stands the one of the test rows,
//! as an audit measures it, and beside each raw column how it moved against the training rows.
//!
//! **Which nodes are measured.** Every node that was named and those above it, for a loss below is explained
//! above. A node whose target or `where` the rows do not have is an error where it was named, and else
//! reported as not measured, with the reason.
//!
//! **Which rows count.** Those that the node's `where` admits and whose target is known. A class that the
//! model does not know is counted, named, and in no figure: a model that cannot say a class is wrong on
//! every one of its rows, and a log loss would be of nothing else. Rows that the model, or one that its
//! answers come from, has seen are counted and in no figure either (`seen.rs`). Inputs are one table for
//! all nodes, over the rows that none of the measured nodes has seen.
//!
//! **Memory.** One chunk, the training table, of each node 4 bytes an output and 12 to 16 bytes a row (8 more where
//! rows come in groups), and a sample of at most 100,000 rows of the columns under watch. Metrics, counts, stability
//! indices, ranges and unseen categories are of all rows; two-sample tests of numbers and slices are of the sample, and
//! the report says so where that is less.

mod kept;
mod lost;
mod node;
mod sample;
mod seen;
pub(crate) mod shift;
mod sides;
mod slices;
mod together;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::PathBuf,
};

use collegium_data::{Conform, DataErrorKind, RowReader, Side, Style, TableFacts, predicate_reads};
use collegium_digest::{Digest, Hasher};
use collegium_manifest::{ColumnType, DataSource, Diagnostic, Diagnostics, Input, bare_name};
use collegium_probe::{Family, holm};
use collegium_records::{
    Code, ColumnShift, EvaluationReport, FEWEST_GROUPS, FORMAT_VERSION, NodeEvaluation,
    RequirementOutcome,
};
use collegium_table::{Surprises, Table};

use crate::{
    EngineError, NodeRef, Session,
    error::data_error,
    predict::{Chunk, Deployed, about_query},
    requirement,
    states::States,
};
use kept::Kept;
use lost::LEVEL;
use sample::{MOST, Sample};
use seen::SeenBefore;
use shift::Watched;
use together::Together;

/// What to evaluate, on what.
#[derive(Debug, Clone)]
pub struct EvaluateOptions {
    /// Experts; empty: all.
    pub nodes: Vec<String>,
    /// Rows with the columns of the data source, targets among them.
    pub input: PathBuf,
    /// Rows at a time.
    pub chunk: usize,
}

/// Measures the deployed models (those in the lock) with the labelled rows of a file.
///
/// # Errors
/// [`EngineError::Usage`] when an expert was never fitted or is unknown, [`EngineError::Invalid`] for rows
/// that do not fit, that lack the target of a named expert, or of which nothing can be measured.
pub fn evaluate(
    session: &Session,
    options: &EvaluateOptions,
) -> Result<EvaluationReport, EngineError> {
    let chosen: BTreeSet<usize> = session.select(&options.nodes)?.into_iter().collect();
    let wanted = session.dag.with_ancestors(&chosen.iter().copied().collect::<Vec<_>>());
    let source = session.only_source(&wanted)?.to_owned();
    let named = if options.nodes.is_empty() { BTreeSet::new() } else { chosen };
    let mut opened = Opened::new(session, options, &source, &wanted, &named)?;
    let seen = opened.pass(session)?;
    session.reported(options, &source, &wanted, &opened, seen)
}

/// Rows that are about to pass by.
struct Opened {
    rows: RowReader,
    conform: Conform,
    experts: Vec<Deployed>,
    /// Why a node is not measured.
    unmeasured: BTreeMap<usize, String>,
    /// Raw columns under watch.
    watched: BTreeSet<String>,
    before: SeenBefore,
    /// Brings the columns that tell rows apart into the table's types.
    identity: Option<Conform>,
    /// Who belongs together, where the split says so.
    together: Option<Together>,
    /// The declared slices that the rows have the columns of; of the others why they are not measured.
    slices: BTreeSet<String>,
    unsliced: Vec<String>,
}

/// What they left behind.
struct Seen {
    kept: Vec<Kept>,
    sample: Sample,
    watched: Vec<Watched>,
}

impl Opened {
    fn new(
        session: &Session,
        options: &EvaluateOptions,
        source: &str,
        wanted: &BTreeSet<usize>,
        named: &BTreeSet<usize>,
    ) -> Result<Self, EngineError> {
        let wrong = |error| data_error(error, &session.pipeline.source);
        let spec = &session.pipeline.data[source];
        let facts = &session.data[source].facts;
        let read = wanted.iter().flat_map(|&index| &session.node(index).resolved().inputs);
        let mut columns: BTreeSet<String> =
            read.filter_map(Input::column).map(str::to_owned).collect();
        let inputs: Vec<String> = columns.iter().cloned().collect();
        let mut rows = RowReader::of_source(spec, &options.input, options.chunk).map_err(wrong)?;
        rows.adopt(facts, &inputs);
        let mut unmeasured = BTreeMap::new();
        for &index in wanted {
            let own = session.node(index).asks_for(spec, facts)?;
            match Conform::of_source(spec, facts, &own, rows.header()) {
                Ok(_) => columns.extend(own),
                Err(error)
                    if error.kind() == DataErrorKind::UnknownColumn && !named.contains(&index) =>
                {
                    unmeasured.insert(index, error.fault().message.clone());
                }
                Err(error) => return Err(about_query(wrong(error), spec.query.is_some(), source)),
            }
        }
        if unmeasured.len() == wanted.len() {
            let error = session.without_targets(&unmeasured, options, rows.header());
            return Err(about_query(error, spec.query.is_some(), source));
        }
        let (mut slices, mut unsliced) = (BTreeSet::new(), Vec::new());
        for slice in session.slices_of(source) {
            let own: Vec<String> = session.slice_reads(slice)?.into_iter().collect();
            match Conform::of_source(spec, facts, &own, rows.header()) {
                Ok(_) => {
                    columns.extend(own);
                    slices.insert(slice.get_ref().text.clone());
                }
                Err(error) => unsliced.push(format!(
                    "slice `{}` is not measured: {}",
                    slice.get_ref().text,
                    error.fault().message
                )),
            }
        }
        let columns: Vec<String> = columns.into_iter().collect();
        let conform = Conform::of_source(spec, facts, &columns, rows.header())
            .map_err(|error| about_query(wrong(error), spec.query.is_some(), source))?;
        let mut experts = Vec::new();
        for &index in session.dag.order() {
            if wanted.contains(&index) {
                let model = session.node(index).deployed()?;
                let written = !unmeasured.contains_key(&index);
                experts.push(Deployed::new(session, index, model, written)?);
            }
        }
        let own = wanted.iter().flat_map(|&index| session.node(index).own_columns());
        let watched = own.map(str::to_owned).collect();
        let measured: Vec<usize> =
            experts.iter().filter(|expert| expert.written).map(|expert| expert.index).collect();
        let before = SeenBefore::new(session, &measured, rows.header())?;
        // Cells mean what they mean in the table; only a file that writes numbers or times in a way of
        // its own must be read as the table was for that.
        let identity = match rows.places().style == Style::default() {
            true => None,
            false => Conform::of_source(spec, facts, &before.columns(), rows.header()).ok(),
        };
        let together = Together::new(spec, facts, rows.header());
        Ok(Self {
            rows,
            conform,
            experts,
            unmeasured,
            watched,
            before,
            identity,
            together,
            slices,
            unsliced,
        })
    }

    /// Reads all rows once.
    fn pass(&mut self, session: &Session) -> Result<Seen, EngineError> {
        let wrong = |error| data_error(error, &session.pipeline.source);
        let measured = self.experts.iter().filter(|expert| expert.written);
        let mut kept: Vec<Kept> = measured
            .map(|expert| Kept::new(session, expert, &self.slices))
            .collect::<Result<_, EngineError>>()?;
        let kinds: BTreeMap<&str, ColumnType> =
            self.conform.wanted().iter().map(|(name, kind)| (name.as_str(), *kind)).collect();
        let columns = self.watched.iter().map(|name| (name.as_str(), kinds[name.as_str()]));
        let mut sample = Sample::new(columns, MOST, &Digest::of(b"sample"));
        let mut watched = session.node(self.experts[0].index).watched(&self.watched)?;
        let mut surprises = vec![Surprises::default(); self.experts.len()];
        while let Some(chunk) = self.rows.next().transpose().map_err(wrong)? {
            session.go_on()?;
            let table = self.conform.apply(&chunk, self.rows.places()).map_err(wrong)?;
            let first = sample.passed;
            let read = self.identity.as_ref().map(|to| to.apply(&chunk, self.rows.places()));
            // What nothing else reads stops nothing: such rows are known by what the cells say.
            let who = match &read {
                Some(Ok(read)) => read,
                Some(Err(_)) | None => &chunk,
            };
            let seen = self.seen_in(session, &kept, who);
            let source =
                &session.pipeline.data[&session.node(self.experts[0].index).declared().data];
            let groups = self
                .together
                .as_mut()
                .and_then(|all| all.groups(source, &chunk, &self.rows, first));
            let by_any: Vec<bool> =
                (0..table.rows).map(|row| seen.iter().flatten().any(|seen| seen[row])).collect();
            sample.add(&table, &by_any);
            for watched in &mut watched {
                if let Some(column) = table.column(&watched.column) {
                    watched.add(column, &by_any);
                }
            }
            let mut next = kept.iter_mut().zip(&seen);
            Chunk::new(session, &self.experts, &table, &mut surprises).each(&mut |_, made| {
                // Both are in the order of the DAG.
                match next.next() {
                    Some((kept, seen)) => {
                        kept.add(session, &table, made, first, seen.as_deref(), groups.as_deref())
                    }
                    None => Ok(()),
                }
            })?;
        }
        if sample.passed != self.rows.done() {
            let (read, seen) = (self.rows.done(), sample.passed);
            return Err(EngineError::Internal(format!(
                "{read} rows were read and {seen} looked at"
            )));
        }
        if sample.passed == 0 {
            let path = self.rows.path().display();
            return Err(EngineError::File(
                Code::NoRows,
                format!("{path} has a header and no rows"),
            ));
        }
        Ok(Seen { kept, sample, watched })
    }
}

impl Opened {
    /// Of each node: whether its models have seen the rows of a chunk, where that is known.
    fn seen_in(&self, session: &Session, kept: &[Kept], chunk: &Table) -> Vec<Option<Vec<bool>>> {
        let mut identities = HashMap::new();
        let of = |kept: &Kept| {
            let source = &session.pipeline.data[&session.node(kept.index).declared().data];
            self.before.among(kept.index, chunk, source.read_of_rows(), &mut identities)
        };
        kept.iter().map(of).collect()
    }
}

impl NodeRef<'_> {
    /// The columns that measuring a node takes, beside what predicting takes.
    fn asks_for(self, spec: &DataSource, facts: &TableFacts) -> Result<Vec<String>, EngineError> {
        let expert = self.declared();
        let mut columns = BTreeSet::from([expert.target.get_ref().clone()]);
        if let Some(filter) = &expert.filter {
            let read = predicate_reads(facts, spec.name.get_ref(), filter)
                .map_err(|error| data_error(error, &self.session.pipeline.source))?;
            columns.extend(read);
        }
        Ok(columns.into_iter().collect())
    }

    /// The columns under watch, as they are on the training rows of the data source of a node.
    fn watched(self, columns: &BTreeSet<String>) -> Result<Vec<Watched>, EngineError> {
        let table = self.table()?;
        let sides = self
            .prepared()
            .sides()
            .map_err(|error| data_error(error, &self.session.pipeline.source))?;
        let training: Vec<u32> =
            (0..sides.len() as u32).filter(|&row| sides[row as usize] == Side::Train).collect();
        let columns = columns.iter().filter_map(|name| table.column(name));
        Ok(columns.map(|column| Watched::new(column, &training)).collect())
    }
}

impl Session {
    /// No node can be measured: says which columns would change that.
    fn without_targets(
        &self,
        unmeasured: &BTreeMap<usize, String>,
        options: &EvaluateOptions,
        header: &[String],
    ) -> EngineError {
        let why: Vec<String> = unmeasured
            .iter()
            .map(|(&index, why)| {
                let target = self.node(index).declared().target.get_ref();
                format!("{} predicts `{target}`: {why}", self.node(index).node_name())
            })
            .collect();
        let near = unmeasured.keys().find_map(|&index| {
            let target = self.node(index).declared().target.get_ref();
            let near = collegium_manifest::suggest(target, header.iter().map(String::as_str))?;
            Some(format!("did you mean `{target}` by `{near}`? "))
        });
        let message = format!("{} has no target to evaluate on", options.input.display());
        EngineError::Invalid(Diagnostics(vec![
            Diagnostic::placeless(Code::NothingToMeasure, message).help(format!(
                "{}{}",
                near.unwrap_or_default(),
                why.join("; ")
            )),
        ]))
    }

    fn reported(
        &self,
        options: &EvaluateOptions,
        source: &str,
        wanted: &BTreeSet<usize>,
        opened: &Opened,
        seen: Seen,
    ) -> Result<EvaluationReport, EngineError> {
        let Seen { kept, sample, watched } = seen;
        let (states, stale) = self.current_and_stale(wanted)?;
        let inputs = self.input_shifts(source, watched, &sample);
        let mut nodes = self.node_evaluations(opened, &kept, &sample, &states)?;
        // What was stopped on its way is no measurement.
        self.go_on()?;
        if nodes.iter().all(|node| node.unmeasured.is_some()) {
            return Err(nothing(&nodes, options));
        }
        for node in &mut nodes {
            let moved =
                inputs.iter().filter(|input| input.moved && node.columns.contains(&input.column));
            node.moved = moved.map(|input| input.column.clone()).collect();
        }
        lost::judge(&mut nodes);
        let mut notes = self.evaluation_notes(opened, source, &stale)?;
        notes.extend(few_groups(&nodes));
        notes.extend(opened.unsliced.iter().cloned());
        let (requirements, other) = self.requirements_on(&nodes);
        notes.extend(other);
        let mut report = EvaluationReport {
            format_version: FORMAT_VERSION,
            pipeline: self.pipeline.name.clone(),
            created: crate::clock::now(),
            input: options.input.display().to_string(),
            data: format!("data.{source}"),
            rows: sample.passed,
            training_rows: self.data[source].facts.sides[0],
            seen: sample.passed - sample.among,
            sampled: (sample.among > sample.rows.len() as u64).then_some(sample.rows.len() as u64),
            findings: Vec::new(),
            nodes,
            inputs,
            requirements,
            notes,
        };
        report.findings = lost::findings(&report);
        Ok(report)
    }

    /// Every node in the order of the DAG.
    fn node_evaluations(
        &self,
        opened: &Opened,
        kept: &[Kept],
        sample: &Sample,
        states: &States,
    ) -> Result<Vec<NodeEvaluation>, EngineError> {
        let mut nodes = Vec::new();
        for expert in &opened.experts {
            let node = match opened.unmeasured.get(&expert.index) {
                Some(why) => self.node(expert.index).unmeasured(why.clone()),
                None => {
                    let kept = kept.iter().find(|kept| kept.index == expert.index);
                    let gone = || EngineError::Internal("a node without rows".to_owned());
                    self.evaluated(
                        kept.ok_or_else(gone)?,
                        sample,
                        states,
                        2 * kept_targets(opened),
                    )?
                }
            };
            nodes.push(node);
        }
        let mut shifts: Vec<&mut ColumnShift> =
            nodes.iter_mut().filter_map(|node| node.target_shift.as_mut()).collect();
        correct(&mut shifts);
        Ok(nodes)
    }

    /// What moved, most first.
    fn input_shifts(
        &self,
        source: &str,
        watched: Vec<Watched>,
        sample: &Sample,
    ) -> Vec<ColumnShift> {
        let tests = 2 * watched.len();
        let key = Hasher::new("moved").digest(&self.data[source].key).finish();
        let mut shifts: Vec<ColumnShift> = watched
            .into_iter()
            .map(|watched| {
                let name = format!("{source}.{}", watched.column);
                let sampled = sample.numbers(&watched.column).unwrap_or_default();
                let family = Family { key: &key, name: &name, tests };
                watched.finish(name.clone(), sampled, &family)
            })
            .collect();
        correct(&mut shifts.iter_mut().collect::<Vec<_>>());
        shifts.sort_by(|a, b| {
            b.moved.cmp(&a.moved).then(b.psi.total_cmp(&a.psi)).then(a.column.cmp(&b.column))
        });
        shifts
    }

    /// `evaluate.require` about test rows, read as being about these; and a note about the others.
    fn requirements_on(
        &self,
        nodes: &[NodeEvaluation],
    ) -> (Vec<RequirementOutcome>, Option<String>) {
        let find = |name: &str| nodes.iter().find(|node| bare_name(&node.name) == name);
        let all = self.pipeline.evaluate.require.iter().map(|requirement| requirement.get_ref());
        let own: Vec<_> = all.filter(|requirement| find(&requirement.expert).is_some()).collect();
        let (asked, other): (Vec<_>, Vec<_>) = own.into_iter().partition(|r| r.split == "test");
        let value = |requirement: &collegium_manifest::Requirement| {
            let node = find(&requirement.expert);
            let found = node.and_then(|node| {
                let interval = node.new.intervals.get(&requirement.metric).copied();
                Some((*node.new.metrics.get(&requirement.metric)?, interval))
            });
            found.ok_or_else(|| "it is not defined on these rows".to_owned())
        };
        let note = (!other.is_empty()).then(|| {
            let texts: Vec<&str> = other.iter().map(|r| r.text.as_str()).collect();
            format!("about other rows than these, and not checked: {}", texts.join("; "))
        });
        (requirement::check_by(&asked, &value), note)
    }

    fn evaluation_notes(
        &self,
        opened: &Opened,
        source: &str,
        stale: &[String],
    ) -> Result<Vec<String>, EngineError> {
        let mut notes = opened.conform.notes().to_vec();
        notes.extend(opened.rows.notes());
        notes.extend(opened.before.unknown.iter().cloned());
        if !stale.is_empty() {
            notes.push(format!(
                "evaluated with the models of the lock, although the pipeline has changed since: {}",
                stale.join(", ")
            ));
        }
        let wrong = |error| data_error(error, &self.pipeline.source);
        let alone = match self.data[source].groups().map_err(wrong)? {
            Some(groups) => {
                let distinct: BTreeSet<u64> = groups.iter().copied().collect();
                distinct.len() == groups.len()
            }
            None => !self.pipeline.data[source].split.is_forward(),
        };
        if !alone {
            notes.extend(opened.together.as_ref().map(Together::note));
        }
        Ok(notes)
    }
}

fn kept_targets(opened: &Opened) -> usize {
    opened.experts.len() - opened.unmeasured.len()
}

/// Of which nodes intervals are of few groups, or of one and so not there.
fn few_groups(nodes: &[NodeEvaluation]) -> Option<String> {
    let measured = nodes.iter().filter(|node| node.unmeasured.is_none());
    let few = measured.filter_map(|node| {
        let sides = [("new", &node.new), ("test", &node.test)].map(|(what, side)| {
            let groups = side.groups.filter(|groups| *groups < FEWEST_GROUPS)?;
            Some(format!("{groups} of {what} rows"))
        });
        let sides: Vec<String> = sides.into_iter().flatten().collect();
        (!sides.is_empty()).then(|| format!("{} ({})", node.name, sides.join(", ")))
    });
    let few: Vec<String> = few.collect();
    (!few.is_empty()).then(|| {
        format!(
            "intervals of fewer than {FEWEST_GROUPS} groups are rough (each is left out once: jackknife, \
             Student's t), and one group has none: {}",
            few.join("; ")
        )
    })
}

/// Holm's correction over all of them.
fn correct(shifts: &mut [&mut ColumnShift]) {
    let p_values: Vec<f64> = shifts.iter().map(|shift| shift.p_value).collect();
    for (shift, adjusted) in shifts.iter_mut().zip(holm(&p_values)) {
        shift.adjusted = adjusted;
        shift.moved = adjusted <= LEVEL;
    }
}

/// Nothing could be measured: why not, node by node, with the classes that were found and those known.
fn nothing(nodes: &[NodeEvaluation], options: &EvaluateOptions) -> EngineError {
    let quoted = |names: &mut dyn Iterator<Item = &String>| {
        names.take(6).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    };
    let why: Vec<String> = nodes
        .iter()
        .map(|node| {
            let why = node.unmeasured.as_deref().unwrap_or_default();
            let mut text = format!("{}: {why}", node.name);
            if !node.unknown_classes.is_empty() {
                let found = quoted(&mut node.unknown_classes.iter().map(|class| &class.level));
                let known = quoted(&mut node.classes.iter());
                text.push_str(&format!("; the rows have {found}, and it knows {known}"));
            }
            text
        })
        .collect();
    let message = format!("nothing can be measured on {}", options.input.display());
    EngineError::Invalid(Diagnostics(vec![
        Diagnostic::placeless(Code::NothingToMeasure, message).help(why.join("; ")),
    ]))
}
