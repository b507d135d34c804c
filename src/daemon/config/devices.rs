//! `[[reader]]` and `[[printer]]`: what is plugged in.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::read::{Once, Reader, id, known_terminal, lang, one_of, say};
use super::section::Section;
use super::{PrinterConfig, ReaderConfig, ReaderKind};
use crate::core::device::profile::Profile;
use crate::core::device::reader::Reads;
use crate::core::device::scanner::Trigger;
use crate::core::domain::{PrinterId, Sentence, TerminalId};
use crate::core::report::escpos::Encoding;
use crate::io::serial::FlowControl;

const BAUDS: &[i64] = &[1200, 2400, 4800, 9600, 19200, 38400, 57600, 115_200, 230_400, 460_800, 921_600];
const COLUMNS: &[i64] = &[32, 35, 42, 48];
/// A printer's model is a page at most.
const MAX_MODEL: usize = 64 * 1024;

impl Reader<'_> {
    pub(super) fn readers(
        &self,
        root: &mut Section<'_, '_>,
        ids: &[TerminalId],
        ports: &mut Once,
    ) -> Vec<ReaderConfig> {
        let (mut list, mut bridges) = (Vec::new(), Once::default());
        for mut s in root.tables("reader") {
            let terminal = s.must("terminal", "\"POS1\"", |t| known_terminal(t, ids));
            let kind = s.must("kind", "\"scanner\"", |t| {
                ReaderKind::named(t).map_or_else(|| one_of(t, &ReaderKind::names()), Ok)
            });
            let is_bridge = kind.as_ref().is_some_and(|(kind, _)| *kind == ReaderKind::Bridge);
            let (port, baud) = self.port(&mut s, kind.as_ref().map_or(9600, |(kind, _)| kind.baud().into()), ports);
            if let (Some((terminal, place)), true) = (&terminal, is_bridge) {
                bridges.see(&s, "terminal", terminal.as_str(), *place);
            }
            let trigger = s.text("trigger", "\"honeywell\"", |t| {
                Trigger::named(t).map_or_else(|| one_of(t, "none, honeywell, newland"), Ok)
            });
            if let (Some((_, place)), Some((kind, _))) = (&trigger, &kind)
                && kind.reads() != Reads::Codes
            {
                let what = Sentence::new("只用于扫码枪，请删除", "is for scanners only: remove it");
                s.wrong("trigger", *place, what);
            }
            let trigger = trigger.map_or(Trigger::None, |v| v.0);
            s.finish();
            if let (Some((terminal, _)), Some((kind, _)), Some(port), Some(baud)) = (terminal, kind, port, baud) {
                list.push(ReaderConfig { terminal, kind, port, baud, trigger });
            }
        }
        list
    }

    pub(super) fn printers(
        &self,
        root: &mut Section<'_, '_>,
        ids: &[TerminalId],
        ports: &mut Once,
    ) -> Vec<PrinterConfig> {
        let mut list = Vec::new();
        let mut seen = Once::default();
        for mut s in root.tables("printer") {
            let id = s.must("id", "\"front\"", |t| id(t, PrinterId::new, 16));
            if let Some((id, place)) = &id {
                seen.see(&s, "id", id.as_str(), *place);
            }
            let (port, baud) = self.port(&mut s, 115_200, ports);
            let flow = s.text("flow", "\"none\"", |t| match t {
                "none" => Ok(FlowControl::None),
                "hardware" => Ok(FlowControl::Hardware),
                "software" => Ok(FlowControl::Software),
                _ => one_of(t, "none, hardware, software"),
            });
            let profile = self.profile(&mut s);
            let logo = s.text("logo", "\"/etc/tilld/logo.png\"", |t| self.path(t));
            let terminals = printed_terminals(&mut s, ids);
            let receipts = s.flag("receipts", true);
            let language = s.text("language", "\"zh\"", lang);
            s.finish();
            let (Some((id, _)), Some(port), Some(baud), Some(profile), Some(receipts)) =
                (id, port, baud, profile, receipts)
            else {
                continue;
            };
            list.push(PrinterConfig {
                id,
                port,
                baud,
                flow: flow.map_or(FlowControl::None, |v| v.0),
                profile,
                logo: logo.map(|v| v.0),
                terminals,
                receipts,
                language: language.map_or(self.lang, |v| v.0),
            });
        }
        list
    }

    /// The model, with what the configuration changes of it.
    fn profile(&self, s: &mut Section<'_, '_>) -> Option<Profile> {
        let named = s.text("profile", "\"generic-80\"", |t| self.model(t));
        let columns = s.choice("columns", named.as_ref().map_or(48, |(p, _)| p.columns.into()), COLUMNS);
        let encoding = s.text("encoding", "\"gb18030\"", |t| match t {
            "gb18030" => Ok(Encoding::Gb18030),
            "raster" => Ok(Encoding::Raster),
            "ascii" => Ok(Encoding::Ascii),
            _ => one_of(t, "gb18030, raster, ascii"),
        });
        let columns = u16::try_from(columns?).ok()?;
        let profile = named.map_or_else(|| Profile::generic(columns), |(profile, _)| Profile { columns, ..profile });
        Some(match encoding {
            Some((encoding, _)) => Profile { encoding, ..profile },
            None => profile,
        })
    }

    fn model(&self, text: &str) -> Result<Profile, Sentence> {
        let said = |e: &dyn std::fmt::Display| Sentence::new(format!("打印机型号不可用：{e}"), e.to_string());
        if !text.ends_with(".toml") {
            return Profile::named(text).map_err(|e| said(&e));
        }
        let file = read_file(&self.path(text)?, MAX_MODEL)?;
        let toml = String::from_utf8(file).map_err(|e| said(&e))?;
        Profile::parse(text, &toml).map_err(|e| said(&e))
    }

    fn port(&self, s: &mut Section<'_, '_>, baud: i64, ports: &mut Once) -> (Option<PathBuf>, Option<u32>) {
        let port = s.must("port", "\"/dev/serial/by-id/usb-…\"", |t| self.path(t));
        if let Some((port, place)) = &port {
            ports.see(s, "port", &port.to_string_lossy(), *place);
        }
        let baud = s.choice("baud", baud, BAUDS).and_then(|rate| u32::try_from(rate).ok());
        (port.map(|v| v.0), baud)
    }
}

fn printed_terminals(s: &mut Section<'_, '_>, ids: &[TerminalId]) -> Option<Vec<TerminalId>> {
    let (names, place) = s.texts("terminals", "[\"POS1\"]")?;
    let mut list = Vec::new();
    for name in names {
        match known_terminal(&name, ids) {
            Ok(id) => list.push(id),
            Err(what) => s.wrong("terminals", place, what),
        }
    }
    Some(list)
}

/// A file beside the configuration.
pub(super) fn read_file(path: &Path, most: usize) -> Result<Vec<u8>, Sentence> {
    let mut bytes = Vec::new();
    let shown = path.display();
    let read = std::fs::File::open(path).and_then(|file| file.take(most as u64 + 1).read_to_end(&mut bytes));
    match read {
        Ok(n) if n > most => say(
            format!("{shown} 过大，最多 {} KB", most / 1024),
            format!("{shown} is too large: {} KB at most", most / 1024),
        ),
        Ok(_) => Ok(bytes),
        Err(e) => say(format!("无法读取 {shown}：{e}"), format!("{shown} cannot be read: {e}")),
    }
}
