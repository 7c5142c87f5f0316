//! Response curves of an expert at its most important inputs: accumulated local effects and partial dependence.
//!
//! An input is set in its own units and encoded as the expert encodes it, whatever columns that makes. Which inputs
//! are shown is decided by what it costs to shuffle them, as in the ablation: an input may have weight and
//! no effect.

mod moved;
mod steepness;

use collegium_digest::{Digest, Hasher, stream};
use collegium_engine::{
    EngineError,
    fit::shuffle,
    inputs::InputData,
    intervals::{RESAMPLES, losses_of},
    measure::Predicted,
};
use collegium_learn::Model;
use collegium_manifest::Task;
use collegium_probe::{Bins, Groups, Resampling, accumulated_effects, level_effects};
use collegium_records::{NodeAudit, Response, ResponseCurve, ResponseMethod, Responses};
use collegium_table::Matrix;
use serde::{Deserialize, Serialize};

use self::moved::{Raw, raw, with_level, with_numbers};
use super::cues::exchanged;
use crate::{Auditor, looked::Looked, subject::some_of, view::AuditView};

/// Rows that are moved, at most.
const MOST_ROWS: usize = 2_000;

/// Inputs that are shown.
const MOST_INPUTS: usize = 6;

/// Levels of a category that are shown.
const MOST_LEVELS: usize = 12;

/// Classes that have curves, where there are more than two.
const MOST_CLASSES: usize = 3;

/// The responses of an expert; `None` where nothing can be moved.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Answers(Option<Responses>);

impl AuditView for Answers {
    const NAME: &'static str = "responses";
    const VERSION: u32 = 1;

    fn applies(looked: &Looked) -> Result<bool, EngineError> {
        looked.is_shown()
    }

    fn measure(looked: &Looked) -> Result<Self, EngineError> {
        let Ok(subject) = looked.subject()? else { return Ok(Self(None)) };
        let places: Vec<u32> = (0..subject.rows.len() as u32).collect();
        let places = some_of(&places, MOST_ROWS, &looked.key);
        if places.len() < 2 {
            return Ok(Self(None));
        }
        let rows: Vec<u32> = places.iter().map(|&at| subject.rows[at as usize]).collect();
        let before =
            looked.auditor.encoded_predicted(&subject.model, &subject.x.select(&places), &rows)?;
        let positive = looked.auditor.node.declared().decide.positive.as_ref();
        let positive = positive.map(|class| class.get_ref());
        let moving = Moving {
            auditor: looked.auditor,
            model: &subject.model,
            data: &subject.data,
            x: subject.x.select(&places),
            groups: looked.auditor.groups_of(&rows)?,
            outputs: Outputs::new(&before, &looked.auditor.node.resolved().classes, positive),
            before,
            rows,
            key: &looked.key,
        };
        moving.responses().map(|found| Self(Some(found)))
    }

    fn place(self, audit: &mut NodeAudit) {
        audit.probe.responses = self.0;
    }
}

/// Outputs that have curves.
struct Outputs {
    /// Columns of the predictions.
    columns: Vec<usize>,
    /// Their classes; none for a value.
    classes: Vec<String>,
    /// Is it the class whose probability is one less what is predicted?
    first_of_two: bool,
}

impl Outputs {
    /// `positive` is the declared one of two classes.
    fn new(predicted: &Predicted, names: &[String], positive: Option<&String>) -> Self {
        match predicted {
            Predicted::Values { .. } => {
                Self { columns: vec![0], classes: Vec::new(), first_of_two: false }
            }
            Predicted::Classes { width: 1, .. } => Self {
                columns: vec![0],
                classes: positive.or(names.last()).cloned().into_iter().collect(),
                first_of_two: positive.is_some() && positive != names.last(),
            },
            Predicted::Classes { labels, .. } => {
                let often = |class: usize| labels.iter().filter(|&&l| l as usize == class).count();
                let mut classes: Vec<(usize, usize)> =
                    (0..names.len()).map(|class| (class, often(class))).collect();
                // Stable: of equally many the first by number.
                classes.sort_by_key(|(_, rows)| std::cmp::Reverse(*rows));
                let columns: Vec<usize> =
                    classes.into_iter().take(MOST_CLASSES).map(|(class, _)| class).collect();
                let classes = columns.iter().map(|class| names[*class].clone()).collect();
                Self { columns, classes, first_of_two: false }
            }
        }
    }
}

/// An expert, and the rows whose inputs are moved.
struct Moving<'a> {
    auditor: Auditor<'a>,
    model: &'a Model,
    /// Its declared inputs, on all rows of the table.
    data: &'a [InputData],
    /// By number.
    rows: Vec<u32>,
    /// As the model sees them.
    x: Matrix,
    groups: Option<Groups>,
    before: Predicted,
    outputs: Outputs,
    key: &'a Digest,
}

impl Moving<'_> {
    fn responses(&self) -> Result<Responses, EngineError> {
        let names = self.model.encoder.names();
        let mut left_out = Vec::new();
        let mut movable: Vec<(usize, Raw, f64)> = Vec::new();
        for (at, data) in self.data.iter().enumerate() {
            match raw(data, &self.rows) {
                Ok(raw) => movable.push((at, raw, self.rise(at)?)),
                Err(why) => left_out.push(format!("`{}` {why}", names[at])),
            }
        }
        movable.retain(|(_, _, rise)| *rise > 0.0);
        // Stable: of equal ones the first declared.
        movable.sort_by(|a, b| b.2.total_cmp(&a.2));
        let mut inputs = Vec::new();
        for (at, raw, rise) in movable {
            if inputs.len() == MOST_INPUTS {
                break;
            }
            let blank = Response {
                input: names[at].clone(),
                method: ResponseMethod::AccumulatedLocalEffects,
                rise,
                missing: 0,
                edges: Vec::new(),
                levels: Vec::new(),
                counts: Vec::new(),
                other_levels: 0,
                curves: Vec::new(),
            };
            let found = match raw {
                Raw::Numbers(values) => self.of_numbers(at, &values, blank)?,
                Raw::Levels { codes, names } => Some(self.of_levels(at, &codes, &names, blank)?),
            };
            match found {
                Some(found) => inputs.push(found),
                None => left_out.push(format!(
                    "`{}` has too few different values on these rows, or too few groups of them, to go between",
                    names[at]
                )),
            }
        }
        let task = self.auditor.node.resolved().task;
        let [output, metric] = match task {
            Task::Classification => ["probability", "log_loss"],
            Task::Regression => ["value", "rmse"],
        };
        Ok(Responses {
            output: output.to_owned(),
            rows: self.rows.len() as u64,
            groups: self.groups.as_ref().map(|groups| groups.count() as u64),
            classes: self.outputs.classes.clone(),
            metric: metric.to_owned(),
            inputs,
            left_out,
        })
    }

    fn how(&self) -> Resampling<'_> {
        let resamples = self.auditor.session().pipeline.audit.bootstrap.max(RESAMPLES);
        self.auditor.session().resampling(resamples, self.key).by(self.groups.as_ref())
    }

    /// Rise of the loss when an input is shuffled among the rows.
    fn rise(&self, at: usize) -> Result<f64, EngineError> {
        let columns: Vec<usize> = self.model.encoder.groups()[at].clone().collect();
        let name = &self.model.encoder.names()[at];
        let key = Hasher::new("response").digest(self.key).text(name).finish();
        let mut from: Vec<usize> = (0..self.rows.len()).collect();
        shuffle(&mut from, &mut stream(&key, "shuffled"));
        let x = exchanged(&self.x, &columns, &from);
        let after = self.auditor.encoded_predicted(self.model, &x, &self.rows)?;
        let root = self.auditor.node.resolved().task == Task::Regression;
        let mean = |of: &Predicted| {
            let losses = losses_of(of);
            let known = losses.iter().filter(|loss| loss.is_finite());
            let mean = known.clone().sum::<f64>() / known.count().max(1) as f64;
            if root { mean.sqrt() } else { mean }
        };
        Ok(mean(&after) - mean(&self.before))
    }

    /// The outputs that have curves with an input replaced: by output and row.
    fn outputs_with(&self, at: usize, data: &InputData) -> Result<Vec<Vec<f64>>, EngineError> {
        let all: Vec<u32> = (0..self.rows.len() as u32).collect();
        let encoded = collegium_engine::inputs::encoded(
            &self.model.encoder.only(&[at]),
            &[data.source()],
            &all,
        )?;
        let mut x = self.x.clone();
        let group = self.model.encoder.groups()[at].clone();
        for row in 0..x.rows {
            x.row_mut(row)[group.clone()].copy_from_slice(encoded.row(row));
        }
        let predicted = self.auditor.encoded_predicted(self.model, &x, &self.rows)?;
        let (values, width) = match &predicted {
            Predicted::Classes { probability, width, .. } => (probability, *width),
            Predicted::Values { predicted, .. } => (predicted, 1),
        };
        let of = |&column: &usize| {
            let of_column = values.iter().skip(column).step_by(width).map(|v| f64::from(*v));
            match self.outputs.first_of_two {
                true => of_column.map(|second| 1.0 - second).collect(),
                false => of_column.collect(),
            }
        };
        Ok(self.outputs.columns.iter().map(of).collect())
    }

    /// `None` where there are no two values to go between.
    fn of_numbers(
        &self,
        at: usize,
        values: &[f64],
        blank: Response,
    ) -> Result<Option<Response>, EngineError> {
        let Some(bins) = Bins::new(values, self.groups.as_ref()) else { return Ok(None) };
        let [low, high] = bins.around();
        let low = self.outputs_with(at, &with_numbers(&self.data[at], &low))?;
        let high = self.outputs_with(at, &with_numbers(&self.data[at], &high))?;
        let steepness = self.steepness(at)?;
        let curve = |(output, (low, high)): (usize, (&Vec<f64>, &Vec<f64>))| {
            let gains: Vec<f64> = high.iter().zip(low).map(|(high, low)| high - low).collect();
            ResponseCurve {
                effect: accumulated_effects(&bins, &gains, self.how()),
                gradient: steepness
                    .get(output)
                    .map_or_else(Vec::new, |gradients| bins.root_mean_square(gradients)),
            }
        };
        Ok(Some(Response {
            missing: values.iter().filter(|value| value.is_nan()).count() as u64,
            edges: bins.edges().to_vec(),
            counts: bins.rows(),
            curves: low.iter().zip(&high).enumerate().map(curve).collect(),
            ..blank
        }))
    }

    fn of_levels(
        &self,
        at: usize,
        codes: &[Option<u32>],
        names: &[String],
        blank: Response,
    ) -> Result<Response, EngineError> {
        let mut counts = vec![0_u64; names.len()];
        codes.iter().flatten().for_each(|&code| counts[code as usize] += 1);
        let mut levels: Vec<usize> = (0..names.len()).filter(|level| counts[*level] > 0).collect();
        // By text where equally many rows hold them: how a column numbers its levels must not matter.
        levels.sort_by_key(|&level| (std::cmp::Reverse(counts[level]), &names[level]));
        levels.truncate(MOST_LEVELS);
        let place = |code: &u32| {
            let at = levels.iter().position(|level| *level == *code as usize);
            at.unwrap_or(levels.len())
        };
        let places: Vec<Option<usize>> =
            codes.iter().map(|code| code.as_ref().map(place)).collect();
        // By level, output and row.
        let mut outputs = Vec::with_capacity(levels.len());
        for &level in &levels {
            let data = with_level(&self.data[at], level as u32, self.rows.len());
            outputs.push(self.outputs_with(at, &data)?);
        }
        let curve = |output: usize| {
            let of: Vec<Vec<f64>> = outputs.iter().map(|each| each[output].clone()).collect();
            let effect = level_effects(&places, &of, self.how());
            ResponseCurve { effect, gradient: Vec::new() }
        };
        let shown: u64 = levels.iter().map(|level| counts[*level]).sum();
        let known = codes.iter().flatten().count() as u64;
        Ok(Response {
            method: ResponseMethod::PartialDependence,
            missing: codes.len() as u64 - known,
            other_levels: known - shown,
            counts: levels.iter().map(|level| counts[*level]).collect(),
            levels: levels.iter().map(|level| names[*level].clone()).collect(),
            curves: (0..self.outputs.columns.len()).map(curve).collect(),
            ..blank
        })
    }
}
