//! Readers, printers and bridges: as the daemon tells, or opened and asked here where no daemon holds them.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use super::{Chart, Grade};
use crate::core::device::reader::{Kind, Options};
use crate::core::ports::{PortStatus, StatusView};
use crate::daemon::bridging::{BridgeLine, PadState, Told};
use crate::daemon::config::{Config, ReaderKind};
use crate::daemon::reading::ReaderLine;
use crate::io::clock::Clock;
use crate::io::serial::{PortConfig, PortEvent, PortHandle, list_ports};

const READER: (&str, &str) = ("读卡器/扫码枪", "reader");
const PRINTER: (&str, &str) = ("打印机", "printer");
const BRIDGE: (&str, &str) = ("外设桥", "bridge");

/// How long a port may take to open, a printer to answer.
const OPEN: Duration = Duration::from_millis(1_500);
/// A bridge says hello within two seconds, and tells of its keys.
const UP: Duration = Duration::from_secs(5);
/// DLE EOT 1: the printer's state, answered at once.
const ASK_STATE: [u8; 3] = [0x10, 0x04, 0x01];

/// What the daemon says of its ports.
pub(super) fn told(config: &Config, status: &StatusView, chart: &mut Chart) {
    for port in &status.ports {
        let printer = config.printers.iter().any(|p| p.id.as_str() == port.id);
        let area = match (printer, port.id.ends_with(" bridge")) {
            (true, _) => PRINTER,
            (false, true) => BRIDGE,
            (false, false) => READER,
        };
        // A receipt waits for its paper; a card does not wait for its reader.
        let grade = if printer { Grade::Note } else { Grade::Bad };
        one(port, grade, area, chart);
    }
}

fn one(port: &PortStatus, grade: Grade, area: (&str, &str), chart: &mut Chart) {
    let PortStatus { id, port: path, state, attention, .. } = port;
    match attention {
        Some(do_this) => chart.add(grade, area, format!("{id}：{}", do_this.zh), format!("{id}: {}", do_this.en)),
        None if state == "open" => chart.add(Grade::Good, area, id.clone(), id.clone()),
        None => missing(id, Path::new(path), "", grade, area, chart),
    }
}

fn missing(id: &str, path: &Path, why: &str, grade: Grade, area: (&str, &str), chart: &mut Chart) {
    let shown = path.display();
    let there: Vec<String> =
        list_ports().into_iter().flat_map(|p| p.stable).take(8).map(|p| p.display().to_string()).collect();
    let there = if there.is_empty() { "-".to_owned() } else { there.join(" ") };
    let because = if why.is_empty() { String::new() } else { format!(" ({why})") };
    chart.add(
        grade,
        area,
        format!("{id}：{shown} 打不开{because}。请检查插头和权限（usermod -aG dialout）；现有端口：{there}"),
        format!("{id}: {shown} cannot be opened{because}. Check the plug and permissions (usermod -aG dialout); there are: {there}"),
    );
}

/// Opens and asks them here.
pub(super) fn looked_at(config: &Config, chart: &mut Chart) {
    let clock = Clock::start();
    for reader in &config.readers {
        let (port, id) = (PortConfig::new(&reader.port, reader.baud), reader.terminal.as_str());
        match reader.kind {
            ReaderKind::Bridge => {
                let keyless = config.terminal(&reader.terminal).is_some_and(|t| t.master_key_file.is_none());
                bridge(id, port, clock, keyless, chart);
            }
            ReaderKind::Line(kind) if kind.answers => answering(id, port, kind, clock, chart),
            ReaderKind::Line(_) => match open(port, clock, &[]) {
                Ok(_) => chart.add(Grade::Good, READER, format!("{id} 端口可用"), format!("{id}: the port opens")),
                Err(why) => missing(id, &reader.port, &why, Grade::Bad, READER, chart),
            },
        }
    }
    for printer in &config.printers {
        let id = printer.id.as_str();
        match open(PortConfig::new(&printer.port, printer.baud), clock, &ASK_STATE) {
            Ok(true) => chart.add(Grade::Good, PRINTER, format!("{id} 应答正常"), format!("{id} answers")),
            Ok(false) => chart.add(
                Grade::Note,
                PRINTER,
                format!("{id} 无应答。请检查电源、是否联机、波特率 {}", printer.baud),
                format!("{id} does not answer: check its power, whether it is on line, the rate of {}", printer.baud),
            ),
            Err(why) => missing(id, &printer.port, &why, Grade::Note, PRINTER, chart),
        }
    }
}

/// Whether a port opens, and whether something answers what is sent there; else why it does not open.
fn open(port: PortConfig, clock: Clock, ask: &[u8]) -> Result<bool, String> {
    let (sender, events) = mpsc::channel();
    let now: crate::io::serial::MonoMs = Arc::new(move || clock.now().mono.0);
    // This function may have returned.
    let port = PortHandle::start(port, now, move |event| drop(sender.send(event))).map_err(|e| e.to_string())?;
    let mut result = match events.recv_timeout(OPEN) {
        Ok(PortEvent::Opened { .. }) => Ok(false),
        _ => Err(match port.state() {
            crate::io::serial::PortState::Closed(why) => why,
            crate::io::serial::PortState::Open => "gone again".into(),
        }),
    };
    if result.is_ok() && !ask.is_empty() && port.send(ask.to_vec()).is_ok() {
        while let Ok(event) = events.recv_timeout(OPEN) {
            if matches!(event, PortEvent::Bytes { .. }) {
                result = Ok(true);
                break;
            }
        }
    }
    port.stop();
    result
}

/// A reader that is asked how it is as soon as its port opens.
fn answering(id: &str, port: PortConfig, kind: &Kind, clock: Clock, chart: &mut Chart) {
    let (path, name) = (port.path.clone(), kind.name);
    let line = match ReaderLine::start(port, (kind.codec)(Options::default()), clock, |_| {}) {
        Ok(line) => line,
        Err(error) => return missing(id, &path, &error.to_string(), Grade::Bad, READER, chart),
    };
    std::thread::sleep(OPEN);
    let shown = line.shown();
    line.stop();
    match (shown.open, shown.attention) {
        (true, None) => chart.add(Grade::Good, READER, format!("{id} {name} 应答正常"), format!("{id} {name} answers")),
        (true, Some(do_this)) => chart.add(
            Grade::Bad,
            READER,
            format!("{id} {name}：{}", do_this.zh),
            format!("{id} {name}: {}", do_this.en),
        ),
        (false, _) => missing(id, &path, "", Grade::Bad, READER, chart),
    }
}

fn bridge(id: &str, port: PortConfig, clock: Clock, keyless: bool, chart: &mut Chart) {
    let path = port.path.clone();
    let (sender, told) = mpsc::channel();
    let line = match BridgeLine::start(port, clock, move |_, told| drop(sender.send(told))) {
        Ok(line) => line,
        Err(error) => return missing(id, &path, &error.to_string(), Grade::Bad, BRIDGE, chart),
    };
    while told.recv_timeout(UP).is_ok_and(|told| told != Told::Up) {}
    let (shown, pad) = (line.shown(), *line.pad().borrow());
    line.stop();
    match (shown.session, shown.incompatible) {
        (Some(_), _) if keyless && pad != PadState::Ready => chart.add(
            Grade::Bad,
            ("密钥", "keys"),
            format!("{id} 的密码键盘无主密钥，请执行 tilld bridge load-key --terminal {id}"),
            format!("{id}: its PIN pad has no master key: tilld bridge load-key --terminal {id}"),
        ),
        (Some(_), _) => chart.add(Grade::Good, BRIDGE, format!("{id} 应答正常"), format!("{id} answers")),
        (None, Some((min, current))) => chart.add(
            Grade::Bad,
            BRIDGE,
            format!("{id} 的固件协议版本为 {min} 到 {current}，请升级固件"),
            format!("{id}: its firmware speaks protocol versions {min} to {current}: update it"),
        ),
        (None, None) if shown.open => chart.add(
            Grade::Bad,
            BRIDGE,
            format!("{id} 端口已开，设备无应答。请检查电源、线缆、波特率"),
            format!("{id}: the port opens and nothing answers: check power, cable and rate"),
        ),
        (None, None) => missing(id, &path, "", Grade::Bad, BRIDGE, chart),
    }
}
