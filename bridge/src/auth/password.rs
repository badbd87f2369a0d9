//! Passwords: hashed with Argon2id, compared in a time that does not tell whether the user exists.

use std::hint::black_box;
use std::sync::LazyLock;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::spawn_blocking;

/// The fewest characters of a new password.
pub(crate) const MIN_CHARS: usize = 10;

/// The longest password, in bytes; more would only make hashing expensive.
pub(crate) const MAX_LEN: usize = 1024;

/// How many passwords are hashed at once: each takes 19 MiB and a core.
const CONCURRENT_MAX: usize = 2;

static TURNS: Semaphore = Semaphore::const_new(CONCURRENT_MAX);

/// The hash that a user who does not exist is compared with.
static NOBODY: LazyLock<Option<String>> = LazyLock::new(|| hash_now("nobody has this one").ok());

/// The turn to hash a password; given back when dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    _permit: SemaphorePermit<'static>,
}

/// Why a password was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PasswordError {
    /// Too short.
    #[error("a password needs at least {MIN_CHARS} characters; this one has {0}")]
    Short(usize),
    /// Too long.
    #[error("a password has at most {MAX_LEN} bytes; this one has {0}")]
    Long(usize),
    /// The hash could not be computed.
    #[error("the password could not be hashed")]
    Hash(#[source] argon2::password_hash::Error),
    /// The work was cut short by a stop.
    #[error("the password was not checked because the program is stopping")]
    Stopped,
}

/// Returns the hash to store for a new `password`.
pub(crate) async fn hash(password: String) -> Result<String, PasswordError> {
    let chars = password.chars().count();
    if chars < MIN_CHARS {
        return Err(PasswordError::Short(chars));
    }
    if MAX_LEN < password.len() {
        return Err(PasswordError::Long(password.len()));
    }
    let _turn = turn().await?;
    spawn_blocking(move || hash_now(&password)).await.map_err(|_| PasswordError::Stopped)?
}

/// Waits for the turn to hash a password. What is looked up while it is held is not overtaken by
/// many tries at once.
pub(crate) async fn turn() -> Result<Turn, PasswordError> {
    let permit = TURNS.acquire().await;
    permit.map(|permit| Turn { _permit: permit }).map_err(|_| PasswordError::Stopped)
}

/// Returns whether `password` is the one behind `stored`; `None` stands for an unknown user and
/// takes as long.
pub(crate) async fn verify(
    _turn: &Turn,
    password: String,
    stored: Option<String>,
) -> Result<bool, PasswordError> {
    if MAX_LEN < password.len() {
        return Ok(false);
    }
    let verifying = spawn_blocking(move || {
        // Asked for in both cases, so that the first unknown user does not take longer.
        let nobody = NOBODY.as_deref();
        if let Some(stored) = stored {
            matches(&password, &stored)
        } else {
            black_box(nobody.is_some_and(|nobody| matches(&password, nobody)));
            false
        }
    });
    verifying.await.map_err(|_| PasswordError::Stopped)
}

fn hash_now(password: &str) -> Result<String, PasswordError> {
    let hash: PasswordHash =
        Argon2::default().hash_password(password.as_bytes()).map_err(PasswordError::Hash)?;
    Ok(hash.to_string())
}

fn matches(password: &str, stored: &str) -> bool {
    PasswordHash::new(stored)
        .is_ok_and(|stored| Argon2::default().verify_password(password.as_bytes(), &stored).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn takes_the_password_and_nothing_else() {
        let stored = hash("correct horse".into()).await.unwrap();
        assert!(stored.starts_with("$argon2id$"), "{stored}");
        assert_ne!(stored, hash("correct horse".into()).await.unwrap(), "salted");

        let cases = [
            ("the right one", "correct horse", Some(&stored), true),
            ("a wrong one", "correct house", Some(&stored), false),
            ("an empty one", "", Some(&stored), false),
            ("an unknown user", "correct horse", None, false),
            ("an unknown user, by the stand-in", "nobody has this one", None, false),
        ];
        for (case, password, stored, expected) in cases {
            let turn = turn().await.unwrap();
            let verified = verify(&turn, password.into(), stored.cloned()).await.unwrap();
            assert_eq!(verified, expected, "case: {case}");
        }
    }

    #[tokio::test]
    async fn refuses_passwords_that_are_too_short_or_too_long() {
        let short = hash("九个字不够长啊啊啊".into()).await.unwrap_err().to_string();
        assert_eq!(short, "a password needs at least 10 characters; this one has 9");
        assert!(matches!(hash("x".repeat(1025)).await, Err(PasswordError::Long(1025))));
        let turn = turn().await.unwrap();
        assert!(!verify(&turn, "x".repeat(1025), None).await.unwrap());
    }
}
