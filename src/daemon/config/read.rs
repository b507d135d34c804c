//! From TOML to [`Config`]: section by section, key by key.

use std::collections::BTreeMap;
use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use toml::de::DeTable;

use super::files;
use super::finding::{Finding, Findings};
use super::limits::limits;
use super::section::{Place, Section};
use super::statements::{self, StatementsConfig};
use super::{
    AcquirerConfig, ApiConfig, CalendarConfig, Config, DataConfig, DayCut, Endpoint, FeesConfig, Level, LimitsConfig,
    OfflineConfig, ReaderConfig, ReaderKind, RefundsConfig, StoreConfig, TerminalConfig,
};
use crate::core::domain::{Currency, Lang, Mid, Minor, Sentence, StoreId, TerminalId, Tid, Zone, line_of};

/// A configuration is a page or two; what is larger is something else.
const MAX_BYTES: u64 = 256 * 1024;
/// `sun_path` holds 108 bytes with its final zero.
const MAX_SOCKET_PATH: usize = 107;

pub(super) fn say<T>(zh: impl Into<String>, en: impl Into<String>) -> Result<T, Sentence> {
    Err(Sentence::new(zh, en))
}

/// The text of the configuration file.
pub(super) fn file(path: &Path) -> Result<String, Finding> {
    let wrong = |zh: String, en: String| Finding::error(None, "", Sentence::new(zh, en));
    let read = || -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        std::fs::File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().map_err(|e| {
        wrong(
            format!("无法读取配置文件 {}：{e}。请用 --config 指定", path.display()),
            format!("cannot read the configuration {}: {e}. Name it with --config", path.display()),
        )
    })?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(wrong("文件过大，不是配置文件".into(), "the file is too large to be a configuration".into()));
    }
    String::from_utf8(bytes)
        .map_err(|_| wrong("文件不是 UTF-8 编码，请转换".into(), "the file is not UTF-8: convert it".into()))
}

/// Reads everything, reports everything.
pub(super) fn config(text: &str, path: &Path) -> Result<(Config, Vec<Finding>), Vec<Finding>> {
    let findings = Findings::default();
    let table = match DeTable::parse(text) {
        Ok(table) => table,
        Err(e) => {
            let line = e.span().map(|span| line_of(text, span.start));
            let what = e.message().trim();
            let what = Sentence::new(format!("TOML 语法错误：{what}"), format!("is not TOML: {what}"));
            return Err(vec![Finding::error(line, "", what)]);
        }
    };
    let span = table.span();
    let root = Section::new(String::new(), table.into_inner(), span, text, &findings);
    // The folder of `tilld.toml`, named without one, is `.`: an empty path is no folder to anybody.
    let base = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let config = Reader { base, lang: Lang::Zh }.root(root, path);
    let list = findings.into_sorted();
    match config {
        Some(config) if list.iter().all(|f| f.level != Level::Error) => Ok((config, list)),
        _ => Err(list),
    }
}

pub(super) struct Reader<'p> {
    /// Relative paths begin here.
    base: &'p Path,
    /// The store's language, once read.
    pub(super) lang: Lang,
}

/// Where each id was seen first: the second one is an error.
#[derive(Default)]
pub(super) struct Once(BTreeMap<String, usize>);

impl Once {
    pub(super) fn see(&mut self, section: &Section<'_, '_>, key: &'static str, value: &str, place: Place) {
        if let Some(first) = self.0.get(value) {
            section.wrong(
                key,
                place,
                Sentence::new(
                    format!("{value:?} 重复，第 {first} 行已使用。请改为唯一的值"),
                    format!("{value:?} is already used in line {first}. Give each its own"),
                ),
            );
        } else {
            self.0.insert(value.to_owned(), place.line);
        }
    }
}

impl Reader<'_> {
    fn root(mut self, mut root: Section<'_, '_>, path: &Path) -> Option<Config> {
        let store = root.must_table("store").and_then(|s| self.store(s));
        let data = root.must_table("data").and_then(|s| self.data(s));
        let api = root.must_table("api").and_then(|s| self.api(s));
        let acquirer = root.must_table("acquirer").and_then(|s| self.acquirer(s));
        let offline = root.table("offline").and_then(offline);
        let limits = root.table("limits").map_or(Some(LimitsConfig::default()), limits);
        let calendar = root.table("calendar").map_or(Some(CalendarConfig::default()), |s| self.calendar(s));
        let statements = match root.table("statements") {
            Some(section) => statements::read(section, self.base),
            None => Some(StatementsConfig::default()),
        };
        let fees = root.table("fees").map_or(Some(FeesConfig::default()), |s| self.fees(s));
        let refunds = root.table("refunds").map_or(Some(RefundsConfig::default()), |s| self.refunds(s));
        let (terminals, ids, keyless) = self.terminals(&mut root);
        let mut ports = Once::default();
        let readers = self.readers(&mut root, &ids, &mut ports);
        let printers = self.printers(&mut root, &ids, &mut ports);
        holders_of_keys(&keyless, &readers, root.findings());
        root.finish();
        Some(Config {
            path: path.to_owned(),
            store: store?,
            data: data?,
            api: api?,
            acquirer: acquirer?,
            offline,
            limits: limits?,
            calendar: calendar?,
            statements: statements?,
            fees: fees?,
            refunds: refunds?,
            terminals,
            readers,
            printers,
        })
    }

    pub(super) fn path(&self, text: &str) -> Result<PathBuf, Sentence> {
        if text.is_empty() || text.contains('\0') {
            return say("路径不能为空", "the path must not be empty");
        }
        Ok(self.base.join(text))
    }

    fn store(&mut self, mut s: Section<'_, '_>) -> Option<StoreConfig> {
        let id = s.must("id", "\"S001\"", |t| id(t, StoreId::new, 32));
        let name = s.must("name", "\"望京店\"", shown_name);
        let timezone = s.must("timezone", "\"Asia/Shanghai\"", |t| {
            Zone::from_str(t).or_else(|_| {
                say(
                    format!("没有时区 {t:?}，请写如 Asia/Shanghai"),
                    format!("there is no timezone {t:?}: write it like Asia/Shanghai"),
                )
            })
        });
        let currency = s.must("currency", "\"CNY\"", |t| {
            Currency::from_alpha(t).map_or_else(
                || {
                    say(
                        format!("未知的币种 {t:?}，请用 ISO 4217 字母代码如 CNY"),
                        format!("unknown currency {t:?}: use ISO 4217 letters such as CNY"),
                    )
                },
                Ok,
            )
        });
        let day_cut = s.must("day_cut", "\"03:00\"", day_cut);
        let require_shift = s.flag("require_shift", false);
        let shift_idle_hours = s.number("shift_idle_hours", 16, 1..=720);
        if let Some((lang, _)) = s.text("lang", "\"zh\"", lang) {
            self.lang = lang;
        }
        s.finish();
        Some(StoreConfig {
            id: id?.0,
            name: name?.0,
            timezone: timezone?.0,
            currency: currency?.0,
            day_cut: day_cut?.0,
            require_shift: require_shift?,
            shift_idle_hours: u32::try_from(shift_idle_hours?).ok()?,
            lang: self.lang,
        })
    }

    fn data(&self, mut s: Section<'_, '_>) -> Option<DataConfig> {
        let dir = s.must("dir", "\"/var/lib/tilld\"", |t| self.path(t));
        let key_file = s.text("key_file", "\"/etc/tilld/data.key\"", |t| self.path(t));
        let mark_file = s.text("mark_file", "\"/media/other/tilld.mark\"", |t| self.path(t));
        let ballast_mb = s.number("ballast_mb", 16, 0..=1_024);
        s.finish();
        Some(DataConfig {
            dir: dir?.0,
            key_file: key_file.map(|v| v.0),
            mark_file: mark_file.map(|v| v.0),
            ballast_mb: u64::try_from(ballast_mb?).unwrap_or(0),
        })
    }

    fn api(&self, mut s: Section<'_, '_>) -> Option<ApiConfig> {
        let socket = s.must("socket", "\"/run/tilld/tilld.sock\"", |t| {
            let path = self.path(t)?;
            let length = path.as_os_str().len();
            if length > MAX_SOCKET_PATH {
                return say(
                    format!("套接字路径 {length} 字节，超过系统上限 {MAX_SOCKET_PATH}，请改短"),
                    format!(
                        "the socket's path has {length} bytes; the system allows {MAX_SOCKET_PATH}: choose a shorter one"
                    ),
                );
            }
            Ok(path)
        });
        let listen = s.text("listen", "\"127.0.0.1:7310\"", listen);
        let token_file = s.text("token_file", "\"/etc/tilld/token\"", |t| self.path(t));
        if let (Some((_, place)), None) = (&listen, &token_file) {
            s.wrong(
                "token_file",
                *place,
                Sentence::new(
                    "设了 listen 就必须设 token_file（文件不存在时自动生成）",
                    "is needed where listen is set (the file is made if it does not exist)",
                ),
            );
        }
        s.finish();
        Some(ApiConfig { socket: socket?.0, listen: listen.map(|v| v.0), token_file: token_file.map(|v| v.0) })
    }

    fn acquirer(&self, mut s: Section<'_, '_>) -> Option<AcquirerConfig> {
        let profile = s.must("profile", "\"unionpay-pos\"", |t| files::profile(self.base, t));
        let endpoint = s.must("endpoint", "\"tcp://127.0.0.1:9583\"", endpoint);
        let frame = profile.as_ref().map(|(profile, _)| profile.frame);
        let (before, between) = frame.map_or((5, 6), |frame| (frame.tpdu, frame.header));
        let tpdu = s.must("tpdu", "\"6000030000\"", |t| digits(t, before, "TPDU"));
        // Some dialects have none, and what is said of it is not looked at.
        let header = match between {
            0 => s.text("header", "\"602200000000\"", |_| Ok(Vec::new())).or(Some((Vec::new(), s.place()))),
            _ => s.must("header", "\"602200000000\"", |t| digits(t, between, "header")),
        };
        let timeout_ms = s.number("timeout_ms", 60_000, 1_000..=600_000);
        let ca_file = s.text("ca_file", "\"/etc/tilld/acquirer-ca.pem\"", |t| self.path(t));
        let server_name = s.text("server_name", "\"pos.acquirer.example\"", server_name);
        let certificate = s.text("client_certificate", "\"/etc/tilld/store.pem\"", |t| self.path(t));
        let key = s.text("client_key", "\"/etc/tilld/store.key\"", |t| self.path(t));
        if let Some((Endpoint { tls: true, .. }, span)) = &endpoint
            && ca_file.is_none()
        {
            s.wrong(
                "ca_file",
                *span,
                Sentence::new(
                    "使用 tls:// 时必须设置：签发收单方证书的 CA（PEM）。不使用系统证书",
                    "is needed with tls://: the PEM of whoever signs the acquirer's certificate. The system's certificates are not used",
                ),
            );
        }
        let client = match (certificate, key) {
            (Some((certificate, _)), Some((key, _))) => Some((certificate, key)),
            (None, None) => None,
            (Some((_, span)), None) | (None, Some((_, span))) => {
                let what = Sentence::new("须与另一个同时设置", "client_certificate and client_key need each other");
                s.wrong("client_certificate", span, what);
                None
            }
        };
        s.finish();
        Some(AcquirerConfig {
            profile: profile?.0,
            endpoint: endpoint?.0,
            tpdu: tpdu?.0,
            header: header?.0,
            timeout_ms: timeout_ms?.unsigned_abs(),
            ca_file: ca_file.map(|v| v.0),
            server_name: server_name.map(|v| v.0),
            client,
        })
    }

    fn terminals(&self, root: &mut Section<'_, '_>) -> (Vec<TerminalConfig>, Vec<TerminalId>, Vec<Keyless>) {
        let (mut list, mut ids, mut keyless) = (Vec::new(), Vec::new(), Vec::new());
        let (mut seen_ids, mut seen_tids) = (Once::default(), Once::default());
        let sections = root.tables("terminal");
        if sections.is_empty() {
            root.wrong(
                "terminal",
                root.place(),
                Sentence::new("至少要有一个 [[terminal]]", "there must be at least one [[terminal]]"),
            );
        }
        for mut s in sections {
            let id = s.must("id", "\"POS1\"", |t| id(t, TerminalId::new, 16));
            let tid = s.must("tid", "\"12345678\"", |t| exact(t, Tid::new, 8, "终端号 TID"));
            let mid = s.must("mid", "\"123456789012345\"", |t| exact(t, Mid::new, 15, "商户号 MID"));
            let key = s.text("master_key_file", "\"/etc/tilld/POS1.tmk\"", |t| self.path(t));
            // Where none is named, systemd may have handed it over.
            let key = key.map(|v| v.0).or_else(|| files::credential(&format!("{}.tmk", id.as_ref()?.0)));
            let serial = s.text("serial_number", "\"00003202\"", serial_number);
            if let Some((id, place)) = &id {
                seen_ids.see(&s, "id", id.as_str(), *place);
                ids.push(id.clone());
                if key.is_none() {
                    keyless.push(Keyless { id: id.clone(), key: s.path("master_key_file"), line: s.place().line });
                }
            }
            if let Some((tid, place)) = &tid {
                seen_tids.see(&s, "tid", tid.as_str(), *place);
            }
            s.finish();
            let (Some((id, _)), Some((tid, _)), Some((mid, _))) = (id, tid, mid) else { continue };
            list.push(TerminalConfig { id, tid, mid, master_key_file: key, serial_number: serial.map(|v| v.0) });
        }
        (list, ids, keyless)
    }
}

/// A terminal without a key file, and where that is said.
struct Keyless {
    id: TerminalId,
    key: String,
    line: usize,
}

/// A terminal without a key file needs a bridge that holds its keys.
fn holders_of_keys(keyless: &[Keyless], readers: &[ReaderConfig], findings: &Findings) {
    for Keyless { id, key, line } in keyless {
        if readers.iter().any(|r| r.kind == ReaderKind::Bridge && r.terminal == *id) {
            continue;
        }
        let what = Sentence::new(
            format!("未设置，{id} 的主密钥无处存放。请设此项，或为它配置 kind = \"bridge\" 的 [[reader]]"),
            format!(
                "is missing, and no [[reader]] of kind = \"bridge\" holds the keys of {id}. Add the one or the other"
            ),
        );
        findings.add(Finding::error(Some(*line), key.clone(), what));
    }
}

fn offline(mut s: Section<'_, '_>) -> Option<OfflineConfig> {
    let all = 999_999_999_999;
    let place = s.place();
    let max_amount = s.number("max_amount", 50_000, 1..=all);
    let max_total = s.number("max_total", 2_000_000, 1..=all);
    let max_count = s.number("max_count", 500, 1..=10_000);
    let max_age_hours = s.number("max_age_hours", 72, 1..=720);
    if let (Some(one), Some(total)) = (max_amount, max_total)
        && one > total
    {
        s.note(
            "max_total",
            place,
            Sentence::new(
                format!("小于单笔上限 max_amount（{one}）：实际单笔上限为 {total}"),
                format!("is below max_amount ({one}): what counts for one payment is {total}"),
            ),
        );
    }
    s.finish();
    Some(OfflineConfig {
        max_amount: Minor(max_amount?),
        max_total: Minor(max_total?),
        max_count: u32::try_from(max_count?).ok()?,
        max_age_hours: u32::try_from(max_age_hours?).ok()?,
    })
}

pub(super) fn id<T>(text: &str, new: fn(&str) -> Result<T, String>, max: usize) -> Result<T, Sentence> {
    new(text).or_else(|_| {
        say(
            format!("{text:?} 不能作编号：须为 1 到 {max} 个可见 ASCII 字符，不含空格"),
            format!("{text:?} is no id: use 1 to {max} printable ASCII characters without spaces"),
        )
    })
}

fn exact<T>(text: &str, new: fn(&str) -> Result<T, String>, length: usize, what: &str) -> Result<T, Sentence> {
    if text.len() == length
        && let Ok(id) = new(text)
    {
        return Ok(id);
    }
    let n = text.chars().count();
    say(
        format!("{what} 须为 {length} 个字符，现为 {n} 个。请照收单机构的资料填写"),
        format!("must have {length} characters and has {n}: copy it from the acquirer's papers"),
    )
}

pub(super) fn known_terminal(text: &str, ids: &[TerminalId]) -> Result<TerminalId, Sentence> {
    ids.iter().find(|id| id.as_str() == text).cloned().map_or_else(
        || {
            let have = ids.iter().map(TerminalId::as_str).collect::<Vec<_>>().join(", ");
            say(
                format!("没有终端 {text:?}，已配置的有：{have}"),
                format!("there is no terminal {text:?}; configured are: {have}"),
            )
        },
        Ok,
    )
}

pub(super) fn one_of<T>(text: &str, words: &str) -> Result<T, Sentence> {
    say(format!("{text:?} 不可用，请从中选择：{words}"), format!("{text:?} is not possible: use one of {words}"))
}

pub(super) fn lang(text: &str) -> Result<Lang, Sentence> {
    Lang::parse(text).map_or_else(|| one_of(text, "zh, en"), Ok)
}

fn shown_name(text: &str) -> Result<String, Sentence> {
    let n = text.trim().chars().count();
    if n == 0 || n > 60 || text.chars().any(char::is_control) {
        return say("须为 1 到 60 个可打印字符", "must be 1 to 60 printable characters");
    }
    Ok(text.trim().to_owned())
}

fn serial_number(text: &str) -> Result<String, Sentence> {
    if text.is_empty() || text.len() > 32 || !text.bytes().all(|b| b.is_ascii_graphic()) {
        return say("须为 1 到 32 个可见 ASCII 字符", "must be 1 to 32 printable ASCII characters");
    }
    Ok(text.to_owned())
}

fn day_cut(text: &str) -> Result<DayCut, Sentence> {
    if text == "manual" {
        return Ok(DayCut::Manual);
    }
    let two = |t: &str, limit: u8| {
        (t.len() == 2 && t.bytes().all(|b| b.is_ascii_digit()))
            .then(|| t.parse::<u8>().ok())
            .flatten()
            .filter(|n| *n < limit)
    };
    let time = text.split_once(':').and_then(|(h, m)| Some((two(h, 24)?, two(m, 60)?)));
    time.map_or_else(
        || {
            say(
                format!("{text:?} 不是日切时间，请写 \"03:00\" 或 \"manual\""),
                format!("{text:?} is no day cut: write \"03:00\" or \"manual\""),
            )
        },
        |(hour, minute)| Ok(DayCut::At { hour, minute }),
    )
}

fn listen(text: &str) -> Result<SocketAddr, Sentence> {
    let Ok(address) = text.parse::<SocketAddr>() else {
        return say(
            format!("{text:?} 不是地址，请写如 127.0.0.1:7310"),
            format!("{text:?} is no address: write it like 127.0.0.1:7310"),
        );
    };
    if !address.ip().is_loopback() {
        return say(
            format!("{text} 不是本机回环地址。收银接口只对本机开放，请用 127.0.0.1"),
            format!("{text} is not a loopback address. The API is for this machine only: use 127.0.0.1"),
        );
    }
    Ok(address)
}

fn server_name(text: &str) -> Result<String, Sentence> {
    let good = crate::io::link::is_server_name(text);
    if good { Ok(text.to_owned()) } else { say("不是主机名或地址", "is neither a host name nor an address") }
}

fn endpoint(text: &str) -> Result<Endpoint, Sentence> {
    let wrong = || {
        say(
            format!("{text:?} 不是收单地址，请写如 tcp://10.0.0.1:9583 或 tls://host:9583"),
            format!("{text:?} is no endpoint: write it like tcp://10.0.0.1:9583 or tls://host:9583"),
        )
    };
    let (tls, rest) = match text.split_once("://") {
        Some(("tcp", rest)) => (false, rest),
        Some(("tls", rest)) => (true, rest),
        _ => return wrong(),
    };
    let Some((host, port)) = rest.rsplit_once(':') else { return wrong() };
    let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    let name = |b: u8| b.is_ascii_alphanumeric() || b".-_:".contains(&b);
    let v6 = host.contains(':') && host.parse::<std::net::Ipv6Addr>().is_err();
    match port.parse::<u16>() {
        Ok(port) if port > 0 && !host.is_empty() && host.bytes().all(name) && !v6 => {
            Ok(Endpoint { tls, host: host.to_owned(), port })
        }
        _ => wrong(),
    }
}

/// Decimal digits as so many bytes (BCD), as the profile's frame has them.
fn digits(text: &str, length: usize, what: &str) -> Result<Vec<u8>, Sentence> {
    let want = length * 2;
    let bytes = text.as_bytes();
    if bytes.len() != want || !bytes.iter().all(u8::is_ascii_digit) {
        return say(
            format!("{what} 须为 {want} 位数字，请照收单机构的资料填写"),
            format!("{what} must be {want} digits: copy it from the acquirer's papers"),
        );
    }
    Ok(bytes.chunks_exact(2).map(|pair| (pair[0] - b'0') << 4 | (pair[1] - b'0')).collect())
}
