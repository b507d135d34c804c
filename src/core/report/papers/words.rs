//! The words on the store's papers, in Chinese and in English. English is plain ASCII: it prints on any printer.
//!
//! Words only: no figure is made here, and nothing here knows where a word stands.

use crate::core::acquirer::Verdict;
use crate::core::domain::{Kind, Lang, Method, State, TransferStep};
use crate::core::journal::CaseHow;
use crate::core::reconcile::Class;
use crate::core::suspense::CaseState;

/// A word in both languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    /// Chinese.
    pub zh: &'static str,
    /// English.
    pub en: &'static str,
}

impl Word {
    /// The word in one language.
    #[must_use]
    pub fn of(self, lang: Lang) -> &'static str {
        match lang {
            Lang::Zh => self.zh,
            Lang::En => self.en,
        }
    }
}

const fn word(zh: &'static str, en: &'static str) -> Word {
    Word { zh, en }
}

macro_rules! vocabulary {
    ($($name:ident = $zh:literal, $en:literal;)+) => {
        $(#[doc = $en] pub const $name: Word = word($zh, $en);)+
        /// Every word of the list.
        pub const ALL: &[Word] = &[$($name),+];
    };
}

vocabulary! {
    // Every paper.
    STORE = "门店", "Store";
    PRINTED = "打印时间", "Printed";
    SALES_STOPPED = "已停止交易", "SALES ARE STOPPED";
    REPRINT = "重打印", "REPRINT";
    TOTAL = "合计", "Total";
    NONE = "无", "None";
    MANAGER_SIGNS = "店长签字", "Manager";
    CASHIER_SIGNS = "收银员签字", "Cashier";
    OUT_OF_RANGE = "超出范围", "out of range";
    // The day report.
    Z_TITLE = "日结单 Z", "Z report";
    X_TITLE = "班中报表 X", "X report";
    X_NOTE = "仅供查看：不结账、不封存，营业继续", "For information: closes nothing, sales go on";
    DAY = "营业日", "Business day";
    SEQUENCE = "流水序号", "Sequence";
    STATE = "状态", "State";
    NET_OF_DAY = "当日净额", "Net of the day";
    SALE = "消费", "Sale";
    REFUND = "退货", "Refund";
    VOID = "撤销", "Void";
    VOUCHERS = "凭证", "Voucher";
    NET = "净额", "Net";
    CASH_TO_HAND_IN = "应缴现金", "Cash to hand in";
    CASH_FORMULA = "= 实点 - 备用金（已交班）", "= counted - float, closed shifts";
    GRAND_TOTAL = "累计总额", "Grand total";
    BY_CASHIER = "按收银员", "By cashier";
    BY_DEVICE = "按终端", "By device";
    BY_METHOD = "按支付方式", "By method";
    BY_CHANNEL = "按渠道", "By channel";
    MATRIX = "收银员 × 终端（净额）", "Cashier by device (net)";
    SUM = "合计", "Sum";
    // The proof.
    CROSS_FOOT = "平衡核对", "Cross-foot";
    BRIDGE = "批次及其他明细", "Batches and the rest";
    SUM_CASHIERS = "收银员合计", "Cashiers";
    SUM_DEVICES = "终端合计", "Devices";
    SUM_METHODS = "方式合计", "Methods";
    SUM_MATRIX = "收银员×终端合计", "Cashier by device";
    SUM_BRIDGE = "批次及其他合计", "Batches and the rest";
    DIFFERENCE = "差额", "Difference";
    FOOTS = "【平】各合计逐列相等", "OK: equal in every column";
    FOOTS_NOT = "不平！请联系技术员", "DOES NOT FOOT: call the technician";
    FOOTS_NOT_ELSEWHERE = "账本核对不平，请运行 tilld verify", "The ledger does not foot: run tilld verify";
    CASH = "现金", "Cash";
    COUPONS = "代金券", "Coupons";
    WAITING = "离线\n待上送", "Offline,\nwaiting";
    VOIDED_BEFORE = "上送前\n已撤销", "Voided\nunsent";
    REFUSED_OFFLINE = "离线被拒", "Offline,\nrefused";
    // Drawers.
    DRAWERS = "钱箱与班次", "Shifts and drawers";
    SHIFT = "班次", "Shift";
    CARRIED = "未盘，转入次日", "not counted: carried";
    STILL_OPEN = "班次未结", "still open";
    FORGOTTEN = "遗忘班次：请店长清点并代为交班", "Forgotten: a manager counts and closes it";
    TO_SIGN = "长短款超过限额，须店长签字", "Above the limit: a manager must sign";
    CLOSED_BY = "代为交班", "Closed by";
    NOTES = "面额", "Notes and coins";
    NO_DRAWER = "无钱箱", "No drawer";
    FLOAT = "备用金", "Float";
    CASH_SALES = "现金消费", "Cash sales";
    CASH_REFUNDS = "现金退货及撤销", "Cash refunds and voids";
    PAID_IN = "存入", "Paid in";
    PAID_OUT = "取出", "Paid out";
    EXPECTED = "应有", "Expected";
    COUNTED = "实点", "Counted";
    NOT_COUNTED = "未盘", "not counted";
    OVER = "长款", "Over";
    SHORT = "短款", "Short";
    EVEN = "相符", "Even";
    COUNT_FORMULA = "实点 - 应有", "counted - expected";
    OVER_SHORT = "长短款合计", "Over and short";
    BOOKED_AT_CLOSE = "交班时入账", "booked when the shift closes";
    // Settlement.
    SETTLEMENT = "批结算", "Settlement";
    DEBIT = "借记", "Debit";
    CREDIT = "贷记", "Credit";
    PART = "本日部分", "This day";
    RESULT = "结果", "Result";
    BALANCED = "平", "Agrees";
    UNBALANCED = "不平", "Differs";
    ERROR = "出错", "Error";
    UNCONFIRMED = "未应答", "Asked";
    PENDING_SETTLEMENT = "待结", "Pending";
    UNBALANCED_NOTE = "与收单方不符，逐笔上送核对", "differs from the acquirer: compared payment by payment";
    ERROR_NOTE = "收单方报告出错，请查看异常", "the acquirer reports an error: see the exceptions";
    UNCONFIRMED_NOTE = "收单方未应答，原样重发中", "no answer yet: asked again unchanged";
    // One by one.
    REFUNDS = "退货明细", "Refunds, one by one";
    VOIDS = "撤销明细", "Voids, one by one";
    VOUCHER_LIST = "凭证明细", "Vouchers, one by one";
    PAYMENT = "交易号", "Payment";
    ORIGINAL = "原", "of";
    OF_DAY = "原交易日", "of";
    AMOUNT = "金额", "Amount";
    OFFLINE = "离线消费", "Offline sales";
    OFFLINE_STORED = "已受理", "Stored";
    OFFLINE_FORWARDED = "已上送", "Forwarded";
    OFFLINE_REJECTED = "被拒", "Refused";
    OFFLINE_WAITING = "待上送", "Waiting";
    OFFLINE_VOIDED = "上送前撤销", "Voided unsent";
    OFFLINE_LIST = "离线待上送明细", "Offline waiting, one by one";
    PENDING = "待定", "Pending";
    PENDING_NOTE = "结果未定，不计入以上合计；请勿重复收款", "Not decided, in no total above: do not charge again";
    REVERSED = "冲正（不计入合计）", "Reversed (in no total)";
    CASES = "挂账（对账差异）", "Suspense (books)";
    CASES_RESOLVED = "当日处理的挂账", "Cases resolved on this day";
    CASES_FORMULA = "差额 = 对账单 - 日志", "difference = statement - journal";
    CASE_DAYS = "天", "days";
    REFUSED_LIST = "离线被拒明细（记作凭证）", "Offline refused, one by one (as vouchers)";
    REVERSAL_LIST = "冲正明细（不计入合计）", "Reversals, one by one (in no total)";
    UNSETTLED = "未结算批次", "Batches not yet settled";
    OPENINGS = "无交易开钱箱", "Drawers opened without a sale";
    OVERRIDES = "店长授权", "Manager overrides";
    REPRINTS = "重打印记录", "Reprints";
    BY_NOBODY = "收银软件", "POS software";
    ACT_APPROVED = "授权交易", "approved";
    ACT_SHIFT_CLOSED = "代为交班", "closed the shift of";
    ACT_RESOLVED = "处理异常", "decided exception";
    EXCEPTIONS = "未处理异常", "Open exceptions";
    CHECK_CODE = "校验码", "Check code";
    NOT_SEALED = "尚未封存，无校验码", "Not sealed yet: no check code";
    // Receipts.
    MERCHANT_COPY = "商户存根", "Merchant copy";
    CUSTOMER_COPY = "顾客存根", "Customer copy";
    RECEIPT = "签购单", "Receipt";
    CASH_RECEIPT = "收款凭条", "Receipt";
    STATE_SLIP = "交易状态单", "Payment state";
    NOT_A_RECEIPT = "本单不是收款凭证", "This is not a receipt";
    MERCHANT = "商户号", "Merchant";
    TERMINAL = "终端号", "Terminal";
    DEVICE = "终端", "Device";
    CASHIER = "收银员", "Cashier";
    KIND = "交易类型", "Type";
    CARD_NUMBER = "卡号", "Card";
    CODE_NUMBER = "付款码", "Code";
    BATCH_NUMBER = "批次号", "Batch";
    STAN = "凭证号", "Voucher no.";
    RRN = "参考号", "Reference";
    APPROVAL = "授权码", "Approval";
    TIME = "日期时间", "Time";
    ORIGINAL_PAYMENT = "原交易号", "Original";
    ORIGINAL_STAN = "原凭证号", "Original voucher";
    ORIGINAL_RRN = "原参考号", "Original reference";
    ORIGINAL_DATE = "原交易日期", "Original date";
    IS_OFFLINE_WAITING = "离线消费·待上送", "OFFLINE SALE - to be forwarded";
    IS_OFFLINE_SENT = "离线消费·已上送", "Offline sale, forwarded";
    IS_OFFLINE_ASIDE = "离线消费·待处理", "OFFLINE SALE - set aside";
    IS_VOIDED = "本交易已撤销", "This payment was voided";
    IS_REFUNDED = "已退货", "Refunded";
    NOT_CHARGED = "未扣款", "NOT CHARGED";
    NOT_REFUNDED = "未退款", "NOT REFUNDED";
    NOT_VOIDED = "未撤销", "NOT VOIDED";
    NOT_KNOWN = "结果未知", "NOT KNOWN";
    IN_PROGRESS = "正在处理", "IN PROGRESS";
    DO_NOT_REPEAT = "请勿重复操作", "Do not repeat it";
    IS_WRITTEN_OFF = "已核销", "WRITTEN OFF";
    NO_SIGNATURE = "交易已凭密码，免签名", "PIN was entered: no signature";
    SIGNATURE = "持卡人签名", "Cardholder";
    ACKNOWLEDGE = "本人确认以上交易，同意将其记入本卡账户", "I confirm the payment above and agree to its being charged to this card";
    KEEP = "请妥善保管本单", "Please keep this slip";
    // Slips.
    BATCH_SLIP = "结算单", "Settlement slip";
    DOMESTIC = "内卡", "Domestic cards";
    FOREIGN = "外卡", "Foreign cards";
    AGREES = "对账平", "AGREES";
    AGREES_NOT = "对账不平", "DIFFERS";
    SETTLE_DATE = "清算日期", "Settlement date";
    UPLOADED = "批上送笔数", "Records uploaded";
    RUNG = "进度", "Progress";
    DAYS_IN_BATCH = "所属营业日（净额）", "Business days in it (net)";
    // What becomes of the money.
    FEES = "预计手续费与到账", "Expected fees and arrivals";
    GROSS = "交易额", "Gross";
    FEE = "手续费", "Fee";
    ARRIVES_NET = "到账额", "Net";
    FEE_FORMULA = "到账额 = 交易额 - 手续费（预计，以对账单为准）", "Net = gross - fee (expected: the statement decides)";
    NO_FEE_LINE = "无费率", "no schedule line";
    UNPRICED = "未匹配费率的交易", "Payments without a schedule line";
    COUPONS_BY_BEARER = "代金券承担方", "Coupons by who bears them";
    TRANSFERS = "转账退款", "Refunds by transfer";
    SET_ASIDE_FUNDS = "转账预留资金", "Set aside for transfers";
    SET_ASIDE_NOTE = "已受理不等于已到账", "Accepted is not paid";
    IS_PROMISED = "转账资金已预留，尚未到账", "Set aside for a transfer: not paid yet";
    SHIFT_SLIP = "交班单", "Shift slip";
    OPENED = "开班", "Opened";
    CLOSED = "交班", "Closed";
    FORMULA = "应有 = 备用金 + 消费 - 退货及撤销 + 存入 - 取出", "Expected = float + sales - refunds and voids + in - out";
}

/// What a customer pays with.
#[must_use]
pub fn method(method: Method) -> Word {
    match method {
        Method::Card => word("银行卡", "Card"),
        Method::Qr => word("扫码", "QR code"),
        Method::Cash => CASH,
        Method::Voucher => word("代金券", "Coupon"),
        Method::Transfer => word("转账", "Transfer"),
    }
}

/// Through what a payment reaches its money; a channel that is not known here stands as it is.
#[must_use]
pub fn channel(channel: &str) -> Option<Word> {
    Some(match channel {
        "card" => word("银行卡\n(离线)", "Card,\noffline"),
        "card:CUP" => word("银联卡", "UnionPay\ncard"),
        "card:VIS" => word("VISA 卡", "Visa\ncard"),
        "card:MCC" => word("万事达卡", "Master-\ncard"),
        "card:JCB" => word("JCB 卡", "JCB\ncard"),
        "card:AMX" => word("运通卡", "Amex\ncard"),
        "card:DCC" => word("大来卡", "Diners\ncard"),
        "qr:wechat" => word("微信支付", "WeChat\nPay"),
        "qr:alipay" => word("支付宝", "Alipay"),
        "qr:unionpay" => word("云闪付", "UnionPay\nQR"),
        "qr:other" => word("其他扫码", "Other\nQR"),
        "cash" => CASH,
        "coupon" => COUPONS,
        "transfer" => TRANSFERS,
        // Days that were sealed before the word was there have it empty.
        "case" | "" => word("挂账处理", "Case"),
        _ => return None,
    })
}

/// So many days old.
#[must_use]
pub fn days_old(lang: Lang, days: u32) -> String {
    match (lang, days) {
        (Lang::Zh, 0) => "本日".into(),
        (Lang::Zh, _) => format!("{days}天"),
        (Lang::En, 0) => "today".into(),
        (Lang::En, 1) => "1 day".into(),
        (Lang::En, _) => format!("{days} days"),
    }
}

/// The paper behind a print job's JSON.
#[must_use]
pub fn paper(what: &str) -> Option<Word> {
    Some(match what {
        "receipt" => RECEIPT,
        "day_report" => Z_TITLE,
        "x_report" => X_TITLE,
        "batch_slip" => BATCH_SLIP,
        "shift_slip" => SHIFT_SLIP,
        _ => return None,
    })
}

/// What a payment does.
#[must_use]
pub fn kind(kind: Kind) -> Word {
    match kind {
        Kind::Sale => SALE,
        Kind::Void => VOID,
        Kind::Refund => REFUND,
        Kind::Preauth => word("预授权", "Pre-authorization"),
        Kind::PreauthVoid => word("预授权撤销", "Pre-authorization void"),
        Kind::Completion => word("预授权完成", "Completion"),
        Kind::CompletionVoid => word("预授权完成撤销", "Completion void"),
        Kind::Adjust => word("调整", "Adjustment"),
        Kind::Balance => word("余额查询", "Balance enquiry"),
        Kind::TransferReturn => word("转账退回", "Transfer returned"),
    }
}

/// Where a payment stands.
#[must_use]
pub fn state(state: State) -> Word {
    match state {
        State::Waiting => word("等待中", "Waiting"),
        State::Cancelled => word("已取消", "Cancelled"),
        State::Sent => word("已发送", "Sent"),
        State::Approved => word("成功", "Approved"),
        State::Declined => word("已拒绝", "Declined"),
        State::Unknown => word("未知", "Unknown"),
        State::Reversed => word("已冲正", "Reversed"),
        State::Stored => word("待上送", "Stored"),
        State::Forwarded => word("已上送", "Forwarded"),
        State::Rejected => word("离线被拒", "Refused"),
        State::SetAside => word("待处理", "Set aside"),
        State::WrittenOff => word("已核销", "Written off"),
        State::Promised => word("资金预留", "Set aside to pay"),
    }
}

/// How a batch's settlement ended; a word that is not known here stands as it is.
#[must_use]
pub fn result(result: &str) -> Option<Word> {
    Some(match result {
        "balanced" => BALANCED,
        "unbalanced" => UNBALANCED,
        "error" => ERROR,
        "unconfirmed" => UNCONFIRMED,
        "pending" => PENDING_SETTLEMENT,
        _ => return None,
    })
}

/// The verdict on one half of a batch.
#[must_use]
pub fn verdict(verdict: Verdict) -> Word {
    match verdict {
        Verdict::Balanced => word("对账平", "Agrees"),
        Verdict::Unbalanced => word("对账不平", "Differs"),
        Verdict::Error => word("对账出错", "Error"),
    }
}

/// Where a day or a batch stands on its ladder; a word that is not known here stands as it is.
#[must_use]
pub fn rung(rung: &str) -> Option<Word> {
    Some(match rung {
        "open" => word("营业中", "open"),
        "cut" => word("已日切，待结算", "cut, not settled yet"),
        "forwarded" => word("离线已上送", "forwarded"),
        "asked" => word("已请求结算", "settlement asked for"),
        "unconfirmed" => word("结算未应答", "settlement not answered"),
        "error" => word("结算出错", "settlement error"),
        "unbalanced" => word("对账不平", "totals differ"),
        "balanced" => word("对账平", "totals agree"),
        "uploaded" => word("已批上送", "uploaded"),
        "ended" => word("结算已结束", "settlement ended"),
        "reconciled" => word("已对账", "reconciled"),
        _ => return None,
    })
}

/// Where a batch stands: as [`rung`], but an open batch still takes payments.
#[must_use]
pub fn batch_rung(text: &str) -> Option<Word> {
    match text {
        "open" => Some(word("未结算", "not settled yet")),
        _ => rung(text),
    }
}

/// Which way the books differ.
#[must_use]
pub fn class(class: Class) -> Word {
    match class {
        Class::Long => word("长款", "Long"),
        Class::Short => word("短款", "Short"),
        Class::Differs => word("不符", "Differs"),
        Class::Timing => word("待定", "Timing"),
    }
}

/// How a case was resolved.
#[must_use]
pub fn case_how(how: CaseHow) -> Word {
    match how {
        CaseHow::Confirm => word("确认", "Confirmed"),
        CaseHow::Refund => word("已退款", "Refunded"),
        CaseHow::MakeUp => word("补结算", "Made up"),
        CaseHow::Recovery => word("协商追回", "Recovered"),
        CaseHow::WriteOff => word("核销", "Written off"),
    }
}

/// Where a case stands.
#[must_use]
pub fn case_state(state: CaseState) -> Word {
    match state {
        CaseState::Open => word("未处理", "Open"),
        CaseState::InProgress => word("处理中", "In progress"),
        CaseState::Resolved => word("已处理", "Resolved"),
    }
}

/// Why there is a voucher; a word that is not known here stands as it is.
#[must_use]
pub fn voucher(why: &str) -> Option<Word> {
    Some(match why {
        "late_answer" => word("迟到应答", "Late answer"),
        "offline_rejected" => word("离线被拒", "Refused"),
        "case" => word("挂账处理", "Case"),
        "transfer_failed" => word("转账失败", "Transfer failed"),
        "transfer_returned" => word("转账退回", "Transfer returned"),
        _ => return None,
    })
}

/// Who bears a coupon; a word that is not known here stands as it is.
#[must_use]
pub fn funder(funder: &str) -> Option<Word> {
    Some(match funder {
        "store" => word("门店承担", "Borne by the store"),
        "platform" => word("平台承担", "Borne by the platform"),
        "unstated" => word("未注明", "Not stated"),
        _ => return None,
    })
}

/// Where a transfer order stands.
#[must_use]
pub fn step(step: TransferStep) -> Word {
    match step {
        TransferStep::Created => word("待审批", "to be approved"),
        TransferStep::Approved => word("已审批", "approved"),
        TransferStep::Withdrawn => word("已撤回", "withdrawn"),
        TransferStep::Sent => word("已提交", "sent"),
        TransferStep::Accepted => word("已受理(未到账)", "accepted, not paid"),
        TransferStep::Succeeded => word("已到账", "paid"),
        TransferStep::Failed => word("失败", "failed"),
        TransferStep::Unknown => word("结果未知", "unknown"),
    }
}

/// So many payments, under or beside their sum.
#[must_use]
pub fn times(lang: Lang, count: u64) -> String {
    match lang {
        Lang::Zh => format!("{count}笔"),
        Lang::En => format!("({count})"),
    }
}

/// How many of a list are not printed one by one.
#[must_use]
pub fn more(lang: Lang, count: usize) -> String {
    match lang {
        Lang::Zh => format!("…… 另有{count}笔"),
        Lang::En => format!("... and {count} more"),
    }
}

/// The mark of a reprint.
#[must_use]
pub fn reprint(lang: Lang, count: u32) -> String {
    match lang {
        Lang::Zh => format!("* 重打印 第{count}次 *"),
        Lang::En => format!("* REPRINT No. {count} *"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::font;

    #[test]
    fn english_is_ascii_and_the_printer_has_every_letter() {
        let lists = Method::ALL.iter().map(|m| method(*m));
        let lists = lists.chain(Class::ALL.iter().map(|c| class(*c))).chain(CaseHow::ALL.iter().map(|h| case_how(*h)));
        let lists = lists.chain(CaseState::ALL.iter().map(|s| case_state(*s)));
        let lists = lists.chain(Kind::ALL.iter().map(|k| kind(*k))).chain(State::ALL.iter().map(|s| state(*s)));
        for word in ALL.iter().copied().chain(lists) {
            assert!(word.en.is_ascii(), "{word:?}");
            for letter in word.zh.chars().filter(|letter| *letter != '\n') {
                assert_eq!(font::printable(letter), letter, "{word:?}");
            }
        }
    }
}
