//! A bad pipeline file, or bad SQL in it: exit code 3, the place under a caret, the nearest known
//! name, and a store and a lock as they were.

use crate::project::Project;

// The pipeline file.

#[test]
fn every_unknown_key_is_named_with_its_place_and_the_nearest_known_one() {
    let project = Project::ready();
    project.edit_pipeline("hidden = [8]", "hiden = [8]");
    project.edit_pipeline("learning_rate", "learning_rte");
    project.edit_pipeline("kind.logit", "kimd.logit");
    project.edit_pipeline("[audit]\nrows", "[audit]\nrowz");
    project.refuses(
        3,
        &[
            "unknown key `hiden`",
            "small.toml:12:26",
            "did you mean `hidden`?",
            "unknown key `learning_rte`",
            "small.toml:13:36",
            "did you mean `learning_rate`?",
            "there is no data source or expert `kimd`",
            "did you mean `kind`?",
            "did you mean `rows`?",
            "4 errors; nothing was run and nothing was changed",
        ],
    );
}

#[test]
fn every_unknown_column_is_named_with_its_place() {
    let project = Project::ready();
    project.edit_pipeline("\"rows.a\"", "\"rows.aa\"");
    project.edit_pipeline("target = \"rows.final\"", "target = \"rows.finale\"");
    project.refuses(
        3,
        &[
            "no column `aa`",
            "small.toml:10:11",
            "did you mean `rows.a`?",
            "no column `finale`",
            "2 errors",
        ],
    );
}

#[test]
fn an_output_that_an_expert_does_not_have_is_refused() {
    let project = Project::ready();
    project.edit_pipeline("size.value", "size.logit");
    project.refuses(3, &["`size`", "`logit`", "small.toml:22:11", "`size.value`"]);
}

#[test]
fn a_circle_of_experts_is_refused_and_shown() {
    let project = Project::ready();
    project.edit_pipeline("[\"rows.a\"", "[\"final.logit\"");
    project.refuses(3, &["`size` → `final` → `size`", "small.toml:22", "^"]);
}

#[test]
fn an_expert_that_reads_itself_is_refused() {
    let project = Project::ready();
    project.edit_pipeline("[\"rows.a\"", "[\"size.value\"");
    project.refuses(3, &["`size` reads its own output", "small.toml:10:12"]);
}

#[test]
fn text_that_is_no_toml_is_refused_with_its_place() {
    let project = Project::ready();
    project.edit_pipeline("seed = 3", "seed = = 3");
    project.refuses(3, &["this is not TOML", "small.toml:3:8", "^"]);
}

#[test]
fn values_of_the_wrong_type_or_range_are_refused() {
    for (from, to, place) in [
        ("epochs = 4", "epochs = \"four\"", "small.toml:13"),
        ("epochs = 4", "epochs = -4", "small.toml:13"),
        ("batch = 32", "batch = 0", "small.toml:13"),
        ("learning_rate = 0.01", "learning_rate = nan", "small.toml:13"),
        ("learning_rate = 0.01", "learning_rate = -1.0", "small.toml:13"),
        ("hidden = [8]", "hidden = [0]", "small.toml:12"),
        ("type = \"mlp\"", "type = \"forest\"", "small.toml:12"),
        ("train = 0.7", "train = 1.7", "small.toml:7"),
        ("seed = 3", "seed = 3\nformat = 9", "small.toml:4"),
        ("by = [\"id\"]", "by = [\"idd\"]", "small.toml:7"),
    ] {
        let project = Project::ready();
        project.edit_pipeline(from, to);
        project.refuses(3, &[place, "^"]);
    }
}

#[test]
fn a_missing_pipeline_file_is_named_with_the_nearest_one() {
    let project = Project::ready();
    let said = project.collegium(&["run", "pipelines/smal.toml"]);
    said.fails(3, &["`pipelines/smal.toml`", "did you mean `pipelines/small.toml`?"]);
}

#[test]
fn a_missing_blueprint_is_named() {
    let project = Project::ready();
    project.edit_pipeline("{ type = \"mlp\", hidden = [8] }", "\"mlp-small\"");
    project.refuses(3, &["blueprint `mlp-small`", "small.toml:12:10", "models/mlp-small.toml"]);
}

#[test]
fn a_lock_that_cannot_be_read_is_refused_with_its_line() {
    let project = Project::ready();
    project.write("pipelines/small.lock", "format = 1\nx x\n");
    project.refuses(3, &["pipelines/small.lock:2"]);
}

// SQL.

#[test]
fn bad_sql_in_a_query_is_refused_under_a_caret() {
    for (query, message, place) in [
        ("SELECT * FORM rows", "syntax error", "small.toml:7:"),
        ("SELECT * FROM rowz", "no such table: rowz", "small.toml:7:9"),
        ("SELECT a, nope FROM rows", "no such column: nope", "small.toml:7:20"),
        ("SELECT 1; SELECT 2", "one statement", "small.toml:7:18"),
        ("", "", "small.toml:7:9"),
    ] {
        let project = Project::ready();
        project.to_data(&format!("query = \"{query}\""));
        project.refuses(3, &[message, place, "^"]);
    }
}

#[test]
fn bad_sql_in_derive_is_refused_under_a_caret() {
    for (sql, message) in
        [("a + nope", "no such column: nope"), ("a +", "syntax error"), ("sum(", "")]
    {
        let project = Project::ready();
        project.to_data(&format!("derive = {{ x = \"{sql}\" }}"));
        project.refuses(3, &[message, "small.toml:7:", "^"]);
    }
}

#[test]
fn bad_sql_in_where_is_refused_at_its_place() {
    for (sql, message) in [
        ("rows.bb > 9", "no such column: rows.bb"),
        ("rows.b >> > 9", "syntax error"),
        ("other.b > 9", "no such column: other.b"),
        ("1 = 1; DROP TABLE rows", ""),
    ] {
        let project = Project::ready();
        project.to_kind(&format!("where = \"{sql}\""));
        project.refuses(3, &[message, "small.toml:18:", "^"]);
    }
}

#[test]
fn sql_that_does_more_than_read_is_refused() {
    let project = Project::ready();
    let pipeline = project.read("pipelines/small.toml");
    let before: Vec<String> = outside_the_store(&project);
    for query in [
        "ATTACH DATABASE 'other.db' AS other",
        "PRAGMA journal_mode = WAL",
        "DELETE FROM rows",
        "UPDATE rows SET a = 1",
        "INSERT INTO rows SELECT * FROM rows",
        "DROP TABLE rows",
        "CREATE TABLE other (a)",
        "CREATE TEMP TABLE other AS SELECT 1",
        "VACUUM INTO 'other.db'",
        "SELECT load_extension('x') FROM rows",
        "SELECT writefile('x', a) FROM rows",
        "SELECT a FROM rows ORDER BY random()",
        "WITH x AS (SELECT 1) DELETE FROM rows",
    ] {
        project.write("pipelines/small.toml", &pipeline);
        project.to_data(&format!("query = \"{query}\""));
        project.refuses(3, &["small.toml:7:", "^"]);
        assert_eq!(outside_the_store(&project), before, "{query}");
    }
}

fn outside_the_store(project: &Project) -> Vec<String> {
    project.files("").into_keys().filter(|name| !name.starts_with(".collegium")).collect()
}
