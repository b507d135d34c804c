//! Orders and keys for the tests of this floor: a terminal with a store's usual payments.
#![allow(clippy::unwrap_used)]

use std::sync::LazyLock;

use super::iso8583::bcd::unhex;
use super::*;
use crate::core::domain::*;
use crate::core::ports::{KeyError, MacMethod, TerminalKeys};

pub const PAN: &str = "6222021234567890128";
pub const TRACK2: &str = "6222021234567890128=30121010000012300";
pub const CODE: &str = "134567890123456789";

/// Keys whose MAC is a sum that any change of any byte changes. The ciphers have their own tests where they live.
#[derive(Debug, Default)]
pub struct SumKeys {
    pub ready: bool,
    pub covered: Vec<u8>,
    pub blocks: Vec<Vec<u8>>,
}

impl SumKeys {
    pub fn ready() -> SumKeys {
        SumKeys { ready: true, ..SumKeys::default() }
    }

    pub fn sum(data: &[u8]) -> [u8; 8] {
        let sum = data
            .iter()
            .fold(0xCBF2_9CE4_8422_2325_u64, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01B3));
        std::array::from_fn(|i| b"0123456789ABCDEF"[(sum >> (8 * i) & 15) as usize])
    }
}

impl TerminalKeys for SumKeys {
    fn load_work_keys(&mut self, block: &[u8]) -> Result<(), KeyError> {
        self.blocks.push(block.to_vec());
        if block.len() != 40 {
            return Err(KeyError::BlockLength(block.len()));
        }
        self.ready = true;
        Ok(())
    }
    fn ready(&self) -> bool {
        self.ready
    }
    fn clear(&mut self) {
        self.ready = false;
    }
    fn mac(&mut self, _: MacMethod, data: &[u8]) -> Result<[u8; 8], KeyError> {
        self.covered = data.to_vec();
        if self.ready { Ok(SumKeys::sum(data)) } else { Err(KeyError::NoWorkKeys) }
    }
    fn verify_mac(&mut self, method: MacMethod, data: &[u8], mac: &[u8; 8]) -> Result<bool, KeyError> {
        Ok(self.mac(method, data)? == *mac)
    }
    fn pin_block(&mut self, _: &str, _: &str) -> Result<[u8; 8], KeyError> {
        Err(KeyError::Data("not in these tests"))
    }
    fn encrypt_track(&mut self, _: &[u8]) -> Result<Vec<u8>, KeyError> {
        Err(KeyError::Data("not in these tests"))
    }
    fn master_key_len(&self) -> usize {
        16
    }
}

pub fn profile() -> Profile {
    static PROFILE: LazyLock<Profile> = LazyLock::new(|| Profile::builtin("unionpay-pos").unwrap());
    PROFILE.clone()
}

pub fn identity() -> LaneIdentity {
    LaneIdentity {
        tid: Tid::new("12345678").unwrap(),
        mid: Mid::new("123456789012345").unwrap(),
        tpdu: unhex("6000030000").unwrap(),
        header: unhex("602200000000").unwrap(),
        serial_number: "00003202".into(),
        operator: "01 ".into(),
        currency: Currency::CNY,
    }
}

pub fn order(stan: u32, message: Outgoing) -> Order {
    Order { stan: Stan(stan), batch: BatchNo(7), message }
}

pub fn payment(name: MessageName, entry: Entry, instrument: Option<Instrument>) -> PaymentMessage {
    PaymentMessage {
        name,
        amount: Minor(12_345),
        currency: Currency::CNY,
        entry,
        instrument,
        pin_block: None,
        with_pin: false,
        original: None,
        approval_code: None,
    }
}

pub fn stripe() -> Option<Instrument> {
    Some(Instrument::Track2(Track2::new(TRACK2.into())))
}

pub fn card() -> Option<Instrument> {
    Some(Instrument::Card { pan: Pan::new(PAN.into()), expiry: Some("3012".into()) })
}

pub fn code() -> Option<Instrument> {
    Some(Instrument::Code(PaymentCode::new(CODE.into())))
}

/// A chip: its stripe's image is there before authorization only.
pub fn chip_card(before: bool) -> Option<Instrument> {
    Some(Instrument::Chip(Box::new(ChipCard {
        pan: Pan::new(PAN.into()),
        expiry: Some("3012".into()),
        sequence: Some("001".into()),
        track2: before.then(|| Track2::new(TRACK2.into())),
        data: ChipData::new(unhex("9F360200429505000004E000").unwrap()),
    })))
}

pub fn original() -> Option<OriginalRef> {
    Some(OriginalRef {
        batch: BatchNo(7),
        stan: Stan(122),
        date: Some("1119".into()),
        rrn: Some("221301491329".into()),
        approval_code: Some("AB12CD".into()),
        organisation: Some("CUP".into()),
    })
}

/// A stripe sale, as an order.
pub fn sale(stan: u32) -> Order {
    order(stan, Outgoing::Payment(Box::new(payment(MessageName::Sale, Entry::Magstripe, stripe()))))
}
