//! What a search would cost, before it is done.

use collegium_plan::tune::rungs;
use collegium_records::{Action, Estimate, FitName, NodePlan, Reason, SearchPlan};

use super::trials::Bench;
use crate::{EngineError, NodeRef, price::PastCosts, states::States};

impl NodeRef<'_> {
    /// Says in a plan that a search comes first.
    pub(crate) fn plan_search(self, plan: &mut NodePlan) -> Result<(), EngineError> {
        let search = self.search_plan()?;
        let SearchPlan { trials, fits } = search;
        plan.action = Action::Train;
        if plan.fits.is_empty() {
            plan.fits = vec![FitName::Full];
        }
        let nobody =
            |reason: &Reason| matches!(reason, Reason::Upstreams(nodes) if nodes.is_empty());
        plan.reasons.retain(|reason| !nobody(reason));
        let again = self.session.lock.node.get(&plan.name).is_some_and(|node| node.tuned.is_some());
        let why = if again { "its `tune` is another than the lock's: " } else { "" };
        let said = format!("{why}settings are searched first: {trials} trials, up to {fits} fits");
        plan.reasons.insert(0, Reason::Note(said));
        plan.search = Some(search);
        Ok(())
    }

    /// How many settings and fits its search has at most.
    pub fn search_plan(self) -> Result<SearchPlan, EngineError> {
        let (values, out_of_fold) = self.tried()?;
        let states = States::new();
        let bench = Bench {
            session: self.session,
            index: self.index,
            states: &states,
            out_of_fold,
            jobs: 1,
        };
        let trials = values.len() as u32;
        let beside = |one: u32| one + u32::from(one < trials);
        let rungs = rungs(trials, self.untuned().train.epochs);
        let settings: u32 = rungs.iter().map(|rung| beside(rung.trials)).sum();
        Ok(SearchPlan { trials, fits: settings * bench.fits_each() as u32 })
    }

    /// CPU seconds of a search; `None` where no fit like its fits has been recorded.
    pub(crate) fn search_seconds(
        self,
        plan: SearchPlan,
        costs: &PastCosts,
    ) -> Result<Option<Estimate>, EngineError> {
        let part = if self.blended().is_some() { FitName::Member } else { FitName::Full };
        let Some(one) = costs.fit(self, part)? else { return Ok(None) };
        let trials = f64::from(plan.trials);
        let rungs = rungs(plan.trials, self.untuned().train.epochs);
        // In whole fits: a rung's fits have a share of the epochs.
        let whole: f64 = rungs
            .iter()
            .map(|rung| f64::from(rung.trials).min(trials) / f64::from(rung.divisor))
            .sum();
        let settings: f64 = rungs.iter().map(|rung| f64::from(rung.trials)).sum();
        let each = f64::from(plan.fits) / settings.max(1.0);
        // A trial is one of the members.
        let times = whole * each.max(1.0) / f64::from(self.declared().average.members);
        Ok(Some(Estimate {
            min: times * one.min,
            expected: 1.5 * times * one.expected,
            // Wider layers and more epochs.
            max: 4.0 * times * one.max,
        }))
    }
}
