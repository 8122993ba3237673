//! Numbers that look random and are the same on every run.

/// A stream of numbers from a seed (splitmix64).
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// The stream of this seed.
    pub fn of(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        (((u128::from(self.next())) * end as u128) >> 64) as usize
    }

    /// A number from `start` to below `end`.
    pub fn within(&mut self, start: usize, end: usize) -> usize {
        start + self.below(end - start)
    }

    /// From 0 to below 1.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True so many times in a hundred.
    pub fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of these.
    pub fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }

    /// Log-normal with a mean of 1 and this spread.
    pub fn log_normal(&mut self, sigma: f64) -> f64 {
        // Box and Muller's transform.
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        let normal = radius * (std::f64::consts::TAU * self.unit()).cos();
        (sigma * normal - sigma * sigma / 2.0).exp()
    }

    /// A version 4 UUID.
    pub fn uuid(&mut self) -> String {
        let high = self.next() & 0xffff_ffff_ffff_0fff | 0x4000;
        let low = self.next() >> 2 | 0x8000_0000_0000_0000;
        uuid::Uuid::from_u64_pair(high, low).to_string()
    }
}
