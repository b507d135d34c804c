//! Where the data key comes from, and what is refused.
#![allow(clippy::unwrap_used)]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use super::super::read_master_key;
use super::*;

/// A directory of its own, gone at the end.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Dir {
        let path = std::env::temp_dir().join(format!("tilld-key-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Dir(path)
    }

    fn file(&self, name: &str, contents: &[u8], mode: u32) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, contents).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn without_a_key_file_one_is_made_beside_the_data_once_for_its_owner_only() {
    let dir = Dir::new("beside");
    let (key, source) = load_data_key(None, None, &dir.0, true).unwrap();
    assert!(source.beside_data());
    assert_eq!(fs::metadata(dir.0.join("data.key")).unwrap().permissions().mode() & 0o777, 0o600);
    let (again, _) = load_data_key(None, None, &dir.0, false).unwrap();
    assert_eq!(*key.0, *again.0);
}

#[test]
fn a_missing_key_is_never_replaced_while_a_store_is_there() {
    let dir = Dir::new("missing");
    let why = load_data_key(None, None, &dir.0, false).unwrap_err().to_string();
    assert!(why.contains("missing"), "{why}");
    assert!(!dir.0.join("data.key").exists());
    let named = dir.0.join("named");
    assert!(load_data_key(Some(&named), None, &dir.0, false).is_err(), "nor is a named one");
    assert!(!named.exists());
    load_data_key(Some(&named), None, &dir.0, true).unwrap();
    assert!(named.exists(), "a new store's is made where it is named");
}

#[test]
fn the_configured_file_comes_before_the_credential_and_both_before_the_data() {
    let dir = Dir::new("order");
    let credentials = Dir::new("order-credentials");
    let file = dir.file("named", "ab".repeat(32).as_bytes(), 0o600);
    credentials.file("data.key", &[7; 32], 0o400);
    let (key, source) = load_data_key(Some(&file), Some(&credentials.0), &dir.0, true).unwrap();
    assert_eq!((*key.0, source), ([0xab; 32], KeySource::File(file)));
    let (key, source) = load_data_key(None, Some(&credentials.0), &dir.0, true).unwrap();
    assert_eq!(*key.0, [7; 32]);
    assert!(matches!(source, KeySource::Credential(_)));
}

#[test]
fn a_key_that_others_may_read_is_closed_and_one_that_they_may_write_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let dir = Dir::new("refused");
    let open = dir.file("open", "ab".repeat(32).as_bytes(), 0o644);
    DataKey::read(&open).unwrap();
    assert_eq!(std::fs::metadata(&open).unwrap().permissions().mode() & 0o777, 0o600);
    let writable = dir.file("writable", "ab".repeat(32).as_bytes(), 0o620);
    let why = DataKey::read(&writable).unwrap_err().to_string();
    assert!(why.contains("620") && why.contains("chmod 600"), "{why}");
}

#[test]
fn what_is_no_key_is_refused() {
    let dir = Dir::new("no-key");
    for (name, contents) in [("short", "ab"), ("no-hex", &"zz".repeat(32)), ("long", &"ab".repeat(70)), ("empty", "")] {
        assert!(DataKey::read(&dir.file(name, contents.as_bytes(), 0o600)).is_err(), "{name}");
    }
    assert!(DataKey::read(&dir.0).is_err(), "a directory");
}

#[test]
fn a_master_key_is_thirty_two_hex_digits() {
    let dir = Dir::new("tmk");
    let file = dir.file("POS1.tmk", b"00112233445566778899AABBCCDDEEFF\n", 0o600);
    assert_eq!(read_master_key(&file).unwrap()[..4], [0x00, 0x11, 0x22, 0x33]);
    let half = dir.file("half", b"0011223344556677", 0o600);
    assert!(read_master_key(&half).is_err());
}

#[test]
fn each_purpose_has_a_key_of_its_own() {
    let key = DataKey::random().unwrap();
    let sealed = key.derive("cards").seal(b"", b"x").unwrap();
    assert!(key.derive("day keys").open(b"", &sealed, "it").is_err());
    assert_eq!(key.derive("cards").open(b"", &sealed, "it").unwrap().as_slice(), b"x");
}
