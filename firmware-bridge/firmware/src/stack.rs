//! How deep the stack has been. The start-up code paints it; what is still painted was never used.

use cortex_m_rt::STACK_PAINT_VALUE;

unsafe extern "C" {
    static _stack_start: u32;
    static _stack_end: u32;
}

/// Remembers the deepest place found, and looks only below it.
pub struct Depth(usize);

impl Depth {
    /// Nothing looked at yet.
    pub fn new() -> Self {
        Self(top())
    }

    /// The deepest the stack has been, in bytes.
    pub fn peak(&mut self) -> u32 {
        // From the far end up to the deepest place known: the first word that is not paint is the deepest now.
        let mut at = (&raw const _stack_end) as usize;
        while at < self.0 {
            // SAFETY: between the linker's two marks lies RAM that only the stack uses; aligned; a read changes nothing.
            let word = unsafe { core::ptr::read_volatile(at as *const u32) };
            if word != STACK_PAINT_VALUE {
                self.0 = at;
                break;
            }
            at += 4;
        }
        (top() - self.0) as u32
    }
}

fn top() -> usize {
    (&raw const _stack_start) as usize
}
