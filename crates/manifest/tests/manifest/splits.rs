//! The four rules of a split, and what is said when their keys do not go together.

use collegium_manifest::{Gap, Split, SplitRule, ValidRows};

use crate::{GOOD, messages, pipeline};

fn file(split: &str) -> String {
    GOOD.replacen("path = \"flights.csv\"", &format!("path = \"flights.csv\"\nsplit = {split}"), 1)
}

fn split(split: &str) -> Split {
    let text = file(split);
    assert_eq!(messages(&text), [""; 0], "{split}");
    pipeline(&text).data["flights"].split.clone()
}

fn said(split: &str) -> Vec<String> {
    messages(&file(split))
}

#[test]
fn a_column_alone_has_the_usual_values() {
    let SplitRule::Column(rule) = split(r#"{ column = "part" }"#).rule else { panic!("a column") };
    let texts = |values: &[collegium_manifest::Spanned<String>]| -> Vec<String> {
        values.iter().map(|value| value.get_ref().clone()).collect()
    };
    assert_eq!(rule.column.get_ref(), "part");
    assert_eq!(
        (texts(&rule.train), texts(&rule.test)),
        (vec!["train".into()], vec!["test".into()])
    );
    assert!(matches!(rule.valid, ValidRows::Found));
}

#[test]
fn values_may_be_numbers_and_truth_values_and_validation_a_share() {
    let split =
        split(r#"{ column = "flights.fold", train = [0, 1.5], valid = 0.2, test = [true] }"#);
    let SplitRule::Column(rule) = &split.rule else { panic!("a column") };
    assert_eq!(rule.column.get_ref(), "fold", "the source's name goes");
    assert_eq!(rule.train.iter().map(|v| v.get_ref().as_str()).collect::<Vec<_>>(), ["0", "1.5"]);
    assert_eq!(rule.test[0].get_ref(), "true");
    assert!(matches!(rule.valid, ValidRows::Drawn));
    assert_eq!(split.valid, 0.2);
}

#[test]
fn dates_may_stand_with_or_without_quotes() {
    for date in ["\"2013-07-01\"", "2013-07-01"] {
        let text = format!(r#"{{ time = "flights.day", valid_from = {date}, gap = "7 days" }}"#);
        let split = split(&text);
        let time = split.time().expect("a split by time");
        assert_eq!(time.column.get_ref(), "day");
        assert_eq!(time.valid_from.as_ref().expect("a date").get_ref(), "2013-07-01");
        let week = 7 * 86_400_000_000;
        let gap = Gap::Span { text: "7 days".to_owned(), microseconds: week };
        assert_eq!(time.gap.as_ref().expect("a gap").get_ref(), &gap);
    }
}

#[test]
fn two_rules_are_one_too_many_and_keys_need_theirs() {
    for (wrong, message) in [
        (r#"{ column = "part", time = "day" }"#, "`split` has both `column` and `time`"),
        (
            r#"{ column = "part", test_file = "b.csv" }"#,
            "`split` has both `column` and `test_file`",
        ),
        (r#"{ gap = "1 day" }"#, "`gap` needs `time`"),
        (r#"{ unused = ["x"] }"#, "`unused` needs `column`"),
        (r#"{ column = "part", gap = "1 day" }"#, "`gap` does not go with `column`"),
        (r#"{ time = "day", stratify = "hour" }"#, "`stratify` does not go with `time`"),
        (r#"{ time = "day", hold_groups = true }"#, "`hold_groups` needs groups"),
        (r#"{ train = ["a"] }"#, "`train` must be a share, not a list"),
        (r#"{ column = "part", test = 0.2 }"#, "`test` must be a list of values of `column`"),
        (r#"{ column = "part", train = [] }"#, "`train` names no value"),
        (r#"{ column = "part", train = ["a"], test = ["a"] }"#, "`a` is listed twice in `split`"),
        (
            r#"{ time = "day", valid = 0.2, valid_from = "2013-01-01" }"#,
            "`split` has both `valid_from` and `valid`",
        ),
        (
            r#"{ time = "day", valid = 0.6, test = 0.5 }"#,
            "the shares of `split` leave nothing to train on",
        ),
        (
            r#"{ time = "day", gap = "2 months" }"#,
            "`gap` must be a length of time, not \"2 months\"",
        ),
        (
            r#"{ test_file = "b.csv", valid_file = "c.csv", valid = 0.1 }"#,
            "`split` has both `valid_file` and `valid`",
        ),
        (r#"{ test_file = "b.csv", train = 0.5 }"#, "`train` does not go with `test_file`"),
    ] {
        assert_eq!(said(wrong), [message], "{wrong}");
    }
}

#[test]
fn a_test_file_needs_rows_that_are_known_by_their_file() {
    let text = file(r#"{ test_file = "b.csv" }"#).replacen(
        "split =",
        "query = \"SELECT * FROM flights\"\nsplit =",
        1,
    );
    assert_eq!(messages(&text), ["`test_file` goes with `path`, not with `query`"]);
}

#[test]
fn every_rule_is_written_out_and_read_back() {
    for split in [
        r#"{ column = "part" }"#,
        r#"{ column = "part", train = ["a"], valid = 0.25, test = ["b"], unused = ["c"] }"#,
        r#"{ test_file = "b.csv", seed = 4 }"#,
        r#"{ test_file = "b.csv", valid_file = "c.csv" }"#,
        r#"{ time = "day", valid = 0.2, test = 0.1, gap = 3 }"#,
        r#"{ time = "day", valid_from = 2010, test_from = 2012, by = ["city"], hold_groups = true }"#,
    ] {
        let once = pipeline(&file(split)).with_defaults();
        assert_eq!(pipeline(&once).with_defaults(), once);
    }
}

#[test]
fn whole_groups_come_out_in_other_shares_than_were_declared_and_the_words_say_so() {
    let grouped = split(r#"{ by = ["city"] }"#);
    let out = grouped.came_out([706, 156, 138]);
    let words = "; as whole groups of `city` are drawn, 70.6 / 15.6 / 13.8 % of the rows came out";
    assert_eq!(out.as_deref(), Some(words));
    // Those that were declared need no words, and rows that are drawn one by one have no reason to differ.
    assert_eq!(grouped.came_out([700, 150, 150]), None);
    assert_eq!(split("{ train = 0.7, valid = 0.15, test = 0.15 }").came_out([706, 156, 138]), None);
    assert_eq!(grouped.came_out([0, 0, 0]), None);
}
