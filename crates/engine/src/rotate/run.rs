//! A run of all rotations, one after the other.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::Ordering,
};

use collegium_records::{Lock, LockedRotations};
use collegium_store::LOCK_FORMAT;

use super::{RotatedRun, Rotations, figures};
use crate::{
    EngineError, RunOptions,
    mutex::lock_mutex,
    run::{Asked, bring_up, place},
    states::States,
};

impl Rotations {
    /// Brings the wanted experts up to date in one rotation after the other.
    ///
    /// # Errors
    /// [`EngineError::Store`]; what stops a rotation is in the result, beside what was finished before.
    pub(crate) fn run(
        &self,
        wanted: &BTreeSet<usize>,
        options: &RunOptions,
    ) -> Result<RotatedRun, EngineError> {
        let Some(store) = self.sessions.first().map(|session| &session.store) else {
            return Err(EngineError::Internal("a run of no rotations".to_owned()));
        };
        let (mut locks, mut states, mut runs) = (Vec::new(), Vec::new(), Vec::new());
        let mut measured = Vec::new();
        let mut fatal = None;
        for session in &self.sessions {
            let mut lock = Lock { format: LOCK_FORMAT, ..session.lock.clone() };
            let stopped = fatal.is_some() || session.interrupted.load(Ordering::Relaxed);
            let (mut found, mut ran) = (States::new(), Vec::new());
            if !stopped {
                let asked = Asked { wanted: wanted.clone(), ..Asked::default() };
                let (shared, _) = bring_up(session, asked, options, BTreeMap::new())?;
                found = std::mem::take(&mut *lock_mutex(&shared.states));
                ran = std::mem::take(&mut *lock_mutex(&shared.runs)).into_values().collect();
                fatal = lock_mutex(&shared.fatal).take();
            }
            place(session, &found, &mut lock, false)?;
            lock.data = session.locked_data()?;
            // The pipeline's own lock says what is settled.
            lock.data.values_mut().for_each(|data| data.settled = Default::default());
            locks.push(lock);
            measured.push(figures::measure_all(session, &found)?);
            states.push(found);
            runs.push(ran);
        }
        let mut report = self.figures(wanted, measured);
        for (number, ran) in (1..).zip(runs) {
            figures::add_runs(&mut report, number, ran);
        }
        let locks = store.put_rotated_locks(&locks)?;
        let locked = LockedRotations { rotations: self.count(), locks };
        Ok(RotatedRun { report, locked, states, fatal })
    }
}
