//! `upturn user`: who may log in.

use std::io::{self, BufRead, IsTerminal as _, Read as _, Write};

use crate::auth::name::{self, NameError};
use crate::auth::password::{self, PasswordError};
use crate::clock::Clock;
use crate::config::{Config, ConfigError};
use crate::exit::Exit;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::user::{self, NewUser};

mod echo;

/// Manages who may log in.
#[derive(Clone, Debug, PartialEq, Eq, clap::Subcommand)]
pub(crate) enum Command {
    /// Lets somebody log in; reads the password from standard input.
    Add {
        /// The name to log in with; tasks of the owner with this name are theirs.
        name: String,
    },
    /// Gives somebody a new password, read from standard input, and logs them out everywhere.
    Passwd {
        /// The name they log in with.
        name: String,
    },
}

/// Why a command did nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UserError {
    /// Settings.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The name cannot be a user's.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The password cannot be one.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// No password came.
    #[error("no password was given; write it to standard input")]
    NoPassword,
    /// It cannot be read, or the answer cannot be written.
    #[error("the terminal or pipe broke")]
    Io(#[from] io::Error),
    /// The name is taken.
    #[error("there already is a user {0}; `upturn user passwd {0}` changes the password")]
    Taken(String),
    /// Nobody has the name.
    #[error("there is no user {0}; `upturn user add {0}` makes one")]
    Unknown(String),
    /// The store did not do it.
    #[error("the users could not be changed")]
    Store(#[from] StoreError),
}

impl UserError {
    /// Returns the exit code that tells scripts what kind of trouble it is.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Config(_) => Exit::Config,
            Self::Store(_) => Exit::Unavailable,
            Self::Io(_) => Exit::Software,
            Self::Name(_) | Self::Password(_) | Self::NoPassword => Exit::DataErr,
            Self::Taken(_) | Self::Unknown(_) => Exit::Findings,
        }
    }
}

/// Runs `command` on the database that `config` names, with the password on the program's standard
/// input. A database that is new is made.
pub(crate) async fn run(
    command: &Command,
    config: &Config,
    clock: &dyn Clock,
    output: &mut (dyn Write + Send),
) -> Result<(), UserError> {
    let (Command::Add { name } | Command::Passwd { name }) = command;
    name::check(name)?;
    // Before anybody types a password for nothing.
    let store = Store::open(config.store.connection_url()?.expose()).await?;
    store.migrate().await?;
    let password = ask(name, output)?;
    change(command, password, &store, clock, output).await?;
    store.close().await;
    Ok(())
}

fn ask(name: &str, output: &mut (dyn Write + Send)) -> Result<String, UserError> {
    if !io::stdin().is_terminal() {
        return read_password(&mut io::stdin().lock());
    }
    write!(output, "Password for {name} (at least {} characters): ", password::MIN_CHARS)?;
    output.flush()?;
    let password = echo::without(|| read_password(&mut io::stdin().lock()));
    writeln!(output)?;
    password
}

async fn change(
    command: &Command,
    password: String,
    store: &Store,
    clock: &dyn Clock,
    output: &mut (dyn Write + Send),
) -> Result<(), UserError> {
    let hash = password::hash(password).await?;
    match command {
        Command::Add { name } => {
            let created_at = clock.now();
            let new = NewUser { name, password_hash: &hash, language: None, created_at };
            if !user::create(store, new).await? {
                return Err(UserError::Taken(name.clone()));
            }
            writeln!(output, "{name} can log in")?;
        }
        Command::Passwd { name } => {
            if !user::set_password(store, name, &hash).await? {
                return Err(UserError::Unknown(name.clone()));
            }
            writeln!(output, "{name} has a new password and was logged out everywhere")?;
        }
    }
    Ok(())
}

/// Reads one line; the line break is not part of the password.
fn read_password(input: &mut impl BufRead) -> Result<String, UserError> {
    let line_max = u64::try_from(password::MAX_LEN).unwrap_or(u64::MAX).saturating_add(2);
    let mut line = String::new();
    input.take(line_max).read_line(&mut line)?;
    let password = line.strip_suffix('\n').unwrap_or(&line);
    let password = password.strip_suffix('\r').unwrap_or(password);
    if password.is_empty() {
        return Err(UserError::NoPassword);
    }
    Ok(password.to_owned())
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::clock::SystemClock;

    /// What anna's password is stored as before a command runs.
    const BEFORE: &str = "before";

    /// Returns a store that knows only anna, and the folder it lives as long as.
    async fn only_anna() -> (TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("upturn.db").display());
        let store = Store::open(&url).await.unwrap();
        store.migrate().await.unwrap();
        let created_at = SystemClock.now();
        let anna = NewUser { name: "anna", password_hash: BEFORE, language: None, created_at };
        assert!(user::create(&store, anna).await.unwrap());
        (folder, store)
    }

    async fn stored_hash(store: &Store, name: &str) -> Option<String> {
        user::find(store, name).await.unwrap().map(|user| user.password_hash)
    }

    #[tokio::test]
    async fn says_what_it_did_or_why_it_did_nothing() {
        let add = |name: &str| Command::Add { name: name.to_owned() };
        let passwd = |name: &str| Command::Passwd { name: name.to_owned() };
        let cases = [
            (add("bob"), "correct horse", Ok("bob can log in\n")),
            (
                add("anna"),
                "correct horse",
                Err("there already is a user anna; `upturn user passwd anna` changes the password"),
            ),
            (
                passwd("anna"),
                "correct horse",
                Ok("anna has a new password and was logged out everywhere\n"),
            ),
            (
                passwd("bob"),
                "correct horse",
                Err("there is no user bob; `upturn user add bob` makes one"),
            ),
            (
                add("bob"),
                "too short",
                Err("a password needs at least 10 characters; this one has 9"),
            ),
        ];
        for (command, password, expected) in cases {
            let (_folder, store) = only_anna().await;
            let mut output = Vec::new();
            let password = password.to_owned();
            let changed = change(&command, password, &store, &SystemClock, &mut output).await;
            let said = changed.map(|()| String::from_utf8(output).unwrap());
            let said = said.map_err(|e| e.to_string());
            let expected = expected.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(said, expected, "case: {command:?}");

            let (Command::Add { name } | Command::Passwd { name }) = &command;
            let stored = stored_hash(&store, name).await;
            if expected.is_ok() {
                let hash = stored.unwrap_or_default();
                assert!(hash.starts_with("$argon2id$"), "case: {command:?}");
            } else {
                let before = (name == "anna").then_some(BEFORE);
                assert_eq!(stored.as_deref(), before, "case: {command:?}");
            }
            store.close().await;
        }
    }

    #[test]
    fn reads_one_line_as_the_password() {
        let cases = [
            ("correct horse\nmore\n", Some("correct horse")),
            ("correct horse\r\n", Some("correct horse")),
            (" correct horse ", Some(" correct horse ")),
            ("\n", None),
            ("", None),
        ];
        for (input, expected) in cases {
            let read = read_password(&mut input.as_bytes());
            assert_eq!(read.ok().as_deref(), expected, "case: {input:?}");
        }
    }
}
