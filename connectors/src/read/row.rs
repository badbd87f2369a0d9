//! A place in a tree and what stands below it, read by names: texts, times, rows.

use chrono::{DateTime, Datelike as _, FixedOffset};

use super::tree::{Node, Path, Spot};
use super::{ReadError, number};

/// The years of instants that are believed.
const YEARS: std::ops::RangeInclusive<i32> = 1970..=2199;

/// A place whose parts are asked for by their paths.
#[derive(Clone, Debug)]
pub struct Row<'n>(Spot<'n>);

impl<'n> Row<'n> {
    /// Returns the root of `tree`.
    pub fn root(tree: &'n Node) -> Self {
        Self(Spot::root(tree))
    }

    /// Returns the places that `path` leads to.
    pub fn rows(&self, path: &str) -> Vec<Self> {
        self.0.all(&Path::read(path)).into_iter().map(Self).collect()
    }

    /// Returns the first place that `path` leads to.
    pub fn row(&self, path: &str) -> Option<Self> {
        self.rows(path).into_iter().next()
    }

    /// Tells whether something stands at `path`, be it null.
    pub fn has(&self, path: &str) -> bool {
        !self.0.all(&Path::read(path)).is_empty()
    }

    /// Returns the names of what stands here.
    pub fn names(&self) -> impl Iterator<Item = &'n str> + use<'n> {
        self.0.node().into_iter().flat_map(|node| node.children.iter().map(|(name, _)| &**name))
    }

    /// Returns the text at `path`; none where nothing stands, or null, or only blanks.
    pub fn text(&self, path: &str) -> Option<&'n str> {
        self.0.text(&Path::read(path)).filter(|text| !text.is_empty())
    }

    /// Returns the text at `path` as one's own.
    pub fn own(&self, path: &str) -> Option<String> {
        self.text(path).map(str::to_owned)
    }

    /// Returns the text at `path`, which must be there.
    pub fn need(&self, path: &str) -> Result<&'n str, ReadError> {
        self.text(path).ok_or_else(|| self.wrong(path, "it is missing"))
    }

    /// Tells whether `path` leads to true; nothing is false.
    pub fn flag(&self, path: &str) -> Result<bool, ReadError> {
        match self.text(path) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(self.wrong(path, "it is neither true nor false")),
        }
    }

    /// Returns the time at `path`, with the offset it is written with.
    pub fn instant(&self, path: &str) -> Result<Option<DateTime<FixedOffset>>, ReadError> {
        let Some(text) = self.text(path) else { return Ok(None) };
        let read = DateTime::parse_from_rfc3339(text).ok();
        let read = read.filter(|at| YEARS.contains(&at.year()));
        let wrong = || {
            let text = number::short(text);
            self.wrong(path, format!("'{text}' is no time such as 2025-01-26T15:00:00+08:00"))
        };
        read.map(Some).ok_or_else(wrong)
    }

    /// Returns the time at `path`, which must be there.
    pub fn need_instant(&self, path: &str) -> Result<DateTime<FixedOffset>, ReadError> {
        self.instant(path)?.ok_or_else(|| self.wrong(path, "it is missing"))
    }

    /// Returns what is wrong at `path`, with its place.
    pub fn wrong(&self, path: &str, what: impl Into<String>) -> ReadError {
        let place = self.0.place();
        let place =
            if path.is_empty() { place } else { format!("{}/{path}", place.trim_end_matches('/')) };
        ReadError::at(place, what)
    }
}
