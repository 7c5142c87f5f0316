//! Skill of an expert on its test rows: ranking and recalibrated loss against a constant.

use collegium_digest::Digest;
use collegium_engine::{
    EngineError,
    intervals::RESAMPLES,
    measure::Predicted,
    rows::{Rows, Side},
};
use collegium_probe::{
    Groups, Loss, Recalibrated, Resampling, judged, line, log_losses, loss_test, ranking_test,
    skill, squared_errors, variance_test,
};
use collegium_records::{
    Interval, Recalibration, Skill, SkillVerdict, SplitMeasures, metric_words,
    three_digits as three,
};

use crate::Auditor;

/// Metrics that say the same of every table, with a value: where the 95 % interval lies above it, nothing is called no
/// skill.
const CLEARLY: [(&str, f64); 2] = [("auc", 0.6), ("r2", 0.1)];

/// Probabilities of rows whose class the expert was trained on, and these classes.
struct Known {
    probability: Vec<f32>,
    width: usize,
    labels: Vec<u32>,
    classes: usize,
}

impl Known {
    fn losses(&self) -> Vec<f64> {
        log_losses(&self.probability, self.width, &self.labels, self.classes)
    }

    /// Losses of the same probabilities, in proportion to `shares`, for each row.
    fn losses_of_constant(&self, shares: &[f64]) -> Vec<f64> {
        let total: f64 = shares.iter().sum();
        let one: Vec<f32> = match self.width {
            1 => vec![(shares[1] / total) as f32],
            _ => shares.iter().map(|p| (p / total) as f32).collect(),
        };
        let constant = one.repeat(self.labels.len());
        log_losses(&constant, self.width, &self.labels, self.classes)
    }
}

impl Auditor<'_> {
    /// Its skill on test rows against the best constant of the training rows, from predictions on validation and on
    /// test rows. `None` without rows.
    pub(crate) fn skill(
        self,
        [valid, held_out]: [&Predicted; 2],
        groups: Option<&Groups>,
        key: &Digest,
    ) -> Result<Option<Skill>, EngineError> {
        match (held_out, valid) {
            (Predicted::Classes { .. }, Predicted::Classes { .. }) => {
                self.skill_of_classes([valid, held_out], groups, key)
            }
            (
                Predicted::Values { predicted, truth },
                Predicted::Values { predicted: of_valid, truth: valid },
            ) => {
                let train = self.session().rows(Rows::Train { expert: self.node.index })?;
                let target = self.node.target_values()?;
                let trained: Vec<f64> = train.iter().map(|&row| target[row as usize]).collect();
                let how = self.session().resampling(RESAMPLES, key).by(groups);
                Ok(skill_of_values((of_valid, valid), (predicted, truth), mean(&trained), how))
            }
            _ => Ok(None),
        }
    }

    /// An expert trained with class weights has its plain score in the loss that it was trained on: each row
    /// counts as its class.
    fn skill_of_classes(
        self,
        [valid, test]: [&Predicted; 2],
        groups: Option<&Groups>,
        key: &Digest,
    ) -> Result<Option<Skill>, EngineError> {
        let train = self.session().rows(Rows::Train { expert: self.node.index })?;
        let all = self.node.labels()?;
        let weights = self.row_weights(&train, &all);
        let (mut shares, mut weighted) = (vec![0.0; weights.len()], vec![0.0; weights.len()]);
        for &row in train.iter() {
            let label = all[row as usize] as usize;
            shares[label] += 1.0;
            weighted[label] += weights[label];
        }
        let Some((test, groups)) = self.known(test, groups)? else { return Ok(None) };
        let (ours, theirs) = (test.losses(), test.losses_of_constant(&weighted));
        if let Some(why) = self.node.beyond_it(Side::Test)? {
            return Ok(Some(Skill {
                metric: "log_loss".to_owned(),
                value: mean(&ours),
                baseline: mean(&theirs),
                not_judged: Some(why),
                ..no_skill()
            }));
        }
        let weigh = |losses: &[f64]| -> Vec<f64> {
            losses.iter().zip(&test.labels).map(|(l, &y)| l * weights[y as usize]).collect()
        };
        let groups = groups.as_ref();
        let how = self.session().resampling(RESAMPLES, key).by(groups);
        let Some(plain) = skill(Loss::Log, &weigh(&ours), &weigh(&theirs), how) else {
            return Ok(None);
        };
        let ranks = ranking_test(&test.probability, test.width, &test.labels, test.classes, groups);
        let valid = self.known(valid, None)?.map(|(valid, _)| valid);
        let corrected = valid.and_then(|valid| {
            let Known { probability, width, labels, classes } = &valid;
            let both =
                Recalibrated::fit(probability, *width, labels, *classes, [&weighted, &shares]);
            Some((both?, labels.len() as u64))
        });
        let Some(([expert, constant], rows)) = corrected else {
            let loss = loss_test("log_loss", &ours, &test.losses_of_constant(&shares), groups);
            return Ok(Some(judged(plain, ranks.into_iter().chain(loss).collect(), None)));
        };
        let losses = |one: &Recalibrated| one.losses(&test.probability, test.width, &test.labels);
        let after = losses(&expert);
        let loss = loss_test("recalibrated_log_loss", &after, &losses(&constant), groups);
        let value = mean(&after);
        let tests = ranks.into_iter().chain(loss).collect();
        let Recalibrated { slope, shifts, .. } = expert;
        Ok(Some(Skill {
            recalibration: Some(Recalibration { rows, slope, shifts, value }),
            ..judged(plain, tests, Some([mean(&ours), value]))
        }))
    }

    /// The rows of a class that the expert was trained on, and their groups. What a constant gives a class
    /// that it never saw is a matter of where logarithms are cut off, so nothing is won on such a row.
    fn known(
        self,
        predicted: &Predicted,
        groups: Option<&Groups>,
    ) -> Result<Option<(Known, Option<Groups>)>, EngineError> {
        let Predicted::Classes { probability, width, labels, classes } = predicted else {
            return Ok(None);
        };
        let seen = self.node.trained_classes()?;
        let kept: Vec<bool> = labels
            .iter()
            .map(|label| seen.get(*label as usize).copied().unwrap_or(false))
            .collect();
        let rows = || kept.iter().enumerate().filter(|(_, kept)| **kept).map(|(row, _)| row);
        let known = Known {
            probability: rows()
                .flat_map(|row| probability[row * width..(row + 1) * width].iter().copied())
                .collect(),
            width: *width,
            labels: rows().map(|row| labels[row]).collect(),
            classes: classes.count,
        };
        Ok(Some((known, groups.and_then(|groups| groups.only(&kept)))))
    }

    fn row_weights(self, train: &[u32], labels: &[u32]) -> Vec<f64> {
        let classes = &self.node.resolved().classes;
        collegium_engine::fit::weights_by_class(
            &self.node.declared().train.class_weights,
            classes,
            train.iter().map(|&row| labels[row as usize]),
        )
        .unwrap_or_else(|| vec![1.0; classes.len()])
    }
}

/// The same of numbers, against the mean of the training rows.
fn skill_of_values(
    (of_valid, valid): (&[f32], &[f64]),
    (predicted, truth): (&[f32], &[f64]),
    trained: f64,
    how: Resampling,
) -> Option<Skill> {
    let ours = squared_errors(predicted, truth);
    let theirs = squared_errors(&vec![trained as f32; truth.len()], truth);
    let plain = skill(Loss::Squared, &ours, &theirs, how)?;
    let fits = variance_test("r2", predicted, trained, truth, how);
    let Some(([slope, shift], middle)) = line(of_valid, valid) else {
        return Some(judged(plain, fits.into_iter().collect(), None));
    };
    let correct = |p: &f32| (slope * f64::from(*p) + shift) as f32;
    let after: Vec<f32> = predicted.iter().map(correct).collect();
    let corrected = variance_test("recalibrated_r2", &after, middle, truth, how);
    let value = mean(&squared_errors(&after, truth)).sqrt();
    let tests = fits.into_iter().chain(corrected).collect();
    let (rows, shifts) = (valid.len() as u64, vec![shift]);
    Some(Skill {
        recalibration: Some(Recalibration { rows, slope, shifts, value }),
        ..judged(plain, tests, Some([mean(&ours).sqrt(), value]))
    })
}

/// The same, but not judged where it looks better than chance on too few rows, or groups of rows, to be sure: of ten groups
/// no result at all could be, since a test of n groups has a p-value of at least 2⁻ⁿ.
pub(crate) fn unless_too_few(skill: Skill, test: Option<&SplitMeasures>) -> Skill {
    let Some(test) = test.filter(|_| skill.verdict == SkillVerdict::NoSkill) else { return skill };
    let above = CLEARLY.iter().find_map(|(metric, chance)| {
        let (value, interval) = (test.metrics.get(*metric)?, test.intervals.get(*metric)?);
        (interval.low > *chance).then_some((*metric, *value, *interval))
    });
    let Some((metric, value, interval)) = above else { return skill };
    let units = match (test.groups, &test.blocks) {
        (Some(blocks), Some(_)) => format!("{blocks} blocks of time"),
        (Some(groups), None) => format!("{groups} groups of test rows"),
        (None, _) => format!("{} test rows", test.rows),
    };
    let why = format!(
        "its {} of {} (95 % interval {} to {}) is above chance, and {units} are too few to say so with 99.9 % \
         confidence",
        metric_words(metric),
        three(value),
        three(interval.low),
        three(interval.high),
    );
    Skill { verdict: SkillVerdict::NotJudged, not_judged: Some(why), above_chance: true, ..skill }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// The skill record of an expert without test rows: none is shown.
pub(crate) fn no_skill() -> Skill {
    Skill {
        metric: String::new(),
        value: 0.0,
        baseline: 0.0,
        gain: 0.0,
        gain_interval: Interval { low: 0.0, high: 0.0 },
        beats_baseline: false,
        verdict: SkillVerdict::NotJudged,
        tests: Vec::new(),
        recalibration: None,
        not_judged: None,
        above_chance: false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn measures(metric: &str, interval: [f64; 2], groups: Option<u64>) -> SplitMeasures {
        let interval = Interval { low: interval[0], high: interval[1] };
        SplitMeasures {
            rows: 9000,
            seen: 0,
            groups,
            blocks: None,
            seeds: None,
            metrics: BTreeMap::from([(metric.to_owned(), interval.high - 0.05)]),
            intervals: BTreeMap::from([(metric.to_owned(), interval)]),
        }
    }

    #[test]
    fn what_is_clearly_above_chance_on_too_few_groups_is_not_called_no_skill() {
        let none = || Skill { verdict: SkillVerdict::NoSkill, ..no_skill() };
        for (metric, interval, groups, said) in [
            ("r2", [0.545, 0.739], Some(10), "10 groups of test rows are too few"),
            ("auc", [0.66, 0.9], None, "9000 test rows are too few"),
        ] {
            let skill = unless_too_few(none(), Some(&measures(metric, interval, groups)));
            assert_eq!(skill.verdict, SkillVerdict::NotJudged);
            let why = skill.not_judged.clone().unwrap_or_default();
            assert!(skill.is_shown() && why.contains(said), "{why}");
        }
        for (metric, interval) in [("r2", [0.05, 0.7]), ("auc", [0.55, 0.9]), ("rmse", [3.0, 4.0])]
        {
            let skill = unless_too_few(none(), Some(&measures(metric, interval, Some(10))));
            assert!(skill.verdict == SkillVerdict::NoSkill && !skill.is_shown(), "{metric}");
        }
    }
}
