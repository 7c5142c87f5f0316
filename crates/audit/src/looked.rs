//! Shared intermediate results of the views of one node, each computed at its first use.

use std::cell::OnceCell;

use collegium_digest::Digest;
use collegium_engine::{
    EngineError,
    inputs::{InputData, encode},
    measure::Predicted,
    rows::{Rows, Side},
    states::{NodeState, States},
};
use collegium_learn::Model;
use collegium_plan::View;
use collegium_probe::{Groups, Sight, agreement, spectral_gap};
use collegium_records::{Agreement, Skill};
use collegium_table::Matrix;

use crate::{Auditor, refits::Refits, subject::Subject};

/// What an expert predicts on the rows that cues are tested on, before anything is changed.
pub(crate) struct Tested {
    pub(crate) rows: Vec<u32>,
    /// As the network sees them.
    pub(crate) x: Matrix,
    pub(crate) before: Predicted,
}

/// One node under audit, on its test rows.
pub(crate) struct Looked<'s> {
    pub(crate) auditor: Auditor<'s>,
    pub(crate) state: &'s NodeState,
    /// The same with all folds that those ask for that read it, if they are up to date.
    pub(crate) whole: Option<&'s NodeState>,
    /// What its figures depend on, as one digest: resamples are drawn by it.
    pub(crate) key: Digest,
    model: OnceCell<Model>,
    refits: OnceCell<Refits>,
    held_out: OnceCell<Predicted>,
    valid: OnceCell<Predicted>,
    /// Told by the performance; the cell is empty until then.
    pub(crate) skill: OnceCell<Option<Skill>>,
    /// Told by the importances: why they are withheld, if they are.
    pub(crate) withheld: OnceCell<Option<String>>,
    subject: OnceCell<Result<Subject, String>>,
    sight: OnceCell<Result<Sight, String>>,
    initial: OnceCell<Option<(Model, bool)>>,
    train: OnceCell<(Vec<u32>, Matrix)>,
    seeds: OnceCell<Option<Agreement>>,
    tested: OnceCell<Option<Tested>>,
}

/// A view asked for what one after it tells.
fn too_early() -> EngineError {
    EngineError::Internal("a view is measured before one that it rests on".to_owned())
}

/// The content of a cell, made where it is empty.
fn once<T>(
    cell: &OnceCell<T>,
    make: impl FnOnce() -> Result<T, EngineError>,
) -> Result<&T, EngineError> {
    if let Some(known) = cell.get() {
        return Ok(known);
    }
    let made = make()?;
    Ok(cell.get_or_init(|| made))
}

impl<'s> Looked<'s> {
    pub(crate) fn new(auditor: Auditor<'s>, all: &'s States) -> Result<Self, EngineError> {
        let state = auditor.state()?;
        Ok(Self {
            auditor,
            state,
            whole: all.get(&auditor.node.index).map(AsRef::as_ref),
            key: auditor.node.audit_recipe(state, auditor.states)?.digest(),
            model: OnceCell::new(),
            refits: OnceCell::new(),
            held_out: OnceCell::new(),
            valid: OnceCell::new(),
            skill: OnceCell::new(),
            withheld: OnceCell::new(),
            subject: OnceCell::new(),
            sight: OnceCell::new(),
            initial: OnceCell::new(),
            train: OnceCell::new(),
            seeds: OnceCell::new(),
            tested: OnceCell::new(),
        })
    }

    /// The model that is deployed.
    pub(crate) fn model(&self) -> Result<&Model, EngineError> {
        once(&self.model, || self.auditor.session().model(self.state.full()))
    }

    /// The same expert fitted with other seeds and on permuted labels, as far as `[audit]` asks for it.
    pub(crate) fn refits(&self) -> Result<&Refits, EngineError> {
        once(&self.refits, || self.auditor.refits(self.state, self.model()?))
    }

    fn test_rows(&self) -> Rows {
        Rows::HeldOut { expert: self.auditor.node.index, side: Side::Test }
    }

    /// Predictions on the test rows that no model behind them has seen.
    pub(crate) fn held_out(&self) -> Result<&Predicted, EngineError> {
        once(&self.held_out, || self.auditor.node.predicted(self.state, self.test_rows()))
    }

    /// The same on validation rows.
    pub(crate) fn valid(&self) -> Result<&Predicted, EngineError> {
        let rows = Rows::HeldOut { expert: self.auditor.node.index, side: Side::Valid };
        once(&self.valid, || self.auditor.node.predicted(self.state, rows))
    }

    /// The groups of the test rows, where rows come in groups.
    pub(crate) fn groups(&self) -> Result<Option<Groups>, EngineError> {
        self.auditor.groups_of(&self.auditor.session().rows(self.test_rows())?)
    }

    /// Its skill on test rows; `None` where there are too few to show it on.
    pub(crate) fn skill(&self) -> Result<Option<&Skill>, EngineError> {
        Ok(self.skill.get().ok_or_else(too_early)?.as_ref())
    }

    /// Has it skill on test rows, or looks like it on too few?
    pub(crate) fn is_skilled(&self) -> Result<bool, EngineError> {
        Ok(self.skill()?.is_some_and(Skill::is_shown))
    }

    /// May it be looked into?
    pub(crate) fn is_shown(&self) -> Result<bool, EngineError> {
        Ok(self.withheld.get().ok_or_else(too_early)?.is_none())
    }

    /// Its declared inputs on all rows.
    fn inputs(&self) -> Result<Vec<InputData>, EngineError> {
        let Auditor { node, states } = self.auditor;
        node.input_data(&node.resolved().inputs, View::Deployed, states)
    }

    /// Its model on the probed test rows; `Err` inside says why nothing can be measured.
    pub(crate) fn subject(&self) -> Result<Result<&Subject, &str>, EngineError> {
        let found = once(&self.subject, || {
            let node = self.auditor.node;
            let rows = self.auditor.probed_rows(Side::Test, &self.key)?;
            let groups = self.auditor.groups_of(&rows)?;
            let (model, inputs) = (self.model()?.clone(), self.inputs()?);
            Subject::new(node.session, node.index, model, inputs, (rows, groups))
        })?;
        Ok(found.as_ref().map_err(String::as_str))
    }

    /// The same with its AGOP.
    pub(crate) fn sight(&self) -> Result<Result<(&Subject, &Sight), &str>, EngineError> {
        let subject = match self.subject()? {
            Ok(subject) => subject,
            Err(why) => return Ok(Err(why)),
        };
        let found = once(&self.sight, || {
            let refits = self.refits()?;
            let others = [refits.seeds.as_slice(), refits.permuted.as_slice()];
            let initial = self.initial()?.map(|(model, _)| model);
            subject.sight(self.auditor.session(), initial, others, &self.key)
        })?;
        Ok(found.as_ref().map(|sight| (subject, sight)).map_err(String::as_str))
    }

    /// How far fits agree that differ in their seed alone; `None` where there is but one.
    pub(crate) fn agreement_of_seeds(
        &self,
        subject: &Subject,
        sight: &Sight,
    ) -> Result<Option<Agreement>, EngineError> {
        let found = once(&self.seeds, || {
            let mut looks = vec![sight.look()];
            for refit in &self.refits()?.seeds {
                looks.extend(subject.look(refit, &subject.x, true)?.map(|(look, _)| look));
            }
            Ok(agreement(&looks, spectral_gap(&sight.spectrum.eigenvalues)))
        })?;
        Ok(*found)
    }

    /// The probed training rows, by number and as the network sees them.
    pub(crate) fn train(&self, subject: &Subject) -> Result<&(Vec<u32>, Matrix), EngineError> {
        once(&self.train, || {
            let rows = self.auditor.probed_rows(Side::Train, &self.key)?;
            let x = encode(&subject.model, &subject.sources(), &rows)?;
            Ok((rows, x))
        })
    }

    /// The rows that inputs are taken away on; `None` where there are too few of them.
    pub(crate) fn tested(&self) -> Result<Option<&Tested>, EngineError> {
        let found =
            once(&self.tested, || self.auditor.tested(self.model()?, &self.inputs()?, &self.key))?;
        Ok(found.as_ref())
    }

    /// The weights that the fit began with, and whether they are just those: a warm start and a patch
    /// began with another model. `None` of a kind that draws none.
    pub(crate) fn initial(&self) -> Result<Option<&(Model, bool)>, EngineError> {
        let found = once(&self.initial, || {
            let (model, state) = (self.model()?, self.state);
            let began =
                model.layers().is_some() && state.full().parent.is_none() && state.held.is_none();
            let key = if began { &state.recipe } else { &self.key };
            Ok(model.untrained(key).map(|model| (model, began)))
        })?;
        Ok(found.as_ref())
    }
}
