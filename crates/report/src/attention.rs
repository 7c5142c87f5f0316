//! Warnings at the top of the page: the findings of the audit, and what the records say beyond them.
//!
//! The audit's findings are sentences already. Four things are read off the records here, because
//! they belong at the top of the page with a link to where they are shown: labels that too few people
//! measured, layers that are collapsed on training rows alone, slices on which an expert does worse,
//! and an expert that changed what it looks at.

use collegium_records::{Changed, LayerAudit, Level, NodeAudit};

use crate::number::{counted, number, percent};

/// A test NC1 this many times the training NC1 is a warning: seeds and rows alone move it far less.
const COLLAPSE_GAP: f64 = 4.0;

/// A place in an expert's section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// How well it does.
    Performance,
    /// Of a gate or a mixture: who answers, and does it pay?
    Combined,
    /// Feature importance.
    Looks,
    /// What its upstreams are to it.
    Composite,
    /// Layer by layer.
    Layers,
    /// Does it look at the same things?
    Comparisons,
    /// What it can do without an input.
    Cues,
    /// How it was trained.
    Training,
    /// Where its labels come from.
    Provenance,
}

impl Part {
    /// The end of its id.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Performance => "performance",
            Self::Combined => "combined",
            Self::Looks => "looks",
            Self::Composite => "composite",
            Self::Layers => "layers",
            Self::Comparisons => "comparisons",
            Self::Cues => "cues",
            Self::Training => "training",
            Self::Provenance => "provenance",
        }
    }

    /// Its heading.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Performance => "How well it does",
            Self::Combined => "Does combining pay?",
            Self::Looks => "What it looks at",
            Self::Composite => "What its upstreams are to it",
            Self::Layers => "Layer by layer",
            Self::Comparisons => "Does it look at the same things?",
            Self::Cues => "What it can do without an input",
            Self::Training => "How it was trained",
            Self::Provenance => "Where its labels come from",
        }
    }

    /// The words of a link to it.
    pub(crate) fn link(self) -> &'static str {
        match self {
            Self::Performance => "See how well it does.",
            Self::Combined => "See the controls.",
            Self::Looks => "See what it looks at.",
            Self::Composite => "See the upstreams.",
            Self::Layers => "See the layers.",
            Self::Comparisons => "See the comparison.",
            Self::Cues => "See the cue tests.",
            Self::Training => "See how it was trained.",
            Self::Provenance => "See where its labels come from.",
        }
    }
}

/// A sentence that needs attention or is worth knowing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) level: Level,
    pub(crate) text: String,
    /// Where it is shown.
    pub(crate) part: Option<Part>,
}

impl Item {
    fn new(level: Level, part: Part, text: String) -> Self {
        Self { level, text, part: Some(part) }
    }
}

/// May importances of an expert be shown? Without skill on held-out rows, none.
pub(crate) fn has_skill(node: &NodeAudit) -> bool {
    node.skill.beats_baseline
}

/// All of an expert's, warnings first.
pub(crate) fn items(node: &NodeAudit) -> Vec<Item> {
    let findings = node.findings.iter().map(|finding| Item {
        level: finding.level,
        text: finding.text.clone(),
        part: None,
    });
    let mut all: Vec<Item> = findings.chain(beyond(node)).collect();
    all.sort_by_key(|item| item.level);
    all
}

/// Those that belong on the first screen: all warnings, and what was read off the records.
pub(crate) fn first(node: &NodeAudit) -> Vec<Item> {
    let urgent = |item: &Item| item.level == Level::Warning || item.part.is_some();
    items(node).into_iter().filter(urgent).collect()
}

/// How many warnings an expert has.
pub(crate) fn warnings(node: &NodeAudit) -> usize {
    items(node).iter().filter(|item| item.level == Level::Warning).count()
}

fn beyond(node: &NodeAudit) -> impl Iterator<Item = Item> {
    let looks = has_skill(node);
    let collapsed = looks.then(|| collapsed(node)).flatten();
    let changed = looks.then(|| changed(node)).into_iter().flatten();
    labels(node).into_iter().chain(collapsed).chain(slices(node)).chain(changed)
}

fn labels(node: &NodeAudit) -> Option<Item> {
    let provenance = node.provenance.as_ref()?;
    let share = percent(provenance.measured_share);
    let least = provenance.least_measured.filter(|least| provenance.measured_share < *least);
    let (level, text) = match least {
        Some(least) => (
            Level::Warning,
            format!(
                "Only {share} of its training labels were measured; the pipeline asks for at least {}.",
                percent(least)
            ),
        ),
        None if provenance.generation > 0 => (
            Level::Note,
            format!(
                "It is of generation {}: models made part of what it is trained on; {share} of its training labels were measured.",
                provenance.generation
            ),
        ),
        None => return None,
    };
    Some(Item::new(level, Part::Provenance, text))
}

/// NC1 on training and test rows of a layer that is collapsed on training rows alone.
pub(crate) fn collapse_gap(layer: &LayerAudit) -> Option<(f64, f64)> {
    let (train, test) = (layer.collapse_train?.nc1, layer.collapse_test?.nc1);
    (train >= 0.0 && test > COLLAPSE_GAP * train).then_some((train, test))
}

fn collapsed(node: &NodeAudit) -> Option<Item> {
    // The last such layer: what the head reads counts most.
    let (layer, (train, test)) =
        node.probe.layers.iter().rev().find_map(|layer| Some((layer, collapse_gap(layer)?)))?;
    let text = format!(
        "Collapsed on training rows far more than on test rows: NC1 of {} is {} on the former and {} on the latter. It knows its training rows by heart.",
        layer.name,
        number(train),
        number(test)
    );
    Some(Item::new(Level::Warning, Part::Layers, text))
}

fn slices(node: &NodeAudit) -> Option<Item> {
    let slices = &node.performance.slices.as_ref()?.slices;
    let worst = slices.first()?;
    let others = match slices.len() as u64 - 1 {
        0 => String::new(),
        more => format!("; worse in {} too", counted(more, "other slice", "other slices")),
    };
    let text = format!(
        "It does worse where {}: a loss of {} on {} against {} elsewhere{others}.",
        worst.conditions.iter().map(|c| format!("`{c}`")).collect::<Vec<_>>().join(" and "),
        number(worst.loss),
        counted(worst.rows, "test row", "test rows"),
        number(worst.elsewhere),
    );
    Some(Item::new(Level::Note, Part::Performance, text))
}

fn changed(node: &NodeAudit) -> impl Iterator<Item = Item> {
    node.probe.comparisons.iter().filter(|comparison| comparison.changed == Changed::Yes).map(
        |comparison| {
            let text = format!(
                "Does not look at the same things ({}). {}",
                comparison.what, comparison.reason
            );
            Item::new(Level::Note, Part::Comparisons, text)
        },
    )
}
