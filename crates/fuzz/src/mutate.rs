//! Byte mutations that all targets have in common.

use rand::RngExt as _;

use crate::Random;

/// Numbers at which sizes and signs turn over.
pub const EDGES: [i64; 22] = [
    0,
    1,
    -1,
    2,
    7,
    8,
    127,
    128,
    255,
    256,
    0x7fff,
    0x8000,
    0xffff,
    0x1_0000,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    1 << 40,
    1 << 62,
    i64::MAX,
    i64::MIN,
];

/// One of some things.
pub fn one<T: Copy>(of: &[T], random: &mut Random) -> T {
    of[random.random_range(0..of.len())]
}

/// An edge, or any number.
pub fn number(random: &mut Random) -> i64 {
    match random.random_range(0..4) {
        0 => random.random::<i64>() >> random.random_range(0..64),
        _ => one(&EDGES, random),
    }
}

/// A place in some bytes; the end is one.
fn place(bytes: &[u8], random: &mut Random) -> usize {
    random.random_range(0..=bytes.len())
}

/// A short range of some bytes.
fn range(bytes: &[u8], random: &mut Random) -> std::ops::Range<usize> {
    let start = place(bytes, random);
    let length = 1 << random.random_range(0..11);
    start..bytes.len().min(start + random.random_range(0..=length))
}

/// Flips a bit, or changes a byte, within a range.
pub fn nudge(bytes: &mut [u8], within: std::ops::Range<usize>, random: &mut Random) {
    if within.is_empty() || within.end > bytes.len() {
        return;
    }
    let at = random.random_range(within);
    bytes[at] = match random.random_range(0..4) {
        0 => one(&[0, 1, 0x7f, 0x80, 0xff], random),
        1 => random.random(),
        2 => bytes[at].wrapping_add(one(&[1, 0xff], random)),
        _ => bytes[at] ^ (1 << random.random_range(0..8)),
    };
}

/// Writes a number over some bytes within a range: 2, 4 or 8 of them, where such numbers stand.
pub fn overwrite(bytes: &mut [u8], within: std::ops::Range<usize>, random: &mut Random) {
    let size: usize = one(&[2, 4, 4, 8, 8], random);
    if within.end > bytes.len() || within.len() < size {
        return;
    }
    let mut at = random.random_range(within.start..=within.end - size);
    if random.random_range(0..4) > 0 {
        at -= (at % size).min(at - within.start);
    }
    let number = number(random);
    let (little, big) = (number.to_le_bytes(), number.to_be_bytes());
    match random.random_range(0..8) {
        0 => bytes[at..at + size].copy_from_slice(&big[8 - size..]),
        _ => bytes[at..at + size].copy_from_slice(&little[..size]),
    }
}

/// Mutates any bytes once.
pub fn break_once(bytes: &mut Vec<u8>, random: &mut Random) {
    let all = 0..bytes.len();
    match random.random_range(0..10) {
        0..=2 => nudge(bytes, all, random),
        3..=5 => overwrite(bytes, all, random),
        6 => bytes.truncate(place(bytes, random)),
        7 => {
            let range = range(bytes, random);
            bytes.drain(range);
        }
        8 => {
            let copied = bytes[range(bytes, random)].to_vec();
            let at = place(bytes, random);
            bytes.splice(at..at, copied);
        }
        _ => {
            let copied = bytes[range(bytes, random)].to_vec();
            let at = place(bytes, random);
            let end = bytes.len().min(at + copied.len());
            bytes.splice(at..end, copied);
        }
    }
}

/// Breaks something a few times, mostly once or twice.
pub fn some_times(random: &mut Random, mut once: impl FnMut(&mut Random)) {
    let times = 1 << random.random_range(0..4_u32).saturating_sub(1);
    (0..times).for_each(|_| once(random));
}
