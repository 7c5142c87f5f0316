//! The walls of the house: which crate may know what.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

fn crates() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The names under `[dependencies]` of a crate.
fn dependencies(name: &str) -> Vec<String> {
    let manifest = fs::read_to_string(crates().join(name).join("Cargo.toml")).unwrap();
    let section = manifest.split("[dependencies]\n").nth(1).unwrap();
    let section = section.split("\n[").next().unwrap();
    section
        .lines()
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter(|name| !name.is_empty() && !name.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

/// All of a crate's own source files.
fn sources(name: &str) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    let mut folders = vec![crates().join(name).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                files.push((path, text));
            }
        }
    }
    files
}

fn all_crates() -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(crates())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn only_learn_knows_burn() {
    for name in all_crates() {
        let knows = dependencies(&name).iter().any(|dependency| dependency.starts_with("burn"));
        assert_eq!(knows, name == "learn", "{name}");
    }
}

/// A kind is asked for what it can do, never for what it is: see `crates/learn/src/kinds`.
#[test]
fn only_the_kinds_tell_kinds_of_models_apart() {
    let names = collegium_learn::KINDS.iter().map(|kind| format!("\"{}\" =>", kind.name()));
    let names: Vec<String> = names.collect();
    for name in all_crates() {
        for (path, text) in sources(&name) {
            let place = path.display().to_string();
            if place.contains("learn/src/kinds") {
                continue;
            }
            let arm = names.iter().find(|arm| text.contains(*arm));
            assert!(arm.is_none(), "{place} has an arm for a kind: {arm:?}");
            let down = text.contains("dyn Any)") && !["learn", "manifest"].contains(&&*name);
            assert!(!down, "{place} looks at what is behind a trait");
        }
    }
    assert!(!dependencies("manifest").iter().any(|d| d == "collegium-learn"));
}

/// The longest way from a crate down to one that knows none of the others.
fn depth(name: &str) -> usize {
    let own = dependencies(name).into_iter();
    let below = own.filter_map(|d| d.strip_prefix("collegium-").map(str::to_owned));
    1 + below.map(|name| depth(&name)).max().unwrap_or(0)
}

#[test]
fn no_way_through_the_crates_is_longer_than_six() {
    assert_eq!(depth("digest"), 1);
    // A program stands on all of them.
    for name in all_crates().into_iter().filter(|name| !["cli", "fuzz"].contains(&name.as_str())) {
        assert!(depth(&name) <= 6, "{name} stands on {} crates", depth(&name));
    }
}

#[test]
fn cargo_run_means_the_one_program_of_the_cli() {
    let workspace = fs::read_to_string(crates().join("../Cargo.toml")).unwrap();
    assert!(workspace.lines().any(|line| line == "default-members = [\"crates/cli\"]"));
    let cli = fs::read_to_string(crates().join("cli/Cargo.toml")).unwrap();
    assert_eq!(cli.lines().filter(|line| *line == "[[bin]]").count(), 1);
    assert!(!crates().join("cli/src/bin").exists());
}

#[test]
fn experts_and_tables_know_no_files() {
    for name in ["table", "learn", "probe"] {
        for dependency in dependencies(name) {
            let reads =
                ["collegium-data", "collegium-store", "arrow", "parquet", "rusqlite", "csv"];
            let knows = reads.iter().any(|reader| dependency.starts_with(reader));
            assert!(!knows, "{name} needs {dependency}");
        }
    }
}

#[test]
fn the_report_needs_records_alone() {
    let own: Vec<String> = dependencies("report")
        .into_iter()
        .filter(|dependency| dependency.starts_with("collegium"))
        .collect();
    assert_eq!(own, ["collegium-records"]);
}

#[test]
fn the_digest_crate_has_nothing_of_ours_below_it() {
    assert!(!dependencies("digest").iter().any(|name| name.starts_with("collegium")));
}

#[test]
fn the_plan_does_no_io() {
    for dependency in dependencies("plan") {
        assert!(
            !["collegium-store", "collegium-data", "collegium-engine", "tokio", "tempfile"]
                .contains(&dependency.as_str()),
            "{dependency}"
        );
    }
    for (path, text) in sources("plan") {
        for word in ["std::fs", "std::net", "std::time", "std::env", "std::process"] {
            assert!(!text.contains(word), "{} uses {word}", path.display());
        }
    }
}

/// The store asks its backend for objects, recipes and records: where they lie as files, one backend knows.
#[test]
fn only_the_local_backend_knows_entries_as_files() {
    let parts = ["objects", "recipes", "realisations"];
    let ways = ["join", "folder", "home", "asker"];
    // The fuzzer writes there as a stranger would.
    for name in all_crates().into_iter().filter(|name| name != "fuzz") {
        for (path, text) in sources(&name) {
            if path.parent().is_some_and(|folder| folder.ends_with("store/src/backend/local")) {
                continue;
            }
            for (part, way) in parts.iter().flat_map(|part| ways.map(|way| (part, way))) {
                let reached = text.contains(&format!("{way}(\"{part}\""));
                assert!(!reached, "{} reaches into {part}", path.display());
            }
        }
    }
    for (path, text) in sources("store") {
        let place = path.display().to_string();
        let of_entries = ["objects.rs", "traces.rs", "staged.rs"].iter().any(|n| path.ends_with(n));
        let backend = place.contains("src/backend/") && !place.contains("backend/local/");
        for word in ["fs::read", "fs::write", "rustix", ".ground(", "layout.read", "layout.names"] {
            assert!(!(of_entries || backend) || !text.contains(word), "{place} uses {word}");
        }
    }
}

#[test]
fn only_the_programs_print() {
    for name in all_crates().into_iter().filter(|name| !["cli", "fuzz"].contains(&name.as_str())) {
        for (path, text) in sources(&name) {
            for word in ["println!(", "eprintln!(", "print!(", "eprint!("] {
                assert!(!text.contains(word), "{} uses {word}", path.display());
            }
        }
    }
}

#[test]
fn every_crate_begins_with_an_essay() {
    for name in all_crates() {
        let head = ["lib.rs", "main.rs"]
            .iter()
            .find_map(|file| fs::read_to_string(crates().join(&name).join("src").join(file)).ok())
            .unwrap();
        let lines = head.lines().take_while(|line| line.starts_with("//!")).count();
        assert!(lines >= 6, "{name}: {lines} lines");
    }
}

/// The names of the public types of a file, leaving out what its tests have.
fn public_types(text: &str) -> impl Iterator<Item = &str> {
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    text.lines().filter_map(|line| {
        let rest = line.strip_prefix("pub ")?;
        let kinds = ["struct ", "enum ", "trait ", "type ", "union "];
        let rest = kinds.iter().find_map(|kind| rest.strip_prefix(kind))?;
        rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()
    })
}

#[test]
fn no_two_public_types_have_one_name() {
    let mut known: BTreeMap<String, PathBuf> = BTreeMap::new();
    for name in all_crates() {
        for (path, text) in sources(&name) {
            for one in public_types(&text) {
                let other = known.insert(one.to_owned(), path.clone());
                assert_eq!(other, None, "{one} is in {} too", path.display());
            }
        }
    }
    assert!(known.contains_key("NodeRef") && known.contains_key("Recipe"));
}

/// The modules that the paths of a `use` lead to: `crate::a::{b, c::D}` is `a::b` and `a::c::D`.
fn paths(tree: &str, before: &[&str], found: &mut Vec<Vec<String>>) {
    let tree = tree.trim();
    if let Some(inner) = tree.strip_prefix('{') {
        let inner = &inner[..inner.rfind('}').unwrap_or(inner.len())];
        let (mut depth, mut from) = (0, 0);
        for (at, c) in inner.char_indices().chain([(inner.len(), ',')]) {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    paths(&inner[from..at], before, found);
                    from = (at + 1).min(inner.len());
                }
                _ => {}
            }
        }
        return;
    }
    match tree.split_once("::") {
        Some((first, rest)) => paths(rest, &[before, &[first]].concat(), found),
        None if tree.is_empty() => {}
        None => {
            let name = tree.split(" as ").next().unwrap_or(tree);
            found.push(before.iter().chain([&name]).map(|&name| name.to_owned()).collect());
        }
    }
}

/// Which modules of a crate name which others, in a `use` or by a path from `crate`; what a module hands on
/// (`pub use`) counts as what it comes from.
fn uses(name: &str) -> BTreeMap<String, BTreeSet<String>> {
    let source = crates().join(name).join("src");
    let module = |path: &PathBuf| {
        let path = path.strip_prefix(&source).unwrap().with_extension("");
        let parts: Vec<String> =
            path.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
        let last = parts.last().is_some_and(|last| ["mod", "lib", "main"].contains(&&**last));
        parts[..parts.len() - usize::from(last)].join("::")
    };
    let mut trees: BTreeMap<String, Vec<(bool, Vec<String>)>> = BTreeMap::new();
    for (path, text) in sources(name) {
        let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default().to_owned();
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("//")).collect();
        let here = module(&path);
        let text = lines.join("\n");
        for statement in text.split(";\n").filter_map(|one| one.rsplit("\n\n").next()) {
            let statement =
                statement.lines().skip_while(|line| !line.contains("use ")).collect::<String>();
            let Some((public, tree)) = statement.split_once("use ") else { continue };
            let mut found = Vec::new();
            paths(tree, &[], &mut found);
            let own: Vec<String> =
                here.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
            for path in found {
                let above = path.iter().take_while(|part| *part == "super").count();
                let rest = &path[above.max(1).min(path.len())..];
                let whole = match path[0].as_str() {
                    "crate" => rest.to_vec(),
                    "self" => [&own, rest].concat(),
                    "super" => [&own[..own.len().saturating_sub(above)], rest].concat(),
                    _ if public.starts_with("pub") => [&own[..], &path].concat(),
                    _ => continue,
                };
                trees.entry(here.clone()).or_default().push((public.starts_with("pub"), whole));
            }
        }
        // What is named without a `use` is used, too.
        for (at, _) in text.match_indices("crate::") {
            let chain = text[at..].split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
            let path = chain.into_iter().next().unwrap_or_default().trim_end_matches(':');
            let path: Vec<String> = path.split("::").skip(1).map(str::to_owned).collect();
            trees.entry(here.clone()).or_default().push((false, path));
        }
        trees.entry(here).or_default();
    }
    let handed_on: BTreeMap<String, String> = trees
        .iter()
        .flat_map(|(here, uses)| uses.iter().map(move |one| (here, one)))
        .filter(|(_, (public, _))| *public)
        .filter_map(|(here, (_, path))| {
            let name = path.last()?;
            let named = [here.as_str(), name].join("::").trim_start_matches("::").to_owned();
            Some((named, path[..path.len() - 1].join("::")))
        })
        .collect();
    let resolved = |path: &[String]| {
        (1..=path.len()).rev().map(|n| path[..n].join("::")).find_map(|path| {
            if trees.contains_key(&path) {
                return Some(path);
            }
            handed_on.get(&path).filter(|to| trees.contains_key(*to)).cloned()
        })
    };
    let modules = trees.iter().map(|(here, uses)| {
        let to = uses.iter().filter(|(public, _)| !public).filter_map(|(_, path)| resolved(path));
        (here.clone(), to.filter(|to| to != here && !to.is_empty()).collect())
    });
    modules.collect()
}

/// Everything that is reached from a module.
fn reached(from: &str, uses: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![from.to_owned()];
    while let Some(one) = open.pop() {
        open.extend(uses[&one].iter().filter(|to| found.insert((*to).clone())).cloned());
    }
    found
}

/// Files that all lead to each other can only be read together: four are few enough for that.
#[test]
fn no_circle_of_files_is_larger_than_four() {
    let mut edges = 0;
    for name in all_crates() {
        let uses = uses(&name);
        edges += uses.values().map(BTreeSet::len).sum::<usize>();
        let all: BTreeMap<&String, BTreeSet<String>> =
            uses.keys().map(|one| (one, reached(one, &uses))).collect();
        for (one, to) in &all {
            let circle: Vec<&String> =
                to.iter().filter(|other| all[other].contains(*one)).collect();
            assert!(circle.len() <= 4, "crate {name}: {circle:?}");
        }
    }
    assert!(edges > 500, "only {edges} uses were understood");
}
