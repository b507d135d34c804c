//! The command line as data (clap). Help stands here; what a command does stands elsewhere.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::core::domain::{Lang, Role};
use crate::sim::acquirer::SimArgs;

/// The till daemon 收银守护进程: journals every payment, closes the day, settles.
#[derive(Debug, Parser)]
#[command(name = "tilld", version, max_term_width = 100)]
pub(super) struct Line {
    /// The configuration. Without it: $TILLD_CONFIG, then /etc/tilld/tilld.toml.
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Sub,
}

#[derive(Debug, Subcommand)]
pub(super) enum Sub {
    /// Play a store's day by itself, with simulated acquirer, readers and printer 演示.
    Demo(DemoArgs),
    /// Run the daemon 运行.
    Run,
    /// Check the configuration and the files that it names 检查配置.
    Check(JsonArgs),
    /// How things stand: lines, batches, printers, what waits 状态.
    Status(JsonArgs),
    /// People who may use the till 人员.
    #[command(subcommand)]
    Cashier(CashierSub),
    /// Close the business day and wait for its settlement 日结.
    Close(CloseArgs),
    /// A day's report 报表; without --day the open day's (X).
    Report(ReportArgs),
    /// One payment and its whole story 查询交易.
    Show(ShowArgs),
    /// Recompute chain, columns and totals from the journal 校验.
    Verify(JsonArgs),
    /// Is this device's storage fit to hold money? 存储体检: sync latency, sales a second against the raw disk, memory.
    Qualify(QualifyArgs),
    /// Look at everything that a sale needs, and say what to do 体检; 0 only where the till can sell.
    Doctor(JsonArgs),
    /// Talk to a firmware bridge on the bench 密码键盘/外设桥: stop the daemon first, a port has one owner.
    #[command(subcommand)]
    Bridge(BridgeSub),
    /// Copy the store to a file, beside the running daemon 备份.
    Backup(BackupArgs),
    /// Put a copy in the place of the store 恢复; the daemon must be stopped.
    Restore(RestoreArgs),
    /// Keep a damaged store as it lies there, and write down what still reads 抢救.
    Salvage(SalvageArgs),
    /// The keys that cards and days are sealed under 密钥.
    #[command(subcommand)]
    Keys(KeysSub),
    /// Compare a statement of the acquirer or a channel with the journal 对账.
    Reconcile(ReconcileArgs),
    /// Differences between statements and the journal 挂账, and what is done about them.
    Cases(CasesArgs),
    /// The card table: which cards are debit or credit, home or foreign 卡表.
    #[command(subcommand)]
    Cards(CardsSub),
    /// Refunds by transfer, where the channel refused the original route 转账退款.
    #[command(subcommand)]
    Transfers(TransfersSub),
    /// Stand-ins for a rig without hardware 模拟器.
    #[command(subcommand)]
    Sim(SimSub),
}

#[derive(Debug, Subcommand)]
pub(super) enum CardsSub {
    /// Take over a table from CSV 导入: prefix,brand,kind,origin[,length]. All of it or nothing; the same file again changes nothing.
    Import(FileArgs),
}

#[derive(Debug, Args)]
pub(super) struct FileArgs {
    /// The file.
    pub file: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(super) enum TransfersSub {
    /// Those that are not ended 列表.
    List(JsonArgs),
    /// Approve, withdraw, or note what the bank says 审批/登记.
    Step(TransferStepArgs),
    /// Write the file for the bank 导出: what is approved goes out, what was never answered stands in it again.
    Send(TransferSendArgs),
    /// Read the bank's answers 回执: order_no,status,reference[,amount,code,text].
    Answers(TransferAnswersArgs),
}

/// Who does it.
#[derive(Debug, Args)]
pub(super) struct Signed {
    /// A manager 店长.
    #[arg(long, value_name = "ID")]
    pub by: String,
    /// Read their PIN from the first line of standard input.
    #[arg(long, required = true)]
    pub pin_stdin: bool,
}

#[derive(Debug, Args)]
pub(super) struct TransferStepArgs {
    /// P00000042.
    pub payment: String,
    /// approved | withdrawn | accepted | succeeded | failed | unknown | returned.
    #[arg(value_parser = ["approved", "withdrawn", "accepted", "succeeded", "failed", "unknown", "returned"])]
    pub to: String,
    #[command(flatten)]
    pub signed: Signed,
    /// The bank's own number.
    #[arg(long)]
    pub reference: Option<String>,
    /// The bank's code.
    #[arg(long)]
    pub code: Option<String>,
    /// What it rests on, in words.
    #[arg(long)]
    pub note: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct TransferSendArgs {
    #[command(flatten)]
    pub signed: Signed,
    /// Write to this file (mode 0600: account numbers stand in it).
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct TransferAnswersArgs {
    /// The bank's file.
    pub file: PathBuf,
    #[command(flatten)]
    pub signed: Signed,
}

#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Print the day as one JSON object.
    #[arg(long)]
    pub json: bool,
    /// Where everything is kept; it must not exist or be empty. Without it: a new folder below the temporary one.
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// A bridge on this port is POS3's PIN pad, reader and drawer: a board, or `tilld sim bridge`. A new master key is injected with the code 2468.
    #[arg(long, value_name = "PORT")]
    pub bridge: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct QualifyArgs {
    /// The folder where the data would lie.
    pub dir: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// How long to measure.
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub seconds: u64,
}

#[derive(Debug, Args)]
pub(super) struct JsonArgs {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(super) struct BackupArgs {
    /// The file; it must not exist. It holds no key.
    pub file: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct RestoreArgs {
    /// A copy that `tilld backup` made.
    pub file: PathBuf,
    /// Also where rows or settled batches are rolled back: a technician has compared with the acquirer. Cards stay stopped until the mark is removed.
    #[arg(long)]
    pub roll_back: bool,
}

#[derive(Debug, Args)]
pub(super) struct SalvageArgs {
    /// The folder; it must not exist.
    pub dir: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(super) enum KeysSub {
    /// Make a new data key and seal everything under it 换密钥; the daemon must be stopped.
    Rotate(RotateArgs),
}

#[derive(Debug, Args)]
pub(super) struct RotateArgs {
    /// Where the new key goes, where the data key is a systemd credential.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(super) enum CashierSub {
    /// Add a person 添加人员.
    Add(AddArgs),
}

#[derive(Debug, Args)]
pub(super) struct AddArgs {
    /// Their id 工号: 1 to 16 ASCII characters.
    pub id: String,
    /// Their name as printed 姓名.
    #[arg(long)]
    pub name: String,
    /// cashier 收银员, manager 店长, technician 技术员.
    #[arg(long, value_parser = role)]
    pub role: Role,
    /// Read the PIN (4 to 12 digits) from the first line of standard input: on the command line others would see it.
    #[arg(long, required = true)]
    pub pin_stdin: bool,
}

#[derive(Debug, Args)]
pub(super) struct CloseArgs {
    /// Print the day as one JSON object.
    #[arg(long)]
    pub json: bool,
    /// Seconds to wait for the settlement after the cut is sealed; 0 does not wait.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, num_args = 0..=1, default_missing_value = "60",
        value_parser = clap::value_parser!(u64).range(0..=600))]
    pub wait: u64,
    /// Who closes it; stands in the journal.
    #[arg(long, value_name = "ID")]
    pub by: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// A date (2026-11-20), a Z number, or "open".
    #[arg(long, value_name = "DATE-or-Z", default_value = "open")]
    pub day: String,
    /// The form.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// zh or en; without it the store's.
    #[arg(long, value_parser = lang)]
    pub lang: Option<Lang>,
    /// Write to this file instead of standard output.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// A report's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Text,
    Json,
    Csv,
    Png,
    Pdf,
    Escpos,
}

impl Format {
    pub fn word(self) -> &'static str {
        match self {
            Format::Text => "text",
            Format::Json => "json",
            Format::Csv => "csv",
            Format::Png => "png",
            Format::Pdf => "pdf",
            Format::Escpos => "escpos",
        }
    }

    /// Not for a screen.
    pub fn binary(self) -> bool {
        matches!(self, Format::Png | Format::Pdf | Format::Escpos)
    }
}

#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// P00000042, or 42.
    pub payment: String,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(super) struct ReconcileArgs {
    /// The statement.
    pub file: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Its format: tilld-acquirer, wechat-pay, alipay, unionpay-zm, or a format file (.toml). Without it the file itself tells.
    #[arg(long, value_name = "NAME")]
    pub format: Option<String>,
    /// How many days the other side of the cut may take before it counts; without it as the configuration says.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(0..=31))]
    pub wait_days: Option<u32>,
    /// Judge only: note nothing, open no case 只核对不挂账.
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct CasesArgs {
    #[command(flatten)]
    pub list: CaseListArgs,
    #[command(subcommand)]
    pub sub: Option<CasesSub>,
}

#[derive(Debug, Args)]
pub(super) struct CaseListArgs {
    /// unresolved, open, in_progress, resolved; without it what is unresolved.
    #[arg(long, value_parser = ["unresolved", "open", "in_progress", "resolved"])]
    pub state: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum CasesSub {
    /// One case, its trail, its payment's story 查看.
    Show(CaseShowArgs),
    /// Work on it 处理中.
    Take(CaseActArgs),
    /// Write something down 备注.
    Note(CaseActArgs),
    /// End it 处理: confirm 确认, refund 退款, make_up 补结算, recovery 协商追回, write_off 核销.
    Resolve(CaseResolveArgs),
    /// Open it again 重开: what its end did to the books is taken back.
    Reopen(CaseActArgs),
}

#[derive(Debug, Args)]
pub(super) struct CaseShowArgs {
    /// Its number.
    pub case: u32,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(super) struct CaseActArgs {
    /// Its number.
    pub case: u32,
    /// Who.
    #[arg(long, value_name = "ID")]
    pub by: String,
    /// In your words; to reopen it: why.
    #[arg(long, value_name = "TEXT", alias = "reason")]
    pub note: Option<String>,
    /// Read the PIN from the first line of standard input.
    #[arg(long, required = true)]
    pub pin_stdin: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(super) struct CaseResolveArgs {
    /// Its number.
    pub case: u32,
    /// The manager.
    #[arg(long, value_name = "ID")]
    pub by: String,
    /// confirm, refund, make_up, recovery, write_off.
    #[arg(long, value_name = "WAY", value_parser = ["confirm", "refund", "make_up", "recovery", "write_off"])]
    pub how: String,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// The number of the other side's adjustment (make_up).
    #[arg(long, value_name = "TEXT")]
    pub reference: Option<String>,
    /// Who agreed to give it back, and how (recovery).
    #[arg(long, value_name = "TEXT")]
    pub consent: Option<String>,
    /// The refund by which the customer has got it back (refund).
    #[arg(long, value_name = "PAYMENT")]
    pub refund: Option<String>,
    /// Who answers for it, where no payment of ours says so.
    #[arg(long, value_name = "ID")]
    pub cashier: Option<String>,
    /// Where it was, where no payment of ours says so.
    #[arg(long, value_name = "ID")]
    pub device: Option<String>,
    /// The second person; their PIN is the second line of standard input.
    #[arg(long, value_name = "ID")]
    pub second: Option<String>,
    /// Read the PIN from the first line of standard input.
    #[arg(long, required = true)]
    pub pin_stdin: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

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

fn role(text: &str) -> Result<Role, String> {
    Role::parse(text).ok_or_else(|| "use cashier, manager or technician".to_owned())
}

fn lang(text: &str) -> Result<Lang, String> {
    Lang::parse(text).ok_or_else(|| "use zh or en".to_owned())
}
