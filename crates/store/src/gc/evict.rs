//! Eviction order: which unused objects go first (least cost per byte), and the records that go with them.

use std::collections::{HashMap, HashSet};

use collegium_digest::Digest;
use collegium_records::{Amount, Kept};

use super::{
    Doomed, GcPlan, GcPolicy,
    inventory::{Inventory, Record, Seen},
    mark::{Live, live},
};
use crate::Roots;

/// Bytes per second at which an object is made again whose cost nobody recorded.
const REBUILD: f64 = 100e6;

/// What is known of an object from the records that name it.
struct Known {
    kind: Kept,
    /// CPU seconds that were recorded for it.
    cpu_seconds: f64,
    /// Records that name it, by position.
    records: Vec<usize>,
}

/// Eviction plan: what is cheapest to make again, per byte, goes first, until the store is small enough.
pub(super) fn plan(inventory: &Inventory, roots: &Roots, policy: &GcPolicy) -> GcPlan {
    let live = live(inventory, roots, policy);
    let known = known(inventory);
    let mut size = total(inventory).bytes;
    size -= inventory.leftovers.iter().map(|(_, file)| file.bytes).sum::<u64>();
    let mut gone: HashSet<Digest> = HashSet::new();
    let mut records: HashSet<usize> = HashSet::new();
    let mut objects = Vec::new();
    for (object, file) in in_order(inventory, &live, &known) {
        if size <= policy.keep {
            break;
        }
        let what = known.get(object);
        gone.insert(*object);
        size -= file.bytes;
        for &record in what.into_iter().flat_map(|what| &what.records) {
            if records.insert(record) {
                size -= inventory.records[record].file.bytes;
            }
        }
        let mut doomed = doomed(what.map_or(Kept::OtherObjects, |what| what.kind), file);
        doomed.cpu_seconds = what.map_or(0.0, |what| what.cpu_seconds);
        doomed.object = Some(*object);
        objects.push(doomed);
    }
    let dependents = follow(inventory, roots, policy, &gone, &mut records);
    let mut plan = GcPlan::default();
    let record = |&number: &usize| doomed(Kept::Records, &inventory.records[number].file);
    // Whoever is cut off half-way must not leave a measurement of what is gone.
    plan.doomed.extend(dependents.iter().map(record));
    plan.doomed.extend(sorted(&records).iter().map(record));
    plan.doomed.extend(objects);
    records.extend(dependents);
    plan.doomed.extend(recipes(inventory, roots, policy, &records));
    plan.doomed.extend(inventory.leftovers.iter().map(|(kind, file)| doomed(*kind, file)));
    plan.kept = total(inventory);
    for file in &plan.doomed {
        plan.kept.files -= 1;
        plan.kept.bytes -= file.bytes;
    }
    for (object, file) in &inventory.objects {
        if !gone.contains(object) {
            let cost = known.get(object).map_or(0.0, |what| what.cpu_seconds);
            plan.kept.cpu_seconds += cost;
            if !live.reached.contains(object) {
                plan.spared.add(file.bytes, cost);
            }
        }
    }
    plan
}

/// Objects that may go, the cheapest per byte first; those of one record side by side, since one of
/// them alone is of no use.
fn in_order<'a>(
    inventory: &'a Inventory,
    live: &Live,
    known: &HashMap<Digest, Known>,
) -> impl Iterator<Item = &'a (Digest, Seen)> {
    let price = |(object, file): &(Digest, Seen)| match known.get(object) {
        Some(what) if what.cpu_seconds > 0.0 => what.cpu_seconds / file.bytes.max(1) as f64,
        _ => 1.0 / REBUILD,
    };
    let group = |(object, _): &(Digest, Seen)| known.get(object)?.records.first().copied();
    let mut order: Vec<&(Digest, Seen)> =
        inventory.objects.iter().filter(|(object, _)| !live.has(object)).collect();
    order.sort_by(|a, b| {
        price(a).total_cmp(&price(b)).then_with(|| (group(a), a.0).cmp(&(group(b), b.0)))
    });
    order.into_iter()
}

/// Everything that records say about objects. The cost of a record is shared out by size.
fn known(inventory: &Inventory) -> HashMap<Digest, Known> {
    let sizes: HashMap<&Digest, u64> =
        inventory.objects.iter().map(|(object, file)| (object, file.bytes)).collect();
    let mut known: HashMap<Digest, Known> = HashMap::new();
    for (number, record) in inventory.records.iter().enumerate() {
        let size = |object: &Digest| sizes.get(object).copied().unwrap_or(0).max(1) as f64;
        let whole: f64 = record.names.needs.iter().map(|(object, _, _)| size(object)).sum();
        for (object, kind, _) in &record.names.needs {
            let share = record.names.cpu_seconds.unwrap_or(0.0) * size(object) / whole;
            let what = known.entry(*object).or_insert(Known {
                kind: *kind,
                cpu_seconds: 0.0,
                records: Vec::new(),
            });
            what.cpu_seconds = what.cpu_seconds.max(share);
            what.records.push(number);
        }
    }
    known
}

/// Adds the records that are worth nothing without objects that are not there, and returns those
/// that are worth nothing without the records that go.
fn follow(
    inventory: &Inventory,
    roots: &Roots,
    policy: &GcPolicy,
    gone: &HashSet<Digest>,
    records: &mut HashSet<usize>,
) -> Vec<usize> {
    let there: HashSet<&Digest> =
        inventory.objects.iter().map(|(o, _)| o).filter(|o| !gone.contains(*o)).collect();
    let free = |record: &Record| {
        !policy.spares(record.file.modified) && !roots.recipes.contains(&record.recipe)
    };
    for (number, record) in inventory.records.iter().enumerate() {
        if free(record) && record.names.needs.iter().any(|(o, _, _)| !there.contains(o)) {
            records.insert(number);
        }
    }
    let staying = |records: &HashSet<usize>| -> HashSet<Digest> {
        let all = inventory.records.iter().enumerate();
        all.filter(|(number, _)| !records.contains(number)).map(|(_, r)| r.recipe).collect()
    };
    let recipes = staying(records);
    let lost = |record: &Record| {
        record.about.outputs.is_some_and(|recipe| !recipes.contains(&recipe))
            || record.about.model.is_some_and(|model| !there.contains(&model))
    };
    let all = inventory.records.iter().enumerate();
    all.filter(|(number, record)| !records.contains(number) && free(record) && lost(record))
        .map(|(number, _)| number)
        .collect()
}

/// Recipes behind which nothing is left.
fn recipes(
    inventory: &Inventory,
    roots: &Roots,
    policy: &GcPolicy,
    gone: &HashSet<usize>,
) -> Vec<Doomed> {
    let all = inventory.records.iter().enumerate();
    let needed: HashSet<Digest> =
        all.filter(|(number, _)| !gone.contains(number)).map(|(_, record)| record.recipe).collect();
    let free = |(recipe, file): &&(Digest, Seen)| {
        !needed.contains(recipe) && !roots.recipes.contains(recipe) && !policy.spares(file.modified)
    };
    let free = inventory.recipes.iter().filter(free);
    free.map(|(_, file)| doomed(Kept::Recipes, file)).collect()
}

fn doomed(kind: Kept, file: &Seen) -> Doomed {
    Doomed {
        kind,
        path: file.path.clone(),
        bytes: file.bytes,
        cpu_seconds: 0.0,
        object: None,
        entry: file.entry,
        modified: file.modified,
    }
}

fn sorted(records: &HashSet<usize>) -> Vec<usize> {
    let mut numbers: Vec<usize> = records.iter().copied().collect();
    numbers.sort_unstable();
    numbers
}

/// All files of the store.
fn total(inventory: &Inventory) -> Amount {
    let mut sum = inventory.rest;
    let objects = inventory.objects.iter().map(|(_, file)| file);
    let recipes = inventory.recipes.iter().map(|(_, file)| file);
    let records = inventory.records.iter().map(|record| &record.file);
    let leftovers = inventory.leftovers.iter().map(|(_, file)| file);
    for file in objects.chain(recipes).chain(records).chain(leftovers) {
        sum.add(file.bytes, 0.0);
    }
    sum
}
