//! Which keys there are, how they get in, what is done with them, and how often. Keys go in, never out: nothing here gives a key
//! but to the storage of this device.
//!
//! The bounds: a wrong injection code is counted in storage before it is judged, and the last one wipes everything; work keys with
//! wrong check values lock their loading for a while; PIN blocks are made at most once in thirty seconds on average (PCI PTS asks
//! for that bound, so that nobody searches a PIN with them).

use heapless::Vec;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use super::{Cipher, MacRun, pin_block};
use crate::Millis;
use crate::store::{Record, Store};
use crate::wire::{Blob, KeyState, MAX_CHUNK, MacMethod, Refusal, Secret, WorkKey};

/// How often what may be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Wrong injection codes; the last one wipes.
    pub codes: u8,
    /// Work-key blocks with wrong check values in a row; then loading is locked.
    pub loads: u8,
    /// For so long, in milliseconds.
    pub lock_ms: u32,
    /// PIN blocks in a row.
    pub pins: u16,
    /// One more after so many milliseconds.
    pub pin_ms: u32,
    /// Whether PINs that the host hands in are taken (rigs and benches).
    pub host_pin: bool,
}

impl Limits {
    /// For a store.
    pub const USUAL: Self = Self { codes: 5, loads: 5, lock_ms: 60_000, pins: 120, pin_ms: 30_000, host_pin: false };
}

impl Default for Limits {
    fn default() -> Self {
        Self::USUAL
    }
}

/// What survives power-off.
#[derive(Default, Serialize, Deserialize)]
struct Kept {
    master: Secret<16>,
    code: Secret<16>,
    wrong: u8,
}

/// The keys of one terminal.
#[derive(Debug)]
pub struct Pad {
    limits: Limits,
    master: Option<Cipher>,
    code: Secret<16>,
    wrong: u8,
    pin: Option<Cipher>,
    mac: Option<Cipher>,
    track: Option<Cipher>,
    run: Option<MacRun>,
    bad_loads: u8,
    locked_until: Millis,
    pins: u16,
    pins_since: Millis,
}

impl Pad {
    /// Without keys; [`Pad::restore`] fetches what was kept.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self {
            limits,
            master: None,
            code: Secret::empty(),
            wrong: 0,
            pin: None,
            mac: None,
            track: None,
            run: None,
            bad_loads: 0,
            locked_until: 0,
            pins: limits.pins,
            pins_since: 0,
        }
    }

    /// Takes the keys that `store` holds. A record that cannot be read counts as none: the master key is injected again.
    pub fn restore(&mut self, store: &mut impl Store) {
        let kept = read_kept(store).unwrap_or_default();
        self.master = Cipher::new(kept.master.expose());
        self.code = kept.code.clone();
        self.wrong = kept.wrong;
    }

    /// Which keys there are.
    #[must_use]
    pub fn state(&self) -> KeyState {
        let master = self.master.as_ref();
        KeyState {
            master_len: master.and_then(|m| u8::try_from(m.key_len()).ok()).unwrap_or(0),
            master_check: master.map(Cipher::check_value).unwrap_or_default(),
            work: self.pin.is_some() && self.mac.is_some(),
            track: self.track.is_some(),
            tries_left: self.limits.codes.saturating_sub(self.wrong),
        }
    }

    /// Whether PINs from the host are taken.
    #[must_use]
    pub fn takes_host_pin(&self) -> bool {
        self.limits.host_pin
    }

    /// Takes a master key; the work keys under the old one are dropped.
    pub fn load_master(
        &mut self,
        key: &[u8],
        check: [u8; 4],
        code: &[u8],
        store: &mut impl Store,
    ) -> Result<(), Refusal> {
        self.judge_code(code, store)?;
        let new = Cipher::new(key).filter(|k| k.key_len() <= 16);
        let new = new.ok_or(Refusal::Length(u8::try_from(key.len()).unwrap_or(u8::MAX)))?;
        if !bool::from(new.check_value().ct_eq(&check)) {
            return Err(Refusal::CheckValue(WorkKey::Master));
        }
        let code = Secret::new(code).ok_or(Refusal::OutOfRange)?;
        keep(store, Some(&new), &code, 0)?;
        self.clear_work();
        self.master = Some(new);
        self.code = code;
        (self.wrong, self.bad_loads, self.locked_until) = (0, 0, 0);
        Ok(())
    }

    /// The try is counted in storage before it is judged: pulling the plug does not give another.
    fn judge_code(&mut self, code: &[u8], store: &mut impl Store) -> Result<(), Refusal> {
        if !(4..=16).contains(&code.len()) {
            return Err(Refusal::OutOfRange);
        }
        if self.code.is_empty() {
            return Ok(());
        }
        let tries = self.wrong.saturating_add(1);
        keep(store, self.master.as_ref(), &self.code, tries)?;
        self.wrong = tries;
        if bool::from(self.code.expose().ct_eq(code)) {
            keep(store, self.master.as_ref(), &self.code, 0)?;
            self.wrong = 0;
            return Ok(());
        }
        let left = self.limits.codes.saturating_sub(tries);
        if left > 0 {
            return Err(Refusal::WrongCode { left });
        }
        self.clear_work();
        self.master = None;
        self.code.wipe();
        self.wrong = 0;
        keep(store, None, &self.code, 0)?;
        Err(Refusal::Wiped)
    }

    /// Takes field 62 of a sign-on answer. All of it or nothing: what was loaded before stays if a check value is wrong.
    pub fn load_work(&mut self, block: &[u8], now: Millis) -> Result<(), Refusal> {
        let master = self.master.as_ref().ok_or(Refusal::NoMaster)?;
        if now < self.locked_until {
            return Err(locked(self.locked_until - now));
        }
        let (fields, width) = match block.len() {
            24 => (2, 8),
            40 => (2, 16),
            56 => (2, 24),
            60 => (3, 16),
            84 => (3, 24),
            other => return Err(Refusal::Length(u8::try_from(other).unwrap_or(u8::MAX))),
        };
        let mut loaded = [None, None, None];
        let names = [WorkKey::Pin, WorkKey::Mac, WorkKey::Track];
        for ((slot, name), field) in loaded.iter_mut().zip(names).zip(block.chunks_exact(width + 4)).take(fields) {
            match decipher_field(master, field, width) {
                Some(key) => *slot = Some(key),
                None => {
                    self.count_bad_load(now);
                    return Err(Refusal::CheckValue(name));
                }
            }
        }
        [self.pin, self.mac, self.track] = loaded;
        self.run = None;
        self.bad_loads = 0;
        Ok(())
    }

    fn count_bad_load(&mut self, now: Millis) {
        self.bad_loads = self.bad_loads.saturating_add(1);
        if self.bad_loads >= self.limits.loads {
            self.bad_loads = 0;
            self.locked_until = now.saturating_add(u64::from(self.limits.lock_ms));
        }
    }

    /// Forgets the work keys.
    pub fn clear_work(&mut self) {
        (self.pin, self.mac, self.track, self.run) = (None, None, None, None);
    }

    /// Takes a piece of what a MAC is computed over; gives the MAC with the last.
    pub fn mac(&mut self, method: MacMethod, offset: u32, last: bool, data: &[u8]) -> Result<Option<[u8; 8]>, Refusal> {
        let key = self.mac.as_ref().ok_or(Refusal::NoWork)?;
        if offset == 0 {
            self.run = Some(MacRun::new(method));
        }
        let mut run = self.run.take().filter(|r| r.taken() == offset && r.method() == method).ok_or(Refusal::Data)?;
        run.update(key, data);
        if last {
            return Ok(Some(run.finish(key)));
        }
        self.run = Some(run);
        Ok(None)
    }

    /// Whether a PIN block could be made now.
    pub fn may_make_pin_block(&mut self, now: Millis) -> Result<(), Refusal> {
        if self.pin.is_none() {
            return Err(Refusal::NoWork);
        }
        let step = u64::from(self.limits.pin_ms.max(1));
        let earned = now.saturating_sub(self.pins_since) / step;
        self.pins = self.pins.saturating_add(u16::try_from(earned).unwrap_or(u16::MAX)).min(self.limits.pins);
        self.pins_since =
            if self.pins == self.limits.pins { now } else { self.pins_since.saturating_add(earned * step) };
        if self.pins == 0 {
            return Err(locked(self.pins_since.saturating_add(step).saturating_sub(now)));
        }
        Ok(())
    }

    /// The enciphered PIN block of a PIN and a card number, digits as ASCII.
    pub fn pin_block(&mut self, pin: &[u8], pan: &[u8], now: Millis) -> Result<[u8; 8], Refusal> {
        self.may_make_pin_block(now)?;
        let key = self.pin.as_ref().ok_or(Refusal::NoWork)?;
        let block = pin_block(key, pin, pan).ok_or(Refusal::Data)?;
        self.pins = self.pins.saturating_sub(1);
        Ok(block)
    }

    /// Enciphers track data: a multiple of eight bytes, at most [`MAX_CHUNK`].
    pub fn track(&self, data: &[u8]) -> Result<Blob, Refusal> {
        let key = self.track.as_ref().ok_or(Refusal::NoWork)?;
        if data.is_empty() || !data.len().is_multiple_of(8) || data.len() > MAX_CHUNK {
            return Err(Refusal::Data);
        }
        let mut out = Blob::from_slice(data).map_err(|_| Refusal::Data)?;
        key.encipher(&mut out);
        Ok(out)
    }
}

fn locked(wait: Millis) -> Refusal {
    Refusal::Locked { wait_ms: u32::try_from(wait).unwrap_or(u32::MAX) }
}

/// One enciphered key with its check value; `None` if they do not agree. A shorter key stands in a longer field with zero bytes
/// after it (as it comes, not enciphered).
fn decipher_field(master: &Cipher, field: &[u8], width: usize) -> Option<Cipher> {
    let (wrapped, check) = field.split_at_checked(width)?;
    let mut key = Vec::<u8, 24>::from_slice(wrapped).ok()?;
    while key.len() > 8 && key.iter().rev().take(8).all(|b| *b == 0) {
        key.truncate(key.len() - 8);
    }
    master.decipher(&mut key);
    let cipher = Cipher::new(&key);
    key.zeroize();
    cipher.filter(|c| bool::from(c.check_value().ct_eq(check)))
}

fn read_kept(store: &mut impl Store) -> Option<Kept> {
    let mut buf = [0; Record::LONGEST];
    let kept = store.load(Record::Keys, &mut buf).ok().and_then(|n| postcard::from_bytes(buf.get(..n)?).ok());
    buf.zeroize();
    kept
}

fn keep(store: &mut impl Store, master: Option<&Cipher>, code: &Secret<16>, wrong: u8) -> Result<(), Refusal> {
    let master = Secret::new(master.map_or(&[], Cipher::key)).ok_or(Refusal::Storage)?;
    let kept = Kept { master, code: code.clone(), wrong };
    let mut buf = [0; 64];
    let used = postcard::to_slice(&kept, &mut buf).map_err(|_| Refusal::Storage)?;
    let saved = store.save(Record::Keys, used).map_err(|_| Refusal::Storage);
    buf.zeroize();
    saved
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    extern crate std;
    use super::*;
    use crate::store::Ram;
    use std::vec::Vec as StdVec;

    pub(crate) fn hex(text: &str) -> StdVec<u8> {
        text.as_bytes().chunks(2).map(|p| u8::from_str_radix(std::str::from_utf8(p).unwrap(), 16).unwrap()).collect()
    }

    // Made with OpenSSL from keys that stand in public examples.
    pub(crate) const MASTER: &str = "70F2A84CCBC2AE8625CBB0F2C22AB923";
    pub(crate) const MASTER_CHECK: [u8; 4] = [0x47, 0xF8, 0x16, 0x83];
    pub(crate) const BLOCK_40: &str =
        "0AC9D63C50D2A03A3608E757C69595E7900ECCE3023AB74DF98CFFA30000000000000000CFF1592A";
    const BLOCK_60: &str = "0AC9D63C50D2A03A3608E757C69595E7900ECCE32714CEED9065DDBEDB79220E900BC954F5EF4D384C555721128EF42B482EF01EB4BA66AF08D7B4FB";
    const BLOCK_24: &str = "F5CF2FB9D59D6C7004D5B232AD50ECF357081457CFF1592A";
    /// MTI to field 63 of a terminal's frame whose MAC is known.
    pub(crate) const FRAME: &str = concat!(
        "02003020048000C0801500000000000000123400000203009930303030303030313935323731383138323231373837353135",
        "3600192600000100060000000000435F01123238343431323334353637383930313233345F03063136303033365F04063230303832365C023031"
    );

    /// As after power-on with this store.
    fn on(store: &mut Ram) -> Pad {
        let mut pad = Pad::new(Limits::default());
        pad.restore(store);
        pad
    }

    fn pad() -> (Pad, Ram) {
        let mut store = Ram::default();
        let mut pad = on(&mut store);
        pad.load_master(&hex(MASTER), MASTER_CHECK, b"2468", &mut store).unwrap();
        (pad, store)
    }

    #[test]
    fn every_form_of_key_block_is_taken() {
        let (mut pad, _) = pad();
        assert_eq!(pad.mac(MacMethod::Ecb, 0, true, b""), Err(Refusal::NoWork));
        pad.load_work(&hex(BLOCK_40), 0).unwrap();
        assert_eq!(
            pad.state(),
            KeyState { master_len: 16, master_check: MASTER_CHECK, work: true, track: false, tries_left: 5 }
        );
        assert_eq!(pad.mac(MacMethod::Ecb, 0, true, &hex(FRAME)), Ok(Some(*b"0FB2CF18")));
        assert_eq!(pad.track(&[0; 8]), Err(Refusal::NoWork));
        pad.load_work(&hex(BLOCK_60), 0).unwrap();
        assert_eq!(pad.mac(MacMethod::Ecb, 0, true, &hex(FRAME)), Ok(Some(*b"F275A1D1")));
        let track: StdVec<u8> = (0..16).collect();
        assert_eq!(pad.track(&track).unwrap()[..], hex("52C5C0705D9089E1DECFC0F111152B12")[..]);
        assert_eq!(pad.track(&track[..15]), Err(Refusal::Data));
        assert_eq!(pad.pin_block(b"123456", b"6222021234567890128", 0).unwrap()[..], hex("99F69947A3431A9F")[..]);
    }

    #[test]
    fn an_eight_byte_master_key_takes_the_short_form() {
        let mut store = Ram::default();
        let mut pad = on(&mut store);
        pad.load_master(&hex(&MASTER[..16]), [0xF6, 0xD9, 0xC3, 0xCA], b"2468", &mut store).unwrap();
        pad.load_work(&hex(BLOCK_24), 0).unwrap();
        assert_eq!(pad.mac(MacMethod::Ecb, 0, true, &hex(FRAME)), Ok(Some(*b"0FB2CF18")));
    }

    #[test]
    fn a_mac_in_pieces_must_be_in_order() {
        let (mut pad, _) = pad();
        pad.load_work(&hex(BLOCK_40), 0).unwrap();
        let frame = hex(FRAME);
        assert_eq!(pad.mac(MacMethod::Ecb, 0, false, &frame[..50]), Ok(None));
        assert_eq!(pad.mac(MacMethod::Ecb, 50, true, &frame[50..]), Ok(Some(*b"0FB2CF18")));
        assert_eq!(pad.mac(MacMethod::Ecb, 50, true, &frame[50..]), Err(Refusal::Data));
        assert_eq!(pad.mac(MacMethod::Ecb, 0, false, &frame[..50]), Ok(None));
        assert_eq!(pad.mac(MacMethod::Ecb, 51, true, &frame[51..]), Err(Refusal::Data));
        assert_eq!(pad.mac(MacMethod::Ecb, 0, false, &frame[..50]), Ok(None));
        assert_eq!(pad.mac(MacMethod::Cbc, 50, true, &frame[50..]), Err(Refusal::Data));
    }

    #[test]
    fn a_wrong_check_value_keeps_the_old_keys_and_five_lock_the_loading() {
        let (mut pad, _) = pad();
        pad.load_work(&hex(BLOCK_40), 0).unwrap();
        let mut spoiled = hex(BLOCK_40);
        spoiled[39] ^= 1;
        for _ in 0..5 {
            assert_eq!(pad.load_work(&spoiled, 1000), Err(Refusal::CheckValue(WorkKey::Mac)));
        }
        assert_eq!(pad.load_work(&hex(BLOCK_40), 1000), Err(Refusal::Locked { wait_ms: 60_000 }));
        assert_eq!(pad.mac(MacMethod::Ecb, 0, true, &hex(FRAME)), Ok(Some(*b"0FB2CF18")));
        assert_eq!(pad.load_work(&hex(BLOCK_40), 61_000), Ok(()));
        assert_eq!(pad.load_work(&[0; 41], 61_000), Err(Refusal::Length(41)));
    }

    #[test]
    fn keys_survive_power_off_and_wrong_codes_are_counted_across_it() {
        let (_, mut store) = pad();
        for left in [4, 3, 2, 1] {
            let mut pad = on(&mut store);
            assert_eq!(pad.state().master_check, MASTER_CHECK);
            let wrong = pad.load_master(&[1; 16], [0; 4], b"0000", &mut store);
            assert_eq!(wrong, Err(Refusal::WrongCode { left }));
        }
        let mut pad = on(&mut store);
        assert_eq!(pad.load_master(&[1; 16], [0; 4], b"00000", &mut store), Err(Refusal::Wiped));
        assert_eq!(pad.load_work(&hex(BLOCK_40), 0), Err(Refusal::NoMaster));
        let mut pad = on(&mut store);
        assert_eq!(pad.state(), KeyState { tries_left: 5, ..KeyState::default() });
        pad.load_master(&hex(MASTER), MASTER_CHECK, b"1357", &mut store).unwrap();
    }

    #[test]
    fn the_right_code_forgives_the_wrong_ones() {
        let (mut pad, mut store) = pad();
        assert_eq!(pad.load_master(&[1; 16], [0; 4], b"0000", &mut store), Err(Refusal::WrongCode { left: 4 }));
        assert_eq!(pad.load_master(&[1; 16], [0; 4], b"2468", &mut store), Err(Refusal::CheckValue(WorkKey::Master)));
        assert_eq!(pad.state().tries_left, 5);
        assert_eq!(pad.load_master(&[1; 17], [0; 4], b"2468", &mut store), Err(Refusal::Length(17)));
        assert_eq!(pad.load_master(&[1; 24], [0; 4], b"2468", &mut store), Err(Refusal::Length(24)));
        assert_eq!(pad.load_master(&[1; 16], [0; 4], b"246", &mut store), Err(Refusal::OutOfRange));
        assert_eq!(pad.state().master_check, MASTER_CHECK);
    }

    #[test]
    fn pin_blocks_are_made_at_most_once_in_thirty_seconds_on_average() {
        let (mut pad, _) = pad();
        pad.load_work(&hex(BLOCK_40), 0).unwrap();
        let mut make = |now| pad.pin_block(b"1234", b"4111111111111111", now).map(|_| ());
        for _ in 0..120 {
            make(0).unwrap();
        }
        assert_eq!(make(1000), Err(Refusal::Locked { wait_ms: 29_000 }));
        assert_eq!(make(30_000), Ok(()));
        assert_eq!(make(30_001), Err(Refusal::Locked { wait_ms: 29_999 }));
        assert_eq!((make(95_000), make(95_000)), (Ok(()), Ok(())));
        assert_eq!(make(95_000), Err(Refusal::Locked { wait_ms: 25_000 }));
    }

    #[test]
    fn nothing_of_a_key_prints() {
        let (mut pad, _) = pad();
        pad.load_work(&hex(BLOCK_60), 0).unwrap();
        let printed = std::format!("{pad:?}").to_uppercase();
        assert!(
            printed.contains("CIPHER(…)") && !printed.contains("70F2") && !printed.contains("112, 242"),
            "{printed}"
        );
    }
}
