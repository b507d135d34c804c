//! Code 128 and QR as the printer draws them.

use super::paper::Bitmap;

/// Bar and space widths of the 107 Code 128 characters (ISO/IEC 15417); the last is the stop with its final bar.
const WIDTHS: [&[u8]; 107] = [
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
    b"114131", b"311141", b"411131", b"211412", b"211214", b"211232", b"2331112",
];

/// Draws the data of `GS k 73`: `{A`, `{B`, `{C` choose the set, `{{` is a brace. Gives the bars and the text.
pub(super) fn code128(data: &[u8], module: u8, height: u8) -> Result<(Bitmap, String), String> {
    let (values, text) = code128_values(data)?;
    let mut row = Vec::new();
    for value in values {
        for (i, width) in WIDTHS[usize::from(value)].iter().enumerate() {
            row.extend(std::iter::repeat_n(i % 2 == 0, usize::from((width - b'0') * module)));
        }
    }
    Ok((Bitmap::from_rows(row.len(), std::iter::repeat_n(row.as_slice(), usize::from(height))), text))
}

fn code128_values(data: &[u8]) -> Result<(Vec<u8>, String), String> {
    let mut values: Vec<u8> = Vec::new();
    let mut text = String::new();
    let mut set = 0;
    let mut rest = data;
    while let [b, after @ ..] = rest {
        rest = after;
        match (*b, set) {
            (b'{', _) => {
                let [kind, after @ ..] = rest else { return Err("ends after a brace".into()) };
                rest = after;
                match kind {
                    b'A' | b'B' | b'C' => {
                        let start = if values.is_empty() { 103 + (kind - b'A') } else { 101 - (kind - b'A') };
                        values.push(start);
                        set = *kind;
                    }
                    b'{' if set == b'B' => {
                        values.push(b'{' - 32);
                        text.push('{');
                    }
                    other => return Err(format!("brace and {other:02X}")),
                }
            }
            (_, 0) => return Err("no code set at the start".into()),
            (d @ 0..=99, b'C') => {
                values.push(d);
                text.push_str(&format!("{d:02}"));
            }
            (c @ 0x20..=0x7F, b'B') | (c @ 0x20..=0x5F, b'A') => {
                values.push(c - 32);
                text.push(char::from(c));
            }
            (c @ 0..=0x1F, b'A') => values.push(c + 64),
            (c, set) => return Err(format!("{c:02X} is not in set {}", char::from(set))),
        }
    }
    let Some((first, others)) = values.split_first() else { return Err("no data".into()) };
    let sum = others.iter().zip(1u32..).fold(u32::from(*first), |sum, (v, i)| sum + u32::from(*v) * i);
    // 0–102.
    values.push(u8::try_from(sum % 103).unwrap_or(0));
    values.push(106);
    Ok((values, text))
}

/// The settings and the data of `GS ( k`, cn 49.
#[derive(Debug, Clone)]
pub(super) struct QrSettings {
    cell: u8,
    level: qrcode::EcLevel,
    data: Vec<u8>,
}

impl Default for QrSettings {
    fn default() -> Self {
        Self { cell: 3, level: qrcode::EcLevel::L, data: Vec::new() }
    }
}

impl QrSettings {
    /// One function; `Some` where it prints.
    pub(super) fn take(&mut self, function: u8, rest: &[u8]) -> Result<Option<(Bitmap, String)>, String> {
        match (function, rest) {
            (b'A', [b'1' | b'2', 0]) => {}
            (b'C', [n @ 1..=16]) => self.cell = *n,
            (b'E', [b'0']) => self.level = qrcode::EcLevel::L,
            (b'E', [b'1']) => self.level = qrcode::EcLevel::M,
            (b'E', [b'2']) => self.level = qrcode::EcLevel::Q,
            (b'E', [b'3']) => self.level = qrcode::EcLevel::H,
            (b'P', [b'0', data @ ..]) => self.data = data.to_vec(),
            (b'Q', [b'0']) => return self.draw().map(Some),
            _ => return Err(format!("function {function:02X} with {rest:02X?}")),
        }
        Ok(None)
    }

    fn draw(&self) -> Result<(Bitmap, String), String> {
        let code = qrcode::QrCode::with_error_correction_level(&self.data, self.level).map_err(|e| e.to_string())?;
        let cell = usize::from(self.cell);
        let rows: Vec<Vec<bool>> = code
            .to_colors()
            .chunks(code.width())
            .map(|r| r.iter().flat_map(|c| std::iter::repeat_n(*c == qrcode::Color::Dark, cell)).collect())
            .collect();
        let tall = rows.iter().flat_map(|r| std::iter::repeat_n(r.as_slice(), cell));
        let text = String::from_utf8_lossy(&self.data).into_owned();
        Ok((Bitmap::from_rows(code.width() * cell, tall), text))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_code_128_character_is_eleven_modules_and_its_own() {
        for (i, w) in WIDTHS.iter().enumerate() {
            let sum: u32 = w.iter().map(|b| u32::from(b - b'0')).sum();
            assert_eq!(sum, if i == 106 { 13 } else { 11 }, "{i}");
            assert!(WIDTHS[..i].iter().all(|v| v != w), "{i}");
        }
    }

    #[test]
    fn check_character_of_a_known_code() {
        // "PJJ123C" has check value 54 in set A (a worked example found in many texts); set B starts one higher.
        let (values, _) = code128_values(b"{APJJ123C").unwrap();
        assert_eq!((values[0], values[values.len() - 2]), (103, 54));
        let (values, text) = code128_values(b"{BPJJ123C").unwrap();
        assert_eq!((values[0], values[values.len() - 2], text.as_str()), (104, 55, "PJJ123C"));
        assert!(code128_values(b"12").is_err() && code128_values(b"{B\x01").is_err() && code128_values(b"").is_err());
    }
}
