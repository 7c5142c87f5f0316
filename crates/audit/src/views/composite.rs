//! Error attribution to upstreams: an expert with its upstreams as they are, each replaced by the truth,
//! each ablated; and each by itself.
//!
//! Putting the truth in the place of an upstream's outputs says what is left of the consumer's loss if
//! that upstream were never wrong: the share that goes away is that upstream's. The consumer was not
//! trained on truths, so shares need not add up to anything, and one may be below 0.

use std::{collections::BTreeMap, sync::Arc};

use collegium_learn::Model;
use collegium_manifest::{Input, Output, Task};
use collegium_plan::View;
use collegium_records::{Composite, NodeAudit, UpstreamPart};
use collegium_table::{CLIP, Matrix, Source};
use serde::{Deserialize, Serialize};

use collegium_engine::{
    EngineError,
    inputs::InputData,
    intervals::losses_of,
    rows::{NO_LABEL, Rows, Side},
    states::NodeState,
};

use crate::{Auditor, looked::Looked, view::AuditView};

/// Error attribution to each upstream; `None` where there are no test rows.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Upstreams(Option<Composite>);

impl AuditView for Upstreams {
    const NAME: &'static str = "composite";
    const VERSION: u32 = 1;

    fn applies(looked: &Looked) -> Result<bool, EngineError> {
        let node = looked.auditor.node;
        Ok(!node.session.dag.upstream(node.index).is_empty())
    }

    fn measure(looked: &Looked) -> Result<Self, EngineError> {
        looked.auditor.composite(looked.model()?).map(Self)
    }

    fn place(self, audit: &mut NodeAudit) {
        audit.composite = self.0;
    }
}

impl Auditor<'_> {
    /// `None` for one that reads no expert, or has no test rows.
    fn composite(self, model: &Model) -> Result<Option<Composite>, EngineError> {
        let rows =
            self.session().rows(Rows::HeldOut { expert: self.node.index, side: Side::Test })?;
        let inputs = &self.node.resolved().inputs;
        let mut upstream: Vec<String> = Vec::new();
        for input in inputs {
            if let Input::Output { expert, .. } = input
                && !upstream.contains(expert)
            {
                upstream.push(expert.clone());
            }
        }
        if upstream.is_empty() || rows.is_empty() {
            return Ok(None);
        }
        let data = self.node.input_data(inputs, View::Deployed, self.states)?;
        let train = self.session().rows(Rows::Train { expert: self.node.index })?;
        let loss = |changed: &BTreeMap<usize, InputData>| -> Result<f64, EngineError> {
            let sources: Vec<Source> = data
                .iter()
                .enumerate()
                .map(|(at, data)| changed.get(&at).unwrap_or(data).source())
                .collect();
            let losses = losses_of(&self.node.sources_predicted(model, &sources, &rows)?);
            Ok(losses.iter().sum::<f64>() / losses.len() as f64)
        };
        let pipeline = loss(&BTreeMap::new())?;
        let mut all_true: BTreeMap<usize, InputData> = BTreeMap::new();
        let mut found = Vec::new();
        for name in upstream {
            let from = self.session().index(&name)?;
            let state: &NodeState = self
                .states
                .get(&from)
                .ok_or_else(|| EngineError::Internal("an upstream without a state".to_owned()))?;
            let isolated = self
                .session()
                .node(from)
                .predicted(state, Rows::HeldOut { expert: from, side: Side::Test })?
                .metrics();
            let (mut truth, mut silent) = (BTreeMap::new(), BTreeMap::new());
            for (at, input) in inputs.iter().enumerate() {
                let Input::Output { expert, output } = input else { continue };
                if *expert != name {
                    continue;
                }
                if let Some(data) = self.truth_of(from, *output, &data[at])? {
                    truth.insert(at, data);
                }
                silent.insert(at, mean_of(&data[at], &train));
            }
            let oracle = match truth.is_empty() {
                true => None,
                false => Some(loss(&truth)?),
            };
            all_true.extend(truth);
            found.push(UpstreamPart {
                name: self.session().node(from).node_name(),
                isolated,
                oracle,
                ablated: loss(&silent)?,
                share: oracle
                    .filter(|_| pipeline > 0.0)
                    .map(|oracle| (pipeline - oracle) / pipeline),
            });
        }
        let oracle = match all_true.is_empty() {
            true => None,
            false => Some(loss(&all_true)?),
        };
        let loss = match self.node.resolved().task {
            Task::Classification => "log_loss",
            Task::Regression => "squared_error",
        };
        Ok(Some(Composite { loss: loss.to_owned(), pipeline, oracle, upstream: found }))
    }

    /// The truth in the place of an output; as it was where it is not known. `None` where the upstream
    /// predicts what the consumer is to predict, and for embeddings, which have none.
    fn truth_of(
        self,
        from: usize,
        output: Output,
        data: &InputData,
    ) -> Result<Option<InputData>, EngineError> {
        let target = |at: usize| {
            (
                self.session().node(at).declared().data.as_str(),
                self.session().node(at).declared().target.get_ref(),
            )
        };
        if target(self.node.index) == target(from) {
            return Ok(None);
        }
        let clip = CLIP as f32;
        let changed = |matrix: &Arc<Matrix>, known: &dyn Fn(usize, &mut [f32])| {
            let mut matrix = (**matrix).clone();
            (0..matrix.rows).for_each(|row| known(row, matrix.row_mut(row)));
            Arc::new(matrix)
        };
        if self.session().node(from).resolved().task == Task::Regression {
            let values = self.session().node(from).target_values()?;
            let known = |row: usize, cells: &mut [f32]| {
                if !values[row].is_nan() {
                    cells[0] = values[row] as f32;
                }
            };
            return Ok(match (output, data) {
                (Output::Value, InputData::Plain(matrix)) => {
                    Some(InputData::Plain(changed(matrix, &known)))
                }
                (Output::Prediction, InputData::Handed(matrix)) => {
                    Some(InputData::Handed(changed(matrix, &known)))
                }
                _ => None,
            });
        }
        let labels = self.session().node(from).labels()?;
        let sure = |no: f32, yes: f32| {
            let labels = labels.clone();
            move |row: usize, cells: &mut [f32]| match (labels[row], cells) {
                (NO_LABEL, _) => {}
                (label, [cell]) => *cell = if label == 1 { yes } else { no },
                (label, cells) => {
                    for (class, cell) in cells.iter_mut().enumerate() {
                        *cell = if class == label as usize { yes } else { no };
                    }
                }
            }
        };
        Ok(match (output, data) {
            (Output::Probability, InputData::Plain(matrix)) => {
                Some(InputData::Plain(changed(matrix, &sure(0.0, 1.0))))
            }
            (Output::Prediction, InputData::Handed(matrix)) => {
                Some(InputData::Handed(changed(matrix, &sure(0.0, 1.0))))
            }
            (Output::Logit, InputData::Logit(matrix)) => {
                Some(InputData::Logit(changed(matrix, &sure(-clip, clip))))
            }
            (Output::Label, InputData::Label(codes, classes)) => {
                let known = codes.iter().zip(labels.iter()).map(|(code, label)| match *label {
                    NO_LABEL => *code,
                    label => label,
                });
                Some(InputData::Label(known.collect(), classes.clone()))
            }
            _ => None,
        })
    }
}

/// An output that says the same of every row: its mean over the training rows, or the most frequent
/// label.
fn mean_of(data: &InputData, train: &[u32]) -> InputData {
    let flat = |matrix: &Arc<Matrix>| {
        let mut means = vec![0.0f64; matrix.width];
        for row in train {
            for (mean, value) in means.iter_mut().zip(matrix.row(*row as usize)) {
                *mean += f64::from(*value) / train.len().max(1) as f64;
            }
        }
        let means: Vec<f32> = means.into_iter().map(|mean| mean as f32).collect();
        Arc::new(Matrix { rows: matrix.rows, width: matrix.width, data: means.repeat(matrix.rows) })
    };
    match data {
        InputData::Logit(matrix) => InputData::Logit(flat(matrix)),
        InputData::Plain(matrix) => InputData::Plain(flat(matrix)),
        InputData::Handed(matrix) => InputData::Handed(flat(matrix)),
        InputData::Label(codes, classes) => {
            let mut counts = vec![0u64; classes.len()];
            for row in train {
                if let Some(count) = counts.get_mut(codes[*row as usize] as usize) {
                    *count += 1;
                }
            }
            let most = (0..counts.len()).max_by_key(|at| (counts[*at], usize::MAX - at));
            let most = u32::try_from(most.unwrap_or_default()).unwrap_or_default();
            InputData::Label(vec![most; codes.len()], classes.clone())
        }
        InputData::Column(column) => InputData::Column(column.clone()),
    }
}
