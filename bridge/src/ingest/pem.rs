//! Certificates and keys from PEM files.

use std::path::Path;
use std::path::PathBuf;

use rustls::RootCertStore;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};

/// Why a file does not give what it should hold.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PemError {
    /// A file that is not what it should be.
    #[error("{} does not hold {what} in PEM form that can be read", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
        /// Why not.
        source: pem::Error,
    },
    /// An authority that is none.
    #[error("{} holds a certificate that can sign nothing; name an authority's", path.display())]
    Authority {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: rustls::Error,
    },
}

/// Returns the certificates in a file, at least one.
pub(crate) fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, PemError> {
    let fail =
        |source| PemError::Unreadable { path: path.to_owned(), what: "certificates", source };
    let found = CertificateDer::pem_file_iter(path).map_err(fail)?;
    let found = found.collect::<Result<Vec<_>, _>>().map_err(fail)?;
    if found.is_empty() { Err(fail(pem::Error::NoItemsFound)) } else { Ok(found) }
}

/// Returns the private key in a file.
pub(crate) fn key(path: &Path) -> Result<PrivateKeyDer<'static>, PemError> {
    PrivateKeyDer::from_pem_file(path).map_err(|source| PemError::Unreadable {
        path: path.to_owned(),
        what: "a private key",
        source,
    })
}

/// Returns the lists of revoked certificates in a file, at least one.
pub(crate) fn revoked(path: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, PemError> {
    let fail = |source| PemError::Unreadable {
        path: path.to_owned(),
        what: "a list of revoked certificates",
        source,
    };
    let found = CertificateRevocationListDer::pem_file_iter(path).map_err(fail)?;
    let found = found.collect::<Result<Vec<_>, _>>().map_err(fail)?;
    if found.is_empty() { Err(fail(pem::Error::NoItemsFound)) } else { Ok(found) }
}

/// Returns the authorities in a file, at least one.
pub(crate) fn roots(path: &Path) -> Result<RootCertStore, PemError> {
    let mut roots = RootCertStore::empty();
    for certificate in chain(path)? {
        let fail = |source| PemError::Authority { path: path.to_owned(), source };
        roots.add(certificate).map_err(fail)?;
    }
    Ok(roots)
}
