//! The books on disk: a JSON entry a line, appended and synced before the answer that it stands for goes out.
//!
//! Knows a file and lines, and must never know what an entry means. A torn last line (a kill in the middle of a write) is cut off: its answer never
//! went out.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::books::Entry;
use crate::core::domain::read_json;

/// The longest line that is believed.
const MAX_LINE: usize = 256 * 1024;

/// What goes wrong with the file.
#[derive(Debug, Error)]
pub enum BookError {
    /// The operating system says so.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line before the last cannot be read: somebody changed the file.
    #[error("{path}, line {line}: not an entry of these books ({why}); move the file away to begin new ones", path = path.display())]
    Line {
        /// Which file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// Why.
        why: String,
    },
}

/// An open file of entries.
#[derive(Debug)]
pub struct BookFile {
    path: PathBuf,
    file: File,
}

impl BookFile {
    /// Opens or makes the file, reads its entries, and cuts a torn last line.
    pub fn open(path: &Path) -> Result<(BookFile, Vec<Entry>), BookError> {
        let io = |source| BookError::Io { path: path.to_owned(), source };
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(io)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(io)?;
        let (entries, whole) =
            read_entries(&bytes).map_err(|(line, why)| BookError::Line { path: path.to_owned(), line, why })?;
        if whole < bytes.len() {
            file.set_len(whole as u64).map_err(io)?;
            file.sync_all().map_err(io)?;
        }
        file.seek(SeekFrom::Start(whole as u64)).map_err(io)?;
        if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
            // The name itself must survive, too.
            File::open(parent).and_then(|dir| dir.sync_all()).map_err(io)?;
        }
        Ok((BookFile { path: path.to_owned(), file }, entries))
    }

    /// Appends entries and waits until the disk has them.
    pub fn append(&mut self, entries: &[Entry]) -> Result<(), BookError> {
        if entries.is_empty() {
            return Ok(());
        }
        let lines = entries.iter().map(write_entry).collect::<String>();
        let io = |source| BookError::Io { path: self.path.clone(), source };
        self.file.write_all(lines.as_bytes()).map_err(io)?;
        self.file.sync_data().map_err(io)
    }
}

/// One entry as its line.
#[must_use]
pub fn write_entry(entry: &Entry) -> String {
    let mut line = serde_json::to_string(entry).expect("entries have text keys and no maps that JSON could refuse");
    line.push('\n');
    line
}

/// The entries of whole lines, and where they end. An unreadable line is an error, with its number, unless it is the last and has no end.
pub fn read_entries(bytes: &[u8]) -> Result<(Vec<Entry>, usize), (usize, String)> {
    let (mut entries, mut whole) = (Vec::new(), 0);
    for (index, line) in bytes.split_inclusive(|b| *b == b'\n').enumerate() {
        if line.last() != Some(&b'\n') {
            break;
        }
        if line.len() > MAX_LINE {
            return Err((index + 1, format!("longer than {MAX_LINE} bytes")));
        }
        entries.push(read_json(line).map_err(|error| (index + 1, error.to_string()))?);
        whole += line.len();
    }
    Ok((entries, whole))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::core::domain::WallMs;
    use proptest::prelude::*;

    fn entries() -> Vec<Entry> {
        (1..=5u32)
            .flat_map(|n| {
                [
                    Entry::BatchSet { tid: format!("1234567{n}"), batch: n },
                    Entry::SignedOn {
                        tid: "商户".into(),
                        mid: "\n".into(),
                        at: WallMs(-1),
                        batch: n,
                        keys: "00".repeat(40),
                    },
                ]
            })
            .collect()
    }

    fn temp(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("tilld-sim-{}-{name}", std::process::id()))
    }

    #[test]
    fn what_was_appended_is_there_after_opening_again() {
        let path = temp("again");
        let _ = std::fs::remove_file(&path);
        let (mut file, old) = BookFile::open(&path).unwrap();
        assert!(old.is_empty());
        for entry in entries() {
            file.append(&[entry]).unwrap();
        }
        drop(file);
        assert_eq!(BookFile::open(&path).unwrap().1, entries());
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_spoiled_line_in_the_middle_is_an_error_with_its_number() {
        let path = temp("middle");
        let text: String = entries().iter().map(write_entry).collect();
        std::fs::write(&path, text.replacen("batch_set", "batch_xxx", 2).replacen("batch_xxx", "batch_set", 1))
            .unwrap();
        let error = BookFile::open(&path).unwrap_err().to_string();
        assert!(error.contains("line 3"), "{error}");
        std::fs::remove_file(&path).unwrap();
    }

    proptest! {
        #[test]
        fn books_cut_at_any_byte_open_and_go_on(cut in 0usize..1500) {
            let path = temp(&format!("cut-{cut}"));
            let lines: Vec<String> = entries().iter().map(write_entry).collect();
            let text = lines.concat();
            let cut = cut.min(text.len());
            std::fs::write(&path, &text.as_bytes()[..cut]).unwrap();
            let mut kept = 0;
            let mut end = 0;
            for line in &lines {
                if end + line.len() <= cut { end += line.len(); kept += 1; } else { break }
            }
            let (mut file, old) = BookFile::open(&path).unwrap();
            prop_assert_eq!(&old, &entries()[..kept]);
            file.append(&entries()[kept..]).unwrap();
            drop(file);
            prop_assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
            std::fs::remove_file(&path).unwrap();
        }
    }
}
