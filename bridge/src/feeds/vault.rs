//! Encrypts secrets that are kept in the database, by a key that is not.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use upturn_connectors::secret::Secret;

use super::Feed;
use super::document::SecretDocument;
use crate::config::environment;
use crate::config::feeds::FeedsConfig;
use crate::hex;
use crate::store::Store;
use crate::store::audit::{self, NewEntry};
use crate::store::error::StoreError;
use crate::store::named_secret::{self, Sealed};

/// The length of a key, in bytes.
const KEY_LEN: usize = 32;

/// Opens and seals secrets. Never shown.
#[derive(Default)]
pub(crate) struct Vault {
    /// The key that seals comes first.
    keys: Vec<Key>,
}

struct Key {
    id: String,
    bytes: [u8; KEY_LEN],
}

/// Why a key or a secret cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VaultError {
    /// There is no key.
    #[error(
        "there is no key to keep secrets with; set [feeds] key_file, or use a file for the secret"
    )]
    NoKey,
    /// The key's file cannot be read.
    #[error("the key in '{}' cannot be read", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others could read it.
    #[error("others may read the key in '{}'; run chmod 600 on it", .0.display())]
    Exposed(PathBuf),
    /// It is no key.
    #[error("what is in {0} is no key; write 64 hexadecimal digits, as openssl rand -hex 32 does")]
    NoHex(String),
    /// The secret was sealed by another key.
    #[error("the secret '{name}' was kept with another key ({key_id}); set it again")]
    OtherKey {
        /// Its name.
        name: String,
        /// That key.
        key_id: String,
    },
    /// It was changed, or is not what it says.
    #[error("the secret '{0}' cannot be opened; set it again")]
    Broken(String),
    /// No secret of that name is kept.
    #[error("no secret '{0}' is kept; set it on the page, or by upturn secrets set {0}")]
    Missing(String),
    /// A secret's own file cannot be read.
    #[error("the secret '{name}' in '{path}' cannot be read")]
    File {
        /// What the feed calls it.
        name: String,
        /// Its file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// A variable is not set.
    #[error("the variable {variable} with the secret '{name}' is not set")]
    Variable {
        /// What the feed calls it.
        name: String,
        /// The variable.
        variable: String,
    },
    /// The database is away.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Vault {
    /// Reads the keys that `config` names.
    pub(crate) fn open(config: &FeedsConfig) -> Result<Self, VaultError> {
        let mut keys = Vec::new();
        for path in [&config.key_file, &config.old_key_file].into_iter().flatten() {
            keys.push(Key::read(path)?);
        }
        if let Some(name) = &config.key_variable {
            let text = environment::variable(name).unwrap_or_default();
            keys.insert(0, Key::of(&text).ok_or_else(|| VaultError::NoHex(name.clone()))?);
        }
        Ok(Self { keys })
    }

    /// Returns whether secrets can be kept.
    pub(crate) fn has_key(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Encrypts `secret`, to be kept as `name`.
    pub(crate) fn seal(&self, name: &str, secret: &Secret) -> Result<Sealed, VaultError> {
        let key = self.keys.first().ok_or(VaultError::NoKey)?;
        let broken = || VaultError::Broken(name.to_owned());
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(|_unsaid| broken())?;
        let mut text = secret.expose().as_bytes().to_vec();
        let sealing = key.sealing().ok_or_else(broken)?;
        sealing
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(name.as_bytes()),
                &mut text,
            )
            .map_err(|_unsaid| broken())?;
        Ok(Sealed { key_id: key.id.clone(), bytes: [&nonce[..], &text].concat() })
    }

    /// Decrypts what is kept as `name`.
    pub(crate) fn unseal(&self, name: &str, sealed: &Sealed) -> Result<Secret, VaultError> {
        if !self.has_key() {
            return Err(VaultError::NoKey);
        }
        let key = self.keys.iter().find(|key| key.id == sealed.key_id);
        let key = key.ok_or_else(|| VaultError::OtherKey {
            name: name.to_owned(),
            key_id: sealed.key_id.clone(),
        })?;
        let open = || {
            let (nonce, text) = sealed.bytes.split_at_checked(NONCE_LEN)?;
            let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
            let mut text = text.to_vec();
            let aad = Aad::from(name.as_bytes());
            let plain = key.sealing()?.open_in_place(nonce, aad, &mut text).ok()?;
            String::from_utf8(plain.to_vec()).ok()
        };
        open().map(Secret::from).ok_or_else(|| VaultError::Broken(name.to_owned()))
    }

    /// Returns the secrets that `feed` needs, from wherever they are.
    pub(crate) async fn secrets_of(
        &self,
        feed: &Feed,
        store: Option<&Store>,
    ) -> Result<BTreeMap<String, Secret>, VaultError> {
        let mut secrets = BTreeMap::new();
        for (name, place) in &feed.secrets {
            let secret = match place {
                SecretDocument::File(path) => Secret::read(Path::new(path)).map_err(|source| {
                    VaultError::File { name: name.clone(), path: path.clone(), source }
                })?,
                SecretDocument::Environment(variable) => {
                    environment::variable(variable).map(Secret::from).ok_or_else(|| {
                        VaultError::Variable { name: name.clone(), variable: variable.clone() }
                    })?
                }
                SecretDocument::Stored(kept) => {
                    let missing = || VaultError::Missing(kept.clone());
                    let store = store.ok_or_else(missing)?;
                    let sealed = named_secret::find(store, kept).await?.ok_or_else(missing)?;
                    self.unseal(kept, &sealed)?
                }
            };
            secrets.insert(name.clone(), secret);
        }
        Ok(secrets)
    }
}

/// Keeps `secret` encrypted as `name`, and writes down who set it.
pub(crate) async fn keep(
    vault: &Vault,
    store: &Store,
    (name, secret): (&str, &Secret),
    (actor, now): (&str, DateTime<Utc>),
) -> Result<(), VaultError> {
    let sealed = vault.seal(name, secret)?;
    let mut tx = store.begin().await?;
    named_secret::put(&mut tx, (name, &sealed), (actor, now)).await?;
    let (action, detail) = ("secret-set", json!({ "key": sealed.key_id }));
    let entry = NewEntry { at: now, actor, action, subject: name, detail: &detail };
    audit::append(&mut tx, entry).await?;
    Ok(tx.commit().await?)
}

/// Forgets what is kept as `name`; returns whether it was.
pub(crate) async fn forget(
    store: &Store,
    name: &str,
    (actor, now): (&str, DateTime<Utc>),
) -> Result<bool, StoreError> {
    let mut tx = store.begin().await?;
    if !named_secret::remove(&mut tx, name).await? {
        return Ok(false);
    }
    let (action, detail) = ("secret-removed", json!({}));
    let entry = NewEntry { at: now, actor, action, subject: name, detail: &detail };
    audit::append(&mut tx, entry).await?;
    tx.commit().await?;
    Ok(true)
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("keys", &self.keys.len()).finish()
    }
}

impl Key {
    fn read(path: &Path) -> Result<Self, VaultError> {
        let unreadable = |source| VaultError::Unreadable { path: path.to_owned(), source };
        let mode = fs::metadata(path).map_err(unreadable)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(VaultError::Exposed(path.to_owned()));
        }
        let secret = Secret::read(path).map_err(unreadable)?;
        let shown = || VaultError::NoHex(format!("'{}'", path.display()));
        Self::of(secret.expose()).ok_or_else(shown)
    }

    fn of(text: &str) -> Option<Self> {
        let bytes: [u8; KEY_LEN] = hex::bytes(text.trim())?.try_into().ok()?;
        let digest =
            Sha256::new().chain_update(b"upturn-feeds-key:").chain_update(bytes).finalize();
        let id = hex::hex(&digest).get(..8)?.to_owned();
        Some(Self { id, bytes })
    }

    fn sealing(&self) -> Option<LessSafeKey> {
        UnboundKey::new(&AES_256_GCM, &self.bytes).ok().map(LessSafeKey::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(folder: &Path, keys: &[&str]) -> Vault {
        let path = |name: &str, text: Option<&&str>| {
            let path = folder.join(name);
            fs::write(&path, text?).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            Some(path)
        };
        let config = FeedsConfig {
            key_file: path("new", keys.first()),
            old_key_file: path("old", keys.get(1)),
            ..FeedsConfig::default()
        };
        Vault::open(&config).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_by_its_key_and_name_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = ("1f".repeat(32), "2e".repeat(32));
        let first = vault(folder.path(), &[&one]);
        let secret = Secret::from("s3cret".to_owned());
        let sealed = first.seal("oxr", &secret).unwrap();
        assert!(!sealed.bytes.windows(6).any(|bytes| bytes == b"s3cret"));
        assert_eq!(first.unseal("oxr", &sealed).unwrap(), secret);
        assert!(matches!(first.unseal("other", &sealed), Err(VaultError::Broken(_))));

        let rotated = vault(folder.path(), &[&other, &one]);
        assert_eq!(rotated.unseal("oxr", &sealed).unwrap(), secret, "by the key before");
        assert_ne!(rotated.seal("oxr", &secret).unwrap().key_id, sealed.key_id);
        let alone = vault(folder.path(), &[&other]);
        assert!(matches!(alone.unseal("oxr", &sealed), Err(VaultError::OtherKey { .. })));
        assert!(matches!(Vault::default().seal("oxr", &secret), Err(VaultError::NoKey)));
    }

    #[test]
    fn a_key_that_others_may_read_or_that_is_none_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        for (mode, text, expected) in
            [(0o644, "1f".repeat(32), "chmod 600"), (0o600, "1f".repeat(31), "64 hexadecimal")]
        {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let config = FeedsConfig { key_file: Some(path.clone()), ..FeedsConfig::default() };
            let refused = Vault::open(&config).unwrap_err().to_string();
            assert!(refused.contains(expected), "{refused}");
        }
    }
}
