//! `[feeds]`: where feeds are, and how many run at once.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::problem::Finding;

/// `[feeds]`: where feeds are.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FeedsConfig {
    /// A folder with one TOML file a feed. Default: none, no facts are fetched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dir: Option<PathBuf>,
    /// How many feeds are fetched at once, 1 to 32. Default: 4.
    pub(crate) at_once: u8,
    /// A file with the key by which secrets are kept encrypted in the database: 64 hexadecimal digits,
    /// mode 0600. Default: none, secrets stand in files and in the environment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key_file: Option<PathBuf>,
    /// The variable of the environment that holds that key, instead of a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key_variable: Option<String>,
    /// The file with the key before, by which older secrets are still read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) old_key_file: Option<PathBuf>,
}

impl Default for FeedsConfig {
    fn default() -> Self {
        Self { dir: None, at_once: 4, key_file: None, key_variable: None, old_key_file: None }
    }
}

impl FeedsConfig {
    pub(super) fn check(&self, findings: &mut Vec<Finding>) {
        if !(1..=32).contains(&self.at_once) {
            let why = "is no number of feeds; write 1 to 32".to_owned();
            findings.push(Finding::new(&["feeds", "at_once"], why));
        }
        let is_keyless = self.key_file.is_none() && self.key_variable.is_none();
        if self.old_key_file.is_some() && is_keyless {
            let why = "is the key before, and there is none now; set key_file".to_owned();
            findings.push(Finding::new(&["feeds", "old_key_file"], why));
        }
    }
}
