//! The LM3S6965's registers, as far as they are used: clock, GPIO, UART 0 (a PL011), watchdog. All that is unsafe lies here and in
//! `stack.rs`; addresses and bits from the chip's data sheet (DS-LM3S6965). `qemu-system-arm -M lm3s6965evb` has the same.

use core::convert::Infallible;
use core::ptr::{read_volatile, write_volatile};

use embedded_hal::digital::{ErrorType, InputPin, OutputPin};

/// The system clock after [`start_clock`], in Hz.
pub const CLOCK_HZ: u32 = 50_000_000;
/// UART 0's interrupt.
pub const UART0_IRQ: u8 = 5;

const SYSCTL: usize = 0x400F_E000;
const RIS: usize = SYSCTL + 0x050;
const RCC: usize = SYSCTL + 0x060;
const RCGC0: usize = SYSCTL + 0x100;
const RCGC1: usize = SYSCTL + 0x104;
const RCGC2: usize = SYSCTL + 0x108;
const UART0: usize = 0x4000_C000;
const WATCHDOG: usize = 0x4000_0000;
const NVIC_ISER0: usize = 0xE000_E100;

fn get(register: usize) -> u32 {
    // SAFETY: every address that this file hands in is a register of this chip, aligned, and readable at any time.
    unsafe { read_volatile(register as *const u32) }
}

fn set(register: usize, value: u32) {
    // SAFETY: as above; no register written here moves memory under anybody's feet.
    unsafe { write_volatile(register as *mut u32, value) }
}

/// 50 MHz from the 8 MHz crystal by the PLL (the internal oscillator is 30 % wide of its mark: no clock for a serial line).
pub fn start_clock() {
    const BYPASS: u32 = 1 << 11;
    const POWER_DOWN: u32 = 1 << 13;
    const USE_DIVIDER: u32 = 1 << 22;
    const LOCKED: u32 = 1 << 6;
    let keep = get(RCC) & !(0xF << 23 | USE_DIVIDER | POWER_DOWN | 0xF << 6 | 3 << 4 | 1);
    set(RCC, get(RCC) | BYPASS);
    // Crystal of 8 MHz (0xE), main oscillator (0), PLL powered; 200 MHz divided by 4.
    set(RCC, keep | BYPASS | 0xE << 6);
    set(RCC, keep | BYPASS | 0xE << 6 | 3 << 23 | USE_DIVIDER);
    // Bounded: without a crystal the chip goes on by its internal oscillator, and the line will say so.
    for _ in 0..100_000 {
        if get(RIS) & LOCKED != 0 {
            set(RCC, get(RCC) & !BYPASS);
            return;
        }
    }
}

/// The second time-out in a row without [`feed_watchdog`] resets the chip: after a second nothing drives a coil any more.
pub fn start_watchdog() {
    set(RCGC0, get(RCGC0) | 1 << 3);
    let _ = get(RCGC0);
    set(WATCHDOG, CLOCK_HZ / 2);
    set(WATCHDOG + 0x008, 0b11);
}

/// I am alive.
pub fn feed_watchdog() {
    set(WATCHDOG + 0x00C, 1);
}

/// UART 0 on PA0 and PA1: 115,200 8N1, FIFOs on, interrupts when bytes have come.
pub fn start_uart() {
    set(RCGC1, get(RCGC1) | 1);
    set(RCGC2, get(RCGC2) | 1);
    let _ = get(RCGC2);
    let port_a = 0x4000_4000;
    set(port_a + 0x420, get(port_a + 0x420) | 0b11);
    set(port_a + 0x51C, get(port_a + 0x51C) | 0b11);
    set(UART0 + 0x030, 0);
    // 50 MHz / (16 · 115,200) = 27 + 8/64.
    set(UART0 + 0x024, 27);
    set(UART0 + 0x028, 8);
    set(UART0 + 0x02C, 0b11 << 5 | 1 << 4);
    // Interrupt at an eighth of the FIFO (2 bytes), and after a pause.
    set(UART0 + 0x034, 0);
    set(UART0 + 0x038, 1 << 4 | 1 << 6);
    set(UART0 + 0x030, 1 | 1 << 8 | 1 << 9);
    set(NVIC_ISER0, 1 << UART0_IRQ);
}

/// A byte that has come.
pub fn uart_read() -> Option<u8> {
    const EMPTY: u32 = 1 << 4;
    if get(UART0 + 0x018) & EMPTY != 0 {
        return None;
    }
    // A byte with a framing, parity or overrun error is passed on as it is: the frame's check sum sees it.
    Some((get(UART0) & 0xFF) as u8)
}

/// Clears the receive interrupts.
pub fn uart_seen() {
    set(UART0 + 0x044, 1 << 4 | 1 << 6);
}

/// Whether a byte can be sent without waiting.
pub fn uart_can_write() -> bool {
    const FULL: u32 = 1 << 5;
    get(UART0 + 0x018) & FULL == 0
}

/// Sends a byte; to be asked only after [`uart_can_write`].
pub fn uart_write(byte: u8) {
    set(UART0, u32::from(byte));
}

/// The GPIO ports that are used.
#[derive(Clone, Copy)]
pub enum Port {
    /// Port D.
    D,
    /// Port F.
    F,
    /// Port G.
    G,
}

/// One pin of a port.
pub struct Pin {
    base: usize,
    bit: u32,
}

impl Pin {
    fn claim(port: Port, number: u8) -> Self {
        let (base, gate) = match port {
            Port::D => (0x4000_7000, 3),
            Port::F => (0x4002_5000, 5),
            Port::G => (0x4002_6000, 6),
        };
        set(RCGC2, get(RCGC2) | 1 << gate);
        let _ = get(RCGC2);
        Self { base, bit: 1 << number }
    }

    /// An output, low.
    pub fn output(port: Port, number: u8) -> Self {
        let mut pin = Self::claim(port, number);
        let _ = pin.set_low();
        set(pin.base + 0x400, get(pin.base + 0x400) | pin.bit);
        set(pin.base + 0x51C, get(pin.base + 0x51C) | pin.bit);
        pin
    }

    /// An input, pulled up.
    pub fn input(port: Port, number: u8) -> Self {
        let pin = Self::claim(port, number);
        set(pin.base + 0x400, get(pin.base + 0x400) & !pin.bit);
        set(pin.base + 0x510, get(pin.base + 0x510) | pin.bit);
        set(pin.base + 0x51C, get(pin.base + 0x51C) | pin.bit);
        pin
    }

    /// The data register through a mask of this pin alone: bits 9 to 2 of the address.
    fn data(&self) -> usize {
        self.base + ((self.bit as usize) << 2)
    }
}

impl ErrorType for Pin {
    type Error = Infallible;
}

impl OutputPin for Pin {
    fn set_low(&mut self) -> Result<(), Infallible> {
        set(self.data(), 0);
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        set(self.data(), self.bit);
        Ok(())
    }
}

impl InputPin for Pin {
    fn is_high(&mut self) -> Result<bool, Infallible> {
        Ok(get(self.data()) != 0)
    }

    fn is_low(&mut self) -> Result<bool, Infallible> {
        Ok(get(self.data()) == 0)
    }
}
