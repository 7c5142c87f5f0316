//! `forget`: finds the models that were trained on given rows (data deletion requests).

use std::{
    collections::{BTreeMap, HashSet},
    path::Path,
};

use collegium_data::{RowReader, row_identities};
use collegium_digest::Digest;
use collegium_manifest::{DataSource, ReadOptions};
use collegium_records::{
    Action, Code, FORMAT_VERSION, Fit, FitName, ForgetReport, Members, SeenBy, Standing, Who,
};
use collegium_table::Table;

use super::bits::Bits;
use crate::{EngineError, PlanOptions, Session, error::data_error, planning::planned};

/// Rows of a file that are held in memory at once.
const CHUNK: usize = 65_536;

/// Finds the models of a pipeline that have seen the rows of a file. A row is recognised by its key
/// (`split.by`) where the file has it, else by the columns that its content is known by; other columns
/// of the file do not count. With `retrain`, what it would cost to make the models again.
///
/// # Errors
/// [`EngineError::Usage`] for a file that has neither the key nor these columns;
/// [`EngineError::Invalid`] for one that cannot be read; [`EngineError::Store`].
pub fn forget(session: &Session, file: &Path, retrain: bool) -> Result<ForgetReport, EngineError> {
    // Each data source says how its text files are written, and what a row is known by.
    let mut asked: BTreeMap<&String, Asked> = BTreeMap::new();
    let mut unreadable = None;
    for (name, source) in &session.pipeline.data {
        match Asked::new(session, source, file) {
            Ok(rows) => drop(asked.insert(name, rows)),
            Err(error) => drop(unreadable.get_or_insert(error)),
        }
    }
    if let (true, Some(error)) = (asked.is_empty(), unreadable) {
        return Err(error);
    }
    let rows = asked.values().next().map_or(0, |asked| asked.rows());
    let (mut models, mut unknown) = (Vec::new(), Vec::new());
    let mut standing: HashSet<Digest> = HashSet::new();
    let (mut answered, mut lacks) = (false, None);
    for (name, node) in &session.lock.node {
        let Ok(index) = session.index(name) else { continue };
        let data = &session.node(index).declared().data;
        let Some(asked) = asked.get_mut(data) else {
            unknown.push(format!("{name}: the file cannot be read as `{data}` is"));
            continue;
        };
        let full = node.standing();
        let parts = node.parts.iter().map(|(part, standing)| (*part, *standing));
        let folds = node.parts.keys().filter(|name| name.is_fold()).count();
        let mut silent: BTreeMap<String, Vec<FitName>> = BTreeMap::new();
        for (part, one) in std::iter::once((FitName::Full, full)).chain(parts) {
            standing.insert(one.realisation);
            let Some(fit) = session.fit_of(&one)? else { continue };
            match asked.seen_by(&fit)? {
                Answer::Seen(seen) => {
                    answered = true;
                    if seen.any() {
                        models.push(SeenBy {
                            node: name.clone(),
                            part: part.to_string(),
                            model: fit.model,
                            trained: seen.trained,
                            chosen: seen.chosen,
                            through_others: seen.through_others,
                        });
                    }
                }
                Answer::Unread(columns) => {
                    let why =
                        format!("the file lacks the columns that tell its rows apart: {columns}");
                    silent.entry(why).or_default().push(part);
                    lacks.get_or_insert(columns);
                }
                Answer::Unknown => {
                    let why = "it does not say which rows it has seen".to_owned();
                    silent.entry(why).or_default().push(part);
                }
            }
        }
        let said = silent.iter().map(|(why, of)| format!("{name}, {}: {why}", listed(of, folds)));
        unknown.extend(said);
    }
    if let (false, Some(columns)) = (answered, lacks) {
        return Err(EngineError::Usage(
            Code::NoSuchColumn,
            format!(
                "{} has not the columns that tell rows apart: it needs {columns}",
                file.display()
            ),
        ));
    }
    // Models of rotations are in use too: they are kept as long as the file asks for them.
    let mut rotations: HashSet<Digest> = HashSet::new();
    for lock in session.store.rotated_locks(session.lock.rotated.as_ref())? {
        for node in lock.node.values() {
            rotations.insert(node.realisation);
            rotations.extend(node.parts.values().map(|part| part.realisation));
        }
    }
    let (mut older, mut rotated) = (0, 0);
    for (recipe, realisation) in session.store.realisations_named("")? {
        if standing.contains(&realisation)
            || !session.store.recipe(&recipe)?.is_some_and(|r| r.kind == "fit" || r.kind == "patch")
        {
            continue;
        }
        let Some(fit) = session.fit_of(&Standing { recipe, realisation })? else { continue };
        for asked in asked.values_mut() {
            if matches!(asked.seen_by(&fit)?, Answer::Seen(seen) if seen.any()) {
                match rotations.contains(&realisation) {
                    true => rotated += 1,
                    false => older += 1,
                }
                break;
            }
        }
    }
    let mut report = ForgetReport {
        format_version: FORMAT_VERSION,
        pipeline: session.pipeline.name.clone(),
        rows,
        models,
        unknown,
        older,
        rotated,
        // Where no model has seen the rows, none has to be made again.
        fits: retrain.then_some(0),
        seconds: None,
    };
    if retrain && !report.models.is_empty() {
        let mut force: Vec<String> = report.models.iter().map(|seen| seen.node.clone()).collect();
        force.dedup();
        // A held model is not fitted by any run; what it costs is said of the others.
        force.retain(|name| {
            session.index(name).is_ok_and(|index| session.node(index).held_model().is_none())
        });
        let options = PlanOptions { force, exact: true, ..PlanOptions::default() };
        let plan = planned(session, &options, false, session)?;
        let to_do = plan
            .nodes
            .iter()
            .filter(|node| !matches!(node.action, Action::Cached | Action::Frozen));
        report.fits = Some(to_do.map(|node| node.fits.len() as u64).sum());
        report.seconds = Some(plan.seconds);
    }
    Ok(report)
}

/// Parts of a node, its folds by their number: `full, 5 of 5 folds`.
fn listed(parts: &[FitName], folds: usize) -> String {
    let (some, other): (Vec<FitName>, Vec<FitName>) = parts.iter().partition(|name| name.is_fold());
    let mut other: Vec<String> = other.iter().map(ToString::to_string).collect();
    match some.as_slice() {
        [] => {}
        [one] => other.push(one.to_string()),
        _ => other.push(format!("{} of {folds} folds", some.len())),
    }
    other.join(", ")
}

/// Rows of a file as one data source reads them, and who they are by the columns that were asked for.
struct Asked<'a> {
    session: &'a Session,
    chunks: Vec<Table>,
    known: BTreeMap<Vec<String>, Option<HashSet<u64>>>,
}

/// How many rows of the file a model has seen.
#[derive(Debug, Clone, Copy, Default)]
struct Counted {
    trained: u64,
    chosen: u64,
    through_others: u64,
}

impl Counted {
    fn any(self) -> bool {
        self.trained + self.chosen + self.through_others > 0
    }
}

enum Answer {
    Seen(Counted),
    /// The file lacks columns, named here.
    Unread(String),
    /// The model does not say.
    Unknown,
}

impl<'a> Asked<'a> {
    fn new(session: &'a Session, source: &DataSource, file: &Path) -> Result<Self, EngineError> {
        let rows = RowReader::of_source(source, file, CHUNK);
        let chunks = rows.and_then(|rows| {
            let style = rows.places().style.clone();
            let plain = rows.map(|chunk| chunk.map(|chunk| style.plain(chunk)));
            plain.collect::<Result<Vec<Table>, _>>()
        });
        let chunks = chunks.map_err(|error| data_error(error, &session.pipeline.source))?;
        Ok(Self { session, chunks, known: BTreeMap::new() })
    }

    fn rows(&self) -> u64 {
        self.chunks.iter().map(|chunk| chunk.rows as u64).sum()
    }

    fn seen_by(&mut self, fit: &Fit) -> Result<Answer, EngineError> {
        let Some(membership) = fit.seen.as_ref().and_then(|seen| seen.membership.as_ref()) else {
            return Ok(Answer::Unknown);
        };
        let mut counted = Counted::default();
        let Some(own) = self.among(&membership.own)? else {
            let own = &membership.own;
            let key = own.key.as_ref().map(|key| format!("`{}`, or ", key.columns.join("`, `")));
            return Ok(Answer::Unread(format!(
                "{}`{}`",
                key.unwrap_or_default(),
                own.content.columns.join("`, `")
            )));
        };
        (counted.trained, counted.chosen) = own;
        for members in membership.inherited.iter().chain(&membership.above) {
            if let Some((trained, chosen)) = self.among(members)? {
                counted.through_others = counted.through_others.max(trained + chosen);
            }
        }
        Ok(Answer::Seen(counted))
    }

    /// Rows of the file that are among those trained on, and among those chosen on; `None` if that cannot
    /// be said.
    fn among(&mut self, members: &Members) -> Result<Option<(u64, u64)>, EngineError> {
        let bits = |object| self.session.bits(object);
        let (Some(trained), Some(chosen)) = (bits(&members.trained)?, bits(&members.chosen)?)
        else {
            return Ok(None);
        };
        for who in members.key.iter().chain([&members.content]) {
            let Some(rows) = self.session.identities_then(who)? else { continue };
            let Some(asked) = self.identities(who) else { continue };
            let count = |set: &Bits| {
                let seen: HashSet<u64> = set.among(&rows).collect();
                asked.intersection(&seen).count() as u64
            };
            return Ok(Some((count(&trained), count(&chosen))));
        }
        Ok(None)
    }

    /// The identities of the file's rows by these columns.
    fn identities(&mut self, who: &Who) -> Option<&HashSet<u64>> {
        let chunks = &self.chunks;
        // The rows are in the plain form already, however the file writes them.
        let read = ReadOptions::default();
        let known = self.known.entry(who.columns.clone()).or_insert_with(|| {
            let mut found = HashSet::new();
            for chunk in chunks {
                found.extend(row_identities(chunk, &who.columns, &read)?);
            }
            Some(found)
        });
        known.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::{FitName, listed};

    #[test]
    fn folds_of_a_node_are_said_by_their_number() {
        let fold = |fold| FitName::Fold { fold, of: 5 };
        let all = [FitName::Full, fold(1), fold(2), fold(3), fold(4), fold(5)];
        assert_eq!(listed(&all, 5), "full, 5 of 5 folds");
        assert_eq!(listed(&all[1..3], 5), "2 of 5 folds");
        assert_eq!(listed(&[FitName::Full, fold(2)], 5), "full, fold 2/5");
        assert_eq!(listed(&[FitName::Full, FitName::Linear], 0), "full, baseline linear");
    }
}
