#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| tilld_fuzz::neo2(data));
