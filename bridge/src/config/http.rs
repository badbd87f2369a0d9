//! `[http]`: whom the program may call.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::problem::Finding;

/// `[http]`: whom the program may call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct HttpConfig {
    /// Hosts, by name or address and without a port, that may be called though their addresses are
    /// private. Default: none.
    pub(crate) allow_private: Vec<String>,
    /// PEM files with authorities of one's own, trusted beside the system's. Default: none.
    pub(crate) ca_files: Vec<PathBuf>,
}

impl HttpConfig {
    pub(super) fn check(&self, findings: &mut Vec<Finding>) {
        for (number, host) in self.allow_private.iter().enumerate() {
            // An IPv6 address stands without brackets.
            let is_address = host.parse::<std::net::IpAddr>().is_ok();
            let is_name = !host.is_empty() && !host.contains(['/', ':', '@', ' ', '*']);
            if !is_address && !is_name {
                let why = "is no host; write a name or an address without a port".to_owned();
                let number = number.to_string();
                findings.push(Finding::new(&["http", "allow_private", &number], why));
            }
        }
    }
}
