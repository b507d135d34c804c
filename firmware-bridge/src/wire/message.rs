//! The messages. Each enum is written by postcard as its variant's number and its fields: append only, never reorder, never
//! change a field. What is appended gets a new version in [`Request::since`] (and a frozen file in `tests/`).

use heapless::{String, Vec};
use serde::{Deserialize, Serialize};

use super::Secret;

/// The longest piece of data in one message, in bytes; what is longer goes in several.
pub const MAX_CHUNK: usize = 192;

/// Bytes without meaning to the wire.
pub type Blob = Vec<u8, MAX_CHUNK>;
/// One line for the customer display, GB18030.
pub type Text = Vec<u8, 40>;
/// A set of `CAP_*` bits.
pub type Capabilities = u32;

/// A cash drawer can be opened.
pub const CAP_DRAWER: Capabilities = 1;
/// A buzzer.
pub const CAP_BUZZER: Capabilities = 1 << 1;
/// Lamps.
pub const CAP_LEDS: Capabilities = 1 << 2;
/// A customer display.
pub const CAP_DISPLAY: Capabilities = 1 << 3;
/// A contactless card reader.
pub const CAP_CARD: Capabilities = 1 << 4;
/// A keypad.
pub const CAP_KEYPAD: Capabilities = 1 << 5;
/// Storage for the mark.
pub const CAP_MARK: Capabilities = 1 << 6;

/// Version 2: it holds a terminal's keys.
pub const CAP_KEYS: Capabilities = 1 << 7;
/// Version 2: it makes PIN blocks of PINs that the host hands in. Rigs and benches only: a PIN belongs on the keypad.
pub const CAP_HOST_PIN: Capabilities = 1 << 8;
/// Version 2: it reads magnetic stripes.
pub const CAP_SWIPE: Capabilities = 1 << 9;

/// A request with the number that its answer will carry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToBridge {
    /// Chosen by the host; unique among the requests without an answer.
    pub id: u16,
    /// What is asked.
    pub request: Request,
}

/// What the host asks of the bridge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Send these bytes back.
    Ping(Blob),
    /// Who are you?
    Info,
    /// Counters since power-on.
    Stats,
    /// Open a cash drawer 开钱箱.
    Drawer {
        /// Which, from 0.
        drawer: u8,
        /// How long the coil is driven, in milliseconds.
        pulse_ms: u16,
    },
    /// Sound the buzzer.
    Beep {
        /// How often.
        times: u8,
        /// Milliseconds of sound.
        on_ms: u16,
        /// Milliseconds between sounds.
        off_ms: u16,
    },
    /// Set lamps.
    Leds {
        /// Which lamps are meant, a bit each.
        mask: u8,
        /// Which of them are on.
        on: u8,
    },
    /// Write a line of the customer display; the rest of the line becomes blank.
    Display {
        /// From 0.
        row: u8,
        /// GB18030.
        text: Text,
    },
    /// Look for a card for so many seconds; 0 stops looking. To look ends a PIN entry that is under way, as [`Request::EnterPin`] does.
    ArmReader {
        /// Seconds.
        seconds: u8,
    },
    /// Report keys, or stop doing so.
    Keypad {
        /// Whether.
        report: bool,
    },
    /// The mark of a terminal.
    ReadMark {
        /// Terminal id, ASCII.
        tid: [u8; 8],
    },
    /// Raise a terminal's mark.
    PutMark(Mark),
    /// Version 2. The state of the keys.
    KeyState,
    /// Version 2. Inject the master key 主密钥, in the clear: on the bench, over a line that nobody else hears.
    LoadMaster {
        /// 8 or 16 bytes.
        key: Secret<16>,
        /// The first four bytes of eight zeros enciphered with it.
        check: [u8; 4],
        /// The injection code: set by the first injection, asked for by every later one.
        code: Secret<16>,
    },
    /// Version 2. Load work keys 工作密钥, enciphered under the master key: field 62 of a sign-on answer as it came.
    LoadWork {
        /// 24, 40, 56, 60 or 84 bytes.
        block: Vec<u8, 96>,
    },
    /// Version 2. Forget the work keys.
    ClearWork,
    /// Version 2. A piece of what a MAC is computed over. A piece at offset 0 begins anew; the last is answered with the MAC.
    Mac {
        /// How.
        method: MacMethod,
        /// Where this piece stands; must be where the last one ended.
        offset: u32,
        /// Whether it is the last.
        last: bool,
        /// The piece.
        data: Blob,
    },
    /// Version 2. Let the customer type a PIN on the keypad; answered with the PIN block, format 0, enciphered under the PIN key. Of two the
    /// younger takes over, and the one under way is refused as [`Refusal::Cancelled`]; an older bridge refuses the younger as [`Refusal::Busy`].
    EnterPin {
        /// The card number, digits as ASCII.
        pan: Secret<19>,
        /// How long to wait.
        seconds: u8,
    },
    /// Version 2, only with [`CAP_HOST_PIN`]. The PIN block of a PIN that the host has.
    PinBlock {
        /// The PIN, digits as ASCII.
        pin: Secret<12>,
        /// The card number, digits as ASCII.
        pan: Secret<19>,
    },
    /// Version 2. Encipher track data under the track key.
    Track {
        /// A multiple of eight bytes.
        data: Secret<MAX_CHUNK>,
    },
}

/// How a MAC is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MacMethod {
    /// UnionPay POS: XOR of all blocks, as upper-case hex, enciphered half by half; the first eight hex characters of the result.
    Ecb,
    /// CBC over the zero-padded blocks from a zero vector; the last block.
    Cbc,
}

impl Stats {
    /// Nothing counted yet.
    pub const ZERO: Self =
        Self { uptime_ms: 0, frames: 0, spoiled: 0, repeated: 0, resent: 0, not_understood: 0, lost: 0, stack_peak: 0 };
}

impl Request {
    /// The first protocol version that has this request.
    #[must_use]
    pub const fn since(&self) -> u8 {
        match self {
            Self::Ping(_)
            | Self::Info
            | Self::Stats
            | Self::Drawer { .. }
            | Self::Beep { .. }
            | Self::Leds { .. }
            | Self::Display { .. }
            | Self::ArmReader { .. }
            | Self::Keypad { .. }
            | Self::ReadMark { .. }
            | Self::PutMark(_) => 1,
            Self::KeyState
            | Self::LoadMaster { .. }
            | Self::LoadWork { .. }
            | Self::ClearWork
            | Self::Mac { .. }
            | Self::EnterPin { .. }
            | Self::PinBlock { .. }
            | Self::Track { .. } => 2,
        }
    }
}

/// The high-water mark of one terminal: a database behind it is an old copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Terminal id, ASCII.
    pub tid: [u8; 8],
    /// The highest journal sequence. Never goes down.
    pub sequence: u64,
    /// The batch number at that sequence 批次号.
    pub batch: u32,
    /// The STAN at that sequence 流水号 (it wraps, so that only the sequence decides).
    pub stan: u32,
}

/// What the bridge sends by itself or in answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToHost {
    /// The answer to a request.
    Answer {
        /// The request's number.
        id: u16,
        /// The answer.
        reply: Reply,
    },
    /// Something happened.
    Notice(Notice),
}

/// Answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// Done.
    Done,
    /// The bytes of the ping.
    Pong(Blob),
    /// Who I am.
    Info(Info),
    /// Counters.
    Stats(Stats),
    /// The mark, if there is one.
    Mark(Option<Mark>),
    /// Not done, and why.
    Refused(Refusal),
    /// Version 2. The state of the keys.
    Keys(KeyState),
    /// Version 2. The eight bytes of field 64.
    Mac([u8; 8]),
    /// Version 2. The enciphered PIN block.
    PinBlock([u8; 8]),
    /// Version 2. The customer confirmed without a PIN 无密码直接确认.
    NoPin,
    /// Version 2. What was enciphered.
    Cipher(Blob),
}

/// Which keys there are. Nothing here tells anything of a key but its length and the check value that its custodian knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct KeyState {
    /// Bytes of the master key: 8 or 16; 0 if there is none.
    pub master_len: u8,
    /// The master key's check value; zeros if there is none.
    pub master_check: [u8; 4],
    /// Whether PIN and MAC keys are loaded.
    pub work: bool,
    /// Whether a track key is loaded.
    pub track: bool,
    /// How many wrong injection codes are left before everything is wiped.
    pub tries_left: u8,
}

/// Who a bridge is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Info {
    /// The board or program.
    pub name: String<24>,
    /// Its version.
    pub version: String<16>,
    /// Its serial number.
    pub serial: String<16>,
    /// What it has.
    pub capabilities: Capabilities,
}

/// Counters since power-on; they wrap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Stats {
    /// Milliseconds since power-on.
    pub uptime_ms: u64,
    /// Sound frames.
    pub frames: u32,
    /// Bytes that were no frame (check sum, COBS, length), counted by delimiter.
    pub spoiled: u32,
    /// Data frames that had been delivered before.
    pub repeated: u32,
    /// Data frames sent again.
    pub resent: u32,
    /// Bodies that could not be read.
    pub not_understood: u32,
    /// Notices and log lines that found no room.
    pub lost: u32,
    /// The deepest the stack has been, in bytes; 0 where it is not measured.
    pub stack_peak: u32,
}

/// Why something was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// The request could not be read: another version, or a fault.
    NotUnderstood,
    /// This bridge has no such thing.
    NotHere,
    /// Still doing something else.
    Busy,
    /// A value outside its limits.
    OutOfRange,
    /// Try again after so many milliseconds (a coil cools down).
    TooSoon {
        /// Milliseconds.
        wait_ms: u32,
    },
    /// The device does not do what it is told.
    Fault(Device),
    /// The stored mark is higher: this journal sequence.
    MarkBehind {
        /// The sequence stored.
        stored: u64,
    },
    /// The storage failed or is full.
    Storage,
    /// Version 2. No master key: inject one.
    NoMaster,
    /// Version 2. No such work key: sign on first.
    NoWork,
    /// Version 2. A key or key block of a length that no known form has.
    Length(u8),
    /// Version 2. A key does not match its check value.
    CheckValue(WorkKey),
    /// Version 2. Too many in too short a time, or too many wrong ones: try again after so many milliseconds.
    Locked {
        /// Milliseconds.
        wait_ms: u32,
    },
    /// Version 2. Not the injection code.
    WrongCode {
        /// How many tries are left.
        left: u8,
    },
    /// Version 2. The last wrong injection code: all keys are gone, the code too.
    Wiped,
    /// Version 2. A PIN, card number or block that cannot be enciphered, or a piece out of its place.
    Data,
    /// Version 2. The customer cancelled 取消, or typed too short a PIN too often; or a younger payment took over.
    Cancelled,
    /// Version 2. Nobody typed.
    TimedOut,
}

/// The keys of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum WorkKey {
    /// TMK 主密钥.
    Master,
    /// PIK.
    Pin,
    /// MAK.
    Mac,
    /// TDK.
    Track,
}

/// The bridge's devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Device {
    /// Cash drawer.
    Drawer,
    /// Buzzer.
    Buzzer,
    /// Lamps.
    Leds,
    /// Customer display.
    Display,
    /// Card reader.
    Card,
    /// Keypad.
    Keypad,
    /// Storage.
    Storage,
    /// Version 2. Magnetic-stripe reader.
    Swipe,
}

/// What happens without being asked. Delivered once and in order, as answers are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notice {
    /// A key was pressed.
    Key(Key),
    /// A card lies on the reader.
    Card {
        /// Its identifier: 4, 7 or 10 bytes.
        uid: Vec<u8, 10>,
        /// SENS_RES.
        atqa: u16,
        /// SEL_RES.
        sak: u8,
    },
    /// The reader was armed and no card came.
    NoCard,
    /// A drawer was opened or shut.
    DrawerOpen {
        /// Which, from 0.
        drawer: u8,
        /// Whether it is open now.
        open: bool,
    },
    /// A device stopped working.
    Fault(Device),
    /// Version 2. A card was swiped while the reader was armed.
    Swipe {
        /// Track 2 without sentinels, ASCII.
        track2: Secret<40>,
    },
}

impl Notice {
    /// The first protocol version that has this notice; to an older host it is not said.
    #[must_use]
    pub const fn since(&self) -> u8 {
        match self {
            Self::Key(_) | Self::Card { .. } | Self::NoCard | Self::DrawerOpen { .. } | Self::Fault(_) => 1,
            Self::Swipe { .. } => 2,
        }
    }
}

/// A key of the keypad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Key {
    /// 0 to 9.
    Digit(u8),
    /// Confirm 确认.
    Enter,
    /// Correct 更正.
    Clear,
    /// Cancel 取消.
    Cancel,
    /// A function key, from 0.
    Function(u8),
}

/// What may be lost: not repeated, not acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Aside {
    /// I am here.
    Beat {
        /// Milliseconds since power-on or start.
        uptime_ms: u64,
    },
    /// A line for the log.
    Log {
        /// How grave.
        level: Level,
        /// Counts every line ever logged, so that the lost ones are seen.
        number: u32,
        /// The line, at most 80 bytes of UTF-8.
        line: String<80>,
    },
}

/// How grave a log line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Level {
    /// Something is broken.
    Error,
    /// Something is odd.
    Warn,
    /// Something happened.
    Info,
    /// For the bench.
    Debug,
}

/// Why a frame was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NakReason {
    /// It was no sound frame: send again.
    Spoiled = 1,
    /// No room at the moment: send again later.
    Busy = 2,
    /// I know no such session: say hello.
    NoSession = 3,
    /// Not the sequence number or version that I expect.
    Unexpected = 4,
}

impl NakReason {
    /// The reason of a nak's body.
    #[must_use]
    pub fn of(body: &[u8]) -> Option<Self> {
        Some(match body.first()? {
            1 => Self::Spoiled,
            2 => Self::Busy,
            3 => Self::NoSession,
            4 => Self::Unexpected,
            _ => return None,
        })
    }
}
