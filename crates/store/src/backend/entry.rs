//! Entries of a backend: keys, and verification of content by key.

use std::{
    fmt,
    io::{self, Read},
};

use collegium_digest::Digest;

use crate::{layout::push_hex, seal, traces::parse_recipe};

/// The key of an entry in a backend: the name of an object, a recipe or a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Entry {
    /// Content (a model, an output, a table), named by the BLAKE3 hash of its bytes. It never changes.
    Object(Digest),
    /// The ingredients behind a recipe's digest, as JSON. They never change.
    Recipe(Digest),
    /// What one computation of a recipe gave: JSON, sealed for this place.
    Record {
        /// The recipe's digest.
        recipe: Digest,
        /// Tells realisations of one recipe apart.
        id: Digest,
    },
}

/// A prefix of keys: some entries, by the beginning of their paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefix {
    /// All objects.
    Objects,
    /// All recipes.
    Recipes,
    /// The records of all recipes.
    Records,
    /// The records of one recipe.
    RecordsOf(Digest),
}

impl Entry {
    /// The path of an entry, from the root of any backend, in parts between `/`: `objects/ab/cdef…`,
    /// `recipes/ab/abcd….json`, `realisations/ab/RECIPE/ID.json`.
    pub fn path(&self) -> String {
        // One allocation: this is on the way of every lookup.
        let mut path = String::with_capacity(160);
        match self {
            Self::Object(object) => {
                let (first, rest) = object.as_bytes().split_at(1);
                path.push_str("objects/");
                push_hex(&mut path, first);
                path.push('/');
                push_hex(&mut path, rest);
            }
            Self::Recipe(recipe) => {
                push_shard(&mut path, "recipes/", recipe);
                path.push_str(".json");
            }
            Self::Record { recipe, id } => {
                push_shard(&mut path, "realisations/", recipe);
                path.push('/');
                push_hex(&mut path, id.as_bytes());
                path.push_str(".json");
            }
        }
        path
    }

    /// The entry that has this path; `None` if none has.
    pub fn from_path(path: &str) -> Option<Self> {
        let parts: Vec<&str> = path.split('/').collect();
        let json = |name: &str| name.strip_suffix(".json")?.parse::<Digest>().ok();
        let entry = match parts[..] {
            ["objects", shard, rest] => Self::Object(format!("{shard}{rest}").parse().ok()?),
            ["recipes", _, name] => Self::Recipe(json(name)?),
            ["realisations", _, recipe, name] => {
                Self::Record { recipe: recipe.parse().ok()?, id: json(name)? }
            }
            _ => return None,
        };
        (entry.path() == path).then_some(entry)
    }

    /// Is this the content that the name stands for? An object is its own hash, a recipe its own digest, and a
    /// record carries a checksum over itself and its place.
    pub fn vouches_for(&self, content: &[u8]) -> bool {
        match self {
            Self::Object(object) => Digest::of(content) == *object,
            Self::Recipe(recipe) => parse_recipe(content, recipe).is_some(),
            Self::Record { recipe, id } => seal::unseal(&[recipe, id], content).is_some(),
        }
    }

    /// The same of what is read to its end; of objects in bounded memory.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn vouches_for_all_of(&self, mut content: &mut dyn Read) -> io::Result<bool> {
        if let Self::Object(object) = self {
            return Ok(Digest::of_reader(&mut content)? == *object);
        }
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes)?;
        Ok(self.vouches_for(&bytes))
    }
}

/// In words: `object 0123abcd`.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object(object) => write!(f, "object {}", object.short()),
            Self::Recipe(recipe) => write!(f, "recipe {}", recipe.short()),
            Self::Record { recipe, id } => {
                write!(f, "realisation {} of recipe {}", id.short(), recipe.short())
            }
        }
    }
}

impl Prefix {
    /// Is the entry one of these?
    pub fn covers(&self, entry: &Entry) -> bool {
        match (self, entry) {
            (Self::Objects, Entry::Object(_))
            | (Self::Recipes, Entry::Recipe(_))
            | (Self::Records, Entry::Record { .. }) => true,
            (Self::RecordsOf(of), Entry::Record { recipe, .. }) => of == recipe,
            _ => false,
        }
    }

    /// With what the paths of these entries begin, for a backend that lists by path.
    pub fn path(&self) -> String {
        match self {
            Self::Objects => "objects/".to_owned(),
            Self::Recipes => "recipes/".to_owned(),
            Self::Records => "realisations/".to_owned(),
            Self::RecordsOf(recipe) => {
                let mut path = String::with_capacity(96);
                push_shard(&mut path, "realisations/", recipe);
                path.push('/');
                path
            }
        }
    }
}

/// `recipes/ab/abcd…`
fn push_shard(path: &mut String, part: &str, recipe: &Digest) {
    path.push_str(part);
    push_hex(path, &recipe.as_bytes()[..1]);
    path.push('/');
    push_hex(path, recipe.as_bytes());
}
