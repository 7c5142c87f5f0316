//! What was found once does no harm again, and neither do 2,000 mutants of each target.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    fs,
    path::Path,
    sync::{Mutex, PoisonError},
};

use collegium_fuzz::{mutant, targets, trial};

/// Memory is counted for the whole process, so one test at a time counts it.
static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn what_did_harm_once_does_none() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let folder = tempfile::tempdir().unwrap();
    for target in targets::all() {
        let Ok(files) = fs::read_dir(corpus.join(target.name())) else { continue };
        for file in files.map(|file| file.unwrap().path()) {
            let name = file.file_name().unwrap().to_str().unwrap();
            let harm = trial(target.as_ref(), &fs::read(&file).unwrap(), &folder.path().join(name));
            assert!(harm.is_ok(), "{}: {}", file.display(), harm.unwrap_err());
        }
    }
}

#[test]
fn mutants_of_every_target_end_in_an_answer_or_an_error_about_the_input() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir().unwrap();
    for target in targets::all() {
        let seeds = target.seeds();
        for (at, seed) in seeds.iter().enumerate() {
            let path = folder.path().join(format!("seed.{}", target.extension(at)));
            // Not all seeds are tables, but each is a file that its reader knows.
            let harm = trial(target.as_ref(), seed, &path);
            assert!(harm.is_ok(), "{} seed {at}: {}", target.name(), harm.unwrap_err());
        }
        let mut accepted = 0;
        for number in 0..2000 {
            let (input, extension) = mutant(target.as_ref(), &seeds, 7, number);
            let path = folder.path().join(format!("input.{extension}"));
            match trial(target.as_ref(), &input, &path) {
                Ok(was_accepted) => accepted += u32::from(was_accepted),
                Err(harm) => panic!("{} --seed 7 --from {number}: {harm}", target.name()),
            }
        }
        assert!((20..1980).contains(&accepted), "{}: {accepted} accepted", target.name());
    }
}

#[test]
fn a_seed_gives_the_same_mutants_again() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for target in targets::all() {
        let seeds = target.seeds();
        assert_eq!(seeds, target.seeds(), "{}", target.name());
        let first = mutant(target.as_ref(), &seeds, 1, 5);
        assert_eq!(first, mutant(target.as_ref(), &seeds, 1, 5));
        assert!((6..10).any(|other| mutant(target.as_ref(), &seeds, 1, other) != first));
    }
}

#[test]
fn every_target_has_a_program_for_cargo_fuzz() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    for target in targets::all() {
        let name = target.name();
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name}");
        let program = fs::read_to_string(folder.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(program.contains(&format!("run(\"{name}\"")), "{name}");
        assert!(program.contains(&format!("mutate(\"{name}\"")), "{name}");
    }
}
