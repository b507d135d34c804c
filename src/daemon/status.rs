//! How things stand, for `tilld status`, `/healthz` and `/metrics`.

use super::inbox::TillWriter;
use crate::core::domain::{Minor, Now, Refusal, Reject, Sentence, TerminalId};
use crate::core::journal::Tally;
use crate::core::ledger::{Index, Ledger, LineState, Rules, hex};
use crate::core::ports::{JournalView, PortStatus, StatusView, TerminalStatus};

/// The state of everything at this moment.
#[must_use]
pub fn status_view(
    writer: &TillWriter,
    ports: Vec<PortStatus>,
    trouble: Option<String>,
    verifying: bool,
    mut warnings: Vec<Sentence>,
    now: Now,
) -> StatusView {
    let (ledger, rules) = (writer.ledger(), writer.rules());
    let (count, amount) = ledger.waiting();
    if writer.lines().mark_behind {
        warnings.push(Sentence::new(
            "本机数据落后于标记：刷卡已停，请联系技术员",
            "The data are behind the mark: cards are stopped, call the technician",
        ));
    }
    if let Some(refusal) = writer.lines().sales_stopped {
        warnings.push(Reject::from(refusal).sentence());
    }
    let health = match (writer.lines().sales_stopped, trouble, verifying) {
        (Some(Refusal::Damaged), ..) => "damaged",
        (_, Some(_), _) => "storage_failed",
        (Some(_), ..) => "storage_full",
        (None, None, true) => "verifying",
        (None, None, false) => "ok",
    };
    let oldest = ledger.index.stored.iter().filter_map(|(_, id)| ledger.payments.get(id)?.stored_at).min();
    let expires = oldest.zip(rules.offline).map(|(at, offline)| at.0 + offline.max_age_ms - now.wall.0);
    StatusView {
        health: health.into(),
        version: env!("CARGO_PKG_VERSION").into(),
        store: rules.store.to_string(),
        timezone: rules.zone.name().into(),
        business_date: ledger.open,
        waiting: Tally { count, amount },
        oldest_expires_in_ms: expires,
        terminals: rules.terminals.keys().map(|id| terminal_status(writer, id)).collect(),
        ports,
        exceptions: u64::try_from(ledger.exceptions.len()).unwrap_or(u64::MAX),
        forgotten_shifts: u64::try_from(ledger.forgotten_shifts(rules, now.wall).count()).unwrap_or(u64::MAX),
        journal: JournalView { rows: ledger.head.0, head: hex(&ledger.link) },
        warnings,
    }
}

fn terminal_status(writer: &TillWriter, id: &TerminalId) -> TerminalStatus {
    let ledger = writer.ledger();
    let (line, terminal) = (writer.lines().get(id), ledger.terminal(id));
    TerminalStatus {
        terminal: id.clone(),
        line: match writer.lines().state(id) {
            LineState::Connecting => "connecting",
            LineState::Up => "up",
            LineState::Down => "down",
        }
        .into(),
        signed_on: line.is_ready(),
        line_why: line.why,
        batch: terminal.batch.number.to_string(),
        rung: terminal.batch.rung.as_str().into(),
        waiting: waiting_at(ledger, id),
        reversals: u64::try_from(Index::of_terminal(&ledger.index.reversals, id).count()).unwrap_or(u64::MAX),
        stopped: terminal.stopped.map(|theirs| format!("the acquirer's batch number is {theirs}")),
        asks: asks(writer.rules(), terminal.asked_for),
    }
}

/// What people must see of what the acquirer asks for; a digit that the profile does not know is shown as it is.
fn asks(rules: &Rules, digit: u8) -> Option<Sentence> {
    match rules.channel.requests.get(&digit) {
        Some(request) => (!request.sign_on).then(|| request.sentence.clone()),
        None if digit == 0 || rules.channel.requests.is_empty() => None,
        None => Some(Sentence::new(
            format!("收单方报文头处理要求为 {digit}，请联系收单机构"),
            format!("The acquirer's header asks for {digit}: call the acquirer"),
        )),
    }
}

fn waiting_at(ledger: &Ledger, id: &TerminalId) -> Tally {
    let stored = Index::of_terminal(&ledger.index.stored, id).filter_map(|p| ledger.payments.get(&p));
    let (count, amount) =
        stored.fold((0, Minor::ZERO), |(n, sum), p| (n + 1, sum.checked_add(p.amount).unwrap_or(sum)));
    Tally { count, amount }
}
