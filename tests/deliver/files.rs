//! A file system, also a full one.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Once;

use serde_json::json;
use tempfile::TempDir;
use upturn_tests::shared::left_out;

use super::{channel, files_in, is_later, letter, now};

static SAID: Once = Once::new();

/// A small file system of its own, which needs root.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=64k", "none"]).arg(folder.path());
        if mount.output().is_ok_and(|done| done.status.success()) {
            return Some(Self(folder));
        }
        left_out(&SAID, "a full disk; mounting a small one needs root");
        None
    }

    fn path(&self) -> PathBuf {
        self.0.path().to_owned()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg(self.0.path()).status());
    }
}

#[tokio::test]
async fn a_full_disk_is_said_and_what_was_there_stays_whole() {
    let Some(disk) = SmallDisk::mount() else { return };
    for files in ["each", "daily"] {
        let csv = channel("csv", &json!({"folder": disk.path(), "files": files}));
        csv.send(&letter("task-created", "t1", "a"), now()).await.unwrap();
        let kept = files_in(&disk.path(), ".csv");
        let before: Vec<_> = kept.iter().map(|path| std::fs::read(path).unwrap()).collect();
        let filler = disk.path().join("filler");
        // Until nothing fits any more.
        assert!(std::fs::write(&filler, vec![0; 1 << 20]).is_err());
        let failure = csv.send(&letter("task-created", "t2", "a"), now()).await.unwrap_err();
        assert!(is_later(&failure) && failure.to_string().contains("disk is full"), "{failure}");
        let after: Vec<_> = kept.iter().map(|path| std::fs::read(path).unwrap()).collect();
        assert_eq!(before, after, "case: {files}");
        assert_eq!(files_in(&disk.path(), "").len(), kept.len() + 1, "nothing half is left");
        std::fs::remove_file(filler).unwrap();
        csv.send(&letter("task-created", "t2", "a"), now()).await.unwrap();
    }
}
