//! Why a letter did not arrive, as far as it decides what happens next.

use std::time::Duration;

use crate::http::{Answer, HttpError};

/// Why a letter did not arrive. The texts are for people, bounded, and hold no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The destination is in trouble: try again, with this letter and with others not so soon. It
    /// may have arrived all the same, so the next try looks it up first.
    #[error("{reason}")]
    Later {
        /// What happened, and what to do about it.
        reason: String,
        /// How long the destination wants to be left alone.
        after: Option<Duration>,
    },
    /// The destination works and does not take this letter: a person has to look at it.
    #[error("{reason}")]
    Refused {
        /// What happened, and what to do about it.
        reason: String,
    },
    /// The destination wants no letters any more: it is turned off until a person turns it on.
    #[error("{reason}")]
    Off {
        /// What happened, and what to do about it.
        reason: String,
    },
}

/// How much of a foreign text a reason quotes, in characters.
const QUOTE_MAX: usize = 200;

impl Failure {
    /// Returns a failure that may pass by itself.
    pub fn later(reason: impl Into<String>) -> Self {
        Self::Later { reason: reason.into(), after: None }
    }

    /// Returns a failure of this letter alone.
    pub fn refused(reason: impl Into<String>) -> Self {
        Self::Refused { reason: reason.into() }
    }

    /// Returns what an HTTP answer without success means: 408, 425, 429 and 5xx pass, 410 turns the
    /// destination off, 401, 403, 404, 405 and redirects concern all its letters, and what else
    /// begins with 4 this letter alone.
    pub fn of_answer(answer: &Answer) -> Self {
        let status = answer.status;
        let said = quote(&answer.text());
        let reason = |advice: &str| match &*said {
            "" => format!("it answered {status}{advice}"),
            said => format!("it answered {status}{advice}: {said}"),
        };
        match status {
            410 => Self::Off { reason: reason(" (gone): it wants no letters any more") },
            401 | 403 => {
                Self::later(reason(" (not allowed); check the key or token and its rights"))
            }
            404 | 405 => Self::later(reason("; check the address in the settings")),
            300..=399 => Self::later(format!(
                "it answered {status}, which points to another address; redirects are not \
                 followed: set the final address"
            )),
            408 | 425 | 429 | 500..=599 => {
                Self::Later { reason: reason(""), after: answer.retry_after }
            }
            400..=499 => Self::refused(reason("")),
            _ => Self::later(reason(", which is no success")),
        }
    }
}

impl From<HttpError> for Failure {
    fn from(error: HttpError) -> Self {
        Self::later(error.to_string())
    }
}

/// Returns `text` in one line of at most 200 characters without control characters.
pub fn quote(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let mut line = String::new();
    for word in words.filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if let Some((end, _)) = line.char_indices().nth(QUOTE_MAX) {
            line.truncate(end);
            line.push('…');
            break;
        }
    }
    line
}
