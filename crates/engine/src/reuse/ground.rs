//! Inputs of a reuse judgement: one model of an anchor, and its rows as they were and as they are,
//! encoded.

use collegium_learn::{Columns, Model, Network, Repair};
use collegium_plan::{Part, View, reads};
use collegium_table::{Encoder, Matrix};

use super::anchor::{Anchor, ReadAs};
use crate::{
    EngineError, NodeRef,
    fit::Labels,
    inputs::sources,
    rows::{Rows, evenly},
    states::States,
};

/// Why an anchor cannot be judged.
pub(super) const GONE: &str = "what it was trained on is no longer in the store";

/// An anchor beside its new inputs, encoded.
pub(super) struct Ground {
    pub(super) model: Model,
    /// Its layers.
    pub(super) network: Network,
    pub(super) encoder: Encoder,
    pub(super) columns: Columns,
    pub(super) x_old: Matrix,
    pub(super) x_new: Matrix,
    pub(super) y: Labels,
    pub(super) weights: Option<Vec<f32>>,
    pub(super) y_valid: Labels,
    /// The validation rows, by number.
    pub(super) valid: Vec<u32>,
    pub(super) x_old_valid: Matrix,
    pub(super) x_new_valid: Matrix,
    pub(super) x_deployed_valid: Matrix,
}

impl NodeRef<'_> {
    /// Encodes what one part of an anchor was trained on and what it would read now. The inner
    /// error says why they do not go together.
    pub(super) fn ground(
        self,
        anchor: &Anchor,
        part: Part,
        moved: &[String],
        states: &States,
    ) -> Result<Result<Ground, String>, EngineError> {
        let fit = match part {
            Part::Full => Some(anchor.fit.clone()),
            _ => match anchor.parts.get(&part.name()) {
                Some(standing) => self.session.fit_of(standing)?,
                None => None,
            },
        };
        let Some(fit) = fit else { return Ok(Err(GONE.to_owned())) };
        let model = self.session.model(&fit)?;
        let Some(network) = model.layers().cloned() else {
            return Ok(Err(format!("models of kind `{}` have nothing to repair", model.kind())));
        };
        let rows =
            evenly(&self.session.rows(crate::inputs::training_rows(self.index, part))?, MOST_ROWS);
        let stopping = self.stopping_rows(part);
        let valid = self.session.rows(stopping)?;
        // The end of a forward fold's window is read as its training rows are: out of fold.
        let forward = matches!(stopping, Rows::Stop { .. });
        let data = (
            self.anchor_data(&anchor.reads, ReadAs::View)?,
            self.anchor_data(&anchor.reads, if forward { ReadAs::View } else { ReadAs::Deployed })?,
        );
        let (Some(old_view), Some(old_deployed)) = data else { return Ok(Err(GONE.to_owned())) };
        let inputs = &self.resolved().inputs;
        let new_view = self.input_data(inputs, reads(self.index, self.declared()), states)?;
        let validated = if forward { reads(self.index, self.declared()) } else { View::Deployed };
        let new_deployed = self.input_data(inputs, validated, states)?;
        let labelled = match self.resolved().task {
            collegium_manifest::Task::Classification => self.class_labels(&rows, &valid)?,
            collegium_manifest::Task::Regression => self.value_labels(&rows, &valid)?,
        };
        let (y, y_valid, _) = match labelled {
            Ok(labelled) => labelled,
            Err(why) => return Ok(Err(why)),
        };
        let positions: Vec<usize> = inputs
            .iter()
            .enumerate()
            .filter(|(_, input)| moved.contains(&input.to_string()))
            .map(|(at, _)| at)
            .collect();
        let made = (|| {
            let encoder = model.encoder.refitted(&positions, &sources(&new_view), &rows)?;
            Ok::<_, collegium_table::EncodeError>((
                model.encoder.encode(&sources(&old_view), &rows)?,
                encoder.encode(&sources(&new_view), &rows)?,
                model.encoder.encode(&sources(&old_deployed), &valid)?,
                encoder.encode(&sources(&new_deployed), &valid)?,
                model.encoder.encode(&sources(&new_deployed), &valid)?,
                encoder,
            ))
        })();
        // Another width or another kind: the contract between the experts changed.
        let (x_old, x_new, x_old_valid, x_new_valid, x_deployed_valid, encoder) = match made {
            Ok(made) => made,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let weights = crate::fit::class_weights(self.declared(), &self.resolved().classes, &y);
        let columns = columns(&model.encoder, &encoder, &positions);
        Ok(Ok(Ground {
            model,
            network,
            encoder,
            columns,
            x_old,
            x_new,
            y,
            weights,
            y_valid,
            valid: valid.to_vec(),
            x_old_valid,
            x_new_valid,
            x_deployed_valid,
        }))
    }
}

impl Ground {
    pub(super) fn repair<'a>(
        &'a self,
        classes: usize,
        interrupted: &'a std::sync::atomic::AtomicBool,
    ) -> Repair<'a> {
        Repair {
            network: &self.network,
            old: &self.x_old,
            new: &self.x_new,
            columns: &self.columns,
            y: self.y.target(classes),
            class_weights: self.weights.clone(),
            interrupted,
        }
    }

    /// The model that reads the new inputs through `network`.
    pub(super) fn patched(&self, network: Network) -> Model {
        let learned = self.model.learned.with_layers(network);
        let learned = learned.unwrap_or_else(|| self.model.learned.clone());
        Model { encoder: self.encoder.clone(), learned, ..self.model.clone() }
    }

    /// From the loss that is trained on to the one that is reported: squared target units.
    pub(super) fn unit(&self) -> f64 {
        match self.model.head {
            collegium_learn::Head::Regression { deviation, .. } => deviation * deviation,
            _ => 1.0,
        }
    }
}

/// Training rows that repairs are fitted on, at most: a last layer of a hundred units then knows
/// them better than others by less than a thousandth, and judging a large table stays cheap.
const MOST_ROWS: usize = 1 << 16;

/// How the columns of two encodings belong together that differ in the inputs at `moved`.
fn columns(old: &Encoder, new: &Encoder, moved: &[usize]) -> Columns {
    let mut columns = Columns { same: Vec::new(), old: Vec::new(), new: Vec::new() };
    for (at, (before, after)) in old.groups().into_iter().zip(new.groups()).enumerate() {
        if moved.contains(&at) {
            columns.old.extend(before);
            columns.new.extend(after);
        } else {
            columns.same.extend(before.zip(after));
        }
    }
    columns
}
