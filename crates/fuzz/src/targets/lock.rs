//! Fuzz target of lock files: blocks torn, merged and edited, digests that are none, numbers beyond all bounds.

use std::{collections::BTreeMap, fs, path::Path};

use collegium_digest::Digest;
use collegium_records::{
    Candidate, Certificate, FitName, Held, Lock, LockedData, LockedNode, LockedRotations, Reads,
    Settled, Standing, Verdict,
};
use collegium_store::{LOCK_FORMAT, StoreError, broken_seals, lock_text, parse_lock, read_lock};
use rand::RngExt as _;

use super::pipeline::{break_document, break_text};
use crate::{FuzzTarget, Random, Refusal, mutate::some_times};

/// `NAME.lock`, as runs write it.
pub struct LockFile;

const WORDS: [&str; 16] = [
    "<<<<<<< ours\n",
    "=======\n",
    ">>>>>>> theirs\n",
    "||||||| base\n",
    "[node.a]\n",
    "[data.a]\n",
    "format = 3\n",
    "format = 99999999999\n",
    "parts.\"\".recipe = \"\"\n",
    "\"",
    "'",
    "[",
    "{",
    ".",
    "\u{feff}",
    "nan",
];

fn digest(of: &str) -> Digest {
    Digest::of(of.as_bytes())
}

fn standing(of: &str) -> Standing {
    Standing { recipe: digest(of), realisation: digest(&format!("{of} model")) }
}

fn node(name: &str) -> LockedNode {
    let reads = Reads { deployed: digest("deployed"), view: digest("view") };
    let Standing { recipe, realisation } = standing(name);
    LockedNode {
        recipe,
        realisation,
        outputs: digest("outputs"),
        held: None,
        parts: [FitName::Fold { fold: 1, of: 2 }, FitName::HeldOut, FitName::Linear]
            .map(|part| (part, standing(&part.to_string())))
            .into(),
        reads: BTreeMap::from([("a.logit".to_owned(), reads)]),
        hands: ["logit", "logit out-of-fold 2"].map(|view| (view.to_owned(), digest(view))).into(),
        certificate: None,
        tuned: None,
        overrides: Vec::new(),
        seal: None,
    }
}

fn certificate() -> Certificate {
    Certificate {
        verdict: Verdict::Patch,
        candidate: Candidate::ShimRefit,
        anchor: standing("anchor"),
        anchor_parts: BTreeMap::from([(FitName::Fold { fold: 1, of: 2 }, standing("old fold"))]),
        anchor_reads: BTreeMap::new(),
        rows_digest: digest("rows"),
        rows: 1000,
        groups: None,
        tolerance: 0.02,
        confidence: 0.95,
        loss: 0.4,
        increase: -0.001,
        bound: 1e-3,
        budget: 0.008,
        rest: 1.0 / 3.0,
        certified: true,
        upstream_worse: false,
    }
}

fn locks() -> Vec<Lock> {
    let settled = Settled {
        identity: vec!["a".to_owned(), "ä \"b\"".to_owned()],
        types: BTreeMap::from([("t.when".to_owned(), "time".to_owned())]),
        sides: BTreeMap::from([("valid_from".to_owned(), "2013-07-01T00:00:00".to_owned())]),
    };
    let data = LockedData { table: digest("t"), sides: digest("s"), rows: 336_776, settled };
    let kept = LockedNode { certificate: Some(certificate()), ..node("kept") };
    let frozen = LockedNode { held: Some(Held::Frozen), ..node("frozen") };
    let nodes = [("trained", node("trained")), ("kept", kept), ("ice cold", frozen)];
    vec![
        Lock {
            format: LOCK_FORMAT,
            data: BTreeMap::from([("flights".to_owned(), data)]),
            node: nodes.map(|(name, node)| (name.to_owned(), node)).into(),
            rotated: Some(LockedRotations { rotations: 5, locks: digest("r") }),
        },
        Lock { format: LOCK_FORMAT, ..Lock::default() },
    ]
}

impl FuzzTarget for LockFile {
    fn name(&self) -> &'static str {
        "lock"
    }

    fn extension(&self, _: usize) -> &'static str {
        "lock"
    }

    fn seeds(&self) -> Vec<Vec<u8>> {
        let written = |lock: &Lock| lock_text(Path::new("seed.lock"), lock).ok();
        locks().iter().filter_map(written).map(String::into_bytes).collect()
    }

    fn mutate(&self, mut seed: Vec<u8>, random: &mut Random) -> Vec<u8> {
        if random.random() {
            let text = String::from_utf8_lossy(&seed);
            if let Some(broken) = break_document(&text, random) {
                return broken.into_bytes();
            }
        }
        some_times(random, |random| break_text(&mut seed, &WORDS, random));
        seed
    }

    fn read(&self, path: &Path) -> Result<(), Refusal> {
        let refused = |error: &dyn std::fmt::Display, about_input| Refusal {
            message: error.to_string(),
            about_input,
        };
        let lock = read_lock(path).map_err(|error| refused(&error, true))?;
        broken_seals(path).map_err(|error| refused(&error, false))?;
        for node in lock.node.values() {
            let _ = (node.objects(), node.recipes());
        }
        // What is written of it says the same.
        let ours = |error: StoreError| refused(&error, false);
        let first = lock_text(path, &lock).map_err(ours)?;
        let back = parse_lock(path, first.clone().into_bytes()).map_err(ours)?;
        let second = lock_text(path, &back).map_err(ours)?;
        if first != second || format!("{lock:?}") != format!("{back:?}") {
            return Err(refused(&"it is written back as another lock", false));
        }
        let again = path.with_extension("again");
        fs::write(&again, &first).map_err(|error| refused(&error, false))?;
        let broken = broken_seals(&again);
        match broken.map_err(|error| refused(&error, false))?.as_slice() {
            [] => Ok(()),
            names => Err(refused(&format!("the seals of {names:?} do not hold"), false)),
        }
    }
}
