//! Hidden layers: AGOP of each, the neural feature ansatz of the weights, and neural collapse of
//! the classes.

use std::sync::atomic::AtomicBool;

use collegium_engine::EngineError;
use collegium_learn::{Interrupted, Model, Network, Seeds};
use collegium_manifest::Task;
use collegium_probe::{
    AgopRoot, ClassMeans, ansatz, collapse, collapse_against, dead_units, effective_rank,
    hidden_rank,
};
use collegium_records::{Ansatz, LayerAudit, NodeAudit};
use collegium_table::Matrix;
use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

use crate::{looked::Looked, subject::seeds_of, view::AuditView};

/// Every hidden layer, from the inputs on.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Layers(Vec<LayerAudit>);

impl AuditView for Layers {
    const NAME: &'static str = "layers";
    const VERSION: u32 = 1;

    fn applies(looked: &Looked) -> Result<bool, EngineError> {
        Ok(looked.is_shown()? && looked.model()?.layers().is_some())
    }

    fn measure(looked: &Looked) -> Result<Self, EngineError> {
        let (auditor, model) = (looked.auditor, looked.model()?);
        let Ok(subject) = looked.subject()? else { return Ok(Self(Vec::new())) };
        let (train, x_train) = looked.train(subject)?;
        let classes = auditor.node.resolved().classes.len();
        let [train_labels, labels] = [auditor.class_of(train)?, auditor.class_of(&subject.rows)?];
        Ok(Self(layers(
            model,
            looked.initial()?,
            subject.task,
            &Labelled { x: x_train, labels: &train_labels, classes },
            &Labelled { x: &subject.x, labels: &labels, classes },
            &auditor.session().interrupted,
        )?))
    }

    fn place(self, audit: &mut NodeAudit) {
        audit.probe.layers = self.0;
    }
}

/// What one sweep over some rows leaves of every layer.
struct Sweep {
    /// K of each layer, the first layer first.
    grams: Vec<DMatrix<f64>>,
    /// Of many outputs, in the place of the last: G at what the head reads.
    at_head: Option<DMatrix<f64>>,
    /// Input of each layer: `[0]` are the rows.
    activations: Vec<Vec<f32>>,
}

impl Sweep {
    fn of(network: &Network, x: &Matrix, seeds: Seeds) -> Self {
        let sketched = matches!(seeds, Seeds::Sketched);
        let last = network.layers.len() - 1;
        let side = |layer: usize| match sketched && layer == last {
            true => network.layers[layer].inputs,
            false => network.layers[layer].outputs,
        };
        let mut sums: Vec<Vec<f64>> =
            (0..network.layers.len()).map(|layer| vec![0.0; side(layer) * side(layer)]).collect();
        let mut activations = vec![Vec::new(); network.layers.len()];
        network.sweep(x, seeds, &mut |swept| {
            for (layer, (sum, activations)) in sums.iter_mut().zip(&mut activations).enumerate() {
                let gram = match sketched && layer == last {
                    true => swept.gram_before(layer),
                    false => swept.gram(layer),
                };
                for (sum, value) in sum.iter_mut().zip(gram) {
                    *sum += f64::from(value);
                }
                if layer > 0 {
                    activations.extend(swept.activations(layer));
                }
            }
        });
        let grams = sums.into_iter().enumerate().map(|(layer, sum)| {
            DMatrix::from_vec(side(layer), side(layer), sum) / x.rows.max(1) as f64
        });
        let mut grams: Vec<DMatrix<f64>> = grams.collect();
        let at_head = if sketched { grams.pop() } else { None };
        Self { grams, at_head, activations }
    }
}

/// Rows of one side, with their classes if the expert has any.
struct Labelled<'a> {
    x: &'a Matrix,
    labels: &'a [u32],
    classes: usize,
}

/// Every hidden layer of a model. `initial` are the weights that the network began with, or others of the same
/// kind where they are not known (`began` false).
fn layers(
    model: &Model,
    initial: Option<&(Model, bool)>,
    task: Task,
    train: &Labelled,
    test: &Labelled,
    stop: &AtomicBool,
) -> Result<Vec<LayerAudit>, Interrupted> {
    let Some((initial, began)) = initial else { return Ok(Vec::new()) };
    let (Some(network), Some(initial)) = (model.layers(), initial.layers()) else {
        return Ok(Vec::new());
    };
    let depth = network.layers.len();
    if depth < 2 || test.x.rows == 0 {
        return Ok(Vec::new());
    }
    let seeds = seeds_of(task, network);
    let seen = Sweep::of(network, test.x, seeds);
    let first = Sweep::of(initial, test.x, seeds);
    let trained_on = Sweep::of(network, train.x, seeds);
    let labels = |side: &Labelled| -> Result<Vec<u32>, Interrupted> {
        Ok(model.outputs(side.x, stop)?.label.unwrap_or_default())
    };
    let (on_train, on_test) = (labels(train)?, labels(test)?);
    let layers = (1..depth)
        .map(|at| {
            let (into, out) = (&network.layers[at - 1], &network.layers[at]);
            let units = into.outputs;
            let activations = &seen.activations[at];
            let means =
                || ClassMeans::new(&trained_on.activations[at], units, train.labels, train.classes);
            // The head is what reads the last hidden layer.
            let head = (at + 1 == depth).then_some((out.weight.as_slice(), out.outputs));
            let classifies = task == Task::Classification;
            LayerAudit {
                name: format!("hidden {at}"),
                units: units as u32,
                agop_effective_rank: match (&seen.at_head, at + 1 == depth) {
                    (Some(gram), true) => hidden_rank(&identity(units), gram),
                    _ => hidden_rank(&out.weight, &seen.grams[at]),
                },
                activation_effective_rank: effective_rank(activations, units).unwrap_or(0.0),
                dead_units: dead_units(activations, units),
                ansatz: of_weights(network, initial, *began, at - 1, &seen, &first),
                collapse_train: classifies
                    .then(|| {
                        collapse(
                            &trained_on.activations[at],
                            units,
                            train.labels,
                            train.classes,
                            &on_train,
                            head,
                        )
                    })
                    .flatten(),
                collapse_test: classifies.then(means).flatten().and_then(|means| {
                    collapse_against(&means, activations, test.labels, &on_test, head)
                }),
            }
        })
        .collect();
    Ok(layers)
}

/// units × units, row-major.
fn identity(units: usize) -> Vec<f32> {
    (0..units * units).map(|at| f32::from(u8::from(at / units == at % units))).collect()
}

fn of_weights(
    network: &Network,
    initial: &Network,
    began: bool,
    layer: usize,
    seen: &Sweep,
    first: &Sweep,
) -> Option<Ansatz> {
    let (after, before) = (&network.layers[layer].weight, &initial.layers[layer].weight);
    let trained = AgopRoot::through(after, &seen.grams[layer])?;
    let untrained = AgopRoot::through(before, &first.grams[layer])?;
    ansatz((before, &untrained), (after, &trained), began.then_some(before.as_slice()))
}
