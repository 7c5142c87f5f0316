//! Keys, types and numbers that a file cannot mean.

use crate::{wrong, wrong_after_good};

#[test]
fn an_unknown_key_names_the_nearest_known_one() {
    insta::assert_snapshot!(wrong_after_good("train = { learnig_rate = 0.1 }\n"), @"");
}

#[test]
fn an_unknown_key_far_from_all_lists_the_known_ones() {
    insta::assert_snapshot!(wrong("[pipeline]\nauthor = \"me\"\n"), @"");
}

#[test]
fn an_unknown_section_is_an_unknown_key() {
    insta::assert_snapshot!(wrong_after_good("[evaluation]\nbaselines = []\n"), @"");
}

#[test]
fn a_key_of_a_later_version_says_so() {
    insta::assert_snapshot!(
        wrong_after_good("reuse = { tolerance = 0.02 }\n\n[gate.by_hour]\nexperts = [\"departure\"]\n"),
        @""
    );
}

#[test]
fn a_wrong_type_is_named_in_plain_words() {
    insta::assert_snapshot!(
        wrong_after_good("train = { epochs = \"many\", batch = 2.5, patience = -1 }\n"),
        @""
    );
}

#[test]
fn a_wrong_entry_of_a_list_is_marked_alone() {
    insta::assert_snapshot!(wrong_after_good("model = { hidden = [32, \"16\", 8] }\n"), @"");
}

#[test]
fn an_unknown_choice_names_the_nearest_known_one() {
    insta::assert_snapshot!(
        wrong_after_good("model = { type = \"mpl\", activation = \"sigmoid\" }\nupstream = \"oof\"\n"),
        @""
    );
}

#[test]
fn class_weights_are_a_rule_or_a_table_of_positive_numbers() {
    insta::assert_snapshot!(wrong_after_good("train = { class_weights = \"balance\" }\n"), @"");
    insta::assert_snapshot!(
        wrong_after_good("train = { class_weights = { yes = 0, no = 1 } }\n"),
        @""
    );
}

#[test]
fn numbers_out_of_range_are_refused_as_they_are_written() {
    insta::assert_snapshot!(
        wrong_after_good(
            "folds = 1\nmodel = { hidden = [0], dropout = 1 }\n\
             train = { epochs = 0, batch = 0, learning_rate = nan, weight_decay = -inf }\n"
        ),
        @""
    );
}

#[test]
fn a_split_must_sum_to_one_and_train_on_something() {
    insta::assert_snapshot!(wrong("[data.a]\npath = \"a.csv\"\nsplit = { train = 0.8 }\n"), @"");
    insta::assert_snapshot!(
        wrong("[data.a]\npath = \"a.csv\"\nsplit = { train = 0, valid = 0.5, test = 0.5 }\n"),
        @""
    );
}

#[test]
fn another_format_is_refused() {
    insta::assert_snapshot!(wrong("[pipeline]\nformat = 2\n"), @"");
}

#[test]
fn audit_needs_rows_and_resamples() {
    insta::assert_snapshot!(wrong("[audit]\nrows = 0\nbootstrap = 1\n"), @"");
}
