//! Writes a sample report to the path given: `cargo run -p collegium-report --example sample -- FILE`.

#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

#[path = "../tests/sample/mod.rs"]
mod sample;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: sample FILE")?;
    std::fs::write(path, collegium_report::html(&sample::report()))?;
    Ok(())
}
