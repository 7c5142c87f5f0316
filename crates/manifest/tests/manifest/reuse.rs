//! `reuse`, of the pipeline and of an expert.

use collegium_manifest::Reuse;

use crate::{GOOD, expert, messages, read, written, wrong, wrong_after_good};

/// [`GOOD`] under a `[pipeline]`, and an expert that reads its own.
fn text(pipeline: &str, arrival: &str) -> String {
    format!(
        "[pipeline]\n{pipeline}\n{GOOD}\n[expert.arrival]\ninputs = [\"departure.logit\"]\n\
         target = \"flights.arrives_late\"\n{arrival}\n"
    )
}

fn reuse(pipeline: &str, arrival: &str) -> Option<Reuse> {
    let text = text(pipeline, arrival);
    assert_eq!(messages(&text), [""; 0]);
    expert(&text, "arrival").reuse
}

fn figures(tolerance: f64, confidence: f64) -> Option<Reuse> {
    Some(Reuse { tolerance, confidence })
}

#[test]
fn reuse_is_off_unless_asked_for() {
    assert_eq!(reuse("", ""), None);
    assert_eq!(reuse("", "reuse = false"), None);
    assert_eq!(reuse("reuse = false", ""), None);
}

#[test]
fn reuse_is_true_or_a_table_of_which_each_key_has_a_default() {
    assert_eq!(reuse("", "reuse = true"), figures(0.02, 0.95));
    assert_eq!(reuse("", "reuse = {}"), figures(0.02, 0.95));
    assert_eq!(reuse("", "reuse = { tolerance = 0.1 }"), figures(0.1, 0.95));
    assert_eq!(reuse("", "reuse = { confidence = 0.5 }"), figures(0.02, 0.5));
    assert_eq!(reuse("", "[expert.arrival.reuse]\ntolerance = 0.1"), figures(0.1, 0.95));
    assert_eq!(reuse("", "reuse.tolerance = 0.1"), figures(0.1, 0.95));
    assert_eq!(reuse("[pipeline.reuse]\nconfidence = 0.9", ""), figures(0.02, 0.9));
}

#[test]
fn the_pipelines_reuse_holds_for_experts_that_say_nothing() {
    assert_eq!(reuse("reuse = true", ""), figures(0.02, 0.95));
    assert_eq!(reuse("reuse = { tolerance = 0.1 }", ""), figures(0.1, 0.95));
    let departure = expert(&text("reuse = true", ""), "departure");
    assert_eq!(departure.reuse, figures(0.02, 0.95), "also for those that read no expert");
}

#[test]
fn an_experts_table_is_put_over_the_pipelines_key_by_key() {
    let pipeline = "reuse = { tolerance = 0.1, confidence = 0.8 }";
    assert_eq!(reuse(pipeline, "reuse = { tolerance = 0.3 }"), figures(0.3, 0.8));
    assert_eq!(reuse("reuse = true", "reuse = { tolerance = 0.3 }"), figures(0.3, 0.95));
    assert_eq!(reuse("reuse = false", "reuse = { tolerance = 0.3 }"), figures(0.3, 0.95));
    assert_eq!(reuse(pipeline, "reuse = false"), None);
    assert_eq!(reuse(pipeline, "reuse = true"), figures(0.02, 0.95), "true means the defaults");
}

#[test]
fn reuse_is_inherited_key_by_key() {
    let text = format!(
        "{}[expert.b]\nextends = \"expert.arrival\"\nreuse = {{ confidence = 0.9 }}\n\
         [expert.c]\nextends = \"expert.b\"\n\
         [expert.d]\nextends = \"expert.b\"\nreuse = false\n\
         [expert.e]\nextends = \"expert.d\"\nreuse = {{ confidence = 0.7 }}\n\
         [expert.f]\nextends = \"expert.a\"\nreuse = {{ confidence = 0.6 }}\n\
         [expert.a]\nextends = \"expert.arrival\"\nreuse = true\n",
        text("reuse = { tolerance = 0.5 }", "reuse = { tolerance = 0.1 }")
    );
    let reuse = |name: &str| expert(&text, name).reuse;
    assert_eq!(reuse("b"), figures(0.1, 0.9));
    assert_eq!(reuse("c"), figures(0.1, 0.9));
    assert_eq!(reuse("d"), None, "false turns it off");
    assert_eq!(reuse("e"), figures(0.5, 0.7), "over false stands what the pipeline says");
    assert_eq!(reuse("f"), figures(0.02, 0.6), "over true stand the defaults");
}

#[test]
fn the_figures_of_reuse_have_ranges() {
    insta::assert_snapshot!(
        wrong_after_good("reuse = { tolerance = 0, confidence = 1 }\n"), @r"
    warning: `reuse` has no effect on `departure`
     --> pipelines/flights.toml:8:9
      |
    8 | reuse = { tolerance = 0, confidence = 1 }
      |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ it reads no expert

    error: `tolerance` must be above 0 and below 1, not 0
     --> pipelines/flights.toml:8:23
      |
    8 | reuse = { tolerance = 0, confidence = 1 }
      |                       ^ must be above 0 and below 1

    error: `confidence` must be from 0.5 to below 1, not 1
     --> pipelines/flights.toml:8:39
      |
    8 | reuse = { tolerance = 0, confidence = 1 }
      |                                       ^ must be from 0.5 to below 1
    "
    );
    insta::assert_snapshot!(
        wrong("[pipeline]\nreuse = { tolerance = inf, confidence = 0.4 }\n"), @r"
    error: `tolerance` must be above 0 and below 1, not inf
     --> pipelines/flights.toml:2:23
      |
    2 | reuse = { tolerance = inf, confidence = 0.4 }
      |                       ^^^ must be above 0 and below 1

    error: `confidence` must be from 0.5 to below 1, not 0.4
     --> pipelines/flights.toml:2:41
      |
    2 | reuse = { tolerance = inf, confidence = 0.4 }
      |                                         ^^^ must be from 0.5 to below 1
    "
    );
    for (tolerance, confidence) in
        [("1", "0.5"), ("nan", "0.95"), ("-0.1", "0.95"), ("0.02", "nan")]
    {
        let text =
            format!("{GOOD}reuse = {{ tolerance = {tolerance}, confidence = {confidence} }}\n");
        assert!(read(&text).is_err(), "{tolerance}, {confidence}");
    }
}

#[test]
fn reuse_of_another_type_is_refused_in_plain_words() {
    insta::assert_snapshot!(
        wrong_after_good("reuse = \"yes\"\n\n[pipeline]\nreuse = 0.02\n"), @r#"
    error: `reuse` must be `true`, `false` or a table such as `{ tolerance = 0.02, confidence = 0.95 }`, not the text "yes"
     --> pipelines/flights.toml:8:9
      |
    8 | reuse = "yes"
      |         ^^^^^ expected `true`, `false` or a table such as `{ tolerance = 0.02, confidence = 0.95 }`

    error: `reuse` must be `true`, `false` or a table such as `{ tolerance = 0.02, confidence = 0.95 }`, not 0.02
      --> pipelines/flights.toml:11:9
       |
    11 | reuse = 0.02
       |         ^^^^ expected `true`, `false` or a table such as `{ tolerance = 0.02, confidence = 0.95 }`
    "#
    );
    insta::assert_snapshot!(wrong_after_good("reuse = { tolerance = \"2 %\" }\n"), @r#"
    warning: `reuse` has no effect on `departure`
     --> pipelines/flights.toml:8:9
      |
    8 | reuse = { tolerance = "2 %" }
      |         ^^^^^^^^^^^^^^^^^^^^^ it reads no expert

    error: `tolerance` must be a number, not the text "2 %"
     --> pipelines/flights.toml:8:23
      |
    8 | reuse = { tolerance = "2 %" }
      |                       ^^^^^ expected a number
    "#);
}

#[test]
fn a_misspelt_key_of_reuse_names_the_right_one() {
    insta::assert_snapshot!(
        wrong_after_good("reuse = { tolerence = 0.1 }\n\n[pipeline]\nreuse = { certainty = 0.9 }\n"),
        @r"
    warning: `reuse` has no effect on `departure`
     --> pipelines/flights.toml:8:9
      |
    8 | reuse = { tolerence = 0.1 }
      |         ^^^^^^^^^^^^^^^^^^^ it reads no expert

    error: unknown key `tolerence` in `expert.departure.reuse`
     --> pipelines/flights.toml:8:11
      |
    8 | reuse = { tolerence = 0.1 }
      |           ^^^^^^^^^ unknown key
      |
      = help: did you mean `tolerance`?

    error: unknown key `certainty` in `pipeline.reuse`
      --> pipelines/flights.toml:11:11
       |
    11 | reuse = { certainty = 0.9 }
       |           ^^^^^^^^^ unknown key
       |
       = help: the known keys are `tolerance`, `confidence`
    "
    );
}

#[test]
fn reuse_without_an_expert_to_read_has_no_effect() {
    let loaded = read(&format!("{GOOD}reuse = true\n")).expect("a warning alone");
    insta::assert_snapshot!(loaded.warnings, @r"
    warning: `reuse` has no effect on `departure`
     --> pipelines/flights.toml:8:9
      |
    8 | reuse = true
      |         ^^^^ it reads no expert
    ");
    assert_eq!(messages(&format!("{GOOD}reuse = false\n")), [""; 0]);
    assert_eq!(messages(&format!("[pipeline]\nreuse = true\n{GOOD}")), [""; 0]);
    let inherited = format!(
        "{}[expert.b]\nextends = \"expert.arrival\"\ninputs = [\"flights.hour\"]\n",
        text("", "reuse = true")
    );
    assert_eq!(messages(&inherited), [""; 0], "what is inherited may be meant for others");
    assert_eq!(
        messages(&format!("{inherited}reuse = {{ tolerance = 0.1 }}\n")),
        ["`reuse` has no effect on `b`"],
        "but not what it says itself"
    );
    let cut = format!("{GOOD}reuse = true\n").replace("\"flights.distance\"", "7");
    assert_eq!(messages(&cut).len(), 1, "nothing is idle because of what was cut");
}

#[test]
fn reuse_is_written_out_with_both_figures_or_as_false() {
    let first = written(&text("", "reuse = { tolerance = 0.1 }"), "arrival");
    assert!(first.contains("\nreuse = { tolerance = 0.1, confidence = 0.95 }\n"), "{first}");
    let text_of = written(&text("reuse = true", "reuse = false"), "arrival");
    assert!(text_of.contains("\nreuse = false\n"), "{text_of}");
}
