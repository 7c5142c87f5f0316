//! Readiness of an expert: its models in the store, and the fits that are missing.

use collegium_records::{Certificate, FitName, Held, Judgement, Reason, Recipe};

use crate::{needs::Need, states::Parts};

/// Options of a readiness check.
#[derive(Debug, Clone, Copy, Default)]
pub struct How {
    /// Ignore every certificate.
    pub(crate) exact: bool,
    /// Its fits are to be executed again.
    pub(crate) forced: bool,
    /// Judge it even if it does not ask for `reuse`: somebody wants to know whether retraining
    /// would help.
    pub(crate) advise: bool,
    /// Make again what its anchor has lost: only a run fits.
    pub(crate) mend: bool,
}

/// The models of an expert that are in the store, and the fits that are missing.
pub struct Ready {
    /// Models at hand.
    pub(crate) parts: Parts,
    /// Fits to execute; with none an expert is up to date.
    pub(crate) open: Vec<Need>,
    /// The recipe of a full fit on the present inputs; absent for a held model.
    pub(crate) now: Option<Recipe>,
    /// The certificate that allows an earlier fit or a patch.
    pub(crate) certificate: Option<Certificate>,
    /// What was measured of it, if its upstreams moved.
    pub(crate) judgement: Option<Judgement>,
    /// Why it could not be judged, if somebody wanted to.
    pub(crate) unjudged: Option<String>,
    /// What it could be kept by and has lost, if so.
    pub(crate) lost: Option<Reason>,
    /// Parts of its anchor that were lost and have been fitted again.
    pub(crate) made_again: Vec<FitName>,
    /// Why it uses a held model, which needs no certificate.
    pub(crate) held: Option<Held>,
}

impl Ready {
    /// Names of the fits to execute.
    pub(crate) fn missing(&self) -> Vec<FitName> {
        self.open.iter().map(|need| need.part.name()).collect()
    }
}
