//! A statement's file, line by line: which format it is of, its rows, its hash, what of it cannot be used. Bounded memory, however long it is.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use ring::digest::{Context, SHA256};

use super::{Asked, ReconcileError};
use crate::core::domain::BusinessDate;
use crate::core::ports::SpoiledLine;
use crate::core::reconcile::{Decoder, Format, Line, MAX_LINE, Row, formats};

/// Spoiled lines that are listed; beyond, they are counted.
const SPOILED_LISTED: usize = 1_000;
/// So many bytes tell the format.
const HEAD: usize = 64 * 1024;
/// A format file is not larger.
const MAX_FORMAT: u64 = 256 * 1024;

/// Lines that could not be used.
#[derive(Debug, Default)]
pub(super) struct Quarantine {
    pub lines: u64,
    pub count: u64,
    pub listed: Vec<SpoiledLine>,
}

/// The format by name or file, or the first shipped one that the file's head fits.
pub(super) fn find_format(asked: &Asked<'_>, today: BusinessDate) -> Result<Format, ReconcileError> {
    let shipped = formats()?;
    let file = |e| ReconcileError::File(asked.file.to_owned(), e);
    let candidates = match asked.format {
        Some(name) if name.ends_with(".toml") => {
            let path = PathBuf::from(name);
            let mut text = String::new();
            let read = File::open(&path).and_then(|f| f.take(MAX_FORMAT).read_to_string(&mut text));
            read.map_err(|e| ReconcileError::File(path, e))?;
            vec![Format::parse(&text)?]
        }
        Some(name) => shipped.iter().filter(|f| f.name == name).cloned().collect(),
        None => shipped.clone(),
    };
    let mut head = Vec::with_capacity(HEAD);
    File::open(asked.file).and_then(|f| f.take(HEAD as u64).read_to_end(&mut head)).map_err(file)?;
    let fits = |format: &Format| {
        let (mut decoder, mut row, mut rows) = (Decoder::new(format, today), Row::default(), 0);
        for line in head.split(|b| *b == b'\n').take(200) {
            rows += u32::from(decoder.line(line, &mut row) == Line::Row);
        }
        // A header that has every column is enough; where there is none, a row must read.
        decoder.knows_columns() && (rows > 0 || !format.is_fixed())
    };
    let found = candidates.into_iter().find(|format| fits(format));
    found.ok_or_else(|| ReconcileError::Unknown {
        file: asked.file.to_owned(),
        wanted: asked.format.unwrap_or("statement of a known format").to_owned(),
        known: shipped.iter().map(|f| f.name.as_str()).collect::<Vec<_>>().join(", "),
    })
}

/// Gives each row of the file; the file's hash.
pub(super) fn each_row(
    path: &Path,
    format: &Format,
    today: BusinessDate,
    mut quarantine: Option<&mut Quarantine>,
    mut each: impl FnMut(&Row),
) -> Result<[u8; 32], ReconcileError> {
    let failed = |e| ReconcileError::File(path.to_owned(), e);
    let mut file = BufReader::with_capacity(256 * 1024, File::open(path).map_err(failed)?);
    let (mut hash, mut line, mut row) = (Context::new(&SHA256), Vec::with_capacity(1024), Row::default());
    let mut decoder = Decoder::new(format, today);
    while next_line(&mut file, &mut line, &mut hash).map_err(failed)? {
        let read = decoder.line(&line, &mut row);
        if read == Line::Row {
            each(&row);
        }
        let Some(quarantine) = quarantine.as_deref_mut() else { continue };
        quarantine.lines += 1;
        if let Line::Spoiled(why) = read {
            quarantine.count += 1;
            if quarantine.listed.len() < SPOILED_LISTED {
                quarantine.listed.push(SpoiledLine { line: quarantine.lines, why });
            }
        }
    }
    Ok(hash.finish().as_ref().try_into().expect("SHA-256 gives 32 bytes"))
}

/// The next line without its end, at most a little more than [`MAX_LINE`] of it: the rest of a longer one is hashed and dropped.
fn next_line(file: &mut impl BufRead, line: &mut Vec<u8>, hash: &mut Context) -> std::io::Result<bool> {
    line.clear();
    let mut any = false;
    loop {
        let buffer = file.fill_buf()?;
        if buffer.is_empty() {
            return Ok(any);
        }
        any = true;
        let end = buffer.iter().position(|b| *b == b'\n');
        let part = &buffer[..end.unwrap_or(buffer.len())];
        let room = (MAX_LINE + 1).saturating_sub(line.len());
        line.extend_from_slice(&part[..part.len().min(room)]);
        let used = end.map_or(buffer.len(), |n| n + 1);
        hash.update(&buffer[..used]);
        file.consume(used);
        if end.is_some() {
            return Ok(true);
        }
    }
}
