//! Models of every kind, with rows to fit them on.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
};

use collegium_digest::{Digest, stream};
use collegium_learn::{
    DECLARED, FitError, FitJob, Fitted, Head, Host, KINDS, Model, Network, Shape, Target, Trained,
    TrainingSet, Watch, estimator, kinds::average::fit_members,
};
use collegium_manifest::{
    Declare, Encode, Expert, Mlp, NoBlueprint, SourceFile, json_schema, parse,
};
use collegium_table::{Column, Encoder, Matrix, Source, Values};
use rand::RngExt as _;
use serde_json::Value;

/// Training rows, then validation rows.
pub const ROWS: usize = 400;
pub const VALID: usize = 100;

/// What is predicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    Binary,
    Classes,
    Values,
}

/// For what is not interrupted.
pub static GOING_ON: AtomicBool = AtomicBool::new(false);

/// Raw outputs.
pub fn raw(model: &Model, x: &Matrix) -> Matrix {
    model.raw(x, &GOING_ON).unwrap()
}

pub const TASKS: [Task; 3] = [Task::Binary, Task::Classes, Task::Values];

/// A node of a file, and what it predicts.
pub struct Case {
    pub name: String,
    pub node: Expert,
    pub task: Task,
    pub data: Data,
}

/// Rows of four inputs, with predictions of two experts beside them.
pub struct Data {
    columns: Vec<Column>,
    answers: [Matrix; 2],
    labels: Vec<u32>,
    values: Vec<f32>,
}

/// A pipeline of one node under test and two experts; errors are the test's.
pub fn pipeline(node: &str) -> collegium_manifest::Pipeline {
    let text = format!(
        "[data.t]\npath = \"t.csv\"\n\n[expert.one]\ninputs = [\"t.a\"]\ntarget = \"t.y\"\n\n\
         [expert.two]\ninputs = [\"t.b\"]\ntarget = \"t.y\"\n\n{node}"
    );
    let source = Arc::new(SourceFile::new("pipelines/p.toml", text.as_str()));
    let none = |_: &str| Err(NoBlueprint { reason: "there are none".to_owned(), help: None });
    match parse(source, PathBuf::from("."), &DECLARED, &none) {
        Ok(loaded) => loaded.pipeline,
        Err(wrong) => panic!("{wrong}\n{text}"),
    }
}

/// `[expert.x]` with a model's table, or with none.
pub fn expert(model: &str) -> Expert {
    let model = match model {
        "" => String::new(),
        table => format!("model = {{ {table} }}\n"),
    };
    let text = format!(
        "[expert.x]\ninputs = [\"t.a\", \"t.b\", \"t.c\", \"t.d\"]\ntarget = \"t.y\"\n{model}\
         train = {{ epochs = 8, batch = 32, learning_rate = 0.01 }}\n"
    );
    pipeline(&text).experts["x"].clone()
}

fn gate(keys: &str) -> Expert {
    let text = format!("[gate.x]\nexperts = [\"one\", \"two\"]\ntarget = \"t.y\"\n{keys}\n");
    pipeline(&text).experts["x"].clone()
}

fn mixture(keys: &str) -> Expert {
    let text = format!(
        "[mixture.x]\ninputs = [\"t.a\", \"t.b\", \"t.c\", \"t.d\"]\ntarget = \"t.y\"\nexperts = 3\n\
         model = {{ hidden = [4] }}\ntrain = {{ epochs = 6, batch = 32, learning_rate = 0.01 }}\n{keys}\n"
    );
    pipeline(&text).experts["x"].clone()
}

/// The keys of a kind with their schemas, `type` left out.
pub fn keys(kind: &dyn Declare) -> BTreeMap<String, Value> {
    let schema = json_schema(&DECLARED);
    let own = &schema["definitions"][format!("Model_{}", kind.name())]["properties"];
    let own = own.as_object().unwrap_or_else(|| panic!("{} has no schema", kind.name()));
    own.iter().filter(|(key, _)| *key != "type").map(|(k, v)| (k.clone(), v.clone())).collect()
}

/// A schema with what it refers to.
fn whole(schema: &Value) -> Value {
    let inner = schema["$ref"].as_str().or_else(|| schema["allOf"][0]["$ref"].as_str());
    match inner.and_then(|place| place.strip_prefix("#/definitions/")) {
        Some(name) => json_schema(&DECLARED)["definitions"][name].clone(),
        None => schema.clone(),
    }
}

/// A value that a key can have and that is not its default, as TOML.
pub fn another(key: &str, schema: &Value) -> String {
    let default = &schema["default"];
    let whole = whole(schema);
    // Of several forms the first, within the bounds of the key.
    if let Some(form) = whole["anyOf"].get(0) {
        let mut form = self::whole(form);
        for bound in ["default", "minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"] {
            form[bound] = schema[bound].clone();
        }
        return another(key, &form);
    }
    let choices = whole["oneOf"].as_array().into_iter().flatten().map(|one| &one["const"]);
    let choices = choices.chain(whole["enum"].as_array().into_iter().flatten());
    if let Some(choice) = choices.into_iter().find(|choice| *choice != default) {
        return choice.to_string();
    }
    let bound = |names: [&str; 2]| names.iter().find_map(|name| whole[*name].as_f64());
    let least = bound(["minimum", "exclusiveMinimum"]).unwrap_or(0.0);
    let most = bound(["maximum", "exclusiveMaximum"]).unwrap_or(least + 8.0);
    match whole["type"].as_str() {
        Some("integer") => {
            let middle = (least + (most - least) / 2.0).floor() as i64;
            format!("{}", if default == middle { middle + 1 } else { middle })
        }
        Some("number") => format!("{:?}", least + (most - least) * 0.37),
        Some("boolean") => (default != true).to_string(),
        Some("array") => "[3]".to_owned(),
        other => panic!("`{key}` is of a type that this suite cannot vary yet: {other:?}"),
    }
}

/// The gates that combine answers of every task, by their keys.
const GATES: [&str; 9] = [
    "type = \"uniform\"",
    "type = \"fixed\"\nweights = { one = 3, two = 1 }",
    "type = \"best\"",
    "type = \"stack\"",
    "inputs = [\"t.a\", \"t.b\"]\ntrain = { epochs = 5, batch = 32 }",
    "inputs = [\"t.a\", \"t.b\"]\ntop_k = 1\nbalance = \"bias\"\ntrain = { epochs = 5, batch = 32 }",
    "type = \"distance\"\ninputs = [\"t.a\", \"t.b\"]",
    "type = \"self\"\ninputs = [\"t.a\", \"t.b\"]\ntrain = { epochs = 5, batch = 32 }",
    "type = \"rules\"\nrules = { one = \"a > 0\", two = \"a <= 0\" }",
];

/// A network that is given more of its numbers than the numbers. It has few bins: differences across an edge are no
/// derivative, and of ranks every third row is a point.
const ENCODED: &str = "[expert.x]\ninputs = [\"t.a\", \"t.b\", \"t.c\", \"t.d\"]\ntarget = \"t.y\"\n\
    preset = \"fast\"\nencode = { numbers = [\"robust\", \"ple\"], bins = 5 }\ntrain = { epochs = 8 }\n";

/// A fit of several models.
const MEMBERS: &str = "[expert.x]\ninputs = [\"t.a\", \"t.b\", \"t.c\", \"t.d\"]\ntarget = \"t.y\"\n\
    members = 3\nencode = { numbers = [\"standard\"] }\ncalibrate = \"temperature\"\ntrain = { epochs = 6, batch = 32, learning_rate = 0.01 }\n";

/// Every kind that there is, in some of its forms, for every task that it can have.
pub fn cases() -> Vec<Case> {
    let mut nodes: Vec<(String, Expert)> = Vec::new();
    for kind in DECLARED.kinds.iter() {
        // With its defaults, and with each key changed by itself.
        let name = kind.name();
        let each = keys(*kind).into_iter().map(|(k, s)| format!(", {k} = {}", another(&k, &s)));
        for more in [String::new()].into_iter().chain(each) {
            let mut node = expert(&format!("type = \"{name}\"{more}"));
            node.encode = Encode::plain();
            nodes.push((format!("{name}{more}"), node));
        }
    }
    let encoded = pipeline(ENCODED).experts["x"].clone();
    nodes.push(("mlp with encodings".to_owned(), encoded));
    nodes.push(("mlp of three members".to_owned(), pipeline(MEMBERS).experts["x"].clone()));
    for keys in GATES {
        nodes.push((format!("gate, {}", keys.lines().next().unwrap()), gate(keys)));
    }
    nodes.push(("mixture".to_owned(), mixture("")));
    nodes.push(("mixture, top 1".to_owned(), mixture("gate = { top_k = 1, shared = 1 }")));
    let all = nodes.into_iter().flat_map(|(name, node)| {
        TASKS.map(|task| Case {
            name: format!("{name}, {task:?}"),
            node: node.clone(),
            task,
            data: Data::new(task),
        })
    });
    let mut all: Vec<Case> = all.collect();
    for (keys, tasks) in [
        ("type = \"geometric\"", &TASKS[..2]),
        ("type = \"noisy-or\"", &TASKS[..1]),
        ("type = \"cascade\"\nconfidence = 0.8", &TASKS[..2]),
    ] {
        all.extend(tasks.iter().map(|&task| Case {
            name: format!("gate, {keys}, {task:?}"),
            node: gate(keys),
            task,
            data: Data::new(task),
        }));
    }
    // A constant is a baseline, which no node of a file declares; an average is made of several models.
    let tested: std::collections::BTreeSet<&str> =
        all.iter().map(|case| case.node.model.kind()).chain(["constant", "average"]).collect();
    let known = KINDS.iter().map(|kind| kind.name()).collect();
    assert_eq!(tested, known, "a kind without a case");
    let gates = all.iter().filter_map(|case| case.node.gate());
    let tested: std::collections::BTreeSet<&str> = gates.map(|gate| gate.rule.name()).collect();
    let known = DECLARED.rules.iter().map(|rule| rule.name()).collect();
    assert_eq!(tested, known, "a rule of gates without a case");
    all
}

impl Data {
    fn new(task: Task) -> Self {
        let mut random = stream(&Digest::of(b"kinds"), "rows");
        let count = ROWS + VALID;
        let mut uniform =
            |n: usize| -> Vec<f64> { (0..n).map(|_| 2.0 * random.random::<f64>() - 1.0).collect() };
        let [a, b, noise] = [uniform(count), uniform(count), uniform(count)];
        let codes: Vec<u32> = uniform(count).iter().map(|u| u32::from(*u > 0.2)).collect();
        let truths: Vec<u8> = uniform(count).iter().map(|u| u8::from(*u > 0.0)).collect();
        let score: Vec<f64> = (0..count)
            .map(|i| 1.5 * a[i] - b[i] + 0.7 * f64::from(codes[i]) + a[i] * b[i] + 0.4 * noise[i])
            .collect();
        let labels: Vec<u32> = score
            .iter()
            .map(|s| match task {
                Task::Classes => u32::from(*s > -0.5) + u32::from(*s > 0.7),
                _ => u32::from(*s > 0.2),
            })
            .collect();
        let values: Vec<f32> = score.iter().map(|s| *s as f32).collect();
        let answer = |by: &[f64], sign: f64| {
            let width = if task == Task::Classes { 3 } else { 1 };
            let rows = by.iter().flat_map(|v| match task {
                Task::Values => vec![(sign * v) as f32],
                Task::Binary => vec![1.0 / (1.0 + (-2.0 * sign * v).exp()) as f32],
                Task::Classes => {
                    let odds = [-sign * v, 0.2, sign * v].map(f64::exp);
                    let sum: f64 = odds.iter().sum();
                    odds.iter().map(|o| (o / sum) as f32).collect()
                }
            });
            Matrix { rows: by.len(), width, data: rows.collect() }
        };
        let answers = [answer(&a, 1.0), answer(&b, -1.0)];
        let levels = vec!["u".to_owned(), "v".to_owned()];
        let column = |name: &str, values| Column { name: name.to_owned(), values };
        let columns = vec![
            column("a", Values::Number(a.clone())),
            column("b", Values::Number(b)),
            column("c", Values::Category { codes, levels }),
            column("d", Values::Boolean(truths)),
            column("x.one", Values::Number(a.iter().map(|a| f64::from(*a > 0.0)).collect())),
            column("x.two", Values::Number(a.iter().map(|a| f64::from(*a <= 0.0)).collect())),
        ];
        Self { columns, answers, labels, values }
    }

    /// The inputs of a node, in the order of their names, as an encoder takes them.
    fn sources(&self, node: &Expert) -> (Vec<String>, Vec<Source<'_>>) {
        let mut inputs: Vec<(String, Source<'_>)> = Vec::new();
        for input in &node.inputs {
            let name = input.get_ref().to_string();
            let source = match name.as_str() {
                "one.prediction" => Source::Handed(&self.answers[0]),
                "two.prediction" => Source::Handed(&self.answers[1]),
                column => {
                    let column = column.strip_prefix("t.").unwrap();
                    Source::Column(self.columns.iter().find(|c| c.name == column).unwrap())
                }
            };
            inputs.push((name, source));
        }
        inputs.sort_by(|a, b| a.0.cmp(&b.0));
        inputs.into_iter().unzip()
    }
}

/// A case, encoded.
pub struct Ready<'a> {
    case: &'a Case,
    pub encoder: Encoder,
    pub x: Matrix,
    pub x_valid: Matrix,
    pub head: Head,
}

impl Case {
    pub fn ready(&self) -> Ready<'_> {
        let (names, sources) = self.data.sources(&self.node);
        // Rules are given as they are, like the experts' answers.
        let rules: Vec<Matrix> = names.iter().zip(&sources).filter_map(as_it_is).collect();
        let mut left = rules.iter();
        let sources: Vec<Source<'_>> = names
            .iter()
            .zip(sources)
            .map(|(name, source)| match name.starts_with("t.x.") {
                true => Source::Handed(left.next().unwrap()),
                false => source,
            })
            .collect();
        let train: Vec<u32> = (0..ROWS as u32).collect();
        let valid: Vec<u32> = (ROWS as u32..(ROWS + VALID) as u32).collect();
        let scaling = self.node.encode.scaling();
        let encoder = Encoder::fit_scaled(&names, &sources, &train, scaling).unwrap();
        let x = encoder.encode(&sources, &train).unwrap();
        let x_valid = encoder.encode(&sources, &valid).unwrap();
        let head = match self.task {
            Task::Binary => Head::Binary,
            Task::Classes => Head::Classes,
            Task::Values => Head::Regression { mean: 0.0, deviation: 1.0 },
        };
        Ready { case: self, encoder, x, x_valid, head }
    }

    fn target(&self, from: usize, to: usize) -> Target<'_> {
        match self.task {
            Task::Values => Target::Values(&self.data.values[from..to]),
            task => {
                let count = if task == Task::Classes { 3 } else { 2 };
                Target::Classes { labels: &self.data.labels[from..to], count }
            }
        }
    }

    /// Classes and values of the validation rows.
    pub fn validation(&self) -> (&[u32], &[f32]) {
        (&self.data.labels[ROWS..], &self.data.values[ROWS..])
    }

    pub fn classes(&self) -> Vec<String> {
        let names: &[&str] = match self.task {
            Task::Binary => &["no", "yes"],
            Task::Classes => &["low", "middle", "high"],
            Task::Values => &[],
        };
        names.iter().map(|name| (*name).to_owned()).collect()
    }
}

fn as_it_is((name, source): (&String, &Source<'_>)) -> Option<Matrix> {
    let Source::Column(Column { values: Values::Number(values), .. }) = source else { return None };
    let data: Vec<f32> = values.iter().map(|v| *v as f32).collect();
    name.starts_with("t.x.").then_some(Matrix { rows: data.len(), width: 1, data })
}

impl Ready<'_> {
    pub fn shape(&self) -> Shape {
        let outputs = if self.case.task == Task::Classes { 3 } else { 1 };
        Shape {
            width: self.x.width,
            added: self.case.node.encode.adds(self.encoder.numbers().len()),
            outputs,
            rows: (ROWS + VALID) as u64,
            members: 1,
        }
    }

    fn job(&self, key: Digest) -> FitJob<'_> {
        let lesson = TrainingSet {
            train: &self.case.node.train,
            class_weights: None,
            x: &self.x,
            y: self.case.target(0, ROWS),
            x_valid: &self.x_valid,
            y_valid: self.case.target(ROWS, ROWS + VALID),
            head: self.head,
            key,
        };
        FitJob {
            encode: &self.case.node.encode,
            lesson,
            encoder: &self.encoder,
            data: "t",
            auxiliary: &[],
            start: None,
            begins: false,
        }
    }

    pub fn try_fit(&self, key: &str, interrupted: &AtomicBool) -> Result<Fitted, FitError> {
        let key = Digest::of(key.as_bytes());
        let mut watch = Watch { interrupted, epoch: &mut |_, _| {} };
        let params = &*self.case.node.model;
        let (estimator, members) = (estimator(params).unwrap(), self.case.node.average.members);
        fit_members(estimator, &self.job(key), members, &mut Alone(key), &mut watch)
    }

    pub fn fit(&self, key: &str) -> Fitted {
        match self.try_fit(key, &AtomicBool::new(false)) {
            Ok(fitted) => fitted,
            Err(error) => panic!("{}: {error}", self.case.name),
        }
    }

    pub fn model(&self, key: &str) -> Model {
        let learned = self.fit(key).learned;
        let (encoder, classes) = (self.encoder.clone(), self.case.classes());
        Model { encoder, learned, head: self.head, classes }
    }
}

/// A project of which a fit may ask nothing but what every gate needs.
struct Alone(Digest);

impl Host for Alone {
    fn costs(&mut self, experts: &[&str]) -> Result<Vec<u64>, FitError> {
        Ok((1..=experts.len() as u64).map(|n| 100 * n).collect())
    }

    fn judge(
        &mut self,
        expert: &str,
        _: &Mlp,
        fit: &mut dyn FnMut(Digest) -> Result<Trained, FitError>,
    ) -> Result<(Network, bool), FitError> {
        let key = Digest::of(format!("{} {expert}", self.0).as_bytes());
        Ok((fit(key)?.network, true))
    }

    fn model(&mut self, expert: &str) -> Result<Model, FitError> {
        Err(FitError::Reason(format!("{expert} has no model here")))
    }

    fn encoded(&mut self, _: &Encoder) -> Result<Matrix, FitError> {
        Err(FitError::Reason("there are no rows here".to_owned()))
    }
}
