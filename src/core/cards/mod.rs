//! The card table: what the first digits of a number say. Longest prefix wins. A number is looked at and not kept (law 7); nobody
//! outside is asked.
//!
//! Knows numbers' beginnings only; nothing here knows payments or fees.

mod codes;
mod read;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::core::domain::CardKind;

pub use codes::{wallet, wallet_of_prefix};
pub use read::{CardTableError, LineError, MAX_ROWS, read};

/// What is known of a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// Debit, credit, or unknown.
    pub kind: CardKind,
    /// The brand, in lower case.
    pub brand: Option<Box<str>>,
    /// Of a foreign organisation, where the table says.
    pub foreign: Option<bool>,
}

impl Default for Card {
    /// Nothing is known.
    fn default() -> Card {
        Card { kind: CardKind::Unknown, brand: None, foreign: None }
    }
}

/// A row: these first digits, and the number's whole length where it is named.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    length: Option<u8>,
    card: Card,
}

/// Prefixes and what they say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CardTable {
    rows: BTreeMap<Box<str>, Vec<Entry>>,
    /// Lengths of prefixes that occur, longest first.
    lengths: Vec<usize>,
    count: usize,
}

impl CardTable {
    /// How many rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// No rows: nothing is known of any card.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// What the longest prefix of this number says; among rows of one prefix, that which names the number's length.
    #[must_use]
    pub fn look_up(&self, number: &str) -> Option<&Card> {
        self.lengths.iter().find_map(|length| {
            let entries = self.rows.get(number.get(..*length)?)?;
            let exact = entries.iter().find(|e| e.length.is_some_and(|n| usize::from(n) == number.len()));
            exact.or_else(|| entries.iter().find(|e| e.length.is_none())).map(|e| &e.card)
        })
    }

    /// Adds a row. `Err` where another row of this prefix and length says something else.
    fn add(&mut self, prefix: &str, length: Option<u8>, card: Card) -> Result<(), ()> {
        let entries = self.rows.entry(prefix.into()).or_default();
        if let Some(known) = entries.iter().find(|e| e.length == length) {
            return if known.card == card { Ok(()) } else { Err(()) };
        }
        entries.push(Entry { length, card });
        self.count += 1;
        if let Err(place) = self.lengths.binary_search_by(|n| prefix.len().cmp(n)) {
            self.lengths.insert(place, prefix.len());
        }
        Ok(())
    }
}
