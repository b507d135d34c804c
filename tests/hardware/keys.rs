//! Two implementations of a terminal's keys, software and bridge, held against each other.

use std::cell::RefCell;

use proptest::prelude::*;
use tilld::core::ports::{MacMethod, TerminalKeys};
use tilld::daemon::bridging::BridgeLine;
use tilld::daemon::pad::BridgeKeys;
use tilld::io::clock::Clock;
use tilld::io::serial::PortConfig;
use tilld::io::vault::SoftKeys;
use tilld::sim::bridge::BridgeSettings;

use crate::rig::{MASTER, folder, load_key};
use crate::sale::stand;

fn hex(text: &str) -> Vec<u8> {
    text.as_bytes().chunks(2).map(|p| u8::from_str_radix(std::str::from_utf8(p).unwrap(), 16).unwrap()).collect()
}

/// Sixteen-byte PIN, MAC and track keys under the master key.
const BLOCK: &str = "0AC9D63C50D2A03A3608E757C69595E7900ECCE32714CEED9065DDBEDB79220E900BC954F5EF4D384C555721128EF42B482EF01EB4BA66AF08D7B4FB";

#[test]
fn software_and_bridge_agree_on_every_mac_and_track() {
    let dir = folder("keys");
    let port = dir.join("bridge");
    let stand = stand(&port, &BridgeSettings::default());
    load_key(&port);
    let (sender, told) = std::sync::mpsc::channel();
    let line =
        BridgeLine::start(PortConfig::new(&port, 115_200), Clock::start(), move |_, t| drop(sender.send(t))).unwrap();
    told.recv_timeout(std::time::Duration::from_secs(10)).unwrap();
    let mut pad = BridgeKeys::new(line.clone());
    let mut soft = SoftKeys::new(hex(MASTER).try_into().unwrap());
    assert_eq!(pad.mac(MacMethod::Ecb, b"x"), Err(tilld::core::ports::KeyError::NoWorkKeys));
    for keys in [&mut pad as &mut dyn TerminalKeys, &mut soft] {
        keys.load_work_keys(&hex(BLOCK)).unwrap();
        assert!(keys.ready());
        assert_eq!(keys.master_key_len(), 16);
        assert_eq!(keys.load_work_keys(&hex(BLOCK)[..23]), Err(tilld::core::ports::KeyError::BlockLength(23)));
        let mut wrong = hex(BLOCK);
        wrong[25] ^= 1;
        assert_eq!(keys.load_work_keys(&wrong), Err(tilld::core::ports::KeyError::CheckValue("MAC key")));
    }
    let (pad_cell, soft_cell) = (RefCell::new(pad), RefCell::new(soft));
    let config = ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(data in prop::collection::vec(any::<u8>(), 0..1_200), blocks in 0_usize..60)| {
        let (pad, soft) = (&mut *pad_cell.borrow_mut(), &mut *soft_cell.borrow_mut());
        for method in [MacMethod::Ecb, MacMethod::Cbc] {
            let mac = soft.mac(method, &data).unwrap();
            prop_assert_eq!(pad.mac(method, &data).unwrap(), mac);
            prop_assert!(pad.verify_mac(method, &data, &mac).unwrap());
            let mut wrong = mac;
            wrong[3] ^= 1;
            prop_assert!(!pad.verify_mac(method, &data, &wrong).unwrap());
        }
        let track: Vec<u8> = data.iter().copied().cycle().take(if data.is_empty() { 0 } else { blocks * 8 }).collect();
        prop_assert_eq!(pad.encrypt_track(&track).unwrap(), soft.encrypt_track(&track).unwrap());
    });
    let mut pad = pad_cell.into_inner();
    pad.clear();
    assert!(!pad.ready());
    drop(stand);
    // A pad that is gone says so, in time.
    let error = pad.mac(MacMethod::Ecb, b"x").unwrap_err();
    assert!(matches!(error, tilld::core::ports::KeyError::Device(_)), "{error:?}");
    line.stop();
    std::fs::remove_dir_all(&dir).unwrap();
}
