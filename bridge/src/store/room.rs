//! The room left on the disk that a SQLite file is on, and what of it is never used up.

use std::io;
use std::path::Path;

use rustix::fs::statvfs;

pub(crate) const MIB: u64 = 1024 * 1024;
/// What is never used up, so that the database can still be closed, read and mended by hand.
const RESERVE: u64 = 64 * MIB;
/// The share of a small disk, in percent, that is enough of a reserve.
const RESERVE_SHARE: u64 = 5;

/// The room on a disk, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    /// What is left for us.
    pub(crate) free: u64,
    /// What there is in all.
    pub(crate) size: u64,
}

impl Room {
    /// Asks the system about the disk that `folder` is on.
    pub(crate) fn at(folder: &Path) -> io::Result<Self> {
        let disk = statvfs(folder)?;
        Ok(Self {
            free: disk.f_bavail.saturating_mul(disk.f_frsize),
            size: disk.f_blocks.saturating_mul(disk.f_frsize),
        })
    }

    /// Returns what is kept free: 64 MiB, of a small disk 5 %.
    pub(crate) fn reserve(self) -> u64 {
        RESERVE.min(self.size / 100 * RESERVE_SHARE)
    }
}
