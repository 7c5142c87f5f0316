//! Rows that an expert leaves out: those without a target, and those that `where` does not admit.

use collegium_records::{Level, RowAccount};

use super::{Found, words};
use crate::Session;

pub(super) fn of(session: &Session, index: usize, account: &RowAccount) -> Vec<Found> {
    let spec = session.expert(index);
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
    found
}
