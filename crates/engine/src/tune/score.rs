//! Losses of a trial, row by row.

use collegium_plan::{Part, View, reads};
use collegium_records::Fit;

use crate::{
    EngineError, NodeRef, inputs::sources, intervals::losses_of, measure::Predicted, rows::Rows,
    states::States,
};

/// Losses on rows, each by the model that has not been trained on it.
#[derive(Debug, Clone, Default)]
pub(super) struct Scored {
    pub(super) rows: Vec<u32>,
    pub(super) losses: Vec<f64>,
}

impl Scored {
    pub(super) fn add(&mut self, more: Self) {
        self.rows.extend(more.rows);
        self.losses.extend(more.losses);
    }

    /// Their mean; every row counts once.
    pub(super) fn loss(&self) -> f64 {
        self.losses.iter().sum::<f64>() / self.losses.len().max(1) as f64
    }
}

impl NodeRef<'_> {
    /// The losses of a model of a part on rows.
    pub(super) fn scored(
        self,
        part: Part,
        fit: &Fit,
        rows: Rows,
        states: &States,
    ) -> Result<Scored, EngineError> {
        let model = self.session.model(fit)?;
        // Training rows are seen as a consumer sees them, others as the deployed model does.
        let view = match part {
            Part::Fold { .. } => reads(self.index, self.declared()),
            _ => View::Deployed,
        };
        let data = self.input_data(&self.resolved().inputs, view, states)?;
        let rows = self.session.rows(rows)?;
        let predicted = self.sources_predicted(&model, &sources(&data), &rows)?;
        Ok(Scored { losses: self.tuning_losses(&predicted), rows: rows.to_vec() })
    }

    /// The loss that settings are compared by: the one that the expert is trained for, without weights.
    pub(super) fn tuning_metric(self) -> &'static str {
        let train = &self.declared().train;
        match (self.resolved().classes.is_empty(), train.quantile, train.huber) {
            (false, ..) => "log_loss",
            (true, Some(_), _) => "pinball",
            (true, None, Some(_)) => "huber",
            (true, None, None) => "squared_error",
        }
    }

    fn tuning_losses(self, predicted: &Predicted) -> Vec<f64> {
        let train = &self.declared().train;
        let Predicted::Values { predicted: values, truth } = predicted else {
            return losses_of(predicted);
        };
        let residuals = || values.iter().zip(truth).map(|(z, y)| f64::from(*z) - y);
        match (train.quantile, train.huber) {
            (Some(quantile), _) => residuals()
                .map(|r| if r > 0.0 { (1.0 - quantile) * r } else { -quantile * r })
                .collect(),
            (None, Some(delta)) => {
                let most = delta * deviation(truth);
                let cost = |r: f64| {
                    let inside = r.clamp(-most, most);
                    inside * (2.0 * r - inside)
                };
                residuals().map(cost).collect()
            }
            (None, None) => losses_of(predicted),
        }
    }
}

/// Standard deviation of a target on the rows that are compared.
fn deviation(values: &[f64]) -> f64 {
    let count = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / count;
    let square = |value: &f64| (value - mean) * (value - mean);
    (values.iter().map(square).sum::<f64>() / count).sqrt()
}
