//! What an audit looked for, by topic: "no warnings" means nothing to a reader who does not know what was asked.

use crate::{AuditReport, Level, NodeAudit, Topic};

impl Topic {
    /// All topics, in the order of a page.
    pub const ALL: [Self; 12] = [
        Self::Data,
        Self::Rows,
        Self::Skill,
        Self::Baselines,
        Self::Combined,
        Self::Fit,
        Self::Calibration,
        Self::Inputs,
        Self::Slices,
        Self::Layers,
        Self::Labels,
        Self::Other,
    ];

    /// What is looked for under this topic and may be a warning, in words; `None` of topics that only note things.
    pub fn looks_for(self) -> Option<&'static str> {
        Some(match self {
            Self::Data => "inputs that give the target away, outliers, missing classes",
            Self::Rows => "missing targets, test rows that a model has seen",
            Self::Skill => "lack of skill",
            Self::Baselines => "experts worse than a baseline",
            Self::Combined => "gates worse than their controls",
            Self::Fit => "overfitting or a shift",
            Self::Calibration => "poor calibration",
            Self::Inputs => "harmful inputs",
            Self::Slices => "weak slices",
            Self::Labels => "too few measured labels",
            Self::Layers | Self::Other => return None,
        })
    }
}

impl NodeAudit {
    /// Was it looked at under this topic?
    fn was_asked(&self, topic: Topic) -> bool {
        match topic {
            Topic::Data | Topic::Rows | Topic::Skill | Topic::Other => true,
            Topic::Baselines => {
                self.skill.verdict.is_skill()
                    && ["linear", "single"].iter().any(|name| self.against.contains_key(*name))
            }
            Topic::Combined => self.combined.as_ref().is_some_and(|of| !of.controls.is_empty()),
            Topic::Fit => ["train", "test"].iter().all(|side| self.metrics.contains_key(*side)),
            Topic::Calibration => self.reliability.is_some(),
            Topic::Inputs => !self.uses.is_empty(),
            Topic::Slices => self.performance.slices.is_some(),
            Topic::Layers => !self.probe.layers.is_empty(),
            Topic::Labels => self.provenance.as_ref().is_some_and(|of| of.least_measured.is_some()),
        }
    }
}

impl AuditReport {
    /// What was looked for, in some expert at least, and led to no warning in any.
    pub fn found_nothing(&self) -> Vec<&'static str> {
        let warned = |topic| {
            let mut all = self.nodes.iter().flat_map(|node| &node.findings);
            all.any(|finding| finding.level == Level::Warning && finding.topic == topic)
        };
        let asked = |topic| self.nodes.iter().any(|node| node.was_asked(topic));
        let quiet = Topic::ALL.into_iter().filter(|topic| asked(*topic) && !warned(*topic));
        quiet.filter_map(Topic::looks_for).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_topic_has_its_place_in_the_list_and_words_of_its_own() {
        let names: BTreeSet<String> =
            Topic::ALL.iter().map(|topic| serde_json::to_string(topic).unwrap()).collect();
        assert_eq!(names.len(), Topic::ALL.len());
        let words: Vec<&str> = Topic::ALL.into_iter().filter_map(Topic::looks_for).collect();
        assert_eq!(words.iter().collect::<BTreeSet<_>>().len(), words.len());
    }
}
