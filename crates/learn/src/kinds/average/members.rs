//! Members by seeds: the same fit several times, each from random streams of its own.

use collegium_digest::Hasher;
use collegium_manifest::Calibrate;
use collegium_records::Epoch;

use super::{
    Averaged, Member,
    blend::{ValidationRows, scaled},
};
use crate::{
    Estimator, FitError, FitJob, Fitted, Host, Learned, Model, TrainingSet, Watch,
    joined::{joined, parted},
    train::{Targets, calibrate},
};

/// Fits `count` models that differ by their random streams alone, and averages them: perceptrons as one network, others
/// side by side. The losses by epoch are those of the first.
///
/// # Errors
/// As the estimator has them, of the first member that has one.
pub fn fit_members(
    estimator: &dyn Estimator,
    job: &FitJob<'_>,
    count: u32,
    host: &mut dyn Host,
    watch: &mut Watch<'_>,
) -> Result<Fitted, FitError> {
    if count <= 1 {
        return estimator.fit(job, host, watch);
    }
    let lesson = &job.lesson;
    let starts = job.start.and_then(|start| starts(start, count));
    let start = |at: u32| match &starts {
        Some(starts) => starts.get(at as usize),
        None => job.start,
    };
    let first = estimator.fit(&FitJob { start: start(0), ..job.clone() }, host, watch)?;
    let mut members = vec![first.learned.clone()];
    let mut passed = first.epochs.len() as u32;
    for at in 1..count {
        let key = Hasher::new("member").digest(&lesson.key).count(u64::from(at)).finish();
        let lesson = TrainingSet { key, ..lesson.clone() };
        let job = FitJob { lesson, start: start(at), ..job.clone() };
        let mut epoch = |number: u32, losses: Epoch| (watch.epoch)(passed + number, losses);
        let mut own = Watch { interrupted: watch.interrupted, epoch: &mut epoch };
        let fitted = estimator.fit(&job, host, &mut own)?;
        passed += fitted.epochs.len() as u32;
        members.push(fitted.learned);
    }
    let learned = match as_one(&members, job) {
        Some(one) => one,
        None => side_by_side(members, job),
    };
    Ok(Fitted { learned, ..first })
}

/// The members that a model of as many is made of, each as a model.
fn starts(start: &Model, count: u32) -> Option<Vec<Model>> {
    let whole = start.layers().filter(|whole| whole.members == count as usize)?;
    let parts = parted(whole)?;
    let model = |part| Some(Model { learned: start.learned.with_layers(part)?, ..start.clone() });
    parts.into_iter().map(model).collect()
}

/// Perceptrons as one.
fn as_one(members: &[Box<dyn Learned>], job: &FitJob<'_>) -> Option<Box<dyn Learned>> {
    let networks: Vec<_> = members.iter().map(|member| member.layers()).collect::<Option<_>>()?;
    let mut network = joined(&networks)?;
    let lesson = &job.lesson;
    if lesson.train.calibrate == Calibrate::Temperature {
        let truth = Targets::new(lesson.x_valid, &lesson.y_valid, lesson.class_weights.as_deref());
        // Without validation rows there is nothing to calibrate by.
        if let Ok(truth) = truth {
            calibrate(&mut network, lesson.x_valid, &truth);
        }
    }
    members[0].with_layers(network)
}

fn side_by_side(members: Vec<Box<dyn Learned>>, job: &FitJob<'_>) -> Box<dyn Learned> {
    let lesson = &job.lesson;
    let factor = 1.0 / members.len() as f32;
    let members = members.into_iter().map(|learned| Member { factor, learned }).collect();
    let outputs = Targets::plain(lesson.y, 0).outputs();
    let average = Averaged { width: lesson.x.width, outputs, offset: 0.0, members };
    match lesson.train.calibrate {
        Calibrate::Temperature => {
            let raw = average.raw(lesson.x_valid, &lesson.head);
            let class_weights = lesson.class_weights.as_deref();
            scaled(
                average,
                &raw,
                &ValidationRows { x: lesson.x_valid, y: lesson.y_valid, class_weights },
            )
        }
        Calibrate::None => Box::new(average),
    }
}
