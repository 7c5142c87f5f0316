//! Serialisation of a pipeline to TOML, with every default (`show`).
//!
//! By hand and not through a serializer: keys come in the order in which one thinks of them, small
//! tables stay on one line, and what is not a key (the task that the target's type will decide) is
//! a comment. What is written parses back to the same pipeline.

pub(crate) mod combine;
mod decide;
mod split;

use std::fmt::{Display, Write as _};

use collegium_records::is_hidden;
use toml::{Spanned, Value};

use crate::{
    Audit, Batch, ByTask, ClassWeights, Comparator, DataSource, Encode, Evaluate, Expert, Found,
    GatheredImage, Mlp, Pipeline, PixelColumns, ReadOptions, Section, SourceOrigin, StandsOn,
    Train, Tune, defaults::FORMAT, size, spec::written_rule,
};

impl Pipeline {
    /// The whole pipeline as TOML, every default written out and every `extends` resolved.
    pub fn with_defaults(&self) -> String {
        let mut out = String::from("[pipeline]\n");
        line(&mut out, "name", text(&self.name));
        line(&mut out, "format", FORMAT);
        line(&mut out, "seed", self.seed);
        if let Some(bytes) = self.memory_limit {
            line(&mut out, "memory_limit", text(&size::write(bytes)));
        }
        if let Some(steps) = self.sql_steps {
            line(&mut out, "sql_steps", steps);
        }
        if let Some(bytes) = self.sql_memory {
            line(&mut out, "sql_memory", text(&size::write(bytes)));
        }
        if !self.reads.is_empty() {
            let folders: Vec<String> = self.reads.iter().map(|f| text(f.get_ref())).collect();
            line(&mut out, "reads", format!("[{}]", folders.join(", ")));
        }
        for data in self.data.values() {
            out.push('\n');
            out.push_str(&data.with_defaults());
        }
        for expert in self.experts.values() {
            out.push('\n');
            out.push_str(&expert.with_defaults(self));
        }
        out.push('\n');
        out.push_str(&self.evaluate.with_defaults());
        out.push('\n');
        out.push_str(&self.audit.with_defaults());
        out
    }
}

impl DataSource {
    /// This data source as TOML, every default written out.
    pub fn with_defaults(&self) -> String {
        let mut out = format!("[data.{}]\n", key(self.name.get_ref()));
        let quoted = |value: &Spanned<String>| text(value.get_ref());
        match self.tables.get_index(0) {
            Some(_) if self.idx => {
                line(&mut out, "idx", table(self.tables.iter().map(|(k, v)| (k, quoted(v)))));
            }
            Some((name, path)) if self.tables.len() == 1 && name == self.name.get_ref() => {
                line(&mut out, "path", quoted(path));
            }
            _ => line(&mut out, "tables", table(self.tables.iter().map(|(k, v)| (k, quoted(v))))),
        }
        if !self.idx {
            line(&mut out, "read", read(&self.read));
            line(&mut out, "reads", table(self.reads.iter().map(|(k, v)| (k, read(v)))));
        }
        if let Some(bytes) = self.unpacked_limit {
            line(&mut out, "unpacked_limit", text(&size::write(bytes)));
        }
        if let Some(query) = &self.query {
            line(&mut out, "query", quoted(query));
        }
        if !self.idx {
            line(&mut out, "images", table(self.images.iter().map(|(k, v)| (k, image(v)))));
        }
        let own = self.derive.iter().filter(|(name, _)| !self.rules.contains(name));
        line(&mut out, "derive", table(own.map(|(k, v)| (k, quoted(v)))));
        line(&mut out, "types", table(self.types.iter().map(|(k, v)| (k, name(v.get_ref())))));
        line(&mut out, "missing", list(self.missing.iter().map(|value| text(value))));
        line(&mut out, "split", split::written(&self.split));
        let origin = match &self.origin {
            SourceOrigin::Whole(origin) => name(origin),
            SourceOrigin::ByRow { column, synthetic } => table([
                ("column", quoted(column)),
                ("synthetic", list(synthetic.iter().map(quoted))),
            ]),
        };
        line(&mut out, "origin", origin);
        line(&mut out, "origins", table(self.origins.iter().map(|(k, v)| (k, name(v.get_ref())))));
        out
    }
}

impl Expert {
    /// This expert, gate or mixture as TOML, every default written out and `extends` resolved.
    pub fn with_defaults(&self, pipeline: &Pipeline) -> String {
        let mut out = combine::head(self);
        match self.gate() {
            Some(gate) => combine::gate(&mut out, self, gate),
            None => {
                let inputs = self.inputs.iter().map(|input| text(&input.get_ref().to_string()));
                line(&mut out, "inputs", list(inputs.chain(patterns(self))));
            }
        }
        line(&mut out, "target", text(&format!("{}.{}", self.data, self.target.get_ref())));
        match &self.task {
            Some(task) => line(&mut out, "task", name(task.get_ref())),
            None => out.push_str("# task: the target's type decides\n"),
        }
        match &self.filter {
            Some(filter) => line(&mut out, "where", text(filter.get_ref())),
            None => out.push_str("# where: all training rows\n"),
        }
        self.model.write(&mut Written { out: &mut out, expert: self, pipeline });
        if self.model.section() == Section::Expert {
            line(&mut out, "members", self.average.members);
            line(&mut out, "deploy", name(&self.average.deploy));
        }
        line(&mut out, "upstream", name(&self.upstream));
        line(&mut out, "folds", self.folds);
        line(&mut out, "seed", self.seed);
        out.push_str(&decide::written(self));
        if self.combines() {
            return out;
        }
        let reuse = self.reuse.map(|reuse| {
            table([("tolerance", float(reuse.tolerance)), ("confidence", float(reuse.confidence))])
        });
        line(&mut out, "reuse", reuse.as_deref().unwrap_or("false"));
        let warm_start =
            self.warm_start.map(|warm| table([("cold_every", warm.cold_every.to_string())]));
        line(&mut out, "warm_start", warm_start.as_deref().unwrap_or("false"));
        if let Some(tune) = &self.tune {
            out.push_str(&tuned(tune));
        }
        match &self.stands_on {
            StandsOn::Recipe => {}
            StandsOn::Frozen(frozen) => line(&mut out, "frozen", frozen.get_ref()),
            StandsOn::Pin(digest) => line(&mut out, "pin", text(digest.get_ref())),
            StandsOn::Source { pipeline, expert } => {
                line(&mut out, "source", text(pipeline.get_ref()));
                line(&mut out, "expert", text(expert.get_ref()));
            }
        }
        out
    }
}

/// A node while its model's parameters are written out.
pub struct Written<'a> {
    out: &'a mut String,
    expert: &'a Expert,
    pipeline: &'a Pipeline,
}

impl Written<'_> {
    /// A line: a key of the node with its value as TOML.
    pub fn key(&mut self, key: &str, value: impl Display) {
        line(self.out, key, value);
    }

    /// `model`, with the keys of a kind and their values as TOML.
    pub fn model(&mut self, kind: &str, keys: Vec<(&'static str, String)>) {
        let kind = ("type", text(kind));
        self.key("model", table(std::iter::once(kind).chain(keys)));
    }

    /// A line that is no key: a value that the fit decides.
    pub fn comment(&mut self, text: &str) {
        let _ = writeln!(self.out, "# {text}");
    }

    /// `hidden` and `activation`.
    pub fn network(&mut self, net: &Mlp) {
        self.key("hidden", list(net.hidden.iter().map(u32::to_string)));
        self.key("activation", name(&net.activation));
    }

    /// The predicate that a column of the node's data source was made of.
    pub fn predicate(&self, column: &str) -> Option<String> {
        let sql = self.pipeline.data.get(&self.expert.data)?.derive.get(column)?.get_ref();
        Some(written_rule(sql).to_owned())
    }

    /// Of `encode` how numbers are scaled, for a kind that is given nothing else of them.
    pub fn scale(&mut self) {
        let numbers = list([name(&self.expert.encode.scale())]);
        self.key("encode", table([("numbers", numbers)]));
    }

    /// `encode`, for a network.
    pub fn encode(&mut self) {
        let Encode { numbers, bins, edges } = &self.expert.encode;
        let entries = [
            ("numbers", list(numbers.iter().map(name))),
            ("bins", bins.to_string()),
            ("edges", name(edges)),
        ];
        self.key("encode", table(entries));
    }

    /// `train`, for a kind that is trained by gradient steps.
    pub fn train(&mut self) {
        self.key("train", train(&self.expert.train));
    }

    /// `calibrate`, for a network.
    pub fn calibrate(&mut self) {
        self.key("calibrate", name(&self.expert.train.calibrate));
    }
}

/// The patterns among an expert's inputs, where it is not known yet what they come to.
fn patterns(expert: &Expert) -> impl Iterator<Item = String> {
    expert.patterns.iter().map(|pattern| text(&pattern.get_ref().to_string()))
}

impl Evaluate {
    fn with_defaults(&self) -> String {
        let mut out = String::from("[evaluate]\n");
        line(&mut out, "baselines", list(self.baselines.iter().map(name)));
        line(&mut out, "require", list(self.require.iter().map(|r| text(&r.get_ref().text))));
        if let Some(share) = &self.least_measured {
            line(&mut out, "least_measured", float(*share.get_ref()));
        }
        if let Some(rotate) = &self.rotate {
            line(&mut out, "rotate", rotate.get_ref());
        }
        out
    }
}

impl Audit {
    fn with_defaults(&self) -> String {
        let mut out = String::from("[audit]\n");
        line(&mut out, "rows", self.rows);
        line(&mut out, "bootstrap", self.bootstrap);
        line(&mut out, "seeds", self.seeds);
        line(&mut out, "permuted", self.permuted);
        if !self.margin.is_empty() {
            let margins = self.margin.iter().map(|(metric, margin)| (metric, float(*margin)));
            line(&mut out, "margin", table(margins));
        }
        line(&mut out, "slices", list(self.slices.iter().map(|slice| text(&slice.get_ref().text))));
        out
    }
}

impl Display for Comparator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::AtLeast => ">=",
            Self::AtMost => "<=",
            Self::Above => ">",
            Self::Below => "<",
        })
    }
}

/// Where nothing is said, there is nothing to write: the delimiter is that of the file's name, no character
/// stands between groups of digits, and dates are ISO's.
fn read(read: &ReadOptions) -> String {
    let delimiter = read.delimiter.map(|byte| ("delimiter", text(&char::from(byte).to_string())));
    let mut entries: Vec<(&str, String)> = delimiter.into_iter().collect();
    entries.push(("decimal", text(&read.decimal.to_string())));
    entries.extend(read.thousands.map(|c| ("thousands", text(&c.to_string()))));
    entries.extend(read.date_format.iter().map(|format| ("date_format", text(format))));
    entries.push(("encoding", text(&read.encoding)));
    table(entries)
}

fn image(image: &GatheredImage) -> String {
    let columns = match image.columns.get_ref() {
        PixelColumns::Pattern(pattern) => text(pattern),
        PixelColumns::List(names) => list(names.iter().map(|name| text(name.get_ref()))),
    };
    table([
        ("columns", columns),
        ("height", image.shape.height.to_string()),
        ("width", image.shape.width.to_string()),
        ("channels", image.shape.channels.to_string()),
        ("scale", float(image.scale)),
    ])
}

/// A comment: with every value written out there is nothing left to search.
fn tuned(tune: &Tune) -> String {
    let Tune { trials, seconds, space, seed, free: _, place: _, found } = tune;
    let mut entries = vec![("trials", trials.to_string())];
    entries.extend(seconds.map(|seconds| ("seconds", float(seconds))));
    entries.extend([("space", name(space)), ("seed", seed.to_string())]);
    let said = match found {
        None => "not searched yet".to_owned(),
        Some(Found { trials, settings }) => {
            let keys: Vec<String> = settings.iter().map(|setting| setting.key()).collect();
            format!("a search of {trials} trials (in the lock) found {}", keys.join(", "))
        }
    };
    format!("# tune = {}: {said}\n", table(entries))
}

/// The keys of a perceptron's table.
pub fn perceptron(mlp: &Mlp) -> Vec<(&'static str, String)> {
    let Mlp { hidden, activation, dropout } = mlp;
    vec![
        ("hidden", list(hidden.iter().map(u32::to_string))),
        ("activation", name(activation)),
        ("dropout", by_task(*dropout)),
    ]
}

fn train(train: &Train) -> String {
    let off = |share: f64| (share != 0.0).then_some(share);
    let only_if_on = [
        ("clip_gradient", train.clip_gradient),
        ("huber", train.huber),
        ("quantile", train.quantile),
        ("focal", off(train.focal)),
        ("label_smoothing", off(train.label_smoothing)),
    ];
    let only_if_on = only_if_on.into_iter().filter_map(|(key, value)| Some((key, float(value?))));
    let entries = [
        ("epochs", train.epochs.to_string()),
        (
            "batch",
            match train.batch {
                Batch::Rows(rows) => rows.to_string(),
                Batch::Auto => text("auto"),
            },
        ),
        ("learning_rate", by_task(train.learning_rate)),
        ("schedule", name(&train.schedule)),
        ("warm_up", float(train.warm_up)),
        ("optimizer", name(&train.optimizer)),
        ("beta2", float(train.beta2)),
        ("weight_decay", float(train.weight_decay)),
        ("patience", train.patience.to_string()),
        (
            "class_weights",
            match &train.class_weights {
                ClassWeights::None => text("none"),
                ClassWeights::Balanced => text("balanced"),
                ClassWeights::Given(weights) => {
                    table(weights.iter().map(|(class, weight)| (class, float(*weight))))
                }
            },
        ),
    ];
    table(entries.into_iter().chain(only_if_on))
}

fn line(out: &mut String, key: &str, value: impl Display) {
    // Writing to a `String` cannot fail.
    let _ = writeln!(out, "{key} = {value}");
}

/// A list of values.
pub fn list(items: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", items.into_iter().collect::<Vec<_>>().join(", "))
}

/// A table on one line.
pub fn table<K: AsRef<str>>(entries: impl IntoIterator<Item = (K, String)>) -> String {
    let entries: Vec<String> = entries
        .into_iter()
        .map(|(name, value)| format!("{} = {value}", key(name.as_ref())))
        .collect();
    match entries.is_empty() {
        true => "{}".to_owned(),
        false => format!("{{ {} }}", entries.join(", ")),
    }
}

/// A key, bare where TOML allows it.
fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.chars().all(bare) {
        return name.to_owned();
    }
    // Keys have no multi-line form.
    basic(name)
}

/// A string literal; several lines stay several lines. What is not seen is written out.
pub fn text(value: &str) -> String {
    if value.contains(is_hidden) {
        return basic(value);
    }
    Value::String(value.to_owned()).to_string()
}

/// A string literal on one line.
fn basic(value: &str) -> String {
    let mut out = String::from("\"");
    for c in value.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() || is_hidden(c) => {
                let _ = write!(out, "\\U{:08X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// The shortest literal that reads back to the same bits.
pub fn float(value: f64) -> String {
    Value::Float(value).to_string()
}

/// A number, or a table where the tasks have different ones.
pub fn by_task(value: ByTask) -> String {
    let ByTask { classification, regression } = value;
    match classification == regression {
        true => float(classification),
        false => {
            table([("classification", float(classification)), ("regression", float(regression))])
        }
    }
}

/// A choice by its name in the file.
pub fn name(choice: &impl serde::Serialize) -> String {
    match Value::try_from(choice) {
        Ok(value) => value.to_string(),
        Err(error) => unreachable!("choices are texts: {error}"),
    }
}
