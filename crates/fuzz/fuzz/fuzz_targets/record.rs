//! `collegium-fuzz record`, guided by coverage.
#![no_main]

use collegium_fuzz::guided;

libfuzzer_sys::fuzz_target!(|input: &[u8]| guided::run("record", input));
libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, most: usize, seed: u32| {
    guided::mutate("record", data, size, most, seed)
});
