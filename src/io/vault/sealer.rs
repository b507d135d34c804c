//! The vault as the writer needs it: seals on links, signatures of days, sealed cards.
//!
//! A day has a key for the links' HMAC and an Ed25519 pair for its seal. New ones are made at the cut and are used from the next row on; the old ones live
//! until the cut is durable, so that a commit that fails leaves them in use.

use ring::hmac;
use ring::signature::{Ed25519KeyPair, KeyPair};
use zeroize::Zeroizing;

use super::aead::SealingKey;
use super::data_key::DataKey;
use super::{VaultError, random};
use crate::core::domain::{ChipData, Pan, PaymentId, StoreId};
use crate::core::journal::{self, Link};
use crate::core::ports::{DaySignature, KeptCard, Sealer, StoreError};

/// Every sealed card has this many plain bytes, so that its length says nothing about the card number's. Codes are at most 32 characters.
const CARD: usize = 64;
/// With a chip's objects, at most 255 bytes of them.
const CHIP_CARD: usize = 384;

/// Keys in use. One a daemon, owned by the writer.
pub struct Vault {
    store: StoreId,
    cards: SealingKey,
    keys: SealingKey,
    /// Boxed, as are all keys: dropped heap memory is wiped by the allocator, a moved-from stack slot is not.
    current: Box<DayKeys>,
    pending: Option<Box<DayKeys>>,
    /// Of card hashes; only where it lies apart from the data.
    card_tags: Option<Box<hmac::Key>>,
}

struct DayKeys {
    hmac: hmac::Key,
    seed: Zeroizing<[u8; 32]>,
    public: Vec<u8>,
    sealed: Vec<u8>,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault(…)")
    }
}

impl Vault {
    /// Opens the vault of a store with the day keys that its database keeps; makes the first where it keeps none.
    pub fn open(data_key: &DataKey, store: &StoreId, day_keys: Option<&[u8]>) -> Result<Vault, VaultError> {
        let keys = data_key.derive("day keys");
        let current = match day_keys {
            Some(sealed) => DayKeys::opened(&keys, store, sealed)?,
            None => DayKeys::new(&keys, store)?,
        };
        Ok(Vault {
            store: store.clone(),
            cards: data_key.derive("cards"),
            keys,
            current,
            pending: None,
            card_tags: None,
        })
    }

    /// From here on card numbers have a keyed hash: the key lies apart from the data (law 7).
    pub fn tag_cards(&mut self, key: &[u8; 32]) {
        self.card_tags = Some(Box::new(hmac::Key::new(hmac::HMAC_SHA256, key)));
    }

    fn in_use(&self) -> &DayKeys {
        self.pending.as_ref().unwrap_or(&self.current)
    }

    /// What a sealed card is bound to: moved to another payment or another store, it does not open.
    fn card_aad(&self, id: PaymentId) -> Vec<u8> {
        card_aad(&self.store, id)
    }
}

pub(super) fn card_aad(store: &StoreId, id: PaymentId) -> Vec<u8> {
    bound_to("tilld card 1", store, &id.0.to_be_bytes())
}

pub(super) fn day_keys_aad(store: &StoreId) -> Vec<u8> {
    bound_to("tilld day keys 1", store, &[])
}

fn bound_to(what: &str, store: &StoreId, rest: &[u8]) -> Vec<u8> {
    [what.as_bytes(), &[0], store.as_str().as_bytes(), &[0], rest].concat()
}

impl DayKeys {
    fn new(keys: &SealingKey, store: &StoreId) -> Result<Box<DayKeys>, VaultError> {
        let mut secret = Zeroizing::new([0; 64]);
        random::fill(&mut *secret)?;
        let sealed = keys.seal(&day_keys_aad(store), &*secret)?;
        DayKeys::of(&secret, sealed)
    }

    fn opened(keys: &SealingKey, store: &StoreId, sealed: &[u8]) -> Result<Box<DayKeys>, VaultError> {
        const WHAT: &str = "the key of the open day";
        let plain = keys.open(&day_keys_aad(store), sealed, WHAT)?;
        let secret = Zeroizing::new(<[u8; 64]>::try_from(plain.as_slice()).map_err(|_| VaultError::Sealed(WHAT))?);
        DayKeys::of(&secret, sealed.to_vec())
    }

    fn of(secret: &[u8; 64], sealed: Vec<u8>) -> Result<Box<DayKeys>, VaultError> {
        let (mac, seed) = secret.split_at(32);
        let seed = Zeroizing::new(<[u8; 32]>::try_from(seed).expect("the second half of 64 bytes"));
        let pair = Box::new(signing_pair(&seed)?);
        Ok(Box::new(DayKeys {
            hmac: hmac::Key::new(hmac::HMAC_SHA256, mac),
            public: pair.public_key().as_ref().to_vec(),
            seed,
            sealed,
        }))
    }
}

fn signing_pair(seed: &[u8; 32]) -> Result<Ed25519KeyPair, VaultError> {
    Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| VaultError::Sealed("the key of the open day"))
}

impl Sealer for Vault {
    fn seal_link(&mut self, link: &Link) -> [u8; 32] {
        journal::seal_link(&self.in_use().hmac, link)
    }

    fn seal_day(&mut self, message: &dyn Fn(&[u8]) -> Vec<u8>) -> Result<DaySignature, StoreError> {
        let next = DayKeys::new(&self.keys, &self.store)?;
        let pair = Box::new(signing_pair(&self.in_use().seed)?);
        let signature = pair.sign(&message(&next.public)).as_ref().to_vec();
        let next_key = next.public.clone();
        // Two cuts in one transaction: the key in between never becomes durable and dies here.
        self.pending = Some(next);
        Ok(DaySignature { signature, next_key })
    }

    fn day_key(&self) -> Vec<u8> {
        self.in_use().public.clone()
    }

    fn sealed_keys(&self) -> Vec<u8> {
        self.in_use().sealed.clone()
    }

    fn committed(&mut self) {
        if let Some(next) = self.pending.take() {
            self.current = next;
        }
    }

    fn rolled_back(&mut self) {
        self.pending = None;
    }

    fn card_tag(&self, number: &str) -> Option<[u8; 16]> {
        let tag = hmac::sign(self.card_tags.as_ref()?, number.as_bytes());
        tag.as_ref().get(..16)?.try_into().ok()
    }

    /// Number, expiry, then a chip's sequence and objects, each behind its length; zeros to the end.
    fn seal_card(&mut self, id: PaymentId, card: &KeptCard) -> Result<Vec<u8>, StoreError> {
        let (sequence, data) = match &card.chip {
            Some((sequence, data)) => (sequence.as_bytes(), data.expose()),
            None => (&b""[..], &b""[..]),
        };
        let whole = if card.chip.is_some() { CHIP_CARD } else { CARD };
        let mut plain = Zeroizing::new(Vec::with_capacity(whole));
        let too_long = VaultError::TooLong("a card number or code");
        for part in [card.number.expose().as_bytes(), card.expiry.as_bytes(), sequence, data] {
            plain.push(u8::try_from(part.len()).map_err(|_| too_long.clone())?);
            plain.extend_from_slice(part);
        }
        if plain.len() > whole {
            return Err(too_long.into());
        }
        plain.resize(whole, 0);
        Ok(self.cards.seal(&self.card_aad(id), &plain)?)
    }

    fn open_card(&self, id: PaymentId, sealed: &[u8]) -> Result<KeptCard, StoreError> {
        const WHAT: &str = "a sealed card";
        let plain = self.cards.open(&self.card_aad(id), sealed, WHAT)?;
        let part = |bytes| part_of(bytes).ok_or(VaultError::Sealed(WHAT));
        let text = |bytes| std::str::from_utf8(bytes).map_err(|_| VaultError::Sealed(WHAT));
        let (number, rest) = part(&plain)?;
        let (expiry, rest) = part(rest)?;
        let (sequence, rest) = part(rest)?;
        let (data, _) = part(rest)?;
        Ok(KeptCard {
            number: Pan::new(text(number)?.to_owned()),
            expiry: Zeroizing::new(text(expiry)?.to_owned()),
            chip: if data.is_empty() { None } else { Some((text(sequence)?.to_owned(), ChipData::new(data.to_vec()))) },
        })
    }
}

/// A length byte and as many bytes; then the rest.
fn part_of(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&length, rest) = bytes.split_first()?;
    rest.split_at_checked(length.into())
}

#[cfg(test)]
mod tests;
