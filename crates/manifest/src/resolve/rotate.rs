//! Resolution of `evaluate.rotate`: how often sides are rotated, and that they can be.

use collegium_records::Code;
use indexmap::IndexMap;
use toml::Spanned;

use crate::{At, DataSource, SplitRule, bounds::bound, defaults::MOST_ROTATIONS, sink::Sink};

/// The number of rotations, if it is one and every split can be dealt anew.
pub(super) fn resolve(
    rotate: Option<At<u32>>,
    data: &IndexMap<String, DataSource>,
    sink: &mut Sink,
) -> Option<Spanned<u32>> {
    let wanted = format!("from 2 to {MOST_ROTATIONS}");
    let good = |number| (2..=MOST_ROTATIONS).contains(&number);
    if !bound(sink, "rotate", &rotate, good, &wanted) {
        return None;
    }
    let rotate = rotate?.0;
    for (name, source) in data {
        let (place, what, label) = match &source.split.rule {
            SplitRule::Shares => continue,
            SplitRule::Column(rule) => {
                (&rule.column, "a split by a column", "the column says which rows are tested")
            }
            SplitRule::Files(rule) => {
                (&rule.test, "a split by files", "the file says which rows are tested")
            }
            SplitRule::Time(rule) if rule.hold_groups => {
                (&rule.column, "`hold_groups`", "time and groups decide together")
            }
            SplitRule::Time(_) => continue,
        };
        let help = match &source.split.rule {
            SplitRule::Time(_) => "leave `hold_groups` or `rotate` away",
            _ => {
                "deal the rows by chance, as `split = { by = [\"KEY\"] }` does, or by `time`; or leave `rotate` \
                 away"
            }
        };
        let finding = sink
            .error(
                Code::ConflictingKeys,
                rotate.span(),
                format!("`rotate` does not go with {what} (`data.{name}`)"),
            )
            .label("every row would have to be tested once")
            .also(place.span(), label)
            .help(help);
        sink.global(finding);
    }
    Some(rotate)
}
