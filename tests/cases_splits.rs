//! Splits that people have: by a column, by files, by time; and that forward folds never see what comes.

use std::collections::BTreeMap;

use collegium_records::{Fit, FitName};
use collegium_store::{Store, read_lock};

use crate::{
    predict::csv,
    project::{Project, Said},
};

const PIPELINE: &str = r#"[pipeline]
name = "small"

[data.rows]
path = "data/rows.csv"
split = SPLIT

[expert.size]
inputs = ["rows.a", "rows.b"]
target = "rows.size"
model  = { hidden = [6] }
train  = { epochs = 4, batch = 32, learning_rate = 0.01 }

[expert.kind]
inputs = ["rows.b", "size.value"]
target = "rows.kind"
model  = { hidden = [6] }
train  = { epochs = 4, batch = 32, learning_rate = 0.01 }

[expert.last]
inputs = ["kind.logit", "size.value", "rows.c"]
target = "rows.last"
folds  = 3
model  = { hidden = [6] }
train  = { epochs = 4, batch = 32, learning_rate = 0.01 }

[evaluate]
baselines = []
"#;

/// Rows of consecutive days from 2010-01-01, in an order that is not theirs.
fn rows(from: usize, to: usize) -> String {
    let mut text = "id,when,part,house,a,b,c,size,kind,last\n".to_owned();
    let count = to - from;
    for at in 0..count {
        let id = from + at * 7 % count;
        let noise =
            |salt: usize| ((id * 7919 + salt * 104_729) * 2_654_435_761 % 10_007) as f64 / 10_007.0;
        let (a, b, c) = (noise(1), noise(2), noise(3));
        let size = a * 2.0 + b + 0.1 * noise(4);
        let part = ["train", "train", "train", "test"][id % 4];
        let (kind, last) = (b + noise(5) > 1.0, size + c > 2.0);
        text += &format!(
            "{id},{},{part},h{},{a:.4},{b:.4},{c:.4},{size:.4},{kind},{last}\n",
            day(id),
            id / 5
        );
    }
    text
}

/// The day `n` days after 2010-01-01.
fn day(mut n: usize) -> String {
    let leap = |year: usize| year.is_multiple_of(4);
    let mut year = 2010;
    while n >= 365 + usize::from(leap(year)) {
        n -= 365 + usize::from(leap(year));
        year += 1;
    }
    let lengths = [31, 28 + usize::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while n >= lengths[month] {
        n -= lengths[month];
        month += 1;
    }
    format!("{year}-{:02}-{:02}", month + 1, n + 1)
}

fn project(split: &str) -> Project {
    let project = Project::in_memory();
    project.write("pipelines/small.toml", PIPELINE.replace("SPLIT", split));
    project.write("pipelines/data/rows.csv", rows(0, 600));
    project
}

/// The pipeline's own rows as `predict --side` writes them.
#[track_caller]
fn own_rows(project: &Project, args: &[&str]) -> BTreeMap<String, Vec<String>> {
    let all: Vec<&str> = ["predict", "-o", "own.csv"].iter().chain(args).copied().collect();
    project.collegium(&all).ok();
    csv(&project.read("own.csv"))
}

fn count(cells: &[String], value: &str) -> usize {
    cells.iter().filter(|cell| *cell == value).count()
}

fn fits(said: &Said) -> u64 {
    said.json()["nodes"].as_array().unwrap().iter().map(|n| n["fits"].as_u64().unwrap()).sum()
}

#[test]
fn a_published_split_is_declared_by_its_column_and_folds_are_drawn_inside_training() {
    let project = project(r#"{ column = "part" }"#);
    project.collegium(&["run"]).ok();
    let own = own_rows(&project, &["--side", "all", "--keep", "part"]);
    for (part, side) in own["part"].iter().zip(&own["side"]) {
        assert_eq!(part == "test", side == "test", "the published test rows, and no others");
    }
    let valid = count(&own["side"], "valid");
    assert!((40..=100).contains(&valid), "15 % of 450 training rows: {valid}");
    project.edit_pipeline(r#"column = "part""#, r#"column = "part", train = ["trian"]"#);
    project.collegium(&["check"]).fails(
        3,
        &[
            "no list of `split` names what `part` holds in 450 rows: `train` (450)",
            "unused = [\"train\"]",
        ],
    );
}

#[test]
fn a_test_file_holds_the_test_rows() {
    let project = project(r#"{ test_file = "data/test.csv" }"#);
    project.write("pipelines/data/test.csv", rows(600, 700));
    project.collegium(&["run"]).ok();
    let own = own_rows(&project, &["--side", "test", "--keep", "id"]);
    let ids: Vec<usize> = own["id"].iter().map(|id| id.parse().unwrap()).collect();
    assert_eq!(ids.len(), 100);
    assert!(ids.iter().all(|id| *id >= 600));
    assert_eq!(fits(&project.collegium(&["run", "--json"]).ok()), 0);
    // The files are watched: another test file is other data, and changes no fit.
    project.write("pipelines/data/test.csv", rows(600, 720));
    assert_eq!(fits(&project.collegium(&["run", "--json"]).ok()), 0);
    assert_eq!(own_rows(&project, &["--side", "test"])["row"].len(), 120);
}

const TIME: &str = r#"{ time = "rows.when", valid = 0.15, test = 0.15, gap = "3 days" }"#;

/// The rows that a fit was trained on, and those that it stopped on.
fn seen(store: &Store, fit: &Fit) -> (Vec<usize>, Vec<usize>) {
    let own = fit.seen.clone().unwrap().membership.unwrap().own;
    let bits = |object| {
        let bytes = store.get(object).unwrap().unwrap();
        let bits = bytes.strip_prefix(b"cg-bits1").unwrap().to_vec();
        (0..bits.len() * 8).filter(|row| bits[row / 8] >> (row % 8) & 1 == 1).collect::<Vec<_>>()
    };
    (bits(&own.trained), bits(&own.chosen))
}

#[test]
fn no_forward_fold_is_trained_or_stopped_on_a_row_at_or_after_its_block_less_the_gap() {
    const GAP: usize = 3;
    let project = project(TIME);
    let report = project.collegium(&["run", "--json"]).ok();
    let store = Store::open(project.root()).unwrap();
    let lock = read_lock(&project.path("pipelines/small.lock")).unwrap();
    // A row's time is its id in days.
    let own = own_rows(&project, &["--side", "all", "--keep", "id"]);
    let time: Vec<usize> = own["id"].iter().map(|id| id.parse().unwrap()).collect();
    let fit_of = |standing: &collegium_records::Standing| -> Fit {
        store.realisations::<Fit>(&standing.recipe).unwrap().remove(&standing.realisation).unwrap()
    };
    let mut folds_seen = 0;
    for (node, consumer_folds) in [("size", vec![5, 3]), ("kind", vec![3])] {
        let block = &lock.node[&format!("expert.{node}")];
        let full =
            store.realisations::<Fit>(&block.recipe).unwrap().remove(&block.realisation).unwrap();
        let mut trained: Vec<usize> = seen(&store, &full).0.iter().map(|row| time[*row]).collect();
        trained.sort_unstable();
        for folds in consumer_folds {
            for fold in 0..folds {
                let fit = fit_of(
                    &block.parts[&FitName::Fold { fold: fold as u32 + 1, of: folds as u32 }],
                );
                // Where its block begins, worked out anew: folds + 1 equal shares in time.
                let begins = trained[(fold + 1) * trained.len() / (folds + 1)];
                let (learned, stopped) = seen(&store, &fit);
                assert!(!learned.is_empty() && !stopped.is_empty());
                let last = |rows: &[usize]| rows.iter().map(|row| time[*row]).max().unwrap();
                let first = |rows: &[usize]| rows.iter().map(|row| time[*row]).min().unwrap();
                assert!(
                    last(&stopped) + GAP < begins,
                    "{node} {fold}: {} {begins}",
                    last(&stopped)
                );
                assert!(last(&learned) + GAP < first(&stopped), "it stops on what comes after");
                assert!(stopped.iter().all(|row| own["side"][*row] == "train"));
                folds_seen += 1;
            }
        }
    }
    assert_eq!(folds_seen, 11);
    // What comes before the first block of what feeds it is left out, and said.
    let report = report.json();
    let left = |at: usize| report["nodes"][at]["left_out"].as_u64();
    let training = count(&own["side"], "train") as u64;
    assert_eq!(left(0), None, "nothing feeds `size`");
    assert_eq!(left(1), Some(training / 6));
    let kept = training - training / 6;
    assert_eq!(left(2), Some(training / 6 + kept / 4), "`kind` begins late, and its folds later");
}

#[test]
fn the_run_says_how_many_rows_it_leaves_out_and_how_many_lie_in_a_gap() {
    let project = project(TIME);
    let said = project.collegium(&["run"]).ok();
    assert!(
        said.err.contains("6 of 600 rows are on no side: they lie in the gap of 3 days"),
        "{}",
        said.err
    );
    assert!(said.err.contains("expert.kind: 69 of 417 training rows are left out"), "{}", said.err);
    let own = own_rows(&project, &["--side", "all"]);
    assert_eq!(count(&own["side"], "none"), 6);
    assert_eq!(own["side"].len(), 600, "no row vanishes");
}

#[test]
fn shares_of_time_are_settled_by_the_first_run_and_moved_on_when_asked() {
    let project = project(TIME);
    project.collegium(&["run"]).ok();
    project.write(
        "pipelines/data/rows.csv",
        rows(0, 600) + rows(600, 900).split_once('\n').unwrap().1,
    );
    assert_eq!(fits(&project.collegium(&["run", "--json"]).ok()), 0, "later rows are for testing");
    let own = own_rows(&project, &["--side", "test"]);
    assert_eq!(own["row"].len(), 90 + 300);

    let plan = project.collegium(&["plan", "--advance-split"]).ok();
    let moved = format!(
        "the split moved on: test from {} → {}, validation from {} → {}",
        day(510),
        day(765),
        day(420),
        day(630)
    );
    assert!(plan.out.contains(&moved), "{}\n{moved}", plan.out);
    assert!(plan.out.contains("expert.size"), "{}", plan.out);
    assert!(fits(&project.collegium(&["run", "--advance-split", "--json"]).ok()) > 0);
    let own = own_rows(&project, &["--side", "test"]);
    assert_eq!(own["row"].len(), 135);
    assert_eq!(fits(&project.collegium(&["run", "--json"]).ok()), 0, "the lock has the new dates");
}

#[test]
fn another_seed_is_a_split_that_was_drawn_anew() {
    let project = project(r#"{ by = ["id"], seed = 1 }"#);
    project.collegium(&["run"]).ok();
    project.edit_pipeline("seed = 1", "seed = 2");
    let plan = project.collegium(&["plan"]).ok();
    assert!(plan.out.contains("the split was drawn anew: seed 1 → 2"), "{}", plan.out);
}

#[test]
fn what_is_written_of_the_own_rows_gives_the_figures_of_the_run() {
    let project = project(TIME);
    let report = project.collegium(&["run", "--json"]).ok().json();
    let own = own_rows(&project, &["--side", "test"]);
    let numbers =
        |name: &str| -> Vec<f64> { own[name].iter().map(|cell| cell.parse().unwrap()).collect() };
    let (truth, value) = (numbers("size"), numbers("size.value"));
    let squared: f64 = truth.iter().zip(&value).map(|(t, v)| (t - v).powi(2)).sum();
    let rmse = (squared / truth.len() as f64).sqrt();
    let said = report["nodes"][0]["metrics"]["test"]["rmse"].as_f64().unwrap();
    assert!((rmse - said).abs() < 1e-6, "{rmse} {said}");
    let right = own["kind"].iter().zip(&own["kind.label"]).filter(|(t, l)| t == l).count();
    let accuracy = right as f64 / own["kind"].len() as f64;
    let said = report["nodes"][1]["metrics"]["test"]["accuracy"].as_f64().unwrap();
    assert!((accuracy - said).abs() < 1e-9, "{accuracy} {said}");
    assert_eq!(count(&own["size.basis"], "held-out"), 90);

    let own = own_rows(&project, &["--side", "train", "size"]);
    let rows = own["row"].len();
    assert_eq!(count(&own["size.basis"], "none"), rows / 4, "with 3 folds, a quarter comes first");
    assert_eq!(count(&own["size.basis"], "out-of-fold"), rows - rows / 4);
    for (basis, value) in own["size.basis"].iter().zip(&own["size.value"]) {
        assert_eq!(basis == "none", value.is_empty(), "nothing is predicted for the first rows");
    }
    let said = project.collegium(&["predict", "--side", "train", "last", "-o", "own.csv"]).ok();
    assert!(
        said.err.contains("expert.last: predictions on training rows are in-sample"),
        "{}",
        said.err
    );
}

#[test]
fn own_rows_are_those_of_the_last_run_or_refused() {
    let project = project(r#"{ by = ["id"] }"#);
    project
        .collegium(&["predict", "--side", "test", "-o", "own.csv"])
        .fails(2, &["no run has predicted"]);
    project.collegium(&["run"]).ok();
    project
        .collegium(&["predict", "--side", "test", "-o", "own.csv", "--keep", "hous"])
        .fails(2, &["`rows` has no column `hous`; did you mean `house`?"]);
    project.write("pipelines/data/rows.csv", rows(0, 610));
    project
        .collegium(&["predict", "--side", "test", "-o", "own.csv"])
        .fails(2, &["have changed since the last run"]);
}

#[test]
fn check_warns_of_random_rows_in_time_and_advises_a_key() {
    let project = project("{}");
    let said = project.collegium(&["check"]).ok();
    assert!(said.err.contains("although `when` gives their time"), "{}", said.err);
    assert!(
        said.err.contains("`id` looks like a key: `split = { by = [\"id\"] }`"),
        "{}",
        said.err
    );
    project.edit_pipeline("split = {}", TIME.replacen("{ time", "split = { time", 1).as_str());
    let said = project.collegium(&["check"]).ok();
    assert!(!said.err.contains("although"), "{}", said.err);
}

#[test]
fn check_warns_of_groups_and_of_copies_on_two_sides() {
    let project = project(r#"{ column = "part", by = ["house"] }"#);
    let said = project.collegium(&["check"]).ok();
    assert!(
        said.err.contains("groups of test rows (`house`) have training rows too"),
        "{}",
        said.err
    );
    assert!(!said.err.contains("copies"), "{}", said.err);
    // The same rows once more, under other keys.
    let copies = rows(0, 600).lines().skip(1).map(|line| format!("9{line}\n")).collect::<String>();
    project.write("pipelines/data/rows.csv", rows(0, 600) + &copies);
    project.edit_pipeline(r#"{ column = "part", by = ["house"] }"#, r#"{ by = ["id"] }"#);
    let said = project.collegium(&["check"]).ok();
    assert!(said.err.contains("are copies of training rows, in all that it reads"), "{}", said.err);
}

#[test]
fn rows_that_come_before_what_feeds_an_expert_are_told_where_its_rows_are_described() {
    let project = project(TIME);
    project.collegium(&["run"]).ok();
    let told = "69 of 417 training rows are left out: they come before the first rows";
    let said = project.collegium(&["check"]).ok();
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words(&said.err).contains(told), "{}", said.err);
    let said = project.collegium(&["audit"]).ok();
    assert!(words(&said.out).contains(told), "{}", said.out);
    let json: serde_json::Value =
        serde_json::from_str(&project.read(".collegium/reports/small.json")).unwrap();
    assert_eq!(crate::project::node(&json, "kind")["left_out"], 69);
    assert!(crate::project::node(&json, "size").get("left_out").is_none());
    let page = project.read(".collegium/reports/small.html");
    assert!(page.contains("the first 69 of 417 on the training side"));
    let card = project.read(".collegium/reports/small.cards/kind.md");
    assert!(card.contains("the first 69 rows of the training side come before"), "{card}");
}

/// Consecutive days of houses of five: with a time the groups decide no side, and yet they are what is
/// drawn again.
#[test]
fn groups_beside_a_time_are_what_intervals_are_of() {
    let project = project(&TIME.replacen("{ ", "{ by = [\"house\"], ", 1));
    project.collegium(&["run"]).ok();
    let audit = project.collegium(&["audit", "--json", "-q"]).ok().json();
    let test = &crate::project::node(&audit, "size")["metrics"]["test"];
    let (rows, groups) = (test["rows"].as_u64().unwrap(), test["groups"].as_u64().unwrap());
    assert!(rows / 5 <= groups && groups < rows / 4, "{rows} rows of {groups} houses");
    let findings = crate::project::node(&audit, "size")["findings"].to_string();
    assert!(
        findings.contains(&format!(
            "The test rows are of {groups} groups (`split.by`): intervals are rough."
        )),
        "{findings}"
    );
}

/// What is fitted when `by` goes from single rows to houses of five.
fn refitted_by_house(
    split: &str,
    test_rows: Option<String>,
    part: impl Fn(usize) -> &'static str,
) -> Vec<String> {
    let project = project(&split.replace("BY", "by = [\"id\"]"));
    let text = rows(0, 600);
    let mut lines = text.lines();
    let mut table = format!("{}\n", lines.next().unwrap());
    for line in lines {
        let mut cells: Vec<&str> = line.split(',').collect();
        cells[2] = part(cells[0].parse().unwrap());
        table += &format!("{}\n", cells.join(","));
    }
    project.write("pipelines/data/rows.csv", table);
    if let Some(rows) = test_rows {
        project.write("pipelines/data/test.csv", rows);
    }
    project.run(&[]);
    let pipeline = split.replace("BY", "by = [\"house\"]");
    project.write("pipelines/small.toml", PIPELINE.replace("SPLIT", &pipeline));
    let fitted = project.fitted();
    assert_eq!(project.fitted(), Vec::<String>::new());
    fitted
}

fn folds(expert: &str, of: u32) -> Vec<String> {
    (1..=of).map(|fold| format!("{expert}: fold {fold}/{of}")).collect()
}

#[test]
fn other_groups_of_a_split_by_column_refit_the_folds_and_what_reads_them() {
    let part = |id: usize| ["train", "valid", "train", "train", "test"][id % 5];
    let fitted = refitted_by_house(r#"{ column = "part", BY }"#, None, part);
    // No row changes its side, so `size` stays; its folds keep houses whole now.
    let just = |name: &str| vec![name.to_owned()];
    let expected = [
        folds("size", 5),
        folds("size", 3),
        folds("kind", 3),
        just("kind: full"),
        just("last: full"),
    ];
    assert_eq!(fitted, crate::project::all(&expected));
}

#[test]
fn other_groups_of_a_test_file_move_validation_rows_and_refit_all() {
    let train = |_: usize| "train";
    let file = Some(rows(600, 700));
    let fitted = refitted_by_house(r#"{ test_file = "data/test.csv", BY }"#, file, train);
    // Validation rows are drawn by groups, so rows change sides, and every model reads others.
    let just = |name: &str| vec![name.to_owned()];
    let fulls = ["size: full", "kind: full", "last: full"].map(just).concat();
    let expected = [folds("size", 5), folds("size", 3), folds("kind", 3), fulls];
    assert_eq!(fitted, crate::project::all(&expected));
}

#[test]
fn other_groups_of_a_split_by_time_fit_nothing_unless_they_are_held_whole() {
    let train = |_: usize| "train";
    let time = r#"{ time = "rows.when", valid = 0.15, test = 0.15, gap = "3 days", BY }"#;
    // Time alone deals the sides and the forward folds; groups are the unit of intervals there.
    assert_eq!(refitted_by_house(time, None, train), Vec::<String>::new());
    // Both dates fall into the middle of a house.
    let held = format!(
        "{{ time = \"rows.when\", valid_from = \"{}\", test_from = \"{}\", hold_groups = true, BY }}",
        day(423),
        day(512)
    );
    let just = |name: &str| vec![name.to_owned()];
    let fulls = ["size: full", "kind: full", "last: full"].map(just).concat();
    let mut expected =
        crate::project::all(&[folds("size", 5), folds("size", 3), folds("kind", 3), fulls]);
    let fitted = refitted_by_house(&held, None, train);
    // The third of six blocks begins where the second of four does: one fit, whichever asks for it first.
    let shared = if fitted.contains(&"size: fold 2/3".to_owned()) { "3/5" } else { "2/3" };
    expected.retain(|fit| *fit != format!("size: fold {shared}"));
    assert_eq!(fitted, expected);
}
