//! `pipeline.memory_limit`.

use crate::{GOOD, pipeline, wrong};

fn with(limit: &str) -> String {
    format!("[pipeline]\nmemory_limit = {limit}\n{}", GOOD)
}

#[test]
fn a_memory_limit_is_a_size_or_a_number_of_bytes() {
    for (written, bytes) in [
        ("\"2 GiB\"", 2 << 30),
        ("\"2GiB\"", 2 << 30),
        ("\"1.5 GB\"", 1_500_000_000),
        ("\"1 TiB\"", 1 << 40),
        ("\"0.5 TB\"", 500_000_000_000),
        ("\"512 MiB\"", 512 << 20),
        ("\"512 MB\"", 512_000_000),
        ("\"1024 KiB\"", 1 << 20),
        ("\"2000 KB\"", 2_000_000),
        ("\"1048576 B\"", 1 << 20),
        ("1_048_576", 1 << 20),
        ("3000000", 3_000_000),
    ] {
        assert_eq!(pipeline(&with(written)).memory_limit, Some(bytes), "{written}");
    }
    assert_eq!(pipeline(GOOD).memory_limit, None, "there is none by default");
}

#[test]
fn a_memory_limit_is_written_out_only_when_there_is_one() {
    let line = |limit: &str| {
        let written = pipeline(&with(limit)).with_defaults();
        written.lines().find(|line| line.starts_with("memory_limit")).map(str::to_owned)
    };
    assert_eq!(line("\"2048 MiB\"").as_deref(), Some("memory_limit = \"2 GiB\""));
    assert_eq!(line("3000001").as_deref(), Some("memory_limit = \"3000001 B\""));
    assert!(!pipeline(GOOD).with_defaults().contains("memory_limit"));
}

#[test]
fn a_wrong_unit_is_marked_and_the_right_one_named() {
    insta::assert_snapshot!(wrong("[pipeline]\nmemory_limit = \"2 gib\"\n"), @r#"
    error: there is no unit `gib`
     --> pipelines/flights.toml:2:19
      |
    2 | memory_limit = "2 gib"
      |                   ^^^ unknown unit
      |
      = help: did you mean `2 GiB`?
    "#);
    insta::assert_snapshot!(wrong("[pipeline]\nmemory_limit = \"1.5G\"\n"), @r#"
    error: there is no unit `G`
     --> pipelines/flights.toml:2:20
      |
    2 | memory_limit = "1.5G"
      |                    ^ unknown unit
      |
      = help: did you mean `1.5 GiB`?
    "#);
    insta::assert_snapshot!(wrong("[pipeline]\nmemory_limit = \"2 quarts\"\n"), @r#"
    error: there is no unit `quarts`
     --> pipelines/flights.toml:2:19
      |
    2 | memory_limit = "2 quarts"
      |                   ^^^^^^ unknown unit
      |
      = help: units are `B`, `KB`, `KiB`, `MB`, `MiB`, `GB`, `GiB`, `TB`, `TiB`: write for example `memory_limit = "2 GiB"`
    "#);
}

#[test]
fn a_text_without_number_or_unit_is_no_size() {
    insta::assert_snapshot!(wrong("[pipeline]\nmemory_limit = \"lots\"\n"), @r#"
    error: `memory_limit` must be a size, not `lots`
     --> pipelines/flights.toml:2:16
      |
    2 | memory_limit = "lots"
      |                ^^^^^^ expected a number and a unit
      |
      = help: write for example `memory_limit = "2 GiB"`
    "#);
    insta::assert_snapshot!(wrong("[pipeline]\nmemory_limit = \"-2 GiB\"\n"), @r#"
    error: `memory_limit` must be a size, not `-2 GiB`
     --> pipelines/flights.toml:2:16
      |
    2 | memory_limit = "-2 GiB"
      |                ^^^^^^^^ expected a number and a unit
      |
      = help: write for example `memory_limit = "2 GiB"`
    "#);
    insta::assert_snapshot!(wrong("[pipeline]\nmemory_limit = \"\"\n"), @r#"
    error: `memory_limit` is empty
     --> pipelines/flights.toml:2:16
      |
    2 | memory_limit = ""
      |                ^^ empty
      |
      = help: write for example `memory_limit = "2 GiB"`
    "#);
    insta::assert_snapshot!(wrong("[pipeline]\nmemory_limit = \"2\"\n"), @r#"
    error: the size `2` has no unit
     --> pipelines/flights.toml:2:16
      |
    2 | memory_limit = "2"
      |                ^^^ expected a number and a unit
      |
      = help: write for example `memory_limit = "2 GiB"`; a number of bytes is written without quotes, `memory_limit = 2147483648`
    "#);
}

#[test]
fn a_memory_limit_lets_a_fit_have_a_mebibyte() {
    insta::assert_snapshot!(wrong("[pipeline]\nmemory_limit = 4096\n"), @r#"
    error: `memory_limit` must be at least 1 MiB, not 4096
     --> pipelines/flights.toml:2:16
      |
    2 | memory_limit = 4096
      |                ^^^^ must be at least 1 MiB
      |
      = help: a number alone counts bytes: write for example `memory_limit = "2 GiB"`
    "#);
    insta::assert_snapshot!(wrong("[pipeline]\nmemory_limit = \"512 KiB\"\n"), @r#"
    error: `memory_limit` must be at least 1 MiB, not "512 KiB"
     --> pipelines/flights.toml:2:16
      |
    2 | memory_limit = "512 KiB"
      |                ^^^^^^^^^ must be at least 1 MiB
      |
      = help: write for example `memory_limit = "2 GiB"`
    "#);
}

#[test]
fn a_memory_limit_can_be_counted() {
    insta::assert_snapshot!(wrong("[pipeline]\nmemory_limit = \"16777216 TiB\"\n"), @r#"
    error: `16777216 TiB` are more bytes than can be counted
     --> pipelines/flights.toml:2:16
      |
    2 | memory_limit = "16777216 TiB"
      |                ^^^^^^^^^^^^^^ must be below 16777216 TiB
      |
      = help: leave it away for the default, or write for example `memory_limit = "2 GiB"`
    "#);
    insta::assert_snapshot!(wrong("[pipeline]\nmemory_limit = 99999999999999999999999999\n"), @r#"
    error: `memory_limit` must be a size such as `"2 GiB"` or a whole number of bytes, not 99999999999999999999999999
     --> pipelines/flights.toml:2:16
      |
    2 | memory_limit = 99999999999999999999999999
      |                ^^^^^^^^^^^^^^^^^^^^^^^^^^ expected a size such as `"2 GiB"` or a whole number of bytes
    "#);
}

#[test]
fn a_memory_limit_of_another_type_is_refused_in_plain_words() {
    insta::assert_snapshot!(wrong("[pipeline]\nmemory_limit = 2.5\n"), @r#"
    error: `memory_limit` must be a size such as `"2 GiB"` or a whole number of bytes, not 2.5
     --> pipelines/flights.toml:2:16
      |
    2 | memory_limit = 2.5
      |                ^^^ expected a size such as `"2 GiB"` or a whole number of bytes
    "#);
    insta::assert_snapshot!(wrong("[pipeline]\nmemory_limit = -1\n"), @r#"
    error: `memory_limit` must be a size such as `"2 GiB"` or a whole number of bytes, not -1
     --> pipelines/flights.toml:2:16
      |
    2 | memory_limit = -1
      |                ^^ expected a size such as `"2 GiB"` or a whole number of bytes
    "#);
    insta::assert_snapshot!(wrong("[pipeline]\nmemory_limit = [2]\n"), @r#"
    error: `memory_limit` must be a size such as `"2 GiB"` or a whole number of bytes, not a list
     --> pipelines/flights.toml:2:16
      |
    2 | memory_limit = [2]
      |                ^^^ expected a size such as `"2 GiB"` or a whole number of bytes
    "#);
}

#[test]
fn a_misspelt_memory_limit_names_the_key() {
    let said = wrong("[pipeline]\nmemory_limits = \"2 GiB\"\n");
    assert!(said.contains("did you mean `memory_limit`?"), "{said}");
}

#[test]
fn what_a_file_may_hold_is_a_size_too() {
    let with = |limit: &str| GOOD.replace("path =", &format!("unpacked_limit = {limit}\npath ="));
    let limit = |limit: &str| pipeline(&with(limit)).data["flights"].unpacked_limit;
    assert_eq!(limit("\"20 GiB\""), Some(20 << 30));
    assert_eq!(limit("3000000"), Some(3_000_000));
    assert_eq!(pipeline(GOOD).data["flights"].unpacked_limit, None, "its size decides by default");
    let written = pipeline(&with("\"2048 MiB\"")).with_defaults();
    assert!(written.contains("\nunpacked_limit = \"2 GiB\"\n"), "{written}");
    insta::assert_snapshot!(wrong(&with("\"20 G\"")), @r#"
    error: there is no unit `G`
     --> pipelines/flights.toml:3:22
      |
    3 | unpacked_limit = "20 G"
      |                      ^ unknown unit
      |
      = help: did you mean `20 GiB`?
    "#);
}
