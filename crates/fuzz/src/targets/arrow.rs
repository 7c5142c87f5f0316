//! Fuzz target of Arrow files and streams: lengths, offsets and types that are not those of the bytes.

use std::path::Path;

use arrow_array::RecordBatch;
use arrow_ipc::{
    CompressionType,
    writer::{FileWriter, IpcWriteOptions, StreamWriter},
};
use rand::RngExt as _;

use super::tables::{self, batch, only};
use crate::{
    FuzzTarget, Random, Refusal,
    mutate::{break_once, nudge, overwrite, some_times},
};

/// Arrow's file and stream form, packed and not.
pub struct Arrow;

fn packed(codec: Option<CompressionType>) -> IpcWriteOptions {
    let plain = IpcWriteOptions::default;
    plain().try_with_compression(codec).unwrap_or_else(|_| plain())
}

fn file(batches: &[RecordBatch], codec: Option<CompressionType>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let schema = batches[0].schema();
    if let Ok(mut writer) = FileWriter::try_new_with_options(&mut bytes, &schema, packed(codec)) {
        // Writing to memory does not fail.
        batches.iter().for_each(|batch| drop(writer.write(batch)));
        let _ = writer.finish();
    }
    bytes
}

fn stream(batches: &[RecordBatch], codec: Option<CompressionType>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let schema = batches[0].schema();
    if let Ok(mut writer) = StreamWriter::try_new_with_options(&mut bytes, &schema, packed(codec)) {
        batches.iter().for_each(|batch| drop(writer.write(batch)));
        let _ = writer.finish();
    }
    bytes
}

impl FuzzTarget for Arrow {
    fn name(&self) -> &'static str {
        "arrow"
    }

    fn extension(&self, _: usize) -> &'static str {
        "arrow"
    }

    fn seeds(&self) -> Vec<Vec<u8>> {
        let whole = batch(40);
        let few = [only(&whole, &["numbers", "texts", "levels", "truths"])];
        let two = [few[0].slice(0, 25), few[0].slice(25, 15)];
        let views = [only(&whole, &["views", "nothing", "large"])];
        let all = [whole];
        let (lz4, zstd) = (Some(CompressionType::LZ4_FRAME), Some(CompressionType::ZSTD));
        vec![
            file(&all, None),
            stream(&all, None),
            file(&two, None),
            stream(&two, None),
            file(&few, lz4),
            stream(&few, zstd),
            file(&views, zstd),
            file(&views, None),
        ]
    }

    fn mutate(&self, mut seed: Vec<u8>, random: &mut Random) -> Vec<u8> {
        // Heads of messages begin with a mark; the footer is at the end.
        let marks = seed.windows(4).enumerate().filter(|(_, bytes)| *bytes == [0xff; 4]);
        let mut heads: Vec<usize> = marks.map(|(at, _)| at).filter(|at| at % 8 == 0).collect();
        heads.push(seed.len().saturating_sub(1200));
        some_times(random, |random| {
            let start = heads[random.random_range(0..heads.len())].min(seed.len());
            let within = start..seed.len().min(start + 1200);
            match random.random_range(0..5) {
                0 => break_once(&mut seed, random),
                1 | 2 => nudge(&mut seed, within, random),
                _ => overwrite(&mut seed, within, random),
            }
        });
        seed
    }

    fn read(&self, path: &Path) -> Result<(), Refusal> {
        tables::read(path)
    }
}
