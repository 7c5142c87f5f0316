//! Which fits a change really reaches. Every test names them.

use crate::project::{Project, all, rows, with_folds};

fn cold() -> Vec<String> {
    all(&[with_folds("size"), with_folds("kind"), vec!["final: full".to_owned()]])
}

fn just(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn ready() -> Project {
    let project = Project::new();
    assert_eq!(project.fitted(), cold());
    project
}

#[test]
fn a_second_run_fits_nothing() {
    let project = ready();
    assert_eq!(project.fitted(), just(&[]));
}

#[test]
fn touching_a_file_fits_nothing() {
    let project = ready();
    let text = project.read("pipelines/data/rows.csv");
    project.write("pipelines/data/rows.csv", text);
    let text = project.read("pipelines/small.toml");
    project.write("pipelines/small.toml", text);
    assert_eq!(project.fitted(), just(&[]));
}

#[test]
fn comments_key_order_number_spelling_and_the_audit_table_fit_nothing() {
    let project = ready();
    project.edit_pipeline("[expert.kind]", "# what kind it is\n[expert.kind]");
    project.edit_pipeline(
        "inputs = [\"rows.a\", \"rows.b\"]\ntarget = \"rows.size\"",
        "target = \"rows.size\"\ninputs = [\"rows.a\", \"rows.b\"]",
    );
    project.edit_pipeline("epochs = 4, batch = 32", "batch = 32, epochs = 4");
    project.edit_pipeline("learning_rate = 0.01", "learning_rate = 1e-2");
    project.edit_pipeline("rows = 100", "rows = 50");
    assert_eq!(project.fitted(), just(&[]));
}

#[test]
fn a_whole_number_written_as_a_float_fits_nothing() {
    let project = Project::new();
    project.edit_pipeline("epochs = 4,", "weight_decay = 1, epochs = 4,");
    assert_eq!(project.fitted(), cold());
    project.edit_pipeline("weight_decay = 1,", "weight_decay = 1.0,");
    assert_eq!(project.fitted(), just(&[]));
}

#[test]
fn a_column_that_nobody_reads_fits_nothing() {
    let project = ready();
    project.map_column("unread", |level| format!("dark {level}"));
    assert_eq!(project.fitted(), just(&[]));
}

#[test]
fn a_column_that_one_expert_reads_fits_it_its_folds_and_its_consumer() {
    let project = ready();
    project.map_column("a", |cell| (cell.parse::<f64>().unwrap() * 0.5).to_string() + "1");
    assert_eq!(project.fitted(), all(&[with_folds("size"), just(&["final: full"])]));
}

#[test]
fn a_learning_rate_fits_the_expert_its_folds_and_its_consumer() {
    let project = ready();
    project.edit_pipeline(
        "target = \"rows.kind\"\nmodel  = { type = \"mlp\", hidden = [8] }\ntrain  = { epochs = 4, batch = 32, learning_rate = 0.01 }",
        "target = \"rows.kind\"\nmodel  = { type = \"mlp\", hidden = [8] }\ntrain  = { epochs = 4, batch = 32, learning_rate = 0.02 }",
    );
    assert_eq!(project.fitted(), all(&[with_folds("kind"), just(&["final: full"])]));
}

#[test]
fn a_revert_fits_nothing() {
    let project = ready();
    let before = project.read("pipelines/small.lock");
    project.edit_pipeline("seed = 3", "seed = 3\n# changed");
    project.edit_pipeline("hidden = [8]", "hidden = [9]");
    assert_eq!(project.fitted(), all(&[with_folds("size"), just(&["final: full"])]));
    project.edit_pipeline("hidden = [9]", "hidden = [8]");
    assert_eq!(project.fitted(), just(&[]));
    assert_eq!(project.read("pipelines/small.lock"), before, "the lock is back too");
}

#[test]
fn a_sink_that_changes_fits_itself_alone() {
    let project = ready();
    project.edit_pipeline("\"rows.d\"]", "\"rows.d\", \"rows.c\"]");
    assert_eq!(project.fitted(), just(&["final: full"]));
}

#[test]
fn an_input_removed_from_a_list_is_a_change() {
    let project = ready();
    project.edit_pipeline("\"kind.logit\", \"rows.d\"]", "\"kind.logit\"]");
    assert_eq!(project.fitted(), just(&["final: full"]));
}

#[test]
fn the_order_of_inputs_is_no_change() {
    let project = ready();
    project.edit_pipeline(
        "[\"size.value\", \"kind.logit\", \"rows.d\"]",
        "[\"rows.d\", \"kind.logit\", \"size.value\"]",
    );
    assert_eq!(project.fitted(), just(&[]));
}

#[test]
fn an_upstream_retrained_to_identical_outputs_leaves_its_consumer_alone() {
    let project = ready();
    let report = project.collegium(&["run", "--json", "--quiet", "--force", "kind"]).ok().json();
    assert_eq!(crate::project::fitted(&report), with_folds("kind"));
}

#[test]
fn one_job_and_four_jobs_leave_the_same_objects() {
    let (one, four) = (Project::new(), Project::new());
    assert_eq!(one.fitted_with(&["--jobs", "1"]), cold());
    assert_eq!(four.fitted_with(&["--jobs", "4"]), cold());
    assert_eq!(one.objects(), four.objects());
    assert_eq!(one.read("pipelines/small.lock"), four.read("pipelines/small.lock"));
}

#[test]
fn an_edit_of_test_rows_alone_measures_again_and_fits_nothing() {
    let project = ready();
    // Row 0 is moved far away; if it is a test row nothing is fitted, else exactly its readers are.
    let mut unmoved = 0;
    for row in 0..12 {
        let target = project.read("pipelines/data/rows.csv");
        let mut lines: Vec<String> = target.lines().map(str::to_owned).collect();
        let mut cells: Vec<String> = lines[row + 1].split(',').map(str::to_owned).collect();
        cells[4] = "0.25".to_owned();
        lines[row + 1] = cells.join(",");
        project.write("pipelines/data/rows.csv", lines.join("\n") + "\n");
        let fits = project.fitted();
        assert!(fits.is_empty() || fits == just(&["final: full"]), "{fits:?}");
        unmoved += usize::from(fits.is_empty());
    }
    assert!((1..8).contains(&unmoved), "{unmoved} of 12 rows are test rows");
}

#[test]
fn appended_rows_are_fitted_and_a_revert_is_not() {
    let project = ready();
    project.write("pipelines/data/rows.csv", rows(650));
    assert_eq!(project.fitted(), cold());
    project.write("pipelines/data/rows.csv", rows(600));
    assert_eq!(project.fitted(), just(&[]));
}

#[test]
fn after_a_revert_why_speaks_of_the_model_that_the_lock_stands_on() {
    let project = ready();
    project.edit_pipeline("hidden = [8]", "hidden = [9]");
    project.collegium(&["run", "--quiet"]).ok();
    project.edit_pipeline("hidden = [9]", "hidden = [8]");
    project.collegium(&["run", "--quiet"]).ok();
    let why = project.collegium(&["why", "size", "--json"]).ok().json();
    let summary = why["summary"].as_str().unwrap();
    assert!(summary.contains("never fitted"), "the first run made it: {summary}");
}

/// An expert `sign` of a column that gives its label away, and `last`, which reads one output of it.
fn with_sign(output: &str) -> Project {
    let project = Project::new();
    project.to_data(
        "derive = { far = \"CASE WHEN b > 0 THEN 1.0 ELSE -1.0 END\", positive = \"b > 0\" }",
    );
    project.edit_pipeline(
        "[evaluate]",
        &format!(
            "[expert.sign]\ninputs = [\"rows.far\"]\ntarget = \"rows.positive\"\n\
             model = {{ type = \"mlp\", hidden = [8] }}\n\
             train = {{ epochs = 4, batch = 32, learning_rate = 0.02 }}\n\n\
             [expert.last]\ninputs = [\"{output}\", \"rows.d\"]\ntarget = \"rows.final\"\n\
             train = {{ epochs = 2, batch = 32 }}\n\n[evaluate]"
        ),
    );
    project.run(&[]);
    project
}

#[test]
fn a_consumer_of_labels_does_not_notice_that_logits_moved() {
    let project = with_sign("sign.label");
    let before = project.lock();
    project.edit_pipeline("learning_rate = 0.02", "learning_rate = 0.03");
    assert_eq!(project.fitted(), with_folds("sign"));
    let after = project.lock();
    let (one, other) = (&before.node["expert.sign"].hands, &after.node["expert.sign"].hands);
    for view in ["", " out-of-fold 5"] {
        assert_eq!(one[&format!("label{view}")], other[&format!("label{view}")]);
        assert_ne!(one[&format!("logit{view}")], other[&format!("logit{view}")]);
    }
    assert_eq!(before.node["expert.last"], after.node["expert.last"]);
    project.collegium(&["status", "--check"]).ok();
}

#[test]
fn a_consumer_of_logits_does_notice() {
    let project = with_sign("sign.logit");
    project.edit_pipeline("learning_rate = 0.02", "learning_rate = 0.03");
    assert_eq!(project.fitted(), all(&[just(&["last: full"]), with_folds("sign")]));
}

#[test]
fn a_consumer_of_one_output_does_not_notice_that_another_reads_the_embedding() {
    let project = Project::new();
    project.to_expert("final", "upstream = \"in-sample\"");
    project.run(&[]);
    let before = project.lock().node["expert.final"].clone();
    project.edit_pipeline(
        "[evaluate]",
        "[expert.curious]\ninputs = [\"kind.embedding\"]\ntarget = \"rows.final\"\n\
         upstream = \"in-sample\"\ntrain = { epochs = 2, batch = 32 }\n\n[evaluate]",
    );
    assert_eq!(project.fitted(), just(&["curious: full"]));
    assert_eq!(project.lock().node["expert.final"], before);
    project.collegium(&["status", "--check"]).ok();
}

/// Halves a column on the rows that a test accepts, by their other cells.
fn halve_where(project: &Project, column: &str, accepts: impl Fn(usize, &[&str]) -> bool) {
    let text = project.read("pipelines/data/rows.csv");
    let mut lines = text.lines();
    let head = lines.next().unwrap();
    let at = head.split(',').position(|name| name == column).unwrap();
    let mut changed = format!("{head}\n");
    for (row, line) in lines.enumerate() {
        let mut cells: Vec<&str> = line.split(',').collect();
        let half = (cells[at].parse::<f64>().unwrap() * 0.5).to_string();
        if accepts(row, &cells) {
            cells[at] = &half;
        }
        changed += &(cells.join(",") + "\n");
    }
    project.write("pipelines/data/rows.csv", changed);
}

#[test]
fn an_upstream_that_moves_on_test_rows_alone_fits_no_consumer() {
    let project = ready();
    let before = project.lock();
    let sides = sides(&project);
    // Sides go by the id, so no row changes its side.
    halve_where(&project, "a", |row, _| sides[row] == collegium_data::Side::Test);
    assert_eq!(project.fitted(), just(&[]));
    let after = project.lock();
    let hands = |lock: &collegium_records::Lock| lock.node["expert.size"].hands["value"];
    assert_ne!(hands(&before), hands(&after), "its answers on those rows are others now");
    let (one, other) = (&before.node["expert.final"], &after.node["expert.final"]);
    assert_eq!(one.realisation, other.realisation);
    assert_ne!(one.hands["probability"], other.hands["probability"]);
    // The lock says what it reads now, which is equal on all rows that it learns from.
    project.collegium(&["status", "--check"]).ok();
}

#[test]
fn a_specialist_does_not_notice_what_moves_outside_its_rows() {
    let project = Project::new();
    // A frozen upstream moves where its columns do, and nowhere else.
    project.to_expert("size", "frozen = true");
    let reds =
        "[expert.reds]\nextends = \"expert.final\"\nwhere = \"unread = 'red'\"\n\n[evaluate]";
    project.edit_pipeline("[evaluate]", reds);
    project.run(&[]);
    halve_where(&project, "a", |_, cells| cells[5] != "red");
    assert_eq!(project.fitted(), just(&["final: full"]));
    project.collegium(&["status", "--check"]).ok();
    halve_where(&project, "a", |_, cells| cells[5] == "red");
    assert_eq!(project.fitted(), just(&["final: full", "reds: full"]));
}

/// The side of every row, as the data crate settles it.
fn sides(project: &Project) -> Vec<collegium_data::Side> {
    let pipeline =
        collegium_manifest::load(&project.path("pipelines/small.toml"), &collegium_learn::DECLARED)
            .unwrap()
            .pipeline;
    let store = collegium_store::Store::open(project.root()).unwrap();
    let fence = collegium_manifest::Fence::around(project.root());
    let context = collegium_data::Context {
        store: &store,
        base: &project.path("pipelines"),
        progress: &|_, _, _| {},
        interrupted: &std::sync::atomic::AtomicBool::new(false),
        fence: &fence,
        limits: collegium_data::SqlLimits::default(),
        memory_bound: 1 << 30,
    };
    let prepared = collegium_data::prepare(&pipeline.data["rows"], &Default::default(), &context);
    prepared.unwrap().sides().unwrap().to_vec()
}

#[test]
fn appended_rows_move_no_other_row_to_another_side() {
    let project = Project::new();
    for split in ["by = [\"id\"]", "by = [\"id\"], stratify = \"kind\""] {
        project.edit_pipeline("by = [\"id\"]", split);
        project.write("pipelines/data/rows.csv", rows(600));
        let before = sides(&project);
        project.write("pipelines/data/rows.csv", rows(650));
        let after = sides(&project);
        assert_eq!((before.len(), after.len()), (600, 650));
        assert_eq!(before, after[..600], "{split}");
    }
}
