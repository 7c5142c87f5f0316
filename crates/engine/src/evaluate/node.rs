//! Metrics of one node on new rows, compared with those on its test rows.

use collegium_digest::{Digest, Hasher};
use collegium_manifest::{Input, Task};
use collegium_probe::{
    Family, Groups, Resampling, class_measures, curves, residuals, unpaired_classification,
    unpaired_regression,
};
use collegium_records::{
    ColumnShift, NodeEvaluation, NodeRows, Performance, Quality, SplitMeasures,
};
use collegium_table::{Column, Values};

use super::{
    kept::Kept,
    sample::{MOST, Sample},
    shift::Watched,
};
use crate::{
    EngineError, NodeRef, Session,
    intervals::{RESAMPLES, losses_of, reliability_of, with_intervals},
    measure::Predicted,
    rows::{Rows, Side, evenly},
    states::States,
};

impl<'s> NodeRef<'s> {
    /// What is known of a node before anything is measured.
    pub(super) fn unmeasured(self, why: String) -> NodeEvaluation {
        let spec = self.declared();
        let resolved = self.resolved();
        NodeEvaluation {
            name: self.node_name(),
            task: resolved.task.name().to_owned(),
            target: format!("{}.{}", spec.data, spec.target.get_ref()),
            filter: spec.filter.as_ref().map(|filter| filter.get_ref().clone()),
            classes: resolved.classes.clone(),
            columns: self.own_columns().map(|c| format!("{}.{c}", spec.data)).collect(),
            upstream: self
                .session
                .dag
                .upstream(self.index)
                .into_iter()
                .map(|i| self.session.node(i).node_name())
                .collect(),
            end: self.session.dag.downstream(self.index).is_empty(),
            rows: NodeRows::default(),
            unknown_classes: Vec::new(),
            unmeasured: Some(why),
            new: SplitMeasures::default(),
            test: SplitMeasures::default(),
            test_withheld: None,
            changes: std::collections::BTreeMap::new(),
            verdict: Quality::Unknown,
            metric: None,
            reliability_test: None,
            reliability_new: None,
            performance: Performance::default(),
            target_shift: None,
            moved: Vec::new(),
        }
    }

    /// Raw columns that a node reads itself, rules of gates left out.
    pub(super) fn own_columns(self) -> impl Iterator<Item = &'s str> {
        let spec = self.declared();
        self.resolved().inputs.iter().filter_map(move |input| match input {
            Input::Column { column, .. } if !spec.is_handed(input) => Some(column.as_str()),
            _ => None,
        })
    }
}

impl Session {
    /// Measures a node. `states` may lack it: then there is nothing of its test rows.
    pub(super) fn evaluated(
        &self,
        kept: &Kept,
        sample: &Sample,
        states: &States,
        targets: usize,
    ) -> Result<NodeEvaluation, EngineError> {
        let index = kept.index;
        let mut node = self.node(index).unmeasured(String::new());
        node.rows = kept.rows;
        node.unknown_classes = kept.unknown_classes();
        node.unmeasured = nothing_measured(&kept.rows);
        let (key, test) = match states.get(&index) {
            Some(state) => {
                let key = self.node(index).audit_recipe(state, states)?.digest();
                let rows = Rows::HeldOut { expert: index, side: Side::Test };
                let groups = self.node(index).groups_of(state, &self.rows(rows)?)?;
                (key, Some((self.node(index).predicted(state, rows)?, groups)))
            }
            None => (Hasher::new("evaluated").text(&node.name).finish(), None),
        };
        // The samples are drawn again independently of each other.
        let own = Hasher::new("evaluated").digest(&key).finish();
        let new = kept.predicted(self);
        let (names, blocks) = kept.together(self, &new).unzip();
        let of_new = names.as_ref().and_then(|names| Groups::of(names.iter().copied()));
        let how = self.resampling(RESAMPLES, &own).by(of_new.as_ref());
        match test {
            Some(test) => {
                let (test, groups) = test;
                let on_test = self.resampling(RESAMPLES, &key).by(groups.as_ref());
                let (measures, changes) = both(&test, on_test, &new, how);
                [node.test, node.new] = measures;
                if let Some(state) = states.get(&index) {
                    node.test.blocks = self.node(index).blocks_of(state, Side::Test)?;
                }
                node.test.seen =
                    self.node(index).seen_rows(Side::Test)?.map_or(0, |seen| seen.seen);
                node.test = crate::measure::withheld(node.test);
                node.changes = changes;
                let beyond = self.node(index).beyond_it(Side::Test)?;
                if beyond.is_some() {
                    node.test.metrics.clear();
                    node.test.intervals.clear();
                }
                if node.test.metrics.is_empty() {
                    node.changes.clear();
                    let seen = || {
                        format!(
                            "its model has seen {} of the {} test rows, and the others are too few",
                            node.test.seen,
                            node.test.seen + node.test.rows
                        )
                    };
                    node.test_withheld = Some(beyond.unwrap_or_else(seen));
                } else {
                    node.reliability_test = reliability_of(&test);
                }
            }
            None => {
                node.new = with_intervals(&new, how);
                node.test_withheld = Some(
                    "the pipeline has changed since its model was fitted, so which rows are held \
                     out from it is not known; `collegium run` brings it up to date"
                        .to_owned(),
                );
            }
        }
        node.new.blocks = blocks.flatten();
        node.reliability_new = reliability_of(&new);
        if node.unmeasured.is_none() {
            node.performance = self.performance_on(&new, index, how);
            node.performance.declared_slices = kept.on_slices(&new, how);
            if let Some(state) = states.get(&index) {
                node.performance.slices =
                    self.new_slices((kept, names.as_deref()), &new, sample, state)?;
            }
            node.target_shift = Some(self.target_shift(kept, &own, targets)?);
        }
        Ok(node)
    }

    fn performance_on(&self, new: &Predicted, index: usize, how: Resampling) -> Performance {
        let names = &self.node(index).resolved().classes;
        match new {
            Predicted::Classes { probability, width, labels, classes } => Performance {
                classes: class_measures(probability, *width, labels, names, classes.decision, how),
                curves: curves(probability, *width, labels, names, classes.decision),
                ..Performance::default()
            },
            Predicted::Values { predicted, truth } => {
                Performance { residuals: residuals(predicted, truth), ..Performance::default() }
            }
        }
    }

    /// The target on the measured rows against the training rows that the node's `where` admits.
    fn target_shift(
        &self,
        kept: &Kept,
        key: &Digest,
        targets: usize,
    ) -> Result<ColumnShift, EngineError> {
        let index = kept.index;
        let rows = self.rows(Rows::Side { expert: index, side: Side::Train })?;
        let spec = self.node(index).declared();
        let values = match self.node(index).resolved().task {
            Task::Classification => Values::Category {
                codes: self.node(index).labels()?.to_vec(),
                levels: self.node(index).resolved().classes.clone(),
            },
            Task::Regression => Values::Number(self.node(index).target_values()?),
        };
        let training = Column::new(spec.target.get_ref().as_str(), values);
        let mut watched = Watched::new(&training, &rows);
        let new = kept.target(self);
        watched.add(&new, &[]);
        let sampled: Vec<f64> = match &new.values {
            Values::Number(values) => {
                let all: Vec<u32> = (0..values.len() as u32).collect();
                evenly(&all, MOST).into_iter().map(|row| values[row as usize]).collect()
            }
            _ => Vec::new(),
        };
        let name = format!("{}.{}", spec.data, spec.target.get_ref());
        let family = Family { key, name: &name, tests: targets };
        Ok(watched.finish(name.clone(), &sampled, &family))
    }
}

/// Each row's loss, by the row's place among the measured ones.
pub(super) fn losses(new: &Predicted) -> Vec<f64> {
    losses_of(new)
}

fn nothing_measured(rows: &NodeRows) -> Option<String> {
    if rows.measured > 0 {
        return None;
    }
    Some(match rows {
        NodeRows { admitted: 0, .. } => "none of the rows is one that it is for".to_owned(),
        NodeRows { seen: Some(seen @ 1..), .. } => {
            format!("all of its {seen} rows with a target were seen in training")
        }
        NodeRows { unknown_class: 0, .. } => "none of its rows has a target".to_owned(),
        NodeRows { unknown_class, .. } => {
            format!("none of its {unknown_class} targets is a class that it knows")
        }
    })
}

type Measured =
    ([SplitMeasures; 2], std::collections::BTreeMap<String, collegium_records::MetricChange>);

fn both(test: &Predicted, on_test: Resampling, new: &Predicted, on_new: Resampling) -> Measured {
    match (test, new) {
        (
            Predicted::Classes { probability, width, labels, classes },
            Predicted::Classes { probability: p, labels: y, .. },
        ) => unpaired_classification(
            [(probability, labels, on_test), (p, y, on_new)],
            *width,
            *classes,
        ),
        (Predicted::Values { predicted, truth }, Predicted::Values { predicted: p, truth: y }) => {
            unpaired_regression([(predicted, truth, on_test), (p, y, on_new)])
        }
        // A model has one task.
        _ => Measured::default(),
    }
}
