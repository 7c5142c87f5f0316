//! Feature importance of raw columns, by reverse-mode differentiation (vjp) through the whole DAG.
//!
//! An expert that reads another looks at whatever that one looks at. The derivative of its output by
//! a column of the data is the sum over all paths of products of Jacobians *at one row*; only then is
//! the outer product taken, and only then the mean over rows. (Multiplying mean Jacobians gives wrong
//! shares: a product x0·x1 has a mean gradient of 0.)
//!
//! In reverse: the expert's outputs are seeds; each expert, in reverse topological order, pulls what
//! has arrived at its outputs back to its inputs; a column keeps its part, an upstream's output hands
//! it on through that output's own derivative.

use std::{
    collections::{BTreeSet, HashMap},
    sync::atomic::AtomicBool,
};

use collegium_digest::Digest;
use collegium_learn::{Head, MOST_OUTPUTS, Model, SKETCHES, Seeds, sketches};
use collegium_manifest::{Input, Output, Task};
use collegium_plan::View;
use collegium_probe::{Accumulator, AgopError, AgopInputs, AgopOutput, Geometry, agop};
use collegium_records::{NodeAudit, RawAgop};
use collegium_table::{Matrix, Source};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use collegium_engine::{
    EngineError,
    inputs::{encode, sources},
    rows::{Side, side_name},
};

use crate::{
    Auditor,
    looked::Looked,
    subject::{by_part, resamples},
    view::AuditView,
};

/// Importance of raw columns; `None` where nothing can be seen.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Raw(Option<RawAgop>);

impl AuditView for Raw {
    const NAME: &'static str = "raw";
    const VERSION: u32 = 2;

    fn applies(looked: &Looked) -> Result<bool, EngineError> {
        // Without upstreams the declared inputs are the raw columns.
        let node = looked.auditor.node;
        Ok(looked.is_shown()? && !node.session.dag.upstream(node.index).is_empty())
    }

    fn measure(looked: &Looked) -> Result<Self, EngineError> {
        let rows = looked.auditor.probed_rows(Side::Test, &looked.key)?;
        looked.auditor.raw_agop(&rows, &looked.key).map(Self)
    }

    fn place(self, audit: &mut NodeAudit) {
        audit.probe.raw = self.0;
    }
}

/// Cotangents that have arrived at an expert's outputs.
#[derive(Default)]
struct Arrived {
    /// At its raw outputs: (rows · each) × outputs.
    raw: Option<Vec<f32>>,
    /// At its embedding: (rows · each) × units.
    embedding: Option<Vec<f32>>,
}

/// Raw coordinates and the derivatives by them, of one column.
#[derive(Default)]
struct Gathering {
    /// Coordinate to values by row, and derivatives by row and output.
    coordinates: IndexMap<String, (Vec<f32>, Vec<f32>)>,
    through: BTreeSet<String>,
}

impl Auditor<'_> {
    /// `None` where nothing can be seen.
    fn raw_agop(self, rows: &[u32], key: &Digest) -> Result<Option<RawAgop>, EngineError> {
        if rows.len() < 2 {
            return Ok(None);
        }
        let mut notes = Vec::new();
        let (each, columns) = self.chain(rows, &mut notes)?;
        let mut names: Vec<String> = Vec::new();
        let (mut groups, mut width) = (Vec::new(), 0);
        let mut titles = Vec::new();
        for (column, gathering) in &columns {
            names.push(column.clone());
            titles.extend(gathering.coordinates.keys().cloned());
            groups.push(width..width + gathering.coordinates.len());
            width += gathering.coordinates.len();
        }
        let all = || columns.values().flat_map(|gathering| gathering.coordinates.values());
        let mut values = Matrix::zeros(rows.len(), width);
        let mut jacobians = Matrix::zeros(rows.len() * each, width);
        for (at, (of, slopes)) in all().enumerate() {
            of.iter().enumerate().for_each(|(row, value)| values.row_mut(row)[at] = *value);
            slopes.iter().enumerate().for_each(|(row, g)| jacobians.row_mut(row)[at] = *g);
        }
        let geometry = match Geometry::new(&values.data, width, &groups) {
            Ok(geometry) => geometry,
            Err(AgopError::TooFewRows(_)) => return Ok(None),
            Err(error) => return Err(EngineError::Internal(format!("raw columns: {error}"))),
        };
        let frame = geometry.frame();
        let gathered = |jacobians: &[f32]| {
            let mut sum = Accumulator::new(&geometry, &frame, rows.len(), each, None, false);
            sum.add_jacobians(jacobians);
            sum.finish()
        };
        let trained = match gathered(&jacobians.data) {
            Ok(trained) => trained,
            Err(error) => return Err(EngineError::Internal(format!("raw columns: {error}"))),
        };
        let spreads = geometry.spreads(&trained);
        let groups = self.node.groups_for(self.groups_of(rows)?, rows, || {
            by_part([&trained.contributions, &spreads], frame.parts.len())
        })?;
        let how = self.session().resampling(resamples(self.session()), key);
        let seen = {
            agop(&AgopInputs {
                names: &names,
                upstream: &vec![None; names.len()],
                columns: &titles,
                classes: &[],
                geometry: &geometry,
                frame: &frame,
                trained: &trained,
                spreads: &spreads,
                // No reference: the share alone decides what is too small to speak of.
                untrained: &[],
                seeds: &[],
                permuted: &[],
                raw: &vec![0.0; rows.len() * each],
                output: match self.node.resolved().task {
                    Task::Classification => AgopOutput::Logit,
                    Task::Regression => AgopOutput::Value,
                },
                split: side_name(Side::Test),
                how: how.by(groups.as_ref()),
            })
        };
        match seen {
            Ok(sight) => Ok(Some(RawAgop {
                importance: sight.agop.importance,
                through: columns
                    .into_iter()
                    .filter(|(_, gathering)| !gathering.through.is_empty())
                    .map(|(column, gathering)| (column, gathering.through.into_iter().collect()))
                    .collect(),
                notes,
            })),
            Err(AgopError::Constant) => Ok(None),
            Err(error) => Err(EngineError::Internal(format!("raw columns: {error}"))),
        }
    }

    /// Derivatives of an expert's outputs (logits without their common shift) by every raw column that
    /// reaches it, on some rows; and how many outputs that are.
    fn chain(
        self,
        rows: &[u32],
        notes: &mut Vec<String>,
    ) -> Result<(usize, IndexMap<String, Gathering>), EngineError> {
        let model = self.deployed_model()?;
        let outputs = model.outputs_wide();
        let (each, raw) = match self.node.resolved().task {
            Task::Classification if outputs > MOST_OUTPUTS => {
                let raw = (0..rows.len()).flat_map(|row| sketches(row, outputs)).collect();
                (SKETCHES, raw)
            }
            task => {
                let shift = match task {
                    Task::Classification if outputs > 1 => 1.0 / outputs as f32,
                    _ => 0.0,
                };
                let one = (0..outputs * outputs)
                    .map(|i| f32::from(u8::from(i / outputs == i % outputs)) - shift)
                    .collect::<Vec<f32>>();
                (outputs, one.repeat(rows.len()))
            }
        };
        let mut arrived: HashMap<usize, Arrived> = HashMap::new();
        arrived.insert(self.node.index, Arrived { raw: Some(raw), embedding: None });
        let mut columns: IndexMap<String, Gathering> = IndexMap::new();
        let order: Vec<usize> = self.session().dag.order().iter().rev().copied().collect();
        for expert in order {
            let Some(arrived_here) = arrived.remove(&expert) else { continue };
            let model = self.of(expert).deployed_model()?;
            let inputs = &self.session().node(expert).resolved().inputs;
            let data =
                self.session().node(expert).input_data(inputs, View::Deployed, self.states)?;
            let sources = sources(&data);
            let gradients =
                pulled(&model, &sources, rows, each, &arrived_here, &self.session().interrupted)?;
            for (at, input) in inputs.iter().enumerate() {
                let back = model.encoder.pull_back(at, &sources[at], rows, &gradients, each);
                match input {
                    Input::Column { .. } => {
                        let gathering = columns.entry(input.to_string()).or_default();
                        if expert != self.node.index {
                            gathering.through.insert(self.session().node(expert).node_name());
                        }
                        gathering.add(&model, at, &sources[at], rows, &back);
                    }
                    Input::Output { expert: from, output } => {
                        let upstream = self.session().index(from)?;
                        let arrived = arrived.entry(upstream).or_default();
                        let head = self.of(upstream).deployed_model()?.head;
                        match hand_on(&sources[at], head, *output, rows, &back, each) {
                            Some(cotangents) if *output == Output::Embedding => {
                                add(&mut arrived.embedding, cotangents);
                            }
                            Some(cotangents) => add(&mut arrived.raw, cotangents),
                            None => notes.push(format!(
                                "{} reads {input}, which is a class and has no derivative: what \
                                 reaches it on that way is left out",
                                self.session().node(expert).node_name()
                            )),
                        }
                    }
                }
            }
        }
        Ok((each, columns))
    }

    fn deployed_model(self) -> Result<Model, EngineError> {
        let state = self
            .states
            .get(&self.node.index)
            .ok_or_else(|| EngineError::Internal("an expert without a state".to_owned()))?;
        self.session().model(state.full())
    }
}

/// Gradients with respect to an expert's encoded inputs, (rows · each) × width.
fn pulled(
    model: &Model,
    sources: &[Source],
    rows: &[u32],
    each: usize,
    arrived: &Arrived,
    stop: &AtomicBool,
) -> Result<Vec<f32>, EngineError> {
    let x = encode(model, sources, rows)?;
    let mut gradients = vec![0.0; rows.len() * each * x.width];
    let Some(network) = model.layers() else {
        // Cotangents times the Jacobian of each row.
        let Some(values) = &arrived.raw else { return Ok(gradients) };
        model.jacobians(&x, stop, &mut |row, jacobian| {
            let outputs = jacobian.len() / x.width.max(1);
            for k in row * each..(row + 1) * each {
                let into = &mut gradients[k * x.width..][..x.width];
                for (cotangent, by) in
                    values[k * outputs..][..outputs].iter().zip(jacobian.chunks_exact(x.width))
                {
                    into.iter_mut().zip(by).for_each(|(sum, slope)| *sum += cotangent * slope);
                }
            }
        })?;
        return Ok(gradients);
    };
    let mut sweep = |seeds: Seeds| {
        network.sweep(&x, seeds, &mut |swept| {
            let from = swept.start * each * x.width;
            for (sum, value) in gradients[from..].iter_mut().zip(swept.at_inputs()) {
                *sum += value;
            }
        });
    };
    if let Some(values) = &arrived.raw {
        sweep(Seeds::Given { values, each });
    }
    if let Some(values) = &arrived.embedding {
        sweep(Seeds::Embedding { values, each });
    }
    Ok(gradients)
}

/// From an output, as its consumer reads it, to the raw outputs (or the embedding) of the expert.
/// `None` for labels.
fn hand_on(
    source: &Source,
    head: Head,
    output: Output,
    rows: &[u32],
    back: &Matrix,
    each: usize,
) -> Option<Vec<f32>> {
    let mut cotangents = back.data.clone();
    match (output, head) {
        (Output::Label, _) => return None,
        (Output::Logit | Output::Embedding, _) => {}
        (Output::Value, head) => {
            let scale = match head {
                Head::Regression { deviation, .. } => deviation as f32,
                _ => 1.0,
            };
            cotangents.iter_mut().for_each(|c| *c *= scale);
        }
        (Output::Prediction, Head::Regression { deviation, .. }) => {
            cotangents.iter_mut().for_each(|c| *c *= deviation as f32);
        }
        (Output::Probability | Output::Prediction, _) => {
            let (Source::Plain(probability) | Source::Handed(probability)) = source else {
                return None;
            };
            for (i, row) in cotangents.chunks_exact_mut(back.width).enumerate() {
                let p = probability.row(rows[i / each] as usize);
                if let ([c], [p]) = (&mut *row, p) {
                    *c *= p * (1.0 - p);
                    continue;
                }
                let mean: f32 = row.iter().zip(p).map(|(c, p)| c * p).sum();
                row.iter_mut().zip(p).for_each(|(c, p)| *c = p * (*c - mean));
            }
        }
    }
    Some(cotangents)
}

fn add(to: &mut Option<Vec<f32>>, values: Vec<f32>) {
    match to {
        None => *to = Some(values),
        Some(sums) => sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value),
    }
}

impl Gathering {
    fn add(&mut self, model: &Model, input: usize, source: &Source, rows: &[u32], back: &Matrix) {
        let coordinates = model.encoder.coordinates(input, source, rows);
        for (at, name) in coordinates.names.into_iter().enumerate() {
            let column = |m: &Matrix| (0..m.rows).map(|row| m.row(row)[at]).collect::<Vec<f32>>();
            let slopes = column(back);
            match self.coordinates.get_mut(&name) {
                Some((_, sums)) => {
                    sums.iter_mut().zip(slopes).for_each(|(sum, slope)| *sum += slope);
                }
                None => {
                    let values = column(&coordinates.values);
                    self.coordinates.insert(name, (values, slopes));
                }
            }
        }
    }
}
