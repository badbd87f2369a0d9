//! By what two pieces of advice are known to say the same.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// Hexadecimal digits that are compared: 128 bits, so that no two pieces are ever taken for one.
const DIGITS: usize = 32;

/// The beginning of a SHA-256.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Digest(u128);

impl Digest {
    /// Returns that of `parts`, each with its length: none passes for another split elsewhere.
    pub(super) fn of(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part.len().to_le_bytes());
            hash.update(part);
        }
        let hash: [u8; 32] = hash.finalize().into();
        let half = hash.first_chunk().copied().unwrap_or_default();
        Self(u128::from_be_bytes(half))
    }

    /// Returns the one that a row has. Earlier builds wrote the whole hash, of which this is the beginning.
    pub(crate) fn read(text: &str) -> Option<Self> {
        u128::from_str_radix(text.get(..DIGITS)?, 16).ok().map(Self)
    }

    /// Returns its first 32 bits.
    pub(super) fn head(self) -> u32 {
        u32::try_from(self.0 >> 96).unwrap_or_default()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_earlier_builds_are_known_again() {
        let whole = "4f1e86c16b4cd0e1a8da40a7c1d2efde6f1e7b1a1ac1bb8b7b9ddc1f9d09f4a5";
        let read = Digest::read(whole).unwrap();
        assert_eq!(Some(read), Digest::read(&read.to_string()));
        assert_eq!(whole.get(..DIGITS), Some(&*read.to_string()));
        assert_eq!(Digest::read("4f1e"), None);
        assert_ne!(Digest::of(&[b"ab", b"c"]), Digest::of(&[b"a", b"bc"]));
    }
}
