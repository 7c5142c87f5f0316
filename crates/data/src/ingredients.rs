//! Cache key of a table: the recipe of everything that it is made of.

use collegium_manifest::{DataSource, PixelColumns, ReadOptions, Spanned, SplitRule, ValidRows};
use collegium_records::{Ingredient, Recipe, Settled};

use crate::{
    Context, DataError,
    load::Files,
    read::{Contents, format},
    split,
};

/// Everything that the table and its split are made of. Paths are not: a moved file is the same.
pub(crate) fn recipe(
    source: &DataSource,
    settled: &Settled,
    files: &Files,
    contents: &Contents,
    cx: &Context,
) -> Result<Recipe, DataError> {
    let mut recipe = Recipe::new("table");
    for (name, paths) in files {
        let pattern = &source.tables[name];
        let mut digests = Vec::new();
        for path in paths {
            cx.check()?;
            (cx.progress)(&format!("hashing {name}"), 0, None);
            let digest = contents.digest(path, cx.store).map_err(|error| error.at(pattern))?;
            digests.push(Ingredient::Digest(digest));
        }
        recipe.set(format!("tables.{name}"), digests);
        let format = match source.idx {
            true => "idx",
            false => format(&paths[0]).map_err(|error| error.at(pattern))?.name(),
        };
        recipe.set(format!("format.{name}"), format);
        if matches!(format, "csv" | "tsv") {
            how_read(&mut recipe, name, source.read_of(name));
        }
    }
    let texts = |names: &mut dyn Iterator<Item = &String>| -> Vec<Ingredient> {
        names.map(|name| Ingredient::from(name.as_str())).collect()
    };
    if source.idx {
        recipe.set("columns.idx", texts(&mut files.keys()));
    }
    if !source.images.is_empty() {
        recipe.set("columns.images", texts(&mut source.images.keys()));
    }
    for (name, image) in &source.images {
        match image.columns.get_ref() {
            PixelColumns::Pattern(pattern) => {
                recipe.set(format!("images.{name}.columns"), pattern.as_str());
            }
            PixelColumns::List(list) => {
                let list = texts(&mut list.iter().map(Spanned::get_ref));
                recipe.set(format!("images.{name}.columns"), list);
            }
        }
        for (side, length) in [
            ("height", image.shape.height),
            ("width", image.shape.width),
            ("channels", image.shape.channels),
        ] {
            recipe.set(format!("images.{name}.{side}"), length as i64);
        }
        recipe.set(format!("images.{name}.scale"), image.scale);
    }
    if let Some(query) = &source.query {
        recipe.set("query", query.get_ref().as_str());
    }
    recipe.set("columns.derived", texts(&mut source.derive.keys()));
    for (name, sql) in &source.derive {
        recipe.set(format!("derive.{name}"), sql.get_ref().as_str());
    }
    for (name, kind) in &source.types {
        recipe.set(format!("types.{name}"), kind.get_ref().name());
    }
    let mut missing = source.missing.clone();
    missing.sort();
    missing.dedup();
    recipe.set("missing", missing.into_iter().map(Ingredient::from).collect::<Vec<_>>());
    split_recipe(&mut recipe, source, cx)?;
    Ok(with_settled(recipe, settled))
}

/// How the rows are divided.
fn split_recipe(recipe: &mut Recipe, source: &DataSource, cx: &Context) -> Result<(), DataError> {
    let split = &source.split;
    let values = |values: &[Spanned<String>]| -> Vec<Ingredient> {
        values.iter().map(|value| Ingredient::from(value.get_ref().as_str())).collect()
    };
    match &split.rule {
        SplitRule::Shares => {}
        SplitRule::Column(rule) => {
            recipe.set("split.column", rule.column.get_ref().as_str());
            for (key, listed) in
                [("train", &rule.train), ("test", &rule.test), ("unused", &rule.unused)]
            {
                recipe.set(format!("split.values.{key}"), values(listed));
            }
            let valid = match &rule.valid {
                ValidRows::Values(listed) => Ingredient::from(values(listed)),
                ValidRows::Drawn => Ingredient::from("drawn"),
                ValidRows::Found => Ingredient::from("found"),
            };
            recipe.set("split.values.valid", valid);
        }
        SplitRule::Files(_) => {
            for (name, pattern) in &source.tables {
                let counts = split::files::of_table(source, pattern, cx)?.1;
                let counts = counts.map(|count| Ingredient::from(count as i64));
                recipe.set(format!("split.files.{name}"), counts.to_vec());
            }
        }
        SplitRule::Time(rule) => {
            recipe.set("split.time", rule.column.get_ref().as_str());
            for (key, from) in [("valid_from", &rule.valid_from), ("test_from", &rule.test_from)] {
                if let Some(from) = from {
                    recipe.set(format!("split.{key}"), from.get_ref().as_str());
                }
            }
            if let Some(gap) = &rule.gap {
                recipe.set("split.gap", gap.get_ref().length());
            }
            recipe.set("split.hold_groups", rule.hold_groups);
        }
    }
    recipe.set("split.train", split.train);
    recipe.set("split.valid", split.valid);
    recipe.set("split.test", split.test);
    let by = split.by.iter().map(|name| Ingredient::from(name.get_ref().as_str()));
    recipe.set("split.by", by.collect::<Vec<_>>());
    if let Some(column) = &split.stratify {
        recipe.set("split.stratify", column.get_ref().as_str());
    }
    recipe.set("split.seed", split.seed.to_string());
    if let Some(rotation) = &split.rotation {
        recipe.set("split.rotation", rotation.to_string());
    }
    Ok(())
}

/// How text files are read: what is not said is not in the recipe, as files were read before it could be said.
fn how_read(recipe: &mut Recipe, table: &str, read: &ReadOptions) {
    let ReadOptions { delimiter, decimal, thousands, date_format, encoding } = read;
    let usual = ReadOptions::default();
    let mut set = |key: &str, value: String| recipe.set(format!("read.{table}.{key}"), value);
    if let Some(delimiter) = delimiter {
        set("delimiter", char::from(*delimiter).to_string());
    }
    if *decimal != usual.decimal {
        set("decimal", decimal.to_string());
    }
    if let Some(mark) = thousands {
        set("thousands", mark.to_string());
    }
    if let Some(format) = date_format {
        set("date_format", format.clone());
    }
    if *encoding != usual.encoding {
        set("encoding", encoding.clone());
    }
}

/// The recipe under which a table is found when this much is settled.
pub(crate) fn with_settled(mut recipe: Recipe, settled: &Settled) -> Recipe {
    let Settled { identity, types, sides } = settled;
    recipe.ingredients.retain(|name, _| !name.starts_with("settled."));
    if !identity.is_empty() {
        let identity = identity.iter().map(|name| Ingredient::from(name.as_str()));
        recipe.set("settled.identity", identity.collect::<Vec<_>>());
    }
    for (under, values) in [("types", types), ("sides", sides)] {
        for (name, value) in values {
            recipe.set(format!("settled.{under}.{name}"), value.as_str());
        }
    }
    recipe
}
