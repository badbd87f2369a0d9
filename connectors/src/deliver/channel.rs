//! What every delivery channel can do.

use std::fmt::Debug;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;
use upturn_core::booking::Span;

use super::failure::Failure;
use super::inbound::Inbound;
use super::letter::Letter;
use crate::http::header::HeaderMap;

/// A way to one destination, with its settings.
///
/// The bridge calls it: for a first try [`Channel::send`]; before any other try [`Channel::find`],
/// also where the failure was a refusal, since some systems keep what they refuse. Letters about one
/// task come one after the other and in order.
#[async_trait]
pub trait Channel: Debug + Send + Sync {
    /// Looks whether `letter` arrived in a try that ended without an answer. A channel that cannot
    /// look, or whose receiver knows a repetition by its key, returns nothing.
    async fn find(&self, _letter: &Letter) -> Result<Option<Receipt>, Failure> {
        Ok(None)
    }

    /// Hands over `letter` at the time `now`; returns after the other side has taken it.
    async fn send(&self, letter: &Letter, now: DateTime<Utc>) -> Result<Receipt, Failure>;

    /// Tries the settings without leaving anything behind; returns what was tried, in a sentence.
    async fn test(&self, now: DateTime<Utc>) -> Result<String, Failure>;

    /// Returns what would be sent at the time `now` for `letter`, for people to look at, without
    /// addresses and signatures; nothing for a channel that has more than one way to put it, by what it
    /// finds there.
    fn preview(&self, _letter: &Letter, _now: DateTime<Utc>) -> Option<String> {
        None
    }

    /// Tells what became of the records `remotes`, at most 100, those that are gone left out. A
    /// channel that cannot be asked returns nothing.
    async fn states(&self, _remotes: &[String]) -> Result<Vec<RecordState>, Failure> {
        Ok(Vec::new())
    }

    /// Tells whether [`Channel::states`] can say anything.
    fn can_be_asked(&self) -> bool {
        false
    }

    /// Returns the id of the person whose calendar this is, if meetings with them are booked into it.
    fn consultant(&self) -> Option<&str> {
        None
    }

    /// Tells when the consultant is busy `within` a time, in any order; whole days are those of `zone`.
    /// A channel that is nobody's calendar refuses.
    async fn busy(&self, _within: Span, _zone: Tz) -> Result<Vec<Span>, Failure> {
        Err(Failure::refused("this destination is no consultant's calendar"))
    }

    /// Reads what the other system sent by itself at `now`, after proving that it is from there and
    /// not too old. A channel that takes nothing refuses.
    fn receive(
        &self,
        _headers: &HeaderMap,
        _body: &[u8],
        _now: DateTime<Utc>,
    ) -> Result<Inbound, Failure> {
        Err(Failure::refused("this kind of destination sends nothing back"))
    }
}

/// The other side's word that it has a letter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// The record's id there, by which later letters and questions name it.
    pub remote: Option<String>,
    /// Where a person finds it there.
    pub url: Option<String>,
    /// It was there before: an earlier try had arrived.
    pub was_there: bool,
}

/// What became of a record elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordState {
    /// Its id there.
    pub remote: String,
    /// How it stands.
    pub progress: Progress,
    /// When that changed there, if it says so.
    pub at: Option<DateTime<Utc>>,
}

/// How a record elsewhere stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Somebody still has to do something.
    Open,
    /// It was done.
    Done,
    /// It was given up.
    Dismissed,
}
