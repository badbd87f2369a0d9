//! A disk that is full, and one that fails.

use std::path::Path;
use std::process::Command;
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;
use upturn_tests::fleet;
use upturn_tests::shared::left_out;
use upturn_tests::site::{Plan, Site};

use crate::load::{self, Kept};

const MESSAGES: usize = 6_000;

static NO_DISK: Once = Once::new();
static NO_TROUBLE: Once = Once::new();

/// A small file system in memory.
#[derive(Debug)]
struct SmallDisk(TempDir);

impl SmallDisk {
    /// Mounts one; `None`, with one line that says so, where that is not allowed.
    fn mount() -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"]).arg(folder.path());
        if mount.output().is_ok_and(|done| done.status.success()) {
            return Some(Self(folder));
        }
        left_out(&NO_DISK, "a full disk; only root may mount a small one");
        None
    }

    /// Uses up what room there is.
    fn fill(&self) {
        let output = std::fs::File::create(self.0.path().join("ballast")).unwrap();
        let mut dd = Command::new("dd");
        dd.args(["if=/dev/zero", "bs=4k"]).stdout(output).stderr(std::process::Stdio::null());
        assert!(!dd.status().unwrap().success(), "dd ends when the disk is full");
    }

    /// Uses up all but `left` bytes.
    fn fill_but(&self, left: u64) {
        self.fill();
        let ballast = std::fs::File::options().write(true).open(self.0.path().join("ballast"));
        let ballast = ballast.unwrap();
        let size = ballast.metadata().unwrap().len();
        ballast.set_len(size.saturating_sub(left)).unwrap();
    }

    fn make_room(&self) {
        std::fs::remove_file(self.0.path().join("ballast")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // The folder may still be in use; then it goes with the last user.
        drop(Command::new("umount").arg("-l").arg(self.0.path()).status());
    }
}

/// Publishes everything; in the middle of it `fault` begins, and `cure` ends it once the program has
/// said `named`.
fn publish_through(site: &Site, named: &str, fault: impl FnOnce(), cure: impl FnOnce()) -> Kept {
    let load = load::messages(MESSAGES);
    let acknowledged = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let publishing = scope.spawn(|| {
            fleet::publish(site.mqtt, &load, 200, |so_far| {
                acknowledged.store(so_far, Ordering::Relaxed);
            });
        });
        while acknowledged.load(Ordering::Relaxed) < MESSAGES / 10 {
            std::thread::yield_now();
        }
        fault();
        site.until_unready_for(named);
        assert!(!publishing.is_finished(), "nothing is acknowledged that cannot be kept");
        cure();
        publishing.join().unwrap();
    });
    site.until_ready();
    load::kept(site, MESSAGES)
}

#[test]
fn a_full_disk_is_named_and_work_goes_on_when_there_is_room() {
    let Some(disk) = SmallDisk::mount() else { return };
    let mut site = Site::start(&Plan { data: Some(disk.0.path().to_owned()), ..load::plan() });
    let kept = publish_through(&site, "storage", || disk.fill(), || disk.make_room());
    assert_eq!(kept, Kept::ALL);
    assert_eq!(site.running().terminate(), Some(0));
}

#[test]
fn the_last_of_a_disk_is_kept_free() {
    let Some(disk) = SmallDisk::mount() else { return };
    let site = Site::start(&Plan { data: Some(disk.0.path().to_owned()), ..load::plan() });
    // Enough for many commits, and less than one part in twenty.
    let fill = || disk.fill_but(900 * 1024);
    let kept = publish_through(&site, "are kept free", fill, || disk.make_room());
    assert_eq!(kept, Kept::ALL);
}

/// Makes calls of the system fail in a program that is started with [`Trouble::environment`].
#[derive(Debug)]
struct Trouble(TempDir);

impl Trouble {
    /// Returns one; `None`, with one line that says so, where libfiu is not installed.
    fn find() -> Option<Self> {
        let library = Path::new("/usr/lib/fiu/fiu_posix_preload.so");
        if library.exists() && Path::new("/usr/bin/fiu-ctrl").exists() {
            return Some(Self(TempDir::new().unwrap()));
        }
        left_out(&NO_TROUBLE, "a failing disk; install fiu-utils");
        None
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        let libraries = "/usr/lib/fiu/fiu_run_preload.so /usr/lib/fiu/fiu_posix_preload.so";
        let pipe = self.0.path().join("ctrl").display().to_string();
        vec![("LD_PRELOAD", libraries.to_owned()), ("FIU_CTRL_FIFO", pipe)]
    }

    fn tell(&self, process: u32, command: &str) {
        let mut control = Command::new("/usr/bin/fiu-ctrl");
        control.arg("-f").arg(self.0.path().join("ctrl")).args(["-c", command]);
        let told = control.arg(process.to_string()).output().unwrap();
        assert!(told.status.success(), "{told:?}");
    }
}

#[test]
fn a_disk_that_fails_to_sync_is_never_trusted() {
    let Some(trouble) = Trouble::find() else { return };
    let mut site = Site::start(&Plan { environment: trouble.environment(), ..load::plan() });
    let process = site.running().id();
    // 5 is EIO.
    let fail = || {
        for call in ["fsync", "fdatasync"] {
            let name = format!("enable name=posix/io/sync/{call},failinfo=5");
            trouble.tell(process, &name);
        }
    };
    let stop = || {
        for call in ["fsync", "fdatasync"] {
            trouble.tell(process, &format!("disable name=posix/io/sync/{call}"));
        }
    };
    assert_eq!(publish_through(&site, "database", fail, stop), Kept::ALL);
    // What was acknowledged is on the disk, not only in memory that says so.
    site.kill();
    site.start_again();
    assert_eq!(load::kept(&site, MESSAGES), Kept::ALL);
}
