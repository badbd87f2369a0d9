//! `upturn user`: who may sign in, what they may do, and their tokens for programs.

use std::collections::BTreeSet;
use std::io::{self, BufRead, IsTerminal as _, Read as _, Write};

use crate::auth::name::NameError;
use crate::auth::password::{self, PasswordError};
use crate::auth::person::Profile;
use crate::auth::role::Role;
use crate::clock::Clock;
use crate::config::{Config, ConfigError};
use crate::exit::Exit;
use crate::people::{self, By, PeopleError, Registry};
use crate::registry;
use crate::registry::problem::RegistryError;
use crate::store::audit::CONSOLE;
use crate::store::error::StoreError;
use crate::store::{Store, person};
use crate::web::language::Language;

mod echo;
mod list;
mod token;

/// Manages who may sign in, and what they may do.
#[derive(Clone, Debug, PartialEq, Eq, clap::Subcommand)]
pub(crate) enum Command {
    /// Lets somebody sign in; reads the password from standard input
    Add(AddArgs),
    /// Gives somebody a new password, read from standard input, and ends their sessions
    Passwd {
        /// The name they sign in with
        name: String,
        /// Have them choose another one at the next sign-in
        #[arg(long)]
        once: bool,
    },
    /// Gives somebody other roles; none where none is named
    Role {
        /// The name they sign in with
        name: String,
        /// What they are there for
        roles: Vec<Role>,
    },
    /// Keeps somebody out and ends their sessions
    Disable {
        /// The name they sign in with
        name: String,
    },
    /// Lets somebody in again
    Enable {
        /// The name they sign in with
        name: String,
    },
    /// Lists people
    List(list::Args),
    /// Manages tokens, which programs sign in with
    #[command(subcommand)]
    Token(token::Command),
}

/// Who is added.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args)]
pub(crate) struct AddArgs {
    /// The name to sign in with; tasks of the owner with this id are theirs
    name: String,
    /// What they are there for; may be said several times
    #[arg(long = "role", value_name = "ROLE", required = true)]
    roles: Vec<Role>,
    /// Their name for others; else that of people.csv
    #[arg(long = "called", value_name = "NAME")]
    called: Option<String>,
    /// Their e-mail address
    #[arg(long)]
    email: Option<String>,
    /// The language of their pages
    #[arg(long)]
    language: Option<Language>,
    /// A team of theirs; may be said several times; else that of people.csv
    #[arg(long = "team", value_name = "TEAM")]
    teams: Vec<String>,
    /// A region they answer for; may be said several times; '*' is every region
    #[arg(long = "region", value_name = "REGION")]
    regions: Vec<String>,
    /// The sign-in name of their superior; else that of people.csv
    #[arg(long, value_name = "NAME")]
    superior: Option<String>,
    /// Have them choose another password at the first sign-in
    #[arg(long)]
    once: bool,
}

/// Why a command did nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UserError {
    /// Settings.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The registry, which knows people too.
    #[error(transparent)]
    Registry(#[from] RegistryError),
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
    /// The people do not allow it.
    #[error(transparent)]
    People(PeopleError),
}

impl From<PeopleError> for UserError {
    fn from(error: PeopleError) -> Self {
        match error {
            PeopleError::Taken(id) => Self::Taken(id),
            PeopleError::Unknown(id) => Self::Unknown(id),
            error @ (PeopleError::Name(_)
            | PeopleError::Changed(_)
            | PeopleError::Oneself
            | PeopleError::Profile(_)
            | PeopleError::Password(_)
            | PeopleError::Token
            | PeopleError::UnknownToken(_)
            | PeopleError::Random(_)
            | PeopleError::Store(_)) => Self::People(error),
        }
    }
}

impl From<StoreError> for UserError {
    fn from(error: StoreError) -> Self {
        Self::People(PeopleError::Store(error))
    }
}

impl From<NameError> for UserError {
    fn from(error: NameError) -> Self {
        Self::People(PeopleError::Name(error))
    }
}

impl UserError {
    /// Returns the exit code that tells scripts what kind of trouble it is.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Config(_) | Self::Registry(_) => Exit::Config,
            Self::People(PeopleError::Store(_)) => Exit::Unavailable,
            Self::Io(_)
            | Self::People(
                PeopleError::Random(_)
                | PeopleError::Password(PasswordError::Hash(_) | PasswordError::Stopped),
            ) => Exit::Software,
            Self::NoPassword
            | Self::People(
                PeopleError::Name(_)
                | PeopleError::Profile(_)
                | PeopleError::Password(_)
                | PeopleError::Token,
            ) => Exit::DataErr,
            Self::Taken(_)
            | Self::Unknown(_)
            | Self::People(
                PeopleError::Taken(_)
                | PeopleError::Unknown(_)
                | PeopleError::Changed(_)
                | PeopleError::Oneself
                | PeopleError::UnknownToken(_),
            ) => Exit::Findings,
        }
    }
}

/// Where a command works.
struct Place<'a> {
    store: &'a Store,
    registered: &'a Registry,
    by: By<'a>,
    output: &'a mut (dyn Write + Send),
}

/// Runs `command` on the database that `config` names, with a password on the program's standard
/// input. A database that is new is made.
pub(crate) async fn run(
    command: &Command,
    config: &Config,
    clock: &dyn Clock,
    output: &mut (dyn Write + Send),
) -> Result<(), UserError> {
    if let Command::Add(AddArgs { name, .. }) = command {
        crate::auth::name::check(name)?;
    }
    // Before anybody types a password for nothing.
    let store = Store::open(config.store.connection_url()?.expose()).await?;
    store.migrate().await?;
    let registry = config.registry.dir.as_deref().map(registry::load).transpose()?;
    let registered = registry.unwrap_or_default().people;
    let asked = match command {
        Command::Add(AddArgs { name, .. }) | Command::Passwd { name, .. } => {
            Some(ask(name, output)?)
        }
        Command::Role { .. }
        | Command::Disable { .. }
        | Command::Enable { .. }
        | Command::List(_)
        | Command::Token(_) => None,
    };
    let by = By { actor: CONSOLE, at: clock.now() };
    let place = Place { store: &store, registered: &registered, by, output };
    change(command, asked.unwrap_or_default(), place).await?;
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

async fn change(command: &Command, password: String, place: Place<'_>) -> Result<(), UserError> {
    let Place { store, registered, by, output } = place;
    match command {
        Command::Add(args) => {
            let (name, profile) = (&args.name, args.profile(registered));
            people::add(store, registered, by, (name, profile), (password, args.once)).await?;
            writeln!(output, "{name} can sign in")?;
        }
        Command::Passwd { name, once } => {
            people::set_password(store, by, name, (password, *once)).await?;
            writeln!(output, "{name} has a new password and was logged out everywhere")?;
        }
        Command::Role { name, roles } => {
            let before = person::find(store, name).await?;
            let before = before.ok_or_else(|| UserError::Unknown(name.clone()))?;
            let roles: BTreeSet<Role> = roles.iter().copied().collect();
            let words: Vec<&str> = roles.iter().map(|role| role.word()).collect();
            let words = if words.is_empty() { "no roles".to_owned() } else { words.join(", ") };
            let profile = Profile { roles, ..before.profile.clone() };
            people::change(store, registered, by, &before, profile).await?;
            writeln!(output, "{name}: {words}")?;
        }
        Command::Disable { name } => {
            people::set_enabled(store, by, name, false).await?;
            writeln!(output, "{name} is kept out and was logged out everywhere")?;
        }
        Command::Enable { name } => {
            people::set_enabled(store, by, name, true).await?;
            writeln!(output, "{name} can sign in again")?;
        }
        Command::List(args) => list::run(args, store, output).await?,
        Command::Token(command) => token::run(command, store, by, output).await?,
    }
    Ok(())
}

impl AddArgs {
    /// Returns what is said about the person; what is left open is as the registry says.
    fn profile(&self, registered: &Registry) -> Profile {
        let known = registered.get(&*self.name);
        let mut teams: BTreeSet<String> = self.teams.iter().cloned().collect();
        if teams.is_empty() {
            teams.extend(known.and_then(|known| known.team.as_deref().map(str::to_owned)));
        }
        let of_registry = || known.and_then(|known| known.manager.as_deref().map(str::to_owned));
        Profile {
            name: self
                .called
                .clone()
                .unwrap_or_else(|| known.map(|known| known.name.to_string()).unwrap_or_default()),
            email: self.email.clone(),
            language: self.language,
            roles: self.roles.iter().copied().collect(),
            regions: self.regions.iter().cloned().collect(),
            teams,
            superior: self.superior.clone().or_else(of_registry),
            substitute: None,
        }
    }
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
mod tests;
