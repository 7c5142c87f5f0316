//! Which side rows fall on, and that they stay there.

use std::collections::{BTreeMap, BTreeSet};

use collegium_data::Side;
use proptest::prelude::*;

use crate::project::{Project, texts};

const SHARES: [f64; 3] = [0.6, 0.2, 0.2];

fn csv(rows: &[(u32, u8)]) -> String {
    rows.iter().fold("id,class\n".to_owned(), |text, (id, class)| format!("{text}{id},c{class}\n"))
}

/// Enough rows that no side is empty, and then some.
fn base() -> Vec<(u32, u8)> {
    (0..60).map(|id| (id, (id % 3) as u8)).collect()
}

fn project(rows: &[(u32, u8)], by: &[&str], stratify: Option<&str>) -> Project {
    Project::csv(csv(rows)).split(SHARES, by, stratify)
}

fn sides(rows: &[(u32, u8)], by: &[&str], stratify: Option<&str>) -> Vec<Side> {
    project(rows, by, stratify).prepared().sides().unwrap().to_vec()
}

/// The side of each row at a later run, by its id.
fn later(first: &Project, text: &str) -> BTreeMap<String, Side> {
    let split = first.source.split.clone();
    let mut later = Project::csv(text);
    later.source.split = split;
    later.settled = first.prepared().settled().clone();
    by_id(&later)
}

fn by_id(project: &Project) -> BTreeMap<String, Side> {
    let prepared = project.prepared();
    let ids = texts(&prepared.table().unwrap(), "id");
    ids.into_iter().zip(prepared.sides().unwrap().iter().copied()).collect()
}

/// Every way to ask for a split by hash.
fn ways() -> [(&'static [&'static str], Option<&'static str>); 4] {
    [(&[], None), (&["class", "id"], None), (&[], Some("class")), (&["id"], Some("class"))]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    #[test]
    fn no_edit_of_other_cells_moves_a_row(
        more in prop::collection::vec((60u32..999, 0u8..5), 1..40), shuffled in Just(base()).prop_shuffle(), odd in 0usize..60,
    ) {
        for (by, stratify) in ways() {
            let first = project(&base(), by, stratify);
            let before = by_id(&first);
            let kept = |after: BTreeMap<String, Side>| before.iter().all(|(id, side)| after.get(id) == Some(side));
            let mut appended = base();
            appended.extend(&more);
            prop_assert!(kept(later(&first, &csv(&appended))), "appended");
            prop_assert!(kept(later(&first, &csv(&shuffled))), "sorted in another way");
            let wider: String = csv(&shuffled).lines().enumerate().map(|(i, line)| match i {
                0 => format!("new,{line}\n"),
                i => format!("x{},{line}\n", i * 7),
            }).collect();
            prop_assert!(kept(later(&first, &wider)), "a column was added");
            let typed: String = csv(&base()).lines().enumerate().map(|(i, line)| match i {
                i if i == odd + 1 => format!("A-{line}\n"),
                _ => format!("{line}\n"),
            }).collect();
            let after = later(&first, &typed);
            let same = before.iter().filter(|(id, side)| after.get(*id) == Some(side)).count();
            prop_assert_eq!(same, 59, "one id became a text");
        }
    }
}

#[test]
fn a_column_that_has_gone_is_said_to_draw_the_split_anew() {
    let first = Project::csv("id,a,b\n1,2,3\n2,3,4\n");
    let mut later = Project::csv("id,a\n1,2\n2,3\n");
    later.settled = first.prepared().settled().clone();
    let prepared = later.prepared();
    assert!(prepared.facts.notes.iter().any(|note| note.contains("`b` is gone")));
    assert_eq!(prepared.settled().identity, ["a", "id"]);
}

#[test]
fn rows_without_their_key_are_counted_and_lie_on_sides_of_their_own() {
    let rows: String =
        (0..200).map(|row| format!("{},{row}\n", if row % 2 == 0 { "" } else { "7" })).collect();
    let project = Project::csv(format!("id,x\n{rows}")).split(SHARES, &["id"], None);
    let prepared = project.prepared();
    assert!(
        prepared
            .facts
            .notes
            .iter()
            .any(|note| note.contains("100 of 200 rows have no value in `id`"))
    );
    let sides = prepared.sides().unwrap();
    assert_eq!(sides.iter().skip(1).step_by(2).collect::<BTreeSet<_>>().len(), 1, "one group");
    assert_eq!(sides.iter().step_by(2).collect::<BTreeSet<_>>().len(), 3, "a hundred");
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
