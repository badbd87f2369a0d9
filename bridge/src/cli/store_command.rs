//! What commands on the database share: opening it, and how they end.

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};

use upturn_core::decode::DecodeError;
use upturn_core::event::Position;

use super::{block_on, output};
use crate::backup::BackupError;
use crate::config::{Config, ConfigError};
use crate::exit::Exit;
use crate::feeds::files::FeedsError;
use crate::feeds::vault::VaultError;
use crate::parquet::TableError;
use crate::store::Store;
use crate::store::claim::CHECK_EVERY;
use crate::store::error::StoreError;

/// Why a command on the database came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum StoreCommandError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("there is no database {} yet; `upturn serve` makes it", .0.display())]
    NoDatabase(PathBuf),
    #[error(transparent)]
    Backup(#[from] BackupError),
    #[error("{} is there already and was left as it is; name a new file", .0.display())]
    Exists(PathBuf),
    #[error("cannot write {path}; check the folder, its permissions and the disk", path = .path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("the event at place {position} cannot be written down; run `upturn doctor`")]
    Event { position: Position, source: DecodeError },
    #[error(transparent)]
    Table(#[from] TableError),
    #[error(transparent)]
    Feeds(#[from] FeedsError),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error("there is no feed '{name}'; there are: {known}")]
    NoFeed { name: String, known: String },
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    Notes(#[from] crate::audit_head::NotesError),
    #[error(transparent)]
    Preview(#[from] super::outbox::PreviewError),
    #[error(transparent)]
    Print(#[from] io::Error),
}

impl StoreCommandError {
    fn exit(&self) -> Exit {
        match self {
            Self::Config(_) | Self::Feeds(_) | Self::Vault(_) | Self::Preview(_) => Exit::Config,
            Self::NoFeed { .. } => Exit::Usage,
            Self::Refused(_) => Exit::DataErr,
            Self::Store(_) | Self::NoDatabase(_) => Exit::Unavailable,
            Self::Backup(error) => error.exit(),
            Self::Notes(_) => Exit::NoInput,
            Self::Event { .. } => Exit::Software,
            Self::Exists(_) | Self::Write { .. } | Self::Table(_) | Self::Print(_) => Exit::Output,
        }
    }

    /// Returns the error of a file at `path` that cannot be made.
    pub(super) fn of_file(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        if source.kind() == io::ErrorKind::AlreadyExists {
            return Self::Exists(path);
        }
        Self::Write { path, source }
    }
}

/// Runs `work` on the settings in `file`, to its end.
pub(super) fn run<W>(file: Option<&Path>, work: impl FnOnce(Config) -> W) -> Exit
where
    W: Future<Output = Result<Exit, StoreCommandError>>,
{
    let config = match Config::load(file) {
        Ok(config) => config,
        Err(error) => return output::failed(&error, Exit::Config),
    };
    block_on(async {
        match work(config).await {
            Ok(exit) => exit,
            Err(StoreCommandError::Print(error)) => output::printed(Err(error)),
            Err(error) => output::failed(&error, error.exit()),
        }
    })
}

/// Opens the configured database, which is there already.
pub(super) async fn open(config: &Config) -> Result<Store, StoreCommandError> {
    // Opening would make it.
    if let Some(file) = config.store.url.file().filter(|file| !file.exists()) {
        return Err(StoreCommandError::NoDatabase(file.to_owned()));
    }
    open_or_make(config).await
}

/// Runs `work` while nobody else writes to the database; fails at once if somebody does.
pub(super) async fn alone<T>(
    store: &Store,
    work: impl Future<Output = Result<T, StoreCommandError>>,
) -> Result<T, StoreCommandError> {
    let mut candidate = store.candidate();
    let claim = candidate.try_claim().await?;
    let mut claim = claim.ok_or_else(|| candidate.refusal())?;
    let kept = async {
        loop {
            tokio::time::sleep(CHECK_EVERY).await;
            if let Err(lost) = claim.check().await {
                return lost;
            }
        }
    };
    tokio::select! {
        outcome = work => outcome,
        lost = kept => Err(lost.into()),
    }
}

/// Opens the configured database; a SQLite file that is missing is made.
pub(super) async fn open_or_make(config: &Config) -> Result<Store, StoreCommandError> {
    Ok(Store::open(config.store.connection_url()?.expose()).await?)
}
