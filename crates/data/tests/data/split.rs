//! Which side rows fall on, and that they stay there.

use std::collections::{BTreeMap, BTreeSet};

use collegium_data::Side;
use proptest::prelude::*;

use crate::project::Project;

const SHARES: [f64; 3] = [0.6, 0.2, 0.2];

fn csv(rows: &[(u32, u8)]) -> String {
    rows.iter().fold("id,class\n".to_owned(), |text, (id, class)| format!("{text}{id},c{class}\n"))
}

/// Enough rows that no side is empty, and then some.
fn base() -> Vec<(u32, u8)> {
    (0..60).map(|id| (id, (id % 3) as u8)).collect()
}

fn sides(rows: &[(u32, u8)], by: &[&str], stratify: Option<&str>) -> Vec<Side> {
    Project::csv(csv(rows)).split(SHARES, by, stratify).prepared().sides().unwrap().to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    #[test]
    fn appending_rows_moves_none(more in prop::collection::vec((60u32..999, 0u8..5), 1..40)) {
        let (short, mut long) = (base(), base());
        long.extend(more);
        for (by, stratify) in [
            (&[][..], None), (&["class", "id"][..], None), (&[][..], Some("class")), (&["id"][..], Some("class")),
        ] {
            let before = sides(&short, by, stratify);
            prop_assert_eq!(&sides(&long, by, stratify)[..before.len()], &before[..]);
        }
    }

    #[test]
    fn reordering_rows_moves_none_of_a_hashed_split(shuffled in Just(base()).prop_shuffle()) {
        let of = |rows: &[(u32, u8)], by: &[&str]| -> BTreeMap<_, _> {
            rows.iter().copied().zip(sides(rows, by, None)).collect()
        };
        prop_assert_eq!(of(&base(), &[]), of(&shuffled, &[]));
        prop_assert_eq!(of(&base(), &["id"]), of(&shuffled, &["id"]));
    }
}

#[test]
fn groups_stay_whole_and_have_one_key_each() {
    let rows: Vec<(u32, u8)> = (0..400).map(|row| (row / 8, 0)).collect();
    for stratify in [None, Some("class")] {
        let project = Project::csv(csv(&rows)).split(SHARES, &["id"], stratify);
        let prepared = project.prepared();
        let (sides, groups) = (prepared.sides().unwrap(), prepared.groups().unwrap().unwrap());
        for group in sides.chunks(8) {
            assert!(group.iter().all(|side| *side == group[0]));
        }
        let distinct: BTreeSet<u64> = groups.iter().copied().collect();
        assert_eq!(distinct.len(), 50);
        assert!(groups.chunks(8).all(|group| group.iter().all(|key| *key == group[0])));
    }
    assert!(Project::csv("a\n1\n").prepared().groups().unwrap().is_none());
}

#[test]
fn strata_keep_the_shares_to_the_row() {
    let rows: Vec<(u32, u8)> = (0..600).map(|id| (id, u8::from(id % 10 == 0))).collect();
    let sides = sides(&rows, &[], Some("class"));
    for class in [0, 1] {
        let count =
            |side| rows.iter().zip(&sides).filter(|((_, c), s)| *c == class && **s == side).count();
        let all = count(Side::Train) + count(Side::Valid) + count(Side::Test);
        assert_eq!(count(Side::Train) * 10, all * 6, "class {class}");
        assert_eq!(count(Side::Valid) * 10, all * 2, "class {class}");
    }
}

#[test]
fn hashed_shares_are_near_what_was_asked_for() {
    let rows: Vec<(u32, u8)> = (0..20_000).map(|id| (id, 0)).collect();
    let sides = sides(&rows, &[], None);
    let train = sides.iter().filter(|side| **side == Side::Train).count() as f64 / 20_000.0;
    assert!((train - 0.6).abs() < 0.02, "{train}");
}

#[test]
fn another_seed_is_another_split() {
    let project = Project::csv(csv(&base())).split(SHARES, &[], None);
    let mut other = Project::csv(csv(&base())).split(SHARES, &[], None);
    other.source.split.seed = 8;
    assert_ne!(project.prepared().sides().unwrap(), other.prepared().sides().unwrap());
}

#[test]
fn a_derived_column_moves_no_row() {
    let plain = Project::csv(csv(&base())).split(SHARES, &[], None);
    let derived = Project::csv(csv(&base())).split(SHARES, &[], None).derive("odd", "id % 2");
    assert_eq!(plain.prepared().sides().unwrap(), derived.prepared().sides().unwrap());
}
