//! The interpreter: takes commands from the receive buffer and does them, as long as there is paper.

use super::codes;
use super::paper::{Bitmap, Cell, Strip};
use super::{Modes, Printer};
use crate::core::gb18030::of_two;

/// What became of the command at the head of the buffer.
enum Step {
    /// Done; so many bytes are used.
    Used(usize),
    /// More bytes are needed.
    Incomplete,
    /// It cannot print now; the command stays.
    Held,
}
use Step::{Held, Incomplete, Used};

impl Printer {
    /// Works off what it can.
    pub(super) fn work(&mut self) {
        let buffer = std::mem::take(&mut self.buffer);
        let mut at = 0;
        self.hungry = false;
        while !self.offline() && at < buffer.len() {
            // Real-time commands were done when they came; between commands they are simply gone.
            if self.realtime[at] && buffer[at] == 0x10 {
                at += self.realtime[at..].iter().take(3).filter(|flag| **flag).count();
                continue;
            }
            match self.step(&buffer[at..]) {
                Used(n) => at += n,
                Incomplete => {
                    self.hungry = true;
                    break;
                }
                Held => break,
            }
        }
        self.buffer = buffer;
        self.buffer.drain(..at);
        self.realtime.drain(..at);
        self.realtime_held = self.realtime.iter().filter(|flag| **flag).count();
    }

    fn step(&mut self, b: &[u8]) -> Step {
        match b[0] {
            b'\n' => self.end_line(1),
            b'\r' | 0 => Used(1),
            0x1B => self.escape(b),
            0x1C => self.chinese(b),
            0x1D => self.group(b),
            0x10 => self.dle(b),
            0x09 => {
                let at = self.line.iter().map(Cell::columns).sum::<usize>();
                (at..(at / 8 + 1) * 8).for_each(|_| self.put(' '));
                Used(1)
            }
            0x01..=0x1F | 0x7F => {
                self.fault(format!("control byte {:02X}", b[0]));
                Used(1)
            }
            0x20..=0x7E => self.character(char::from(b[0]), 1),
            _ => self.high(b),
        }
    }

    /// A byte from 80 up: half a Chinese character, or a sign of the code page.
    fn high(&mut self, b: &[u8]) -> Step {
        if !self.modes.chinese {
            self.fault(format!("byte {:02X} outside Chinese mode", b[0]));
            return self.character('\u{FFFD}', 1);
        }
        let Some(&second) = b.get(1) else { return Incomplete };
        if second < 0x40 {
            self.fault(format!("{:02X} {second:02X} is not in the two-byte area", b[0]));
            return self.character('\u{FFFD}', 1);
        }
        match of_two(b[0], second) {
            Some(c) => self.character(c, 2),
            None => {
                self.fault(format!("{:02X} {second:02X} is no character", b[0]));
                self.character('\u{FFFD}', 2)
            }
        }
    }

    /// Puts a character on the line; a full line is printed first.
    fn character(&mut self, c: char, used: usize) -> Step {
        let cell = self.cell(c);
        let at = self.line.iter().map(Cell::columns).sum::<usize>();
        if at + cell.columns() > usize::from(self.settings.columns)
            && let Held = self.end_line(0)
        {
            return Held;
        }
        self.put(c);
        Used(used)
    }

    fn cell(&self, c: char) -> Cell {
        let m = &self.modes;
        let wide = !c.is_ascii() && c != '\u{FFFD}';
        Cell { c, wide, w: m.width, h: m.height, bold: m.bold, underline: m.underline, reverse: m.reverse }
    }

    fn put(&mut self, c: char) {
        if c != '\u{FFFD}' && crate::core::font::glyph(c).is_none() {
            self.fault(format!("no picture of {c:?}"));
        }
        let cell = self.cell(c);
        self.line.push(cell);
    }

    /// Prints the line buffer and feeds a line; or holds where paper or time is wanting.
    fn end_line(&mut self, used: usize) -> Step {
        let tallest = self.line.iter().map(|c| u32::from(c.h) * 24).max().unwrap_or(0);
        let dots = self.modes.spacing.max(tallest);
        if !self.advance(dots) {
            return Held;
        }
        let cells = std::mem::take(&mut self.line);
        self.paper.add(Strip::Text { cells, align: self.modes.align, dots });
        Used(used)
    }

    /// Takes so many dots of paper and time. False: not now.
    fn advance(&mut self, dots: u32) -> bool {
        if self.settings.speed.is_some() {
            if self.credit < dots.min(self.settings.speed.unwrap_or(1)) {
                return false;
            }
            self.credit = self.credit.saturating_sub(dots);
        }
        if let Some(left) = self.left {
            if left < dots {
                self.paper_out = true;
                self.push_status();
                return false;
            }
            self.left = Some(left - dots);
            self.push_status();
        }
        true
    }

    /// Prints what stands in the line first: pictures begin on a line of their own.
    fn image(&mut self, bitmap: Bitmap, caption: String, used: usize) -> Step {
        if !self.line.is_empty()
            && let Held = self.end_line(0)
        {
            return Held;
        }
        if bitmap.width > usize::from(self.settings.columns) * 12 {
            self.fault(format!("{caption} is wider than the paper"));
        }
        if !self.advance(u32::try_from(bitmap.height()).unwrap_or(u32::MAX)) {
            return Held;
        }
        self.paper.add(Strip::Image { bitmap, align: self.modes.align, caption });
        Used(used)
    }

    fn escape(&mut self, b: &[u8]) -> Step {
        let (Some(&c), n) = (b.get(1), b.get(2).copied()) else { return Incomplete };
        let need = match c {
            b'@' | b'2' => 2,
            b'p' => 5,
            b'!' | b'-' | b'3' | b'E' | b'G' | b'J' | b'M' | b'a' | b'd' | b't' | b'R' | b' ' => 3,
            _ => return self.unknown(b, 2),
        };
        let Some(n) = (if b.len() < need { None } else { Some(n.unwrap_or(0)) }) else { return Incomplete };
        match c {
            b'@' => {
                self.modes = Modes::default();
                self.line.clear();
                // Automatic status lasts until the next initialization.
                self.asb_on = false;
            }
            b'2' => self.modes.spacing = super::LINE_DOTS,
            b'3' => self.modes.spacing = u32::from(n),
            b'!' => {
                self.modes.bold = n & 0x08 != 0;
                self.modes.height = if n & 0x10 != 0 { 2 } else { 1 };
                self.modes.width = if n & 0x20 != 0 { 2 } else { 1 };
                self.modes.underline = n & 0x80 != 0;
            }
            b'-' => self.modes.underline = !matches!(n, 0 | b'0'),
            b'E' | b'G' => self.modes.bold = n & 1 != 0,
            b'a' => match n {
                0..=2 => self.modes.align = n,
                b'0'..=b'2' => self.modes.align = n - b'0',
                _ => self.fault(format!("ESC a {n}: no such alignment")),
            },
            b'J' => return self.feed_paper(u32::from(n), need),
            b'd' => return self.feed_paper(u32::from(n) * self.modes.spacing, need),
            b't' | b'R' | b' ' | b'M' if n == 0 => {}
            b't' | b'R' | b' ' | b'M' => self.fault(format!("ESC {} {n}: this stand-in has only 0", char::from(c))),
            _ => self.pulse(n, b[3], b[4]),
        }
        Used(need)
    }

    fn pulse(&mut self, pin: u8, on: u8, off: u8) {
        if !matches!(pin, 0 | 1 | b'0' | b'1') {
            return self.fault(format!("ESC p {pin}: no such pin"));
        }
        self.drawer_count += 1;
        if self.drawer.len() == 100 {
            self.drawer.remove(0);
        }
        self.drawer.push([pin & 1, on, off]);
    }

    fn feed_paper(&mut self, dots: u32, used: usize) -> Step {
        if !self.line.is_empty()
            && let Held = self.end_line(0)
        {
            return Held;
        }
        if !self.advance(dots) {
            return Held;
        }
        self.paper.add(Strip::Feed(dots));
        Used(used)
    }

    fn chinese(&mut self, b: &[u8]) -> Step {
        match (b.get(1), b.get(2)) {
            (None, _) => Incomplete,
            (Some(b'&'), _) => {
                self.modes.chinese = true;
                Used(2)
            }
            (Some(b'.'), _) => {
                self.modes.chinese = false;
                Used(2)
            }
            (Some(b'!' | b'-' | b'W'), None) => Incomplete,
            (Some(b'!'), Some(n)) => {
                self.modes.width = if n & 4 != 0 { 2 } else { 1 };
                self.modes.height = if n & 8 != 0 { 2 } else { 1 };
                self.modes.underline = n & 0x80 != 0;
                Used(3)
            }
            (Some(b'-'), Some(n)) => {
                self.modes.underline = !matches!(n, 0 | b'0');
                Used(3)
            }
            (Some(b'W'), Some(n)) => {
                let size = if n & 1 != 0 { 2 } else { 1 };
                (self.modes.width, self.modes.height) = (size, size);
                Used(3)
            }
            _ => self.unknown(b, 2),
        }
    }

    fn group(&mut self, b: &[u8]) -> Step {
        let Some(&c) = b.get(1) else { return Incomplete };
        match c {
            b'k' => return self.barcode(b),
            b'v' => return self.raster(b),
            b'(' => return self.parenthesis(b),
            b'V' => return self.cut(b),
            b'!' | b'B' | b'H' | b'h' | b'w' | b'f' | b'a' | b'r' | b'I' => {}
            _ => return self.unknown(b, 2),
        }
        let Some(&n) = b.get(2) else { return Incomplete };
        match c {
            b'!' => {
                self.modes.width = (n >> 4 & 7) + 1;
                self.modes.height = (n & 7) + 1;
            }
            b'B' => self.modes.reverse = n & 1 != 0,
            b'H' => self.modes.bar_text = n % 48,
            b'h' => self.modes.bar_height = n.max(1),
            b'w' if (2..=6).contains(&n) => self.modes.bar_module = n,
            b'w' => self.fault(format!("GS w {n}: 2 to 6")),
            b'f' => {}
            b'a' => self.set_asb(n),
            b'r' if matches!(n, 1 | b'1') => {
                let answer = self.paper_sensor();
                self.output.push(answer);
            }
            b'r' if matches!(n, 2 | b'2') => self.output.push(0),
            b'r' => self.fault(format!("GS r {n}: no such question")),
            _ => self.output.extend(b"_tilld\0"),
        }
        Used(3)
    }

    fn cut(&mut self, b: &[u8]) -> Step {
        let Some(&m) = b.get(2) else { return Incomplete };
        let (used, feed) = match m {
            0 | 1 | b'0' | b'1' => (3, 0),
            b'A' | b'B' => match b.get(3) {
                // Function B feeds the paper from the head to the cutter, and n more.
                Some(n) => (4, u32::from(*n) + 4 * super::LINE_DOTS),
                None => return Incomplete,
            },
            _ => return self.unknown(b, 3),
        };
        if !self.line.is_empty() {
            self.fault("cut in the middle of a line".into());
        }
        if !self.advance(feed) {
            return Held;
        }
        if feed > 0 {
            self.paper.add(Strip::Feed(feed));
        }
        self.paper.add(Strip::Cut);
        Used(used)
    }

    fn barcode(&mut self, b: &[u8]) -> Step {
        let (Some(&m), Some(&n)) = (b.get(2), b.get(3)) else { return Incomplete };
        if m != 73 {
            self.fault(format!("GS k {m}: this stand-in draws Code 128 only"));
            let len = if m >= 65 { 4 + usize::from(n) } else { 4 };
            return if b.len() < len { Incomplete } else { Used(len) };
        }
        let end = 4 + usize::from(n);
        let Some(data) = b.get(4..end) else { return Incomplete };
        match codes::code128(data, self.modes.bar_module, self.modes.bar_height) {
            Ok((bitmap, text)) => {
                let shown = self.modes.bar_text;
                let step = self.image(bitmap, format!("[code128 {text}]"), end);
                if shown & 2 != 0
                    && let Used(_) = step
                {
                    text.chars().for_each(|c| self.put(c));
                    self.end_line(0);
                }
                step
            }
            Err(why) => {
                self.fault(format!("GS k: {why}"));
                Used(end)
            }
        }
    }

    fn raster(&mut self, b: &[u8]) -> Step {
        if b.len() < 8 {
            return Incomplete;
        }
        if b[2] != b'0' {
            return self.unknown(b, 3);
        }
        let (x, y) = (usize::from(b[4]) + 256 * usize::from(b[5]), usize::from(b[6]) + 256 * usize::from(b[7]));
        let end = 8 + x * y;
        if b[3] & 3 != 0 {
            self.fault("GS v 0: this stand-in draws single size only".into());
        }
        let Some(data) = b.get(8..end) else { return Incomplete };
        let bitmap = Bitmap { width: x * 8, stride: x, bits: data.to_vec() };
        self.image(bitmap, format!("[raster {}x{y}]", x * 8), end)
    }

    fn parenthesis(&mut self, b: &[u8]) -> Step {
        let [_, _, kind, low, high, ..] = *b else { return Incomplete };
        let end = 5 + usize::from(low) + 256 * usize::from(high);
        let Some(data) = b.get(5..end) else { return Incomplete };
        let data = data.to_vec();
        match (kind, &data[..]) {
            (b'H', [b'0', b'0', id @ ..]) if id.len() == 4 => {
                if self.settings.process_id {
                    self.output.extend([0x37, 0x22]);
                    self.output.extend(id);
                    self.output.push(0);
                }
                Used(end)
            }
            (b'k', [b'1', function, rest @ ..]) => match self.modes.qr.take(*function, rest) {
                Ok(None) => Used(end),
                Ok(Some((bitmap, text))) => self.image(bitmap, format!("[qr {text}]"), end),
                Err(why) => {
                    self.fault(format!("GS ( k: {why}"));
                    Used(end)
                }
            },
            _ => self.unknown(b, end),
        }
    }

    /// `DLE` commands that are not real-time questions, or were split by something.
    fn dle(&mut self, b: &[u8]) -> Step {
        match *b {
            [_, 0x14, 1, m, t, ..] => {
                self.pulse(m, t.saturating_mul(50), 0);
                Used(5)
            }
            [_] | [_, 0x14 | 4 | 5] | [_, 0x14, 1] | [_, 0x14, 1, _] => Incomplete,
            _ => self.unknown(b, 2),
        }
    }

    fn unknown(&mut self, b: &[u8], used: usize) -> Step {
        let shown: Vec<String> = b.iter().take(8).map(|x| format!("{x:02X}")).collect();
        self.fault(format!("unknown command {}", shown.join(" ")));
        Used(used.min(b.len()))
    }
}
