//! The stand-in itself, with bytes written out by hand from the manuals.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use proptest::prelude::*;

fn printer() -> Printer {
    Printer::new(PrinterSettings::default())
}

fn gb(text: &str) -> Vec<u8> {
    encoding_rs::GB18030.encode(text).0.into_owned()
}

#[test]
fn text_modes_and_widths() {
    let mut p = printer();
    let mut job = b"\x1b@\x1c&\x1ba\x01\x1d!\x11".to_vec();
    job.extend(gb("望京店"));
    job.extend(b"\n\x1d!\x00\x1ba\x02");
    job.extend(gb("合计 ￥12.30"));
    job.extend(b"\n\x1ba\x00");
    job.extend(gb(&"一".repeat(25)));
    job.extend(b"\nab\x1dVA\x00\n");
    assert_eq!(p.feed(&job), b"");
    let lines: Vec<String> = p.paper().text().lines().map(str::to_owned).collect();
    assert_eq!(lines[0], format!("{}望京店", " ".repeat(18)));
    assert_eq!(lines[1], format!("{}合计 ￥12.30", " ".repeat(36)));
    assert_eq!((lines[2].as_str(), lines[3].as_str()), ("一".repeat(24).as_str(), "一"));
    assert_eq!(p.faults(), ["cut in the middle of a line"]);
}

#[test]
fn what_it_does_not_know_is_a_fault() {
    let mut p = printer();
    p.feed(b"\x1b\x7f\x1d\x99\xb4\xf2\x1c&\x81\x30\x84\x36\x07\n");
    let f = p.faults().join("; ");
    for what in [
        "unknown command 1B 7F",
        "unknown command 1D 99",
        "B4 outside Chinese",
        "81 30 is not in the two-byte",
        "control byte 07",
    ] {
        assert!(f.contains(what), "{what}: {f}");
    }
}

#[test]
fn questions_and_answers() {
    let mut p = printer();
    assert_eq!(p.feed(&[0x10, 4, 1, 0x10, 4, 2, 0x10, 4, 3, 0x10, 4, 4]), [0x12; 4]);
    assert_eq!(p.feed(b"\x1da\xff"), [0x10, 0, 0, 0x0F]);
    assert_eq!(p.feed(b"x\n\x1dr1\x1d(H\x06\x00001234"), b"\x00\x37\x221234\x00");
    p.set_cover(true);
    assert_eq!(p.take_output(), [0x38, 0, 0, 0x0F]);
    assert_eq!(p.feed(&[0x1D, 0x72, 0x31, 0x10, 4, 2]), [0x16], "no GS r while it is open, DLE EOT at once");
    p.set_cover(false);
    assert_eq!(p.take_output(), [0x10, 0, 0, 0x0F, 0x00]);
    assert_eq!(p.buffered(), 0);
}

#[test]
fn paper_ends_in_the_middle_and_what_was_buffered_prints_on() {
    let mut p = printer();
    p.feed(b"\x1da\xff");
    p.set_paper_lines(3);
    let replies = p.feed(b"1\n2\n3\n4\n5\n\x1dr1");
    assert_eq!(replies[replies.len() - 4..], [0x18, 0, 0x0F, 0x0F]);
    assert_eq!(p.paper().text(), "1\n2\n3\n");
    p.refill();
    assert_eq!(p.paper().text(), "1\n2\n3\n4\n5\n");
    assert_eq!(p.take_output(), [0x10, 0, 0, 0x0F, 0x00]);
}

#[test]
fn a_jam_waits_for_recovery() {
    let mut p = printer();
    p.set_jam(true);
    p.feed(b"a\n\x10\x05\x01");
    assert_eq!(p.paper().text(), "");
    p.set_jam(false);
    assert_eq!(p.paper().text(), "");
    assert_eq!(p.feed(&[0x10, 4, 1]), [0x3A]);
    p.feed(&[0x10, 5, 1]);
    assert_eq!(p.paper().text(), "a\n");
    p.set_jam(true);
    p.feed(b"b\n");
    p.set_jam(false);
    p.feed(&[0x10, 5, 2]);
    p.feed(b"c\n");
    assert_eq!(p.paper().text(), "a\nc\n");
}

#[test]
fn a_full_buffer_throws_away_and_a_handshake_does_not_get_there() {
    let mut p = printer();
    p.set_cover(true);
    p.feed(&[b'x'; 5000]);
    assert_eq!(p.thrown_away(), 5000 - 4096);
    assert_eq!(p.feed(&[0x10, 4, 1]), [0x1A], "it still answers at once");
    let mut p = Printer::new(PrinterSettings { handshake: true, ..PrinterSettings::default() });
    p.set_cover(true);
    while p.room() > 0 {
        p.feed(&vec![b'x'; p.room()]);
    }
    assert_eq!((p.thrown_away(), p.buffered()), (0, 4096 - 128));
}

#[test]
fn a_picture_longer_than_the_buffer_is_taken_in_as_it_comes() {
    let mut p = printer();
    let mut raster = vec![0x1D, 0x76, 0x30, 0, 72, 0, 200, 0];
    raster.extend(vec![0xAA; 72 * 200]);
    for part in raster.chunks(500) {
        p.feed(part);
    }
    p.feed(b"after\n");
    assert_eq!((p.paper().text().as_str(), p.faults().len()), ("[raster 576x200]\nafter\n", 0));
}

#[test]
fn a_question_inside_a_picture_spoils_it() {
    let mut p = printer();
    p.feed(&[0x1D, 0x76, 0x30, 0, 1, 0, 6, 0, 1, 2, 3]);
    assert_eq!(p.feed(&[0x10, 4, 1]), [0x12]);
    p.feed(b"456\n");
    assert_eq!(p.paper().text(), "[raster 8x6]\n456\n");
}

#[test]
fn it_prints_at_its_speed() {
    let mut p = Printer::new(PrinterSettings { speed: Some(600), ..PrinterSettings::default() });
    p.feed(b"1\n2\n3\n");
    assert_eq!(p.paper().text(), "");
    p.elapse(50);
    assert_eq!(p.paper().text(), "1\n");
    p.elapse(100);
    assert_eq!(p.paper().text(), "1\n2\n3\n");
}

#[test]
fn codes_and_the_drawer() {
    let mut p = printer();
    p.feed(b"\x1bp\x00\x19\xfa\x1dh\x50\x1dw\x02\x1dkI\x08{BNo.123\x1d(k\x04\x001A2\x00\x1d(k\x03\x001C\x06\x1d(k\x03\x001E1");
    p.feed(b"\x1d(k\x0b\x001P0https://\x1d(k\x03\x001Q0\x10\x14\x01\x01\x02");
    assert_eq!(p.paper().text(), "[code128 No.123]\n[qr https://]\n");
    assert_eq!((p.drawer_openings(), p.drawer_pulses()), (2, &[[0, 0x19, 0xFA], [1, 100, 0]][..]));
    assert_eq!(p.faults(), [] as [String; 0]);
}

#[test]
fn the_picture_is_a_png_of_the_right_size() {
    let mut p = printer();
    p.feed(b"a\n\x1dV0b\n\x1dVB\x00");
    let mut out = Vec::new();
    p.paper().write_png(&mut out).unwrap();
    let reader = png::Decoder::new(std::io::Cursor::new(&out)).read_info().unwrap();
    assert_eq!(reader.info().width, 576 * 2 + 144);
    let mut last = Vec::new();
    p.paper().write_png_of_last(1, &mut last).unwrap();
    let h = |png: &[u8]| png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap().info().height;
    assert!(h(&last) < h(&out));
}

proptest! {
    #[test]
    fn any_bytes_are_survived(parts in prop::collection::vec(prop::collection::vec(prop_oneof![4 => any::<u8>(), 1 => Just(0x1D), 1 => Just(0x1B), 1 => Just(0x10)], 0..200), 0..20)) {
        let mut p = printer();
        for part in parts {
            p.feed(&part);
        }
        p.paper().text();
        prop_assert!(p.faults().len() <= MAX_FAULTS);
    }

    #[test]
    fn however_cut_the_paper_is_the_same(cut in 1usize..40) {
        let mut job = b"\x1b@\x1c&\x1dr1".to_vec();
        job.extend(gb("打印机测试 abc\n第二行\n"));
        job.extend(b"\x1d(k\x05\x001P0ab\x1d(k\x03\x001Q0\x1dv0\x00\x01\x00\x04\x00\n\n\n\nend\n\x1dVB\x05");
        let mut whole = printer();
        let all = whole.feed(&job);
        let mut p = printer();
        let parts: Vec<u8> = job.chunks(cut).flat_map(|c| p.feed(c)).collect();
        prop_assert_eq!((p.paper().text(), parts), (whole.paper().text(), all));
        prop_assert!(p.faults().is_empty());
    }
}
