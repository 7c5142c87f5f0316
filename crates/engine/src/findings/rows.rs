//! Rows that an expert does not use: those without a target, those that `where` does not admit, and, where it
//! is fed forward in time, the first ones.

use collegium_records::{Level, RowAccount};

use super::{Found, words};
use crate::{EngineError, Session};

pub(super) fn of(
    session: &Session,
    index: usize,
    account: &RowAccount,
) -> Result<Vec<Found>, EngineError> {
    let spec = session.node(index).declared();
    let (data, target) = (&spec.data, spec.target.get_ref());
    let mut found = Vec::new();
    if account.without_target > 0 {
        let admitted = account.rows - account.filtered;
        let of = match account.filtered {
            0 => format!("{} rows of `{data}`", account.rows),
            _ => format!("the {admitted} rows of `{data}` that `where` admits"),
        };
        let verb = if account.without_target == 1 { "has" } else { "have" };
        let out = if account.without_target == 1 { "is" } else { "are" };
        found.push(Found {
            kind: "rows-without-target",
            level: Level::Note,
            span: spec.target.span(),
            label: format!("no value in {}", words::rows(account.without_target)),
            text: format!(
                "{} of {of} {verb} no `{target}` and {out} left out",
                account.without_target
            ),
            help: None,
        });
    }
    if let Some(filter) = &spec.filter
        && account.filtered > 0
    {
        found.push(Found {
            kind: "rows-left-out",
            level: Level::Note,
            span: filter.span(),
            label: format!("true for {}", words::rows(account.rows - account.filtered)),
            text: format!(
                "`where` leaves out {} of {} rows of `{data}`",
                account.filtered, account.rows
            ),
            help: None,
        });
    }
    if let Some((left, all)) = session.node(index).left_out()?.filter(|(left, _)| *left > 0) {
        let [verb, they] = if left == 1 { ["is", "it comes"] } else { ["are", "they come"] };
        found.push(Found {
            kind: "rows-before-what-feeds-it",
            level: Level::Note,
            span: spec.name.span(),
            label: format!("trained on {}", words::rows(all - left)),
            text: format!(
                "{left} of {all} training rows {verb} left out: {they} before the first rows that what \
                 feeds it predicts forward in time"
            ),
            help: None,
        });
    }
    Ok(found)
}
