//! The configuration: the types that the daemon is wired from, and how a file becomes them.
//!
//! May read files (the configuration and the permissions of what it names); must never open the store, a port or a socket.
//! All findings are collected: a technician should not have to start the daemon once a mistake. `cross/tilld.toml` shows every key.

mod devices;
mod files;
mod finding;
mod limits;
mod money;
mod read;
mod section;
mod statements;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::core::device::profile::Profile;
use crate::core::device::reader;
use crate::core::device::scanner::Trigger;
use crate::core::domain::Sentence;
use crate::core::domain::{Currency, Lang, Mid, Minor, PrinterId, StoreId, TerminalId, Tid};
use crate::core::ledger::GuardRules;
use crate::core::report::logo;
use crate::core::report::raster::{Bitmap, CELL_WIDTH};
use crate::io::serial::FlowControl;

pub use files::check_files;
pub use finding::{Finding, Level};
pub use statements::StatementsConfig;

/// Where the configuration lies if neither `--config` nor `$TILLD_CONFIG` says otherwise.
pub const DEFAULT_PATH: &str = "/etc/tilld/tilld.toml";

/// A whole configuration, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The file it was read from.
    pub path: PathBuf,
    /// `[store]`
    pub store: StoreConfig,
    /// `[data]`
    pub data: DataConfig,
    /// `[api]`
    pub api: ApiConfig,
    /// `[acquirer]`
    pub acquirer: AcquirerConfig,
    /// `[offline]`; absent: nothing is taken offline.
    pub offline: Option<OfflineConfig>,
    /// `[limits]`
    pub limits: LimitsConfig,
    /// `[calendar]`
    pub calendar: CalendarConfig,
    /// `[statements]`
    pub statements: StatementsConfig,
    /// `[fees]`
    pub fees: FeesConfig,
    /// `[refunds]`
    pub refunds: RefundsConfig,
    /// `[[terminal]]`, at least one.
    pub terminals: Vec<TerminalConfig>,
    /// `[[reader]]`
    pub readers: Vec<ReaderConfig>,
    /// `[[printer]]`
    pub printers: Vec<PrinterConfig>,
}

/// `[store]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreConfig {
    /// `id`
    pub id: StoreId,
    /// `name`, as printed: 1 to 60 characters.
    pub name: String,
    /// `timezone`, by its IANA name.
    pub timezone: crate::core::domain::Zone,
    /// `currency`, ISO 4217 letters.
    pub currency: Currency,
    /// `day_cut`
    pub day_cut: DayCut,
    /// `require_shift`: a payment needs an open shift instead of opening one. Default false.
    pub require_shift: bool,
    /// `shift_idle_hours`: a shift without an entry for so long is forgotten. Default 16.
    pub shift_idle_hours: u32,
    /// `lang`: `"zh"` (default) or `"en"`.
    pub lang: Lang,
}

/// When the business day is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayCut {
    /// Only where somebody asks.
    Manual,
    /// Every day at this local time.
    At {
        /// 0 to 23.
        hour: u8,
        /// 0 to 59.
        minute: u8,
    },
}

/// `[data]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataConfig {
    /// `dir`
    pub dir: PathBuf,
    /// `key_file`; absent: a systemd credential, or a file beside the data.
    pub key_file: Option<PathBuf>,
    /// `mark_file`; absent: beside the data.
    pub mark_file: Option<PathBuf>,
    /// `ballast_mb`: room kept for closing the day on a full disk, 0 to 1,024; 0 keeps none. Default 16.
    pub ballast_mb: u64,
}

/// `[api]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiConfig {
    /// `socket`
    pub socket: PathBuf,
    /// `listen`, a loopback address; absent: no TCP.
    pub listen: Option<SocketAddr>,
    /// `token_file`; there wherever `listen` is.
    pub token_file: Option<PathBuf>,
}

/// `[acquirer]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcquirerConfig {
    /// `profile`: the dialect, by the name of one that ships or by the path of another.
    pub profile: Arc<crate::core::acquirer::Profile>,
    /// `endpoint`
    pub endpoint: Endpoint,
    /// `tpdu`, as long as the profile's frame has it.
    pub tpdu: Vec<u8>,
    /// `header`, as long as the profile's frame has it.
    pub header: Vec<u8>,
    /// `timeout_ms`: how long an answer may take, 1,000 to 600,000. Default 60,000.
    pub timeout_ms: u64,
    /// `ca_file`: PEM of whoever may have signed the acquirer's certificate, or the certificate itself; there wherever the endpoint is `tls://`.
    pub ca_file: Option<PathBuf>,
    /// `server_name`: what the acquirer's certificate must name; absent: the endpoint's host.
    pub server_name: Option<String>,
    /// `client_certificate` and `client_key`: PEM with which the store shows who it is; both or neither.
    pub client: Option<(PathBuf, PathBuf)>,
}

/// Where the acquirer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// `tls://`
    pub tls: bool,
    /// A name or address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// `[offline]`: the bounds of what is taken without a line. All four are above zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfflineConfig {
    /// `max_amount`: one payment, minor units.
    pub max_amount: Minor,
    /// `max_total`: all that waits, minor units.
    pub max_total: Minor,
    /// `max_count`: all that waits.
    pub max_count: u32,
    /// `max_age_hours`: older ones are not sent by themselves.
    pub max_age_hours: u32,
}

/// `[limits]`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitsConfig {
    /// `max_amount`: one payment, minor units. Default 5,000,000.
    pub max_amount: Minor,
    /// `settle_wait_s`: how long a card waits while its terminal settles, 0 to 600. Default 20.
    pub settle_wait_s: u32,
    /// `refund`, `over_short`, `cashier_sales`, `cashier_refunds`, `device_sales`, `device_refunds`, `day_sales`, `day_refunds`: above these a
    /// manager other than the cashier must approve. Absent: no limit.
    pub guards: GuardRules,
}

/// `[calendar]`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CalendarConfig {
    /// `file`: TOML with the days on which banks are closed; absent: the shipped calendar of mainland China.
    pub file: Option<PathBuf>,
}

/// `[fees]`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FeesConfig {
    /// `file`: the fee schedule; absent: no fees are expected.
    pub file: Option<PathBuf>,
}

/// `[refunds]`: other routes for a refund that the channel refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundsConfig {
    /// `cash`: a manager may choose cash. Default false.
    pub cash: bool,
    /// `transfer`: a manager may ask for a transfer; needs `payees_file`. Default false.
    pub transfer: bool,
    /// `payees_file`: the allow-list of transfers.
    pub payees_file: Option<PathBuf>,
    /// `cap_per_card`: at most so much of one card's goes another way; needs `card_key_file`.
    pub cap_per_card: Option<Minor>,
    /// `cap_days`: within so many days. Default 365.
    pub cap_days: u32,
    /// `card_key_file`: 64 hex digits, on another medium than the data.
    pub card_key_file: Option<PathBuf>,
}

impl Default for RefundsConfig {
    fn default() -> RefundsConfig {
        RefundsConfig {
            cash: false,
            transfer: false,
            payees_file: None,
            cap_per_card: None,
            cap_days: 365,
            card_key_file: None,
        }
    }
}

/// `[[terminal]]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TerminalConfig {
    /// `id`
    pub id: TerminalId,
    /// `tid`, 8 characters.
    pub tid: Tid,
    /// `mid`, 15 characters.
    pub mid: Mid,
    /// `master_key_file`: 32 hex digits; absent where a PIN pad holds the keys.
    pub master_key_file: Option<PathBuf>,
    /// `serial_number`, 1 to 32 printable characters.
    pub serial_number: Option<String>,
}

/// What kind of reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReaderKind {
    /// One with a line and a codec of its own.
    Line(&'static reader::Kind),
    /// The firmware bridge: card, PIN pad and more behind one port.
    Bridge,
}

impl ReaderKind {
    /// Its name in the configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ReaderKind::Line(kind) => kind.name,
            ReaderKind::Bridge => "bridge",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<ReaderKind> {
        if name == "bridge" { Some(ReaderKind::Bridge) } else { reader::named(name).map(ReaderKind::Line) }
    }

    /// All names, for people.
    #[must_use]
    pub fn names() -> String {
        let lines = reader::KINDS.iter().map(|kind| kind.name);
        lines.chain(["bridge"]).collect::<Vec<_>>().join(", ")
    }

    /// What it reads.
    #[must_use]
    pub fn reads(self) -> reader::Reads {
        match self {
            ReaderKind::Line(kind) => kind.reads,
            ReaderKind::Bridge => reader::Reads::Cards,
        }
    }

    /// The usual rate.
    #[must_use]
    pub fn baud(self) -> u32 {
        match self {
            ReaderKind::Line(kind) => kind.baud,
            ReaderKind::Bridge => 115_200,
        }
    }
}

/// `[[reader]]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReaderConfig {
    /// `terminal`
    pub terminal: TerminalId,
    /// `kind`
    pub kind: ReaderKind,
    /// `port`, by a stable name.
    pub port: PathBuf,
    /// `baud`. Default what its kind is shipped with.
    pub baud: u32,
    /// `trigger`: how a scanner is lit while somebody waits: `"none"` (default), `"honeywell"` or `"newland"`.
    pub trigger: Trigger,
}

/// `[[printer]]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrinterConfig {
    /// `id`
    pub id: PrinterId,
    /// `port`, by a stable name.
    pub port: PathBuf,
    /// `baud`. Default 115,200.
    pub baud: u32,
    /// `flow`: `"none"` (default), `"hardware"` or `"software"`.
    pub flow: FlowControl,
    /// `profile`: a model's name or a file; absent: the generic one of `columns`. `columns` (32, 35, 42, 48) and `encoding`
    /// (`"gb18030"`, `"raster"`, `"ascii"`) change what it says.
    pub profile: Profile,
    /// `logo`: a PNG, printed above receipts.
    pub logo: Option<PathBuf>,
    /// `terminals`: whose papers; absent: every terminal's.
    pub terminals: Option<Vec<TerminalId>>,
    /// `receipts`: payment receipts too, not reports alone. Default true.
    pub receipts: bool,
    /// `language`: default the store's.
    pub language: Lang,
}

impl PrinterConfig {
    /// Its logo, read: nothing where there is none. The error says what is wrong with the file.
    pub fn logo(&self) -> Result<Option<Bitmap>, Sentence> {
        let Some(path) = &self.logo else { return Ok(None) };
        let (file, shown) = (devices::read_file(path, logo::MAX_FILE)?, path.display());
        let logo = logo::from_png(&file)
            .map_err(|e| Sentence::new(format!("图片 {shown} 不可用：{e}"), format!("the picture {shown} {e}")))?;
        let (have, most) = (logo.width(), usize::from(self.profile.columns) * CELL_WIDTH);
        if have > most {
            return Err(Sentence::new(
                format!("图片宽 {have} 点，纸上只有 {most} 点，请缩小"),
                format!("the picture is {have} dots wide and the paper {most}: make it smaller"),
            ));
        }
        Ok(Some(logo))
    }

    /// Whether this printer prints for a terminal.
    #[must_use]
    pub fn serves(&self, terminal: &TerminalId) -> bool {
        self.terminals.as_ref().is_none_or(|list| list.contains(terminal))
    }
}

/// A configuration that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}", path.display(), findings.iter().map(|f| f.text(Lang::En)).collect::<Vec<_>>().join("; "))]
pub struct ConfigError {
    /// Which file.
    pub path: PathBuf,
    /// Why: at least one error, warnings too.
    pub findings: Vec<Finding>,
    /// The file could not be read at all.
    pub unreadable: bool,
}

impl Config {
    /// Reads the text of a configuration. Relative paths are taken from the folder of `path`. Gives the warnings beside it, or everything
    /// that is wrong.
    pub fn parse(text: &str, path: &Path) -> Result<(Config, Vec<Finding>), Vec<Finding>> {
        read::config(text, path)
    }

    /// Reads a file, without looking at the files that it names: for commands that only ask the daemon.
    pub fn read(path: &Path) -> Result<Config, ConfigError> {
        let bad = |findings, unreadable| ConfigError { path: path.to_owned(), findings, unreadable };
        let text = read::file(path).map_err(|finding| bad(vec![finding], true))?;
        Config::parse(&text, path).map(|(config, _)| config).map_err(|findings| bad(findings, false))
    }

    /// Reads a file, and looks at the files that it names. `Err` where the daemon should not start.
    pub fn load(path: &Path) -> Result<(Config, Vec<Finding>), ConfigError> {
        let bad = |findings, unreadable| ConfigError { path: path.to_owned(), findings, unreadable };
        let text = read::file(path).map_err(|finding| bad(vec![finding], true))?;
        let (config, mut findings) = Config::parse(&text, path).map_err(|findings| bad(findings, false))?;
        findings.extend(check_files(&config));
        if findings.iter().any(|f| f.level == Level::Error) {
            return Err(bad(findings, false));
        }
        Ok((config, findings))
    }

    /// The terminal of this id.
    #[must_use]
    pub fn terminal(&self, id: &TerminalId) -> Option<&TerminalConfig> {
        self.terminals.iter().find(|t| t.id == *id)
    }
}

/// Which file is meant: the flag, else `$TILLD_CONFIG`, else [`DEFAULT_PATH`].
#[must_use]
pub fn path_from(flag: Option<&Path>) -> PathBuf {
    flag.map(Path::to_owned)
        .or_else(|| std::env::var_os("TILLD_CONFIG").filter(|v| !v.is_empty()).map(PathBuf::from))
        .unwrap_or_else(|| PathBuf::from(DEFAULT_PATH))
}
