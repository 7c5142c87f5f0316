//! Bounds far above what was measured, so that only a change of kind breaks them. `--nocapture`
//! shows the times.

use std::{hint::black_box, thread, time::Instant};

use collegium_digest::Digest;
use collegium_records::{Cost, Epoch, Recipe};
use collegium_store::Store;

use crate::{fresh, id};

/// A recipe as an expert with 20 inputs has it.
fn recipe(n: u32) -> Recipe {
    (0..20).fold(Recipe::new("fit").with("n", n), |recipe, i| {
        recipe.with(format!("inputs.flights.column_{i}"), id(&i.to_string()))
    })
}

/// A record of the size of a fit's.
type Fit = (Vec<Epoch>, Vec<String>, u32, Cost);

fn fit(n: u32) -> Fit {
    let epochs = (0..20).map(|e| Epoch { train: 1.0 / f64::from(e + 3), valid: 0.7 }).collect();
    let words = ["mlp", "classification", "false", "true", "avx2", "2026-01-01T00:00:00Z"];
    (epochs, words.map(str::to_owned).into(), n, Cost::default())
}

#[test]
fn a_thousand_experts_are_written_and_looked_up_in_good_time() {
    let (folder, store) = fresh();
    let recipes: Vec<_> = (0..1000).map(recipe).collect();
    let digests: Vec<_> = recipes.iter().map(Recipe::digest).collect();

    let begin = Instant::now();
    for n in 0..1000u32 {
        store.put(&n.to_le_bytes().repeat(500)).unwrap();
    }
    let put = begin.elapsed();

    let begin = Instant::now();
    for (n, recipe) in (0..).zip(&recipes) {
        store.realise(recipe, &id("model"), &fit(n)).unwrap();
    }
    let realise = begin.elapsed();
    let begin = Instant::now();
    for n in 1000..1200 {
        store.put(&n.to_string().repeat(500).into_bytes()).unwrap();
        store.realise(&self::recipe(n), &id("model"), &fit(n)).unwrap();
    }
    let alone = begin.elapsed() / 200;
    let begin = Instant::now();
    thread::scope(|scope| {
        for thread in 0..4 {
            let store = &store;
            scope.spawn(move || {
                for n in (2000 + 50 * thread)..(2050 + 50 * thread) {
                    store.put(&n.to_string().repeat(500).into_bytes()).unwrap();
                    store.realise(&self::recipe(n), &id("model"), &fit(n)).unwrap();
                }
            });
        }
    });
    let together = begin.elapsed() / 200;
    let begin = Instant::now();
    for digest in &digests {
        store.remember(*digest, id("x"));
    }
    store.flush().unwrap();
    let flush = begin.elapsed();

    let store = Store::open(folder.path()).unwrap();
    let begin = Instant::now();
    for digest in &digests {
        assert_eq!(black_box(store.realisations::<Fit>(digest).unwrap()).len(), 1);
    }
    let realisations = begin.elapsed();
    let begin = Instant::now();
    for digest in &digests {
        assert!(black_box(store.recipe(digest).unwrap()).is_some());
    }
    let recipe = begin.elapsed();
    let begin = Instant::now();
    for n in 0..1000u32 {
        assert!(store.contains(&Digest::of(&n.to_le_bytes().repeat(500))));
    }
    let contains = begin.elapsed();
    let begin = Instant::now();
    for digest in &digests {
        assert!(store.memo(digest).is_some());
    }
    let memo = begin.elapsed();
    let begin = Instant::now();
    for n in 1000..2000u32 {
        assert!(store.realisations::<Fit>(&Digest::of(&n.to_le_bytes())).unwrap().is_empty());
    }
    let absent = begin.elapsed();

    let measured = format!(
        "1000 each: put {put:.2?}, realise {realise:.2?}, flush {flush:.2?}; a result (put, realise) alone \
         {alone:.2?}, among four threads {together:.2?}; realisations \
         {realisations:.2?}, absent {absent:.2?}, recipe {recipe:.2?}, contains {contains:.2?}, memo {memo:.2?}"
    );
    #[allow(clippy::print_stderr)]
    {
        eprintln!("{measured}");
    }
    assert!(alone.as_secs() < 1 && together.as_secs() < 1, "{measured}");
    assert!(put.as_secs() < 60 && realise.as_secs() < 120 && flush.as_secs() < 30, "{measured}");
    assert!((realisations + recipe + contains + memo + absent).as_secs() < 3, "{measured}");
}
