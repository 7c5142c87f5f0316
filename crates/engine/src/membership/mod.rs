//! Training-set membership: which rows a model has seen. Keeps data leakage out of held-out metrics.
//!
//! A figure is called held out where no row behind it was ever trained, stopped, tuned or chosen on, by
//! the model itself or by any model that it was made from: the one that a warm start began with, and
//! those whose outputs it reads. Settings of a split cannot tell. Rows are edited, tables grow, and a
//! model that is held outlives them all. So every fit records the rows that it has seen, by identity,
//! and whatever uses an older model again asks [`NodeRef::seen_among`].
//!
//! * A model that was fitted by its recipe on the present rows needs no asking: its rows *are* the
//!   present training and validation rows. What has to be asked for is *foreign*: what a warm start
//!   began with, a model that is held, what an anchor's upstreams had seen, and all that reaches a node
//!   from above.
//! * Identities of two tables are compared by the columns of the older one. Where these are gone, the
//!   model counts as having seen everything, as does one without a record.
//! * Without a key an edited row cannot be told from a new one. If rows that a model has seen have gone
//!   from the table, rows that it never knew may be those, edited, and count as seen.

mod bits;
mod change;
pub(crate) mod forget;
mod seen;

use std::collections::HashSet;

use collegium_data::{identities_from_bytes, row_identities};
use collegium_digest::Digest;
use collegium_plan::Part;
use collegium_records::{Fit, Members, Membership, NodeRun, SeenRows, Who};

use self::bits::Bits;
pub use self::seen::FEWEST_UNSEEN;
pub(crate) use self::seen::{Memberships, Use, both, closure, key};
use crate::{
    EngineError, NodeRef, Session,
    error::data_error,
    inputs::training_rows,
    rows::{Side, side_name},
    states::Parts,
    states::States,
};

/// Notes on a node whose models have seen held-out rows (data leakage).
pub(crate) fn notes(run: &NodeRun) -> Vec<String> {
    let note = |(side, rows): (&String, &SeenRows)| {
        let SeenRows { seen, unseen } = rows;
        let then = match *unseen < FEWEST_UNSEEN {
            true => format!(
                "its {side} figures are withheld, since only {unseen} rows are left ({FEWEST_UNSEEN} are \
                 needed)"
            ),
            false => format!("its {side} figures are of the other {unseen}"),
        };
        format!(
            "{}: a model that it stands on has seen {seen} of the {} {side} rows; {then}",
            run.name,
            seen + unseen
        )
    };
    run.seen.iter().map(note).collect()
}

impl NodeRef<'_> {
    /// `55 of its 87 test rows were seen by a model that it stands on`, for each side where that is so.
    pub(crate) fn seen_words(self) -> Result<Vec<String>, EngineError> {
        let mut found = Vec::new();
        for side in [Side::Valid, Side::Test] {
            if let Some(SeenRows { seen, unseen }) = self.seen_rows(side)? {
                let all = seen + unseen;
                let name = side_name(side);
                found.push(format!(
                    "a model that it stands on has seen {seen} of its {all} {name} rows"
                ));
            }
        }
        Ok(found)
    }

    /// What a fit of a part records: its own rows, those of the model that it starts from, and those of
    /// the models whose outputs it reads.
    pub(crate) fn membership(
        self,
        part: Part,
        warm: Option<&Fit>,
        states: &States,
    ) -> Result<Option<Membership>, EngineError> {
        let inherited = match warm {
            Some(fit) => closure(fit),
            None => Some(Vec::new()),
        };
        let (Some(inherited), Some(above)) = (inherited, self.seen_above(states)) else {
            return Ok(None);
        };
        let own = self.own_rows(part)?;
        Ok(Some(Membership {
            own,
            inherited: self.session.merged(inherited)?,
            above: self.session.merged(above)?,
        }))
    }

    /// What the models have seen whose outputs a node reads.
    fn seen_above(self, states: &States) -> Memberships {
        let mut found = Some(Vec::new());
        for from in self.session.dag.upstream(self.index) {
            let state = states.get(&from)?;
            found = both(found, closure(state.full()));
            // What it stands on beside its recipe; of a fit by its recipe that is in its closure.
            found = both(found, state.foreign.as_ref().clone());
        }
        found
    }

    /// The rows of a part's fit.
    fn own_rows(self, part: Part) -> Result<Members, EngineError> {
        let trained = self.session.rows(training_rows(self.index, part))?;
        let chosen = self.session.rows(self.stopping_rows(part))?;
        let prepared = self.prepared();
        let rows = prepared.facts.rows as usize;
        let content = Who {
            columns: prepared.settled().identity.clone(),
            rows: prepared.identities_object(),
        };
        let key = prepared.groups_object().map(|rows| {
            let by = &self.session.pipeline.data[&self.declared().data].split.by;
            Who { columns: by.iter().map(|name| name.get_ref().clone()).collect(), rows }
        });
        Ok(Members {
            content,
            key,
            trained: self.session.store.put(&Bits::of(rows, &trained).to_bytes())?,
            chosen: self.session.store.put(&Bits::of(rows, &chosen).to_bytes())?,
        })
    }

    /// What a node's models have seen that is not its present rows.
    pub(crate) fn foreign(
        self,
        parts: &Parts,
        exact: bool,
        held: bool,
        states: &States,
    ) -> Memberships {
        let mut found = Some(Vec::new());
        for (part, (_, fit)) in parts {
            // Baselines are fitted by their recipes or belong to the model beside them.
            if matches!(part, Part::Baseline(_)) {
                continue;
            }
            let one = if held {
                closure(fit)
            } else if exact && fit.parent.is_none() {
                Some(Vec::new())
            } else {
                let membership = fit.seen.as_ref().and_then(|seen| seen.membership.as_ref());
                membership.map(|membership| {
                    let above = if exact { &[][..] } else { &membership.above };
                    membership.inherited.iter().chain(above).cloned().collect()
                })
            };
            found = both(found, one);
        }
        for from in self.session.dag.upstream(self.index) {
            let above = states.get(&from).map(|state| state.foreign.as_ref().clone());
            found = both(found, above.unwrap_or_default());
        }
        found
    }

    /// Which of `rows` of a node's table these models have seen. The one place where this is decided.
    pub(crate) fn seen_among(
        self,
        seen: &Memberships,
        how: Use,
        rows: &[u32],
    ) -> Result<Vec<u32>, EngineError> {
        let Some(seen) = seen else { return Ok(rows.to_vec()) };
        let mut left: Vec<u32> = rows.to_vec();
        let mut found = Vec::new();
        for members in seen {
            if left.is_empty() {
                break;
            }
            let among = self.seen_by(members, how, &left)?;
            let (seen, rest): (Vec<_>, Vec<_>) =
                left.into_iter().zip(among).partition(|(_, seen)| *seen);
            found.extend(seen.into_iter().map(|(row, _)| row));
            left = rest.into_iter().map(|(row, _)| row).collect();
        }
        found.sort_unstable();
        Ok(found)
    }

    /// What the models have seen that a node's answers come from, as the lock has them.
    pub(crate) fn seen_by_deployed(self) -> Result<Memberships, EngineError> {
        let mut found = Some(Vec::new());
        for one in self.session.dag.with_ancestors(&[self.index]) {
            let fit = self.session.node(one).locked_fit()?;
            found = both(found, fit.as_ref().and_then(closure));
        }
        Ok(found)
    }

    /// For each of `rows`, whether it is one of these.
    fn seen_by(self, members: &Members, how: Use, rows: &[u32]) -> Result<Vec<bool>, EngineError> {
        let all = || Ok(vec![true; rows.len()]);
        let (Some(trained), Some(chosen)) =
            (self.session.bits(&members.trained)?, self.session.bits(&members.chosen)?)
        else {
            return all();
        };
        let set = match how {
            Use::Trained => trained,
            Use::Any => trained.or(&chosen),
        };
        let prepared = self.prepared();
        // The same table: its rows are known by their numbers.
        if members.content.rows == prepared.identities_object()
            && members.content.columns == prepared.settled().identity
        {
            return Ok(rows.iter().map(|&row| set.has(row as usize)).collect());
        }
        let content = self.compared(&members.content, &set)?;
        let key = match &members.key {
            Some(key) => self.compared(key, &set)?,
            None => None,
        };
        if content.is_none() && key.is_none() {
            return all();
        }
        // With a key, an edited row is known by it.
        let unsure = key.is_none()
            && content.as_ref().is_some_and(|content| {
                let now: HashSet<u64> = content.now.iter().copied().collect();
                content.seen.iter().any(|identity| !now.contains(identity))
            });
        let is_seen = |&row: &u32| {
            let by = |one: &Compared| one.seen.contains(&one.now[row as usize]);
            let unknown = |one: &Compared| !one.known.contains(&one.now[row as usize]);
            key.as_ref().is_some_and(by)
                || content.as_ref().is_some_and(|one| by(one) || unsure && unknown(one))
        };
        Ok(rows.iter().map(is_seen).collect())
    }

    /// A set of an older table beside the rows of the present one; `None` if they cannot be compared.
    fn compared(self, who: &Who, set: &Bits) -> Result<Option<Compared>, EngineError> {
        let Some(then) = self.session.identities_then(who)? else { return Ok(None) };
        let Some(now) = self.identities_by(who)? else { return Ok(None) };
        let seen = set.among(&then).collect();
        Ok(Some(Compared { now, seen, known: then.into_iter().collect() }))
    }

    /// The identity of every present row by the columns of an older table; `None` where one has gone.
    fn identities_by(self, who: &Who) -> Result<Option<Vec<u64>>, EngineError> {
        let wanted = who.columns.iter().cloned().collect();
        let columns = self.prepared().columns(&wanted);
        let columns = columns.map_err(|error| data_error(error, &self.session.pipeline.source))?;
        let read = self.session.pipeline.data[&self.declared().data].read_of_rows();
        Ok(row_identities(&columns, &who.columns, read))
    }
}

impl Session {
    /// One set for each table.
    fn merged(&self, members: Vec<Members>) -> Result<Vec<Members>, EngineError> {
        let mut found: Vec<Members> = Vec::new();
        for one in members {
            let same =
                |known: &&mut Members| (&known.content, &known.key) == (&one.content, &one.key);
            let Some(known) = found.iter_mut().find(same) else {
                found.push(one);
                continue;
            };
            let trained = self.either(known.trained, one.trained)?;
            let chosen = self.either(known.chosen, one.chosen)?;
            match (trained, chosen) {
                (Some(trained), Some(chosen)) => (known.trained, known.chosen) = (trained, chosen),
                // A set that is lost stays by itself, and whoever asks it is told that it is.
                _ => found.push(one),
            }
        }
        Ok(found)
    }

    /// The rows of either set; `None` if one of two is lost.
    fn either(&self, one: Digest, other: Digest) -> Result<Option<Digest>, EngineError> {
        if one == other {
            return Ok(Some(one));
        }
        match (self.bits(&one)?, self.bits(&other)?) {
            (Some(a), Some(b)) => Ok(Some(self.store.put(&a.or(&b).to_bytes())?)),
            _ => Ok(None),
        }
    }

    /// Identities of rows that were seen, for rows of another table to be held against: by content, and
    /// by key where no two rows of their table share one. Those that have gone from the store are left
    /// out.
    pub(crate) fn identities_seen(
        &self,
        members: &Members,
    ) -> Result<Vec<Identities>, EngineError> {
        let (Some(trained), Some(chosen)) =
            (self.bits(&members.trained)?, self.bits(&members.chosen)?)
        else {
            return Ok(Vec::new());
        };
        let set = trained.or(&chosen);
        let mut found = Vec::new();
        for who in std::iter::once(&members.content).chain(&members.key) {
            let Some(then) = self.identities_then(who)? else { continue };
            let single = then.iter().collect::<HashSet<_>>().len() == then.len();
            if who == &members.content || single {
                let seen = set.among(&then).collect();
                found.push(Identities { columns: who.columns.clone(), seen });
            }
        }
        Ok(found)
    }

    /// The identity of every row of an older table; `None` if that is lost.
    fn identities_then(&self, who: &Who) -> Result<Option<Vec<u64>>, EngineError> {
        Ok(self.store.get(&who.rows)?.and_then(|bytes| identities_from_bytes(&bytes)))
    }

    fn bits(&self, object: &Digest) -> Result<Option<Bits>, EngineError> {
        Ok(self.store.get(object)?.and_then(|bytes| Bits::from_bytes(&bytes)))
    }
}

/// Identities of rows that models have seen.
#[derive(Clone)]
pub(crate) struct Identities {
    /// The columns that identify a row.
    pub(crate) columns: Vec<String>,
    /// [`row_identities`] by these columns.
    pub(crate) seen: HashSet<u64>,
}

/// Rows of two tables by the same columns.
struct Compared {
    /// The identity of every present row.
    now: Vec<u64>,
    /// Identities that were seen.
    seen: HashSet<u64>,
    /// Identities that the older table had.
    known: HashSet<u64>,
}
