//! Behind a held-out figure stands no row that a model has seen.
//!
//! Labels are coin flips, so that whatever beats .5 was remembered. The tests keep account by a column of
//! ids that no edit touches: which rows each model, and the models it was made from, were trained or
//! stopped on. Collegium is not told that it is a key, unless a test says so.

use std::collections::{BTreeMap, BTreeSet};

use collegium_data::{Side, read_table};
use collegium_digest::Digest;
use serde_json::Value;

use crate::project::{Project, node, standing};

/// A table as text: a header and rows of cells.
#[derive(Clone)]
struct Sheet {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// A stream of numbers, the same on every machine.
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 40) as f64 / (1u64 << 24) as f64
    }

    fn below(&mut self, count: usize) -> usize {
        ((self.next() * count as f64) as usize).min(count - 1)
    }
}

impl Sheet {
    fn coins(rows: usize, draws: &mut Draws) -> Self {
        let header = ["id", "a", "b", "note", "hot"].map(str::to_owned).to_vec();
        let mut sheet = Self { header, rows: Vec::new() };
        (0..rows).for_each(|id| sheet.append(id, draws));
        sheet
    }

    fn append(&mut self, id: usize, draws: &mut Draws) {
        let row = self.header.iter().map(|name| match name.as_str() {
            "id" => id.to_string(),
            "hot" => u8::from(draws.next() < 0.5).to_string(),
            _ => format!("{:.4}", draws.next()),
        });
        self.rows.push(row.collect());
    }

    fn column(&self, name: &str) -> usize {
        self.header.iter().position(|column| column == name).unwrap()
    }

    fn text(&self) -> String {
        let lines = std::iter::once(&self.header).chain(&self.rows);
        lines.map(|cells| format!("{}\n", cells.join(","))).collect()
    }
}

fn pipeline(split: &str, more: &str) -> String {
    format!(
        "[pipeline]\nname = \"coins\"\nseed = 1\n\n[data.t]\npath = \"data/t.csv\"\nsplit = {{ {split} }}\n\n\
         [expert.k]\ninputs = [\"t.a\", \"t.b\"]\ntarget = \"t.hot\"\n{more}\nmodel = {{ hidden = [32] }}\n\
         train = {{ epochs = 40, batch = 32, learning_rate = 1e-2, patience = 0 }}\n\n\
         [evaluate]\nbaselines = []\n"
    )
}

const SHARES: &str = "train = 0.6, valid = 0.1, test = 0.3";

/// An account of who has seen which id.
#[derive(Default)]
struct Account(BTreeMap<Digest, BTreeSet<String>>);

impl Account {
    /// The ids of the present test rows, after the models of the lock were entered.
    fn enter(&mut self, project: &Project, expert: &str) -> (BTreeSet<String>, BTreeSet<String>) {
        let lock = project.lock();
        let object = |digest: &Digest| {
            let name = digest.to_string();
            project.path(&format!(".collegium/objects/{}/{}", &name[..2], &name[2..]))
        };
        let table = read_table(&object(&lock.data["data.t"].table)).unwrap();
        let sides = std::fs::read(object(&lock.data["data.t"].sides)).unwrap();
        let ids = table.column("id").unwrap();
        let on = |wanted: &[Side]| -> BTreeSet<String> {
            let is = |row: &usize| wanted.iter().any(|side| sides[8 + row] == *side as u8);
            // An id that became a text is still the id that it was.
            let plain = |row| ids.text(row).unwrap().trim_start_matches("A-").to_owned();
            (0..table.rows).filter(is).map(plain).collect()
        };
        let fit = project.fit(&standing(&lock.node[expert]));
        if !self.0.contains_key(&fit.model) {
            let mut seen = on(&[Side::Train, Side::Valid]);
            if let Some(parent) = fit.parent {
                seen.extend(self.0[&parent].iter().cloned());
            }
            self.0.insert(fit.model, seen);
        }
        let test = on(&[Side::Test]);
        let known = test.intersection(&self.0[&fit.model]).cloned().collect();
        (test, known)
    }
}

/// Ten edits of the data and of the file, none of which touches an id or a label.
fn edit(step: usize, sheet: &mut Sheet, split: &mut String, draws: &mut Draws) {
    match step {
        0 => {
            sheet.header.insert(1, "new".to_owned());
            sheet.rows.iter_mut().for_each(|row| row.insert(1, format!("{:.3}", draws.next())));
        }
        1 => {
            let at = sheet.column("note");
            for _ in 0..40 {
                let row = draws.below(sheet.rows.len());
                sheet.rows[row][at] = "another".to_owned();
            }
        }
        2 => (0..60).for_each(|more| sheet.append(1_000 + more, draws)),
        3 => sheet.rows.reverse(),
        4 => {
            let at = sheet.column("a");
            for _ in 0..15 {
                let row = draws.below(sheet.rows.len());
                sheet.rows[row][at] = format!("{:.4}", draws.next());
            }
        }
        5 => drop(sheet.rows.drain(10..40)),
        6 => {
            let at = sheet.column("id");
            let text = format!("A-{}", sheet.rows[3][at]);
            sheet.rows[3][at] = text;
        }
        7 => *split = format!("{SHARES}, seed = 5"),
        8 => {
            let at = sheet.column("note");
            sheet.header.remove(at);
            sheet.rows.iter_mut().for_each(|row| drop(row.remove(at)));
        }
        _ => {
            *split = "train = 0.4, valid = 0.2, test = 0.4, seed = 5, stratify = \"hot\"".to_owned()
        }
    }
}

/// The expert after each of ten edits: what the account says, and what the run reports.
fn ten_edits(
    split: &str,
    more: &str,
    check: impl Fn(usize, &BTreeSet<String>, &BTreeSet<String>, &Value),
) {
    let mut draws = Draws(99);
    let mut sheet = Sheet::coins(300, &mut draws);
    let mut split = split.to_owned();
    let project = Project::empty();
    let mut account = Account::default();
    let run = |split: &str, sheet: &Sheet, more: &str| {
        project.write("pipelines/small.toml", pipeline(split, more));
        project.write("pipelines/data/t.csv", sheet.text());
        let report = project.collegium(&["run", "--json", "--quiet"]).ok().json();
        node(&report, "k").clone()
    };
    run(&split, &sheet, "");
    account.enter(&project, "expert.k");
    for step in 0..10 {
        edit(step, &mut sheet, &mut split, &mut draws);
        let report = run(&split, &sheet, more);
        let (test, known) = account.enter(&project, "expert.k");
        check(step, &test, &known, &report);
    }
}

#[test]
fn no_warm_start_begins_from_a_model_that_has_seen_a_test_row() {
    for split in [SHARES, "train = 0.6, valid = 0.1, test = 0.3, by = [\"id\"]"] {
        ten_edits(split, "warm_start = true", |step, test, known, report| {
            assert!(!test.is_empty());
            assert_eq!(known.len(), 0, "after edit {step} of {split}: {report}");
            assert!(report.get("seen").is_none(), "{report}");
        });
    }
}

#[test]
fn a_frozen_model_is_measured_on_rows_that_it_has_not_seen() {
    ten_edits(SHARES, "frozen = true", |step, test, known, report| {
        let left_out = report["seen"]["test"]["seen"].as_u64().unwrap_or(0) as usize;
        let unseen =
            report["seen"]["test"]["unseen"].as_u64().map_or(test.len(), |rows| rows as usize);
        assert_eq!(left_out + unseen, test.len(), "after edit {step}: {report}");
        assert!(left_out >= known.len(), "after edit {step} {} were seen: {report}", known.len());
        let figures = report["metrics"]["test"].as_object().unwrap();
        assert_eq!(figures.is_empty(), left_out > 0 && unseen < 30, "after edit {step}: {report}");
    });
}

#[test]
fn adding_a_column_that_nobody_reads_fits_nothing_without_a_key() {
    let mut draws = Draws(5);
    let mut sheet = Sheet::coins(200, &mut draws);
    let project = Project::empty();
    project.write("pipelines/small.toml", pipeline(SHARES, ""));
    project.write("pipelines/data/t.csv", sheet.text());
    project.run(&[]);
    sheet.header.push("later".to_owned());
    sheet.rows.iter_mut().for_each(|row| row.push("x".to_owned()));
    project.write("pipelines/data/t.csv", sheet.text());
    assert_eq!(project.fitted(), Vec::<String>::new());
}

#[test]
fn a_consumer_of_a_held_model_leaves_out_what_that_has_seen() {
    let mut draws = Draws(7);
    let sheet = Sheet::coins(400, &mut draws);
    let project = Project::empty();
    let consumer = "\n[expert.top]\ninputs = [\"k.logit\", \"t.note\"]\ntarget = \"t.hot\"\nupstream = \"in-sample\"\n\
                    model = { hidden = [4] }\ntrain = { epochs = 2 }\n";
    project.write("pipelines/small.toml", pipeline(SHARES, ""));
    project.write("pipelines/data/t.csv", sheet.text());
    project.run(&[]);
    let frozen = pipeline(&format!("{SHARES}, seed = 3"), "frozen = true") + consumer;
    project.write("pipelines/small.toml", frozen);
    let said = project.collegium(&["run", "--json"]).ok();
    let report = said.json();
    let seen = |name: &str| node(&report, name)["seen"]["test"]["seen"].as_u64().unwrap();
    assert!(seen("k") > 50, "{report}");
    assert_eq!(seen("k"), seen("top"), "both are measured on the same rows");
    let notes = report["notes"].to_string();
    assert!(notes.contains("has seen") && notes.contains("test rows"), "{notes}");
    let status = project.collegium(&["status"]).ok();
    assert!(status.out.contains("has seen"), "{}", status.out);
    let audit = project.collegium(&["audit", "--json", "--quiet"]).ok().json();
    assert_eq!(node(&audit, "top")["metrics"]["test"]["seen"], seen("top"));
}

#[test]
fn why_says_what_happened_to_the_rows_and_blames_no_input() {
    let mut draws = Draws(8);
    let mut sheet = Sheet::coins(200, &mut draws);
    let project = Project::empty();
    let keyed = format!("{SHARES}, by = [\"id\"]");
    project.write("pipelines/small.toml", pipeline(&keyed, ""));
    project.write("pipelines/data/t.csv", sheet.text());
    project.run(&[]);
    project.write("pipelines/small.toml", pipeline(&format!("{keyed}, seed = 2"), ""));
    let plan = project.collegium(&["plan"]).ok().out;
    assert!(plan.contains("the split was drawn anew: seed 0 → 2"), "{plan}");
    assert!(!plan.contains("input t.a changed"), "{plan}");
    project.write("pipelines/small.toml", pipeline(&keyed, ""));
    (0..50).for_each(|more| sheet.append(500 + more, &mut draws));
    project.write("pipelines/data/t.csv", sheet.text());
    let plan = project.collegium(&["plan"]).ok().out;
    assert!(plan.contains("training rows: +"), "{plan}");
    assert!(!plan.contains("changed"), "{plan}");
    let why = project.collegium(&["why", "k"]).ok().out;
    assert!(why.contains("training rows: +"), "{why}");
}

#[test]
fn a_store_without_membership_counts_as_having_seen_everything() {
    let mut draws = Draws(9);
    let sheet = Sheet::coins(200, &mut draws);
    let project = Project::empty();
    project.write("pipelines/small.toml", pipeline(SHARES, ""));
    project.write("pipelines/data/t.csv", sheet.text());
    project.run(&[]);
    // Every list of bits is lost, as if it had never been written.
    for (name, bytes) in project.files(".collegium/objects") {
        if bytes.starts_with(b"cg-bits1") {
            std::fs::remove_file(project.path(&name)).unwrap();
        }
    }
    project.write("pipelines/small.toml", pipeline(SHARES, "frozen = true"));
    let report = project.collegium(&["run", "--json"]).ok().json();
    let k = node(&report, "k");
    assert_eq!(k["seen"]["test"]["unseen"], 0, "{k}");
    assert_eq!(k["metrics"]["test"].as_object().unwrap().len(), 0);
}

#[test]
fn no_drift_is_given_where_rows_cannot_be_held_against_each_other_one_by_one() {
    let mut draws = Draws(11);
    let mut sheet = Sheet::coins(200, &mut draws);
    let project = Project::empty();
    let keyed = format!("{SHARES}, by = [\"id\"]");
    let write = |split: &str, sheet: &Sheet| {
        project.write("pipelines/small.toml", pipeline(split, ""));
        project.write("pipelines/data/t.csv", sheet.text());
    };
    let why = || project.collegium(&["why", "k"]).ok().out;
    let document = || project.collegium(&["why", "k", "--json"]).ok().json();
    write(&keyed, &sheet);
    project.run(&[]);

    // Dealt anew: before the run that trains on other rows, and after it.
    write(&format!("{keyed}, seed = 2"), &sheet);
    for _ in 0..2 {
        let (text, json) = (why(), document());
        assert!(text.contains("no drift is given: the rows were dealt anew"), "{text}");
        assert!(!text.contains("drift (sd)"), "{text}");
        let changes = json["changes"].as_array().unwrap();
        assert!(!changes.is_empty() && changes.iter().all(|c| c["drift"].is_null()), "{json}");
        assert!(json["output_change"].is_null(), "{json}");
        project.run(&[]);
    }

    // Edited in place, rows are known by their key and stand where they stood.
    let a = sheet.column("a");
    sheet
        .rows
        .iter_mut()
        .for_each(|row| row[a] = format!("{:.4}", row[a].parse::<f64>().unwrap() / 2.0));
    write(&format!("{keyed}, seed = 2"), &sheet);
    let json = document();
    assert!(json["no_drift"].is_null(), "{json}");
    let changes = json["changes"].as_array().unwrap();
    let moved = changes.iter().find(|change| change["ingredient"] == "inputs.t.a").unwrap();
    assert!(moved["drift"].as_f64().unwrap() > 0.5, "{json}");
    project.run(&[]);

    // The same rows in another order.
    sheet.rows.reverse();
    write(&format!("{keyed}, seed = 2"), &sheet);
    let json = document();
    assert!(!json["changes"].as_array().unwrap().is_empty(), "{json}");
    assert_eq!(json["no_drift"], "its table has other rows, or has them in another order");
}

#[test]
fn what_fold_models_of_a_held_model_have_seen_is_said_once() {
    let project = Project::ready();
    project.to_expert("kind", "frozen = true");
    project.edit_pipeline("by = [\"id\"] }", "by = [\"id\"], seed = 5 }");
    let said = project.collegium(&["run"]).ok();
    let told: Vec<&str> =
        said.err.lines().filter(|line| line.contains("they are fed in-sample")).collect();
    assert_eq!(told.len(), 1, "{}", said.err);
    assert!(told[0].contains("expert.kind: in 5 of 5 folds"), "{told:?}");
}
