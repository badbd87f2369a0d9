//! Where a system is and how one is let in, as settings say it.

use std::fmt;
use std::path::Path;

use url::Url;

use super::kind::{self, SettingsError};
use crate::http::Http;
use crate::http::header::HeaderValue;
use crate::secret::{MASK, Secret};

/// An address that lets whoever knows it in, and is therefore not shown.
#[derive(Clone)]
pub struct SecretAddress(Url);

impl SecretAddress {
    /// Returns the address itself, for whoever must call it.
    pub fn expose(&self) -> &Url {
        &self.0
    }
}

impl From<Url> for SecretAddress {
    fn from(url: Url) -> Self {
        Self(url)
    }
}

impl fmt::Debug for SecretAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// Returns the address in the file that the setting `name` holds, as [`kind::address`] would.
pub fn secret_address(
    name: &str,
    path: &Path,
    http: &Http,
) -> Result<SecretAddress, SettingsError> {
    kind::address(http, name, secret(name, path)?.expose()).map(SecretAddress)
}

/// Returns the secret in the file that the setting `name` holds.
pub fn secret(name: &str, path: &Path) -> Result<Secret, SettingsError> {
    Secret::read(path).map_err(|error| {
        SettingsError(format!("'{name}': {} cannot be read: {error}", path.display()))
    })
}

/// Returns the header value `scheme` and `token`, marked as a secret.
pub fn authorization(
    name: &str,
    scheme: &str,
    token: &Secret,
) -> Result<HeaderValue, SettingsError> {
    let mut value =
        HeaderValue::from_str(&format!("{scheme} {}", token.expose())).map_err(|_unsaid| {
            SettingsError(format!("'{name}': the file holds characters that no token has"))
        })?;
    value.set_sensitive(true);
    Ok(value)
}

/// Returns `base` with `segments` behind its path, each escaped.
pub fn below(base: &Url, segments: &[&str]) -> Url {
    let mut url = base.clone();
    // An address of http or https always has a path.
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::guard::Allowed;

    #[test]
    fn an_address_is_taken_if_what_is_sent_stays_private() {
        let http = Http::new(Allowed::new(["erp.internal", "fd00::1"].map(str::to_owned))).unwrap();
        let cases = [
            ("https://api.example.com/x", Ok("https://api.example.com/x")),
            ("http://erp.internal:8069", Ok("http://erp.internal:8069/")),
            ("http://[fd00::1]:8069/", Ok("http://[fd00::1]:8069/")),
            ("http://[fd00::2]/key-S3CR3T", Err("not a public address")),
            ("http://api.example.com/key-S3CR3T", Err("use https://")),
            ("https://10.0.0.1/key-S3CR3T", Err("not a public address")),
            ("ftp://api.example.com/key-S3CR3T", Err("only http:// and https://")),
            ("https://user:S3CR3T@api.example.com/", Err("without a name or password")),
            ("S3CR3T", Err("relative URL")),
        ];
        for (text, expected) in cases {
            match (kind::address(&http, "url", text), expected) {
                (Ok(url), Ok(expected)) => assert_eq!(url.as_str(), expected, "case: {text}"),
                (Err(error), Err(expected)) => {
                    assert!(error.0.contains(expected), "case: {text}: {error}");
                    assert!(!error.0.contains("S3CR3T"), "case: {text}: {error}");
                }
                (got, _) => panic!("case: {text}: {got:?}"),
            }
        }
    }

    #[test]
    fn segments_cannot_leave_their_place() {
        let base = Url::parse("https://a.example/app/").unwrap();
        let url = below(&base, &["v1", "../x?y#z", "a b"]);
        assert_eq!(url.as_str(), "https://a.example/app/v1/..%2Fx%3Fy%23z/a%20b");
    }
}
