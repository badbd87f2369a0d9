//! Job J1: what a fleet publishes, and the rule it is judged by.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;
use upturn_tests::fleet::Message;

use super::figures::Failure;

/// The job.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) rule_file: PathBuf,
    pub(super) events_file: PathBuf,
    pub(super) rule: String,
    pub(super) messages: Vec<Message>,
    /// How many of the messages differ.
    pub(super) distinct: u64,
    /// Holds the events that were made here.
    _folder: TempDir,
}

impl Job {
    /// Reads the events of `file`, or repeats the small job.
    pub(super) fn read(file: Option<&Path>) -> Result<Self, Failure> {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/j1");
        let folder = TempDir::new()?;
        let events_file = match file {
            Some(path) => path.to_owned(),
            None => repeated(&data.join("events.jsonl"), folder.path())?,
        };
        let mut messages = Vec::new();
        for line in std::fs::read_to_string(&events_file)?.lines() {
            let line: Value = serde_json::from_str(line)?;
            let topic = line["topic"].as_str().unwrap_or_default();
            messages.push(Message::new(topic, line["payload"].to_string()));
        }
        let all: BTreeSet<_> = messages.iter().map(|m| (&m.topic, &m.payload)).collect();
        let distinct = u64::try_from(all.len())?;
        let rule_file = data.join("rule.toml");
        let rule = std::fs::read_to_string(&rule_file)?;
        Ok(Self { rule_file, events_file, rule, messages, distinct, _folder: folder })
    }
}

/// Writes the small job again and again, each time on other devices.
fn repeated(small: &Path, folder: &Path) -> std::io::Result<PathBuf> {
    let text = std::fs::read_to_string(small)?;
    let path = folder.join("events.jsonl");
    let copies = (0..25).map(|n| text.replace("devices/cp-", &format!("devices/cp{n}-")));
    std::fs::write(&path, copies.collect::<String>())?;
    Ok(path)
}
