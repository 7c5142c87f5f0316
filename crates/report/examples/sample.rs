//! Writes a sample report, or that of an audit's JSON, to the path given:
//! `cargo run -p collegium-report --example sample -- FILE [AUDIT.json]`.

#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

#[path = "../tests/sample/mod.rs"]
mod sample;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let path = arguments.next().ok_or("usage: sample FILE [AUDIT.json]")?;
    let report = match arguments.next() {
        Some(json) => serde_json::from_slice(&std::fs::read(json)?)?,
        None => sample::report(),
    };
    std::fs::write(path, collegium_report::html(&report))?;
    Ok(())
}
