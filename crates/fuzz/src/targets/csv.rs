//! Fuzz target of text files: separators, quotes, encodings and packings in wrong places.

use std::{io::Write as _, path::Path};

use flate2::{Compression, write::GzEncoder};
use rand::RngExt as _;

use super::{pipeline::move_line, tables};
use crate::{
    FuzzTarget, Random, Refusal,
    mutate::{break_once, one, some_times},
};

/// `.csv`, `.csv.gz` and `.csv.zst`.
pub struct Csv;

/// What means something in a text file.
const WORDS: [&str; 36] = [
    "\"",
    "\"\"",
    ",",
    ";",
    "\t",
    "|",
    "\n",
    "\r",
    "\r\n",
    "\r\r\n",
    "\0",
    " ",
    "\u{feff}",
    "\u{2028}",
    "NA",
    "nan",
    "inf",
    "-0",
    "1e999",
    "9007199254740993",
    "true",
    "FALSE",
    "2013-01-31",
    "2013-02-30",
    "2013-01-31 17:05:06.123456789",
    "-271821-04-20",
    "é",
    "\u{202e}",
    "1_000",
    "0x10",
    "1,5",
    "+",
    "-",
    ".",
    "n",
    "\u{1b}[31m",
];

fn texts() -> Vec<Vec<u8>> {
    let mut plain = "n,b,c,when,\"a, b\"\n".to_owned();
    for row in 0..60_i32 {
        let truth = row % 2 == 0;
        plain += &format!(
            "{},{truth},x{},2013-01-{:02},\"say \"\"{row}\"\"\"\n",
            row - 7,
            row % 5,
            row % 28 + 1
        );
    }
    let mut wide: String = (0..300).map(|i| format!("c{i}\t")).collect::<String>() + "z\n";
    for row in 0..4 {
        wide += &(0..300).map(|i| format!("{}\t", i * row)).collect::<String>();
        wide += "1\n";
    }
    let german = "a;b\r\n1,5;\"zwei\r\nZeilen\"\r\n;2\r\n".repeat(5);
    let utf16 = plain.encode_utf16().flat_map(u16::to_le_bytes);
    vec![
        plain.clone().into_bytes(),
        wide.into_bytes(),
        german.into_bytes(),
        [0xff, 0xfe].into_iter().chain(utf16).collect(),
        b"n\n\n1\n\n".to_vec(),
    ]
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to memory does not fail.
    let _ = encoder.write_all(text);
    encoder.finish().unwrap_or_default()
}

fn zstandard(text: &[u8]) -> Vec<u8> {
    zstd::encode_all(text, 1).unwrap_or_default()
}

impl FuzzTarget for Csv {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn extension(&self, seed: usize) -> &'static str {
        match seed / texts().len() {
            0 => "csv",
            1 => "csv.gz",
            _ => "csv.zst",
        }
    }

    fn seeds(&self) -> Vec<Vec<u8>> {
        let texts = texts();
        let packed = texts.iter().map(|text| gzip(text));
        let other = texts.iter().map(|text| zstandard(text));
        texts.iter().cloned().chain(packed).chain(other).collect()
    }

    fn mutate(&self, mut seed: Vec<u8>, random: &mut Random) -> Vec<u8> {
        // Half of what is packed is broken inside and packed again.
        let gz = seed.starts_with(&[0x1f, 0x8b]);
        let zst = seed.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]);
        if (gz || zst) && random.random() {
            let texts = texts();
            let text = texts[random.random_range(0..texts.len())].clone();
            let text = self.mutate(text, random);
            return if gz { gzip(&text) } else { zstandard(&text) };
        }
        some_times(random, |random| match random.random_range(0..3) {
            0 => break_once(&mut seed, random),
            1 => {
                let at = random.random_range(0..=seed.len());
                let times = one(&[1, 1, 1, 2, 3, 1000], random);
                seed.splice(at..at, one(&WORDS, random).repeat(times).into_bytes());
            }
            _ => move_line(&mut seed, random),
        });
        seed
    }

    fn read(&self, path: &Path) -> Result<(), Refusal> {
        tables::read(path)
    }
}
