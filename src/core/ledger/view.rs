//! The day, the payment and the exception as outside programs see them, from the state.

use super::day_lists::acts;
use super::{Exception, Ledger, Rules, money_view};
use crate::core::day::{ActKind, Batch, DayBook, Rung};
use crate::core::domain::{BusinessDate, ExceptionNo, Sentence, State, TerminalId, WallMs};
use crate::core::journal::{Columns, ExceptionKind, Link, Original, Tally};
use crate::core::payment::{Payment, ReversalStage, Slot};
use crate::core::ports::{
    Archive, BridgeLine, CellView, DayView, ExceptionView, GroupView, JournalView, OfflineView, PaymentView,
    PendingView, SettlementView, StoreError,
};

impl Ledger {
    /// A day that is open or not finished; `None` for one that the archive has.
    pub fn day_view(
        &self,
        date: BusinessDate,
        rules: &Rules,
        archive: &dyn Archive,
        now: WallMs,
    ) -> Result<Option<DayView>, StoreError> {
        let Some(day) = self.days.get(&date) else { return Ok(None) };
        let totals = &day.totals;
        let (sealed_rows, root) = day.cut.map_or((self.head.0, self.link), |(seq, link)| (seq.0, link));
        Ok(Some(DayView {
            store: rules.store.to_string(),
            store_name: rules.store_name.clone(),
            currency: rules.currency,
            business_date: date,
            z_number: day.z.0,
            state: self.day_state(day),
            by_cashier: totals
                .by_cashier
                .iter()
                .map(|(id, c)| group(id.as_str(), self.people.get(id).map_or("", |p| p.name.as_str()), c))
                .collect(),
            by_device: totals
                .by_device
                .iter()
                .map(|(id, c)| group(id.as_str(), rules.terminals.get(id).map_or("", |t| t.tid.as_str()), c))
                .collect(),
            by_method: totals.by_method.iter().map(|(id, c)| group(id.as_str(), "", c)).collect(),
            by_channel: totals.by_channel.iter().map(|(id, c)| group(channel_word(id), "", c)).collect(),
            matrix: totals
                .matrix
                .iter()
                .map(|((cashier, device), c)| CellView {
                    cashier: cashier.clone(),
                    device: device.clone(),
                    sale: c.sale,
                    refund: c.refund,
                    void: c.void,
                    vouchers: c.vouchers,
                    net: c.net().unwrap_or_default(),
                })
                .collect(),
            totals: totals.all,
            net: totals.all.net().unwrap_or_default(),
            cross_foot: totals.gaps().is_empty(),
            bridge: bridge(day),
            offline: OfflineView {
                stored: day.stored,
                forwarded: day.forwarded,
                rejected: day.rejected,
                waiting: day.stored.saturating_sub(day.forwarded + day.rejected + day.voided_waiting),
            },
            settlement: self.settlement(day, rules, archive)?,
            pending: self.pending(date),
            reversed: day.reversed,
            returns: self.returns(day, archive)?,
            vouchers: self.vouchers(day, archive)?,
            shifts: self.shift_views(day, rules, day.cut_at.unwrap_or(now)),
            exceptions: self.exception_views(),
            cases: self.cases_view(day, archive)?,
            reversals: self.reversals(day, archive)?,
            unsettled: self.unsettled(date),
            drawer_openings: acts(day, |what| matches!(what, ActKind::DrawerOpened { .. })),
            overrides: acts(day, |what| !matches!(what, ActKind::DrawerOpened { .. } | ActKind::Printed { .. })),
            reprints: acts(day, |what| matches!(what, ActKind::Printed { .. })),
            first_seq: day.first.0,
            last_seq: sealed_rows,
            grand_total: day.grand_total(),
            check_code: day.signature.as_ref().map(|signature| check_code(&root, signature)),
            journal: JournalView { rows: self.head.0, head: hex(&self.link) },
            fees: money_view::fees(day, rules, slot_label),
            coupons: money_view::coupons(day),
            transfers: self.transfer_lines(Some(date)),
            set_aside: self.set_aside_for_transfers(),
        }))
    }

    /// The open day, or the lowest rung of a cut day's batches. One whose stored sales still wait is `cut`.
    fn day_state(&self, day: &DayBook) -> String {
        if day.cut.is_none() {
            return "open".into();
        }
        if day.totals.slots.contains_key(&Slot::Waiting) {
            return "cut".into();
        }
        let batches: Vec<&Batch> = day.totals.slots.keys().filter_map(|slot| self.batch_of(slot)).collect();
        match batches.iter().min_by_key(|batch| batch.rung) {
            None => "balanced".into(),
            Some(batch) if batch.rung == crate::core::day::Rung::Ended => {
                let all = batches.iter().all(|b| b.verdicts.is_some_and(|v| v.balanced()));
                if all { "balanced".into() } else { "ended".into() }
            }
            Some(batch) if batch.rung == crate::core::day::Rung::Open => "cut".into(),
            Some(batch) => batch.rung.as_str().into(),
        }
    }

    fn batch_of(&self, slot: &Slot) -> Option<&Batch> {
        match slot {
            Slot::Batch(terminal, number) => self.batch(terminal, *number),
            _ => None,
        }
    }

    fn settlement(
        &self,
        day: &DayBook,
        rules: &Rules,
        archive: &dyn Archive,
    ) -> Result<Vec<SettlementView>, StoreError> {
        let mut views = Vec::new();
        for (mut view, terminal, batch) in self.batches_of(day) {
            view.differs = self.differences(terminal, batch, rules, archive)?;
            views.push(view);
        }
        Ok(views)
    }

    /// The batches that hold a part of the day, without what one may differ by.
    fn batches_of<'a>(
        &'a self,
        day: &'a DayBook,
    ) -> impl Iterator<Item = (SettlementView, &'a TerminalId, &'a Batch)> + 'a {
        day.totals.slots.iter().filter_map(|(slot, part)| {
            let Slot::Batch(terminal, number) = slot else { return None };
            let batch = self.batch(terminal, *number)?;
            let mut view = settlement_view(terminal, batch, *part);
            let state = self.terminals.get(terminal);
            // Stopped, or left behind by a technician's decision: nobody will ask about it by itself.
            let stuck = state.is_some_and(|t| t.stopped.is_some() || t.batch.number != *number);
            if stuck && view.rung == Rung::Open.as_str() {
                view.result = "unconfirmed".into();
            }
            Some((view, terminal, batch))
        })
    }

    /// What became of a cut day that still moves, by the rows alone: no rule and no archive has a part in it.
    pub(super) fn outcome(&self, date: BusinessDate) -> Option<Outcome> {
        let day = self.days.get(&date).filter(|day| day.cut.is_some())?;
        Some(Outcome { state: self.day_state(day), batches: self.batches_of(day).map(|(view, ..)| view).collect() })
    }

    fn pending(&self, date: BusinessDate) -> Vec<PendingView> {
        self.payments
            .values()
            .filter(|p| p.date == date && !p.at_rest())
            .filter(|p| {
                matches!(
                    p.state,
                    State::Waiting | State::Sent | State::Unknown | State::Stored | State::SetAside | State::Promised
                )
            })
            .map(|p| PendingView {
                payment: p.id.to_string(),
                state: p.state,
                kind: p.kind,
                method: p.method,
                cashier: p.cashier.clone(),
                device: p.device.clone(),
                amount: p.amount,
                masked_pan: p.masked.clone(),
            })
            .collect()
    }

    /// Open exceptions.
    #[must_use]
    pub fn exception_views(&self) -> Vec<ExceptionView> {
        self.exceptions
            .iter()
            .map(|(no, exception)| ExceptionView {
                id: no.0,
                kind: exception.kind,
                opened: exception.opened,
                payment: exception.payment.map(|p| p.to_string()),
                terminal: exception.terminal.clone(),
                message: exception_sentence(*no, exception),
                state: "open".into(),
            })
            .collect()
    }
}

/// A payment for the outside.
#[must_use]
pub fn payment_view(payment: &Payment, rules: &Rules) -> PaymentView {
    let sentence = sentence(payment, rules);
    PaymentView {
        id: payment.id.to_string(),
        request_id: payment.request.to_string(),
        kind: payment.kind,
        state: payment.state,
        response_code: payment.code.clone(),
        message: sentence.in_lang(rules.lang).to_owned(),
        message_i18n: sentence,
        rrn: payment.rrn.clone(),
        approval_code: payment.approval_code.clone(),
        masked_pan: payment.masked.clone(),
        stan: payment.stan.map(|s| s.to_string()),
        batch: payment.batch.map(|b| b.to_string()),
        business_date: payment.date,
        device: payment.device.clone(),
        cashier: payment.cashier.clone(),
        method: payment.method,
        amount: payment.amount,
        currency: rules.currency,
        original: payment.original.as_ref().map(original_json),
        voided_by: payment.voided_by.map(|id| id.to_string()),
        completed_by: payment.completed_by.map(|id| id.to_string()),
        balance: payment.balance,
        refunded: payment.refunded(),
        made_at: rfc3339(payment.made_at.0),
        reversal: payment.reversal.as_ref().map(|r| {
            match r.stage {
                ReversalStage::Owed => "owed",
                ReversalStage::Done => "done",
                ReversalStage::GivenUp => "given_up",
            }
            .into()
        }),
        alarm: payment.alarm.map(|level| level.as_str().into()),
        watched_until: super::watched_until(payment, rules),
        adjusted: payment.adjusted.map(|adjusted| adjusted.to),
        fee: money_view::fee(payment, rules),
        coupon: money_view::coupon(payment),
        route: money_view::route(payment),
        transfer: money_view::transfer(payment, rules),
    }
}

/// What the cashier should know: the acquirer's own sentence where it declined, else what the state means.
fn sentence(payment: &Payment, rules: &Rules) -> Sentence {
    if payment.state == State::Declined
        && let Some(sentence) = payment.code.as_ref().and_then(|code| rules.channel.sentences.get(code))
    {
        return sentence.clone();
    }
    let (zh, en) = match payment.state {
        State::Waiting => ("正在处理，请稍候", "In progress, please wait"),
        State::Cancelled => ("交易已取消，未扣款", "Cancelled: nothing was charged"),
        State::Sent => ("已发送，等待收单方应答", "Sent, waiting for the acquirer"),
        State::Approved => ("交易成功", "Approved"),
        State::Declined => ("交易被拒绝", "Declined"),
        State::Unknown => (
            "结果未知，请勿重复收款；系统会自动冲正或核对",
            "The result is not known: do not charge again. It is being reversed or looked into",
        ),
        State::Reversed => ("已冲正，未扣款", "Reversed: nothing was charged"),
        State::Stored => {
            ("已离线受理，恢复网络后自动上送", "Taken offline: it will be forwarded when the line is back")
        }
        State::Forwarded => ("离线交易已上送", "Taken offline and forwarded"),
        State::Rejected => ("离线交易被收单方拒绝", "Taken offline and refused by the acquirer"),
        State::SetAside => ("离线交易未能上送，待处理", "Taken offline and set aside: somebody must decide"),
        State::WrittenOff => ("已核销", "Written off"),
        State::Promised => {
            ("转账资金已预留，尚未确认到账", "The transfer's funds are set aside: it is not known to be paid")
        }
    };
    Sentence::new(zh, en)
}

/// A case's voucher without a payment went through no channel: it stands under `case`.
fn channel_word(id: &str) -> &str {
    if id.is_empty() { "case" } else { id }
}

fn group(id: &str, name: &str, columns: &Columns) -> GroupView {
    GroupView {
        id: id.to_owned(),
        name: name.to_owned(),
        sale: columns.sale,
        refund: columns.refund,
        void: columns.void,
        vouchers: columns.vouchers,
        net: columns.net().unwrap_or_default(),
    }
}

/// Every line between the tables and the batches.
fn bridge(day: &DayBook) -> Vec<BridgeLine> {
    let line = |line: String, label: Sentence, columns: Columns| BridgeLine {
        line,
        label,
        net: columns.net().unwrap_or_default(),
        columns,
    };
    let mut lines: Vec<BridgeLine> =
        day.totals.slots.iter().map(|(slot, columns)| line(slot.as_text(), slot_label(slot), *columns)).collect();
    let vouchers = day.totals.vouchers_line();
    if vouchers != Columns::default() {
        lines.push(line("vouchers".into(), Sentence::new("调整凭证", "Vouchers"), vouchers));
    }
    lines
}

fn slot_label(slot: &Slot) -> Sentence {
    match slot {
        Slot::Batch(terminal, batch) => {
            Sentence::new(format!("{terminal} 批次 {batch}"), format!("{terminal} batch {batch}"))
        }
        Slot::Cash => Sentence::new("现金", "Cash"),
        Slot::Coupon => Sentence::new("代金券", "Coupons"),
        Slot::Waiting => Sentence::new("离线待上送", "Offline, waiting"),
        Slot::VoidedBeforeSending => Sentence::new("上送前已撤销", "Voided before sending"),
        Slot::RefusedOffline => Sentence::new("离线被拒", "Offline, refused"),
        Slot::CouponStore => Sentence::new("代金券（门店承担）", "Coupons (store)"),
        Slot::CouponPlatform => Sentence::new("代金券（平台承担）", "Coupons (platform)"),
        Slot::TransferSetAside => Sentence::new("转账退款（资金预留）", "Transfers (set aside)"),
        Slot::TransferPaid => Sentence::new("转账退款（已到账）", "Transfers (paid)"),
        Slot::TransferFailed => Sentence::new("转账退款（失败）", "Transfers (failed)"),
    }
}

/// The state of a closed day and of the batches that it lies in: the part of its later figures that the journal alone decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outcome {
    state: String,
    /// Without what one may differ by.
    batches: Vec<SettlementView>,
}

impl Outcome {
    /// Whether a day's later figures say so.
    pub(super) fn stands_in(&self, view: &DayView) -> bool {
        let same = |(ours, theirs): (&SettlementView, &SettlementView)| {
            *ours == SettlementView { differs: Vec::new(), ..theirs.clone() }
        };
        self.state == view.state
            && self.batches.len() == view.settlement.len()
            && self.batches.iter().zip(&view.settlement).all(same)
    }

    /// Writes it into a day's later figures; what a batch differs by stays.
    pub(super) fn put_into(self, view: &mut DayView) {
        view.state = self.state;
        let before = std::mem::take(&mut view.settlement);
        view.settlement = self.batches;
        for batch in &mut view.settlement {
            let known = before.iter().find(|b| b.terminal == batch.terminal && b.batch == batch.batch);
            batch.differs = known.map(|b| b.differs.clone()).unwrap_or_default();
        }
    }
}

/// A batch in a day's settlement table.
#[must_use]
pub fn settlement_view(terminal: &TerminalId, batch: &Batch, part: Columns) -> SettlementView {
    let ((debit_count, debit), (credit_count, credit)) = batch.debit_credit();
    SettlementView {
        terminal: terminal.clone(),
        batch: batch.number.to_string(),
        result: batch.result().into(),
        debit: Tally { count: debit_count, amount: debit },
        credit: Tally { count: credit_count, amount: credit },
        rung: batch.rung.as_str().into(),
        part,
        differs: Vec::new(),
    }
}

fn exception_sentence(no: ExceptionNo, exception: &Exception) -> Sentence {
    let at = exception.terminal.as_ref().map_or("", TerminalId::as_str);
    if let Some((cashier, amount)) = &exception.difference {
        let amount = amount.grouped(2);
        return Sentence::new(
            format!("#{} {at} 收银员 {cashier} 长短款 {amount} 超过限额：已入账，请店长核对签字", no.0),
            format!(
                "#{} {at} over/short of {amount} by {cashier} is above the limit: booked, a manager must sign",
                no.0
            ),
        );
    }
    let (zh, en) = match exception.kind {
        ExceptionKind::ReversalFailed => {
            ("冲正未成功：请与收单方核对后处理", "A reversal was not confirmed: check with the acquirer, then decide")
        }
        ExceptionKind::UnknownPayment => {
            ("交易结果未知：请与收单方核对后处理", "A result is not known: check with the acquirer, then decide")
        }
        ExceptionKind::OfflineRejected => {
            ("离线消费被拒：请联系持卡人或核销", "A stored sale was refused: reach the customer, or write it off")
        }
        ExceptionKind::OfflineAside => {
            ("离线消费未能上送：重试或核销", "A stored sale could not be forwarded: retry, or write it off")
        }
        ExceptionKind::Unbalanced => ("批次对账不平：请查看差异", "A batch did not balance: look at the differences"),
        ExceptionKind::BatchDisagrees => {
            ("批次号与收单方不符：请联系技术员", "The acquirer has another batch number: call the technician")
        }
        ExceptionKind::DrawerDifference => (
            "长短款超过限额：已入账，请店长核对签字",
            "An over/short is above the limit: it is booked, a manager must sign",
        ),
        ExceptionKind::TransferUnknown => {
            ("转账退款结果未知：请向银行查询", "A transfer's end is not known: ask the bank")
        }
        ExceptionKind::ReturnOverdue => (
            "退货满7个工作日未见于对账单：请向收单方查询是否已退给顾客",
            "A refund is in no statement after 7 business days: ask the acquirer whether the customer has it",
        ),
        ExceptionKind::RecordSkipped => (
            "批上送时该笔无法组包，已跳过：请在收单方对账单中核对",
            "A record could not be built and was not uploaded: look for it in the acquirer's statement",
        ),
        ExceptionKind::SettlementRefused => (
            "收单方多次拒绝批结算：请向收单方查询，系统继续重试",
            "The acquirer refuses the settlement again and again: ask it why, it is tried further",
        ),
        ExceptionKind::ClockDisagrees => (
            "时钟不一致，或比营业日晚得太多：自动日切与离线过期暂停。请核对本机时钟：不正确则先校正，正确后选“再试一次”（retry）；可手工日结",
            "The clocks disagree, or are far ahead of the open day: the cut and what is too old wait. Check the till's clock and set it where it is wrong; once it is right, try again (retry). A day can be closed by hand",
        ),
    };
    Sentence::new(format!("#{} {at} {zh}", no.0), format!("#{} {at} {en}", no.0))
}

pub(super) fn original_text(original: &Original) -> String {
    match original {
        Original::Payment(id) => id.to_string(),
        Original::Foreign { rrn, date, .. } => format!("{rrn} {date}"),
    }
}

fn original_json(original: &Original) -> serde_json::Value {
    match original {
        Original::Payment(id) => serde_json::Value::String(id.to_string()),
        Original::Foreign { rrn, date, amount } => {
            serde_json::json!({"rrn": rrn, "date": date.to_string(), "amount": amount.0})
        }
    }
}

/// Sixteen digits and letters that stand for a sealed day: of the root and its signature.
#[must_use]
pub fn check_code(root: &Link, signature: &[u8]) -> String {
    let digest = crate::core::journal::link(root, signature);
    let text = hex(&digest[..8]).to_uppercase();
    [&text[0..4], &text[4..8], &text[8..12], &text[12..16]].join("-")
}

/// Lower-case hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// UTC, to the millisecond.
#[must_use]
pub fn rfc3339(ms: i64) -> String {
    chrono::DateTime::from_timestamp_millis(ms)
        .map_or_else(|| ms.to_string(), |t| t.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
}
