//! SQL of a stranger ends: in an error that says what it took and what it may take.

use crate::project::Project;

/// The small project with a query.
fn with(query: &str) -> Project {
    let project = Project::new();
    project.to_data(&format!("query = \"\"\"{query}\"\"\""));
    project.edit_pipeline("seed = 3", "seed = 3\nsql_steps = 2000000\nsql_memory = \"64 MiB\"");
    project
}

/// Runs it under a limit of memory, so that what is not bounded is found out and harms nobody.
#[track_caller]
fn ends(query: &str, needles: &[&str]) {
    let project = with(query);
    let run = project.command(&["plan"]);
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "ulimit -v 4000000; exec \"$0\" \"$@\""]).arg(run.get_program());
    let output = command.args(run.get_args()).current_dir(project.root()).env("NO_COLOR", "1");
    let output = output.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{query}\n{said}");
    for needle in needles {
        assert!(said.contains(needle), "{query}: {needle:?} is not in\n{said}");
    }
}

#[test]
fn a_query_without_an_end_is_stopped_by_its_steps() {
    for query in [
        "WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM t) SELECT max(x) AS m FROM t",
        "WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM t) SELECT x AS m FROM t",
        "WITH RECURSIVE t(x) AS (SELECT 1 UNION SELECT x+1 FROM t) SELECT x AS m FROM t ORDER BY 1",
        "SELECT count(*) AS n FROM rows a, rows b, rows c",
    ] {
        ends(query, &["may take 2,000,000", "sql_steps", "small.toml:"]);
    }
}

#[test]
fn a_long_text_ends_before_it_fills_the_memory() {
    for query in [
        "SELECT *, zeroblob(2000000000) AS z FROM rows",
        "SELECT *, printf('%.*c', 1000000000, 'x') AS z FROM rows",
        "SELECT *, length(replace(hex(zeroblob(400000)), '0', hex(zeroblob(400000)))) AS z FROM rows",
        "SELECT group_concat(hex(zeroblob(400000))) AS z FROM rows",
        "SELECT json_group_array(hex(zeroblob(400000))) AS z FROM rows",
    ] {
        ends(query, &["is longer than", "small.toml:"]);
    }
    ends(
        "WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM t) \
         SELECT x || hex(zeroblob(400000)) AS z FROM t",
        &["returns more than 64.0 MiB", "sql_memory"],
    );
}

#[test]
fn other_bombs_end_too() {
    let long = "(((((".repeat(400) + "a" + &")))))".repeat(400);
    ends(&format!("SELECT {long} AS z FROM rows"), &[]);
    let pattern = "%a".repeat(2000);
    ends(&format!("SELECT hex(zeroblob(400000)) LIKE '{pattern}' AS z FROM rows"), &["LIKE"]);
}

#[test]
fn a_budget_is_far_above_what_honest_queries_need() {
    let project = with(
        "SELECT r.*, avg(r.a) OVER (PARTITION BY r.unread ORDER BY r.id ROWS 9 PRECEDING) AS m \
         FROM rows r LEFT JOIN rows s USING (id)",
    );
    project.collegium(&["check"]).ok();
}

#[test]
fn check_does_not_wait_for_a_long_query_and_says_what_it_could_not_check() {
    let project =
        with("SELECT max(r.a + s.a + t.a + u.a) AS m FROM rows r, rows s, rows t, rows u");
    project.edit_pipeline("sql_steps = 2000000", "sql_steps = 900000000000");
    let said = project.collegium(&["check", "--json"]).ok();
    assert_eq!(said.json()["complete"], false);
    assert!(said.err.contains("was not run to its end"), "{}", said.err);
    assert!(said.err.contains("not checked"), "{}", said.err);
}
