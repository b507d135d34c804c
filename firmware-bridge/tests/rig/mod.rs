//! A host and a bridge on one desk, with a line between them that can be spoiled, and a clock that is handed on.
#![allow(clippy::unwrap_used, clippy::panic, dead_code)]

use tilld_bridge::bridge::{About, Bench, Bridge, turn};
use tilld_bridge::host::{Event, Host};
use tilld_bridge::keys::Limits;
use tilld_bridge::link::Timing;
use tilld_bridge::store::Ram;
use tilld_bridge::wire::{Hello, MAX_WIRE, Reply, Request, Secret};

pub const ALL: u32 = 0x2FF;

pub fn about() -> About {
    About { name: "rig", version: "0", serial: "00003202", capabilities: ALL }
}

pub fn hex(text: &str) -> Vec<u8> {
    text.as_bytes().chunks(2).map(|p| u8::from_str_radix(std::str::from_utf8(p).unwrap(), 16).unwrap()).collect()
}

pub fn bench() -> Bench {
    Bench::new(Secret::new(b"6222021234567890128=30121010000012300000"), Secret::new(b"123456"))
}

/// What a line does with the bytes of one frame.
pub type Line = Box<dyn FnMut(&[u8]) -> Vec<u8>>;

pub struct Rig {
    pub host: Host,
    pub bridge: Bridge<Ram>,
    pub bench: Bench,
    pub now: u64,
    pub to_bridge: Line,
    pub to_host: Line,
    /// Everything the bridge ever said.
    pub said: Vec<u8>,
    pub plugged: bool,
}

impl Rig {
    pub fn new() -> Self {
        Self::speaking(Hello::ours(), Hello::ours(), Limits::default())
    }

    pub fn speaking(host: Hello, bridge: Hello, limits: Limits) -> Self {
        let timing = Timing::default();
        Self {
            host: Host::speaking(timing, 7, host),
            bridge: Bridge::speaking(about(), timing, limits, Ram::default(), bridge),
            bench: bench(),
            now: 0,
            to_bridge: Box::new(<[u8]>::to_vec),
            to_host: Box::new(<[u8]>::to_vec),
            said: Vec::new(),
            plugged: true,
        }
    }

    /// Power off and on: everything but the desk is new.
    pub fn restart_bridge(&mut self) {
        self.bridge = Bridge::new(about(), Timing::default(), Limits::default(), Ram::default());
    }

    /// One millisecond.
    pub fn tick(&mut self) {
        self.now += 1;
        let mut line = Vec::new();
        let mut out = [0; MAX_WIRE];
        loop {
            let n = self.host.transmit(self.now, &mut out);
            if n == 0 {
                break;
            }
            line.extend((self.to_bridge)(&out[..n]));
        }
        if !self.plugged {
            return;
        }
        let mut back = Vec::new();
        let Self { said, to_host, .. } = self;
        turn(&mut self.bridge, &mut self.bench, &line, self.now, |frame| {
            said.extend(frame);
            back.extend(to_host(frame));
        });
        self.host.push(&back, self.now);
    }

    /// Runs until `want` gives something of an event; everything else is dropped.
    pub fn until<T>(&mut self, within: u64, mut want: impl FnMut(Event) -> Option<T>) -> T {
        let end = self.now + within;
        loop {
            while let Some(event) = self.host.event() {
                if let Some(found) = want(event) {
                    return found;
                }
            }
            assert!(self.now < end, "not within {within} ms");
            self.tick();
        }
    }

    pub fn up(mut self) -> Self {
        self.until(1000, |e| matches!(e, Event::Up { .. }).then_some(()));
        self
    }

    pub fn ask(&mut self, request: Request) -> Reply {
        let id = self.host.send(request, 70_000, self.now).unwrap();
        self.until(70_001, |e| match e {
            Event::Answer { id: answered, reply } if answered == id => Some(reply),
            Event::Failed { id: failed, failure } if failed == id => panic!("{failure}"),
            _ => None,
        })
    }

    pub fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.host.event()).collect()
    }
}
