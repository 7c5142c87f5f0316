//! A million rows of 30 columns from CSV through a query to digests: how long, and how much memory.
//!
//! `cargo run --release -p collegium-data --example million [ROWS [BOUND]]` prints the peak memory of the
//! process as a multiple of the bytes of the result's columns. The project's bound is 3.
#![allow(clippy::print_stdout, reason = "an example that reports")]

use std::{
    error::Error,
    fs::{self, File},
    io::{BufWriter, Write as _},
    path::Path,
    sync::atomic::AtomicBool,
    time::Instant,
};

use collegium_data::{Context, SqlLimits, prepare};
use collegium_digest::{Digest, stream};
use collegium_manifest::{DataSource, Fence, ReadOptions, SourceOrigin, Spanned, Split};
use collegium_records::Settled;
use collegium_store::Store;
use indexmap::IndexMap;
use rand::Rng as _;

/// Bytes of values above which SQLite works in a file by default: what a small machine would set.
const MEMORY_BOUND: u64 = 256 << 20;

fn main() -> Result<(), Box<dyn Error>> {
    let rows = std::env::args().nth(1).map_or(Ok(1_000_000), |rows| rows.parse())?;
    let bound = std::env::args().nth(2).map_or(Ok(MEMORY_BOUND), |bound| bound.parse())?;
    let folder = tempfile::tempdir()?;
    generate(&folder.path().join("t.csv"), rows)?;
    let source = source();
    let store = Store::open(folder.path())?;
    let interrupted = AtomicBool::new(false);
    let cx = Context {
        store: &store,
        base: folder.path(),
        fence: &Fence::around(folder.path()),
        limits: SqlLimits::default(),
        progress: &|_, _, _| {},
        interrupted: &interrupted,
        memory_bound: bound,
    };
    let before = peak()?;
    let start = Instant::now();
    let prepared = prepare(&source, &Settled::default(), &cx)?;
    let seconds = start.elapsed().as_secs_f64();
    let after = peak()?;
    store.flush()?;
    let table = prepared.table()?;
    let bytes = table.bytes();
    drop((table, prepared));
    let start = Instant::now();
    prepare(&source, &Settled::default(), &cx)?;
    let again = start.elapsed().as_secs_f64();
    let ratio = after as f64 / bytes as f64;
    println!("rows {rows}, column bytes {} MB", bytes >> 20);
    println!("load, query, digest, store: {seconds:.1} s; again, from the store: {again:.3} s");
    println!(
        "peak memory {} MB (before {} MB): {ratio:.2} × the columns",
        after >> 20,
        before >> 20
    );
    Ok(())
}

fn source() -> DataSource {
    let spanned = |text: &str| Spanned::new(0..0, text.to_owned());
    DataSource {
        name: spanned("t"),
        tables: IndexMap::from([("t".to_owned(), spanned("t.csv"))]),
        idx: false,
        read: ReadOptions::default(),
        unpacked_limit: None,
        reads: IndexMap::new(),
        images: indexmap::IndexMap::new(),
        query: Some(spanned("SELECT *, n0 > 0.5 AS high FROM t WHERE n1 >= 0")),
        derive: IndexMap::from([("sum".to_owned(), spanned("n0 + n1"))]),
        rules: Vec::new(),
        types: IndexMap::new(),
        missing: vec![String::new(), "NA".to_owned()],
        split: Split { seed: 7, ..Split::default() },
        origin: SourceOrigin::default(),
        origins: IndexMap::new(),
    }
}

/// 24 numbers, 3 categories, 2 booleans, 1 date.
fn generate(path: &Path, rows: u64) -> Result<(), Box<dyn Error>> {
    let mut random = stream(&Digest::of(b"million"), "rows");
    let mut file = BufWriter::new(File::create(path)?);
    let names: Vec<String> = (0..24).map(|i| format!("n{i}")).collect();
    writeln!(file, "{},c0,c1,c2,b0,b1,day", names.join(","))?;
    for _ in 0..rows {
        for _ in 0..24 {
            write!(file, "{:.6},", (random.next_u32() >> 8) as f64 / (1 << 24) as f64)?;
        }
        let bits = random.next_u64();
        let (a, b, c) = (bits % 5, (bits >> 8) % 300, (bits >> 24) % 4000);
        let (day, month) = (1 + (bits >> 40) % 28, 1 + (bits >> 48) % 12);
        writeln!(
            file,
            "a{a},b{b},c{c},{},{},2013-{month:02}-{day:02}",
            bits & 1 == 0,
            bits & 2 == 0
        )?;
    }
    file.flush()?;
    Ok(())
}

/// The most memory that this process has held, in bytes, as Linux counts it.
fn peak() -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes =
        line.and_then(|rest| rest.trim().trim_end_matches(" kB").trim().parse::<u64>().ok());
    Ok(kilobytes.ok_or("no VmHWM in /proc/self/status")? * 1024)
}
