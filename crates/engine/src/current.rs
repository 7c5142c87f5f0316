//! Up-to-date states: the models in use by the lock, for commands that fit nothing.

use std::{collections::BTreeSet, sync::Arc};

use collegium_records::Code;

use crate::{EngineError, Session, reuse::How, states::States};

impl Session {
    /// The states of experts and their ancestors, when every one is up to date.
    pub fn current_states(&self, chosen: &BTreeSet<usize>) -> Result<States, EngineError> {
        let (states, stale) = self.current_and_stale(chosen)?;
        if stale.is_empty() {
            return Ok(states);
        }
        Err(EngineError::Usage(
            Code::NotUpToDate,
            format!(
                "not up to date: {}; run `collegium run` first (`collegium plan` says why)",
                stale.join(", ")
            ),
        ))
    }

    /// The states of those of the experts and their ancestors that are up to date, and the names of
    /// the others.
    pub fn current_and_stale(
        &self,
        chosen: &BTreeSet<usize>,
    ) -> Result<(States, Vec<String>), EngineError> {
        let targets: Vec<usize> = chosen.iter().copied().collect();
        let wanted = self.dag.with_ancestors(&targets);
        let mut states = States::new();
        let mut stale = Vec::new();
        for &index in self.dag.order() {
            if !wanted.contains(&index) {
                continue;
            }
            if self.is_pending(index) {
                stale.push(self.node(index).node_name());
                continue;
            }
            match self.node(index).ready(&wanted, &states, How::default())? {
                Some(ready) if ready.open.is_empty() => {
                    let state = self.node(index).state(ready, &wanted, &states)?;
                    states.insert(index, Arc::new(state));
                }
                _ => stale.push(self.node(index).node_name()),
            }
        }
        Ok((states, stale))
    }
}
