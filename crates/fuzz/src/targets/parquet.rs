//! Fuzz target of Parquet files: footers and heads of pages that promise what is not there.

use std::path::Path;

use arrow_array::RecordBatch;
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    file::properties::{EnabledStatistics, WriterProperties, WriterVersion},
};
use rand::RngExt as _;

use super::tables::{self, batch, only};
use crate::{
    FuzzTarget, Random, Refusal,
    mutate::{break_once, nudge, number, overwrite, some_times},
};

/// Parquet's pages of both versions, packed in several ways.
pub struct Parquet;

fn file(
    batch: &RecordBatch,
    version: WriterVersion,
    packing: Compression,
    dictionary: bool,
) -> Vec<u8> {
    let properties = WriterProperties::builder()
        .set_writer_version(version)
        .set_compression(packing)
        .set_dictionary_enabled(dictionary)
        .set_max_row_group_row_count(Some(25))
        .set_data_page_row_count_limit(10)
        .set_write_batch_size(10)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .build();
    let mut bytes = Vec::new();
    if let Ok(mut writer) = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)) {
        // Writing to memory does not fail.
        let _ = writer.write(batch);
        let _ = writer.close();
    }
    bytes
}

/// A number in Thrift's form.
fn varint(number: i64) -> Vec<u8> {
    let mut left = ((number << 1) ^ (number >> 63)) as u64;
    let mut bytes = Vec::new();
    while left >= 0x80 {
        bytes.push(left as u8 | 0x80);
        left >>= 7;
    }
    bytes.push(left as u8);
    bytes
}

/// Where the footer begins.
fn footer(file: &[u8]) -> Option<usize> {
    let size = file.get(file.len().checked_sub(8)?..)?.first_chunk::<4>()?;
    file.len().checked_sub(8)?.checked_sub(u32::from_le_bytes(*size) as usize)
}

/// Puts other bytes into the footer in the place of one, and corrects its length.
fn into_footer(file: &mut Vec<u8>, random: &mut Random) {
    let Some(start) = footer(file).filter(|start| *start + 8 < file.len()) else { return };
    let end = file.len() - 8;
    let at = random.random_range(start..end);
    let new = match random.random_range(0..3) {
        0 => file[at..end.min(at + random.random_range(0..200))].repeat(2),
        1 => Vec::new(),
        _ => varint(number(random)),
    };
    file.splice(at..at + 1, new);
    let size = (file.len() - 8 - start) as u32;
    let end = file.len() - 8;
    file[end..end + 4].copy_from_slice(&size.to_le_bytes());
}

/// Puts a number in the place of a byte at a page's head; what lies behind is then displaced.
fn into_page(file: &mut Vec<u8>, random: &mut Random) {
    let heads = file.windows(2).enumerate().filter(|(_, bytes)| bytes[0] == 0x15 && bytes[1] <= 8);
    let heads: Vec<usize> = heads.map(|(at, _)| at).collect();
    if heads.is_empty() {
        return;
    }
    let at = heads[random.random_range(0..heads.len())] + random.random_range(1..14);
    if at >= file.len() {
        return;
    }
    if random.random() {
        let new = varint(number(random));
        let end = file.len().min(at + new.len());
        file.splice(at..end, new);
    } else {
        nudge(file, at..at + 1, random);
    }
}

impl FuzzTarget for Parquet {
    fn name(&self) -> &'static str {
        "parquet"
    }

    fn extension(&self, _: usize) -> &'static str {
        "parquet"
    }

    fn seeds(&self) -> Vec<Vec<u8>> {
        use WriterVersion::{PARQUET_1_0 as ONE, PARQUET_2_0 as TWO};
        let whole = batch(40);
        // A column of nothing has no type in Parquet that all readers know.
        let names = whole.schema().fields().iter().map(|f| f.name().clone()).collect::<Vec<_>>();
        let names: Vec<&str> =
            names.iter().map(String::as_str).filter(|n| *n != "nothing").collect();
        let whole = only(&whole, &names);
        let few = only(&whole, &["numbers", "texts", "truths", "levels"]);
        let lists = only(&whole, &["lists", "structs", "decimals", "views"]);
        vec![
            file(&whole, ONE, Compression::UNCOMPRESSED, true),
            file(&whole, TWO, Compression::UNCOMPRESSED, false),
            file(&few, ONE, Compression::SNAPPY, true),
            file(&few, TWO, Compression::ZSTD(ZstdLevel::default()), false),
            file(&few, ONE, Compression::UNCOMPRESSED, false),
            file(&lists, TWO, Compression::LZ4_RAW, true),
        ]
    }

    fn mutate(&self, mut seed: Vec<u8>, random: &mut Random) -> Vec<u8> {
        some_times(random, |random| {
            let start = footer(&seed).unwrap_or(0);
            let within = start..seed.len();
            match random.random_range(0..7) {
                0 => break_once(&mut seed, random),
                1 => nudge(&mut seed, within, random),
                2 => overwrite(&mut seed, within, random),
                3 | 4 => into_footer(&mut seed, random),
                5 => into_page(&mut seed, random),
                _ => nudge(&mut seed, 0..start, random),
            }
        });
        seed
    }

    fn read(&self, path: &Path) -> Result<(), Refusal> {
        tables::read(path)
    }
}
