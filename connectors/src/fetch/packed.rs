//! Answers that came packed, unpacked with bounds.

use std::io::Read;

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use super::error::FetchError;
use crate::http::header::{CONTENT_ENCODING, HeaderMap};

/// How many times larger than it came a document may be.
const RATIO_MAX: usize = 100;
/// What a small document may unpack to whatever the ratio, in bytes.
const SMALL: usize = 1 << 16;

/// Why a body cannot be had.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Broken(String),
    Bomb(usize),
}

impl Fault {
    pub(super) fn at(self, address: &str) -> FetchError {
        let address = address.to_owned();
        match self {
            Self::Broken(why) => FetchError::Packed { address, why },
            Self::Bomb(max) => FetchError::Bomb { address, max },
        }
    }
}

/// Returns `body` unpacked as `headers` say it is packed; at most `size_max` bytes, and at most 100
/// times what came.
pub(super) fn unpack(headers: &HeaderMap, body: &[u8], size_max: usize) -> Result<Vec<u8>, Fault> {
    let mut codings = headers.get_all(CONTENT_ENCODING).iter();
    let coding = match (codings.next(), codings.next()) {
        (None, _) => "",
        (Some(coding), None) => coding.to_str().unwrap_or("?"),
        (Some(_), Some(_)) => "several",
    };
    match &*coding.trim().to_ascii_lowercase() {
        "" | "identity" => Ok(body.to_vec()),
        "gzip" | "x-gzip" => bounded(MultiGzDecoder::new(body), body.len(), size_max),
        "deflate" if is_zlib(body) => bounded(ZlibDecoder::new(body), body.len(), size_max),
        // Some servers leave out the frame.
        "deflate" => bounded(DeflateDecoder::new(body), body.len(), size_max),
        _ => Err(Fault::Broken("it is packed in a way nobody asked for".to_owned())),
    }
}

/// Tells whether `body` begins with a zlib header, RFC 1950.
fn is_zlib(body: &[u8]) -> bool {
    match body {
        [method, flags, ..] => {
            method & 0x0f == 8 && u16::from_be_bytes([*method, *flags]).is_multiple_of(31)
        }
        _ => false,
    }
}

fn bounded(packed: impl Read, len: usize, size_max: usize) -> Result<Vec<u8>, Fault> {
    let max = size_max.min(len.saturating_mul(RATIO_MAX).max(SMALL));
    let mut unpacked = Vec::new();
    // One byte too many tells.
    packed
        .take(u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1))
        .read_to_end(&mut unpacked)
        .map_err(|error| Fault::Broken(error.to_string()))?;
    if max < unpacked.len() { Err(Fault::Bomb(max)) } else { Ok(unpacked) }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    #[test]
    fn what_is_packed_is_unpacked_within_bounds() {
        let text = b"Date,USD\n2026-01-20,1.0853\n".repeat(20);
        let gzip = |bytes: &[u8]| {
            let mut packed = GzEncoder::new(Vec::new(), Compression::best());
            packed.write_all(bytes).unwrap();
            packed.finish().unwrap()
        };
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
        zlib.write_all(&text).unwrap();
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::best());
        raw.write_all(&text).unwrap();
        let cases = [
            ("", text.clone(), "whole"),
            ("gzip", gzip(&text), "whole"),
            ("X-GZIP", gzip(&text), "whole"),
            ("deflate", zlib.finish().unwrap(), "whole"),
            ("deflate", raw.finish().unwrap(), "whole"),
            ("gzip", gzip(&text)[..40].to_vec(), "broken"),
            ("gzip", text.clone(), "broken"),
            ("br", text.clone(), "broken"),
            ("gzip, gzip", gzip(&text), "broken"),
            // 10 MB of nothing in 10 kB.
            ("gzip", gzip(&vec![0; 10 << 20]), "bomb"),
            ("gzip", gzip(&text.repeat(400)), "bomb"),
        ];
        for (coding, body, expected) in cases {
            let mut headers = HeaderMap::new();
            if !coding.is_empty() {
                headers.insert(CONTENT_ENCODING, coding.parse().unwrap());
            }
            let found = match unpack(&headers, &body, 100_000) {
                Ok(unpacked) if unpacked == text => "whole",
                Ok(_) => "something else",
                Err(Fault::Broken(_)) => "broken",
                Err(Fault::Bomb(_)) => "bomb",
            };
            assert_eq!(found, expected, "case: {coding}, {} bytes", body.len());
        }
    }
}
