//! Structural mutations of nested values: what TOML, JSON and the heads of models have in common.
//!
//! A mutant of the text alone seldom passes the parser. Here a value is of another type, at another place,
//! there twice or not at all, and what comes out is a whole document again.

use rand::RngExt as _;
use serde_json::{Map, Value, json};

use crate::{
    Random,
    mutate::{number, one},
};

/// Texts that mean something to somebody.
const TEXTS: [&str; 40] = [
    "",
    " ",
    ".",
    "..",
    "../..",
    "/",
    "*",
    "**/*",
    "[",
    "!",
    "a.b",
    "a.*",
    "\u{0}",
    "\u{1b}[31m",
    "\u{202e}",
    "é",
    "🦀",
    "\n",
    "a\r\n\tb",
    "\"",
    "'",
    "\\",
    "NaN",
    "nan",
    "inf",
    "-inf",
    "1e999",
    "-0.0",
    "0",
    "18446744073709551616",
    "0x10",
    "2013-02-30",
    "99999999999999 TiB",
    "1 d",
    "expert.x test auc >= 1e999",
    "1 = 1",
    "SELECT * FROM t",
    "NULL",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "000000000000000000000000000000000000000000000000000000000000000",
];

/// Numbers that are no whole ones, or hardly.
const FRACTIONS: [f64; 12] = [
    0.0,
    -0.0,
    0.5,
    1.0,
    -1.0,
    1e-320,
    1e-9,
    1e15,
    9_007_199_254_740_993.0,
    1e300,
    -1e300,
    1.0 / 3.0,
];

/// How deep nested values are made. Deeper ones are written as text, where the parser is to refuse them.
const DEPTH: usize = 100;

/// Breaks a value once.
pub(crate) fn break_tree(root: &mut Value, random: &mut Random) {
    let places = places(root);
    let at = places[random.random_range(0..places.len())].as_str();
    let other = places[random.random_range(0..places.len())].as_str();
    match random.random_range(0..12) {
        0..=4 => {
            let old = root.pointer(at).cloned().unwrap_or_default();
            put(root, at, odd(old, random));
        }
        5 => remove(root, at),
        6 => {
            // In the place of another; neither may hold the other for ever, so it is a copy.
            let copied = root.pointer(other).cloned().unwrap_or_default();
            put(root, at, copied);
        }
        7 => {
            let (one, two) = (root.pointer(at).cloned(), root.pointer(other).cloned());
            put(root, at, two.unwrap_or_default());
            put(root, other, one.unwrap_or_default());
        }
        8 | 9 => rename(root, at, random),
        10 => {
            let copied = root.pointer(other).cloned().unwrap_or_default();
            insert(root, at, copied, random);
        }
        _ => {
            let odd = odd(Value::Null, random);
            insert(root, at, odd, random);
        }
    }
}

/// The ways to all values, as JSON pointers; that to the whole is the first.
fn places(root: &Value) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut at = 0;
    while at < all.len() && all.len() < 5000 {
        let way = all[at].clone();
        match root.pointer(&way) {
            Some(Value::Object(map)) => all.extend(
                map.keys()
                    .map(|key| format!("{way}/{}", key.replace('~', "~0").replace('/', "~1"))),
            ),
            Some(Value::Array(items)) => all.extend((0..items.len()).map(|i| format!("{way}/{i}"))),
            _ => {}
        }
        at += 1;
    }
    all
}

fn put(root: &mut Value, at: &str, new: Value) {
    // The whole stays what it is: nothing else is read at all.
    if at.is_empty() {
        return;
    }
    if let Some(there) = root.pointer_mut(at) {
        *there = new;
    }
}

/// Where a value is, and by what key or number it is known there.
fn holder<'a>(root: &'a mut Value, at: &str) -> Option<(&'a mut Value, String)> {
    let (above, key) = at.rsplit_once('/')?;
    Some((root.pointer_mut(above)?, key.replace("~1", "/").replace("~0", "~")))
}

fn remove(root: &mut Value, at: &str) {
    match holder(root, at) {
        Some((Value::Object(map), key)) => drop(map.remove(&key)),
        Some((Value::Array(items), key)) => {
            if let Ok(place) = key.parse::<usize>() {
                items.remove(place);
            }
        }
        _ => {}
    }
}

fn rename(root: &mut Value, at: &str, random: &mut Random) {
    let Some((Value::Object(map), key)) = holder(root, at) else { return };
    let new = match random.random_range(0..4) {
        0 => one(&TEXTS, random).to_owned(),
        1 => format!("{key}{}", one(&["s", "_", ".", " ", "é"], random)),
        // A letter is missing.
        2 => key.chars().skip(1).collect(),
        _ => map.keys().nth(random.random_range(0..map.len())).cloned().unwrap_or_default(),
    };
    if let Some(value) = map.remove(&key) {
        map.insert(new, value);
    }
}

fn insert(root: &mut Value, at: &str, new: Value, random: &mut Random) {
    match root.pointer_mut(at) {
        Some(Value::Object(map)) => {
            let key = match random.random_range(0..3) {
                0 => one(&TEXTS, random).to_owned(),
                1 => format!("k{}", random.random_range(0..100)),
                _ => {
                    let any = map.keys().nth(random.random_range(0..=map.len())).cloned();
                    any.unwrap_or_default() + "2"
                }
            };
            map.insert(key, new);
        }
        Some(Value::Array(items)) => {
            let place = random.random_range(0..=items.len());
            let times = one(&[1, 1, 1, 2, 300, 3000], random);
            let small = new.is_number() || new.is_string() || new.is_boolean();
            items.splice(place..place, std::iter::repeat_n(new, if small { times } else { 1 }));
        }
        _ => {}
    }
}

/// Something else in the place of a value.
fn odd(old: Value, random: &mut Random) -> Value {
    match random.random_range(0..14) {
        0 => Value::Null,
        1 => Value::Bool(random.random()),
        2 | 3 => json!(number(random)),
        4 => json!(one(&FRACTIONS, random)),
        5 => match old {
            // A little more or less of it.
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => json!(whole.wrapping_add(one(&[1, -1, 2, 1000], random))),
                (_, value) => json!(value.unwrap_or_default() * one(&[-1.0, 2.0, 1e9], random)),
            },
            old => json!([old]),
        },
        6 => json!(number(random) as u64),
        7 => json!(one(&TEXTS, random)),
        8 => match old {
            Value::String(text) => {
                let place = random.random_range(0..=text.len());
                let place = (0..=place).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
                let (before, after) = text.split_at(place);
                match random.random_range(0..4) {
                    0 => json!(before),
                    1 => json!(format!("{before}{}{after}", one(&TEXTS, random))),
                    2 => json!(after.to_uppercase()),
                    _ => json!(text.repeat(one(&[2, 100], random))),
                }
            }
            old => json!({ "k": old }),
        },
        9 => json!("x".repeat(one(&[63, 64, 65, 300, 5000], random))),
        10 => Value::Array(vec![old; one(&[0, 2, 3], random)]),
        11 => Value::Object(Map::new()),
        12 => {
            let list = random.random::<bool>();
            (0..random.random_range(1..DEPTH)).fold(old, |inner, _| match list {
                true => json!([inner]),
                false => json!({ "a": inner }),
            })
        }
        _ => json!(vec![number(random); one(&[1, 10, 2000], random)]),
    }
}
