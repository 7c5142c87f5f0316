//! A command, the disks that a power cut leaves of it, and what must come of each.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use collegium_digest::Digest;

use super::{
    LOCK, command,
    disk::{Content, Cut, Names, Recording, Step},
    predictions,
    recording::{laid_out, places, record, recorder, results, versions},
    say,
};
use crate::{
    crash::Numbers,
    project::{Files, Project, fitted},
    tally::{Fault, Wrong, fault_of, side_by_side, tell},
};

/// A command that was written down, and where a project ends that is not disturbed.
pub struct Trial {
    pub what: &'static str,
    args: &'static [&'static str],
    pub recording: Recording,
    /// Every content that a result ever had for whoever looked, the last one last.
    pub versions: BTreeMap<&'static str, Vec<Vec<u8>>>,
    outputs: &'static [&'static str],
    /// Objects and lock in the end, and predictions. None where there is no pipeline.
    pub end: Option<(Files, String)>,
}

/// Files that are whole whenever they have their name, whatever the command.
const WHOLE: [&str; 4] = [LOCK, ".collegium/version", ".collegium/.gitignore", ".collegium/README"];

impl Trial {
    /// `None` where nothing can be written down.
    pub fn new(
        what: &'static str,
        project: Project,
        args: &'static [&'static str],
        outputs: &'static [&'static str],
    ) -> Option<Self> {
        Self::with(&[], what, project, args, outputs)
    }

    /// With options for whoever writes down.
    pub fn with(
        options: &[&str],
        what: &'static str,
        project: Project,
        args: &'static [&'static str],
        outputs: &'static [&'static str],
    ) -> Option<Self> {
        let recording = record(&project, recorder()?, options, &command(&project, args));
        let names = WHOLE.iter().chain(outputs).copied();
        let versions = names.map(|name| (name, versions(&recording, name))).collect();
        let mut trial = Self { what, args, recording, versions, outputs, end: None };
        if project.path("pipelines/small.toml").exists() {
            say(&project, &["run", "--quiet"]).ok();
            say(&project, args).ok();
            let found = results(&project, LOCK);
            trial.end = Some((found, predictions(&project).unwrap()));
        }
        Some(trial)
    }

    /// The same, were some of its syncs none; told where in the recording, what, and of which path.
    pub fn deaf(mut self, ignored: impl Fn(usize, &Step, &str) -> bool) -> Self {
        let places = places(&self.recording);
        let Recording { before, steps, .. } = self.recording;
        let is_sync = |at: usize| matches!(steps[at], Step::Synced { .. } | Step::SyncedAll);
        let ignored: Vec<bool> = (0..steps.len())
            .map(|at| is_sync(at) && ignored(at, &steps[at], &places[at]))
            .collect();
        assert!(ignored.contains(&true), "{}: there is no such sync", self.what);
        self.recording = Recording::new(before, steps, |at| !ignored[at]);
        self
    }

    /// Cuts that leave different disks: as many for what happens in each part of a project, and as many again
    /// right after something was named there whose content is not durable.
    pub fn cuts(&self, count: usize) -> Vec<Cut> {
        let mut parts: BTreeMap<(bool, String), Vec<usize>> = BTreeMap::new();
        for (at, place) in places(&self.recording).into_iter().enumerate() {
            let part = place.split('/').take(2).collect::<Vec<_>>().join("/");
            if self.recording.names_too_early(at) {
                parts.entry((true, part.clone())).or_default().push(at);
            }
            parts.entry((false, part)).or_default().push(at);
        }
        let parts: Vec<Vec<usize>> = parts.into_values().collect();
        let mut numbers = Numbers(11);
        let (mut cuts, mut seen) = (Vec::new(), BTreeSet::new());
        for _ in 0..8 * count {
            if cuts.len() == count {
                break;
            }
            let part = &parts[numbers.below(parts.len())];
            let at = part[numbers.below(part.len())] + 1 + numbers.below(2);
            let after = match numbers.below(16) {
                0 => self.recording.steps.len(),
                _ => at.min(self.recording.steps.len()),
            };
            let names = match numbers.below(6) {
                0 => Names::Lost,
                1 | 2 => Names::Kept,
                3 => Names::Until(numbers.below(after + 1)),
                _ => Names::Some([10, 50, 90][numbers.below(3)]),
            };
            let content = match numbers.below(8) {
                0 => Content::Lost,
                1 => Content::Kept,
                2 => Content::Zeros,
                3 => Content::Junk,
                4 => Content::Pieces(512),
                5 => Content::Pieces(4096),
                _ => Content::Mixed,
            };
            let cut = Cut { after, names, content, seed: numbers.below(1 << 30) as u64 };
            let mut hasher = DefaultHasher::new();
            self.recording.left(&cut).tree().hash(&mut hasher);
            if seen.insert(hasher.finish()) {
                cuts.push(cut);
            }
        }
        cuts
    }

    /// Lays out what a cut leaves, and goes on from there.
    pub fn check(&self, cut: &Cut) -> Result<(), Wrong> {
        let wrong = |fault, how: String| Err((fault, format!("{}: {cut:?}: {how}", self.what)));
        let disk = self.recording.left(cut);
        // What was damaged before is no harm of the cut.
        let (files, sound) = (disk.files(), self.recording.before.files());
        for (name, content) in &files {
            let of_object =
                name.strip_prefix(".collegium/objects/").map(|hex| hex.replace('/', ""));
            let broken = |hex| Digest::of(content).to_string() != hex;
            if of_object.is_some_and(broken) && sound.get(name) != Some(content) {
                return wrong(Fault::Other, format!("{name} is not what its name says"));
            }
            if self.versions.get(name.as_str()).is_some_and(|all| !all.contains(content)) {
                return wrong(Fault::Other, format!("{name} is half-written"));
            }
        }
        let Some((end, predicted)) = &self.end else { return Ok(()) };
        // What a lock names is durable before the lock is.
        let new = files.get(LOCK) == end.get(LOCK) && sound.get(LOCK) != end.get(LOCK);
        if let Some(name) = lost(&files, end).filter(|_| new) {
            return wrong(Fault::Other, format!("the lock is there, and {name} is not"));
        }
        let project = laid_out(&disk, cut.seed.is_multiple_of(2));
        let said = say(&project, &["run", "--quiet", "--json"]);
        if said.code != 0 {
            return wrong(fault_of(&said), format!("the run: {}: {}", said.code, said.err));
        }
        if results(&project, LOCK).get(LOCK) != end.get(LOCK) {
            return wrong(Fault::Lock, "another lock".to_owned());
        }
        let fits = fitted(&said.json());
        if files.get(LOCK) == end.get(LOCK) && !fits.is_empty() {
            return wrong(
                Fault::Other,
                format!("the lock was there, and not its models: {fits:?}"),
            );
        }
        let said = say(&project, self.args);
        if said.code != 0 {
            return wrong(fault_of(&said), format!("given again: {}: {}", said.code, said.err));
        }
        if let Some(how) = self.differs(&results(&project, LOCK), end) {
            return wrong(Fault::Other, how);
        }
        for name in self.outputs {
            let last = self.versions[name].last().expect("the command writes it");
            match std::fs::read(project.path(name)) {
                Err(error) => return wrong(Fault::Other, format!("{name}: {error}")),
                // Pages hold times.
                Ok(found) if found != *last && name.ends_with(".csv") => {
                    return wrong(Fault::Number, format!("another {name}"));
                }
                Ok(_) => {}
            }
            let beside = project.files(name.rsplit_once('/').map_or("", |(folder, _)| folder));
            if beside.keys().any(|name| !name.contains('/') && name.ends_with(".part")) {
                return wrong(Fault::Other, "a part of an output is left".to_owned());
            }
        }
        match predictions(&project) {
            Ok(found) if found == *predicted => Ok(()),
            Ok(_) => wrong(Fault::Number, "other predictions".to_owned()),
            Err(said) => wrong(fault_of(&said), format!("predict: {}: {}", said.code, said.err)),
        }
    }

    /// How a project that went on differs from one that was not disturbed. What nobody needs any more is not
    /// made again; but what the lock names is there, and there is nothing that the other has not.
    fn differs(&self, found: &Files, end: &Files) -> Option<String> {
        let other = || found.iter().find(|(name, bytes)| end.get(*name) != Some(*bytes));
        lost(found, end)
            .map(|name| format!("{name} is missing"))
            .or_else(|| other().map(|(name, _)| format!("{name} is another")))
    }

    /// `count` cuts, unless `COLLEGIUM_CUTS` says otherwise.
    #[track_caller]
    pub fn survives(&self, count: usize) {
        let asked = std::env::var("COLLEGIUM_CUTS").ok().and_then(|text| text.parse().ok());
        let cuts = self.cuts(asked.unwrap_or(count));
        let wrong: Vec<Wrong> =
            side_by_side(&cuts, |cut| self.check(cut).err()).into_iter().flatten().collect();
        tell(&format!("power cuts, {}", self.what), cuts.len(), &wrong);
    }
}

/// An object that the lock names and that is missing.
fn lost<'a>(found: &Files, end: &'a Files) -> Option<&'a String> {
    let lock = String::from_utf8_lossy(&end[LOCK]);
    let named = |name: &String| {
        let hex = name.strip_prefix(".collegium/objects/").map(|hex| hex.replace('/', ""));
        hex.is_some_and(|hex| lock.contains(&hex))
    };
    end.keys().find(|name| named(name) && !found.contains_key(*name))
}
