//! What can be wrong with the registry's files.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why there is no registry. Always a matter for a person: exit code 78.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RegistryError {
    /// The folder is not there, or closed to us.
    #[error("the registry's folder {} cannot be read; check registry.dir", path.display())]
    Folder {
        /// Which folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Files in it are wrong.
    #[error("{0}")]
    Wrong(Problems),
}

/// Everything that is wrong, as far as a person can read it at once.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    listed: Vec<Problem>,
    unlisted: usize,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The file.
    pub(crate) file: PathBuf,
    /// The line, counted from 1; none if it is the file as a whole.
    pub(crate) line: Option<u64>,
    /// What is wrong and what to do.
    pub(crate) message: String,
}

impl Problems {
    /// More than this are only counted.
    const LISTED_MAX: usize = 50;

    /// Takes one more.
    pub(crate) fn report(&mut self, file: &Path, line: Option<u64>, message: String) {
        if self.listed.len() < Self::LISTED_MAX {
            self.listed.push(Problem { file: file.into(), line, message });
        } else {
            self.unlisted += 1;
        }
    }

    /// Returns those that are listed.
    pub(crate) fn listed(&self) -> &[Problem] {
        &self.listed
    }

    /// Returns how many there are beside those that are listed.
    pub(crate) fn unlisted(&self) -> usize {
        self.unlisted
    }

    /// Returns whether all is well.
    pub(crate) fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, problem) in self.listed.iter().enumerate() {
            let end = if number == 0 { "" } else { "\n" };
            write!(f, "{end}{problem}")?;
        }
        if 0 < self.unlisted {
            write!(f, "\nand {} more", self.unlisted)?;
        }
        Ok(())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file.display(), self.message),
            None => write!(f, "{}: {}", self.file.display(), self.message),
        }
    }
}
