//! Weak slices (subgroup analysis) of new rows: where a node loses more than elsewhere.
//!
//! As in an audit a tree on validation rows proposes the slices, and rows that had no part in it judge
//! them: here the new ones. The two lie in different tables, so columns of both are laid end to end.

use collegium_manifest::{Input, Task};
use collegium_probe::{Groups, Loss, SliceFeature, SliceRows, SliceValues, weak_slices};
use collegium_records::WeakSlices;
use collegium_table::{Column, MISSING_CODE, Values};

use super::{
    kept::Kept,
    node::losses,
    sample::{Drawn, Levels, Sample},
};
use crate::{
    EngineError, Session,
    measure::Predicted,
    rows::{Rows, Side},
    states::NodeState,
};

/// A column of validation rows and, behind them, of new ones.
enum Joint {
    Numbers(Vec<f64>),
    Levels(Vec<u32>, Vec<String>),
}

impl Session {
    /// Weak slices of the measured new rows (and who each belongs to), or of the sample of them.
    pub(super) fn new_slices(
        &self,
        (kept, names): (&Kept, Option<&[u64]>),
        new: &Predicted,
        sample: &Sample,
        state: &NodeState,
    ) -> Result<Option<WeakSlices>, EngineError> {
        let index = kept.index;
        let valid = self.rows(Rows::Side { expert: index, side: Side::Valid })?;
        let known = losses(&self.node(index).predicted_on(state, &valid)?);
        let all = losses(new);
        // Places in the sample of the measured rows, both ascending where the sample is all rows.
        let mut order: Vec<usize> = (0..sample.rows.len()).collect();
        order.sort_unstable_by_key(|&at| sample.rows[at]);
        let (mut drawn, mut lost, mut of_measured) = (Vec::new(), Vec::new(), Vec::new());
        let mut measured = kept.places.iter().zip(&all).enumerate().peekable();
        for at in order {
            while measured.next_if(|(_, (row, _))| **row < sample.rows[at]).is_some() {}
            let next = measured.next_if(|(_, (row, _))| **row == sample.rows[at]);
            if let Some((place, (_, loss))) = next {
                drawn.push(at);
                of_measured.push(place);
                lost.push(*loss);
            }
        }
        let groups = names.and_then(|names| Groups::of(of_measured.iter().map(|&at| names[at])));
        let table = self.node(index).table()?;
        let mut columns: Vec<(String, Joint)> = Vec::new();
        for input in self.node(index).resolved().raw.iter() {
            let Input::Column { column, .. } = input else { continue };
            let sampled = sample.columns.iter().find(|sampled| sampled.column == *column);
            if let (Some(before), Some(after)) = (table.column(column), sampled)
                && let Some(joint) = joint(before, &valid, &after.values, &drawn)
            {
                columns.push((input.to_string(), joint));
            }
        }
        let features: Vec<SliceFeature> = columns
            .iter()
            .map(|(name, joint)| SliceFeature {
                name,
                values: match joint {
                    Joint::Numbers(values) => SliceValues::Number(values),
                    Joint::Levels(codes, levels) => SliceValues::Category { codes, levels },
                },
            })
            .collect();
        let loss = match self.node(index).resolved().task {
            Task::Classification => Loss::Log,
            Task::Regression => Loss::Squared,
        };
        let rows: Vec<u32> = (0..(valid.len() + drawn.len()) as u32).collect();
        let (before, after) = rows.split_at(valid.len());
        Ok(weak_slices(
            loss,
            &features,
            SliceRows { rows: before, losses: &known, groups: None },
            SliceRows { rows: after, losses: &lost, groups: groups.as_ref() },
        ))
    }
}

/// Times and images are left out, as in an audit.
fn joint(before: &Column, valid: &[u32], after: &Drawn, drawn: &[usize]) -> Option<Joint> {
    match (&before.values, after) {
        (Values::Number(values), Drawn::Numbers(new)) => {
            let before = valid.iter().map(|&row| values[row as usize]);
            Some(Joint::Numbers(before.chain(drawn.iter().map(|&at| new[at])).collect()))
        }
        (Values::Boolean(_) | Values::Category { .. }, Drawn::Levels { codes, levels: texts }) => {
            let mut levels = Levels::default();
            let mut code = |text: Option<String>| text.map_or(MISSING_CODE, |t| levels.code(t));
            let mut joint: Vec<u32> =
                valid.iter().map(|&row| code(before.text(row as usize))).collect();
            let text = |at: usize| texts.texts.get(codes[at] as usize).cloned();
            joint.extend(drawn.iter().map(|&at| code(text(at))));
            Some(Joint::Levels(joint, levels.texts))
        }
        _ => None,
    }
}
