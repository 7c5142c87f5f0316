//! Comparisons between experts, and measurements that the command line asks for; neither is cached.

use std::collections::BTreeSet;

use collegium_digest::{Digest, Hasher};
use collegium_plan::View;
use collegium_probe::{Look, spectral_gap};
use collegium_records::{Between, ChosenFor, Code, Comparison, NodeAudit};

use super::{
    AuditOptions, Without,
    subject::{Subject, some_of},
};
use collegium_engine::{EngineError, Session, rows::Side, states::States};

use crate::Auditor;

/// Experts with the same inputs and target that are compared in pairs, at most: more would be a wall
/// of comparisons.
const MOST_PEERS: usize = 12;

/// Refuses inputs that none of the audited experts reads.
pub(super) fn check_without(
    session: &Session,
    without: &[Without],
    order: &[usize],
) -> Result<(), EngineError> {
    let above = session.dag.with_ancestors(order);
    let known: BTreeSet<String> = above
        .iter()
        .flat_map(|&expert| session.node(expert).resolved().inputs.iter().map(ToString::to_string))
        .collect();
    for without in without {
        if !known.contains(&without.input) {
            let near =
                collegium_manifest::suggest(&without.input, known.iter().map(String::as_str));
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!(
                    "their inputs are: {}",
                    known.iter().cloned().collect::<Vec<_>>().join(", ")
                ),
            };
            return Err(EngineError::Usage(
                Code::BadArguments,
                format!("no audited expert reads `{}`; {help}", without.input),
            ));
        }
    }
    Ok(())
}

/// Compares experts that read the same inputs and predict the same column, on rows of both: do
/// they look at the same things?
pub(super) fn add_peers(
    session: &Session,
    order: &[usize],
    states: &States,
    audits: &mut [NodeAudit],
) -> Result<(), EngineError> {
    for (a, &one) in order.iter().enumerate() {
        let peers = (a + 1..order.len()).filter(|&b| are_peers(session, one, order[b]));
        for b in peers.take(MOST_PEERS) {
            if audits[a].agop.is_none() || audits[b].agop.is_none() {
                continue;
            }
            let comparisons = compare_peers(session, [one, order[b]], [a, b], states, audits)?;
            for (at, comparison) in [a, b].into_iter().zip(comparisons) {
                audits[at].probe.comparisons.push(comparison);
            }
        }
    }
    Ok(())
}

fn are_peers(session: &Session, one: usize, other: usize) -> bool {
    let inputs = |index: usize| {
        let inputs = session.node(index).resolved().inputs.iter().map(ToString::to_string);
        inputs.collect::<BTreeSet<_>>()
    };
    let (a, b) = (session.node(one).declared(), session.node(other).declared());
    a.data == b.data
        && a.target.get_ref() == b.target.get_ref()
        && session.node(one).resolved().classes == session.node(other).resolved().classes
        && inputs(one) == inputs(other)
}

fn compare_peers(
    session: &Session,
    experts: [usize; 2],
    at: [usize; 2],
    states: &States,
    audits: &[NodeAudit],
) -> Result<Vec<Comparison>, EngineError> {
    let key = Hasher::new("peers")
        .digest(&audits[at[0]].realisation)
        .digest(&audits[at[1]].realisation)
        .finish();
    let mut rows = Vec::new();
    for index in experts {
        rows.extend(Auditor::new(session, index, states).probed_rows(Side::Test, &key)?);
    }
    rows.sort_unstable();
    rows.dedup();
    let rows = some_of(&rows, session.pipeline.audit.rows as usize, &key);
    let mut looks: Vec<(Subject, Look, Vec<f64>)> = Vec::new();
    for index in experts {
        let Some(state) = states.get(&index) else { return Ok(Vec::new()) };
        let model = session.model(state.full())?;
        let inputs = &session.node(index).resolved().inputs;
        let data = session.node(index).input_data(inputs, View::Deployed, states)?;
        let groups = session.node(index).groups_of(state, &rows)?;
        let Ok(subject) = Subject::new(session, index, model, data, (rows.clone(), groups))? else {
            return Ok(Vec::new());
        };
        let Some((look, eigenvalues)) = subject.look(&subject.model, &subject.x, true)? else {
            return Ok(Vec::new());
        };
        looks.push((subject, look, eigenvalues));
    }
    let k = spectral_gap(&looks[0].2);
    let mut found = Vec::new();
    for (mine, theirs) in [(0, 1), (1, 0)] {
        let what = format!("{} against {}", audits[at[mine]].name, audits[at[theirs]].name);
        let seeds = audits[at[mine]].agop.as_ref().and_then(|agop| agop.noise_floor.seeds);
        if let Some(halves) = looks[mine].0.split_half(k, &key)? {
            let compared = collegium_probe::compare(
                Between::Experts,
                &what,
                &looks[mine].1,
                &looks[theirs].1,
                k,
                halves,
                seeds,
            );
            found.extend(compared);
        }
    }
    Ok(found)
}

impl Auditor<'_> {
    /// Adds label provenance, and the ablations (cue tests) and rows that the command line asks for, these first.
    pub(super) fn add_asked(
        self,
        options: &AuditOptions,
        audit: &mut NodeAudit,
    ) -> Result<(), EngineError> {
        // Where data come from is in no recipe, so it is never cached with what was measured.
        audit.provenance = Some((*self.node.provenance()?).clone());
        let key = self.asked_key(audit);
        let mut cues = Vec::new();
        for without in &options.without {
            if let Some(mut cue) = self.cue_everywhere(without, &key)? {
                cue.input.push_str(" (in every expert)");
                cues.push(cue);
            }
        }
        cues.append(&mut audit.probe.cues);
        audit.probe.cues = cues;
        if options.rows.is_empty() || audit.agop.is_none() {
            return Ok(());
        }
        let Some(state) = self.states.get(&self.node.index) else { return Ok(()) };
        let model = self.session().model(state.full())?;
        let inputs = &self.node.resolved().inputs;
        let data = self.node.input_data(inputs, View::Deployed, self.states)?;
        if let Ok((subject, sight)) = self.look_at(model, data, &key)? {
            let rows = self.attributions(&subject, &sight, state, &options.rows)?;
            let asked = rows.into_iter().filter(|row| row.why == ChosenFor::AskedFor);
            audit.probe.rows.splice(0..0, asked);
        }
        Ok(())
    }

    fn asked_key(self, audit: &NodeAudit) -> Digest {
        Hasher::new("asked").text(self.node.name()).digest(&audit.realisation).finish()
    }
}
