//! The check of the disk that the database file is on.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use rustix::fs::{Access, access};

use super::{Check, Outcome};
use crate::store::room::{MIB, Room};

/// Below this share of the disk, in percent, a person should look, unless there is much all the
/// same.
const FREE_SHARE_MIN: u64 = 5;
/// Much.
const FREE_GOOD: u64 = 10 * 1024 * MIB;

/// Whether the database can be written and grow.
#[derive(Clone, Debug)]
pub(super) struct DiskCheck {
    /// The database file, which need not be there.
    pub(super) file: PathBuf,
}

#[async_trait]
impl Check for DiskCheck {
    fn name(&self) -> &'static str {
        "disk"
    }

    async fn run(&self) -> Outcome {
        let folder = match self.file.parent() {
            Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
            Some(folder) => folder,
            None => Path::new("/"),
        };
        let place = folder.display();
        // SQLite makes its log beside the file, so the folder must be writable as well.
        let is_writable = access(folder, Access::WRITE_OK | Access::EXEC_OK).and_then(|()| {
            if self.file.exists() { access(&self.file, Access::WRITE_OK) } else { Ok(()) }
        });
        if let Err(error) = is_writable {
            let found = format!("{} cannot be written: {error}", self.file.display());
            let advice = format!("make the folder {place} and give it to the user Upturn runs as");
            return Outcome::fail(found, advice);
        }
        match Room::at(folder) {
            Ok(room) => judge(room),
            Err(error) => {
                let found = format!("the free space of {place} is not known: {error}");
                Outcome::warn(found, "look at it with df")
            }
        }
    }
}

fn judge(room: Room) -> Outcome {
    let Room { free, size } = room;
    let found = format!("{} MiB free of {} MiB", free / MIB, size / MIB);
    let advice = "make room, or move the database with store.url";
    // Below this, nothing is acknowledged any more.
    if free < room.reserve() || size == 0 {
        return Outcome::fail(found, advice);
    }
    let is_small_share = free < size / 100 * FREE_SHARE_MIN;
    if is_small_share && free < FREE_GOOD {
        return Outcome::warn(found, advice);
    }
    Outcome::ok(found)
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn little_room_is_a_warning_and_hardly_any_a_failure() {
        let cases = [
            ("plenty", 500 * MIB, 1_000 * MIB, Verdict::Ok),
            ("a small share", 400 * MIB, 10_000 * MIB, Verdict::Warn),
            ("a small share of a large disk", 20_000 * MIB, 1_000_000 * MIB, Verdict::Ok),
            ("hardly any", 63 * MIB, 10_000 * MIB, Verdict::Fail),
            ("enough for a small disk", 6 * MIB, 100 * MIB, Verdict::Ok),
            ("hardly any of a small disk", 4 * MIB, 100 * MIB, Verdict::Fail),
            ("no disk at all", 0, 0, Verdict::Fail),
        ];
        for (name, free, size, expected) in cases {
            assert_eq!(judge(Room { free, size }).verdict, expected, "case: {name}");
        }
    }

    #[tokio::test]
    async fn a_folder_that_is_missing_fails() {
        let folder = tempfile::tempdir().unwrap();
        let check = DiskCheck { file: folder.path().join("gone/upturn.db") };
        let outcome = check.run().await;
        assert_eq!(outcome.verdict, Verdict::Fail, "{outcome:?}");
        let check = DiskCheck { file: folder.path().join("upturn.db") };
        assert_ne!(check.run().await.found, outcome.found);
    }
}
