//! The one place that writes to standard output and standard error.
//!
//! A reader that goes away (`tilld show … | head`) is no failure: writing then says so, and the command ends quietly.

use std::io::{ErrorKind, Write};

use super::failure::Failure;
use crate::daemon::exit::Exit;

/// Writes bytes to standard output.
pub(super) fn bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(|e| match e.kind() {
        ErrorKind::BrokenPipe => Failure::quiet(),
        _ => Failure::new(Exit::Io, format!("standard output: {e}")),
    })
}

/// Writes a text and ends its line.
pub(super) fn text(text: &str) -> Result<(), Failure> {
    let mut whole = text.to_owned();
    if !whole.ends_with('\n') {
        whole.push('\n');
    }
    bytes(whole.as_bytes())
}

/// Writes JSON, indented.
pub(super) fn json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let written = serde_json::to_string_pretty(value).map_err(|e| Failure::new(Exit::Software, e.to_string()))?;
    text(&written)
}

/// Says something to people on standard error; nobody may be there to read it.
pub(super) fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
