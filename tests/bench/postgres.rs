//! A private PostgreSQL server whose commits reach the disk.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use upturn_tests::site::Database;

use super::figures::{Failure, say};

/// A server; it ends with its owner.
#[derive(Debug)]
pub(super) struct Server {
    /// Its address, by a unix socket.
    pub(super) url: String,
    folder: String,
}

impl Server {
    /// Starts one; `None`, with one line that says so, where PostgreSQL is not installed.
    pub(super) fn start() -> Result<Option<Self>, Failure> {
        // As it comes, but for the tests' own shortcuts.
        let settings = "fsync = on\nfull_page_writes = on\nsynchronous_commit = on\n";
        let output = Command::new(script()).args(["start", settings]).output()?;
        if !output.status.success() {
            say("left out: PostgreSQL; it is not installed");
            return Ok(None);
        }
        let text = String::from_utf8(output.stdout)?;
        let value = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix("='"));
            line.map(|value| value.trim_end_matches('\'').to_owned()).unwrap_or_default()
        };
        let (url, folder) = (value("UPTURN_TEST_POSTGRES"), value("UPTURN_TEST_POSTGRES_DIR"));
        Ok(Some(Self { url, folder }))
    }
}

/// Has every commit to `database` take `commit` at least.
pub(super) fn slow_down(database: &Database, commit: Duration) {
    // The delay is made only beside this many other transactions.
    database.set("commit_siblings", "0");
    database.set("commit_delay", &commit.as_micros().to_string());
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(Command::new(script()).args(["stop", &self.folder]).status());
    }
}

fn script() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("postgres.sh")
}
