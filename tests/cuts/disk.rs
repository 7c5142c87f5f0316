//! A disk in which changes wait to be made durable, and what of it a power cut may leave.
//!
//! POSIX promises little. What was written to a file is durable when that file was synced; a name that came,
//! went or moved, when the folder was that has it now. Of all else any part may be there, in any order: a
//! write whole, in pieces or not at all, a file of its new size with nothing or with another file's old bytes
//! in it, a name without its content, a rename made or not made. (A rename is made whole or not at all, as
//! every journal does it.)

use std::collections::{BTreeMap, BTreeSet};

use crate::{crash::Numbers, project::Files};

/// A file or a folder, whatever its name.
pub type Node = usize;

/// The folder in which everything lies.
pub const ROOT: Node = 0;

/// A name in a folder.
pub type Name = (Node, String);

/// One change, or what makes earlier ones durable.
#[derive(Debug, Clone)]
pub enum Step {
    Write { node: Node, at: usize, bytes: Vec<u8> },
    Size { node: Node, size: usize },
    Came { name: Name, node: Node },
    Went { name: Name },
    Moved { from: Name, to: Name, node: Node },
    Synced { node: Node },
    SyncedAll,
}

/// Files and folders, and their names.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    pub contents: BTreeMap<Node, Vec<u8>>,
    pub folders: BTreeSet<Node>,
    pub names: BTreeMap<Name, Node>,
}

/// What lies below the root; folders have no content.
pub type Tree = BTreeMap<String, Option<Vec<u8>>>;

/// What becomes of names that came, went or moved and are not durable.
#[derive(Debug, Clone, Copy)]
pub enum Names {
    Lost,
    Kept,
    /// Those before a step are kept, as by a journal.
    Until(usize),
    /// Each by itself, so many of a hundred.
    Some(usize),
}

/// What becomes of content that is not durable.
#[derive(Debug, Clone, Copy)]
pub enum Content {
    Lost,
    Kept,
    /// The size is kept, and zeros are there.
    Zeros,
    /// The size is kept, and what lay on the disk before is there.
    Junk,
    /// Pieces of this size are kept or not, each by itself, and so is the size.
    Pieces(usize),
    /// Any of these for each file.
    Mixed,
}

/// A power cut after so many steps.
#[derive(Debug, Clone, Copy)]
pub struct Cut {
    pub after: usize,
    pub names: Names,
    pub content: Content,
    pub seed: u64,
}

/// A disk, and what happened to it.
#[derive(Debug, Clone)]
pub struct Recording {
    pub before: Disk,
    pub steps: Vec<Step>,
    /// The step that made a change durable.
    durable: Vec<usize>,
}

impl Recording {
    /// `heeded`: is this sync what it says?
    pub fn new(before: Disk, steps: Vec<Step>, heeded: impl Fn(usize) -> bool) -> Self {
        let mut durable = vec![usize::MAX; steps.len()];
        let (mut of_file, mut of_folder): (BTreeMap<_, Vec<_>>, BTreeMap<_, Vec<_>>) =
            Default::default();
        for (at, step) in steps.iter().enumerate() {
            match step {
                Step::Write { node, .. } | Step::Size { node, .. } => {
                    of_file.entry(*node).or_default().push(at);
                }
                Step::Came { name, .. } | Step::Went { name } | Step::Moved { to: name, .. } => {
                    of_folder.entry(name.0).or_default().push(at);
                }
                Step::Synced { node } if heeded(at) => {
                    for waiting in [of_file.remove(node), of_folder.remove(node)] {
                        waiting.iter().flatten().for_each(|change| durable[*change] = at);
                    }
                }
                Step::SyncedAll if heeded(at) => {
                    let all = std::mem::take(&mut of_file).into_values();
                    let all = all.chain(std::mem::take(&mut of_folder).into_values()).flatten();
                    all.for_each(|change| durable[change] = at);
                }
                Step::Synced { .. } | Step::SyncedAll => {}
            }
        }
        Self { before, steps, durable }
    }

    /// What is there after so many steps for whoever looks.
    pub fn seen(&self, after: usize) -> Disk {
        let mut disk = self.before.clone();
        self.steps[..after].iter().for_each(|step| disk.apply(step));
        disk
    }

    /// Is this change sure to be there after a cut?
    pub fn is_durable(&self, change: usize, after: usize) -> bool {
        self.durable[change] < after
    }

    /// Does this step name a file whose content is not durable then?
    pub fn names_too_early(&self, at: usize) -> bool {
        let Step::Moved { node, .. } = &self.steps[at] else { return false };
        self.steps[..at].iter().enumerate().any(|(change, step)| {
            matches!(step, Step::Write { node: of, .. } if of == node)
                && !self.is_durable(change, at)
        })
    }

    /// What a cut leaves.
    pub fn left(&self, cut: &Cut) -> Disk {
        let mut numbers = Numbers(cut.seed);
        let mut disk = self.before.clone();
        let mut waiting: BTreeMap<Node, Vec<&Step>> = BTreeMap::new();
        for (at, step) in self.steps[..cut.after].iter().enumerate() {
            let kept = self.is_durable(at, cut.after);
            match step {
                Step::Write { node, .. } | Step::Size { node, .. } if !kept => {
                    waiting.entry(*node).or_default().push(step);
                }
                Step::Write { .. } | Step::Size { .. } => disk.apply(step),
                _ if kept || cut.names.keep(at, &mut numbers) => disk.apply(step),
                _ => {}
            }
        }
        for (node, steps) in waiting {
            let durable = disk.contents.remove(&node).unwrap_or_default();
            disk.contents.insert(node, cut.content.of(durable, &steps, &mut numbers));
        }
        disk
    }
}

impl Names {
    fn keep(self, step: usize, numbers: &mut Numbers) -> bool {
        match self {
            Self::Lost => false,
            Self::Kept => true,
            Self::Until(end) => step < end,
            Self::Some(share) => numbers.below(100) < share,
        }
    }
}

impl Content {
    /// What a file holds of which some is durable and some is not.
    fn of(self, durable: Vec<u8>, steps: &[&Step], numbers: &mut Numbers) -> Vec<u8> {
        let mut whole = durable.clone();
        steps.iter().for_each(|step| change(&mut whole, step));
        let filled = |mut content: Vec<u8>, with: &mut dyn FnMut() -> u8| {
            content.truncate(whole.len());
            content.resize_with(whole.len(), with);
            content
        };
        match self {
            Self::Lost => durable,
            Self::Kept => whole,
            Self::Zeros => filled(durable, &mut || 0),
            Self::Junk => filled(durable, &mut || numbers.below(256) as u8),
            Self::Pieces(size) => pieces(durable, &whole, steps, size, numbers),
            Self::Mixed => {
                let all = [Self::Lost, Self::Kept, Self::Zeros, Self::Junk];
                let all = [&all[..], &[Self::Pieces(512), Self::Pieces(4096)]].concat();
                all[numbers.below(all.len())].of(durable, steps, numbers)
            }
        }
    }
}

/// Some pieces of each write, and one of the sizes that the file may have.
fn pieces(
    durable: Vec<u8>,
    whole: &[u8],
    steps: &[&Step],
    size: usize,
    numbers: &mut Numbers,
) -> Vec<u8> {
    let ends = [durable.len(), whole.len(), numbers.below(whole.len() / size + 1) * size];
    let end = ends[numbers.below(3)];
    let mut content = durable;
    for step in steps {
        match step {
            Step::Write { node, at, bytes } => {
                let mut from = 0;
                while from < bytes.len() {
                    // Pieces lie on the disk's own borders.
                    let to = bytes.len().min(((at + from) / size + 1) * size - at);
                    if numbers.below(2) == 0 {
                        let bytes = bytes[from..to].to_vec();
                        change(&mut content, &Step::Write { node: *node, at: at + from, bytes });
                    }
                    from = to;
                }
            }
            _ if numbers.below(2) == 0 => change(&mut content, step),
            _ => {}
        }
    }
    content.resize(end, 0);
    content
}

fn change(content: &mut Vec<u8>, step: &Step) {
    match step {
        Step::Write { at, bytes, .. } => {
            if content.len() < at + bytes.len() {
                content.resize(at + bytes.len(), 0);
            }
            content[*at..at + bytes.len()].copy_from_slice(bytes);
        }
        Step::Size { size, .. } => content.resize(*size, 0),
        _ => {}
    }
}

impl Disk {
    pub fn apply(&mut self, step: &Step) {
        match step {
            Step::Write { node, .. } | Step::Size { node, .. } => {
                change(self.contents.entry(*node).or_default(), step);
            }
            Step::Came { name, node } => drop(self.names.insert(name.clone(), *node)),
            Step::Went { name } => drop(self.names.remove(name)),
            Step::Moved { from, to, node } => {
                if self.names.get(from) == Some(node) {
                    self.names.remove(from);
                }
                self.names.insert(to.clone(), *node);
            }
            Step::Synced { .. } | Step::SyncedAll => {}
        }
    }

    /// The folder and the last part of a path.
    pub fn name(&self, path: &str) -> Option<Name> {
        let (above, last) = path.rsplit_once('/')?;
        let mut steps = above.split('/').filter(|step| !matches!(*step, "" | "."));
        let at = |at: Node, step: &str| self.names.get(&(at, step.to_owned())).copied();
        Some((steps.try_fold(ROOT, at)?, last.to_owned()))
    }

    pub fn tree(&self) -> Tree {
        let mut tree = Tree::new();
        self.gather(ROOT, "", &mut tree);
        tree
    }

    fn gather(&self, folder: Node, way: &str, tree: &mut Tree) {
        for ((_, name), node) in
            self.names.range((folder, String::new())..(folder + 1, String::new()))
        {
            let path = format!("{way}{name}");
            if self.folders.contains(node) {
                self.gather(*node, &format!("{path}/"), tree);
                tree.insert(path, None);
            } else {
                tree.insert(path, Some(self.contents.get(node).cloned().unwrap_or_default()));
            }
        }
    }

    pub fn files(&self) -> Files {
        let file = |(name, content): (String, Option<Vec<u8>>)| Some((name, content?));
        self.tree().into_iter().filter_map(file).collect()
    }
}

#[test]
fn what_is_synced_is_there_and_of_all_else_any_part_may_be() {
    let (file, folder) = (1, 2);
    let name = |folder, name: &str| (folder, name.to_owned());
    let write = |byte: u8| Step::Write { node: file, at: 0, bytes: vec![byte; 1024] };
    let before = Disk { folders: [ROOT, folder].into(), ..Disk::default() };
    let steps = vec![
        Step::Came { name: name(ROOT, "f"), node: folder },
        Step::Came { name: name(folder, "tmp"), node: file },
        write(1),
        Step::Synced { node: file },
        Step::Moved { from: name(folder, "tmp"), to: name(ROOT, "new"), node: file },
        write(2),
        Step::Synced { node: ROOT },
    ];
    let all = steps.len();
    let recording = Recording::new(before.clone(), steps.clone(), |_| true);
    let left = |recording: &Recording, after, names, content| {
        recording.left(&Cut { after, names, content, seed: 1 }).files()
    };
    // The folder has its name, the file that of the last sync; its first bytes are there, its second not.
    let files = left(&recording, all, Names::Lost, Content::Lost);
    assert_eq!(files.keys().collect::<Vec<_>>(), ["new"]);
    assert_eq!(files["new"], [1; 1024]);
    assert_eq!(left(&recording, all, Names::Lost, Content::Kept)["new"], [2; 1024]);
    let torn = left(&recording, all, Names::Lost, Content::Pieces(512));
    assert!(torn["new"].chunks(512).all(|piece| piece == [1; 512] || piece == [2; 512]));
    // One step earlier no name is durable.
    assert!(left(&recording, all - 1, Names::Lost, Content::Kept).is_empty());
    assert_eq!(left(&recording, 3, Names::Kept, Content::Zeros)["f/tmp"], [0; 1024]);
    // A sync that did not happen keeps nothing.
    let deaf = Recording::new(before, steps, |at| at == all - 1);
    assert_eq!(left(&deaf, all, Names::Lost, Content::Lost)["new"], [0_u8; 0]);
}
