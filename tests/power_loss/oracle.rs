//! What must be true of a store that comes back.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tilld::core::day::ClockPair;
use tilld::core::domain::{MonoMs, Now, Seq};
use tilld::core::ledger::{Writer, WriterOptions};
use tilld::core::ports::Store;
use tilld::io::store::{Durability, SqliteStore, VerifyWith, verify};
use tilld::io::vault::Vault;

use crate::day::{History, options};
use crate::disk::{Disk, Image};
use crate::vfs;

/// What is wrong with a store that has come back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    /// Acknowledged rows are gone.
    Lost { acknowledged: u64, there: u64 },
    /// Anything else.
    Other(String),
}

fn other(what: impl std::fmt::Display) -> Wrong {
    Wrong::Other(what.to_string())
}

/// Databases that were judged already, by their pages, and their last rows. Most crash states recover to one of few databases, and what is in a
/// database does not depend on the way to it.
#[derive(Debug, Default)]
pub struct Judged(Mutex<HashMap<[u8; 32], Seq>>);

/// A name for some bytes.
pub fn sum(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    parts.iter().for_each(|part| context.update(part));
    context.finish().as_ref().try_into().unwrap()
}

/// Opens what is left of the disk after `at` operations. Nothing that was acknowledged may be missing, and nothing that never was may be there:
///
/// - it opens, as SQLite and as the ledger (which replays its rows and compares every link);
/// - its last row is the last one of a commit, not before the last acknowledged one; its link is the history's: so every acknowledged payment is
///   there once, in the state that was acknowledged or a later one, and every message that was sent is preceded by its row;
/// - the ledger is byte for byte the one that the history had at this row: totals to the minor unit, rungs, batches;
/// - `verify` finds nothing: chain, seals of days, columns, payments against journal, the open day's HMACs.
///
/// All of it for every database that was not `judged` before, and where `whole` says so; else only the pages are read and the last row is compared.
pub fn judge(image: Image, at: usize, history: &History, judged: &Judged, whole: bool) -> Result<(), Wrong> {
    let disk = Disk::with(image.clone());
    vfs::register();
    let pages = vfs::contents(&disk.path());
    disk.remove();
    let key = sum(&[&pages.map_err(Wrong::Other)?]);
    let known = judged.0.lock().unwrap().get(&key).copied();
    let head = match known {
        Some(head) if !whole => head,
        _ => {
            let disk = Disk::with(image);
            let head = look(&disk, history);
            disk.remove();
            let head = head?;
            judged.0.lock().unwrap().insert(key, head);
            head
        }
    };
    let least = history.commits[..history.acknowledged(at)].last().map_or(Seq(0), |c| c.head);
    if head < least { Err(Wrong::Lost { acknowledged: least.0, there: head.0 }) } else { Ok(()) }
}

/// Judges the store on a disk; gives its last row.
fn look(disk: &Arc<Disk>, history: &History) -> Result<Seq, Wrong> {
    let store = SqliteStore::open(&options(disk, Durability::Full)).map_err(other)?;
    let (head, link) = store.head();
    let commit = history.by_head.get(&head).map(|n| &history.commits[*n]);
    match commit {
        Some(commit) if commit.link != link => return Err(other(format!("row {head} has another link"))),
        // The first row is made by opening, before anybody could be told of anything.
        None if head > Seq(1) => return Err(other(format!("row {head} ended no commit: half a transaction is there"))),
        _ => {}
    }
    let sealed = store.day_keys().map_err(other)?;
    let vault = |sealed: Option<&[u8]>| Vault::open(&history.data_key, &history.rules.store, sealed).map_err(other);
    let now = Now { wall: history.wall, mono: MonoMs(0) };
    let writer_options = WriterOptions {
        rules: history.rules.clone(),
        first_date: history.first_date,
        start: ClockPair { wall: now.wall, mono: now.mono },
    };
    let writer = Writer::open(store, vault(sealed.as_deref())?, writer_options, now).map_err(other)?;
    if let Some(commit) = commit
        && *commit.ledger != *writer.ledger().to_bytes()
    {
        return Err(other(format!("the ledger after row {head} is another than it was")));
    }
    let reader = writer.store().reader().map_err(other)?;
    let mut sealer = vault(writer.store().day_keys().map_err(other)?.as_deref())?;
    let found = verify(&reader, VerifyWith { sealer: Some(&mut sealer), ..VerifyWith::default() });
    if found.clean() { Ok(head) } else { Err(other(format!("verify: {:?}", found.findings))) }
}
