//! Fuzz target of store objects: matrices, sides, identities and tables that are not what their heads say.
//!
//! Their names are digests of their content, so only a stranger's store holds such ones, and every flip of a
//! bit by chance is found before. What is read must be written back byte by byte.

use std::{fs, path::Path, sync::atomic::AtomicBool};

use collegium_data::{
    Context, Side, SqlLimits, identities_from_bytes, identities_to_bytes, prepare, read_table,
    sides_from_bytes, sides_to_bytes,
};
use collegium_learn::DECLARED;
use collegium_manifest::{Fence, load};
use collegium_records::Settled;
use collegium_store::Store;
use collegium_table::{Matrix, Table, Values};
use rand::RngExt as _;

use crate::{
    FuzzTarget, Random, Refusal,
    mutate::{break_once, nudge, overwrite, some_times},
};

/// Matrices, sides, identities and tables in the form of the store.
pub struct Object;

const KINDS: [&str; 7] = ["matrix", "matrix", "sides", "identities", "table", "table", "matrix"];

const PIPELINE: &str = r#"
[data.plain]
path = "t.csv"

[data.images]
path = "t.csv"
images = { picture = { columns = "p*", height = 2, width = 1, scale = 1 } }

[expert.e]
inputs = ["plain.number"]
target = "plain.truth"
"#;

/// The tables that are made of a small file, as the store keeps them.
fn tables() -> Option<Vec<Vec<u8>>> {
    let folder = tempfile::tempdir().ok()?;
    let mut text = "number,truth,level,when,p0,p1\n".to_owned();
    for row in 0..40 {
        let number = if row % 7 == 3 { String::new() } else { (row * row - 40).to_string() };
        let truth = row % 3 == 0;
        text += &format!(
            "{number},{truth},x{},2013-01-{:02},{row},{}\n",
            row % 5,
            row % 28 + 1,
            row * 3
        );
    }
    let file = folder.path().join("p.toml");
    fs::write(folder.path().join("t.csv"), text).ok()?;
    fs::write(&file, PIPELINE).ok()?;
    let store = Store::open(folder.path()).ok()?;
    let cx = Context {
        store: &store,
        base: folder.path(),
        fence: &Fence::around(folder.path()),
        progress: &|_, _, _| {},
        interrupted: &AtomicBool::new(false),
        memory_bound: u64::MAX,
        limits: SqlLimits::default(),
    };
    let pipeline = load(&file, &DECLARED).ok()?.pipeline;
    let made =
        |source| store.get(&prepare(source, &Settled::default(), &cx).ok()?.object()).ok()?;
    pipeline.data.values().map(made).collect()
}

/// Is a table what all who use it take it for?
fn is_sound(table: &Table) -> bool {
    table.columns.iter().all(|column| {
        let known = match &column.values {
            Values::Category { codes, levels } => {
                codes.iter().all(|code| *code == u32::MAX || (*code as usize) < levels.len())
            }
            Values::Boolean(values) => values.iter().all(|value| *value <= 2),
            Values::Number(_) | Values::Time(_) | Values::Image { .. } => true,
        };
        known && column.len() == table.rows
    })
}

impl FuzzTarget for Object {
    fn name(&self) -> &'static str {
        "object"
    }

    fn extension(&self, seed: usize) -> &'static str {
        KINDS[seed]
    }

    fn seeds(&self) -> Vec<Vec<u8>> {
        let numbers = |rows: usize, width: usize| Matrix {
            rows,
            width,
            data: (0..rows * width).map(|at| at as f32 / 8.0).collect(),
        };
        let sides: Vec<Side> = (0..40)
            .map(|row| [Side::Train, Side::Valid, Side::Test, Side::None][row % 4])
            .collect();
        let identities: Vec<u64> =
            (0..40).map(|row: u64| row.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
        let mut all = vec![
            numbers(20, 3).to_bytes(),
            numbers(0, 4).to_bytes(),
            sides_to_bytes(&sides),
            identities_to_bytes(&identities),
        ];
        all.extend(tables().unwrap_or_default());
        all.push(numbers(7, 0).to_bytes());
        all
    }

    fn mutate(&self, mut seed: Vec<u8>, random: &mut Random) -> Vec<u8> {
        if seed.starts_with(b"ARROW1") {
            return super::arrow::Arrow.mutate(seed, random);
        }
        some_times(random, |random| {
            let head = 0..seed.len().min(24);
            match random.random_range(0..4) {
                0 => break_once(&mut seed, random),
                1 => nudge(&mut seed, head, random),
                2 => overwrite(&mut seed, head, random),
                _ => {
                    let rest = head.end..seed.len();
                    nudge(&mut seed, rest, random);
                }
            }
        });
        seed
    }

    fn read(&self, path: &Path) -> Result<(), Refusal> {
        let refused =
            |message: &str, about_input| Refusal { message: message.to_owned(), about_input };
        let bytes = fs::read(path).map_err(|error| refused(&error.to_string(), false))?;
        let kind = path.extension().unwrap_or_default();
        let back = if kind == "matrix" {
            Matrix::from_bytes(&bytes).ok().map(|matrix| matrix.to_bytes())
        } else if kind == "sides" {
            sides_from_bytes(&bytes).map(|sides| sides_to_bytes(&sides))
        } else if kind == "identities" {
            identities_from_bytes(&bytes).map(|rows| identities_to_bytes(&rows))
        } else {
            match read_table(path) {
                Some(table) if !is_sound(&table) => {
                    return Err(refused("a table whose columns are not what they seem", false));
                }
                table => table.map(|_| bytes.clone()),
            }
        };
        match back {
            None => Err(refused("it is not what is stored", true)),
            Some(back) if back != bytes => Err(refused("it is written back otherwise", false)),
            Some(_) => Ok(()),
        }
    }
}
