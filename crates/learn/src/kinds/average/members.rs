//! Members by seeds: the same fit several times, each from random streams of its own.

use collegium_digest::Hasher;
use collegium_manifest::Calibrate;
use collegium_records::Epoch;

use super::{
    Averaged, Member,
    blend::{ValidationRows, scaled},
};
use crate::{
    Estimator, FitError, FitJob, Fitted, Host, Learned as _, TrainingSet, Watch, train::Targets,
};

/// Fits `count` models that differ by their random streams alone, and averages them. The first is the one that is
/// fitted without `members`; the losses by epoch are its own.
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
    let first = estimator.fit(job, host, watch)?;
    if count <= 1 {
        return Ok(first);
    }
    let lesson = &job.lesson;
    let member = |learned| Member { factor: 1.0 / count as f32, learned };
    let mut members = vec![member(first.learned.clone())];
    let mut passed = first.epochs.len() as u32;
    for at in 1..count {
        let key = Hasher::new("member").digest(&lesson.key).count(u64::from(at)).finish();
        let job = FitJob { lesson: TrainingSet { key, ..lesson.clone() }, ..job.clone() };
        let mut epoch = |number: u32, losses: Epoch| (watch.epoch)(passed + number, losses);
        let mut own = Watch { interrupted: watch.interrupted, epoch: &mut epoch };
        let fitted = estimator.fit(&job, host, &mut own)?;
        passed += fitted.epochs.len() as u32;
        members.push(member(fitted.learned));
    }
    let outputs = Targets::plain(lesson.y, 0).outputs();
    let average = Averaged { width: lesson.x.width, outputs, offset: 0.0, members };
    let learned = match lesson.train.calibrate {
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
    };
    Ok(Fitted { learned, ..first })
}
