//! Locks in a real git repository: merges, and what `status --check` and `diff` make of them.

use std::process::Command;

use serde_json::Value;

use crate::project::{Project, Said, all, node, with_folds};

/// Runs git in a project.
fn git_says(project: &Project, args: &[&str]) -> std::process::Output {
    Command::new("git")
        .args(["-c", "user.name=Test", "-c", "user.email=test@example.org"])
        .args(["-c", "commit.gpgsign=false", "-c", "init.defaultBranch=trunk"])
        .args(args)
        .current_dir(project.root())
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap()
}

#[track_caller]
fn git(project: &Project, args: &[&str]) {
    let said = git_says(project, args);
    assert!(
        said.status.success(),
        "git {args:?}:\n{}{}",
        String::from_utf8_lossy(&said.stdout),
        String::from_utf8_lossy(&said.stderr)
    );
}

#[track_caller]
fn commit(project: &Project, message: &str) {
    git(project, &["add", "-A"]);
    git(project, &["commit", "-q", "-m", message]);
}

/// The ready project, committed with its lock and without its store.
fn repository() -> Project {
    let project = Project::ready();
    project.write(".gitignore", ".collegium/\n");
    git(&project, &["init", "-q"]);
    commit(&project, "first");
    project
}

/// Makes a change on a branch of its own, off the first commit, and commits what `run` makes of it.
#[track_caller]
fn branch(project: &Project, name: &str, change: impl Fn(&Project), run: &[&str]) {
    git(project, &["checkout", "-q", "-b", name, "trunk"]);
    change(project);
    project.run(run);
    commit(project, name);
}

fn retrain(expert: &str) -> impl Fn(&Project) + '_ {
    move |project| project.to_expert(expert, "seed = 99")
}

fn check(project: &Project) -> Said {
    project.collegium(&["status", "--check", "--json"])
}

/// Names of the nodes that are not sound, with what is wrong.
fn unsound(report: &Value) -> Vec<(String, Vec<String>)> {
    let nodes = report["nodes"].as_array().unwrap();
    let found = nodes.iter().map(|node| {
        let findings = node["findings"].as_array().unwrap().iter();
        let findings = findings.map(|finding| finding.as_str().unwrap().to_owned());
        (node["name"].as_str().unwrap().to_owned(), findings.collect::<Vec<_>>())
    });
    found.filter(|(_, findings)| !findings.is_empty()).collect()
}

#[test]
fn branches_that_retrain_unrelated_experts_merge_into_a_lock_that_holds_together() {
    let project = repository();
    // Two that read only columns, and that nobody reads.
    let text = project.read("pipelines/small.toml").replace(
        "[evaluate]",
        "[expert.left]\nextends = \"expert.kind\"\n\n[expert.right]\nextends = \"expert.size\"\n\n[evaluate]",
    );
    project.write("pipelines/small.toml", text);
    project.to_expert("left", "seed = 5");
    project.to_expert("right", "seed = 5");
    project.run(&[]);
    commit(&project, "two more");
    let again = |expert: &str| {
        let head = format!("[expert.{expert}]\nseed = 5");
        move |project: &Project| project.edit_pipeline(&head, &head.replace('5', "6"))
    };
    branch(&project, "one", again("left"), &[]);
    branch(&project, "other", again("right"), &[]);
    git(&project, &["merge", "-q", "--no-edit", "one"]);
    let store = project.files(".collegium");
    std::fs::remove_dir_all(project.path(".collegium")).unwrap();
    let report = check(&project).ok().json();
    assert_eq!(report["sound"], true);
    project.restore(&store);
    assert_eq!(project.fitted(), Vec::<String>::new());
}

#[test]
fn a_merge_that_moves_an_upstream_names_its_consumer_and_nothing_else() {
    let project = repository();
    branch(&project, "consumer", retrain("final"), &[]);
    branch(&project, "upstream", retrain("kind"), &["kind"]);
    git(&project, &["merge", "-q", "--no-edit", "consumer"]);
    let store = project.files(".collegium");
    std::fs::remove_dir_all(project.path(".collegium")).unwrap();
    let said = check(&project);
    assert_eq!(said.code, 5, "{}", said.err);
    let finding = "it was trained on another kind.logit than expert.kind hands over".to_owned();
    assert_eq!(unsound(&said.json()), [("expert.final".to_owned(), vec![finding])]);
    let words = project.collegium(&["status", "--check"]).out;
    assert!(words.contains("`collegium run` mends it"), "{words}");
    project.restore(&store);
    // Nobody asked for the upstream's folds on its branch.
    let mut folds = with_folds("kind");
    folds.retain(|fit| fit != "kind: full");
    assert_eq!(project.fitted(), all(&[folds, vec!["final: full".to_owned()]]));
    check(&project).ok();
    // A clone without the store is brought to a sound lock, too.
    std::fs::remove_dir_all(project.path(".collegium")).unwrap();
    project.run(&[]);
    check(&project).ok();
}

#[test]
fn a_conflict_over_one_expert_is_named_with_its_line() {
    let project = repository();
    branch(&project, "one", retrain("kind"), &[]);
    branch(&project, "other", |project| project.to_expert("kind", "seed = 98"), &[]);
    assert!(!git_says(&project, &["merge", "-q", "--no-edit", "one"]).status.success());
    let text = project.read("pipelines/small.lock");
    let line = 1 + text.lines().position(|line| line.starts_with("<<<<<<<")).unwrap();
    git(&project, &["checkout", "--theirs", "pipelines/small.toml"]);
    for args in [&["run"][..], &["status", "--check"], &["plan"]] {
        project.collegium(args).fails(
            3,
            &[&format!("small.lock:{line}"), "a merge conflict was left here", "keep either side"],
        );
    }
    // As it says.
    git(&project, &["checkout", "--theirs", "pipelines/small.lock"]);
    assert_eq!(project.fitted(), Vec::<String>::new());
    check(&project).ok();
}

fn diff(project: &Project, args: &[&str]) -> Value {
    project.collegium(&[&["diff", "--json"], args].concat()).ok().json()
}

/// Two commits, with `kind` retrained for longer between them.
fn two_commits() -> Project {
    let project = repository();
    project.edit_pipeline(
        "target = \"rows.kind\"\nmodel  = { type = \"mlp\", hidden = [8] }\ntrain  = { epochs = 4,",
        "target = \"rows.kind\"\nmodel  = { type = \"mlp\", hidden = [8] }\ntrain  = { epochs = 1,",
    );
    project.run(&[]);
    commit(&project, "second");
    project
}

#[test]
fn diff_says_what_changed_between_two_commits() {
    let project = two_commits();
    let report = diff(&project, &["HEAD~1", ".", "--seeds", "2"]);
    assert_eq!((&report["a"], &report["b"]), (&"HEAD~1".into(), &"now".into()));
    assert_eq!(node(&report, "size")["status"], "same");
    for name in ["kind", "final"] {
        let node = node(&report, name);
        assert_eq!(node["status"], "changed", "{name}");
        assert_eq!(node["notes"], serde_json::json!([]), "{name}");
        assert_ne!(node["before"], node["after"]);
        // Every metric is the difference of its two values, in the middle of its interval or near.
        let metrics = node["metrics"].as_object().unwrap();
        assert!(metrics.contains_key("log_loss") && metrics.contains_key("auc"), "{metrics:?}");
        for (metric, value) in metrics {
            let number = |key: &str| value[key].as_f64().unwrap();
            let difference = number("after") - number("before");
            assert!((difference - number("difference")).abs() < 1e-9, "{name} {metric}: {value}");
            let (low, high) = (&value["interval"]["low"], &value["interval"]["high"]);
            assert!(low.as_f64() <= high.as_f64(), "{name} {metric}: {value}");
            assert!(low.as_f64().unwrap() <= difference + 0.02, "{name} {metric}: {value}");
            assert!(high.as_f64().unwrap() >= difference - 0.02, "{name} {metric}: {value}");
        }
        // The flipped rows explain the accuracy.
        let flipped = &node["flipped"];
        let count = |key: &str| flipped[key].as_f64().unwrap();
        let gained = (count("fixed") - count("broken")) / count("rows");
        let accuracy = metrics["accuracy"]["difference"].as_f64().unwrap();
        assert!((gained - accuracy).abs() < 1e-9, "{name}: {flipped}, accuracy {accuracy}");
        assert_eq!(count("otherwise"), 0.0, "two classes: whoever is wrong twice is so in one way");
        // What it looks at: shares that add up, the later one among its own seeds.
        let importance = node["importance"].as_array().unwrap();
        for side in ["before", "after"] {
            let sum: f64 = importance.iter().map(|i| i[side].as_f64().unwrap()).sum();
            assert!((sum - 1.0).abs() < 1e-6, "{name}: {side} adds up to {sum}");
        }
        assert_eq!(node["seeds"], 2);
        for one in importance {
            let (before, after) = (one["before"].as_f64().unwrap(), one["after"].as_f64().unwrap());
            let (low, high) =
                (one["band"]["low"].as_f64().unwrap(), one["band"]["high"].as_f64().unwrap());
            assert!(low <= after && after <= high, "{one}");
            assert_eq!(one["beyond_seeds"], (after - before).abs() > high - low, "{one}");
        }
    }
    let changes = node(&report, "kind")["recipe"].to_string();
    assert!(changes.contains("train.epochs"), "{changes}");
    let changes = node(&report, "final")["recipe"].to_string();
    assert!(changes.contains("inputs.kind.logit") && !changes.contains("epochs"), "{changes}");
    // The pipeline's own state is untouched, and a second look is the same.
    assert_eq!(diff(&project, &["HEAD~1", ".", "--seeds", "2"]), report);
    assert_eq!(project.fitted(), Vec::<String>::new());
    git(&project, &["diff", "--exit-code"]);
}

#[test]
fn diff_backwards_is_the_opposite() {
    let project = two_commits();
    let forth = diff(&project, &["HEAD~1", "HEAD", "kind", "--seeds", "0"]);
    let back = diff(&project, &["HEAD", "HEAD~1", "kind", "--seeds", "0"]);
    let (forth, back) = (node(&forth, "kind"), node(&back, "kind"));
    assert_eq!(forth["before"], back["after"]);
    assert_eq!(forth["flipped"]["fixed"], back["flipped"]["broken"]);
    assert_eq!(forth["flipped"]["broken"], back["flipped"]["fixed"]);
    let accuracy = |node: &Value| node["metrics"]["accuracy"]["difference"].as_f64().unwrap();
    assert!((accuracy(forth) + accuracy(back)).abs() < 1e-12);
    assert_eq!(forth["seeds"], 0);
    assert!(forth["importance"][0].get("band").is_none());
}

#[test]
fn diff_of_a_regression_has_no_flipped_classes() {
    let project = repository();
    project.to_expert("size", "seed = 99");
    project.run(&["size"]);
    let report = diff(&project, &["HEAD", ".", "size", "--seeds", "0"]);
    let size = node(&report, "size");
    assert_eq!(size["status"], "changed");
    assert!(size.get("flipped").is_none());
    assert!(size["metrics"]["rmse"]["difference"].is_number(), "{size}");
}

#[test]
fn diff_takes_lock_files_and_speaks_in_words() {
    let project = two_commits();
    let old = git_says(&project, &["show", "HEAD~1:pipelines/small.lock"]);
    project.write("old.lock", old.stdout);
    let report = diff(&project, &["old.lock", ".", "--seeds", "0"]);
    assert_eq!(report["a"], "old.lock");
    assert_eq!(node(&report, "kind")["status"], "changed");
    let words = project.collegium(&["diff", "old.lock", ".", "--seeds", "1"]).ok().out;
    for needle in [
        "small: old.lock → now",
        "expert.kind: another model",
        "train.epochs",
        "metric on test rows",
        "predicted classes of",
        "AGOP share",
        "other seeds",
        "1 expert the same",
    ] {
        assert!(words.contains(needle), "{needle:?} is not in:\n{words}");
    }
    let words = project.collegium(&["diff", ".", "."]).ok().out;
    assert!(words.contains("3 experts the same"), "{words}");
}

#[test]
fn diff_names_experts_that_came_and_went() {
    let project = repository();
    let text = project.read("pipelines/small.toml");
    let text = text.replace("\"size.value\", ", "");
    let (head, rest) = text.split_once("[expert.size]").unwrap();
    let rest = rest.split_once("[expert.kind]").unwrap().1;
    let text = format!("{head}[expert.kind]{rest}")
        .replace("[evaluate]", "[expert.twin]\nextends = \"expert.kind\"\nseed = 5\n\n[evaluate]");
    project.write("pipelines/small.toml", text);
    project.run(&[]);
    let report = diff(&project, &["HEAD", ".", "--seeds", "0"]);
    assert_eq!(node(&report, "twin")["status"], "added");
    assert_eq!(node(&report, "twin")["before"], Value::Null);
    let size = node(&report, "size");
    assert_eq!((&size["status"], &size["after"]), (&"removed".into(), &Value::Null));
    assert!(size["before"].is_object());
    // What the other one no longer reads counts nothing now, or cannot be told; it is not invented.
    let last = node(&report, "final");
    assert_eq!(last["status"], "changed");
    let changes = last["recipe"].to_string();
    assert!(changes.contains("inputs.size.value"), "{changes}");
    let words = project.collegium(&["diff", "HEAD", ".", "--seeds", "0"]).ok().out;
    assert!(words.contains("expert.twin: new") && words.contains("expert.size: gone"), "{words}");
}

#[test]
fn an_expert_that_is_in_both_versions_and_not_in_the_file_is_said_to_be_gone_from_it() {
    let project = two_commits();
    project.edit_pipeline("[expert.size]", "[expert.length]");
    project.edit_pipeline("\"size.value\"", "\"length.value\"");
    let report = diff(&project, &["HEAD~1", "HEAD", "--seeds", "0"]);
    let size = node(&report, "size");
    assert!(size["before"].is_object() && size["after"].is_object(), "{size}");
    assert_eq!(size["status"], "same");
    assert!(size["notes"].to_string().contains("no such expert now"), "{size}");
}

#[test]
fn a_revision_that_is_none_is_a_usage_error() {
    let project = repository();
    project.collegium(&["diff", "nowhere", "."]).fails(
        2,
        &["`nowhere` is neither a lock file nor a git revision", "is the lock committed?"],
    );
    project
        .collegium(&["diff", "gone.lock", "."])
        .fails(2, &["`gone.lock` is neither a lock file nor a git revision"]);
    project.collegium(&["diff", "HEAD", ".", "nobody"]).fails(2, &["no expert `nobody`"]);
}

#[test]
fn a_lock_that_is_not_committed_is_a_usage_error() {
    let project = Project::ready();
    git(&project, &["init", "-q"]);
    git(&project, &["add", "pipelines/small.toml"]);
    git(&project, &["commit", "-q", "-m", "without the lock"]);
    project.collegium(&["diff", "HEAD", "."]).fails(
        2,
        &[
            "`HEAD` is neither a lock file nor a git revision that holds small.lock",
            "not in 'HEAD'",
        ],
    );
}

#[test]
fn diff_outside_of_a_repository_says_so() {
    let project = Project::ready();
    project.collegium(&["diff", "HEAD", "."]).fails(2, &["not a git repository"]);
}

#[test]
fn diff_without_the_store_says_what_it_cannot_tell() {
    let project = two_commits();
    std::fs::remove_dir_all(project.path(".collegium")).unwrap();
    let report = diff(&project, &["HEAD~1", ".", "--seeds", "2"]);
    let kind = node(&report, "kind");
    assert_eq!(kind["status"], "changed");
    assert!(kind["notes"].to_string().contains("no longer in the store"), "{kind}");
    assert_eq!(kind["metrics"], serde_json::json!({}));
}

#[test]
fn a_block_that_was_edited_by_hand_is_found_by_its_seal_and_mended_by_a_run() {
    let project = Project::ready();
    project.collegium(&["status", "--check"]).ok();
    let lock = project.read("pipelines/small.lock");
    let line = lock.lines().find(|line| line.starts_with("realisation")).unwrap();
    let digits = &line[line.len() - 9..line.len() - 1];
    let other = if digits.starts_with('0') { "1" } else { "0" };
    let edited = line.replace(digits, &format!("{other}{}", &digits[1..]));
    project.write("pipelines/small.lock", lock.replacen(line, &edited, 1));
    let check = project.collegium(&["status", "--check"]);
    assert_eq!(check.code, 5, "{}", check.out);
    assert!(check.out.contains("its block is not as it was written"), "{}", check.out);
    project.collegium(&["run", "--quiet"]).ok();
    assert_eq!(project.read("pipelines/small.lock"), lock);
    project.collegium(&["status", "--check"]).ok();
}
