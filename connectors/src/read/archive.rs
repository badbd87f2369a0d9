//! Archives: a file in a zip, with bounds on what it unpacks to.

use std::io::{self, Cursor, Read as _};

use zip::ZipArchive;
use zip::result::ZipError;

use super::ReadError;

/// How much a file may unpack to, in bytes.
const UNPACKED_MAX: u64 = 64 << 20;
/// How many times larger than the archive it may be.
const RATIO_MAX: u64 = 100;

/// Tells whether `bytes` begin as a zip archive does.
pub fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
}

/// Returns what the only file in the zip archive `bytes` unpacks to.
pub fn only_file(bytes: &[u8]) -> Result<Vec<u8>, ReadError> {
    let mut archive = open(bytes)?;
    if archive.len() != 1 {
        let count = archive.len();
        return Err(ReadError::whole(format!("the archive has {count} files instead of one")));
    }
    unpacked(archive.by_index(0).map_err(broken)?, bytes)
}

/// Returns what the file `name` in the zip archive `bytes` unpacks to; none if there is no such file.
pub fn file(bytes: &[u8], name: &str) -> Result<Option<Vec<u8>>, ReadError> {
    let mut archive = open(bytes)?;
    let Some(index) = archive.index_for_name(name) else { return Ok(None) };
    unpacked(archive.by_index(index).map_err(broken)?, bytes).map(Some)
}

fn open(bytes: &[u8]) -> Result<ZipArchive<Cursor<&[u8]>>, ReadError> {
    ZipArchive::new(Cursor::new(bytes)).map_err(broken)
}

#[expect(clippy::needless_pass_by_value, reason = "it is the error of a Result that is mapped")]
fn broken(error: ZipError) -> ReadError {
    ReadError::broken(format!("it is no whole zip archive: {error}"))
}

fn unpacked(file: impl io::Read, archive: &[u8]) -> Result<Vec<u8>, ReadError> {
    let packed = u64::try_from(archive.len()).unwrap_or(u64::MAX);
    let max = UNPACKED_MAX.min(packed.saturating_mul(RATIO_MAX));
    let mut unpacked = Vec::new();
    // The size an archive states is not believed; one byte too many is.
    file.take(max + 1)
        .read_to_end(&mut unpacked)
        .map_err(|error| ReadError::broken(format!("the archive cannot be unpacked: {error}")))?;
    if max < u64::try_from(unpacked.len()).unwrap_or(u64::MAX) {
        return Err(ReadError::excess(format!("the archive unpacks to more than {max} bytes")));
    }
    Ok(unpacked)
}
