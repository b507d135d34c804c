//! PN532 contactless reader, over SPI or I2C (the daemon has it on a serial line and shares the frames): is a card there, and which (UID). Never waits: each tick asks the chip once whether it has
//! something to say.
//!
//! Frames: `00 00 FF LEN LCS TFI data DCS 00`, LEN + LCS = 0, TFI + data + DCS = 0 (mod 256); host D4, chip D5; acknowledged by
//! `00 00 FF 00 FF 00`, which sent by the host aborts what the chip does. SPI is LSB first and needs its status polled (02), then 01
//! writes and 03 reads; on I2C (0x24) each read begins with the ready byte.

use embedded_hal::i2c::I2c;
use embedded_hal::spi::{Operation, SpiDevice};
use heapless::Vec;

use super::Fault;
use crate::Millis;

const LONGEST: usize = 32;
/// Acknowledges; sent by the host it also ends what the chip is at.
pub const ACK: [u8; 6] = [0x00, 0x00, 0xFF, 0x00, 0xFF, 0x00];
const ANSWER_MS: u64 = 100;

/// A short frame.
pub type FrameBuf = Vec<u8, 24>;

/// A way to the chip.
pub trait Port {
    /// Sends the bytes.
    fn write(&mut self, bytes: &[u8]) -> Result<(), Fault>;
    /// Whether the chip has something to say.
    fn ready(&mut self) -> Result<bool, Fault>;
    /// Reads what it has to say.
    fn read(&mut self, buf: &mut [u8]) -> Result<(), Fault>;
}

/// Over SPI mode 0. Buses send the most significant bit first; the chip wants the least: bits are turned here.
#[derive(Debug)]
pub struct SpiPort<S>(pub S);

impl<S: SpiDevice> Port for SpiPort<S> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let mut turned = Vec::<u8, LONGEST>::new();
        for byte in core::iter::once(&0x01).chain(bytes) {
            turned.push(byte.reverse_bits()).map_err(|_| Fault::Bus)?;
        }
        self.0.write(&turned).map_err(|_| Fault::Bus)
    }

    fn ready(&mut self) -> Result<bool, Fault> {
        let mut status = [0];
        let ask = [0x02_u8.reverse_bits()];
        self.0.transaction(&mut [Operation::Write(&ask), Operation::Read(&mut status)]).map_err(|_| Fault::Bus)?;
        Ok(status[0].reverse_bits() & 1 == 1)
    }

    fn read(&mut self, buf: &mut [u8]) -> Result<(), Fault> {
        let ask = [0x03_u8.reverse_bits()];
        self.0.transaction(&mut [Operation::Write(&ask), Operation::Read(buf)]).map_err(|_| Fault::Bus)?;
        buf.iter_mut().for_each(|b| *b = b.reverse_bits());
        Ok(())
    }
}

/// Over I2C.
#[derive(Debug)]
pub struct I2cPort<I>(pub I);

const I2C_ADDRESS: u8 = 0x24;

impl<I: I2c> Port for I2cPort<I> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.0.write(I2C_ADDRESS, bytes).map_err(|_| Fault::Bus)
    }

    fn ready(&mut self) -> Result<bool, Fault> {
        let mut status = [0];
        self.0.read(I2C_ADDRESS, &mut status).map_err(|_| Fault::Bus)?;
        Ok(status[0] & 1 == 1)
    }

    fn read(&mut self, buf: &mut [u8]) -> Result<(), Fault> {
        let mut with_status = [0; LONGEST + 1];
        let raw = with_status.get_mut(..=buf.len()).ok_or(Fault::Bus)?;
        self.0.read(I2C_ADDRESS, raw).map_err(|_| Fault::Bus)?;
        let [status, content @ ..] = raw else { return Err(Fault::Bus) };
        if *status & 1 == 0 {
            return Err(Fault::Answer);
        }
        buf.copy_from_slice(content);
        Ok(())
    }
}

/// A card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// 4, 7 or 10 bytes.
    pub uid: Vec<u8, 10>,
    /// SENS_RES.
    pub atqa: u16,
    /// SEL_RES.
    pub sak: u8,
}

/// What a tick saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// Nothing new.
    Nothing,
    /// A card; the reader is idle again.
    Card(Target),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    /// SAMConfiguration sent: acknowledgement, then answer, by this time.
    Waking {
        acked: bool,
        by: Millis,
    },
    /// InListPassiveTarget sent; the chip looks until a card comes. Only its acknowledgement has a time.
    Looking {
        acked: bool,
        by: Millis,
    },
}

/// The reader.
#[derive(Debug)]
pub struct Pn532<P> {
    port: P,
    state: State,
}

impl<P: Port> Pn532<P> {
    /// The chip behind a port, not yet spoken to.
    pub const fn new(port: P) -> Self {
        Self { port, state: State::Idle }
    }

    /// Begins to look for a card (ISO 14443 A): first wakes the chip (SAMConfiguration, normal mode, no SAM).
    pub fn arm(&mut self, now: Millis) -> Result<(), Fault> {
        self.command(&[0x14, 0x01])?;
        self.state = State::Waking { acked: false, by: now + ANSWER_MS };
        Ok(())
    }

    /// Stops looking.
    pub fn disarm(&mut self) -> Result<(), Fault> {
        if self.state != State::Idle {
            self.state = State::Idle;
            self.port.write(&ACK)?;
        }
        Ok(())
    }

    /// Goes on. A fault ends the looking: arm again.
    pub fn tick(&mut self, now: Millis) -> Result<Seen, Fault> {
        let seen = self.step(now);
        if seen.is_err() {
            self.state = State::Idle;
        }
        seen
    }

    fn step(&mut self, now: Millis) -> Result<Seen, Fault> {
        let (acked, by, forever) = match self.state {
            State::Idle => return Ok(Seen::Nothing),
            State::Waking { acked, by } => (acked, by, false),
            State::Looking { acked, by } => (acked, by, acked),
        };
        if !self.port.ready()? {
            return if !forever && now >= by { Err(Fault::Silent) } else { Ok(Seen::Nothing) };
        }
        if !acked {
            let mut ack = [0; 6];
            self.port.read(&mut ack)?;
            if ack != ACK {
                return Err(Fault::Answer);
            }
            self.state = match self.state {
                State::Waking { by, .. } => State::Waking { acked: true, by },
                _ => State::Looking { acked: true, by },
            };
            return Ok(Seen::Nothing);
        }
        if matches!(self.state, State::Waking { .. }) {
            self.answer(0x15)?;
            // 106 kbit/s type A, one card.
            self.command(&[0x4A, 0x01, 0x00])?;
            self.state = State::Looking { acked: false, by: now + ANSWER_MS };
            return Ok(Seen::Nothing);
        }
        let target = target(&self.answer(0x4B)?)?;
        self.state = State::Idle;
        Ok(Seen::Card(target))
    }

    fn command(&mut self, data: &[u8]) -> Result<(), Fault> {
        self.port.write(&frame(data).ok_or(Fault::Bus)?)
    }

    fn answer(&mut self, code: u8) -> Result<FrameBuf, Fault> {
        let mut raw = [0; LONGEST];
        self.port.read(&mut raw)?;
        let data = parse(&raw).ok_or(Fault::Answer)?;
        match data.split_first() {
            Some((first, rest)) if *first == code => Vec::from_slice(rest).map_err(|_| Fault::Answer),
            _ => Err(Fault::Answer),
        }
    }

    /// The port back.
    pub fn free(self) -> P {
        self.port
    }
}

/// A frame from the host; `None` where the data are longer than any command used here.
pub fn frame(data: &[u8]) -> Option<FrameBuf> {
    let len = u8::try_from(data.len() + 1).ok()?;
    let sum = data.iter().fold(0xD4_u8, |s, b| s.wrapping_add(*b));
    let mut out = FrameBuf::new();
    out.extend_from_slice(&[0x00, 0x00, 0xFF, len, len.wrapping_neg(), 0xD4]).ok()?;
    out.extend_from_slice(data).ok()?;
    out.extend_from_slice(&[sum.wrapping_neg(), 0x00]).ok()?;
    Some(out)
}

/// The data of a frame from the chip, after its D5; any bytes may stand before the start code.
pub fn parse(raw: &[u8]) -> Option<&[u8]> {
    let start = raw.windows(3).position(|w| w == [0x00, 0x00, 0xFF])?;
    let [len, lcs, rest @ ..] = raw.get(start + 3..)? else { return None };
    if len.wrapping_add(*lcs) != 0 {
        return None;
    }
    let (content, after) = rest.split_at_checked(usize::from(*len))?;
    let sum = content.iter().fold(0_u8, |s, b| s.wrapping_add(*b));
    let (tfi, data) = content.split_first()?;
    (*tfi == 0xD5 && after.first()?.wrapping_add(sum) == 0).then_some(data)
}

/// The answer to InListPassiveTarget after its code 4B: NbTg, Tg, SENS_RES (MSB first), SEL_RES, length of the UID, UID, maybe an ATS.
///
/// # Errors
/// [`Fault::Answer`]: no card of type A in it.
pub fn target(data: &[u8]) -> Result<Target, Fault> {
    let [1, _, a1, a0, sak, len, rest @ ..] = data else { return Err(Fault::Answer) };
    let uid = rest.get(..usize::from(*len)).filter(|uid| matches!(uid.len(), 4 | 7 | 10)).ok_or(Fault::Answer)?;
    Ok(Target {
        uid: Vec::from_slice(uid).map_err(|_| Fault::Answer)?,
        atqa: u16::from_be_bytes([*a1, *a0]),
        sak: *sak,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    extern crate std;
    use super::*;
    use crate::keys::tests::hex;
    use embedded_hal_mock::eh1::{i2c, spi};
    use proptest::prelude::*;
    use std::vec;
    use std::vec::Vec as StdVec;

    // Chip's answers as recorded from one; the requests as the chip's manual has them.
    const WAKE_ANSWER: &str = "0000FF02FED5151600";
    const POLL: &str = "0000FF04FCD44A0100E100";
    const CARD: &str = "0000FF0CF4D54B010100040804FB0EE20BD800";

    fn padded(frame: &str) -> StdVec<u8> {
        let mut bytes = hex(frame);
        bytes.resize(LONGEST, 0);
        bytes
    }

    fn card() -> Seen {
        Seen::Card(Target { uid: Vec::from_slice(&[0xFB, 0x0E, 0xE2, 0x0B]).unwrap(), atqa: 4, sak: 8 })
    }

    #[test]
    fn the_frames_are_the_known_ones() {
        assert_eq!(frame(&[0x4A, 0x01, 0x00]).unwrap()[..], hex(POLL)[..]);
        assert_eq!(frame(&[0x14, 0x01]).unwrap()[..], hex("0000FF03FDD414011700")[..]);
    }

    #[test]
    fn a_card_is_found_over_i2c() {
        let read = |content: StdVec<u8>| i2c::Transaction::read(0x24, [vec![1], content].concat());
        let ready = || i2c::Transaction::read(0x24, vec![1]);
        let not_yet = || i2c::Transaction::read(0x24, vec![0]);
        let bus = i2c::Mock::new(&[
            i2c::Transaction::write(0x24, frame(&[0x14, 0x01]).unwrap().to_vec()),
            not_yet(),
            ready(),
            read(ACK.to_vec()),
            ready(),
            read(padded(WAKE_ANSWER)),
            i2c::Transaction::write(0x24, hex(POLL)),
            ready(),
            read(ACK.to_vec()),
            not_yet(),
            ready(),
            read(padded(CARD)),
        ]);
        let mut reader = Pn532::new(I2cPort(bus));
        reader.arm(0).unwrap();
        for now in [1, 2, 3, 4] {
            assert_eq!(reader.tick(now), Ok(Seen::Nothing));
        }
        assert_eq!(reader.tick(50_000), Ok(Seen::Nothing), "a card may take its time");
        assert_eq!(reader.tick(50_001), Ok(card()));
        assert_eq!(reader.tick(50_002), Ok(Seen::Nothing));
        reader.free().0.done();
    }

    fn turned(bytes: &[u8]) -> StdVec<u8> {
        bytes.iter().map(|b| b.reverse_bits()).collect()
    }

    fn spi_write(bytes: &[u8]) -> StdVec<spi::Transaction<u8>> {
        let all = turned(&[&[1], bytes].concat());
        vec![
            spi::Transaction::transaction_start(),
            spi::Transaction::write_vec(all),
            spi::Transaction::transaction_end(),
        ]
    }

    fn spi_read(ask: u8, content: &[u8]) -> StdVec<spi::Transaction<u8>> {
        vec![
            spi::Transaction::transaction_start(),
            spi::Transaction::write_vec(turned(&[ask])),
            spi::Transaction::read_vec(turned(content)),
            spi::Transaction::transaction_end(),
        ]
    }

    #[test]
    fn a_card_is_found_over_spi_bits_turned() {
        let steps = [
            spi_write(&frame(&[0x14, 0x01]).unwrap()),
            spi_read(2, &[0]),
            spi_read(2, &[1]),
            spi_read(3, &ACK),
            spi_read(2, &[1]),
            spi_read(3, &padded(WAKE_ANSWER)),
            spi_write(&hex(POLL)),
            spi_read(2, &[1]),
            spi_read(3, &ACK),
            spi_read(2, &[1]),
            spi_read(3, &padded(CARD)),
        ];
        let mut reader = Pn532::new(SpiPort(spi::Mock::new(&steps.concat())));
        reader.arm(0).unwrap();
        let seen: StdVec<_> = (0..5).map(|now| reader.tick(now).unwrap()).collect();
        assert_eq!(seen[4], card());
        reader.free().0.done();
    }

    #[test]
    fn disarming_aborts_and_a_silent_or_odd_chip_is_a_fault() {
        let write = |bytes: &[u8]| i2c::Transaction::write(0x24, bytes.to_vec());
        let wake = frame(&[0x14, 0x01]).unwrap();
        let bus = i2c::Mock::new(&[
            write(&wake),
            write(&ACK),
            write(&wake),
            i2c::Transaction::read(0x24, vec![0]),
            write(&wake),
            i2c::Transaction::read(0x24, vec![1]),
            i2c::Transaction::read(0x24, vec![1, 0, 0, 0xFF, 0xFF, 0, 0]),
        ]);
        let mut reader = Pn532::new(I2cPort(bus));
        reader.arm(0).unwrap();
        reader.disarm().unwrap();
        reader.disarm().unwrap();
        reader.arm(0).unwrap();
        assert_eq!(reader.tick(100), Err(Fault::Silent));
        reader.arm(200).unwrap();
        assert_eq!(reader.tick(201), Err(Fault::Answer));
        assert_eq!(reader.tick(202), Ok(Seen::Nothing));
        reader.free().0.done();
    }

    proptest! {
        #[test]
        fn any_answer_is_a_card_or_none_and_never_a_panic(raw in proptest::collection::vec(any::<u8>(), 0..LONGEST)) {
            if let Some(data) = parse(&raw) {
                let _ = target(data);
            }
            let _ = target(&raw);
        }
    }
}
