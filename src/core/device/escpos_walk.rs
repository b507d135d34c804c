//! Where one ESC/POS command ends and the next begins.
//!
//! The spool must know it: a status question that lands inside another command's data becomes part of the picture, and
//! so does a `GS r` that marks how far the printer has got. It interprets nothing.

/// A piece of a job between two places where something else may be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Length in bytes, at least 1.
    pub len: usize,
    /// Whether its end is a boundary between commands.
    pub boundary: bool,
}

/// The next piece of `bytes` to write: as many whole commands as fit into `limit`, or a part of one longer than that.
/// `inside` is how much of the current command remains from an earlier, unfinished piece (0 at a boundary).
/// Returns the piece and the new `inside`. `None` at the end.
pub fn next_piece(bytes: &[u8], inside: usize, limit: usize) -> Option<(Piece, usize)> {
    if bytes.is_empty() {
        return None;
    }
    let limit = limit.max(1);
    let mut end = 0;
    if inside == 0 {
        while end < limit && end < bytes.len() {
            let len = command_len(&bytes[end..]);
            if end + len > limit {
                break;
            }
            end += len;
        }
        if end > 0 {
            return Some((Piece { len: end, boundary: true }, 0));
        }
    }
    let whole = if inside == 0 { command_len(bytes) } else { inside.min(bytes.len()) };
    let len = whole.min(limit);
    let left = whole - len;
    Some((Piece { len, boundary: left == 0 }, left))
}

/// Length of the first command or run of text in `bytes` (not empty). What is not known, or is cut off, counts as one
/// command up to the end: then nothing is put between.
fn command_len(bytes: &[u8]) -> usize {
    let all = bytes.len();
    let at = |i: usize| bytes.get(i).copied().map_or(0, usize::from);
    let le16 = |i: usize| at(i) + 256 * at(i + 1);
    let len = match bytes[0] {
        0x10 => match at(1) {
            4 | 5 => 3,
            0x14 if at(2) == 8 => 10,
            0x14 => 5,
            _ => all,
        },
        0x1B => escape(bytes),
        0x1C => match at(1) {
            0x26 | 0x2E => 2,
            0x21 | 0x2D | 0x57 | 0x43 => 3,
            0x53 | 0x70 => 4,
            _ => all,
        },
        0x1D => match at(1) {
            0x21 | 0x42 | 0x49 | 0x61 | 0x62 | 0x66 | 0x68 | 0x77 | 0x48 | 0x72 | 0x2F | 0x45 => 3,
            0x4C | 0x57 | 0x50 => 4,
            0x56 if matches!(at(2), 0 | 1 | 0x30 | 0x31) => 3,
            0x56 => 4,
            0x28 => 5 + le16(3),
            0x76 => 8 + le16(4) * le16(6),
            0x6B if at(2) >= 65 => 4 + at(3),
            0x6B => bytes.iter().skip(3).position(|b| *b == 0).map_or(all, |n| n + 4),
            _ => all,
        },
        0..=0x1F | 0x7F => 1,
        // Text up to its line's end. Control bytes are never part of a two-byte character.
        _ => match bytes.iter().position(|b| *b < 0x20) {
            Some(n) if bytes[n] == b'\n' => n + 1,
            Some(n) => n,
            None => all,
        },
    };
    len.min(all)
}

fn escape(bytes: &[u8]) -> usize {
    let at = |i: usize| bytes.get(i).copied().map_or(0, usize::from);
    match at(1) {
        0x40 | 0x32 | 0x69 | 0x6D | 0x3C => 2,
        0x20 | 0x21 | 0x25 | 0x2D | 0x33 | 0x3D | 0x45 | 0x47 | 0x4A | 0x4B | 0x4D | 0x52 | 0x54 | 0x55 | 0x56
        | 0x61 | 0x64 | 0x65 | 0x72 | 0x74 | 0x7B => 3,
        0x24 | 0x5C | 0x63 => 4,
        0x70 => 5,
        0x2A if at(2) < 32 => 5 + at(3) + 256 * at(4),
        0x2A => 5 + 3 * (at(3) + 256 * at(4)),
        0x44 => bytes.iter().skip(2).position(|b| *b == 0).map_or(bytes.len(), |n| n + 3),
        _ => bytes.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pieces(bytes: &[u8], limit: usize) -> Vec<(usize, bool)> {
        let (mut at, mut inside, mut out) = (0, 0, Vec::new());
        while let Some((p, left)) = next_piece(&bytes[at..], inside, limit) {
            out.push((p.len, p.boundary));
            at += p.len;
            inside = left;
        }
        out
    }

    #[test]
    fn commands_are_not_torn() {
        let job = b"\x1b@\x1c&\x1b\x61\x01\xb4\xf2\xd3\xa1\n\x1d!\x11A\n\x1dVB\x03\x1bp\x00\x19\xfa";
        assert_eq!(pieces(job, 1000), [(job.len(), true)]);
        let ends: Vec<usize> = pieces(job, 1).iter().map(|p| p.0).collect();
        assert_eq!(ends.iter().sum::<usize>(), job.len());
        let mut boundaries = vec![0];
        let mut at = 0;
        for (len, b) in pieces(job, 1) {
            at += len;
            if b {
                boundaries.push(at);
            }
        }
        assert_eq!(boundaries, [0, 2, 4, 7, 12, 15, 17, 21, 26]);
    }

    #[test]
    fn pictures_and_codes_are_one_command() {
        let mut raster = vec![0x1D, 0x76, 0x30, 0, 2, 0, 3, 0];
        raster.extend([0x0A; 6]);
        for command in [raster, b"\x1d(k\x06\x001P0\n\n\n".to_vec(), b"\x1dkI\x04{B\n\n".to_vec()] {
            let mut job = command.clone();
            job.extend(b"x\n");
            assert_eq!(pieces(&job, command.len()), [(command.len(), true), (2, true)]);
            let (p, left) = next_piece(&job, 0, 5).unwrap_or((Piece { len: 0, boundary: true }, 0));
            assert_eq!((p.len, p.boundary, left), (5, false, command.len() - 5));
        }
    }

    #[test]
    fn the_unknown_is_kept_whole() {
        assert_eq!(pieces(b"ab\n\x1d\x99xyz\n\n", 4), [(3, true), (4, false), (3, true)]);
    }

    proptest! {
        #[test]
        fn every_byte_is_written_once(bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(0x1D), Just(0x1B), Just(0x0A)], 0..400), limit in 0usize..64) {
            let got = pieces(&bytes, limit);
            prop_assert_eq!(got.iter().map(|p| p.0).sum::<usize>(), bytes.len());
            prop_assert!(got.iter().all(|p| p.0 > 0 && p.0 <= limit.max(1)));
            prop_assert!(got.last().is_none_or(|p| p.1));
        }
    }
}
