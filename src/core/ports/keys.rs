//! Key operations of one terminal: in software, or inside a PIN pad. Keys go in, never out.

use thiserror::Error;

/// What can go wrong with a key operation.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum KeyError {
    /// No work keys yet, or they were dropped: sign on first.
    #[error("no work keys: sign on first")]
    NoWorkKeys,
    /// The key block of the sign-on answer has a length that no known form has.
    #[error("the key block has {0} bytes: expected 24, 40, 56, 60 or 84")]
    BlockLength(usize),
    /// A work key's check value is not what the key gives: it was deciphered under another master key.
    #[error("the {0} does not match its check value: is the master key the acquirer's?")]
    CheckValue(&'static str),
    /// The device that holds the keys does not answer, or refuses.
    #[error("the key device says: {0}")]
    Device(String),
    /// The data cannot be enciphered (a PIN or PAN of a wrong length).
    #[error("cannot be enciphered: {0}")]
    Data(&'static str),
}

/// How a MAC is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MacMethod {
    /// UnionPay POS: XOR of all blocks, as hex, enciphered half by half (facts page).
    Ecb,
    /// Plain CBC over the blocks.
    Cbc,
}

/// The keys of one terminal, wherever they lie.
pub trait TerminalKeys: Send {
    /// Takes the enciphered work keys of a sign-on answer (field 62), checks their check values, and uses them from now on.
    fn load_work_keys(&mut self, block: &[u8]) -> Result<(), KeyError>;

    /// Whether work keys are loaded.
    fn ready(&self) -> bool;

    /// Drops the work keys.
    fn clear(&mut self);

    /// The eight bytes of field 64 over `data` (MTI to the last field before 64, without length, TPDU and header).
    fn mac(&mut self, method: MacMethod, data: &[u8]) -> Result<[u8; 8], KeyError>;

    /// Whether `mac` is the MAC of `data`, compared in constant time.
    fn verify_mac(&mut self, method: MacMethod, data: &[u8], mac: &[u8; 8]) -> Result<bool, KeyError>;

    /// PIN block, ISO 9564 format 0, enciphered under the PIN key.
    fn pin_block(&mut self, pin: &str, pan: &str) -> Result<[u8; 8], KeyError>;

    /// Enciphers track data under the track key (a multiple of eight bytes).
    fn encrypt_track(&mut self, block: &[u8]) -> Result<Vec<u8>, KeyError>;

    /// The master key's length in bytes (8 or 16): it decides the form of the sign-on.
    fn master_key_len(&self) -> usize;
}
