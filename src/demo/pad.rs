//! The technician's part of the demo: a master key goes into the PIN pad before the daemon starts.

use std::path::Path;

use tilld_bridge::wire::{Reply, Request, Secret};

use super::DemoError;
use crate::daemon::bridging::{ANSWER_MS, BridgeLine};
use crate::io::serial::PortConfig;
use crate::io::vault::{KeyComponents, check_value};

const BAUD: u32 = 115_200;
/// The injection code of a bench: the first that a new pad is told is its own.
const CODE: &[u8] = b"2468";

/// Injects a key, 32 hex digits, into the bridge on this port.
pub fn inject(port: &Path, key: &str) -> Result<(), DemoError> {
    let bad = |why: String| DemoError::Setup(format!("the bridge on {}: {why}", port.display()));
    let mut parts = KeyComponents::default();
    parts.add(key).map_err(|e| bad(e.to_string()))?;
    let key = parts.key().ok_or_else(|| bad("no key".into()))?;
    let check = check_value(&key);
    let (Some(key), Some(code)) = (Secret::new(&*key), Secret::new(CODE)) else {
        return Err(bad("a key or a code that is too long".into()));
    };
    let (line, _told) = BridgeLine::on_bench(PortConfig::new(port, BAUD)).map_err(|e| bad(e.to_string()))?;
    let reply = line.wait(vec![Request::LoadMaster { key, check, code }], ANSWER_MS);
    line.stop();
    match reply {
        Ok(Reply::Done) => Ok(()),
        Ok(Reply::Refused(refusal)) => Err(bad(crate::core::device::bridge::sentence(&refusal).en)),
        Ok(_) => Err(bad("it answers something else than it was asked".into())),
        Err(error) => Err(bad(error.to_string())),
    }
}
