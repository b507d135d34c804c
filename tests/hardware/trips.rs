//! Round trips over a pty whose frames are spoiled, by the daemon's own thread: none is lost.

use tilld::daemon::bridging::{BridgeLine, Told};
use tilld::io::clock::Clock;
use tilld::io::serial::PortConfig;
use tilld::sim::bridge::BridgeSettings;
use tilld_bridge::wire::{Blob, MAX_CHUNK, Reply, Request};

use crate::rig::folder;
use crate::sale::stand;

/// `TILLD_BRIDGE_TRIPS=10000` for the whole proof.
fn trips() -> u32 {
    std::env::var("TILLD_BRIDGE_TRIPS").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000)
}

#[test]
fn round_trips_with_one_frame_in_a_hundred_spoiled_lose_nothing() {
    let dir = folder("trips");
    let port = dir.join("bridge");
    let stand = stand(&port, &BridgeSettings { spoil: 1, ..BridgeSettings::default() });
    let (sender, told) = std::sync::mpsc::channel();
    let line =
        BridgeLine::start(PortConfig::new(&port, 115_200), Clock::start(), move |_, t| drop(sender.send(t))).unwrap();
    while told.recv_timeout(std::time::Duration::from_secs(10)).unwrap() != Told::Up {}
    for n in 0..trips() {
        let len = 4 + (n as usize * 7) % (MAX_CHUNK - 3);
        let mut data = n.to_le_bytes().to_vec();
        data.extend((4..len).map(|i| (i as u32 ^ n) as u8));
        let blob = Blob::from_slice(&data).unwrap();
        assert_eq!(line.wait(vec![Request::Ping(blob.clone())], 9_000), Ok(Reply::Pong(blob)), "trip {n}");
    }
    let (to_bridge, to_host) = stand.spoiled();
    assert!(to_bridge > 0 && to_host > 0, "nothing was spoiled");
    assert!(line.shown().stats.resent > 0);
    assert!(!told.try_iter().any(|t| matches!(t, Told::Down(_))), "the session broke");
    line.stop();
    std::fs::remove_dir_all(&dir).unwrap();
}
