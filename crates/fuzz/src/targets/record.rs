//! Fuzz target of store records: recipes, realisations of every kind, reports of runs, caches.
//!
//! A record that was broken behind its seal must be refused. Mostly a mutant is sealed again, as a stranger
//! who writes a store would: then its fields are of other types, its numbers huge, its digests none.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use collegium_data::TableFacts;
use collegium_digest::Digest;
use collegium_records::{
    Applied, Cost, Epoch, Fit, Ingredient, Judgement, Measured, Members, Membership, Reads, Recipe,
    RunReport, SeenByFit, Settled, SplitMeasures, Who,
};
use collegium_store::{GcPolicy, Ground, Roots, Store, StoreError, seal};
use rand::RngExt as _;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    FuzzTarget, Random, Refusal,
    mutate::{break_once, nudge, overwrite, some_times},
    tree::break_tree,
};

/// Everything below `.collegium/` that is no object.
pub struct Record;

const KINDS: [&str; 11] = [
    "recipe",
    "fit",
    "applied",
    "measured",
    "table",
    "judgement",
    "standing",
    "run",
    "stat",
    "memo",
    "ground",
];

fn digest(of: &str) -> Digest {
    Digest::of(of.as_bytes())
}

/// What the records of these targets are filed behind: a recipe of a kind, and an id.
fn subject(kind: &str) -> (Recipe, Digest) {
    let kind = match kind {
        "applied" => "apply",
        "measured" => "measure",
        other => other,
    };
    (Recipe::new(kind).with("anchor", digest("anchor")).with("outputs", digest("o")), digest("id"))
}

fn recipe() -> Recipe {
    let list = vec![Ingredient::Integer(3), Ingredient::List(vec![Ingredient::from("x")])];
    Recipe::new("fit")
        .with("train.learning_rate", 1e-3)
        .with("train.epochs", 100_i64)
        .with("third", 1.0 / 3.0)
        .with("large", 1.797_693_134_862_315_7e308)
        .with("reuse", true)
        .with("target", "flights.\"late\"\u{202e}")
        .with("inputs.flights.hour", digest("hours"))
        .with("hidden", list)
}

fn fit() -> Fit {
    let who = Who { columns: vec!["a".to_owned()], rows: digest("identities") };
    let members = Members {
        content: who.clone(),
        key: Some(who),
        trained: digest("trained"),
        chosen: digest("chosen"),
    };
    let reads = Reads { deployed: digest("deployed"), view: digest("view") };
    Fit {
        model: digest("model"),
        kind: "mlp".to_owned(),
        task: "classification".to_owned(),
        classes: vec!["no".to_owned(), "yes".to_owned()],
        epochs: vec![Epoch { train: 0.7, valid: 0.1 + 0.2 }, Epoch { train: 0.5, valid: 1e-300 }],
        best_epoch: 2,
        parameters: 33,
        kept: 7,
        multiply_adds: 30,
        rows: 1000,
        cost: Cost { seconds: 1.5, cpu_seconds: 1.25, peak_bytes: 1 << 20, joules: Some(3.0) },
        kernel: "avx2".to_owned(),
        created: "2013-01-01T00:00:00Z".to_owned(),
        table: Some(digest("table")),
        parent: Some(digest("parent")),
        generation: 1,
        seen: Some(SeenByFit {
            train_rows: digest("train rows"),
            valid_rows: digest("valid rows"),
            split_by: BTreeMap::from([("by".to_owned(), "day".to_owned())]),
            upstream: BTreeMap::from([("a.logit".to_owned(), reads)]),
            classes: BTreeMap::from([("a.logit".to_owned(), vec!["x".to_owned()])]),
            membership: Some(Membership {
                own: members.clone(),
                inherited: vec![members.clone()],
                above: vec![members],
            }),
        }),
        restarts: vec![Some(0.5), None],
        judged: vec!["a".to_owned()],
    }
}

fn measured() -> Measured {
    let measures = SplitMeasures {
        rows: 100,
        seen: 3,
        groups: Some(17),
        blocks: None,
        seeds: None,
        metrics: BTreeMap::from([("auc".to_owned(), 0.9), ("log_loss".to_owned(), 0.3)]),
        intervals: BTreeMap::new(),
    };
    Measured {
        splits: BTreeMap::from([("test".to_owned(), measures)]),
        decided: None,
        cost: Cost::default(),
    }
}

/// What a `table` recipe gave, as far as there are types for it.
#[derive(Serialize, Deserialize)]
struct Tabled {
    table: Digest,
    facts: TableFacts,
    settled: Settled,
}

/// Records that are easier written than built.
fn plain(kind: &str) -> Value {
    let standing = json!({ "recipe": digest("r"), "realisation": digest("m") });
    match kind {
        "table" => json!({
            "table": digest("t"), "sides": digest("s"), "identities": digest("i"), "groups": digest("g"),
            "facts": { "rows": 40, "columns": [{
                "name": "a", "kind": "number", "missing": 3, "levels": [], "binary": false,
                "integer": true, "whole": true, "image": null, "pixels": [], "digest": digest("c"),
                "train": digest("ct"), "valid": digest("cv"),
            }], "sides": [30, 5, 5], "notes": ["a note"], "remarks": {}, "unfit": [] },
            "settled": { "identity": ["a"], "types": { "a": "number" } },
        }),
        "judgement" => json!({
            "verdict": "patch", "candidate": "shim", "anchor": standing, "moved": ["a.logit"],
            "metric": "log_loss", "rows": 100, "loss": 0.5, "constant": 0.6, "budget": 0.01,
            "tolerance": 0.02, "confidence": 0.95, "effects": {
                "shim": { "loss": 0.5, "increase": 0.0, "bound": 0.001, "effective_rows": 50.0 },
            },
            "retrained": 0.49, "total": 0.01, "rest": 0.01, "total_error": 0.001, "rest_error": 0.001,
            "blend": 0.75, "certified": true, "upstream_worse": false, "patched": standing,
        }),
        "standing" => json!({ "parts": { "fold 1/2": standing, "baseline linear": standing } }),
        "run" => json!({ "time": "2013-01-01T00:00:00.000000Z", "report": {
            "format_version": 1, "pipeline": "flights", "seconds": 1.5, "peak_bytes": 1000,
            "nodes": [{
                "name": "a", "outcome": "trained", "fits": 3, "fitted": ["full"], "reasons": ["new"],
                "recipe": digest("r"), "realisation": digest("m"), "seconds": 1.0, "peak_bytes": 10,
                "metrics": { "test": { "auc": 0.9 } }, "seen": { "test": { "seen": 1, "unseen": 2 } },
            }],
            "requirements": [], "end_to_end": [{
                "node": "a", "metric": "log_loss", "before": 0.5, "after": 0.51, "bound": 0.02,
                "budget": 0.03, "within": true,
            }],
            "notes": ["a note"],
        } }),
        _ => json!({ "/data/t.csv": [
            { "device": 1, "inode": 2, "size": 300, "modified": 1_700_000_000_000_000_000_i64,
              "changed": 1_700_000_000_000_000_000_i64 }, digest("t.csv"),
        ] }),
    }
}

fn of(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

/// The record of a kind, before it is sealed.
fn record(kind: &str) -> Vec<u8> {
    match kind {
        "fit" => of(&fit()),
        "applied" => {
            let outputs = BTreeMap::from([("logit".to_owned(), digest("logits"))]);
            of(&Applied { outputs, cost: Cost::default() })
        }
        "measured" => of(&measured()),
        kind => of(&plain(kind)),
    }
}

/// A record as it lies in its file.
fn sealed(kind: &str, record: &[u8]) -> Vec<u8> {
    match kind {
        "run" | "stat" => seal(&[], record),
        kind => {
            let (recipe, id) = subject(kind);
            seal(&[&recipe.digest(), &id], record)
        }
    }
}

/// A memo of these bytes with its right hash.
fn memo(body: &[u8]) -> Vec<u8> {
    [b"collegium memo 1\n".as_slice(), Digest::of(body).as_bytes(), body].concat()
}

fn pairs() -> Vec<u8> {
    (0..12).flat_map(|at| *digest(&format!("{at}")).as_bytes()).collect()
}

/// What the system said of three objects and two records.
fn ground() -> Vec<u8> {
    let mut bytes = 3_u64.to_le_bytes().to_vec();
    bytes.extend((0..3 * 72 + 2 * 104).map(|at| (at * 37 % 251) as u8));
    bytes
}

/// The kind of a seed, by what its file begins with; `recipe` is the only one that is not sealed.
fn kind_of(seed: &[u8]) -> &'static str {
    let known = |kind: &&&str| whole(kind) == seed;
    KINDS.iter().find(known).copied().unwrap_or("recipe")
}

fn whole(kind: &str) -> Vec<u8> {
    match kind {
        "recipe" => of(&recipe()),
        "memo" => memo(&pairs()),
        "ground" => ground(),
        kind => sealed(kind, &record(kind)),
    }
}

/// A project of its own beside the input, with one file in its store.
struct Project {
    root: PathBuf,
    file: PathBuf,
}

impl Project {
    fn with(path: &Path, below: &Path, bytes: &[u8]) -> Result<Self, Refusal> {
        let root = path.with_extension("project");
        let file = root.join(".collegium").join(below);
        let made = file.parent().map_or(Ok(()), fs::create_dir_all);
        made.and_then(|()| fs::write(&file, bytes)).map_err(|error| ours(&error))?;
        Ok(Self { root, file })
    }

    fn store(&self) -> Result<Store, Refusal> {
        Store::open(&self.root).map_err(|error| ours(&error))
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.file);
        let _ = fs::remove_dir_all(self.root.join(".collegium/quarantine"));
    }
}

fn ours(error: &impl std::fmt::Display) -> Refusal {
    Refusal { message: error.to_string(), about_input: false }
}

fn theirs(store: &Store) -> Refusal {
    Refusal { message: store.notes().join("; "), about_input: true }
}

fn failed(error: StoreError) -> Refusal {
    ours(&error)
}

/// Looks through the whole store, as `verify` and `gc` do.
fn look_through(store: &Store) -> Result<bool, Refusal> {
    let policy = GcPolicy { keep: 0, grace: Duration::ZERO, now: SystemTime::now() };
    let plan = store.plan_gc(&Roots::default(), &policy).map_err(failed)?;
    let _ = collegium_store::amounts(&plan.doomed);
    let found = store.verify(&[], None, &mut |_| {}).map_err(failed)?;
    Ok(found.damaged.is_empty())
}

fn read_recipe(path: &Path, bytes: &[u8]) -> Result<(), Refusal> {
    // A stranger names it by its digest, whatever it holds.
    let recipe = serde_json::from_slice::<Recipe>(bytes);
    let name = recipe.as_ref().map_or_else(|_| digest("none"), Recipe::digest);
    let text = name.to_string();
    let below = Path::new("recipes").join(&text[..2]).join(format!("{text}.json"));
    let project = Project::with(path, &below, bytes)?;
    let store = project.store()?;
    let _ = look_through(&store)?;
    let _ = fs::write(&project.file, bytes);
    let Some(found) = store.recipe(&name).map_err(failed)? else { return Err(theirs(&store)) };
    let back: Option<Recipe> = serde_json::from_slice(&of(&found)).ok();
    match back.as_ref().map(Recipe::digest) {
        Some(again) if again == name && found.changes(&found).is_empty() => Ok(()),
        again => Err(ours(&format!("written back it is {again:?}, not {name}"))),
    }
}

fn read_realisation<T: Serialize + DeserializeOwned>(
    path: &Path,
    kind: &str,
    bytes: &[u8],
) -> Result<(), Refusal> {
    let (recipe, id) = subject(kind);
    let (name, id_text) = (recipe.digest().to_string(), id.to_string());
    let below =
        Path::new("realisations").join(&name[..2]).join(&name).join(format!("{id_text}.json"));
    let project = Project::with(path, &below, bytes)?;
    let store = project.store()?;
    // With its recipe, and without: then the shape alone decides.
    let _ = look_through(&store)?;
    let text = of(&recipe);
    let behind = Project::with(
        path,
        &Path::new("recipes").join(&name[..2]).join(format!("{name}.json")),
        &text,
    )?;
    let _ = fs::write(&project.file, bytes);
    let _ = look_through(&store)?;
    let _ = fs::write(&project.file, bytes);
    let found: BTreeMap<Digest, T> = store.realisations(&recipe.digest()).map_err(failed)?;
    drop(behind);
    match found.get(&id) {
        None => Err(theirs(&store)),
        Some(record) => comes_back(record),
    }
}

/// Is a record the same when it is written and read?
fn comes_back<T: Serialize + DeserializeOwned>(record: &T) -> Result<(), Refusal> {
    let once = of(record);
    let again: T = serde_json::from_slice(&once)
        .map_err(|error| ours(&format!("what was accepted is not read again: {error}")))?;
    match of(&again) == once {
        true => Ok(()),
        false => Err(ours(&"it is written back as something else")),
    }
}

fn read_run(path: &Path, bytes: &[u8]) -> Result<(), Refusal> {
    let below = Path::new("runs/20130101T000000.000000Z-1.json");
    let project = Project::with(path, below, bytes)?;
    let store = project.store()?;
    let runs = store.runs().map_err(failed)?;
    let Some((_, report)) = runs.first() else { return Err(theirs(&store)) };
    comes_back::<RunReport>(report)?;
    match look_through(&store)? {
        true => Ok(()),
        false => Err(ours(&"it is read, and found damaged")),
    }
}

fn read_stat(path: &Path, bytes: &[u8]) -> Result<(), Refusal> {
    let project = Project::with(path, Path::new("cache/stat.json"), bytes)?;
    let store = project.store()?;
    let there = digest("what it is about");
    let file = path.with_extension("data");
    fs::write(&file, b"data").map_err(|error| ours(&error))?;
    let hashed = store.file_digest(&file).map_err(failed)?;
    if hashed != Digest::of(b"data") || hashed == there {
        return Err(ours(&"a file has another digest than its bytes"));
    }
    match store.notes().is_empty() {
        true => Ok(()),
        false => Err(Refusal { message: "damaged".to_owned(), about_input: true }),
    }
}

fn read_memo(path: &Path, bytes: &[u8]) -> Result<(), Refusal> {
    let project = Project::with(path, Path::new("cache/memo"), bytes)?;
    let store = project.store()?;
    let _ = store.memo(&digest("0"));
    store.remember(digest("new"), digest("value"));
    if store.memo(&digest("new")) != Some(digest("value")) {
        return Err(ours(&"what was remembered is forgotten"));
    }
    match store.notes().is_empty() {
        true => Ok(()),
        false => Err(Refusal { message: "damaged".to_owned(), about_input: true }),
    }
}

fn read_ground(path: &Path, bytes: &[u8]) -> Result<(), Refusal> {
    let refused = || Refusal { message: "no ground".to_owned(), about_input: true };
    let ground = Ground::from_bytes(bytes).ok_or_else(refused)?;
    let project = Project::with(path, Path::new("cache/k.ground"), &seal(&[], bytes))?;
    match project.store()?.stands_on(&ground) {
        true if ground != Ground::default() => {
            Err(ours(&"files that are not there are as they were"))
        }
        _ => Ok(()),
    }
}

impl FuzzTarget for Record {
    fn name(&self) -> &'static str {
        "record"
    }

    fn extension(&self, seed: usize) -> &'static str {
        KINDS[seed]
    }

    fn seeds(&self) -> Vec<Vec<u8>> {
        KINDS.iter().map(|kind| whole(kind)).collect()
    }

    fn mutate(&self, mut seed: Vec<u8>, random: &mut Random) -> Vec<u8> {
        let kind = kind_of(&seed);
        if kind == "memo" && random.random() {
            let mut body = pairs();
            some_times(random, |random| break_once(&mut body, random));
            return memo(&body);
        }
        let is_json = !matches!(kind, "memo" | "ground");
        if is_json && random.random_range(0..5) > 0 {
            let plain = if kind == "recipe" { seed } else { record(kind) };
            let mut tree: Value = serde_json::from_slice(&plain).unwrap_or_default();
            some_times(random, |random| break_tree(&mut tree, random));
            let mut bytes = of(&tree);
            if random.random_range(0..8) == 0 {
                break_once(&mut bytes, random);
            }
            return if kind == "recipe" { bytes } else { sealed(kind, &bytes) };
        }
        some_times(random, |random| match random.random_range(0..3) {
            0 => break_once(&mut seed, random),
            1 => {
                let all = 0..seed.len();
                nudge(&mut seed, all, random);
            }
            _ => {
                let start = 0..seed.len().min(100);
                overwrite(&mut seed, start, random);
            }
        });
        seed
    }

    fn read(&self, path: &Path) -> Result<(), Refusal> {
        let bytes = fs::read(path).map_err(|error| ours(&error))?;
        let kind = path.extension().and_then(|kind| kind.to_str()).unwrap_or_default();
        match kind {
            "recipe" => read_recipe(path, &bytes),
            "fit" => read_realisation::<Fit>(path, kind, &bytes),
            "applied" => read_realisation::<Applied>(path, kind, &bytes),
            "measured" => read_realisation::<Measured>(path, kind, &bytes),
            "judgement" => read_realisation::<Judgement>(path, kind, &bytes),
            "table" => read_realisation::<Tabled>(path, kind, &bytes),
            "run" => read_run(path, &bytes),
            "stat" => read_stat(path, &bytes),
            "memo" => read_memo(path, &bytes),
            "ground" => read_ground(path, &bytes),
            _ => read_realisation::<Value>(path, kind, &bytes),
        }
    }
}
