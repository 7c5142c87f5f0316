//! Generalisation of importances: does an expert use the same inputs on training and on test rows?

use collegium_engine::EngineError;
use collegium_probe::{compare, spectral_gap};
use collegium_records::{Between, Comparison, NodeAudit};
use serde::{Deserialize, Serialize};

use crate::{looked::Looked, view::AuditView};

/// The comparison; none where a side shows nothing.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Sides(Option<Comparison>);

impl AuditView for Sides {
    const NAME: &'static str = "comparisons";
    const VERSION: u32 = 2;

    fn applies(looked: &Looked) -> Result<bool, EngineError> {
        looked.is_shown()
    }

    fn measure(looked: &Looked) -> Result<Self, EngineError> {
        let Ok((subject, sight)) = looked.sight()? else { return Ok(Self(None)) };
        let k = spectral_gap(&sight.spectrum.eigenvalues);
        let (_, x_train) = looked.train(subject)?;
        let on_train = subject.look(&subject.model, x_train, true)?;
        let (Some(halves), Some((on_train, _))) = (subject.split_half(k, &looked.key)?, on_train)
        else {
            return Ok(Self(None));
        };
        let seeds = looked.agreement_of_seeds(subject, sight)?;
        let what = "training rows against test rows";
        Ok(Self(compare(Between::Sides, what, &on_train, &sight.look(), k, halves, seeds)))
    }

    fn place(self, audit: &mut NodeAudit) {
        audit.probe.comparisons.extend(self.0);
    }
}
