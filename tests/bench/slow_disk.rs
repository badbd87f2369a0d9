//! A disk whose flushes take long, as on machines where others write as well.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::figures::Failure;

/// How long a commit takes at least on such a disk.
pub(super) const COMMIT: Duration = Duration::from_millis(10);

/// The library that slows a program's flushes down.
#[derive(Debug)]
pub(super) struct SlowDisk {
    library: PathBuf,
    _folder: TempDir,
}

impl SlowDisk {
    /// Builds it with the system's C compiler, which building the program needs as well.
    pub(super) fn build() -> Result<Self, Failure> {
        let folder = TempDir::new()?;
        let library = folder.path().join("slow_disk.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/slow_disk.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source);
        let status = compiler.status()?;
        if !status.success() {
            return Err("cc did not build tests/bench/slow_disk.c".into());
        }
        Ok(Self { library, _folder: folder })
    }

    /// Returns the environment of a program whose flushes are to take `commit` longer.
    pub(super) fn environment(&self, commit: Duration) -> Vec<(&'static str, String)> {
        vec![
            ("LD_PRELOAD", self.library.display().to_string()),
            ("SLOW_DISK_US", commit.as_micros().to_string()),
        ]
    }
}
