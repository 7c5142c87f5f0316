//! `warm_start`.

use collegium_manifest::WarmStart;

use crate::{GOOD, expert, messages, read, written, wrong_after_good};

fn warm_start(keys: &str) -> Option<u32> {
    let text = format!("{GOOD}{keys}\n");
    assert_eq!(messages(&text), [""; 0]);
    expert(&text, "departure").warm_start.map(|warm| warm.cold_every)
}

#[test]
fn a_warm_start_is_off_unless_asked_for() {
    assert_eq!(warm_start(""), None);
    assert_eq!(warm_start("warm_start = false"), None);
}

#[test]
fn a_warm_start_is_true_or_says_after_how_many_a_fit_is_cold() {
    assert_eq!(warm_start("warm_start = true"), Some(10));
    assert_eq!(warm_start("warm_start = {}"), Some(10));
    assert_eq!(warm_start("warm_start = { cold_every = 1 }"), Some(1));
    assert_eq!(WarmStart::default().cold_every, 10);
}

#[test]
fn a_warm_start_is_inherited_and_can_be_turned_off() {
    let text = format!(
        "{GOOD}warm_start = {{ cold_every = 3 }}\n\
         [expert.b]\nextends = \"expert.departure\"\n\
         [expert.c]\nextends = \"expert.b\"\nwarm_start = {{}}\n\
         [expert.d]\nextends = \"expert.b\"\nwarm_start = true\n\
         [expert.e]\nextends = \"expert.b\"\nwarm_start = false\n"
    );
    let warm = |name: &str| expert(&text, name).warm_start.map(|warm| warm.cold_every);
    assert_eq!(warm("b"), Some(3));
    assert_eq!(warm("c"), Some(3), "tables merge");
    assert_eq!(warm("d"), Some(10), "true means the defaults");
    assert_eq!(warm("e"), None);
}

#[test]
fn a_wrong_warm_start_is_told_in_plain_words() {
    insta::assert_snapshot!(wrong_after_good("warm_start = { cold_every = 0 }\n"), @r"
    error: `cold_every` must be at least 1, not 0
     --> pipelines/flights.toml:8:29
      |
    8 | warm_start = { cold_every = 0 }
      |                             ^ must be at least 1
    ");
    insta::assert_snapshot!(wrong_after_good("warm_start = 10\n"), @r"
    error: `warm_start` must be `true`, `false` or a table such as `{ cold_every = 10 }`, not 10
     --> pipelines/flights.toml:8:14
      |
    8 | warm_start = 10
      |              ^^ expected `true`, `false` or a table such as `{ cold_every = 10 }`
    ");
    insta::assert_snapshot!(wrong_after_good("warm_start = { cold_evry = \"10\" }\n"), @r#"
    error: unknown key `cold_evry` in `expert.departure.warm_start`
     --> pipelines/flights.toml:8:16
      |
    8 | warm_start = { cold_evry = "10" }
      |                ^^^^^^^^^ unknown key
      |
      = help: did you mean `cold_every`?
    "#);
    insta::assert_snapshot!(wrong_after_good("warm_start = { cold_every = -1 }\n"), @r"
    error: `cold_every` must be a whole number from 0 to 4294967295, not -1
     --> pipelines/flights.toml:8:29
      |
    8 | warm_start = { cold_every = -1 }
      |                             ^^ expected a whole number from 0 to 4294967295
    ");
    let misspelt = wrong_after_good("warm_strat = true\n");
    assert!(misspelt.contains("did you mean `warm_start`?"), "{misspelt}");
}

#[test]
fn an_expert_that_is_never_trained_starts_neither_warm_nor_cold() {
    let loaded = read(&format!("{GOOD}warm_start = true\nfrozen = true\n")).expect("a warning");
    insta::assert_snapshot!(loaded.warnings, @r"
    warning: `warm_start` has no effect on `departure`
     --> pipelines/flights.toml:8:14
      |
    8 | warm_start = true
      |              ^^^^ `frozen` keeps it from being trained
    ");
    let idle = ["`warm_start` has no effect on `departure`"];
    assert_eq!(messages(&format!("{GOOD}warm_start = {{}}\npin = \"9f3ac1\"\n")), idle);
    assert_eq!(messages(&format!("{GOOD}warm_start = true\nsource = \"other.toml\"\n")), idle);
    assert_eq!(messages(&format!("{GOOD}warm_start = false\nfrozen = true\n")), [""; 0]);
    assert_eq!(messages(&format!("{GOOD}warm_start = true\nfrozen = false\n")), [""; 0]);
    let inherited = format!(
        "{GOOD}warm_start = true\n[expert.b]\nextends = \"expert.departure\"\nfrozen = true\n"
    );
    assert_eq!(messages(&inherited), [""; 0], "what is inherited may be meant for others");
}

#[test]
fn a_warm_start_is_written_out_with_its_figure_or_as_false() {
    let written = |keys: &str| written(&format!("{GOOD}{keys}\n"), "departure");
    assert!(written("warm_start = true").contains("\nwarm_start = { cold_every = 10 }\n"));
    assert!(written("").contains("\nwarm_start = false\n"));
}
