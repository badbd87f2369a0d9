//! Why a document did not come, and what follows for its feed.

use std::time::Duration;

use serde::Serialize;

use crate::deliver::failure::quote;
use crate::http::guard::Refusal;
use crate::http::{Answer, HttpError};
use crate::read::text;

/// What follows for a feed whose run brought no facts. Whatever it is, the set in force stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// The source has trouble: the next slot tries again.
    Keep,
    /// The source wants to be left alone, or is not there: wait before the next try, longer each time.
    BackOff,
    /// It took too long: as [`Class::BackOff`].
    Timeout,
    /// It is larger than it may be, or goes round in circles: the next slot tries again; a person
    /// looks at it if that goes on.
    Cap,
    /// The address may not be called: no further try before a person has changed the settings.
    Refuse,
    /// The document came whole and says what cannot be: a person looks at it.
    Reject,
    /// The settings are wrong: no further try before a person has changed them.
    Settings,
}

impl Class {
    /// Returns its name, as runs are stored with it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::BackOff => "back-off",
            Self::Timeout => "timeout",
            Self::Cap => "cap",
            Self::Refuse => "refuse",
            Self::Reject => "reject",
            Self::Settings => "settings",
        }
    }
}

/// Why a document did not come. The texts are for people, bounded, and hold no secret.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No whole answer came.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// An answer that is no document.
    #[error("{address} answered {status}{advice}{said}")]
    Status {
        /// Who answered.
        address: String,
        /// The status.
        status: u16,
        /// What it means and what to do.
        advice: &'static str,
        /// What the server says, behind a colon, if it says anything.
        said: String,
        /// How long the server wants to be left alone, if it said so.
        after: Option<Duration>,
    },
    /// A redirect to where we do not go.
    #[error("{from} leads elsewhere: {why}")]
    Led {
        /// Who leads there.
        from: String,
        /// Why we do not follow.
        why: Refusal,
    },
    /// A redirect that cannot be followed.
    #[error("{from} does not have the document: {why}; set the final address")]
    Lost {
        /// Who leads there.
        from: String,
        /// Why we cannot follow.
        why: &'static str,
    },
    /// One redirect too many.
    #[error(
        "{address} leads from one address to the next more than 5 times; set the final address"
    )]
    Circle {
        /// Where it began.
        address: String,
    },
    /// It cannot be unpacked.
    #[error("what {address} sent cannot be unpacked: {why}; the next run tries again")]
    Packed {
        /// Who sent it.
        address: String,
        /// Why.
        why: String,
    },
    /// It unpacks to more than is read.
    #[error("what {address} sent unpacks to more than {max} bytes, which are not read")]
    Bomb {
        /// Who sent it.
        address: String,
        /// How many bytes are read.
        max: usize,
    },
    /// There is nothing in it.
    #[error("what {address} sent is empty; the next run tries again")]
    Empty {
        /// Who sent it.
        address: String,
    },
    /// It takes more documents than anybody needs.
    #[error("there are more than {max} documents behind {address}; ask for less at once")]
    Pages {
        /// Where they begin.
        address: String,
        /// How many are read.
        max: usize,
    },
    /// All of it together took too long.
    #[error("the documents did not come within {limit:?}; ask for fewer at once")]
    Late {
        /// How long that may take.
        limit: Duration,
    },
}

impl FetchError {
    /// Returns what an answer other than a document means; `hide` takes secrets out of a text.
    pub(super) fn of_status(
        address: String,
        answer: &Answer,
        hide: impl Fn(&str) -> String,
    ) -> Self {
        let advice = match answer.status {
            401 | 403 => " (not allowed); check the feed's key and its rights",
            404 | 410 => " (not found); check the feed's address",
            429 => " (too many requests); it is asked again later",
            408 | 500..=599 => " (the server is in trouble); it is asked again later",
            304 => " (not modified), though nothing was asked that allows it",
            _ => ", which brings no document; check the feed's address",
        };
        let body = answer.text();
        let said = text::title_of_web_page(&body)
            .map_or_else(|| body, |title| format!("a web page{title}"));
        let said = match quote(&hide(&said)) {
            said if said.is_empty() => said,
            said => format!(": {said}"),
        };
        Self::Status { address, status: answer.status, advice, said, after: answer.retry_after }
    }

    /// Returns what follows for the feed.
    pub fn class(&self) -> Class {
        match self {
            Self::Http(error) => match error {
                HttpError::Setup(_) => Class::Settings,
                HttpError::Refused(_) => Class::Refuse,
                HttpError::Late { .. } => Class::Timeout,
                HttpError::Unreachable { .. } => Class::BackOff,
                HttpError::Broken { .. } => Class::Keep,
                HttpError::TooLarge { .. } | HttpError::TooManyHeaders { .. } => Class::Cap,
            },
            Self::Status { status: 408 | 425 | 429 | 500..=599, .. } => Class::BackOff,
            Self::Status { .. } | Self::Packed { .. } | Self::Empty { .. } | Self::Lost { .. } => {
                Class::Keep
            }
            Self::Led { .. } => Class::Refuse,
            Self::Circle { .. } | Self::Bomb { .. } | Self::Pages { .. } => Class::Cap,
            Self::Late { .. } => Class::Timeout,
        }
    }

    /// Returns how long the source wants to be left alone, if it said so; at most
    /// [`crate::http::PAUSE_MAX`].
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { after, .. } => *after,
            Self::Http(_)
            | Self::Led { .. }
            | Self::Lost { .. }
            | Self::Circle { .. }
            | Self::Packed { .. }
            | Self::Bomb { .. }
            | Self::Empty { .. }
            | Self::Pages { .. }
            | Self::Late { .. } => None,
        }
    }
}
