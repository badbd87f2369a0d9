//! The folder of feeds: `*.toml`, all or none of them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use upturn_connectors::http::guard::Allowed;
use upturn_connectors::http::{Http, HttpError};
use upturn_core::rule::finding::{Fault, Finding};

use super::{Feeds, reading};
use crate::clock::Clock;
use crate::config::Config;
use crate::delivery::reading::span_of;
use crate::rules::{self, CheckedFile, RulesError};

/// The usual name of the folder.
const FOLDER: &str = "feeds";
/// Feeds at most.
const FEEDS_MAX: usize = 2_000;

/// What feeds are read with, and called.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    dir: Option<PathBuf>,
    clock: Arc<dyn Clock>,
    /// The way out.
    pub(crate) http: Http,
}

/// Why there are no feeds.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FeedsError {
    /// The folder, or a file in it, cannot be read.
    #[error(transparent)]
    Folder(#[from] RulesError),
    /// Documents are wrong.
    #[error("{}", Summary(.0))]
    Wrong(Vec<CheckedFile>),
    /// No client for HTTP.
    #[error(transparent)]
    Http(#[from] HttpError),
}

impl Setup {
    /// Returns what the feeds that `config` names are read with.
    pub(crate) fn new(config: &Config, clock: Arc<dyn Clock>) -> Result<Self, HttpError> {
        let http = Http::new(Allowed::new(config.http.allow_private.iter().cloned()))?;
        Ok(Self { dir: config.feeds.dir.clone(), clock, http })
    }

    /// Returns the folder of feeds, if the settings name one.
    pub(crate) fn dir(&self) -> Option<&Path> {
        self.dir.as_deref()
    }

    /// Reads all documents; one with an error refuses them all.
    pub(crate) fn load(&self) -> Result<Feeds, FeedsError> {
        let Some(dir) = &self.dir else { return Ok(Feeds::default()) };
        let (files, feeds) = self.check(dir)?;
        if files.iter().any(|file| !file.findings.is_empty()) {
            return Err(FeedsError::Wrong(files));
        }
        Ok(feeds)
    }

    /// Reads the documents in the folder `dir`, or the document `dir`, and says what is wrong with each.
    pub(crate) fn check(&self, dir: &Path) -> Result<(Vec<CheckedFile>, Feeds), RulesError> {
        let now = self.clock.now();
        let (mut files, mut feeds) = (Vec::new(), Feeds::default());
        let mut first: BTreeMap<String, PathBuf> = BTreeMap::new();
        for path in rules::files_in(dir)? {
            let mut file = rules::read_text(path)?;
            if file.findings.is_empty() {
                let (found, findings) = reading::feed(&file.text, &self.http, now);
                file.findings = findings;
                if let Some(found) = found {
                    if let Some(other) = first.get(&found.id) {
                        let what = format!("'{}' is the id in {} too", found.id, other.display());
                        let cure = "give one of them another id";
                        report(&mut file, Fault::new("duplicate-id", what, cure));
                    } else {
                        first.insert(found.id.clone(), file.path.clone());
                        feeds.feeds.insert(found.id.clone(), Arc::new(found));
                    }
                }
            }
            files.push(file);
        }
        for file in files.iter_mut().skip(FEEDS_MAX) {
            let what = format!("there are more than {FEEDS_MAX} feeds");
            report(file, Fault::new("too-many", what, "put together what can be"));
        }
        Ok((files, feeds))
    }

    /// Returns whether `path` is the folder of feeds, or in one.
    pub(crate) fn holds(&self, path: &Path) -> bool {
        let folder = if path.is_dir() { Some(path) } else { path.parent() };
        let is_named = |folder: &Path| folder.file_name().is_some_and(|name| name == FOLDER);
        folder.is_some_and(|folder| Some(folder) == self.dir() || is_named(folder))
    }
}

fn report(file: &mut CheckedFile, fault: Fault) {
    let span = span_of(&file.text, &["id"]);
    file.findings.push(Finding::error(&file.text, span, fault));
}

/// Says how much is wrong, where it begins, and how to see all of it.
struct Summary<'f>(&'f [CheckedFile]);

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errors = self.0.iter().flat_map(|file| file.findings.iter().map(move |e| (file, e)));
        let count = errors.clone().count();
        write!(f, "feeds have {count} error{}", if count == 1 { "" } else { "s" })?;
        for (file, first) in errors.take(1) {
            let Finding { line, column, message, .. } = first;
            write!(f, ", the first at {}:{line}:{column}: {message}", file.path.display())?;
        }
        f.write_str("; see all of them with `upturn check`")
    }
}

#[cfg(test)]
mod tests {
    use super::super::document;
    use super::*;
    use crate::clock::SystemClock;

    const DEPLOY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/feeds");

    fn setup(dir: &Path) -> Setup {
        let mut config = Config::default();
        config.feeds.dir = Some(dir.to_owned());
        Setup::new(&config, Arc::new(SystemClock)).unwrap()
    }

    #[test]
    fn the_samples_are_sound_and_their_schema_is_ours() {
        let feeds = setup(Path::new(DEPLOY)).load().unwrap();
        assert!(feeds.feeds.contains_key("ecb"));
        let kept = std::fs::read_to_string(format!("{DEPLOY}/feed.schema.json"));
        assert!(
            kept.unwrap_or_default() == document::schema(),
            "write it anew: upturn schema feed"
        );
    }

    #[test]
    fn what_is_wrong_in_a_feed_is_told_with_its_place() {
        const SOUND: &str = "id = \"ecb\"\nkind = \"ecb\"\ntitle = { en = \"ECB\" }\n\
            configured_by = \"ana\"\n";
        let cases = [
            ("", ""),
            ("kind = \"ecb\"\n=>kind = \"ecbb\"\n", "2:8: 'ecbb' is no kind of feed"),
            ("configured_by = \"ana\"\n=>", "missing field `configured_by`"),
            ("=>schedule = \"every day\"\n", "5:12: 'every day' is no schedule"),
            ("=>zone = \"Mars/Olympus\"\n", "5:8: 'Mars/Olympus' is no time zone"),
            ("=>jitter = \"2d\"\n", "5:10: that is too much jitter"),
            ("=>[limits]\njump = \"5 %\"\n", "6:8: '5 %' is no part of a rate"),
            ("=>[limits]\nwarn_after = \"100d\"\n", "facts would be blocked before"),
            ("=>[secrets]\nkey = { stored = \"A B\" }\n", "6:7: the secret 'key' is nowhere"),
            ("=>[settings]\nzone = \"UTC\"\n", "6:8: unknown field `zone`"),
            ("=>[source]\naddress = \"http://127.0.0.1/\"\n", "127.0.0.1"),
            ("=>[source]\naddress = \"https://ecb.example/{key}\"\n", "key"),
        ];
        for (change, expected) in cases {
            let folder = tempfile::tempdir().unwrap();
            let (from, to) = change.split_once("=>").unwrap_or_default();
            let text =
                if from.is_empty() { format!("{SOUND}{to}") } else { SOUND.replace(from, to) };
            std::fs::write(folder.path().join("a.toml"), text).unwrap();
            let told = setup(folder.path()).load().err().map(|error| error.to_string());
            let told = told.unwrap_or_default();
            assert_eq!(told.is_empty(), expected.is_empty(), "case: {change}: {told}");
            assert!(told.contains(expected), "case: {change}: {told}");
        }
    }
}
