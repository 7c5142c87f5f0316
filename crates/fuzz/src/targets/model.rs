//! Fuzz target of stored models: sizes, shapes, columns and experts that do not fit each other.

use std::{fs, path::Path, sync::atomic::AtomicBool};

use collegium_learn::{
    Activation, Combination, Dense, GateWeights, Head, Model, Network, Pool, Routing, kinds,
};
use collegium_table::{Column, Encoder, ImageShape, Matrix, Source, Values};
use rand::RngExt as _;
use serde_json::Value;

use crate::{
    FuzzTarget, Random, Refusal,
    mutate::{break_once, nudge, overwrite, some_times},
    tree::break_tree,
};

/// Experts, gates and mixtures in the form of the store: safetensors with a header of ours.
pub struct ModelBytes;

const ROWS: usize = 40;
/// Bytes before the head: its length.
const PREFIX: usize = 8;
/// Where a model's own header stands in that of its tensors.
const OURS: &str = "/__metadata__/collegium";

/// One input of each kind that an encoder knows, by name.
struct Inputs {
    columns: Vec<(&'static str, Column)>,
    answers: Matrix,
    labels: Vec<u32>,
    texts: Vec<String>,
}

impl Inputs {
    fn new() -> Self {
        let all = 0..ROWS as u32;
        let missing = |row: &u32| row % 7 == 3;
        let numbers =
            all.clone().map(|row| if missing(&row) { f64::NAN } else { f64::from(row) / 3.0 });
        let truths = all.clone().map(|row| if missing(&row) { 2 } else { u8::from(row % 3 == 0) });
        let codes = all.clone().map(|row| if missing(&row) { u32::MAX } else { row % 5 });
        let times = all.clone().map(|row| 5_000_000_000_000 * i64::from(row));
        let levels = ["", "a", "b \"quoted\"", "é", "\u{202e}"].map(str::to_owned).to_vec();
        let shape = ImageShape { height: 2, width: 3, channels: 1 };
        let pixels = (0..ROWS * shape.size()).map(|at| (at * 37 % 251) as u8);
        let columns = [
            ("t.number", Values::Number(numbers.collect())),
            ("t.truth", Values::Boolean(truths.collect())),
            ("t.level", Values::Category { codes: codes.collect(), levels: levels.clone() }),
            ("t.time", Values::Time(times.collect())),
            ("t.image", Values::Image { shape, pixels: pixels.collect() }),
        ];
        let columns = columns
            .map(|(name, values)| (name, Column { name: name.to_owned(), values }))
            .into_iter()
            .collect();
        let answers = (0..ROWS).map(|row| row as f32 / ROWS as f32).collect();
        Self {
            columns,
            answers: Matrix { rows: ROWS, width: 1, data: answers },
            labels: all.map(|row| row % 3).collect(),
            texts: ["x", "y", "z"].map(str::to_owned).to_vec(),
        }
    }

    /// The input that a name stands for; an unknown one is a number.
    fn source(&self, name: &str) -> Source<'_> {
        match name {
            "up.logit" => Source::Logit(&self.answers),
            "up.value" => Source::Plain(&self.answers),
            "up.label" => Source::Label(&self.labels, &self.texts),
            "one.prediction" | "two.prediction" => Source::Handed(&self.answers),
            name => {
                let known = self.columns.iter().find(|(known, _)| *known == name);
                Source::Column(known.map_or(&self.columns[0].1, |(_, column)| column))
            }
        }
    }

    fn encoder(&self, names: &[&str]) -> Encoder {
        let sources: Vec<Source<'_>> = names.iter().map(|name| self.source(name)).collect();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let rows: Vec<u32> = (0..ROWS as u32).collect();
        Encoder::fit(&names, &sources, &rows).unwrap_or_else(|_| Encoder::empty())
    }
}

/// Layers of these widths with some weights.
fn network(widths: &[usize], activation: Activation) -> Network {
    let some = |count: usize| (0..count).map(|at| (at * 29 % 17) as f32 / 16.0 - 0.5).collect();
    let layer = |pair: &[usize]| Dense {
        inputs: pair[0],
        outputs: pair[1],
        weight: some(pair[0] * pair[1]),
        bias: some(pair[1]),
    };
    Network::plain(widths.windows(2).map(layer).collect(), activation)
}

fn models() -> Vec<Model> {
    let inputs = Inputs::new();
    let classes = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let two = classes(&["no", "yes"]);
    let plain = |names: &[&str], hidden: usize, outputs, activation, head, classes| {
        let encoder = inputs.encoder(names);
        let network = network(&[encoder.width(), hidden, outputs], activation);
        Model { encoder, learned: kinds::mlp::model(network), head, classes }
    };
    let regression = Head::Regression { mean: 0.1 + 0.2, deviation: 1.0 / 3.0 };
    let mut all = vec![
        plain(
            &["t.number", "t.truth", "t.level", "t.time", "up.logit"],
            5,
            1,
            Activation::Relu,
            Head::Binary,
            two.clone(),
        ),
        plain(
            &["t.image", "up.label", "up.value"],
            4,
            3,
            Activation::Gelu,
            Head::Classes,
            classes(&["a", "b", "c"]),
        ),
        plain(&["t.number"], 3, 1, Activation::Tanh, regression, Vec::new()),
    ];
    let gate = |own: &[&str], layers: &[usize], weights, pool| {
        let names = [own, &["one.prediction", "two.prediction"]].concat();
        let encoder = inputs.encoder(&names);
        let width = encoder.width();
        let combination = Combination {
            handed: vec![width - 2..width - 1, width - 1..width],
            experts: Vec::new(),
            weights,
            pool,
        };
        let network = network(layers, Activation::Relu);
        let learned = kinds::gate::model(network, combination);
        Model { encoder, learned, head: Head::Binary, classes: two.clone() }
    };
    let routing =
        Routing { temperature: 0.5, top_k: Some(1), shared: vec![0], bias: vec![0.25, -0.25] };
    let sure = GateWeights::Confidence { threshold: 0.8, temperatures: vec![1.0, 2.0] };
    all.extend([
        gate(&[], &[0, 1], GateWeights::Fixed(vec![0.75, 0.25]), Pool::Geometric),
        gate(&["t.number"], &[2, 3, 2], GateWeights::Softmax(routing.clone()), Pool::Arithmetic),
        gate(&["t.number"], &[0, 1], GateWeights::Rules(vec![0, 1]), Pool::Arithmetic),
        gate(&[], &[0, 1], sure, Pool::Arithmetic),
        gate(&[], &[2, 1], GateWeights::Fixed(vec![0.5, 0.5]), Pool::Stack),
    ]);
    let encoder = inputs.encoder(&["t.number", "t.truth"]);
    let width = encoder.width();
    let weights = GateWeights::Softmax(Routing { shared: Vec::new(), bias: Vec::new(), ..routing });
    let experts = (0..2).map(|_| network(&[width, 3, 1], Activation::Relu)).collect();
    let combination = Combination { handed: Vec::new(), experts, weights, pool: Pool::Arithmetic };
    let learned = kinds::mixture::model(network(&[width, 2], Activation::Relu), combination);
    all.push(Model { encoder, learned, head: Head::Binary, classes: two });
    all
}

/// Where the head ends.
fn head(bytes: &[u8]) -> Option<usize> {
    let length = usize::try_from(u64::from_le_bytes(*bytes.first_chunk::<PREFIX>()?)).ok()?;
    length.checked_add(PREFIX).filter(|end| *end <= bytes.len())
}

/// Breaks the head, or the header of ours that stands in it as a text, and corrects its length.
fn break_head(bytes: &mut Vec<u8>, random: &mut Random) -> Option<()> {
    let end = head(bytes)?;
    let mut tree: Value = serde_json::from_slice(&bytes[PREFIX..end]).ok()?;
    if random.random_range(0..4) > 0 {
        let text = tree.pointer(OURS)?.as_str()?;
        let mut ours: Value = serde_json::from_str(text).ok()?;
        some_times(random, |random| break_tree(&mut ours, random));
        *tree.pointer_mut(OURS)? = Value::String(ours.to_string());
    } else {
        break_tree(&mut tree, random);
    }
    let text = tree.to_string();
    bytes.splice(PREFIX..end, text.bytes());
    bytes[..PREFIX].copy_from_slice(&(text.len() as u64).to_le_bytes());
    Some(())
}

/// Everything that a command may do with a model that was read.
fn use_it(model: &Model) -> Result<(), String> {
    let again = Model::from_bytes(&model.to_bytes());
    if again.as_ref() != Ok(model) {
        return Err(format!("it is written back as something else: {again:?}"));
    }
    let (encoder, width) = (&model.encoder, model.encoder.width());
    let names = encoder.column_names();
    if names.len() != width || encoder.groups().last().map_or(0, |last| last.end) != width {
        return Err(format!("{} names for {width} columns", names.len()));
    }
    let _ = (encoder.handed(), encoder.images(), encoder.notes());
    let _ = (model.parameters(), model.kept(), model.multiply_adds());
    let x = Matrix {
        rows: 3,
        width,
        data: (0..3 * width).map(|at| (at % 13) as f32 / 4.0 - 1.0).collect(),
    };
    answers(model, &x)?;
    let going_on = AtomicBool::new(false);
    model.jacobians(&x, &going_on, &mut |_, _| {}).map_err(|error| error.to_string())?;
    let inputs = Inputs::new();
    let sources: Vec<Source<'_>> = encoder.names().iter().map(|name| inputs.source(name)).collect();
    // Inputs of other kinds are refused.
    if let Ok((x, surprises)) = encoder.encode_counted(&sources, &[0, 3, 39]) {
        let _ = surprises.notes();
        answers(model, &x)?;
    }
    Ok(())
}

fn answers(model: &Model, x: &Matrix) -> Result<(), String> {
    let outputs = model.outputs(x, &AtomicBool::new(false)).map_err(|error| error.to_string())?;
    let wide = model.outputs_wide();
    let whole = |matrix: &Matrix| (matrix.rows, matrix.width) == (x.rows, wide);
    let matrices = [&outputs.logit, &outputs.probability, &outputs.value];
    let labels = outputs.label.iter().flatten();
    let known = model.classes.len().max(2) as u32;
    match matrices.into_iter().flatten().all(whole) && labels.clone().all(|at| *at < known) {
        true => Ok(()),
        false => Err(format!("answers of another shape, or to no class: {outputs:?}")),
    }
}

impl FuzzTarget for ModelBytes {
    fn name(&self) -> &'static str {
        "model"
    }

    fn extension(&self, _: usize) -> &'static str {
        "model"
    }

    fn seeds(&self) -> Vec<Vec<u8>> {
        models().iter().map(Model::to_bytes).collect()
    }

    fn mutate(&self, mut seed: Vec<u8>, random: &mut Random) -> Vec<u8> {
        match random.random_range(0..4) {
            0 => some_times(random, |random| {
                let end = head(&seed).unwrap_or(0).min(seed.len());
                match random.random_range(0..4) {
                    0 => break_once(&mut seed, random),
                    1 => overwrite(&mut seed, 0..PREFIX, random),
                    2 => nudge(&mut seed, 0..end, random),
                    _ => {
                        let all = end..seed.len();
                        overwrite(&mut seed, all, random);
                    }
                }
            }),
            _ => {
                let _ = break_head(&mut seed, random);
            }
        }
        seed
    }

    fn read(&self, path: &Path) -> Result<(), Refusal> {
        let refused = |message: String, about_input| Refusal { message, about_input };
        let bytes = fs::read(path).map_err(|error| refused(error.to_string(), false))?;
        let model = Model::from_bytes(&bytes).map_err(|error| refused(error.to_string(), true))?;
        use_it(&model).map_err(|said| refused(said, false))
    }
}
