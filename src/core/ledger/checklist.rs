//! What stands in the way of a close, and what would go on behind it: the list that a manager reads before closing the day.

use super::decide_pay::Stop;
use super::{Ledger, LineState, Lines, Rules};
use crate::core::domain::{Now, PaymentId, Sentence, State};
use crate::core::ports::{Archive, CheckView, ChecklistView, StoreError};

/// Most items named in one line.
const MOST: usize = 20;

impl Ledger {
    /// Line by line; what is in order is listed too, so that an empty list never looks like a good one.
    pub fn checklist(
        &self,
        lines: &Lines,
        now: Now,
        rules: &Rules,
        archive: &dyn Archive,
    ) -> Result<ChecklistView, StoreError> {
        let (foots, suspects) = match self.must_foot(archive) {
            Ok(()) => (true, Vec::new()),
            Err(Stop::Store(error)) => return Err(error),
            Err(Stop::Refused(reject)) => (false, reject.facts.into_iter().map(|(_, value)| value).collect()),
        };
        let early = self.closed_already(now, rules);
        let refuses = [
            ("not_footing", !foots, suspects, "各表合计逐列相等", "Every table makes the same, column by column"),
            (
                "nothing_to_close",
                early,
                vec![self.open.to_string()],
                "营业日已开始，可以日结",
                "The business day has begun",
            ),
        ];
        let mut checks: Vec<CheckView> = refuses
            .into_iter()
            .map(|(code, wrong, items, zh, en)| {
                let (zh, en) = match (code, wrong) {
                    (_, false) => (zh, en),
                    ("not_footing", _) => ("日结不平：请联系技术员", "The day does not foot: call the technician"),
                    _ => (
                        "上一营业日刚刚日结，新的一天尚未开始",
                        "The last day was just closed, and the next has not begun",
                    ),
                };
                line(code, if wrong { "stop" } else { "ok" }, zh, en, if wrong { items } else { Vec::new() })
            })
            .collect();
        checks.extend(self.goes_on(lines, now, rules));
        let may_close = checks.iter().all(|check| check.level != "stop");
        Ok(ChecklistView { business_date: self.open, z_number: self.today().z.0, may_close, checks })
    }

    /// What a close does not stop for.
    fn goes_on(&self, lines: &Lines, now: Now, rules: &Rules) -> Vec<CheckView> {
        let shift = |s: &crate::core::day::Shift| format!("{} #{}", s.cashier, s.no.0);
        let idle = |s: &crate::core::day::Shift| s.forgotten(now.wall, rules.shift_idle_ms);
        let payments = |wanted: &[State]| -> Vec<String> {
            let mine = self.payments.values().filter(|p| p.date == self.open && wanted.contains(&p.state));
            mine.map(|p| p.id.to_string()).collect()
        };
        let owed = |id: &PaymentId| self.payments.get(id).is_some_and(|p| p.reversal_owed());
        let down = |id: &&crate::core::domain::TerminalId| lines.state(id) == LineState::Down;
        vec![
            look(
                "forgotten_shifts",
                ("没有遗忘的班次", "No shift is forgotten"),
                ("班次长时间无业务：请店长清点并代为交班", "Shifts left open: a manager counts and closes them"),
                self.shifts.values().filter(|s| idle(s)).map(shift).collect(),
            ),
            look(
                "open_shifts",
                ("班次均已交班", "Every shift is closed"),
                ("班次未结：现金按未盘转入次日", "Shifts are open: their cash is carried over uncounted"),
                self.shifts.values().filter(|s| !idle(s)).map(shift).collect(),
            ),
            look(
                "in_flight",
                ("没有正在进行的交易", "No payment is under way"),
                (
                    "交易正在进行：应答后记入本日或作凭证",
                    "Payments are under way: an answer after the cut becomes a voucher",
                ),
                payments(&[State::Waiting, State::Sent]),
            ),
            look(
                "unknown",
                ("没有结果未知的交易", "No result is unknown"),
                ("结果未知：列为待定，不计入合计", "Results are unknown: listed as pending, in no total"),
                payments(&[State::Unknown]),
            ),
            look(
                "offline_waiting",
                ("没有待上送的离线交易", "Nothing waits to be forwarded"),
                ("离线交易待上送：恢复网络后自动上送", "Offline sales wait: they are forwarded when the line is back"),
                payments(&[State::Stored, State::SetAside]),
            ),
            look(
                "reversals",
                ("没有未完成的冲正", "No reversal is owed"),
                ("冲正未完成：系统继续重试", "Reversals are owed: they go on by themselves"),
                self.payments.keys().filter(|id| owed(id)).map(ToString::to_string).collect(),
            ),
            look(
                "exceptions",
                ("没有待处理的异常", "No exception is open"),
                ("异常待处理：请查看异常", "Exceptions are open: look at them"),
                self.exceptions.keys().map(|no| format!("#{}", no.0)).collect(),
            ),
            look(
                "unsettled",
                ("以前的批次均已结算", "Every earlier batch is settled"),
                ("以前的批次尚未结算", "Earlier batches are not settled yet"),
                self.unsettled(self.open)
                    .into_iter()
                    .filter(|batch| batch.days > 0)
                    .map(|batch| format!("{} {}", batch.terminal, batch.batch))
                    .collect(),
            ),
            look(
                "line_down",
                ("线路正常", "No line is down"),
                (
                    "线路中断：封存不受影响，结算待恢复后进行",
                    "Lines are down: the day is sealed, settlement waits for them",
                ),
                rules.terminals.keys().filter(down).map(ToString::to_string).collect(),
            ),
        ]
    }
}

fn look(code: &str, good: (&str, &str), bad: (&str, &str), items: Vec<String>) -> CheckView {
    let (level, (zh, en)) = if items.is_empty() { ("ok", good) } else { ("look", bad) };
    line(code, level, zh, en, items)
}

fn line(code: &str, level: &str, zh: &str, en: &str, mut items: Vec<String>) -> CheckView {
    let count = u64::try_from(items.len()).unwrap_or(u64::MAX);
    items.truncate(MOST);
    CheckView { code: code.into(), level: level.into(), message: Sentence::new(zh, en), count, items }
}
