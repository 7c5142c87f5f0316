//! `collegium-fuzz lock`, guided by coverage.
#![no_main]

use collegium_fuzz::guided;

libfuzzer_sys::fuzz_target!(|input: &[u8]| guided::run("lock", input));
libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, most: usize, seed: u32| {
    guided::mutate("lock", data, size, most, seed)
});
