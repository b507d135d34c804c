//! The keys of a terminal inside its PIN pad: every operation is asked of the bridge, none of them knows a key.
//!
//! Each call waits for its answer, at most [`ANSWER_MS`]: it is called by the terminal's own lane, and nothing else waits with it.

use subtle::ConstantTimeEq;
use tilld_bridge::host::mac_requests;
use tilld_bridge::wire::{self, CAP_HOST_PIN, MAX_CHUNK, Refusal, Reply, Request, Secret, WorkKey};

use super::bridging::{ANSWER_MS, BridgeLine};
use crate::core::ports::{KeyError, MacMethod, TerminalKeys};

/// The keys behind one bridge.
#[derive(Debug)]
pub struct BridgeKeys(BridgeLine);

impl BridgeKeys {
    /// Over a bridge.
    #[must_use]
    pub fn new(bridge: BridgeLine) -> BridgeKeys {
        BridgeKeys(bridge)
    }

    fn ask(&self, requests: Vec<Request>) -> Result<Reply, KeyError> {
        let reply = self.0.wait(requests, ANSWER_MS).map_err(|e| KeyError::Device(e.to_string()))?;
        match reply {
            Reply::Refused(refusal) => {
                let error = refused(refusal);
                if error == KeyError::NoWorkKeys {
                    self.0.note_work_keys(false);
                }
                Err(error)
            }
            reply => Ok(reply),
        }
    }
}

/// What the pad says, in the words of the core.
fn refused(refusal: Refusal) -> KeyError {
    match refusal {
        Refusal::NoWork => KeyError::NoWorkKeys,
        Refusal::Length(n) => KeyError::BlockLength(n.into()),
        Refusal::CheckValue(key) => KeyError::CheckValue(match key {
            WorkKey::Master => "master key",
            WorkKey::Pin => "PIN key",
            WorkKey::Mac => "MAC key",
            WorkKey::Track => "track key",
        }),
        Refusal::Data => KeyError::Data("the PIN pad refuses the data"),
        other => KeyError::Device(crate::core::device::bridge::sentence(&other).en),
    }
}

fn nonsense(reply: &Reply) -> KeyError {
    // Not its contents: they may be secret.
    let _ = reply;
    KeyError::Device("it answers something else than it was asked".into())
}

fn wire_method(method: MacMethod) -> wire::MacMethod {
    match method {
        MacMethod::Ecb => wire::MacMethod::Ecb,
        MacMethod::Cbc => wire::MacMethod::Cbc,
    }
}

impl TerminalKeys for BridgeKeys {
    fn load_work_keys(&mut self, block: &[u8]) -> Result<(), KeyError> {
        let block = block.try_into().map_err(|_| KeyError::BlockLength(block.len()))?;
        match self.ask(vec![Request::LoadWork { block }])? {
            Reply::Done => {
                self.0.note_work_keys(true);
                Ok(())
            }
            other => Err(nonsense(&other)),
        }
    }

    fn ready(&self) -> bool {
        self.0.shown().keys.work
    }

    fn clear(&mut self) {
        self.0.note_work_keys(false);
        if let Err(error) = self.ask(vec![Request::ClearWork]) {
            log::warn!("the PIN pad's work keys could not be cleared: {error}");
        }
    }

    fn mac(&mut self, method: MacMethod, data: &[u8]) -> Result<[u8; 8], KeyError> {
        match self.ask(mac_requests(wire_method(method), data).collect())? {
            Reply::Mac(mac) => Ok(mac),
            other => Err(nonsense(&other)),
        }
    }

    fn verify_mac(&mut self, method: MacMethod, data: &[u8], mac: &[u8; 8]) -> Result<bool, KeyError> {
        Ok(self.mac(method, data)?.ct_eq(mac).into())
    }

    fn pin_block(&mut self, pin: &str, pan: &str) -> Result<[u8; 8], KeyError> {
        if !self.0.has(CAP_HOST_PIN) {
            return Err(KeyError::Device("PINs are typed on the PIN pad itself".into()));
        }
        let (Some(pin), Some(pan)) = (Secret::new(pin.as_bytes()), Secret::new(pan.as_bytes())) else {
            return Err(KeyError::Data("a PIN has 4 to 12 digits, a card number 13 to 19"));
        };
        match self.ask(vec![Request::PinBlock { pin, pan }])? {
            Reply::PinBlock(block) => Ok(block),
            other => Err(nonsense(&other)),
        }
    }

    fn encrypt_track(&mut self, block: &[u8]) -> Result<Vec<u8>, KeyError> {
        let mut out = Vec::with_capacity(block.len());
        for piece in block.chunks(MAX_CHUNK) {
            let data = Secret::new(piece).ok_or(KeyError::Data("too long"))?;
            match self.ask(vec![Request::Track { data }])? {
                Reply::Cipher(cipher) => out.extend_from_slice(&cipher),
                other => return Err(nonsense(&other)),
            }
        }
        Ok(out)
    }

    fn master_key_len(&self) -> usize {
        match self.0.shown().keys.master_len {
            8 => 8,
            _ => 16,
        }
    }
}
