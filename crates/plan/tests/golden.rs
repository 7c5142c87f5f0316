//! Frozen keys. If one moves, every store of every user is cold: raise `ENGINE_EPOCH` (which moves
//! all of them) and freeze the new ones with `UPDATE_GOLDEN=1 cargo test -p collegium-plan`.

mod common;

use collegium_manifest::Baseline;
use collegium_plan::{baseline_recipe, fit_recipe};
use collegium_records::{ENGINE_EPOCH, Recipe};
use common::{experts, fit_inputs};

/// Each a change of one thing in an otherwise default expert.
const CHANGES: [(&str, &str); 22] = [
    ("default", ""),
    ("hidden", "model = { type = \"mlp\", hidden = [7] }"),
    ("no hidden layer", "model = { type = \"mlp\", hidden = [] }"),
    ("tanh", "model = { type = \"mlp\", activation = \"tanh\" }"),
    ("relu", "model = { type = \"mlp\", activation = \"relu\" }"),
    ("dropout", "model = { type = \"mlp\", dropout = 0.1 }"),
    ("epochs", "train = { epochs = 3 }"),
    ("batch", "train = { batch = 7 }"),
    ("learning rate", "train = { learning_rate = 0.02 }"),
    ("cosine", "train = { schedule = \"cosine\" }"),
    ("adam", "train = { optimizer = \"adam\" }"),
    ("sgd", "train = { optimizer = \"sgd\" }"),
    ("weight decay", "train = { weight_decay = 0.01 }"),
    ("patience", "train = { patience = 9 }"),
    ("balanced", "train = { class_weights = \"balanced\" }"),
    ("weighted", "train = { class_weights = { yes = 2 } }"),
    ("seed", "seed = 5"),
    ("huber", "train = { huber = 1.0 }"),
    ("quantile", "train = { quantile = 0.9 }"),
    ("focal", "train = { focal = 2.0 }"),
    ("label smoothing", "train = { label_smoothing = 0.1 }"),
    ("members", "members = 3"),
];

fn recipes() -> Vec<(String, Recipe)> {
    let inputs = fit_inputs("content", &["d.x"]);
    let mut recipes: Vec<(String, Recipe)> = CHANGES
        .iter()
        .map(|(what, keys)| {
            let pipeline = experts(&[("a", "\"d.x\"", keys)]);
            ((*what).to_owned(), fit_recipe(&pipeline.experts[0], &inputs))
        })
        .collect();
    let pipeline = experts(&[("a", "\"d.x\"", "")]);
    let expert = &pipeline.experts[0];
    let more = [
        ("another input", fit_recipe(expert, &fit_inputs("content", &["d.x", "d.z"]))),
        ("other content", fit_recipe(expert, &fit_inputs("other", &["d.x"]))),
        ("majority", baseline_recipe(Baseline::Majority, &inputs, expert)),
        ("linear", baseline_recipe(Baseline::Linear, &inputs, expert)),
    ];
    recipes.extend(more.map(|(what, recipe)| (what.to_owned(), recipe)));
    recipes
}

#[test]
fn every_ingredient_moves_the_key() {
    let mut keys: Vec<_> = recipes().iter().map(|(_, recipe)| recipe.digest()).collect();
    let count = keys.len();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), count);
}

#[test]
fn keys_are_frozen_for_this_epoch() {
    let mut found = format!("epoch {ENGINE_EPOCH}\n");
    for (what, recipe) in recipes() {
        found.push_str(&format!("{} {what}\n", recipe.digest()));
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, &found).expect("the golden file can be written");
    }
    let frozen = std::fs::read_to_string(path).expect("the golden file is there");
    assert_eq!(found, frozen, "a key moved: see the head of this file");
}

#[test]
fn a_recipe_survives_its_stored_form() {
    for (what, recipe) in recipes() {
        let text = serde_json::to_string(&recipe).expect("a recipe is JSON");
        let back: Recipe = serde_json::from_str(&text).expect("and back");
        assert_eq!(back.digest(), recipe.digest(), "{what}");
    }
}
