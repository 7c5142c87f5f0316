//! Classes that one side of the split lacks: one without a training row cannot be learned, and one
//! without a test row is measured by nothing.

use collegium_records::{ClassRows, Level, RowAccount};

use super::{Found, words};
use crate::Session;

pub(super) fn of(session: &Session, index: usize, account: &RowAccount) -> Vec<Found> {
    let mut found = Vec::new();
    found.extend(not_in_training(session, index, account));
    found.extend(one_class(session, index, account));
    found.extend(not_held_out(session, index, account));
    found
}

/// Held-out rows whose class no training row has.
pub(super) fn unseen(account: &RowAccount, side: &str) -> u64 {
    account.classes.iter().filter(|class| class.train == 0).map(|class| class.on(side)).sum()
}

fn not_in_training(session: &Session, index: usize, account: &RowAccount) -> Option<Found> {
    // Without training rows there is another thing to say, and the fit says it.
    if account.on("train") == 0 {
        return None;
    }
    let lacking: Vec<&str> = account
        .classes
        .iter()
        .filter(|class| class.train == 0 && class.valid + class.test > 0)
        .map(|class| class.class.as_str())
        .collect();
    if lacking.is_empty() {
        return None;
    }
    let spec = session.expert(index);
    let (data, target) = (&spec.data, spec.target.get_ref());
    let (verb, has) = match lacking.as_slice() {
        [_] => ("has", "it"),
        _ => ("have", "one of them"),
    };
    let held: Vec<String> = ["valid", "test"]
        .into_iter()
        .map(|side| (side, unseen(account, side), account.on(side)))
        .filter(|(_, unseen, _)| *unseen > 0)
        .map(|(side, unseen, of)| format!("{unseen} of {of} {} rows", words::side_adjective(side)))
        .collect();
    let split = &session.pipeline.data[data].split;
    let help = if split.by.iter().any(|column| column.get_ref() == target) {
        format!(
            "`split.by` names the target, so all rows of a class are on one side: name another key, \
             or leave `{target}` out of `by`"
        )
    } else {
        "no expert can know a class that it never saw: add rows of it, deal the rows by another \
         `split.seed` or with `stratify`, or leave the class out with `where`"
            .to_owned()
    };
    Some(Found {
        kind: "class-without-training-rows",
        level: Level::Warning,
        span: spec.target.span(),
        label: format!(
            "{} of {} classes to learn from",
            account.classes.len() - lacking.len(),
            account.classes.len()
        ),
        text: format!(
            "{} of `{data}.{target}` {verb} no training row, and {} have {has}",
            words::classes(&lacking),
            held.join(" and "),
        ),
        help: Some(help),
    })
}

/// A held-out side of one class: nothing that compares classes can be measured on it.
fn one_class(session: &Session, index: usize, account: &RowAccount) -> Option<Found> {
    let sides: Vec<(&str, &ClassRows)> = ["valid", "test"]
        .into_iter()
        .filter_map(|side| Some((side, only(account, side)?)))
        .collect();
    if sides.is_empty() {
        return None;
    }
    let spec = session.expert(index);
    let said: Vec<String> = sides
        .iter()
        .map(|(side, class)| match account.on(side) {
            1 => format!(
                "the only {} row has the class `{}`",
                words::side_adjective(side),
                class.class
            ),
            rows => {
                format!(
                    "all {rows} {} rows have the class `{}`",
                    words::side_adjective(side),
                    class.class
                )
            }
        })
        .collect();
    let on_test = sides.iter().any(|(side, _)| *side == "test");
    Some(Found {
        kind: "one-class",
        level: if on_test { Level::Warning } else { Level::Note },
        span: spec.target.span(),
        label: "one class only".to_owned(),
        text: format!("{}: AUC cannot be measured there", said.join(", and ")),
        help: Some(
            "add rows of the other classes, deal the rows by another `split.seed` or with `stratify`, \
             or give that side a larger share"
                .to_owned(),
        ),
    })
}

fn only<'a>(account: &'a RowAccount, side: &str) -> Option<&'a ClassRows> {
    let mut present = account.classes.iter().filter(|class| class.on(side) > 0);
    match (present.next(), present.next()) {
        (Some(only), None) if account.classes.len() > 1 => Some(only),
        _ => None,
    }
}

/// Classes that are learned and never measured, or that stopping and choosing never see.
fn not_held_out(session: &Session, index: usize, account: &RowAccount) -> Option<Found> {
    let mut said = Vec::new();
    for side in ["valid", "test"] {
        // A side without rows, or of one class, is another thing.
        if account.on(side) == 0 || only(account, side).is_some() {
            continue;
        }
        let lacking: Vec<&str> = account
            .classes
            .iter()
            .filter(|class| class.train > 0 && class.on(side) == 0)
            .map(|class| class.class.as_str())
            .collect();
        if !lacking.is_empty() {
            let verb = if lacking.len() == 1 { "has" } else { "have" };
            said.push(format!(
                "{} {verb} no {} row",
                words::classes(&lacking),
                words::side_adjective(side)
            ));
        }
    }
    if said.is_empty() {
        return None;
    }
    let spec = session.expert(index);
    Some(Found {
        kind: "class-without-held-out-rows",
        level: Level::Note,
        span: spec.target.span(),
        label: "its classes".to_owned(),
        text: format!("{}: what is measured there says nothing of it", said.join(", and ")),
        help: None,
    })
}
