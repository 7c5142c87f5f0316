//! Fuzz target of pipeline files: keys, values and names where they do not belong, and blueprints of the same kind.

use std::{fs, path::Path, sync::Arc};

use collegium_learn::DECLARED;
use collegium_manifest::{Diagnostics, Loaded, NoBlueprint, SourceFile, load, parse};
use rand::RngExt as _;
use serde_json::Value;

use crate::{
    FuzzTarget, Random, Refusal,
    mutate::{break_once, one, some_times},
    tree::break_tree,
};

/// A pipeline file; behind a line of its own, the blueprint that any name stands for.
pub struct PipelineText;

const MARK: &str = "\n#### blueprint\n";

/// What means something in TOML.
const WORDS: [&str; 40] = [
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    "=",
    ".",
    ",",
    "\"",
    "'",
    "\"\"\"",
    "'''",
    "#",
    "\n",
    "\r",
    "\r\n",
    "\t",
    "\0",
    "\\",
    "\\u0000",
    "\\U0010FFFF",
    "é",
    "\u{202e}",
    "\u{feff}",
    "a.",
    "a = ",
    "{ a = ",
    "true",
    "nan",
    "-inf",
    "9223372036854775808",
    "0x",
    "1_0",
    "1e400",
    "1979-05-27T07:32:00Z",
    "[data.d]\n",
    "[expert.e]\n",
    "extends = \"expert.travel\"\n",
    "model = \"mlp\"\n",
];

const EVERY_KEY: &str = r#"
[pipeline]
name = "every"
format = 1
seed = 7
memory_limit = "2 GiB"
sql_steps = 1000000
sql_memory = "64 MiB"
reads = ["../shared"]

[data.d]
tables = { a = "a-*.csv", b = "b.parquet" }
read = { delimiter = ";", decimal = ",", thousands = ".", encoding = "windows-1252" }
reads = { a = { date_format = "%d.%m.%Y" } }
query = "SELECT a.*, b.z FROM a JOIN b USING (k)"
derive = { rush = "hour > 7" }
types = { k = "category", when = "time" }
missing = ["", "NA", "-9"]
images = { pixels = { columns = "p*", height = 8, width = 8, scale = 16 } }
split = { train = 0.7, valid = 0.15, test = 0.15, by = ["k"], stratify = "late", seed = 3 }
origin = { column = "source", synthetic = ["made"] }

[data.t]
path = "t.csv"
split = { time = "t.when", valid_from = "2013-07-01", test_from = "2014-01-01", gap = "2 days" }
origins = { label = "generated" }

[data.i]
idx = { image = "*-images.gz", label = "*-labels.gz" }

[expert.one]
inputs = ["d.*", "!d.late", "!d.k"]
target = "d.late"
task = "classification"
where = "d.rush = 1"
model = "some-blueprint"
train = { epochs = 5, batch = 32, learning_rate = 1e-3, schedule = "cosine", optimizer = "adam", weight_decay = 0.1, patience = 2, class_weights = "balanced" }
reuse = { tolerance = 0.02, confidence = 0.95 }
warm_start = true
seed = 4

[expert.two]
extends = "expert.one"
model = { type = "mlp", hidden = [8, 4], activation = "gelu", dropout = 0.1 }
inputs = ["one.probability", "d.rush"]
upstream = "held-out"
folds = 3

[expert.kept]
inputs = ["d.rush"]
target = "d.late"
frozen = true

[gate.soft]
experts = ["one", "two"]
type = "softmax"
inputs = ["d.rush"]
target = "d.late"
hidden = [4]
top_k = 1
shared = ["one"]
balance = "bias"
noise = 0.5
temperature = 2.0

[gate.rule]
experts = ["one", "two"]
type = "rules"
target = "d.late"
rules = { one = "hour < 3", two = "hour >= 3" }

[gate.weights]
experts = ["one", "two"]
type = "fixed"
target = "d.late"
weights = { one = 3, two = 1 }

[mixture.joint]
inputs = ["d.rush"]
target = "d.late"
experts = 3
restarts = 2
gate = { hidden = [], top_k = 2, shared = 1, noise = 0.1, balance = "switch", z_loss = 0.01, capacity_factor = 1.25 }

[evaluate]
baselines = ["majority", "linear", "single"]
require = ["expert.one test auc >= 0.7"]

[audit]
rows = 500
bootstrap = 20
seeds = 2
"#;

const BLUEPRINT: &str = "type = \"mlp\"\nhidden = [64, 32]\nactivation = \"relu\"\ndropout = 0.0\n";

fn texts() -> Vec<String> {
    let tabular = include_str!("../../../templates/src/tabular.toml");
    let small =
        "[data.f]\npath = \"f.csv\"\n\n[expert.e]\ninputs = [\"f.a\", \"f.b\"]\ntarget = \"f.y\"\n";
    vec![
        tabular.to_owned(),
        small.to_owned(),
        format!("{EVERY_KEY}{MARK}{BLUEPRINT}"),
        format!("{small}model = \"some-blueprint\"\n{MARK}{BLUEPRINT}"),
    ]
}

/// Breaks the values of a document; comments go, and what cannot be written as TOML is not broken.
pub(super) fn break_document(text: &str, random: &mut Random) -> Option<String> {
    let table: toml::Table = toml::from_str(text).ok()?;
    let mut tree = serde_json::to_value(table).ok()?;
    some_times(random, |random| break_tree(&mut tree, random));
    without_nulls(&mut tree);
    toml::to_string(&tree).ok()
}

/// TOML has no nulls.
fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(without_nulls);
        }
        Value::Array(items) => {
            items.retain(|item| !item.is_null());
            items.iter_mut().for_each(without_nulls);
        }
        _ => {}
    }
}

/// Breaks a text: words of a language in it, lines at other places, any bytes.
pub(super) fn break_text(text: &mut Vec<u8>, words: &[&str], random: &mut Random) {
    match random.random_range(0..4) {
        0 => break_once(text, random),
        1 => {
            let at = random.random_range(0..=text.len());
            let times = one(&[1, 1, 1, 1, 2, 3, 100, 20_000], random);
            text.splice(at..at, one(words, random).repeat(times).into_bytes());
        }
        _ => move_line(text, random),
    }
}

/// Swaps two lines, leaves one out or writes one a second time.
pub(super) fn move_line(text: &mut Vec<u8>, random: &mut Random) {
    let mut lines: Vec<Vec<u8>> =
        text.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    if let Some(last) = lines.len().checked_sub(1) {
        let (from, to) = (random.random_range(0..=last), random.random_range(0..=last));
        match random.random_range(0..3) {
            0 => lines.swap(from, to),
            1 => drop(lines.remove(from)),
            _ => lines.insert(to, lines[from].clone()),
        }
    }
    *text = lines.concat();
}

fn read_text(path: &Path, text: &str) -> Result<Loaded, Diagnostics> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let (pipeline, blueprint) = text.split_once(MARK).unwrap_or((text, ""));
    let source = Arc::new(SourceFile::new(path, pipeline));
    parse(source, folder.to_owned(), &DECLARED, &|name| match blueprint {
        "" => Err(NoBlueprint { reason: format!("there is no `{name}`"), help: None }),
        text => Ok(SourceFile::new(format!("models/{name}.toml"), text)),
    })
}

/// All that is said of a file is put into words, as the commands do.
fn said(findings: &Diagnostics) -> String {
    let _ = (findings.render(true), findings.to_json());
    findings.to_string()
}

impl FuzzTarget for PipelineText {
    fn name(&self) -> &'static str {
        "pipeline"
    }

    fn extension(&self, _: usize) -> &'static str {
        "toml"
    }

    fn seeds(&self) -> Vec<Vec<u8>> {
        texts().into_iter().map(String::into_bytes).collect()
    }

    fn mutate(&self, mut seed: Vec<u8>, random: &mut Random) -> Vec<u8> {
        let text = String::from_utf8_lossy(&seed).into_owned();
        let (pipeline, blueprint) = text.split_once(MARK).unwrap_or((&text, ""));
        if random.random_range(0..5) < 3 {
            let in_blueprint = !blueprint.is_empty() && random.random_range(0..6) == 0;
            let whole = if in_blueprint { blueprint } else { pipeline };
            if let Some(broken) = break_document(whole, random) {
                let joined = match (in_blueprint, blueprint) {
                    (_, "") => broken,
                    (false, _) => format!("{broken}{MARK}{blueprint}"),
                    (true, _) => format!("{pipeline}{MARK}{broken}"),
                };
                return joined.into_bytes();
            }
        }
        some_times(random, |random| break_text(&mut seed, &WORDS, random));
        seed
    }

    fn read(&self, path: &Path) -> Result<(), Refusal> {
        let io = |error: std::io::Error| Refusal { message: error.to_string(), about_input: false };
        let text = String::from_utf8(fs::read(path).map_err(io)?);
        let read = match &text {
            Ok(text) if text.contains(MARK) => read_text(path, text),
            _ => load(path, &DECLARED),
        };
        let loaded =
            read.map_err(|errors| Refusal { message: said(&errors), about_input: true })?;
        let _ = (said(&loaded.warnings), loaded.pipeline.asks());
        // What `show` writes is the same pipeline.
        let ours = |message: String| Refusal { message, about_input: false };
        let written = loaded.pipeline.with_defaults();
        let again = read_text(path, &written)
            .map_err(|errors| ours(format!("what `show` writes is refused:\n{errors}")))?;
        let again = again.pipeline.with_defaults();
        if again != written {
            return Err(ours(format!("`show` writes something else:\n{written}\nand:\n{again}")));
        }
        Ok(())
    }
}
