//! An expert beside a baseline: which comparison stands for it.

use crate::{MetricDiff, NodeAudit, PairedVerdict, RotatedNode, margin_of};

/// An expert (`after`) against one of its baselines (`before`) in one metric, by the figures that stand for the expert.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BaselineComparison {
    /// Both figures and their paired difference with its 95 % interval.
    pub diff: MetricDiff,
    /// What it shows.
    pub verdict: PairedVerdict,
}

impl NodeAudit {
    /// The rotations whose means stand for it; `None` where its test rows of the declared split do.
    pub fn stands_on(&self) -> Option<&RotatedNode> {
        self.headline.as_ref()?.rotations?;
        self.rotated.as_ref()
    }

    /// How it does against a baseline in a metric, if that was compared: over rotations where they stand for it, rotation by
    /// rotation, else on the test rows of the declared split. Never one beside the other: what rotations do not have is absent.
    pub fn compared_with(&self, baseline: &str, metric: &str) -> Option<BaselineComparison> {
        let diff = match self.stands_on() {
            None => *self.against.get(baseline)?.get(metric)?,
            Some(of) => {
                let after = of.metrics.get(metric)?.mean;
                let less = of.against.get(baseline)?.get(metric)?;
                let (difference, interval) = (less.mean, less.interval);
                MetricDiff { before: after - difference, after, difference, interval }
            }
        };
        let verdict = diff.verdict(metric, margin_of(&self.margins, metric));
        Some(BaselineComparison { diff, verdict })
    }
}
