#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| tilld_fuzz::journal_row(data));
