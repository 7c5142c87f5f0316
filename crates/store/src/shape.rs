//! References of a record: which objects it names. The store files any record; garbage collection must
//! know this much of those that name objects.

use std::collections::BTreeMap;

use collegium_digest::Digest;
use collegium_records::{Applied, Fit, Ingredient, Kept, Recipe, Standing};
use serde::Deserialize;

/// Objects that a record names, and what they cost.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Names {
    /// Objects without which the record is worth nothing, and what each was, in words.
    pub(crate) needs: Vec<(Digest, Kept, String)>,
    /// CPU seconds that it cost to make them.
    pub(crate) cpu_seconds: Option<f64>,
    /// The table that a model was trained on.
    pub(crate) table: Option<Digest>,
    /// The upstream outputs that a model was trained on.
    pub(crate) upstream: Vec<Digest>,
    /// What says which rows a model has seen.
    pub(crate) membership: Vec<Digest>,
    /// The fold models that belong to a full model.
    pub(crate) parts: Vec<Digest>,
}

/// What the records of a recipe depend on: they are removed together with it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct About {
    /// A recipe whose outputs were measured.
    pub(crate) outputs: Option<Digest>,
    /// A model that was judged, or whose parts are listed.
    pub(crate) model: Option<Digest>,
}

/// The record of a `table` recipe, as far as it matters here.
#[derive(Deserialize)]
struct Tabled {
    table: Digest,
    sides: Digest,
    #[serde(default)]
    identities: Option<Digest>,
    #[serde(default)]
    groups: Option<Digest>,
}

#[derive(Deserialize)]
struct Judged {
    #[serde(default)]
    patched: Option<Standing>,
}

#[derive(Deserialize)]
struct Controlled {
    losses: Digest,
}

#[derive(Deserialize)]
struct Stood {
    #[serde(default)]
    parts: BTreeMap<String, Standing>,
}

/// What a record of a recipe of this kind names; of an unknown kind (its recipe is gone) the shape
/// decides. What has another shape names nothing.
pub(crate) fn names(kind: Option<&str>, record: &[u8]) -> Names {
    fn read<'a, T: Deserialize<'a>>(record: &'a [u8]) -> Option<T> {
        serde_json::from_slice(record).ok()
    }
    let found = match kind {
        Some("fit" | "patch") => read(record).map(fit),
        Some("apply" | "view") => read(record).map(applied),
        Some("table") => read(record).map(tabled),
        Some("judgement") => read(record).map(judged),
        Some("control") => read(record).map(controlled),
        Some("standing") => read(record).map(stood),
        Some(_) => None,
        None => read(record)
            .map(fit)
            .or_else(|| read(record).map(applied))
            .or_else(|| read(record).map(tabled)),
    };
    found.unwrap_or_default()
}

fn fit(fit: Fit) -> Names {
    let membership = fit.seen.as_ref().and_then(|seen| seen.membership.as_ref());
    let membership: Vec<Digest> =
        membership.iter().flat_map(|m| m.all()).flat_map(|members| members.objects()).collect();
    let seen = fit.seen.into_iter().flat_map(|seen| seen.upstream.into_values());
    Names {
        needs: vec![(fit.model, Kept::Models, format!("model ({}, {})", fit.kind, fit.task))],
        cpu_seconds: Some(fit.cost.cpu_seconds),
        table: fit.table,
        membership,
        upstream: seen.flat_map(|reads| [reads.deployed, reads.view]).collect(),
        ..Names::default()
    }
}

fn applied(applied: Applied) -> Names {
    let outputs = applied.outputs.into_iter();
    let needs = outputs.map(|(name, object)| (object, Kept::Outputs, format!("output {name}")));
    let cpu_seconds = Some(applied.cost.cpu_seconds);
    Names { needs: needs.collect(), cpu_seconds, ..Names::default() }
}

fn tabled(record: Tabled) -> Names {
    let object = |object, what: &str| (object, Kept::Tables, what.to_owned());
    let mut needs = vec![object(record.table, "table"), object(record.sides, "sides of a split")];
    needs.extend(record.identities.map(|rows| object(rows, "identities of rows")));
    needs.extend(record.groups.map(|rows| object(rows, "groups of rows")));
    Names { needs, ..Names::default() }
}

fn judged(record: Judged) -> Names {
    let patched = record.patched.into_iter();
    let needs = patched.map(|p| (p.realisation, Kept::Models, "patched model".to_owned()));
    Names { needs: needs.collect(), ..Names::default() }
}

fn controlled(record: Controlled) -> Names {
    let needs = vec![(record.losses, Kept::Outputs, "losses of a control".to_owned())];
    Names { needs, ..Names::default() }
}

fn stood(record: Stood) -> Names {
    let parts = record.parts.into_values().map(|part| part.realisation).collect();
    Names { parts, ..Names::default() }
}

/// What the records of a recipe are about.
pub(crate) fn about(recipe: &Recipe) -> About {
    let digest = |name: &str| match recipe.ingredients.get(name) {
        Some(Ingredient::Digest(digest)) => Some(*digest),
        _ => None,
    };
    match recipe.kind.as_str() {
        "measure" | "audit" => About { outputs: digest("outputs"), model: None },
        "judgement" | "control" => About { outputs: None, model: digest("anchor") },
        "standing" => About { outputs: None, model: digest("realisation") },
        _ => About::default(),
    }
}
