//! Serialisation of `data.NAME.split` to TOML.

use toml::Spanned;

use super::{float, list, table, text};
use crate::{Gap, Split, SplitRule, ValidRows};

/// The table of a split, on one line, with the keys that its rule has.
pub(super) fn written(split: &Split) -> String {
    let values = |values: &[Spanned<String>]| list(values.iter().map(|v| text(v.get_ref())));
    let quoted = |value: &Spanned<String>| text(value.get_ref());
    let valid = ("valid", float(split.valid));
    let mut entries = Vec::new();
    match &split.rule {
        SplitRule::Shares => {
            entries.extend([("train", float(split.train)), valid, ("test", float(split.test))]);
        }
        SplitRule::Column(rule) => {
            entries.extend([("column", quoted(&rule.column)), ("train", values(&rule.train))]);
            match &rule.valid {
                ValidRows::Values(named) => entries.push(("valid", values(named))),
                ValidRows::Drawn => entries.push(valid),
                // What is found in the column has no key: it is what happens without one.
                ValidRows::Found => {}
            }
            entries.extend([("test", values(&rule.test)), ("unused", values(&rule.unused))]);
        }
        SplitRule::Files(rule) => {
            match &rule.valid {
                Some(file) => entries.push(("valid_file", quoted(file))),
                None => entries.push(valid),
            }
            entries.push(("test_file", quoted(&rule.test)));
        }
        SplitRule::Time(rule) => {
            entries.push(("time", quoted(&rule.column)));
            let held = rule.hold_groups;
            let sides = [
                ("valid_from", &rule.valid_from, valid),
                ("test_from", &rule.test_from, ("test", float(split.test))),
            ];
            for (key, from, share) in sides {
                entries.extend(from.as_ref().map(|from| (key, quoted(from))));
                entries.extend((from.is_none() || held).then_some(share));
            }
            for (key, length) in [("gap", &rule.gap), ("block", &rule.block)] {
                match length.as_ref().map(Spanned::get_ref) {
                    Some(Gap::Span { text: length, .. }) => entries.push((key, text(length))),
                    Some(Gap::Number(length)) => entries.push((key, float(*length))),
                    None => {}
                }
            }
            entries.push(("hold_groups", held.to_string()));
        }
    }
    entries.push(("by", values(&split.by)));
    entries.extend(split.stratify.iter().map(|column| ("stratify", quoted(column))));
    entries.push(("seed", split.seed.to_string()));
    table(entries)
}
