//! Delivery channels against the software itself.
//!
//! What the recipes in `tests/targets` start; where one is not installed, a line says so. Secrets are
//! looked for in everything a channel says.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test ends where something is missing"
)]

mod caldav;
mod email;
mod files;
mod strange;
mod tryton;

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tempfile::TempDir;
use upturn_connectors::deliver::template::{Place, Templates, render};
use upturn_connectors::deliver::{Channel, Failure, KINDS, Letter, Surroundings};
use upturn_connectors::http::Http;
use upturn_connectors::http::guard::Allowed;

/// When the letters of the tests go out.
const NOW: &str = "2026-01-20T08:00:00Z";

fn now() -> DateTime<Utc> {
    NOW.parse().unwrap()
}

/// Returns the way out, to `hosts` also where they are private.
fn surroundings(hosts: &[&str]) -> Surroundings {
    let hosts = hosts.iter().copied().map(str::to_owned);
    Surroundings { http: Http::new(Allowed::new(hosts)).unwrap(), publisher: None }
}

/// Returns a channel to a server on this machine.
fn channel(kind: &str, settings: &Value) -> Box<dyn Channel> {
    let kind = KINDS.iter().find(|known| known.name == kind).unwrap();
    (kind.build)(settings, &surroundings(&["127.0.0.1", "localhost"])).unwrap()
}

/// A secret in a file of its own.
fn secret(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, format!("{text}\n")).unwrap();
    path
}

/// Returns a letter about `subject`; its key follows from `cause`.
fn letter(kind: &str, subject: &str, cause: &str) -> Letter {
    let body = json!({
        "title": {"en": "Charging failed three times", "zh": "连续三次充电失败"},
        "device": "EVSE-0042", "account": "northside", "at": NOW,
        "due_at": "2026-01-20T10:00:00Z", "steps": ["send_coupon"], "zone": "Asia/Shanghai",
    });
    let key: String = [cause, kind, subject].concat().replace('-', "");
    let key = format!("{key:0<64}");
    let text = render(&Templates::default(), Place::default(), kind, "zh", &body).unwrap();
    let (kind, subject) = (kind.to_owned(), subject.to_owned());
    Letter { key, kind, subject, body, text, recipient: None, remote: None }
}

/// Fails if `canary` is in what a channel says of itself or of a failure.
fn says_no_secret(canary: &str, channel: &dyn Channel, failure: &Failure) {
    let said = format!("{channel:?} {failure} {failure:?}");
    assert!(!said.contains(canary), "{said}");
}

fn is_later(failure: &Failure) -> bool {
    matches!(failure, Failure::Later { .. })
}

fn is_refused(failure: &Failure) -> bool {
    matches!(failure, Failure::Refused { .. })
}

/// Returns the files in `folder` that end with `end`.
fn files_in(folder: &Path, end: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.to_string_lossy().ends_with(end) && path.is_file()).collect()
}
