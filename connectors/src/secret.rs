//! Secrets: read from files of their own, never shown.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// A text that no log, page or error message shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// What stands where a secret would.
pub const MASK: &str = "***";

/// The longest secret, in bytes; longer files are not secrets but mistakes.
const MAX_LEN: u64 = 4_096;

impl Secret {
    /// Reads the secret in the file at `path`, without the line's end that editors append.
    ///
    /// Fails if the file cannot be read, is empty, or is longer than 4,096 bytes.
    pub fn read(path: &Path) -> io::Result<Self> {
        let mut text = String::new();
        File::open(path)?.take(MAX_LEN + 1).read_to_string(&mut text)?;
        let secret = text.strip_suffix('\n').unwrap_or(&text);
        let secret = secret.strip_suffix('\r').unwrap_or(secret);
        if secret.is_empty() || MAX_LEN < u64::try_from(text.len()).unwrap_or(u64::MAX) {
            let why = format!("it has {} bytes, not 1 to {MAX_LEN}", text.len());
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        Ok(Self(secret.to_owned()))
    }

    /// Returns the secret itself, for whoever must send it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns `text`, an answer that may repeat what was sent, without the secret.
    pub fn hide_in(&self, text: &str) -> String {
        if self.0.is_empty() { text.to_owned() } else { text.replace(&self.0, MASK) }
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_file_without_the_end_of_its_line_and_never_shows_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        let cases = [
            ("s3cret", Some("s3cret")),
            ("s3cret\n", Some("s3cret")),
            ("s3cret\r\n", Some("s3cret")),
            (" with blanks \n\n", Some(" with blanks \n")),
            ("\n", None),
            ("", None),
        ];
        for (text, expected) in cases {
            std::fs::write(&path, text).unwrap();
            let secret = Secret::read(&path).ok();
            assert_eq!(secret.as_ref().map(Secret::expose), expected, "case: {text:?}");
        }
        std::fs::write(&path, "s3cret").unwrap();
        assert_eq!(format!("{:?}", Secret::read(&path).unwrap()), "***");
        std::fs::write(&path, "x".repeat(4_097)).unwrap();
        assert!(Secret::read(&path).is_err());
    }
}
