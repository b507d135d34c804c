//! From one data key to the next: what is sealed under the old is opened and sealed under the new, bound to the same things.

use super::VaultError;
use super::aead::SealingKey;
use super::data_key::DataKey;
use super::sealer::{card_aad, day_keys_aad};
use crate::core::domain::{PaymentId, StoreId};

/// Both keys of one store.
pub struct Reseal {
    store: StoreId,
    cards: [SealingKey; 2],
    day_keys: [SealingKey; 2],
}

impl std::fmt::Debug for Reseal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reseal(…)")
    }
}

impl Reseal {
    /// From `old` to `new`.
    #[must_use]
    pub fn new(store: &StoreId, old: &DataKey, new: &DataKey) -> Reseal {
        let pair = |purpose| [old.derive(purpose), new.derive(purpose)];
        Reseal { store: store.clone(), cards: pair("cards"), day_keys: pair("day keys") }
    }

    /// A sealed card.
    pub fn card(&self, id: PaymentId, sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        let aad = card_aad(&self.store, id);
        let plain = self.cards[0].open(&aad, sealed, "a sealed card")?;
        self.cards[1].seal(&aad, &plain)
    }

    /// The open day's keys.
    pub fn day_keys(&self, sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        let aad = day_keys_aad(&self.store);
        let plain = self.day_keys[0].open(&aad, sealed, "the key of the open day")?;
        self.day_keys[1].seal(&aad, &plain)
    }
}

impl DataKey {
    /// Whether this key opens the open day's keys of a store.
    #[must_use]
    pub fn opens(&self, store: &StoreId, day_keys: &[u8]) -> bool {
        self.derive("day keys").open(&day_keys_aad(store), day_keys, "the key of the open day").is_ok()
    }
}
