//! The command line of the bench as data: stand-ins, and a bridge on the table.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::sim::acquirer::SimArgs;

#[derive(Debug, Subcommand)]
pub(super) enum SimSub {
    /// An acquirer's host with books of its own 收单主机.
    Acquirer(SimArgs),
    /// A receipt printer on a pty 打印机.
    Printer(PrinterSimArgs),
    /// A magnetic-stripe reader on a pty 磁条读卡器.
    Msr(MsrSimArgs),
    /// A code scanner on a pty 扫码枪.
    Scanner(ScannerSimArgs),
    /// A PN532 contactless chip on a pty 非接读卡器.
    Pn532(PortSimArgs),
    /// An ID TECH NEO 2 contactless reader on a pty 非接读卡器.
    Neo2(PortSimArgs),
    /// A bridge with a PIN pad, reader and drawer on a pty 外设桥.
    Bridge(BridgeSimArgs),
}

#[derive(Debug, Args)]
pub(super) struct BridgeSimArgs {
    /// Where the port appears: a symbolic link.
    #[arg(long, value_name = "LINK")]
    pub port: PathBuf,
    /// The track 2 that is swiped when the reader is armed; "" for none.
    #[arg(long, default_value = crate::sim::bridge::TRACK2)]
    pub track2: String,
    /// The PIN that is typed when it is asked for; "" for none.
    #[arg(long, default_value = crate::sim::bridge::PIN)]
    pub pin: String,
    /// Frames in a hundred that are spoiled, each way.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=50))]
    pub spoil: u32,
}

#[derive(Debug, Subcommand)]
pub(super) enum BridgeSub {
    /// Round trips 往返测试: how many, how long, how many frames were sent again.
    Ping(BridgePingArgs),
    /// Who it is, what it has, which keys, its counters 设备信息.
    Info(BridgePortArgs),
    /// Inject the terminal's master key 注入主密钥. Standard input: the key (32 hex digits, or several components, a line each, that are
    /// combined by XOR), then an empty line, then the injection code (4 to 16 characters). The check value is shown.
    LoadKey(BridgeLoadArgs),
    /// Show what it logs 日志, until interrupted or for so many seconds.
    Log(BridgeLogArgs),
}

#[derive(Debug, Args)]
pub(super) struct BridgePortArgs {
    /// The port; without it that of the only bridge in the configuration, or of --terminal's.
    #[arg(long, value_name = "PORT")]
    pub port: Option<PathBuf>,
    /// Which terminal's bridge.
    #[arg(long, value_name = "ID")]
    pub terminal: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct BridgePingArgs {
    #[command(flatten)]
    pub port: BridgePortArgs,
    /// How many round trips.
    #[arg(long, default_value_t = 10)]
    pub count: u32,
}

#[derive(Debug, Args)]
pub(super) struct BridgeLoadArgs {
    #[command(flatten)]
    pub port: BridgePortArgs,
    /// The check value on the key letter: refused where the key gives another.
    #[arg(long, value_name = "HEX")]
    pub check_value: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct BridgeLogArgs {
    #[command(flatten)]
    pub port: BridgePortArgs,
    /// Stop after so many seconds.
    #[arg(long, value_name = "SECONDS")]
    pub seconds: Option<u64>,
}

#[derive(Debug, Args)]
pub(super) struct PrinterSimArgs {
    /// Where the port appears: a symbolic link, for `port` in the configuration.
    #[arg(long, value_name = "LINK")]
    pub port: PathBuf,
    /// Keep what is printed in this file: a picture where its name ends in .png, else text.
    #[arg(long, value_name = "FILE")]
    pub paper: Option<PathBuf>,
    /// Half-width characters a line.
    #[arg(long, default_value_t = 48)]
    pub columns: u16,
    /// Receive buffer in bytes.
    #[arg(long, default_value_t = 4096)]
    pub buffer: usize,
    /// Hold the handshake line while the buffer is nearly full; without it what is too much is lost.
    #[arg(long)]
    pub handshake: bool,
    /// Paper in dots a second (1200 are 150 mm/s); without it everything is printed at once.
    #[arg(long, value_name = "DOTS")]
    pub speed: Option<u32>,
    /// A printer that answers no process ids.
    #[arg(long)]
    pub no_process_id: bool,
    /// A printer that does not push its status.
    #[arg(long)]
    pub no_asb: bool,
}

#[derive(Debug, Args)]
pub(super) struct MsrSimArgs {
    /// Where the port appears: a symbolic link.
    #[arg(long, value_name = "LINK")]
    pub port: PathBuf,
    /// Send frames instead of plain lines.
    #[arg(long)]
    pub framed: bool,
}

#[derive(Debug, Args)]
pub(super) struct PortSimArgs {
    /// Where the port appears: a symbolic link.
    #[arg(long, value_name = "LINK")]
    pub port: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct ScannerSimArgs {
    /// Where the port appears: a symbolic link.
    #[arg(long, value_name = "LINK")]
    pub port: PathBuf,
    /// Send AIM ids before each code.
    #[arg(long)]
    pub aim: bool,
    /// End lines with CR LF instead of CR.
    #[arg(long)]
    pub crlf: bool,
    /// Read only while triggered.
    #[arg(long)]
    pub needs_trigger: bool,
}
