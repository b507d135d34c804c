//! What the host knows of the dialect: its table of messages, what each must and may carry, and how fields 48, 60 and 61 are laid out.
//!
//! The host's own copy, written from the facts. It must never be built from the daemon's profile: it is what the profile is judged by.

use serde::{Deserialize, Serialize};

use crate::core::acquirer::iso8583::{Message, Mti};

/// Every message that a terminal may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// 余额查询
    Balance,
    /// 消费
    Sale,
    /// 扫码消费
    ScanSale,
    /// 消费撤销
    Void,
    /// 退货
    Refund,
    /// 预授权
    Preauth,
    /// 预授权撤销
    PreauthVoid,
    /// 预授权完成(请求)
    Completion,
    /// 预授权完成撤销
    CompletionVoid,
    /// 预授权完成(通知)
    CompletionAdvice,
    /// 离线消费
    OfflineSale,
    /// 离线调整
    Adjust,
    /// 小费
    Tip,
    /// IC 卡脱机消费
    IcOffline,
    /// 冲正
    Reversal,
    /// What became of a payment
    Query,
    /// 签到
    SignOn,
    /// 签退
    SignOff,
    /// 回响测试
    Echo,
    /// 批结算
    Settle,
    /// 批上送 of up to eight rows (201, 203–206)
    Upload,
    /// 批上送 of a single record in a 0320 of its own
    UploadOne,
    /// 批上送结束 (207, 202)
    End,
}

/// Which side of field 48 a payment counts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Sales and completions.
    Debit,
    /// Voids, refunds, completion voids.
    Credit,
    /// Outside.
    Neither,
}

impl Kind {
    /// A payment: it may have a financial effect, or asks about a card.
    #[must_use]
    pub fn is_payment(self) -> bool {
        self <= Kind::IcOffline
    }

    /// An advice: already done at the terminal. It may be sent while a reversal is owed.
    #[must_use]
    pub fn is_advice(self) -> bool {
        matches!(self, Kind::CompletionAdvice | Kind::OfflineSale | Kind::Adjust | Kind::Tip | Kind::IcOffline)
    }

    /// Whether 0400 may undo it.
    #[must_use]
    pub fn is_reversible(self) -> bool {
        use Kind::{Completion, CompletionVoid, Preauth, PreauthVoid, Sale, ScanSale, Void};
        matches!(self, Sale | ScanSale | Void | Preauth | PreauthVoid | Completion | CompletionVoid)
    }

    /// Its side of field 48, gross.
    #[must_use]
    pub fn side(self) -> Side {
        match self {
            Kind::Sale
            | Kind::ScanSale
            | Kind::Completion
            | Kind::CompletionAdvice
            | Kind::OfflineSale
            | Kind::IcOffline => Side::Debit,
            Kind::Void | Kind::Refund | Kind::CompletionVoid => Side::Credit,
            _ => Side::Neither,
        }
    }

    /// The statement's word, for what the statement lists.
    #[must_use]
    pub fn statement_word(self) -> Option<&'static str> {
        match self {
            Kind::Refund => Some("refund"),
            Kind::Void | Kind::CompletionVoid => Some("void"),
            _ if self.side() == Side::Debit => Some("sale"),
            _ => None,
        }
    }

    /// Its fields.
    #[must_use]
    pub fn row(self) -> Option<&'static Row> {
        ROWS.iter().find(|row| row.kind == self)
    }
}

/// One message of the table.
#[derive(Debug)]
pub struct Row {
    /// Which.
    pub kind: Kind,
    mti: u16,
    processing: Option<&'static str>,
    condition: Option<&'static str>,
    type_code: &'static str,
    /// Field 60.3 where it tells messages apart.
    management: Option<&'static [&'static str]>,
    /// Fields that must be there.
    pub required: &'static [u8],
    /// Fields that may be there. Every other one is a finding.
    pub optional: &'static [u8],
    /// Whether field 64 must be there; where not, it must be absent.
    pub mac: bool,
}

macro_rules! row {
    ($kind:ident $mti:literal $f3:expr, $f25:expr, $f60_1:literal $f60_3:expr, $required:expr, $optional:expr, $mac:literal) => {
        Row {
            kind: Kind::$kind,
            mti: $mti,
            processing: $f3,
            condition: $f25,
            type_code: $f60_1,
            management: $f60_3,
            required: $required,
            optional: $optional,
            mac: $mac,
        }
    };
}

// 2, 14, 35 or 59 according to F22; PIN fields 26, 52, 53 together; 23 and 55 for chips. Checked one by one in `checks.rs`.
const PAYER: &[u8] = &[2, 14, 23, 26, 35, 36, 52, 53, 55];
const REFERS: &[u8] = &[2, 14, 23, 26, 35, 36, 38, 52, 53, 55, 59, 62];
const ONLINE: &[u8] = &[3, 4, 11, 22, 25, 41, 42, 49, 60];
const WITH_ORIGINAL: &[u8] = &[3, 4, 11, 22, 25, 37, 41, 42, 49, 60, 61];
const AUTHORIZED: &[u8] = &[3, 4, 11, 22, 25, 38, 41, 42, 49, 60, 61];
const ADVICE_OPTIONAL: &[u8] = &[2, 14, 15, 23, 37, 38, 55, 62, 63];
const MANAGEMENT: &[u8] = &[11, 41, 42, 60];

#[rustfmt::skip]
const ROWS: &[Row] = &[
    row!(Balance          200 Some("310000"), Some("00"), "01" None, &[3, 11, 22, 25, 41, 42, 49, 60], &[2, 4, 14, 23, 26, 35, 36, 52, 53, 55], true),
    row!(Sale             200 Some("000000"), Some("00"), "22" None, ONLINE, PAYER, true),
    row!(ScanSale         200 Some("000000"), Some("00"), "22" None, &[3, 4, 11, 22, 25, 41, 42, 49, 59, 60], &[], true),
    row!(Void             200 Some("200000"), Some("00"), "23" None, WITH_ORIGINAL, REFERS, true),
    row!(Refund           220 Some("200000"), Some("00"), "25" None, &[3, 4, 11, 22, 25, 37, 41, 42, 49, 60, 61, 63], &[2, 14, 23, 26, 35, 36, 38, 52, 53, 55, 62], true),
    row!(Preauth          100 Some("030000"), Some("06"), "10" None, ONLINE, PAYER, true),
    row!(PreauthVoid      100 Some("200000"), Some("06"), "11" None, AUTHORIZED, &[2, 14, 23, 26, 35, 36, 37, 52, 53, 55], true),
    row!(Completion       200 Some("000000"), Some("06"), "20" None, AUTHORIZED, &[2, 14, 23, 26, 35, 36, 37, 52, 53, 55], true),
    row!(CompletionVoid   200 Some("200000"), Some("06"), "21" None, &[3, 4, 11, 22, 25, 37, 38, 41, 42, 49, 60, 61], PAYER, true),
    row!(CompletionAdvice 220 Some("000000"), Some("06"), "24" None, AUTHORIZED, &[2, 14, 23, 37, 55], true),
    row!(OfflineSale      220 Some("000000"), Some("00"), "30" None, &[3, 4, 11, 22, 25, 41, 42, 49, 60, 61, 63], &[2, 14, 23, 38, 55], true),
    row!(Adjust           220 Some("000000"), Some("00"), "32" None, &[3, 4, 11, 22, 25, 41, 42, 49, 60, 61], ADVICE_OPTIONAL, true),
    row!(Tip              220 Some("000000"), Some("00"), "34" None, &[3, 4, 11, 22, 25, 41, 42, 49, 60, 61], ADVICE_OPTIONAL, true),
    row!(IcOffline        200 Some("000000"), Some("00"), "36" None, &[2, 3, 4, 11, 22, 25, 41, 42, 49, 55, 60], &[14, 15, 23, 63], true),
    row!(Query            200 Some("670000"), Some("00"), "01" None, &[3, 11, 25, 41, 42, 49, 60, 61], &[4, 22], true),
    row!(Reversal         400 None, None, "" None, &[3, 4, 11, 22, 25, 39, 41, 42, 49, 60], &[2, 14, 23, 38, 55, 59, 61, 62], true),
    row!(SignOn           800 None, None, "00" Some(&["001", "003", "004"]), &[11, 41, 42, 60, 62, 63], &[], false),
    row!(SignOff          820 None, None, "00" Some(&["002"]), MANAGEMENT, &[63], false),
    row!(Echo             820 None, None, "00" Some(&["301"]), &[41, 42, 60], &[], false),
    row!(Settle           500 None, None, "00" Some(&["201"]), &[11, 41, 42, 48, 49, 60, 63], &[], false),
    row!(Upload           320 None, None, "00" Some(&["201", "203", "204", "205", "206"]), &[11, 41, 42, 60], &[2, 3, 4, 22, 23, 25, 48, 49, 55, 62, 63], false),
    row!(End              320 None, None, "00" Some(&["207", "202"]), &[11, 41, 42, 48, 60], &[49, 63], false),
    // A single record: the original message as 0320, so whatever that one may carry.
    row!(UploadOne        320 Some(""), None, "" None, &[3, 4, 11, 22, 25, 41, 42, 49, 60], &[2, 14, 15, 23, 37, 38, 55, 61, 62, 63], false),
];

/// Field 60 taken apart. What is not there is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Field60 {
    /// 60.1, two digits.
    pub type_code: String,
    /// 60.2, the batch.
    pub batch: u32,
    /// 60.3, three digits.
    pub management: String,
}

impl Field60 {
    /// Reads it; `None` where 60.1 and 60.2 are not whole.
    #[must_use]
    pub fn of(message: &Message) -> Option<Field60> {
        let text = message.text(60)?;
        let batch = text.get(2..8)?.parse().ok()?;
        let management = text.get(8..11).unwrap_or_default().to_owned();
        Some(Field60 { type_code: text.get(..2)?.to_owned(), batch, management })
    }
}

/// Field 61 taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Field61 {
    /// Original batch.
    pub batch: u32,
    /// Original STAN.
    pub stan: u32,
    /// Original date MMDD, where it is given.
    pub date: Option<String>,
    /// Authorization mode of a stored sale (00 terminal, 01 by telephone, 02 small amount).
    pub mode: Option<String>,
}

impl Field61 {
    /// Reads it; `None` where the first twelve digits are not whole.
    #[must_use]
    pub fn of(message: &Message) -> Option<Field61> {
        let text = message.text(61)?;
        Some(Field61 {
            batch: text.get(..6)?.parse().ok()?,
            stan: text.get(6..12)?.parse().ok()?,
            date: text.get(12..16).map(str::to_owned),
            mode: text.get(16..18).map(str::to_owned),
        })
    }
}

/// Which message of the table this is; `None` where it is in none.
#[must_use]
pub fn classify(message: &Message) -> Option<Kind> {
    let field60 = Field60::of(message)?;
    let is_single = message.mti().number() == 320 && field60.type_code != "00";
    if is_single {
        return Some(Kind::UploadOne);
    }
    let scanned = message.text(22).is_some_and(|entry| entry.starts_with("03"));
    let row = ROWS.iter().find(|row| {
        row.kind != Kind::UploadOne
            && row.mti == message.mti().number()
            && row.processing.is_none_or(|f3| message.text(3) == Some(f3))
            && row.condition.is_none_or(|f25| message.text(25) == Some(f25))
            && (row.type_code.is_empty() || row.type_code == field60.type_code)
            && row.management.is_none_or(|known| known.contains(&field60.management.as_str()))
            && (row.kind != Kind::Sale || !scanned)
            && (row.kind != Kind::ScanSale || scanned)
    })?;
    Some(row.kind)
}

/// What a reversal would undo, by the fields it shares with its original.
#[must_use]
pub fn reversed_kind(reversal: &Message) -> Option<Kind> {
    [100u16, 200].into_iter().find_map(|mti| {
        let mut copy = Message::new(Mti::new(mti)?);
        for (field, bytes) in reversal.iter() {
            copy.set_bytes(field, bytes);
        }
        classify(&copy).filter(|kind| kind.is_reversible())
    })
}

/// The card's organisation by its first digits: an own small table, as a host has one.
#[must_use]
pub fn organisation(pan: &str) -> &'static str {
    match pan.as_bytes() {
        [b'6', b'2', ..] => "CUP",
        [b'4', ..] => "VIS",
        [b'5', b'1'..=b'5', ..] | [b'2', b'2'..=b'7', ..] => "MCC",
        [b'3', b'5', ..] => "JCB",
        [b'3', b'4' | b'7', ..] => "AMX",
        [b'3', b'0' | b'6' | b'8', ..] => "DCC",
        _ => "CUP",
    }
}
