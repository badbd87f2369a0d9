//! `[store]`: where events and tasks are kept.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use url::Url;

use super::ConfigError;
use super::secret::{self, MASK, Secret};

/// `[store]`: where events and tasks are kept.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoreConfig {
    /// `sqlite:PATH`, a file that is made where it is missing, or
    /// `postgres://user@host:5432/database`. Default: `sqlite:upturn.db`.
    pub(crate) url: StoreUrl,
    /// A file with the database password, so that it need not stand in the URL. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) password_file: Option<PathBuf>,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self { url: StoreUrl::Sqlite("upturn.db".into()), password_file: None }
    }
}

impl StoreConfig {
    /// Returns the URL to open the store with, password and all: not to be shown.
    pub(crate) fn connection_url(&self) -> Result<Secret, ConfigError> {
        let StoreUrl::Postgres(url) = &self.url else {
            return Ok(Secret::from(self.url.to_string()));
        };
        let mut url = url.clone();
        if let Some(path) = &self.password_file {
            let password = secret::read(path)?;
            // Refused by `url` only where there is no host, which `StoreUrl` has checked.
            if url.set_password(Some(password.expose())).is_err() {
                url.query_pairs_mut().append_pair("password", password.expose());
            }
        }
        Ok(Secret::from(String::from(url)))
    }
}

/// The address of a database.
#[derive(Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) enum StoreUrl {
    /// A file.
    Sqlite(PathBuf),
    /// A server; the URL can hold a password.
    Postgres(Url),
}

/// Why a text is no [`StoreUrl`]. Never quotes it, since it can hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StoreUrlError {
    /// Neither of the two.
    #[error("the store is neither sqlite:PATH nor postgres://user@host/database; write one")]
    Scheme,
    /// Not a file.
    #[error("sqlite: needs the path of a file; write sqlite:upturn.db")]
    File,
    /// A URL in the wrong form.
    #[error("the store's URL is malformed; write postgres://user@host:5432/database")]
    Malformed(#[source] url::ParseError),
    /// A server without a database.
    #[error("the store's URL names no {0}; write postgres://user@host:5432/database")]
    Lacks(&'static str),
}

impl StoreUrl {
    /// Returns the file, if the store is one.
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => Some(path),
            Self::Postgres(_) => None,
        }
    }

    /// Returns whether a password stands in the URL.
    pub(crate) fn has_password(&self) -> bool {
        match self {
            Self::Sqlite(_) => false,
            Self::Postgres(url) => {
                url.password().is_some() || url.query_pairs().any(|(key, _)| key == "password")
            }
        }
    }
}

impl TryFrom<String> for StoreUrl {
    type Error = StoreUrlError;

    fn try_from(text: String) -> Result<Self, StoreUrlError> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() || path == ":memory:" || path.contains(['?', '\0']) {
                return Err(StoreUrlError::File);
            }
            return Ok(Self::Sqlite(path.into()));
        }
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(StoreUrlError::Scheme);
        }
        let url = Url::parse(&text).map_err(StoreUrlError::Malformed)?;
        if url.host_str().is_none_or(str::is_empty) {
            return Err(StoreUrlError::Lacks("host"));
        }
        if url.path().trim_matches('/').is_empty() {
            return Err(StoreUrlError::Lacks("database"));
        }
        Ok(Self::Postgres(url))
    }
}

impl From<StoreUrl> for String {
    fn from(url: StoreUrl) -> Self {
        url.to_string()
    }
}

/// Shows the URL with its password masked.
impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = match self {
            Self::Sqlite(path) => return write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => url,
        };
        let mut masked = url.clone();
        if masked.password().is_some() && masked.set_password(Some(MASK)).is_err() {
            return f.write_str(MASK);
        }
        if url.query().is_some() {
            let mask = |(key, value): (std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)| {
                let value = if key == "password" { MASK.to_owned() } else { value.into_owned() };
                (key.into_owned(), value)
            };
            masked.query_pairs_mut().clear().extend_pairs(url.query_pairs().map(mask));
        }
        f.write_str(masked.as_str())
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<StoreUrl, StoreUrlError> {
        StoreUrl::try_from(text.to_owned())
    }

    #[test]
    fn shows_an_address_without_its_password() {
        let cases = [
            ("sqlite:upturn.db", "sqlite:upturn.db"),
            ("sqlite:///var/lib/upturn/upturn.db", "sqlite:/var/lib/upturn/upturn.db"),
            ("postgres://u@h/d", "postgres://u@h/d"),
            ("postgres://u:geheim@h:5433/d", "postgres://u:***@h:5433/d"),
            ("postgresql://u@h/d?password=geheim&a=b", "postgresql://u@h/d?password=***&a=b"),
        ];
        for (text, expected) in cases {
            let url = parse(text).unwrap();
            assert_eq!(url.to_string(), expected, "case: {text}");
            assert_eq!(format!("{url:?}"), expected, "case: {text}");
            assert_eq!(url.has_password(), text.contains("geheim"), "case: {text}");
        }
    }

    #[test]
    fn refuses_what_is_no_address_without_quoting_it() {
        let cases = [
            ("mysql://u:geheim@h/d", "neither"),
            ("upturn.db", "neither"),
            ("sqlite:", "path of a file"),
            ("sqlite::memory:", "path of a file"),
            ("postgres://u:geheim@h", "no database"),
            ("postgres:///d", "no host"),
            ("postgres://u:geheim@h:99999/d", "malformed"),
        ];
        for (text, expected) in cases {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(expected), "case: {text}: {error}");
            assert!(!error.contains("geheim"), "case: {text}: {error}");
        }
    }

    #[test]
    fn puts_the_password_of_the_file_into_the_address_it_connects_with() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        std::fs::write(&path, "p@ss/w:rd\n").unwrap();
        let url = parse("postgres://u@h/d").unwrap();
        let config = StoreConfig { url, password_file: Some(path) };
        let url = config.connection_url().unwrap();
        assert_eq!(url.expose(), "postgres://u:p%40ss%2Fw%3Ard@h/d");
        let config = StoreConfig { url: parse("postgres://u:a@h/d").unwrap(), password_file: None };
        assert_eq!(config.connection_url().unwrap().expose(), "postgres://u:a@h/d");
    }
}
