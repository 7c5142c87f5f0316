//! Where labels come from: said in the pipeline file, said beside files, and never an ingredient.

use collegium_records::PredictedBy;
use serde_json::Value;

use crate::project::{PIPELINE, Project, Said, rows};

/// The document of `check --json`.
#[track_caller]
fn check(project: &Project, pipeline: &str) -> Value {
    project.collegium(&["check", "--json", "-q", pipeline]).ok().json()
}

/// What is said of one expert.
fn provenance<'a>(check: &'a Value, expert: &str) -> &'a Value {
    &check["provenance"][expert]
}

/// The messages of all warnings.
fn messages(check: &Value) -> Vec<&str> {
    let found = check["diagnostics"].as_array().unwrap();
    assert!(found.iter().all(|one| one["warning"] == true && one["line"].is_u64()), "{found:?}");
    found.iter().map(|one| one["message"].as_str().unwrap()).collect()
}

/// What is said beside a file.
fn beside(project: &Project, file: &str) -> PredictedBy {
    serde_json::from_str(&project.read(&format!("{file}.provenance.json"))).unwrap()
}

/// A pipeline whose one expert `kind` learns from labels that `kind` of another pipeline made; the
/// table keeps the inputs and the measured `final`.
fn student(name: &str, table: &str) -> String {
    format!(
        "[pipeline]\nname = \"{name}\"\nseed = 3\n\n[data.rows]\npath = \"data/{table}\"\n\
         split = {{ train = 0.7, valid = 0.15, test = 0.15, by = [\"id\"] }}\n\n\
         [expert.kind]\ninputs = [\"rows.b\", \"rows.c\"]\ntarget = \"rows.kind.label\"\n\
         model = {{ type = \"mlp\", hidden = [8] }}\n\
         train = {{ epochs = 2, batch = 32, learning_rate = 0.01 }}\n\n\
         [evaluate]\nbaselines = []\n"
    )
}

/// Lets `expert.kind` of a pipeline label the rows of a table.
#[track_caller]
fn label(project: &Project, pipeline: &str, from: &str, to: &str) -> Said {
    let (from, to) = (format!("pipelines/data/{from}"), format!("pipelines/data/{to}"));
    let args = ["predict", pipeline, "kind", "-i", &from, "-o", &to, "--keep", "id,a,b,c,final"];
    project.collegium(&args).ok()
}

/// The project of `small`, and a second pipeline that learns from what its `kind` labelled.
fn taught() -> Project {
    let project = Project::ready();
    label(&project, "pipelines/small.toml", "rows.csv", "labels.csv");
    project.write("pipelines/second.toml", student("second", "labels.csv"));
    project
}

#[test]
fn where_data_come_from_fits_nothing() {
    let project = Project::ready();
    let path = "path = \"data/rows.csv\"\n";
    for line in [
        "origin = \"synthetic\"",
        "origin = \"measured\"",
        "origins = { rows = \"synthetic\" }",
        "origin = { column = \"unread\", synthetic = [\"red\"] }",
    ] {
        let before = project.lock();
        project.to_data(line);
        project.collegium(&["check"]).ok();
        assert_eq!(project.fitted(), Vec::<String>::new(), "{line}");
        // A column that is named is read as it was read now.
        let mut after = project.lock();
        for (name, data) in &mut after.data {
            data.settled.types.clone_from(&before.data[name].settled.types);
        }
        assert_eq!(after, before, "{line}");
        project.edit_pipeline(&format!("{path}{line}\n"), path);
    }
    project.edit_pipeline("baselines = []", "baselines = []\nleast_measured = 0.5");
    assert_eq!(project.fitted(), Vec::<String>::new());
}

#[test]
fn labels_of_labels_are_one_generation_further() {
    let project = taught();
    let made = beside(&project, "pipelines/data/labels.csv");
    let first = &made.files[0];
    assert_eq!((first.generation, first.rows, first.experts.len()), (1, 600, 1));
    let maker = &first.experts[0];
    let block = &project.lock().node["expert.kind"];
    assert_eq!((maker.pipeline.as_str(), maker.expert.as_str()), ("small", "expert.kind"));
    assert_eq!((maker.recipe, maker.model, maker.generation), (block.recipe, block.realisation, 0));
    assert_eq!(maker.columns, ["kind.probability", "kind.label"]);
    assert_eq!(first.kept["final"], 0, "copied, and measured where it was");

    let second = check(&project, "pipelines/second.toml");
    let kind = provenance(&second, "kind");
    assert_eq!((&kind["generation"], &kind["measured_share"]), (&1.into(), &0.0.into()));
    assert_eq!(kind["tables"]["data.rows"], "synthetic");
    assert!(kind["notes"][0].as_str().unwrap().contains("made by expert.kind of small"), "{kind}");
    assert_eq!(messages(&second), [""; 0], "learning from another is no descent from oneself");

    project.collegium(&["run", "-q", "pipelines/second.toml"]).ok();
    label(&project, "pipelines/second.toml", "labels.csv", "again.csv");
    let again = &beside(&project, "pipelines/data/again.csv").files[0];
    assert_eq!(again.generation, 2);
    assert_eq!((again.experts[0].pipeline.as_str(), again.experts[0].generation), ("second", 1));
    assert_eq!(again.ancestry, first.experts, "whoever made the labels is not forgotten");
    project.write("pipelines/third.toml", student("third", "again.csv"));
    let third = check(&project, "pipelines/third.toml");
    assert_eq!(provenance(&third, "kind")["generation"], 2);
}

#[test]
fn labels_in_parquet_are_labels_too() {
    let project = Project::ready();
    label(&project, "pipelines/small.toml", "rows.csv", "labels.parquet");
    project.write("pipelines/second.toml", student("second", "labels.parquet"));
    let second = check(&project, "pipelines/second.toml");
    assert_eq!(provenance(&second, "kind")["generation"], 1);
}

#[test]
fn predictions_of_which_nothing_can_be_said_are_not_written() {
    let project = Project::ready();
    project.write("out.csv", "as it was\n");
    project.write("out.csv.provenance.json/taken", "");
    let args = ["predict", "kind", "-i", "pipelines/data/rows.csv", "-o", "out.csv"];
    project.collegium(&args).fails(7, &["out.csv.provenance.json"]);
    assert_eq!(project.read("out.csv"), "as it was\n");
    let left: Vec<String> = project.files("").into_keys().filter(|f| f.contains(".part")).collect();
    assert_eq!(left, Vec::<String>::new());
}

#[test]
fn a_copied_target_stays_measured() {
    let project = taught();
    project.edit("pipelines/second.toml", "rows.kind.label", "rows.final");
    let second = check(&project, "pipelines/second.toml");
    let kind = provenance(&second, "kind");
    assert_eq!(kind["measured_share"], 1.0, "{kind}");
    assert_eq!(kind["generation"], 1, "it still reads a table that experts made");
}

#[test]
fn an_expert_that_learns_from_its_own_labels_is_told() {
    let project = Project::ready();
    label(&project, "pipelines/small.toml", "rows.csv", "labels.csv");
    // The same pipeline, by its name, learns from them.
    project.write("pipelines/second.toml", student("small", "labels.csv"));
    let second = check(&project, "pipelines/second.toml");
    let own = "labels that expert `kind` learns from descend from an earlier version of itself";
    assert_eq!(messages(&second), [own]);
    let said = project.collegium(&["check", "pipelines/second.toml"]).ok();
    assert!(said.out.contains("1 expert over 1 data source, 1 warning"), "{}", said.out);
    for needle in [
        "--> pipelines/second.toml:11:10",
        "path = \"data/labels.csv\"",
        "labels.csv was made by expert.kind of small",
        "keep measured labels among them",
    ] {
        assert!(said.err.contains(needle), "{needle:?} is not in:\n{}", said.err);
    }
    let planned = project.collegium(&["plan", "pipelines/second.toml"]).ok();
    assert!(planned.err.contains(&format!("note: {own}")), "{}", planned.err);
    for _ in 0..2 {
        let run = project.collegium(&["run", "-q", "--json", "pipelines/second.toml"]).ok().json();
        assert!(run["notes"][0].as_str().unwrap().starts_with(own), "{}", run["notes"]);
    }
}

#[test]
fn descent_is_told_through_others_and_under_another_name() {
    let project = taught();
    project.collegium(&["run", "-q", "pipelines/second.toml"]).ok();
    label(&project, "pipelines/second.toml", "labels.csv", "again.csv");
    // `small` taught `second`, and now learns from it.
    project.write("pipelines/third.toml", student("small", "again.csv"));
    assert_eq!(messages(&check(&project, "pipelines/third.toml")).len(), 1);
    let said = project.collegium(&["check", "pipelines/third.toml"]).ok();
    assert!(said.err.contains("again.csv descends from expert.kind of small"), "{}", said.err);
    // Not the name, but the model that its lock stands on.
    project.edit("pipelines/second.toml", "name = \"second\"", "name = \"renamed\"");
    project.edit("pipelines/second.toml", "labels.csv", "again.csv");
    let renamed = check(&project, "pipelines/second.toml");
    assert_eq!(messages(&renamed).len(), 1, "{renamed}");
    // Who never was part of it is not told.
    project.write("pipelines/third.toml", student("third", "again.csv"));
    assert_eq!(messages(&check(&project, "pipelines/third.toml")), [""; 0]);
}

#[test]
fn a_share_below_the_bound_is_told_with_its_number() {
    let project = Project::ready();
    project.edit_pipeline("baselines = []", "baselines = []\nleast_measured = 0.5");
    let small = "pipelines/small.toml";
    assert_eq!(messages(&check(&project, small)), [""; 0]);
    project.to_data("origin = \"synthetic\"");
    let found = check(&project, small);
    assert_eq!(
        messages(&found)[1],
        "too few of the labels that expert `kind` learns from were measured: 0 %, and 50.0 % are \
         asked for"
    );
    assert_eq!(messages(&found).len(), 3, "every expert by itself");
    assert_eq!(provenance(&found, "kind")["least_measured"], 0.5);
    assert_eq!(
        provenance(&found, "kind")["generation"],
        1,
        "a model made it, and nobody says which"
    );
    let said = project.collegium(&["check"]).ok();
    assert!(said.err.contains("the bound") && said.err.contains("lower the bound"), "{}", said.err);
}

#[test]
fn by_row_the_share_is_exact_on_training_rows() {
    let project = Project::ready();
    project.to_kind("where = \"rows.a > 0\"");
    project.to_data("origin = { column = \"unread\", synthetic = [\"red\", \"blue\"] }");
    let found = check(&project, "pipelines/small.toml");
    // Counted here anew: training rows by the split's own record, and the filter by hand.
    let data = &project.lock().data["data.rows"];
    let store = collegium_store::Store::open(project.root()).unwrap();
    let sides = store.get(&data.sides).unwrap().unwrap().split_off(8);
    let text = rows(600);
    let cells: Vec<Vec<&str>> = text.lines().skip(1).map(|l| l.split(',').collect()).collect();
    assert_eq!(sides.len(), cells.len());
    let share = |wanted: &dyn Fn(&[&str]) -> bool| {
        let train: Vec<&Vec<&str>> = cells
            .iter()
            .zip(&sides)
            .filter(|(row, side)| **side == 0 && wanted(row))
            .map(|(row, _)| row)
            .collect();
        let measured = train.iter().filter(|row| row[5] == "green").count();
        measured as f64 / train.len() as f64
    };
    let (all, filtered) = (share(&|_| true), share(&|row| row[1].parse::<f64>().unwrap() > 0.0));
    assert!(all != filtered && all > 0.2 && all < 0.5, "{all} {filtered}");
    assert_eq!(provenance(&found, "size")["measured_share"], all);
    assert_eq!(provenance(&found, "kind")["measured_share"], filtered);
    assert_eq!(provenance(&found, "kind")["tables"]["data.rows"], "by row");
    assert_eq!(provenance(&found, "kind")["generation"], 1);
    project.edit_pipeline("\"red\", \"blue\"", "\"rde\"");
    let slip = project.collegium(&["check"]).ok();
    assert!(slip.err.contains("no row of `rows` has the unread `rde`"), "{}", slip.err);
    assert!(slip.err.contains("did you mean `red`?"), "{}", slip.err);
    project.edit_pipeline("column = \"unread\"", "column = \"unraed\"");
    project.refuses(3, &["no column `unraed`", "did you mean `rows.unread`?"]);
}

#[test]
fn what_is_said_of_another_content_is_not_believed_and_not_kept_quiet() {
    let project = taught();
    let second = "pipelines/second.toml";
    let labels = project.read("pipelines/data/labels.csv");
    project.write("pipelines/data/labels.csv", labels.replacen("true", "false", 1));
    let edited = check(&project, second);
    assert_eq!(provenance(&edited, "kind")["measured_share"], 1.0);
    assert_eq!(provenance(&edited, "kind")["generation"], 0);
    let [message] = messages(&edited)[..] else { panic!("{edited}") };
    assert!(message.contains("labels.csv.provenance.json speaks of another content"), "{message}");
    let notes = provenance(&edited, "kind")["notes"].to_string();
    assert!(notes.contains("say `origin = \\\"synthetic\\\"`"), "{notes}");
    // Said in the file, it needs no other witness.
    project.edit(
        second,
        "path = \"data/labels.csv\"",
        "path = \"data/labels.csv\"\norigin = \"synthetic\"",
    );
    let said = check(&project, second);
    assert_eq!(messages(&said), [""; 0]);
    assert_eq!(provenance(&said, "kind")["measured_share"], 0.0);
    project.edit(second, "\norigin = \"synthetic\"", "");
    project.write("pipelines/data/labels.csv.provenance.json", "{");
    let damaged = check(&project, second);
    assert!(messages(&damaged)[0].contains("does not say who made the file"), "{damaged}");
}

#[test]
fn a_run_with_nothing_to_do_sees_what_is_said_beside_a_table_later() {
    let project = taught();
    let (second, sidecar) = ("pipelines/second.toml", "pipelines/data/labels.csv.provenance.json");
    project.edit(second, "baselines = []", "baselines = []\nleast_measured = 0.9");
    let said = project.read(sidecar);
    std::fs::remove_file(project.path(sidecar)).unwrap();
    let notes = || {
        let report = project.collegium(&["run", "-q", "--json", second]).ok().json();
        report["notes"].as_array().unwrap().len()
    };
    // Old enough for its times to be trusted, so that the second run takes the short way.
    std::thread::sleep(std::time::Duration::from_millis(2100));
    assert_eq!((notes(), notes()), (0, 0));
    project.write(sidecar, said);
    assert_eq!(notes(), 1);
}

#[test]
fn predictions_that_are_replaced_are_spoken_of_until_they_are_gone() {
    let project = taught();
    let before = project.read("pipelines/data/labels.csv");
    label(&project, "pipelines/small.toml", "rows.csv", "labels.csv");
    let made = beside(&project, "pipelines/data/labels.csv");
    assert_eq!(made.files.len(), 1, "the same bytes are one content");
    let fewer: String = rows(600).lines().take(400).map(|line| format!("{line}\n")).collect();
    project.write("pipelines/data/fewer.csv", fewer);
    label(&project, "pipelines/small.toml", "fewer.csv", "labels.csv");
    let made = beside(&project, "pipelines/data/labels.csv");
    assert_eq!(made.files.iter().map(|file| file.rows).collect::<Vec<_>>(), [399, 600]);
    let second = "pipelines/second.toml";
    assert_eq!(provenance(&check(&project, second), "kind")["generation"], 1);
    // As it is when the process is killed between the two renames.
    project.write("pipelines/data/labels.csv", before);
    assert_eq!(provenance(&check(&project, second), "kind")["generation"], 1);
    assert_eq!(messages(&check(&project, second)), [""; 0]);
    let left: Vec<String> = project.files("").into_keys().filter(|f| f.contains(".part")).collect();
    assert_eq!(left, Vec::<String>::new());
}

#[test]
fn of_a_glob_the_files_that_experts_made_count_by_their_rows() {
    let project = Project::ready();
    let text = rows(600);
    let head = text.lines().next().unwrap();
    let part = |from: usize, to: usize| {
        let lines: Vec<&str> = text.lines().skip(1 + from).take(to - from).collect();
        format!("{head}\n{}\n", lines.join("\n"))
    };
    project.write("new.csv", part(450, 600));
    let args = ["predict", "kind", "-i", "new.csv", "-o", "made.csv", "--keep", "id,b,c"];
    project.collegium(&args).ok();
    for file in ["made.csv", "made.csv.provenance.json"] {
        project.write(&format!("pipelines/mixed/{file}"), project.read(file));
    }
    let measured = part(0, 450);
    let lines = measured.lines().skip(1).map(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        format!("{},{},{},0.5,{}\n", cells[0], cells[2], cells[3], cells[7])
    });
    let lines: String = lines.collect();
    project.write("pipelines/mixed/a.csv", format!("id,b,c,kind.probability,kind.label\n{lines}"));
    // Everything in the folder: what is said beside a table is no table.
    let mixed = student("mixed", "").replace("data/\"", "mixed/*\"");
    project.write("pipelines/mixed.toml", mixed);
    let found = check(&project, "pipelines/mixed.toml");
    let kind = provenance(&found, "kind");
    assert_eq!((&kind["measured_share"], &kind["generation"]), (&0.75.into(), &1.into()), "{kind}");
    assert!(kind["notes"].to_string().contains("1 of 2 files"), "{kind}");
}

#[test]
fn a_query_over_a_synthetic_table_counts_all_unless_rows_tell() {
    let project = Project::ready();
    let rows = "path = \"data/rows.csv\"\n";
    let query = |columns: &str| {
        format!(
            "tables = {{ rows = \"data/rows.csv\", more = \"data/more.csv\" }}\n\
             query = \"SELECT rows.*{columns} FROM rows JOIN more USING (id)\"\n\
             origins = {{ more = \"synthetic\" }}\n"
        )
    };
    let ids: String = (0..600).map(|id| format!("{id},{}\n", id % 7)).collect();
    project.write("pipelines/data/more.csv", format!("id,extra\n{ids}"));
    project.write("pipelines/small.toml", PIPELINE.replace(rows, &query("")));
    let found = check(&project, "pipelines/small.toml");
    let kind = provenance(&found, "kind");
    assert_eq!((&kind["measured_share"], &kind["generation"]), (&0.0.into(), &1.into()));
    assert_eq!(kind["tables"]["data.rows.rows"], "measured");
    assert_eq!(kind["tables"]["data.rows.more"], "synthetic");
    assert!(kind["notes"].to_string().contains("cannot be told from a query"), "{kind}");
    let told =
        query(", 'people' AS by") + "origin = { column = \"by\", synthetic = [\"model\"] }\n";
    project.write("pipelines/small.toml", PIPELINE.replace(rows, &told));
    let found = check(&project, "pipelines/small.toml");
    let kind = provenance(&found, "kind");
    assert_eq!(kind["measured_share"], 1.0, "{kind}");
    assert_eq!(kind["generation"], 1, "its inputs may come from the synthetic table");
}

#[test]
fn a_table_is_as_old_as_the_rows_that_its_makers_were_given() {
    let project = Project::ready();
    project.to_data("origin = \"synthetic\"");
    label(&project, "pipelines/small.toml", "rows.csv", "labels.csv");
    let made = &beside(&project, "pipelines/data/labels.csv").files[0];
    assert_eq!((made.generation, made.experts[0].generation), (2, 1));
    assert_eq!(made.kept["final"], 1, "copied from rows that a model made");
}
