//! References, and nodes that do not fit together.

use crate::{GOOD, messages, wrong, wrong_after_good};

#[test]
fn an_unknown_node_names_the_nearest_known_one() {
    insta::assert_snapshot!(
        wrong_after_good("[expert.b]\ninputs = [\"fligths.hour\"]\ntarget = \"flights.x\"\n"),
        @""
    );
}

#[test]
fn an_unknown_node_far_from_all_lists_the_known_ones() {
    insta::assert_snapshot!(
        wrong_after_good("[expert.b]\ninputs = [\"weather.wind\"]\ntarget = \"flights.x\"\n"),
        @""
    );
}

#[test]
fn a_reference_needs_a_node_and_a_part() {
    insta::assert_snapshot!(
        wrong_after_good(
            "[expert.b]\ninputs = [\"hour\", \"departure\", \"flights.\"]\ntarget = \"flights.x\"\n"
        ),
        @""
    );
}

#[test]
fn a_prefix_in_a_reference_is_taken_away() {
    insta::assert_snapshot!(
        wrong_after_good(
            "[expert.b]\ninputs = [\"expert.departure.logit\"]\ntarget = \"flights.x\"\n"
        ),
        @""
    );
}

#[test]
fn an_unknown_output_names_the_nearest_known_one() {
    insta::assert_snapshot!(
        wrong_after_good("[expert.b]\ninputs = [\"departure.logits\"]\ntarget = \"flights.x\"\n"),
        @""
    );
}

#[test]
fn an_output_must_be_one_that_the_task_has() {
    insta::assert_snapshot!(
        wrong_after_good(
            "task = \"classification\"\n\n[expert.b]\ninputs = [\"departure.value\"]\ntarget = \"flights.x\"\n"
        ),
        @""
    );
}

#[test]
fn one_expert_reads_one_data_source() {
    insta::assert_snapshot!(
        wrong_after_good(
            "[data.planes]\npath = \"planes.csv\"\n\n[expert.b]\n\
             inputs = [\"planes.seats\", \"departure.logit\"]\ntarget = \"planes.age\"\n"
        ),
        @""
    );
}

#[test]
fn an_expert_needs_inputs_and_a_target() {
    insta::assert_snapshot!(
        wrong_after_good("[expert.b]\n\n[expert.c]\ninputs = []\ntarget = \"departure.logit\"\n"),
        @""
    );
}

#[test]
fn an_input_is_given_once() {
    insta::assert_snapshot!(
        wrong_after_good(
            "[expert.b]\ninputs = [\"flights.hour\", \"flights.day\", \"flights.hour\"]\ntarget = \"flights.x\"\n"
        ),
        @""
    );
}

#[test]
fn a_target_among_the_inputs_is_a_leak() {
    insta::assert_snapshot!(
        wrong_after_good(
            "[expert.b]\ninputs = [\"flights.hour\", \"flights.x\"]\ntarget = \"flights.x\"\n"
        ),
        @""
    );
}

#[test]
fn a_circle_of_experts_is_shown_with_its_way() {
    insta::assert_snapshot!(
        wrong_after_good(
            "[expert.a]\ninputs = [\"c.logit\"]\ntarget = \"flights.x\"\n\
             [expert.b]\ninputs = [\"a.logit\", \"flights.hour\"]\ntarget = \"flights.x\"\n\
             [expert.c]\ninputs = [\"b.logit\"]\ntarget = \"flights.x\"\n"
        ),
        @""
    );
}

#[test]
fn an_expert_cannot_read_itself() {
    insta::assert_snapshot!(
        wrong_after_good("[expert.a]\ninputs = [\"a.logit\"]\ntarget = \"flights.x\"\n"),
        @""
    );
}

#[test]
fn an_embedding_is_read_in_sample_or_not_at_all() {
    insta::assert_snapshot!(
        wrong_after_good("[expert.a]\ninputs = [\"departure.embedding\"]\ntarget = \"flights.x\"\n"),
        @""
    );
    let held_out = format!(
        "{GOOD}[expert.a]\ninputs = [\"departure.embedding\"]\ntarget = \"flights.x\"\nupstream = \"held-out\"\n"
    );
    assert_eq!(
        messages(&held_out),
        ["an embedding cannot be read held-out"]
    );
    let in_sample = held_out.replace("held-out", "in-sample");
    assert_eq!(messages(&in_sample), [""; 0]);
}

#[test]
fn a_linear_model_has_no_embedding() {
    let text = format!(
        "{GOOD}model = {{ hidden = [] }}\n[expert.a]\ninputs = [\"departure.embedding\"]\n\
         target = \"flights.x\"\nupstream = \"in-sample\"\n"
    );
    assert_eq!(messages(&text), ["`departure` has no embedding"]);
}

#[test]
fn names_can_be_spelled_and_are_not_shared() {
    insta::assert_snapshot!(
        wrong_after_good(
            "[expert.flights]\ninputs = [\"flights.hour\"]\ntarget = \"flights.x\"\n\
             [expert.\"a b\"]\ninputs = [\"flights.hour\"]\ntarget = \"flights.x\"\n"
        ),
        @""
    );
}

#[test]
fn a_data_source_has_one_file_or_a_query() {
    insta::assert_snapshot!(
        wrong(
            "[data.a]\n[data.b]\npath = \"b.csv\"\ntables = { b = \"b.csv\" }\n\
             [data.c]\ntables = { x = \"x.csv\", y = \"y.csv\" }\n\
             [data.d]\npath = \"d/***.csv\"\nquery = \" \"\n"
        ),
        @""
    );
}

#[test]
fn a_requirement_has_a_grammar() {
    insta::assert_snapshot!(
        wrong_after_good("[evaluate]\nrequire = [\"departure is good\", \"auc >= 0.7\"]\n"),
        @""
    );
}

#[test]
fn every_word_of_a_requirement_is_checked() {
    insta::assert_snapshot!(
        wrong_after_good(
            "[evaluate]\nrequire = [\n  \"expert.depature tset acu >= high\",\n  \"departure test auc => 0.7\",\n  \"departure test auc >= 0.7\",\n]\n"
        ),
        @""
    );
}

#[test]
fn a_metric_must_be_one_of_the_task() {
    insta::assert_snapshot!(
        wrong_after_good(
            "task = \"regression\"\n[evaluate]\nrequire = [\"expert.departure test auc >= 0.7\"]\n"
        ),
        @""
    );
}

#[test]
fn a_baseline_is_listed_once() {
    let text = format!("{GOOD}[evaluate]\nbaselines = [\"linear\", \"linear\"]\n");
    assert_eq!(messages(&text), ["a baseline is listed twice"]);
}

#[test]
fn what_is_idle_is_a_warning_and_no_error() {
    let text = format!("{GOOD}folds = 3\n\n[data.spare]\npath = \"x.csv\"\n");
    assert_eq!(
        messages(&text),
        [
            "`folds` has no effect on `departure`",
            "no expert reads the data source `spare`"
        ]
    );
    assert_eq!(
        messages("[pipeline]\nname = \"empty\"\n"),
        ["the pipeline has no experts: there is nothing to train"]
    );
}
