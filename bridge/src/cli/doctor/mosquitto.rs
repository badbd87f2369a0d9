//! The check of a Mosquitto's configuration: whether it holds what is published while we are away.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;

use super::{Check, Outcome};

/// Configuration files that one may include.
const FILES_MAX: usize = 100;

/// Whether a configuration of Mosquitto loses no telemetry.
#[derive(Clone, Debug)]
pub(super) struct MosquittoCheck {
    /// The configuration's file.
    pub(super) file: PathBuf,
}

/// What Mosquitto 2.0 goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Limits {
    in_flight: u64,
    queued: u64,
    packet: u64,
    persists: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { in_flight: 20, queued: 1_000, packet: 0, persists: false }
    }
}

#[async_trait]
impl Check for MosquittoCheck {
    fn name(&self) -> &'static str {
        "mosquitto"
    }

    async fn run(&self) -> Outcome {
        let shown = self.file.display();
        let lines = match read(&self.file) {
            Ok(lines) => lines,
            Err(error) => {
                let found = format!("{shown} cannot be read: {error}");
                return Outcome::fail(found, "name Mosquitto's configuration file");
            }
        };
        let limits = Limits::of(&lines);
        let faults = limits.faults();
        if faults.is_empty() {
            return Outcome::ok(format!("{shown} holds what is published while Upturn is away"));
        }
        let advice = "take these settings over from deploy/mosquitto.conf";
        Outcome::warn(format!("{shown}: {}", faults.join("\n")), advice)
    }
}

impl Limits {
    /// Returns what `lines` say; the last word counts.
    fn of(lines: &[String]) -> Self {
        let mut limits = Self::default();
        for line in lines {
            let Some((key, value)) = line.trim().split_once(char::is_whitespace) else { continue };
            let (value, number) = (value.trim(), value.trim().parse());
            match (key, number) {
                ("max_inflight_messages", Ok(number)) => limits.in_flight = number,
                ("max_queued_messages", Ok(number)) => limits.queued = number,
                ("max_packet_size", Ok(number)) => limits.packet = number,
                ("persistence", _) => limits.persists = value == "true",
                _ => {}
            }
        }
        limits
    }

    /// Returns what loses telemetry; 0 means without a limit.
    fn faults(self) -> Vec<String> {
        let mut faults = Vec::new();
        if (1..1_000).contains(&self.in_flight) {
            let Self { in_flight, .. } = self;
            faults.push(format!("max_inflight_messages is {in_flight}: slow; set 4000"));
        }
        if (1..100_000).contains(&self.queued) {
            let Self { queued, .. } = self;
            faults.push(format!(
                "max_queued_messages is {queued}: more is dropped while Upturn is away; set 1000000"
            ));
        }
        if self.queued == 0 {
            faults.push("max_queued_messages is 0: a queue without bound; set 1000000".to_owned());
        }
        if (1..256 * 1024).contains(&self.packet) {
            let Self { packet, .. } = self;
            faults.push(format!("max_packet_size is {packet}: larger ones are lost; set 1048576"));
        }
        if !self.persists {
            let why = "persistence is off: a restart of the broker loses what it holds; set true";
            faults.push(why.to_owned());
        }
        faults
    }
}

/// Returns the lines of `file` and, behind them, of what its `include_dir` names.
fn read(file: &Path) -> io::Result<Vec<String>> {
    let lines = |path: &Path| -> io::Result<Vec<String>> {
        Ok(fs::read_to_string(path)?.lines().map(str::to_owned).collect())
    };
    let mut all = lines(file)?;
    let included = all.iter().filter_map(|line| line.trim().strip_prefix("include_dir "));
    let folders: Vec<PathBuf> = included.map(|folder| folder.trim().into()).collect();
    for folder in folders {
        let found = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
        let mut paths: Vec<PathBuf> = found.iter().map(fs::DirEntry::path).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "conf"));
        paths.sort();
        for path in paths.iter().take(FILES_MAX) {
            all.extend(lines(path)?);
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    async fn outcome(text: &str) -> Outcome {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mosquitto.conf");
        let included = folder.path().join("conf.d");
        fs::create_dir(&included).unwrap();
        fs::write(included.join("more.conf"), "max_queued_messages 500000\n").unwrap();
        fs::write(&file, text.replace("DIR", &included.display().to_string())).unwrap();
        MosquittoCheck { file }.run().await
    }

    #[tokio::test]
    async fn the_shipped_configuration_is_fine_and_a_usual_one_is_not() {
        let shipped = include_str!("../../../../deploy/mosquitto.conf");
        let good = "persistence true\nmax_inflight_messages 4000\n";
        let including = format!("{good}include_dir DIR\n");
        let cases = [
            ("shipped", shipped, Verdict::Ok, ""),
            ("nothing set", "", Verdict::Warn, "max_queued_messages is 1000"),
            ("no bound", "max_queued_messages 0\n", Verdict::Warn, "without bound"),
            ("not kept", "persistence false\n", Verdict::Warn, "persistence is off"),
            ("included", &including, Verdict::Ok, ""),
            ("small packets", "max_packet_size 999\n", Verdict::Warn, "max_packet_size is 999"),
        ];
        for (name, text, verdict, words) in cases {
            let found = outcome(text).await;
            assert_eq!(found.verdict, verdict, "case: {name}: {found:?}");
            assert!(found.found.contains(words), "case: {name}: {found:?}");
        }
        let missing = MosquittoCheck { file: "nowhere/mosquitto.conf".into() }.run().await;
        assert_eq!(missing.verdict, Verdict::Fail);
    }
}
