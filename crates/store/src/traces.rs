//! Recipes, and what came of them.

use std::collections::BTreeMap;

use collegium_digest::{Digest, Hasher};
use collegium_records::Recipe;
use serde::{Serialize, de::DeserializeOwned};

use crate::{Store, StoreError, seal};

impl Store {
    /// Files `record` as what one computation of `recipe` gave. `id` tells realisations of one
    /// recipe apart; a record that is already there under this id is replaced.
    ///
    /// Put the objects that the record names first. Numbers in it must be finite: JSON has no
    /// others, and a record with a NaN would not be found again.
    ///
    /// # Errors
    /// If the store cannot be written, or the record cannot be encoded.
    pub fn realise<T: Serialize>(
        &self,
        recipe: &Recipe,
        id: &Digest,
        record: &T,
    ) -> Result<(), StoreError> {
        self.name_staged()?;
        // The recipe first: whoever finds a realisation then also finds what it was made of.
        let digest = self.file_recipe(recipe)?;
        let record = serde_json::to_vec(record).map_err(|e| StoreError::Record {
            what: format!("recipe {}", digest.short()),
            message: e.to_string(),
        })?;
        let sealed = seal::seal(&[&digest, id], &record);
        let path = self.layout.realisation(&digest, id);
        if self.layout.ground(&path).read(&path).is_ok_and(|there| there == sealed) {
            return Ok(());
        }
        self.keep(&path, &sealed, false)
    }

    /// Files the ingredients behind a recipe's digest, if they are not there or were damaged.
    ///
    /// # Errors
    /// If the store cannot be written, or an ingredient is no finite number.
    pub fn file_recipe(&self, recipe: &Recipe) -> Result<Digest, StoreError> {
        let digest = recipe.digest();
        let path = self.layout.recipe(&digest);
        // Asked for as by a reader, so that a damaged one is moved out of the way and said.
        if self.recipe(&digest)?.is_none() {
            let encode = |message: String| StoreError::Record {
                what: format!("recipe {}", digest.short()),
                message,
            };
            let mut bytes = serde_json::to_vec_pretty(recipe).map_err(|e| encode(e.to_string()))?;
            bytes.push(b'\n');
            if parse_recipe(&bytes, &digest).is_none() {
                return Err(encode("an ingredient is not a finite number".to_owned()));
            }
            self.keep(&path, &bytes, false)?;
        }
        Ok(digest)
    }

    /// All realisations of a recipe, by id. A damaged one is quarantined; one of another shape than
    /// `T` (of another version of Collegium) is left alone. Both count as absent and are noted.
    ///
    /// # Errors
    /// If something is there and the system refuses to read it.
    pub fn realisations<T: DeserializeOwned>(
        &self,
        recipe: &Digest,
    ) -> Result<BTreeMap<Digest, T>, StoreError> {
        let mut found = BTreeMap::new();
        let folders = self.layout.all_realisations(recipe).map(|folder| self.layout.names(&folder));
        let files: Vec<_> = folders.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
        for (name, path) in files {
            if self.layout.ignores(&path) {
                continue;
            }
            let Some(id) = name.strip_suffix(".json").and_then(|n| n.parse::<Digest>().ok()) else {
                continue;
            };
            let what = || format!("realisation {} of recipe {}", id.short(), recipe.short());
            let Some(bytes) = self.layout.read(&path)? else { continue };
            match seal::unseal(&[recipe, &id], &bytes).map(serde_json::from_slice) {
                Some(Ok(record)) => drop(found.insert(id, record)),
                Some(Err(error)) => self.note(format!(
                    "{} is not understood by this version and is ignored: {error}",
                    what()
                )),
                None => self.quarantine(&path, &what()),
            }
        }
        Ok(found)
    }

    /// Recipes and ids of all realisations whose id begins with these digits: a walk over the names,
    /// for the rare question that starts from a model instead of from what it is made of.
    ///
    /// # Errors
    /// If a folder is there and cannot be read.
    pub fn realisations_named(&self, prefix: &str) -> Result<Vec<(Digest, Digest)>, StoreError> {
        let mut found = Vec::new();
        for (_, shard) in self.layout.names(&self.layout.folder("realisations"))? {
            for (recipe, folder) in self.layout.names(&shard)? {
                let Ok(recipe) = recipe.parse::<Digest>() else { continue };
                for (name, _) in self.layout.names(&folder)? {
                    if name.starts_with(prefix)
                        && let Some(Ok(id)) = name.strip_suffix(".json").map(str::parse)
                    {
                        found.push((recipe, id));
                    }
                }
            }
        }
        Ok(found)
    }

    /// The ingredients behind a recipe's digest; `None` if they are not there or were damaged.
    ///
    /// # Errors
    /// If the file is there and the system refuses to read it.
    pub fn recipe(&self, digest: &Digest) -> Result<Option<Recipe>, StoreError> {
        let path = self.layout.recipe(digest);
        // One look decides: between two, another process may have filed what was not there.
        let Some(bytes) = self.layout.read(&path)? else { return Ok(None) };
        let recipe = parse_recipe(&bytes, digest);
        if recipe.is_none() {
            self.quarantine(&path, &format!("recipe {}", digest.short()));
        }
        Ok(recipe)
    }

    /// One digest over the names of all objects and the ids of all realisations, but not over
    /// costs, times and paths: two stores in which the same work was done agree in it.
    ///
    /// # Errors
    /// If a folder is there and cannot be read.
    pub fn digest_tree(&self) -> Result<Digest, StoreError> {
        let mut hasher = Hasher::new("store");
        let objects = self.objects()?;
        hasher.list(objects.len());
        for object in &objects {
            hasher.digest(object);
        }
        for (_, shard) in self.layout.names(&self.layout.folder("realisations"))? {
            for (recipe, folder) in self.layout.names(&shard)? {
                for (id, _) in self.layout.names(&folder)? {
                    hasher.text(&recipe).text(&id);
                }
            }
        }
        Ok(hasher.finish())
    }
}

/// A recipe is its own checksum.
pub(crate) fn parse_recipe(bytes: &[u8], digest: &Digest) -> Option<Recipe> {
    let recipe: Recipe = serde_json::from_slice(bytes).ok()?;
    (recipe.digest() == *digest).then_some(recipe)
}
