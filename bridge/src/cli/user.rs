//! `upturn user`: who may log in.

use std::io::{self, BufRead, IsTerminal as _, Read as _, Write};

use async_trait::async_trait;

use crate::auth::name::{self, NameError};
use crate::auth::password::{self, PasswordError};
use crate::exit::Exit;

mod echo;
pub(crate) mod stored;

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

/// The users, as the command sees the store.
#[async_trait]
pub(crate) trait Users: Send + Sync {
    /// Stores a new user; returns whether the name was free.
    async fn create(&self, name: &str, password_hash: &str) -> Result<bool, UsersError>;
    /// Gives a user another password and ends their sessions; returns whether there is such a user.
    async fn set_password(&self, name: &str, password_hash: &str) -> Result<bool, UsersError>;
}

/// What the store said.
pub(crate) type UsersError = Box<dyn std::error::Error + Send + Sync>;

/// Why a command did nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UserError {
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
    Store(#[source] UsersError),
}

impl UserError {
    /// Returns the exit code that tells scripts what kind of trouble it is.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Store(_) => Exit::Unavailable,
            Self::Io(_) => Exit::Software,
            Self::Name(_) | Self::Password(_) | Self::NoPassword => Exit::DataErr,
            Self::Taken(_) | Self::Unknown(_) => Exit::Findings,
        }
    }
}

/// Runs `command` with the password on the program's standard input.
pub(crate) async fn run(
    command: &Command,
    users: &dyn Users,
    output: &mut (dyn Write + Send),
) -> Result<(), UserError> {
    let (Command::Add { name } | Command::Passwd { name }) = command;
    name::check(name)?;
    let password = if io::stdin().is_terminal() {
        write!(output, "Password for {name} (at least {} characters): ", password::MIN_CHARS)?;
        output.flush()?;
        let password = echo::without(|| read_password(&mut io::stdin().lock()));
        writeln!(output)?;
        password?
    } else {
        read_password(&mut io::stdin().lock())?
    };
    change(command, password, users, output).await
}

async fn change(
    command: &Command,
    password: String,
    users: &dyn Users,
    output: &mut (dyn Write + Send),
) -> Result<(), UserError> {
    let hash = password::hash(password).await?;
    match command {
        Command::Add { name } => {
            if !users.create(name, &hash).await.map_err(UserError::Store)? {
                return Err(UserError::Taken(name.clone()));
            }
            writeln!(output, "{name} can log in")?;
        }
        Command::Passwd { name } => {
            if !users.set_password(name, &hash).await.map_err(UserError::Store)? {
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
    use std::sync::Mutex;

    use super::*;

    /// Knows only anna.
    #[derive(Default)]
    struct OnlyAnna(Mutex<Vec<String>>);

    #[async_trait]
    impl Users for OnlyAnna {
        async fn create(&self, name: &str, password_hash: &str) -> Result<bool, UsersError> {
            self.0.lock().unwrap().push(password_hash.to_owned());
            Ok(name != "anna")
        }

        async fn set_password(&self, name: &str, password_hash: &str) -> Result<bool, UsersError> {
            self.0.lock().unwrap().push(password_hash.to_owned());
            Ok(name == "anna")
        }
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
            let users = OnlyAnna::default();
            let mut output = Vec::new();
            let changed = change(&command, password.to_owned(), &users, &mut output).await;
            let said = changed.map(|()| String::from_utf8(output).unwrap());
            let said = said.map_err(|e| e.to_string());
            let expected = expected.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(said, expected, "case: {command:?}");
            for hash in users.0.lock().unwrap().iter() {
                assert!(hash.starts_with("$argon2id$"), "case: {command:?}");
            }
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
