//! Gate `rules`: the experts whose SQL predicate holds; all, where none does.

use collegium_manifest::{
    DeclareRule, Gate, GateKeys, GateRule,
    write::{self, Written},
};

use crate::{
    GateWeights, Pool, Watch,
    kinds::gate::{
        job::{GateError, GateJob, Gated, plain},
        rule::{Fitting, Rule, downcast},
    },
    train::Targets,
};

const NAME: &str = "rules";

/// The experts whose predicate holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Predicates {
    /// The derived columns that the predicates make, in the order of the experts.
    pub columns: Vec<String>,
}

/// As a file declares it.
pub(super) struct PredicatesRule;

impl DeclareRule for PredicatesRule {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "By SQL predicates."
    }

    fn keys(&self) -> &'static [&'static str] {
        &["rules"]
    }

    fn read(&self, keys: &mut GateKeys<'_>) -> Box<dyn GateRule> {
        let raw = keys.raw;
        for (_, sql) in raw.rules.iter().flat_map(|rules| rules.get().iter()) {
            keys.not_empty("rules", sql);
        }
        keys.by_expert("rules", raw.rules.as_ref());
        let column = |expert: &&str| format!("{}.{expert}", keys.name.get());
        Box::new(Predicates { columns: keys.experts.iter().map(column).collect() })
    }
}

impl Rule for PredicatesRule {
    fn fitting<'a>(&self, params: &'a dyn GateRule) -> Option<&'a dyn Fitting> {
        downcast::<Predicates>(params)
    }
}

impl GateRule for Predicates {
    fn name(&self) -> &'static str {
        NAME
    }

    fn write(&self, gate: &Gate, out: &mut Written<'_>) {
        let sql = self.columns.iter().map(|at| write::text(&out.predicate(at).unwrap_or_default()));
        let rules = write::table(gate.names().into_iter().zip(sql));
        out.key("rules", rules);
    }

    fn learns(&self) -> bool {
        false
    }

    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn without(&self, at: usize) -> Option<Box<dyn GateRule>> {
        let mut columns = self.columns.clone();
        columns.remove(at);
        Some(Box::new(Self { columns }))
    }
}

impl Fitting for Predicates {
    fn fit(&self, job: &GateJob, _: Targets, _: &mut Watch) -> Result<Gated, GateError> {
        Ok(plain(job, GateWeights::Rules(job.rules.clone()), Pool::Arithmetic))
    }
}
