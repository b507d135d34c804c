//! The bridge on a Cortex-M3: UART 0 in, UART 0 out, the crate's loop between. Time is SysTick, a millisecond.
//!
//! Keys and marks are in RAM: this board's flash would be worn out by a mark a second, and a board for a store has FRAM
//! (`tilld_bridge::drivers::Fram`). After a reset the master key is injected again.
#![no_std]
#![no_main]

mod board;
mod chip;
mod stack;

use core::cell::RefCell;
use core::panic::PanicInfo;

use cortex_m::interrupt::{Mutex, free};
use cortex_m::peripheral::SCB;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::{entry, exception};
use heapless::Deque;
use tilld_bridge::bridge::{About, Bridge, turn};
use tilld_bridge::keys::Limits;
use tilld_bridge::link::Timing;
use tilld_bridge::store::Ram;
use tilld_bridge::wire::{Level, line};

/// What stands between the interrupts and the loop.
struct Line {
    /// Four of the longest frames: the loop comes round long before.
    received: Deque<u8, 1024>,
    overrun: u32,
    /// Goes out from SysTick, a FIFO a millisecond: the loop never waits for the line.
    sending: Deque<u8, 2048>,
    now: u64,
}

static LINE: Mutex<RefCell<Line>> =
    Mutex::new(RefCell::new(Line { received: Deque::new(), overrun: 0, sending: Deque::new(), now: 0 }));

impl Line {
    fn pump(&mut self) {
        while chip::uart_can_write() {
            let Some(byte) = self.sending.pop_front() else { break };
            chip::uart_write(byte);
        }
    }
}

#[exception]
fn SysTick() {
    free(|cs| {
        let mut line = LINE.borrow(cs).borrow_mut();
        line.now += 1;
        line.pump();
    });
}

#[exception]
unsafe fn DefaultHandler(irq: i16) {
    if irq != i16::from(chip::UART0_IRQ) {
        SCB::sys_reset();
    }
    free(|cs| {
        let mut line = LINE.borrow(cs).borrow_mut();
        chip::uart_seen();
        while let Some(byte) = chip::uart_read() {
            if line.received.push_back(byte).is_err() {
                line.overrun = line.overrun.wrapping_add(1);
            }
        }
    });
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // Nothing here is known to panic. If it does, a reset lets go of every coil, and the host hears of a new session.
    SCB::sys_reset()
}

#[entry]
fn main() -> ! {
    static mut BRIDGE: Bridge<Ram> = Bridge::new(ABOUT, Timing::USUAL, LIMITS, Ram::new());
    chip::start_clock();
    chip::start_uart();
    let Some(core) = cortex_m::Peripherals::take() else { SCB::sys_reset() };
    start_tick(core.SYST);
    let Ok(mut board) = board::Board::new() else { SCB::sys_reset() };
    chip::start_watchdog();
    BRIDGE.log(Level::Info, "started");
    run(BRIDGE, &mut board)
}

fn start_tick(mut tick: cortex_m::peripheral::SYST) {
    tick.set_clock_source(SystClkSource::Core);
    tick.set_reload(chip::CLOCK_HZ / 1000 - 1);
    tick.clear_current();
    tick.enable_counter();
    tick.enable_interrupt();
}

const ABOUT: About =
    About { name: "lm3s6965", version: env!("CARGO_PKG_VERSION"), serial: "0", capabilities: board::CAPABILITIES };
const LIMITS: Limits = Limits { host_pin: cfg!(feature = "desk"), ..Limits::USUAL };

fn run(bridge: &mut Bridge<Ram>, board: &mut board::Board) -> ! {
    let mut depth = stack::Depth::new();
    let (mut look_at, mut overrun) = (0, 0);
    loop {
        let mut bytes = [0; 64];
        let (n, now, over) = free(|cs| {
            let mut line = LINE.borrow(cs).borrow_mut();
            let mut n = 0;
            for (place, byte) in bytes.iter_mut().zip(core::iter::from_fn(|| line.received.pop_front())) {
                *place = byte;
                n += 1;
            }
            (n, line.now, line.overrun)
        });
        turn(bridge, board, bytes.get(..n).unwrap_or(&[]), now, send);
        if over != overrun {
            overrun = over;
            bridge.log(Level::Warn, &line::<80>(format_args!("{over} bytes came too fast")));
        }
        if now >= look_at {
            look_at = now + 1000;
            bridge.note_stack(depth.peak());
        }
        chip::feed_watchdog();
        if n == 0 {
            cortex_m::asm::wfi();
        }
    }
}

/// Hands a frame to the line; waits only where 2 KB wait already, and then no longer than those take.
fn send(frame: &[u8]) {
    for byte in frame {
        while free(|cs| {
            let mut line = LINE.borrow(cs).borrow_mut();
            let full = line.sending.push_back(*byte).is_err();
            line.pump();
            full
        }) {
            chip::feed_watchdog();
        }
    }
}
