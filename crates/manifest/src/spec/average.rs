//! `members` and `deploy`: of how many models the deployed one is the average.

use serde::{Deserialize, Serialize};

/// Of how many models an expert is the average.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Average {
    /// Models of each fit, which differ by their random streams; 1: one.
    pub members: u32,
    /// Which fits are deployed.
    pub deploy: Deploy,
}

impl Default for Average {
    fn default() -> Self {
        Self { members: 1, deploy: Deploy::Full }
    }
}

impl Average {
    /// What stands behind the words for one model of `folds` folds; nothing for one model.
    pub fn describe(self, folds: u32) -> String {
        let members = match self.members {
            1 => String::new(),
            members => format!(", mean of {members} members"),
        };
        match self.deploy {
            Deploy::Full => members,
            Deploy::Blend => format!("{members}, blended with {folds} folds"),
        }
    }
}

/// What answers for rows that no model was trained on: validation rows, test rows and new ones.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Deploy {
    /// The model of all training rows.
    #[default]
    Full,
    /// Half that one, half the mean of the models of `folds` folds, each fitted without one fold of the training rows.
    Blend,
}
