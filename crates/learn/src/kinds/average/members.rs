//! Members by seeds: the same fit several times, each from random streams of its own.

use collegium_digest::{Digest, Hasher};
use collegium_manifest::Calibrate;
use collegium_records::Epoch;

use super::{
    Averaged, Member,
    blend::{ValidationRows, scaled},
};
use crate::{Estimator, FitError, FitJob, Fitted, Host, Learned as _, TrainingSet, Watch};

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
    let mut first: Option<Fitted> = None;
    let mut members = Vec::new();
    let mut passed = 0;
    for at in 0..count.max(1) {
        let mut job = job.clone();
        job.lesson = TrainingSet { key: key_of(&job.lesson.key, at), ..job.lesson };
        let mut last = 0;
        let mut epoch = |number: u32, losses: Epoch| {
            last = number;
            (watch.epoch)(passed + number, losses);
        };
        let mut own = Watch { interrupted: watch.interrupted, epoch: &mut epoch };
        let fitted = estimator.fit(&job, host, &mut own)?;
        passed += last;
        members.push(Member { factor: 1.0 / count.max(1) as f32, learned: fitted.learned.clone() });
        first.get_or_insert(fitted);
    }
    let Some(first) = first else { return Err(FitError::Reason("it has no members".to_owned())) };
    if members.len() == 1 {
        return Ok(first);
    }
    let lesson = &job.lesson;
    let outputs = first.learned.raw(&lesson.x.select(&[]), &lesson.head).width;
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

/// The key that names the random streams of a member.
fn key_of(key: &Digest, at: u32) -> Digest {
    match at {
        0 => *key,
        _ => Hasher::new("member").digest(key).count(u64::from(at)).finish(),
    }
}
