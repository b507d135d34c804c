//! `tilld bridge`: the bench tool. It speaks to a bridge by the daemon's own way, on a port that no daemon holds.

use std::io::BufRead;
use std::path::Path;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use tilld_bridge::wire::{
    Blob, CAP_BUZZER, CAP_CARD, CAP_DISPLAY, CAP_DRAWER, CAP_HOST_PIN, CAP_KEYPAD, CAP_KEYS, CAP_LEDS, CAP_MARK,
    CAP_SWIPE, Capabilities, Reply, Request, Secret, Stats,
};
use zeroize::Zeroizing;

use super::args::{BridgeLoadArgs, BridgeLogArgs, BridgePingArgs, BridgePortArgs, BridgeSub};
use super::failure::Failure;
use super::{env_lang, out, read};
use crate::core::device::bridge::sentence;
use crate::core::domain::Lang;
use crate::daemon::bridging::{ANSWER_MS, BridgeLine, NotOnBench, Told};
use crate::daemon::config::{ReaderConfig, ReaderKind};
use crate::daemon::exit::Exit;
use crate::io::clock::Clock;
use crate::io::serial::PortConfig;
use crate::io::vault::{KeyComponents, check_value};

const BAUD: u32 = 115_200;
const CAPABILITIES: &[(Capabilities, &str)] = &[
    (CAP_DRAWER, "drawer"),
    (CAP_BUZZER, "buzzer"),
    (CAP_LEDS, "leds"),
    (CAP_DISPLAY, "display"),
    (CAP_CARD, "card"),
    (CAP_KEYPAD, "keypad"),
    (CAP_MARK, "mark"),
    (CAP_KEYS, "keys"),
    (CAP_HOST_PIN, "host-pin"),
    (CAP_SWIPE, "swipe"),
];

/// Runs one of the subcommands.
pub(super) fn bridge(sub: BridgeSub, config: Option<&Path>) -> Result<Exit, Failure> {
    match sub {
        BridgeSub::Ping(args) => ping(&args, config),
        BridgeSub::Info(args) => info(&args, config),
        BridgeSub::LoadKey(args) => load_key(&args, config),
        BridgeSub::Log(args) => log(&args, config),
    }
}

fn say(zh: &str, en: &str) -> String {
    if env_lang() == Lang::Zh { zh.to_owned() } else { en.to_owned() }
}

/// A bridge on the bench.
struct Bench {
    line: BridgeLine,
    told: Receiver<Told>,
}

impl Bench {
    fn open(args: &BridgePortArgs, config: Option<&Path>) -> Result<Bench, Failure> {
        let (port, baud) = which(args, config)?;
        let (incompatible, open) = match BridgeLine::on_bench(PortConfig::new(&port, baud)) {
            Ok((line, told)) => return Ok(Bench { line, told }),
            Err(NotOnBench::Port(error)) => return Err(Failure::new(Exit::Unavailable, error.to_string())),
            Err(NotOnBench::Silent { incompatible, open }) => (incompatible, open),
        };
        let shown_port = port.display();
        let (zh, en) = match (incompatible, open) {
            (Some((min, current)), _) => (
                format!("设备只懂协议版本 {min} 到 {current}，请升级固件"),
                format!("it speaks protocol versions {min} to {current} only: update its firmware"),
            ),
            (None, true) => (
                format!("{shown_port} 已打开，设备无应答：检查电源、波特率 {baud}、线缆"),
                format!("{shown_port} is open, and nothing answers: check power, the rate of {baud}, the cable"),
            ),
            (None, false) => (
                format!("{shown_port} 打不开：是否存在、是否有权限（dialout）、tilld 是否正占用"),
                format!("{shown_port} cannot be opened: does it exist, may you use it (dialout), does tilld hold it?"),
            ),
        };
        Err(Failure::new(Exit::Unavailable, say(&zh, &en)))
    }

    fn ask(&self, request: Request) -> Result<Reply, Failure> {
        match self.line.wait(vec![request], ANSWER_MS) {
            Ok(Reply::Refused(refusal)) => {
                Err(Failure::new(Exit::Data, sentence(&refusal).in_lang(env_lang()).to_owned()))
            }
            Ok(reply) => Ok(reply),
            Err(error) => Err(Failure::new(Exit::Unavailable, error.to_string())),
        }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.line.stop();
    }
}

/// The port: as given, or as configured.
fn which(args: &BridgePortArgs, config: Option<&Path>) -> Result<(std::path::PathBuf, u32), Failure> {
    if let Some(port) = &args.port {
        return Ok((port.clone(), BAUD));
    }
    let config = read(config)?;
    let fits = |r: &&ReaderConfig| {
        r.kind == ReaderKind::Bridge && args.terminal.as_ref().is_none_or(|id| r.terminal.as_str() == id)
    };
    let mut bridges = config.readers.iter().filter(fits);
    match (bridges.next(), bridges.next()) {
        (Some(reader), None) => Ok((reader.port.clone(), reader.baud)),
        (None, _) => Err(Failure::new(
            Exit::Config,
            say(
                "配置中没有 kind = \"bridge\" 的 [[reader]]，请用 --port 指定",
                "no [[reader]] of kind = \"bridge\": name its port with --port",
            ),
        )),
        (Some(_), Some(_)) => Err(Failure::new(
            Exit::Usage,
            say(
                "有多个设备，请用 --terminal 或 --port 指定",
                "there are several: choose one with --terminal or --port",
            ),
        )),
    }
}

fn ping(args: &BridgePingArgs, config: Option<&Path>) -> Result<Exit, Failure> {
    let bench = Bench::open(&args.port, config)?;
    let clock = Clock::start();
    let before = bench.line.shown().stats;
    let (mut lost, mut longest) = (0u32, 0);
    for n in 0..args.count {
        let began = clock.now().mono.0;
        let mut data = n.to_le_bytes().to_vec();
        data.resize(64, 0xA5);
        let blob = Blob::from_slice(&data).unwrap_or_default();
        match bench.line.wait(vec![Request::Ping(blob)], ANSWER_MS) {
            Ok(Reply::Pong(back)) if back.as_slice() == data => {}
            _ => lost += 1,
        }
        longest = longest.max(clock.now().mono.0 - began);
    }
    let took = clock.now().mono.0;
    let after = bench.line.shown().stats;
    let (resent, spoiled) = (after.resent - before.resent, after.spoiled - before.spoiled);
    out::text(&say(
        &format!(
            "往返 {} 次，共 {took} ms，最长 {longest} ms；重发 {resent} 帧，收到坏帧 {spoiled}，丢失 {lost}",
            args.count
        ),
        &format!(
            "{} round trips in {took} ms, the longest {longest} ms; {resent} frames sent again, {spoiled} spoiled frames heard, {lost} lost",
            args.count
        ),
    ))?;
    Ok(if lost == 0 { Exit::Ok } else { Exit::Findings })
}

fn info(args: &BridgePortArgs, config: Option<&Path>) -> Result<Exit, Failure> {
    let bench = Bench::open(args, config)?;
    let Reply::Info(info) = bench.ask(Request::Info)? else { return Err(nonsense()) };
    let Reply::Stats(Stats { uptime_ms, frames, spoiled, resent, stack_peak, .. }) = bench.ask(Request::Stats)? else {
        return Err(nonsense());
    };
    let version = bench.line.shown().session.map_or(0, |(version, _)| version);
    let has: Vec<&str> =
        CAPABILITIES.iter().filter(|(bit, _)| info.capabilities & bit != 0).map(|(_, name)| *name).collect();
    let mut text = format!("{} {}  #{}\n", info.name, info.version, info.serial);
    text.push_str(&say(
        &format!("协议 {version}  功能 {}\n", has.join(" ")),
        &format!("protocol {version}  has {}\n", has.join(" ")),
    ));
    text.push_str(&say(
        &format!(
            "运行 {} 秒  帧 {frames}  坏帧 {spoiled}  重发 {resent}  栈最深 {stack_peak} 字节\n",
            uptime_ms / 1_000
        ),
        &format!(
            "up {} s  frames {frames}  spoiled {spoiled}  sent again {resent}  deepest stack {stack_peak} bytes\n",
            uptime_ms / 1_000
        ),
    ));
    if info.capabilities & CAP_KEYS != 0
        && let Reply::Keys(keys) = bench.ask(Request::KeyState)?
    {
        let check = hex(&keys.master_check);
        let yes = |flag: bool| if flag { say("有", "yes") } else { say("无", "no") };
        text.push_str(&match keys.master_len {
            0 => say("主密钥 无：请执行 tilld bridge load-key\n", "master key none: run `tilld bridge load-key`\n"),
            n => say(
                &format!(
                    "主密钥 {n} 字节，校验值 {check}  工作密钥 {}  磁道密钥 {}  口令还可试 {} 次\n",
                    yes(keys.work),
                    yes(keys.track),
                    keys.tries_left
                ),
                &format!(
                    "master key {n} bytes, check value {check}  work keys {}  track key {}  code tries left {}\n",
                    yes(keys.work),
                    yes(keys.track),
                    keys.tries_left
                ),
            ),
        });
    }
    out::text(&text)?;
    Ok(Exit::Ok)
}

fn load_key(args: &BridgeLoadArgs, config: Option<&Path>) -> Result<Exit, Failure> {
    let (key, code) = key_and_code(std::io::stdin().lock())?;
    let check = check_value(&key);
    let shown = hex(&check);
    if let Some(letter) = &args.check_value
        && !shown.get(..letter.len().max(4)).is_some_and(|front| front.eq_ignore_ascii_case(letter))
    {
        return Err(Failure::new(
            Exit::Data,
            say(
                &format!("校验值为 {shown}，与密钥函上的 {letter} 不符，未注入"),
                &format!("the check value is {shown}, not {letter} as on the key letter: nothing was injected"),
            ),
        ));
    }
    let bench = Bench::open(&args.port, config)?;
    let (Some(key), Some(code)) = (Secret::new(&*key), Secret::new(code.as_bytes())) else {
        return Err(Failure::new(
            Exit::Data,
            say("注入口令最长 16 个字符", "the injection code has at most 16 characters"),
        ));
    };
    match bench.ask(Request::LoadMaster { key, check, code })? {
        Reply::Done => {}
        _ => return Err(nonsense()),
    }
    out::text(&say(&format!("主密钥已注入，校验值 {shown}"), &format!("the master key is in, check value {shown}")))?;
    Ok(Exit::Ok)
}

/// Components, an empty line, the code.
fn key_and_code(input: impl BufRead) -> Result<(Zeroizing<[u8; 16]>, Zeroizing<String>), Failure> {
    let wrong = |what: String| Failure::new(Exit::Data, what);
    let mut parts = KeyComponents::default();
    let mut lines = input.lines();
    for line in lines.by_ref().take(9) {
        let line = Zeroizing::new(line.map_err(|e| wrong(e.to_string()))?);
        if line.trim().is_empty() {
            break;
        }
        parts.add(&line).map_err(|e| wrong(e.to_string()))?;
    }
    let key = parts.key().ok_or_else(|| wrong(say("没有密钥", "there is no key")))?;
    let code = lines.next().transpose().map_err(|e| wrong(e.to_string()))?.map(Zeroizing::new);
    let code = code.map(|c| Zeroizing::new(c.trim().to_owned())).filter(|c| (4..=16).contains(&c.len()));
    let code = code.ok_or_else(|| {
        wrong(say(
            "空行之后须有 4 到 16 个字符的注入口令",
            "after an empty line comes the injection code, 4 to 16 characters",
        ))
    })?;
    Ok((key, code))
}

fn log(args: &BridgeLogArgs, config: Option<&Path>) -> Result<Exit, Failure> {
    let bench = Bench::open(&args.port, config)?;
    let clock = Clock::start();
    loop {
        let left = match args.seconds {
            Some(seconds) => seconds.saturating_mul(1_000).saturating_sub(clock.now().mono.0),
            None => 3_600_000,
        };
        if left == 0 {
            return Ok(Exit::Ok);
        }
        match bench.told.recv_timeout(Duration::from_millis(left)) {
            Ok(Told::Log(level, line)) => out::text(&format!("{level:?} {line}"))?,
            Ok(Told::Down(why)) => return Err(Failure::new(Exit::Unavailable, why)),
            // What a card or key says is not for a log.
            Ok(Told::Up | Told::Notice(_)) | Err(_) => {}
        }
    }
}

fn nonsense() -> Failure {
    Failure::new(Exit::Unavailable, say("设备答非所问", "it answers something else than it was asked"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02X}")).collect()
}
