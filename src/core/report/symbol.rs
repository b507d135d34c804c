//! Code128 and QR as dots, for the outputs that draw them themselves, and to know what fits on a paper.

use qrcode::{Color, EcLevel, QrCode};

/// Dots of the narrowest bar: 0.25 mm at 203 dpi, the least that printers offer by command (GS w 2).
pub const BAR_DOTS: usize = 2;
/// Height of the bars in dots: 8 mm.
pub const BAR_HEIGHT: usize = 64;
/// White on each side of Code128, in narrowest bars (ISO/IEC 15417).
const BAR_QUIET: usize = 10;
/// White around a QR code, in cells (ISO/IEC 18004).
pub const QR_QUIET: usize = 4;

/// The bars of a Code128 symbol, without the white beside them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bars {
    /// What the printer is told: code set letters and the data behind them, as `1D 6B 49` takes it.
    pub command: Vec<u8>,
    /// A value a narrowest bar: is it black?
    pub modules: Vec<bool>,
}

impl Bars {
    /// Dots across, white beside it counted.
    #[must_use]
    pub fn dots(&self) -> usize {
        (self.modules.len() + 2 * BAR_QUIET) * BAR_DOTS
    }
}

/// Widths of bar, space, bar, space, bar, space of each Code128 value, in order (ISO/IEC 15417, table 1).
const PATTERNS: [&[u8; 6]; 106] = [
    b"212222", b"222122", b"222221", b"121223", b"121322", b"131222", b"122213", b"122312", b"132212", b"221213",
    b"221312", b"231212", b"112232", b"122132", b"122231", b"113222", b"123122", b"123221", b"223211", b"221132",
    b"221231", b"213212", b"223112", b"312131", b"311222", b"321122", b"321221", b"312212", b"322112", b"322211",
    b"212123", b"212321", b"232121", b"111323", b"131123", b"131321", b"112313", b"132113", b"132311", b"211313",
    b"231113", b"231311", b"112133", b"112331", b"132131", b"113123", b"113321", b"133121", b"313121", b"211331",
    b"231131", b"213113", b"213311", b"213131", b"311123", b"311321", b"331121", b"312113", b"312311", b"332111",
    b"314111", b"221411", b"431111", b"111224", b"111422", b"121124", b"121421", b"141122", b"141221", b"112214",
    b"112412", b"122114", b"122411", b"142112", b"142211", b"241211", b"221114", b"413111", b"241112", b"134111",
    b"111242", b"121142", b"121241", b"114212", b"124112", b"124211", b"411212", b"421112", b"421211", b"212141",
    b"214121", b"412121", b"111143", b"111341", b"131141", b"114113", b"114311", b"411113", b"411311", b"113141",
    b"114131", b"311141", b"411131", b"211412", b"211214", b"211232",
];
const STOP: &[u8; 7] = b"2331112";
const START_B: u8 = 104;
const START_C: u8 = 105;

/// Code128 of printable ASCII: set C for an even number of digits, else set B. `None` for an empty or longer text, or one
/// that set B has not.
#[must_use]
pub fn code128(text: &str) -> Option<Bars> {
    let bytes = text.as_bytes();
    if bytes.is_empty() || bytes.len() > 80 || !bytes.iter().all(|byte| (0x20..0x7F).contains(byte)) {
        return None;
    }
    let mut command = vec![b'{'];
    let mut values = Vec::with_capacity(bytes.len() + 2);
    if bytes.len().is_multiple_of(2) && bytes.iter().all(u8::is_ascii_digit) {
        command.push(b'C');
        values.push(START_C);
        values.extend(bytes.chunks_exact(2).map(|pair| (pair[0] - b'0') * 10 + pair[1] - b'0'));
        command.extend(&values[1..]);
    } else {
        command.push(b'B');
        values.push(START_B);
        values.extend(bytes.iter().map(|byte| byte - 0x20));
        // The printer takes `{` as the start of an instruction: a brace in the data is written twice.
        command.extend(bytes.iter().flat_map(|byte| std::iter::repeat_n(*byte, if *byte == b'{' { 2 } else { 1 })));
    }
    let weighted: usize = values.iter().enumerate().map(|(at, value)| at.max(1) * usize::from(*value)).sum();
    values.push(u8::try_from(weighted % 103).unwrap_or(0));
    let widths = values.iter().flat_map(|value| PATTERNS[usize::from(*value)].iter()).chain(STOP);
    // A value has six widths, so that counting through them alternates bar and space rightly.
    let modules = widths
        .enumerate()
        .flat_map(|(at, width)| std::iter::repeat_n(at.is_multiple_of(2), usize::from(*width - b'0')));
    Some(Bars { command, modules: modules.collect() })
}

/// The cells of a QR code at error correction level M, without the white around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cells {
    /// Cells across and down.
    pub side: usize,
    /// Row by row: is it black?
    pub dark: Vec<bool>,
}

impl Cells {
    /// Dots a cell, for a code about two fifths of the paper wide, from 3 (0.375 mm) to 8. `None` where even 3 do not fit.
    #[must_use]
    pub fn cell(&self, paper_dots: usize) -> Option<usize> {
        let across = self.side + 2 * QR_QUIET;
        let cell = (paper_dots * 2 / 5 / across).clamp(3, 8);
        (across * cell <= paper_dots).then_some(cell)
    }
}

/// The QR code of a text; `None` for an empty one, and for one longer than 1,000 bytes (a printer's store is small).
#[must_use]
pub fn qr(text: &str) -> Option<Cells> {
    if text.is_empty() || text.len() > 1_000 {
        return None;
    }
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    Some(Cells { side: code.width(), dark: code.to_colors().iter().map(|color| *color == Color::Dark).collect() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// ISO/IEC 15417: a symbol is 11 modules wide, its bars take an even number of them, and no two are alike.
    #[test]
    fn patterns_are_those_of_a_code128() {
        for (value, pattern) in PATTERNS.iter().enumerate() {
            let widths = pattern.map(|width| usize::from(width - b'0'));
            assert_eq!(widths.iter().sum::<usize>(), 11, "{value}");
            assert!((widths[0] + widths[2] + widths[4]).is_multiple_of(2), "{value}");
            assert_eq!(PATTERNS.iter().filter(|other| *other == pattern).count(), 1, "{value}");
        }
    }

    #[test]
    fn digits_take_set_c_and_braces_are_told_to_the_printer_twice() {
        let bars = code128("123456").unwrap();
        assert_eq!(bars.command, [b'{', b'C', 12, 34, 56]);
        assert_eq!(bars.modules.len(), 11 * 5 + 13);
        assert_eq!(code128("12345").unwrap().command, b"{B12345");
        assert_eq!(code128("a{b").unwrap().command, b"{Ba{{b");
        assert_eq!(code128("收"), None);
        assert_eq!(code128(""), None);
    }

    /// A worked check character: PJJ123C is given 54 (`V`) in the literature on Code128, set A and B alike but for the start.
    #[test]
    fn the_check_character_is_the_weighted_sum() {
        let modules = code128("PJJ123C").unwrap().modules;
        let check: String = modules[11 * 8..11 * 9].chunk_by(|a, b| a == b).map(|run| run.len().to_string()).collect();
        assert_eq!(check.as_bytes(), PATTERNS[55]);
    }

    #[test]
    fn a_qr_code_fits_the_paper_or_is_not_drawn() {
        let code = qr("tilld:1:S001:128:7KQ4").unwrap();
        assert_eq!(code.dark.len(), code.side * code.side);
        assert_eq!(code.cell(576), Some(6));
        assert_eq!(code.cell(90), None);
        assert_eq!(qr(""), None);
        assert_eq!(qr(&"x".repeat(1_001)), None);
    }
}
