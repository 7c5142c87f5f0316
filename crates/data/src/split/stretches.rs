//! Rotated sides forward in time: rows are cut into one stretch more than there are rotations.
//!
//! Each stretch but the first is tested by what was trained on the rows before it; rows after it are on no side.

use collegium_manifest::Rotation;

use crate::{DataError, DataErrorKind};

/// Where validation and test begin in a rotation forward in time, and where the test ends. `declared_…` is where they
/// begin in the declared split: that says what share of the rows before a test validates.
pub(super) fn forward(
    times: &[f64],
    [declared_valid, declared_test]: [Option<f64>; 2],
    rotation: &Rotation,
) -> Result<(Option<f64>, f64, f64), DataError> {
    let mut sorted: Vec<f64> = times.iter().copied().filter(|at| !at.is_nan()).collect();
    sorted.sort_by(f64::total_cmp);
    let before = |end: f64| sorted.partition_point(|at| *at < end);
    let (number, of) = (rotation.number as usize, *rotation.of.get_ref() as usize);
    let begin = |stretch: usize| match stretch > of {
        true => Some(f64::INFINITY),
        false => sorted.get(stretch * sorted.len() / (of + 1)).copied(),
    };
    let (Some(test), Some(end)) = (begin(number), begin(number + 1)) else {
        return Err(too_few(rotation, sorted.len(), false));
    };
    let known = declared_test.map_or(sorted.len(), before);
    let share = declared_valid
        .map_or(0.0, |valid| known.saturating_sub(before(valid)) as f64 / known.max(1) as f64);
    let fed = before(test);
    let valid = valid_count(fed, share);
    if test >= end || fed <= valid {
        let mut distinct = sorted;
        distinct.dedup();
        let message = format!(
            "`rotate = {of}` needs {} stretches of time that differ, and the rows have {} different times",
            of + 1,
            distinct.len()
        );
        return Err(DataError::new(DataErrorKind::Sides, message)
            .at(&rotation.of)
            .help("rows of one time stay together: rotate less often, or leave `rotate` away"));
    }
    let valid = (valid > 0).then(|| sorted[fed - valid]);
    Ok((valid, test, end))
}

/// How many of so many validate: the share of them, and at least one if there is a share.
pub(super) fn valid_count(of: usize, share: f64) -> usize {
    match share > 0.0 {
        true => ((share * of as f64).round() as usize).max(1),
        false => 0,
    }
}

pub(super) fn too_few(rotation: &Rotation, found: usize, groups: bool) -> DataError {
    let what = if groups { "groups of `by`" } else { "different rows" };
    let message =
        format!("`rotate = {}` needs as many {what}, and there are {found}", rotation.of.get_ref());
    DataError::new(DataErrorKind::Sides, message).at(&rotation.of).help(way_out(found))
}

pub(super) fn way_out(most: usize) -> String {
    match most {
        0..2 => "leave `rotate` away: the table is too small for it".to_owned(),
        most => format!("set `rotate` to at most {most}, or leave it away"),
    }
}
