//! `docs/keys.md`: the JSON Schema of the pipeline file, as tables for readers.
//!
//! `UPDATE_GOLDEN=1 cargo test -p collegium-cli --test collegium documents` writes the page anew.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    path::Path,
};

use serde_json::Value;

use super::{ROOT, read};

const FILE: &str = "docs/keys.md";

/// The tables at the top of the file, in the order in which they are written.
const TABLES: [(&str, &str); 7] = [
    ("pipeline", "[pipeline]"),
    ("data", "[data.NAME]"),
    ("expert", "[expert.NAME]"),
    ("gate", "[gate.NAME]"),
    ("mixture", "[mixture.NAME]"),
    ("evaluate", "[evaluate]"),
    ("audit", "[audit]"),
];

const HEAD: &str = "# Keys of the pipeline file\n\n\
    Every table and every key, with its type, its default and what it does. `collegium schema` prints the \
    same as a JSON Schema, by which editors complete and check a file; `collegium show` writes a pipeline \
    out with every default. This page is generated from the schema: a test compares the two. A dash means \
    that there is no default.\n";

struct Page<'a> {
    schema: &'a Value,
    text: String,
    /// The key by which a definition's table is called.
    titles: BTreeMap<String, String>,
    /// Definitions that are written already.
    written: BTreeSet<String>,
}

/// The name of the definition that a schema refers to.
fn reference(schema: &Value) -> Option<&str> {
    let place = schema["$ref"].as_str().or_else(|| schema["allOf"][0]["$ref"].as_str())?;
    place.strip_prefix("#/definitions/")
}

fn sorted(object: &Value) -> Vec<(&String, &Value)> {
    let mut fields: Vec<_> = object.as_object().into_iter().flatten().collect();
    fields.sort_by_key(|(name, _)| *name);
    fields
}

/// One line, safe inside a table.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

/// What a key does, and its default.
fn told(schema: &Value) -> (String, String) {
    let text = cell(schema["description"].as_str().unwrap_or_default());
    match text.rsplit_once("Default: ") {
        Some((what, default)) => (what.trim().to_owned(), default.trim_end_matches('.').to_owned()),
        None if schema["default"].is_null() => (text, "—".to_owned()),
        None => (text, cell(&format!("`{}`", schema["default"]))),
    }
}

impl Page<'_> {
    fn definition(&self, name: &str) -> &Value {
        &self.schema["definitions"][name]
    }

    /// The type of a value, in words.
    fn kind(&self, schema: &Value, key: &str) -> String {
        if let Some(name) = reference(schema) {
            let definition = self.definition(name);
            return match definition["properties"].is_object() {
                true => format!("[table](#{})", self.titles[name]),
                false => self.kind(definition, key),
            };
        }
        let several = |options: &Value, one: &dyn Fn(&Value) -> String| {
            let options = options.as_array().unwrap().iter().map(one);
            options.collect::<Vec<_>>().join(" or ")
        };
        if schema["oneOf"].is_array() {
            return several(&schema["oneOf"], &|option| format!("`{}`", option["const"]));
        }
        if schema["anyOf"].is_array() {
            return several(&schema["anyOf"], &|option| self.kind(option, key));
        }
        if schema["allOf"].is_array() {
            return self.kind(&schema["allOf"][0], key);
        }
        if schema["enum"].is_array() {
            return several(&schema["enum"], &|option| format!("`{option}`"));
        }
        if !schema["const"].is_null() {
            return format!("`{}`", schema["const"]);
        }
        let kind = match schema["type"].as_str() {
            Some("string") => "text".to_owned(),
            Some("boolean") => "true or false".to_owned(),
            Some("integer") => "whole number".to_owned(),
            Some("number") => "number".to_owned(),
            Some("array") => format!("list of {}", self.kind(&schema["items"], key)),
            Some("object") => {
                format!("name = {}", self.kind(&schema["additionalProperties"], key))
            }
            other => panic!("{key}: a type that this page has no words for: {other:?}"),
        };
        kind + &range(schema)
    }

    /// The rows of a table, then the values of its words, then the tables inside it.
    fn table(&mut self, definition: &Value) {
        self.text.push_str("\n| key | type | default | what it does |\n|---|---|---|---|\n");
        let keys = sorted(&definition["properties"]);
        for (key, schema) in &keys {
            for (name, inner) in self.inside(schema) {
                self.titles.entry(name).or_insert_with(|| match variant(&inner) {
                    Some(kind) => format!("{key}-{kind}"),
                    None => (*key).clone(),
                });
            }
        }
        for (key, schema) in &keys {
            let (what, default) = told(schema);
            let kind = self.kind(schema, key);
            writeln!(self.text, "| `{key}` | {kind} | {default} | {what} |").unwrap();
        }
        for (key, schema) in &keys {
            for (name, inner) in self.inside(schema) {
                let choices = inner["oneOf"].as_array();
                let Some(choices) = choices.filter(|_| self.written.insert(name)) else { continue };
                write!(self.text, "\nValues of `{key}`:\n\n").unwrap();
                for choice in choices {
                    let (what, _) = told(choice);
                    writeln!(self.text, "* `{}`: {what}", choice["const"]).unwrap();
                }
            }
        }
        for (key, schema) in &keys {
            for (name, inner) in self.inside(schema) {
                if inner["properties"].is_object() && self.written.insert(name) {
                    let of = variant(&inner).map_or(String::new(), |kind| format!(": {kind}"));
                    write!(self.text, "\n### `{key}`{of}\n\n{}\n", told(&inner).0).unwrap();
                    self.table(&inner);
                }
            }
        }
    }

    /// The definitions that a key's value may be made of, by name.
    fn inside(&self, schema: &Value) -> Vec<(String, Value)> {
        if let Some(name) = reference(schema) {
            let definition = self.definition(name);
            let mut found = vec![(name.to_owned(), definition.clone())];
            found.extend(self.inside(definition).into_iter().filter(|(inner, _)| inner != name));
            return found;
        }
        let options = schema["anyOf"].as_array().into_iter().flatten();
        let parts = options.chain([&schema["items"], &schema["additionalProperties"]]);
        parts.filter(|part| part.is_object()).flat_map(|part| self.inside(part)).collect()
    }
}

/// The `type` that a table must have, where several tables can stand in one place.
fn variant(definition: &Value) -> Option<&str> {
    definition["properties"]["type"]["const"].as_str()
}

/// The least and greatest value, if they say more than that it is not negative.
fn range(schema: &Value) -> String {
    match (schema["minimum"].as_f64(), schema["maximum"].as_f64()) {
        (Some(least), Some(most)) => format!(", {least} to {most}"),
        (Some(least), None) if least > 0.0 => format!(", at least {least}"),
        (None, Some(most)) => format!(", at most {most}"),
        _ => String::new(),
    }
}

fn page(schema: &Value) -> String {
    let mut page =
        Page { schema, text: HEAD.to_owned(), titles: BTreeMap::new(), written: BTreeSet::new() };
    let known: BTreeSet<&str> = TABLES.iter().map(|(key, _)| *key).collect();
    let found: BTreeSet<&str> =
        sorted(&schema["properties"]).iter().map(|(k, _)| k.as_str()).collect();
    assert_eq!(found, known, "a table of the pipeline file that this page does not know");
    for (key, title) in TABLES {
        let schema = &schema["properties"][key];
        write!(page.text, "\n## `{title}`\n\n{}\n", told(schema).0).unwrap();
        let table = if schema["additionalProperties"].is_object() {
            &schema["additionalProperties"]
        } else {
            schema
        };
        let name = reference(table).unwrap_or_else(|| panic!("{key} is no table of keys"));
        let definition = page.definition(name).clone();
        page.table(&definition);
    }
    page.text
}

#[test]
fn the_page_of_keys_is_that_of_the_schema() {
    let text = page(&collegium_manifest::json_schema(&collegium_learn::DECLARED));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(Path::new(ROOT).join(FILE), &text).unwrap();
    }
    let way_out = "UPDATE_GOLDEN=1 cargo test -p collegium-cli --test collegium documents";
    assert!(read(FILE) == text, "{FILE} is not that of the schema; write it anew: {way_out}");
}

/// Every key of every table has its row, and something to say.
#[test]
fn no_key_is_left_out_of_the_page_of_keys() {
    let schema = collegium_manifest::json_schema(&collegium_learn::DECLARED);
    let text = page(&schema);
    let mut count = 0;
    for (name, definition) in sorted(&schema["definitions"]) {
        for (key, schema) in sorted(&definition["properties"]) {
            let (what, default) = told(schema);
            assert!(!what.is_empty(), "{name}.{key} has no description");
            assert!(text.contains(&format!("| {default} | {what} |")), "{name}.{key} has no row");
            count += 1;
        }
    }
    assert!(count > 80, "{count} keys");
}
