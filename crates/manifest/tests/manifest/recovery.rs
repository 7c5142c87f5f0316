//! All errors at once, and none because of another.

use crate::{GOOD, messages, wrong};
use proptest::prelude::*;

#[test]
fn errors_of_every_kind_are_told_at_once_in_the_order_of_the_text() {
    let text = r#"
[pipeline]
nam = "flights"
format = "one"

[data.flights]
path = "flights.csv"
split = { train = 0.9, valid = 0.2, test = 0.1 }
color = "red"

[expert.airborne]
inputs = ["flights.distance", 7]
target = "flights.air_time"
model = { type = "mlp", hiden = [32] }

[expert.departure]
input = ["flights.hour"]
target = "flights.departs_late"
train = { epochs = 0 }

[expert.arrival]
inputs = ["airborne.value", "depature.logit"]
target = "flights.arrives_late"

[evaluate]
baselines = ["linear", "magic"]
require = ["expert.arrival test auc > 0.7"]
"#;
    insta::assert_snapshot!(messages(text).join("\n"), @r#"
    unknown key `nam` in `pipeline`
    `format` must be a whole number from 0 to 4294967295, not the text "one"
    the shares of `split` sum to 1.2
    unknown key `color` in `data.flights`
    an entry of `inputs` must be a text, not 7
    unknown key `hiden` in `expert.airborne.model`
    unknown key `input` in `expert.departure`
    `epochs` must be at least 1, not 0
    there is no data source or expert `depature`
    an entry of `baselines` cannot be `magic`
    "#);
}

#[test]
fn a_syntax_error_is_shown_at_its_place() {
    insta::assert_snapshot!(wrong("[pipeline]\nname = flights\nseed = 1\n"), @r#"
    error: this is not TOML: invalid boolean, expected `false`
     --> pipelines/flights.toml:2:8
      |
    2 | name = flights
      |        ^^^^^^^
      |
      = help: texts are written in quotes: `"flights"`
    "#);
}

#[test]
fn all_syntax_errors_are_told_and_nothing_is_called_missing() {
    let text = "[data.a\npath = \"a.csv\"\n\n[expert.b]\ninputs = [\"a.x\"]\ntarget = = 3\ntrain = { epochs = 0 }\n";
    insta::assert_snapshot!(messages(text).join("\n"), @r"
    this is not TOML: unclosed table, expected `]`
    this is not TOML: extra `=`, expected nothing
    `epochs` must be at least 1, not 0
    ");
}

#[test]
fn a_key_given_twice_is_shown() {
    insta::assert_snapshot!(
        wrong(&format!("{GOOD}[data.flights]\npath = \"other.csv\"\n")), @r"
    error: `flights` is given twice
     --> pipelines/flights.toml:8:7
      |
    8 | [data.flights]
      |       ^^^^^^^ given a second time
    ");
}

#[test]
fn a_misspelt_section_does_not_make_every_reference_wrong() {
    let text = GOOD.replace("[data.flights]", "[dta.flights]");
    assert_eq!(messages(&text), ["unknown key `dta`"]);
}

#[test]
fn a_broken_expert_still_exists_for_those_that_read_it() {
    let text = format!(
        "{GOOD}[expert]\nairborne = 3\n[expert.b]\ninputs = [\"airborne.value\"]\ntarget = \"flights.x\"\n"
    );
    assert_eq!(messages(&text), ["`airborne` must be a table, not 3"]);
}

#[test]
fn a_misspelt_key_of_an_expert_is_the_only_error() {
    let text = GOOD.replace("inputs =", "inpust =");
    assert_eq!(messages(&text), ["unknown key `inpust` in `expert.departure`"]);
}

#[test]
fn a_section_of_the_wrong_type_is_one_error() {
    assert_eq!(
        messages("data = 3\nexpert = []\n"),
        ["`data` must be a table, not 3", "`expert` must be a table, not a list",]
    );
}

#[test]
fn what_was_cut_is_not_missed() {
    let text = "[data.a]\npath = 3\nsplit = { train = \"most\", valid = 0.2, test = 0.2 }\n\
                [expert.b]\ninputs = [7]\ntarget = \"a.y\"\n\
                [expert.c]\ninputs = [\"b.embedding\"]\ntarget = \"a.y\"\nupstream = \"in-smaple\"\n\
                [expert.d]\nextends = \"expert.e\"\n[expert.e]\nextends = 3\n";
    insta::assert_snapshot!(messages(text).join("\n"), @r#"
    `path` must be a text, not 3
    `train` must be a share such as `0.15`, or with `column` a list of its values, not the text "most"
    an entry of `inputs` must be a text, not 7
    `upstream` cannot be `in-smaple`
    `extends` must be a text, not 3
    "#);
}

#[test]
fn an_empty_file_is_an_empty_pipeline() {
    assert_eq!(messages("").len(), 1, "a warning that there is nothing to train");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_damage_to_a_file_makes_the_reader_panic_or_fall_silent(
        damage in prop::collection::vec((0_usize..4000, "[\\[\\]{}=\",.\\na-c0ü#]{0,3}", 0_usize..6), 1..6),
    ) {
        let mut text = crate::schema::FLIGHTS.to_owned();
        for (at, insert, cut) in damage {
            let floor = |mut at: usize| {
                at = at.min(text.len());
                while !text.is_char_boundary(at) {
                    at -= 1;
                }
                at
            };
            let range = floor(at)..floor(at + cut);
            text.replace_range(range, &insert);
        }
        if let Err(errors) = crate::read(&text) {
            prop_assert!(errors.has_errors());
            prop_assert!(!errors.render(true).is_empty());
            prop_assert!(errors.iter().all(|error| !error.message.is_empty()));
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,60}") {
        let _ = crate::read(&text);
    }
}
