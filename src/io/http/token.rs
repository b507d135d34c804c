//! The bearer token: read from its file, or made.

use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use ring::rand::SecureRandom;
use zeroize::Zeroizing;

/// The token as the `Authorization` header carries it.
pub(super) type Token = Zeroizing<String>;

/// Reads the token; makes one of 32 random bytes (64 hex digits) where the file does not exist. The error says what to do.
pub(super) fn read_or_make(path: &Path) -> Result<Token, String> {
    match std::fs::File::open(path) {
        Ok(file) => read(file, path),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => make(path),
        Err(e) => Err(format!("the token file {} cannot be read: {e}", path.display())),
    }
}

fn read(file: std::fs::File, path: &Path) -> Result<Token, String> {
    let shown = path.display();
    let said = |e: std::io::Error| format!("the token file {shown} cannot be read: {e}");
    let mode = file.metadata().map_err(said)?.mode();
    if mode & 0o077 != 0 {
        return Err(format!(
            "the token file {shown} has mode {:04o}: others can read it. chmod 600 {shown}",
            mode & 0o7777
        ));
    }
    let mut text = Zeroizing::new(String::new());
    file.take(4096).read_to_string(&mut text).map_err(said)?;
    let token = Zeroizing::new(text.trim().to_owned());
    if token.len() < 16 || !token.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(format!(
            "the token file {shown} must hold at least 16 printable ASCII characters: delete it and one is made"
        ));
    }
    Ok(token)
}

fn make(path: &Path) -> Result<Token, String> {
    let said = |e: std::io::Error| format!("the token file {} cannot be made: {e}", path.display());
    let mut bytes = Zeroizing::new([0u8; 32]);
    ring::rand::SystemRandom::new()
        .fill(bytes.as_mut_slice())
        .map_err(|_| "the system gives no random numbers".to_owned())?;
    let token: Token = Zeroizing::new(bytes.iter().map(|b| format!("{b:02x}")).collect());
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(said)?;
    file.write_all(token.as_bytes()).and_then(|()| file.write_all(b"\n")).map_err(said)?;
    file.sync_all().map_err(said)?;
    Ok(token)
}
