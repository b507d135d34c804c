//! Refusals: data, not errors. Each has a stable code, the HTTP status that carries it, and a sentence that a cashier can read out.
//!
//! A refusal creates nothing and frees its request id; `storage_doubtful` alone says that this is not known.

use super::{Lang, Sentence, without_card_numbers};

macro_rules! refusals {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $status:literal, $zh:literal, $en:literal;)+) => {
        /// Why something was refused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Refusal {
            $(#[doc = $en] $variant),+
        }

        impl Refusal {
            /// Every refusal there is.
            pub const ALL: &'static [Refusal] = &[$(Refusal::$variant),+];

            /// The stable code.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Refusal::$variant => $code),+ }
            }

            /// The HTTP status.
            #[must_use]
            pub fn status(self) -> u16 {
                match self { $(Refusal::$variant => $status),+ }
            }

            /// The sentence, with `{name}` where a fact belongs.
            #[must_use]
            pub fn template(self, lang: Lang) -> &'static str {
                match (self, lang) {
                    $((Refusal::$variant, Lang::Zh) => $zh, (Refusal::$variant, Lang::En) => $en),+
                }
            }
        }
    };
}

refusals! {
    BadRequest = "bad_request", 400, "请求有误：{what}", "The request is wrong: {what}";
    AmountInvalid = "amount_invalid", 422, "金额必须大于零", "The amount must be greater than zero";
    AmountTooLarge = "amount_too_large", 422, "金额超过上限 {limit}", "The amount is above the limit of {limit}";
    CurrencyMismatch = "currency_mismatch", 422, "本店只收 {store}", "This store takes {store} only";
    UnknownCashier = "unknown_cashier", 422, "没有收银员 {cashier}，请店长添加", "There is no cashier {cashier}: ask the manager to add them";
    UnknownDevice = "unknown_device", 422, "没有终端 {device}，请检查配置", "There is no device {device}: check the configuration";
    NotSupported = "not_supported", 422, "本机不支持此交易：{what}", "This is not supported here: {what}";
    ShiftRequired = "shift_required", 409, "收银员 {cashier} 尚未开班，请先开班", "Cashier {cashier} has no open shift: open one first";
    ShiftAlreadyOpen = "shift_already_open", 409, "收银员 {cashier} 已有未结班次", "Cashier {cashier} already has an open shift";
    ShiftNotOpen = "shift_not_open", 409, "收银员 {cashier} 没有未结班次", "Cashier {cashier} has no open shift";
    DrawerHeld = "drawer_held", 409, "{device} 的钱箱属于收银员 {holder} 的班次，请先交接", "The drawer at {device} belongs to the shift of {holder}: hand it over first";
    NotCounted = "not_counted", 409, "请先清点 {device} 的钱箱再交班", "Count the drawer at {device} before closing the shift";
    OriginalRequired = "original_required", 422, "请提供原交易", "Name the original payment";
    OriginalNotFound = "original_not_found", 404, "找不到原交易 {original}", "There is no payment {original}";
    OriginalNotApproved = "original_not_approved", 409, "原交易状态为 {state}，不能撤销或退货", "The original is {state}: it can be neither voided nor refunded";
    OtherDevice = "other_device", 409, "请在原终端 {device} 上撤销", "Void it on its own device, {device}";
    UseRefund = "use_refund", 409, "原交易已不在当前批次，请做退货", "The original is no longer in the current batch: make a refund";
    AlreadyVoided = "already_voided", 409, "原交易已撤销（{void}）", "The original is already voided by {void}";
    AlreadyCompleted = "already_completed", 409, "原预授权已完成（{completion}）", "The pre-authorization is already completed by {completion}";
    PreauthLapsed = "preauth_lapsed", 409, "预授权已过期", "The pre-authorization has lapsed";
    CompletionExceeds = "completion_exceeds", 409, "预授权完成金额最多 {limit}", "A completion of this pre-authorization may be at most {limit}";
    AlreadyRefunded = "already_refunded", 409, "原交易已有退货，不能撤销", "The original has a refund and cannot be voided";
    FullAmountOnly = "full_amount_only", 422, "撤销必须是原金额 {amount}", "A void must be for the full {amount}";
    AlreadyAdjusted = "already_adjusted", 409, "原交易已调整（{adjust}）", "The original is already adjusted by {adjust}";
    AdjustExceeds = "adjust_exceeds", 409, "调整后的金额最多 {limit}", "The adjusted amount may be at most {limit}";
    AdjustTooLate = "adjust_too_late", 409, "原交易所在批次已结束，不能再调整", "The original's batch has ended: it cannot be adjusted any more";
    RefundExceeds = "refund_exceeds", 409, "可退金额只剩 {left}", "Only {left} is left to refund";
    ConfirmAmount = "confirm_amount", 422, "请再次输入相同金额确认退货", "Confirm the refund by entering the same amount again";
    MethodMismatch = "method_mismatch", 422, "请按原支付方式 {method} 办理", "Use the original's method, {method}";
    RouteAmount = "route_amount", 409, "原路退回被拒的金额为 {limit}，他途退款不能超过", "The channel refused a refund of {limit}: no more than that may go another way";
    CardCap = "card_cap", 409, "此卡他途退款累计上限 {limit}", "No more than {limit} of one card may go back another way";
    PayeeNotListed = "payee_not_listed", 422, "收款人 {payee} 不在白名单，请先由负责人登记", "The payee {payee} is not in the allow-list: have them registered first";
    AnotherPerson = "another_person", 403, "须由另一位店长审批", "Another manager than the one who asked must approve it";
    EvidenceNeeded = "evidence_needed", 422, "须注明银行的流水号、应答码或依据", "Give the bank's reference or code, or in words what it rests on";
    TransferStep = "transfer_step", 409, "转账当前为 {from}，不能变为 {to}", "The transfer is {from}: it cannot become {to}";
    CouponAlone = "coupon_alone", 422, "随支付核销的券须注明所属交易", "A coupon redeemed with a payment must name that payment";
    RequestConflict = "request_conflict", 409, "请求号 {request_id} 已用于另一笔交易", "Request id {request_id} belongs to another payment";
    InProgress = "in_progress", 409, "原交易有操作正在进行，请稍候", "Something is still under way for the original: wait a moment";
    NeedsLine = "needs_line", 409, "网络中断，暂时无法办理，请稍后再试", "The line is down and this needs it: try again later";
    ScanNeedsLine = "scan_needs_line", 409, "网络中断，付款码无法使用，请刷卡或付现金", "The line is down: a scanned code cannot be taken. Please pay by card or cash";
    OfflineAmount = "offline_amount", 409, "网络中断，离线单笔上限 {limit}，请付现金", "The line is down and one offline payment may be at most {limit}: please pay cash";
    OfflineLimit = "offline_limit", 409, "网络中断，离线额度已用完，请付现金", "The line is down and the offline allowance is used up: please pay cash";
    OfflineCard = "offline_card", 409, "网络中断，此卡不能离线消费：{why}", "The line is down and this card cannot be taken offline: {why}";
    Settling = "settling", 409, "终端 {device} 正在结算，请稍候", "Device {device} is settling: wait a moment";
    BatchDisagrees = "batch_disagrees", 409, "终端 {device} 批次号与收单方不符，刷卡已停，请联系技术员", "Device {device} and the acquirer disagree on the batch: cards are stopped, call the technician";
    BatchSettled = "batch_settled", 409, "终端 {device} 的批次 {batch} 已结算或正在结算，不能再用，请与收单方核对", "Batch {batch} of device {device} was settled or is being settled, and is never begun again: check its number with the acquirer";
    MarkBehind = "mark_behind", 409, "本机数据落后于标记，刷卡已停，请联系技术员", "The store's data are behind its mark: cards are stopped, call the technician";
    NoReader = "no_reader", 422, "终端 {device} 没有读卡设备", "Device {device} has no reader";
    NoCard = "no_card", 408, "没有读到卡或付款码", "No card or code was presented";
    BadCard = "bad_card", 422, "卡片数据无法识别，请重新刷卡", "The card could not be read: swipe it again";
    BadChip = "bad_chip", 422, "芯片数据有误（{why}），请重新插卡", "The chip's data are wrong ({why}): insert the card again";
    CardExpired = "card_expired", 422, "卡片已过期", "The card has expired";
    BadCode = "bad_code", 422, "付款码无法识别，请刷新后重扫", "The payment code is not recognized: refresh it and scan again";
    ManagerRequired = "manager_required", 403, "需要店长授权", "A manager must approve this";
    SecondManager = "second_manager", 403, "须由收银员本人以外的店长授权", "A manager other than the cashier must approve this";
    LimitReached = "limit_reached", 409, "{who} 当日{what}已达上限 {limit}，需要店长授权", "{who} has reached the day's limit of {limit} for {what_en}: a manager must approve this";
    CashierInactive = "cashier_inactive", 403, "{cashier} 已停用，不能操作", "{cashier} does not work here any more";
    CountMismatch = "count_mismatch", 422, "面额合计 {notes} 与实点 {counted} 不符", "The notes make {notes}, and {counted} was counted";
    WrongPin = "wrong_pin", 403, "密码错误", "Wrong PIN";
    Locked = "locked", 403, "密码多次错误，已锁定，请稍后再试", "Too many wrong PINs: locked for now";
    NotCancellable = "not_cancellable", 409, "交易状态为 {state}，不能取消", "The payment is {state} and cannot be cancelled";
    UnknownPayment = "unknown_payment", 404, "没有交易 {payment}", "There is no payment {payment}";
    UnknownDay = "unknown_day", 404, "没有营业日 {day}", "There is no business day {day}";
    DayClosed = "day_closed", 409, "营业日 {day} 已结", "Business day {day} is closed";
    DayNotFooting = "day_not_footing", 409, "日结不平，请联系技术员：{payments}", "The day does not foot, call the technician: {payments}";
    UnknownException = "unknown_exception", 404, "没有异常 {exception}", "There is no exception {exception}";
    UnknownCase = "unknown_case", 404, "没有挂账 {case}", "There is no case {case}";
    CaseResolved = "case_resolved", 409, "挂账 {case} 已处理，如有异议请先重开", "Case {case} is resolved: reopen it first";
    CaseNotResolved = "case_not_resolved", 409, "挂账 {case} 尚未处理，无需重开", "Case {case} is not resolved: there is nothing to reopen";
    CaseWay = "case_way", 422, "此挂账不能这样处理，可选：{ways}", "This case cannot be resolved so; it can be by: {ways}";
    CaseFacts = "case_facts", 422, "处理挂账缺少：{what}", "To resolve the case say: {what}";
    CaseRefund = "case_refund", 422, "退货 {refund} 不符：{what}", "Refund {refund} does not fit: {what}";
    CaseTrail = "case_trail", 409, "挂账 {case} 的记录已满，请处理", "The trail of case {case} is full: resolve it";
    SecondPerson = "second_person", 403, "须另一位店长或技术员复核（金额超限或本人经手）", "A second manager or technician must approve this: it is above the limit, or one's own";
    TooManyDifferences = "too_many_differences", 422, "差异 {count} 笔，超过 {limit}：请核对是否本店、当日的对账单；未作任何更改", "{count} differences, more than {limit}: check that the statement is this store's and of these days; nothing was changed";
    CasesFull = "cases_full", 409, "未处理挂账已达 {limit} 笔，请先处理", "{limit} cases are open: resolve some first";
    NotAStatement = "not_a_statement", 422, "对账单无法使用：{why}", "The statement cannot be used: {why}";
    CashierExists = "cashier_exists", 409, "工号 {cashier} 已存在", "The id {cashier} is taken";
    Busy = "busy", 503, "系统繁忙，请稍候重试", "The till is busy: try again in a moment";
    NotKept = "not_kept", 422, "系统无法记录此项，未作任何更改；请联系技术员查看日志", "This cannot be kept, and nothing was changed: call the technician, the log says why";
    StorageFailed = "storage_failed", 503, "数据无法保存，交易未进行，请联系技术员", "Nothing could be saved, so nothing was done: call the technician";
    StorageFull = "storage_full", 503, "磁盘将满，已停止新交易，请日结并联系技术员", "The disk is nearly full and new sales are stopped: close the day and call the technician";
    StorageDoubtful = "storage_doubtful", 503, "保存时存储故障，是否已保存尚不确定：请用同一请求号再问，先不要重收", "The storage failed while saving, and whether it was saved is not known yet: ask again with the same request id before charging again";
    Stopping = "stopping", 503, "系统正在关闭", "The till is shutting down";
    Verifying = "verifying", 503, "系统正在自检", "The till is checking its data";
    Damaged = "damaged", 503, "数据损坏，已停止交易，请联系技术员", "The data are damaged and sales are stopped: call the technician";
    Unauthorized = "unauthorized", 401, "未授权的调用方", "The caller is not authorized";
    NotFound = "not_found", 404, "没有这个地址", "There is no such address";
    MethodNotAllowed = "method_not_allowed", 405, "此地址不支持 {method}", "This address does not take {method}";
    TooLarge = "too_large", 413, "请求过大，上限 {limit} 字节", "The request is too large: at most {limit} bytes";
    TooMany = "too_many", 429, "请求过于频繁，请稍候重试", "Too many requests: wait a moment and try again";
    NotJson = "not_json", 415, "请求正文须为 application/json", "The request's body must be application/json";
    HostNotAllowed = "host_not_allowed", 403, "不接受此 Host", "This Host is not accepted";
    OriginNotAllowed = "origin_not_allowed", 403, "不接受来自其他网站的请求", "Requests from other sites are not accepted";
}

/// A refusal with the facts that its sentence needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Why.
    pub refusal: Refusal,
    /// Names and values for the sentence's `{name}` places.
    pub facts: Vec<(&'static str, String)>,
}

impl Reject {
    /// Adds a fact. It may quote what somebody typed: what may be a card's number is left out (law 7).
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Reject {
        self.facts.push((name, without_card_numbers(&value.to_string())));
        self
    }

    /// The sentence in both languages, facts filled in.
    #[must_use]
    pub fn sentence(&self) -> Sentence {
        let fill = |lang| {
            let mut text = self.refusal.template(lang).to_owned();
            for (name, value) in &self.facts {
                text = text.replace(&format!("{{{name}}}"), value);
            }
            text
        };
        Sentence { zh: fill(Lang::Zh), en: fill(Lang::En) }
    }
}

impl From<Refusal> for Reject {
    fn from(refusal: Refusal) -> Reject {
        Reject { refusal, facts: Vec::new() }
    }
}

impl Refusal {
    /// This refusal with one fact.
    #[must_use]
    pub fn with(self, name: &'static str, value: impl ToString) -> Reject {
        Reject::from(self).with(name, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_refusal_has_a_code_of_its_own_and_a_sentence_in_both_languages() {
        let codes: BTreeSet<_> = Refusal::ALL.iter().map(|r| r.code()).collect();
        assert_eq!(codes.len(), Refusal::ALL.len());
        for refusal in Refusal::ALL {
            assert!(refusal.code().bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{refusal:?}");
            assert!((400..600).contains(&refusal.status()), "{refusal:?}");
            assert!(refusal.template(Lang::Zh).chars().any(|c| c >= '\u{4e00}'), "{refusal:?}");
            assert!(refusal.template(Lang::En).is_ascii(), "{refusal:?}");
        }
    }

    #[test]
    fn facts_stand_in_the_sentence() {
        let reject = Refusal::RefundExceeds.with("left", "12.00");
        assert_eq!(reject.sentence().en, "Only 12.00 is left to refund");
        assert_eq!(reject.sentence().zh, "可退金额只剩 12.00");
    }
}
