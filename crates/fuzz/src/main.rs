//! `collegium-fuzz TARGET [--seed N] [--count N] [--from N] [--corpus DIR]`: fuzz testing, one mutant after another.
//! `collegium-fuzz --list` names the targets.
//!
//! What does harm is written to the corpus, as small as it still does the same, and the program ends with 1.
//! A process that is killed (an abort, no memory) leaves its input behind, and the path is told before.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program of its own")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use collegium_digest::Digest;
use collegium_fuzz::{FuzzTarget, Harm, mutant, targets, trial};

const USAGE: &str = "collegium-fuzz TARGET [--seed N] [--count N] [--from N] [--corpus DIR], or --list for the targets";

struct Asked {
    target: Box<dyn FuzzTarget>,
    seed: u64,
    count: u64,
    from: u64,
    corpus: PathBuf,
}

fn asked() -> Result<Asked, String> {
    let mut words = std::env::args().skip(1);
    let name = words.next().ok_or("name a target")?;
    let target = targets::named(&name).ok_or_else(|| {
        let known: Vec<&str> = targets::all().iter().map(|target| target.name()).collect();
        format!("there is no target `{name}`: there are {}", known.join(", "))
    })?;
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut asked = Asked { target, seed: 1, count: 100_000, from: 0, corpus };
    while let Some(key) = words.next() {
        let value = words.next().ok_or_else(|| format!("{key} wants a value"))?;
        let number = || value.parse().map_err(|_| format!("{key} wants a number, not `{value}`"));
        match key.as_str() {
            "--seed" => asked.seed = number()?,
            "--count" => asked.count = number()?,
            "--from" => asked.from = number()?,
            "--corpus" => asked.corpus = PathBuf::from(&value),
            _ => return Err(format!("there is no {key}")),
        }
    }
    Ok(asked)
}

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some("--list") {
        targets::all().iter().for_each(|target| println!("{}", target.name()));
        return ExitCode::SUCCESS;
    }
    let asked = match asked() {
        Ok(asked) => asked,
        Err(why) => {
            eprintln!("{why}\nusage: {USAGE}");
            return ExitCode::from(2);
        }
    };
    // Panics are counted here, and those that readers contain are nobody's business.
    std::panic::set_hook(Box::new(|_| {}));
    match run(&asked) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(1),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

/// Runs all mutants; how many did harm.
fn run(asked: &Asked) -> std::io::Result<u64> {
    let target = asked.target.as_ref();
    let seeds = target.seeds();
    let work = std::env::temp_dir().join(format!("collegium-fuzz-{}", std::process::id()));
    fs::create_dir_all(&work)?;
    println!("{}: inputs are {}", target.name(), work.join("input.*").display());
    let (began, mut harmful, mut accepted) = (Instant::now(), 0, 0);
    for number in asked.from..asked.from + asked.count {
        let (input, extension) = mutant(target, &seeds, asked.seed, number);
        let path = work.join(format!("input.{extension}"));
        match trial(target, &input, &path) {
            Ok(was_accepted) => accepted += u64::from(was_accepted),
            Err(harm) => {
                harmful += 1;
                println!("{number}: {harm}");
                let small = smaller(target, input, &harm, &path);
                let folder = asked.corpus.join(target.name());
                fs::create_dir_all(&folder)?;
                let file = folder.join(format!("{}.{extension}", Digest::of(&small).short()));
                fs::write(&file, small)?;
                println!("  kept as {}", file.display());
            }
        }
    }
    fs::remove_dir_all(work)?;
    println!(
        "{}: seed {}, {} inputs in {:.0} s, {accepted} accepted, {} refused, {harmful} did harm",
        target.name(),
        asked.seed,
        asked.count,
        began.elapsed().as_secs_f64(),
        asked.count - accepted - harmful,
    );
    Ok(harmful)
}

/// The input without pieces that the harm does not need.
fn smaller(target: &dyn FuzzTarget, mut input: Vec<u8>, harm: &Harm, path: &Path) -> Vec<u8> {
    let same = |other: &Harm| std::mem::discriminant(other) == std::mem::discriminant(harm);
    let mut piece = input.len() / 2;
    while piece > 0 && !matches!(harm, Harm::Time(_)) {
        let mut at = 0;
        while at < input.len() {
            let mut without = input.clone();
            without.drain(at..input.len().min(at + piece));
            match trial(target, &without, path) {
                Err(found) if same(&found) => input = without,
                _ => at += piece,
            }
        }
        piece /= 2;
    }
    input
}
