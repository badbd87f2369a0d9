//! `upturn secrets`: secrets that feeds need, kept encrypted in the database.

use std::io::{self, Read as _};
use std::path::Path;

use serde_json::json;
use upturn_connectors::secret::Secret;

use super::output;
use super::store_command::{self, StoreCommandError, open};
use crate::clock::{Clock as _, SystemClock};
use crate::exit::Exit;
use crate::feeds::reading::is_secret_name;
use crate::feeds::vault::{self, Vault};
use crate::store::audit::CONSOLE;
use crate::store::{self, named_secret};
use crate::web::when::machine;

/// The longest secret, in bytes.
const SECRET_MAX: u64 = 4_096;

/// Keeps secrets.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Keep the secret that standard input holds, in the place of the one before
    Set {
        /// Its name, as feeds have it behind `stored`
        name: String,
    },
    /// Show which secrets are kept, never what they are
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Forget a secret
    Remove {
        /// Its name
        name: String,
    },
}

/// Runs `command`.
pub(super) fn run(command: &Command, config: Option<&Path>) -> Exit {
    store_command::run(config, |config| async move {
        let store = open(&config).await?;
        store::schema::require_current(&store).await?;
        let now = SystemClock.now();
        let exit = match command {
            Command::Set { name } => {
                let vault = Vault::open(&config.feeds)?;
                let secret = read(name)?;
                vault::keep(&vault, &store, (name, &secret), (CONSOLE, now)).await?;
                output::say(format_args!("the secret '{name}' is kept"))?;
                Exit::Ok
            }
            Command::List { json } => list(&named_secret::all(&store).await?, *json)?,
            Command::Remove { name } => {
                if vault::forget(&store, name, (CONSOLE, now)).await? {
                    output::say(format_args!("the secret '{name}' is forgotten"))?;
                    Exit::Ok
                } else {
                    output::note(format_args!("no secret '{name}' is kept"));
                    Exit::Findings
                }
            }
        };
        store.close().await;
        Ok(exit)
    })
}

fn read(name: &str) -> Result<Secret, StoreCommandError> {
    if !is_secret_name(name) {
        let why = "a secret's name has 1 to 64 lower-case letters, digits, '-' or '_'";
        return Err(StoreCommandError::Refused(why.to_owned()));
    }
    let mut text = String::new();
    io::stdin().lock().take(SECRET_MAX + 1).read_to_string(&mut text)?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() || SECRET_MAX < u64::try_from(secret.len()).unwrap_or(u64::MAX) {
        let why = format!("standard input holds no secret of 1 to {SECRET_MAX} bytes");
        return Err(StoreCommandError::Refused(why));
    }
    Ok(Secret::from(secret.to_owned()))
}

fn list(kept: &[named_secret::Kept], is_json: bool) -> io::Result<Exit> {
    if is_json {
        let secrets = kept.iter().map(|one| {
            json!({
                "name": one.name, "key": one.key_id, "set_by": one.set_by,
                "set_at": machine(one.set_at),
            })
        });
        let secrets: Vec<_> = secrets.collect();
        output::say_json(format_args!("{:#}", json!({ "secrets": secrets })))?;
    } else {
        let row = |one: &named_secret::Kept| {
            vec![one.name.clone(), one.key_id.clone(), one.set_by.clone(), machine(one.set_at)]
        };
        output::say(output::table(&["secret", "key", "set by", "set at"], kept.iter().map(row)))?;
    }
    Ok(Exit::Ok)
}
