//! Splits by a column, by files and by time: what is on which side, and that it stays there.

use std::collections::BTreeMap;

use collegium_data::{Prepared, Side};
use collegium_manifest::{ByColumn, ByFiles, ByTime, Gap, Spanned, Split, SplitRule, ValidRows};
use proptest::prelude::*;

use crate::project::{Project, spanned};

fn texts(values: &[&str]) -> Vec<Spanned<String>> {
    values.iter().map(|value| spanned((*value).to_owned())).collect()
}

fn by_column(train: &[&str], valid: ValidRows, test: &[&str]) -> SplitRule {
    SplitRule::Column(ByColumn {
        column: spanned("part".to_owned()),
        train: texts(train),
        valid,
        test: texts(test),
        unused: Vec::new(),
    })
}

fn by_time(valid_from: Option<&str>, test_from: Option<&str>, gap_days: i64) -> ByTime {
    let at = |date: Option<&str>| date.map(|date| spanned(date.to_owned()));
    let microseconds = gap_days * 86_400_000_000;
    let gap = Gap::Span { text: format!("{gap_days} days"), microseconds };
    ByTime {
        column: spanned("when".to_owned()),
        valid_from: at(valid_from),
        test_from: at(test_from),
        block: None,
        gap: (gap_days > 0).then(|| spanned(gap)),
        hold_groups: false,
    }
}

fn counts(prepared: &Prepared) -> [usize; 4] {
    let sides = prepared.sides().unwrap();
    [Side::Train, Side::Valid, Side::Test, Side::None]
        .map(|side| sides.iter().filter(|s| **s == side).count())
}

/// Rows with an id, a part and a day; two of three are for training.
fn parts(ids: impl IntoIterator<Item = u32>) -> String {
    ids.into_iter().fold("id,part,when\n".to_owned(), |text, id| {
        let part = if id % 3 == 0 { "test" } else { "train" };
        let (month, day) = (id / 28 % 12 + 1, id % 28 + 1);
        format!("{text}{id},{part},{}-{month:02}-{day:02}\n", 2010 + id / 336)
    })
}

fn side_by_id(prepared: &Prepared) -> BTreeMap<String, Side> {
    let (table, sides) = (prepared.table().unwrap(), prepared.sides().unwrap());
    let ids = table.column("id").unwrap();
    (0..table.rows).map(|row| (ids.text(row).unwrap(), sides[row])).collect()
}

#[test]
fn a_column_says_the_side_and_validation_is_drawn_from_training() {
    let project =
        Project::csv(parts(0..300)).rule(by_column(&["train"], ValidRows::Drawn, &["test"]), &[]);
    let prepared = project.prepared();
    let [train, valid, test, none] = counts(&prepared);
    assert_eq!((train + valid, test, none), (200, 100, 0));
    assert!((15..=50).contains(&valid), "{valid}");
    let (table, sides) = (prepared.table().unwrap(), prepared.sides().unwrap());
    let part = table.column("part").unwrap();
    for (row, side) in sides.iter().enumerate() {
        assert_eq!(part.text(row).unwrap() == "test", *side == Side::Test);
    }
}

#[test]
fn validation_is_drawn_by_groups_where_there_are_some() {
    let text = (0..300).fold("id,part,house\n".to_owned(), |text, id| {
        format!("{text}{id},{},{}\n", if id < 200 { "train" } else { "test" }, id / 4)
    });
    let rule = by_column(&["train"], ValidRows::Found, &["test"]);
    let prepared = Project::csv(text).rule(rule, &["house"]).prepared();
    let sides = prepared.sides().unwrap();
    assert!(sides.chunks(4).all(|house| house.iter().all(|side| *side == house[0])));
    assert!(sides.contains(&Side::Valid));
}

#[test]
fn validation_by_a_usual_name_is_found() {
    let text = (0..90).fold("id,part\n".to_owned(), |text, id| {
        format!("{text}{id},{}\n", ["train", "dev", "test"][id % 3])
    });
    let rule = by_column(&["train"], ValidRows::Found, &["test"]);
    assert_eq!(counts(&Project::csv(text).rule(rule, &[]).prepared()), [30, 30, 30, 0]);
}

#[test]
fn values_are_compared_by_what_cells_mean() {
    // One odd cell makes the column a category, and another spelling is the same number.
    for cells in [["0", "1", "2"], ["0.0", "1", "2.0"], ["0", "1", "x"]] {
        let text = (0..90)
            .fold("id,part\n".to_owned(), |text, id| format!("{text}{id},{}\n", cells[id % 3]));
        let last = if cells[2] == "x" { "x" } else { "2" };
        let rule = by_column(&["0"], ValidRows::Values(texts(&["1.0"])), &[last]);
        assert_eq!(counts(&Project::csv(text).rule(rule, &[]).prepared()), [30, 30, 30, 0]);
    }
    let text = (0..60).fold("id,part\n".to_owned(), |text, id| {
        format!("{text}{id},{}\n", ["True", "FALSE"][id % 2])
    });
    let rule = by_column(&["false"], ValidRows::Drawn, &["true"]);
    let [train, valid, test, _] = counts(&Project::csv(text).rule(rule, &[]).prepared());
    assert_eq!((train + valid, test), (30, 30));
}

#[test]
fn values_that_no_list_names_are_refused_with_their_number_and_the_way_out() {
    let text = "id,part\n1,train\n2,test\n3,holdout\n4,\n5,holdout\n";
    let rule = by_column(&["train"], ValidRows::Found, &["test"]);
    let error = Project::csv(text).rule(rule, &[]).try_prepare().err().unwrap();
    let fault = error.fault();
    assert_eq!(
        fault.message,
        "no list of `split` names what `part` holds in 3 rows: `holdout` (2), nothing (1)"
    );
    assert!(fault.help.as_ref().unwrap().contains("unused = [\"holdout\"]"));

    let SplitRule::Column(mut rule) =
        by_column(&["train"], ValidRows::Values(Vec::new()), &["test"])
    else {
        unreachable!()
    };
    rule.unused = texts(&["holdout", ""]);
    let prepared = Project::csv(text).rule(SplitRule::Column(rule), &[]).prepared();
    assert_eq!(counts(&prepared), [1, 0, 1, 3]);
    assert_eq!(prepared.facts.sides, [1, 0, 1]);
    assert_eq!(
        prepared.facts.notes,
        ["3 of 5 rows are on no side: `unused` names their `part`"],
        "no row vanishes without a word"
    );
}

#[test]
fn a_test_file_is_read_beside_the_training_file_as_one_table() {
    let rule = SplitRule::Files(ByFiles { valid: None, test: spanned("test.csv".to_owned()) });
    let text = |from: u32, to: u32| {
        (from..to).fold("id,color\n".to_owned(), |text, id| format!("{text}{id},c{}\n", id % 7))
    };
    let project = Project::csv(text(0, 80)).rule(rule, &[]);
    project.write("test.csv", text(80, 100));
    let prepared = project.prepared();
    let sides = prepared.sides().unwrap();
    assert!(sides[80..].iter().all(|side| *side == Side::Test));
    assert!(sides[..80].iter().all(|side| matches!(side, Side::Train | Side::Valid)));
    assert!(sides.contains(&Side::Valid));
    assert_eq!(prepared.files[0].1.len(), 2);

    // A glob for all files may stand beside the name of one of them.
    let mut glob = Project::empty().table("t", "*.csv");
    glob.source.split = project.source.split.clone();
    glob.write("t.csv", text(0, 80));
    glob.write("test.csv", text(80, 100));
    assert_eq!(glob.prepared().sides().unwrap(), sides);
}

#[test]
fn dates_divide_and_rows_in_a_gap_or_without_a_time_are_on_no_side() {
    let text = "id,when\n1,2013-01-01\n2,2013-06-24\n3,2013-06-30\n4,2013-07-01\n5,2013-12-24\n\
                6,2013-12-31\n7,2014-01-01\n8,2015-01-01\n9,\n";
    let rule = by_time(Some("2013-07-01"), Some("2014-01-01"), 7);
    let prepared = Project::csv(text).rule(SplitRule::Time(rule), &[]).prepared();
    use Side::{None, Test, Train, Valid};
    assert_eq!(
        *prepared.sides().unwrap(),
        [Train, None, None, Valid, Valid, None, Test, Test, None],
        "the gap begins seven days before and reaches up to the boundary"
    );
    assert_eq!(
        prepared.facts.notes,
        [
            "1 of 9 rows are on no side: they have no `when`",
            "3 of 9 rows are on no side: they lie in the gap of 7 days before validation or test",
        ]
    );
    assert_eq!(prepared.gap(), 7.0 * 86_400e6);
    assert!(prepared.times().unwrap().unwrap()[8].is_nan());
}

#[test]
fn years_are_times_too() {
    let text = (0..40).fold("id,when\n".to_owned(), |t, id| format!("{t}{id},{}\n", 2000 + id / 4));
    let mut rule = by_time(Some("2006"), Some("2008"), 0);
    rule.gap = Some(spanned(Gap::Number(1.0)));
    let prepared = Project::csv(text).rule(SplitRule::Time(rule), &[]).prepared();
    assert_eq!(counts(&prepared), [20, 4, 8, 8]);
}

#[test]
fn times_that_are_none_and_dates_out_of_order_are_refused() {
    let text = "id,when\n1,monday\n2,tuesday\n";
    let wrong = |text: &str, rule: ByTime| {
        let project = Project::csv(text).rule(SplitRule::Time(rule), &[]);
        project.try_prepare().err().unwrap().fault().message.clone()
    };
    assert_eq!(
        wrong(text, by_time(None, None, 0)),
        "`time` of `split` names `when`, which is a category and no time: its first value is \
         `monday`"
    );
    let dated = parts(0..50);
    assert_eq!(
        wrong(&dated, by_time(Some("summer"), None, 0)),
        "`valid_from` must be a date, not `summer`"
    );
    assert_eq!(
        wrong(&dated, by_time(Some("2010-02-01"), Some("2010-01-15"), 0)),
        "validation begins 2010-02-01 00:00:00 and the test 2010-01-15 00:00:00: validation must \
         come first"
    );
    let mut numbers = by_time(None, None, 0);
    numbers.gap = Some(spanned(Gap::Number(7.0)));
    assert_eq!(wrong(&dated, numbers), "`gap` does not go with the column `when`");
    assert!(
        wrong(&dated, by_time(Some("2010-01-05"), None, 400))
            .starts_with("the split leaves no train rows: of 50 rows 0 are for training")
    );
}

#[test]
fn shares_of_time_become_dates_that_later_rows_do_not_move() {
    let rule = || SplitRule::Time(by_time(None, None, 0));
    let mut project = Project::csv(parts(0..200)).rule(rule(), &[]);
    let first = project.prepared();
    assert_eq!(counts(&first), [140, 30, 30, 0]);
    let settled = first.settled().clone();
    assert_eq!(settled.sides["test_from"], "2010-07-03 00:00:00");
    assert_eq!(settled.sides["valid_from"], "2010-06-01 00:00:00");
    project.settled = settled.clone();
    project.write("t.csv", parts(0..300));
    let later = project.prepared();
    assert_eq!(counts(&later), [140, 30, 130, 0], "what comes later is for testing");
    assert_eq!(later.settled(), &settled);
    // Moving on: the dates are found anew.
    project.settled.sides.clear();
    assert_eq!(counts(&project.prepared()), [210, 45, 45, 0]);
    // Dates that were found for other shares are none for these.
    project.settled = settled;
    project.source.split = Split { valid: 0.1, test: 0.2, ..project.source.split };
    assert_eq!(counts(&project.prepared()), [210, 30, 60, 0]);
}

#[test]
fn rows_of_one_time_stay_together() {
    let text = (0..100).fold("id,when\n".to_owned(), |text, id| {
        format!("{text}{id},2013-01-{:02}\n", id / 20 + 1)
    });
    let prepared = Project::csv(text).rule(SplitRule::Time(by_time(None, None, 0)), &[]).prepared();
    let sides = prepared.sides().unwrap();
    assert!(sides.chunks(20).all(|day| day.iter().all(|side| *side == day[0])));
    assert_eq!(counts(&prepared), [60, 20, 20, 0]);
}

#[test]
fn held_groups_are_on_one_side_or_on_none() {
    let text = (0..2000).fold("id,when,city\n".to_owned(), |text, id| {
        format!("{text}{id},2013-{:02}-01,{}\n", id % 12 + 1, id / 12 % 40)
    });
    let mut rule = by_time(Some("2013-06-01"), Some("2013-09-01"), 0);
    rule.hold_groups = true;
    let prepared = Project::csv(text).rule(SplitRule::Time(rule), &["city"]).prepared();
    let (sides, groups) = (prepared.sides().unwrap(), prepared.groups().unwrap().unwrap());
    let mut side_of = BTreeMap::new();
    for (side, group) in sides.iter().zip(groups.iter()).filter(|(side, _)| **side != Side::None) {
        assert_eq!(side_of.entry(*group).or_insert(*side), side, "a group has one side");
    }
    assert!(counts(&prepared).iter().all(|count| *count > 0));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    #[test]
    fn appending_sorting_and_adding_a_column_move_no_row(
        shuffled in Just((0_u32..160).collect::<Vec<_>>()).prop_shuffle(), more in 160_u32..260,
    ) {
        let mut held = by_time(Some("2010-03-01"), Some("2010-05-01"), 3);
        held.hold_groups = true;
        let files = SplitRule::Files(ByFiles { valid: None, test: spanned("u.csv".to_owned()) });
        let rules: [(SplitRule, &[&str]); 5] = [
            (by_column(&["train"], ValidRows::Found, &["test"]), &["id"]),
            (SplitRule::Time(by_time(Some("2010-03-01"), Some("2010-05-01"), 3)), &[]),
            (SplitRule::Time(by_time(None, None, 3)), &[]),
            (SplitRule::Time(held), &["id"]),
            (files, &["id"]),
        ];
        for (rule, by) in rules {
            let mut project = Project::csv(parts(0..160)).rule(rule, by);
            project.write("u.csv", parts(900..940));
            let first = project.prepared();
            let before = side_by_id(&first);
            project.settled = first.settled().clone();
            let wider = parts(shuffled.iter().copied().chain(160..more)).lines().enumerate().fold(
                String::new(),
                |text, (row, line)| match row {
                    0 => format!("{line},new\n"),
                    _ => format!("{text}{line},{}\n", row % 5),
                },
            );
            project.write("t.csv", wider);
            let tests = parts(900..940).lines().enumerate().fold(String::new(), |text, (row, line)| {
                format!("{text}{line},{}\n", if row == 0 { "new" } else { "1" })
            });
            project.write("u.csv", tests);
            let after = side_by_id(&project.prepared());
            for (id, side) in &before {
                prop_assert_eq!(&after[id], side, "row {} of {:?}", id, project.source.split);
            }
        }
    }
}
