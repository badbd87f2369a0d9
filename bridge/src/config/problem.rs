//! What can be wrong with a configuration.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why there is no configuration to work with. Always a matter for a person: exit code 78.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration file {} cannot be read; check its name and permissions", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Settings are wrong; all that were found.
    #[error("{}", list(problems))]
    Wrong {
        /// What is wrong, at least one thing.
        problems: Vec<Problem>,
    },
    /// The file that a setting names for a secret cannot be used.
    #[error("the secret in {} cannot be read; let the file hold nothing else and be readable", path.display())]
    Secret {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

fn list(problems: &[Problem]) -> String {
    let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// One thing that is wrong with the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Where it was set.
    pub(crate) origin: Origin,
    /// The key, with the tables it is in: `web.listen`; empty for the whole file.
    pub(crate) key: String,
    /// What is wrong, and what would be right.
    pub(crate) message: String,
}

/// Where a setting comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A file, and the line if it is known.
    File(PathBuf, Option<usize>),
    /// An environment variable.
    Environment(String),
    /// Nowhere: it is missing.
    Default,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::File(path, Some(line)) => write!(f, "{}:{line}: ", path.display())?,
            Origin::File(path, None) => write!(f, "{}: ", path.display())?,
            Origin::Environment(variable) => write!(f, "environment {variable}: ")?,
            Origin::Default => {}
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

/// Something wrong at a place in the settings, before it is known who set it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// The tables and the key; numbers count from 0 in lists.
    pub(super) path: Vec<String>,
    /// What is wrong, and what would be right.
    pub(super) message: String,
}

impl Finding {
    /// Returns a finding about the setting at `path`.
    pub(super) fn new(path: &[&str], message: String) -> Self {
        Self { path: path.iter().map(|key| (*key).to_owned()).collect(), message }
    }
}
