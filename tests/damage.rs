//! One file of the store at a time is deleted, given another byte or emptied, under kept, patched, gated
//! and mixed experts: the next run ends where an undisturbed one ends, or says what is lost.
//!
//! The suite takes a part, by a fixed step; `benches/damage.sh` takes all.

use std::collections::BTreeMap;

use crate::{
    project::{Files, Project, Said, node, rows},
    tally::{Fault, Wrong, fault_of, side_by_side, tell},
};

const PIPELINE: &str = r#"[pipeline]
name = "small"
seed = 3

[data.rows]
path = "data/rows.csv"
derive = { turned = "d - c" }
split = { train = 0.5, valid = 0.35, test = 0.15, by = ["id"] }

[expert.turned]
inputs = ["rows.c", "rows.d"]
target = "rows.turned"
folds = 2
members = 1
calibrate = "none"
encode = { numbers = ["standard"] }
model = { hidden = [4], activation = "relu" }
train = { epochs = 20, batch = 32, learning_rate = 0.02, schedule = "constant", optimizer = "adam", beta2 = 0.999, weight_decay = 0.0, patience = 10 }

[expert.size]
extends = "expert.turned"
seed = 5
inputs = ["rows.a", "rows.b"]
target = "rows.size"

[expert.kept]
extends = "expert.turned"
reuse = { tolerance = 0.5 }
inputs = ["size.value", "rows.d"]
target = "rows.final"

[expert.patched]
extends = "expert.kept"
inputs = ["turned.value", "rows.a", "rows.b"]

[gate.gated]
experts = ["kept", "patched"]
inputs = ["rows.a"]
target = "rows.final"
train = { epochs = 3, batch = 64 }

[mixture.mixed]
inputs = ["size.value", "rows.c"]
target = "rows.final"
experts = 2
model = { hidden = [3] }
train = { epochs = 3 }

[expert.plain]
extends = "expert.turned"
inputs = ["gated.logit", "mixed.logit"]
target = "rows.final"
upstream = "in-sample"

[evaluate]
baselines = ["linear"]
"#;

const LOCK: &str = "pipelines/small.lock";

/// What is done to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Harm {
    Deleted,
    Flipped,
    Emptied,
}

/// A store that is harmed, and where an undisturbed run of it ends.
struct Trial {
    settled: bool,
    files: Files,
    lock: String,
    predictions: String,
}

/// The project of patched, kept, gated and mixed experts after a first run, and then edited.
fn edited(reuse: bool) -> Project {
    let project = Project::in_memory();
    let text = match reuse {
        true => PIPELINE.to_owned(),
        false => PIPELINE.replace("reuse = { tolerance = 0.5 }\n", ""),
    };
    project.write("pipelines/small.toml", text);
    project.write("pipelines/data/rows.csv", rows(600));
    project.run(&[]);
    project.edit_pipeline("d - c", "c - d");
    project.edit_pipeline("seed = 5", "seed = 99");
    project
}

/// The project whose next run keeps and patches.
pub fn before_it_is_settled() -> Project {
    edited(true)
}

impl Trial {
    /// Before the run that keeps and patches, or after it.
    fn new(reuse: bool, settled: bool) -> Self {
        let project = edited(reuse);
        let mut files = project.files("");
        let report = project.run(&[]);
        let outcome = |name| node(&report, name)["outcome"].as_str().unwrap().to_owned();
        let expected = if reuse { ["kept", "patched"] } else { ["trained", "trained"] };
        assert_eq!([outcome("kept"), outcome("patched")], expected);
        if settled {
            files = project.files("");
        }
        let predictions = predicted(&project).unwrap_or_else(|said| panic!("{}", said.err));
        Self { settled, files, lock: project.read(LOCK), predictions }
    }

    /// Harms one file and runs; what came of it, in a word, or what is wrong.
    fn harm(&self, name: &str, harm: Harm, at: usize) -> Result<&'static str, Wrong> {
        let project = Project::in_memory();
        project.restore(&self.files);
        let bytes = &self.files[name];
        match harm {
            Harm::Deleted => std::fs::remove_file(project.path(name)).unwrap(),
            Harm::Flipped if bytes.is_empty() => return Ok("nothing to flip"),
            Harm::Flipped => {
                let mut bytes = bytes.clone();
                let place = (at * 7919 + 13) % bytes.len();
                bytes[place] ^= 1 << (at % 8);
                project.write(name, bytes);
            }
            Harm::Emptied => project.write(name, b""),
        }
        let wrong = |fault, what: &str, said: &Said| {
            let how = format!("code {}\n{}\n{}", said.code, said.out, said.err);
            Err((fault, format!("{harm:?} {name}: {what}: {how}")))
        };
        // Every other store is repaired before it is run: nothing has changed, and all can be made again
        // or is not needed.
        if self.settled && harm == Harm::Deleted && at.is_multiple_of(4) {
            let mended = project.collegium(&["verify", "--repair"]);
            if mended.code != 0 || project.read(LOCK) != self.lock {
                return wrong(Fault::Lock, "not repaired as it was", &mended);
            }
        }
        let said = project.collegium(&["run", "--json"]);
        // A version that is none is refused: nobody knows what the store holds then.
        if name == ".collegium/version" && said.code == 7 {
            return Ok("refused");
        }
        if said.code != 0 {
            return wrong(fault_of(&said), "the run failed", &said);
        }
        let told = said.json()["notes"].to_string().contains("lost");
        if project.read(LOCK) != self.lock && !told {
            return wrong(Fault::Lock, "the lock has changed and nobody said so", &said);
        }
        // What a run did not read may be damaged still: whoever reads it says so, and how it is mended.
        let found = match predicted(&project) {
            Ok(found) => found,
            Err(said) if said.code == 7 && said.err.contains("damaged") => {
                let mended = project.collegium(&["verify", "--repair"]);
                if mended.code != 0 {
                    return wrong(fault_of(&mended), "not repaired", &mended);
                }
                match predicted(&project) {
                    Ok(found) => found,
                    Err(said) => {
                        return wrong(fault_of(&said), "no prediction after a repair", &said);
                    }
                }
            }
            Err(said) => return wrong(fault_of(&said), "no prediction", &said),
        };
        if found != self.predictions && !told {
            return wrong(Fault::Number, "predictions have changed and nobody said so", &said);
        }
        let checked = project.collegium(&["verify", "--repair"]);
        if !matches!(checked.code, 0 | 7) || checked.out.contains("has changed since its lock") {
            return wrong(Fault::Other, "verify says what is not so", &checked);
        }
        Ok(match (told, project.read(LOCK) == self.lock) {
            (true, _) => "declared lost",
            (false, true) => "the same",
            (false, false) => return wrong(Fault::Lock, "a repair changed the lock", &checked),
        })
    }

    /// Harms each of these files, on as many threads as there are processors.
    #[track_caller]
    fn harm_all(&self, harms: &[(Harm, usize)], what: &str) {
        let all = std::env::var_os("COLLEGIUM_EXHAUSTIVE").is_some_and(|set| !set.is_empty());
        let names: Vec<&String> = self
            .files
            .keys()
            .filter(|name| name.starts_with(".collegium/") && !name.contains("/locks/"))
            .collect();
        let mut jobs = Vec::new();
        for (harm, step) in harms {
            let step = if all { 1 } else { *step };
            jobs.extend(
                names
                    .iter()
                    .enumerate()
                    .filter(|(at, _)| at % step == 0)
                    .map(|(at, name)| (*harm, at, name.as_str())),
            );
        }
        let found = side_by_side(&jobs, |(harm, at, name)| (*harm, self.harm(name, *harm, *at)));
        let mut counts: BTreeMap<(Harm, &str), usize> = BTreeMap::new();
        for (harm, came) in &found {
            *counts.entry((*harm, came.as_ref().map_or("WRONG", |came| came))).or_default() += 1;
        }
        eprintln!("{what}: {counts:?}");
        let wrong: Vec<Wrong> = found.into_iter().filter_map(|(_, came)| came.err()).collect();
        tell(&format!("one file damaged, {what}"), jobs.len(), &wrong);
    }
}

fn predicted(project: &Project) -> Result<String, Said> {
    let said = project.collegium(&["predict", "-i", "pipelines/data/rows.csv", "-o", "p.csv"]);
    match said.code {
        0 => Ok(project.read("p.csv")),
        _ => Err(said),
    }
}

#[test]
fn any_file_deleted_from_a_store_of_kept_and_patched_experts_costs_time_or_is_said() {
    let harms = [(Harm::Deleted, 2), (Harm::Flipped, 9), (Harm::Emptied, 13)];
    Trial::new(true, true).harm_all(&harms, "settled");
}

#[test]
fn any_file_deleted_before_experts_are_kept_or_patched_costs_time_or_is_said() {
    let harms = [(Harm::Deleted, 4), (Harm::Flipped, 13), (Harm::Emptied, 17)];
    Trial::new(true, false).harm_all(&harms, "before it is settled");
}

#[test]
fn any_file_deleted_from_a_store_without_reuse_costs_time() {
    let harms = [(Harm::Deleted, 6), (Harm::Flipped, 17), (Harm::Emptied, 19)];
    Trial::new(false, true).harm_all(&harms, "without reuse");
}
