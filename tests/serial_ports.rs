//! The serial supervisor on ptys: opened by a stable name, lost, found again, stalled, stopped.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use tilld::core::device::msr::{MsrDecoder, SwipeEvent};
use tilld::core::device::scanner::{CodeKind, ScanEvent, ScannerDecoder, Trigger};
use tilld::io::serial::{MonoMs, PortConfig, PortEvent, PortHandle, PortState, SendError};
use tilld::sim::msr::MsrStand;
use tilld::sim::pty::{Device, Stand};
use tilld::sim::scanner::{ScannerSettings, ScannerStand};

const LONG: Duration = Duration::from_secs(10);

struct Dir(PathBuf);

impl Dir {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("tilld-serial-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let dir = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }

    fn link(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn clock() -> MonoMs {
    let start = Instant::now();
    Arc::new(move || u64::try_from(start.elapsed().as_millis()).unwrap())
}

fn config(path: &Path) -> PortConfig {
    let mut c = PortConfig::new(path, 115_200);
    c.reopen_min = Duration::from_millis(5);
    c.reopen_max = Duration::from_millis(20);
    c.write_timeout = Duration::from_millis(50);
    c
}

fn start(config: PortConfig) -> (PortHandle, Receiver<PortEvent>) {
    let (tell, events) = channel();
    let port = PortHandle::start(config, clock(), move |e| drop(tell.send(e))).unwrap();
    (port, events)
}

fn next(events: &Receiver<PortEvent>) -> PortEvent {
    events.recv_timeout(LONG).unwrap()
}

/// Waits for the event that fits; others before it are passed over.
fn wait_for(events: &Receiver<PortEvent>, fits: impl Fn(&PortEvent) -> bool) -> PortEvent {
    loop {
        let e = next(events);
        if fits(&e) {
            return e;
        }
    }
}

fn opened(events: &Receiver<PortEvent>) -> u64 {
    match wait_for(events, |e| matches!(e, PortEvent::Opened { .. })) {
        PortEvent::Opened { epoch } => epoch,
        _ => unreachable!(),
    }
}

/// Takes bytes or not, as told; keeps them.
#[derive(Default)]
struct Sink {
    deaf: bool,
    got: Vec<u8>,
    say: Vec<u8>,
}

impl Device for Sink {
    fn room(&self) -> usize {
        if self.deaf { 0 } else { 4096 }
    }
    fn receive(&mut self, bytes: &[u8]) {
        self.got.extend(bytes);
    }
    fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.say)
    }
}

#[test]
fn bytes_go_both_ways_and_every_value_passes() {
    let dir = Dir::new();
    let stand = Stand::start(Sink::default(), &dir.link("port")).unwrap();
    let (port, events) = start(config(&dir.link("port")));
    opened(&events);
    let all: Vec<u8> = (0..=255).collect();
    port.send(all.clone()).unwrap();
    assert_eq!(wait_for(&events, |e| matches!(e, PortEvent::Written { .. })), PortEvent::Written { len: 256 });
    stand.with(|s| s.say.extend(0..=255u8));
    let mut heard = Vec::new();
    while heard.len() < 256 {
        if let PortEvent::Bytes { data, .. } = next(&events) {
            heard.extend_from_slice(&data);
        }
    }
    assert_eq!(heard, all);
    let end = Instant::now() + LONG;
    while stand.with(|s| s.got.len()) < 256 && Instant::now() < end {
        std::thread::yield_now();
    }
    assert_eq!(stand.with(|s| s.got.clone()), all);
    assert_eq!(port.state(), PortState::Open);
    port.stop();
}

#[test]
fn an_idle_port_sleeps() {
    let dir = Dir::new();
    let _stand = Stand::start(Sink::default(), &dir.link("port")).unwrap();
    let (port, events) = start(config(&dir.link("port")));
    opened(&events);
    let before = port.counters().wakeups;
    std::thread::sleep(Duration::from_millis(300));
    assert!(port.counters().wakeups <= before + 1, "{:?}", port.counters());
    port.stop();
}

#[test]
fn unplugged_and_plugged_in_again_a_hundred_times_under_the_same_name() {
    let dir = Dir::new();
    let link = dir.link("printer-front");
    let stand = Stand::start(Sink::default(), &link).unwrap();
    let (port, events) = start(config(&link));
    for round in 1..=100 {
        assert_eq!(opened(&events), round);
        port.send(format!("hello {round}").into_bytes()).unwrap();
        wait_for(&events, |e| matches!(e, PortEvent::Written { .. }));
        stand.unplug();
        wait_for(&events, |e| matches!(e, PortEvent::Lost { .. }));
        assert_eq!(port.send(vec![1]), Err(SendError::NotOpen));
        assert!(matches!(port.state(), PortState::Closed(_)));
        stand.plug().unwrap();
    }
    opened(&events);
    let c = port.counters();
    assert_eq!((c.opened, c.lost), (101, 100));
    port.stop();
}

#[test]
fn what_was_meant_for_the_port_before_does_not_come_out_of_the_one_after() {
    let dir = Dir::new();
    let stand = Stand::start(Sink::default(), &dir.link("port")).unwrap();
    let (port, events) = start(config(&dir.link("port")));
    let first = opened(&events);
    stand.unplug();
    wait_for(&events, |e| matches!(e, PortEvent::Lost { .. }));
    stand.plug().unwrap();
    let second = opened(&events);
    assert_eq!(port.send_in(first, b"old".to_vec()), Err(SendError::NotOpen));
    assert_eq!(port.send_in(second, b"new".to_vec()), Ok(()));
    assert_eq!(port.counters().refused, 1);
    port.stop();
}

#[test]
fn a_stalled_reader_is_said_once_bounds_hold_and_it_goes_on_afterwards() {
    let dir = Dir::new();
    let stand = Stand::start(Sink { deaf: true, ..Sink::default() }, &dir.link("port")).unwrap();
    let (port, events) = start(config(&dir.link("port")));
    opened(&events);
    let job: Vec<u8> = (0..60_000u32).map(|i| (i % 251) as u8).collect();
    port.send(job.clone()).unwrap();
    assert_eq!(port.send(vec![0; 10_000]), Err(SendError::Full));
    let PortEvent::WriteStalled { pending } = next(&events) else { panic!() };
    assert!((1..60_000).contains(&pending), "{pending}");
    assert!(events.recv_timeout(Duration::from_millis(200)).is_err(), "said once");
    stand.with(|s| s.deaf = false);
    assert_eq!(wait_for(&events, |e| matches!(e, PortEvent::Written { .. })), PortEvent::Written { len: 60_000 });
    let end = Instant::now() + LONG;
    while stand.with(|s| s.got.len()) < job.len() && Instant::now() < end {
        std::thread::yield_now();
    }
    assert!(stand.with(|s| s.got == job));
    port.stop();
}

#[test]
fn stopping_does_not_wait_for_a_stalled_printer() {
    let dir = Dir::new();
    let _stand = Stand::start(Sink { deaf: true, ..Sink::default() }, &dir.link("port")).unwrap();
    let (port, events) = start(config(&dir.link("port")));
    opened(&events);
    port.send(vec![7; 60_000]).unwrap();
    wait_for(&events, |e| matches!(e, PortEvent::WriteStalled { .. }));
    let (tell, stopped) = channel();
    std::thread::spawn(move || {
        port.stop();
        tell.send(()).unwrap();
    });
    stopped.recv_timeout(LONG).unwrap();
}

#[test]
fn discarding_lets_new_bytes_through() {
    let dir = Dir::new();
    let stand = Stand::start(Sink { deaf: true, ..Sink::default() }, &dir.link("port")).unwrap();
    let (port, events) = start(config(&dir.link("port")));
    opened(&events);
    port.send(vec![7; 60_000]).unwrap();
    wait_for(&events, |e| matches!(e, PortEvent::WriteStalled { .. }));
    port.discard();
    stand.with(|s| s.deaf = false);
    let end = Instant::now() + LONG;
    while port.send(vec![8; 60_000]).is_err() && Instant::now() < end {
        std::thread::yield_now();
    }
    assert_eq!(wait_for(&events, |e| matches!(e, PortEvent::Written { .. })), PortEvent::Written { len: 60_000 });
    port.stop();
}

#[test]
fn two_do_not_share_a_port_and_what_is_wrong_is_said() {
    let dir = Dir::new();
    let link = dir.link("port");
    let _stand = Stand::start(Sink::default(), &link).unwrap();
    let (first, events) = start(config(&link));
    opened(&events);
    let (second, _) = start(config(&link));
    let why = |port: &PortHandle, text: &str| {
        let end = Instant::now() + LONG;
        loop {
            let state = port.state();
            if matches!(&state, PortState::Closed(w) if w.contains(text)) {
                return;
            }
            assert!(Instant::now() < end, "{state:?}");
            std::thread::yield_now();
        }
    };
    why(&second, "in use by another program");
    let (absent, _) = start(config(&dir.link("absent")));
    why(&absent, "plugged in");
    std::fs::write(dir.link("file"), "x").unwrap();
    let (file, _) = start(config(&dir.link("file")));
    why(&file, "not a serial port");
    let mut odd = config(&link);
    odd.baud = 12_345;
    assert!(PortHandle::start(odd, clock(), |_| ()).unwrap_err().to_string().contains("12345"));
    [first, second, absent, file].into_iter().for_each(PortHandle::stop);
}

#[test]
fn a_file_descriptor_that_stays_open_elsewhere_does_not_hide_the_loss() {
    let dir = Dir::new();
    let stand = Stand::start(Sink::default(), &dir.link("port")).unwrap();
    let (port, events) = start(config(&dir.link("port")));
    opened(&events);
    let _other: OwnedFd = std::fs::File::open(dir.link("port")).unwrap().into();
    stand.unplug();
    wait_for(&events, |e| matches!(e, PortEvent::Lost { .. }));
    port.stop();
}

#[test]
fn a_scanner_is_triggered_and_read() {
    let dir = Dir::new();
    for trigger in [Trigger::Honeywell, Trigger::Newland] {
        let link = dir.link("scanner");
        let settings = ScannerSettings { aim: true, crlf: true, needs_trigger: true };
        let stand = ScannerStand::start(&link, settings).unwrap();
        let (port, events) = start(config(&link));
        opened(&events);
        stand.scan("134567890123456789");
        port.send(trigger.on().to_vec()).unwrap();
        let mut decoder = ScannerDecoder::default();
        let scan = loop {
            if let PortEvent::Bytes { at_mono, data } = next(&events)
                && let Some(ScanEvent::Code(scan)) = decoder.feed(at_mono, &data).pop()
            {
                break scan;
            }
        };
        assert_eq!((scan.code.expose(), scan.kind), ("134567890123456789", CodeKind::WeChat));
        assert_eq!(scan.symbology, Some(*b"Q1"));
        port.send(trigger.off().to_vec()).unwrap();
        let end = Instant::now() + LONG;
        while stand.triggers() != (1, 1) && Instant::now() < end {
            std::thread::yield_now();
        }
        assert_eq!((stand.triggers(), stand.unknown(), stand.lit()), ((1, 1), 0, false));
        port.stop();
    }
}

#[test]
fn a_card_is_swiped() {
    let dir = Dir::new();
    let stand = MsrStand::start(&dir.link("msr"), true).unwrap();
    let (port, events) = start(config(&dir.link("msr")));
    opened(&events);
    stand.bad_swipe();
    stand.swipe("B4111111111111111^TEST^3012101", "4111111111111111=30121010000012300000");
    let mut decoder = MsrDecoder::default();
    let mut seen = Vec::new();
    while seen.len() < 2 {
        if let PortEvent::Bytes { at_mono, data } = next(&events) {
            seen.extend(decoder.feed(at_mono, &data));
        }
    }
    assert!(matches!(seen[0], SwipeEvent::Bad(_)));
    let SwipeEvent::Card(card) = &seen[1] else { panic!() };
    assert_eq!(card.track2.expose(), "4111111111111111=30121010000012300000");
    assert!(card.card.luhn_ok);
    port.stop();
}
