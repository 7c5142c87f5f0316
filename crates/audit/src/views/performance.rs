//! Performance: metrics with confidence intervals, skill, confusion matrix, reliability diagram, curves, weak slices.

use std::collections::BTreeMap;

use collegium_digest::Digest;
use collegium_engine::{
    EngineError, FEWEST_UNSEEN,
    intervals::{RESAMPLES, losses_of, paired, reliability_of, with_intervals},
    measure::{Predicted, withheld},
    rows::{Rows, SIDES, Side, side_name},
};
use collegium_manifest::{Input, Task};
use collegium_probe::{
    Loss, Resampling, SliceFeature, SliceRows, SliceValues, class_measures, confusion, curves,
    predicted_labels, residuals, weak_slices,
};
use collegium_records::{
    ClassThreshold, Confusion, MetricDiff, NodeAudit, Performance, Reliability, Skill,
    SplitMeasures, WeakSlices,
};
use collegium_table::{Column, MISSING_CODE, Values};
use serde::{Deserialize, Serialize};

use crate::skill::{no_skill, unless_too_few};
use crate::{Auditor, baselines, looked::Looked, view::AuditView};

/// Metrics of a node and of its baselines, by side; on test rows all that follows from predictions.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Performed {
    decided: Option<ClassThreshold>,
    metrics: BTreeMap<String, SplitMeasures>,
    baselines: BTreeMap<String, BTreeMap<String, SplitMeasures>>,
    against: BTreeMap<String, BTreeMap<String, MetricDiff>>,
    /// `None` where there are too few test rows to show it on.
    skill: Option<Skill>,
    confusion: Option<Confusion>,
    reliability: Option<Reliability>,
    performance: Performance,
}

impl AuditView for Performed {
    const NAME: &'static str = "performance";
    const VERSION: u32 = 5;

    fn applies(_: &Looked) -> Result<bool, EngineError> {
        Ok(true)
    }

    fn measure(looked: &Looked) -> Result<Self, EngineError> {
        let Looked { auditor, state, key, .. } = looked;
        let node = auditor.node;
        let mut metrics = BTreeMap::new();
        for side in SIDES {
            let measures = match side {
                Side::Train => {
                    let rows = Rows::HeldOut { expert: node.index, side };
                    auditor.measures_on(side, &node.predicted(state, rows)?, key)?
                }
                Side::Valid => auditor.measures_on(side, looked.valid()?, key)?,
                _ => auditor.measures_on(side, looked.held_out()?, key)?,
            };
            metrics.insert(side_name(side).to_owned(), measures);
        }
        let metrics = node.within_it(metrics)?;
        let (mut yardsticks, mut theirs) = (BTreeMap::new(), BTreeMap::new());
        for baseline in baselines(&state.parts) {
            let mut splits = BTreeMap::new();
            for side in SIDES {
                let rows = Rows::HeldOut { expert: node.index, side };
                let predicted = node.baseline_predicted(baseline, state, auditor.states, rows)?;
                let measures = auditor.measures_on(side, &predicted, key)?;
                if side == Side::Test {
                    theirs.insert(baseline.name(), predicted);
                }
                splits.insert(side_name(side).to_owned(), measures);
            }
            let splits = node.within_it(splits)?;
            yardsticks.insert(baseline.name().to_owned(), splits);
        }
        let (held_out, groups) = (looked.held_out()?, looked.groups()?);
        let too_few = node.seen_rows(Side::Test)?.is_some_and(|seen| seen.unseen < FEWEST_UNSEEN);
        let skill = match too_few {
            false => auditor.skill([looked.valid()?, held_out], groups.as_ref(), key)?,
            true => None,
        };
        let skill = skill.map(|skill| unless_too_few(skill, metrics.get("test")));
        // Where test figures are withheld, so is everything that is made of the same rows.
        let shown = metrics.get("test").is_some_and(|test| !test.metrics.is_empty());
        let how = auditor.session().resampling(RESAMPLES, key).by(groups.as_ref());
        let (confusion, reliability) = match shown {
            true => tables(held_out, &node.resolved().classes),
            false => (None, None),
        };
        let performance = match shown {
            true => auditor.performance([looked.valid()?, held_out], how)?,
            false => Performance::default(),
        };
        let against = match shown {
            true => against(held_out, &theirs, how),
            false => BTreeMap::new(),
        };
        Ok(Self {
            decided: node.decided_as(looked.valid()?),
            metrics,
            baselines: yardsticks,
            against,
            skill,
            confusion,
            reliability,
            performance,
        })
    }

    fn tell(&self, looked: &Looked) {
        let _ = looked.skill.set(self.skill.clone());
    }

    fn place(self, audit: &mut NodeAudit) {
        audit.decided = self.decided;
        audit.metrics = self.metrics;
        audit.baselines = self.baselines;
        audit.against = self.against;
        audit.skill = self.skill.unwrap_or_else(no_skill);
        audit.confusion = self.confusion;
        audit.reliability = self.reliability;
        audit.performance = self.performance;
    }
}

impl Auditor<'_> {
    /// Metrics with intervals on the rows of a side that no model behind them has seen.
    fn measures_on(
        self,
        side: Side,
        predicted: &Predicted,
        key: &Digest,
    ) -> Result<SplitMeasures, EngineError> {
        let seen = self.node.seen_rows(side)?.map_or(0, |seen| seen.seen);
        let rows = self.session().rows(Rows::HeldOut { expert: self.node.index, side })?;
        let groups = self.groups_of(&rows)?;
        let how = self.session().resampling(RESAMPLES, key).by(groups.as_ref());
        let blocks = self.node.blocks_of(self.state()?, side)?;
        Ok(withheld(SplitMeasures { seen, blocks, ..with_intervals(predicted, how) }))
    }

    /// Classes, curves, residuals and weak slices on test rows, from predictions on validation and on test rows.
    fn performance(
        self,
        [valid, held_out]: [&Predicted; 2],
        how: Resampling,
    ) -> Result<Performance, EngineError> {
        let names = &self.node.resolved().classes;
        let mut found =
            Performance { slices: self.slices([valid, held_out])?, ..Performance::default() };
        match held_out {
            Predicted::Classes { probability, width, labels, classes } => {
                let decision = classes.decision;
                found.classes = class_measures(probability, *width, labels, names, decision, how);
                found.curves = curves(probability, *width, labels, names, decision);
            }
            Predicted::Values { predicted, truth } => found.residuals = residuals(predicted, truth),
        }
        Ok(found)
    }

    /// Where the expert loses more than elsewhere, by the columns that it or its ancestors read. Times
    /// are left out: their bounds would be numbers that nobody reads.
    fn slices(self, predicted: [&Predicted; 2]) -> Result<Option<WeakSlices>, EngineError> {
        let table = self.node.table()?;
        let truths = ["false".to_owned(), "true".to_owned()];
        let mut booleans: Vec<(String, Vec<u32>)> = Vec::new();
        let columns: Vec<(String, &Column)> = self
            .node
            .resolved()
            .raw
            .iter()
            .filter_map(|input| match input {
                Input::Column { column, .. } => {
                    Some((input.to_string(), table.column(column)?.as_ref()))
                }
                Input::Output { .. } => None,
            })
            .collect();
        for (name, column) in &columns {
            if let Values::Boolean(values) = &column.values {
                let code = |&v: &u8| if v > 1 { MISSING_CODE } else { u32::from(v) };
                booleans.push((name.clone(), values.iter().map(code).collect()));
            }
        }
        let mut features: Vec<SliceFeature> = booleans
            .iter()
            .map(|(name, codes)| SliceFeature {
                name,
                values: SliceValues::Category { codes, levels: &truths },
            })
            .collect();
        for (name, column) in &columns {
            let values = match &column.values {
                Values::Number(values) => SliceValues::Number(values),
                Values::Category { codes, levels } => SliceValues::Category { codes, levels },
                _ => continue,
            };
            features.push(SliceFeature { name, values });
        }
        let loss = match self.node.resolved().task {
            Task::Classification => Loss::Log,
            Task::Regression => Loss::Squared,
        };
        let rows = |side| self.session().rows(Rows::HeldOut { expert: self.node.index, side });
        let (valid, test) = (rows(Side::Valid)?, rows(Side::Test)?);
        let [valid_losses, test_losses] = predicted.map(losses_of);
        let groups = self.groups_of(&test)?;
        Ok(weak_slices(
            loss,
            &features,
            SliceRows { rows: &valid, losses: &valid_losses, groups: None },
            SliceRows { rows: &test, losses: &test_losses, groups: groups.as_ref() },
        ))
    }
}

/// The expert against each baseline, on the same rows under the same resamples.
fn against(
    ours: &Predicted,
    theirs: &BTreeMap<&str, Predicted>,
    how: Resampling,
) -> BTreeMap<String, BTreeMap<String, MetricDiff>> {
    let one = |theirs| paired(theirs, &[ours], how).into_iter().next().unwrap_or_default();
    theirs.iter().map(|(name, theirs)| ((*name).to_owned(), one(theirs))).collect()
}

/// True by predicted classes, and predicted by observed frequencies.
fn tables(held_out: &Predicted, names: &[String]) -> (Option<Confusion>, Option<Reliability>) {
    match held_out {
        Predicted::Classes { probability, width, labels, classes } if !labels.is_empty() => (
            Some(confusion(
                labels,
                &predicted_labels(probability, *width, classes.decision),
                names,
            )),
            reliability_of(held_out),
        ),
        _ => (None, None),
    }
}
