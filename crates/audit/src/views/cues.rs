//! Ablation of inputs (cue tests): what an expert can do when an input is removed. Nothing is trained.
//!
//! Three ways, on test rows, at the encoded columns. *Removed*: the mean of the column, for a category
//! the shares of its levels. *Permuted*: the value of another row, drawn at random; what an input
//! that is unrelated to the target does to an output is then done to it all the same, so that such
//! an input costs nothing to permute, however much weight it has. *Swapped*: the value of a row of
//! another class (for regression, of the other half of the target): whoever follows it is led wrong.
//!
//! By itself an audit tests every declared input of every expert, at that expert. What is asked for by
//! name (`--without`) is taken from the whole pipeline: from every expert above that reads it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use collegium_digest::{Digest, Hasher, stream};
use collegium_learn::Model;
use collegium_manifest::{Input, Output};
use collegium_plan::View;
use collegium_probe::Groups;
use collegium_records::{Code, Cue, NodeAudit};
use collegium_table::Matrix;
use rand::RngExt as _;
use serde::{Deserialize, Serialize};

use crate::view::AuditView;
use collegium_engine::{
    EngineError, Session,
    apply::named,
    fit::shuffle,
    inputs::{InputData, encode, output_data, sources},
    intervals::Reference,
    measure::Predicted,
    rows::{Rows, Side},
};

use crate::{
    Auditor,
    looked::{Looked, Tested},
    subject::some_of,
};

/// Test rows that are tested on, at most.
const MOST_ROWS: usize = 10_000;

/// Fewest resamples behind an interval.
const LEAST_RESAMPLES: u32 = 100;

/// Ablation of every declared input.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Cues(Vec<Cue>);

impl AuditView for Cues {
    const NAME: &'static str = "cues";
    const VERSION: u32 = 2;

    fn applies(looked: &Looked) -> Result<bool, EngineError> {
        looked.is_shown()
    }

    fn measure(looked: &Looked) -> Result<Self, EngineError> {
        match looked.tested()? {
            Some(tested) => looked.auditor.cues(looked.model()?, tested, &looked.key).map(Self),
            None => Ok(Self(Vec::new())),
        }
    }

    fn place(self, audit: &mut NodeAudit) {
        audit.probe.cues = self.0;
    }
}

/// An input to ablate (`--without`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Without {
    /// A declared input, as the pipeline file writes it.
    pub input: String,
    /// Of an image: rows and columns of pixels, `[top, bottom)` and `[left, right)`.
    pub region: Option<[std::ops::Range<u32>; 2]>,
}

impl std::fmt::Display for Without {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.input)?;
        match &self.region {
            None => Ok(()),
            Some([y, x]) => write!(f, "[{}:{}, {}:{}]", y.start, y.end, x.start, x.end),
        }
    }
}

impl std::str::FromStr for Without {
    type Err = String;

    /// `flights.hour`, `digits.image[0:2, 4:6]`
    fn from_str(text: &str) -> Result<Self, String> {
        let Some((input, rest)) = text.split_once('[') else {
            return Ok(Self { input: text.to_owned(), region: None });
        };
        let wrong = || {
            format!(
                "`{text}` is no input: a region of an image is written as \
                 `digits.image[0:2, 4:6]`, rows of pixels first"
            )
        };
        let inside = rest.strip_suffix(']').ok_or_else(wrong)?;
        let ranges: Vec<std::ops::Range<u32>> = inside
            .split(',')
            .map(|range| {
                let (from, to) = range.trim().split_once(':')?;
                let (from, to) = (from.trim().parse().ok()?, to.trim().parse().ok()?);
                (from < to).then_some(from..to)
            })
            .collect::<Option<_>>()
            .ok_or_else(wrong)?;
        let region = <[_; 2]>::try_from(ranges).map_err(|_| wrong())?;
        Ok(Self { input: input.to_owned(), region: Some(region) })
    }
}

/// How the values of a row are replaced.
enum Change {
    Mean,
    /// By those of the row at this position.
    From(Vec<usize>),
}

impl Auditor<'_> {
    /// `None` with fewer than two rows.
    pub(crate) fn tested(
        self,
        model: &Model,
        data: &[InputData],
        key: &Digest,
    ) -> Result<Option<Tested>, EngineError> {
        let rows = self.cue_rows(key)?;
        if rows.len() < 2 {
            return Ok(None);
        }
        let x = encode(model, &sources(data), &rows)?;
        let before = self.encoded_predicted(model, &x, &rows)?;
        Ok(Some(Tested { rows, x, before }))
    }

    /// The rows that cues are tested on.
    fn cue_rows(self, key: &Digest) -> Result<Vec<u32>, EngineError> {
        let rows =
            self.session().rows(Rows::HeldOut { expert: self.node.index, side: Side::Test })?;
        Ok(some_of(&rows, MOST_ROWS, key))
    }

    /// Every declared input of one expert, at that expert.
    fn cues(self, model: &Model, tested: &Tested, key: &Digest) -> Result<Vec<Cue>, EngineError> {
        let Tested { rows, x, before } = tested;
        let together = self.groups_of(rows)?;
        let before = Reference::new(before);
        let inputs = model.encoder.names().iter().zip(model.encoder.groups());
        inputs
            .map(|(name, group)| {
                let columns: Vec<usize> = group.collect();
                let key = Hasher::new("cue").digest(key).text(name).finish();
                cue(self.session(), name.clone(), &before, together.as_ref(), &key, &mut |change| {
                    self.encoded_predicted(model, &altered(x, &columns, change), rows)
                })
            })
            .collect()
    }

    /// A region of an image among the inputs of one expert, at that expert.
    pub(super) fn region_cue(
        self,
        model: &Model,
        tested: &Tested,
        at: usize,
        region: [std::ops::Range<u32>; 2],
        key: &Digest,
    ) -> Result<Cue, EngineError> {
        let Tested { rows, x, before } = tested;
        let together = self.groups_of(rows)?;
        let without = Without { input: model.encoder.names()[at].clone(), region: Some(region) };
        let columns = columns_of(model, &without, at, model.encoder.groups()[at].clone())?;
        let name = without.to_string();
        let key = Hasher::new("cue").digest(key).text(&name).finish();
        cue(self.session(), name, &Reference::new(before), together.as_ref(), &key, &mut |change| {
            self.encoded_predicted(model, &altered(x, &columns, change), rows)
        })
    }

    /// Ablation of an input in the whole pipeline, as far as it reaches an expert; `None` where it does
    /// not.
    pub(crate) fn cue_everywhere(
        self,
        without: &Without,
        key: &Digest,
    ) -> Result<Option<Cue>, EngineError> {
        let above = self.session().dag.with_ancestors(&[self.node.index]);
        let reads = |expert: usize| {
            self.session()
                .node(expert)
                .resolved()
                .inputs
                .iter()
                .any(|input| input.to_string() == without.input)
        };
        if !above.iter().any(|&expert| reads(expert)) {
            return Ok(None);
        }
        let rows = self.cue_rows(key)?;
        if rows.len() < 2 {
            return Ok(None);
        }
        let state = self
            .states
            .get(&self.node.index)
            .ok_or_else(|| EngineError::Internal("an expert without a state".to_owned()))?;
        let before = self.node.predicted_on(state, &rows)?;
        let key = Hasher::new("cue").digest(key).text(&without.to_string()).finish();
        let together = self.groups_of(&rows)?;
        let (before, name) = (Reference::new(&before), without.to_string());
        cue(self.session(), name, &before, together.as_ref(), &key, &mut |change| {
            self.forward(&rows, without, change)
        })
        .map(Some)
    }

    pub(super) fn encoded_predicted(
        self,
        model: &Model,
        x: &Matrix,
        rows: &[u32],
    ) -> Result<Predicted, EngineError> {
        let matrix = model.predictions(x, &self.session().interrupted)?;
        self.with_truth(matrix.data, matrix.width, rows)
    }

    /// What an expert predicts when an input is changed in every expert above that reads it.
    fn forward(
        self,
        rows: &[u32],
        without: &Without,
        change: &Change,
    ) -> Result<Predicted, EngineError> {
        let above = self.session().dag.with_ancestors(&[self.node.index]);
        let mut changed: HashMap<(usize, Output), Arc<Matrix>> = HashMap::new();
        for &expert in self.session().dag.order() {
            if !above.contains(&expert) {
                continue;
            }
            let state = self
                .states
                .get(&expert)
                .ok_or_else(|| EngineError::Internal("an expert without a state".to_owned()))?;
            let model = self.session().model(state.full())?;
            let inputs = &self.session().node(expert).resolved().inputs;
            let mut data =
                self.session().node(expert).input_data(inputs, View::Deployed, self.states)?;
            for (data, input) in data.iter_mut().zip(inputs) {
                if let Input::Output { expert: from, output } = input {
                    let from = self.session().index(from)?;
                    if let Some(matrix) = changed.get(&(from, *output)) {
                        *data = output_data(
                            *output,
                            matrix.clone(),
                            &self.session().node(from).resolved().classes,
                        );
                    }
                }
            }
            let mut x = encode(&model, &sources(&data), rows)?;
            for (at, (input, group)) in inputs.iter().zip(model.encoder.groups()).enumerate() {
                if input.to_string() == without.input {
                    let columns = columns_of(&model, without, at, group)?;
                    x = altered(&x, &columns, change);
                }
            }
            if expert == self.node.index {
                return self.encoded_predicted(&model, &x, rows);
            }
            let mut outputs = named(model.outputs(&x, &self.session().interrupted)?);
            if self.session().node(expert).hands_out_embedding() {
                outputs.extend(model.embedding(&x).map(|matrix| (Output::Embedding, matrix)));
            }
            for (output, matrix) in outputs {
                let deployed = self
                    .session()
                    .output_object(
                        self.session().node(expert).name(),
                        output,
                        View::Deployed,
                        self.states,
                    )
                    .map(|object| self.session().matrix(&object))
                    .transpose()?
                    .flatten();
                let Some(deployed) = deployed else { continue };
                let mut whole = (*deployed).clone();
                for (i, &row) in rows.iter().enumerate() {
                    whole.row_mut(row as usize).copy_from_slice(matrix.row(i));
                }
                changed.insert((expert, output), Arc::new(whole));
            }
        }
        Err(EngineError::Internal("an expert that is not above itself".to_owned()))
    }
}

fn cue(
    session: &Session,
    input: String,
    before: &Reference,
    together: Option<&Groups>,
    key: &Digest,
    evaluate: &mut dyn FnMut(&Change) -> Result<Predicted, EngineError>,
) -> Result<Cue, EngineError> {
    let rows = before.predicted.rows() as usize;
    let mut order: Vec<usize> = (0..rows).collect();
    shuffle(&mut order, &mut stream(key, "permuted"));
    let resamples = session.pipeline.audit.bootstrap.max(LEAST_RESAMPLES);
    let swapped = others(before.predicted, key).map(Change::From);
    let changes = [Change::Mean, Change::From(order)].into_iter().chain(swapped);
    let after = changes.map(|change| evaluate(&change)).collect::<Result<Vec<_>, _>>()?;
    let how = session.resampling(resamples, key).by(together);
    let mut measured = before.paired(&after.iter().collect::<Vec<_>>(), how).into_iter();
    let mut next = || measured.next().unwrap_or_default();
    Ok(Cue {
        rows: rows as u64,
        removed: next(),
        permuted: next(),
        swapped: next(),
        conditional: None,
        input,
    })
}

/// The encoded columns of an input, or of a region of its pixels.
fn columns_of(
    model: &Model,
    without: &Without,
    input: usize,
    group: std::ops::Range<usize>,
) -> Result<Vec<usize>, EngineError> {
    let Some([rows, columns]) = &without.region else { return Ok(group.collect()) };
    let image = model.encoder.images().into_iter().find(|(at, _)| *at == input);
    let Some((_, shape)) = image else {
        return Err(EngineError::Usage(
            Code::BadArguments,
            format!("`{}` is no image: leave out the region in `{without}`", without.input),
        ));
    };
    if rows.end as usize > shape.height || columns.end as usize > shape.width {
        return Err(EngineError::Usage(
            Code::BadArguments,
            format!("`{without}` lies outside: `{}` is an image of {shape}", without.input),
        ));
    }
    let pixels = rows.clone().flat_map(|row| columns.clone().map(move |column| (row, column)));
    let of = |(row, column)| {
        let first = group.start + (row as usize * shape.width + column as usize) * shape.channels;
        first..first + shape.channels
    };
    Ok(pixels.flat_map(of).collect())
}

/// The rows with some columns changed.
fn altered(x: &Matrix, columns: &[usize], change: &Change) -> Matrix {
    match change {
        Change::Mean => {
            let mut out = x.clone();
            for &column in columns {
                let sum: f64 = (0..x.rows).map(|row| f64::from(x.row(row)[column])).sum();
                let mean = (sum / x.rows.max(1) as f64) as f32;
                (0..x.rows).for_each(|row| out.row_mut(row)[column] = mean);
            }
            out
        }
        Change::From(rows) => exchanged(x, columns, rows),
    }
}

/// The rows with some columns taken from the rows at these positions.
pub(super) fn exchanged(x: &Matrix, columns: &[usize], from: &[usize]) -> Matrix {
    let mut out = x.clone();
    for (row, &from) in from.iter().enumerate() {
        for &column in columns {
            out.row_mut(row)[column] = x.row(from)[column];
        }
    }
    out
}

/// For each row a random one of another class, or of the other half of the target; `None` where there
/// is no other.
fn others(predicted: &Predicted, key: &Digest) -> Option<Vec<usize>> {
    let groups: Vec<u32> = match predicted {
        Predicted::Classes { labels, .. } => labels.clone(),
        Predicted::Values { truth, .. } => {
            let mut sorted = truth.clone();
            sorted.sort_by(f64::total_cmp);
            let median = *sorted.get(sorted.len() / 2)?;
            truth.iter().map(|value| u32::from(*value >= median)).collect()
        }
    };
    let mut by_group: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (row, group) in groups.iter().enumerate() {
        by_group.entry(*group).or_default().push(row);
    }
    if by_group.len() < 2 {
        return None;
    }
    // All rows, group after group: those of other groups lie before and behind the own.
    let all: Vec<usize> = by_group.values().flatten().copied().collect();
    let mut start = 0;
    let own: BTreeMap<u32, std::ops::Range<usize>> = by_group
        .iter()
        .map(|(group, rows)| {
            let from = start;
            start += rows.len();
            (*group, from..start)
        })
        .collect();
    let mut random = stream(key, "swapped");
    let other = |group: &u32| {
        let own = &own[group];
        let at = random.random_range(0..all.len() - own.len());
        all[if at < own.start { at } else { at + own.len() }]
    };
    Some(groups.iter().map(other).collect())
}
