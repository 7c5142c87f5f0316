//! The names of a node's fits.

use std::{cmp::Ordering, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// One fit of a node. Written as `full`, `fold 2/5`, `held-out`, `baseline linear`, and sorted as these texts
/// are, so that a lock file keeps its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FitName {
    /// What is deployed: on all of its training rows, or the average that its models make.
    Full,
    /// Of a blend, the one on all of its training rows.
    Member,
    /// Cross-validation: without the rows of one fold.
    Fold {
        /// Which, from 1.
        fold: u32,
        /// Of how many.
        of: u32,
    },
    /// Without the rows that its consumers are trained on.
    HeldOut,
    /// The most frequent class, or the mean.
    Majority,
    /// Logistic or ridge regression.
    Linear,
    /// One network on all raw columns that the node and its ancestors read.
    Single,
}

impl FitName {
    /// Is it the fit of a baseline?
    pub fn is_baseline(self) -> bool {
        matches!(self, Self::Majority | Self::Linear | Self::Single)
    }

    /// Is it the fit of one fold?
    pub fn is_fold(self) -> bool {
        matches!(self, Self::Fold { .. })
    }

    /// Names on one line, with commas.
    pub fn list(names: &[Self]) -> String {
        names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for FitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("full"),
            Self::Member => f.write_str("member"),
            Self::Fold { fold, of } => write!(f, "fold {fold}/{of}"),
            Self::HeldOut => f.write_str("held-out"),
            Self::Majority => f.write_str("baseline majority"),
            Self::Linear => f.write_str("baseline linear"),
            Self::Single => f.write_str("baseline single"),
        }
    }
}

/// A text that names no fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAFit(String);

impl fmt::Display for NotAFit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let expected = "`full`, `fold 2/5`, `held-out` or `baseline linear`";
        write!(f, "`{}` names no fit: expected {expected}", self.0)
    }
}

impl std::error::Error for NotAFit {}

impl FromStr for FitName {
    type Err = NotAFit;

    fn from_str(text: &str) -> Result<Self, NotAFit> {
        let fold = || {
            let (fold, of) = text.strip_prefix("fold ")?.split_once('/')?;
            let (fold, of) = (fold.parse().ok()?, of.parse().ok()?);
            // `+1` and `01` are numbers too, and not how it is written.
            let name = Self::Fold { fold, of };
            (name.to_string() == text).then_some(name)
        };
        match text {
            "full" => Ok(Self::Full),
            "member" => Ok(Self::Member),
            "held-out" => Ok(Self::HeldOut),
            "baseline majority" => Ok(Self::Majority),
            "baseline linear" => Ok(Self::Linear),
            "baseline single" => Ok(Self::Single),
            _ => fold().ok_or_else(|| NotAFit(text.to_owned())),
        }
    }
}

impl Ord for FitName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.to_string().cmp(&other.to_string())
    }
}

impl PartialOrd for FitName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Serialize for FitName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FitName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const ALL: [FitName; 8] = [
        FitName::Linear,
        FitName::Majority,
        FitName::Single,
        FitName::Fold { fold: 10, of: 10 },
        FitName::Fold { fold: 2, of: 5 },
        FitName::Full,
        FitName::HeldOut,
        FitName::Member,
    ];

    #[test]
    fn a_name_reads_back_and_sorts_as_its_text_does() {
        for name in ALL {
            assert_eq!(name.to_string().parse(), Ok(name));
            assert_eq!(
                serde_json::from_str::<FitName>(&serde_json::to_string(&name).unwrap()).unwrap(),
                name
            );
        }
        assert!(ALL.is_sorted());
    }

    #[test]
    fn nothing_else_is_a_name() {
        for text in [
            "",
            "Full",
            "fold",
            "fold 2",
            "fold 2/",
            "fold +2/5",
            "fold 02/5",
            "fold 2/5 ",
            "baseline",
        ] {
            assert!(text.parse::<FitName>().is_err(), "{text}");
        }
    }
}
