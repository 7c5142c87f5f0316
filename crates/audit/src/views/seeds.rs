//! Seed variance: how far refits with other seeds move the test metrics.

use collegium_engine::EngineError;
use collegium_records::{Metrics, NodeAudit};
use serde::{Deserialize, Serialize};

use crate::{looked::Looked, view::AuditView};

/// Test metrics of each refit.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Seeds(Vec<Metrics>);

impl AuditView for Seeds {
    const NAME: &'static str = "seeds";
    const VERSION: u32 = 1;

    fn applies(looked: &Looked) -> Result<bool, EngineError> {
        Ok(looked.auditor.session().pipeline.audit.seeds > 0)
    }

    fn measure(looked: &Looked) -> Result<Self, EngineError> {
        Ok(Self(looked.refits()?.metrics.clone()))
    }

    fn place(self, audit: &mut NodeAudit) {
        let own = audit.metrics.get("test").map(|test| test.metrics.clone());
        // This fit's first.
        if let Some(own) = own.filter(|_| !self.0.is_empty()) {
            audit.probe.seeds = std::iter::once(own).chain(self.0).collect();
        }
    }
}
