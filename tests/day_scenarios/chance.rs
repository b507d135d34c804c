//! Chance that is the same for the same seed (SplitMix64).

#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Chance {
        Chance(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    pub fn of_thousand(&mut self, n: u64) -> bool {
        n > 0 && self.below(1_000) < n
    }

    /// Mostly a little, and with this chance up to half a minute or beyond every time-out.
    pub fn delay(&mut self, of_thousand: u64) -> u64 {
        if !self.of_thousand(of_thousand) {
            return self.below(40);
        }
        if self.below(4) == 0 { 55_000 + self.below(20_000) } else { self.below(30_000) }
    }

    pub fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.below(from.len() as u64)).unwrap()].clone()
    }
}
