//! A bridge as a card reader: armed for a payment, a swipe, and the customer's PIN where the pad can ask for one.

use std::fmt::Write;
use std::sync::Arc;

use tilld_bridge::wire::{CAP_KEYPAD, CAP_KEYS, Notice, Refusal as PadRefusal, Reply, Request, Secret};

use super::bridging::{ANSWER_MS, AskError, BridgeLine, Done, Told};
use super::presenting::ARMED_FOR;
use super::waiting::{Waiting, answer, lock, offer};
use crate::core::acquirer::Instrument;
use crate::core::device::card::read_track2;
use crate::core::domain::{Entry, PinBlock, Refusal, Reject, TerminalId, Track2};
use crate::core::ports::Presented;

/// How long a customer may type.
const PIN_S: u8 = 30;

/// Arms a bridge for the wait of this number. `alone`: no other reader at this terminal takes cards, so that its silence ends the wait.
pub(super) fn arm(bridge: &BridgeLine, terminal: &TerminalId, number: u64, alone: bool, table: &Waiting) {
    let (terminal, table) = (terminal.clone(), Arc::clone(table));
    let done: Done = Box::new(move |reply| {
        if reply == Ok(Reply::Done) {
            return;
        }
        log::warn!("the reader at {terminal} was not armed: {reply:?}");
        if alone {
            answer(&table, &terminal, number, Err(Refusal::NoReader.with("device", &terminal)));
        }
    });
    let seconds = u8::try_from(ARMED_FOR.as_secs()).unwrap_or(u8::MAX);
    bridge.ask(Request::ArmReader { seconds }, ANSWER_MS, done);
}

/// What a bridge's thread does with what it is told.
pub(super) fn told(terminal: TerminalId, table: Waiting) -> impl FnMut(&BridgeLine, Told) + Send + 'static {
    move |bridge, told| match told {
        Told::Notice(Notice::Swipe { track2 }) => swiped(bridge, &terminal, &table, &track2),
        Told::Notice(Notice::Card { .. }) => {
            // A card's number alone pays for nothing: the cashier asks for the stripe.
            offer(&table, &terminal, Err(Refusal::BadCard));
        }
        Told::Notice(Notice::NoCard) => offer(&table, &terminal, Err(Refusal::NoCard)),
        Told::Notice(Notice::Fault(device)) => {
            log::error!("the bridge at {terminal}: its {device:?} has stopped working")
        }
        Told::Up => {
            // It was away, and forgot that somebody waits.
            let waits = lock(&table).wants_card(&terminal);
            if let Some(number) = waits {
                arm(bridge, &terminal, number, false, &table);
            }
        }
        Told::Notice(_) | Told::Down(_) | Told::Log(..) => {}
    }
}

fn swiped(bridge: &BridgeLine, terminal: &TerminalId, table: &Waiting, track2: &Secret<40>) {
    let text = std::str::from_utf8(track2.expose()).unwrap_or_default();
    let Ok(facts) = read_track2(text) else { return offer(table, terminal, Err(Refusal::BadCard)) };
    let card = Presented {
        instrument: Instrument::Track2(Track2::new(text.to_owned())),
        entry: Entry::Magstripe,
        pin_block: None,
    };
    let pan = Secret::new(facts.pan.expose().as_bytes());
    let can_type = bridge.has(CAP_KEYS | CAP_KEYPAD) && bridge.shown().keys.work;
    let (Some(pan), true) = (pan, can_type) else { return offer(table, terminal, Ok(card)) };
    // Nobody waits: the card is wiped here.
    let Some(number) = lock(table).type_pin(terminal) else { return };
    let (terminal, table) = (terminal.clone(), Arc::clone(table));
    let done: Done = Box::new(move |reply| answer(&table, &terminal, number, typed(card, reply)));
    bridge.ask(Request::EnterPin { pan, seconds: PIN_S }, u64::from(PIN_S) * 1_000 + ANSWER_MS, done);
}

/// The card with what came of the PIN.
fn typed(mut card: Presented, reply: Result<Reply, AskError>) -> Result<Presented, Reject> {
    match reply {
        Ok(Reply::PinBlock(block)) => {
            let mut text = String::with_capacity(16);
            for byte in block {
                // Writing to a String cannot fail.
                let _ = write!(text, "{byte:02X}");
            }
            card.pin_block = Some(PinBlock::new(text));
            Ok(card)
        }
        // The acquirer says whether it wants one.
        Ok(Reply::NoPin | Reply::Refused(PadRefusal::NoWork | PadRefusal::NoMaster | PadRefusal::NotHere)) => Ok(card),
        Ok(Reply::Refused(refusal)) => {
            log::info!("no PIN: {}", crate::core::device::bridge::sentence(&refusal).en);
            Err(Refusal::NoCard.into())
        }
        Ok(_) | Err(_) => {
            log::warn!("the PIN pad was lost while the customer typed");
            Err(Refusal::NoCard.into())
        }
    }
}
