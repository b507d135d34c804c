//! A printer of the tests' own: it reads ESC/POS bytes and says what is on the paper. It knows only the commands it names and
//! panics at any other byte, so that a stray one is found.

/// What came out of the printer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Printed {
    /// A line: (text, bold, columns a letter's column takes, rows) runs.
    Line(Vec<(String, bool, u8, u8)>),
    /// Code128, as the command's data.
    Bars(Vec<u8>),
    /// What a QR code says, and its cell in dots.
    Qr(String, u8),
    /// Dots: bytes across, rows.
    Dots(usize, Vec<u8>),
    /// A cut.
    Cut,
}

struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn next(&mut self) -> u8 {
        self.take(1)[0]
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        assert!(self.0.len() >= count, "a command is cut short");
        let (taken, rest) = self.0.split_at(count);
        self.0 = rest;
        taken.to_vec()
    }

    fn word(&mut self) -> usize {
        usize::from(self.next()) | usize::from(self.next()) << 8
    }
}

/// Reads all bytes.
pub fn decode(bytes: &[u8]) -> Vec<Printed> {
    let mut bytes = Bytes(bytes);
    let (mut out, mut line) = (Vec::new(), Vec::<(String, bool, u8, u8)>::new());
    let (mut chinese, mut bold, mut size, mut align) = (false, false, 0u8, 0u8);
    let mut qr = (String::new(), 0);
    while !bytes.0.is_empty() {
        let byte = bytes.next();
        let letter = match byte {
            0x0A => {
                out.push(Printed::Line(std::mem::take(&mut line)));
                continue;
            }
            0x20..=0x7E => char::from(byte).to_string(),
            0x81..=0xFE => {
                assert!(chinese, "two bytes outside of Chinese mode");
                let pair = [byte, bytes.next()];
                let (text, _, bad) = encoding_rs::GBK.decode(&pair);
                assert!(!bad && text.chars().count() == 1, "{pair:02X?}");
                text.into_owned()
            }
            0x1B..=0x1D => {
                assert!(line.is_empty() || matches!((byte, bytes.0[0]), (0x1D, b'!') | (0x1B, b'E')), "inside a line");
                match (byte, bytes.next()) {
                    (0x1B, b'a') => align = bytes.next(),
                    (0x1B, b'E') => bold = bytes.next() == 1,
                    (0x1B, b't') => assert_eq!(bytes.next(), 0),
                    (0x1B, b'2') => {}
                    (0x1C, b'&') => chinese = true,
                    (0x1C, b'.') => chinese = false,
                    (0x1D, b'!') => size = bytes.next(),
                    (0x1D, b'h' | b'w' | b'H') => drop(bytes.next()),
                    (0x1D, b'k') => {
                        assert_eq!((bytes.next(), align), (0x49, 1));
                        let length = usize::from(bytes.next());
                        out.push(Printed::Bars(bytes.take(length)));
                    }
                    (0x1D, b'V') => {
                        assert_eq!(bytes.take(2), [0x42, 0]);
                        out.push(Printed::Cut);
                    }
                    (0x1D, b'v') => {
                        assert_eq!(bytes.take(2), [b'0', 0]);
                        let (across, down) = (bytes.word(), bytes.word());
                        out.push(Printed::Dots(across, bytes.take(across * down)));
                    }
                    (0x1D, b'(') => {
                        assert_eq!(bytes.next(), b'k');
                        let length = bytes.word();
                        let parameters = bytes.take(length);
                        match parameters[1] {
                            b'A' => assert_eq!(parameters, *b"1A2\0"),
                            b'C' => qr.1 = parameters[2],
                            b'E' => assert_eq!(parameters, *b"1E1"),
                            b'P' => qr.0 = String::from_utf8(parameters[3..].to_vec()).unwrap(),
                            b'Q' => out.push(Printed::Qr(qr.0.clone(), qr.1)),
                            other => panic!("GS ( k {other:02X}"),
                        }
                    }
                    other => panic!("unknown command {other:02X?}"),
                }
                continue;
            }
            other => panic!("stray byte {other:02X}"),
        };
        let style = (bold, (size >> 4) + 1, (size & 0x0F) + 1);
        match line.last_mut() {
            Some(last) if (last.1, last.2, last.3) == style => last.0.push_str(&letter),
            _ => line.push((letter, style.0, style.1, style.2)),
        }
    }
    assert!(line.is_empty(), "the last line was not printed");
    assert_eq!((chinese, bold, size, align), (false, false, 0, 0), "the printer is left as it was");
    out
}
