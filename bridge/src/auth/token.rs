//! Tokens of sessions and of programs: random texts of which the store only knows the hash.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::hex::hex;

/// Bytes of chance in a token.
const LEN: usize = 32;

/// What the tokens of programs begin with, so that one that leaked is found.
pub(crate) const PREFIX: &str = "upt_";

/// Characters of a made-up password: 96 bits.
const PASSWORD_LEN: usize = 16;

/// Characters of the id of a program's token.
const ID_LEN: usize = 8;

/// Returns a new token for a program.
pub(crate) fn for_program() -> Result<String, getrandom::Error> {
    Ok(format!("{PREFIX}{}", new()?))
}

/// Returns a password that nobody made up.
pub(crate) fn password() -> Result<String, getrandom::Error> {
    Ok(new()?.chars().take(PASSWORD_LEN).collect())
}

/// Returns the id of a program's token, which is no secret.
pub(crate) fn id() -> Result<String, getrandom::Error> {
    let mut bytes = [0; ID_LEN / 2];
    getrandom::fill(&mut bytes)?;
    Ok(hex(&bytes))
}

/// Returns a new token, for the cookie.
pub(crate) fn new() -> Result<String, getrandom::Error> {
    let mut bytes = [0; LEN];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Returns what the store keeps of `token`: its SHA-256 in hexadecimal.
///
/// A plain hash is enough: the token has 256 random bits, so there is nothing to guess.
pub(crate) fn hash(token: &str) -> String {
    hex(&Sha256::digest(token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makes_tokens_of_256_bits_that_differ() {
        let (one, other) = (new().unwrap(), new().unwrap());
        assert_ne!(one, other);
        assert_eq!(URL_SAFE_NO_PAD.decode(&one).unwrap().len(), 32);
    }

    #[test]
    fn stores_the_sha_256_in_hexadecimal() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(hash(""), empty);
    }
}
