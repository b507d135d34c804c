//! A magnetic-stripe reader on a pty.

use std::io::{BufRead, Write};
use std::path::Path;

use super::pty::{Device, Stand};

/// The reader itself; it takes no commands.
#[derive(Debug, Default)]
pub struct Msr {
    output: Vec<u8>,
    framed: bool,
}

impl Device for Msr {
    fn receive(&mut self, _bytes: &[u8]) {}

    fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    fn unplugged(&mut self) {
        self.output.clear();
    }
}

impl Msr {
    /// `%T1?;T2?` CR; a track that is `None` could not be read.
    fn swipe(&mut self, track1: Option<&str>, track2: Option<&str>) {
        let text = format!("%{}?;{}?\r", track1.unwrap_or("E"), track2.unwrap_or("E"));
        if self.framed {
            self.output.push(2);
        }
        self.output.extend(text.as_bytes());
        if self.framed {
            self.output.push(3);
        }
    }
}

/// A running reader.
#[derive(Debug)]
pub struct MsrStand(Stand<Msr>);

impl MsrStand {
    /// Plugs one in under `link`; `framed` sends STX and ETX around a swipe.
    ///
    /// # Errors
    /// What the system says.
    pub fn start(link: &Path, framed: bool) -> std::io::Result<Self> {
        Stand::start(Msr { framed, ..Msr::default() }, link).map(Self)
    }

    /// Swipes a card: tracks without sentinels.
    pub fn swipe(&self, track1: &str, track2: &str) {
        self.0.with(|m| m.swipe(Some(track1), Some(track2)));
    }

    /// A swipe that cannot be read.
    pub fn bad_swipe(&self) {
        self.0.with(|m| m.swipe(None, None));
    }

    /// Sends bytes as they are: noise, half a swipe.
    pub fn send_raw(&self, bytes: &[u8]) {
        self.0.with(|m| m.output.extend(bytes));
    }

    /// Pulls the cable.
    pub fn unplug(&self) {
        self.0.unplug();
    }

    /// Plugs it in again.
    ///
    /// # Errors
    /// What the system says.
    pub fn plug(&self) -> std::io::Result<()> {
        self.0.plug()
    }
}

/// `tilld sim msr`: a track 2 a line (or `track1|track2`, or `bad`), until the end or `quit`.
///
/// # Errors
/// No pty, or the terminal is gone.
pub fn run(link: &Path, framed: bool, input: impl BufRead, mut output: impl Write) -> std::io::Result<()> {
    let stand = MsrStand::start(link, framed)?;
    writeln!(output, "reader at {}: type a track 2 a line, or track1|track2, or bad; `quit` ends", link.display())?;
    for line in input.lines() {
        match line?.trim() {
            "" => {}
            "quit" => break,
            "bad" => stand.bad_swipe(),
            "unplug" => stand.unplug(),
            "plug" => stand.plug()?,
            tracks => match tracks.split_once('|') {
                Some((one, two)) => stand.swipe(one, two),
                None => stand.swipe("B0^TEST^0", tracks),
            },
        }
    }
    Ok(())
}
