//! What each command prints, and its exit code.

use serde_json::Value;

use crate::project::{Project, Said};

/// Text with everything replaced that is another in every run: digests, times, seconds, bytes.
fn steady(text: &str) -> String {
    let mut steady = String::new();
    for line in text.lines() {
        let words: Vec<String> = line.split(' ').map(steady_word).collect();
        let line = words.join(" ");
        steady.push_str(line.trim_end());
        steady.push('\n');
    }
    steady
}

fn steady_word(word: &str) -> String {
    let core = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let hex = core.len() == 12 && core.bytes().all(|b| b.is_ascii_hexdigit());
    let time = core.len() >= 20 && core.starts_with("20") && core.contains('T');
    let put = if hex {
        "DIGEST"
    } else if time {
        "TIME"
    } else {
        return word.to_owned();
    };
    word.replacen(core, put, 1)
}

/// Seconds, memory and metrics as `#`: they differ from run to run, or from processor to processor.
/// The columns of a table move with them, so that spaces count once.
pub fn without_costs(text: &str) -> String {
    let number = |word: &str| word.trim_start_matches('(').parse::<f64>().is_ok();
    let mut all = String::new();
    for line in steady(text).lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let mut kept = Vec::new();
        for (at, word) in words.iter().enumerate() {
            let unit = words.get(at + 1).map_or("", |next| next.trim_end_matches([',', ')']));
            let cost = ["s", "KiB", "MiB", "GiB"].contains(&unit);
            let metric = at > 0 && ["AUC", "R²"].contains(&words[at - 1]);
            kept.push(match number(word) && (cost || metric) {
                true => word.replace(|c: char| c.is_ascii_digit() || c == '.', "").to_owned() + "#",
                false => (*word).to_owned(),
            });
        }
        all.push_str(&kept.join(" "));
        all.push('\n');
    }
    all
}

pub fn out(project: &Project, args: &[&str]) -> String {
    steady(&project.collegium(args).ok().out)
}

fn err(said: &Said) -> String {
    steady(&said.err)
}

#[test]
fn help_lists_every_command_and_exit_code() {
    insta::assert_snapshot!(out(&Project::empty(), &["--help"]), @r"
    Train bodies of small expert networks, retrain only what a change reaches, see what each learned

    Usage: collegium [OPTIONS] <COMMAND>

    Commands:
      init         Write a pipeline that runs at once
      check        Find everything that is wrong with a pipeline and its data
      plan         Say what `run` would do, why, and at what price
      run          Bring experts up to date
      tune         Search the settings of experts that ask for it (`tune`), and show what was tried
      status       Show what the lock stands on and what is stale
      why          Explain why an expert was, or would be, fitted
      audit        Measure how good experts are and what they use; writes HTML, JSON and model cards
      diff         Compare two versions of a pipeline's lock by what they do
      predict      Apply the pipeline, or some of its experts, to new rows
      evaluate     Measure on new labelled rows: what moved, and where in the DAG quality is lost
      forget       Say which models have seen given rows, and what it costs to make them again without
      trust        Consent to what a pipeline asks to read outside of its project
      graph        Draw the pipeline
      show         Write out a pipeline, or some of its experts, with every default
      log          List past runs
      compare      Compare past runs: the figure of each expert, what it cost, and which settings differ
      verify       Read the whole store, and move what is damaged out of the way
      gc           Free what no lock file, pin or recent run stands on
      explain      Explain an error or a warning at length: causes, an example, what to do
      schema       Print the JSON Schema of the pipeline file, for editors
      completions  Print completions for a shell; experts, pipelines and templates are completed, too
      man          Print the manual page, or write one for each command into a folder
      help         Print this message or the help of the given subcommand(s)

    Options:
      -C, --directory <DIR>   Work in this folder: every path of the command line is relative to it
          --allow-read <DIR>  Let the pipeline read files in this folder, too: those of its own project
                              it may read anyway. May be given several times; COLLEGIUM_ALLOW_READ names
                              folders as PATH does
          --json              Print one JSON document to stdout
      -q, --quiet             Say less: no bars, no progress lines
      -v, --verbose           Say more: figures behind the sentences of `audit`, and what to do
      -h, --help              Print help
      -V, --version           Print version

    Start with `collegium init demo --template machines`, then `collegium run -C demo --audit`.

    Exit codes: 0 ok, 1 internal, 2 usage, 3 invalid pipeline or data, 4 a fit failed, 5 changes pending
    (plan --exit-code), an unsound lock (status --check) or one that --locked keeps, 6 a `require` not
    met, 7 store damaged, or something not writable, 130 interrupted.
    ");
}

#[test]
fn every_command_has_help() {
    let project = Project::empty();
    for command in [
        "init",
        "check",
        "plan",
        "run",
        "status",
        "why",
        "audit",
        "predict",
        "evaluate",
        "graph",
        "show",
        "log",
        "compare",
        "explain",
        "schema",
        "completions",
        "man",
    ] {
        let said = project.collegium(&[command, "--help"]).ok();
        assert!(said.out.contains(&format!("Usage: collegium {command}")), "{}", said.out);
    }
}

// plan

#[test]
fn a_plan_of_a_new_pipeline_names_every_fit() {
    let project = Project::new();
    insta::assert_snapshot!(without_costs(&out(&project, &["plan"])), @r#"
    node action fits CPU memory why
    expert.size train 6 ? # KiB never fitted
    expert.kind train 6 ? # KiB never fitted
    expert.final train 1 ? # KiB never fitted; upstreams size, kind decide

    0 experts cached, 13 fits to do; what no fit like it has been recorded for has no price yet
    "#);
}

#[test]
fn a_plan_after_a_change_says_what_changed_and_what_may_follow() {
    let project = Project::ready();
    project.edit_pipeline("learning_rate = 0.01", "learning_rate = 0.02");
    insta::assert_snapshot!(without_costs(&out(&project, &["plan"])), @r#"
    node action fits CPU memory why
    expert.size train 6 # s (# s to # s) # KiB train.learning_rate 0.01 → 0.02
    expert.final may train 1 # s (# s to # s) # KiB upstream size decides

    1 expert cached, 7 fits to do, # s (# s to # s) of CPU
    "#);
}

#[test]
fn a_plan_of_what_is_up_to_date_is_one_line() {
    insta::assert_snapshot!(out(&Project::ready(), &["plan"]), @r#"small: all 3 experts up to date"#);
}

#[test]
fn a_plan_changes_nothing_that_a_run_would_not() {
    let project = Project::new();
    project.collegium(&["plan"]).ok();
    assert!(!project.path("pipelines/small.lock").exists());
    assert_eq!(project.fitted().len(), 13);
}

#[test]
fn pending_changes_are_an_exit_code() {
    let project = Project::ready();
    project.collegium(&["plan", "--exit-code"]).ok();
    project.edit_pipeline("learning_rate = 0.01", "learning_rate = 0.02");
    assert_eq!(project.collegium(&["plan", "--exit-code"]).code, 5);
    assert_eq!(project.collegium(&["plan"]).code, 0);
    assert_eq!(project.collegium(&["plan", "--exit-code", "kind"]).code, 0, "kind is as it was");
}

#[test]
fn a_dry_run_is_a_plan() {
    let project = Project::ready();
    project.edit_pipeline("learning_rate = 0.01", "learning_rate = 0.02");
    assert_eq!(out(&project, &["run", "--dry-run"]), out(&project, &["plan"]));
}

#[test]
fn the_json_of_a_plan_keeps_its_contract() {
    let project = Project::ready();
    project.edit_pipeline("learning_rate = 0.01", "learning_rate = 0.02");
    let plan = project.collegium(&["plan", "--json"]).ok().json();
    assert_eq!(plan["format_version"], 1);
    assert_eq!(plan["pipeline"], "small");
    for bound in ["min", "expected", "max"] {
        assert!(plan["seconds"][bound].is_number(), "{plan}");
        assert!(plan["nodes"][0]["seconds"][bound].is_number(), "{plan}");
    }
    assert_eq!(
        actions(&plan),
        ["expert.size train", "expert.kind cached", "expert.final may-train"]
    );
}

fn actions(plan: &Value) -> Vec<String> {
    let nodes = plan["nodes"].as_array().unwrap();
    let text = |node: &Value, key: &str| node[key].as_str().unwrap().to_owned();
    nodes.iter().map(|node| format!("{} {}", text(node, "name"), text(node, "action"))).collect()
}

// run

#[test]
fn a_run_prints_a_table_of_outcomes() {
    let said = Project::new().collegium(&["run", "--jobs", "1"]).ok();
    insta::assert_snapshot!(without_costs(&said.out), @r#"
    node outcome fits time test why
    expert.size trained 6 # s R² # never fitted
    expert.kind trained 6 # s AUC # never fitted
    expert.final trained 1 # s AUC # never fitted

    13 fits in # s, peak memory # MiB
    "#);
    let lines: Vec<&str> = said.err.lines().collect();
    assert_eq!(lines.len(), 13, "a calm line per fit:\n{}", said.err);
    assert!(lines[0].starts_with("expert.size full: fitted in "), "{}", said.err);
}

#[test]
fn a_run_of_what_is_up_to_date_says_so() {
    insta::assert_snapshot!(without_costs(&out(&Project::ready(), &["run"])), @r#"
    node outcome fits time test why
    expert.size cached 0 R² #
    expert.kind cached 0 AUC #
    expert.final cached 0 AUC #

    nothing to fit in # s, peak memory # MiB
    "#);
}

#[test]
fn quiet_says_nothing_on_stderr() {
    let said = Project::new().collegium(&["run", "--quiet"]).ok();
    assert_eq!(said.err, "");
}

#[test]
fn the_json_of_a_run_keeps_its_contract() {
    let report = Project::new().collegium(&["run", "--json"]).ok().json();
    assert_eq!(report["format_version"], 1);
    assert_eq!(report["pipeline"], "small");
    assert!(report["seconds"].is_number());
    let names: Vec<&str> =
        report["nodes"].as_array().unwrap().iter().map(|n| n["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["expert.size", "expert.kind", "expert.final"]);
    for node in report["nodes"].as_array().unwrap() {
        assert_eq!(node["outcome"], "trained");
        assert!(node["fits"].as_u64().unwrap() > 0);
        assert!(node["reasons"].is_array());
        for digest in ["recipe", "realisation"] {
            assert_eq!(node[digest].as_str().unwrap().len(), 64, "{node}");
        }
        assert!(node["seconds"].is_number() && node["peak_bytes"].is_u64());
        for side in ["train", "valid", "test"] {
            let wanted: &[&str] = match node["name"].as_str().unwrap() {
                "expert.size" => &["rmse", "mae", "r2"],
                _ => &["accuracy", "auc", "average_precision", "f1", "log_loss", "brier", "ece"],
            };
            for metric in wanted {
                assert!(node["metrics"][side][metric].is_number(), "{side} {metric}: {node}");
            }
        }
    }
}

#[test]
fn a_named_expert_is_run_with_what_feeds_it() {
    let project = Project::new();
    let report = project.collegium(&["run", "--json", "-q", "kind"]).ok().json();
    assert_eq!(report["nodes"].as_array().unwrap().len(), 1);
    let report = project.collegium(&["run", "--json", "-q", "expert.final"]).ok().json();
    assert_eq!(report["nodes"].as_array().unwrap().len(), 3);
}

#[test]
fn a_requirement_that_is_not_met_is_an_exit_code() {
    let project = Project::ready();
    project.edit_pipeline(
        "baselines = []",
        "baselines = []\nrequire = [\"expert.size test r2 >= 0.1\", \"expert.kind test auc >= 0.9999\"]",
    );
    let said = project.collegium(&["run"]);
    assert_eq!(said.code, 6, "{}", said.err);
    assert!(said.out.contains("require expert.size test r2 >= 0.1: met"), "{}", said.out);
    assert!(said.out.contains("require expert.kind test auc >= 0.9999: NOT MET"), "{}", said.out);
    let report = project.collegium(&["run", "--json"]).json();
    assert_eq!(report["requirements"][1]["met"], false);
}

// status, why, log

#[test]
fn the_status_is_one_screen() {
    let project = Project::ready();
    insta::assert_snapshot!(without_costs(&out(&project, &["status"])), @r#"
    node state model fitted why
    expert.size fresh DIGEST TIME
    expert.kind fresh DIGEST TIME
    expert.final fresh DIGEST TIME
    "#);
    project.edit_pipeline("learning_rate = 0.01", "learning_rate = 0.02");
    insta::assert_snapshot!(without_costs(&out(&project, &["status"])), @r#"
    node state model fitted why
    expert.size stale DIGEST TIME train.learning_rate 0.01 → 0.02
    expert.kind fresh DIGEST TIME
    expert.final maybe stale DIGEST TIME upstream size decides
    "#);
    insta::assert_snapshot!(without_costs(&out(&Project::new(), &["status"])), @r#"
    node state model fitted why
    expert.size never fitted never fitted
    expert.kind never fitted never fitted
    expert.final never fitted never fitted; upstreams size, kind decide
    "#);
}

#[test]
fn why_names_the_ingredients_that_changed() {
    insta::assert_snapshot!(out(&Project::new(), &["why", "size"]), @r#"expert.size: never fitted"#);
    let project = Project::ready();
    insta::assert_snapshot!(out(&project, &["why", "size"]), @r#"expert.size: up to date; the present model was fitted in the run of TIME (full, fold 1/5, fold 2/5, fold 3/5, fold 4/5, fold 5/5): never fitted"#);
    project.edit_pipeline("learning_rate = 0.01", "learning_rate = 0.02");
    insta::assert_snapshot!(out(&project, &["why", "size"]), @r#"
    expert.size: will be fitted: its recipe changed
    ingredient           before  after  drift (sd)  by its AGOP
    train.learning_rate  0.01    0.02
    "#);
    insta::assert_snapshot!(out(&project, &["why", "final"]), @r#"expert.final: nothing of its own changed; whether it is fitted depends on what expert.size will hand over"#);
}

#[test]
fn the_json_of_why_keeps_its_contract() {
    let project = Project::ready();
    project.edit_pipeline("learning_rate = 0.01", "learning_rate = 0.02");
    let why = project.collegium(&["why", "size", "--json"]).ok().json();
    assert_eq!(why["node"], "expert.size");
    assert_eq!(why["changes"][0]["ingredient"], "train.learning_rate");
    assert_eq!(why["changes"][0]["before"], "0.01");
    assert_eq!(why["changes"][0]["after"], "0.02");
}

#[test]
fn the_log_lists_runs() {
    let project = Project::ready();
    project.collegium(&["run", "-q"]).ok();
    insta::assert_snapshot!(without_costs(&out(&project, &["log"])), @"
    run ended time fits what
    1 TIME # s 13 trained size (R² 0.979), kind (AUC 0.972), final (AUC 0.939)
    2 TIME # s 0 all cached
    ");
    assert_eq!(project.collegium(&["log", "-n", "1"]).ok().out.lines().count(), 2);
    let log = project.collegium(&["log", "--json"]).ok().json();
    assert_eq!(log["runs"].as_array().unwrap().len(), 2);
}

// graph, show, schema, shells

#[test]
fn the_graph_as_dot_and_mermaid() {
    let project = Project::new();
    insta::assert_snapshot!(out(&project, &["graph", "-f", "dot"]), @r#"
    digraph pipeline {
      rankdir=LR;
      node [shape=box, style=rounded, fontname="sans-serif"];
      edge [fontname="sans-serif"];
      "data.rows" [label="rows", shape=cylinder, style=solid];
      "expert.size" [label="size\n→ size"];
      "expert.kind" [label="kind\n→ kind"];
      "expert.final" [label="final\n→ final"];
      "data.rows" -> "expert.size" [label="2 inputs", tooltip="2 inputs"];
      "data.rows" -> "expert.kind" [label="2 inputs", tooltip="2 inputs"];
      "expert.size" -> "expert.final";
      "expert.kind" -> "expert.final";
      "data.rows" -> "expert.final";
    }
    "#);
    insta::assert_snapshot!(out(&project, &["graph", "-f", "mermaid"]), @r#"
    flowchart LR
      n0[("rows")]
      n1("size<br/>→ size")
      n2("kind<br/>→ kind")
      n3("final<br/>→ final")
      n0 -->|"2 inputs"| n1
      n0 -->|"2 inputs"| n2
      n1 --> n3
      n2 --> n3
      n0 --> n3
    "#);
    let svg = out(&project, &["graph"]);
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{svg}");
    let json = project.collegium(&["graph", "--json"]).ok().json();
    assert_eq!(json["nodes"].as_array().unwrap().len(), 4, "{json}");
}

#[test]
fn show_writes_out_every_default() {
    let project = Project::new();
    insta::assert_snapshot!(out(&project, &["show", "kind"]), @r#"
    [expert.kind]
    inputs = ["rows.b", "rows.c"]
    target = "rows.kind"
    # task: the target's type decides
    # where: all training rows
    model = { type = "mlp", hidden = [8], activation = "gelu", dropout = 0.0 }
    encode = { numbers = ["robust", "quantile", "ple"], bins = 32, edges = "quantiles" }
    train = { epochs = 4, batch = 32, learning_rate = 0.01, schedule = "one-cycle", warm_up = 0.2, optimizer = "adamw", beta2 = 0.95, weight_decay = 0.1, patience = 0, class_weights = "none" }
    calibrate = "temperature"
    members = 4
    deploy = "full"
    upstream = "out-of-fold"
    folds = 5
    seed = 3
    # positive: the second of two classes
    # threshold: 0.5 for two classes
    reuse = false
    warm_start = false
    "#);
}

#[test]
fn what_show_writes_is_the_same_pipeline() {
    let project = Project::ready();
    let shown = project.collegium(&["show"]).ok().out;
    project.write("pipelines/small.toml", shown);
    assert_eq!(project.fitted(), Vec::<String>::new());
}

#[test]
fn the_schema_is_a_json_schema() {
    let schema = Project::empty().collegium(&["schema"]).ok().json();
    assert!(schema["$schema"].as_str().unwrap().contains("json-schema.org"), "{schema}");
    for table in ["pipeline", "data", "expert", "evaluate", "audit"] {
        assert!(schema["properties"][table].is_object(), "{table}");
    }
}

#[test]
fn completions_and_manual_are_printed() {
    let project = Project::empty();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let said = project.collegium(&["completions", shell]).ok();
        assert!(
            said.out.contains("collegium") && said.out.contains("COLLEGIUM_COMPLETE"),
            "{shell}"
        );
    }
    assert!(project.collegium(&["man"]).ok().out.contains(".TH collegium"));
}

#[test]
fn shells_complete_experts_pipelines_and_templates() {
    let project = Project::new();
    let complete = |words: &[&str]| {
        let mut command = project.command(&[]);
        command.env("COLLEGIUM_COMPLETE", "fish").arg("--").arg("collegium").args(words);
        Said::of(command.output().unwrap()).ok().out
    };
    let lines = |words: &[&str]| -> Vec<String> {
        complete(words).lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect()
    };
    assert_eq!(lines(&["run", "si"]), ["size"]);
    assert_eq!(lines(&["plan", "--force", "ki"]), ["kind"]);
    assert_eq!(lines(&["check", "pipe"]), ["pipelines/small.toml"]);
    assert_eq!(lines(&["init", "--template", "m"]), ["machines"]);
    let above = project.root().parent().unwrap().to_path_buf();
    let folder = project.root().file_name().unwrap().to_str().unwrap().to_owned();
    let mut command = project.command(&[]);
    command.current_dir(above).env("COLLEGIUM_COMPLETE", "fish");
    command.args(["--", "collegium", "-C", &folder, "run", "si"]);
    assert!(Said::of(command.output().unwrap()).ok().out.starts_with("size"));
    // A pipeline with errors has no names to offer, and nothing else is said.
    project.write("pipelines/small.toml", "[pipeline");
    assert_eq!(complete(&["run", "si"]), "");
}

#[test]
fn every_command_has_a_manual_page() {
    let project = Project::empty();
    project.collegium(&["man", "pages/man1"]).ok();
    let help = project.collegium(&["--help"]).ok().out;
    let commands = help.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
    let named = commands.lines().filter_map(|line| line.strip_prefix("  "));
    let names =
        named.filter(|line| !line.starts_with(' ')).filter_map(|line| line.split(' ').next());
    let names: Vec<&str> = names.filter(|name| !name.is_empty() && *name != "help").collect();
    assert!(names.len() > 15, "{help}");
    for name in names {
        let page = project.read(&format!("pages/man1/collegium-{name}.1"));
        assert!(
            page.contains(&format!(".TH collegium\\-{name}"))
                || page.contains(&format!(".TH collegium-{name}")),
            "{page}"
        );
    }
    assert!(project.read("pages/man1/collegium.1").contains(".TH collegium"));
}

// check

#[test]
fn check_says_that_nothing_is_wrong() {
    insta::assert_snapshot!(out(&Project::new(), &["check"]), @r#"small: 3 experts over 1 data source, nothing wrong"#);
}

#[test]
fn check_shows_all_errors_at_once() {
    let project = Project::new();
    project.edit_pipeline("hidden = [8]", "hiden = [8]");
    project.edit_pipeline("\"kind.logit\"", "\"knid.logit\"");
    let said = project.collegium(&["check"]);
    assert_eq!((said.code, said.out.as_str()), (3, ""));
    insta::assert_snapshot!(err(&said), @r#"
    error: unknown key `hiden` in `expert.size.model`
      --> pipelines/small.toml:12:26
       |
    12 | model  = { type = "mlp", hiden = [8] }
       |                          ^^^^^ unknown key
       |
       = help: did you mean `hidden`?

    error: there is no data source or expert `knid`
      --> pipelines/small.toml:22:26
       |
    22 | inputs = ["size.value", "knid.logit", "rows.d"]
       |                          ^^^^ unknown node
       |
       = help: did you mean `kind`?

    2 errors; nothing was run and nothing was changed

    for more: `collegium explain unknown-key`, `collegium explain no-such-node`
    "#);
    let json = project.collegium(&["check", "--json"]).json();
    assert_eq!(json["exit_code"], 3);
    assert_eq!(json["diagnostics"].as_array().unwrap().len(), 2);
}

#[test]
fn the_report_is_named_as_it_can_be_opened_from_where_the_command_was_typed() {
    let project = Project::ready();
    let above = project.root().parent().unwrap();
    let folder = project.root().file_name().unwrap().to_str().unwrap();
    let typed = |args: &[&str]| {
        let all: Vec<&str> = ["-C", folder].iter().chain(args).copied().collect();
        let output = project.command(&all).current_dir(above).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let named = |said: &str| {
        let line = said.lines().find_map(|line| line.strip_prefix("report: ")).unwrap().to_owned();
        assert!(above.join(&line).is_file(), "{line}");
        line
    };
    let html = ".collegium/reports/small.html";
    assert_eq!(named(&typed(&["audit", "--quiet"])), format!("{folder}/{html}"));
    assert_eq!(named(&typed(&["run", "--audit", "--quiet"])), format!("{folder}/{html}"));
    let new = ["evaluate", "-i", "pipelines/data/rows.csv", "--report", "new.html"];
    assert_eq!(named(&typed(&new)), format!("{folder}/new.html"));
    let said = project.collegium(&["audit", "--quiet"]).ok().out;
    assert!(said.contains(&format!("report: {html}\n")), "{said}");
}
