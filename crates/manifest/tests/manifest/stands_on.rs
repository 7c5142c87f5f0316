//! `frozen`, `pin`, `source` and `expert`.

use collegium_manifest::StandsOn;

use crate::{GOOD, expert, messages, pipeline, read, written, wrong_after_good};

const DIGEST: &str = "9f3ac10000000000000000000000000000000000000000000000000000abcdef";

fn stands_on(keys: &str) -> StandsOn {
    let text = format!("{GOOD}{keys}\n");
    assert_eq!(messages(&text), [""; 0]);
    expert(&text, "departure").stands_on
}

#[test]
fn an_expert_stands_on_its_recipe_unless_told() {
    assert_eq!(stands_on(""), StandsOn::Recipe);
    assert_eq!(stands_on("frozen = false"), StandsOn::Recipe);
}

#[test]
fn an_expert_can_be_frozen() {
    assert!(matches!(stands_on("frozen = true"), StandsOn::Frozen(frozen) if *frozen.get_ref()));
}

#[test]
fn a_pin_is_the_beginning_of_a_digest() {
    for pin in ["9f3ac1", "000000", DIGEST] {
        let StandsOn::Pin(found) = stands_on(&format!("pin = \"{pin}\"")) else {
            panic!("`{pin}` is a pin")
        };
        assert_eq!(found.get_ref(), pin);
    }
}

#[test]
fn a_source_is_another_pipelines_expert_of_the_same_name_unless_told() {
    for (keys, file, name) in [
        ("source = \"other.toml\"", "other.toml", "departure"),
        ("source = \"../a/other.toml\"\nexpert = \"late\"", "../a/other.toml", "late"),
        ("source = \"other.toml\"\nexpert = \"expert.late\"", "other.toml", "late"),
        ("source = \"/srv/flights.toml\"\nfrozen = false", "/srv/flights.toml", "departure"),
        ("source = \"old/flights.toml\"", "old/flights.toml", "departure"),
    ] {
        let StandsOn::Source { pipeline, expert } = stands_on(keys) else {
            panic!("`{keys}` is a source")
        };
        assert_eq!((&**pipeline.get_ref(), &**expert.get_ref()), (file, name));
    }
}

#[test]
fn the_places_of_a_pin_and_a_source_are_known() {
    let place = |keys: &str| {
        let pipeline = pipeline(&format!("{GOOD}{keys}\n"));
        let text = |span: std::ops::Range<usize>| pipeline.source.text[span].to_owned();
        match &pipeline.experts["departure"].stands_on {
            StandsOn::Recipe => Vec::new(),
            StandsOn::Frozen(frozen) => vec![text(frozen.span())],
            StandsOn::Pin(pin) => vec![text(pin.span())],
            StandsOn::Source { pipeline, expert } => {
                vec![text(pipeline.span()), text(expert.span())]
            }
        }
    };
    assert_eq!(place("frozen = true"), ["true"]);
    assert_eq!(place("pin = \"9f3ac1\""), ["\"9f3ac1\""]);
    assert_eq!(place("source = \"o.toml\"\nexpert = \"x\""), ["\"o.toml\"", "\"x\""]);
    assert_eq!(place("source = \"o.toml\""), ["\"o.toml\"", "\"o.toml\""], "where nothing is said");
}

#[test]
fn what_an_expert_stands_on_is_not_inherited() {
    for keys in ["frozen = true", "pin = \"9f3ac1\"", "source = \"o.toml\"\nexpert = \"x\""] {
        let text = format!(
            "{GOOD}{keys}\n[expert.b]\nextends = \"expert.departure\"\n\
             [expert.c]\nextends = \"expert.departure\"\npin = \"abcdef\"\n"
        );
        assert_eq!(messages(&text), [""; 0], "{keys}");
        assert_eq!(expert(&text, "b").stands_on, StandsOn::Recipe, "{keys}");
        assert!(matches!(expert(&text, "c").stands_on, StandsOn::Pin(_)), "{keys}");
    }
}

#[test]
fn an_expert_stands_on_one_model() {
    insta::assert_snapshot!(wrong_after_good("frozen = true\npin = \"9f3ac1\"\n"), @r#"
    error: `departure` cannot have `frozen` and `pin` at once
     --> pipelines/flights.toml:8:10
      |
    8 | frozen = true
      |          ^^^^ the model that the lock has
    9 | pin = "9f3ac1"
      |       -------- the model of this digest
      |
      = help: an expert stands on one model: keep one of them
    "#);
    insta::assert_snapshot!(
        wrong_after_good("source = \"other.toml\"\npin = \"9f3ac1\"\nfrozen = true\n"), @r#"
    error: `departure` cannot have `frozen` and `pin` and `source` at once
      --> pipelines/flights.toml:10:10
       |
     8 | source = "other.toml"
       |          ------------ the model of another pipeline
     9 | pin = "9f3ac1"
       |       -------- the model of this digest
    10 | frozen = true
       |          ^^^^ the model that the lock has
       |
       = help: an expert stands on one model: keep one of them
    "#
    );
    let two = format!("{GOOD}frozen = true\nsource = \"o.toml\"\n");
    assert_eq!(messages(&two), ["`departure` cannot have `frozen` and `source` at once"]);
}

#[test]
fn an_expert_of_no_pipeline_is_an_error() {
    insta::assert_snapshot!(wrong_after_good("expert = \"late\"\n"), @r#"
    error: `departure` has `expert` and no `source`
     --> pipelines/flights.toml:8:10
      |
    8 | expert = "late"
      |          ^^^^^^ an expert of which pipeline?
      |
      = help: add `source = "other.toml"`, the file of the pipeline that has it
    "#);
    let frozen = format!("{GOOD}frozen = true\nexpert = \"late\"\n");
    assert_eq!(messages(&frozen), ["`departure` has `expert` and no `source`"]);
}

#[test]
fn a_pin_that_can_be_no_digest_is_refused() {
    insta::assert_snapshot!(wrong_after_good("pin = \"9f3ac\"\n"), @r#"
    error: `pin` must have from 6 to 64 digits, not 5
     --> pipelines/flights.toml:8:7
      |
    8 | pin = "9f3ac"
      |       ^^^^^^^ must have from 6 to 64 digits
      |
      = help: a pin is the beginning of a model's digest, for example `pin = "9f3ac1"`; the lock has it as an expert's `realisation`
    "#);
    insta::assert_snapshot!(wrong_after_good(&format!("pin = \"{DIGEST}0\"\n")), @r#"
    error: `pin` must have from 6 to 64 digits, not 65
     --> pipelines/flights.toml:8:7
      |
    8 | pin = "9f3ac10000000000000000000000000000000000000000000000000000abcdef0"
      |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ must have from 6 to 64 digits
      |
      = help: a pin is the beginning of a model's digest, for example `pin = "9f3ac1"`; the lock has it as an expert's `realisation`
    "#);
    insta::assert_snapshot!(wrong_after_good("pin = \"9F3AC1\"\n"), @r#"
    error: digests are written in lower case
     --> pipelines/flights.toml:8:7
      |
    8 | pin = "9F3AC1"
      |       ^^^^^^^^ has letters in upper case
      |
      = help: did you mean `9f3ac1`?
    "#);
    insta::assert_snapshot!(wrong_after_good("pin = \"9f3axyz1\"\n"), @r#"
    error: `9f3axyz1` is not the beginning of a digest
     --> pipelines/flights.toml:8:12
      |
    8 | pin = "9f3axyz1"
      |            ^ expected digits from `0` to `9` and from `a` to `f`
      |
      = help: a pin is the beginning of a model's digest, for example `pin = "9f3ac1"`; the lock has it as an expert's `realisation`
    "#);
    insta::assert_snapshot!(wrong_after_good("pin = \"\"\n"), @r#"
    error: `pin` must have from 6 to 64 digits, not 0
     --> pipelines/flights.toml:8:7
      |
    8 | pin = ""
      |       ^^ must have from 6 to 64 digits
      |
      = help: a pin is the beginning of a model's digest, for example `pin = "9f3ac1"`; the lock has it as an expert's `realisation`
    "#);
}

#[test]
fn a_source_is_a_file_and_another_one() {
    insta::assert_snapshot!(wrong_after_good("source = \" \"\n"), @r#"
    error: `source` is empty
     --> pipelines/flights.toml:8:10
      |
    8 | source = " "
      |          ^^^ empty
    "#);
    insta::assert_snapshot!(wrong_after_good("source = \"../pipelines/./flights.toml\"\n"), @r#"
    error: `../pipelines/./flights.toml` is this file
     --> pipelines/flights.toml:8:10
      |
    8 | source = "../pipelines/./flights.toml"
      |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ expected another pipeline's file
      |
      = help: `frozen = true` keeps the model that this pipeline has; to read an expert of this file, name its output in `inputs`
    "#);
    let here = std::path::absolute("pipelines/flights.toml").expect("a path");
    for own in ["flights.toml", "./flights.toml", "old/../flights.toml", &here.to_string_lossy()] {
        let text = format!("{GOOD}source = \"{own}\"\nexpert = \"arrival\"\n");
        assert_eq!(messages(&text), [format!("`{own}` is this file")]);
    }
}

#[test]
fn the_other_experts_name_can_be_spelled() {
    insta::assert_snapshot!(
        wrong_after_good("source = \"other.toml\"\nexpert = \"expert.a.logit\"\n"), @r#"
    error: `expert.a.logit` cannot be the name of an expert
     --> pipelines/flights.toml:9:10
      |
    9 | expert = "expert.a.logit"
      |          ^^^^^^^^^^^^^^^^ names are made of letters, digits, `_` and `-`
    "#
    );
    for name in ["", "expert.", "a b"] {
        let text = format!("{GOOD}source = \"other.toml\"\nexpert = \"{name}\"\n");
        assert_eq!(messages(&text), [format!("`{name}` cannot be the name of an expert")]);
    }
}

#[test]
fn values_of_another_type_are_refused_in_plain_words() {
    insta::assert_snapshot!(
        wrong_after_good("frozen = \"yes\"\npin = 123456\nsource = true\nexpert = [\"a\"]\n"), @r#"
    error: `frozen` must be `true` or `false`, not the text "yes"
     --> pipelines/flights.toml:8:10
      |
    8 | frozen = "yes"
      |          ^^^^^ expected `true` or `false`

    error: `pin` must be a text, not 123456
     --> pipelines/flights.toml:9:7
      |
    9 | pin = 123456
      |       ^^^^^^ expected a text

    error: `source` must be a text, not true
      --> pipelines/flights.toml:10:10
       |
    10 | source = true
       |          ^^^^ expected a text

    error: `expert` must be a text, not a list
      --> pipelines/flights.toml:11:10
       |
    11 | expert = ["a"]
       |          ^^^^^ expected a text
    "#
    );
}

#[test]
fn a_misspelt_key_names_the_right_one() {
    for (wrong, right) in
        [("froze", "frozen"), ("pinn", "pin"), ("sorce", "source"), ("exprt", "expert")]
    {
        let said = wrong_after_good(&format!("{wrong} = 3\n"));
        assert!(said.contains(&format!("unknown key `{wrong}` in `expert.departure`")), "{said}");
        assert!(said.contains(&format!("did you mean `{right}`?")), "{said}");
    }
}

#[test]
fn a_key_that_was_cut_is_not_missed() {
    for cut in ["source = 3", "sorce = \"other.toml\"", "source = other.toml"] {
        let text = format!("{GOOD}expert = \"late\"\n{cut}\n");
        assert_eq!(messages(&text).len(), 1, "{cut}: {:?}", messages(&text));
    }
    let text = format!("{GOOD}frozen = \"yes\"\npin = \"9f3ac1\"\n");
    assert_eq!(messages(&text).len(), 1, "and stands in no conflict");
}

#[test]
fn an_expert_with_a_source_still_declares_what_it_reads() {
    let text = format!("{GOOD}[expert.b]\nsource = \"other.toml\"\n");
    assert_eq!(messages(&text), ["`b` has no target", "`b` has no inputs"]);
}

#[test]
fn reuse_of_an_expert_that_is_never_trained_has_no_effect() {
    let text = format!(
        "{GOOD}[expert.b]\ninputs = [\"departure.logit\"]\ntarget = \"flights.x\"\n\
         reuse = true\npin = \"9f3ac1\"\n"
    );
    let loaded = read(&text).expect("a warning alone");
    insta::assert_snapshot!(loaded.warnings, @r"
    warning: `reuse` has no effect on `b`
      --> pipelines/flights.toml:11:9
       |
    11 | reuse = true
       |         ^^^^ `pin` keeps it from being trained
    ");
}

#[test]
fn what_an_expert_stands_on_is_written_out_when_it_is_not_its_recipe() {
    let last = |keys: &str| {
        let written = written(&format!("{GOOD}{keys}\n"), "departure");
        written.split_once("warm_start = false\n").expect("the key before").1.to_owned()
    };
    assert_eq!(last("frozen = false"), "");
    assert_eq!(last("frozen = true"), "frozen = true\n");
    assert_eq!(last("pin = \"9f3ac1\""), "pin = \"9f3ac1\"\n");
    assert_eq!(last("source = \"o.toml\""), "source = \"o.toml\"\nexpert = \"departure\"\n");
}
