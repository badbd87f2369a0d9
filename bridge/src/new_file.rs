//! A file that is there whole or not at all, and never in the place of another.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// Bytes that are written at once.
const BUFFER: usize = 1 << 20;

/// A file that gets its name when it is finished; dropped before, it leaves nothing behind.
///
/// Nobody but its owner may read it.
#[derive(Debug)]
pub(crate) struct NewFile {
    out: BufWriter<NamedTempFile>,
    path: PathBuf,
}

impl NewFile {
    /// Begins the file that will be at `path`.
    pub(crate) fn begin(path: &Path) -> io::Result<Self> {
        if path.exists() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let file = NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
        Ok(Self { out: BufWriter::with_capacity(BUFFER, file), path: path.to_owned() })
    }

    /// Makes it last, and gives it its name.
    pub(crate) fn finish(self) -> io::Result<()> {
        let file = self.out.into_inner()?;
        file.as_file().sync_all()?;
        let folder = file.path().parent().map(Path::to_owned);
        file.persist_noclobber(&self.path)?;
        // The name is on the disk when the folder is.
        folder.map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
