//! The data key: 32 bytes that everything sealed hangs on. Where it comes from, and what is derived from it.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use ring::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use ring::hkdf;
use zeroize::Zeroizing;

use super::aead::SealingKey;
use super::key_file::{parse_hex, read_private, wrong};
use super::random::hex;
use super::{VaultError, random};

/// The name of the key among systemd's credentials, and of the file that is made beside the data.
const NAME: &str = "data.key";

/// The data key; wiped when dropped.
#[derive(Clone)]
pub struct DataKey(Zeroizing<[u8; 32]>);

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DataKey(…)")
    }
}

/// Where the data key was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// In the configured file.
    File(PathBuf),
    /// Among systemd's credentials.
    Credential(PathBuf),
    /// In a file beside the data, made by tilld: whoever copies the disk has both. `check` says so.
    BesideData(PathBuf),
}

impl KeySource {
    /// The key lies beside the data.
    #[must_use]
    pub fn beside_data(&self) -> bool {
        matches!(self, KeySource::BesideData(_))
    }
}

/// Loads the data key: the configured file, which is made where there is no store yet (`fresh`); else systemd's credential `data.key` (`credentials` is `$CREDENTIALS_DIRECTORY`); else `data.key` beside the
/// data, made likewise. A missing key is never replaced while there is something sealed under it.
pub fn load_data_key(
    key_file: Option<&Path>,
    credentials: Option<&Path>,
    data_dir: &Path,
    fresh: bool,
) -> Result<(DataKey, KeySource), VaultError> {
    if let Some(path) = key_file {
        if fresh && !path.exists() {
            let key = DataKey::random()?;
            key.write_new(path)?;
            return Ok((key, KeySource::File(path.to_owned())));
        }
        return Ok((DataKey::read(path)?, KeySource::File(path.to_owned())));
    }
    if let Some(path) = credentials.map(|dir| dir.join(NAME)).filter(|p| p.exists()) {
        return Ok((DataKey::read(&path)?, KeySource::Credential(path)));
    }
    let path = data_dir.join(NAME);
    if !path.exists() {
        if !fresh {
            return Err(wrong(
                &path,
                "the data key is missing, and cards and keys in the store are sealed under it: put it back, or name it in [data] key_file",
            ));
        }
        let key = DataKey::random()?;
        key.write_new(&path)?;
        return Ok((key, KeySource::BesideData(path)));
    }
    Ok((DataKey::read(&path)?, KeySource::BesideData(path)))
}

impl DataKey {
    /// A new key.
    pub fn random() -> Result<DataKey, VaultError> {
        let mut bytes = Zeroizing::new([0; 32]);
        random::fill(&mut *bytes)?;
        Ok(DataKey(bytes))
    }

    /// Reads a key file: 64 hex digits, or exactly 32 bytes; for its owner only.
    pub fn read(path: &Path) -> Result<DataKey, VaultError> {
        let contents = read_private(path, 128)?;
        if let Ok(bytes) = <[u8; 32]>::try_from(contents.as_slice()) {
            return Ok(DataKey(Zeroizing::new(bytes)));
        }
        let mut key = Zeroizing::new([0; 32]);
        match parse_hex(contents.trim_ascii(), &mut *key) {
            true => Ok(DataKey(key)),
            false => {
                Err(wrong(path, "a data key is 64 hex digits: make one with `openssl rand -hex 32`, and chmod 600"))
            }
        }
    }

    /// Writes a key file that must not exist yet, durably, for its owner only.
    pub fn write_new(&self, path: &Path) -> Result<(), VaultError> {
        let failed = |e: std::io::Error| wrong(path, &e.to_string());
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
        file.write_all(hex(&*self.0).as_bytes()).and_then(|()| file.write_all(b"\n")).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        // The directory too: a key that is gone after a power cut takes everything sealed with it.
        let dir = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(dir).and_then(|d| d.sync_all()).map_err(failed)
    }

    /// The key for one purpose.
    pub(super) fn derive(&self, purpose: &str) -> SealingKey {
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, b"tilld data key 1").extract(&*self.0);
        let proven = "HKDF-SHA-256 gives 32 bytes and 4 bytes";
        let label = [purpose.as_bytes()];
        let key = prk.expand(&label, &AES_256_GCM).expect(proven);
        let mut id = [0; 4];
        let id_label = [b"id of ".as_slice(), purpose.as_bytes()];
        prk.expand(&id_label, IdLength).and_then(|okm| okm.fill(&mut id)).expect(proven);
        SealingKey { key: LessSafeKey::new(UnboundKey::from(key)), id }
    }
}

struct IdLength;

impl hkdf::KeyType for IdLength {
    fn len(&self) -> usize {
        4
    }
}

#[cfg(test)]
mod tests;
