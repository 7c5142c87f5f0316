//! What the binary is made of: the bill of materials agrees with the lock, and what may be in it is written down.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use serde_json::Value;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// `benches/sbom.py`; `None`, said on stderr, where Python or cargo's downloads are not there.
fn bill() -> Option<Vec<u8>> {
    let made = Command::new("python3").arg(root().join("benches/sbom.py")).output();
    match made {
        Ok(output) if output.status.success() => Some(output.stdout),
        Ok(output) => {
            let why = String::from_utf8_lossy(&output.stderr).into_owned();
            // No `tomllib` before Python 3.11; crates of other platforms may not be downloaded.
            assert!(why.contains("tomllib") || why.contains("offline"), "{why}");
            eprintln!("SKIPPED the bill of materials: {why}");
            None
        }
        Err(error) => {
            eprintln!("SKIPPED the bill of materials: python3: {error}");
            None
        }
    }
}

#[test]
fn the_bill_of_materials_names_what_is_in_the_binary_with_its_checksums() {
    let Some(bytes) = bill() else { return };
    assert_eq!(bill().unwrap(), bytes, "the same lock gives the same bytes");
    let document: Value = serde_json::from_slice(&bytes).unwrap();
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let mut names = BTreeSet::new();
    for component in document["components"].as_array().unwrap() {
        let text = |key: &str| component[key].as_str().unwrap().to_owned();
        let (name, version) = (text("name"), text("version"));
        let entry = format!("name = \"{name}\"\nversion = \"{version}\"\n");
        let entry = lock.split("[[package]]\n").find(|one| one.starts_with(&entry)).unwrap();
        match component["hashes"][0]["content"].as_str() {
            Some(checksum) => assert!(entry.contains(checksum), "{name}"),
            None => assert!(name.starts_with("collegium-"), "{name}"),
        }
        assert!(component["licenses"][0]["expression"].is_string(), "{name}");
        names.insert(text("bom-ref"));
    }
    let has = |name: &str| names.iter().any(|one| one.starts_with(&format!("pkg:cargo/{name}@")));
    for name in ["rusqlite", "libsqlite3-sys", "burn", "arrow-array", "clap", "collegium-engine"] {
        assert!(has(name), "{name}");
    }
    for name in ["proptest", "insta"] {
        assert!(!has(name), "{name} is of tests alone");
    }
    for one in document["dependencies"].as_array().unwrap() {
        for need in one["dependsOn"].as_array().unwrap() {
            assert!(names.contains(need.as_str().unwrap()), "{need}");
        }
    }
}

#[test]
fn everything_comes_from_one_registry_and_ci_holds_to_the_lock() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let sources: BTreeSet<&str> = lock.lines().filter(|line| line.starts_with("source")).collect();
    assert_eq!(
        sources.into_iter().collect::<Vec<_>>(),
        ["source = \"registry+https://github.com/rust-lang/crates.io-index\""]
    );
    let script = fs::read_to_string(root().join(".ci/run")).unwrap();
    let reads_the_lock = ["cargo clippy", "cargo doc", "cargo test", "cargo deny", "cargo install"];
    for line in script.lines().filter(|line| !line.trim_start().starts_with('#')) {
        for command in reads_the_lock.iter().filter(|command| line.contains(**command)) {
            assert!(line.contains("--locked"), "{command}: {line}");
        }
    }
}
