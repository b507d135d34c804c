#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| tilld_fuzz::bridge_session(data));
