//! The bytes that protocol version 2 added to version 1, frozen.
//!
//! DO NOT CHANGE what stands here, neither bytes nor values: bridges in stores speak it. If one of these tests fails, the change
//! under test breaks them. What is new gets a new version and a file of its own.
#![allow(clippy::unwrap_used, clippy::panic)]

use serde::{Serialize, de::DeserializeOwned};
use tilld_bridge::wire::{
    Blob, Device, Hello, KeyState, MacMethod, Notice, Refusal, Reply, Request, Secret, ToBridge, ToHost, WorkKey,
};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02X}")).collect()
}

#[track_caller]
fn frozen<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: &T, bytes: &str) {
    let mut buf = [0; 240];
    let written = postcard::to_slice(value, &mut buf).unwrap();
    assert_eq!(hex(written), bytes, "{value:?}");
    assert_eq!(&postcard::from_bytes::<T>(written).unwrap(), value);
}

#[test]
fn greetings() {
    frozen(&Hello { min: 1, current: 2 }, "0102");
}

#[test]
fn requests() {
    let ask = |request| ToBridge { id: 1, request };
    frozen(&ask(Request::KeyState), "010B");
    let key = Secret::new(&[0x70, 0xF2, 0xA8, 0x4C, 0xCB, 0xC2, 0xAE, 0x86]).unwrap();
    let code = Secret::new(b"2468").unwrap();
    frozen(
        &ask(Request::LoadMaster { key, check: [0xF6, 0xD9, 0xC3, 0xCA], code }),
        "010C0870F2A84CCBC2AE86F6D9C3CA0432343638",
    );
    frozen(&ask(Request::LoadWork { block: heapless::Vec::from_slice(&[1, 2, 3]).unwrap() }), "010D03010203");
    frozen(&ask(Request::ClearWork), "010E");
    let data = || Blob::from_slice(&[2, 0]).unwrap();
    frozen(&ask(Request::Mac { method: MacMethod::Ecb, offset: 0, last: false, data: data() }), "010F000000020200");
    frozen(&ask(Request::Mac { method: MacMethod::Cbc, offset: 192, last: true, data: data() }), "010F01C00101020200");
    let pan = || Secret::new(b"4111111111111111").unwrap();
    frozen(&ask(Request::EnterPin { pan: pan(), seconds: 60 }), "011010343131313131313131313131313131313C");
    frozen(
        &ask(Request::PinBlock { pin: Secret::new(b"1234").unwrap(), pan: pan() }),
        "011104313233341034313131313131313131313131313131",
    );
    frozen(&ask(Request::Track { data: Secret::new(&[0; 8]).unwrap() }), "0112080000000000000000");
}

#[test]
fn answers() {
    let answer = |reply| ToHost::Answer { id: 1, reply };
    let state =
        KeyState { master_len: 16, master_check: [0x47, 0xF8, 0x16, 0x83], work: true, track: false, tries_left: 5 };
    frozen(&answer(Reply::Keys(state)), "0001061047F81683010005");
    frozen(&answer(Reply::Mac(*b"B3A092AE")), "0001074233413039324145");
    frozen(&answer(Reply::PinBlock([1, 2, 3, 4, 5, 6, 7, 8])), "0001080102030405060708");
    frozen(&answer(Reply::NoPin), "000109");
    frozen(&answer(Reply::Cipher(Blob::from_slice(&[9; 8]).unwrap())), "00010A080909090909090909");
}

#[test]
fn refusals() {
    frozen(&Reply::Refused(Refusal::NoMaster), "0508");
    frozen(&Reply::Refused(Refusal::NoWork), "0509");
    frozen(&Reply::Refused(Refusal::Length(41)), "050A29");
    let keys = [WorkKey::Master, WorkKey::Pin, WorkKey::Mac, WorkKey::Track];
    frozen(&keys.map(Refusal::CheckValue), "0B000B010B020B03");
    frozen(&Reply::Refused(Refusal::Locked { wait_ms: 60_000 }), "050CE0D403");
    frozen(&Reply::Refused(Refusal::WrongCode { left: 4 }), "050D04");
    frozen(&[Refusal::Wiped, Refusal::Data, Refusal::Cancelled, Refusal::TimedOut], "0E0F1011");
    frozen(&Refusal::Fault(Device::Swipe), "0507");
}

#[test]
fn notices() {
    frozen(
        &ToHost::Notice(Notice::Swipe { track2: Secret::new(b"4111111111111111=3012101").unwrap() }),
        "010518343131313131313131313131313131313D33303132313031",
    );
}
