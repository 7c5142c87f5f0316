//! Recipes (cache keys): every ingredient that may change what a computation produces.
//!
//! The readable form is the hashed form: a recipe *is* a map from names to typed values, stored as
//! JSON beside its digest, so that "why did this retrain?" is a comparison of two maps.

use std::collections::BTreeMap;

use collegium_digest::{Digest, Hasher};
use serde::{Deserialize, Serialize};

/// A typed value. Externally tagged in JSON (`{"integer": 3}`), so that `1`, `1.0` and `"1"` stay
/// three different ingredients on disk too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ingredient {
    /// A truth value.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A finite number.
    Float(f64),
    /// A string.
    Text(String),
    /// The digest of some content.
    Digest(Digest),
    /// An ordered list.
    List(Vec<Ingredient>),
}

impl std::fmt::Display for Ingredient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Boolean(v) => write!(f, "{v}"),
            Self::Integer(v) => write!(f, "{v}"),
            Self::Float(v) => write!(f, "{v}"),
            Self::Text(v) => f.write_str(v),
            Self::Digest(v) => f.write_str(&v.short()),
            Self::List(items) => {
                f.write_str("[")?;
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        f.write_str(", ")?;
                    }
                    write!(f, "{item}")?;
                }
                f.write_str("]")
            }
        }
    }
}

macro_rules! ingredient_from {
    ($($from:ty => $variant:ident ($convert:expr);)*) => {$(
        impl From<$from> for Ingredient {
            fn from(value: $from) -> Self {
                #[allow(clippy::redundant_closure_call)]
                Self::$variant($convert(value))
            }
        }
    )*};
}

ingredient_from! {
    bool => Boolean(|v| v);
    i64 => Integer(|v| v);
    u32 => Integer(i64::from);
    f64 => Float(|v: f64| v + 0.0);
    &str => Text(str::to_owned);
    String => Text(|v| v);
    Digest => Digest(|v| v);
    Vec<Ingredient> => List(|v| v);
}

/// What a computation is made of. Its digest is the cache key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// What is computed: `fit`, `apply`, `measure`, `audit`, `table`, …
    pub kind: String,
    /// Name to value; names are dotted paths such as `train.learning_rate` or
    /// `inputs.flights.visib`.
    pub ingredients: BTreeMap<String, Ingredient>,
}

impl Recipe {
    /// A recipe of a kind, with the engine epoch as its first ingredient.
    pub fn new(kind: &str) -> Self {
        Self { kind: kind.to_owned(), ingredients: BTreeMap::new() }
            .with("engine.epoch", crate::ENGINE_EPOCH)
    }

    /// Adds an ingredient.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Ingredient>) -> Self {
        self.set(name, value);
        self
    }

    /// Adds an ingredient in place.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<Ingredient>) {
        self.ingredients.insert(name.into(), value.into());
    }

    /// The cache key.
    ///
    /// # Panics
    /// If an ingredient is a NaN: the pipeline file and the data refuse them long before.
    pub fn digest(&self) -> Digest {
        let mut hasher = Hasher::new("recipe");
        hasher.text(&self.kind).list(self.ingredients.len());
        for (name, value) in &self.ingredients {
            hasher.text(name);
            feed(&mut hasher, value);
        }
        hasher.finish()
    }

    /// The ingredients in which `self` (before) and `after` differ, by name.
    pub fn changes(&self, after: &Self) -> Vec<Change> {
        let names: std::collections::BTreeSet<_> =
            self.ingredients.keys().chain(after.ingredients.keys()).collect();
        names
            .into_iter()
            .filter(|name| self.ingredients.get(*name) != after.ingredients.get(*name))
            .map(|name| Change {
                ingredient: name.clone(),
                before: self.ingredients.get(name).map(ToString::to_string),
                after: after.ingredients.get(name).map(ToString::to_string),
                drift: None,
                weighted_drift: None,
            })
            .collect()
    }
}

fn feed(hasher: &mut Hasher, value: &Ingredient) {
    match value {
        Ingredient::Boolean(v) => hasher.boolean(*v),
        Ingredient::Integer(v) => hasher.integer(*v),
        Ingredient::Float(v) => hasher.float(*v).expect("no NaN gets into a recipe"),
        Ingredient::Text(v) => hasher.text(v),
        Ingredient::Digest(v) => hasher.digest(v),
        Ingredient::List(items) => {
            hasher.list(items.len());
            items.iter().for_each(|item| feed(hasher, item));
            hasher
        }
    };
}

/// One difference between two recipes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The ingredient's name.
    pub ingredient: String,
    /// Its value before; absent when it is new.
    pub before: Option<String>,
    /// Its value now; absent when it was removed.
    pub after: Option<String>,
    /// How far the column moved, in its own standard deviations (root mean square over the rows
    /// that both versions have), where both versions are at hand.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub drift: Option<f64>,
    /// The change of the expert's raw output that its own AGOP predicts from this input's drift:
    /// √tr(G Σ), see [`crate::OutputChange`]. An explanation, not a proof.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub weighted_drift: Option<f64>,
}
