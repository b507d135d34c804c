//! Looks for card numbers and payment codes in bytes of any kind: as text, as UTF-16, packed two digits a byte at either half-byte.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

/// What must be nowhere.
#[derive(Debug)]
pub struct Needles {
    numbers: HashSet<Vec<u8>>,
    lengths: BTreeSet<usize>,
    /// Pieces of tracks: what follows the separator.
    tracks: Vec<String>,
}

impl Needles {
    pub fn new(numbers: impl IntoIterator<Item = String>, tracks: &[&str]) -> Needles {
        let numbers: HashSet<Vec<u8>> = numbers.into_iter().map(String::into_bytes).collect();
        let lengths = numbers.iter().map(Vec::len).collect();
        // The first ten characters after the number: expiry, service code and a beginning of the rest.
        let tracks = tracks.iter().map(|t| t[t.find('=').unwrap() + 1..][..10].to_owned()).collect();
        Needles { numbers, lengths, tracks }
    }

    /// What is found in some bytes, and in which form.
    pub fn find(&self, bytes: &[u8]) -> Vec<String> {
        let bytes = &without_holes(bytes);
        let nibbles: Vec<u8> =
            bytes.iter().flat_map(|b| [b >> 4, b & 15]).map(|n| b"0123456789abcdef"[n as usize]).collect();
        let every_other = |from: usize| bytes.iter().skip(from).step_by(2).copied().collect::<Vec<u8>>();
        let mut found = Vec::new();
        for (form, view) in
            [("text", bytes.to_vec()), ("UTF-16", every_other(0)), ("UTF-16", every_other(1)), ("packed", nibbles)]
        {
            self.numbers_in(&view, form, &mut found);
            let separators: &[u8] = if form == "packed" { b"d" } else { b"=Dd" };
            for (at, _) in view.iter().enumerate().filter(|(_, b)| separators.contains(b)) {
                let ends = self.tracks.iter().filter(|track| view[at + 1..].starts_with(track.as_bytes()));
                found.extend(ends.map(|track| format!("a track's end {track} as {form}")));
            }
        }
        found
    }

    fn numbers_in(&self, view: &[u8], form: &str, found: &mut Vec<String>) {
        let shortest = *self.lengths.first().unwrap();
        for run in view.split(|b| !b.is_ascii_digit()).filter(|run| run.len() >= shortest) {
            for length in &self.lengths {
                let hits = run.windows(*length).filter(|w| self.numbers.contains(*w));
                found.extend(hits.map(|w| format!("{} as {form}", String::from_utf8_lossy(w))));
            }
        }
    }

    /// What is found in the files of a folder and those below it, apart from some.
    pub fn find_in(&self, folder: &Path, except: &[&str]) -> Vec<String> {
        let mut found = Vec::new();
        for path in files(folder) {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            // Files come and go while a day is played.
            if let (false, Ok(bytes)) = (except.contains(&name.as_str()), std::fs::read(&path)) {
                found.extend(self.find(&bytes).into_iter().map(|what| format!("{}: {what}", path.display())));
            }
        }
        found
    }
}

/// At most so many zero bytes in a row: no number is made of them, and a database, a core and the ballast are full of them.
const HOLE: usize = 64;

fn without_holes(bytes: &[u8]) -> Vec<u8> {
    let mut zeros = 0;
    let mut kept = Vec::with_capacity(bytes.len().min(1 << 20));
    for byte in bytes {
        zeros = if *byte == 0 { zeros + 1 } else { 0 };
        if zeros <= HOLE {
            kept.push(*byte);
        }
    }
    kept
}

/// Regular files; a pty or a socket is none.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => all.extend(files(&entry.path())),
            Ok(kind) if kind.is_file() => all.push(entry.path()),
            _ => {}
        }
    }
    all
}
