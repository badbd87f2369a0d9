//! Where a database is: read from its URL, and shown without its password.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use sqlx::postgres::PgConnectOptions;

use super::error::StoreError;

/// Where a database is.
#[derive(Clone)]
pub(super) enum Address {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL database.
    Postgres(Box<PgConnectOptions>),
}

impl Address {
    /// Reads `sqlite:PATH`, `sqlite://PATH` or `postgres://…`.
    pub(super) fn parse(url: &str) -> Result<Self, StoreError> {
        if let Some(rest) = url.strip_prefix("sqlite:") {
            let path = rest.strip_prefix("//").unwrap_or(rest);
            return match path {
                "" => Err(StoreError::Address("names no file")),
                ":memory:" => Err(StoreError::Address("names memory, which forgets")),
                path => Ok(Self::Sqlite(Path::new(path).to_owned())),
            };
        }
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(StoreError::Address("names neither SQLite nor PostgreSQL"));
        }
        // The parser's own message may quote the URL, and with it the password.
        let options = PgConnectOptions::from_str(url)
            .map_err(|_| StoreError::Address("is not understood"))?;
        Ok(Self::Postgres(Box::new(options)))
    }
}

/// Shows the address as a URL without its password.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(options) => f.write_str(&shown(options)),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Returns `options` as a URL without its password.
pub(super) fn shown(options: &PgConnectOptions) -> String {
    let user = options.get_username();
    let database = options.get_database().unwrap_or(user);
    match options.get_socket() {
        Some(folder) => format!("postgres://{user}@{}/{database}", folder.display()),
        None => {
            format!("postgres://{user}@{}:{}/{database}", options.get_host(), options.get_port())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_where_a_database_is_but_never_a_password() {
        let cases = [
            ("sqlite:upturn.db", "sqlite:upturn.db"),
            ("sqlite://data/upturn.db", "sqlite:data/upturn.db"),
            ("sqlite:///var/lib/upturn.db", "sqlite:/var/lib/upturn.db"),
            ("postgres://u:s3cret@db.example:5433/plant", "postgres://u@db.example:5433/plant"),
            ("postgresql://u:s3cret@db.example/plant", "postgres://u@db.example:5432/plant"),
            ("postgres:///plant?host=/run/pg&user=u&password=s3cret", "postgres://u@/run/pg/plant"),
        ];
        for (url, expected) in cases {
            let address = Address::parse(url).unwrap();
            assert_eq!(address.to_string(), expected, "case: {url}");
            assert_eq!(format!("{address:?}"), expected, "case: {url}");
        }
    }

    #[test]
    fn says_what_is_wrong_with_an_address() {
        let form = "use sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE";
        let cases = [
            ("", "store url names neither SQLite nor PostgreSQL"),
            ("mysql://db", "store url names neither SQLite nor PostgreSQL"),
            ("sqlite:", "store url names no file"),
            ("sqlite::memory:", "store url names memory, which forgets"),
            ("postgres://u:s3cret@db:port/plant", "store url is not understood"),
        ];
        for (url, expected) in cases {
            let error = Address::parse(url).unwrap_err();
            assert_eq!(error.to_string(), format!("{expected}; {form}"), "case: {url}");
            assert!(!format!("{error:?}").contains("s3cret"), "case: {url}");
        }
    }
}
