//! Reasons why a node is trained, kept, patched or left as it is, as variants and as sentences.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Change, FitName};

/// One reason. In documents it is a sentence; whoever decides asks for the variant.
#[derive(Debug, Clone, PartialEq)]
pub enum Reason {
    /// Asked for by `--force`.
    Forced,
    /// No fit of it is known.
    NeverFitted,
    /// One ingredient of its recipe.
    Changed(Change),
    /// Its rows, in words; in place of the columns that differ only because rows do.
    Rows(String),
    /// What it is made of is as it was, and these fits have gone from the store.
    NotInStore(Vec<FitName>),
    /// The recipe that the lock names has gone from the store.
    LockNotInStore,
    /// What it could be kept by cannot be made again, for a reason in words.
    KeptByLost {
        /// Had it a certificate?
        certificate: bool,
        /// Why it cannot.
        why: String,
    },
    /// The outputs of these upstream nodes are not known yet.
    Upstreams(Vec<String>),
    /// These upstream nodes failed.
    UpstreamsFailed(Vec<String>),
    /// These upstream nodes could not be brought up to date.
    UpstreamsNotDone(Vec<String>),
    /// The run was stopped.
    Stopped,
    /// Parts of its last full fit were lost and are made again.
    MadeAgain(Vec<FitName>),
    /// What explains and decides nothing: a certificate, a judgement, a setting.
    Note(String),
}

impl Reason {
    /// Is it only that something has gone from the store, or an upstream for which that may hold too?
    pub fn is_loss(&self) -> bool {
        match self {
            Self::NotInStore(_)
            | Self::LockNotInStore
            | Self::KeptByLost { .. }
            | Self::Upstreams(_) => true,
            Self::Forced
            | Self::NeverFitted
            | Self::Changed(_)
            | Self::Rows(_)
            | Self::UpstreamsFailed(_)
            | Self::UpstreamsNotDone(_)
            | Self::Stopped
            | Self::MadeAgain(_)
            | Self::Note(_) => false,
        }
    }

    /// Reasons on one line, with semicolons.
    pub fn list(reasons: &[Self]) -> String {
        reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forced => f.write_str("forced"),
            Self::NeverFitted => f.write_str("never fitted"),
            Self::Changed(change) => f.write_str(&changed(change)),
            Self::Rows(words) | Self::Note(words) => f.write_str(words),
            Self::NotInStore(fits) => write!(f, "not in the store: {}", FitName::list(fits)),
            Self::LockNotInStore => f.write_str("what the lock stands on is not in the store"),
            Self::KeptByLost { certificate: true, why } => {
                write!(f, "its certificate is lost, {why}")
            }
            Self::KeptByLost { certificate: false, why } => {
                write!(f, "what it could be kept by is lost, {why}")
            }
            Self::Upstreams(nodes) => match &nodes[..] {
                [only] => write!(f, "upstream {only} decides"),
                several => write!(f, "upstreams {} decide", several.join(", ")),
            },
            Self::UpstreamsFailed(nodes) => write!(f, "{} failed", nodes.join(", ")),
            Self::UpstreamsNotDone(nodes) => {
                write!(f, "{} could not be brought up to date", nodes.join(", "))
            }
            Self::Stopped => f.write_str("the run was stopped"),
            Self::MadeAgain(fits) => write!(
                f,
                "of its last full fit {} was lost, and is made again from its recipe",
                FitName::list(fits)
            ),
        }
    }
}

/// One changed ingredient: `train.epochs 60 → 80`, `input flights.temp added`.
pub fn changed(change: &Change) -> String {
    let name = change.ingredient.as_str();
    let what = name
        .strip_prefix("inputs.")
        .map_or_else(|| name.to_owned(), |input| format!("input {input}"));
    match (&change.before, &change.after) {
        (None, _) => format!("{what} added"),
        (_, None) => format!("{what} removed"),
        _ if name == "classes" => "classes changed".to_owned(),
        // Content is named by digests, which say nothing to a person.
        _ if name.starts_with("inputs.") || name == "target" => format!("{what} changed"),
        (Some(before), Some(after)) => format!("{what} {before} → {after}"),
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A document says no more than the sentence.
impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::Note)
    }
}
