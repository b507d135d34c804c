//! The command line as data (clap). Help stands here; what a command does stands elsewhere.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(super) use super::args_bench::*;
use crate::core::domain::{Lang, Role};

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
    /// Ask what a till needs to know, and write a configuration 初始化.
    Init(InitArgs),
    /// Shell completions, for bash, zsh or fish 命令补全.
    Completions(CompletionsArgs),
    /// The manual 手册: tilld(1), or every page into a folder of manuals.
    Man(ManArgs),
    /// Check the configuration and the files that it names 检查配置.
    Check(JsonArgs),
    /// How things stand: lines, batches, printers, what waits 状态.
    Status(StatusArgs),
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
    Verify(VerifyArgs),
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
    /// Keep a damaged store as it lies there, and write down what still reads 抢救; the daemon must be stopped.
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

#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// Print JSON.
    #[arg(long, conflicts_with = "watch")]
    pub json: bool,
    /// Stay, and draw it again and again: a screen to leave open.
    #[arg(short, long)]
    pub watch: bool,
}

#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// The check code of a printed Z report (7A40-9C2E-4DB3-51F8), or all that its QR code says: which closed day it is of, if it is of one.
    #[arg(long, value_name = "CODE")]
    pub code: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// Where the configuration and everything beside it goes; without it here.
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Ask nothing: take what is usual where --set says nothing else.
    #[arg(short, long)]
    pub yes: bool,
    /// Ask nothing, and write it for the stand-ins (tilld sim), with a key that everybody knows.
    #[arg(long = "try")]
    pub try_out: bool,
    /// An answer: store, name, timezone, currency, day_cut, lang, profile, endpoint, tpdu, header, terminal, tid, mid, key_file, scanner, msr,
    /// printer, columns, offline.
    #[arg(long, value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// Write over a configuration that is there.
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// Write every page below it, as `man -M DIR` reads them; without it tilld(1) goes to standard output.
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// bash, zsh or fish.
    #[arg(value_parser = ["bash", "zsh", "fish"])]
    pub shell: String,
}

#[derive(Debug, Subcommand)]
pub(super) enum CashierSub {
    /// Add a person 添加人员.
    Add(AddArgs),
    /// Change what is known of a person, their PIN, or that they work here 修改人员.
    Change(ChangeArgs),
    /// Everybody 人员列表.
    List(JsonArgs),
}

#[derive(Debug, Args)]
pub(super) struct ChangeArgs {
    /// Their id 工号.
    pub id: String,
    /// Their name as printed 姓名.
    #[arg(long)]
    pub name: Option<String>,
    /// cashier 收银员, manager 店长, technician 技术员.
    #[arg(long, value_parser = role)]
    pub role: Option<Role>,
    /// What is shown to them and printed for them: zh or en.
    #[arg(long, value_parser = lang)]
    pub lang: Option<Lang>,
    /// Read a new PIN from the first line of standard input; it also ends a lock-out.
    #[arg(long)]
    pub pin_stdin: bool,
    /// They do not work here any more; their id stays theirs.
    #[arg(long, conflicts_with = "back")]
    pub gone: bool,
    /// They work here again.
    #[arg(long)]
    pub back: bool,
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
    /// What is shown to them and printed for them: zh or en; without it the store's.
    #[arg(long, value_parser = lang)]
    pub lang: Option<Lang>,
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
    /// Characters across: 32, 35, 42, 48, or any other width from 24 to 80.
    #[arg(long, value_name = "N", default_value_t = 48, value_parser = clap::value_parser!(u8).range(24..=80))]
    pub columns: u8,
    /// Write to this file instead of standard output.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Print it on the store's report printer: the open day's X, or a closed day's Z again, with the mark.
    #[arg(long, conflicts_with_all = ["output", "format"])]
    pub print: bool,
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
    Html,
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
            Format::Html => "html",
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

fn role(text: &str) -> Result<Role, String> {
    Role::parse(text).ok_or_else(|| "use cashier, manager or technician".to_owned())
}

fn lang(text: &str) -> Result<Lang, String> {
    Lang::parse(text).ok_or_else(|| "use zh or en".to_owned())
}
