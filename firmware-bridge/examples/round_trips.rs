//! Round trips with a bridge over a serial line or pty, on a line that spoils: `round_trips PORT [TRIPS] [SPOILED-IN-100]`.
//!
//! First a sale's steps (keys in, MAC, armed reader, typed PIN, drawer), then so many pings of all lengths, each hundredth frame spoiled in
//! both directions. Exit code 0 only if every request was answered once, rightly, and the bridge's stack kept its bound.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};
use std::{env, thread};

use tilld_bridge::host::{Event, Host};
use tilld_bridge::link::Timing;
use tilld_bridge::wire::{
    Blob, CAP_SWIPE, Info, KeyState, MAX_CHUNK, MAX_WIRE, MacMethod, Mark, Notice, Reply, Request, Secret, Stats,
};

type Failed = Box<dyn std::error::Error>;

/// The bound that the bridge's stack shall keep, in bytes.
const STACK: u32 = 8 * 1024;
/// A test master key, its check value, and a block of work keys enciphered under it.
const MASTER: &str = "70F2A84CCBC2AE8625CBB0F2C22AB923";
const MASTER_CHECK: [u8; 4] = [0x47, 0xF8, 0x16, 0x83];
const BLOCK: &str = "0AC9D63C50D2A03A3608E757C69595E7900ECCE3023AB74DF98CFFA30000000000000000CFF1592A";
/// A frame and its MAC under that block's MAC key, computed with OpenSSL.
const FRAME: &str = concat!(
    "02003020048000C0801500000000000000123400000203009930303030303030313935323731383138323231373837353135360019",
    "2600000100060000000000435F01123238343431323334353637383930313233345F03063136303033365F04063230303832365C023031"
);
const FRAME_MAC: [u8; 8] = *b"0FB2CF18";
const PAN: &[u8] = b"6222021234567890128";
/// The PIN block of 123456 and that card number, computed with OpenSSL.
const PIN_BLOCK: [u8; 8] = [0x99, 0xF6, 0x99, 0x47, 0xA3, 0x43, 0x1A, 0x9F];

/// Turns a byte in the middle of each so-manieth frame that passes.
struct Spoiler {
    every: u32,
    frames: u32,
    at: usize,
    spoiled: u32,
}

impl Spoiler {
    fn new(in_100: u32) -> Self {
        Self { every: 100_u32.checked_div(in_100).unwrap_or(0), frames: 0, at: 0, spoiled: 0 }
    }

    fn pass(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            if *byte == 0 {
                self.frames += u32::from(self.at > 0);
                self.at = 0;
                continue;
            }
            self.at += 1;
            if self.every > 0 && self.at == 5 && (self.frames + 1).is_multiple_of(self.every) {
                // Another value, but no delimiter.
                *byte = if *byte == 0x55 { 0x56 } else { 0x55 };
                self.spoiled += 1;
            }
        }
    }
}

struct Desk {
    host: Host,
    port: File,
    heard: Receiver<Vec<u8>>,
    start: Instant,
    to_bridge: Spoiler,
    to_host: Spoiler,
}

impl Desk {
    fn open(path: &str) -> Result<Self, Failed> {
        let port = OpenOptions::new().read(true).write(true).open(path)?;
        let mut reading = port.try_clone()?;
        let (tell, heard) = channel();
        thread::spawn(move || {
            let mut buf = [0; 512];
            while let Ok(n @ 1..) = reading.read(&mut buf) {
                if tell.send(buf[..n].to_vec()).is_err() {
                    break;
                }
            }
        });
        let seed = u16::try_from(std::process::id() % 65_536)?;
        // An emulated core shares this machine with whatever else runs: it is not gone because it was not served for a while.
        let host = Host::new(Timing { silence_ms: 20_000, ..Timing::default() }, seed);
        Ok(Self { host, port, heard, start: Instant::now(), to_bridge: Spoiler::new(0), to_host: Spoiler::new(0) })
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Writes what is due, waits for bytes or the next deadline, and gives what has happened.
    fn turn(&mut self) -> Result<Vec<Event>, Failed> {
        let mut out = [0; MAX_WIRE];
        loop {
            let n = self.host.transmit(self.now(), &mut out);
            if n == 0 {
                break;
            }
            self.to_bridge.pass(&mut out[..n]);
            self.port.write_all(&out[..n])?;
        }
        let wait = self.host.deadline().saturating_sub(self.now()).clamp(1, 1000);
        match self.heard.recv_timeout(Duration::from_millis(wait)) {
            Ok(mut bytes) => {
                self.to_host.pass(&mut bytes);
                self.host.push(&bytes, self.now());
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err("the port is gone".into()),
        }
        self.host.tick(self.now());
        Ok(std::iter::from_fn(|| self.host.event()).collect())
    }

    fn until<T>(&mut self, what: &str, mut want: impl FnMut(Event) -> Option<T>) -> Result<T, Failed> {
        let end = self.now() + 10_000;
        while self.now() < end {
            for event in self.turn()? {
                if matches!(
                    event,
                    Event::Down(_) | Event::Failed { .. } | Event::Late { .. } | Event::Incompatible { .. }
                ) {
                    return Err(format!("{what}: {event:?}").into());
                }
                if let Some(found) = want(event) {
                    return Ok(found);
                }
            }
        }
        Err(format!("{what}: nothing within 10 s").into())
    }

    fn ask(&mut self, request: Request) -> Result<Reply, Failed> {
        let what = format!("{request:?}");
        let asked = self.host.send(request, 9_000, self.now())?;
        self.until(&what, |event| match event {
            Event::Answer { id, reply } if id == asked => Some(reply),
            _ => None,
        })
    }

    fn expect(&mut self, request: Request, reply: &Reply) -> Result<(), Failed> {
        let what = format!("{request:?}");
        let got = self.ask(request)?;
        if got == *reply { Ok(()) } else { Err(format!("{what}: {got:?}, expected {reply:?}").into()) }
    }

    fn stats(&mut self) -> Result<Stats, Failed> {
        match self.ask(Request::Stats)? {
            Reply::Stats(stats) => Ok(stats),
            other => Err(format!("{other:?}").into()),
        }
    }
}

fn hex(text: &str) -> Result<Vec<u8>, Failed> {
    let pairs = text.as_bytes().chunks(2).map(|p| Ok(u8::from_str_radix(std::str::from_utf8(p)?, 16)?));
    pairs.collect()
}

fn blob(bytes: &[u8]) -> Result<Blob, Failed> {
    Ok(Blob::from_slice(bytes).map_err(|_| "too long for a message")?)
}

/// The steps of a sale, with keys that only the bridge holds.
fn sale(desk: &mut Desk) -> Result<(), Failed> {
    let state = desk.ask(Request::KeyState)?;
    if matches!(state, Reply::Keys(KeyState { master_len: 0, .. })) {
        let key = Secret::new(&hex(MASTER)?).ok_or("key")?;
        let code = Secret::new(b"2468").ok_or("code")?;
        desk.expect(Request::LoadMaster { key, check: MASTER_CHECK, code }, &Reply::Done)?;
    }
    let block = heapless::Vec::from_slice(&hex(BLOCK)?).map_err(|_| "block")?;
    desk.expect(Request::LoadWork { block }, &Reply::Done)?;
    let frame = hex(FRAME)?;
    let (front, back) = frame.split_at(40);
    let piece =
        |offset, last, data| Ok::<_, Failed>(Request::Mac { method: MacMethod::Ecb, offset, last, data: blob(data)? });
    desk.expect(piece(0, false, front)?, &Reply::Done)?;
    desk.expect(piece(40, true, back)?, &Reply::Mac(FRAME_MAC))?;
    if desk.host.capabilities().is_some_and(|has| has & CAP_SWIPE != 0) {
        desk.expect(Request::ArmReader { seconds: 5 }, &Reply::Done)?;
        desk.until("a swipe", |e| matches!(e, Event::Notice(Notice::Swipe { .. })).then_some(()))?;
        let pan = Secret::new(PAN).ok_or("card number")?;
        desk.expect(Request::EnterPin { pan, seconds: 5 }, &Reply::PinBlock(PIN_BLOCK))?;
    }
    desk.expect(Request::Drawer { drawer: 0, pulse_ms: 50 }, &Reply::Done)?;
    desk.expect(Request::Beep { times: 1, on_ms: 50, off_ms: 50 }, &Reply::Done)?;
    let mark = Mark { tid: *b"12345678", sequence: 1, batch: 1, stan: 1 };
    desk.expect(Request::PutMark(mark), &Reply::Done)?;
    desk.expect(Request::ReadMark { tid: mark.tid }, &Reply::Mark(Some(mark)))
}

fn main() -> Result<(), Failed> {
    let mut args = env::args().skip(1);
    let path = args.next().ok_or("round_trips PORT [TRIPS] [SPOILED-IN-100]")?;
    let trips: u32 = args.next().map_or(Ok(10_000), |n| n.parse())?;
    let in_100: u32 = args.next().map_or(Ok(1), |n| n.parse())?;
    let mut out = io::stdout().lock();
    let mut desk = Desk::open(&path)?;
    let version = desk.until("hello", |e| match e {
        Event::Up { version, .. } => Some(version),
        _ => None,
    })?;
    let Reply::Info(Info { name, version: program, .. }) = desk.ask(Request::Info)? else {
        return Err("no info".into());
    };
    writeln!(out, "{name} {program}, protocol {version}")?;
    sale(&mut desk)?;
    writeln!(out, "a sale's steps: keys, MAC, card, PIN, drawer, mark: right")?;
    (desk.to_bridge, desk.to_host) = (Spoiler::new(in_100), Spoiler::new(in_100));
    let began = Instant::now();
    for n in 0..trips {
        let len = 4 + (n as usize * 7) % (MAX_CHUNK - 3);
        let mut data = n.to_le_bytes().to_vec();
        data.extend((4..len).map(|i| (i as u32 ^ n) as u8));
        let data = blob(&data)?;
        desk.expect(Request::Ping(data.clone()), &Reply::Pong(data))?;
    }
    let took = began.elapsed();
    let spoiled = (desk.to_bridge.spoiled, desk.to_host.spoiled);
    (desk.to_bridge, desk.to_host) = (Spoiler::new(0), Spoiler::new(0));
    let (bridge, host) = (desk.stats()?, desk.host.stats());
    writeln!(
        out,
        "{trips} round trips in {} ms, none lost; spoiled {} frames to the bridge and {} from it; sent again {} and {}",
        took.as_millis(),
        spoiled.0,
        spoiled.1,
        host.resent,
        bridge.resent
    )?;
    writeln!(out, "stack: {} bytes at the deepest", bridge.stack_peak)?;
    if bridge.stack_peak > STACK {
        return Err(format!("the stack went deeper than {STACK} bytes").into());
    }
    if bridge.lost + host.lost + bridge.not_understood + host.not_understood > 0 {
        return Err(format!("lost or not understood: {bridge:?} {host:?}").into());
    }
    Ok(())
}
