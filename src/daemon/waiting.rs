//! Who waits for a card or code, by terminal, and which readers are to be armed for him.
//!
//! What is read while nobody waits is wiped: a card is never kept for later.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::reading::Arming;
use crate::core::device::reader::Reads;
use crate::core::domain::{Entry, Method, Refusal, Reject, TerminalId};
use crate::core::ports::{Presented, Respond};

struct Armed {
    method: Method,
    number: u64,
    /// The card is there, and the customer types: nothing else is taken, and the PIN pad's own time counts.
    typing: bool,
    respond: Respond<Presented>,
}

/// Who waits for a card or code, by terminal.
#[derive(Default)]
pub(super) struct Table {
    armed: HashMap<TerminalId, Armed>,
    last: u64,
    /// The readers that are told when somebody waits and when nobody does.
    readers: Vec<(TerminalId, Reads, Arming)>,
}

/// The table, shared by all readers.
pub(super) type Waiting = Arc<Mutex<Table>>;

impl Table {
    /// A reader that wants to be told.
    pub(super) fn tell(&mut self, terminal: TerminalId, reads: Reads, reader: Arming) {
        self.readers.push((terminal, reads, reader));
    }

    /// Somebody waits; gives his number, and whoever waited there before, who now waits in vain.
    fn wait(
        &mut self,
        terminal: &TerminalId,
        method: Method,
        respond: Respond<Presented>,
    ) -> (u64, Option<Respond<Presented>>) {
        self.last += 1;
        let number = self.last;
        let before = self.remove(terminal).map(|before| before.respond);
        self.armed.insert(terminal.clone(), Armed { method, number, typing: false, respond });
        self.arm(terminal, true, |reads| reads == reads_for(method));
        (number, before)
    }

    fn arm(&self, terminal: &TerminalId, on: bool, fits: impl Fn(Reads) -> bool) {
        for (_, _, reader) in self.readers.iter().filter(|(at, reads, _)| at == terminal && fits(*reads)) {
            reader.set(on);
        }
    }

    fn remove(&mut self, terminal: &TerminalId) -> Option<Armed> {
        let armed = self.armed.remove(terminal)?;
        self.arm(terminal, false, |reads| reads == reads_for(armed.method));
        Some(armed)
    }

    /// Marks whoever waits for a card as waiting for its PIN; gives the number to answer to. `None` where nobody waits.
    pub(super) fn type_pin(&mut self, terminal: &TerminalId) -> Option<u64> {
        let armed = self.armed.get_mut(terminal).filter(|a| a.method == Method::Card && !a.typing)?;
        armed.typing = true;
        let number = armed.number;
        self.arm(terminal, false, |reads| reads == Reads::Cards);
        Some(number)
    }

    /// The number of whoever waits for a card, and has none yet.
    pub(super) fn wants_card(&self, terminal: &TerminalId) -> Option<u64> {
        let armed = self.armed.get(terminal).filter(|a| a.method == Method::Card && !a.typing)?;
        Some(armed.number)
    }

    /// Whether whoever has this number has a card, and its PIN is typed.
    pub(super) fn types(&self, terminal: &TerminalId, number: u64) -> bool {
        self.armed.get(terminal).is_some_and(|a| a.number == number && a.typing)
    }

    /// Takes whoever has this number, if he waits still.
    fn take(&mut self, terminal: &TerminalId, number: u64) -> Option<Armed> {
        let still = self.armed.get(terminal).is_some_and(|armed| armed.number == number);
        if still { self.remove(terminal) } else { None }
    }
}

/// What a reader must read for a way of paying.
pub(super) fn reads_for(method: Method) -> Reads {
    if method == Method::Card { Reads::Cards } else { Reads::Codes }
}

/// Locks the table: plain data, whole whatever panicked elsewhere.
pub(super) fn lock(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits at a terminal, for one payment at a time: the younger one takes over. Gives his number.
pub(super) fn wait(table: &Mutex<Table>, terminal: &TerminalId, method: Method, respond: Respond<Presented>) -> u64 {
    let (number, before) = lock(table).wait(terminal, method, respond);
    if let Some(before) = before {
        before(Err(Refusal::NoCard.into()));
    }
    number
}

/// Answers whoever has this number, if he waits still.
pub(super) fn answer(table: &Mutex<Table>, terminal: &TerminalId, number: u64, with: Result<Presented, Reject>) {
    let armed = lock(table).take(terminal, number);
    if let Some(armed) = armed {
        (armed.respond)(with);
    }
}

/// Answers everybody, at the end.
pub(super) fn dismiss_all(table: &Mutex<Table>) {
    let armed = std::mem::take(&mut lock(table).armed);
    for armed in armed.into_values() {
        (armed.respond)(Err(Refusal::Stopping.into()));
    }
}

/// Hands what was read to whoever waits for it; a bad swipe ends the wait with a clear refusal, so that the cashier tries again.
pub(super) fn offer(table: &Mutex<Table>, terminal: &TerminalId, presented: Result<Presented, Refusal>) {
    let mut table = lock(table);
    let wanted = |armed: &Armed| match &presented {
        Ok(p) => !armed.typing && (p.entry == Entry::Scan) == (armed.method == Method::Qr),
        Err(_) => !armed.typing && armed.method == Method::Card,
    };
    if !table.armed.get(terminal).is_some_and(wanted) {
        return;
    }
    let armed = table.remove(terminal);
    drop(table);
    if let Some(armed) = armed {
        (armed.respond)(presented.map_err(Into::into));
    }
}
