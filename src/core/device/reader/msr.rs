//! A stripe reader: only talks.

use super::super::msr::{MsrDecoder, SwipeEvent};
use super::{Codec, Kind, Reads, Seen};

pub(super) const KIND: Kind =
    Kind { name: "msr", reads: Reads::Cards, baud: 9600, answers: false, codec: |_| Box::new(MsrDecoder::default()) };

fn seen(event: SwipeEvent) -> Seen {
    match event {
        SwipeEvent::Card(swipe) => Seen::Card(swipe),
        SwipeEvent::Bad(why) => Seen::Unreadable(why),
    }
}

impl Codec for MsrDecoder {
    fn opened(&mut self, _now: u64) {
        self.reset();
    }

    fn lost(&mut self) {
        self.reset();
    }

    fn feed(&mut self, now: u64, bytes: &[u8]) -> Vec<Seen> {
        MsrDecoder::feed(self, now, bytes).into_iter().map(seen).collect()
    }

    fn tick(&mut self, now: u64) -> Vec<Seen> {
        MsrDecoder::tick(self, now).into_iter().map(seen).collect()
    }

    fn wake_at(&self) -> Option<u64> {
        self.deadline()
    }

    fn counters(&self) -> Vec<(&'static str, u64)> {
        let c = MsrDecoder::counters(self);
        vec![("cards", c.cards), ("bad", c.bad)]
    }
}
