//! The check of passwords and private keys: readable by us, and by nobody else.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use async_trait::async_trait;

use super::{Check, Outcome};
use crate::cli::causes;
use crate::config::Config;
use crate::config::secret;

/// Whether secrets can be read and are kept.
#[derive(Clone, Debug)]
pub(super) struct SecretsCheck {
    passwords: Vec<PathBuf>,
    keys: Vec<PathBuf>,
    has_password_in_url: bool,
}

impl SecretsCheck {
    /// Looks at the secrets that `config` names.
    pub(super) fn of(config: &Config) -> Self {
        let connect = config.mqtt.connect.as_ref();
        let of_broker = connect.and_then(|connect| connect.password_file.clone());
        let of_store = config.store.password_file.clone();
        let of_client = connect.and_then(|connect| connect.key_file.clone());
        let of_door = config.mqtt.tls.as_ref().map(|tls| tls.key_file.clone());
        Self {
            passwords: of_broker.into_iter().chain(of_store).collect(),
            keys: of_client.into_iter().chain(of_door).collect(),
            has_password_in_url: config.store.url.has_password(),
        }
    }
}

#[async_trait]
impl Check for SecretsCheck {
    fn name(&self) -> &'static str {
        "secrets"
    }

    async fn run(&self) -> Outcome {
        for path in &self.passwords {
            if let Err(error) = secret::read(path) {
                let advice = "correct the name, or give the file to the user Upturn runs as";
                return Outcome::fail(causes::describe(&error), advice);
            }
        }
        let files = || self.passwords.iter().chain(&self.keys);
        let open = files().filter(|path| {
            path.metadata().is_ok_and(|file| file.permissions().mode() & 0o007 != 0)
        });
        let open: Vec<_> = open.map(|path| path.display().to_string()).collect();
        if !open.is_empty() {
            let found = format!("anybody on this machine can read {}", open.join(", "));
            return Outcome::warn(found, "take the others' rights away: chmod o= FILE");
        }
        if self.has_password_in_url {
            let found = "a password stands in store.url, where it is easily copied along";
            return Outcome::warn(found, "write it into a file of its own: store.password_file");
        }
        match files().count() {
            0 => Outcome::ok("none are needed"),
            count => Outcome::ok(format!("{count} can be read, and not by everybody")),
        }
    }
}
