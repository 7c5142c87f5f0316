//! Recipes and their realisations: records of what each computation gave.

use std::collections::BTreeMap;

use collegium_digest::{Digest, Hasher};
use collegium_records::Recipe;
use serde::{Serialize, de::DeserializeOwned};

use crate::{Backend, Content, Entry, Prefix, Store, StoreError, layout::hex, seal};

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
        let entry = Entry::Record { recipe: digest, id: *id };
        let there = self.nearest().open(&entry).ok().flatten().and_then(|there| there.read().ok());
        if there.is_some_and(|there| there == sealed) {
            return Ok(());
        }
        self.keep(entry, &sealed)
    }

    fn keep(&self, entry: Entry, content: &[u8]) -> Result<(), StoreError> {
        self.backend.put(&[(entry, Content::Bytes(content))]).map_err(StoreError::writing)
    }

    /// Files the ingredients behind a recipe's digest, if they are not there or were damaged.
    ///
    /// # Errors
    /// If the store cannot be written, or an ingredient is no finite number.
    pub fn file_recipe(&self, recipe: &Recipe) -> Result<Digest, StoreError> {
        let digest = recipe.digest();
        // Asked for as by a reader, so that a damaged one is moved out of the way and said.
        if self.recipe_in(self.nearest(), &digest)?.is_none() {
            let encode = |message: String| StoreError::Record {
                what: format!("recipe {}", digest.short()),
                message,
            };
            let mut bytes = serde_json::to_vec_pretty(recipe).map_err(|e| encode(e.to_string()))?;
            bytes.push(b'\n');
            if parse_recipe(&bytes, &digest).is_none() {
                return Err(encode("an ingredient is not a finite number".to_owned()));
            }
            self.keep(Entry::Recipe(digest), &bytes)?;
        }
        Ok(digest)
    }

    /// All realisations of a recipe, by id. A damaged one is quarantined; one of another shape than
    /// `T` (of another version of Collegium) is left alone. Both count as absent and are noted.
    ///
    /// # Errors
    /// If something is there and the system refuses to read it, or if nobody knows what is there.
    pub fn realisations<T: DeserializeOwned>(
        &self,
        recipe: &Digest,
    ) -> Result<BTreeMap<Digest, T>, StoreError> {
        let mut found = BTreeMap::new();
        for (_, id, entry) in self.records(&Prefix::RecordsOf(*recipe))? {
            let Some(bytes) = self.bytes(&*self.backend, &entry)? else { continue };
            match seal::unseal(&[recipe, &id], &bytes).map(serde_json::from_slice) {
                Some(Ok(record)) => drop(found.insert(id, record)),
                Some(Err(error)) => self.note(format!(
                    "{entry} is not understood by this version and is ignored: {error}"
                )),
                None => self.quarantine_entry(&entry),
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
        let all = self.records(&Prefix::Records)?;
        let named = all.filter(|(_, id, _)| hex(id).starts_with(prefix));
        Ok(named.map(|(recipe, id, _)| (recipe, id)).collect())
    }

    /// Recipe, id and name of some records.
    fn records(
        &self,
        prefix: &Prefix,
    ) -> Result<impl Iterator<Item = (Digest, Digest, Entry)>, StoreError> {
        let entries = self.backend.list(prefix).map_err(StoreError::reading)?;
        Ok(entries.into_iter().filter_map(|entry| match entry {
            Entry::Record { recipe, id } => Some((recipe, id, entry)),
            _ => None,
        }))
    }

    /// The ingredients behind a recipe's digest; `None` if they are not there or were damaged.
    ///
    /// # Errors
    /// If it is there and the system refuses to read it, or if nobody knows whether it is there.
    pub fn recipe(&self, digest: &Digest) -> Result<Option<Recipe>, StoreError> {
        self.recipe_in(&*self.backend, digest)
    }

    fn recipe_in(
        &self,
        backend: &dyn Backend,
        digest: &Digest,
    ) -> Result<Option<Recipe>, StoreError> {
        let entry = Entry::Recipe(*digest);
        // One look decides: between two, another process may have filed what was not there.
        let Some(bytes) = self.bytes(backend, &entry)? else { return Ok(None) };
        let recipe = parse_recipe(&bytes, digest);
        if recipe.is_none() {
            self.quarantine_entry(&entry);
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
        let records = self.nearest().list(&Prefix::Records).map_err(StoreError::reading)?;
        for record in records {
            if let Entry::Record { recipe, id } = record {
                hasher.text(&hex(&recipe)).text(&(hex(&id) + ".json"));
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
