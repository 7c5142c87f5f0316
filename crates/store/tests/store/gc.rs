//! What `gc` frees, in which order, and what it must not touch.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use collegium_digest::Digest;
use collegium_records::{
    Applied, Cost, Fit, Kept, Lock, LockedData, LockedNode, Recipe, Settled, Standing,
};
use collegium_store::{
    GcPlan, GcPolicy, LOCK_FORMAT, PipelineFile, Roots, Store, amounts, pipelines, write_lock,
};

use crate::{files, fresh, id, runs::report};

const DAY: Duration = Duration::from_secs(86_400);

/// A model of so many bytes with its record, trained on a table; returns its recipe and object.
pub(crate) fn model(
    store: &Store,
    name: &str,
    bytes: usize,
    cpu: f64,
    table: Option<Digest>,
) -> Standing {
    let recipe = Recipe::new("fit").with("name", name);
    let realisation = store.put(&name.as_bytes().repeat(bytes / name.len())).unwrap();
    let mut fit: Fit = serde_json::from_value(serde_json::json!({
        "model": realisation, "kind": "mlp", "task": "regression", "classes": [], "epochs": [],
        "best_epoch": 1, "parameters": 1, "multiply_adds": 1, "rows": 1, "kernel": "avx2",
        "cost": {"seconds": cpu, "cpu_seconds": cpu, "peak_bytes": 0}, "created": "",
    }))
    .unwrap();
    fit.table = table;
    store.realise(&recipe, &realisation, &fit).unwrap();
    Standing { recipe: recipe.digest(), realisation }
}

/// Two outputs of a model with their record and a measurement; returns the recipe and the objects.
pub(crate) fn outputs(store: &Store, model: Digest) -> (Digest, Vec<Digest>) {
    let recipe = Recipe::new("apply").with("model", model);
    let object = |name: &str| store.put(format!("{name} of {model}").as_bytes()).unwrap();
    let outputs: BTreeMap<String, Digest> =
        ["logit", "probability"].map(|name| (name.to_owned(), object(name))).into();
    let objects = outputs.values().copied().collect();
    store.realise(&recipe, &id("outputs"), &Applied { outputs, cost: Cost::default() }).unwrap();
    let measure = Recipe::new("measure").with("outputs", recipe.digest());
    store.realise(&measure, &id("measured"), &serde_json::json!({"splits": {}})).unwrap();
    (recipe.digest(), objects)
}

pub(crate) fn table(store: &Store, name: &str) -> (Digest, Digest) {
    let table = store.put(format!("table {name}").as_bytes()).unwrap();
    let sides = store.put(format!("sides {name}").as_bytes()).unwrap();
    let record = serde_json::json!({"table": table, "sides": sides, "facts": {}});
    store.realise(&Recipe::new("table").with("name", name), &id("table"), &record).unwrap();
    (table, sides)
}

/// A pipeline that stands on one expert.
pub(crate) fn standing_on(
    model: Standing,
    outputs: Digest,
    data: Option<(Digest, Digest)>,
) -> PipelineFile {
    let node = LockedNode {
        recipe: model.recipe,
        realisation: model.realisation,
        outputs,
        held: None,
        parts: BTreeMap::new(),
        reads: BTreeMap::new(),
        hands: BTreeMap::new(),
        certificate: None,
        tuned: None,
        overrides: Vec::new(),
        seal: None,
    };
    let data = data.map(|(table, sides)| {
        let data = LockedData { table, sides, rows: 1, settled: Settled::default() };
        ("data.rows".to_owned(), data)
    });
    let lock = Lock {
        format: LOCK_FORMAT,
        data: data.into_iter().collect(),
        node: [("expert.size".to_owned(), node)].into(),
        rotated: None,
    };
    PipelineFile { path: "small.toml".into(), lock, pins: Vec::new() }
}

fn everything() -> GcPolicy {
    GcPolicy { keep: 0, grace: Duration::ZERO, now: SystemTime::now() + Duration::from_secs(1) }
}

fn evicted(plan: &GcPlan) -> Vec<Digest> {
    plan.doomed.iter().filter_map(|doomed| doomed.object).collect()
}

fn set(objects: &[Digest]) -> BTreeSet<Digest> {
    objects.iter().copied().collect()
}

#[test]
fn what_a_lock_stands_on_stays_and_the_rest_goes_with_its_records() {
    let (_folder, store) = fresh();
    let (old, new) = (table(&store, "old"), table(&store, "new"));
    let stale = model(&store, "stale", 1000, 5.0, Some(old.0));
    let (_, stale_outputs) = outputs(&store, stale.realisation);
    let live = model(&store, "live", 1000, 5.0, Some(new.0));
    let (applied, live_outputs) = outputs(&store, live.realisation);
    let roots = store.roots(&[standing_on(live, applied, None)]).unwrap();
    let plan = store.plan_gc(&roots, &everything()).unwrap();
    let gone = [vec![stale.realisation, old.0, old.1], stale_outputs].concat();
    assert_eq!(set(&evicted(&plan)), set(&gone));
    let count: Vec<_> =
        amounts(&plan.doomed).into_iter().map(|(kind, amount)| (kind, amount.files)).collect();
    // The records of the model, the outputs, the measurement and the table, with their recipes.
    let expected = [
        (Kept::Models, 1),
        (Kept::Outputs, 2),
        (Kept::Tables, 2),
        (Kept::Records, 4),
        (Kept::Recipes, 4),
    ];
    assert_eq!(count, expected);
    assert_eq!(amounts(&plan.doomed)[&Kept::Models].cpu_seconds, 5.0);

    assert_eq!(store.gc(&plan).unwrap().len(), 13);
    let left = [vec![live.realisation, new.0, new.1], live_outputs].concat();
    assert_eq!(set(&store.objects().unwrap()), set(&left));
    assert_eq!(store.realisations::<Fit>(&live.recipe).unwrap().len(), 1);
    assert!(store.realisations::<Fit>(&stale.recipe).unwrap().is_empty());
    assert!(store.recipe(&stale.recipe).unwrap().is_none());
    assert!(store.recipe(&live.recipe).unwrap().is_some());
    let again = store.plan_gc(&roots, &everything()).unwrap();
    assert_eq!(again.doomed, [], "once is enough");
    assert_eq!(again.kept.bytes, plan.kept.bytes);
}

#[test]
fn records_go_before_objects_and_objects_before_recipes() {
    let (_folder, store) = fresh();
    outputs(&store, model(&store, "stale", 100, 1.0, None).realisation);
    table(&store, "rows");
    let plan = store.plan_gc(&Roots::default(), &everything()).unwrap();
    let stage = |kind| match kind {
        Kept::Records => 0,
        Kept::Models | Kept::Outputs | Kept::Tables | Kept::OtherObjects => 1,
        _ => 2,
    };
    let stages: Vec<u8> = plan.doomed.iter().map(|doomed| stage(doomed.kind)).collect();
    assert!(stages.is_sorted() && stages.contains(&2), "{stages:?}");
    // Measurements before the records of what they measure.
    let measured = Recipe::new("measure").digest();
    assert!(!plan.doomed[0].path.ends_with(measured.to_string()));
    assert!(fs::read_to_string(&plan.doomed[0].path).unwrap().contains("splits"));
}

#[test]
fn cut_off_anywhere_it_leaves_no_record_of_what_is_gone() {
    let (_folder, store) = fresh();
    outputs(&store, model(&store, "stale", 100, 1.0, None).realisation);
    let whole = store.plan_gc(&Roots::default(), &everything()).unwrap();
    for cut in 0..=whole.doomed.len() {
        let (_folder, store) = fresh();
        let stale = model(&store, "stale", 100, 1.0, None);
        let (applied, _) = outputs(&store, stale.realisation);
        let mut plan = store.plan_gc(&Roots::default(), &everything()).unwrap();
        plan.doomed.truncate(cut);
        store.gc(&plan).unwrap();
        for fit in store.realisations::<Fit>(&stale.recipe).unwrap().values() {
            assert!(store.contains(&fit.model), "cut at {cut}");
        }
        for applied in store.realisations::<Applied>(&applied).unwrap().values() {
            assert!(applied.outputs.values().all(|object| store.contains(object)), "cut at {cut}");
        }
        let rest = store.plan_gc(&Roots::default(), &everything()).unwrap();
        store.gc(&rest).unwrap();
        assert_eq!(store.objects().unwrap(), []);
    }
}

#[test]
fn the_cheapest_per_byte_goes_first_until_the_store_is_small_enough() {
    let (_folder, store) = fresh();
    let dear = model(&store, "dear", 10_000, 100.0, None).realisation;
    let cheap = model(&store, "cheap", 10_000, 1.0, None).realisation;
    let dense = model(&store, "dense", 100, 2.0, None).realisation;
    let (table, sides) = table(&store, "rows");
    let all = store.plan_gc(&Roots::default(), &everything()).unwrap();
    let order = evicted(&all);
    assert_eq!(set(&order[..2]), set(&[table, sides]), "100 MB/s is cheaper than any fit");
    assert_eq!(order[2..], [cheap, dear, dense]);

    let keep = |keep| {
        let policy = GcPolicy { keep, ..everything() };
        evicted(&store.plan_gc(&Roots::default(), &policy).unwrap())
    };
    let size: u64 = files(store.root()).iter().map(|path| fs::metadata(path).unwrap().len()).sum();
    assert_eq!(keep(size), []);
    assert_eq!(keep(size - 9_000), order[..3]);
    let policy = GcPolicy { keep: size - 9_000, ..everything() };
    let plan = store.plan_gc(&Roots::default(), &policy).unwrap();
    assert_eq!(plan.spared.files, 2);
    assert!(plan.kept.bytes <= size - 9_000);
}

#[test]
fn what_is_young_stays_with_all_that_it_names() {
    let (_folder, store) = fresh();
    let (table, sides) = table(&store, "rows");
    let young = model(&store, "young", 100, 1.0, Some(table));
    let old = model(&store, "old", 100, 1.0, None);
    age(store.root(), 2 * DAY);
    let recipe = young.recipe.to_string();
    let record = files(&store.root().join("realisations"))
        .into_iter()
        .find(|path| path.to_str().unwrap().contains(&recipe))
        .unwrap();
    fs::File::open(record).unwrap().set_modified(SystemTime::now()).unwrap();
    let policy = GcPolicy { grace: DAY, now: SystemTime::now(), keep: 0 };
    let plan = store.plan_gc(&Roots::default(), &policy).unwrap();
    assert_eq!(evicted(&plan), [old.realisation]);
    assert_eq!(plan.spared.files, 3);
    store.gc(&plan).unwrap();
    assert_eq!(set(&store.objects().unwrap()), set(&[table, sides, young.realisation]));
}

/// Makes every file below a folder look so much older.
fn age(folder: &Path, by: Duration) {
    for path in files(folder) {
        fs::File::open(path).unwrap().set_modified(SystemTime::now() - by).unwrap();
    }
}

#[test]
fn an_object_that_is_needed_again_after_the_look_is_not_deleted() {
    let (_folder, store) = fresh();
    let stale = model(&store, "stale", 1000, 1.0, None);
    age(store.root(), DAY);
    let plan = store.plan_gc(&Roots::default(), &everything()).unwrap();
    assert_eq!(evicted(&plan), [stale.realisation]);
    model(&store, "stale", 1000, 1.0, None);
    store.gc(&plan).unwrap();
    assert!(store.get(&stale.realisation).unwrap().is_some());
}

#[test]
fn models_of_the_last_ten_runs_stay_without_their_outputs() {
    let (_folder, store) = fresh();
    let models: Vec<Standing> =
        (0..12).map(|n| model(&store, &format!("model {n:02}"), 100, 1.0, None)).collect();
    for model in &models {
        outputs(&store, model.realisation);
        let mut run = report("small");
        let node = serde_json::json!({
            "name": "expert.size", "outcome": "trained", "fits": 1, "fitted": ["full"], "reasons": [],
            "recipe": model.recipe, "realisation": model.realisation, "seconds": 1.0,
            "peak_bytes": 1, "metrics": {},
        });
        run.nodes.push(serde_json::from_value(node).unwrap());
        store.log_run(&run).unwrap();
    }
    let roots = store.roots(&[]).unwrap();
    store.gc(&store.plan_gc(&roots, &everything()).unwrap()).unwrap();
    let left: Vec<Digest> = models[2..].iter().map(|model| model.realisation).collect();
    assert_eq!(set(&store.objects().unwrap()), set(&left));
}

#[test]
fn a_pinned_model_stays_with_its_folds() {
    let (_folder, store) = fresh();
    let full = model(&store, "full", 100, 1.0, None);
    let fold = model(&store, "fold", 100, 1.0, None);
    model(&store, "stale", 100, 1.0, None);
    let mut node = standing_on(full, id("outputs"), None).lock.node.remove("expert.size").unwrap();
    node.parts.insert(collegium_records::FitName::Fold { fold: 1, of: 2 }, fold);
    let recipe = Recipe::new("standing").with("realisation", full.realisation);
    store.realise(&recipe, &recipe.digest(), &node).unwrap();
    let pin = full.realisation.short();
    let pinned = PipelineFile { path: "a.toml".into(), lock: Lock::default(), pins: vec![pin] };
    let roots = store.roots(&[pinned]).unwrap();
    store.gc(&store.plan_gc(&roots, &everything()).unwrap()).unwrap();
    assert_eq!(set(&store.objects().unwrap()), set(&[full.realisation, fold.realisation]));
}

#[test]
fn leftovers_go_and_the_last_hundred_run_reports_stay() {
    let (_folder, store) = fresh();
    for _ in 0..103 {
        store.log_run(&report("small")).unwrap();
    }
    fs::write(store.root().join("quarantine/objects-ab.1"), "rubbish").unwrap();
    fs::create_dir(store.root().join("quarantine/objects-folder.12")).unwrap();
    fs::write(store.root().join("tmp/1-dead00"), "half").unwrap();
    let living = fs::File::create(store.root().join("tmp/2-living")).unwrap();
    living.lock().unwrap();
    let plan = store.plan_gc(&Roots::default(), &everything()).unwrap();
    let count: Vec<_> =
        amounts(&plan.doomed).into_iter().map(|(kind, amount)| (kind, amount.files)).collect();
    assert_eq!(count, [(Kept::Runs, 3), (Kept::Quarantine, 2), (Kept::Temporary, 1)]);
    store.gc(&plan).unwrap();
    assert_eq!(store.runs().unwrap().len(), 100);
    assert!(store.root().join("tmp/2-living").exists());
    let young = GcPolicy { grace: DAY, ..everything() };
    fs::write(store.root().join("quarantine/objects-cd.1"), "rubbish").unwrap();
    assert_eq!(store.plan_gc(&Roots::default(), &young).unwrap().doomed, []);
}

#[test]
fn pipelines_are_found_with_their_locks_and_pins_and_nothing_else_is() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    };
    let head = "[pipeline]\nname = \"a\"\n";
    let a = write("pipelines/a.toml", &format!("{head}[expert.x]\npin = \"ab12\"\n"));
    write("deep/down/b.toml", &format!("{head}broken = \n  pin   = 'cd34'\n"));
    for other in [".hidden/c.toml", "target/d.toml"] {
        write(other, head);
        write(&other.replace("toml", "lock"), "not read");
    }
    write("Cargo.toml", "[package]\nname = \"x\"\n");
    write("Cargo.lock", "version = 4\n");
    std::os::unix::fs::symlink(folder.path(), folder.path().join("deep/loop")).unwrap();
    let lock = standing_on(Standing { recipe: id("r"), realisation: id("m") }, id("o"), None).lock;
    write_lock(&a.with_extension("lock"), &lock).unwrap();
    let found = pipelines(folder.path()).unwrap();
    let seen: Vec<_> = found
        .iter()
        .map(|p| {
            (p.path.file_name().unwrap().to_str().unwrap(), p.lock.node.len(), p.pins.join(" "))
        })
        .collect();
    assert_eq!(seen, [("b.toml", 0, "cd34".to_owned()), ("a.toml", 1, "ab12".to_owned())]);
    write("deep/down/b.lock", "<<<<<<< ours\n");
    assert!(
        pipelines(folder.path()).unwrap_err().to_string().contains("b.lock:1: a merge conflict")
    );
}
