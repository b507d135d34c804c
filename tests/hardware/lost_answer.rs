//! A PIN pad whose answer about its keys is lost, or comes too late: the pad is there all the same, and nobody pulls its cable for it.

use std::sync::mpsc;
use std::time::Duration;

use tilld::daemon::bridging::{BridgeLine, PadState, Told};
use tilld::io::clock::Clock;
use tilld::io::serial::PortConfig;
use tilld::sim::pty::{Device, Stand};
use tilld_bridge::link::{Incoming, Link, Timing, body_of};
use tilld_bridge::wire::{Aside, CAP_KEYS, KeyState, Kind, MAX_WIRE, Reply, Request, ToBridge, ToHost, Welcome};

use crate::rig::folder;

/// A pad that answers one of the requests for its keys, and none of the others.
struct Pad {
    link: Link<4>,
    clock: Clock,
    /// Which one it answers, and how long after it.
    answers: (u32, u64),
    asked: u32,
    /// The number of the request that it answers, and when.
    due: Option<(u16, u64)>,
    beat: u64,
}

impl Pad {
    fn feed(&mut self, byte: u8, now: u64) {
        match self.link.feed(byte, now, true) {
            Some(Incoming::Hello { session, hello }) => {
                let version = hello.current;
                let welcome = Welcome { min: 1, current: version, chosen: version, capabilities: CAP_KEYS };
                self.link.begin(session, version, now);
                self.link.greet(Kind::Welcome, session, &body_of(&welcome).unwrap());
            }
            Some(Incoming::Message(body)) => {
                let ToBridge { id, request } = postcard::from_bytes(body).unwrap();
                assert_eq!(request, Request::KeyState);
                self.asked += 1;
                if self.asked == self.answers.0 {
                    self.due = Some((id, now + self.answers.1));
                }
            }
            _ => {}
        }
    }
}

impl Device for Pad {
    fn receive(&mut self, bytes: &[u8]) {
        let now = self.clock.now().mono.0;
        for byte in bytes {
            self.feed(*byte, now);
        }
    }

    fn take_output(&mut self) -> Vec<u8> {
        let now = self.clock.now().mono.0;
        if let Some((id, _)) = self.due.take_if(|(_, at)| now >= *at) {
            let keys = KeyState { master_len: 16, ..KeyState::default() };
            assert!(self.link.send(body_of(&ToHost::Answer { id, reply: Reply::Keys(keys) }).unwrap()));
        }
        if now >= self.beat {
            self.beat = now + Timing::USUAL.beat_ms;
            self.link.aside(body_of(&Aside::Beat { uptime_ms: now }).unwrap());
        }
        let (mut said, mut out) = (Vec::new(), [0; MAX_WIRE]);
        while let n @ 1.. = self.link.transmit(now, &mut out) {
            said.extend(&out[..n]);
        }
        said
    }

    fn working(&self) -> bool {
        true
    }
}

#[test]
fn a_pin_pad_whose_answer_about_its_keys_is_lost_or_late_is_there_all_the_same() {
    let dir = folder("lost-answer");
    for (name, answers) in [("lost", (2, 0)), ("late", (1, 2_500))] {
        let port = dir.join(name);
        let clock = Clock::start();
        let pad = Pad { link: Link::new(Timing::USUAL), clock, answers, asked: 0, due: None, beat: 0 };
        let stand = Stand::start(pad, &port).unwrap();
        let (sender, told) = mpsc::channel();
        let line = BridgeLine::start(PortConfig::new(&port, 115_200), clock, move |_, t| drop(sender.send(t))).unwrap();
        assert_eq!(told.recv_timeout(Duration::from_secs(8)), Ok(Told::Up), "{name}");
        assert_eq!(*line.pad().borrow(), PadState::Ready, "{name}");
        assert!(stand.with(|pad| pad.asked) <= 2, "{name}: not asked again and again");
        line.stop();
    }
    std::fs::remove_dir_all(&dir).unwrap();
}
