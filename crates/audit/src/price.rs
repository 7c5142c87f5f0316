//! Price of an audit: refits and controls that it would fit, counted and priced before the first of them.

use std::collections::{BTreeMap, BTreeSet};

use collegium_digest::Digest;
use collegium_engine::{EngineError, NodeRef, PastCosts, Session, states::States};
use collegium_records::{AuditFits, AuditPrice, Estimate, FitName, RefitKind};

use crate::{Auditor, Refit, refits::has_refits, views::combined::OpenControl};

/// What tells a fit from others.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Fitted {
    Recipe(Digest),
    /// Where an upstream is to be fitted first: the node, how its fit differs, and which fit it is.
    Named(String, String, FitName),
}

/// Fits so far.
struct Counted {
    costs: PastCosts,
    seen: BTreeSet<Fitted>,
    by_kind: BTreeMap<RefitKind, (u64, Option<Estimate>)>,
    nodes: Vec<AuditFits>,
}

impl Counted {
    fn add(
        &mut self,
        kind: RefitKind,
        fitted: Fitted,
        (node, part): (NodeRef<'_>, FitName),
    ) -> Result<(), EngineError> {
        if !self.seen.insert(fitted) {
            return Ok(());
        }
        let price = self.costs.fit(node, part)?;
        let (fits, sum) = self.by_kind.entry(kind).or_insert((0, Some(Estimate::default())));
        *fits += 1;
        *sum = sum.zip(price).map(|(sum, price)| [sum, price].into_iter().sum());
        Ok(())
    }

    /// All fits of a node have been added.
    fn close(&mut self, node: NodeRef<'_>) {
        let found = std::mem::take(&mut self.by_kind).into_iter();
        self.nodes.extend(found.map(|(kind, (fits, seconds))| AuditFits {
            node: node.node_name(),
            kind,
            fits,
            seconds,
        }));
    }
}

/// The fits that an audit of the named experts (all, for no names) would make beside those of a run, and their price.
/// What is in the store costs nothing. Of experts that are not up to date it says what may be needed at most.
///
/// # Errors
/// [`EngineError::Usage`] for unknown names, [`EngineError::Store`], [`EngineError::Lost`].
pub fn price(session: &Session, nodes: &[String]) -> Result<AuditPrice, EngineError> {
    let chosen: BTreeSet<usize> = session.select(nodes)?.into_iter().collect();
    let (states, stale) = session.current_and_stale(&chosen)?;
    of(session, &chosen, &states, !stale.is_empty())
}

/// The same of experts that are up to date, as an audit needs them.
///
/// # Errors
/// As [`crate::audit`] has them before it measures.
pub fn price_current(session: &Session, nodes: &[String]) -> Result<AuditPrice, EngineError> {
    let chosen: BTreeSet<usize> = session.select(nodes)?.into_iter().collect();
    let states = session.current_states(&chosen)?;
    of(session, &chosen, &states, false)
}

/// The price for states that are known.
pub(crate) fn of(
    session: &Session,
    chosen: &BTreeSet<usize>,
    states: &States,
    at_most: bool,
) -> Result<AuditPrice, EngineError> {
    let mut counted = Counted {
        costs: PastCosts::of(session, states)?,
        seen: BTreeSet::new(),
        by_kind: BTreeMap::new(),
        nodes: Vec::new(),
    };
    for &index in session.dag.order().iter().filter(|index| chosen.contains(index)) {
        let auditor = Auditor::new(session, index, states);
        auditor.count_refits(&mut counted)?;
        let state = states.get(&index).map(AsRef::as_ref);
        auditor.open_controls(state, &mut |OpenControl { node, shift, fit, is_control }| {
            let kind = if is_control { RefitKind::Controls } else { RefitKind::Seeds };
            let part = fit.part.name();
            let named = || Fitted::Named(node.node_name(), format!("all of seed +{shift}"), part);
            counted.add(kind, fit.recipe.map_or_else(named, Fitted::Recipe), (node, part))
        })?;
        counted.close(session.node(index));
    }
    let nodes = counted.nodes;
    Ok(AuditPrice {
        fits: nodes.iter().map(|one| one.fits).sum(),
        seconds: nodes.iter().map(|one| one.seconds).sum(),
        nodes,
        at_most,
    })
}

impl Auditor<'_> {
    /// Fits with other seeds and on permuted labels.
    fn count_refits(self, counted: &mut Counted) -> Result<(), EngineError> {
        let state = self.states.get(&self.node.index);
        if state.is_some_and(|state| !has_refits(state)) {
            return Ok(());
        }
        let audit = &self.session().pipeline.audit;
        // Where nothing is drawn at random one other seed shows it.
        let seeds = if self.node.draws() { audit.seeds } else { audit.seeds.min(1) };
        let seeds = (1..=seeds).map(|seed| (RefitKind::Seeds, Refit::Seed(seed)));
        let permuted =
            (1..=audit.permuted).map(|time| (RefitKind::Permuted, Refit::Permuted(time)));
        for (kind, refit) in seeds.chain(permuted) {
            let recipe = match state {
                Some(_) => self.refit_recipe(refit)?.map(|recipe| recipe.digest()),
                None => None,
            };
            let fitted = match recipe {
                Some(recipe) if self.session().is_fitted(&recipe)? => continue,
                Some(recipe) => Fitted::Recipe(recipe),
                None => Fitted::Named(self.node.node_name(), self.words(refit), FitName::Full),
            };
            counted.add(kind, fitted, (self.node, self.refitted_part().name()))?;
        }
        Ok(())
    }

    /// How a refit differs. Of a node that reads no other, another seed is that of all nodes.
    fn words(self, refit: Refit) -> String {
        match refit {
            Refit::Seed(seed) if self.session().dag.upstream(self.node.index).is_empty() => {
                format!("all of seed +{seed}")
            }
            Refit::Seed(seed) => format!("seed +{seed}"),
            Refit::Permuted(time) => format!("permuted {time}"),
        }
    }
}
