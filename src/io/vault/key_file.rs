//! Files that hold a key: for their owner only, read once, wiped from memory.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use zeroize::Zeroizing;

use super::VaultError;

/// Reads a secret file of at most `max` bytes. One that others may read is closed to them first, and that is said, where it is ours;
/// one that others may write, or that is somebody else's, is refused.
pub fn read_private(path: &Path, max: usize) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let failed = |e: std::io::Error| wrong(path, &e.to_string());
    let file = File::open(path).map_err(failed)?;
    let meta = file.metadata().map_err(failed)?;
    if !meta.is_file() {
        return Err(wrong(path, "it is no file"));
    }
    // systemd hands credentials over by an access list, which shows as group-readable and is not.
    let in_credentials = std::env::var_os("CREDENTIALS_DIRECTORY").is_some_and(|dir| path.starts_with(dir));
    let open_to = if in_credentials { 0o007 } else { 0o077 };
    if meta.mode() & open_to != 0 {
        let mode = meta.mode() & 0o777;
        if meta.mode() & 0o022 != 0 || meta.uid() != rustix::process::geteuid().as_raw() {
            return Err(wrong(
                path,
                &format!("others may read or write it (mode {mode:03o}): chmod 600, and make a new key"),
            ));
        }
        file.set_permissions(std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
        log::warn!(
            "{}: others could read it (mode {mode:03o}); it is closed now: consider making a new key",
            path.display()
        );
    }
    let mut contents = Zeroizing::new(Vec::with_capacity(max + 1));
    let mut limited = file.take(max as u64 + 1);
    limited.read_to_end(&mut contents).map_err(failed)?;
    if contents.len() > max {
        return Err(wrong(path, "it is longer than any key"));
    }
    Ok(contents)
}

/// Reads a terminal's master key (TMK): 32 hex digits, a double-length DES key.
pub fn read_master_key(path: &Path) -> Result<Zeroizing<[u8; 16]>, VaultError> {
    let contents = read_private(path, 64)?;
    let mut key = Zeroizing::new([0; 16]);
    if !parse_hex(contents.trim_ascii(), &mut *key) {
        return Err(wrong(path, "a terminal's master key is 32 hex digits"));
    }
    Ok(key)
}

/// Hex digits into exactly as many bytes.
pub(super) fn parse_hex(digits: &[u8], into: &mut [u8]) -> bool {
    if digits.len() != into.len() * 2 {
        return false;
    }
    let digit = |d: u8| char::from(d).to_digit(16).and_then(|d| u8::try_from(d).ok());
    for (byte, pair) in into.iter_mut().zip(digits.chunks_exact(2)) {
        match (digit(pair[0]), digit(pair[1])) {
            (Some(high), Some(low)) => *byte = high << 4 | low,
            _ => return false,
        }
    }
    true
}

pub(super) fn wrong(path: &Path, why: &str) -> VaultError {
    VaultError::KeyFile { path: path.display().to_string(), why: why.to_owned() }
}

/// Reads the key of card hashes: 64 hex digits. It must lie apart from the data (law 7); whoever names the file sees to that.
pub fn read_card_key(path: &Path) -> Result<Zeroizing<[u8; 32]>, VaultError> {
    let contents = read_private(path, 128)?;
    let mut key = Zeroizing::new([0; 32]);
    if !parse_hex(contents.trim_ascii(), &mut *key) {
        return Err(wrong(path, "a key of card hashes is 64 hex digits"));
    }
    Ok(key)
}
