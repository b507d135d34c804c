//! A message for people's eyes and for evidence: even a malformed one can be printed, and nothing that must die is in it (law 7).

use std::fmt::Write;

use super::bcd::{hex, hex_digit, nibble_at, unhex};
use super::framing::Layout;
use super::mask;
use super::spec::Spec;
use super::view::{FieldSpan, View};

/// A line a field (`11  000123`), masked; where the bytes are malformed, what could be read, then what is wrong and how many bytes are left unshown.
#[must_use]
pub fn text(spec: &Spec, body: &[u8]) -> String {
    let (view, fault) = View::as_far_as_possible(spec, body);
    let mut out = String::new();
    if let Some(view) = &view {
        let _ = writeln!(out, "MTI {}", view.mti());
        for span in view.fields() {
            let _ = writeln!(out, "{:>3} {}", span.number, mask::shown(view.mti(), span.number, &view.content(span)));
        }
    }
    if let Some(fault) = fault {
        let read = readable(view.as_ref());
        let _ = writeln!(out, "malformed: {fault}; {} bytes not shown", body.len() - read);
    }
    out
}

/// The message's bytes as hex, every hidden nibble as `*`. Where it is malformed, all from the field with the fault on is hidden.
#[must_use]
pub fn masked_hex(spec: &Spec, body: &[u8]) -> String {
    let (view, fault) = View::as_far_as_possible(spec, body);
    let read = if fault.is_none() { body.len() } else { readable(view.as_ref()) };
    let mut out: Vec<char> = (0..body.len() * 2)
        .map(|index| if index / 2 < read { hex_digit(nibble_at(body, index)) } else { '*' })
        .collect();
    if let Some(view) = view {
        for span in view.fields() {
            hide(&mut out, span, &mask::hidden(view.mti(), span.number, &view.content(span)));
        }
    }
    out.into_iter().collect()
}

/// [`masked_hex`] of a frame's body behind its TPDU and header, which hold nothing secret.
#[must_use]
pub fn masked_frame(spec: &Spec, frame: &super::framing::Frame) -> String {
    format!("{}{}{}", hex(&frame.tpdu), hex(&frame.header), masked_hex(spec, &frame.body))
}

/// The fields of a frame that was kept with [`masked_frame`], in their order; field 0 is the type. What was hidden stays `*`. `None` where it
/// cannot be read: the hidden digits stand in contents only, so that a whole frame always can.
#[must_use]
pub fn from_masked(spec: &Spec, layout: Layout, masked: &str) -> Option<Vec<(u8, String)>> {
    let hidden: Vec<bool> = masked.bytes().map(|b| b == b'*').collect();
    let body_at = layout.tpdu + layout.header;
    let bytes = unhex(&masked.replace('*', "0"))?;
    let body = bytes.get(body_at..)?;
    let (view, fault) = View::as_far_as_possible(spec, body);
    let view = view.filter(|_| fault.is_none())?;
    let mut out = vec![(0, view.mti().to_string())];
    for span in view.fields() {
        let width = if span.format.packed() { 1 } else { 2 };
        let first = body_at * 2 + span.content.start * 2 + span.first_nibble();
        let content = view.content(span);
        let stars = (0..content.len()).map(|unit| hidden.get(first + unit * width).copied().unwrap_or(true));
        let stars: Vec<bool> = stars.collect();
        out.push((span.number, mask::with_stars(&content, &stars)));
    }
    Some(out)
}

/// Bytes that were read before the first fault.
fn readable(view: Option<&View<'_>>) -> usize {
    view.map_or(0, |view| view.fields().last().map_or(2, |span| span.content.end))
}

fn hide(out: &mut [char], span: &FieldSpan, hidden: &[bool]) {
    let width = if span.format.packed() { 1 } else { 2 };
    let first = span.content.start * 2 + span.first_nibble();
    for (unit, hidden) in hidden.iter().enumerate() {
        if *hidden {
            out[first + unit * width..][..width].fill('*');
        }
    }
}
