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
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY");
    read_beside(path, max, credentials.as_deref().map(Path::new))
}

/// The same, with the directory of credentials handed in.
fn read_beside(path: &Path, max: usize, credentials: Option<&Path>) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let failed = |e: std::io::Error| wrong(path, &e.to_string());
    let file = File::open(path).map_err(failed)?;
    let meta = file.metadata().map_err(failed)?;
    if !meta.is_file() {
        return Err(wrong(path, "it is no file"));
    }
    // systemd hands credentials over by an access list, which shows as group-readable and is not.
    let in_credentials = credentials.is_some_and(|dir| path.starts_with(dir));
    let open_to = if in_credentials { 0o007 } else { 0o077 };
    if meta.mode() & open_to != 0 {
        let mode = meta.mode() & 0o777;
        if meta.mode() & 0o022 != 0 || meta.uid() != rustix::process::geteuid().as_raw() {
            return Err(wrong(
                path,
                &format!("others may read or write it (mode {mode:03o}): chmod 600, and make a new key"),
            ));
        }
        file.set_permissions(std::fs::Permissions::from_mode(0o600))
            .map_err(|e| wrong(path, &format!("others can read it (mode {mode:03o}): chmod 600 ({e})")))?;
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn file(name: &str, mode: u32) -> std::path::PathBuf {
        let path = std::env::temp_dir().join(format!("tilld-tmk-{name}-{}", std::process::id()));
        std::fs::write(&path, "00112233445566778899AABBCCDDEEFF\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_master_key_that_others_read_is_closed_and_one_that_they_write_is_refused() {
        let ours = file("ours", 0o600);
        assert_eq!(read_master_key(&ours).unwrap()[15], 0xFF);
        let read = file("read", 0o640);
        assert_eq!((read_master_key(&read).unwrap()[0], mode(&read)), (0x00, 0o600));
        for bits in [0o620, 0o602, 0o666] {
            let written = file("written", bits);
            let why = read_master_key(&written).unwrap_err().to_string();
            assert!(why.contains(&format!("{bits:03o}")) && why.contains("make a new key"), "{why}");
            assert_eq!(mode(&written), bits, "it stays as it was found");
            std::fs::remove_file(&written).unwrap();
        }
        [ours, read].iter().for_each(|path| std::fs::remove_file(path).unwrap());
    }

    #[test]
    fn a_credential_shows_as_readable_by_a_group_and_is_not() {
        let credential = file("credential", 0o440);
        let dir = std::env::temp_dir();
        assert_eq!(read_beside(&credential, 64, Some(&dir)).unwrap().len(), 33);
        assert_eq!(mode(&credential), 0o440, "systemd's own");
        // Readable by all is no credential, wherever it lies.
        std::fs::set_permissions(&credential, std::fs::Permissions::from_mode(0o444)).unwrap();
        read_beside(&credential, 64, Some(&dir)).unwrap();
        assert_eq!(mode(&credential), 0o600);
        std::fs::remove_file(&credential).unwrap();
    }

    #[test]
    fn what_was_read_is_wiped_when_it_is_let_go() {
        fn wiped<T: zeroize::ZeroizeOnDrop>(_: &T) {}
        let path = file("wiped", 0o600);
        wiped(&read_private(&path, 64).unwrap());
        wiped(&read_master_key(&path).unwrap());
        std::fs::remove_file(&path).unwrap();
    }
}
