use std::{collections::BTreeMap, fs};

use collegium_records::{Cost, Epoch, Ingredient, Metrics, Recipe};
use collegium_store::{Store, StoreError};
use proptest::prelude::*;

use crate::{files, fresh, id, recipe};

#[test]
fn a_realisation_is_found_under_its_recipe_by_another_process() {
    let (folder, store) = fresh();
    let cost = Cost { seconds: 1.5, cpu_seconds: 1.25, peak_bytes: 7, joules: None };
    store.realise(&recipe("a"), &id("model"), &cost).unwrap();
    let store = Store::open(folder.path()).unwrap();
    let found = store.realisations::<Cost>(&recipe("a").digest()).unwrap();
    assert_eq!(found, BTreeMap::from([(id("model"), cost)]));
    assert!(store.realisations::<Cost>(&recipe("b").digest()).unwrap().is_empty());
    assert_eq!(store.recipe(&recipe("a").digest()).unwrap(), Some(recipe("a")));
    assert_eq!(store.recipe(&recipe("b").digest()).unwrap(), None);
}

#[test]
fn a_recipe_may_have_several_realisations() {
    let (_folder, store) = fresh();
    for (name, value) in [("one", 1u32), ("two", 2), ("two", 3)] {
        store.realise(&recipe("a"), &id(name), &value).unwrap();
    }
    let found = store.realisations::<u32>(&recipe("a").digest()).unwrap();
    assert_eq!(found, BTreeMap::from([(id("one"), 1), (id("two"), 3)]));
}

#[test]
fn a_recipe_can_be_read_by_a_person() {
    let (_folder, store) = fresh();
    store.realise(&recipe("a"), &id("x"), &0u8).unwrap();
    let path = files(&store.root().join("recipes")).remove(0);
    insta::assert_snapshot!(fs::read_to_string(path).unwrap(), @r#"
    {
      "kind": "fit",
      "ingredients": {
        "engine.epoch": {
          "integer": 4
        },
        "name": {
          "text": "a"
        },
        "train.learning_rate": {
          "float": 0.001
        }
      }
    }
    "#);
}

#[test]
fn a_recipe_that_json_cannot_hold_is_refused() {
    let (_folder, store) = fresh();
    let recipe = recipe("a").with("train.ridge", f64::INFINITY);
    let error = store.realise(&recipe, &id("x"), &0u8).unwrap_err();
    assert!(matches!(error, StoreError::Record { .. }), "{error}");
    assert!(error.to_string().contains("not a finite number"), "{error}");
    assert!(files(&store.root().join("realisations")).is_empty());
}

#[test]
fn a_record_of_another_shape_is_ignored_but_kept() {
    let (_folder, store) = fresh();
    store.realise(&recipe("a"), &id("x"), &"words").unwrap();
    assert!(store.realisations::<u32>(&recipe("a").digest()).unwrap().is_empty());
    assert!(store.notes().remove(0).contains("not understood"));
    assert_eq!(store.realisations::<String>(&recipe("a").digest()).unwrap().len(), 1);
    assert!(store.notes().is_empty());
}

#[test]
fn the_digest_of_a_store_ignores_order_times_and_costs() {
    let stores: Vec<_> = [[1u8, 2, 3], [3, 1, 2]]
        .map(|order| {
            let (folder, store) = fresh();
            for i in order {
                store.put(&[i]).unwrap();
                let cost = Cost { seconds: f64::from(order[0]), ..Cost::default() };
                store.realise(&recipe(&i.to_string()), &id("model"), &cost).unwrap();
            }
            (folder, store)
        })
        .into();
    assert_eq!(stores[0].1.digest_tree().unwrap(), stores[1].1.digest_tree().unwrap());
    stores[0].1.put(b"one more").unwrap();
    assert_ne!(stores[0].1.digest_tree().unwrap(), stores[1].1.digest_tree().unwrap());
}

fn ingredient() -> impl Strategy<Value = Ingredient> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Ingredient::Boolean),
        any::<i64>().prop_map(Ingredient::Integer),
        any::<f64>().prop_filter("finite", |v| v.is_finite()).prop_map(Ingredient::Float),
        any::<String>().prop_map(Ingredient::Text),
        any::<[u8; 32]>().prop_map(|b| Ingredient::Digest(collegium_digest::Digest::from_bytes(b))),
    ];
    leaf.prop_recursive(2, 12, 4, |inner| {
        prop::collection::vec(inner, 0..4).prop_map(Ingredient::List)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_recipe_comes_back(ingredients in prop::collection::btree_map(any::<String>(), ingredient(), 0..12)) {
        let (_folder, store) = fresh();
        let recipe = Recipe { kind: "fit".into(), ingredients };
        store.realise(&recipe, &id("x"), &()).unwrap();
        prop_assert_eq!(store.recipe(&recipe.digest()).unwrap(), Some(recipe));
        prop_assert!(store.notes().is_empty());
    }

    #[test]
    fn numbers_come_back_with_the_same_bits(values in prop::collection::vec(any::<f64>().prop_filter("finite", |v| v.is_finite()), 1..40)) {
        let (_folder, store) = fresh();
        let metrics: Metrics = values.iter().enumerate().map(|(i, v)| (format!("m{i}"), *v)).collect();
        let epochs: Vec<_> = values.iter().map(|&v| Epoch { train: v, valid: -v }).collect();
        store.realise(&recipe("a"), &id("x"), &(&metrics, &epochs)).unwrap();
        let found = store.realisations::<(Metrics, Vec<Epoch>)>(&recipe("a").digest()).unwrap();
        let bits = |m: &Metrics| m.values().map(|v| v.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(&found[&id("x")].0), bits(&metrics));
        prop_assert_eq!(&found[&id("x")].1, &epochs);
    }
}
