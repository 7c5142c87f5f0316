//! `tune`: which settings of an expert are searched, and how their values are said.
//!
//! A value is a text of TOML, as it would stand in the file: the lock keeps it so, a page shows it so, and
//! `collegium tune --write` writes it so. Read back it has the same bits.

use std::ops::Range;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use toml::Value;

use super::{ByTask, Expert, NumberEncoding};
use crate::write::{by_task, float, list, name};

/// `tune`
#[derive(Debug, Clone, PartialEq)]
pub struct Tune {
    /// Settings to try, at most; the untuned ones are the first.
    pub trials: u32,
    /// CPU seconds of a machine of reference that the search may take; it tries fewer then.
    pub seconds: Option<f64>,
    /// What is searched.
    pub space: Space,
    /// The seed of the draws.
    pub seed: u64,
    /// What the file does not fix, in the order of [`Setting::ALL`]; at least one.
    pub free: Vec<Setting>,
    /// Where the file says it.
    pub place: Range<usize>,
    /// The settings whose values a search has found, and how many it tried; the expert has these values.
    pub found: Option<Found>,
}

/// What a search has found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// How many settings it tried.
    pub trials: u32,
    /// Those that it chose values for.
    pub settings: Vec<Setting>,
}

/// `tune.space`
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Space {
    /// Step size, decay, dropout, layers, activation, encoding of numbers and epochs.
    #[default]
    Default,
    /// The same without what makes a fit dearer: layers and epochs stay.
    SameCost,
}

impl Space {
    /// The name in the file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::SameCost => "same-cost",
        }
    }

    /// Is this setting searched in it?
    pub const fn has(self, setting: Setting) -> bool {
        match self {
            Self::Default => true,
            Self::SameCost => !matches!(setting, Setting::Hidden | Setting::Epochs),
        }
    }
}

/// A key of an expert that a search may move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Setting {
    /// `train.learning_rate`
    LearningRate,
    /// `train.weight_decay`
    WeightDecay,
    /// `train.epochs`
    Epochs,
    /// `model.hidden`
    Hidden,
    /// `model.activation`
    Activation,
    /// `model.dropout`
    Dropout,
    /// `encode.numbers`
    Numbers,
    /// `encode.bins`
    Bins,
    /// `encode.edges`
    Edges,
}

impl Setting {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 9] = [
        Self::LearningRate,
        Self::WeightDecay,
        Self::Epochs,
        Self::Hidden,
        Self::Activation,
        Self::Dropout,
        Self::Numbers,
        Self::Bins,
        Self::Edges,
    ];

    /// The table of the expert that it stands in, and its key there.
    pub const fn path(self) -> (&'static str, &'static str) {
        match self {
            Self::LearningRate => ("train", "learning_rate"),
            Self::WeightDecay => ("train", "weight_decay"),
            Self::Epochs => ("train", "epochs"),
            Self::Hidden => ("model", "hidden"),
            Self::Activation => ("model", "activation"),
            Self::Dropout => ("model", "dropout"),
            Self::Numbers => ("encode", "numbers"),
            Self::Bins => ("encode", "bins"),
            Self::Edges => ("encode", "edges"),
        }
    }

    /// `train.learning_rate`
    pub fn key(self) -> String {
        let (table, key) = self.path();
        format!("{table}.{key}")
    }

    /// The setting of a key.
    pub fn of(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|setting| setting.key() == key)
    }

    /// Does it say how numeric columns are encoded?
    pub const fn encodes(self) -> bool {
        matches!(self, Self::Numbers | Self::Bins | Self::Edges)
    }

    /// The value that an expert has, as TOML; `None` for a model without layers.
    pub fn written(self, expert: &Expert) -> Option<String> {
        let layers = expert.model.layers();
        Some(match self {
            Self::LearningRate => by_task(expert.train.learning_rate),
            Self::WeightDecay => float(expert.train.weight_decay),
            Self::Epochs => expert.train.epochs.to_string(),
            Self::Hidden => list(layers?.hidden.iter().map(u32::to_string)),
            Self::Activation => name(&layers?.activation),
            Self::Dropout => by_task(layers?.dropout),
            Self::Numbers => list(expert.encode.numbers.iter().map(name)),
            Self::Bins => expert.encode.bins.to_string(),
            Self::Edges => name(&expert.encode.edges),
        })
    }

    /// Gives an expert this value; was it one?
    pub fn set(self, expert: &mut Expert, text: &str) -> bool {
        self.put(expert, text).is_some()
    }

    fn put(self, expert: &mut Expert, text: &str) -> Option<()> {
        match self {
            Self::LearningRate => expert.train.learning_rate = number(text)?,
            Self::WeightDecay => expert.train.weight_decay = read(text)?,
            Self::Epochs => expert.train.epochs = read::<u32>(text).filter(|epochs| *epochs > 0)?,
            Self::Hidden | Self::Activation | Self::Dropout => {
                let mut layers = expert.model.layers()?.clone();
                match self {
                    Self::Hidden => layers.hidden = read(text)?,
                    Self::Activation => layers.activation = read(text)?,
                    _ => layers.dropout = number(text)?,
                }
                expert.model = expert.model.with_layers(layers)?;
            }
            Self::Numbers => {
                let numbers: Vec<NumberEncoding> = read(text)?;
                expert.encode.numbers = Some(numbers).filter(|numbers| !numbers.is_empty())?;
            }
            Self::Bins => expert.encode.bins = read(text)?,
            Self::Edges => expert.encode.edges = read(text)?,
        }
        Some(())
    }
}

/// A value of TOML.
fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
    let mut line: toml::Table = toml::from_str(&format!("value = {text}")).ok()?;
    line.remove("value")?.try_into().ok()
}

/// A number, or one for each task.
fn number(text: &str) -> Option<ByTask> {
    match read::<Value>(text)? {
        Value::Float(number) => Some(number.into()),
        Value::Table(table) => Some(ByTask {
            classification: table.get("classification")?.as_float()?,
            regression: table.get("regression")?.as_float()?,
        }),
        _ => None,
    }
}
