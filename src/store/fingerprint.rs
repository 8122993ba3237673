//! The hash of everything that is stored and compared by a later version.
//!
//! SipHash 2-4 with the zero key, over bytes: specified, so the same on every machine and in
//! every release. The standard library's `DefaultHasher` is neither, and `Hash` adds lengths
//! of the platform's word size, so never persist those.

use std::hash::Hasher;

use siphasher::sip::SipHasher24;

/// Hashes bytes for a file that outlives this program.
pub fn fingerprint(bytes: &[u8]) -> u64 {
    let mut hasher = SipHasher24::new();
    hasher.write(bytes);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed by the reference algorithm with the zero key.
    #[test]
    fn the_values_are_the_same_in_every_release() {
        assert_eq!(fingerprint(b""), 0x1e92_4b9d_7377_00d7);
        assert_eq!(fingerprint(b"hotseat"), 0x7a52_a1bc_903b_75f9);
    }
}
