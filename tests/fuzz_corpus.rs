//! The fuzz targets' corpus, and mutations of it, through every target without a fuzzer: what once broke a parser stays mended, on every machine.
//!
//! `TILLD_MUTATIONS` (2,000 a target) says how many, `TILLD_SEED` repeats a run. The fuzzer itself: `.ci/fuzz`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, missing_docs, dead_code)]

#[path = "../fuzz/src/lib.rs"]
mod bodies;
#[path = "kills/chance.rs"]
mod chance;

use std::path::Path;

use chance::Chance;

fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let files = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut files: Vec<_> = files.map(|f| f.unwrap().path()).collect();
    files.sort();
    files.iter().map(|path| (path.display().to_string(), std::fs::read(path).unwrap())).collect()
}

/// Flips, cuts, repeats, and joins two of them.
fn mutated(seeds: &[(String, Vec<u8>)], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = chance.of(seeds).1.clone();
    for _ in 0..=chance.below(4) {
        let at = usize::try_from(chance.below(bytes.len() as u64 + 1)).unwrap();
        match chance.below(6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << chance.below(8),
            1 => bytes.truncate(at),
            2 => bytes.insert(at, chance.next().to_le_bytes()[0]),
            3 if at < bytes.len() => drop(bytes.remove(at)),
            4 => {
                let other = &chance.of(seeds).1;
                let from = usize::try_from(chance.below(other.len() as u64 + 1)).unwrap();
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            _ if at < bytes.len() => bytes[at] = *chance.of(&[0, 0xFF, b'?', b';', b'=', 0x7F, b'"', b'\n', 0x80]),
            _ => {}
        }
    }
    bytes
}

#[test]
fn no_parser_breaks_on_its_corpus_or_on_what_is_like_it() {
    let number = |name: &str| std::env::var(name).ok().and_then(|v| v.parse::<u64>().ok());
    let seed = number("TILLD_SEED").unwrap_or_else(chance::from_the_clock);
    let mutations = number("TILLD_MUTATIONS").unwrap_or(2_000);
    eprintln!("TILLD_SEED={seed} TILLD_MUTATIONS={mutations}");
    for (name, target) in bodies::ALL {
        let seeds = corpus(name);
        assert!(!seeds.is_empty(), "{name} has no corpus");
        for (path, bytes) in &seeds {
            let whole = std::panic::catch_unwind(|| target(bytes));
            assert!(whole.is_ok(), "{name} breaks on {path}");
        }
        let mut chance = Chance(seed);
        for n in 0..mutations {
            let bytes = mutated(&seeds, &mut chance);
            let whole = std::panic::catch_unwind(|| target(&bytes));
            assert!(whole.is_ok(), "{name} breaks on mutation {n} of TILLD_SEED={seed}: {bytes:02x?}");
        }
    }
}
